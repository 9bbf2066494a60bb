//! The optimizers. Each file holds one rule: a pure step over one tensor, its state explicit.

mod adam;
mod sgd;

pub use adam::Adam;
pub use sgd::Sgd;

use crate::real::{Real, Tensor};
use std::fmt::Debug;

/// A rule that turns gradients into steps.
pub trait Optimizer<F: Real = f32>: Debug + Send + Sync {
    /// The rule's name and settings, e.g. `"Adam, learning rate 0.001"`.
    fn describe(&self) -> String;

    /// The learning rate it was made with.
    fn learning_rate(&self) -> f64;

    /// How many tensors of state one parameter tensor needs; all begin at zero.
    fn state_tensors(&self) -> usize;

    /// One step over one tensor. `step` counts from 1; `state` holds
    /// [`state_tensors`](Optimizer::state_tensors) tensors of the parameter's shape.
    fn step(
        &self,
        step: u64,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut [Tensor<F>],
    );
}
