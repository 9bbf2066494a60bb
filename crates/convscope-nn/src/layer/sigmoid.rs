//! The logistic sigmoid.

use super::*;
use crate::parallel::{map, zip};

/// `1 / (1 + exp(-x))`, elementwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sigmoid;

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

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = single("Sigmoid", inputs)?;
        // exp(-x) may overflow to infinity, and 1 / infinity is the 0 that is wanted.
        let y = map(x, |v| F::one() / (F::one() + (-v).exp()));
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        Gradients::input(zip(y, gradient, |y, g| g * y * (F::one() - y)))
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
