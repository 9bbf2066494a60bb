//! From images to vectors.

use super::*;
use crate::pool::copy;
use ndarray::IxDyn;

/// `[C, H, W]` to `[C H W]`, channel by channel, row by row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flatten;

impl<F: Real> Layer<F> for Flatten {
    fn kind(&self) -> &'static str {
        "Flatten"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        Ok(vec![single("Flatten", inputs)?.iter().product()])
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Flatten]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("Flatten", inputs)?;
        let shape = [x.shape()[0], x.shape()[1..].iter().product()];
        Ok((reshape(copy(x), &shape), Saved::Nothing))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let shape = [input.shape()[0], input.shape()[1..].iter().product()];
        Ok((reshape(input, &shape), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        Gradients::input(reshape(copy(gradient), &seen.input_shapes[0]))
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, _want: Want) -> Gradients<F> {
        Gradients::input(reshape(gradient, &seen.input_shapes[0]))
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

fn reshape<F: Real>(x: Tensor<F>, shape: &[usize]) -> Tensor<F> {
    x.into_shape_with_order(IxDyn(shape))
        .expect("the same number of elements")
}
