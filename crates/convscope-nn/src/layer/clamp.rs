//! The clamped unit: a rectified linear unit with a ceiling.

use super::relu::{positive, redirected};
use super::*;
use crate::parallel::{map, map_into, zip, zip_into};

/// `x` between two numbers, which stand for everything below and above. [`Clamp::relu6`] is the unit
/// of the MobileNets (Krizhevsky 2010; Howard et al. 2017).
///
/// Where the lower number is 0 it is a rectifier, and goes back under every [`Rule`] as a ReLU
/// does; its derivative is 0 at both ends and beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    low: f64,
    high: f64,
}

impl Clamp {
    /// Between `low` and `high`; either may be infinite.
    pub fn new(low: f64, high: f64) -> Clamp {
        Clamp { low, high }
    }

    /// Between 0 and 6.
    pub fn relu6() -> Clamp {
        Clamp::new(0.0, 6.0)
    }

    /// A NaN stays one.
    fn value<F: Real>(&self) -> impl Fn(F) -> F + Sync + use<F> {
        let (low, high) = (F::of(self.low), F::of(self.high));
        move |x| {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        }
    }

    /// Told from the output: that is between the two exactly where the input was.
    fn derivative<F: Real>(&self) -> impl Fn(F, F) -> F + Sync + Copy + use<F> {
        let (low, high) = (F::of(self.low), F::of(self.high));
        move |y, g| if y > low && y < high { g } else { F::zero() }
    }

    /// The derivative holds wherever it is no rectifier.
    fn rule(&self, rule: Rule) -> Rule {
        if self.low == 0.0 {
            rule
        } else {
            Rule::Gradient
        }
    }
}

impl<F: Real> Layer<F> for Clamp {
    fn kind(&self) -> &'static str {
        "Clamp"
    }

    fn settings(&self) -> String {
        format!("from {} to {}", self.low, self.high)
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        // Not just `low >= high`: a NaN is neither.
        if self.low.partial_cmp(&self.high) != Some(std::cmp::Ordering::Less) {
            return Err(NnError::Invalid(format!(
                "Clamp's lower number must be less than its upper one, got {} and {}",
                self.low, self.high
            )));
        }
        single("Clamp", inputs).cloned()
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Clamp {
            low: self.low,
            high: self.high,
        }]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: false,
            output: true,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map(single("Clamp", inputs)?, self.value()), Saved::Nothing))
    }

    fn forward_into(&self, input: Tensor<F>, _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        Ok((map_into(input, self.value()), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        self.backward_into(seen, map(gradient, |g| g), want)
    }

    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, want: Want) -> Gradients<F> {
        let y = seen.output.expect("needs its output");
        let derivative = self.derivative();
        Gradients::input(match self.rule(want.rule) {
            Rule::Gradient => zip_into(y, gradient, derivative),
            Rule::Deconv => map_into(gradient, positive),
            Rule::Guided => zip_into(y, gradient, |y, g| positive(derivative(y, g))),
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
