//! Classifiers and features beside each other, over several seeds.

use super::fit::Learner;
use super::interval::Interval;
use crate::error::{Result, TransferError};
use crate::features::Features;
use convscope_progress::{ProgressBar, stop_requested};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;

/// How many examples are learned from, chosen by and tested on; each seed draws others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// Examples to learn from.
    pub train: usize,
    /// Examples to choose settings by; they are kept apart from the others, and only counted here.
    pub validation: usize,
    /// Examples to test on.
    pub test: usize,
    /// Whether every part has all classes alike.
    pub balanced: bool,
}

impl Protocol {
    /// The lecture's: 100 labelled images, 100 to validate, 800 to test, all classes alike.
    pub fn few_labels() -> Protocol {
        Protocol {
            train: 100,
            validation: 100,
            test: 800,
            balanced: true,
        }
    }

    /// The lecture's eight people: 2000, 400 and 400.
    pub fn eight_classes() -> Protocol {
        Protocol {
            train: 2000,
            validation: 400,
            test: 400,
            balanced: true,
        }
    }

    /// Row numbers of the three parts by a seed; see [`Features::split`].
    ///
    /// # Errors
    /// As there.
    pub fn split(&self, features: &Features, seed: u64) -> Result<[Vec<usize>; 3]> {
        let sizes: Vec<usize> = [self.train, self.validation, self.test]
            .into_iter()
            .filter(|size| *size > 0)
            .collect();
        if self.train == 0 || self.test == 0 {
            return Err(TransferError::invalid(format!(
                "a comparison needs examples to learn from and to test on, got {} and {}",
                self.train, self.test
            )));
        }
        let mut parts = features.split(&sizes, self.balanced, seed)?.into_iter();
        let mut next = |size: usize| match size {
            0 => Vec::new(),
            _ => parts.next().unwrap_or_default(),
        };
        Ok([next(self.train), next(self.validation), next(self.test)])
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} examples to learn from, {} for validation, {} to test on",
            self.train, self.validation, self.test
        )
    }
}

/// One classifier on one set of features.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ComparisonRow {
    /// The features' name.
    pub features: String,
    /// How it was learned.
    pub learner: Learner,
    /// The accuracy on the test part, for each seed.
    pub accuracies: Vec<f64>,
    /// The accuracy on the validation part, for each seed; empty where there is none.
    pub validation: Vec<f64>,
    /// The mean test accuracy and its interval.
    pub interval: Interval,
    /// Seconds of learning and answering, in the mean over the seeds.
    pub seconds: f64,
}

/// Classifiers and features beside each other. Its `Display` is a table: a line for each classifier, a
/// column for each set of features.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// What was compared, feature set by feature set.
    pub rows: Vec<ComparisonRow>,
    /// The parts.
    pub protocol: Protocol,
    /// The seeds.
    pub seeds: Vec<u64>,
}

/// Every learner on every set of features, for every seed: each seed draws its own parts, the same for
/// all, and seeds the learner.
///
/// # Errors
/// When nothing is to be compared, the sets are not of the same images in the same order, two have one
/// name, there are too few of them, a learner cannot be fitted, or the user asked for an end.
pub fn compare(
    features: &[Features],
    learners: &[Learner],
    protocol: &Protocol,
    seeds: &[u64],
) -> Result<Comparison> {
    let Some(first) = features
        .first()
        .filter(|_| !learners.is_empty() && !seeds.is_empty())
    else {
        return Err(TransferError::invalid(format!(
            "a comparison needs features, classifiers and seeds, got {}, {} and {}",
            features.len(),
            learners.len(),
            seeds.len()
        )));
    };
    for (i, set) in features.iter().enumerate() {
        if set.labels != first.labels || set.len() != first.len() {
            return Err(TransferError::invalid(format!(
                "\"{}\" and \"{}\" are features of different images",
                first.node, set.node
            )));
        }
        if features[..i].iter().any(|other| other.node == set.node) {
            return Err(TransferError::invalid(format!(
                "two sets of features are called \"{}\": give them names of their own",
                set.node
            )));
        }
    }
    let parts = seeds.iter().map(|&seed| protocol.split(first, seed));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let pairs: Vec<(&Features, &Learner)> = features
        .iter()
        .flat_map(|set| learners.iter().map(move |learner| (set, learner)))
        .collect();
    let bar = ProgressBar::new("comparing classifiers", pairs.len() as u64);
    let rows = pairs.into_par_iter().map(|(set, learner)| {
        let row = row(set, learner, &parts, seeds);
        bar.step(1);
        row
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    bar.finish();
    Ok(Comparison {
        rows,
        protocol: *protocol,
        seeds: seeds.to_vec(),
    })
}

fn row(
    set: &Features,
    learner: &Learner,
    parts: &[[Vec<usize>; 3]],
    seeds: &[u64],
) -> Result<ComparisonRow> {
    let begun = Instant::now();
    let (mut accuracies, mut validations) = (Vec::new(), Vec::new());
    for ([train, validation, test], &seed) in parts.iter().zip(seeds) {
        if stop_requested() {
            return Err(TransferError::Stopped {
                done: "the comparison is not whole".into(),
            });
        }
        let fitted = learner.seed(seed).fit(&set.select(train)?)?;
        accuracies.push(fitted.accuracy(&set.select(test)?)?);
        if !validation.is_empty() {
            validations.push(fitted.accuracy(&set.select(validation)?)?);
        }
    }
    Ok(ComparisonRow {
        features: set.node.clone(),
        learner: *learner,
        interval: Interval::of(&accuracies).expect("at least one seed"),
        accuracies,
        validation: validations,
        seconds: begun.elapsed().as_secs_f64() / seeds.len() as f64,
    })
}

impl Comparison {
    /// The features' names, in order.
    pub fn features(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !names.contains(&&*row.features) {
                names.push(&row.features);
            }
        }
        names
    }

    /// The learners, in order.
    pub fn learners(&self) -> Vec<Learner> {
        let mut learners: Vec<Learner> = Vec::new();
        for row in &self.rows {
            if !learners.contains(&row.learner) {
                learners.push(row.learner);
            }
        }
        learners
    }

    /// What one learner reached on one set of features.
    pub fn row(&self, features: &str, learner: &Learner) -> Option<&ComparisonRow> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.features == features && row.learner == *learner)
    }

    /// The row with the best mean accuracy on the test parts.
    pub fn best(&self) -> Option<&ComparisonRow> {
        let better =
            |a: &&ComparisonRow, b: &&ComparisonRow| a.interval.mean.total_cmp(&b.interval.mean);
        self.rows.iter().max_by(better)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let learners = self.learners();
        let names: Vec<String> = learners.iter().map(ToString::to_string).collect();
        let wide = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
        write!(f, "{:wide$}", "")?;
        let columns = self.features();
        let column = |name: &str| name.chars().count().max(13);
        for name in &columns {
            write!(f, "  {name:>width$}", width = column(name))?;
        }
        for (learner, name) in learners.iter().zip(&names) {
            write!(f, "\n{name:wide$}")?;
            for features in &columns {
                let width = column(features);
                match self.row(features, learner) {
                    Some(row) => write!(f, "  {:>width$}", row.interval)?,
                    None => write!(f, "  {:>width$}", "")?,
                }
            }
        }
        let n = self.seeds.len();
        write!(f, "\n{}; mean over {n} seeds", self.protocol)?;
        match n {
            1 => Ok(()),
            _ => f.write_str(" and its 95 % interval"),
        }
    }
}
