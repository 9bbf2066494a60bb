//! The simple model behind an explanation.

use super::forest::forest;
use super::linear::{Problem, lasso, ridge};
use super::{Lime, Surrogate};
use crate::error::Result;
use ndarray::{Array2, ArrayView1};

/// A fitted surrogate.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    pub(super) weights: Vec<f64>,
    pub(super) intercept: f64,
    pub(super) r2: f64,
}

/// Fits the surrogate to one class's scores. Of scores that are all the same it is zero everywhere.
pub(super) fn fit(options: &Lime, on: &Array2<bool>, scores: ArrayView1<'_, f32>) -> Result<Fit> {
    let superpixels = on.ncols();
    let same = scores.iter().all(|&v| v == scores[0]);
    if same {
        return Ok(Fit {
            weights: vec![0.0; superpixels],
            intercept: scores.first().map_or(0.0, |&v| f64::from(v)),
            r2: 0.0,
        });
    }
    let counted = |row: ArrayView1<'_, bool>| row.iter().filter(|&&v| v).count();
    let rows = on.rows().into_iter();
    let counts: Vec<f64> = rows
        .map(|row| options.kernel.weight(counted(row), superpixels))
        .collect();
    let scores: Vec<f64> = scores.iter().map(|&v| f64::from(v)).collect();
    match options.surrogate {
        Surrogate::Ridge { alpha } => ridge(&Problem::new(on, &counts, &scores), alpha),
        Surrogate::Lasso { alpha } => Ok(lasso(&Problem::new(on, &counts, &scores), alpha)),
        Surrogate::Forest { trees, depth } => {
            forest(on, &counts, &scores, trees, depth, options.seed)
        }
    }
}

/// The share of the weighted variation that a prediction explains; 0 where there is none.
pub(super) fn r2(scores: &[f64], counts: &[f64], predicted: impl Iterator<Item = f64>) -> f64 {
    let total: f64 = counts.iter().sum();
    let weighted = scores.iter().zip(counts);
    let mean = weighted.map(|(y, w)| y * w).sum::<f64>() / total;
    let all = scores.iter().zip(counts);
    let spread: f64 = all.map(|(y, w)| w * (y - mean).powi(2)).sum();
    let all = scores.iter().zip(counts).zip(predicted);
    let left: f64 = all.map(|((y, w), p)| w * (y - p).powi(2)).sum();
    match spread > 0.0 {
        true => 1.0 - left / spread,
        false => 0.0,
    }
}
