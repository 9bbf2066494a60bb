//! The Gaussian error linear unit.

use super::*;
use crate::parallel::{map, map_into, zip, zip_into};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// `x` times the probability that a standard normal number is below `x` (Hendrycks and Gimpel
/// 2016).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gelu {
    tanh: bool,
}

impl Gelu {
    /// The exact one, `x (1 + erf(x / sqrt 2)) / 2`; PyTorch's default.
    pub fn new() -> Gelu {
        Gelu { tanh: false }
    }

    /// The paper's approximation, `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
    pub fn tanh() -> Gelu {
        Gelu { tanh: true }
    }

    fn value<F: Real>(self, x: F) -> F {
        let half = F::of(0.5);
        if self.tanh {
            half * x * (F::one() + inner(x).tanh())
        } else {
            half * x * (F::one() + (x * F::of(FRAC_1_SQRT_2)).erf())
        }
    }

    fn derivative<F: Real>(self, x: F, g: F) -> F {
        let half = F::of(0.5);
        if self.tanh {
            let t = inner(x).tanh();
            let slope =
                F::of(FRAC_2_SQRT_PI * FRAC_1_SQRT_2) * (F::one() + F::of(3.0 * CUBE) * x * x);
            g * half * (F::one() + t + x * (F::one() - t * t) * slope)
        } else {
            let below = half * (F::one() + (x * F::of(FRAC_1_SQRT_2)).erf());
            let density = F::of(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2) * (-half * x * x).exp();
            g * (below + x * density)
        }
    }
}

/// The factor of the cube in the approximation.
const CUBE: f64 = 0.044715;

fn inner<F: Real>(x: F) -> F {
    F::of(FRAC_2_SQRT_PI * FRAC_1_SQRT_2) * (x + F::of(CUBE) * x * x * x)
}

impl<F: Real> Layer<F> for Gelu {
    fn kind(&self) -> &'static str {
        "Gelu"
    }

    fn settings(&self) -> String {
        if self.tanh {
            "tanh approximation".to_owned()
        } else {
            String::new()
        }
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        single("Gelu", inputs).cloned()
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((
            map(single("Gelu", inputs)?, |x| self.value(x)),
            Saved::Nothing,
        ))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map_into(input, |x| self.value(x)), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let x = seen.inputs[0];
        Gradients::input(zip(x, gradient, |x, g| self.derivative(x, g)))
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, _want: Want) -> Gradients<F> {
        let x = seen.inputs[0];
        Gradients::input(zip_into(x, gradient, |x, g| self.derivative(x, g)))
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
