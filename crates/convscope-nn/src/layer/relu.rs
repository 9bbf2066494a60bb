//! The rectified linear unit, and the four ways back through it.

use super::*;
use crate::parallel::{map, map_into, slice, slice_mut, zip, zip_into};

/// `max(0, x)`, elementwise (Nair and Hinton 2010).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relu;

/// A NaN stays one, so that it is seen where it first appears.
fn relu<F: Real>(x: F) -> F {
    if x < F::zero() { F::zero() } else { x }
}

pub(super) fn positive<F: Real>(g: F) -> F {
    if g > F::zero() { g } else { F::zero() }
}

/// The derivative, told from the output: that is positive exactly where the input was.
fn derivative<F: Real>(y: F, g: F) -> F {
    if y > F::zero() { g } else { F::zero() }
}

fn guided<F: Real>(y: F, g: F) -> F {
    positive(derivative(y, g))
}

impl<F: Real> Layer<F> for Relu {
    fn kind(&self) -> &'static str {
        "Relu"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        single("Relu", inputs).cloned()
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Relu]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = single("Relu", inputs)?;
        Ok((map(x, relu), Saved::Nothing))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map_into(input, relu), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        Gradients::input(match want.rule {
            Rule::Gradient => zip(y, gradient, derivative),
            Rule::Deconv => map(gradient, positive),
            Rule::Guided => zip(y, gradient, guided),
            Rule::Redirected => redirected(zip(y, gradient, derivative), gradient),
        })
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        Gradients::input(match want.rule {
            Rule::Gradient => zip_into(y, gradient, derivative),
            Rule::Deconv => map_into(gradient, positive),
            Rule::Guided => zip_into(y, gradient, guided),
            Rule::Redirected => redirected(zip(y, &gradient, derivative), &gradient),
        })
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

/// What the derivative lets back, `dx`, but of an image that would get nothing at all, every positive
/// signal.
pub(super) fn redirected<F: Real>(mut dx: Tensor<F>, gradient: &Tensor<F>) -> Tensor<F> {
    let one: usize = dx.shape()[1..].iter().product();
    let images = slice_mut(&mut dx).chunks_mut(one.max(1));
    for (dx, gradient) in images.zip(slice(gradient).chunks(one.max(1))) {
        if dx.iter().all(|&g| g == F::zero()) {
            for (d, &g) in dx.iter_mut().zip(gradient) {
                *d = positive(g);
            }
        }
    }
    dx
}
