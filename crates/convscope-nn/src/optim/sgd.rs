//! Stochastic gradient descent.

use super::Optimizer;
use crate::real::{Real, Tensor};

/// `w -= rate * gradient` (Robbins and Monro 1951).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// The learning rate.
    pub learning_rate: f64,
}

impl Sgd {
    /// Descent with this learning rate.
    pub fn new(learning_rate: f64) -> Sgd {
        Sgd { learning_rate }
    }
}

impl<F: Real> Optimizer<F> for Sgd {
    fn describe(&self) -> String {
        format!("SGD, learning rate {}", self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn state_tensors(&self) -> usize {
        0
    }

    fn step(
        &self,
        _step: u64,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        _state: &mut [Tensor<F>],
    ) {
        let rate = F::of(rate);
        parameter.zip_mut_with(gradient, |w, &g| *w -= rate * g);
    }
}
