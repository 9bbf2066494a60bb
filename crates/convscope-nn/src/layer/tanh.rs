//! The hyperbolic tangent.

use super::*;
use crate::parallel::{map, map_into, zip, zip_into};

/// `tanh(x)`, elementwise: a sigmoid between -1 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tanh;

#[inline(always)]
fn tanh<F: Real>(x: F) -> F {
    x.hyperbolic_tangent()
}

#[inline(always)]
fn derivative<F: Real>(y: F, g: F) -> F {
    g * (F::one() - y * y)
}

impl<F: Real> Layer<F> for Tanh {
    fn kind(&self) -> &'static str {
        "Tanh"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        single("Tanh", inputs).cloned()
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Tanh]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map(single("Tanh", inputs)?, tanh), Saved::Nothing))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map_into(input, tanh), Saved::Nothing))
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
