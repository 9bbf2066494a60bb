//! Descent with momentum.

use super::{Optimizer, State, fraction, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// Descent with momentum: the step goes on in the direction of the steps before, as a heavy ball
/// does (Polyak 1964, <https://doi.org/10.1016/0041-5553(64)90137-5>):
///
/// ```text
/// v = momentum v + g
/// w -= rate v
/// ```
///
/// PyTorch's form. Sutskever et al. (2013) write `v = momentum v - rate g; w += v` instead; the two
/// are the same until the rate changes, when here the whole of `v` is taken at the new rate.
///
/// Defaults: momentum 0.9, customary since Krizhevsky et al. (2012); PyTorch's rate, 0.001 (it has
/// no default for the momentum).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// The learning rate.
    pub learning_rate: f64,
    /// How much of the last step is taken again, at least 0 and under 1.
    pub momentum: f64,
}

impl Default for Momentum {
    fn default() -> Momentum {
        Momentum {
            learning_rate: 0.001,
            momentum: 0.9,
        }
    }
}

impl Momentum {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> Momentum {
        Momentum {
            learning_rate,
            ..Momentum::default()
        }
    }
}

impl<F: Real> Optimizer<F> for Momentum {
    fn name(&self) -> &'static str {
        "momentum"
    }

    fn describe(&self) -> String {
        format!(
            "momentum, learning rate {}, momentum {}",
            self.learning_rate, self.momentum
        )
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        positive("learning rate", self.learning_rate)?;
        fraction("momentum", self.momentum)
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
        let (_, [v]) = state.advance();
        let (rate, momentum) = (F::of(rate), F::of(self.momentum));
        for_each_chunk(parameter, gradient, [v], |w, g, [v]| {
            for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
                *v = momentum * *v + g;
                *w -= rate * *v;
            }
        });
    }
}
