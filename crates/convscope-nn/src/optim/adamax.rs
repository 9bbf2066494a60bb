//! Adam with the largest gradient in place of the mean square.

use super::{Optimizer, State, fraction, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// [`Adam`](super::Adam) with a fading maximum in place of the root of the mean square (Kingma and
/// Ba 2015, algorithm 2, <https://arxiv.org/abs/1412.6980>):
///
/// ```text
/// m = b1 m + (1 - b1) g          u = max(b2 u, |g| + epsilon)
/// w -= rate / (1 - b1^t) m / u
/// ```
///
/// The maximum does not start too low as a mean does, so only `m` is corrected. Epsilon inside the
/// maximum is PyTorch's; the paper has none.
///
/// The defaults are the paper's and PyTorch's: rate 0.002, b1 0.9, b2 0.999, epsilon 1e-8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaMax {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the largest gradient.
    pub beta2: f64,
    /// Keeps the division from blowing up where the gradient is 0; more than 0.
    pub epsilon: f64,
}

impl Default for AdaMax {
    fn default() -> AdaMax {
        AdaMax {
            learning_rate: 0.002,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-08,
        }
    }
}

impl AdaMax {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> AdaMax {
        AdaMax {
            learning_rate,
            ..AdaMax::default()
        }
    }
}

impl<F: Real> Optimizer<F> for AdaMax {
    fn name(&self) -> &'static str {
        "AdaMax"
    }

    fn describe(&self) -> String {
        format!("AdaMax, learning rate {}", self.learning_rate)
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
        let (t, [m, u]) = state.advance();
        let size = F::of(rate / (1.0 - self.beta1.powf(t)));
        let (rest, b2) = (F::of(1.0 - self.beta1), F::of(self.beta2));
        let epsilon = F::of(self.epsilon);
        for_each_chunk(parameter, gradient, [m, u], |w, g, [m, u]| {
            for (((w, &g), m), u) in w.iter_mut().zip(g).zip(m).zip(u) {
                *m += rest * (g - *m);
                let (faded, now) = (b2 * *u, g.abs() + epsilon);
                *u = if faded > now { faded } else { now };
                *w -= size * *m / *u;
            }
        });
    }
}
