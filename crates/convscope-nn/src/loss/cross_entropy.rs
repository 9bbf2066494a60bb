//! Softmax and cross-entropy.

use super::{Loss, Target, check_labels, check_values, each_row};
use crate::error::{NnError, Result};
use crate::parallel::slice;
use crate::real::{Real, Tensor};

/// How many classes logits `[N, classes]` are over.
pub(crate) fn classes<F: Real>(logits: &Tensor<F>) -> Result<usize> {
    match *logits.shape() {
        [n, classes] if n > 0 && classes > 0 => Ok(classes),
        _ => Err(NnError::shape(
            "logits",
            "[batch, classes] with at least one of each",
            logits.shape(),
        )),
    }
}

/// Probabilities from logits, row by row: `exp(z_k) / sum of exp(z_j)`, computed after the
/// largest logit is taken off, so that nothing overflows.
///
/// # Errors
/// When `logits` is not `[N, classes]`.
pub fn softmax<F: Real>(logits: &Tensor<F>) -> Result<Tensor<F>> {
    let classes = classes(logits)?;
    let mut p = logits.as_standard_layout().into_owned();
    each_row(&mut p, classes, |_, row| {
        let (_, sum) = exponentials(row);
        row.iter_mut().for_each(|e| *e /= sum);
        0.0
    });
    Ok(p)
}

/// Softmax followed by cross-entropy, averaged over the batch: the mean of `-ln p[label]`, and
/// its gradient with respect to the logits, `(p - onehot) / N`. [`CrossEntropy`] has settings.
///
/// # Errors
/// When `logits` is not `[N, classes]`, there are not `N` labels, or a label is out of range.
pub fn cross_entropy<F: Real>(logits: &Tensor<F>, labels: &[usize]) -> Result<(f64, Tensor<F>)> {
    CrossEntropy::default().value_and_gradient(logits, Target::Classes(labels))
}

/// Logits to the exponentials of their distance from the largest; the largest and the sum.
fn exponentials<F: Real>(row: &mut [F]) -> (F, F) {
    let top = row.iter().copied().fold(F::neg_infinity(), F::max);
    row.iter_mut().for_each(|z| *z = (*z - top).exp());
    (top, row.iter().copied().sum())
}

/// Softmax followed by cross-entropy: what a classifier's logits cost.
///
/// ```text
/// loss = - sum over n and c of weight_c q_nc ln p_nc / total          p = softmax(logits)
/// q = (1 - label_smoothing) target + label_smoothing / classes
/// ```
///
/// `target` is 1 at the label and 0 elsewhere, or a row of probabilities. `total` is the sum of
/// the weights of the labels, or the size of the batch where the targets are probabilities, as in
/// PyTorch's `CrossEntropyLoss`. Smoothed labels keep logits from growing without end (Szegedy et
/// al. 2016, section 7, <https://arxiv.org/abs/1512.00567>, where it is 0.1).
///
/// # Shapes
/// Output `[N, classes]`; target [`Target::Classes`] of `N` labels, or [`Target::Values`]
/// `[N, classes]` with rows that sum to 1.
///
/// The default has no smoothing and weighs every class alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// The share of the target that is spread over all classes, at least 0 and at most 1.
    pub label_smoothing: f64,
    /// How much each class counts; empty for 1 each. Not negative.
    pub class_weights: Vec<f64>,
}

impl CrossEntropy {
    /// No smoothing, every class alike.
    pub fn new() -> CrossEntropy {
        CrossEntropy::default()
    }

    /// With this share of the target spread over all classes.
    pub fn label_smoothing(mut self, share: f64) -> CrossEntropy {
        self.label_smoothing = share;
        self
    }

    /// With classes that count differently, e.g. the rarer the more.
    pub fn class_weights(mut self, weights: impl Into<Vec<f64>>) -> CrossEntropy {
        self.class_weights = weights.into();
        self
    }

    fn weight(&self, class: usize) -> f64 {
        self.class_weights.get(class).copied().unwrap_or(1.0)
    }
}

impl<F: Real> Loss<F> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn describe(&self) -> String {
        let mut text = "cross-entropy".to_owned();
        if self.label_smoothing != 0.0 {
            text += &format!(", label smoothing {}", self.label_smoothing);
        }
        if !self.class_weights.is_empty() {
            text += &format!(", class weights {:?}", self.class_weights);
        }
        text
    }

    fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return Err(NnError::Invalid(format!(
                "label smoothing must be between 0 and 1, got {}",
                self.label_smoothing
            )));
        }
        let wrong = |w: &f64| !(w.is_finite() && *w >= 0.0);
        match self.class_weights.iter().position(wrong) {
            None => Ok(()),
            Some(class) => Err(NnError::Invalid(format!(
                "a class's weight must be zero or a positive number, class {class} has {}",
                self.class_weights[class]
            ))),
        }
    }

    fn value_and_gradient(
        &self,
        output: &Tensor<F>,
        target: Target<'_, F>,
    ) -> Result<(f64, Tensor<F>)> {
        Loss::<F>::check(self)?;
        let classes = classes(output)?;
        let n = output.shape()[0];
        if !self.class_weights.is_empty() && self.class_weights.len() != classes {
            return Err(NnError::Invalid(format!(
                "expected one weight per class: {classes} classes, {} weights",
                self.class_weights.len()
            )));
        }
        let mut gradient = output.as_standard_layout().into_owned();
        match target {
            Target::Classes(labels) => {
                check_labels(labels, n, classes)?;
                let total: f64 = labels.iter().map(|&l| self.weight(l)).sum();
                if total == 0.0 {
                    // Nothing in this batch counts.
                    gradient.fill(F::zero());
                    return Ok((0.0, gradient));
                }
                let share = F::of(1.0 / total);
                let loss = if self.label_smoothing == 0.0 {
                    each_row(&mut gradient, classes, |i, row| {
                        self.labelled(row, labels[i], share)
                    })
                } else {
                    each_row(&mut gradient, classes, |i, row| {
                        self.mixed(row, share, |c| f64::from(u8::from(c == labels[i])))
                    })
                };
                Ok((loss / total, gradient))
            }
            Target::Values(values) => {
                let values = check_values(values, output.shape())?;
                check_distributions(&values)?;
                let targets = slice(&values);
                let share = F::of(1.0 / n as f64);
                let loss = each_row(&mut gradient, classes, |i, row| {
                    self.mixed(row, share, |c| targets[i * classes + c].as_f64())
                });
                Ok((loss / n as f64, gradient))
            }
        }
    }
}

impl CrossEntropy {
    /// One row without smoothing: logits to their gradient; returns the loss.
    fn labelled<F: Real>(&self, row: &mut [F], label: usize, share: F) -> f64 {
        let weight = self.weight(label);
        let share = share * F::of(weight);
        let logit = row[label];
        let (top, sum) = exponentials(row);
        row.iter_mut().for_each(|e| *e = *e / sum * share);
        row[label] -= share;
        // The log of the sum, not of the probability: that may have rounded to zero.
        weight * (sum.as_f64().ln() - (logit - top).as_f64())
    }

    /// One row whose target is spread over the classes.
    fn mixed<F: Real>(&self, row: &mut [F], share: F, target: impl Fn(usize) -> f64) -> f64 {
        let even = self.label_smoothing / row.len() as f64;
        // What class c counts for in this row.
        let count = |c: usize| self.weight(c) * ((1.0 - self.label_smoothing) * target(c) + even);
        let (mut all, mut dot) = (0.0, 0.0);
        for (c, z) in row.iter().enumerate() {
            let k = count(c);
            all += k;
            if k != 0.0 {
                dot += k * z.as_f64();
            }
        }
        let (top, sum) = exponentials(row);
        let scale = F::of(all) / sum;
        for (c, e) in row.iter_mut().enumerate() {
            *e = (*e * scale - F::of(count(c))) * share;
        }
        all * (sum.as_f64().ln() + top.as_f64()) - dot
    }
}

/// Every row is a distribution over the classes.
fn check_distributions<F: Real>(values: &Tensor<F>) -> Result<()> {
    for (i, row) in values.outer_iter().enumerate() {
        let sum: f64 = row.iter().map(|q| q.as_f64()).sum();
        if (sum - 1.0).abs() > 1e-3 || row.iter().any(|&q| q < F::zero()) {
            return Err(NnError::Invalid(format!(
                "the target's rows must be probabilities that sum to 1; row {i} holds {row} \
                 with the sum {sum}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn equal_logits_cost_the_log_of_the_number_of_classes() {
        for classes in [10, 8] {
            let expected = (classes as f64).ln(); // 2.3026 and 2.0794
            let logits = Tensor::<f32>::zeros(vec![3, classes]);
            let (loss, _) = cross_entropy(&logits, &[0, 1, 2]).unwrap();
            assert!((loss - expected).abs() < 1e-4, "{loss}");
        }
    }

    #[test]
    fn huge_logits_neither_overflow_nor_give_nan() {
        let logits = arr2(&[[1000.0_f32, -1000.0], [-1000.0, 1000.0]]).into_dyn();
        let (loss, gradient) = cross_entropy(&logits, &[0, 0]).unwrap();
        assert!((loss - 1000.0).abs() < 1e-3, "{loss}");
        assert!(gradient.iter().all(|g| g.is_finite()));
        assert!(softmax(&logits).unwrap().iter().all(|p| p.is_finite()));
        let smooth = CrossEntropy::new().label_smoothing(0.5);
        let (loss, gradient) = smooth
            .value_and_gradient(&logits, Target::Classes(&[0, 0]))
            .unwrap();
        assert!((loss - 1000.0).abs() < 1e-3, "{loss}"); // (500 + 1500) / 2
        assert!(gradient.iter().all(|g| g.is_finite()));
    }

    #[test]
    fn a_label_out_of_range_is_named_with_its_place() {
        let logits = Tensor::<f32>::zeros(vec![2, 10]);
        let error = cross_entropy(&logits, &[3, 10]).unwrap_err().to_string();
        assert!(
            error.contains("label 10 at position 1") && error.contains("0 to 9"),
            "{error}"
        );
        let error = cross_entropy(&logits, &[3]).unwrap_err().to_string();
        assert!(error.contains("2 images, 1 labels"), "{error}");
    }

    #[test]
    fn a_batch_of_classes_without_weight_costs_nothing() {
        let logits = arr2(&[[0.3, 2.0], [1.0, -1.0]]).into_dyn();
        let loss = CrossEntropy::new().class_weights([1.0, 0.0]);
        let (value, gradient) = loss
            .value_and_gradient(&logits, Target::Classes(&[1, 1]))
            .unwrap();
        assert_eq!(value, 0.0);
        assert!(gradient.iter().all(|g: &f64| *g == 0.0));
    }
}
