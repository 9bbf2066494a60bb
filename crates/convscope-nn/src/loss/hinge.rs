//! The hinge loss of support vector machines.

use super::{Loss, Target, check_labels, classes, each_row};
use crate::error::{NnError, Result};
use crate::real::{Real, Tensor};

/// The hinge loss for many classes (Weston and Watkins 1999): the right class's score must beat
/// every other one's by a margin.
///
/// ```text
/// mean over n of   sum over c other than y of max(0, margin - z_y + z_c) / classes
/// ```
///
/// Divided by the number of classes as PyTorch's `MultiMarginLoss` is; CS231n's "multiclass SVM
/// loss" is the sum, `classes` times as much. The default margin is 1.
///
/// # Shapes
/// Output `[N, classes]`; target [`Target::Classes`] of `N` labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hinge {
    /// By how much the right class's score must be the largest.
    pub margin: f64,
}

impl Default for Hinge {
    fn default() -> Hinge {
        Hinge { margin: 1.0 }
    }
}

impl<F: Real> Loss<F> for Hinge {
    fn name(&self) -> &'static str {
        "hinge"
    }

    fn describe(&self) -> String {
        format!("hinge, margin {}", self.margin)
    }

    fn check(&self) -> Result<()> {
        if self.margin.is_finite() && self.margin > 0.0 {
            return Ok(());
        }
        Err(NnError::Invalid(format!(
            "the hinge loss's margin must be a positive number, got {}",
            self.margin
        )))
    }

    fn value_and_gradient(
        &self,
        output: &Tensor<F>,
        target: Target<'_, F>,
    ) -> Result<(f64, Tensor<F>)> {
        Loss::<F>::check(self)?;
        let Target::Classes(labels) = target else {
            return Err(NnError::Invalid(
                "the hinge loss expected labels (Target::Classes), got Target::Values".into(),
            ));
        };
        let classes = classes(output)?;
        let n = output.shape()[0];
        check_labels(labels, n, classes)?;
        let mut gradient = output.as_standard_layout().into_owned();
        let margin = F::of(self.margin);
        let share = F::of(1.0 / (n * classes) as f64);
        let sum = each_row(&mut gradient, classes, |i, row| {
            let label = labels[i];
            let right = row[label];
            let (mut sum, mut over) = (0.0, F::zero());
            for (c, z) in row.iter_mut().enumerate() {
                let short = margin - right + *z;
                *z = F::zero();
                // A NaN must reach the sum.
                if c != label && (short > F::zero() || short.is_nan()) {
                    sum += short.as_f64();
                    over += F::one();
                    *z = share;
                }
            }
            row[label] = -over * share;
            sum
        });
        Ok((sum / (n * classes) as f64, gradient))
    }
}
