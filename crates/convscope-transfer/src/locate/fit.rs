//! Training two heads at once: cross-entropy for the class, a regression for the box.

use super::boxes::BoxedSet;
use super::detector::{Detector, LocalisationScore};
use crate::error::{Result, TransferError};
use crate::tune::Rule;
use convscope_data::Draw;
use convscope_nn::{
    Cosine, Group, Loss, MeanSquaredError, ParameterGroups, Pass, Schedule, SmoothL1, State,
    Target, Tensor, cross_entropy,
};
use convscope_progress::{ProgressBar, stop_requested};
use ndarray::{Array2, Axis, Ix1, Ix2, s};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is made small of a box's four numbers, which are shares of the image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxLoss {
    /// The mean squared difference.
    L2,
    /// Squared below `beta`, absolute above (Girshick 2015): a box that is far off does not drown the
    /// others.
    SmoothL1 {
        /// A share of the image.
        beta: f64,
    },
}

/// How a detector is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorTraining {
    /// The optimizer; Adam unless set.
    pub rule: Rule,
    /// Its learning rate, which falls to 0 along a cosine. 0.002 unless set.
    pub rate: f64,
    /// How often every image is used.
    pub epochs: usize,
    /// Images a step; 64 unless set.
    pub batch_size: usize,
    /// The loss on the box.
    pub loss: BoxLoss,
    /// What it counts beside the cross-entropy. 20 unless set: the shares of an image are small
    /// numbers, and their squares smaller.
    pub box_weight: f64,
    /// Parameters that stay as they are, by patterns: `"conv1"`, for a trunk that has learned
    /// elsewhere.
    pub frozen: Vec<String>,
    /// Seeds the order of the images.
    pub seed: u64,
}

/// An epoch of a detector's training.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BoxEpoch {
    /// From 1.
    pub epoch: usize,
    /// The mean cross-entropy on the training images, while the weights moved.
    pub class_loss: f64,
    /// The mean loss on the box, likewise, before it is weighed.
    pub box_loss: f64,
    /// The score on the validation images.
    pub valid: LocalisationScore,
}

/// Epoch by epoch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BoxHistory {
    /// The epochs.
    pub epochs: Vec<BoxEpoch>,
}

impl fmt::Display for BoxHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, epoch) in self.epochs.iter().enumerate() {
            if k > 0 {
                f.write_str("\n")?;
            }
            write!(
                f,
                "epoch {}: loss {:.4} and {:.5}; {}",
                epoch.epoch, epoch.class_loss, epoch.box_loss, epoch.valid
            )?;
        }
        Ok(())
    }
}

impl DetectorTraining {
    /// For so many epochs.
    pub fn new(epochs: usize) -> DetectorTraining {
        DetectorTraining {
            rule: Rule::Adam,
            rate: 0.002,
            epochs,
            batch_size: 64,
            loss: BoxLoss::L2,
            box_weight: 20.0,
            frozen: Vec::new(),
            seed: 0,
        }
    }

    /// With another loss on the box.
    pub fn loss(mut self, loss: BoxLoss) -> DetectorTraining {
        self.loss = loss;
        self
    }

    /// With a seed.
    pub fn seed(mut self, seed: u64) -> DetectorTraining {
        self.seed = seed;
        self
    }

    /// These parameters stay as they are.
    pub fn freeze(mut self, pattern: &str) -> DetectorTraining {
        self.frozen.push(pattern.to_owned());
        self
    }

    fn check(&self) -> Result<()> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let weight = self.box_weight.is_finite() && self.box_weight >= 0.0;
        if self.epochs == 0 || self.batch_size == 0 || !positive(self.rate) || !weight {
            return Err(TransferError::invalid(format!(
                "a detector's training: expected epochs, images a step, a positive rate and a weight of \
                 0 or more, got {}, {}, {} and {}",
                self.epochs, self.batch_size, self.rate, self.box_weight
            )));
        }
        match self.loss {
            BoxLoss::SmoothL1 { beta } => Ok(Loss::<f32>::check(&SmoothL1 { beta })?),
            BoxLoss::L2 => Ok(()),
        }
    }

    /// Trains both heads and what is below them, as far as it is not frozen.
    ///
    /// # Errors
    /// When a setting makes no sense, a set does not fit the detector, a pattern means no parameter, a
    /// loss is no longer finite, or the user asked for an end; what was learned by then stays.
    pub fn fit(
        &self,
        detector: &mut Detector,
        train: &BoxedSet,
        valid: &BoxedSet,
    ) -> Result<BoxHistory> {
        self.check()?;
        for set in [train, valid] {
            fits(detector, set)?;
        }
        let paths: Vec<String> = {
            let parameters = detector.network.parameters();
            parameters.into_iter().map(|(path, _)| path).collect()
        };
        let groups = self
            .frozen
            .iter()
            .fold(ParameterGroups::new(), |g, p| g.freeze(p));
        let groups = groups.resolve(&paths)?;
        let optimizer = self.rule.optimizer(self.rate);
        let mut states: Vec<State> = {
            let parameters = detector.network.parameters();
            parameters.iter().map(|(_, t)| optimizer.start(t)).collect()
        };
        let schedule = Cosine::new(self.epochs as f64);
        let at_start = schedule.start();
        let boxes = train.relative();
        let n = train.dataset.len();
        let steps = n.div_ceil(self.batch_size);
        let bar = ProgressBar::new("training a detector", (self.epochs * n) as u64).unit("images");
        let mut history = BoxHistory { epochs: Vec::new() };
        for epoch in 1..=self.epochs {
            let order = Draw::new(self.seed, epoch as u64).permutation(n);
            let (mut class_sum, mut box_sum) = (0.0, 0.0);
            for (k, chosen) in order.chunks(self.batch_size).enumerate() {
                if stop_requested() {
                    return Err(TransferError::Stopped {
                        done: format!("in epoch {epoch} of {}", self.epochs),
                    });
                }
                let time = (epoch - 1) as f64 + k as f64 / steps as f64;
                let rate = self.rate * schedule.factor(time, &at_start);
                let labels: Vec<usize> = chosen.iter().map(|&i| train.dataset.labels[i]).collect();
                let images = train.dataset.images.select(Axis(0), chosen);
                let boxes = boxes.select(Axis(0), chosen);
                let seed = self.seed.wrapping_add((epoch * steps + k) as u64);
                let (losses, mut gradients) =
                    self.gradients(detector, &images, &labels, boxes, seed)?;
                class_sum += losses[0] * chosen.len() as f64;
                box_sum += losses[1] * chosen.len() as f64;
                step(
                    detector,
                    &*optimizer,
                    &groups,
                    rate,
                    &mut gradients,
                    &mut states,
                )?;
                bar.step(chosen.len() as u64);
            }
            history.epochs.push(BoxEpoch {
                epoch,
                class_loss: class_sum / n as f64,
                box_loss: box_sum / n as f64,
                valid: detector.evaluate(valid)?,
            });
        }
        bar.finish();
        Ok(history)
    }

    /// Both losses of a batch, and the gradient of their weighted sum with respect to every parameter.
    fn gradients(
        &self,
        detector: &Detector,
        images: &Tensor,
        labels: &[usize],
        boxes: Array2<f32>,
        seed: u64,
    ) -> Result<([f64; 2], Vec<Tensor>)> {
        let trace = detector.network.trace_as(images, Pass::train(seed))?;
        let output = trace.output().view().into_dimensionality::<Ix2>();
        let output = output.expect("two heads in a row");
        let classes = detector.classes().len();
        let logits = output.slice(s![.., ..classes]).to_owned().into_dyn();
        let (class_loss, class_gradient) = cross_entropy(&logits, labels)?;
        let mut found = Array2::zeros((labels.len(), 4));
        for (i, &label) in labels.iter().enumerate() {
            // Of the true class: what the others say about an image without them does not matter.
            let from = detector.place(label);
            found
                .row_mut(i)
                .assign(&output.slice(s![i, from..from + 4]));
        }
        let boxes = boxes.into_dyn();
        let target = Target::Values(&boxes);
        let (box_loss, box_gradient) = match self.loss {
            BoxLoss::L2 => MeanSquaredError.value_and_gradient(&found.into_dyn(), target)?,
            BoxLoss::SmoothL1 { beta } => {
                SmoothL1 { beta }.value_and_gradient(&found.into_dyn(), target)?
            }
        };
        if !(class_loss.is_finite() && box_loss.is_finite()) {
            return Err(TransferError::invalid(format!(
                "the losses are {class_loss} and {box_loss}: a smaller learning rate may help"
            )));
        }
        let mut gradient = Array2::zeros(output.raw_dim());
        let class_gradient = class_gradient
            .into_dimensionality::<Ix2>()
            .expect("as the logits");
        gradient
            .slice_mut(s![.., ..classes])
            .assign(&class_gradient);
        let weight = self.box_weight as f32;
        for (i, &label) in labels.iter().enumerate() {
            let from = detector.place(label);
            let of_box = box_gradient.index_axis(Axis(0), i).mapv(|g| g * weight);
            let mut place = gradient.slice_mut(s![i, from..from + 4]);
            place.assign(&of_box.into_dimensionality::<Ix1>().expect("four numbers"));
        }
        let gradients = trace.parameter_gradients(&gradient.into_dyn())?;
        Ok(([class_loss, box_loss], gradients))
    }
}

fn step(
    detector: &mut Detector,
    optimizer: &dyn convscope_nn::Optimizer<f32>,
    groups: &[Group],
    rate: f64,
    gradients: &mut [Tensor],
    states: &mut [State],
) -> Result<()> {
    let parameters = detector.network.parameters();
    let parameters: Vec<(String, Tensor)> = parameters
        .into_iter()
        .map(|(path, tensor)| (path, tensor.clone()))
        .collect();
    let moved = parameters.into_iter().zip(gradients);
    for (((path, mut value), gradient), (state, group)) in moved.zip(states.iter_mut().zip(groups))
    {
        if group.frozen {
            continue;
        }
        group.step(optimizer, rate, &mut value, gradient, state);
        detector.network.set_parameter(&path, value)?;
    }
    Ok(())
}

fn fits(detector: &Detector, set: &BoxedSet) -> Result<()> {
    let (name, expected) = (&set.dataset.name, detector.network.input_shape());
    if set.dataset.is_empty() || set.dataset.image_shape() != *expected {
        return Err(TransferError::shape(
            format!("images of \"{name}\" for a detector"),
            format!("[N, {expected:?}], at least one"),
            set.dataset.images.shape(),
        ));
    }
    match set.dataset.classes == detector.classes() {
        true => Ok(()),
        false => Err(TransferError::invalid(format!(
            "\"{name}\": expected the classes {:?}, got {:?}",
            detector.classes(),
            set.dataset.classes
        ))),
    }
}
