//! k-means, by linfa: what falls together without being told the classes.

use super::threads::one_blas_thread;
use crate::error::{Result, TransferError};
use crate::features::Features;
use linfa::DatasetBase;
use linfa::prelude::{Fit, ParamGuard, Predict};
use ndarray::Array2;
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The settings of k-means (Lloyd 1982), begun by k-means++ (Arthur and Vassilvitskii 2007).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KMeans {
    /// How many clusters.
    pub clusters: usize,
    /// Runs from other beginnings, of which the best is kept. 10 unless set, linfa's.
    pub runs: usize,
    /// The most steps of a run. 300 unless set, linfa's.
    pub iterations: u64,
    /// Seeds the beginnings.
    pub seed: u64,
}

impl KMeans {
    /// With so many clusters.
    pub fn new(clusters: usize) -> KMeans {
        KMeans {
            clusters,
            runs: 10,
            iterations: 300,
            seed: 0,
        }
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> KMeans {
        self.seed = seed;
        self
    }

    /// Clusters of these features, as they are: scale them first where their units differ.
    ///
    /// # Errors
    /// When a setting is 0, there are fewer rows than clusters, or a number is NaN or infinite.
    pub fn fit(&self, features: &Features) -> Result<Clusters> {
        one_blas_thread();
        features.check()?;
        let n = features.len();
        if self.clusters == 0 || self.runs == 0 || self.iterations == 0 {
            return Err(TransferError::invalid(format!(
                "k-means: expected at least one cluster, run and step, got {}, {} and {}",
                self.clusters, self.runs, self.iterations
            )));
        }
        if n < self.clusters || features.width() == 0 {
            return Err(TransferError::Degenerate {
                what: "k-means".into(),
                problem: format!(
                    "{n} examples of {} numbers cannot fall into {} clusters",
                    features.width(),
                    self.clusters
                ),
            });
        }
        let points = features.points();
        let rng = Xoshiro256Plus::seed_from_u64(self.seed);
        let params = linfa_clustering::KMeans::params_with_rng(self.clusters, rng)
            .n_runs(self.runs)
            .max_n_iterations(self.iterations);
        let failed = |e: &dyn fmt::Display| TransferError::Degenerate {
            what: "k-means".into(),
            problem: e.to_string(),
        };
        let params = params.check().map_err(|e| failed(&e))?;
        let fitted = params
            .fit(&DatasetBase::from(points.clone()))
            .map_err(|e| failed(&e))?;
        let of_row: Vec<usize> = fitted.predict(&points).to_vec();
        Ok(Clusters {
            centres: fitted.centroids().clone(),
            inertia: fitted.inertia(),
            purity: purity(&of_row, features, self.clusters),
            of_row,
        })
    }
}

/// Clusters of examples.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Clusters {
    /// `[clusters, D]`: the mean of each.
    pub centres: Array2<f64>,
    /// Which cluster each example is in.
    pub of_row: Vec<usize>,
    /// The mean squared distance to the nearest centre.
    pub inertia: f64,
    /// The share of examples that are of their cluster's most frequent class.
    pub purity: f64,
}

impl fmt::Display for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} clusters of {} examples, purity {:.3}",
            self.centres.nrows(),
            self.of_row.len(),
            self.purity
        )
    }
}

fn purity(of_row: &[usize], features: &Features, clusters: usize) -> f64 {
    let mut counts = vec![vec![0usize; features.classes.len()]; clusters];
    for (&cluster, &label) in of_row.iter().zip(&features.labels) {
        counts[cluster][label] += 1;
    }
    let most = counts.iter().filter_map(|c| c.iter().max());
    most.sum::<usize>() as f64 / of_row.len() as f64
}
