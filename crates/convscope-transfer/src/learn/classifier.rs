//! The choice of a classifier, as plain data.

use super::cart::{Cart, SplitFeatures};
use super::forest::RandomForest;
use crate::error::{Result, TransferError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which classifier, with its settings. The constructors give the usual ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classifier {
    /// Logistic regression (linfa-logistic, by L-BFGS): binary of two classes, multinomial of more.
    Logistic {
        /// The L2 penalty on the weights, `alpha / 2 |W|²` beside the summed cross-entropy; it is the
        /// inverse of scikit-learn's `C`. 1 unless set, theirs and linfa's.
        alpha: f64,
        /// The most steps. 100 unless set, linfa's.
        iterations: u64,
    },
    /// A support vector machine with a flat boundary (linfa-svm); of more than two classes, one for
    /// each class against the rest, and the largest margin wins.
    LinearSvm {
        /// What an example inside the margin costs. 1 unless set, scikit-learn's and linfa's.
        c: f64,
    },
    /// A support vector machine with the kernel `exp(-gamma |x - y|²)`, one against the rest likewise.
    RbfSvm {
        /// What an example inside the margin costs. 1 unless set.
        c: f64,
        /// How fast likeness falls with distance. Unless set, 1 over the width times the variance of
        /// all numbers, so that typical distances matter whatever the width (scikit-learn's
        /// `"scale"`).
        gamma: Option<f64>,
    },
    /// A decision tree (CART, [`Cart`]).
    Tree {
        /// The most questions on the way to a leaf; no limit unless set.
        depth: Option<usize>,
        /// A leaf has at least so many examples; 1 unless set.
        leaf: usize,
    },
    /// Many trees that vote, each on a bootstrap sample, with a random few features at every question
    /// (Breiman 2001, [`RandomForest`]).
    Forest {
        /// Trees. 200 unless set: more never hurt, and few features of many are tried.
        trees: usize,
        /// The most questions on the way to a leaf; no limit unless set.
        depth: Option<usize>,
        /// A leaf has at least so many examples; 1 unless set.
        leaf: usize,
    },
    /// The majority of the nearest examples (linfa-nn); of equal votes, the class of the nearer wins.
    Neighbours {
        /// How many vote.
        k: usize,
    },
    /// Gaussian naive Bayes (linfa-bayes): each feature a normal distribution in each class, on its
    /// own.
    NaiveBayes {
        /// The share of the largest feature's variance that is added to every variance. 0.1 unless
        /// set, and not linfa's 1e-9: with ten examples a class many features are constant within
        /// one, and a single of those would decide.
        smoothing: f64,
    },
}

impl Classifier {
    /// Logistic regression.
    pub fn logistic() -> Classifier {
        Classifier::Logistic {
            alpha: 1.0,
            iterations: 100,
        }
    }

    /// A linear support vector machine.
    pub fn svm() -> Classifier {
        Classifier::LinearSvm { c: 1.0 }
    }

    /// A support vector machine with an RBF kernel.
    pub fn svm_rbf() -> Classifier {
        Classifier::RbfSvm {
            c: 1.0,
            gamma: None,
        }
    }

    /// A decision tree.
    pub fn tree() -> Classifier {
        Classifier::Tree {
            depth: None,
            leaf: 1,
        }
    }

    /// A random forest.
    pub fn forest() -> Classifier {
        Classifier::Forest {
            trees: 200,
            depth: None,
            leaf: 1,
        }
    }

    /// The k nearest neighbours.
    pub fn neighbours(k: usize) -> Classifier {
        Classifier::Neighbours { k }
    }

    /// Gaussian naive Bayes.
    pub fn naive_bayes() -> Classifier {
        Classifier::NaiveBayes { smoothing: 0.1 }
    }

    /// All of them with their usual settings, five neighbours.
    pub fn all() -> Vec<Classifier> {
        vec![
            Classifier::logistic(),
            Classifier::svm(),
            Classifier::svm_rbf(),
            Classifier::neighbours(5),
            Classifier::naive_bayes(),
            Classifier::tree(),
            Classifier::forest(),
        ]
    }

    /// Its name in the field.
    pub fn name(&self) -> &'static str {
        match self {
            Classifier::Logistic { .. } => "logistic regression",
            Classifier::LinearSvm { .. } => "linear SVM",
            Classifier::RbfSvm { .. } => "RBF SVM",
            Classifier::Tree { .. } => "decision tree",
            Classifier::Forest { .. } => "random forest",
            Classifier::Neighbours { .. } => "nearest neighbours",
            Classifier::NaiveBayes { .. } => "naive Bayes",
        }
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// Names the setting, what it must be and what it is.
    pub fn check(&self) -> Result<()> {
        let demand = |holds: bool, what: &str, value: &dyn fmt::Display| match holds {
            true => Ok(()),
            false => Err(TransferError::invalid(format!(
                "{}: {what}, got {value}",
                self.name()
            ))),
        };
        let positive = |x: f64| x.is_finite() && x > 0.0;
        match self {
            Classifier::Logistic { alpha, iterations } => {
                let holds = alpha.is_finite() && *alpha >= 0.0;
                demand(holds, "alpha must be 0 or positive", alpha)?;
                demand(*iterations > 0, "expected at least one step", iterations)
            }
            Classifier::LinearSvm { c } => demand(positive(*c), "c must be positive", c),
            Classifier::RbfSvm { c, gamma } => {
                demand(positive(*c), "c must be positive", c)?;
                let gamma = gamma.unwrap_or(1.0);
                demand(positive(gamma), "gamma must be positive", &gamma)
            }
            Classifier::Tree { leaf, .. } => {
                demand(*leaf > 0, "a leaf needs at least one example", leaf)
            }
            Classifier::Forest { trees, leaf, .. } => {
                demand(*trees > 0, "expected at least one tree", trees)?;
                demand(*leaf > 0, "a leaf needs at least one example", leaf)
            }
            Classifier::Neighbours { k } => demand(*k > 0, "expected at least one neighbour", k),
            Classifier::NaiveBayes { smoothing } => demand(
                positive(*smoothing),
                "smoothing must be positive",
                smoothing,
            ),
        }
    }

    pub(super) fn cart(depth: Option<usize>, leaf: usize) -> Cart {
        Cart {
            depth,
            leaf,
            ..Cart::default()
        }
    }

    pub(super) fn random_forest(
        trees: usize,
        depth: Option<usize>,
        leaf: usize,
        seed: u64,
    ) -> RandomForest {
        RandomForest {
            trees,
            tree: Cart {
                features: SplitFeatures::Root,
                ..Classifier::cart(depth, leaf)
            },
            seed,
        }
    }
}

impl fmt::Display for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let mut settings = Vec::new();
        let usual = |usual: Classifier| *self == usual;
        match self {
            Classifier::Logistic { alpha, .. } if !usual(Classifier::logistic()) => {
                settings.push(format!("alpha {alpha}"));
            }
            Classifier::LinearSvm { c } if !usual(Classifier::svm()) => {
                settings.push(format!("c {c}"));
            }
            Classifier::RbfSvm { c, gamma } if !usual(Classifier::svm_rbf()) => {
                settings.push(format!("c {c}"));
                settings.extend(gamma.map(|g| format!("gamma {g}")));
            }
            Classifier::Tree { depth, leaf } if !usual(Classifier::tree()) => {
                settings.extend(depth.map(|d| format!("depth {d}")));
                settings.push(format!("leaf {leaf}"));
            }
            Classifier::Forest { trees, depth, leaf } if !usual(Classifier::forest()) => {
                settings.push(format!("{trees} trees"));
                settings.extend(depth.map(|d| format!("depth {d}")));
                settings.push(format!("leaf {leaf}"));
            }
            Classifier::Neighbours { k } => settings.push(format!("k {k}")),
            Classifier::NaiveBayes { smoothing } if !usual(Classifier::naive_bayes()) => {
                settings.push(format!("smoothing {smoothing}"));
            }
            _ => {}
        }
        match settings.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", settings.join(", ")),
        }
    }
}
