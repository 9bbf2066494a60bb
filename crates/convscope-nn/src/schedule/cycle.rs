//! Schedules that begin by rising: warm-up and one cycle.

use super::{Schedule, ScheduleState, length, share, swing};
use crate::error::Result;

/// A straight line from a part of the rate up to all of it, then another schedule, whose time
/// begins where the line ends (Goyal et al. 2017, section 2.2, <https://arxiv.org/abs/1706.02677>;
/// PyTorch's `LinearLR` followed by another in a `SequentialLR`).
///
/// It begins at a third of the rate, PyTorch's choice, unless [`WarmUp::starting_at`] says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp<S> {
    /// The epochs of the line.
    pub length: f64,
    /// The factor at the very beginning.
    pub from: f64,
    /// What follows.
    pub then: S,
}

impl<S: Schedule> WarmUp<S> {
    /// So many epochs of warm-up, then `then` ([`Constant`](super::Constant), if nothing else).
    pub fn new(length: f64, then: S) -> WarmUp<S> {
        WarmUp {
            length,
            from: 1.0 / 3.0,
            then,
        }
    }

    /// From this factor.
    pub fn starting_at(mut self, from: f64) -> WarmUp<S> {
        self.from = from;
        self
    }
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn describe(&self) -> String {
        format!(
            "warm-up from {:.3} over {} epochs, then {}",
            self.from,
            self.length,
            self.then.describe()
        )
    }

    fn check(&self) -> Result<()> {
        length("length of the warm-up", self.length)?;
        share("factor at the beginning of the warm-up", self.from)?;
        self.then.check()
    }

    fn start(&self) -> ScheduleState {
        self.then.start()
    }

    fn factor(&self, time: f64, state: &ScheduleState) -> f64 {
        if time < self.length {
            let top = self.then.factor(0.0, state);
            return top * (self.from + (1.0 - self.from) * time / self.length);
        }
        self.then.factor(time - self.length, state)
    }

    fn observe(&self, measure: f64, state: &mut ScheduleState) {
        self.then.observe(measure, state);
    }
}

/// Up and down once: from a small rate along half a cosine to the whole and along another to
/// almost nothing (Smith and Topin 2018, <https://arxiv.org/abs/1708.07120>, with the cosines and
/// defaults of PyTorch's `OneCycleLR`). The optimizer's learning rate is the highest: a rate that
/// would be too large for all of training, near where
/// [`find_learning_rate`](super::find_learning_rate) sees the loss turn up.
///
/// PyTorch reaches the top one step before `rise * length` and the end at the last step; here they
/// are at those times, so the last step is one short of the end. PyTorch also moves the momentum
/// against the rate; here it stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// The epochs of the whole cycle: those of the training.
    pub length: f64,
    /// The share of it that the rate rises; 0.3 unless set.
    pub rise: f64,
    /// The factor at the beginning; 1/25 unless set.
    pub from: f64,
    /// The factor at the end and after; a ten-thousandth of 1/25 unless set.
    pub to: f64,
}

impl OneCycle {
    /// One cycle over so many epochs.
    pub fn new(length: f64) -> OneCycle {
        OneCycle {
            length,
            rise: 0.3,
            from: 1.0 / 25.0,
            to: 1.0 / 25.0e4,
        }
    }
}

impl Schedule for OneCycle {
    fn describe(&self) -> String {
        format!(
            "one cycle over {} epochs, rising for {} of it",
            self.length, self.rise
        )
    }

    fn check(&self) -> Result<()> {
        length("length of the cycle", self.length)?;
        share("share of the cycle that rises", self.rise)?;
        share("factor at the beginning of the cycle", self.from)?;
        share("factor at the end of the cycle", self.to)
    }

    fn factor(&self, time: f64, _state: &ScheduleState) -> f64 {
        let top = self.rise * self.length;
        if time < top {
            swing(self.from, 1.0, time / top)
        } else {
            // A cycle that only rises is over at its top.
            let fall = (self.length - top).max(f64::MIN_POSITIVE);
            swing(1.0, self.to, (time - top) / fall)
        }
    }
}
