//! Cross-validation: every example is once unseen.

use super::fit::Learner;
use super::interval::Interval;
use crate::error::{Result, TransferError};
use crate::features::Features;
use convscope_data::Draw;
use rayon::prelude::*;
use std::fmt;

/// What cross-validation found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CrossValidation {
    /// What was validated.
    pub learner: Learner,
    /// The accuracy on each fold, by a classifier that learned from the others.
    pub accuracies: Vec<f64>,
    /// Their mean and its interval. (The folds share their examples to learn from, so it is a little
    /// too narrow.)
    pub interval: Interval,
}

impl fmt::Display for CrossValidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folds = self.accuracies.len();
        write!(f, "{}: {} over {folds} folds", self.learner, self.interval)
    }
}

/// Row numbers in `folds` parts, each with every class as evenly as may be, drawn by `seed`. Every row
/// is in one of them.
///
/// # Errors
/// When there are fewer than two folds, more folds than a class has rows at most, or a class with a
/// single row, which no fold could be tested on after learning.
pub fn stratified_folds(
    labels: &[usize],
    classes: &[String],
    folds: usize,
    seed: u64,
) -> Result<Vec<Vec<usize>>> {
    let mut of_class = vec![Vec::new(); classes.len()];
    for i in Draw::new(seed, 0).permutation(labels.len()) {
        match of_class.get_mut(labels[i]) {
            Some(rows) => rows.push(i),
            None => {
                return Err(TransferError::invalid(format!(
                    "cross-validation: label {} is out of range: there are {} classes",
                    labels[i],
                    classes.len()
                )));
            }
        }
    }
    let most = of_class.iter().map(Vec::len).max().unwrap_or(0);
    if folds < 2 || folds > most {
        return Err(TransferError::invalid(format!(
            "cross-validation: expected 2 to {most} folds, as many as the largest class has \
             examples, got {folds}"
        )));
    }
    if let Some(class) = of_class.iter().position(|rows| rows.len() == 1) {
        return Err(TransferError::Degenerate {
            what: "cross-validation".into(),
            problem: format!(
                "class \"{}\" has a single example, which cannot be learned from and tested on",
                classes[class]
            ),
        });
    }
    // Dealt out class after class without a fresh start: folds differ by one row at most.
    let mut parts = vec![Vec::new(); folds];
    for (k, row) in of_class.into_iter().flatten().enumerate() {
        parts[k % folds].push(row);
    }
    parts.iter_mut().for_each(|part| part.sort_unstable());
    Ok(parts)
}

/// Stratified cross-validation: the accuracy on each fold of a classifier that learned, scaling and
/// components included, from the others.
///
/// # Errors
/// As [`stratified_folds`] and [`Learner::fit`].
pub fn cross_validate(
    learner: &Learner,
    features: &Features,
    folds: usize,
    seed: u64,
) -> Result<CrossValidation> {
    features.check()?;
    let parts = stratified_folds(&features.labels, &features.classes, folds, seed)?;
    let accuracies = (0..folds).into_par_iter().map(|k| {
        let others = parts.iter().enumerate().filter(|(j, _)| *j != k);
        let train: Vec<usize> = others.flat_map(|(_, rows)| rows.clone()).collect();
        let fitted = learner.fit(&features.select(&train)?)?;
        fitted.accuracy(&features.select(&parts[k])?)
    });
    let accuracies = accuracies.collect::<Result<Vec<f64>>>()?;
    Ok(CrossValidation {
        learner: *learner,
        interval: Interval::of(&accuracies).expect("at least two folds"),
        accuracies,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_share_out_every_class_and_every_row_once() {
        let labels: Vec<usize> = (0..53).map(|i| [0, 0, 1, 2][i % 4]).collect();
        let classes = ["a", "b", "c"].map(String::from);
        for seed in 0..4 {
            let folds = stratified_folds(&labels, &classes, 5, seed).unwrap();
            let mut all = folds.concat();
            all.sort_unstable();
            assert_eq!(all, (0..53).collect::<Vec<_>>());
            for class in 0..3 {
                let count =
                    |fold: &Vec<usize>| fold.iter().filter(|&&i| labels[i] == class).count();
                let counts: Vec<usize> = folds.iter().map(count).collect();
                let (least, most) = (counts.iter().min(), counts.iter().max());
                assert!(most.unwrap() - least.unwrap() <= 1, "{counts:?}");
            }
            let sizes: Vec<usize> = folds.iter().map(Vec::len).collect();
            assert_eq!(sizes, [11, 11, 11, 10, 10]);
        }
        assert_ne!(
            stratified_folds(&labels, &classes, 5, 1).unwrap(),
            stratified_folds(&labels, &classes, 5, 2).unwrap()
        );
        for (labels, folds, words) in [
            (&labels[..], 1, "2 to 27 folds"),
            (&labels, 28, "got 28"),
            (&[0, 0, 1], 2, "\"b\" has a single example"),
            (&[0, 0, 3], 2, "label 3"),
        ] {
            let error = stratified_folds(labels, &classes, folds, 1)
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
