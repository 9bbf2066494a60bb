//! What stands around the names in a file, and what may be there without being asked for.

use convscope_weights::Weights;
use std::collections::HashSet;

/// What wrappers put before every name: data parallel training, compilation, a surrounding module.
const WRAPPERS: [&str; 3] = ["module.", "_orig_mod.", "model."];
/// Where this project's checkpoints keep the network, beside the optimizer and the history.
const CHECKPOINT: &str = "net/";
/// Heads that only training used, by the beginnings of their names.
const AUXILIARY: [&str; 5] = ["AuxLogits.", "aux1.", "aux2.", "loss1/", "loss2/"];

/// What is to be taken off every name.
#[derive(Debug, Default)]
pub(super) struct Prefix {
    text: String,
    /// Whether names without it belong to something else than the network.
    others: bool,
}

impl Prefix {
    pub(super) fn of(weights: &Weights, asked: &HashSet<&str>) -> Prefix {
        let names = || weights.iter().map(|(name, _)| name);
        if names().any(|name| name.starts_with(CHECKPOINT)) {
            return Prefix {
                text: CHECKPOINT.to_owned(),
                others: true,
            };
        }
        let mut prefix = Prefix::default();
        while let Some(wrapper) = WRAPPERS.iter().find(|wrapper| {
            let longer = format!("{}{wrapper}", prefix.text);
            names().all(|name| name.starts_with(&longer) && !asked.contains(name))
        }) {
            if weights.is_empty() {
                break;
            }
            prefix.text.push_str(wrapper);
        }
        prefix
    }

    /// A name without it; nothing for what is not the network's.
    pub(super) fn strip<'a>(&self, name: &'a str) -> Option<&'a str> {
        match name.strip_prefix(&self.text) {
            Some(bare) => Some(bare),
            None if self.others => None,
            None => Some(name),
        }
    }
}

/// Whether a network may do without an array of this name that it does not ask for.
pub(super) fn is_harmless(name: &str) -> bool {
    let last = name.rsplit('.').next();
    last == Some("num_batches_tracked") || AUXILIARY.iter().any(|head| name.starts_with(head))
}

/// `denselayer1.norm.1.weight` as `denselayer1.norm1.weight`: until 2018 the layers of a dense
/// layer had numbers of their own.
pub(super) fn join_numbers(name: &str) -> String {
    let mut joined = String::with_capacity(name.len());
    let mut before = "";
    for part in name.split('.') {
        let numbered = matches!(before, "norm" | "relu" | "conv") && matches!(part, "1" | "2");
        if !joined.is_empty() && !numbered {
            joined.push('.');
        }
        joined.push_str(part);
        before = part;
    }
    joined
}

/// `linear.weight` as `fc.weight`: what the last layer is called elsewhere.
pub(super) fn linear_as_fc(name: &str) -> String {
    match name.strip_prefix("linear.") {
        Some(tensor) => format!("fc.{tensor}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;

    fn weights(names: &[&str]) -> Weights {
        let mut weights = Weights::new();
        for name in names {
            weights.insert(*name, ArrayD::zeros(vec![1])).unwrap();
        }
        weights
    }

    #[test]
    fn a_prefix_is_taken_off_only_where_every_name_has_it() {
        let asked = HashSet::from(["fc.weight"]);
        let stripped = |names: &[&str]| {
            let prefix = Prefix::of(&weights(names), &asked);
            let bare = prefix.strip(names[0]).map(str::to_owned);
            bare.unwrap_or_default()
        };
        assert_eq!(stripped(&["fc.weight"]), "fc.weight");
        assert_eq!(stripped(&["module.fc.weight", "module.a"]), "fc.weight");
        assert_eq!(stripped(&["module._orig_mod.fc.weight"]), "fc.weight");
        assert_eq!(stripped(&["module.fc.weight", "a"]), "module.fc.weight");
        let model = HashSet::from(["model.0.weight"]);
        let own = weights(&["model.0.weight"]);
        assert_eq!(
            Prefix::of(&own, &model).strip("model.0.weight"),
            Some("model.0.weight")
        );
    }

    #[test]
    fn a_checkpoint_holds_more_than_the_network() {
        let file = weights(&["net/fc.weight", "optimizer/fc.weight/velocity"]);
        let prefix = Prefix::of(&file, &HashSet::new());
        assert_eq!(prefix.strip("net/fc.weight"), Some("fc.weight"));
        assert_eq!(prefix.strip("optimizer/fc.weight/velocity"), None);
    }

    #[test]
    fn old_names_of_dense_layers_are_joined() {
        for (old, new) in [
            (
                "features.denseblock1.denselayer1.norm.1.weight",
                "features.denseblock1.denselayer1.norm1.weight",
            ),
            ("a.conv.2.weight", "a.conv2.weight"),
            ("transition1.norm.weight", "transition1.norm.weight"),
            ("features.conv0.weight", "features.conv0.weight"),
        ] {
            assert_eq!(join_numbers(old), new);
        }
    }
}
