//! Parts of a network, and the same network over images of another size.

use super::{Graph, Network, NetworkBuilder, Node};
use crate::error::{NnError, Result};
use crate::layer::Shape;
use std::sync::Arc;

impl Network {
    /// The network up to a node, which is then its output: what the node does not depend on is
    /// left out. (The name of a block stands for its last node.) Its nodes keep their names, and
    /// share their weights until one of the networks changes.
    ///
    /// # Errors
    /// When there is no such node, or it is the image.
    pub fn until(&self, node: &str) -> Result<Network> {
        let last = self.graph.find(node)?;
        if last == 0 {
            return Err(NnError::Invalid(
                "the image itself is no network: expected the name of a layer".into(),
            ));
        }
        let mut kept = vec![false; last + 1];
        kept[last] = true;
        for id in (1..=last).rev() {
            if kept[id] {
                for &input in &self.graph.nodes[id - 1].inputs {
                    kept[input] = true;
                }
            }
        }
        let mut numbers = vec![0; last + 1];
        let mut nodes: Vec<Node<f32>> = Vec::new();
        for id in (1..=last).filter(|&id| kept[id]) {
            let mut node = self.graph.nodes[id - 1].clone();
            node.inputs.iter_mut().for_each(|i| *i = numbers[*i]);
            nodes.push(node);
            numbers[id] = nodes.len();
        }
        Ok(Network {
            graph: Arc::new(Graph {
                input: self.graph.input.clone(),
                nodes,
            }),
        })
    }

    /// The same network, weights included, over images of another shape. Convolutions, pooling and
    /// whatever works on each place do not mind; a fully connected layer after a flattening does.
    ///
    /// # Errors
    /// Names the layer that does not fit images of this shape.
    pub fn for_input(&self, shape: impl Into<Shape>) -> Result<Network> {
        let shape = shape.into();
        if shape == self.graph.input {
            return Ok(self.clone());
        }
        NetworkBuilder::new(shape).nodes_of(self).build(0)
    }
}
