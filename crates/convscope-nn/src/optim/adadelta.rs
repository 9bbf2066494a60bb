//! Adagrad with a memory that fades, and steps in the parameter's unit.

use super::{Optimizer, State, fraction, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// Divides by the root of a running mean of the squared gradient and multiplies by that of its own
/// squared steps, so that a step has the parameter's unit and no rate needs choosing (Zeiler 2012,
/// algorithm 1, <https://arxiv.org/abs/1212.5701>):
///
/// ```text
/// s = decay s + (1 - decay) g²
/// d = sqrt(u + epsilon) / sqrt(s + epsilon) g
/// u = decay u + (1 - decay) d²
/// w -= rate d
/// ```
///
/// The defaults are PyTorch's: rate 1 (the paper has none), decay 0.9, epsilon 1e-6. Epsilon
/// decides the first steps, which are of the size `sqrt(epsilon)`; the paper took decay 0.95.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaDelta {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of both running means.
    pub decay: f64,
    /// Starts the steps off and keeps the division from blowing up; more than 0.
    pub epsilon: f64,
}

impl Default for AdaDelta {
    fn default() -> AdaDelta {
        AdaDelta {
            learning_rate: 1.0,
            decay: 0.9,
            epsilon: 1e-06,
        }
    }
}

impl AdaDelta {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> AdaDelta {
        AdaDelta {
            learning_rate,
            ..AdaDelta::default()
        }
    }
}

impl<F: Real> Optimizer<F> for AdaDelta {
    fn name(&self) -> &'static str {
        "AdaDelta"
    }

    fn describe(&self) -> String {
        format!("AdaDelta, learning rate {}", self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        positive("learning rate", self.learning_rate)?;
        fraction("decay", self.decay)?;
        positive("epsilon", self.epsilon)
    }

    fn start(&self, parameter: &Tensor<F>) -> State<F> {
        State::zeros(parameter, 2)
    }

    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        let (_, [s, u]) = state.advance();
        let (rate, epsilon) = (F::of(rate), F::of(self.epsilon));
        let (decay, rest) = (F::of(self.decay), F::of(1.0 - self.decay));
        for_each_chunk(parameter, gradient, [s, u], |w, g, [s, u]| {
            for (((w, &g), s), u) in w.iter_mut().zip(g).zip(s).zip(u) {
                *s = decay * *s + rest * g * g;
                let d = (*u + epsilon).sqrt() / (*s + epsilon).sqrt() * g;
                *u = decay * *u + rest * d * d;
                *w -= rate * d;
            }
        });
    }
}
