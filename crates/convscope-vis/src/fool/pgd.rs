//! Many small steps within a ball.

use super::bounds::{Bounds, Units};
use super::differentiable::DifferentiableScorer;
use super::fgsm::{not_negative, sign_of};
use super::fooled::{Fooled, Outcome, zero_flags};
use super::loss::{FoolingLoss, Goal, logits, loss_gradient};
use crate::error::Result;
use crate::images::dimensions;
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_data::Draw;
use convscope_nn::Tensor;
use ndarray::{ArrayViewMutD, Axis};
use serde::Serialize;
use std::time::Instant;

/// How far apart two images are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// The largest difference of a number.
    #[default]
    Inf,
    /// The length of the difference.
    Two,
}

/// Settings of projected gradient descent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pgd {
    /// The images stay this near to the given ones, in [`Units`] and by [`norm`](Pgd::norm).
    pub radius: f32,
    /// How far one step goes. A quarter of the radius unless set: ten of them can cross the ball
    /// and come back (Madry et al. take 2.5 radii for all steps together).
    pub step: f32,
    /// How many steps. 10 unless set.
    pub iterations: usize,
    /// The largest change of a number unless set.
    pub norm: Norm,
    /// Whether to start at a random place of the ball, as Madry et al. do, or at the image itself.
    /// The image itself unless set.
    pub random_start: bool,
    /// Seeds the random start.
    pub seed: u64,
    /// What the images are to be taken for.
    pub goal: Goal,
    /// The loss. Cross-entropy unless set.
    pub loss: FoolingLoss,
    /// What radius and step are counted in. The way from black to white is 1 unless set.
    pub units: Units,
    /// What is black and white: every step ends between them.
    pub bounds: Bounds,
}

impl Pgd {
    /// Untargeted, by cross-entropy, 10 steps of a quarter of the radius.
    pub fn new(radius: f32, bounds: Bounds) -> Pgd {
        Pgd {
            radius,
            step: radius / 4.0,
            iterations: 10,
            norm: Norm::default(),
            random_start: false,
            seed: 0,
            goal: Goal::default(),
            loss: FoolingLoss::default(),
            units: Units::default(),
            bounds,
        }
    }

    /// With steps of this size.
    pub fn step(mut self, step: f32) -> Pgd {
        self.step = step;
        self
    }

    /// With so many steps.
    pub fn iterations(mut self, iterations: usize) -> Pgd {
        self.iterations = iterations;
        self
    }

    /// In a ball of this norm.
    pub fn norm(mut self, norm: Norm) -> Pgd {
        self.norm = norm;
        self
    }

    /// From a random place of the ball.
    pub fn random_start(mut self, seed: u64) -> Pgd {
        self.random_start = true;
        self.seed = seed;
        self
    }

    /// With a goal.
    pub fn goal(mut self, goal: Goal) -> Pgd {
        self.goal = goal;
        self
    }

    /// With a loss.
    pub fn loss(mut self, loss: FoolingLoss) -> Pgd {
        self.loss = loss;
        self
    }

    /// With sizes counted in these units.
    pub fn units(mut self, units: Units) -> Pgd {
        self.units = units;
        self
    }
}

/// Projected gradient descent (Madry et al. 2018, equation 1; in the infinity norm it is the basic
/// iterative method of Kurakin, Goodfellow and Bengio 2017): steps along the gradient's sign (in the
/// 2-norm along the gradient), each followed by the way back into the ball and into the bounds. The
/// last images are returned.
///
/// # Errors
/// When the images do not fit, a size is not a number of at least 0, or there is no such class.
pub fn pgd(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    settings: &Pgd,
) -> Result<Fooled> {
    pgd_watched(model, images, settings, &mut Watch::quiet())
}

/// [`pgd`] with progress and a budget: where it is used up, the images are what was had by then,
/// with a flag.
///
/// # Errors
/// As [`pgd`].
pub fn pgd_watched(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    settings: &Pgd,
    watch: &mut Watch,
) -> Result<Fooled> {
    let begun = Instant::now();
    let [n, ..] = dimensions(images)?;
    not_negative("the radius", settings.radius)?;
    not_negative("the step", settings.step)?;
    let before = logits(model, images)?;
    let classes = settings.goal.classes(&before)?;
    let scale = settings.bounds.scale(settings.units, images)?;
    let mut moved = match settings.random_start {
        true => start(images, &scale, settings)?,
        false => images.clone(),
    };
    let mut flags = vec![Vec::new(); n];
    watch.begin(n * settings.iterations);
    for i in 0..settings.iterations {
        if watch.allows(n) < n {
            let done = i as f64 / settings.iterations as f64;
            flags
                .iter_mut()
                .for_each(|f| f.push(Flag::Unfinished { done }));
            break;
        }
        let (_, gradient) = loss_gradient(model, &moved, &classes, settings.loss, true)?;
        if i == 0 {
            flags = zero_flags(&gradient);
        }
        step(&mut moved, &gradient, &scale, settings);
        project(&mut moved, images, &scale, settings);
        moved = settings.bounds.clip(&moved)?;
        watch.step(n);
    }
    watch.finish();
    let after = logits(model, &moved)?;
    let mut provenance = Provenance::new("pgd", "Madry et al. 2018")
        .setting("radius", settings.radius)
        .setting("step", settings.step)
        .setting("iterations", settings.iterations)
        .setting("norm", serde_json::json!(settings.norm))
        .setting("random_start", settings.random_start)
        .setting("loss", serde_json::json!(settings.loss));
    if settings.random_start {
        provenance = provenance.seed(settings.seed);
    }
    let outcome = Outcome {
        given: images,
        images: moved,
        goal: &settings.goal,
        classes: &classes,
        before,
        after,
        flags,
        bounds: &settings.bounds,
        units: settings.units,
    };
    outcome.told(provenance.took(begun))
}

/// One step, on the pixel scale.
fn step(moved: &mut Tensor, gradient: &Tensor, scale: &Tensor, settings: &Pgd) {
    let length = settings.step * settings.goal.sign();
    for (mut image, g) in moved.outer_iter_mut().zip(gradient.outer_iter()) {
        let g = &g * scale;
        let direction = match settings.norm {
            Norm::Inf => g.mapv(sign_of),
            Norm::Two => {
                let norm = length_of(g.iter());
                g.mapv(|v| if norm > 0.0 { v / norm } else { 0.0 })
            }
        };
        image += &(direction * length * scale);
    }
}

/// Back into the ball around the given images.
fn project(moved: &mut Tensor, given: &Tensor, scale: &Tensor, settings: &Pgd) {
    let radius = settings.radius;
    for (mut image, given) in moved.outer_iter_mut().zip(given.outer_iter()) {
        let mut change = (&image - &given) / scale;
        into_ball(change.view_mut(), radius, settings.norm);
        image.assign(&(&given + &(change * scale)));
    }
}

fn into_ball(mut change: ArrayViewMutD<'_, f32>, radius: f32, norm: Norm) {
    match norm {
        Norm::Inf => change.mapv_inplace(|v| v.clamp(-radius, radius)),
        Norm::Two => {
            let length = length_of(change.iter());
            if length > radius {
                change.mapv_inplace(|v| v * (radius / length));
            }
        }
    }
}

/// A random place of the ball around each image, by a stream of its own.
fn start(images: &Tensor, scale: &Tensor, settings: &Pgd) -> Result<Tensor> {
    let mut moved = images.clone();
    for (i, mut image) in moved.axis_iter_mut(Axis(0)).enumerate() {
        let mut draw = Draw::new(settings.seed, i as u64);
        let radius = settings.radius;
        let mut change = match settings.norm {
            Norm::Inf => scale.mapv(|_| draw.range(-radius, radius)),
            Norm::Two => scale.mapv(|_| draw.normal()),
        };
        if settings.norm == Norm::Two {
            // Evenly over the ball: a radius grows with the root of as many dimensions.
            let share = draw.unit().powf(1.0 / change.len() as f32);
            let length = length_of(change.iter()).max(f32::MIN_POSITIVE);
            change.mapv_inplace(|v| v * (radius * share / length));
        }
        image += &(change * scale);
    }
    settings.bounds.clip(&moved)
}

/// The length of a vector.
pub(crate) fn length_of<'a>(values: impl Iterator<Item = &'a f32>) -> f32 {
    let squares: f64 = values.map(|&v| f64::from(v) * f64::from(v)).sum();
    squares.sqrt() as f32
}
