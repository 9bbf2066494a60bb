//! Plans carried out by [`Training`].

use super::plan::{Plan, Stage, Statistics};
use super::still::{restored, stilled};
use crate::error::{Result, TransferError};
use convscope_data::Dataset;
use convscope_nn::{History, Network, Training};
use std::fmt;

/// What a stage came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TunedStage {
    /// What it is called.
    pub name: String,
    /// How many numbers learned.
    pub learned: usize,
    /// Epoch by epoch.
    pub history: History,
}

/// What a plan came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tuned {
    /// Stage by stage.
    pub stages: Vec<TunedStage>,
}

impl Tuned {
    /// The accuracy on the validation images after the last epoch.
    pub fn accuracy(&self) -> Option<f64> {
        let last = self.stages.last()?.history.epochs.last()?;
        Some(last.valid_accuracy)
    }
}

impl fmt::Display for Tuned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, stage) in self.stages.iter().enumerate() {
            if k > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {} parameters", stage.name, stage.learned)?;
            if let Some(last) = stage.history.epochs.last() {
                write!(
                    f,
                    ", {} epochs, validation accuracy {:.3}",
                    stage.history.epochs.len(),
                    last.valid_accuracy
                )?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// Carries the plan out on a network, stage by stage.
    ///
    /// # Errors
    /// When a stage makes no sense or a pattern means no parameter, before anything is changed; else as
    /// [`Training::fit`], with what the stages before it have learned.
    pub fn run(&self, net: &mut Network, train: &Dataset, valid: &Dataset) -> Result<Tuned> {
        self.run_with(net, train, valid, |training| training)
    }

    /// The same with a say in each stage's training: augmentation, another loss, progress.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn run_with(
        &self,
        net: &mut Network,
        train: &Dataset,
        valid: &Dataset,
        with: impl Fn(Training) -> Training,
    ) -> Result<Tuned> {
        if self.stages.is_empty() {
            return Err(TransferError::invalid("a plan needs at least one stage"));
        }
        for stage in &self.stages {
            stage.check()?;
            frozen(stage, net)?;
        }
        let mut stages = Vec::new();
        for (k, stage) in self.stages.iter().enumerate() {
            let frozen = frozen(stage, net)?;
            let parameters = net.parameters();
            let learned = parameters.iter().zip(&frozen).filter(|(_, f)| !f.1);
            let learned = learned.map(|((_, tensor), _)| tensor.len()).sum();
            let mut groups = stage.groups();
            if self.weight_decay > 0.0 {
                groups = groups.weight_decay("*", self.weight_decay);
            }
            let training = Training::new(self.rule.optimizer(stage.base()))
                .epochs(stage.epochs)
                .batch_size(self.batch_size)
                .seed(self.seed.wrapping_add(k as u64))
                .groups(groups);
            let training = with(training);
            let history = match stage.statistics {
                Statistics::Following => training.fit(net, train, valid)?,
                Statistics::Kept => {
                    let still = |node: &str| {
                        let mine = |(path, _): &&(String, bool)| {
                            path.strip_prefix(node).is_some_and(|p| {
                                p.strip_prefix('.').is_some_and(|name| !name.contains('.'))
                            })
                        };
                        frozen.iter().filter(mine).all(|(_, frozen)| *frozen)
                    };
                    let mut held = stilled(net, still)?;
                    let history = training.fit(&mut held, train, valid);
                    // What was learned before an error stays.
                    *net = restored(net, &held)?;
                    history?
                }
            };
            stages.push(TunedStage {
                name: stage.name.clone(),
                learned,
                history,
            });
        }
        Ok(Tuned { stages })
    }
}

/// Every parameter's path, and whether the stage leaves it alone.
fn frozen(stage: &Stage, net: &Network) -> Result<Vec<(String, bool)>> {
    let paths: Vec<String> = net.parameters().into_iter().map(|(p, _)| p).collect();
    let groups = stage.groups().resolve(&paths)?;
    Ok(paths
        .into_iter()
        .zip(groups)
        .map(|(path, group)| (path, group.frozen))
        .collect())
}
