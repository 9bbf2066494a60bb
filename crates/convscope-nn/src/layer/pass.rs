//! How a pass is run, and what a layer keeps of it.

use super::random;
use crate::real::{Real, Tensor};

/// Which signal a ReLU lets back (its forward pass is the same in all of them). Every other
/// activation (leaky ReLU, GELU, sigmoid, ...) goes back by its derivative under all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The derivative: pass where the input was positive (0 at 0).
    #[default]
    Gradient,
    /// Pass where the incoming signal is positive (Zeiler and Fergus 2014).
    Deconv,
    /// Pass where both are positive (Springenberg et al. 2015).
    Guided,
    /// The derivative, unless nothing of an image's signal would pass a ReLU that way: then the
    /// positive part of the signal passes its dead units too, and wakes them (Lucid's redirected
    /// ReLU, for the first steps of an optimisation). The sign is that of ascent: the signal is
    /// the gradient of what is to grow.
    Redirected,
}

/// How a forward pass is run. `Pass::default()` is inference: nothing drops, and batch norm uses
/// its running statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Whether batch norm normalises by the statistics of the batch.
    pub batch_statistics: bool,
    /// Whether dropout drops.
    pub drop: bool,
    /// Seeds whatever is random in the pass.
    pub seed: u64,
}

impl Pass {
    /// A pass of training: dropout drops, batch norm uses the batch.
    pub fn train(seed: u64) -> Pass {
        Pass {
            batch_statistics: true,
            drop: true,
            seed,
        }
    }

    /// One draw of Monte Carlo dropout (Gal and Ghahramani 2016): dropout drops as in training,
    /// batch norm uses its running statistics as in inference.
    pub fn monte_carlo(seed: u64) -> Pass {
        Pass {
            batch_statistics: false,
            drop: true,
            seed,
        }
    }

    /// The pass over a part of a larger batch: other units drop in each.
    pub(crate) fn of_part(self, part: usize) -> Pass {
        Pass {
            seed: match part {
                0 => self.seed,
                part => random::mix(self.seed, !(part as u64)),
            },
            ..self
        }
    }

    /// The same pass with a seed of the node's own, so that two dropouts drop different units.
    pub(crate) fn at_node(self, node: usize) -> Pass {
        Pass {
            seed: random::mix(self.seed, node as u64),
            ..self
        }
    }
}

/// What a layer keeps of a forward pass beside its output, for the way back.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Saved<F: Real> {
    /// Nothing.
    #[default]
    Nothing,
    /// One index per output element: the input element in the same plane that was chosen.
    Switches(Vec<u32>),
    /// Tensors, in an order that the layer knows.
    Tensors(Vec<Tensor<F>>),
    /// The seed that random numbers were drawn from: they are drawn again on the way back, which
    /// costs less than keeping them.
    Seed(u64),
}

impl<F: Real> Saved<F> {
    /// Bytes of memory it holds.
    pub fn bytes(&self) -> usize {
        match self {
            Saved::Nothing | Saved::Seed(_) => 0,
            Saved::Switches(switches) => size_of_val(switches.as_slice()),
            Saved::Tensors(tensors) => tensors.iter().map(|t| t.len() * size_of::<F>()).sum(),
        }
    }
}
