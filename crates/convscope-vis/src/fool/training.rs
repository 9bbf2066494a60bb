//! Training on images that were made to fool.

use super::robustness::Attack;
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::watch::Watch;
use convscope_data::{Dataset, Draw};
use convscope_nn::layer::Operation;
use convscope_nn::{Network, Optimizer, Pass, State, Tensor, Trace, cross_entropy};
use ndarray::Axis;

/// Adversarial training: each step's batch is met twice, as it is and attacked with the network as
/// it stands, and the losses are mixed (Goodfellow, Shlens and Szegedy 2015, section 6; with PGD and
/// no clean share it is Madry et al.'s).
///
/// It is a loop of its own: the augmentation of a [`Training`](convscope_nn::Training) changes an
/// image without knowing its label or the network's present weights, and both are needed here.
#[derive(Debug)]
pub struct AdversarialTraining {
    attack: Attack,
    optimizer: Box<dyn Optimizer<f32>>,
    clean_share: f32,
    batch_size: usize,
    seed: u64,
    states: Vec<State<f32>>,
    epochs: u64,
}

/// How an epoch of adversarial training went.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct AdversarialEpoch {
    /// Mean cross-entropy of the images as they are, before each step.
    pub clean_loss: f64,
    /// Mean cross-entropy of the attacked ones.
    pub attacked_loss: f64,
    /// Images met; fewer than the set has when a budget ended the epoch.
    pub images: usize,
}

impl AdversarialTraining {
    /// By an attack and an optimizer, half clean (the paper's), in batches of 64.
    pub fn new(
        attack: impl Into<Attack>,
        optimizer: impl Into<Box<dyn Optimizer<f32>>>,
    ) -> AdversarialTraining {
        AdversarialTraining {
            attack: attack.into(),
            optimizer: optimizer.into(),
            clean_share: 0.5,
            batch_size: 64,
            seed: 0,
            states: Vec::new(),
            epochs: 0,
        }
    }

    /// With this weight of the images as they are; the attacked ones have the rest.
    pub fn clean_share(mut self, share: f32) -> AdversarialTraining {
        self.clean_share = share;
        self
    }

    /// With so many images a step.
    pub fn batch_size(mut self, images: usize) -> AdversarialTraining {
        self.batch_size = images;
        self
    }

    /// With a seed of the order of the images and of what layers drop.
    pub fn seed(mut self, seed: u64) -> AdversarialTraining {
        self.seed = seed;
        self
    }

    /// One epoch. The optimizer's state stays with this value: call it again to go on.
    ///
    /// # Errors
    /// When network and images do not fit, or a setting makes no sense.
    pub fn epoch(&mut self, net: &mut Network, train: &Dataset) -> Result<AdversarialEpoch> {
        self.epoch_watched(net, train, &mut Watch::quiet())
    }

    /// [`epoch`](AdversarialTraining::epoch) with progress and a budget.
    ///
    /// # Errors
    /// As [`epoch`](AdversarialTraining::epoch).
    pub fn epoch_watched(
        &mut self,
        net: &mut Network,
        train: &Dataset,
        watch: &mut Watch,
    ) -> Result<AdversarialEpoch> {
        let [n, ..] = dimensions(&train.images)?;
        self.optimizer.check()?;
        if self.batch_size == 0 || !(0.0..=1.0).contains(&self.clean_share) {
            return Err(VisError::invalid(format!(
                "adversarial training: expected at least one image a step and a clean share from \
                 0 to 1, got {} and {}",
                self.batch_size, self.clean_share
            )));
        }
        if self.states.is_empty() {
            let parameters = net.parameters();
            self.states = parameters
                .iter()
                .map(|(_, p)| self.optimizer.start(p))
                .collect();
        }
        let order = Draw::new(self.seed, self.epochs).permutation(n);
        let mut told = AdversarialEpoch {
            clean_loss: 0.0,
            attacked_loss: 0.0,
            images: 0,
        };
        watch.begin(2 * n);
        for (i, batch) in order.chunks(self.batch_size).enumerate() {
            if watch.allows(2 * batch.len()) < 2 * batch.len() {
                break;
            }
            let images = train.images.select(Axis(0), batch);
            let labels: Vec<usize> = batch.iter().map(|&i| train.labels[i]).collect();
            let attacked = self.attack.run(net, &images, &labels)?.images;
            let seed = self.seed ^ (self.epochs << 32) ^ i as u64;
            let clean = self.half(net, &images, &labels, self.clean_share, seed)?;
            let other = self.half(net, &attacked, &labels, 1.0 - self.clean_share, seed)?;
            self.step(net, clean.1, other.1)?;
            told.clean_loss += clean.0 * batch.len() as f64;
            told.attacked_loss += other.0 * batch.len() as f64;
            told.images += batch.len();
            watch.step(2 * batch.len());
        }
        watch.finish();
        self.epochs += 1;
        told.clean_loss /= told.images.max(1) as f64;
        told.attacked_loss /= told.images.max(1) as f64;
        Ok(told)
    }

    /// The loss of one half of a step, and its weighted gradient for every parameter.
    fn half(
        &self,
        net: &mut Network,
        images: &Tensor,
        labels: &[usize],
        weight: f32,
        seed: u64,
    ) -> Result<(f64, Vec<Tensor>)> {
        let trace = net.trace_as(images, Pass::train(seed))?;
        let (loss, gradient) = cross_entropy(trace.output(), labels)?;
        let gradients = trace.parameter_gradients(&(gradient * weight))?;
        if weight > 0.0 {
            learn_statistics(net, &trace)?;
        }
        Ok((loss, gradients))
    }

    fn step(&mut self, net: &mut Network, clean: Vec<Tensor>, other: Vec<Tensor>) -> Result<()> {
        let rate = self.optimizer.learning_rate();
        let decay = self.optimizer.weight_decay();
        let named = net.parameters();
        let mut new: Vec<(String, Tensor)> =
            named.into_iter().map(|(p, t)| (p, t.clone())).collect();
        let gradients = clean.into_iter().zip(other);
        for (((_, value), (a, b)), state) in new.iter_mut().zip(gradients).zip(&mut self.states) {
            let mut gradient = a + &b;
            self.optimizer
                .step_with_decay(rate, decay, value, &mut gradient, state);
        }
        for (path, value) in new {
            net.set_parameter(&path, value)?;
        }
        Ok(())
    }
}

/// Moves batch norms' running statistics towards those of a trace: mean and unbiased variance of
/// what each of them read.
fn learn_statistics(net: &mut Network, trace: &Trace) -> Result<()> {
    let mut new: Vec<(String, Tensor)> = Vec::new();
    for view in net.views() {
        let operations = view.layer.operations(&view.input_shapes);
        let [Operation::BatchNorm { momentum, .. }] = operations[..] else {
            continue;
        };
        let read = trace.activation(view.inputs[0])?;
        let (keep, take) = (1.0 - momentum, momentum);
        let channels = read.shape()[1];
        let count = (read.len() / channels) as f64;
        let moments = read.axis_iter(Axis(1)).map(|channel| {
            let mean = channel.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let squares = channel.iter().map(|&v| (f64::from(v) - mean).powi(2));
            [mean, squares.sum::<f64>() / (count - 1.0).max(1.0)]
        });
        let moments: Vec<[f64; 2]> = moments.collect();
        for (which, (name, old)) in view.layer.buffers().into_iter().enumerate() {
            let both = old.iter().zip(&moments);
            let values = both.map(|(&o, m)| (keep * f64::from(o) + take * m[which]) as f32);
            let value = Tensor::from_shape_vec(old.raw_dim(), values.collect());
            new.push((
                format!("{}.{name}", view.name),
                value.expect("a number a channel"),
            ));
        }
    }
    for (path, value) in new {
        net.set_buffer(&path, value)?;
    }
    Ok(())
}
