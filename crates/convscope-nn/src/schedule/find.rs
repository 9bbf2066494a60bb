//! Which learning rate? Try them all in one short run and look at the loss.

use super::demand;
use crate::error::{NnError, Result};
use crate::layer::Pass;
use crate::loss::{Loss, Target};
use crate::metrics::check_dataset;
use crate::network::Network;
use crate::optim::{Optimizer, State};
use convscope_data::Dataset;
use convscope_progress::{ProgressBar, stop_requested};
use ndarray::Axis;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// The settings of [`find_learning_rate`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSweep {
    /// The first rate; 1e-6, too small for any rule here.
    pub lowest: f64,
    /// The last rate; 10, too large for any.
    pub highest: f64,
    /// How many rates, each for one step on one batch; 100, fourteen to a power of ten.
    pub steps: usize,
    /// Images in a batch; 64.
    pub batch_size: usize,
    /// How much of the smoothed loss before is kept at each step; 0.9, a memory of ten steps.
    pub smoothing: f64,
    /// The sweep ends when the smoothed loss is this many times the smallest; 4, as in fastai.
    pub stop_at: f64,
    /// Seeds the order of the images and whatever is random in the layers.
    pub seed: u64,
}

impl Default for RateSweep {
    fn default() -> RateSweep {
        RateSweep {
            lowest: 1e-6,
            highest: 10.0,
            steps: 100,
            batch_size: 64,
            smoothing: 0.9,
            stop_at: 4.0,
            seed: 0,
        }
    }
}

impl RateSweep {
    fn check(&self) -> Result<()> {
        let rates = self.lowest > 0.0 && self.lowest < self.highest && self.highest.is_finite();
        if !rates || self.steps < 2 || self.batch_size == 0 {
            return Err(NnError::Invalid(format!(
                "a sweep needs rates 0 < lowest < highest, two steps and one image a batch, got \
                 {} to {}, {} and {}",
                self.lowest, self.highest, self.steps, self.batch_size
            )));
        }
        let smoothing = (0.0..1.0).contains(&self.smoothing);
        demand(
            smoothing,
            "smoothing",
            "at least 0 and under 1",
            self.smoothing,
        )?;
        let stop = self.stop_at > 1.0;
        demand(stop, "loss to stop at", "more than 1", self.stop_at)
    }

    /// Rates whose logarithms are evenly spaced.
    fn rate(&self, step: usize) -> f64 {
        let share = step as f64 / (self.steps - 1) as f64;
        self.lowest * (self.highest / self.lowest).powf(share)
    }
}

/// What a sweep over learning rates saw.
#[derive(Clone, Debug, PartialEq)]
pub struct RateSearch {
    /// The rates tried, rising.
    pub rates: Vec<f64>,
    /// The loss of each step's batch before the step.
    pub losses: Vec<f64>,
    /// The same, smoothed: a running mean, corrected for having begun at zero.
    pub smoothed: Vec<f64>,
    /// A tenth of the rate at the smallest smoothed loss, fastai's rule: there the loss still falls
    /// fast, and nothing is about to blow up. `None` where the loss fell by less than a twentieth.
    pub suggestion: Option<f64>,
}

impl fmt::Display for RateSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.rates[0], self.rates[self.rates.len() - 1]);
        write!(
            f,
            "{} rates from {first:.1e} to {last:.1e}: ",
            self.rates.len()
        )?;
        match self.suggestion {
            Some(rate) => write!(f, "try {rate:.1e}"),
            None => write!(f, "the loss did not fall at any"),
        }
    }
}

/// Trains a copy of `net` for one step at each of many learning rates, from the lowest to the
/// highest, and watches the loss (Smith 2017, section 3.3, <https://arxiv.org/abs/1506.01186>; the
/// exponential sweep, smoothing and rule for the suggestion are fastai's). `net` does not change.
///
/// ```no_run
/// # use convscope_nn::{Adam, CrossEntropy, Network}; use convscope_data::Dataset;
/// # use convscope_nn::schedule::{RateSweep, find_learning_rate};
/// # fn f(net: Network, train: Dataset) -> Result<(), convscope_nn::NnError> {
/// let search = find_learning_rate(
///     &net, &Adam::default(), &CrossEntropy::new(), &train, RateSweep::default())?;
/// println!("{search}"); // e.g. "100 rates from 1.0e-6 to 1.0e1: try 2.3e-3"
/// # Ok(()) }
/// ```
///
/// # Errors
/// When the data set does not fit the network or loss, a setting makes no sense, or the very first
/// loss is NaN or infinite (the message names the node where that began).
pub fn find_learning_rate(
    net: &Network,
    optimizer: &dyn Optimizer,
    loss: &dyn Loss,
    train: &Dataset,
    sweep: RateSweep,
) -> Result<RateSearch> {
    sweep.check()?;
    optimizer.check()?;
    loss.check()?;
    check_dataset(net, train)?;
    let mut net = net.clone();
    let mut states: Vec<State> = net
        .parameters()
        .iter()
        .map(|(_, p)| optimizer.start(p))
        .collect();
    let mut batches = Batches::new(train.len(), sweep);
    let mut search = RateSearch {
        rates: Vec::new(),
        losses: Vec::new(),
        smoothed: Vec::new(),
        suggestion: None,
    };
    let (mut running, mut best) = (0.0, f64::INFINITY);
    let bar = ProgressBar::new("trying learning rates", sweep.steps as u64);
    for step in 0..sweep.steps {
        if step > 0 && stop_requested() {
            break;
        }
        let batch = batches.next();
        let x = train.images.select(Axis(0), &batch);
        let labels: Vec<usize> = batch.iter().map(|&i| train.labels[i]).collect();
        let pass = Pass::train(sweep.seed.wrapping_add(step as u64));
        let trace = net.lean_trace(&x, pass)?;
        let (value, gradient) =
            loss.value_and_gradient(trace.output(), Target::Classes(&labels))?;
        if !value.is_finite() {
            if step > 0 {
                break; // that rate was too large
            }
            net.trace_as(&x, pass)?.check_finite()?;
            return Err(NnError::Invalid(format!(
                "the loss is {value} before the first step"
            )));
        }
        running = sweep.smoothing * running + (1.0 - sweep.smoothing) * value;
        let smoothed = running / (1.0 - sweep.smoothing.powf((step + 1) as f64));
        let rate = sweep.rate(step);
        search.rates.push(rate);
        search.losses.push(value);
        search.smoothed.push(smoothed);
        if smoothed < best {
            best = smoothed;
            // Less is noise.
            let fell = smoothed < 0.95 * search.losses[0];
            search.suggestion = fell.then_some(rate / 10.0);
        } else if smoothed > sweep.stop_at * best {
            break;
        }
        let gradients = trace.parameter_gradients(&gradient)?;
        drop(trace); // else changing the network would copy it
        let parameters = net.parameters_mut().into_iter();
        for (((_, parameter), gradient), state) in parameters.zip(&gradients).zip(&mut states) {
            optimizer.step(rate, parameter, gradient, state);
        }
        bar.step(1);
    }
    bar.finish();
    Ok(search)
}

/// Batches without an end: the images in a new order whenever they are used up. All have the same
/// size unless there are fewer images.
struct Batches {
    order: Vec<usize>,
    at: usize,
    size: usize,
    rng: ChaCha8Rng,
}

impl Batches {
    fn new(images: usize, sweep: RateSweep) -> Batches {
        Batches {
            order: (0..images).collect(),
            at: images,
            size: sweep.batch_size.min(images),
            rng: ChaCha8Rng::seed_from_u64(sweep.seed),
        }
    }

    fn next(&mut self) -> Vec<usize> {
        if self.at + self.size > self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.at = 0;
        }
        self.at += self.size;
        self.order[self.at - self.size..self.at].to_vec()
    }
}
