//! The same numbers in another shape.

use super::*;
use crate::pool::copy;
use ndarray::IxDyn;

/// An example's numbers in another shape, row by row: from a vector to an image of one pixel, say
/// (PyTorch's `Unflatten`).
///
/// # Shapes
/// `[N, ...]` to `[N, shape]` with as many numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    shape: Shape,
}

impl Reshape {
    /// To this shape, without the batch.
    pub fn new(shape: impl Into<Vec<usize>>) -> Reshape {
        Reshape {
            shape: shape.into(),
        }
    }

    fn check(&self, input: &[usize]) -> Result<()> {
        let numbers = |shape: &[usize]| {
            let mut sizes = shape.iter();
            sizes.try_fold(1usize, |n, &size| n.checked_mul(size))
        };
        match self.shape.is_empty() || numbers(&self.shape) != numbers(input) {
            false => Ok(()),
            true => Err(NnError::shape(
                "Reshape's input",
                format!("as many numbers as {:?} has", self.shape),
                input,
            )),
        }
    }

    fn reshaped<F: Real>(x: Tensor<F>, shape: &[usize]) -> Tensor<F> {
        x.into_shape_with_order(IxDyn(shape))
            .expect("the same number of elements")
    }
}

impl<F: Real> Layer<F> for Reshape {
    fn kind(&self) -> &'static str {
        "Reshape"
    }

    fn settings(&self) -> String {
        format!("to {:?}", self.shape)
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        self.check(single("Reshape", inputs)?)?;
        Ok(self.shape.clone())
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Reshape]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        self.forward_into(copy(*single("Reshape", inputs)?), pass)
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        self.check(&input.shape()[1..])?;
        let shape = [&input.shape()[..1], &self.shape].concat();
        Ok((Reshape::reshaped(input, &shape), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        Gradients::input(Reshape::reshaped(copy(gradient), &seen.input_shapes[0]))
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(self.clone())
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(self.clone())
    }
}
