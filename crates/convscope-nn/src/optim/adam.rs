//! Adaptive moment estimation.

use super::{Optimizer, State, fraction, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// Steps by the running mean of the gradient over the root of the running mean of its square,
/// both corrected for having begun at zero (Kingma and Ba 2015, algorithm 1,
/// <https://arxiv.org/abs/1412.6980>):
///
/// ```text
/// m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g²
/// w -= rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
/// ```
///
/// Slides often leave out the root, or the two corrections. Without the root a step decays when
/// the gradients grow; without the corrections `m` starts 10 times and `v` 1000 times too small,
/// and the first step is about 3 times too large (`0.1 / sqrt(0.001)`).
///
/// The defaults are the paper's and PyTorch's: rate 0.001, b1 0.9, b2 0.999, epsilon 1e-8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Keeps the division from blowing up; more than 0.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Adam {
        Adam {
            learning_rate: 0.001,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl Adam {
    /// The paper's settings with this learning rate.
    pub fn new(learning_rate: f64) -> Adam {
        Adam {
            learning_rate,
            ..Adam::default()
        }
    }
}

impl Adam {
    /// The step and, apart from it, `decay` times the weights taken off, in one walk over memory.
    pub(super) fn step_decaying<F: Real>(
        &self,
        decay: f64,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        let (t, [m, v]) = state.advance();
        let size = F::of(rate / (1.0 - self.beta1.powf(t)));
        // Once, not a division for each weight.
        let root = F::of(1.0 / (1.0 - self.beta2.powf(t)).sqrt());
        let (rest1, b2, rest2) = (
            F::of(1.0 - self.beta1),
            F::of(self.beta2),
            F::of(1.0 - self.beta2),
        );
        let (decay, epsilon) = (F::of(decay), F::of(self.epsilon));
        for_each_chunk(parameter, gradient, [m, v], |w, g, [m, v]| {
            for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
                *m += rest1 * (g - *m);
                *v = b2 * *v + rest2 * g * g;
                *w -= decay * *w + size * *m / (v.sqrt() * root + epsilon);
            }
        });
    }
}

impl<F: Real> Optimizer<F> for Adam {
    fn name(&self) -> &'static str {
        "Adam"
    }

    fn describe(&self) -> String {
        format!("Adam, learning rate {}", self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        positive("learning rate", self.learning_rate)?;
        fraction("beta1", self.beta1)?;
        fraction("beta2", self.beta2)?;
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
        self.step_decaying(0.0, rate, parameter, gradient, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn the_first_steps_are_those_of_the_formula_by_hand() {
        // Minimise w²/2 from 1: at first m/(1-b1) = g and v/(1-b2) = g², so the step is the rate.
        let adam = Adam::new(0.1);
        let mut w = arr1(&[1.0_f64]).into_dyn();
        let mut state = adam.start(&w);
        let g = w.clone();
        adam.step(0.1, &mut w, &g, &mut state);
        assert!((w[0] - 0.9).abs() < 1e-8, "{w}");
        let g = w.clone();
        adam.step(0.1, &mut w, &g, &mut state);
        let m: f64 = (0.9 * 0.1 + 0.1 * 0.9) / (1.0 - 0.81);
        let v: f64 = (0.999 * 0.001 + 0.001 * 0.81) / (1.0 - 0.998001);
        assert!((w[0] - (0.9 - 0.1 * m / v.sqrt())).abs() < 1e-8, "{w}");
    }
}
