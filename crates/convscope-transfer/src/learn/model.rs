//! What a classifier has learned: linfa's fitted types behind one face.

use super::cart::{CartTree, first_largest};
use super::classifier::Classifier;
use super::forest::Forest;
use crate::error::{Result, TransferError};
use linfa::DatasetBase;
use linfa::prelude::{Fit, ParamGuard};
use linfa_bayes::{GaussianNb, NaiveBayes};
use linfa_logistic::{
    FittedLogisticRegression, LogisticRegression, MultiFittedLogisticRegression,
    MultiLogisticRegression,
};
use linfa_nn::distance::L2Dist;
use linfa_nn::{CommonNearestNeighbour, NearestNeighbour};
use linfa_svm::Svm;
use ndarray::{Array1, Array2, ArrayView1};
use rayon::prelude::*;

/// Gradients below this end a support vector machine's search: libsvm's figure.
const SVM_TOLERANCE: f64 = 1e-3;

/// A fitted classifier over classes 0 to k - 1, all of which it has seen.
#[derive(Clone, Debug)]
pub(super) enum Model {
    Binary(FittedLogisticRegression<f64, usize>),
    Multinomial(MultiFittedLogisticRegression<f64, usize>),
    /// One against the rest for each class; of two classes a single one, for the second.
    Svm(Vec<Svm<f64, bool>>),
    Tree(CartTree),
    Forest(Forest),
    Neighbours {
        k: usize,
        x: Array2<f64>,
        y: Vec<usize>,
    },
    NaiveBayes(GaussianNb<f64, usize>),
}

fn failed(what: Classifier, e: impl std::fmt::Display) -> TransferError {
    TransferError::Degenerate {
        what: what.name().to_owned(),
        problem: e.to_string(),
    }
}

impl Model {
    pub(super) fn fit(
        classifier: Classifier,
        x: Array2<f64>,
        y: &[usize],
        classes: usize,
        seed: u64,
    ) -> Result<Model> {
        let failed = |e: &dyn std::fmt::Display| failed(classifier, e);
        let targets = Array1::from(y.to_vec());
        Ok(match classifier {
            Classifier::Logistic { alpha, iterations } if classes == 2 => {
                let params = LogisticRegression::default()
                    .alpha(alpha)
                    .max_iterations(iterations);
                let params = params.check().map_err(|e| failed(&e))?;
                let set = DatasetBase::new(x, targets);
                Model::Binary(params.fit(&set).map_err(|e| failed(&e))?)
            }
            Classifier::Logistic { alpha, iterations } => {
                let params = MultiLogisticRegression::default()
                    .alpha(alpha)
                    .max_iterations(iterations);
                let params = params.check().map_err(|e| failed(&e))?;
                let set = DatasetBase::new(x, targets);
                Model::Multinomial(params.fit(&set).map_err(|e| failed(&e))?)
            }
            Classifier::LinearSvm { c } => {
                Model::Svm(machines(classifier, x, y, classes, c, None)?)
            }
            Classifier::RbfSvm { c, gamma } => {
                let gamma = match gamma {
                    Some(gamma) => gamma,
                    None => 1.0 / (x.ncols() as f64 * x.var(0.0)),
                };
                Model::Svm(machines(classifier, x, y, classes, c, Some(gamma))?)
            }
            Classifier::Tree { depth, leaf } => {
                let set = DatasetBase::new(x, targets);
                Model::Tree(Classifier::cart(depth, leaf).fit(&set)?)
            }
            Classifier::Forest { trees, depth, leaf } => {
                let set = DatasetBase::new(x, targets);
                Model::Forest(Classifier::random_forest(trees, depth, leaf, seed).fit(&set)?)
            }
            Classifier::Neighbours { k } => Model::Neighbours {
                k,
                x,
                y: y.to_vec(),
            },
            Classifier::NaiveBayes { smoothing } => {
                let params = GaussianNb::params().var_smoothing(smoothing);
                let params = params.check().map_err(|e| failed(&e))?;
                let set = DatasetBase::new(x, targets);
                Model::NaiveBayes(params.fit(&set).map_err(|e| failed(&e))?)
            }
        })
    }

    /// A number for each class and row, `[N, classes]`: the largest wins, of equals the first. They
    /// are probabilities where [`has_probabilities`](Model::has_probabilities).
    pub(super) fn scores(&self, x: &Array2<f64>, classes: usize) -> Array2<f64> {
        match self {
            Model::Binary(model) => {
                let likely = model.predict_probabilities(x);
                let positive = model.labels().pos.class;
                Array2::from_shape_fn((x.nrows(), 2), |(i, class)| match class == positive {
                    true => likely[i],
                    false => 1.0 - likely[i],
                })
            }
            Model::Multinomial(model) => model.predict_probabilities(x),
            Model::Svm(machines) => {
                let mut scores = Array2::zeros((x.nrows(), classes));
                let margin = |machine: &Svm<f64, bool>, row: &ArrayView1<'_, f64>| {
                    machine.weighted_sum(row) - machine.rho
                };
                for (row, mut scores) in x.outer_iter().zip(scores.rows_mut()) {
                    match &machines[..] {
                        [one] => {
                            let margin = margin(one, &row);
                            scores.assign(&ndarray::aview1(&[-margin, margin]));
                        }
                        machines => {
                            for (score, machine) in scores.iter_mut().zip(machines) {
                                *score = margin(machine, &row);
                            }
                        }
                    }
                }
                scores
            }
            Model::Tree(tree) => {
                let mut scores = Array2::zeros((x.nrows(), classes));
                for (row, mut scores) in x.outer_iter().zip(scores.rows_mut()) {
                    scores.assign(&ndarray::aview1(tree.shares(row)));
                }
                scores
            }
            Model::Forest(forest) => forest.shares(x),
            Model::Neighbours { k, x: known, y } => votes(*k, known, y, x, classes),
            Model::NaiveBayes(model) => posterior(model, x, classes),
        }
    }

    pub(super) fn has_probabilities(&self) -> bool {
        !matches!(self, Model::Svm(_))
    }

    pub(super) fn predict(&self, x: &Array2<f64>, classes: usize) -> Vec<usize> {
        let scores = self.scores(x, classes);
        let rows = scores.outer_iter();
        rows.map(|row| first_largest(&row.to_vec())).collect()
    }
}

fn machines(
    classifier: Classifier,
    x: Array2<f64>,
    y: &[usize],
    classes: usize,
    c: f64,
    gamma: Option<f64>,
) -> Result<Vec<Svm<f64, bool>>> {
    let params = Svm::<f64, bool>::params()
        .eps(SVM_TOLERANCE)
        .pos_neg_weights(c, c);
    let params = match gamma {
        // linfa's kernel divides by its setting.
        Some(gamma) => params.gaussian_kernel(1.0 / gamma),
        None => params.linear_kernel(),
    };
    let params = params.check().map_err(|e| failed(classifier, e))?;
    let against: Vec<usize> = match classes {
        2 => vec![1],
        _ => (0..classes).collect(),
    };
    let fitted = against.into_par_iter().map(|class| {
        let mine = y
            .iter()
            .map(|&label| label == class)
            .collect::<Array1<bool>>();
        let set = DatasetBase::new(x.view(), mine.view());
        params.fit(&set).map_err(|e| failed(classifier, e))
    });
    fitted.collect()
}

/// The share of the votes of the nearest, `[N, classes]`. A little more for the nearer breaks ties, and
/// nothing else: less than one vote's share in all.
fn votes(
    k: usize,
    known: &Array2<f64>,
    y: &[usize],
    x: &Array2<f64>,
    classes: usize,
) -> Array2<f64> {
    // In as many dimensions as features have, trees look everywhere too.
    let index = CommonNearestNeighbour::LinearSearch.from_batch(known, L2Dist);
    let index = index.expect("features have a width");
    let mut scores = Array2::zeros((x.nrows(), classes));
    for (row, mut scores) in x.outer_iter().zip(scores.rows_mut()) {
        let nearest = index.k_nearest(row, k).expect("rows of one width");
        for (rank, (_, at)) in nearest.iter().enumerate() {
            scores[y[*at]] += 1.0 / k as f64 + 1e-9 / (rank + 1) as f64;
        }
        let sum = scores.sum();
        scores /= sum;
    }
    scores
}

/// By the likelihoods' logarithms: of hundreds of features their product is below the smallest number,
/// which linfa's own probabilities divide by.
fn posterior(model: &GaussianNb<f64, usize>, x: &Array2<f64>, classes: usize) -> Array2<f64> {
    let likelihoods = model.joint_log_likelihood(x.view());
    let mut scores = Array2::from_elem((x.nrows(), classes), f64::NEG_INFINITY);
    for (class, of_rows) in likelihoods {
        scores.column_mut(*class).assign(&of_rows);
    }
    for mut row in scores.rows_mut() {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.mapv_inplace(|v| (v - most).exp());
        let sum = row.sum();
        row /= sum;
    }
    scores
}
