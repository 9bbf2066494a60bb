//! t-SNE: a map that keeps neighbours together and says nothing about what lies far apart.

use super::pca::{checked, pca, trust};
use crate::error::{Result, VisError};
use crate::map::Flag;
use crate::provenance::Provenance;
use convscope_data::Draw;
use linfa::traits::Transformer;
use linfa_tsne::TSneParams;
use ndarray::{Array2, Axis};
use std::time::Instant;

/// Settings of t-SNE.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tsne {
    /// Numbers of a place on the map. 2 unless set.
    pub dimensions: usize,
    /// About how many neighbours each point has. 30 unless set; of few points a third of them, and
    /// the provenance says how many it was.
    pub perplexity: f64,
    /// Steps. 1000 unless set, as in the paper.
    pub iterations: usize,
    /// How far off a crowd may be to count as one point, in its own widths (Barnes-Hut). 0.5 unless
    /// set, as its author has it; 0 counts every pair.
    pub theta: f64,
    /// Principal components that longer points are first brought to. 50 unless set: the paper's
    /// 30 and van der Maaten's later 50 spare time and noise. 0 leaves them as they are.
    pub components: usize,
    /// Seeds the start.
    pub seed: u64,
}

impl Tsne {
    /// On a plane, perplexity 30, 1000 steps.
    pub fn new() -> Tsne {
        Tsne {
            dimensions: 2,
            perplexity: 30.0,
            iterations: 1000,
            theta: 0.5,
            components: 50,
            seed: 0,
        }
    }

    /// With so many numbers for a place.
    pub fn dimensions(mut self, dimensions: usize) -> Tsne {
        self.dimensions = dimensions;
        self
    }

    /// With a perplexity.
    pub fn perplexity(mut self, perplexity: f64) -> Tsne {
        self.perplexity = perplexity;
        self
    }

    /// With so many steps.
    pub fn iterations(mut self, iterations: usize) -> Tsne {
        self.iterations = iterations;
        self
    }

    /// With another threshold of Barnes-Hut.
    pub fn theta(mut self, theta: f64) -> Tsne {
        self.theta = theta;
        self
    }

    /// With so many principal components first.
    pub fn components(mut self, components: usize) -> Tsne {
        self.components = components;
        self
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> Tsne {
        self.seed = seed;
        self
    }
}

impl Default for Tsne {
    fn default() -> Tsne {
        Tsne::new()
    }
}

/// A map of points.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Embedding {
    /// `[N, 2]`: where each point lies.
    pub points: Array2<f64>,
    /// How far neighbours on the map are neighbours indeed; see
    /// [`trustworthiness`](crate::trustworthiness), here with 5 neighbours (fewer of few points).
    pub trustworthiness: f64,
    /// Flagged where the points do not differ.
    pub flags: Vec<Flag>,
    /// Where the map comes from.
    pub provenance: Provenance,
}

/// t-distributed stochastic neighbour embedding of points `[N, D]` (van der Maaten and Hinton 2008;
/// Barnes-Hut: van der Maaten 2014), by linfa's, which runs on one thread.
///
/// Equal seeds give equal bits. linfa's own start is fixed; the seed decides in which order the
/// points meet it. Its search for neighbours breaks ties by chance, so points are moved by a
/// billionth of their spread first, which leaves no ties.
///
/// # Errors
/// When there are fewer than 4 points or numbers in each, a setting makes no sense, or a number is
/// NaN or infinite.
pub fn tsne(points: &Array2<f64>, settings: &Tsne) -> Result<Embedding> {
    let begun = Instant::now();
    checked("t-SNE", points)?;
    let (n, d) = points.dim();
    if !(1..=d.min(3)).contains(&settings.dimensions) {
        return Err(VisError::invalid(format!(
            "t-SNE: expected a map of 1 to {} dimensions for points of {d} numbers, got {}",
            d.min(3),
            settings.dimensions
        )));
    }
    if !(settings.perplexity >= 1.0 && settings.theta >= 0.0) || settings.iterations == 0 {
        return Err(VisError::invalid(format!(
            "t-SNE: expected a perplexity of at least 1, a theta of at least 0 and a step, got \
             {}, {} and {}",
            settings.perplexity, settings.theta, settings.iterations
        )));
    }
    let perplexity = settings.perplexity.min((n - 1) as f64 / 3.0);
    let components = settings.components.min(n - 1);
    let reduced = match components > settings.dimensions && components < d {
        true => pca(points, components)?.points,
        false => points.clone(),
    };
    let mean = reduced.mean_axis(Axis(0)).expect("points");
    let mut ready = reduced - &mean;
    let spread = ready.iter().fold(0.0, |most, v| f64::max(most, v.abs()));
    let scale = points.iter().fold(0.0, |most, v| f64::max(most, v.abs()));
    let constant = spread <= 1e-12 * scale;
    let map = match constant {
        true => Array2::zeros((n, settings.dimensions)),
        false => {
            let mut draw = Draw::new(settings.seed, 1);
            ready.mapv_inplace(|v| v / spread + 1e-9 * f64::from(draw.normal()));
            embed(&ready, perplexity, settings)?
        }
    };
    let trust = trust(points, &map)?;
    let provenance = Provenance::new("tsne", "van der Maaten and Hinton 2008")
        .seed(settings.seed)
        .setting("perplexity", settings.perplexity)
        .setting("iterations", settings.iterations)
        .setting("theta", settings.theta)
        .setting("components", settings.components)
        .figure("perplexity_used", perplexity)
        .figure("trustworthiness", trust);
    Ok(Embedding {
        points: map,
        trustworthiness: trust,
        flags: if constant {
            vec![Flag::Constant]
        } else {
            Vec::new()
        },
        provenance: provenance.took(begun),
    })
}

/// The map, by linfa: the points in an order that the seed decides, and back.
fn embed(points: &Array2<f64>, perplexity: f64, settings: &Tsne) -> Result<Array2<f64>> {
    let order = Draw::new(settings.seed, 0).permutation(points.nrows());
    let found = TSneParams::embedding_size(settings.dimensions)
        .perplexity(perplexity)
        .approx_threshold(settings.theta)
        .max_iter(settings.iterations)
        .transform(points.select(Axis(0), &order))
        .map_err(|e| VisError::invalid(format!("t-SNE: {e}")))?;
    let mut map = Array2::zeros(found.raw_dim());
    for (row, &at) in found.rows().into_iter().zip(&order) {
        map.row_mut(at).assign(&row);
    }
    match map.iter().all(|v: &f64| v.is_finite()) {
        true => Ok(map),
        false => Err(VisError::invalid(
            "t-SNE ran away to infinity: try a smaller perplexity",
        )),
    }
}
