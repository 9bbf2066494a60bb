//! Adam with Nesterov's momentum.

use super::{Optimizer, State, fraction, not_negative, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// [`Adam`](super::Adam) whose mean gradient looks one step ahead, as
/// [`Nesterov`](super::Nesterov)'s momentum does (Dozat 2016,
/// <https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ>), with a momentum that grows towards `b1`:
///
/// ```text
/// p(t) = b1 (1 - 0.96^(t momentum_decay) / 2)          P = P p(t)
/// m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g²
/// d = sqrt(v / (1 - b2^t)) + epsilon
/// w -= rate ((1 - p(t)) / (1 - P) g + p(t + 1) / (1 - P p(t + 1)) m) / d
/// ```
///
/// The product `P` of the momenta so far begins at 1; it is the state's one scalar. (PyTorch keeps
/// it in single precision unless its default type is double; here it is double always.)
///
/// The defaults are PyTorch's: rate 0.002, b1 0.9, b2 0.999, epsilon 1e-8, momentum decay 0.004.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nadam {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Keeps the division from blowing up; more than 0.
    pub epsilon: f64,
    /// How fast the momentum grows from half of `beta1` towards all of it.
    pub momentum_decay: f64,
}

impl Default for Nadam {
    fn default() -> Nadam {
        Nadam {
            learning_rate: 0.002,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-08,
            momentum_decay: 0.004,
        }
    }
}

impl Nadam {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> Nadam {
        Nadam {
            learning_rate,
            ..Nadam::default()
        }
    }
}

impl<F: Real> Optimizer<F> for Nadam {
    fn name(&self) -> &'static str {
        "Nadam"
    }

    fn describe(&self) -> String {
        format!("Nadam, learning rate {}", self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        positive("learning rate", self.learning_rate)?;
        fraction("beta1", self.beta1)?;
        fraction("beta2", self.beta2)?;
        positive("epsilon", self.epsilon)?;
        not_negative("momentum decay", self.momentum_decay)
    }

    fn start(&self, parameter: &Tensor<F>) -> State<F> {
        State {
            scalars: vec![1.0],
            ..State::zeros(parameter, 2)
        }
    }

    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        let mut product = state.scalars[0];
        let (t, [m, v]) = state.advance();
        let momentum = |t: f64| self.beta1 * (1.0 - 0.5 * 0.96_f64.powf(t * self.momentum_decay));
        let (now, next) = (momentum(t), momentum(t + 1.0));
        product *= now;
        let by_gradient = F::of(rate * (1.0 - now) / (1.0 - product));
        let by_mean = F::of(rate * next / (1.0 - product * next));
        let correction = F::of(1.0 / (1.0 - self.beta2.powf(t)));
        let (rest1, b2, rest2) = (
            F::of(1.0 - self.beta1),
            F::of(self.beta2),
            F::of(1.0 - self.beta2),
        );
        let epsilon = F::of(self.epsilon);
        for_each_chunk(parameter, gradient, [m, v], |w, g, [m, v]| {
            for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
                *m += rest1 * (g - *m);
                *v = b2 * *v + rest2 * g * g;
                let d = (*v * correction).sqrt() + epsilon;
                *w -= (by_gradient * g + by_mean * *m) / d;
            }
        });
        state.scalars[0] = product;
    }
}
