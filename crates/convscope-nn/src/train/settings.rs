//! What can be set about a run.

use super::callbacks::{Callback, OnEpoch};
use super::checkpoints::Checkpoints;
use super::early_stopping::EarlyStopping;
use super::history::{History, Measure};
use super::progress::Progress;
use super::stop::StopHandle;
use crate::error::{NnError, Result};
use crate::loss::{CrossEntropy, Loss};
use crate::optim::{Clip, Constraint, Optimizer, ParameterGroups};
use crate::schedule::{Constant, Schedule};
use convscope_data::Augmentation;
use std::path::PathBuf;

/// How a network is trained: an optimizer, how long, how many images a step.
///
/// ```no_run
/// # use convscope_nn::{Adam, Network, Training}; use convscope_data::Dataset;
/// # fn f(mut net: Network, train: Dataset, valid: Dataset) -> Result<(), convscope_nn::NnError> {
/// let history = Training::new(Adam::new(0.001))
///     .epochs(20)
///     .batch_size(128)
///     .seed(1)
///     .fit(&mut net, &train, &valid)?;
/// # Ok(()) }
/// ```
///
/// A long run, with a file to go on from whenever it is killed:
///
/// ```no_run
/// # use convscope_nn::{Adam, Checkpoints, EarlyStopping, Network, Training};
/// # use convscope_data::{Augmentation, Dataset};
/// # fn f(mut net: Network, train: Dataset, valid: Dataset) -> Result<(), convscope_nn::NnError> {
/// let checkpoints = Checkpoints::in_folder("runs/vgg").every_batches(100);
/// let last = checkpoints.last();
/// let mut training = Training::new(Adam::new(0.001))
///     .epochs(100)
///     .augment(Augmentation::new().flip().crop(4))
///     .checkpoints(checkpoints)
///     .early_stopping(EarlyStopping::patience(10))
///     .restore_best();
/// if last.exists() {
///     training = training.resume_from(last);
/// }
/// let history = training.fit(&mut net, &train, &valid)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Training {
    pub(crate) optimizer: Box<dyn Optimizer<f32>>,
    pub(crate) loss: Box<dyn Loss<f32>>,
    pub(crate) schedule: Box<dyn Schedule>,
    pub(crate) groups: ParameterGroups,
    pub(crate) clip: Option<Clip>,
    pub(crate) constraint: Option<Constraint>,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) seed: u64,
    pub(crate) augmentation: Augmentation,
    pub(crate) measure: Measure,
    pub(crate) restore_best: bool,
    pub(super) progress: Progress,
    pub(super) callbacks: Vec<Box<dyn Callback>>,
    pub(super) stop: StopHandle,
    pub(super) resume: Option<PathBuf>,
}

impl Training {
    /// Training with this optimizer for 10 epochs in batches of 128, with seed 0. (An optimizer of
    /// your own making goes in as a `Box<dyn Optimizer>`.)
    pub fn new(optimizer: impl Into<Box<dyn Optimizer<f32>>>) -> Training {
        Training {
            optimizer: optimizer.into(),
            loss: CrossEntropy::new().into(),
            schedule: Box::new(Constant),
            groups: ParameterGroups::new(),
            clip: None,
            constraint: None,
            epochs: 10,
            batch_size: 128,
            seed: 0,
            augmentation: Augmentation::new(),
            measure: Measure::default(),
            restore_best: false,
            progress: Progress::default(),
            callbacks: Vec::new(),
            stop: StopHandle::new(),
            resume: None,
        }
    }

    /// How often every image is used.
    pub fn epochs(mut self, epochs: usize) -> Training {
        self.epochs = epochs;
        self
    }

    /// How many images one step looks at.
    pub fn batch_size(mut self, batch_size: usize) -> Training {
        self.batch_size = batch_size;
        self
    }

    /// Seeds the shuffling, the augmentation and whatever is random in the layers: equal seeds give
    /// equal bits, for any number of threads.
    pub fn seed(mut self, seed: u64) -> Training {
        self.seed = seed;
        self
    }

    /// What training makes small; cross-entropy if not set. It gets the labels
    /// ([`Target::Classes`](crate::Target)), or with mix-up each class's share of an image
    /// ([`Target::Values`](crate::Target)), which not every loss takes. The loss on the validation set is always the
    /// cross-entropy, so that runs can be compared.
    pub fn loss(mut self, loss: impl Into<Box<dyn Loss<f32>>>) -> Training {
        self.loss = loss.into();
        self
    }

    /// What the optimizer's learning rate is multiplied by as time goes on, which is counted in
    /// epochs; 1 throughout if not set. A schedule that listens hears the validation loss.
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Training {
        self.schedule = Box::new(schedule);
        self
    }

    /// Which parameters learn, how fast, and with how much weight decay.
    pub fn groups(mut self, groups: ParameterGroups) -> Training {
        self.groups = groups;
        self
    }

    /// Keeps gradients small before a step.
    pub fn clip(mut self, clip: Clip) -> Training {
        self.clip = Some(clip);
        self
    }

    /// A condition on the weights, enforced after every step on those that learn.
    pub fn constraint(mut self, constraint: Constraint) -> Training {
        self.constraint = Some(constraint);
        self
    }

    /// Random changes to the training images. What is drawn depends on the seed, the epoch and the
    /// image alone. The validation images stay as they are. Images may change their size, to the
    /// network's. With mix-up, accuracy on the training set counts the class of the larger share.
    pub fn augment(mut self, augmentation: Augmentation) -> Training {
        self.augmentation = augmentation;
        self
    }

    /// What makes an epoch the best: for [`History::best`], the best checkpoint, early stopping and
    /// [`restore_best`](Training::restore_best).
    pub fn best_by(mut self, measure: Measure) -> Training {
        self.measure = measure;
        self
    }

    /// Leaves the network as it was after the best epoch instead of the last, however training
    /// ends. Costs a copy of the parameters.
    pub fn restore_best(mut self) -> Training {
        self.restore_best = true;
        self
    }

    /// Ends training when it no longer gets better.
    pub fn early_stopping(self, rule: EarlyStopping) -> Training {
        self.callback(rule)
    }

    /// Keeps checkpoints of the last and the best moment.
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Training {
        self.callback(checkpoints)
    }

    /// Calls a function with the history so far after every epoch: to draw a curve that grows, for
    /// instance.
    pub fn on_epoch(self, call: impl FnMut(&History) + Send + 'static) -> Training {
        self.callback(OnEpoch::new(call))
    }

    /// Something else to do on the way. Callbacks are called in the order they were added.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Training {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Stops after the batch under way once this handle was asked to; `fit` then returns the
    /// history so far. A checkpoint written then goes on in the middle of the epoch. The first
    /// interrupt of a notebook's cell does the same, with or without a handle.
    pub fn stop_handle(mut self, stop: &StopHandle) -> Training {
        self.stop = stop.clone();
        self
    }

    /// Goes on from a checkpoint, to the bits of a run that was never interrupted. The settings, the
    /// network and the training set must be those of that run; only the number of epochs may grow.
    pub fn resume_from(mut self, checkpoint: impl Into<PathBuf>) -> Training {
        self.resume = Some(checkpoint.into());
        self
    }

    /// How much is shown: by default a line per epoch, and a bar on a terminal or in a notebook,
    /// there with the curves so far.
    pub fn progress(mut self, progress: Progress) -> Training {
        self.progress = progress;
        self
    }

    /// Shows a bar, in a notebook with curves that grow, and no lines.
    pub fn bar(self) -> Training {
        self.progress(Progress::Bar)
    }

    /// Shows nothing.
    pub fn quiet(self) -> Training {
        self.progress(Progress::Quiet)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.epochs == 0 || self.batch_size == 0 {
            return Err(NnError::Invalid(format!(
                "training needs at least one epoch and one image a batch, got {} and {}",
                self.epochs, self.batch_size
            )));
        }
        self.optimizer.check()?;
        self.loss.check()?;
        self.schedule.check()?;
        if let Some(clip) = &self.clip {
            clip.check()?;
        }
        if let Some(constraint) = &self.constraint {
            constraint.check()?;
        }
        self.callbacks.iter().try_for_each(|c| c.check())
    }

    /// Everything that the bits of a run depend on beside the network, by name: a checkpoint goes on
    /// only under the same.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let optional = |text: Option<String>| text.unwrap_or_else(|| "none".into());
        [
            ("optimizer", format!("{:?}", self.optimizer)),
            ("loss", format!("{:?}", self.loss)),
            ("schedule", format!("{:?}", self.schedule)),
            ("parameter groups", format!("{:?}", self.groups)),
            ("clipping", optional(self.clip.map(|c| format!("{c:?}")))),
            (
                "constraint",
                optional(self.constraint.map(|c| format!("{c:?}"))),
            ),
            ("batch size", self.batch_size.to_string()),
            ("seed", self.seed.to_string()),
            ("augmentation", self.augmentation.to_string()),
            ("measure of the best epoch", format!("{:?}", self.measure)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}
