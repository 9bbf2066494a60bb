//! The logistic sigmoid.

use super::*;
use crate::parallel::{map, map_into, zip, zip_into};

/// `1 / (1 + exp(-x))`, elementwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sigmoid;

/// exp(-x) may overflow to infinity, and 1 / infinity is the 0 that is wanted.
#[inline(always)]
fn sigmoid<F: Real>(x: F) -> F {
    F::one() / (F::one() + (-x).exponential())
}

#[inline(always)]
fn derivative<F: Real>(y: F, g: F) -> F {
    g * y * (F::one() - y)
}

impl<F: Real> Layer<F> for Sigmoid {
    fn kind(&self) -> &'static str {
        "Sigmoid"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        single("Sigmoid", inputs).cloned()
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Sigmoid]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map(single("Sigmoid", inputs)?, sigmoid), Saved::Nothing))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map_into(input, sigmoid), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        Gradients::input(zip(y, gradient, derivative))
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, _want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        Gradients::input(zip_into(y, gradient, derivative))
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
