//! Decision trees (Breiman, Friedman, Olshen and Stone 1984), on linfa's traits.
//!
//! Not linfa-trees': it counts classes in hash maps, whose order is another in every run, so that
//! questions of equal worth and leaves of equal votes come out differently each time. Nor can it draw
//! features anew at every question, which makes a random forest.

use crate::error::{Result, TransferError};
use convscope_data::Draw;
use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

/// How many features are tried at a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitFeatures {
    /// All of them.
    #[default]
    All,
    /// As many as the root of their number, rounded down, drawn anew each time: Breiman's forests.
    Root,
}

/// The settings of a decision tree that asks at each node for the threshold on one feature that leaves
/// the least Gini impurity, of equals the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// The most questions on the way to a leaf; no limit unless set.
    pub depth: Option<usize>,
    /// A leaf has at least so many examples; 1 unless set.
    pub leaf: usize,
    /// Which features are tried.
    pub features: SplitFeatures,
    /// Seeds their draw.
    pub seed: u64,
}

impl Default for Cart {
    fn default() -> Cart {
        Cart {
            depth: None,
            leaf: 1,
            features: SplitFeatures::All,
            seed: 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// The share of each class.
    Leaf(Vec<f64>),
    /// At most the threshold: the first child, else the second.
    Question {
        feature: usize,
        threshold: f64,
        children: [usize; 2],
    },
}

/// A decision tree.
#[derive(Clone, Debug, PartialEq)]
pub struct CartTree {
    nodes: Vec<Node>,
    classes: usize,
}

impl Fit<Array2<f64>, Array1<usize>, TransferError> for Cart {
    type Object = CartTree;

    /// # Errors
    /// When there is no example, or more or fewer targets.
    fn fit(&self, dataset: &DatasetBase<Array2<f64>, Array1<usize>>) -> Result<CartTree> {
        let (x, y) = (dataset.records(), dataset.targets());
        if x.nrows() == 0 || x.nrows() != y.len() {
            return Err(TransferError::shape(
                "the examples of a decision tree",
                format!("at least one, and a row for each of {} targets", y.len()),
                x.shape(),
            ));
        }
        let classes = y.iter().max().map_or(0, |most| most + 1);
        Ok(self.grow(x.view(), &y.to_vec(), (0..x.nrows()).collect(), classes))
    }
}

impl PredictInplace<Array2<f64>, Array1<usize>> for CartTree {
    fn predict_inplace(&self, x: &Array2<f64>, y: &mut Array1<usize>) {
        for (row, y) in x.outer_iter().zip(y) {
            *y = first_largest(self.shares(row));
        }
    }

    fn default_target(&self, x: &Array2<f64>) -> Array1<usize> {
        Array1::zeros(x.nrows())
    }
}

/// The place of the largest number, of equals the first.
pub(super) fn first_largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, &v) in values.iter().enumerate() {
        if v > values[best] {
            best = i;
        }
    }
    best
}

/// The best question so far.
struct Split {
    /// Summed over both sides: less is better.
    impurity: f64,
    feature: usize,
    threshold: f64,
}

impl Cart {
    /// A tree over these rows; one may come more than once.
    pub(super) fn grow(
        &self,
        x: ArrayView2<'_, f64>,
        y: &[usize],
        rows: Vec<usize>,
        classes: usize,
    ) -> CartTree {
        let mut tree = CartTree {
            nodes: vec![Node::Leaf(Vec::new())],
            classes,
        };
        let mut draw = Draw::new(self.seed, 0);
        let mut waiting = vec![(0, rows, 0)];
        while let Some((at, rows, depth)) = waiting.pop() {
            let counts = counts(y, &rows, classes);
            let pure = counts.iter().filter(|c| **c > 0).count() < 2;
            let may = !pure && self.depth.is_none_or(|most| depth < most);
            let split = may.then(|| self.best(x, y, &rows, &counts, &mut draw));
            let Some(split) = split.flatten() else {
                let n = rows.len() as f64;
                let shares = counts.iter().map(|&c| c as f64 / n);
                tree.nodes[at] = Node::Leaf(shares.collect());
                continue;
            };
            let below = |&row: &usize| x[[row, split.feature]] <= split.threshold;
            let (left, right) = rows.into_iter().partition::<Vec<_>, _>(below);
            let first = tree.nodes.len();
            tree.nodes
                .extend([Node::Leaf(Vec::new()), Node::Leaf(Vec::new())]);
            tree.nodes[at] = Node::Question {
                feature: split.feature,
                threshold: split.threshold,
                children: [first, first + 1],
            };
            waiting.push((first + 1, right, depth + 1));
            waiting.push((first, left, depth + 1));
        }
        tree
    }

    fn best(
        &self,
        x: ArrayView2<'_, f64>,
        y: &[usize],
        rows: &[usize],
        counts: &[usize],
        draw: &mut Draw,
    ) -> Option<Split> {
        let width = x.ncols();
        let mut order: Vec<usize> = (0..width).collect();
        let tried = match self.features {
            SplitFeatures::All => width,
            SplitFeatures::Root => width.isqrt().max(1),
        };
        let mut best: Option<Split> = None;
        for k in 0..width {
            // Where all that were tried are constant here, more are tried (as in scikit-learn).
            if k >= tried && best.is_some() {
                break;
            }
            if tried < width {
                order.swap(k, k + draw.below(width - k));
            }
            let found = self.threshold(x, y, rows, counts, order[k]);
            if let Some(found) = found
                && best.as_ref().is_none_or(|b| found.impurity < b.impurity)
            {
                best = Some(found);
            }
        }
        best
    }

    /// The best threshold on one feature. The impurity of a side is its number of examples times
    /// `1 - sum of squared shares`, which is `n - (sum of squared counts) / n`.
    fn threshold(
        &self,
        x: ArrayView2<'_, f64>,
        y: &[usize],
        rows: &[usize],
        counts: &[usize],
        feature: usize,
    ) -> Option<Split> {
        let mut values: Vec<(f64, usize)> = rows.iter().map(|&r| (x[[r, feature]], y[r])).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let n = values.len();
        let mut left = vec![0usize; counts.len()];
        // Sums of squared counts, which are whole numbers: no rounding decides.
        let mut right_squares: usize = counts.iter().map(|c| c * c).sum();
        let mut left_squares = 0usize;
        let mut best: Option<Split> = None;
        for i in 0..n - 1 {
            let (value, class) = values[i];
            left_squares += 2 * left[class] + 1;
            right_squares -= 2 * (counts[class] - left[class]) - 1;
            left[class] += 1;
            let next = values[i + 1].0;
            let (before, after) = (i + 1, n - i - 1);
            if value == next || before < self.leaf || after < self.leaf {
                continue;
            }
            // The sides' order must not matter to a tie.
            let sides = left_squares as f64 / before as f64 + right_squares as f64 / after as f64;
            let impurity = n as f64 - sides;
            if best.as_ref().is_none_or(|b| impurity < b.impurity) {
                let middle = value + (next - value) / 2.0;
                best = Some(Split {
                    impurity,
                    feature,
                    // Of neighbouring numbers the middle may be rounded up to the second.
                    threshold: if middle < next { middle } else { value },
                });
            }
        }
        best
    }
}

fn counts(y: &[usize], rows: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    rows.iter().for_each(|&r| counts[y[r]] += 1);
    counts
}

impl CartTree {
    /// The share of each class in the leaf that a row comes to.
    ///
    /// # Panics
    /// When the row has fewer features than the tree asks for.
    pub fn shares(&self, row: ArrayView1<'_, f64>) -> &[f64] {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(shares) => return shares,
                Node::Question {
                    feature,
                    threshold,
                    children,
                } => at = children[usize::from(row[*feature] > *threshold)],
            }
        }
    }

    /// How many leaves it has.
    pub fn leaves(&self) -> usize {
        let leaf = |node: &&Node| matches!(node, Node::Leaf(_));
        self.nodes.iter().filter(leaf).count()
    }

    /// The most questions on the way to a leaf.
    pub fn depth(&self) -> usize {
        fn below(tree: &CartTree, at: usize) -> usize {
            match &tree.nodes[at] {
                Node::Leaf(_) => 0,
                Node::Question { children, .. } => {
                    1 + children
                        .map(|c| below(tree, c))
                        .into_iter()
                        .max()
                        .unwrap_or(0)
                }
            }
        }
        below(self, 0)
    }

    /// The first question: a feature and a threshold; none of a tree that is a leaf.
    pub fn root(&self) -> Option<(usize, f64)> {
        match self.nodes[0] {
            Node::Question {
                feature, threshold, ..
            } => Some((feature, threshold)),
            Node::Leaf(_) => None,
        }
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linfa::traits::Predict;
    use ndarray::{arr1, arr2};

    fn examples(n: usize, seed: u64) -> DatasetBase<Array2<f64>, Array1<usize>> {
        let mut draw = Draw::new(seed, 0);
        let x = Array2::from_shape_simple_fn((n, 4), || f64::from(draw.unit()));
        let y = x.outer_iter().map(|r| usize::from(r[1] + 0.4 * r[2] > 0.7));
        let y = y.collect();
        DatasetBase::new(x, y)
    }

    #[test]
    fn a_tree_by_hand() {
        let x = arr2(&[[1.0, 5.0], [2.0, 4.0], [3.0, 9.0], [4.0, 8.0], [4.0, 1.0]]);
        let y = arr1(&[0, 0, 1, 1, 2]);
        let set = DatasetBase::new(x.clone(), y.clone());
        let tree = Cart::default().fit(&set).unwrap();
        // Between 2 and 3 on the first: 5 - 4/2 - 5/3 is left; on the second the same past 5.
        assert_eq!(tree.root(), Some((0, 2.5)));
        assert_eq!((tree.leaves(), tree.depth(), tree.classes()), (3, 2, 3));
        assert_eq!(tree.predict(&x), y);
        let stump = Cart {
            depth: Some(1),
            ..Cart::default()
        }
        .fit(&set)
        .unwrap();
        let shares = stump.shares(ndarray::aview1(&[9.0, 0.0]));
        assert_eq!(shares, [0.0, 2.0 / 3.0, 1.0 / 3.0]);
        let wide = Cart {
            leaf: 3,
            ..Cart::default()
        }
        .fit(&set)
        .unwrap();
        assert_eq!(wide.leaves(), 1, "no question leaves three on both sides");
        let one = Cart::default()
            .fit(&DatasetBase::new(x, arr1(&[1; 5])))
            .unwrap();
        assert_eq!((one.leaves(), one.root()), (1, None));
        let none = DatasetBase::new(Array2::zeros((0, 2)), arr1(&[]));
        assert!(
            Cart::default()
                .fit(&none)
                .unwrap_err()
                .to_string()
                .contains("at least one")
        );
    }

    #[test]
    fn of_two_classes_it_asks_what_linfas_tree_asks() {
        for seed in 0..5 {
            let set = examples(80, seed);
            let ours = Cart::default().fit(&set).unwrap();
            let theirs = linfa_trees::DecisionTree::params();
            let theirs = linfa::prelude::ParamGuard::check(theirs)
                .unwrap()
                .fit(&set)
                .unwrap();
            let (feature, threshold, _) = theirs.root_node().split();
            let (ours_feature, ours_threshold) = ours.root().unwrap();
            assert_eq!(feature, ours_feature);
            assert!((threshold - ours_threshold).abs() < 1e-12);
            let unseen = examples(300, 100 + seed);
            let (a, b) = (
                ours.predict(unseen.records()),
                theirs.predict(unseen.records()),
            );
            let apart = a.iter().zip(&b).filter(|(a, b)| a != b).count();
            // Below the root theirs takes thresholds between rows that a node does not have.
            assert!(apart < 30, "{apart} of 300 differ");
            assert_eq!(&ours.predict(set.records()), set.targets());
        }
    }

    #[test]
    fn drawn_features_depend_on_the_seed_alone() {
        let set = examples(60, 1);
        let tree = |seed| {
            let settings = Cart {
                features: SplitFeatures::Root,
                seed,
                ..Cart::default()
            };
            settings.fit(&set).unwrap()
        };
        assert_eq!(tree(3), tree(3));
        assert!((0..8).any(|seed| tree(seed) != tree(3)));
        assert_eq!(&tree(3).predict(set.records()), set.targets());
    }
}
