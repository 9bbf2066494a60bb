//! The loop.

use super::batches::{Batches, Plan, seen_shape};
use super::callbacks::{Callback, Moment};
use super::history::{EpochRecord, History};
use super::progress::{Learned, Printer};
use super::settings::Training;
use super::step::Stepper;
use crate::checkpoint;
use crate::error::{NnError, Result};
use crate::metrics::{check_dataset, check_dataset_as, evaluate};
use crate::network::{Network, check_finite};
use crate::optim::State;
use crate::schedule::ScheduleState;
use convscope_data::Dataset;
use convscope_progress::{duration, stop_requested};
use std::time::Instant;

/// Everything that changes while a network trains, but the network: with it, what a checkpoint
/// holds.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// What the training set is, as a checkpoint knows it.
    pub(crate) set: String,
    /// Steps taken.
    pub(crate) step: u64,
    /// The epoch under way, from 1.
    pub(crate) epoch: usize,
    /// Batches of it that are done.
    pub(crate) batch: usize,
    pub(crate) sums: Sums,
    /// One per parameter.
    pub(crate) states: Vec<State>,
    pub(crate) schedule: ScheduleState,
    pub(crate) history: History,
    /// The network after the best epoch, where it is to be restored.
    pub(crate) best: Option<Network>,
}

/// Sums over the epoch under way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// Of every image's loss.
    pub(crate) loss: f64,
    pub(crate) right: u64,
    pub(crate) images: u64,
    pub(crate) seconds: f64,
}

impl Training {
    /// Trains `net` on `train` and measures it on `valid` after every epoch, with a line for each.
    ///
    /// The loss and accuracy on the training set are means over the epoch's batches, taken while
    /// the weights move, so they lag behind those on `valid` at first.
    ///
    /// # Errors
    /// When a dataset does not fit the network, a setting makes no sense or a checkpoint cannot be
    /// resumed, before anything is changed; when the loss or a gradient is no longer finite, naming
    /// the node where that began; when an image cannot be augmented or a callback fails, for
    /// instance a checkpoint cannot be written. The network then keeps the weights of the last
    /// good step. A run that is stopped on request is no error, but one that would begin after such a
    /// request in the same notebook cell is: [`NnError::Stopped`].
    pub fn fit(&self, net: &mut Network, train: &Dataset, valid: &Dataset) -> Result<History> {
        self.check()?;
        // In a cell that trains several networks, those behind the one that was stopped.
        if stop_requested() {
            return Err(NnError::Stopped);
        }
        check_dataset_as(net, train, &seen_shape(train, &self.augmentation)?)?;
        check_dataset(net, valid)?;
        for set in [train, valid] {
            let what = format!("dataset \"{}\"", set.name);
            check_finite(
                &set.images,
                &what,
                "look at how it was loaded or standardised",
            )?;
        }
        let plan = Plan::new(train, self.batch_size, self.seed, &self.augmentation)?;
        let stepper = Stepper::new(self, net)?;
        let mut run = Run {
            set: checkpoint::describe_set(train),
            step: 0,
            epoch: 1,
            batch: 0,
            sums: Sums::default(),
            states: stepper.start(net),
            schedule: self.schedule.start(),
            history: History {
                optimizer: self.optimizer.describe(),
                measure: self.measure,
                ..History::default()
            },
            best: None,
        };
        if let Some(path) = &self.resume {
            checkpoint::resume(path, self, net, &mut run)?;
        }
        let batches = plan.batches();
        let images = train.len() as u64;
        let done = (run.epoch - 1) as u64 * images + run.sums.images;
        let mut printer = Printer::new(self.progress, self.epochs, batches, images, done);
        printer.earlier(&run.history.epochs);
        let mut fitting = Fitting {
            training: self,
            stepper,
            batches,
            valid,
            printer,
            begun: (Instant::now(), run.step),
        };
        // On a thread of the pool, where the layers' parallel loops start without a wake-up call.
        rayon::scope(|_| {
            plan.prefetch((run.epoch, run.batch), self.epochs, |queue| {
                fitting.run(net, &mut run, queue)
            })
        })?;
        Ok(run.history)
    }
}

/// What stays the same in a run.
struct Fitting<'a> {
    training: &'a Training,
    stepper: Stepper<'a>,
    /// In an epoch.
    batches: usize,
    valid: &'a Dataset,
    printer: Printer,
    /// When this process began, and after which step.
    begun: (Instant, u64),
}

impl Fitting<'_> {
    fn run(&mut self, net: &mut Network, run: &mut Run, queue: &Batches) -> Result<()> {
        // A run that was killed after its last epoch, or early stopping's, has nothing left to do.
        let mut ended = match run.batch {
            0 => self.ends_after(run),
            _ => None,
        };
        while ended.is_none() && run.epoch <= self.training.epochs {
            ended = self.epoch(net, run, queue)?;
        }
        let ended_early = run.batch > 0 || self.must_stop();
        match &ended {
            Some(reason) if ended_early => self.printer.stopped(reason),
            reason => self.printer.done(reason.as_deref(), &self.words(run)),
        }
        run.history.stopped = ended;
        self.call(net, run, |callback, at| callback.at_end(at))?;
        if let Some(best) = run.best.take() {
            *net = best;
        }
        Ok(())
    }

    /// The rest of the epoch under way; why training ends after it, if it does.
    fn epoch(
        &mut self,
        net: &mut Network,
        run: &mut Run,
        queue: &Batches,
    ) -> Result<Option<String>> {
        let training = self.training;
        let earlier = run.sums.seconds;
        let start = Instant::now();
        while run.batch < self.batches {
            if self.must_stop() {
                return Ok(Some(self.stopped(run)));
            }
            let batch = queue.next()?;
            let at = (run.step + 1, self.rate(run, run.batch));
            let found = self.stepper.step(net, &mut run.states, at, &batch)?;
            run.step += 1;
            run.batch += 1;
            run.sums.loss += found.loss * batch.labels.len() as f64;
            run.sums.right += found.right as u64;
            run.sums.images += batch.labels.len() as u64;
            run.sums.seconds = earlier + start.elapsed().as_secs_f64().max(1e-9);
            let learned = Learned {
                time: (run.epoch - 1) as f64 + run.batch as f64 / self.batches as f64,
                loss: found.loss * batch.labels.len() as f64,
                right: found.right as u64,
                images: batch.labels.len() as u64,
            };
            queue.give_back(batch);
            self.call(net, run, |callback, at| callback.after_batch(at))?;
            let (epoch, sums, epochs) = (run.epoch, run.sums, training.epochs);
            self.printer.batch(learned, || {
                let loss = sums.loss / sums.images as f64;
                format!("epoch {epoch} of {epochs}, loss {loss:.3}")
            });
        }
        let sums = run.sums;
        let measured = evaluate(net, self.valid)?;
        let images = sums.images as f64;
        let record = EpochRecord {
            epoch: run.epoch,
            train_loss: sums.loss / images,
            train_accuracy: sums.right as f64 / images,
            valid_loss: measured.loss,
            valid_accuracy: measured.accuracy,
            seconds: earlier + start.elapsed().as_secs_f64(),
            learning_rate: self.rate(run, self.batches - 1),
            images_per_second: images / sums.seconds,
        };
        run.history.epochs.push(record);
        training.schedule.observe(measured.loss, &mut run.schedule);
        run.epoch += 1;
        run.batch = 0;
        run.sums = Sums::default();
        let best = run.history.best().is_some_and(|b| b.epoch == record.epoch);
        if training.restore_best && best {
            // Shares its parameters with the network until the next step.
            run.best = Some(net.clone());
        }
        self.printer.epoch(&record, self.time_left(run));
        self.call(net, run, |callback, at| callback.after_epoch(at))?;
        Ok(self.ends_after(run))
    }

    /// The learning rate of a step of the epoch under way.
    fn rate(&self, run: &Run, batch: usize) -> f64 {
        let time = (run.epoch - 1) as f64 + batch as f64 / self.batches as f64;
        let factor = self.training.schedule.factor(time, &run.schedule);
        self.training.optimizer.learning_rate() * factor
    }

    /// Whether somebody asked for an end: by the handle, or with a notebook's interrupt.
    fn must_stop(&self) -> bool {
        self.training.stop.is_stopped() || stop_requested()
    }

    /// What remains of the display after a whole run.
    fn words(&self, run: &Run) -> String {
        let history = &run.history;
        let n = history.epochs.len();
        let mut words = format!(
            "{n} epoch{} in {}",
            if n == 1 { "" } else { "s" },
            duration(history.seconds())
        );
        if let Some(last) = history.epochs.last() {
            words += &format!(", validation accuracy {:.3}", last.valid_accuracy);
        }
        words
    }

    fn stopped(&self, run: &Run) -> String {
        format!(
            "stopped on request in epoch {} after {} of {} batches",
            run.epoch, run.batch, self.batches
        )
    }

    fn ends_after(&self, run: &Run) -> Option<String> {
        let callbacks = &self.training.callbacks;
        callbacks.iter().find_map(|c| c.ends_after(&run.history))
    }

    /// By how long the steps of this process took, validation included.
    fn time_left(&self, run: &Run) -> f64 {
        let (start, first) = self.begun;
        let steps = (self.training.epochs + 1).saturating_sub(run.epoch) * self.batches;
        start.elapsed().as_secs_f64() / (run.step - first).max(1) as f64 * steps as f64
    }

    fn call(
        &self,
        net: &Network,
        run: &Run,
        what: impl Fn(&dyn Callback, &Moment<'_>) -> Result<()>,
    ) -> Result<()> {
        let moment = Moment {
            training: self.training,
            net,
            run,
            batches: self.batches,
        };
        let callbacks = &self.training.callbacks;
        callbacks.iter().try_for_each(|c| what(&**c, &moment))
    }
}
