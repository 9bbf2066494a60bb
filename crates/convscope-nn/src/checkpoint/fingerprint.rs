//! What a network is, apart from the values of its parameters: enough to tell whether a checkpoint
//! belongs to it, and if not, where the two part.

use crate::network::Network;
use serde::{Deserialize, Serialize};

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    name: String,
    kind: String,
    settings: String,
    inputs: Vec<String>,
    /// Parameters and buffers with their shapes.
    tensors: Vec<(String, Vec<usize>)>,
}

/// All nodes and the shape of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    input: Vec<usize>,
    nodes: Vec<Node>,
}

impl Fingerprint {
    pub(super) fn of(net: &Network) -> Fingerprint {
        let graph = &net.graph;
        let nodes = graph.nodes.iter().map(|node| {
            let layer = &node.layer;
            let tensors = layer.parameters().into_iter().chain(layer.buffers());
            Node {
                name: node.name.clone(),
                kind: layer.kind().to_owned(),
                settings: layer.settings(),
                inputs: (node.inputs.iter().map(|&i| graph.name(i).to_owned())).collect(),
                tensors: tensors
                    .map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec()))
                    .collect(),
            }
        });
        Fingerprint {
            input: graph.input.clone(),
            nodes: nodes.collect(),
        }
    }

    /// Where `net`'s fingerprint first differs from this one, which is a checkpoint's.
    pub(super) fn difference(&self, net: &Fingerprint) -> Option<String> {
        let belongs = "it belongs to another network:";
        if self.input != net.input {
            return Some(format!(
                "{belongs} expected inputs {:?}, it has {:?}",
                net.input, self.input
            ));
        }
        for (theirs, ours) in self.nodes.iter().zip(&net.nodes) {
            if theirs != ours {
                return Some(format!(
                    "{belongs} expected node {}, it has {}",
                    ours.described(theirs),
                    theirs.described(ours)
                ));
            }
        }
        let count = self.nodes.len().min(net.nodes.len());
        let one_more = |nodes: &[Node]| nodes.get(count).map(|node| node.name.clone());
        match (one_more(&net.nodes), one_more(&self.nodes)) {
            (None, None) => None,
            (Some(ours), _) => Some(format!(
                "{belongs} expected {} nodes, it has {count} and no \"{ours}\"",
                net.nodes.len()
            )),
            (_, Some(theirs)) => Some(format!(
                "{belongs} expected {count} nodes, it has {} and one \"{theirs}\" more",
                self.nodes.len()
            )),
        }
    }
}

impl Node {
    /// The node with as much as it takes to tell it from `other`.
    fn described(&self, other: &Node) -> String {
        let mut text = format!("\"{}\" ({}", self.name, self.kind);
        if !self.settings.is_empty() {
            text += &format!(", {}", self.settings);
        }
        if self.inputs != other.inputs {
            text += &format!(", after {}", self.inputs.join(" and "));
        }
        if self.tensors != other.tensors {
            for (name, shape) in &self.tensors {
                text += &format!(", {name} {shape:?}");
            }
        }
        text + ")"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv2d, Flatten, Linear, NetworkBuilder, Relu};

    fn net(filters: usize, end: impl Fn(NetworkBuilder) -> NetworkBuilder) -> Fingerprint {
        let start = Network::input([1, 6, 6]).add("conv1", Conv2d::new(filters, 3));
        Fingerprint::of(&end(start).build(1).unwrap())
    }

    #[test]
    fn the_first_node_that_differs_is_named_with_what_was_expected() {
        let base = net(4, |b| b.add("relu1", Relu).add("flatten", Flatten));
        assert_eq!(base.difference(&base.clone()), None);
        for (other, words) in [
            (
                net(5, |b| b.add("relu1", Relu).add("flatten", Flatten)),
                [
                    "expected node \"conv1\" (Conv2d, 5 filters",
                    "weight [5, 1, 3, 3]",
                    "it has \"conv1\" (Conv2d, 4",
                ],
            ),
            (
                net(4, |b| b.add("relu2", Relu).add("flatten", Flatten)),
                ["\"relu2\"", "\"relu1\"", "expected"],
            ),
            (
                net(4, |b| b.add("relu1", Relu)),
                ["expected 2 nodes", "it has 3", "\"flatten\""],
            ),
            (
                net(4, |b| {
                    b.add("relu1", Relu)
                        .add("flatten", Flatten)
                        .add("fc", Linear::new(2))
                }),
                ["expected 4 nodes", "it has 3", "\"fc\""],
            ),
            (
                net(4, |b| {
                    b.add("relu1", Relu)
                        .add_after(&["conv1"], "flatten", Flatten)
                }),
                ["expected node \"flatten\"", "after conv1", "after relu1"],
            ),
        ] {
            let difference = base.difference(&other).unwrap();
            for word in words {
                assert!(difference.contains(word), "{word} in {difference}");
            }
        }
    }
}
