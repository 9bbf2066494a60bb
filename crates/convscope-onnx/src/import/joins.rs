//! Layers that read several nodes.

use super::node::Node;
use super::value::Value;
use super::{Import, Step};
use convscope_nn::{Add, Concat, Multiply};

impl Import<'_> {
    pub(super) fn sum(&mut self, node: &Node) -> Step {
        let inputs = self.activations(node)?;
        match inputs.as_slice() {
            [] => Err("expected at least one input".into()),
            [one] => self.give(node, Value::Activation(*one)),
            _ => self.layer(node, None, Add, inputs, Vec::new()).map(|_| ()),
        }
    }

    pub(super) fn concat(&mut self, node: &Node) -> Step {
        let values: Vec<Value> = (0..node.inputs())
            .map(|at| self.value(node, at))
            .collect::<Step<_>>()?;
        if !values
            .iter()
            .any(|value| matches!(value, Value::Activation(_)))
        {
            return self.concat_constants(node, node.int("axis", 0));
        }
        let inputs = self.activations(node)?;
        let rank = self.shape(inputs[0]).len() as i64 + 1;
        let axis = node.int("axis", 1);
        if axis != 1 && axis != 1 - rank {
            return Err(format!(
                "it goes along axis {axis}; expected the channels, axis 1"
            ));
        }
        match inputs.as_slice() {
            [one] => self.give(node, Value::Activation(*one)),
            _ => self
                .layer(node, None, Concat, inputs, Vec::new())
                .map(|_| ()),
        }
    }

    fn activations(&self, node: &Node) -> Step<Vec<usize>> {
        (0..node.inputs())
            .map(|at| self.activation(node, at))
            .collect()
    }

    /// Two activations, added or multiplied.
    pub(super) fn join(&mut self, node: &Node, first: usize, second: usize) -> Step {
        let numbers = |id: usize| self.shape(id).iter().product::<usize>();
        match node.operator.as_str() {
            "Add" => self.layer(node, None, Add, vec![first, second], Vec::new())?,
            // The gate comes second.
            "Mul" if numbers(first) < numbers(second) => {
                self.layer(node, None, Multiply, vec![second, first], Vec::new())?
            }
            "Mul" => self.layer(node, None, Multiply, vec![first, second], Vec::new())?,
            _ => return Err("two activations may be added or multiplied, no more".into()),
        };
        Ok(())
    }
}
