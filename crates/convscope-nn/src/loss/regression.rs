//! Losses between numbers: squared, absolute, and smooth between the two.

use super::{Loss, PART, Target, check_values, each_row, needs_values};
use crate::error::{NnError, Result};
use crate::parallel::slice;
use crate::real::{Real, Tensor};

/// The L2 loss: the mean over all numbers of `(output - target)²` (PyTorch's `MSELoss`; without
/// the half that some put before it).
///
/// # Shapes
/// Output of any shape; target [`Target::Values`] of the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanSquaredError;

/// The L1 loss: the mean over all numbers of `|output - target|` (PyTorch's `L1Loss`). Its gradient
/// is 0 where the two are equal. One outlier pulls no more than any other error.
///
/// # Shapes
/// Output of any shape; target [`Target::Values`] of the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanAbsoluteError;

/// Squared for small errors, absolute for large ones (Girshick 2015, equation 3,
/// <https://arxiv.org/abs/1504.08083>): for `d = output - target` the mean over all numbers of
///
/// ```text
/// d² / (2 beta)      where |d| < beta
/// |d| - beta / 2     elsewhere
/// ```
///
/// The default `beta` is 1, the paper's and PyTorch's (`SmoothL1Loss`).
///
/// # Shapes
/// Output of any shape; target [`Target::Values`] of the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothL1 {
    /// The error at which the loss turns from squared to absolute.
    pub beta: f64,
}

impl Default for SmoothL1 {
    fn default() -> SmoothL1 {
        SmoothL1 { beta: 1.0 }
    }
}

/// The mean over all numbers of what `f` gives for `output - target`: a loss, and its derivative.
fn mean<F: Real>(
    name: &str,
    output: &Tensor<F>,
    target: Target<'_, F>,
    f: impl Fn(F) -> (F, F) + Sync,
) -> Result<(f64, Tensor<F>)> {
    let Target::Values(values) = target else {
        return Err(needs_values(name));
    };
    let values = check_values(values, output.shape())?;
    let targets = slice(&values);
    let mut gradient = output.as_standard_layout().into_owned();
    let share = F::of(1.0 / output.len() as f64);
    let sum = each_row(&mut gradient, PART, |i, row| {
        let targets = &targets[i * PART..];
        let mut sum = 0.0;
        for (z, &t) in row.iter_mut().zip(targets) {
            let (loss, slope) = f(*z - t);
            sum += loss.as_f64();
            *z = slope * share;
        }
        sum
    });
    Ok((sum / output.len() as f64, gradient))
}

impl<F: Real> Loss<F> for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean squared error"
    }

    fn value_and_gradient(
        &self,
        output: &Tensor<F>,
        target: Target<'_, F>,
    ) -> Result<(f64, Tensor<F>)> {
        mean("mean squared error", output, target, |d| (d * d, d + d))
    }
}

impl<F: Real> Loss<F> for MeanAbsoluteError {
    fn name(&self) -> &'static str {
        "mean absolute error"
    }

    fn value_and_gradient(
        &self,
        output: &Tensor<F>,
        target: Target<'_, F>,
    ) -> Result<(f64, Tensor<F>)> {
        mean("mean absolute error", output, target, |d| {
            (d.abs(), sign(d))
        })
    }
}

impl<F: Real> Loss<F> for SmoothL1 {
    fn name(&self) -> &'static str {
        "smooth L1"
    }

    fn describe(&self) -> String {
        format!("smooth L1, beta {}", self.beta)
    }

    fn check(&self) -> Result<()> {
        if self.beta.is_finite() && self.beta > 0.0 {
            return Ok(());
        }
        Err(NnError::Invalid(format!(
            "smooth L1's beta must be a positive number, got {} (at 0 it is the mean absolute error)",
            self.beta
        )))
    }

    fn value_and_gradient(
        &self,
        output: &Tensor<F>,
        target: Target<'_, F>,
    ) -> Result<(f64, Tensor<F>)> {
        Loss::<F>::check(self)?;
        let (beta, half) = (F::of(self.beta), F::of(0.5));
        mean("smooth L1", output, target, |d| {
            if d.abs() < beta {
                (half * d * d / beta, d / beta)
            } else {
                (d.abs() - half * beta, sign(d))
            }
        })
    }
}

/// -1, 0 or 1 (`signum` has no 0); NaN stays.
fn sign<F: Real>(d: F) -> F {
    if d == F::zero() { d } else { d.signum() }
}
