//! Layers that treat each number, or each vector of channels, by itself.

use super::node::Node;
use super::value::{Erf, Value};
use super::{Import, Step, listed};
use convscope_nn::layer::Layer;
use convscope_nn::{
    ChannelAffine, Clamp, Dropout, Gelu, LeakyRelu, LocalResponseNorm, LogSoftmax, Multiply, Relu,
    Sigmoid, Softmax, Tanh, Tensor,
};
use ndarray::IxDyn;
use std::f32::consts::FRAC_1_SQRT_2;

impl Import<'_> {
    pub(super) fn elementwise(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let add = |import: &mut Self, layer: Box<dyn Layer<f32>>| {
            import.layer(node, None, layer, vec![x], Vec::new())
        };
        match node.operator.as_str() {
            "Relu" => add(self, Relu.into())?,
            "Sigmoid" => add(self, Sigmoid.into())?,
            "Tanh" => add(self, Tanh.into())?,
            "LeakyRelu" => add(self, LeakyRelu::new(node.float("alpha", 0.01)).into())?,
            "Gelu" => match node.word("approximate").as_deref() {
                None | Some("none") => add(self, Gelu::new().into())?,
                Some("tanh") => add(self, Gelu::tanh().into())?,
                Some(other) => {
                    return Err(format!("approximate is \"{other}\"; expected none or tanh"));
                }
            },
            "PRelu" => {
                let slope = self.floats(node, 1)?;
                let first = slope.first().copied().unwrap_or(f32::NAN);
                if slope.iter().any(|&v| v != first) {
                    return Err("its slopes differ from channel to channel; expected one".into());
                }
                let slope = first.to_string().parse().unwrap_or(f64::NAN);
                add(self, LeakyRelu::new(slope).into())?
            }
            "Clip" => return self.clip(node, x),
            "Erf" => return self.erf(node, x),
            "HardSigmoid" => {
                let (alpha, beta) = (node.float("alpha", 0.2), node.float("beta", 0.5));
                self.hard_sigmoid(node, x, alpha, beta)?
            }
            "HardSwish" => {
                let gate = self.hard_sigmoid(node, x, 1.0 / 6.0, 0.5)?;
                self.layer(node, None, Multiply, vec![x, gate], Vec::new())?
            }
            "Softmax" | "LogSoftmax" => return self.softmax(node, x),
            _ => return self.dropout(node, x),
        };
        Ok(())
    }

    fn clip(&mut self, node: &Node, x: usize) -> Step {
        // Up to version 6 the limits were attributes.
        let mut limits = [node.given_float("min"), node.given_float("max")];
        for (at, limit) in (1..).zip(&mut limits) {
            if node.input(at).is_some() {
                let found = self.constant(node, at)?;
                *limit = Some(found.single().ok_or_else(|| {
                    format!(
                        "input {at} has the shape {:?}; expected one number",
                        found.shape()
                    )
                })?);
            }
        }
        let low = limits[0].filter(|&low| low > f32::MIN);
        let high = limits[1].filter(|&high| high < f32::MAX);
        let exact = |v: f32| v.to_string().parse().unwrap_or(f64::NAN);
        match (low, high) {
            (None, None) => return self.give(node, Value::Activation(x)),
            (Some(0.0), None) => self.layer(node, None, Relu, vec![x], Vec::new())?,
            _ => {
                let low = low.map_or(f64::NEG_INFINITY, exact);
                let layer = Clamp::new(low, high.map_or(f64::INFINITY, exact));
                self.layer(node, None, layer, vec![x], Vec::new())?
            }
        };
        Ok(())
    }

    /// `alpha x + beta` between 0 and 1; its last layer's number.
    fn hard_sigmoid(&mut self, node: &Node, x: usize, alpha: f64, beta: f64) -> Step<usize> {
        let channels = self.shape(x)[0];
        let name = node.candidate(None);
        let all = |v: f64| Tensor::from_elem(IxDyn(&[channels]), v as f32);
        let numbers = vec![("weight", all(alpha)), ("bias", all(beta))];
        let line = self.draft(name.part("line"), ChannelAffine::new(), vec![x], numbers)?;
        match node.operator.as_str() {
            "HardSwish" => self.draft(name.part("gate"), Clamp::new(0.0, 1.0), vec![line], vec![]),
            _ => self.layer(node, None, Clamp::new(0.0, 1.0), vec![line], Vec::new()),
        }
    }

    pub(super) fn lrn(&mut self, node: &Node) -> Step {
        let x = self.activation(node, 0)?;
        let size = super::node::sizes("size", &[node.int("size", 0)])?[0];
        if size % 2 == 0 {
            return Err(format!(
                "size is {size}; expected an odd number of channels"
            ));
        }
        let layer = LocalResponseNorm::new(size)
            .alpha(node.float("alpha", 1e-4))
            .beta(node.float("beta", 0.75))
            .k(node.float("bias", 1.0));
        self.layer(node, None, layer, vec![x], Vec::new())?;
        Ok(())
    }

    fn softmax(&mut self, node: &Node, x: usize) -> Step {
        let shape = self.shape(x);
        let rank = shape.len() as i64 + 1;
        // Before version 13 it took everything from the axis on together.
        let together = self.opset < 13;
        let axis = match node.int("axis", if together { 1 } else { -1 }) {
            axis if axis < 0 => axis + rank,
            axis => axis,
        };
        let one_position = shape[1..].iter().all(|&size| size == 1);
        if axis != 1 || (together && !one_position) {
            return Err(format!(
                "it goes along axis {axis} of [batch, {}]; expected the channels, axis 1",
                listed(shape)
            ));
        }
        match node.operator.as_str() {
            "Softmax" => self.layer(node, None, Softmax, vec![x], Vec::new())?,
            _ => self.layer(node, None, LogSoftmax, vec![x], Vec::new())?,
        };
        Ok(())
    }

    /// Nothing in inference, and kept where it has a probability, for Monte Carlo dropout.
    fn dropout(&mut self, node: &Node, x: usize) -> Step {
        if node.input(2).is_some() && self.constant(node, 2)?.single() != Some(0.0) {
            return Err("it is in training mode; export the network for inference".into());
        }
        let mut p = node.float("ratio", 0.5);
        if node.input(1).is_some() {
            let found = self.constant(node, 1)?.single();
            p = found
                .and_then(|p| p.to_string().parse().ok())
                .unwrap_or(f64::NAN);
        }
        match p > 0.0 && p < 1.0 {
            true => self
                .layer(node, None, Dropout::new(p), vec![x], Vec::new())
                .map(|_| ()),
            false => self.give(node, Value::Activation(x)),
        }
    }

    /// `erf(x / sqrt 2)`: the beginning of a GELU in parts.
    fn erf(&mut self, node: &Node, x: usize) -> Step {
        match self.scaled(x) {
            Some((of, factor)) if (factor - FRAC_1_SQRT_2).abs() < 1e-4 => {
                let erf = Erf {
                    of,
                    raised: false,
                    factor: 1.0,
                    gated: false,
                };
                self.give(node, Value::Erf(erf))
            }
            _ => Err("it is read only of x / sqrt 2, as a part of a GELU".into()),
        }
    }

    /// Goes on from a part of `x (1 + erf(x / sqrt 2)) / 2`, by what the node does to it with its
    /// other input.
    pub(super) fn erf_with(&mut self, node: &Node, mut erf: Erf, other: usize) -> Step {
        let refused = || "an erf is read only as a part of a GELU".to_owned();
        let number = match self.value(node, other)? {
            Value::Activation(id) => {
                let factor = match self.scaled(id) {
                    _ if id == erf.of => 1.0,
                    Some((of, factor)) if of == erf.of => factor,
                    _ => return Err(refused()),
                };
                if erf.gated || node.operator != "Mul" {
                    return Err(refused());
                }
                erf.gated = true;
                factor
            }
            _ => self.constant(node, other)?.single().ok_or_else(refused)?,
        };
        match node.operator.as_str() {
            "Add" if number == 1.0 && !erf.raised && !erf.gated && erf.factor == 1.0 => {
                erf.raised = true;
            }
            "Mul" if erf.raised => erf.factor *= number,
            "Div" if erf.raised && other == 1 => erf.factor /= number,
            _ => return Err(refused()),
        }
        if erf.gated && (erf.factor - 0.5).abs() < 1e-4 {
            self.layer(node, None, Gelu::new(), vec![erf.of], Vec::new())?;
            return Ok(());
        }
        self.give(node, Value::Erf(erf))
    }

    /// The activation and the number that this one is the product of, if it is.
    fn scaled(&self, id: usize) -> Option<(usize, f32)> {
        let draft = self.drafts.get(id.checked_sub(1)?)?;
        let parameters = draft.layer.parameters();
        let ("ChannelAffine", [(_, weight), (_, bias)]) = (draft.layer.kind(), &parameters[..])
        else {
            return None;
        };
        let factor = *weight.first()?;
        let plain = weight.iter().all(|&w| w == factor) && bias.iter().all(|&b| b == 0.0);
        plain.then_some((draft.inputs[0], factor))
    }
}
