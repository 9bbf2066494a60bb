//! A random forest as the surrogate.

use super::surrogate::{Fit, r2};
use crate::error::{Result, VisError};
use linfa::DatasetBase;
use linfa::prelude::{Fit as _, Predict};
use linfa_trees::{DecisionTree, SplitQuality};
use ndarray::{Array1, Array2, ArrayView1, Axis};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Samples of the two kinds never weigh exactly the same with this: linfa's trees break such ties by
/// the order of a hash map, which differs from run to run.
const NO_TIE: f32 = 1.000_061_8;

struct Tree {
    tree: DecisionTree<f64, bool>,
    columns: Vec<usize>,
}

/// linfa's decision trees on bootstrapped samples and two thirds of the superpixels each, with
/// the samples' weights. (linfa's own forest drops the weights.)
pub(super) fn forest(
    on: &Array2<bool>,
    counts: &[f64],
    scores: &[f64],
    trees: usize,
    depth: usize,
    seed: u64,
) -> Result<Fit> {
    let middle = even_cut(scores, counts);
    let high: Vec<bool> = scores.iter().map(|&v| v > middle).collect();
    let numbers = on.mapv(|v| if v { 1.0 } else { 0.0 });
    let grow = |k: usize| grow(&numbers, &high, counts, depth, seed, k as u64);
    let grown: Vec<Tree> = (0..trees)
        .into_par_iter()
        .map(grow)
        .collect::<Result<_>>()?;
    let mut importance = vec![0.0; on.ncols()];
    let mut votes = Array1::<f64>::zeros(on.nrows());
    for one in &grown {
        for (&column, share) in one.columns.iter().zip(one.tree.mean_impurity_decrease()) {
            importance[column] += f64::from(share as f32) / trees as f64;
        }
        let said = one.tree.predict(&numbers.select(Axis(1), &one.columns));
        votes.zip_mut_with(&said, |v, &s| {
            *v += if s { 1.0 / trees as f64 } else { 0.0 }
        });
    }
    let sum: f64 = importance.iter().sum();
    let signed = importance.iter().enumerate().map(|(j, v)| match sum > 0.0 {
        true => v / sum * mean_effect(on.column(j), counts, scores).signum(),
        false => 0.0,
    });
    Ok(Fit {
        weights: signed.collect(),
        intercept: 0.0,
        r2: line_r2(&votes.to_vec(), counts, scores),
    })
}

fn grow(
    numbers: &Array2<f64>,
    high: &[bool],
    counts: &[f64],
    depth: usize,
    seed: u64,
    tree: u64,
) -> Result<Tree> {
    // A stream of its own for each tree: the order in which threads grow them does not matter.
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1 + tree);
    let (n, d) = numbers.dim();
    let mut columns: Vec<usize> = (0..d).collect();
    let kept = (2 * d).div_ceil(3);
    for i in 0..kept {
        let j = rng.random_range(i..d);
        columns.swap(i, j);
    }
    columns.truncate(kept);
    let rows: Vec<usize> = (0..n).map(|_| rng.random_range(0..n)).collect();
    let records = numbers.select(Axis(0), &rows).select(Axis(1), &columns);
    let targets = Array1::from_iter(rows.iter().map(|&i| high[i]));
    let weight = |&i: &usize| counts[i] as f32 * if high[i] { NO_TIE } else { 1.0 };
    let weights = Array1::from_iter(rows.iter().map(weight));
    let set = DatasetBase::new(records, targets).with_weights(weights);
    let tree = DecisionTree::params()
        .split_quality(SplitQuality::Gini)
        .max_depth(Some(depth))
        .fit(&set)
        .map_err(|e| VisError::invalid(format!("a tree of LIME's forest cannot grow: {e}")))?;
    Ok(Tree { tree, columns })
}

/// The score that parts the samples most evenly by weight: scores above it are high.
fn even_cut(scores: &[f64], counts: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let half = counts.iter().sum::<f64>() / 2.0;
    let (mut below, mut best) = (0.0, (f64::INFINITY, scores[order[0]]));
    for pair in order.windows(2) {
        below += counts[pair[0]];
        let off = (below - half).abs();
        if scores[pair[0]] < scores[pair[1]] && off < best.0 {
            best = (off, scores[pair[0]]);
        }
    }
    best.1
}

/// The weighted mean of the scores with the superpixel on, less that with it off.
fn mean_effect(on: ArrayView1<'_, bool>, counts: &[f64], scores: &[f64]) -> f64 {
    let mean = |wanted: bool| {
        let chosen = on
            .iter()
            .zip(counts)
            .zip(scores)
            .filter(|((v, _), _)| **v == wanted);
        let (sum, total) = chosen.fold((0.0, 0.0), |(s, t), ((_, w), y)| (s + w * y, t + w));
        if total > 0.0 { sum / total } else { 0.0 }
    };
    mean(true) - mean(false)
}

/// How much of the scores' variation the best straight line explains, from the share of the trees
/// that vote high to the score.
fn line_r2(votes: &[f64], counts: &[f64], scores: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    let mean = |v: &[f64]| v.iter().zip(counts).map(|(v, w)| v * w).sum::<f64>() / total;
    let (vote, score) = (mean(votes), mean(scores));
    let rows = || votes.iter().zip(counts).zip(scores);
    let with: f64 = rows().map(|((v, w), y)| w * (v - vote) * (y - score)).sum();
    let own: f64 = rows().map(|((v, w), _)| w * (v - vote).powi(2)).sum();
    let slope = if own > 0.0 { with / own } else { 0.0 };
    r2(
        scores,
        counts,
        votes.iter().map(|v| score + slope * (v - vote)),
    )
}
