//! Early stopping.

use super::callbacks::Callback;
use super::history::History;

/// Ends training when the best epoch lies so many epochs back (Prechelt 1998). What is best is the
/// run's [`Measure`](super::Measure); [`Training::restore_best`](super::Training::restore_best)
/// brings the best epoch's weights back at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyStopping {
    patience: usize,
}

impl EarlyStopping {
    /// Waits for `patience` epochs without a better one. With 0 the first epoch that is no better
    /// ends training.
    pub fn patience(patience: usize) -> EarlyStopping {
        EarlyStopping { patience }
    }
}

impl Callback for EarlyStopping {
    fn ends_after(&self, history: &History) -> Option<String> {
        let (best, last) = (history.best()?.epoch, history.last()?.epoch);
        let since = last - best;
        (since > 0 && since >= self.patience).then(|| {
            format!("stopped early: no epoch of the last {since} was better than epoch {best}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::EpochRecord;
    use super::*;

    #[test]
    fn it_ends_after_as_many_epochs_without_a_better_one_as_it_has_patience() {
        let accuracies = [0.5, 0.7, 0.7, 0.6, 0.8, 0.8, 0.1, 0.1];
        for (patience, ends) in [(0, 3), (1, 3), (2, 4), (3, 8), (4, 9)] {
            let rule = EarlyStopping::patience(patience);
            let mut history = History::default();
            for (i, &valid_accuracy) in accuracies.iter().enumerate() {
                history.epochs.push(EpochRecord {
                    epoch: i + 1,
                    valid_accuracy,
                    ..EpochRecord::default()
                });
                let ended = rule.ends_after(&history).is_some();
                assert_eq!(ended, i + 1 >= ends, "{patience} after epoch {}", i + 1);
                if ended {
                    break;
                }
            }
        }
    }
}
