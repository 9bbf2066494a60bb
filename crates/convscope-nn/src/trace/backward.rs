//! The way back through a trace.

use super::Trace;
use crate::error::{NnError, Result};
use crate::layer::{Gradients, Rule, Seen, Want};
use crate::network::{Graph, INPUT};
use crate::parallel::{add_assign, recycle};
use crate::real::{Real, Tensor};
use crate::trace::Unit;
use ndarray::IxDyn;

impl<F: Real> Trace<F> {
    /// The gradient of a unit with respect to the image, `[N, C, H, W]`: how the unit's value for
    /// each image changes with each of that image's pixels.
    ///
    /// # Errors
    /// When there is no such unit.
    pub fn gradient(&self, of: Unit, rule: Rule) -> Result<Tensor<F>> {
        self.gradient_at(of, INPUT, rule)
    }

    /// The same with respect to another node's activation; zero where the unit does not depend on
    /// that node.
    ///
    /// # Errors
    /// When there is no such unit or node.
    pub fn gradient_at(&self, of: Unit, node: &str, rule: Rule) -> Result<Tensor<F>> {
        let to = self.graph.find(node)?;
        Ok(F::backward(self, self.seeds(&of)?, to, Want::inputs(rule)).0)
    }

    /// The gradient of any scalar, given its gradient with respect to the activation of a node
    /// (`from`, batch included), with respect to the activation of another node (`to`).
    ///
    /// # Errors
    /// When there is no such node, or the given gradient has not the shape of its activation.
    pub fn gradient_from(
        &self,
        from: &str,
        gradient: &Tensor<F>,
        to: &str,
        rule: Rule,
    ) -> Result<Tensor<F>> {
        let (from, to) = (self.graph.find(from)?, self.graph.find(to)?);
        let seed = self.checked(from, gradient)?;
        Ok(F::backward(self, vec![(from, seed)], to, Want::inputs(rule)).0)
    }

    /// The gradient of a scalar with respect to every parameter, in the order of
    /// [`Network::parameters`](crate::Network::parameters), given the scalar's gradient with
    /// respect to the output.
    ///
    /// # Errors
    /// When `output_gradient` has not the output's shape.
    pub fn parameter_gradients(&self, output_gradient: &Tensor<F>) -> Result<Vec<Tensor<F>>> {
        let want = Want {
            inputs: true,
            parameters: true,
            rule: Rule::Gradient,
        };
        let last = self.graph.nodes.len();
        let seed = self.checked(last, output_gradient)?;
        Ok(F::backward(self, vec![(last, seed)], 0, want).1)
    }

    /// A gradient with respect to a node's activation, in C order.
    fn checked(&self, id: usize, gradient: &Tensor<F>) -> Result<Tensor<F>> {
        let expected = &self.shapes[id];
        if gradient.shape() != expected {
            let what = match id == self.graph.nodes.len() {
                true => "the output".to_owned(),
                false => format!("node \"{}\"", self.graph.name(id)),
            };
            return Err(NnError::shape(
                format!("the gradient with respect to {what}"),
                format!("{expected:?}"),
                gradient.shape(),
            ));
        }
        Ok(match gradient.is_standard_layout() {
            true => gradient.clone(),
            false => gradient.as_standard_layout().into_owned(),
        })
    }

    /// From gradients at nodes back to node `to`, and the parameters' gradients on the way where
    /// they are wanted (then `to` is the image, and its own gradient is not computed).
    pub(crate) fn backward(
        &self,
        seeds: Vec<(usize, Tensor<F>)>,
        to: usize,
        want: Want,
    ) -> (Tensor<F>, Vec<Tensor<F>>) {
        let mut gradients: Vec<Option<Tensor<F>>> = vec![None; self.values.len()];
        let mut parameters: Vec<Vec<Tensor<F>>> = vec![Vec::new(); self.graph.nodes.len()];
        let from = seeds.iter().map(|(id, _)| *id).max().unwrap_or(0);
        for (id, seed) in seeds {
            gradients[id] = Some(seed);
        }
        let depends = dependents(&self.graph, to);
        for id in (to + 1..=from).rev() {
            let Some(gradient) = gradients[id].take().filter(|_| depends[id]) else {
                continue;
            };
            let node = &self.graph.nodes[id - 1];
            let for_image_only = node.inputs.iter().all(|&i| i == 0);
            let asked = Want {
                inputs: !(want.parameters && for_image_only),
                ..want
            };
            let found = self.backward_node(id - 1, gradient, asked);
            parameters[id - 1] = found.parameters;
            for (&input, g) in node.inputs.iter().zip(found.inputs) {
                match &mut gradients[input] {
                    Some(sum) => {
                        add_assign(sum, &g);
                        recycle(g);
                    }
                    empty => *empty = Some(g),
                }
            }
        }
        if want.parameters {
            for (node, found) in self.graph.nodes.iter().zip(&mut parameters) {
                if found.is_empty() {
                    // Nothing flowed back to it: its parameters do not matter to the output.
                    *found = node
                        .layer
                        .parameters()
                        .iter()
                        .map(|(_, t)| Tensor::zeros(t.raw_dim()))
                        .collect();
                }
            }
        }
        let at_to = gradients[to]
            .take()
            .unwrap_or_else(|| Tensor::zeros(IxDyn(&self.shapes[to])));
        (at_to, parameters.into_iter().flatten().collect())
    }

    fn backward_node(&self, i: usize, gradient: Tensor<F>, want: Want) -> Gradients<F> {
        let node = &self.graph.nodes[i];
        let needs = node.layer.needs();
        let shapes: Vec<Vec<usize>> = node
            .inputs
            .iter()
            .map(|&id| self.shapes[id].clone())
            .collect();
        let inputs: Vec<&Tensor<F>> = if needs.input {
            node.inputs
                .iter()
                .map(|&id| self.values[id].as_ref().expect("kept for the way back"))
                .collect()
        } else {
            Vec::new()
        };
        let seen = Seen {
            input_shapes: &shapes,
            inputs: &inputs,
            output: self.values[i + 1].as_ref().filter(|_| needs.output),
            saved: &self.saved[i],
        };
        node.layer.backward_into(&seen, gradient, want)
    }
}

impl Want {
    fn inputs(rule: Rule) -> Want {
        Want {
            inputs: true,
            parameters: false,
            rule,
        }
    }
}

/// Which activations depend on that of `to`: only through them can a gradient reach it.
fn dependents<F: Real>(graph: &Graph<F>, to: usize) -> Vec<bool> {
    let mut depends = vec![false; graph.nodes.len() + 1];
    depends[to] = true;
    for (i, node) in graph.nodes.iter().enumerate() {
        depends[i + 1] |= node.inputs.iter().any(|&id| depends[id]);
    }
    depends
}
