//! The training loop.

use crate::error::{NnError, Result};
use crate::layer::Pass;
use crate::loss::cross_entropy;
use crate::metrics::{check_dataset, evaluate};
use crate::network::{Network, argmax, check_finite};
use crate::optim::{Optimizer, State};
use crate::real::Tensor;
use convscope_data::Dataset;
use ndarray::Axis;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::time::Instant;

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
#[derive(Debug)]
pub struct Training {
    optimizer: Box<dyn Optimizer<f32>>,
    epochs: usize,
    batch_size: usize,
    seed: u64,
    quiet: bool,
}

impl Training {
    /// Training with this optimizer for 10 epochs in batches of 128, with seed 0.
    pub fn new(optimizer: impl Optimizer<f32> + 'static) -> Training {
        Training {
            optimizer: Box::new(optimizer),
            epochs: 10,
            batch_size: 128,
            seed: 0,
            quiet: false,
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

    /// Seeds the shuffling and whatever is random in the layers: equal seeds give equal bits.
    pub fn seed(mut self, seed: u64) -> Training {
        self.seed = seed;
        self
    }

    /// No line per epoch on standard output.
    pub fn quiet(mut self) -> Training {
        self.quiet = true;
        self
    }

    /// Trains `net` on `train` and measures it on `valid` after every epoch, with a line for each.
    ///
    /// The loss and accuracy on the training set are means over the epoch's batches, taken while
    /// the weights move, so they lag behind those on `valid` at first.
    ///
    /// # Errors
    /// When a dataset does not fit the network or a setting makes no sense, before anything is
    /// changed; when the loss or a gradient is no longer finite, naming the node where that
    /// began. The network then keeps the weights of the last good step.
    pub fn fit(&self, net: &mut Network, train: &Dataset, valid: &Dataset) -> Result<History> {
        self.check()?;
        check_dataset(net, train)?;
        check_dataset(net, valid)?;
        for set in [train, valid] {
            let what = format!("dataset \"{}\"", set.name);
            check_finite(
                &set.images,
                &what,
                "look at how it was loaded or standardised",
            )?;
        }
        let mut state: Vec<State> = net
            .parameters()
            .iter()
            .map(|(_, t)| self.optimizer.start(t))
            .collect();
        let mut history = History {
            optimizer: self.optimizer.describe(),
            epochs: Vec::new(),
        };
        let mut step = 0;
        for epoch in 1..=self.epochs {
            let start = Instant::now();
            let mut order: Vec<usize> = (0..train.len()).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(epoch as u64);
            order.shuffle(&mut rng);
            let (mut loss, mut right) = (0.0, 0);
            for batch in order.chunks(self.batch_size) {
                step += 1;
                let x = train.images.select(Axis(0), batch);
                let labels: Vec<usize> = batch.iter().map(|&i| train.labels[i]).collect();
                let (batch_loss, batch_right) = self.step(net, step, &x, &labels, &mut state)?;
                loss += batch_loss * batch.len() as f64;
                right += batch_right;
            }
            let measured = evaluate(net, valid)?;
            let record = EpochRecord {
                epoch,
                train_loss: loss / train.len() as f64,
                train_accuracy: right as f64 / train.len() as f64,
                valid_loss: measured.loss,
                valid_accuracy: measured.accuracy,
                seconds: start.elapsed().as_secs_f64(),
            };
            if !self.quiet {
                println!("{}", record.line(self.epochs));
            }
            history.epochs.push(record);
        }
        Ok(history)
    }

    fn check(&self) -> Result<()> {
        if self.epochs == 0 || self.batch_size == 0 {
            return Err(NnError::Invalid(format!(
                "training needs at least one epoch and one image a batch, got {} and {}",
                self.epochs, self.batch_size
            )));
        }
        let rate = self.optimizer.learning_rate();
        if !(rate.is_finite() && rate > 0.0) {
            return Err(NnError::Invalid(format!(
                "the learning rate must be a positive number, got {rate}"
            )));
        }
        Ok(())
    }

    /// One step on one batch: its loss before the step, and how many answers were right.
    fn step(
        &self,
        net: &mut Network,
        step: u64,
        x: &Tensor,
        labels: &[usize],
        state: &mut [State],
    ) -> Result<(f64, usize)> {
        let pass = Pass::train(self.seed.wrapping_add(step));
        let trace = net.lean_trace(x, pass)?;
        let logits = trace.output();
        let (loss, gradient) = cross_entropy(logits, labels)?;
        let right = logits
            .outer_iter()
            .zip(labels)
            .filter(|(row, label)| argmax(row.iter()) == **label)
            .count();
        if !loss.is_finite() {
            // The lean trace let most activations go; look again with all of them.
            net.trace_as(x, pass)?.check_finite()?;
            return Err(NnError::Invalid(format!(
                "the loss is {loss} at step {step}"
            )));
        }
        let gradients = trace.parameter_gradients(&gradient)?;
        for ((path, _), gradient) in net.parameters().iter().zip(&gradients) {
            let what = format!("at step {step} the gradient of \"{path}\"");
            check_finite(gradient, &what, "try a smaller learning rate")?;
        }
        net.learn_statistics(&trace);
        drop(trace);
        let rate = self.optimizer.learning_rate();
        for (((_, parameter), gradient), state) in
            net.parameters_mut().into_iter().zip(&gradients).zip(state)
        {
            self.optimizer.step(rate, parameter, gradient, state);
        }
        Ok((loss, right))
    }
}

/// What one epoch brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch's batches.
    pub train_loss: f64,
    /// Share of right answers over the epoch's batches.
    pub train_accuracy: f64,
    /// Mean cross-entropy on the validation set after the epoch.
    pub valid_loss: f64,
    /// Share of right answers on the validation set after the epoch.
    pub valid_accuracy: f64,
    /// How long it took.
    pub seconds: f64,
}

impl EpochRecord {
    fn line(&self, epochs: usize) -> String {
        let width = epochs.to_string().len();
        format!(
            "epoch {:>width$}/{epochs}  loss {:.4}  accuracy {:.3}  validation loss {:.4}  accuracy {:.3}  {:.1} s",
            self.epoch,
            self.train_loss,
            self.train_accuracy,
            self.valid_loss,
            self.valid_accuracy,
            self.seconds
        )
    }
}

/// How training went, epoch by epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The optimizer and its settings.
    pub optimizer: String,
    /// One record per epoch.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// The last epoch, the one the network is left in.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// The epoch with the highest accuracy on the validation set, the first of equals.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.epochs.iter().reduce(|best, e| {
            if e.valid_accuracy > best.valid_accuracy {
                e
            } else {
                best
            }
        })
    }

    /// All epochs together.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|e| e.seconds).sum()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.optimizer)?;
        for record in &self.epochs {
            writeln!(f, "{}", record.line(self.epochs.len()))?;
        }
        write!(f, "{:.1} s in all", self.seconds())
    }
}
