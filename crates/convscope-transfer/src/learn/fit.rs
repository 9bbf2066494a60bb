//! From features to a fitted classifier: checks, scaling, components, the classifier.

use super::classifier::Classifier;
use super::model::Model;
use super::threads::one_blas_thread;
use crate::error::{Result, TransferError};
use crate::features::Features;
use convscope_data::{Dataset, Standardizer};
use convscope_nn::ConfusionMatrix;
use convscope_vis::{Embedding, Pca, Tsne, pca, tsne};
use linfa::DatasetBase;
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done to each feature before a classifier sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Mean 0 and standard deviation 1 over the training examples; what never changes there is not
    /// scaled. Most classifiers want it, and trees do not mind.
    #[default]
    Standard,
    /// Nothing.
    None,
    /// Every row of length 1: distances become angles.
    UnitLength,
}

/// A classifier with what comes before it.
///
/// ```
/// use convscope_transfer::{Classifier, Features, Learner};
/// # fn main() -> Result<(), convscope_transfer::TransferError> {
/// let values = ndarray::Array2::from_shape_fn((20, 3), |(i, j)| (i % 2 * j) as f32 + i as f32 * 0.01);
/// let labels = (0..20).map(|i| i % 2).collect();
/// let features = Features::new("demo", values, labels, vec!["even".into(), "odd".into()])?;
/// let fitted = Learner::new(Classifier::logistic()).fit(&features)?;
/// assert_eq!(fitted.accuracy(&features)?, 1.0);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    /// Which classifier.
    pub classifier: Classifier,
    /// What is done to the features first.
    pub scaling: Scaling,
    /// Their first so many principal components in their place, after scaling.
    pub components: Option<usize>,
    /// Seeds whatever is random: the forest alone.
    pub seed: u64,
}

impl Learner {
    /// Of standardised features, with seed 0.
    pub fn new(classifier: Classifier) -> Learner {
        Learner {
            classifier,
            scaling: Scaling::Standard,
            components: None,
            seed: 0,
        }
    }

    /// With another scaling.
    pub fn scaling(mut self, scaling: Scaling) -> Learner {
        self.scaling = scaling;
        self
    }

    /// On the first so many principal components.
    pub fn components(mut self, components: usize) -> Learner {
        self.components = Some(components);
        self
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> Learner {
        self.seed = seed;
        self
    }

    /// Learns from these features.
    ///
    /// # Errors
    /// When a setting makes no sense, a number is NaN or infinite, there are fewer examples than
    /// classes, all are of one class, or every feature is constant.
    pub fn fit(&self, features: &Features) -> Result<Fitted> {
        one_blas_thread();
        self.classifier.check()?;
        self.check_examples(features)?;
        let mut present: Vec<usize> = features.labels.clone();
        present.sort_unstable();
        present.dedup();
        let y: Vec<usize> = features
            .labels
            .iter()
            .map(|l| present.binary_search(l).expect("every label is present"))
            .collect();
        let standardizer = match self.scaling {
            Scaling::Standard => Some(Standardizer::fit(&features.to_dataset())?),
            _ => None,
        };
        let mut fitted = Fitted {
            learner: *self,
            trained_on: features.node.clone(),
            examples: features.len(),
            width: features.width(),
            classes: features.classes.clone(),
            present,
            standardizer,
            components: None,
            model: Model::Tree(super::Cart::default().grow(
                Array2::zeros((1, 1)).view(),
                &[0],
                vec![0],
                1,
            )),
        };
        let mut x = fitted.prepared(&features.values)?;
        if let Some(k) = self.components {
            let found = pca(&x, k)?;
            x = found.points.clone();
            fitted.components = Some(found);
        }
        let classes = fitted.present.len();
        fitted.model = Model::fit(self.classifier, x, &y, classes, self.seed)?;
        Ok(fitted)
    }

    fn check_examples(&self, features: &Features) -> Result<()> {
        let degenerate = |problem: String| {
            Err(TransferError::Degenerate {
                what: format!("{} on \"{}\"", self.classifier.name(), features.node),
                problem,
            })
        };
        features.check()?;
        let (n, classes) = (features.len(), features.classes.len());
        if n == 0 || features.width() == 0 {
            return degenerate(format!(
                "expected examples of at least one number, got {n} of {}",
                features.width()
            ));
        }
        let counts = features.class_counts();
        let seen: Vec<usize> = (0..classes).filter(|&c| counts[c] > 0).collect();
        if let [one] = seen[..] {
            return degenerate(format!(
                "all {n} examples are of class \"{}\"; expected at least two classes",
                features.classes[one]
            ));
        }
        if n < classes {
            return degenerate(format!(
                "there are {n} examples of {classes} classes; expected at least one for each"
            ));
        }
        let first = features.values.row(0);
        if features.values.outer_iter().all(|row| row == first) {
            return degenerate(format!(
                "all {n} examples have the same {} numbers",
                features.width()
            ));
        }
        match self.classifier {
            Classifier::Neighbours { k } if k > n => {
                degenerate(format!("{k} neighbours of {n} examples cannot be found"))
            }
            _ => Ok(()),
        }
    }
}

impl Classifier {
    /// [`Learner::fit`] of standardised features.
    ///
    /// # Errors
    /// As [`Learner::fit`].
    pub fn fit(self, features: &Features) -> Result<Fitted> {
        Learner::new(self).fit(features)
    }
}

impl fmt::Display for Learner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.classifier)?;
        match self.scaling {
            Scaling::Standard => {}
            Scaling::None => f.write_str(", not scaled")?,
            Scaling::UnitLength => f.write_str(", rows of length 1")?,
        }
        match self.components {
            None => Ok(()),
            Some(k) => write!(f, ", {k} components"),
        }
    }
}

/// A classifier that has learned.
#[derive(Clone, Debug)]
pub struct Fitted {
    learner: Learner,
    trained_on: String,
    examples: usize,
    width: usize,
    classes: Vec<String>,
    /// The labels that there were examples of; the model knows them by their places here.
    present: Vec<usize>,
    standardizer: Option<Standardizer>,
    components: Option<Pca>,
    model: Model,
}

impl Fitted {
    /// The most likely class of each row.
    ///
    /// # Errors
    /// When the rows have another width than those it learned from, or hold a NaN or an infinity.
    pub fn predict(&self, values: &Array2<f32>) -> Result<Vec<usize>> {
        let x = self.ready(values)?;
        let found = self.model.predict(&x, self.present.len());
        Ok(found.into_iter().map(|k| self.present[k]).collect())
    }

    /// The probability of each class for each row, `[N, classes]`; 0 for classes that there was no
    /// example of. A forest's are the shares in its leaves, the neighbours' their votes.
    ///
    /// # Errors
    /// As [`Fitted::predict`]; a support vector machine has none.
    pub fn probabilities(&self, values: &Array2<f32>) -> Result<Array2<f64>> {
        if !self.model.has_probabilities() {
            return Err(TransferError::invalid(format!(
                "a {} has margins and no probabilities; logistic regression has them",
                self.learner.classifier.name()
            )));
        }
        let found = self.model.scores(&self.ready(values)?, self.present.len());
        let mut all = Array2::zeros((values.nrows(), self.classes.len()));
        for (column, &class) in found.columns().into_iter().zip(&self.present) {
            all.column_mut(class).assign(&column);
        }
        Ok(all)
    }

    /// The share of rows whose class it finds.
    ///
    /// # Errors
    /// As [`Fitted::predict`], or when there is no row.
    pub fn accuracy(&self, features: &Features) -> Result<f64> {
        if features.is_empty() {
            return Err(TransferError::invalid("accuracy: there is no example"));
        }
        let found = self.predict(&features.values)?;
        let right = found.iter().zip(&features.labels).filter(|(a, b)| a == b);
        Ok(right.count() as f64 / features.len() as f64)
    }

    /// Which class is taken for which.
    ///
    /// # Errors
    /// As [`Fitted::predict`].
    pub fn confusion(&self, features: &Features) -> Result<ConfusionMatrix> {
        let found = self.predict(&features.values)?;
        Ok(ConfusionMatrix::new(
            &self.classes,
            &features.labels,
            &found,
        ))
    }

    /// How it was asked to learn.
    pub fn learner(&self) -> Learner {
        self.learner
    }

    /// The classes' names, by index.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    fn ready(&self, values: &Array2<f32>) -> Result<Array2<f64>> {
        if values.ncols() != self.width {
            return Err(TransferError::shape(
                format!("features for a classifier of \"{}\"", self.trained_on),
                format!("[N, {}]", self.width),
                values.shape(),
            ));
        }
        if let Some(((row, column), v)) = values.indexed_iter().find(|(_, v)| !v.is_finite()) {
            return Err(TransferError::invalid(format!(
                "row {row} holds {v} in column {column}"
            )));
        }
        let x = self.prepared(values)?;
        Ok(match &self.components {
            None => x,
            Some(found) => (x - &found.mean).dot(&found.components.t()),
        })
    }

    fn prepared(&self, values: &Array2<f32>) -> Result<Array2<f64>> {
        let mut x = match &self.standardizer {
            None => values.mapv(f64::from),
            Some(standardizer) => {
                let (n, d) = values.dim();
                let wide = values.to_shape((n, d, 1, 1)).expect("a row is a row");
                let scaled = standardizer.apply_to(&wide.to_owned().into_dyn())?;
                let rows = scaled.to_shape((n, d)).expect("a row is a row");
                rows.mapv(f64::from)
            }
        };
        if self.learner.scaling == Scaling::UnitLength {
            for mut row in x.rows_mut() {
                let length = row.dot(&row).sqrt();
                if length > 0.0 {
                    row /= length;
                }
            }
        }
        Ok(x)
    }
}

impl fmt::Display for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} on {} x {} of \"{}\", {} classes",
            self.learner,
            self.examples,
            self.width,
            self.trained_on,
            self.present.len()
        )
    }
}

impl Features {
    /// As a dataset of images of one pixel and many channels, `[N, D, 1, 1]`: what a network with dense
    /// layers learns from.
    pub fn to_dataset(&self) -> Dataset {
        let (n, d) = self.values.dim();
        let images = self.values.to_shape((n, d, 1, 1));
        Dataset {
            name: self.node.clone(),
            images: images.expect("a row is a row").to_owned().into_dyn(),
            labels: self.labels.clone(),
            classes: self.classes.clone(),
        }
    }

    /// As points in double precision, `[N, D]`.
    pub fn points(&self) -> Array2<f64> {
        self.values.mapv(f64::from)
    }

    /// As a dataset of linfa, for anything that linfa has and this crate does not.
    pub fn to_linfa(&self) -> DatasetBase<Array2<f64>, Array1<usize>> {
        DatasetBase::new(self.points(), Array1::from(self.labels.clone()))
    }

    /// Their first `k` principal components; see [`convscope_vis::pca`].
    ///
    /// # Errors
    /// As there.
    pub fn pca(&self, k: usize) -> Result<Pca> {
        one_blas_thread();
        Ok(pca(&self.points(), k)?)
    }

    /// Them on a map of neighbours; see [`convscope_vis::tsne`].
    ///
    /// # Errors
    /// As there.
    pub fn tsne(&self, settings: &Tsne) -> Result<Embedding> {
        one_blas_thread();
        Ok(tsne(&self.points(), settings)?)
    }

    /// The mean of each class, `[classes, D]`; zeros for a class without a row.
    pub fn class_means(&self) -> Array2<f64> {
        let mut means = Array2::zeros((self.classes.len(), self.width()));
        for (row, &label) in self.values.outer_iter().zip(&self.labels) {
            let mut mean = means.index_axis_mut(Axis(0), label);
            mean += &row.mapv(f64::from);
        }
        for (mut mean, count) in means.rows_mut().into_iter().zip(self.class_counts()) {
            mean /= count.max(1) as f64;
        }
        means
    }
}
