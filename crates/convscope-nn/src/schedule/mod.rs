//! Schedules: what the learning rate is multiplied by as training goes on.
//!
//! A schedule is a function of time and, for those that listen to training, of an explicit state;
//! so a run that is resumed goes on at the rate it stopped at. Time is counted in epochs with
//! their fraction, steps taken over steps per epoch: a schedule of 20 epochs means the same for
//! any batch size, and changes with every step. For stairs, as where PyTorch's schedulers are
//! stepped once per epoch, wrap it in [`PerEpoch`].
//!
//! ```
//! use convscope_nn::schedule::{Cosine, PerEpoch, Schedule, WarmUp};
//! // Two epochs up, eighteen down to nothing.
//! let schedule = WarmUp::new(2.0, Cosine::new(18.0)).starting_at(0.1);
//! let (state, steps_per_epoch) = (schedule.start(), 50);
//! let factor = |step: u64| schedule.factor(step as f64 / f64::from(steps_per_epoch), &state);
//! assert_eq!((factor(0), factor(100)), (0.1, 1.0));
//! assert!((factor(550) - 0.5).abs() < 1e-12);
//! let stairs = PerEpoch(Cosine::new(18.0));
//! assert_eq!(stairs.factor(3.98, &state), stairs.factor(3.0, &state));
//! ```

mod cycle;
mod decay;
mod find;
mod plateau;

pub use cycle::{OneCycle, WarmUp};
pub use decay::{Cosine, Exponential, StepDecay};
pub use find::{RateSearch, RateSweep, find_learning_rate};
pub use plateau::ReduceOnPlateau;

use crate::error::{NnError, Result};
use std::fmt::Debug;

/// What a schedule remembers of training: to be kept in a checkpoint. The numbers may be infinite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleState {
    /// In an order that the schedule knows; none for a schedule of time alone.
    pub numbers: Vec<f64>,
}

impl ScheduleState {
    /// Whether this state, read from a file perhaps, can stand in for `fresh`, which
    /// [`Schedule::start`] made.
    ///
    /// # Errors
    /// When it holds more or fewer numbers.
    pub fn check_like(&self, fresh: &ScheduleState) -> Result<()> {
        if self.numbers.len() == fresh.numbers.len() {
            return Ok(());
        }
        Err(NnError::Invalid(format!(
            "the schedule's state: expected {} numbers, got {}",
            fresh.numbers.len(),
            self.numbers.len()
        )))
    }
}

/// A rule for the learning rate over time.
pub trait Schedule: Debug + Send + Sync {
    /// Its name and settings, e.g. `"cosine over 20 epochs"`.
    fn describe(&self) -> String;

    /// Whether its settings make sense; training asks before it begins.
    ///
    /// # Errors
    /// Names the setting, what it must be and what it is.
    fn check(&self) -> Result<()>;

    /// What it remembers before training.
    fn start(&self) -> ScheduleState {
        ScheduleState::default()
    }

    /// What the optimizer's learning rate is multiplied by for the step that begins at `time`, in
    /// epochs from 0.
    ///
    /// # Panics
    /// When `state` is another schedule's.
    fn factor(&self, time: f64, state: &ScheduleState) -> f64;

    /// Hears the measure of an epoch that is over, smaller for better: the loss on the validation
    /// set.
    ///
    /// # Panics
    /// When `state` is another schedule's.
    fn observe(&self, _measure: f64, _state: &mut ScheduleState) {}
}

/// The optimizer's learning rate throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Constant;

impl Schedule for Constant {
    fn describe(&self) -> String {
        "constant".into()
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn factor(&self, _time: f64, _state: &ScheduleState) -> f64 {
        1.0
    }
}

/// Another schedule in stairs: during an epoch the factor stays what it was at its beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerEpoch<S>(pub S);

impl<S: Schedule> Schedule for PerEpoch<S> {
    fn describe(&self) -> String {
        format!("{}, once per epoch", self.0.describe())
    }

    fn check(&self) -> Result<()> {
        self.0.check()
    }

    fn start(&self) -> ScheduleState {
        self.0.start()
    }

    fn factor(&self, time: f64, state: &ScheduleState) -> f64 {
        self.0.factor(time.floor(), state)
    }

    fn observe(&self, measure: f64, state: &mut ScheduleState) {
        self.0.observe(measure, state);
    }
}

fn demand(holds: bool, name: &str, what: &str, value: f64) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(NnError::Invalid(format!(
        "the {name} must be {what}, got {value}"
    )))
}

fn length(name: &str, epochs: f64) -> Result<()> {
    let holds = epochs.is_finite() && epochs > 0.0;
    demand(holds, name, "a positive number of epochs", epochs)
}

/// A factor that is part of the optimizer's rate.
fn share(name: &str, value: f64) -> Result<()> {
    let holds = (0.0..=1.0).contains(&value);
    demand(holds, name, "between 0 and 1", value)
}

/// Halfway round a cosine from `a` (at 0) to `b` (at 1 and after).
fn swing(a: f64, b: f64, at: f64) -> f64 {
    b + (a - b) * 0.5 * (1.0 + (std::f64::consts::PI * at.clamp(0.0, 1.0)).cos())
}
