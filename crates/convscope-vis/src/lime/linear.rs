//! Weighted ridge regression and lasso, by their normal equations: those have as many rows as there
//! are superpixels, however many samples there were.

use super::surrogate::{Fit, r2};
use crate::error::{Result, VisError};
use ndarray::{Array1, Array2};

/// Rounds of coordinate descent; switches are nearly independent, so that a few dozen do.
const ROUNDS: usize = 10_000;

/// Centred by the weighted means, which takes the intercept out.
pub(super) struct Problem<'a> {
    on: &'a Array2<bool>,
    counts: &'a [f64],
    scores: &'a [f64],
    total: f64,
    /// Weighted means of the switches and of the scores.
    means: Array1<f64>,
    mean: f64,
    /// X'WX and X'Wy.
    square: Array2<f64>,
    with_scores: Array1<f64>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(on: &'a Array2<bool>, counts: &'a [f64], scores: &'a [f64]) -> Problem<'a> {
        let d = on.ncols();
        let total: f64 = counts.iter().sum();
        let mut sums = Array1::zeros(d);
        let mut square = Array2::zeros((d, d));
        let mut with_scores = Array1::zeros(d);
        let mean = scores.iter().zip(counts).map(|(y, w)| y * w).sum::<f64>() / total;
        for ((row, &count), &score) in on.rows().into_iter().zip(counts).zip(scores) {
            let set: Vec<usize> = (0..d).filter(|&j| row[j]).collect();
            for &i in &set {
                sums[i] += count;
                with_scores[i] += count * (score - mean);
                set.iter().for_each(|&j| square[[i, j]] += count);
            }
        }
        let means = sums / total;
        for i in 0..d {
            for j in 0..d {
                square[[i, j]] -= total * means[i] * means[j];
            }
        }
        Problem {
            on,
            counts,
            scores,
            total,
            means,
            mean,
            square,
            with_scores,
        }
    }

    fn fit(&self, weights: Vec<f64>) -> Fit {
        let intercept = self.mean
            - weights
                .iter()
                .zip(&self.means)
                .map(|(w, m)| w * m)
                .sum::<f64>();
        let predicted = self.on.rows().into_iter().map(|row| {
            let set = row.into_iter().zip(&weights).filter(|(on, _)| **on);
            intercept + set.map(|(_, w)| w).sum::<f64>()
        });
        let r2 = r2(self.scores, self.counts, predicted);
        Fit {
            weights,
            intercept,
            r2,
        }
    }
}

/// Minimises the weighted sum of squared errors + alpha ‖coefficients‖², by Cholesky.
pub(super) fn ridge(problem: &Problem<'_>, alpha: f64) -> Result<Fit> {
    let d = problem.means.len();
    let mut l = problem.square.clone();
    l.diag_mut().mapv_inplace(|v| v + alpha);
    for j in 0..d {
        for i in j..d {
            let inner: f64 = (0..j).map(|k| l[[i, k]] * l[[j, k]]).sum();
            let left = l[[i, j]] - inner;
            if i == j && left <= 0.0 {
                return Err(VisError::invalid(format!(
                    "the ridge regression has no one solution: expected a larger alpha, got {alpha}"
                )));
            }
            l[[i, j]] = if i == j {
                left.sqrt()
            } else {
                left / l[[j, j]]
            };
        }
    }
    let mut x = problem.with_scores.to_vec();
    for i in 0..d {
        let known: f64 = (0..i).map(|k| l[[i, k]] * x[k]).sum();
        x[i] = (x[i] - known) / l[[i, i]];
    }
    for i in (0..d).rev() {
        let known: f64 = (i + 1..d).map(|k| l[[k, i]] * x[k]).sum();
        x[i] = (x[i] - known) / l[[i, i]];
    }
    Ok(problem.fit(x))
}

/// Minimises half the weighted mean of squared errors + alpha |coefficients|, one coefficient after
/// the other. (linfa's lasso takes no weights of samples, and does not centre the columns.)
pub(super) fn lasso(problem: &Problem<'_>, alpha: f64) -> Fit {
    let d = problem.means.len();
    let limit = alpha * problem.total;
    let mut x = vec![0.0; d];
    for _ in 0..ROUNDS {
        let mut moved: f64 = 0.0;
        for j in 0..d {
            let own = problem.square[[j, j]];
            if own <= 0.0 {
                continue; // a superpixel that was always on, or always off
            }
            let row = problem.square.row(j);
            let others: f64 = row.iter().zip(&x).map(|(a, b)| a * b).sum();
            let pull = problem.with_scores[j] - others + own * x[j];
            let next = pull.signum() * (pull.abs() - limit).max(0.0) / own;
            moved = moved.max((next - x[j]).abs());
            x[j] = next;
        }
        let largest = x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if moved <= 1e-10 * largest {
            break;
        }
    }
    problem.fit(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use linfa::Dataset;
    use linfa::prelude::Fit as _;
    use linfa_elasticnet::ElasticNet;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn drawn(n: usize, d: usize) -> (Array2<bool>, Vec<f64>) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let on = Array2::from_shape_simple_fn((n, d), || rng.random::<bool>());
        let score = |row: ndarray::ArrayView1<'_, bool>| {
            let parts = row.iter().enumerate();
            parts
                .map(|(j, &v)| if v { (j as f64 * 1.3).sin() } else { 0.1 })
                .sum()
        };
        let scores = on.rows().into_iter().map(score).collect();
        (on, scores)
    }

    #[test]
    fn lasso_with_equal_weights_is_linfas() {
        let (on, scores) = drawn(120, 9);
        let numbers = on.mapv(|v| if v { 1.0 } else { 0.0 });
        // linfa centres the scores but not the columns: it needs centred ones.
        let means = numbers.mean_axis(ndarray::Axis(0)).unwrap();
        let set = Dataset::new(numbers - &means, Array1::from(scores.clone()));
        for alpha in [0.01, 0.05, 0.2] {
            let theirs = ElasticNet::lasso().penalty(alpha).tolerance(1e-12);
            let theirs = theirs.max_iterations(100_000).fit(&set).unwrap();
            let ours = lasso(&Problem::new(&on, &[1.0; 120], &scores), alpha);
            for (a, b) in ours.weights.iter().zip(theirs.hyperplane()) {
                assert!((a - b).abs() < 1e-6, "alpha {alpha}: {a}, not {b}");
            }
            let intercept = theirs.intercept() - theirs.hyperplane().dot(&means);
            assert!((ours.intercept - intercept).abs() < 1e-6);
        }
    }

    #[test]
    fn a_weight_of_three_is_three_samples_to_both_models() {
        let (on, scores) = drawn(60, 5);
        let counts: Vec<f64> = (0..60).map(|i| f64::from(1 + i % 3)).collect();
        let rows: Vec<usize> = (0..60).flat_map(|i| vec![i; 1 + i % 3]).collect();
        let repeated = on.select(ndarray::Axis(0), &rows);
        let their_scores: Vec<f64> = rows.iter().map(|&i| scores[i]).collect();
        let ones = vec![1.0; rows.len()];
        let weighted = Problem::new(&on, &counts, &scores);
        let plain = Problem::new(&repeated, &ones, &their_scores);
        let pairs = [
            (ridge(&weighted, 0.7).unwrap(), ridge(&plain, 0.7).unwrap()),
            (lasso(&weighted, 0.02), lasso(&plain, 0.02)),
        ];
        for (a, b) in pairs {
            for (v, w) in a.weights.iter().zip(&b.weights) {
                assert!((v - w).abs() < 1e-9);
            }
            assert!((a.intercept - b.intercept).abs() < 1e-9 && (a.r2 - b.r2).abs() < 1e-9);
        }
    }
}
