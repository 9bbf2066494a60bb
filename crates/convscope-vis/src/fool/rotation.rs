//! Turning an image towards the gradient.

use super::bounds::{Bounds, Units};
use super::differentiable::DifferentiableScorer;
use super::fooled::{Fooled, Outcome, zero_flags};
use super::loss::{FoolingLoss, Goal, logits, loss_gradient};
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::map::Flag;
use crate::provenance::Provenance;
use convscope_nn::Tensor;
use std::time::Instant;

/// Settings of the rotation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rotation {
    /// By how many degrees the image is turned, from 0 to 90.
    pub degrees: f32,
    /// What the images are to be taken for.
    pub goal: Goal,
    /// The loss. Cross-entropy unless set.
    pub loss: FoolingLoss,
    /// What is black and white, for the distances that are told and for [`clip`](Rotation::clip).
    pub bounds: Bounds,
    /// Whether the result is kept within the bounds, which shortens it: no unless set.
    pub clip: bool,
}

impl Rotation {
    /// Untargeted, by cross-entropy, not clipped.
    pub fn new(degrees: f32, bounds: Bounds) -> Rotation {
        Rotation {
            degrees,
            goal: Goal::default(),
            loss: FoolingLoss::default(),
            bounds,
            clip: false,
        }
    }

    /// With a goal.
    pub fn goal(mut self, goal: Goal) -> Rotation {
        self.goal = goal;
        self
    }

    /// Kept within the bounds or not.
    pub fn clip(mut self, clip: bool) -> Rotation {
        self.clip = clip;
        self
    }
}

/// Turns images `[N, C, H, W]`, as vectors, by an angle towards the gradient of the loss, and keeps
/// their length (Goodfellow, Shlens and Szegedy 2015, section 4, name it beside the sign method):
/// `cos(angle) x + sin(angle) |x| g`, with `g` the direction of the part of the gradient at right
/// angles to `x`. Vectors are those that the network reads: where the mean is taken off first, from
/// the mean image on. An image of zeros, or whose gradient points along it, stays as it is, with a
/// flag.
///
/// # Errors
/// When the images do not fit, the angle lies outside 0 to 90, or there is no such class.
pub fn rotate_towards_gradient(
    model: &(impl DifferentiableScorer + ?Sized),
    images: &Tensor,
    settings: &Rotation,
) -> Result<Fooled> {
    let begun = Instant::now();
    dimensions(images)?;
    if !(0.0..=90.0).contains(&settings.degrees) {
        return Err(VisError::invalid(format!(
            "the angle: expected 0 to 90 degrees, got {}",
            settings.degrees
        )));
    }
    let before = logits(model, images)?;
    let classes = settings.goal.classes(&before)?;
    let (_, gradient) = loss_gradient(model, images, &classes, settings.loss, true)?;
    let mut flags = zero_flags(&gradient);
    let sign = f64::from(settings.goal.sign());
    let (sin, cos) = f64::from(settings.degrees).to_radians().sin_cos();
    let mut moved = images.clone();
    let rows = moved.outer_iter_mut().zip(gradient.outer_iter());
    for ((mut x, g), flags) in rows.zip(&mut flags) {
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            let both = x.iter().zip(g.iter());
            both.map(|(&x, &g)| f(f64::from(x), f64::from(g))).sum()
        };
        let (xx, xg, gg) = (sum(&|x, _| x * x), sum(&|x, g| x * g), sum(&|_, g| g * g));
        let along = if xx > 0.0 { xg / xx } else { 0.0 };
        let across = (gg - along * xg).max(0.0).sqrt();
        if xx == 0.0 || across <= 1e-6 * gg.sqrt() {
            if flags.is_empty() {
                flags.push(Flag::ZeroGradient);
            }
            continue;
        }
        let factor = sign * sin * xx.sqrt() / across;
        x.zip_mut_with(&g, |x, &g| {
            let at = f64::from(*x);
            *x = (cos * at + factor * (f64::from(g) - along * at)) as f32;
        });
    }
    if settings.clip {
        moved = settings.bounds.clip(&moved)?;
    }
    let after = logits(model, &moved)?;
    let provenance = Provenance::new("rotation", "Goodfellow, Shlens and Szegedy 2015, section 4")
        .setting("degrees", settings.degrees)
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
        units: Units::Pixels,
    };
    outcome.told(provenance.took(begun))
}
