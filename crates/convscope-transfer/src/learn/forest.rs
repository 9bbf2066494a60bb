//! Random forests (Breiman 2001), on linfa's traits.
//!
//! linfa-ensemble draws features once for a whole tree, and its trees are linfa-trees'; see
//! [`Cart`](super::Cart) for what that costs.

use super::cart::{Cart, CartTree, SplitFeatures, first_largest};
use crate::error::{Result, TransferError};
use convscope_data::Draw;
use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The settings of a random forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RandomForest {
    /// How many trees. 200 unless set.
    pub trees: usize,
    /// Each tree; the root of the features at every question unless set. Its seed does not matter.
    pub tree: Cart,
    /// Seeds the bootstrap samples and the trees.
    pub seed: u64,
}

impl Default for RandomForest {
    fn default() -> RandomForest {
        RandomForest {
            trees: 200,
            tree: Cart {
                features: SplitFeatures::Root,
                ..Cart::default()
            },
            seed: 0,
        }
    }
}

/// Trees that vote by the shares of their leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    trees: Vec<CartTree>,
    classes: usize,
}

impl Fit<Array2<f64>, Array1<usize>, TransferError> for RandomForest {
    type Object = Forest;

    /// # Errors
    /// When there is no example, more or fewer targets, or no tree.
    fn fit(&self, dataset: &DatasetBase<Array2<f64>, Array1<usize>>) -> Result<Forest> {
        let (x, y) = (dataset.records(), dataset.targets().to_vec());
        let n = x.nrows();
        if n == 0 || n != y.len() || self.trees == 0 {
            return Err(TransferError::shape(
                "the examples of a random forest",
                format!("trees, examples, and a row for each of {} targets", y.len()),
                x.shape(),
            ));
        }
        let classes = y.iter().max().map_or(0, |most| most + 1);
        // A stream of draws for each tree: they come out alike for any number of threads.
        let trees = (0..self.trees).into_par_iter().map(|t| {
            let mut draw = Draw::new(self.seed, t as u64);
            let rows = (0..n).map(|_| draw.below(n)).collect();
            let seed = self.seed ^ (t as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            Cart { seed, ..self.tree }.grow(x.view(), &y, rows, classes)
        });
        Ok(Forest {
            trees: trees.collect(),
            classes,
        })
    }
}

impl PredictInplace<Array2<f64>, Array1<usize>> for Forest {
    fn predict_inplace(&self, x: &Array2<f64>, y: &mut Array1<usize>) {
        for (shares, y) in self.shares(x).outer_iter().zip(y) {
            *y = first_largest(&shares.to_vec());
        }
    }

    fn default_target(&self, x: &Array2<f64>) -> Array1<usize> {
        Array1::zeros(x.nrows())
    }
}

impl Forest {
    /// The mean over the trees of the shares in the leaves that a row comes to, `[N, classes]`.
    ///
    /// # Panics
    /// When a row has fewer features than the trees ask for.
    pub fn shares(&self, x: &Array2<f64>) -> Array2<f64> {
        let mut all = Array2::zeros((x.nrows(), self.classes));
        for (row, mut sum) in x.outer_iter().zip(all.rows_mut()) {
            for tree in &self.trees {
                for (sum, share) in sum.iter_mut().zip(tree.shares(row)) {
                    *sum += share;
                }
            }
        }
        all / self.trees.len() as f64
    }

    /// How many trees there are.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linfa::traits::Predict;

    fn examples(n: usize, seed: u64) -> DatasetBase<Array2<f64>, Array1<usize>> {
        let mut draw = Draw::new(seed, 0);
        let y: Array1<usize> = (0..n).map(|i| i % 3).collect();
        let mut x = Array2::zeros((n, 30));
        for ((i, j), v) in x.indexed_iter_mut() {
            *v = f64::from(draw.normal()) + if j % 3 == y[i] { 0.7 } else { 0.0 };
        }
        DatasetBase::new(x, y)
    }

    #[test]
    fn many_trees_beat_one_and_draw_alike_for_any_number_of_threads() {
        let (set, unseen) = (examples(90, 1), examples(300, 2));
        let right = |y: &Array1<usize>| {
            y.iter()
                .zip(unseen.targets())
                .filter(|(a, b)| a == b)
                .count()
        };
        let fit = || {
            RandomForest {
                trees: 60,
                ..RandomForest::default()
            }
            .fit(&set)
            .unwrap()
        };
        let forest = fit();
        let one = Cart::default().fit(&set).unwrap();
        let (many, single) = (
            right(&forest.predict(unseen.records())),
            right(&one.predict(unseen.records())),
        );
        assert!(
            many > single + 30 && many > 205,
            "{many} and {single} of 300"
        );
        let alone = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        assert_eq!(alone.install(fit), forest);
        assert_ne!(
            RandomForest {
                trees: 60,
                seed: 1,
                ..RandomForest::default()
            }
            .fit(&set)
            .unwrap(),
            forest
        );
        for row in forest.shares(unseen.records()).outer_iter() {
            assert!((row.sum() - 1.0).abs() < 1e-12);
        }
        assert_eq!((forest.len(), forest.is_empty()), (60, false));
    }
}
