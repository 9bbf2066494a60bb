//! Sums and products with constants.

use super::node::Node;
use super::value::{Constant, Value, Whole};
use super::{Import, Open, Step, fill, listed};
use convscope_nn::layer::{Layer, Shape};
use convscope_nn::{ChannelAffine, Tensor};
use ndarray::{ArrayD, IxDyn, Zip};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

impl Import<'_> {
    pub(super) fn arithmetic(&mut self, node: &Node) -> Step {
        match (self.value(node, 0)?, self.value(node, 1)?) {
            (Value::Activation(a), Value::Activation(b)) => self.join(node, a, b),
            (Value::Erf(erf), _) => self.erf_with(node, erf, 1),
            (_, Value::Erf(erf)) => self.erf_with(node, erf, 0),
            (Value::Activation(x), _) => self.with_constant(node, x, 0),
            (_, Value::Activation(x)) => self.with_constant(node, x, 1),
            _ => {
                let (a, b) = (self.constant(node, 0)?, self.constant(node, 1)?);
                let found = self.computed(&node.operator, a, b)?;
                self.give(node, Value::Constant(Arc::new(found)))
            }
        }
    }

    /// An activation (input `at`) and a constant, the other input.
    fn with_constant(&mut self, node: &Node, x: usize, at: usize) -> Step {
        let constant = self.floats(node, 1 - at)?;
        let constant = self.per_channel(x, constant)?;
        let one = Tensor::ones(constant.raw_dim());
        let zero = Tensor::zeros(constant.raw_dim());
        let (scale, shift) = match (node.operator.as_str(), at) {
            ("Add", _) => (one, constant),
            ("Sub", 0) => (one, -constant),
            ("Sub", _) => (-one, constant),
            ("Mul", _) => (constant, zero),
            ("Div", 0) => (one / constant, zero),
            _ => return Err("it divides by what is computed from the image".into()),
        };
        let only_shift = matches!((node.operator.as_str(), at), ("Add", _) | ("Sub", 0));
        let output = node.output(0).unwrap_or_default();
        let reads: Vec<Shape> = match x.checked_sub(1) {
            Some(at) => self.drafts[at]
                .inputs
                .iter()
                .map(|&id| self.shape(id).clone())
                .collect(),
            None => Vec::new(),
        };
        if let Some(draft) = self.sole(node, at, x) {
            let taken = match draft.open.take_if(|_| only_shift) {
                Some(open) => {
                    take_bias(&mut draft.layer, open, &reads, shift.clone())?;
                    true
                }
                None if draft.layer.kind() == "ChannelAffine" => {
                    let mut own = draft.layer.parameters_mut();
                    *own[0].1 *= &scale;
                    *own[1].1 *= &scale;
                    *own[1].1 += &shift;
                    true
                }
                None => false,
            };
            if taken {
                draft.output = output.to_owned();
                return self.give(node, Value::Activation(x));
            }
        }
        let numbers = vec![("weight", scale), ("bias", shift)];
        self.layer(node, Some(1 - at), ChannelAffine::new(), vec![x], numbers)?;
        Ok(())
    }

    /// A constant as one number for each channel of an activation.
    fn per_channel(&mut self, x: usize, constant: Tensor) -> Step<Tensor> {
        let shape = self.shape(x).clone();
        let (rank, channels) = (shape.len() + 1, shape[0]);
        let wrong = || {
            format!(
                "a constant of the shape {:?} and an activation of [batch, {}]; expected one number, \
                 or one for each channel",
                constant.shape(),
                listed(&shape)
            )
        };
        let missing = rank.checked_sub(constant.ndim()).ok_or_else(wrong)?;
        let sizes = || std::iter::repeat_n(1, missing).chain(constant.shape().iter().copied());
        let elsewhere = sizes()
            .enumerate()
            .any(|(axis, size)| axis != 1 && size != 1);
        match (elsewhere, constant.len()) {
            (false, 1) => {
                self.budget.take_numbers(2 * channels)?;
                let value = constant.first().copied().unwrap_or_default();
                Ok(Tensor::from_elem(IxDyn(&[channels]), value))
            }
            (false, n) if n == channels => Ok(constant
                .iter()
                .copied()
                .collect::<ndarray::Array1<f32>>()
                .into_dyn()),
            _ => Err(wrong()),
        }
    }

    /// Two constants.
    fn computed(&mut self, operator: &str, a: Constant, b: Constant) -> Step<Constant> {
        let shape = common(a.shape(), b.shape())?;
        let count = shape
            .iter()
            .try_fold(1usize, |n, &size| n.checked_mul(size.max(1)));
        self.budget
            .take_numbers(count.ok_or("a constant would be too large")?)?;
        let (wide, narrow) = (IxDyn(&shape), "the common shape is one that both take");
        Ok(match (a, b) {
            (Constant::Floats(a), Constant::Floats(b)) => {
                let f: fn(f32, f32) -> f32 = match operator {
                    "Add" => |a, b| a + b,
                    "Sub" => |a, b| a - b,
                    "Mul" => |a, b| a * b,
                    _ => |a, b| a / b,
                };
                let (a, b) = (a.broadcast(wide.clone()), b.broadcast(wide));
                let (a, b) = (a.expect(narrow), b.expect(narrow));
                Constant::Floats(Zip::from(&a).and(&b).map_collect(|&a, &b| f(a, b)))
            }
            (Constant::Wholes(a), Constant::Wholes(b)) => {
                let (left, right) = (a.broadcast(wide.clone()), b.broadcast(wide.clone()));
                let (left, right) = (left.expect(narrow), right.expect(narrow));
                let pairs = left.iter().zip(right.iter());
                let found = pairs
                    .map(|(&a, &b)| whole(operator, a, b))
                    .collect::<Step<_>>()?;
                let array = ArrayD::from_shape_vec(wide, found);
                Constant::Wholes(array.map_err(|e| e.to_string())?)
            }
            _ => return Err("one constant is of whole numbers and the other is not".into()),
        })
    }
}

/// Gives a layer, which reads these shapes, the bias that the file adds behind it.
fn take_bias(layer: &mut Box<dyn Layer<f32>>, open: Open, reads: &[Shape], bias: Tensor) -> Step {
    if let Open::Conv(conv) = open {
        let weight = layer.parameters()[0].1.clone();
        let mut biased: Box<dyn Layer<f32>> = (*conv).into();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        biased.build(reads, &mut rng).map_err(|e| e.to_string())?;
        fill(&mut *biased, "weight", weight)?;
        *layer = biased;
    }
    fill(&mut **layer, "bias", bias)
}

/// The shape that two take together, as in NumPy.
fn common(a: &[usize], b: &[usize]) -> Step<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(at) => shape[at],
        None => 1,
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (a, b) if a == b || b == 1 => Ok(a),
            (1, b) => Ok(b),
            _ => Err(format!("the shapes {a:?} and {b:?} do not go together")),
        })
        .collect()
}

fn whole(operator: &str, a: Whole, b: Whole) -> Step<Whole> {
    let found = match (a, b) {
        (Whole::Known(a), Whole::Known(b)) => match operator {
            "Add" => a.checked_add(b),
            "Sub" => a.checked_sub(b),
            "Mul" => a.checked_mul(b),
            _ => a.checked_div(b),
        },
        (Whole::Batch, Whole::Known(1)) if operator == "Mul" || operator == "Div" => {
            return Ok(Whole::Batch);
        }
        (Whole::Known(1), Whole::Batch) if operator == "Mul" => return Ok(Whole::Batch),
        _ => return Err("it computes with the number of images, which is not known".into()),
    };
    found
        .map(Whole::Known)
        .ok_or_else(|| format!("it computes {a:?} and {b:?}, which has no result"))
}
