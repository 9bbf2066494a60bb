//! Looking through a space, one design after the other.

use crate::design::Design;
use crate::error::{Result, SearchError};
use crate::log::{SearchLog, Trial};
use crate::method::{Method, Proposer};
use crate::space::Space;
use convscope_data::Dataset;
use convscope_nn::{Adam, Training};
use convscope_progress::{ProgressBar, stop_requested};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Instant;

/// What a trial is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// As a rule the accuracy on a validation set.
    pub accuracy: f64,
}

/// A search: where, how, how long, with which seed.
///
/// ```
/// use convscope_search::{Method, Score, Search, Space};
/// # fn main() -> Result<(), convscope_search::SearchError> {
/// let space = Space::small([1, 28, 28], 10);
/// // As a stand-in for training: the more parameters, the better.
/// let log = Search::new(space, Method::evolution())
///     .trials(40)
///     .seed(1)
///     .run(|design, _seed| {
///         let cost = design.cost()?;
///         Ok(Score { accuracy: cost.parameters as f64 / 1e6 })
///     })?;
/// assert_eq!(log.trials.len(), 40);
/// println!("{log}");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    space: Space,
    method: Method,
    trials: usize,
    seed: u64,
    price: f64,
    log: Option<PathBuf>,
    quiet: bool,
}

impl Search {
    /// Through this space, by this method: 50 trials, seed 0, cost for free, nothing on disk.
    pub fn new(space: Space, method: Method) -> Search {
        Search {
            space,
            method,
            trials: 50,
            seed: 0,
            price: 0.0,
            log: None,
            quiet: false,
        }
    }

    /// How many designs are tried.
    pub fn trials(mut self, trials: usize) -> Search {
        self.trials = trials;
        self
    }

    /// The seed of all draws. Trial `n` is trained with seed `seed * 1,000,003 + n`, so that two
    /// methods with one seed meet the same luck.
    pub fn seed(mut self, seed: u64) -> Search {
        self.seed = seed;
        self
    }

    /// What a tenfold number of multiply-adds costs in accuracy: .02 says that two points are worth
    /// ten times the work. The reward is `accuracy - price * log10(multiply-adds)`.
    pub fn price(mut self, price: f64) -> Search {
        self.price = price;
        self
    }

    /// Keeps the log in this file after every trial, and goes on from it where it is there already:
    /// what an interrupted search found is not lost, and the trials after it are those of a search
    /// that was never interrupted.
    pub fn log(mut self, path: impl Into<PathBuf>) -> Search {
        self.log = Some(path.into());
        self
    }

    /// Without a progress bar.
    pub fn quiet(mut self) -> Search {
        self.quiet = true;
        self
    }

    /// Tries designs. `evaluate` is given a design and a seed, and says what it is worth; see
    /// [`training_score`]. When a notebook's cell or a terminal asks for an end, the log so far is
    /// returned.
    ///
    /// # Errors
    /// When a setting or the space makes no sense, `evaluate` fails or gives a NaN, or the log on
    /// disk is another search's.
    pub fn run(
        &self,
        mut evaluate: impl FnMut(&Design, u64) -> Result<Score>,
    ) -> Result<SearchLog> {
        self.method.check()?;
        self.space.check()?;
        if !self.price.is_finite() {
            return Err(SearchError::Invalid(format!(
                "the price must be a finite number, got {}",
                self.price
            )));
        }
        let mut log = SearchLog {
            method: self.method,
            seed: self.seed,
            price: self.price,
            space: self.space.clone(),
            trials: Vec::new(),
        };
        let mut proposer = Proposer::new(&self.space, self.method, self.seed);
        if let Some(path) = self.log.as_ref().filter(|path| path.exists()) {
            log = self.resumed(path, &mut proposer)?;
        }
        let bar = match self.quiet {
            true => ProgressBar::hidden(),
            false => ProgressBar::new(self.method.to_string(), self.trials as u64).unit("designs"),
        };
        bar.resume(log.trials.len() as u64);
        while log.trials.len() < self.trials && !stop_requested() {
            let number = log.trials.len() + 1;
            let genes = proposer.propose();
            let design = self.space.design(&genes)?;
            let cost = design.cost()?;
            let begun = Instant::now();
            let seed = self
                .seed
                .wrapping_mul(1_000_003)
                .wrapping_add(number as u64);
            let score = evaluate(&design, seed)?;
            if stop_requested() {
                // Its training may have been cut short: it counts for nothing.
                break;
            }
            if score.accuracy.is_nan() {
                return Err(SearchError::Invalid(format!(
                    "trial {number} ({design}) was given NaN for its accuracy: expected a number"
                )));
            }
            let price = self.price * (cost.multiply_adds.max(1) as f64).log10();
            let trial = Trial {
                number,
                genes,
                design,
                cost,
                accuracy: score.accuracy,
                seconds: begun.elapsed().as_secs_f64(),
                reward: score.accuracy - price,
            };
            proposer.tell(&trial.genes, trial.reward);
            log.trials.push(trial);
            if let Some(path) = &self.log {
                log.write(path)?;
            }
            bar.step(1);
            if let Some(best) = log.best() {
                bar.note(format!("best {:.3}", best.accuracy));
            }
        }
        bar.finish();
        Ok(log)
    }

    /// Tells the proposer what an earlier run found, and sees to it that it was this search.
    fn resumed(&self, path: &PathBuf, proposer: &mut Proposer<'_>) -> Result<SearchLog> {
        let mut log = SearchLog::read(path)?;
        let other = |what: &str, expected: String, got: String| SearchError::File {
            path: path.clone(),
            problem: format!(
                "is the log of another search: expected {what} {expected}, got {got}; give this one a file of its own"
            ),
        };
        if log.method != self.method {
            let (expected, got) = (self.method.to_string(), log.method.to_string());
            return Err(other("the method", expected, got));
        }
        if (log.seed, log.price) != (self.seed, self.price) {
            let (expected, got) = (
                format!("{} and {}", self.seed, self.price),
                format!("{} and {}", log.seed, log.price),
            );
            return Err(other("seed and price", expected, got));
        }
        if log.space != self.space {
            let size = |space: &Space| format!("one of {:.0} designs", space.size());
            return Err(other("the space,", size(&self.space), size(&log.space)));
        }
        log.trials.truncate(self.trials);
        for trial in &log.trials {
            let genes = proposer.propose();
            if genes != trial.genes {
                let what = format!("trial {} with the genes", trial.number);
                return Err(other(
                    &what,
                    format!("{genes:?}"),
                    format!("{:?}", trial.genes),
                ));
            }
            proposer.tell(&genes, trial.reward);
        }
        Ok(log)
    }
}

/// The score by training: builds the design, trains it for so many epochs by Adam at .003 in batches
/// of 64, and takes the accuracy on the validation set after the last epoch.
///
/// # Errors
/// When the design does not fit the images, or training fails.
pub fn training_score(
    design: &Design,
    train: &Dataset,
    valid: &Dataset,
    epochs: usize,
    seed: u64,
) -> Result<Score> {
    let mut net = design.build(seed)?;
    let history = Training::new(Adam::new(0.003))
        .epochs(epochs)
        .batch_size(64)
        .seed(seed)
        .quiet()
        .fit(&mut net, train, valid)?;
    let last = history.last().map_or(0.0, |epoch| epoch.valid_accuracy);
    Ok(Score { accuracy: last })
}
