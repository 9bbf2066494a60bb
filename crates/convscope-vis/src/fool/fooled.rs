//! What became of images that were changed to fool a network.

use super::bounds::{Bounds, Units};
use super::loss::{Goal, answers};
use crate::error::Result;
use crate::map::Flag;
use crate::provenance::Provenance;
use convscope_nn::{Tensor, softmax};
use ndarray::Axis;
use serde::Serialize;

/// What a network takes an image for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The class.
    pub class: usize,
    /// Its probability.
    pub confidence: f32,
}

/// How far an image was moved; see [`Units`] for the scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Distance {
    /// The largest change of a number.
    pub linf: f32,
    /// The length of the change.
    pub l2: f32,
    /// The root of the mean square, which is Szegedy et al.'s "distortion".
    pub rms: f32,
}

/// Changed images, and what the network says about them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fooled {
    /// The changed images `[N, C, H, W]`, in the network's units.
    pub images: Tensor,
    /// What was added to the given ones.
    pub perturbation: Tensor,
    /// How much that is.
    pub distance: Vec<Distance>,
    /// What the network took each image for.
    pub before: Vec<Verdict>,
    /// What it takes it for now.
    pub after: Vec<Verdict>,
    /// Whether the goal is reached. (Away from a label, it may have been before.)
    pub fooled: Vec<bool>,
    /// What is to be known about each image; mostly nothing.
    pub flags: Vec<Vec<Flag>>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

impl Fooled {
    /// The share of the images whose goal is reached.
    pub fn success(&self) -> f64 {
        let hits = self.fooled.iter().filter(|&&f| f).count();
        hits as f64 / self.fooled.len() as f64
    }
}

/// What an attack has when it is done.
pub(crate) struct Outcome<'a> {
    pub(crate) given: &'a Tensor,
    pub(crate) images: Tensor,
    pub(crate) goal: &'a Goal,
    pub(crate) classes: &'a [usize],
    pub(crate) before: Tensor,
    pub(crate) after: Tensor,
    pub(crate) flags: Vec<Vec<Flag>>,
    pub(crate) bounds: &'a Bounds,
    pub(crate) units: Units,
}

impl Outcome<'_> {
    pub(crate) fn told(self, provenance: Provenance) -> Result<Fooled> {
        let perturbation = &self.images - self.given;
        let scale = self.bounds.scale(self.units, self.given)?;
        let distance: Vec<_> = perturbation
            .outer_iter()
            .map(|change| distance(&(&change / &scale)))
            .collect();
        let after = verdicts(&self.after)?;
        let met = after.iter().zip(self.classes);
        let fooled: Vec<bool> = met.map(|(v, &k)| self.goal.met(k, v.class)).collect();
        let mean = |of: fn(&Distance) -> f32| {
            let sum: f64 = distance.iter().map(|d| f64::from(of(d))).sum();
            sum / distance.len() as f64
        };
        let hits = fooled.iter().filter(|&&f| f).count();
        let provenance = provenance
            .target(self.goal.in_words())
            .setting("units", serde_json::json!(self.units))
            .figure("success", hits as f64 / fooled.len() as f64)
            .figure("mean_linf", mean(|d| d.linf))
            .figure("mean_l2", mean(|d| d.l2));
        Ok(Fooled {
            perturbation,
            distance,
            before: verdicts(&self.before)?,
            after,
            fooled,
            flags: self.flags,
            images: self.images,
            provenance,
        })
    }
}

/// The sizes of a change of one image.
pub(crate) fn distance(change: &Tensor) -> Distance {
    let linf = change.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    let squares: f64 = change.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    Distance {
        linf,
        l2: squares.sqrt() as f32,
        rms: (squares / change.len() as f64).sqrt() as f32,
    }
}

/// The most probable class of each row of logits.
pub(crate) fn verdicts(logits: &Tensor) -> Result<Vec<Verdict>> {
    let p = softmax(logits)?;
    let rows = answers(logits).into_iter().zip(p.axis_iter(Axis(0)));
    Ok(rows
        .map(|(class, p)| Verdict {
            class,
            confidence: p[class],
        })
        .collect())
}

/// Flags the images whose gradient is zero everywhere: no step leads anywhere.
pub(crate) fn zero_flags(gradients: &Tensor) -> Vec<Vec<Flag>> {
    let flag = |row: ndarray::ArrayViewD<'_, f32>| match row.iter().all(|&g| g == 0.0) {
        true => vec![Flag::ZeroGradient],
        false => Vec::new(),
    };
    gradients.outer_iter().map(flag).collect()
}
