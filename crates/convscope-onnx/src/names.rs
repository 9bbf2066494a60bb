//! Names for the nodes of a network, from whatever a file calls its own.
//!
//! Ours are dotted paths. Exporters write `/layer1/layer1.0/conv1/Conv` (PyTorch's older one), a
//! list of modules in the metadata (its newer one), or a name of their own; the parameters mostly
//! have the path of the module they belong to, `layer1.0.conv1.weight`.

use convscope_nn::INPUT;
use std::collections::{HashMap, HashSet};

/// The longest name, in bytes: a file may hold some of a million.
const LONGEST: usize = 160;

/// What a node may be called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    path: String,
    /// Whether it is the path of the node's own parameters, and not that of the module around it.
    own: bool,
    operator: String,
}

impl Candidate {
    pub(crate) fn new(
        parameter: Option<&str>,
        scopes: Option<&str>,
        node: &str,
        operator: &str,
    ) -> Candidate {
        let operator = plain(&operator.to_lowercase());
        let owner = parameter.and_then(owner);
        let own = owner.is_some();
        let path = owner
            .or_else(|| scopes.and_then(innermost))
            .unwrap_or_else(|| of_node(node, &operator));
        Candidate {
            path: plain(&path),
            own,
            operator,
        }
    }

    /// The name of a further layer that the same node takes.
    pub(crate) fn part(&self, part: &str) -> Candidate {
        Candidate {
            path: plain(&format!("{}.{part}", self.path)),
            own: true,
            operator: part.to_owned(),
        }
    }
}

/// The module whose parameter this is.
fn owner(parameter: &str) -> Option<String> {
    let (module, last) = parameter.rsplit_once('.')?;
    let known = ["weight", "bias", "running_mean", "running_var"].contains(&last);
    (known && !module.is_empty()).then(|| module.to_owned())
}

/// The innermost module of a list like `['', 'layer1', 'layer1.0', 'relu_1']`, whose last entry is
/// the operation.
fn innermost(scopes: &str) -> Option<String> {
    let names: Vec<&str> = scopes.split('\'').skip(1).step_by(2).collect();
    let module = names.len().checked_sub(2).map(|at| names[at])?;
    Some(module.to_owned())
}

/// Of `/layer1/layer1.0/conv1/Conv`: each part goes on where the one before ends, or repeats it.
fn of_node(name: &str, operator: &str) -> String {
    if !name.contains('/') {
        return name.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/').filter(|part| !part.is_empty()) {
        match parts.last_mut() {
            Some(last) if part.starts_with(&format!("{last}.")) => *last = part,
            _ => parts.push(part),
        }
    }
    let is_operation = |part: &&str| {
        let part = part.to_lowercase();
        let rest = part.strip_prefix(operator);
        rest.is_some_and(|rest| rest.chars().all(|c| c == '_' || c.is_ascii_digit()))
    };
    if parts.last().is_some_and(is_operation) {
        parts.pop();
    }
    parts.join(".")
}

/// A path of letters, digits, `_` and `-`, without empty parts.
fn plain(path: &str) -> String {
    let mut text = String::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push('.');
        }
        for c in part.chars() {
            text.push(if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            });
            if text.len() > LONGEST {
                return text;
            }
        }
    }
    text
}

/// A name for each, no two alike. A candidate that is the path of a module with other nodes in it
/// gets its operator's name behind.
pub(crate) fn settle(candidates: &[Candidate]) -> Vec<String> {
    let mut modules = HashSet::new();
    for candidate in candidates {
        for (at, _) in candidate.path.match_indices('.') {
            modules.insert(&candidate.path[..at]);
        }
    }
    let mut taken = HashSet::from([INPUT.to_owned()]);
    let mut numbers = HashMap::new();
    let mut names = Vec::new();
    for candidate in candidates {
        let path = &candidate.path;
        let name = match () {
            () if path.is_empty() => candidate.operator.clone(),
            () if !candidate.own && modules.contains(path.as_str()) => {
                format!("{path}.{}", candidate.operator)
            }
            () => path.clone(),
        };
        let mut unique = name.clone();
        while unique.is_empty() || !taken.insert(unique.clone()) {
            let number = numbers.entry(name.clone()).or_insert(1);
            *number += 1;
            unique = format!("{name}_{number}");
        }
        names.push(unique);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_called_by_its_parameter_its_module_or_its_own_name() {
        let scopes = "['', 'layer1', 'layer1.0', 'layer1.0.relu', 'relu_1']";
        for (parameter, scopes, node, operator, expected) in [
            (
                Some("layer1.0.conv1.weight"),
                None,
                "node_Conv_3",
                "Conv",
                "layer1.0.conv1",
            ),
            (Some("onnx::Conv_193"), None, "/conv1/Conv", "Conv", "conv1"),
            (
                None,
                None,
                "/layer1/layer1.0/conv1/Conv",
                "Conv",
                "layer1.0.conv1",
            ),
            (
                None,
                None,
                "/features/features.1/conv/conv.0/conv.0.0/Conv",
                "Conv",
                "features.1.conv.0.0",
            ),
            (
                None,
                None,
                "/Mixed_5b/branch1x1/Relu",
                "Relu",
                "Mixed_5b.branch1x1",
            ),
            (None, None, "/relu_1/Relu_2", "Relu", "relu_1"),
            (None, Some(scopes), "node_relu_1", "Relu", "layer1.0.relu"),
            (
                None,
                Some("['', 'view']"),
                "node_view",
                "Reshape",
                "reshape",
            ),
            (None, None, "gpu_0/res2 x", "Sum", "gpu_0.res2_x"),
            (None, None, "", "Sum", "sum"),
            (None, None, "input", "Relu", "input_2"),
            (None, None, "a..b.", "Relu", "a.b"),
        ] {
            let candidate = Candidate::new(parameter, scopes, node, operator);
            assert_eq!(settle(&[candidate]), [expected], "{node}");
        }
    }

    #[test]
    fn names_are_there_once_and_modules_do_not_stand_for_nodes() {
        let of = |node: &str, operator: &str| Candidate::new(None, None, node, operator);
        let names = settle(&[
            of("/block/conv/Conv", "Conv"),
            of("/block/Add", "Add"),
            of("/block/Add_1", "Add"),
            of("/block/conv/Conv_1", "Conv"),
        ]);
        assert_eq!(
            names,
            ["block.conv", "block.add", "block.add_2", "block.conv_2"]
        );
    }

    #[test]
    fn a_name_of_a_million_parts_is_cut() {
        let long = "a.".repeat(1_000_000);
        let names = settle(&[Candidate::new(None, None, &long, "Relu")]);
        assert!(names[0].len() <= LONGEST + 4, "{}", names[0].len());
    }
}
