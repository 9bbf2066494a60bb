//! Division by a running root mean square of the gradient.

use super::{Optimizer, State, fraction, positive};
use crate::error::Result;
use crate::parallel::for_each_chunk;
use crate::real::{Real, Tensor};

/// Divides by the root of a running mean of the squared gradient, so that a steep and a flat
/// direction take steps of one size (Tieleman and Hinton 2012, lecture 6e of "Neural Networks for
/// Machine Learning", <https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf>):
///
/// ```text
/// s = decay s + (1 - decay) g²
/// w -= rate g / (sqrt(s) + epsilon)
/// ```
///
/// With a `momentum` above 0 the quotient is gathered before the step, and `centered` takes the
/// square of the mean off the mean of the square, which leaves the variance (Graves 2013,
/// <https://arxiv.org/abs/1308.0850>, equations 38 to 45):
///
/// ```text
/// a = decay a + (1 - decay) g                           only when centered; else a = 0
/// v = momentum v + g / (sqrt(s - a²) + epsilon)
/// w -= rate v
/// ```
///
/// Slides often print the update as `g / s` and stop there. Without the root a step shrinks when
/// the gradients grow and its unit is wrong; without epsilon a parameter whose gradient has been 0
/// is divided by 0; the momentum is left out with them. And `s` begins at 0 uncorrected, so the first
/// steps are up to `1 / sqrt(1 - decay)` times too large, about 3 at 0.9: what
/// [`Adam`](super::Adam)'s division by `1 - b2^t` is for.
///
/// Decay 0.9 and rate 0.001 are the lecture's and Keras'. PyTorch has decay 0.99 and rate 0.01.
/// Epsilon 1e-8, outside the root, no momentum, not centered: PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of the mean square.
    pub decay: f64,
    /// Keeps the division from blowing up; more than 0.
    pub epsilon: f64,
    /// How much of the last step is taken again; 0 for none.
    pub momentum: f64,
    /// Whether to divide by the root of the variance, not of the mean square.
    pub centered: bool,
}

impl Default for RmsProp {
    fn default() -> RmsProp {
        RmsProp {
            learning_rate: 0.001,
            decay: 0.9,
            epsilon: 1e-08,
            momentum: 0.0,
            centered: false,
        }
    }
}

impl RmsProp {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> RmsProp {
        RmsProp {
            learning_rate,
            ..RmsProp::default()
        }
    }
}

impl<F: Real> Optimizer<F> for RmsProp {
    fn name(&self) -> &'static str {
        "RMSprop"
    }

    fn describe(&self) -> String {
        let mut text = format!(
            "RMSprop, learning rate {}, decay {}",
            self.learning_rate, self.decay
        );
        if self.momentum > 0.0 {
            text += &format!(", momentum {}", self.momentum);
        }
        if self.centered {
            text += ", centered";
        }
        text
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        positive("learning rate", self.learning_rate)?;
        fraction("decay", self.decay)?;
        fraction("momentum", self.momentum)?;
        positive("epsilon", self.epsilon)
    }

    fn start(&self, parameter: &Tensor<F>) -> State<F> {
        State::zeros(
            parameter,
            match (self.centered, self.momentum > 0.0) {
                (false, false) => 1,
                (false, true) => 2,
                (true, _) => 3,
            },
        )
    }

    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    ) {
        let (rate, epsilon) = (F::of(rate), F::of(self.epsilon));
        let (decay, rest) = (F::of(self.decay), F::of(1.0 - self.decay));
        let momentum = F::of(self.momentum);
        match (self.centered, self.momentum > 0.0) {
            (false, false) => {
                let (_, [s]) = state.advance();
                for_each_chunk(parameter, gradient, [s], |w, g, [s]| {
                    for ((w, &g), s) in w.iter_mut().zip(g).zip(s) {
                        *s = decay * *s + rest * g * g;
                        *w -= rate * g / (s.sqrt() + epsilon);
                    }
                });
            }
            (false, true) => {
                let (_, [s, v]) = state.advance();
                for_each_chunk(parameter, gradient, [s, v], |w, g, [s, v]| {
                    for (((w, &g), s), v) in w.iter_mut().zip(g).zip(s).zip(v) {
                        *s = decay * *s + rest * g * g;
                        *v = momentum * *v + g / (s.sqrt() + epsilon);
                        *w -= rate * *v;
                    }
                });
            }
            (true, _) => {
                let (_, [s, a, v]) = state.advance();
                for_each_chunk(parameter, gradient, [s, a, v], |w, g, [s, a, v]| {
                    for ((((w, &g), s), a), v) in w.iter_mut().zip(g).zip(s).zip(a).zip(v) {
                        *s = decay * *s + rest * g * g;
                        *a += rest * (g - *a);
                        // Rounding can take the variance of an unchanging gradient below 0.
                        let variance = (*s - *a * *a).max(F::zero());
                        *v = momentum * *v + g / (variance.sqrt() + epsilon);
                        *w -= rate * *v;
                    }
                });
            }
        }
    }
}
