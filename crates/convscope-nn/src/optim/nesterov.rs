//! Descent with Nesterov's momentum.

use super::{Optimizer, State, fraction, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// Momentum that looks ahead: the gradient counts as if taken where the momentum is about to lead
/// (Nesterov 1983; as a rule for networks Sutskever et al. 2013,
/// <https://proceedings.mlr.press/v28/sutskever13.html>):
///
/// ```text
/// v = momentum v + g
/// w -= rate (g + momentum v)
/// ```
///
/// PyTorch's form, which keeps the weights at the point looked at, so that the gradient is taken
/// where they are: with `w' = w + momentum v` Sutskever's equations 3 and 4 turn into these (for a
/// rate that stays).
///
/// Defaults: momentum 0.9, rate 0.001, as for [`Momentum`](super::Momentum).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nesterov {
    /// The learning rate.
    pub learning_rate: f64,
    /// How much of the last step is taken again, at least 0 and under 1.
    pub momentum: f64,
}

impl Default for Nesterov {
    fn default() -> Nesterov {
        Nesterov {
            learning_rate: 0.001,
            momentum: 0.9,
        }
    }
}

impl Nesterov {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> Nesterov {
        Nesterov {
            learning_rate,
            ..Nesterov::default()
        }
    }
}

impl<F: Real> Optimizer<F> for Nesterov {
    fn name(&self) -> &'static str {
        "Nesterov"
    }

    fn describe(&self) -> String {
        format!(
            "Nesterov, learning rate {}, momentum {}",
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
                *w -= rate * (g + momentum * *v);
            }
        });
    }
}
