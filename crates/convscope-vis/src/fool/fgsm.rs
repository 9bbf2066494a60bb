//! One step along the sign of the gradient.

use super::bounds::{Bounds, Units};
use super::differentiable::DifferentiableScorer;
use super::fooled::{Fooled, Outcome, zero_flags};
use super::loss::{FoolingLoss, Goal, logits, loss_gradient};
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::provenance::Provenance;
use convscope_nn::Tensor;
use std::time::Instant;

/// Settings of the fast gradient sign method.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fgsm {
    /// How far each number moves, in [`Units`].
    pub epsilon: f32,
    /// What the images are to be taken for.
    pub goal: Goal,
    /// The loss. Cross-entropy unless set: the paper's.
    pub loss: FoolingLoss,
    /// What epsilon is counted in. The way from black to white is 1 unless set.
    pub units: Units,
    /// What is black and white.
    pub bounds: Bounds,
    /// Whether the result is kept within the bounds: yes unless set, or it would be no picture.
    pub clip: bool,
}

impl Fgsm {
    /// Untargeted, by cross-entropy, clipped to the bounds.
    pub fn new(epsilon: f32, bounds: Bounds) -> Fgsm {
        Fgsm {
            epsilon,
            goal: Goal::default(),
            loss: FoolingLoss::default(),
            units: Units::default(),
            bounds,
            clip: true,
        }
    }

    /// With a goal.
    pub fn goal(mut self, goal: Goal) -> Fgsm {
        self.goal = goal;
        self
    }

    /// With a loss.
    pub fn loss(mut self, loss: FoolingLoss) -> Fgsm {
        self.loss = loss;
        self
    }

    /// With epsilon counted in these units.
    pub fn units(mut self, units: Units) -> Fgsm {
        self.units = units;
        self
    }

    /// Kept within the bounds or not.
    pub fn clip(mut self, clip: bool) -> Fgsm {
        self.clip = clip;
        self
    }
}

/// The fast gradient sign method (Goodfellow, Shlens and Szegedy 2015, section 4): every number of
/// images `[N, C, H, W]` moves by epsilon, up or down as the loss grows (towards a class: as it
/// shrinks). Where the gradient is exactly zero a number stays.
///
/// # Errors
/// When the images do not fit, epsilon is not a number of at least 0, or there is no such class.
pub fn fgsm(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    settings: &Fgsm,
) -> Result<Fooled> {
    let begun = Instant::now();
    dimensions(images)?;
    not_negative("epsilon", settings.epsilon)?;
    let before = logits(model, images)?;
    let classes = settings.goal.classes(&before)?;
    let (_, gradient) = loss_gradient(model, images, &classes, settings.loss, true)?;
    let flags = zero_flags(&gradient);
    let step = settings.bounds.scale(settings.units, images)? * settings.epsilon;
    let sign = settings.goal.sign();
    let mut moved = images + &(gradient.mapv(|g| sign * sign_of(g)) * &step);
    if settings.clip {
        moved = settings.bounds.clip(&moved)?;
    }
    let after = logits(model, &moved)?;
    let provenance = Provenance::new("fgsm", "Goodfellow, Shlens and Szegedy 2015")
        .setting("epsilon", settings.epsilon)
        .setting("loss", serde_json::json!(settings.loss))
        .setting("clip", settings.clip);
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

/// The sign, 0 at 0 (`signum` says 1 there).
pub(crate) fn sign_of(v: f32) -> f32 {
    match v {
        v if v > 0.0 => 1.0,
        v if v < 0.0 => -1.0,
        _ => 0.0,
    }
}

/// A setting that must be a number of at least 0.
pub(crate) fn not_negative(name: &str, value: f32) -> Result<()> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(VisError::invalid(format!(
            "{name}: expected a number of at least 0, got {value}"
        ))),
    }
}
