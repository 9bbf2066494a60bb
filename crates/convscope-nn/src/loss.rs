//! What training makes small: softmax and cross-entropy.

use crate::error::{NnError, Result};
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
    classes(logits)?;
    let mut p = logits.clone();
    for mut row in p.outer_iter_mut() {
        let top = row.iter().copied().fold(F::neg_infinity(), F::max);
        row.mapv_inplace(|z| (z - top).exp());
        let sum: F = row.iter().copied().sum();
        row.mapv_inplace(|e| e / sum);
    }
    Ok(p)
}

/// Softmax followed by cross-entropy, averaged over the batch: the mean of `-ln p[label]`, and
/// its gradient with respect to the logits, `(p - onehot) / N`.
///
/// # Errors
/// When `logits` is not `[N, classes]`, there are not `N` labels, or a label is out of range.
pub fn cross_entropy<F: Real>(logits: &Tensor<F>, labels: &[usize]) -> Result<(f64, Tensor<F>)> {
    let classes = classes(logits)?;
    let n = logits.shape()[0];
    check_labels(labels, n, classes)?;
    let mut loss = 0.0;
    let mut gradient = logits.clone();
    let share = F::of(1.0 / n as f64);
    for (mut row, &label) in gradient.outer_iter_mut().zip(labels) {
        let top = row.iter().copied().fold(F::neg_infinity(), F::max);
        let shifted = (row[label] - top).as_f64();
        row.mapv_inplace(|z| (z - top).exp());
        let sum: F = row.iter().copied().sum();
        // The log of the sum, not of the probability: that may have rounded to zero.
        loss += sum.as_f64().ln() - shifted;
        row.mapv_inplace(|e| e / sum * share);
        row[label] -= share;
    }
    Ok((loss / n as f64, gradient))
}

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
    fn the_gradient_is_that_of_central_differences() {
        let logits = arr2(&[[0.3, -1.2, 2.0], [1.0, 0.0, -0.5]]).into_dyn();
        let labels = [2, 1];
        let (_, gradient) = cross_entropy::<f64>(&logits, &labels).unwrap();
        for (i, &g) in gradient.indexed_iter() {
            let at = |d: f64| {
                let mut moved = logits.clone();
                moved[&i] += d;
                cross_entropy(&moved, &labels).unwrap().0
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((g - numeric).abs() < 1e-9, "{i:?}: {g} against {numeric}");
        }
    }

    #[test]
    fn huge_logits_neither_overflow_nor_give_nan() {
        let logits = arr2(&[[1000.0_f32, -1000.0], [-1000.0, 1000.0]]).into_dyn();
        let (loss, gradient) = cross_entropy(&logits, &[0, 0]).unwrap();
        assert!((loss - 1000.0).abs() < 1e-3, "{loss}");
        assert!(gradient.iter().all(|g| g.is_finite()));
        assert!(softmax(&logits).unwrap().iter().all(|p| p.is_finite()));
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
}
