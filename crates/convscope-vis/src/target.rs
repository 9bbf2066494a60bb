//! What is explained, or aimed at.

use crate::error::{Result, VisError};
use convscope_nn::{Network, Rule, Tensor, Trace, Unit, softmax};

/// The one number of each image whose cause is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Target {
    /// The logit of the class that the network takes each image for.
    #[default]
    Top,
    /// The logit of a class.
    Class(usize),
    /// The softmax probability of the class that the network takes each image for.
    ///
    /// Its gradient vanishes where the network is sure, and it grows also by making other classes
    /// less likely: the logit is mostly the better question.
    TopProbability,
    /// The softmax probability of a class. The same pitfall.
    Probability(usize),
    /// A unit, a channel, a direction in a layer, or a weighted sum of several.
    Unit(Unit),
}

impl From<Unit> for Target {
    fn from(unit: Unit) -> Target {
        Target::Unit(unit)
    }
}

/// A target in a trace: its class in each image, its value there.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    /// The class in each image, where it is one.
    pub(crate) classes: Vec<Option<usize>>,
    /// The target's value in each image.
    pub(crate) values: Vec<f32>,
}

impl Target {
    /// What it is, in words.
    pub fn in_words(&self) -> String {
        match self {
            Target::Top => "logit of the most probable class".into(),
            Target::Class(k) => format!("logit of class {k}"),
            Target::TopProbability => "probability of the most probable class".into(),
            Target::Probability(k) => format!("probability of class {k}"),
            Target::Unit(unit) => unit.to_string(),
        }
    }

    /// What the target is in each image of a trace.
    pub(crate) fn aim(&self, net: &Network, trace: &Trace) -> Result<Aim> {
        if let Target::Unit(unit) = self {
            let values = trace.value(unit)?;
            return Ok(Aim {
                classes: vec![None; values.len()],
                values,
            });
        }
        let logits = trace.activation(&logits_node(net))?;
        let classes = self.classes(logits)?;
        let of = match self {
            Target::TopProbability | Target::Probability(_) => softmax(logits)?,
            _ => logits.clone(),
        };
        let values = classes.iter().enumerate().map(|(i, &k)| of[[i, k]]);
        Ok(Aim {
            values: values.collect(),
            classes: classes.into_iter().map(Some).collect(),
        })
    }

    /// The gradient of the target with respect to a node (`"input"`: the image) under a rule;
    /// `by_value` seeds it with the target's own value instead of with 1.
    pub(crate) fn gradient(
        &self,
        net: &Network,
        trace: &Trace,
        to: &str,
        rule: Rule,
        by_value: bool,
    ) -> Result<Tensor> {
        if let Target::Unit(unit) = self {
            let unit = match by_value {
                true => unit.clone().seeded_by_activation(),
                false => unit.clone(),
            };
            return Ok(trace.gradient_at(unit, to, rule)?);
        }
        let from = logits_node(net);
        let logits = trace.activation(&from)?;
        let classes = self.classes(logits)?;
        let mut seed = Tensor::zeros(logits.raw_dim());
        let probabilities = match self {
            Target::TopProbability | Target::Probability(_) => Some(softmax(logits)?),
            _ => None,
        };
        for (i, &k) in classes.iter().enumerate() {
            match &probabilities {
                // dp_k / dz_j = p_k ([j = k] - p_j)
                Some(p) => {
                    let scale = if by_value { p[[i, k]] } else { 1.0 };
                    for j in 0..p.shape()[1] {
                        let same = if j == k { 1.0 } else { 0.0 };
                        seed[[i, j]] = scale * p[[i, k]] * (same - p[[i, j]]);
                    }
                }
                None => seed[[i, k]] = if by_value { logits[[i, k]] } else { 1.0 },
            }
        }
        Ok(trace.gradient_from(&from, &seed, to, rule)?)
    }

    /// The class in each row of scores `[N, K]`.
    pub(crate) fn classes(&self, scores: &Tensor) -> Result<Vec<usize>> {
        let [_, count] = *scores.shape() else {
            return Err(VisError::shape(
                "a class as the target needs a classifier's output",
                "[batch, classes]",
                scores.shape(),
            ));
        };
        match *self {
            Target::Class(k) | Target::Probability(k) if k >= count => {
                Err(VisError::UnknownClass {
                    class: k,
                    classes: count,
                })
            }
            Target::Class(k) | Target::Probability(k) => Ok(vec![k; scores.shape()[0]]),
            Target::Top | Target::TopProbability => Ok(scores
                .outer_iter()
                .map(|row| {
                    let best = row.iter().enumerate();
                    let best = best.fold((0, f32::NEG_INFINITY), |best, (i, &v)| {
                        if v > best.1 { (i, v) } else { best }
                    });
                    best.0
                })
                .collect()),
            Target::Unit(_) => Err(VisError::invalid(
                "a unit inside the network cannot be a model-agnostic method's target: expected a \
                 class",
            )),
        }
    }
}

/// The node whose output are the logits: the last one, or what a closing softmax reads.
pub(crate) fn logits_node(net: &Network) -> String {
    let last = net.views().last().expect("networks have layers");
    match last.layer.kind() {
        "Softmax" | "LogSoftmax" => last.inputs[0].to_owned(),
        _ => last.name.to_owned(),
    }
}
