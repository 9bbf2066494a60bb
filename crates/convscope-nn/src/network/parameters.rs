//! A network's numbers by their dotted paths: learned parameters and gathered buffers.

use super::{Network, Node};
use crate::error::{NnError, Result};
use crate::layer::Layer;
use crate::real::{Real, Tensor};
use crate::trace::Trace;
use std::sync::Arc;

/// Parameters or buffers of one layer.
type Named<'a, F> = Vec<(&'static str, &'a Tensor<F>)>;

impl<F: Real> Network<F> {
    /// Every parameter with its dotted path (`"conv1.weight"`), in the order of the nodes.
    pub fn parameters(&self) -> Vec<(String, &Tensor<F>)> {
        self.named(|layer| layer.parameters())
    }

    /// Every buffer with its dotted path (`"bn1.running_mean"`), in the order of the nodes: numbers
    /// that training gathers but no gradient reaches.
    pub fn buffers(&self) -> Vec<(String, &Tensor<F>)> {
        self.named(|layer| layer.buffers())
    }

    /// One parameter by its path.
    ///
    /// # Errors
    /// When there is none of that path; the message lists those there are.
    pub fn parameter(&self, path: &str) -> Result<&Tensor<F>> {
        one("parameter", path, self.parameters())
    }

    /// Replaces one parameter.
    ///
    /// # Errors
    /// When there is none of that path, or its shape differs.
    pub fn set_parameter(&mut self, path: &str, value: Tensor<F>) -> Result<()> {
        let value = fitting("parameter", path, self.parameter(path)?, value)?;
        if let Some((layer, i)) = self.owner(path, |layer| layer.parameters()) {
            *layer.parameters_mut().swap_remove(i).1 = value;
        }
        Ok(())
    }

    /// Replaces one buffer.
    ///
    /// # Errors
    /// When there is none of that path, or its shape differs.
    pub fn set_buffer(&mut self, path: &str, value: Tensor<F>) -> Result<()> {
        let old = one("buffer", path, self.buffers())?;
        let value = fitting("buffer", path, old, value)?;
        if let Some((layer, i)) = self.owner(path, |layer| layer.buffers()) {
            *layer.buffers_mut().swap_remove(i).1 = value;
        }
        Ok(())
    }

    /// How many numbers are learned.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, t)| t.len()).sum()
    }

    /// How many numbers are gathered in training beside the learned ones.
    pub fn buffer_count(&self) -> usize {
        self.buffers().iter().map(|(_, t)| t.len()).sum()
    }

    pub(crate) fn parameters_mut(&mut self) -> Vec<(String, &mut Tensor<F>)> {
        Arc::make_mut(&mut self.graph)
            .nodes
            .iter_mut()
            .filter(|node| !node.layer.parameters().is_empty())
            .flat_map(|node| {
                let path = node.name.clone();
                node.layer_mut()
                    .parameters_mut()
                    .into_iter()
                    .map(move |(name, tensor)| (format!("{path}.{name}"), tensor))
            })
            .collect()
    }

    /// Moves the running statistics towards those of a training step's forward pass. Layers
    /// without any stay shared with the trace.
    pub(crate) fn learn_statistics(&mut self, trace: &Trace<F>) {
        let has_buffers = |node: &Node<F>| !node.layer.buffers().is_empty();
        if !self.graph.nodes.iter().any(has_buffers) {
            return;
        }
        let graph = Arc::make_mut(&mut self.graph);
        for (i, node) in graph.nodes.iter_mut().enumerate() {
            if has_buffers(node) {
                node.layer_mut().learn_statistics(trace.saved(i));
            }
        }
    }

    fn named(&self, of: impl Fn(&dyn Layer<F>) -> Named<'_, F>) -> Vec<(String, &Tensor<F>)> {
        let mut all = Vec::new();
        for node in &self.graph.nodes {
            for (name, tensor) in of(&*node.layer) {
                all.push((format!("{}.{name}", node.name), tensor));
            }
        }
        all
    }

    /// The layer with the tensor of this path, to be changed, and which of its tensors that is.
    fn owner(
        &mut self,
        path: &str,
        of: impl Fn(&dyn Layer<F>) -> Named<'_, F>,
    ) -> Option<(&mut dyn Layer<F>, usize)> {
        let (node, i) = self.graph.nodes.iter().enumerate().find_map(|(at, node)| {
            let name = path.strip_prefix(&node.name)?.strip_prefix('.')?;
            let i = of(&*node.layer).iter().position(|(n, _)| *n == name)?;
            Some((at, i))
        })?;
        let graph = Arc::make_mut(&mut self.graph);
        Some((graph.nodes[node].layer_mut(), i))
    }
}

fn one<'a, F: Real>(
    what: &'static str,
    path: &str,
    all: Vec<(String, &'a Tensor<F>)>,
) -> Result<&'a Tensor<F>> {
    match all.iter().find(|(p, _)| p == path) {
        Some((_, tensor)) => Ok(tensor),
        None => {
            let known: Vec<_> = all.iter().map(|(p, _)| p.as_str()).collect();
            Err(NnError::Unknown {
                what,
                name: path.to_owned(),
                known: known.join(", "),
            })
        }
    }
}

/// A new value for a tensor, in C order, if it has its shape.
fn fitting<F: Real>(
    what: &str,
    path: &str,
    old: &Tensor<F>,
    value: Tensor<F>,
) -> Result<Tensor<F>> {
    if old.shape() != value.shape() {
        return Err(NnError::shape(
            format!("{what} \"{path}\""),
            format!("{:?}", old.shape()),
            value.shape(),
        ));
    }
    Ok(match value.is_standard_layout() {
        true => value,
        false => value.as_standard_layout().into_owned(),
    })
}
