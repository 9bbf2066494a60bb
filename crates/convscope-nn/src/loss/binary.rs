//! Binary cross-entropy, on logits.

use super::{Loss, PART, Target, check_labels, check_values, each_row};
use crate::error::{NnError, Result};
use crate::parallel::slice;
use crate::real::{Real, Tensor};
use std::borrow::Cow;

/// Sigmoid followed by binary cross-entropy: what logits cost that answer yes or no, each for
/// itself. The mean over all numbers of
///
/// ```text
/// -(t ln p + (1 - t) ln(1 - p))          p = 1 / (1 + exp(-z))
/// ```
///
/// computed as `max(z, 0) - t z + ln(1 + exp(-|z|))`, which does not overflow; the gradient is
/// `p - t`. (PyTorch's `BCEWithLogitsLoss`.) So the network ends in logits, not in a `Sigmoid`.
///
/// # Shapes
/// Output of any shape; target [`Target::Values`] of the same, each between 0 and 1. Or output
/// `[N, 1]` (or `[N]`) and [`Target::Classes`] of `N` labels, 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinaryCrossEntropy;

impl<F: Real> Loss<F> for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary cross-entropy"
    }

    fn value_and_gradient(
        &self,
        output: &Tensor<F>,
        target: Target<'_, F>,
    ) -> Result<(f64, Tensor<F>)> {
        let values = match target {
            Target::Values(values) => {
                let values = check_values(values, output.shape())?;
                let outside = |t: &&F| !(F::zero()..=F::one()).contains(*t);
                if let Some(t) = values.iter().find(outside) {
                    return Err(NnError::Invalid(format!(
                        "binary cross-entropy's targets must be between 0 and 1, got {t}"
                    )));
                }
                values
            }
            Target::Classes(labels) => {
                let (&[n] | &[n, 1]) = output.shape() else {
                    return Err(NnError::shape(
                        "binary cross-entropy's output for labels 0 and 1",
                        "[batch, 1]",
                        output.shape(),
                    ));
                };
                check_labels(labels, n, 2)?;
                let values = labels.iter().map(|&l| F::of(l as f64)).collect();
                let values = Tensor::from_shape_vec(output.raw_dim(), values)
                    .expect("one label for each number");
                // An empty batch is refused here too.
                Cow::Owned(check_values(&values, output.shape())?.into_owned())
            }
        };
        let targets = slice(&values);
        let mut gradient = output.as_standard_layout().into_owned();
        let share = F::of(1.0 / output.len() as f64);
        let sum = each_row(&mut gradient, PART, |i, row| {
            let mut sum = 0.0;
            for (g, &t) in row.iter_mut().zip(&targets[i * PART..]) {
                let z = *g;
                let e = (-z.abs()).exp();
                let (positive, p) = if z < F::zero() {
                    (F::zero(), e / (F::one() + e))
                } else {
                    (z, F::one() / (F::one() + e))
                };
                sum += (positive - t * z + e.ln_1p()).as_f64();
                *g = (p - t) * share;
            }
            sum
        });
        Ok((sum / output.len() as f64, gradient))
    }
}
