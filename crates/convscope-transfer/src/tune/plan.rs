//! Plans as data: stage by stage, which parameters learn and how fast.

use crate::error::{Result, TransferError};
use convscope_nn::{Adam, Momentum, Network, Optimizer, ParameterGroups, Sgd};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Parameters and their learning rate. The later of two that mean the same parameter holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Which: a path, a part above it, or any text at stars, as
    /// [`ParameterGroups`](convscope_nn::ParameterGroups) have it (`"head"`, `"features.12"`, `"*"`).
    pub pattern: String,
    /// Their learning rate.
    pub rate: f64,
}

/// What batch norms do whose weight and bias are frozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// They behave as in inference: what they normalise by stays what it was when they were trained. A
    /// frozen trunk then computes in training what it computes afterwards, and small batches do no
    /// harm, so it is the default. (Keras does so with `trainable = False`.)
    #[default]
    Kept,
    /// They normalise by the batch, and their running statistics follow the new images. For images
    /// whose statistics differ much, in batches large enough to tell. (PyTorch does so unless the
    /// layer is put into `eval()`.)
    Following,
}

/// One stage: what matches no pattern is frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What it is called.
    pub name: String,
    /// What learns.
    pub rates: Vec<Rate>,
    /// How often every image is used.
    pub epochs: usize,
    /// What frozen batch norms do.
    pub statistics: Statistics,
}

impl Stage {
    /// A stage in which nothing learns yet.
    pub fn new(name: impl Into<String>, epochs: usize) -> Stage {
        Stage {
            name: name.into(),
            rates: Vec::new(),
            epochs,
            statistics: Statistics::Kept,
        }
    }

    /// These parameters learn at this rate.
    pub fn rate(mut self, pattern: &str, rate: f64) -> Stage {
        self.rates.push(Rate {
            pattern: pattern.to_owned(),
            rate,
        });
        self
    }

    /// With another way of frozen batch norms.
    pub fn statistics(mut self, statistics: Statistics) -> Stage {
        self.statistics = statistics;
        self
    }

    /// The highest rate, which the optimizer has.
    pub(super) fn base(&self) -> f64 {
        self.rates.iter().map(|r| r.rate).fold(0.0, f64::max)
    }

    pub(super) fn groups(&self) -> ParameterGroups {
        let base = self.base();
        self.rates
            .iter()
            .fold(ParameterGroups::new().freeze("*"), |groups, r| {
                let groups = groups.unfreeze(&r.pattern);
                groups.rate(&r.pattern, r.rate / base)
            })
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |problem: String| {
            let name = &self.name;
            Err(TransferError::invalid(format!(
                "stage \"{name}\": {problem}"
            )))
        };
        if self.epochs == 0 || self.rates.is_empty() {
            return wrong(format!(
                "expected epochs and something that learns, got {} and {} patterns",
                self.epochs,
                self.rates.len()
            ));
        }
        match self
            .rates
            .iter()
            .find(|r| !(r.rate.is_finite() && r.rate > 0.0))
        {
            None => Ok(()),
            Some(r) => wrong(format!(
                "the rate of \"{}\" must be positive, got {}; what matches no pattern is frozen",
                r.pattern, r.rate
            )),
        }
    }
}

/// The optimizer of a plan; the stages have the rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Plain gradient descent.
    Sgd,
    /// With momentum 0.9: the lecture's, and what most networks were trained with.
    Momentum,
    /// Adam.
    Adam,
}

impl Rule {
    pub(crate) fn optimizer(self, rate: f64) -> Box<dyn Optimizer<f32>> {
        match self {
            Rule::Sgd => Sgd::new(rate).into(),
            Rule::Momentum => Momentum::new(rate).into(),
            Rule::Adam => Adam::new(rate).into(),
        }
    }
}

/// Stages, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// In their order.
    pub stages: Vec<Stage>,
    /// The optimizer, which begins anew in every stage.
    pub rule: Rule,
    /// Images a step; 32 unless set, since there are few images.
    pub batch_size: usize,
    /// L2 penalty on what learns; 0 unless set.
    pub weight_decay: f64,
    /// Seeds the order of the images and what is random in layers.
    pub seed: u64,
}

impl Plan {
    /// With these stages.
    pub fn new(stages: Vec<Stage>) -> Plan {
        Plan {
            stages,
            rule: Rule::Momentum,
            batch_size: 32,
            weight_decay: 0.0,
            seed: 0,
        }
    }

    /// The new top alone, at `rate`: the trunk makes features, and the head learns from them.
    pub fn head_only(head: &str, rate: f64, epochs: usize) -> Plan {
        Plan::new(vec![Stage::new("the new top", epochs).rate(head, rate)])
    }

    /// The lecture's recipe. First the new top alone at `rate`, so that its first, wild gradients do not
    /// reach what was learned; then with the layers below it at a tenth; then with the lower layers,
    /// which know the most general things, at a hundredth and the others at a tenth.
    ///
    /// `top` and `lower` are patterns; either may be empty, and its stage is that much smaller or left
    /// out.
    pub fn lecture(
        head: &str,
        top: &[&str],
        lower: &[&str],
        rate: f64,
        epochs: [usize; 3],
    ) -> Plan {
        let above = |name: &str, epochs| {
            let stage = Stage::new(name, epochs).rate(head, rate / 10.0);
            top.iter()
                .fold(stage, |stage, p| stage.rate(p, rate / 10.0))
        };
        let mut stages = vec![Stage::new("the new top", epochs[0]).rate(head, rate)];
        if epochs[1] > 0 {
            stages.push(above("the top, at a tenth", epochs[1]));
        }
        if epochs[2] > 0 && !lower.is_empty() {
            let stage = above("the lower layers too, at a hundredth", epochs[2]);
            let stage = lower.iter().fold(stage, |s, p| s.rate(p, rate / 100.0));
            stages.push(stage);
        }
        Plan::new(stages)
    }

    /// Rates that fall with depth (Howard and Ruder 2018, <https://arxiv.org/abs/1801.06146>, section
    /// 3.2): the nodes that have parameters in `groups` groups of about equal number, the last at
    /// `rate`, each one below at the rate above it divided by `factor` (the paper's is 2.6).
    ///
    /// # Errors
    /// When there are fewer such nodes than groups, or a number makes no sense.
    pub fn by_depth(
        net: &Network,
        groups: usize,
        rate: f64,
        factor: f64,
        epochs: usize,
    ) -> Result<Plan> {
        let learns = net.views().filter(|v| !v.layer.parameters().is_empty());
        let nodes: Vec<String> = learns.map(|v| v.name.to_owned()).collect();
        let factor_holds = factor.is_finite() && factor >= 1.0;
        if groups == 0 || groups > nodes.len() || !factor_holds {
            return Err(TransferError::invalid(format!(
                "rates by depth: expected 1 to {} groups and a factor of at least 1, got {groups} and \
                 {factor}",
                nodes.len()
            )));
        }
        let mut stage = Stage::new("rates that fall with depth", epochs);
        for (k, node) in nodes.iter().enumerate() {
            let group = k * groups / nodes.len();
            let below = (groups - 1 - group) as i32;
            stage = stage.rate(node, rate / factor.powi(below));
        }
        Ok(Plan::new(vec![stage]))
    }

    /// With another optimizer.
    pub fn rule(mut self, rule: Rule) -> Plan {
        self.rule = rule;
        self
    }

    /// So many images a step.
    pub fn batch_size(mut self, batch_size: usize) -> Plan {
        self.batch_size = batch_size;
        self
    }

    /// With a weight decay.
    pub fn weight_decay(mut self, decay: f64) -> Plan {
        self.weight_decay = decay;
        self
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> Plan {
        self.seed = seed;
        self
    }

    /// With another way of frozen batch norms, in all stages.
    pub fn statistics(mut self, statistics: Statistics) -> Plan {
        for stage in &mut self.stages {
            stage.statistics = statistics;
        }
        self
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, stage) in self.stages.iter().enumerate() {
            if k > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}. {}, {} epochs:", k + 1, stage.name, stage.epochs)?;
            for (k, rate) in stage.rates.iter().enumerate() {
                let comma = if k > 0 { "," } else { "" };
                write!(f, "{comma} {} at {}", rate.pattern, short(rate.rate))?;
            }
        }
        Ok(())
    }
}

/// A rate to four figures: rates that fall by 2.6 have no end.
fn short(rate: f64) -> f64 {
    format!("{rate:.3e}").parse().unwrap_or(rate)
}
