//! How well two boxes agree.

use crate::error::{NnError, Result};
use crate::real::{Real, Tensor};

/// Intersection over union of two boxes `[left, top, right, bottom]`: the area they share over the
/// area they cover together, 1 for the same box and 0 for two apart (as
/// `torchvision.ops.box_iou`). Any unit will do, if it is the same for both. Two boxes without an
/// area have 0.
///
/// # Errors
/// When a number is not finite, or a box's right is left of its left or its bottom above its top.
pub fn intersection_over_union(a: [f64; 4], b: [f64; 4]) -> Result<f64> {
    for [left, top, right, bottom] in [a, b] {
        // Infinite sides are caught too: their difference with anything is no finite number.
        let sides = [right - left, bottom - top];
        if !sides.iter().all(|s| s.is_finite() && *s >= 0.0) {
            return Err(NnError::Invalid(format!(
                "a box is [left, top, right, bottom] with left <= right and top <= bottom, got \
                 [{left}, {top}, {right}, {bottom}]"
            )));
        }
    }
    let side = |k: usize| (a[k + 2].min(b[k + 2]) - a[k].max(b[k])).max(0.0);
    let area = |[left, top, right, bottom]: [f64; 4]| (right - left) * (bottom - top);
    let shared = side(0) * side(1);
    let covered = area(a) + area(b) - shared;
    Ok(if covered > 0.0 { shared / covered } else { 0.0 })
}

/// [`intersection_over_union`] of each row of `predicted` with the same row of `truth`, both
/// `[N, 4]`: what a localisation head is judged by (right at 0.5 and more, in ImageNet's
/// competition).
///
/// # Errors
/// When a shape is not `[N, 4]` or the two differ, or a row is no box.
pub fn box_agreement<F: Real>(predicted: &Tensor<F>, truth: &Tensor<F>) -> Result<Vec<f64>> {
    if predicted.ndim() != 2 || predicted.shape()[1] != 4 {
        return Err(NnError::shape(
            "predicted boxes",
            "[batch, 4]",
            predicted.shape(),
        ));
    }
    if truth.shape() != predicted.shape() {
        return Err(NnError::shape(
            "true boxes",
            format!("as many as predicted, {:?}", predicted.shape()),
            truth.shape(),
        ));
    }
    let rows = predicted.outer_iter().zip(truth.outer_iter());
    rows.enumerate()
        .map(|(i, (p, t))| {
            let corners = [&p, &t].map(|row| std::array::from_fn(|k| row[k].as_f64()));
            intersection_over_union(corners[0], corners[1])
                .map_err(|e| NnError::Invalid(format!("row {i}: {e}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn boxes_by_hand() {
        let a = [0.0, 0.0, 2.0, 2.0];
        for (b, expected) in [
            (a, 1.0),
            ([1.0, 1.0, 3.0, 3.0], 1.0 / 7.0),
            ([0.0, 0.0, 1.0, 2.0], 0.5),
            ([0.5, 0.5, 1.5, 1.5], 0.25),
            ([2.0, 0.0, 3.0, 2.0], 0.0), // they touch
            ([5.0, 5.0, 6.0, 6.0], 0.0),
            ([1.0, 1.0, 1.0, 1.0], 0.0), // a point
        ] {
            let iou = intersection_over_union(a, b).unwrap();
            assert!((iou - expected).abs() < 1e-15, "{b:?}: {iou}");
            assert_eq!(iou, intersection_over_union(b, a).unwrap());
        }
        let point = [1.0; 4];
        assert_eq!(intersection_over_union(point, point).unwrap(), 0.0);
    }

    #[test]
    fn what_is_no_box_is_an_error_with_its_row() {
        let good = [0.0, 0.0, 1.0, 1.0];
        for bad in [
            [1.0, 0.0, 0.0, 1.0],
            [0.0, 1.0, 1.0, 0.0],
            [0.0, 0.0, f64::NAN, 1.0],
            [f64::NEG_INFINITY, 0.0, 1.0, 1.0],
        ] {
            let (truth, predicted) = (arr2(&[good, good]), arr2(&[good, bad]));
            let error = box_agreement(&predicted.into_dyn(), &truth.into_dyn());
            let error = error.unwrap_err().to_string();
            assert!(error.contains("row 1") && error.contains("left"), "{error}");
        }
        let three = Tensor::<f32>::zeros(vec![2, 3]);
        assert!(box_agreement(&three, &three).is_err());
        let four = Tensor::<f32>::zeros(vec![2, 4]);
        let error = box_agreement(&four, &Tensor::zeros(vec![1, 4])).unwrap_err();
        assert!(error.to_string().contains("[1, 4]"), "{error}");
        assert_eq!(box_agreement(&four, &four).unwrap(), [0.0, 0.0]);
    }
}
