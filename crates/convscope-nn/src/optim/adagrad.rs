//! Adaptive gradient.

use super::{Optimizer, State, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// Divides by the root of the sum of all squared gradients so far, so that a parameter that has
/// moved little keeps a large step (Duchi, Hazan and Singer 2011,
/// <https://jmlr.org/papers/v12/duchi11a.html>):
///
/// ```text
/// s = s + g²
/// w -= rate g / (sqrt(s) + epsilon)
/// ```
///
/// The sum only grows, so the steps only shrink: what [`RmsProp`](super::RmsProp) and
/// [`AdaDelta`](super::AdaDelta) set out to mend.
///
/// The defaults are PyTorch's: rate 0.01, epsilon 1e-10, `s` from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// The learning rate.
    pub learning_rate: f64,
    /// Keeps the division from blowing up; more than 0.
    pub epsilon: f64,
}

impl Default for Adagrad {
    fn default() -> Adagrad {
        Adagrad {
            learning_rate: 0.01,
            epsilon: 1e-10,
        }
    }
}

impl Adagrad {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> Adagrad {
        Adagrad {
            learning_rate,
            ..Adagrad::default()
        }
    }
}

impl<F: Real> Optimizer<F> for Adagrad {
    fn name(&self) -> &'static str {
        "Adagrad"
    }

    fn describe(&self) -> String {
        format!("Adagrad, learning rate {}", self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        positive("learning rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)
    }

    fn start(&self, parameter: &Tensor<F>) -> State<F> {
        State::zeros(parameter, 1)
    }

    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        let (_, [s]) = state.advance();
        let (rate, epsilon) = (F::of(rate), F::of(self.epsilon));
        for_each_chunk(parameter, gradient, [s], |w, g, [s]| {
            for ((w, &g), s) in w.iter_mut().zip(g).zip(s) {
                *s += g * g;
                *w -= rate * g / (s.sqrt() + epsilon);
            }
        });
    }
}
