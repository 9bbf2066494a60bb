//! What flows along the edges of ONNX's graph.

use convscope_nn::Tensor;
use ndarray::{ArrayD, IxDyn};
use std::sync::Arc;

/// The value of a name in the graph.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Computed from the image, by the node of this number.
    Activation(usize),
    /// A constant that is still in the file, by its number there.
    Stored(usize),
    /// A constant that was computed or given by a node.
    Constant(Arc<Constant>),
    /// The way from `erf` to a GELU.
    Erf(Erf),
}

/// What has been made of `erf(x / sqrt 2)` for an activation `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Erf {
    /// `x`.
    pub(super) of: usize,
    /// Whether 1 was added.
    pub(super) raised: bool,
    /// What it was multiplied by.
    pub(super) factor: f32,
    /// Whether it was multiplied by `x`.
    pub(super) gated: bool,
}

/// A whole number, or the number of images, which is not known before the network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Known(i64),
    Batch,
}

/// A tensor that does not depend on the image.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    Floats(Tensor),
    Wholes(ArrayD<Whole>),
}

impl Constant {
    pub(super) fn wholes(numbers: impl IntoIterator<Item = Whole>) -> Constant {
        let numbers: Vec<Whole> = numbers.into_iter().collect();
        let array = ArrayD::from_shape_vec(IxDyn(&[numbers.len()]), numbers);
        Constant::Wholes(array.expect("as many numbers as there are"))
    }

    pub(super) fn scalar(number: Whole) -> Constant {
        Constant::Wholes(ArrayD::from_elem(IxDyn(&[]), number))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Constant::Floats(array) => array.len(),
            Constant::Wholes(array) => array.len(),
        }
    }

    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Constant::Floats(array) => array.shape(),
            Constant::Wholes(array) => array.shape(),
        }
    }

    pub(super) fn into_floats(self) -> Result<Tensor, String> {
        match self {
            Constant::Floats(array) => Ok(array),
            Constant::Wholes(_) => Err("expected floating-point numbers, got whole ones".into()),
        }
    }

    pub(super) fn into_wholes(self) -> Result<ArrayD<Whole>, String> {
        match self {
            Constant::Wholes(array) => Ok(array),
            Constant::Floats(_) => Err("expected whole numbers, got floating-point ones".into()),
        }
    }

    /// Whole numbers that are all known.
    pub(super) fn into_known(self) -> Result<Vec<i64>, String> {
        let known = self.into_wholes()?.into_iter().map(|number| match number {
            Whole::Known(number) => Ok(number),
            Whole::Batch => Err("the number of images, which is not known".to_owned()),
        });
        known.collect()
    }

    /// The only number, if it is one.
    pub(super) fn single(&self) -> Option<f32> {
        match self {
            Constant::Floats(array) if array.len() == 1 => array.first().copied(),
            Constant::Wholes(array) => match array.first() {
                Some(Whole::Known(number)) if array.len() == 1 => Some(*number as f32),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same numbers in another shape.
    pub(super) fn reshaped(self, shape: &[usize]) -> Result<Constant, String> {
        let problem = |_| format!("a constant cannot take the shape {shape:?}");
        Ok(match self {
            Constant::Floats(array) => {
                let array = array.as_standard_layout().into_owned();
                Constant::Floats(array.into_shape_with_order(IxDyn(shape)).map_err(problem)?)
            }
            Constant::Wholes(array) => {
                let array = array.as_standard_layout().into_owned();
                Constant::Wholes(array.into_shape_with_order(IxDyn(shape)).map_err(problem)?)
            }
        })
    }
}
