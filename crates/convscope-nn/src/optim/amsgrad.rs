//! Adam whose steps cannot grow again.

use super::{Optimizer, State, fraction, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// [`Adam`](super::Adam) that divides by the root of the largest mean square so far instead of the
/// present one: a rare large gradient is not forgotten (Reddi, Kale and Kumar 2018, algorithm 2,
/// <https://arxiv.org/abs/1904.09237>):
///
/// ```text
/// m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g²          u = max(u, v)
/// w -= rate * (m / (1 - b1^t)) / (sqrt(u / (1 - b2^t)) + epsilon)
/// ```
///
/// As in PyTorch (`Adam(amsgrad=True)`) the maximum is over uncorrected `v`, and both corrections
/// for having begun at zero are kept; the paper has neither correction.
///
/// The defaults are Adam's: rate 0.001, b1 0.9, b2 0.999, epsilon 1e-8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AmsGrad {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Keeps the division from blowing up; more than 0.
    pub epsilon: f64,
}

impl Default for AmsGrad {
    fn default() -> AmsGrad {
        AmsGrad {
            learning_rate: 0.001,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-08,
        }
    }
}

impl AmsGrad {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> AmsGrad {
        AmsGrad {
            learning_rate,
            ..AmsGrad::default()
        }
    }
}

impl<F: Real> Optimizer<F> for AmsGrad {
    fn name(&self) -> &'static str {
        "AMSGrad"
    }

    fn describe(&self) -> String {
        format!("AMSGrad, learning rate {}", self.learning_rate)
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
        State::zeros(parameter, 3)
    }

    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        let (t, [m, v, u]) = state.advance();
        let size = F::of(rate / (1.0 - self.beta1.powf(t)));
        // Once, not a division for each weight.
        let root = F::of(1.0 / (1.0 - self.beta2.powf(t)).sqrt());
        let (rest1, b2, rest2) = (
            F::of(1.0 - self.beta1),
            F::of(self.beta2),
            F::of(1.0 - self.beta2),
        );
        let epsilon = F::of(self.epsilon);
        for_each_chunk(parameter, gradient, [m, v, u], |w, g, [m, v, u]| {
            for ((((w, &g), m), v), u) in w.iter_mut().zip(g).zip(m).zip(v).zip(u) {
                *m += rest1 * (g - *m);
                *v = b2 * *v + rest2 * g * g;
                *u = if *v > *u { *v } else { *u };
                *w -= size * *m / (u.sqrt() * root + epsilon);
            }
        });
    }
}
