//! How far a map of points can be believed.

use crate::error::{Result, VisError};
use ndarray::Array2;
use rayon::prelude::*;

/// Trustworthiness (Venna and Kaski 2001; scikit-learn's `trustworthiness`): 1 where the `k` nearest
/// neighbours of every point on the map, `after` `[N, 2]`, are near it among the originals, `before`
/// `[N, D]`, too; less by the ranks of those that are not. About a half for a map that was drawn at
/// random. Of equal distances the earlier point is nearer.
///
/// # Errors
/// When the two have not as many rows, `k` is 0, or not below half of them.
pub fn trustworthiness(before: &Array2<f64>, after: &Array2<f64>, k: usize) -> Result<f64> {
    let n = before.nrows();
    if after.nrows() != n {
        let expected = format!("[{n}, ..], as many rows as there are points");
        return Err(VisError::shape("the map", expected, after.shape()));
    }
    if k == 0 || 2 * k >= n {
        return Err(VisError::invalid(format!(
            "trustworthiness: expected neighbours from 1 to less than half of {n} points, got {k}"
        )));
    }
    let penalties: Vec<usize> = (0..n)
        .into_par_iter()
        .map(|i| {
            let mut rank = vec![0; n];
            for (r, j) in by_distance(before, i).into_iter().enumerate() {
                rank[j] = r + 1;
            }
            let near = by_distance(after, i).into_iter().take(k);
            near.map(|j| rank[j].saturating_sub(k)).sum()
        })
        .collect();
    let penalty = penalties.iter().sum::<usize>() as f64;
    let (n, k) = (n as f64, k as f64);
    Ok(1.0 - penalty * 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)))
}

/// The other points, the nearest first.
fn by_distance(points: &Array2<f64>, i: usize) -> Vec<usize> {
    let from = points.row(i);
    let distance = |j: usize| -> f64 {
        let both = from.iter().zip(points.row(j));
        both.map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let others = (0..points.nrows()).filter(|&j| j != i);
    let mut all: Vec<(f64, usize)> = others.map(|j| (distance(j), j)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.into_iter().map(|(_, j)| j).collect()
}
