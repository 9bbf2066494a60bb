//! Is the right class among the first few?

use crate::error::{NnError, Result};
use crate::loss::{check_labels, classes};
use crate::network::check_finite;
use crate::real::{Real, Tensor};

/// The `k` classes of the largest scores of each row, the largest first; of equal scores the one
/// of the smaller number. `scores` are logits or probabilities, `[N, classes]`.
///
/// # Errors
/// When `scores` is not `[N, classes]` or holds a NaN or infinity, or `k` is 0 or more than the
/// classes.
pub fn top_k<F: Real>(scores: &Tensor<F>, k: usize) -> Result<Vec<Vec<usize>>> {
    check(scores, k)?;
    Ok(scores
        .outer_iter()
        .map(|row| {
            let mut order: Vec<usize> = (0..row.len()).collect();
            // Stable, so equal scores stay in the order of their numbers.
            order.sort_by(|&a, &b| row[b].partial_cmp(&row[a]).expect("finite scores"));
            order.truncate(k);
            order
        })
        .collect())
}

/// The share of rows whose label has the largest score.
///
/// # Errors
/// As [`top_k_accuracy`].
pub fn accuracy<F: Real>(scores: &Tensor<F>, labels: &[usize]) -> Result<f64> {
    top_k_accuracy(scores, labels, 1)
}

/// The share of rows whose label is among the `k` largest scores, by the order of [`top_k`]. The
/// ImageNet competition counts the errors of the first five: 1 minus this at 5.
///
/// # Errors
/// As [`top_k`], or when there are not `N` labels or a label is out of range.
pub fn top_k_accuracy<F: Real>(scores: &Tensor<F>, labels: &[usize], k: usize) -> Result<f64> {
    let classes = check(scores, k)?;
    check_labels(labels, scores.shape()[0], classes)?;
    let right = scores.outer_iter().zip(labels).filter(|(row, label)| {
        let own = row[**label];
        let before = row
            .iter()
            .enumerate()
            .filter(|&(c, &z)| z > own || (z == own && c < **label));
        before.count() < k
    });
    Ok(right.count() as f64 / labels.len() as f64)
}

fn check<F: Real>(scores: &Tensor<F>, k: usize) -> Result<usize> {
    let classes = classes(scores)?;
    if k == 0 || k > classes {
        return Err(NnError::Invalid(format!(
            "expected k between 1 and the number of classes, {classes}, got {k}"
        )));
    }
    check_finite(scores, "the scores", "look at how the network was trained")?;
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn the_first_k_are_the_largest_and_of_equals_the_first() {
        let scores = arr2(&[[0.1, 0.4, 0.3, 0.2], [1.0, 1.0, 0.0, 1.0]]).into_dyn();
        assert_eq!(top_k(&scores, 3).unwrap(), [vec![1, 2, 3], vec![0, 1, 3]]);
        for (labels, shares) in [
            ([1, 0], [1.0, 1.0, 1.0, 1.0]),
            ([2, 1], [0.0, 1.0, 1.0, 1.0]),
            ([0, 3], [0.0, 0.0, 0.5, 1.0]),
            ([0, 2], [0.0, 0.0, 0.0, 1.0]),
        ] {
            for (k, share) in (1..).zip(shares) {
                let got = top_k_accuracy(&scores, &labels, k).unwrap();
                assert_eq!(got, share, "{labels:?} among the first {k}");
            }
            assert_eq!(accuracy(&scores, &labels).unwrap(), shares[0]);
        }
    }

    #[test]
    fn a_k_or_label_or_score_that_makes_no_sense_is_an_error() {
        let scores = Tensor::<f32>::zeros(vec![2, 3]);
        for (k, labels, word) in [
            (0, [0, 1], "got 0"),
            (4, [0, 1], "got 4"),
            (1, [0, 3], "label 3"),
        ] {
            let error = top_k_accuracy(&scores, &labels, k).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let poisoned = scores.mapv(|_| f32::NAN);
        assert!(accuracy(&poisoned, &[0, 1]).is_err());
        assert!(top_k(&poisoned, 1).is_err());
    }
}
