//! Images of nothing that a network is sure about, by following the gradient.

use super::bounds::{Bounds, Units};
use super::differentiable::DifferentiableScorer;
use super::fgsm::not_negative;
use super::loss::{FoolingLoss, Goal, logits, loss_gradient, parts};
use super::pgd::length_of;
use crate::error::{Result, VisError};
use crate::images::part;
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_data::Draw;
use convscope_nn::{Tensor, softmax};
use ndarray::{Axis, IxDyn};
use std::time::Instant;

/// Settings of the ascent to a wanted probability.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoolingAscent {
    /// The probability at which an image is done. 0.9999 unless set, as in the paper.
    pub confidence: f32,
    /// The most steps. 200 unless set.
    pub iterations: usize,
    /// The root mean square of a step, in shares of the way from black to white. 1/255 unless set:
    /// one step of an 8-bit picture.
    pub step: f32,
    /// The standard deviation of the noise that is added to the start, in the same shares. 0.05
    /// unless set: enough that two classes do not begin alike.
    pub noise: f32,
    /// The start `[C, H, W]`, in the network's units: the mean image. Zeros unless set, which is
    /// the mean wherever the mean is taken off before the first layer.
    pub start: Option<Tensor>,
    /// Seeds the noise.
    pub seed: u64,
    /// What is black and white: every step ends between them.
    pub bounds: Bounds,
}

impl FoolingAscent {
    /// From the mean image and a little noise to 99.99 %.
    pub fn new(bounds: Bounds) -> FoolingAscent {
        FoolingAscent {
            confidence: 0.9999,
            iterations: 200,
            step: 1.0 / 255.0,
            noise: 0.05,
            start: None,
            seed: 0,
            bounds,
        }
    }

    /// To this probability.
    pub fn confidence(mut self, confidence: f32) -> FoolingAscent {
        self.confidence = confidence;
        self
    }

    /// With at most so many steps.
    pub fn iterations(mut self, iterations: usize) -> FoolingAscent {
        self.iterations = iterations;
        self
    }

    /// With steps of this size.
    pub fn step(mut self, step: f32) -> FoolingAscent {
        self.step = step;
        self
    }

    /// With this much noise at the start.
    pub fn noise(mut self, noise: f32) -> FoolingAscent {
        self.noise = noise;
        self
    }

    /// From this image `[C, H, W]`.
    pub fn start(mut self, start: Tensor) -> FoolingAscent {
        self.start = Some(start);
        self
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> FoolingAscent {
        self.seed = seed;
        self
    }
}

/// Images that a network is sure about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoolingImages {
    /// `[N, C, H, W]`, one for each class asked for.
    pub images: Tensor,
    /// The classes.
    pub classes: Vec<usize>,
    /// The probability of each image's class.
    pub confidence: Vec<f32>,
    /// The probability after each number of steps (0: the start), for each image until it is done.
    pub curves: Vec<Vec<f32>>,
    /// Flagged is what did not get there.
    pub flags: Vec<Vec<Flag>>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// For each class an image that the network takes for it with a wanted probability, and in which
/// nobody sees it: gradient ascent from the mean image and a little noise (Nguyen, Yosinski and
/// Clune 2015, section 2.4). `shape` is that of one image, `[C, H, W]`. Each step goes along the
/// gradient of the logarithm of the probability, scaled to [`FoolingAscent::step`].
///
/// # Errors
/// When the shape does not fit, there is no such class, or a setting makes no sense.
pub fn fooling_images(
    model: &(impl DifferentiableScorer + ?Sized),
    shape: [usize; 3],
    classes: &[usize],
    settings: &FoolingAscent,
) -> Result<FoolingImages> {
    fooling_images_watched(model, shape, classes, settings, &mut Watch::quiet())
}

/// [`fooling_images`] with progress and a budget.
///
/// # Errors
/// As [`fooling_images`].
pub fn fooling_images_watched(
    model: &(impl DifferentiableScorer + ?Sized),
    shape: [usize; 3],
    classes: &[usize],
    settings: &FoolingAscent,
    watch: &mut Watch,
) -> Result<FoolingImages> {
    let begun = Instant::now();
    not_negative("the step", settings.step)?;
    not_negative("the noise", settings.noise)?;
    if !(settings.confidence > 0.0 && settings.confidence < 1.0) || classes.is_empty() {
        return Err(VisError::invalid(format!(
            "fooling images: expected at least one class and a probability between 0 and 1, got \
             {} and {}",
            classes.len(),
            settings.confidence
        )));
    }
    let n = classes.len();
    let images = starts(shape, n, settings)?;
    let first = logits(model, &part(&images, 0, 1))?;
    for &class in classes {
        Goal::towards(class).classes(&first)?;
    }
    let mut climb = Climb {
        scale: settings.bounds.scale(Units::Pixels, &images)?,
        images,
        classes,
        curves: vec![Vec::new(); n],
        flags: vec![Vec::new(); n],
        settings,
    };
    watch.begin(n * (settings.iterations + 1));
    // A part at a time, each to its end: memory does not grow with the classes.
    for (from, to) in parts(&climb.images) {
        climb.part(model, (from..to).collect(), watch)?;
    }
    let Climb {
        images,
        curves,
        flags,
        ..
    } = climb;
    watch.finish();
    let last = |curve: &Vec<f32>| curve.last().copied().unwrap_or(0.0);
    let confidence: Vec<f32> = curves.iter().map(last).collect();
    let there = confidence
        .iter()
        .filter(|&&p| p >= settings.confidence)
        .count();
    let provenance = Provenance::new("fooling_images", "Nguyen, Yosinski and Clune 2015")
        .target(Goal::Towards(classes.to_vec()).in_words())
        .seed(settings.seed)
        .setting("confidence", settings.confidence)
        .setting("iterations", settings.iterations)
        .setting("step", settings.step)
        .setting("noise", settings.noise)
        .figure("reached", there)
        .figure("evaluations", watch.passes().done);
    Ok(FoolingImages {
        images,
        classes: classes.to_vec(),
        confidence,
        curves,
        flags,
        provenance: provenance.took(begun),
    })
}

/// The starts: one image and noise of a stream of its own for each class.
fn starts(shape: [usize; 3], n: usize, settings: &FoolingAscent) -> Result<Tensor> {
    let zeros = Tensor::zeros(IxDyn(&shape));
    let start = settings.start.as_ref().unwrap_or(&zeros);
    if start.shape() != shape {
        let expected = format!("{shape:?}, as the network reads it");
        return Err(VisError::shape("the start", expected, start.shape()));
    }
    let mut images = Tensor::zeros(IxDyn(&[n, shape[0], shape[1], shape[2]]));
    let scale = settings.bounds.scale(Units::Pixels, &images)?;
    for (i, mut image) in images.axis_iter_mut(Axis(0)).enumerate() {
        let mut draw = Draw::new(settings.seed, i as u64);
        image.assign(start);
        image += &scale.mapv(|s| s * settings.noise * draw.normal());
    }
    settings.bounds.clip(&images)
}

/// All images on their way.
struct Climb<'a> {
    images: Tensor,
    classes: &'a [usize],
    curves: Vec<Vec<f32>>,
    flags: Vec<Vec<Flag>>,
    scale: Tensor,
    settings: &'a FoolingAscent,
}

impl Climb<'_> {
    /// Some of the images to their ends; those that are sure leave the batch.
    fn part(
        &mut self,
        model: &(impl DifferentiableScorer + ?Sized),
        mut active: Vec<usize>,
        watch: &mut Watch,
    ) -> Result<()> {
        let most = self.settings.iterations;
        for i in 0..=most {
            if watch.allows(active.len()) < active.len() {
                let done = i as f64 / most.max(1) as f64;
                for at in active {
                    self.flags[at].push(Flag::Unfinished { done });
                }
                return Ok(());
            }
            let now = self.images.select(Axis(0), &active);
            let wanted: Vec<usize> = active.iter().map(|&at| self.classes[at]).collect();
            let (logits, gradient) =
                loss_gradient(model, &now, &wanted, FoolingLoss::CrossEntropy, true)?;
            watch.step(active.len());
            let p = softmax(&logits)?;
            let mut left = Vec::new();
            for (row, &at) in active.iter().enumerate() {
                let p = p[[row, wanted[row]]];
                self.curves[at].push(p);
                if p >= self.settings.confidence {
                    continue;
                }
                let slope = &gradient.index_axis(Axis(0), row) * &self.scale;
                if i == most {
                    self.flags[at].push(Flag::NotReached);
                } else if self.step(at, &slope)? {
                    left.push(at);
                } else {
                    self.flags[at].extend([Flag::ZeroGradient, Flag::NotReached]);
                }
            }
            active = left;
            if active.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// One step down the loss's gradient on the pixel scale; false where it is flat.
    fn step(&mut self, at: usize, slope: &Tensor) -> Result<bool> {
        let rms = length_of(slope.iter()) / (slope.len() as f32).sqrt();
        if rms == 0.0 {
            return Ok(false);
        }
        let step = slope * (self.settings.step / rms) * &self.scale;
        let moved = &self.images.index_axis(Axis(0), at) - &step;
        let moved = self.settings.bounds.clip(&moved.insert_axis(Axis(0)))?;
        let mut image = self.images.index_axis_mut(Axis(0), at);
        image.assign(&moved.index_axis(Axis(0), 0));
        Ok(true)
    }
}
