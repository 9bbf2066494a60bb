//! The optimizers. Each file holds one rule: a pure step over one tensor, its state explicit.
//!
//! In the formulas `w` is a parameter, `g` its gradient, `t` the number of the step from 1; every
//! operation is elementwise. The formulas are PyTorch's, and a test compares 20 steps of each with
//! it; where a default is another's, the rule's page says so. Weight decay is none of a rule's
//! business but [`AdamW`]'s: see [`Optimizer::step_with_decay`].

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod amsgrad;
mod clip;
mod constraint;
mod groups;
mod momentum;
mod nadam;
mod nesterov;
mod rmsprop;
mod sgd;

pub use adadelta::AdaDelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamax::AdaMax;
pub use adamw::AdamW;
pub use amsgrad::AmsGrad;
pub use clip::Clip;
pub use constraint::Constraint;
pub use groups::{Group, ParameterGroups};
pub use momentum::Momentum;
pub use nadam::Nadam;
pub use nesterov::Nesterov;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use crate::error::{NnError, Result};
use crate::parallel::for_each_chunk;
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

    /// Whether its settings make sense; training asks before it begins.
    ///
    /// # Errors
    /// Names the setting, what it must be and what it is.
    fn check(&self) -> Result<()> {
        positive("learning rate", self.learning_rate())
    }

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

    /// The weight decay it was made with; a parameter group's setting takes its place.
    fn weight_decay(&self) -> f64 {
        0.0
    }

    /// [`step`](Optimizer::step) with this weight decay in place of its own.
    ///
    /// Unless a rule says otherwise the decay is the gradient of an L2 penalty `decay/2 * |w|²` and
    /// joins `gradient` before the step, so that the rule scales it like the rest of the gradient
    /// (PyTorch's `weight_decay`). [`AdamW`] shrinks the weights apart from its step.
    ///
    /// # Panics
    /// As [`step`](Optimizer::step).
    fn step_with_decay(
        &self,
        rate: f64,
        decay: f64,
        parameter: &mut Tensor<F>,
        gradient: &mut Tensor<F>,
        state: &mut State<F>,
    ) {
        if decay != 0.0 {
            let decay = F::of(decay);
            for_each_chunk(gradient, parameter, [], |g, w, []| {
                for (g, &w) in g.iter_mut().zip(w) {
                    *g += decay * w;
                }
            });
        }
        self.step(rate, parameter, gradient, state);
    }
}

/// The rules there are. Boxing them here compiles their loops once, in this crate and optimised,
/// instead of in every crate (or notebook cell) that trains a network.
macro_rules! optimizers {
    ($($rule:ty),* $(,)?) => {$(
        impl From<$rule> for Box<dyn Optimizer<f32>> {
            #[inline(never)]
            fn from(rule: $rule) -> Self {
                Box::new(rule)
            }
        }
    )*};
}

optimizers!(
    AdaDelta, AdaMax, Adagrad, Adam, AdamW, AmsGrad, Momentum, Nadam, Nesterov, RmsProp, Sgd
);

fn demand(holds: bool, name: &str, what: &str, value: f64) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(NnError::Invalid(format!(
        "the {name} must be {what}, got {value}"
    )))
}

/// Learning rates, and epsilons: without one a gradient that stays 0 is divided by 0.
fn positive(name: &str, value: f64) -> Result<()> {
    demand(
        value.is_finite() && value > 0.0,
        name,
        "a positive number",
        value,
    )
}

/// A decay, momentum or beta is at least 0 and under 1: at 1 a running mean never moves.
fn fraction(name: &str, value: f64) -> Result<()> {
    demand(
        (0.0..1.0).contains(&value),
        name,
        "at least 0 and under 1",
        value,
    )
}

fn not_negative(name: &str, value: f64) -> Result<()> {
    demand(
        value.is_finite() && value >= 0.0,
        name,
        "zero or a positive number",
        value,
    )
}
