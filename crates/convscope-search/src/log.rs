//! The table of everything that was tried.

use crate::cost::Cost;
use crate::design::Design;
use crate::error::{Result, SearchError};
use crate::method::Method;
use crate::space::Space;
use convscope_data::write_atomic;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// One design that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Which it was, from 1.
    pub number: usize,
    /// The choices it was made of.
    pub genes: Vec<usize>,
    /// The network.
    pub design: Design,
    /// What it costs.
    pub cost: Cost,
    /// What it reached: as a rule the accuracy on the validation set.
    pub accuracy: f64,
    /// How long that took.
    pub seconds: f64,
    /// What the search tried to make large: the accuracy, less the price of the cost.
    pub reward: f64,
}

/// Everything a search has tried, in order, with what it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchLog {
    /// How it searched.
    pub method: Method,
    /// The seed of its draws.
    pub seed: u64,
    /// What a tenfold number of multiply-adds costs in accuracy.
    pub price: f64,
    /// Where it searched.
    pub space: Space,
    /// What it tried.
    pub trials: Vec<Trial>,
}

impl SearchLog {
    /// The trial with the highest reward, the first of equals.
    pub fn best(&self) -> Option<&Trial> {
        self.trials
            .iter()
            .reduce(|best, t| match t.reward > best.reward {
                true => t,
                false => best,
            })
    }

    /// The highest reward after each trial.
    pub fn best_so_far(&self) -> Vec<f64> {
        let rewards = self.trials.iter().map(|t| t.reward);
        rewards
            .scan(f64::NEG_INFINITY, |best, r| {
                *best = best.max(r);
                Some(*best)
            })
            .collect()
    }

    /// Writes the log as JSON, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let json = serde_json::to_string_pretty(self).expect("names and numbers");
        write_atomic(path, json.as_bytes()).map_err(|e| SearchError::File {
            path: path.to_owned(),
            problem: format!("cannot be written: {e}"),
        })
    }

    /// Reads a log.
    ///
    /// # Errors
    /// When the file cannot be read, or is no log of a search.
    pub fn read(path: impl AsRef<Path>) -> Result<SearchLog> {
        let path = path.as_ref();
        let failed = |problem: String| SearchError::File {
            path: path.to_owned(),
            problem,
        };
        let text =
            std::fs::read_to_string(path).map_err(|e| failed(format!("cannot be read: {e}")))?;
        serde_json::from_str(&text).map_err(|e| failed(format!("is no log of a search: {e}")))
    }
}

/// How many trials a printed log shows.
const SHOWN: usize = 10;

impl fmt::Display for SearchLog {
    /// The best trials, the best first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.trials.len();
        writeln!(f, "{}, seed {}: {count} designs", self.method, self.seed)?;
        let mut order: Vec<&Trial> = self.trials.iter().collect();
        order.sort_by(|a, b| b.reward.total_cmp(&a.reward));
        writeln!(
            f,
            "accuracy  parameters  million multiply-adds  trial  design"
        )?;
        for trial in order.iter().take(SHOWN) {
            writeln!(
                f,
                "{:>8.3}  {:>10}  {:>21.2}  {:>5}  {}",
                trial.accuracy,
                trial.cost.parameters,
                trial.cost.multiply_adds as f64 / 1e6,
                trial.number,
                trial.design,
            )?;
        }
        match count {
            0..=SHOWN => Ok(()),
            _ => write!(f, "and {} more", count - SHOWN),
        }
    }
}
