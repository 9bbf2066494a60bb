//! Adam with weight decay apart from the step.

use super::{Adam, Optimizer, State, not_negative};
use crate::error::Result;
use crate::real::{Real, Tensor};

/// [`Adam`](super::Adam) that shrinks the weights beside its step, not through the gradient
/// (Loshchilov and Hutter 2019, algorithm 2, <https://arxiv.org/abs/1711.05101>):
///
/// ```text
/// w = w - rate * weight_decay * w
/// w -= rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)          m, v as in Adam
/// ```
///
/// An L2 penalty in the gradient would be divided by `sqrt(v)` with the rest: the weights with the
/// largest gradients would decay the least. A parameter group's weight decay takes the place of
/// this one's and stays apart from the step.
///
/// The defaults are PyTorch's: rate 0.001, b1 0.9, b2 0.999, epsilon 1e-8, weight decay 0.01. As
/// there the decay is multiplied by the rate; in the paper only by the schedule's factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// The learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Keeps the division from blowing up; more than 0.
    pub epsilon: f64,
    /// How much of a weight, times the rate, a step takes off.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> AdamW {
        AdamW {
            learning_rate: 0.001,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-08,
            weight_decay: 0.01,
        }
    }
}

impl AdamW {
    /// The default settings with this learning rate.
    pub fn new(learning_rate: f64) -> AdamW {
        AdamW {
            learning_rate,
            ..AdamW::default()
        }
    }

    fn adam(&self) -> Adam {
        Adam {
            learning_rate: self.learning_rate,
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
        }
    }
}

impl<F: Real> Optimizer<F> for AdamW {
    fn name(&self) -> &'static str {
        "AdamW"
    }

    fn describe(&self) -> String {
        format!(
            "AdamW, learning rate {}, weight decay {}",
            self.learning_rate, self.weight_decay
        )
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn check(&self) -> Result<()> {
        not_negative("weight decay", self.weight_decay)?;
        Optimizer::<F>::check(&self.adam())
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
        // Not `w *= 1 - decay`: single precision would round a small decay away.
        let decay = rate * self.weight_decay;
        self.adam()
            .step_decaying(decay, rate, parameter, gradient, state);
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn step_with_decay(
        &self,
        rate: f64,
        decay: f64,
        parameter: &mut Tensor<F>,
        gradient: &mut Tensor<F>,
        state: &mut State<F>,
    ) {
        let own = AdamW {
            weight_decay: decay,
            ..*self
        };
        own.step(rate, parameter, gradient, state);
    }
}
