//! The nodes of a network, one by one: for whoever draws it or writes it in another format.

use super::Network;
use crate::layer::{Layer, Shape};
use crate::real::Real;

/// A node of a network, to be looked at.
#[derive(Clone, Debug)]
pub struct NodeView<'a, F: Real = f32> {
    /// Its name.
    pub name: &'a str,
    /// What it computes.
    pub layer: &'a dyn Layer<F>,
    /// The names of the nodes it reads; [`INPUT`](crate::INPUT) is the image.
    pub inputs: Vec<&'a str>,
    /// The shapes of what it reads, without the batch.
    pub input_shapes: Vec<Shape>,
    /// The shape of its output, without the batch.
    pub shape: &'a [usize],
}

impl<F: Real> Network<F> {
    /// Every node in the order in which they run. The last one's output is the network's.
    pub fn views(&self) -> impl Iterator<Item = NodeView<'_, F>> {
        self.graph.nodes.iter().map(|node| NodeView {
            name: &node.name,
            layer: &*node.layer,
            inputs: node.inputs.iter().map(|&id| self.graph.name(id)).collect(),
            input_shapes: self.graph.input_shapes(node),
            shape: &node.shape,
        })
    }
}
