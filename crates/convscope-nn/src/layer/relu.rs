//! The rectified linear unit, and the three ways back through it.

use super::*;
use crate::parallel::{map, zip};

/// `max(0, x)`, elementwise (Nair and Hinton 2010).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relu;

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

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = single("Relu", inputs)?;
        // A NaN stays one, so that it is seen where it first appears.
        let y = map(x, |v| if v < F::zero() { F::zero() } else { v });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        let zero = F::zero();
        // The output is positive exactly where the input was.
        Gradients::input(match want.rule {
            Rule::Gradient => zip(y, gradient, |y, g| if y > zero { g } else { zero }),
            Rule::Deconv => map(gradient, |g| if g > zero { g } else { zero }),
            Rule::Guided => zip(
                y,
                gradient,
                |y, g| {
                    if y > zero && g > zero { g } else { zero }
                },
            ),
            Rule::Redirected => redirected(y, gradient),
        })
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

fn redirected<F: Real>(y: &Tensor<F>, gradient: &Tensor<F>) -> Tensor<F> {
    let zero = F::zero();
    let mut dx = zip(y, gradient, |y, g| if y > zero { g } else { zero });
    let examples = gradient.outer_iter().zip(dx.outer_iter_mut());
    for (gradient, mut dx) in examples {
        if dx.iter().all(|&g| g == zero) {
            dx.zip_mut_with(&gradient, |d, &g| *d = if g > zero { g } else { zero });
        }
    }
    dx
}
