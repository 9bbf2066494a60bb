//! Two heads on one trunk: which class, and where.

use super::boxes::{BoxConvention, BoxLayout, BoxUnit, BoxedSet, clip_boxes};
use crate::error::{Result, TransferError};
use crate::tune::{Head, stilled, with_trunk};
use convscope_nn::{Concat, Network, Tensor, box_agreement, softmax};
use ndarray::{Array2, Ix2, s};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the box head puts out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxKind {
    /// Four numbers, whatever the class.
    #[default]
    Agnostic,
    /// Four numbers for each class; those of the class that was found count.
    PerClass,
}

/// What a detector says about an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The class.
    pub class: usize,
    /// Its probability.
    pub probability: f32,
    /// Left, top, right, bottom in pixels.
    pub corners: [f32; 4],
}

/// A classifier with a box head beside it. Its network puts out the classes' numbers first, then the
/// boxes', left, top, right, bottom as shares of the image.
#[derive(Clone, Debug)]
pub struct Detector {
    pub(super) network: Network,
    classes: Vec<String>,
    kind: BoxKind,
}

impl Detector {
    /// A classifier that ends in a number for each class, and a box head that reads the node `after`:
    /// a convolution's ReLU or a pooling (attached after the convolutions, as in Overfeat and VGG) or a
    /// fully connected layer's (as in DeepPose and R-CNN). Of a map the head needs to know where things
    /// are, so [`Pooling::Flatten`](crate::Pooling::Flatten) or a grid suits it.
    ///
    /// `hidden` layers of the head are called `box.fc1`, .. Batch norms keep their statistics while a
    /// detector learns.
    ///
    /// # Errors
    /// When the classifier's output is no vector of as many numbers as there are names, there is no
    /// such node, or the head does not fit it.
    pub fn new(
        classifier: &Network,
        classes: &[String],
        after: &str,
        head: &Head,
        kind: BoxKind,
        seed: u64,
    ) -> Result<Detector> {
        if classifier.output_shape() != [classes.len()] || classes.is_empty() {
            return Err(TransferError::shape(
                "the classifier of a detector",
                format!("an output of [{}], one for each class", classes.len()),
                classifier.output_shape(),
            ));
        }
        let shape = classifier.until(after)?.output_shape().to_vec();
        let head = Head {
            classes: match kind {
                BoxKind::Agnostic => 4,
                BoxKind::PerClass => 4 * classes.len(),
            },
            ..head.clone()
        };
        let trunk = stilled(classifier, |_| true)?;
        let last = trunk.nodes().pop().expect("a network has a node");
        let mut problem = None;
        let built = with_trunk(&trunk)
            .block_after(after, "box", |b| match head.build(b, &shape) {
                Ok(b) => b,
                Err(e) => {
                    problem = Some(e);
                    Network::input([1])
                }
            })
            .add_after(&[&last, "box"], "class and box", Concat);
        match problem {
            Some(problem) => Err(problem),
            None => Ok(Detector {
                network: in_the_middle(built.build(seed)?, head.hidden.len() + 1)?,
                classes: classes.to_vec(),
                kind,
            }),
        }
    }

    /// A network with both heads, read from a file for instance: its output is a number for each class
    /// and then those of the boxes.
    ///
    /// # Errors
    /// When it puts out something else, or does not read images.
    pub fn from_network(network: Network, classes: Vec<String>, kind: BoxKind) -> Result<Detector> {
        let numbers = match kind {
            BoxKind::Agnostic => classes.len() + 4,
            BoxKind::PerClass => 5 * classes.len(),
        };
        if network.output_shape() != [numbers] || network.input_shape().len() != 3 {
            return Err(TransferError::shape(
                "the network of a detector",
                format!(
                    "images, and an output of [{numbers}] for {} classes",
                    classes.len()
                ),
                network.output_shape(),
            ));
        }
        Ok(Detector {
            network,
            classes,
            kind,
        })
    }

    /// The network with both heads.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The classes' names.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What the box head puts out.
    pub fn kind(&self) -> BoxKind {
        self.kind
    }

    /// Where in the output the box for a class begins.
    pub(super) fn place(&self, class: usize) -> usize {
        match self.kind {
            BoxKind::Agnostic => self.classes.len(),
            BoxKind::PerClass => self.classes.len() + 4 * class,
        }
    }

    /// What is on each of some images `[N, C, H, W]`, and where; boxes end where the images do.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn find(&self, images: &Tensor) -> Result<Vec<Found>> {
        let output = self.network.forward(images)?;
        let output = output
            .into_dimensionality::<Ix2>()
            .expect("two heads in a row");
        let classes = self.classes.len();
        let logits = output.slice(s![.., ..classes]).to_owned().into_dyn();
        let probabilities = softmax(&logits)?;
        let mut all = Vec::new();
        let mut boxes = Array2::zeros((output.nrows(), 4));
        for (i, (row, probabilities)) in output
            .outer_iter()
            .zip(probabilities.outer_iter())
            .enumerate()
        {
            let most = (0..classes).fold(0, |best, k| {
                if probabilities[k] > probabilities[best] {
                    k
                } else {
                    best
                }
            });
            let from = self.place(most);
            boxes.row_mut(i).assign(&row.slice(s![from..from + 4]));
            all.push((most, probabilities[most]));
        }
        let &[_, height, width] = self.network.input_shape() else {
            return Err(TransferError::shape(
                "a detector's images",
                "[channels, height, width]",
                self.network.input_shape(),
            ));
        };
        let relative = BoxConvention::new(BoxLayout::Corners, BoxUnit::Relative);
        let pixels = relative.convert(&boxes, BoxConvention::default(), [height, width])?;
        let pixels = clip_boxes(&pixels, [height, width]);
        let found = all.into_iter().zip(pixels.outer_iter());
        Ok(found
            .map(|((class, probability), row)| Found {
                class,
                probability,
                corners: [row[0], row[1], row[2], row[3]],
            })
            .collect())
    }

    /// How good it is on images whose boxes are known.
    ///
    /// # Errors
    /// As [`Detector::find`], or when there is no image.
    pub fn evaluate(&self, set: &BoxedSet) -> Result<LocalisationScore> {
        if set.dataset.is_empty() {
            return Err(TransferError::invalid(
                "a detector's score: there is no image",
            ));
        }
        let found = self.find(&set.dataset.images)?;
        let mut boxes = Array2::zeros((found.len(), 4));
        for (mut row, found) in boxes.rows_mut().into_iter().zip(&found) {
            row.assign(&ndarray::aview1(&found.corners));
        }
        let agreement = box_agreement(&boxes.into_dyn(), &set.boxes.clone().into_dyn())?;
        let right = |i: &usize| found[*i].class == set.dataset.labels[*i];
        let inside = |i: &usize| agreement[*i] >= 0.5;
        let n = found.len();
        let share = |count: usize| count as f64 / n as f64;
        Ok(LocalisationScore {
            mean_overlap: agreement.iter().sum::<f64>() / n as f64,
            accuracy: share((0..n).filter(right).count()),
            located: share((0..n).filter(inside).count()),
            both: share((0..n).filter(|i| right(i) && inside(i)).count()),
            overlaps: agreement,
        })
    }
}

/// The boxes begin in the middle of the image and half as large, and hardly depend on it: from
/// anywhere else the first epochs would only bring them there.
fn in_the_middle(mut net: Network, layer: usize) -> Result<Network> {
    let [weight, bias] = ["weight", "bias"].map(|name| format!("box.fc{layer}.{name}"));
    let small = net.parameter(&weight)?.mapv(|w| 0.1 * w);
    net.set_parameter(&weight, small)?;
    let numbers = net.parameter(&bias)?.len();
    let middle = [0.25, 0.25, 0.75, 0.75].into_iter().cycle();
    let middle: Vec<f32> = middle.take(numbers).collect();
    net.set_parameter(&bias, ndarray::Array1::from(middle).into_dyn())?;
    Ok(net)
}

/// How good a detector is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LocalisationScore {
    /// The mean intersection over union of the found box and the true one.
    pub mean_overlap: f64,
    /// The share of images whose class is right.
    pub accuracy: f64,
    /// The share of images whose boxes overlap by half or more.
    pub located: f64,
    /// The share of images where both hold: right, in ImageNet's competition.
    pub both: f64,
    /// The intersection over union of each image.
    pub overlaps: Vec<f64>,
}

impl fmt::Display for LocalisationScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "mean intersection over union {:.3}, class right {:.3}, box right {:.3}, both {:.3}, {} \
             images",
            self.mean_overlap,
            self.accuracy,
            self.located,
            self.both,
            self.overlaps.len()
        )
    }
}
