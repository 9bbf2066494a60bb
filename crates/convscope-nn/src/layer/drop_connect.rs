//! A fully connected layer whose weights drop.

use super::dropout::{Coins, check_probability};
use super::*;
use crate::parallel::{map, slice_mut};

/// A [`Linear`] layer that, in a training pass, sets each weight to 0 with probability `p` and
/// divides the others by `1 - p` (Wan et al. 2013). Made by [`Linear::drop_connect`].
///
/// One set of weights drops for a whole batch, where the paper draws one per example: that would
/// cost a matrix per image. Inference uses all weights, where the paper samples a normal
/// distribution with the same mean and variance; [`Pass::monte_carlo`] samples the layer itself.
/// Biases do not drop.
///
/// # Shapes
/// As [`Linear`].
#[derive(Clone, Debug)]
pub struct DropConnect<F: Real = f32> {
    linear: Linear<F>,
    p: f64,
}

impl Linear {
    /// The layer with weights that drop with probability `p`, at least 0 and less than 1; the
    /// paper takes 0.5.
    pub fn drop_connect(self, p: f64) -> DropConnect {
        DropConnect { linear: self, p }
    }
}

impl<F: Real> DropConnect<F> {
    /// The weights that are left, or the gradient of those.
    fn drop_weights(&self, weight: &Tensor<F>, seed: u64) -> Tensor<F> {
        let mut left = map(weight, |w| w);
        Coins::new(self.p, seed).apply(slice_mut(&mut left));
        left
    }
}

impl<F: Real> Layer<F> for DropConnect<F> {
    fn kind(&self) -> &'static str {
        "DropConnect"
    }

    fn settings(&self) -> String {
        format!("{}, p {}", self.linear.settings(), self.p)
    }

    fn build(&mut self, inputs: &[Shape], rng: &mut ChaCha8Rng) -> Result<Shape> {
        check_probability("DropConnect", self.p)?;
        self.linear.build(inputs, rng)
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
        self.linear.parameters()
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        self.linear.parameters_mut()
    }

    fn multiply_adds(&self, inputs: &[Shape], output: &Shape) -> u64 {
        self.linear.multiply_adds(inputs, output)
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::Linear]
    }

    fn needs(&self) -> Needs {
        self.linear.needs()
    }

    fn forward(&self, inputs: &[&Tensor<F>], pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        if !pass.drop || self.p == 0.0 {
            return self.linear.forward(inputs, pass);
        }
        let weight = self.drop_weights(self.linear.weight(), pass.seed);
        let x = single("DropConnect", inputs)?;
        let y = self.linear.forward_with(x, &weight)?;
        Ok((y, Saved::Seed(pass.seed)))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        let Saved::Seed(seed) = *seen.saved else {
            return self.linear.backward(seen, gradient, want);
        };
        let weight = self.drop_weights(self.linear.weight(), seed);
        let mut gradients = self.linear.backward_with(seen, gradient, want, &weight);
        if let Some(dw) = gradients.parameters.first_mut() {
            Coins::new(self.p, seed).apply(slice_mut(dw));
        }
        gradients
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(DropConnect {
            linear: self.linear.cast(),
            p: self.p,
        })
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(self.clone())
    }
}
