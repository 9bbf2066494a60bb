//! How training went.

use convscope_progress::duration;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one epoch brought.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean loss over the epoch's batches.
    pub train_loss: f64,
    /// Share of right answers over the epoch's batches.
    pub train_accuracy: f64,
    /// Mean cross-entropy on the validation set after the epoch.
    pub valid_loss: f64,
    /// Share of right answers on the validation set after the epoch.
    pub valid_accuracy: f64,
    /// How long it took, validation included.
    pub seconds: f64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Training images a second, validation not counted.
    pub images_per_second: f64,
}

impl EpochRecord {
    pub(super) fn line(&self, epochs: usize) -> String {
        let width = epochs.to_string().len();
        format!(
            "epoch {:>width$}/{epochs}  loss {:.4}  accuracy {:.3}  validation loss {:.4}  accuracy {:.3}  {:.1} s",
            self.epoch,
            self.train_loss,
            self.train_accuracy,
            self.valid_loss,
            self.valid_accuracy,
            self.seconds
        )
    }
}

/// By what the best epoch is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Measure {
    /// The highest accuracy on the validation set. The default: it is what the course asks for.
    #[default]
    ValidAccuracy,
    /// The lowest loss on the validation set. It moves when the accuracy, a count, stands still.
    ValidLoss,
}

impl Measure {
    /// Whether epoch `a` is better than `b`; a NaN is worse than any number.
    pub fn better(self, a: &EpochRecord, b: &EpochRecord) -> bool {
        let [a, b] = [a, b].map(|e| match self {
            Measure::ValidAccuracy => e.valid_accuracy,
            Measure::ValidLoss => -e.valid_loss,
        });
        a > b || (b.is_nan() && !a.is_nan())
    }
}

/// How training went, epoch by epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The optimizer and its settings.
    pub optimizer: String,
    /// One record per epoch.
    pub epochs: Vec<EpochRecord>,
    /// What makes an epoch the best.
    pub measure: Measure,
    /// Why training ended before its last epoch, if it did.
    pub stopped: Option<String>,
}

impl History {
    /// The last epoch.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// The best epoch by [`measure`](History::measure), the first of equals.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.epochs
            .iter()
            .reduce(|best, e| match self.measure.better(e, best) {
                true => e,
                false => best,
            })
    }

    /// All epochs together.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|e| e.seconds).sum()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.optimizer)?;
        for record in &self.epochs {
            writeln!(f, "{}", record.line(self.epochs.len()))?;
        }
        if let Some(reason) = &self.stopped {
            writeln!(f, "{reason}")?;
        }
        write!(f, "{} in all", duration(self.seconds()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epoch_is_the_first_of_equals_by_the_measure_and_never_a_nan() {
        let record = |epoch, valid_loss, valid_accuracy| EpochRecord {
            epoch,
            valid_loss,
            valid_accuracy,
            ..EpochRecord::default()
        };
        let mut history = History {
            epochs: vec![
                record(1, f64::NAN, f64::NAN),
                record(2, 0.5, 0.8),
                record(3, 0.7, 0.9),
                record(4, 0.5, 0.9),
                record(5, 0.4, f64::NAN),
            ],
            ..History::default()
        };
        assert_eq!(history.best().unwrap().epoch, 3);
        history.measure = Measure::ValidLoss;
        assert_eq!(history.best().unwrap().epoch, 5);
        history.epochs.truncate(4);
        assert_eq!(history.best().unwrap().epoch, 2);
    }
}
