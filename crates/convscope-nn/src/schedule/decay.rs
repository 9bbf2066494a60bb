//! Schedules that only fall: in steps, exponentially, along a cosine.

use super::{Schedule, ScheduleState, length, share, swing};
use crate::error::Result;

/// Multiplied by `factor` after every so many epochs (PyTorch's `StepLR`):
/// `factor^floor(time / every)`.
///
/// The factor 0.1 of [`StepDecay::new`] is PyTorch's, and that of AlexNet, VGG and ResNet, which
/// waited for the validation error to stop falling ([`ReduceOnPlateau`](super::ReduceOnPlateau)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepDecay {
    /// The epochs between two steps.
    pub every: f64,
    /// What the rate is multiplied by at each.
    pub factor: f64,
}

impl StepDecay {
    /// A tenth of the rate after every so many epochs.
    pub fn new(every: f64) -> StepDecay {
        StepDecay { every, factor: 0.1 }
    }

    /// With this factor in place of a tenth.
    pub fn factor(mut self, factor: f64) -> StepDecay {
        self.factor = factor;
        self
    }
}

impl Schedule for StepDecay {
    fn describe(&self) -> String {
        format!("times {} every {} epochs", self.factor, self.every)
    }

    fn check(&self) -> Result<()> {
        length("time between two steps", self.every)?;
        share("step's factor", self.factor)
    }

    fn factor(&self, time: f64, _state: &ScheduleState) -> f64 {
        self.factor.powf((time / self.every).floor())
    }
}

/// Multiplied by `gamma` over each epoch, a little at every step: `gamma^time`, which at the
/// beginning of an epoch is PyTorch's `ExponentialLR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// What is left of the rate after an epoch.
    pub gamma: f64,
}

impl Exponential {
    /// With this much of the rate left after an epoch, e.g. 0.95.
    pub fn new(gamma: f64) -> Exponential {
        Exponential { gamma }
    }
}

impl Schedule for Exponential {
    fn describe(&self) -> String {
        format!("times {} per epoch", self.gamma)
    }

    fn check(&self) -> Result<()> {
        share("rate's decay per epoch, gamma,", self.gamma)
    }

    fn factor(&self, time: f64, _state: &ScheduleState) -> f64 {
        self.gamma.powf(time)
    }
}

/// Down half a cosine, slowly at both ends (Loshchilov and Hutter 2017, equation 5, one period,
/// <https://arxiv.org/abs/1608.03983>):
///
/// ```text
/// floor + (1 - floor) (1 + cos(pi time / length)) / 2
/// ```
///
/// After `length` it stays at the floor (PyTorch's `CosineAnnealingLR` would rise again). The
/// floor is 0 unless set, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cosine {
    /// The epochs from the whole rate to the floor.
    pub length: f64,
    /// The factor at the end.
    pub floor: f64,
}

impl Cosine {
    /// To 0 over so many epochs.
    pub fn new(length: f64) -> Cosine {
        Cosine { length, floor: 0.0 }
    }

    /// To this factor in place of 0.
    pub fn floor(mut self, floor: f64) -> Cosine {
        self.floor = floor;
        self
    }
}

impl Schedule for Cosine {
    fn describe(&self) -> String {
        format!("cosine over {} epochs", self.length)
    }

    fn check(&self) -> Result<()> {
        length("length of the cosine", self.length)?;
        share("floor of the cosine", self.floor)
    }

    fn factor(&self, time: f64, _state: &ScheduleState) -> f64 {
        swing(1.0, self.floor, time / self.length)
    }
}
