//! How good a classifier is, and how well boxes agree.

mod boxes;
mod ranking;

pub use boxes::{box_agreement, intersection_over_union};
pub use ranking::{accuracy, top_k, top_k_accuracy};

use crate::error::{NnError, Result};
use crate::loss::{check_labels, cross_entropy};
use crate::network::{Network, argmax};
use convscope_data::Dataset;
use std::fmt;

/// A network's answers on a dataset beside the truth.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The dataset's name.
    pub dataset: String,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
    /// The class the network chose, per image.
    pub predictions: Vec<usize>,
    /// The probability it gave that class.
    pub confidence: Vec<f32>,
    /// Which class is taken for which.
    pub confusion: ConfusionMatrix,
}

impl Evaluation {
    /// One standard error of the accuracy, `sqrt(p (1 - p) / N)`.
    pub fn standard_error(&self) -> f64 {
        (self.accuracy * (1.0 - self.accuracy) / self.predictions.len() as f64).sqrt()
    }

    /// The positions of the images it got wrong, the most confident mistake first.
    pub fn mistakes(&self, dataset: &Dataset) -> Vec<usize> {
        let mut wrong: Vec<usize> = (0..self.predictions.len().min(dataset.len()))
            .filter(|&i| self.predictions[i] != dataset.labels[i])
            .collect();
        wrong.sort_by(|&a, &b| self.confidence[b].total_cmp(&self.confidence[a]));
        wrong
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: accuracy {:.3} (standard error {:.3}), loss {:.3}, {} images",
            self.dataset,
            self.accuracy,
            self.standard_error(),
            self.loss,
            self.predictions.len()
        )
    }
}

/// Runs a network over a dataset and counts.
///
/// # Errors
/// When the images do not fit the network, the set is empty, or a label is out of range.
pub fn evaluate(net: &Network, dataset: &Dataset) -> Result<Evaluation> {
    check_dataset(net, dataset)?;
    let logits = net.forward(&dataset.images)?;
    let (loss, _) = cross_entropy(&logits, &dataset.labels)?;
    let probabilities = crate::loss::softmax(&logits)?;
    let predictions: Vec<usize> = logits.outer_iter().map(|row| argmax(row.iter())).collect();
    let confidence = probabilities
        .outer_iter()
        .zip(&predictions)
        .map(|(row, &k)| row[k])
        .collect();
    let confusion = ConfusionMatrix::new(&dataset.classes, &dataset.labels, &predictions);
    Ok(Evaluation {
        dataset: dataset.name.clone(),
        loss,
        accuracy: confusion.accuracy(),
        predictions,
        confidence,
        confusion,
    })
}

/// Images and labels fit the network; the error says which dataset does not.
pub(crate) fn check_dataset(net: &Network, dataset: &Dataset) -> Result<()> {
    let shape = dataset.images.shape().get(1..).unwrap_or_default();
    check_dataset_as(net, dataset, shape)
}

/// The same for images that the network gets in another shape than the dataset's.
pub(crate) fn check_dataset_as(net: &Network, dataset: &Dataset, shape: &[usize]) -> Result<()> {
    let failed = |e: NnError| NnError::Invalid(format!("dataset \"{}\": {e}", dataset.name));
    let &[classes] = net.output_shape() else {
        return Err(NnError::shape(
            "the output of a classifier",
            "[classes] (end the network with a Linear layer)",
            net.output_shape(),
        ));
    };
    if dataset.is_empty() {
        return Err(failed(NnError::Invalid("it holds no image".into())));
    }
    if dataset.images.ndim() == 0 || *shape != *net.input_shape() {
        return Err(failed(NnError::shape(
            "its images",
            format!("{:?} each, as the network was built for", net.input_shape()),
            shape,
        )));
    }
    check_labels(&dataset.labels, dataset.images.shape()[0], classes).map_err(failed)
}

/// How often each class (row) was taken for each class (column).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    /// The classes' names.
    pub classes: Vec<String>,
    /// `counts[truth][prediction]`.
    pub counts: Vec<Vec<usize>>,
}

impl ConfusionMatrix {
    /// Counts pairs of truth and prediction. Classes without a name get their number.
    pub fn new(classes: &[String], truth: &[usize], predictions: &[usize]) -> ConfusionMatrix {
        let largest = truth.iter().chain(predictions).max().map_or(0, |m| m + 1);
        let n = classes.len().max(largest);
        let mut counts = vec![vec![0; n]; n];
        for (&t, &p) in truth.iter().zip(predictions) {
            counts[t][p] += 1;
        }
        let classes = (0..n)
            .map(|i| classes.get(i).cloned().unwrap_or_else(|| i.to_string()))
            .collect();
        ConfusionMatrix { classes, counts }
    }

    /// Share of the counts on the diagonal; 0 when nothing was counted.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.counts.len()).map(|i| self.counts[i][i]).sum();
        let all: usize = self.counts.iter().flatten().sum();
        right as f64 / all.max(1) as f64
    }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .classes
            .iter()
            .map(|c| c.len())
            .max()
            .unwrap_or(0)
            .max(5);
        write!(f, "{:>width$} |", "truth")?;
        for c in &self.classes {
            write!(f, " {c:>width$}")?;
        }
        for (class, row) in self.classes.iter().zip(&self.counts) {
            write!(f, "\n{class:>width$} |")?;
            for n in row {
                write!(f, " {n:>width$}")?;
            }
        }
        Ok(())
    }
}
