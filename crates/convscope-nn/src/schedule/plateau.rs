//! The schedule that listens: a smaller rate when training gets no further.

use super::{Schedule, ScheduleState, demand, share};
use crate::error::Result;

/// Multiplies the rate by `factor` when the measure it hears after every epoch has not fallen for
/// more than `patience` epochs: by hand the schedule of AlexNet and VGG, and PyTorch's
/// `ReduceLROnPlateau`, whose defaults these are.
///
/// The measure is a loss, or an error of 1 minus the accuracy: it must be positive, since better
/// means under `best * (1 - threshold)`. A NaN is not better.
///
/// Its state holds four numbers: the factor now, the best measure (infinite at first), the epochs
/// since then, and the epochs of rest that are left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReduceOnPlateau {
    /// What the rate is multiplied by.
    pub factor: f64,
    /// How many epochs without progress are borne.
    pub patience: u64,
    /// The part of the best measure by which a better one must be under it.
    pub threshold: f64,
    /// The epochs after a reduction in which nothing is counted.
    pub cooldown: u64,
    /// The smallest factor.
    pub floor: f64,
}

impl Default for ReduceOnPlateau {
    fn default() -> ReduceOnPlateau {
        ReduceOnPlateau {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            cooldown: 0,
            floor: 0.0,
        }
    }
}

impl ReduceOnPlateau {
    /// The default settings with this patience.
    pub fn new(patience: u64) -> ReduceOnPlateau {
        ReduceOnPlateau {
            patience,
            ..ReduceOnPlateau::default()
        }
    }
}

impl Schedule for ReduceOnPlateau {
    fn describe(&self) -> String {
        format!(
            "times {} after {} epochs without progress",
            self.factor, self.patience
        )
    }

    fn check(&self) -> Result<()> {
        let below_one = (0.0..1.0).contains(&self.factor);
        demand(
            below_one,
            "plateau's factor",
            "at least 0 and under 1",
            self.factor,
        )?;
        share("plateau's threshold", self.threshold)?;
        share("plateau's smallest factor", self.floor)
    }

    fn start(&self) -> ScheduleState {
        ScheduleState {
            numbers: vec![1.0, f64::INFINITY, 0.0, 0.0],
        }
    }

    fn factor(&self, _time: f64, state: &ScheduleState) -> f64 {
        state.numbers[0]
    }

    fn observe(&self, measure: f64, state: &mut ScheduleState) {
        let [factor, best, waited, rest] = state.numbers.as_mut_slice() else {
            panic!("expected a state of 4 numbers from this schedule's `start`");
        };
        if measure < *best * (1.0 - self.threshold) {
            *best = measure;
            *waited = 0.0;
        } else {
            *waited += 1.0;
        }
        if *rest > 0.0 {
            *rest -= 1.0;
            *waited = 0.0;
        }
        if *waited > self.patience as f64 {
            *factor = (*factor * self.factor).max(self.floor);
            *rest = self.cooldown as f64;
            *waited = 0.0;
        }
    }
}
