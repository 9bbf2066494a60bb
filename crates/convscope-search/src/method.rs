//! Ways to propose the next design.

use crate::controller::Controller;
use crate::error::{Result, SearchError};
use crate::space::Space;
use convscope_data::Draw;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;

/// How a search goes through a space.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Method {
    /// Evenly from all designs, without learning: what every other way has to beat (Li and Talwalkar
    /// 2020).
    Random,
    /// Regularised evolution (Real et al. 2019): of `sample` members of the population drawn at
    /// random the best one has a child, which differs from it in one choice; the oldest member dies,
    /// however good it was.
    Evolution {
        /// Members. The first as many designs are random.
        population: usize,
        /// How many compete to be the parent.
        sample: usize,
    },
    /// A recurrent controller that learns by REINFORCE (Zoph and Le 2017) which choices pay.
    Reinforce {
        /// Designs between two steps of its learning.
        batch: usize,
        /// The rate of those steps.
        learning_rate: f64,
        /// The weight of the choices' entropy, which keeps them open.
        entropy: f64,
    },
}

impl Method {
    /// Regularised evolution with a population of 16, of which 4 compete: a quarter, as in the paper
    /// (25 of 100), at a size for budgets of some dozens of designs.
    pub fn evolution() -> Method {
        Method::Evolution {
            population: 16,
            sample: 4,
        }
    }

    /// REINFORCE with a step after every 4 designs at a rate of .03 and an entropy weight of .005:
    /// steps as large as a budget of some dozens of designs asks for.
    pub fn reinforce() -> Method {
        Method::Reinforce {
            batch: 4,
            learning_rate: 0.03,
            entropy: 0.005,
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let problem = match *self {
            Method::Random => None,
            Method::Evolution { population, sample } => (population == 0
                || !(1..=population).contains(&sample))
            .then(|| {
                format!(
                    "evolution needs a population of at least 1 and a sample of 1 to the population, got {population} and {sample}"
                )
            }),
            Method::Reinforce {
                batch,
                learning_rate,
                entropy,
            } => (batch == 0
                || !learning_rate.is_finite()
                || learning_rate <= 0.0
                || !entropy.is_finite()
                || entropy < 0.0)
                .then(|| {
                    format!(
                        "REINFORCE needs a batch of at least 1, a rate above 0 and an entropy weight of at least 0, got {batch}, {learning_rate} and {entropy}"
                    )
                }),
        };
        match problem {
            Some(problem) => Err(SearchError::Invalid(problem)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Method::Random => f.write_str("random search"),
            Method::Evolution { population, sample } => {
                write!(f, "evolution, {sample} of {population}")
            }
            Method::Reinforce { batch, .. } => write!(f, "REINFORCE, {batch} a step"),
        }
    }
}

/// A search under way: what it proposes depends on the seed and on what it was told, and on nothing
/// else, so that it can be brought back by telling it again.
pub(crate) struct Proposer<'a> {
    space: &'a Space,
    method: Method,
    draw: Draw,
    /// Evolution: genes and rewards, the oldest first.
    population: VecDeque<(Vec<usize>, f64)>,
    /// REINFORCE: the policy, the designs since its last step, and the mean of rewards.
    controller: Option<Controller>,
    pending: Vec<(Vec<usize>, f32)>,
    baseline: Option<f64>,
}

/// What a new reward weighs in the baseline, the moving mean of rewards.
const NEWS: f64 = 0.1;

impl<'a> Proposer<'a> {
    pub(crate) fn new(space: &'a Space, method: Method, seed: u64) -> Proposer<'a> {
        let controller = match method {
            Method::Reinforce { learning_rate, .. } => {
                Some(Controller::new(&space.options(), learning_rate, seed))
            }
            _ => None,
        };
        Proposer {
            space,
            method,
            draw: Draw::new(seed, 0x5E),
            population: VecDeque::new(),
            controller,
            pending: Vec::new(),
            baseline: None,
        }
    }

    pub(crate) fn propose(&mut self) -> Vec<usize> {
        match (self.method, &self.controller) {
            (Method::Reinforce { .. }, Some(controller)) => controller.sample(&mut self.draw),
            (Method::Evolution { population, sample }, _)
                if self.population.len() >= population =>
            {
                let best = self
                    .draw
                    .permutation(self.population.len())
                    .into_iter()
                    .take(sample)
                    .max_by(|&a, &b| self.population[a].1.total_cmp(&self.population[b].1));
                let parent = &self.population[best.expect("a sample of at least one")].0;
                self.space.mutated(&parent.clone(), &mut self.draw)
            }
            _ => self.space.random(&mut self.draw),
        }
    }

    pub(crate) fn tell(&mut self, genes: &[usize], reward: f64) {
        match self.method {
            Method::Random => {}
            Method::Evolution { population, .. } => {
                self.population.push_back((genes.to_vec(), reward));
                if self.population.len() > population {
                    self.population.pop_front();
                }
            }
            Method::Reinforce { batch, entropy, .. } => {
                let baseline = self.baseline.unwrap_or(reward);
                self.pending
                    .push((genes.to_vec(), (reward - baseline) as f32));
                self.baseline = Some((1.0 - NEWS) * baseline + NEWS * reward);
                if self.pending.len() >= batch
                    && let Some(controller) = &mut self.controller
                {
                    controller.learn(&self.pending, entropy as f32);
                    self.pending.clear();
                }
            }
        }
    }
}
