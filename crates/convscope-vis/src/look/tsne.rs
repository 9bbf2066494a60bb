//! t-SNE: a map that keeps neighbours together and says nothing about what lies far apart.

use super::pca::{checked, pca, trust};
use crate::error::{Result, VisError};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_data::Draw;
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use std::time::Instant;

/// How much neighbours attract each other at first, and for how many steps: van der Maaten's later
/// 12 and 250.
const EXAGGERATION: f64 = 12.0;
const EARLY: usize = 250;
/// The least that a number's own rate falls to.
const LEAST_GAIN: f64 = 0.01;

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

/// t-distributed stochastic neighbour embedding of points `[N, D]` (van der Maaten and Hinton 2008),
/// every pair of points counted: time grows with the square of their number, a few seconds for a
/// thousand. Equal seeds give equal bits, for any number of threads.
///
/// # Errors
/// When there are fewer than 4 points or numbers in each, a setting makes no sense, or a number is
/// NaN or infinite.
pub fn tsne(points: &Array2<f64>, settings: &Tsne) -> Result<Embedding> {
    tsne_watched(points, settings, &mut Watch::quiet())
}

/// [`tsne`] with progress and a budget, in which a step counts as an image; where it is used up, the
/// map is what was had by then, with a flag.
///
/// # Errors
/// As [`tsne`].
pub fn tsne_watched(points: &Array2<f64>, settings: &Tsne, watch: &mut Watch) -> Result<Embedding> {
    let begun = Instant::now();
    checked("t-SNE", points)?;
    let (n, d) = points.dim();
    if !(1..=3).contains(&settings.dimensions) {
        return Err(VisError::invalid(format!(
            "t-SNE: expected a map of 1 to 3 dimensions, got {}",
            settings.dimensions
        )));
    }
    if !(settings.perplexity.is_finite() && settings.perplexity >= 1.0) || settings.iterations == 0
    {
        return Err(VisError::invalid(format!(
            "t-SNE: expected a perplexity of at least 1 and a step, got {} and {}",
            settings.perplexity, settings.iterations
        )));
    }
    let perplexity = settings.perplexity.min((n - 1) as f64 / 3.0);
    let components = settings.components.min(n - 1);
    let reduced = match components > settings.dimensions && components < d {
        true => pca(points, components)?.points,
        false => points.clone(),
    };
    let distances = squared_distances(&reduced);
    let largest = distances.iter().fold(0.0, |most, &v| f64::max(most, v));
    let scale = points.iter().fold(0.0, |most, v| f64::max(most, v.abs()));
    let constant = largest.sqrt() <= 1e-12 * scale;
    let mut flags = Vec::new();
    let mut map = Array2::zeros((n, settings.dimensions));
    if constant {
        flags.push(Flag::Constant);
    } else {
        let affinities = affinities(&(distances / largest), perplexity);
        let mut draw = Draw::new(settings.seed, 0);
        map.mapv_inplace(|_| 1e-4 * f64::from(draw.normal()));
        flags.extend(descend(&mut map, &affinities, settings.iterations, watch));
    }
    let trust = trust(points, &map)?;
    let provenance = Provenance::new("tsne", "van der Maaten and Hinton 2008")
        .seed(settings.seed)
        .setting("perplexity", settings.perplexity)
        .setting("iterations", settings.iterations)
        .setting("components", settings.components)
        .figure("perplexity_used", perplexity)
        .figure("trustworthiness", trust);
    Ok(Embedding {
        points: map,
        trustworthiness: trust,
        flags,
        provenance: provenance.took(begun),
    })
}

/// Of every pair of rows.
fn squared_distances(points: &Array2<f64>) -> Array2<f64> {
    let n = points.nrows();
    let rows: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|i| {
            let from = points.row(i);
            let to = |j| {
                let both = from.iter().zip(points.row(j));
                both.map(|(a, b): (&f64, &f64)| (a - b) * (a - b)).sum()
            };
            (0..n).map(to).collect()
        })
        .collect();
    Array2::from_shape_fn((n, n), |(i, j)| rows[i][j])
}

/// How much each point is a neighbour of each other, symmetric, 1 in all (equations 1 and 2 there).
fn affinities(distances: &Array2<f64>, perplexity: f64) -> Array2<f64> {
    let n = distances.nrows();
    let rows: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|i| conditional(&distances.row(i).to_vec(), i, perplexity.ln()))
        .collect();
    Array2::from_shape_fn((n, n), |(i, j)| {
        (rows[i][j] + rows[j][i]) / (2.0 * n as f64)
    })
}

/// One point's neighbours under a bell whose width gives the wanted entropy, by bisection on the
/// logarithm of its precision.
fn conditional(distances: &[f64], i: usize, wanted: f64) -> Vec<f64> {
    let others = || (0..distances.len()).filter(|&j| j != i);
    let nearest = others().map(|j| distances[j]).fold(f64::INFINITY, f64::min);
    let bell = |precision: f64| {
        let mut p = vec![0.0; distances.len()];
        // From the nearest one: its weight is 1, however narrow the bell.
        others().for_each(|j| p[j] = (-precision * (distances[j] - nearest)).exp());
        let sum: f64 = p.iter().sum();
        let mean = others()
            .map(|j| p[j] * (distances[j] - nearest))
            .sum::<f64>()
            / sum;
        p.iter_mut().for_each(|p| *p /= sum);
        (p, sum.ln() + precision * mean)
    };
    let (mut low, mut high) = (-30.0_f64, 60.0_f64);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        match bell(middle.exp()).1 > wanted {
            true => low = middle,
            false => high = middle,
        }
    }
    bell(((low + high) / 2.0).exp()).0
}

/// Moves the points down the gradient of the Kullback-Leibler divergence (equation 5 there), each
/// number at a rate of its own (Jacobs 1988) and with momentum.
fn descend(
    map: &mut Array2<f64>,
    affinities: &Array2<f64>,
    iterations: usize,
    watch: &mut Watch,
) -> Option<Flag> {
    let n = map.nrows();
    // As scikit-learn's "auto" (Belkina et al. 2019): few points take smaller steps.
    let rate = (n as f64 / EXAGGERATION / 4.0).max(50.0);
    let mut moved = Array2::<f64>::zeros(map.raw_dim());
    let mut gains = Array2::<f64>::ones(map.raw_dim());
    watch.begin(iterations);
    for step in 0..iterations {
        if watch.allows(1) == 0 {
            let done = step as f64 / iterations as f64;
            return Some(Flag::Unfinished { done });
        }
        let early = step < EARLY.min(iterations / 2);
        let slope = slope(map, affinities, if early { EXAGGERATION } else { 1.0 });
        let momentum = if early { 0.5 } else { 0.8 };
        let all = moved.iter_mut().zip(&mut gains).zip(&slope);
        for ((moved, gain), &slope) in all {
            let turned = (slope > 0.0) == (*moved > 0.0);
            *gain = if turned { *gain * 0.8 } else { *gain + 0.2 };
            *gain = gain.max(LEAST_GAIN);
            *moved = momentum * *moved - rate * *gain * slope;
        }
        *map += &moved;
        *map -= &map.mean_axis(Axis(0)).expect("points");
        watch.step(1);
    }
    watch.finish();
    None
}

/// The gradient at each point.
fn slope(map: &Array2<f64>, affinities: &Array2<f64>, exaggeration: f64) -> Array2<f64> {
    let (n, width) = map.dim();
    let at = map.as_slice().expect("in C order");
    let near = |i: usize, j: usize| -> f64 {
        let (a, b) = (&at[i * width..][..width], &at[j * width..][..width]);
        let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        1.0 / (1.0 + squares)
    };
    // Attraction and repulsion of a row apart: the latter waits for the sum over all rows.
    let rows: Vec<(f64, [f64; 3], [f64; 3])> = (0..n)
        .into_par_iter()
        .map(|i| {
            let row = affinities.row(i);
            let p = row.as_slice().expect("in C order");
            let (mut sum, mut pull, mut push) = (0.0, [0.0; 3], [0.0; 3]);
            for j in (0..n).filter(|&j| j != i) {
                let q = near(i, j);
                sum += q;
                for k in 0..width {
                    let apart = at[i * width + k] - at[j * width + k];
                    pull[k] += p[j] * q * apart;
                    push[k] += q * q * apart;
                }
            }
            (sum, pull, push)
        })
        .collect();
    let total: f64 = rows.iter().map(|row| row.0).sum();
    Array2::from_shape_fn((n, width), |(i, k)| {
        4.0 * (exaggeration * rows[i].1[k] - rows[i].2[k] / total)
    })
}
