//! What training makes small. A loss takes a network's output and what it should have been, and
//! gives one number, a mean over the batch, and its gradient with respect to the output.
//!
//! An output that holds a NaN gives a loss of NaN, not an error: the training loop then looks for
//! the node where it began. A target that holds one is an error here.

mod binary;
mod cross_entropy;
mod hinge;
mod regression;

pub use binary::BinaryCrossEntropy;
pub(crate) use cross_entropy::classes;
pub use cross_entropy::{CrossEntropy, cross_entropy, softmax};
pub use hinge::Hinge;
pub use regression::{MeanAbsoluteError, MeanSquaredError, SmoothL1};

use crate::error::{NnError, Result};
use crate::network::check_finite;
use crate::parallel::slice_mut;
use crate::real::{Real, Tensor};
use rayon::prelude::*;
use std::borrow::Cow;
use std::fmt::Debug;

/// Elements one task takes; fixed, so that sums have the same bits for any number of threads.
const PART: usize = 8 * 1024;

/// What the output should have been.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a, F: Real = f32> {
    /// One label per example, counted from 0.
    Classes(&'a [usize]),
    /// A number for every number of the output.
    Values(&'a Tensor<F>),
}

/// A measure of how wrong an output is.
pub trait Loss<F: Real = f32>: Debug + Send + Sync {
    /// Its name in the field, e.g. `"cross-entropy"`.
    fn name(&self) -> &'static str;

    /// Its name and the settings that are not the usual ones.
    fn describe(&self) -> String {
        self.name().to_owned()
    }

    /// Whether its settings make sense; training asks before it begins.
    ///
    /// # Errors
    /// Names the setting, what it must be and what it is.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The loss, averaged over the batch, and its gradient in the output's shape.
    ///
    /// # Errors
    /// When output and target do not fit each other or this loss, a label is out of range, the
    /// target holds a NaN or infinity, or a setting makes no sense.
    fn value_and_gradient(
        &self,
        output: &Tensor<F>,
        target: Target<'_, F>,
    ) -> Result<(f64, Tensor<F>)>;
}

/// The losses there are, boxed here so that they are compiled once and optimised (see the
/// optimizers).
macro_rules! losses {
    ($($loss:ty),* $(,)?) => {$(
        impl From<$loss> for Box<dyn Loss<f32>> {
            #[inline(never)]
            fn from(loss: $loss) -> Self {
                Box::new(loss)
            }
        }
    )*};
}

losses!(
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    MeanAbsoluteError,
    MeanSquaredError,
    SmoothL1
);

pub(crate) fn check_labels(labels: &[usize], n: usize, classes: usize) -> Result<()> {
    if labels.len() != n {
        return Err(NnError::Invalid(format!(
            "expected one label per image: {n} images, {} labels",
            labels.len()
        )));
    }
    match labels.iter().position(|&l| l >= classes) {
        None => Ok(()),
        Some(position) => Err(NnError::Label {
            label: labels[position],
            position,
            classes,
        }),
    }
}

/// A target of the output's shape without NaN or infinity, in C order.
fn check_values<'a, F: Real>(
    values: &'a Tensor<F>,
    output: &[usize],
) -> Result<Cow<'a, Tensor<F>>> {
    if values.shape() != output {
        return Err(NnError::shape(
            "the target",
            format!("the output's shape, {output:?}"),
            values.shape(),
        ));
    }
    if values.is_empty() {
        return Err(NnError::shape(
            "the output",
            "at least one number",
            values.shape(),
        ));
    }
    check_finite(values, "the target", "look at how it was made")?;
    Ok(match values.is_standard_layout() {
        true => Cow::Borrowed(values),
        false => Cow::Owned(values.as_standard_layout().into_owned()),
    })
}

/// A loss of numbers that was given labels.
fn needs_values(name: &str) -> NnError {
    NnError::Invalid(format!(
        "{name} compares numbers: expected Target::Values of the output's shape, got labels"
    ))
}

/// Runs `f` over the rows (of this width) of a tensor in C order, and adds up what it returns, in
/// order.
fn each_row<F: Real>(
    matrix: &mut Tensor<F>,
    width: usize,
    f: impl Fn(usize, &mut [F]) -> f64 + Sync,
) -> f64 {
    let rows = (PART / width).max(1);
    let run = |k: usize, part: &mut [F]| -> f64 {
        part.chunks_mut(width)
            .enumerate()
            .map(|(i, row)| f(k * rows + i, row))
            .sum()
    };
    let values = slice_mut(matrix);
    if values.len() <= rows * width {
        return run(0, values);
    }
    let sums: Vec<f64> = values
        .par_chunks_mut(rows * width)
        .enumerate()
        .map(|(k, part)| run(k, part))
        .collect();
    sums.iter().sum()
}
