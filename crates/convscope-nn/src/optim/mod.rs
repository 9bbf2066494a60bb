//! The optimizers. Each file holds one rule: a pure step over one tensor, its state explicit.

mod adam;
mod sgd;

pub use adam::Adam;
pub use sgd::Sgd;

use crate::error::{NnError, Result};
use crate::real::{Real, Tensor};
use std::fmt::Debug;

/// What an optimizer remembers of one parameter tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct State<F: Real = f32> {
    /// The steps taken so far.
    pub steps: u64,
    /// Tensors of the parameter's shape, in an order that the optimizer knows.
    pub tensors: Vec<Tensor<F>>,
    /// Single numbers, in an order that the optimizer knows.
    pub scalars: Vec<f64>,
}

impl<F: Real> State<F> {
    /// No step taken, and this many tensors of zeros in the parameter's shape.
    pub fn zeros(parameter: &Tensor<F>, tensors: usize) -> State<F> {
        State {
            steps: 0,
            tensors: vec![Tensor::zeros(parameter.raw_dim()); tensors],
            scalars: Vec::new(),
        }
    }

    /// Whether this state, read from a file perhaps, can stand in for `fresh`, which
    /// [`Optimizer::start`] made for the parameter of this path.
    ///
    /// # Errors
    /// When the number of tensors or scalars or a tensor's shape differs.
    pub fn check_like(&self, fresh: &State<F>, path: &str) -> Result<()> {
        let counts = |s: &State<F>| {
            format!(
                "{} tensors and {} scalars",
                s.tensors.len(),
                s.scalars.len()
            )
        };
        let (expected, got) = (counts(fresh), counts(self));
        if expected != got {
            return Err(NnError::Invalid(format!(
                "the optimizer's state for \"{path}\": expected {expected}, got {got}"
            )));
        }
        for (a, b) in self.tensors.iter().zip(&fresh.tensors) {
            if a.shape() != b.shape() {
                return Err(NnError::shape(
                    format!("the optimizer's state for \"{path}\""),
                    format!("{:?}", b.shape()),
                    a.shape(),
                ));
            }
        }
        Ok(())
    }

    /// Counts a step; the number of it, from 1, and the tensors.
    fn advance<const N: usize>(&mut self) -> (f64, [&mut Tensor<F>; N]) {
        self.steps += 1;
        let count = self.tensors.len();
        let tensors: Result<[_; N], _> = self.tensors.iter_mut().collect::<Vec<_>>().try_into();
        match tensors {
            Ok(tensors) => (self.steps as f64, tensors),
            Err(_) => {
                panic!("expected a state of {N} tensors from this optimizer's `start`, got {count}")
            }
        }
    }
}

/// A rule that turns gradients into steps.
pub trait Optimizer<F: Real = f32>: Debug + Send + Sync {
    /// The rule's name in the field, e.g. `"Adam"`.
    fn name(&self) -> &'static str;

    /// Its name and settings, e.g. `"Adam, learning rate 0.001"`.
    fn describe(&self) -> String;

    /// The learning rate it was made with; a schedule multiplies it.
    fn learning_rate(&self) -> f64;

    /// What it remembers of a parameter before the first step.
    fn start(&self, parameter: &Tensor<F>) -> State<F>;

    /// One step over one tensor, at this learning rate. The step is a pure function of what it is
    /// given; `state` is what [`start`](Optimizer::start) made for this parameter, or what an
    /// earlier step left.
    ///
    /// # Panics
    /// When the shapes of parameter, gradient and state differ, or the state is another rule's
    /// ([`State::check_like`] tells).
    fn step(
        &self,
        rate: f64,
        parameter: &mut Tensor<F>,
        gradient: &Tensor<F>,
        state: &mut State<F>,
    );
}
