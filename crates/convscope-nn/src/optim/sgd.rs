//! Stochastic gradient descent.

use super::{Optimizer, State};
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// Down the gradient of a few examples instead of all (Robbins and Monro 1951,
/// <https://doi.org/10.1214/aoms/1177729586>):
///
/// ```text
/// w -= rate g
/// ```
///
/// It keeps nothing. The default rate, 0.001, is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// The learning rate.
    pub learning_rate: f64,
}

impl Default for Sgd {
    fn default() -> Sgd {
        Sgd::new(0.001)
    }
}

impl Sgd {
    /// Descent with this learning rate.
    pub fn new(learning_rate: f64) -> Sgd {
        Sgd { learning_rate }
    }
}

impl<F: Real> Optimizer<F> for Sgd {
    fn name(&self) -> &'static str {
        "SGD"
    }

    fn describe(&self) -> String {
        format!("SGD, learning rate {}", self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn start(&self, parameter: &Tensor<F>) -> State<F> {
        State::zeros(parameter, 0)
    }

    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        let (_, []) = state.advance();
        let rate = F::of(rate);
        for_each_chunk(parameter, gradient, [], |w, g, []| {
            for (w, &g) in w.iter_mut().zip(g) {
                *w -= rate * g;
            }
        });
    }
}
