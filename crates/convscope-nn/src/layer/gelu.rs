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
}

#[inline(always)]
fn exact<F: Real>(x: F) -> F {
    F::of(0.5) * x * (F::one() + (x * F::of(FRAC_1_SQRT_2)).erf())
}

#[inline(always)]
fn exact_derivative<F: Real>(x: F, g: F) -> F {
    let half = F::of(0.5);
    let below = half * (F::one() + (x * F::of(FRAC_1_SQRT_2)).erf());
    let density = F::of(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2) * (-half * x * x).exponential();
    g * (below + x * density)
}

#[inline(always)]
fn approximate<F: Real>(x: F) -> F {
    F::of(0.5) * x * (F::one() + inner(x).hyperbolic_tangent())
}

#[inline(always)]
fn approximate_derivative<F: Real>(x: F, g: F) -> F {
    let t = inner(x).hyperbolic_tangent();
    let slope = F::of(FRAC_2_SQRT_PI * FRAC_1_SQRT_2) * (F::one() + F::of(3.0 * CUBE) * x * x);
    g * F::of(0.5) * (F::one() + t + x * (F::one() - t * t) * slope)
}

/// The factor of the cube in the approximation.
const CUBE: f64 = 0.044715;

#[inline(always)]
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

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Gelu(self.tanh)]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = single("Gelu", inputs)?;
        let y = match self.tanh {
            true => map(x, approximate),
            false => map(x, exact),
        };
        Ok((y, Saved::Nothing))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let y = match self.tanh {
            true => map_into(input, approximate),
            false => map_into(input, exact),
        };
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let x = seen.inputs[0];
        Gradients::input(match self.tanh {
            true => zip(x, gradient, approximate_derivative),
            false => zip(x, gradient, exact_derivative),
        })
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, _want: Want) -> Gradients<F> {
        let x = seen.inputs[0];
        Gradients::input(match self.tanh {
            true => zip_into(x, gradient, approximate_derivative),
            false => zip_into(x, gradient, exact_derivative),
        })
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
