//! Fooling images by evolution: no gradient, only what the network says.

use super::bounds::Bounds;
use super::genome::{Encoding, Genome};
use crate::error::{Result, VisError};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::scorer::{Scorer, checked_scores};
use crate::watch::Watch;
use convscope_data::Draw;
use convscope_nn::Tensor;
use ndarray::{Array3, Axis, IxDyn};
use rayon::prelude::*;
use std::sync::Arc;
use std::time::Instant;

/// Settings of the evolution.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evolution {
    /// How pictures are written down. CPPNs unless set.
    pub encoding: Encoding,
    /// The most pictures shown to the network. 10,000 unless set: minutes on a small network.
    /// (Nguyen et al. show 2 million for a thousand classes.)
    pub evaluations: usize,
    /// Children in a generation. 64 unless set: a batch that keeps a processor busy.
    pub batch: usize,
    /// The classes of the archive. All unless set.
    pub classes: Option<Vec<usize>>,
    /// The confidence that counts as fooled in the figures. 0.995 unless set: the paper's median.
    pub confidence: f32,
    /// Seeds everything random.
    pub seed: u64,
    /// What is black and white.
    pub bounds: Bounds,
}

impl Evolution {
    /// CPPNs, 10,000 evaluations, all classes.
    pub fn new(bounds: Bounds) -> Evolution {
        Evolution {
            encoding: Encoding::default(),
            evaluations: 10_000,
            batch: 64,
            classes: None,
            confidence: 0.995,
            seed: 0,
            bounds,
        }
    }

    /// With pictures written down so.
    pub fn encoding(mut self, encoding: Encoding) -> Evolution {
        self.encoding = encoding;
        self
    }

    /// With so many pictures shown.
    pub fn evaluations(mut self, evaluations: usize) -> Evolution {
        self.evaluations = evaluations;
        self
    }

    /// With so many children in a generation.
    pub fn batch(mut self, batch: usize) -> Evolution {
        self.batch = batch;
        self
    }

    /// With an archive of these classes alone.
    pub fn classes(mut self, classes: impl Into<Vec<usize>>) -> Evolution {
        self.classes = Some(classes.into());
        self
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> Evolution {
        self.seed = seed;
        self
    }
}

/// The best picture of a class so far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Elite {
    /// The class.
    pub class: usize,
    /// Its probability.
    pub confidence: f32,
    /// The picture `[C, H, W]`, in the network's units.
    pub image: Array3<f32>,
    /// How many pictures had been shown when it came.
    pub evaluation: usize,
}

/// What evolution found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Archive {
    /// The best picture of each class, in the order of the classes; empty when nothing was shown.
    pub elites: Vec<Elite>,
    /// After each generation: pictures shown, and the median confidence of the archive.
    pub curve: Vec<(usize, f32)>,
    /// Unfinished where a budget ended it.
    pub flags: Vec<Flag>,
    /// Where the pictures come from.
    pub provenance: Provenance,
}

/// MAP-Elites over the classes (Mouret and Clune 2015; for fooling Nguyen, Yosinski and Clune 2015,
/// section 2.2): an archive holds the best picture of each class; parents are drawn from it at
/// random, and a child takes the place of every class for which it does better, whatever its
/// parent's class was. `model` gives probabilities ([`Probabilities`](crate::Probabilities) of a
/// network, or any closure); `shape` is that of one image, `[C, H, W]`.
///
/// # Errors
/// When the shape does not fit, there is no such class, or a setting makes no sense.
pub fn evolve(
    model: &(impl Scorer + ?Sized),
    shape: [usize; 3],
    settings: &Evolution,
) -> Result<Archive> {
    evolve_watched(model, shape, settings, &mut Watch::quiet())
}

/// [`evolve`] with progress and a budget; the archive as it was when that was used up.
///
/// # Errors
/// As [`evolve`].
pub fn evolve_watched(
    model: &(impl Scorer + ?Sized),
    shape: [usize; 3],
    settings: &Evolution,
    watch: &mut Watch,
) -> Result<Archive> {
    let begun = Instant::now();
    if settings.batch == 0 || shape.contains(&0) {
        return Err(VisError::invalid(format!(
            "evolution: expected at least one child a generation and one pixel, got {} and {shape:?}",
            settings.batch
        )));
    }
    let mut niches: Vec<Niche> = Vec::new();
    let mut curve = Vec::new();
    let mut shown = 0;
    watch.begin(settings.evaluations);
    for generation in 0.. {
        let wanted = settings.batch.min(settings.evaluations - shown);
        let count = watch.allows(wanted);
        if count == 0 {
            break;
        }
        // A child depends on the seed, its number and the archive alone.
        let children: Vec<(Arc<Genome>, Array3<f32>)> = (shown..shown + count)
            .into_par_iter()
            .map(|number| child(&niches, generation, number, shape, settings))
            .collect();
        let images = batch(children.iter().map(|c| &c.1), shape, &settings.bounds)?;
        let p = checked_scores(model, &images)?;
        if generation == 0 {
            niches = empty(settings, p.shape()[1])?;
        }
        for (row, (genome, _)) in children.iter().enumerate() {
            for niche in &mut niches {
                niche.meet(p[[row, niche.class]], shown + row, genome);
            }
        }
        shown += count;
        curve.push((shown, median(&niches)));
        watch.step(count);
    }
    watch.finish();
    let elites = drawn(niches, shape, settings)?;
    let fooled = elites
        .iter()
        .filter(|e| e.confidence >= settings.confidence);
    let provenance = Provenance::new("evolution", "Nguyen, Yosinski and Clune 2015")
        .seed(settings.seed)
        .setting("encoding", serde_json::json!(settings.encoding))
        .setting("evaluations", settings.evaluations)
        .setting("batch", settings.batch)
        .setting("confidence", settings.confidence)
        .figure("shown", shown)
        .figure("classes_fooled", fooled.count())
        .figure("median_confidence", curve.last().map_or(0.0, |&(_, m)| m));
    let mut flags = Vec::new();
    if shown == 0 || shown < settings.evaluations {
        let done = shown as f64 / settings.evaluations.max(1) as f64;
        flags.push(Flag::Unfinished { done });
    }
    Ok(Archive {
        elites,
        curve,
        flags,
        provenance: provenance.took(begun),
    })
}

/// A class's place in the archive. Pictures are drawn at the end: a genome may be much smaller.
struct Niche {
    class: usize,
    best: Option<Best>,
}

struct Best {
    confidence: f32,
    evaluation: usize,
    genome: Arc<Genome>,
}

impl Niche {
    fn meet(&mut self, confidence: f32, evaluation: usize, genome: &Arc<Genome>) {
        if self
            .best
            .as_ref()
            .is_none_or(|best| confidence > best.confidence)
        {
            self.best = Some(Best {
                confidence,
                evaluation,
                genome: genome.clone(),
            });
        }
    }
}

fn empty(settings: &Evolution, count: usize) -> Result<Vec<Niche>> {
    let classes = match &settings.classes {
        Some(given) => given.clone(),
        None => (0..count).collect(),
    };
    if let Some(&class) = classes.iter().find(|&&k| k >= count) {
        return Err(VisError::UnknownClass {
            class,
            classes: count,
        });
    }
    let niche = |class| Niche { class, best: None };
    Ok(classes.into_iter().map(niche).collect())
}

/// A child of a random elite; of nobody, where there is none yet.
fn child(
    niches: &[Niche],
    generation: usize,
    number: usize,
    shape: [usize; 3],
    settings: &Evolution,
) -> (Arc<Genome>, Array3<f32>) {
    let mut draw = Draw::new(settings.seed, number as u64);
    let parent = match niches.len() {
        0 => None,
        some => niches[draw.below(some)].best.as_ref(),
    };
    let genome = match parent {
        Some(best) => best.genome.mutated(generation, &mut draw),
        None => Genome::random(settings.encoding, shape, &mut draw),
    };
    let picture = genome.picture(shape);
    (Arc::new(genome), picture)
}

/// Pictures from 0 to 1 as the network reads them.
fn batch<'a>(
    pictures: impl ExactSizeIterator<Item = &'a Array3<f32>>,
    [c, h, w]: [usize; 3],
    bounds: &Bounds,
) -> Result<Tensor> {
    let mut images = Tensor::zeros(IxDyn(&[pictures.len(), c, h, w]));
    let [low, high] = bounds.of_image(&images)?;
    if low.iter().chain(&high).any(|v| !v.is_finite()) {
        return Err(VisError::invalid(
            "evolution: expected bounds between which pictures can be drawn, got none",
        ));
    }
    let way = &high - &low;
    for (mut image, picture) in images.outer_iter_mut().zip(pictures) {
        image.assign(&(&low + &(&way * &picture.view().into_dyn())));
    }
    Ok(images)
}

/// The best pictures.
fn drawn(niches: Vec<Niche>, shape: [usize; 3], settings: &Evolution) -> Result<Vec<Elite>> {
    let found = niches
        .into_iter()
        .filter_map(|niche| Some((niche.class, niche.best?)));
    found
        .map(|(class, best)| {
            let picture = best.genome.picture(shape);
            let image = batch(std::iter::once(&picture), shape, &settings.bounds)?;
            let image = image.index_axis_move(Axis(0), 0).into_dimensionality();
            Ok(Elite {
                class,
                confidence: best.confidence,
                image: image.expect("three dimensions"),
                evaluation: best.evaluation,
            })
        })
        .collect()
}

fn median(niches: &[Niche]) -> f32 {
    let best = niches.iter().filter_map(|n| n.best.as_ref());
    let mut all: Vec<f32> = best.map(|b| b.confidence).collect();
    all.sort_by(f32::total_cmp);
    match all.len() {
        0 => 0.0,
        n => (all[(n - 1) / 2] + all[n / 2]) / 2.0,
    }
}
