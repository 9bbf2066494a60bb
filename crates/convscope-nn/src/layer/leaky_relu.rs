//! The leaky rectified linear unit.

use super::*;
use crate::parallel::{map, map_into, zip, zip_into};

/// `x` where it is positive, `slope * x` elsewhere (Maas, Hannun and Ng 2013). On the way back it
/// is its derivative under every [`Rule`]; at 0 that is the slope, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    slope: f64,
}

impl Default for LeakyRelu {
    /// A slope of 0.01, the paper's and PyTorch's.
    fn default() -> LeakyRelu {
        LeakyRelu::new(0.01)
    }
}

impl LeakyRelu {
    /// With this slope on the negative side: 0 or a small positive number.
    pub fn new(slope: f64) -> LeakyRelu {
        LeakyRelu { slope }
    }

    fn value<F: Real>(&self) -> impl Fn(F) -> F + Sync + use<F> {
        let slope = F::of(self.slope);
        move |x| if x > F::zero() { x } else { slope * x }
    }

    /// Told from the output, whose sign is the input's.
    fn derivative<F: Real>(&self) -> impl Fn(F, F) -> F + Sync + use<F> {
        let slope = F::of(self.slope);
        move |y, g| if y > F::zero() { g } else { slope * g }
    }
}

impl<F: Real> Layer<F> for LeakyRelu {
    fn kind(&self) -> &'static str {
        "LeakyRelu"
    }

    fn settings(&self) -> String {
        format!("slope {}", self.slope)
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        if !(self.slope.is_finite() && self.slope >= 0.0) {
            return Err(NnError::Invalid(format!(
                "LeakyRelu's slope must be 0 or a positive number, got {}",
                self.slope
            )));
        }
        single("LeakyRelu", inputs).cloned()
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::LeakyRelu(self.slope)]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((
            map(single("LeakyRelu", inputs)?, self.value()),
            Saved::Nothing,
        ))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map_into(input, self.value()), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        Gradients::input(zip(y, gradient, self.derivative()))
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, _want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        Gradients::input(zip_into(y, gradient, self.derivative()))
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
