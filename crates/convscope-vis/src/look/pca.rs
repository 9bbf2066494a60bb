//! Principal components: the straight map that keeps most of the spread.

use super::trustworthiness::trustworthiness;
use crate::error::{Result, VisError};
use crate::map::Flag;
use crate::provenance::Provenance;
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, Axis};
use std::time::Instant;

/// Neighbours that trustworthiness looks at; scikit-learn's default.
pub(super) const TRUST_NEIGHBOURS: usize = 5;

/// Points along their principal components.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pca {
    /// `[N, k]`: where each point lies along the components.
    pub points: Array2<f64>,
    /// `[k, D]`: directions of length 1 at right angles. Each one's largest number is positive.
    pub components: Array2<f64>,
    /// The mean of the points.
    pub mean: Array1<f64>,
    /// The variance along each component (by N - 1).
    pub explained_variance: Vec<f64>,
    /// Its share of the whole variance.
    pub explained_ratio: Vec<f64>,
    /// How far neighbours on the map are neighbours indeed; see
    /// [`trustworthiness`](crate::trustworthiness), here with 5 neighbours (fewer of few points).
    pub trustworthiness: f64,
    /// Flagged where the points do not differ.
    pub flags: Vec<Flag>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// The first `k` principal components of points `[N, D]`, by linfa's.
///
/// # Errors
/// When there are fewer than 4 points, `k` is not from 1 to the smaller of N - 1 and D, or a number
/// is NaN or infinite.
pub fn pca(points: &Array2<f64>, k: usize) -> Result<Pca> {
    let begun = Instant::now();
    let (n, d) = points.dim();
    checked("pca", points)?;
    if k == 0 || k > d.min(n - 1) {
        return Err(VisError::invalid(format!(
            "pca: expected components from 1 to {}, of {n} points of {d} numbers, got {k}",
            d.min(n - 1)
        )));
    }
    let mean = points.mean_axis(Axis(0)).expect("points");
    let centred = points - &mean;
    let total = centred.iter().map(|v| v * v).sum::<f64>();
    let largest = centred.iter().fold(0.0, |most, v| f64::max(most, v.abs()));
    let scale = points.iter().fold(0.0, |most, v| f64::max(most, v.abs()));
    let constant = largest <= 1e-12 * scale;
    let components = match constant {
        true => Array2::zeros((k, d)),
        false => principal(&(&centred / largest), k)?,
    };
    let projected = centred.dot(&components.t());
    let sum = |column: ndarray::ArrayView1<'_, f64>| column.iter().map(|v| v * v).sum::<f64>();
    let squares: Vec<f64> = projected.columns().into_iter().map(sum).collect();
    let share = |s: &f64| if constant { 0.0 } else { s / total };
    let explained_ratio: Vec<f64> = squares.iter().map(share).collect();
    let trust = trust(points, &projected)?;
    let provenance = Provenance::new("pca", "Pearson 1901")
        .setting("components", k)
        .figure("trustworthiness", trust)
        .figure("explained", explained_ratio.iter().sum::<f64>());
    Ok(Pca {
        points: projected,
        components,
        mean,
        explained_variance: squares.iter().map(|s| s / (n as f64 - 1.0)).collect(),
        explained_ratio,
        trustworthiness: trust,
        flags: if constant {
            vec![Flag::Constant]
        } else {
            Vec::new()
        },
        provenance: provenance.took(begun),
    })
}

/// The directions, the one of the largest variance first; zeros where there is no variance left.
fn principal(centred: &Array2<f64>, k: usize) -> Result<Array2<f64>> {
    let fitted = linfa_reduction::Pca::params(k)
        .fit(&DatasetBase::from(centred.clone()))
        .map_err(|e| VisError::invalid(format!("pca: {e}")))?;
    let found = fitted.components();
    let mut components = Array2::zeros((k, centred.ncols()));
    let rows = found.nrows().min(k);
    for i in 0..rows {
        components.row_mut(i).assign(&found.row(i));
    }
    for mut row in components.rows_mut() {
        let largest = row
            .iter()
            .fold(0.0_f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            row.mapv_inplace(|v| -v);
        }
    }
    Ok(components)
}

/// Enough points, all of them finite.
pub(super) fn checked(what: &str, points: &Array2<f64>) -> Result<()> {
    if points.nrows() < 4 || points.ncols() == 0 {
        let expected = "at least 4 points of at least one number, [N, D]";
        return Err(VisError::shape(
            format!("the points of {what}"),
            expected,
            points.shape(),
        ));
    }
    match points.iter().all(|v| v.is_finite()) {
        true => Ok(()),
        false => Err(VisError::invalid(format!(
            "the points of {what} hold a NaN or an infinity: look at what they were made of"
        ))),
    }
}

/// Trustworthiness with as many neighbours as there are points for.
pub(super) fn trust(before: &Array2<f64>, after: &Array2<f64>) -> Result<f64> {
    let most = (before.nrows() - 1) / 2;
    trustworthiness(before, after, TRUST_NEIGHBOURS.min(most))
}
