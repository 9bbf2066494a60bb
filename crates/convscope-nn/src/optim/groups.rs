//! Parameter groups: which parameters learn, how fast, and with how much decay.

use super::{Optimizer, State, not_negative};
use crate::error::{NnError, Result};
use crate::real::{Real, Tensor};

/// What holds for one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// What the learning rate is multiplied by.
    pub rate: f64,
    /// The weight decay; without one the optimizer's own holds.
    pub weight_decay: Option<f64>,
    /// Whether the parameter stays as it is.
    pub frozen: bool,
}

impl Default for Group {
    /// The optimizer's settings as they are.
    fn default() -> Group {
        Group {
            rate: 1.0,
            weight_decay: None,
            frozen: false,
        }
    }
}

impl Group {
    /// One step of `optimizer` on a parameter of this group, at the group's share of `rate` and
    /// with its weight decay. Nothing happens to a frozen parameter, nor to its state.
    ///
    /// A coupled decay is added to `gradient`.
    ///
    /// # Panics
    /// As [`Optimizer::step`].
    pub fn step<F: Real>(
        &self,
        optimizer: &dyn Optimizer<F>,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &mut Tensor<F>,
        state: &mut State<F>,
    ) {
        if self.frozen {
            return;
        }
        let decay = self
            .weight_decay
            .unwrap_or_else(|| optimizer.weight_decay());
        optimizer.step_with_decay(rate * self.rate, decay, parameter, gradient, state);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    Rate(f64),
    WeightDecay(f64),
    Frozen(bool),
}

/// Rules by which parameters get settings of their own. A pattern is the path of a parameter or of
/// a node or block above it (`"conv1"` is also `"conv1.weight"` and `"conv1.bias"`, not
/// `"conv10.weight"`), or a path with stars that stand for any text (`"block5.*"`, `"*.bias"`). Where
/// two rules concern the same setting of a parameter, the later one holds.
///
/// ```
/// use convscope_nn::optim::ParameterGroups;
/// // Fine-tuning: a new top at the full rate, the last block at a tenth, the rest as it is.
/// let groups = ParameterGroups::new()
///     .freeze("*")
///     .unfreeze("block5").rate("block5", 0.1)
///     .unfreeze("fc")
///     .weight_decay("*.weight", 5e-4);
/// let paths = ["block4.conv1.weight", "block5.conv1.weight", "block5.conv1.bias", "fc.weight"];
/// let resolved = groups.resolve(&paths).unwrap();
/// assert!(resolved[0].frozen && !resolved[1].frozen);
/// assert_eq!((resolved[1].rate, resolved[3].rate), (0.1, 1.0));
/// assert_eq!((resolved[1].weight_decay, resolved[2].weight_decay), (Some(5e-4), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterGroups {
    rules: Vec<(String, Setting)>,
}

impl ParameterGroups {
    /// No rule: every parameter learns at the optimizer's rate.
    pub fn new() -> ParameterGroups {
        ParameterGroups::default()
    }

    fn with(mut self, pattern: &str, setting: Setting) -> ParameterGroups {
        self.rules.push((pattern.to_owned(), setting));
        self
    }

    /// The learning rate of these is multiplied by `factor`; 0 is better said by
    /// [`freeze`](ParameterGroups::freeze), which also leaves the optimizer's state and decay out.
    pub fn rate(self, pattern: &str, factor: f64) -> ParameterGroups {
        self.with(pattern, Setting::Rate(factor))
    }

    /// These have this weight decay (see [`Optimizer::step_with_decay`]) in place of the
    /// optimizer's.
    pub fn weight_decay(self, pattern: &str, decay: f64) -> ParameterGroups {
        self.with(pattern, Setting::WeightDecay(decay))
    }

    /// These stay as they are.
    pub fn freeze(self, pattern: &str) -> ParameterGroups {
        self.with(pattern, Setting::Frozen(true))
    }

    /// These learn, whatever an earlier rule said.
    pub fn unfreeze(self, pattern: &str) -> ParameterGroups {
        self.with(pattern, Setting::Frozen(false))
    }

    /// What holds for each of these parameter paths, in their order.
    ///
    /// # Errors
    /// When a pattern matches none of the paths (the message lists them), or a factor or decay is
    /// negative or not a number.
    pub fn resolve(&self, paths: &[impl AsRef<str>]) -> Result<Vec<Group>> {
        let mut groups = vec![Group::default(); paths.len()];
        for (pattern, setting) in &self.rules {
            match *setting {
                Setting::Rate(x) => not_negative(&format!("rate factor of \"{pattern}\""), x)?,
                Setting::WeightDecay(x) => {
                    not_negative(&format!("weight decay of \"{pattern}\""), x)?;
                }
                Setting::Frozen(_) => {}
            }
            let mut used = false;
            for (group, path) in groups.iter_mut().zip(paths) {
                if !matches(pattern, path.as_ref()) {
                    continue;
                }
                used = true;
                match *setting {
                    Setting::Rate(factor) => group.rate = factor,
                    Setting::WeightDecay(decay) => group.weight_decay = Some(decay),
                    Setting::Frozen(frozen) => group.frozen = frozen,
                }
            }
            if !used {
                return Err(NnError::Unknown {
                    what: "parameter that matches",
                    name: pattern.clone(),
                    known: paths
                        .iter()
                        .map(AsRef::as_ref)
                        .collect::<Vec<_>>()
                        .join(", "),
                });
            }
        }
        Ok(groups)
    }
}

/// Whether a pattern means a path: without a star the path or a part before a `.` or `/` of it.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pattern.contains('*').then(|| parts.next_back()).flatten() else {
        return !pattern.is_empty() && (rest.is_empty() || rest.starts_with(['.', '/']));
    };
    // The leftmost place for each part leaves the most for those after it.
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{AdamW, Sgd};
    use ndarray::arr1;

    #[test]
    fn a_pattern_means_a_path_a_part_above_it_or_any_text_at_its_stars() {
        for (pattern, path, expected) in [
            ("conv1", "conv1.weight", true),
            ("conv1", "conv1", true),
            ("conv1", "conv10.weight", false),
            ("conv1.bias", "conv1.weight", false),
            ("block5", "block5/conv1.weight", true),
            ("block5.*", "block5.conv1.weight", true),
            ("block5.*", "block5", false),
            ("block5.*", "block51.conv.weight", false),
            ("conv*", "conv10.weight", true),
            ("*", "anything.at.all", true),
            ("*.bias", "conv1.bias", true),
            ("*.bias", "bias.conv1", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("**", "x", true),
            ("", "conv1.weight", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern:?} on {path:?}");
        }
    }

    #[test]
    fn a_pattern_without_a_parameter_is_an_error_that_lists_the_paths() {
        let paths = ["conv1.weight", "fc.bias"];
        let error = ParameterGroups::new().freeze("conv9").resolve(&paths);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("\"conv9\"") && error.contains("conv1.weight, fc.bias"),
            "{error}"
        );
        for groups in [
            ParameterGroups::new().rate("fc", -1.0),
            ParameterGroups::new().weight_decay("fc", f64::NAN),
        ] {
            let error = groups.resolve(&paths).unwrap_err().to_string();
            assert!(error.contains("\"fc\""), "{error}");
        }
    }

    #[test]
    fn a_groups_rate_decay_and_frost_reach_the_step() {
        let start = arr1(&[2.0_f64]).into_dyn();
        let run = |group: Group, optimizer: &dyn Optimizer<f64>| {
            let mut w = start.clone();
            let mut g = arr1(&[1.0]).into_dyn();
            let mut state = optimizer.start(&w);
            group.step(optimizer, 0.1, &mut w, &mut g, &mut state);
            (w[0], state.steps)
        };
        let group = |rate, weight_decay, frozen| Group {
            rate,
            weight_decay,
            frozen,
        };
        let sgd = Sgd::new(0.1);
        for (group, expected) in [
            (Group::default(), (1.9, 1)),
            (group(0.5, None, false), (1.95, 1)),
            (group(1.0, Some(0.25), false), (1.85, 1)), // g = 1 + 0.25 * 2
            (group(1.0, None, true), (2.0, 0)),
        ] {
            let (w, steps) = run(group, &sgd);
            assert!((w - expected.0).abs() < 1e-12 && steps == expected.1, "{w}");
        }
        // Decoupled: Adam's first step is the rate, whatever the decay does to the weights.
        let adamw = AdamW::new(0.1);
        for (decay, expected) in [(None, 0.01), (Some(0.25), 0.25), (Some(0.0), 0.0)] {
            let (w, _) = run(group(1.0, decay, false), &adamw);
            let expected = 2.0 * (1.0 - 0.1 * expected) - 0.1;
            assert!((w - expected).abs() < 1e-8, "{decay:?}: {w}");
        }
    }
}
