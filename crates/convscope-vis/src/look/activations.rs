//! What the units of layers do over images.

use super::stream::{Layers, parts};
use crate::error::{Result, VisError, node_shape};
use crate::images::{dimensions, part};
use crate::provenance::Provenance;
use convscope_nn::{Network, Tensor};
use ndarray::Axis;
use std::time::Instant;

/// The activations of a layer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Activations {
    /// `[N, C, h, w]`, or `[N, D]` of a vector.
    pub values: Tensor,
    /// Where they come from.
    pub provenance: Provenance,
}

/// How the units of a layer behave over a set of images.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerStatistics {
    /// The layer.
    pub layer: String,
    /// Images seen.
    pub images: usize,
    /// Units: every place of every channel counts.
    pub units: usize,
    /// The share of the units that were above 0 for no image: behind a ReLU, the dead ones.
    pub dead_units: f64,
    /// The share of the channels that were above 0 nowhere and for no image.
    pub dead_channels: f64,
    /// The share of all activations that were exactly 0.
    pub zeros: f64,
    /// The mean of all activations.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// The smallest and the largest.
    pub range: [f32; 2],
}

/// The activations of a layer for images `[N, C, H, W]`, a part of the batch at a time.
///
/// # Errors
/// When there is no such layer, or the images do not fit.
pub fn activations(net: &Network, images: &Tensor, layer: &str) -> Result<Activations> {
    let begun = Instant::now();
    let [n, ..] = dimensions(images)?;
    node_shape(net, layer)?;
    let cut = Layers::new(net, &[layer])?;
    let mut all = Vec::new();
    for (from, to) in parts(images) {
        let trace = cut.net().trace(&part(images, from, to))?;
        all.push(trace.activation(layer)?.clone());
    }
    let views: Vec<_> = all.iter().map(|a| a.view()).collect();
    let values = ndarray::concatenate(Axis(0), &views).expect("parts of one shape");
    let provenance = Provenance::new("activations", "the activations themselves")
        .layer(layer)
        .figure("images", n);
    Ok(Activations {
        values,
        provenance: provenance.took(begun),
    })
}

/// How the units of layers behave over a stream of batches `[N, C, H, W]`: one pass, whose memory
/// does not grow with it.
///
/// ```
/// # use convscope_nn::{Conv2d, Network, Relu, Tensor};
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// # let net = Network::input([1, 8, 8]).add("conv", Conv2d::new(4, 3)).add("relu", Relu).build(1)?;
/// let images = Tensor::from_elem(vec![2, 1, 8, 8], 0.5);
/// let of = convscope_vis::activation_statistics(&net, &["conv", "relu"], [images])?;
/// assert_eq!((of[1].layer.as_str(), of[1].units), ("relu", 144));
/// # Ok(()) }
/// ```
///
/// # Errors
/// When there is no such layer, the images do not fit, or there are none.
pub fn activation_statistics(
    net: &Network,
    layers: &[&str],
    batches: impl IntoIterator<Item = Tensor>,
) -> Result<Vec<LayerStatistics>> {
    let cut = Layers::new(net, layers)?;
    let shapes: Result<Vec<_>> = layers.iter().map(|layer| node_shape(net, layer)).collect();
    let mut tallies: Vec<Tally> = shapes?.iter().map(|shape| Tally::new(shape)).collect();
    for batch in batches {
        dimensions(&batch)?;
        for (from, to) in parts(&batch) {
            let trace = cut.net().trace(&part(&batch, from, to))?;
            for (layer, tally) in layers.iter().zip(&mut tallies) {
                for one in trace.activation(layer)?.outer_iter() {
                    tally.add(one.iter().copied());
                }
            }
        }
    }
    if tallies.iter().any(|t| t.images == 0) {
        return Err(VisError::invalid(
            "the statistics of activations: expected at least one image, got none",
        ));
    }
    let both = layers.iter().zip(&tallies);
    Ok(both.map(|(layer, tally)| tally.told(layer)).collect())
}

struct Tally {
    images: usize,
    alive: Vec<bool>,
    channels: usize,
    zeros: usize,
    /// Of the first image, so that the squares below do not cancel.
    shift: f64,
    sum: f64,
    squares: f64,
    range: [f32; 2],
}

impl Tally {
    fn new(shape: &[usize]) -> Tally {
        Tally {
            images: 0,
            alive: vec![false; shape.iter().product()],
            channels: shape[0],
            zeros: 0,
            shift: 0.0,
            sum: 0.0,
            squares: 0.0,
            range: [f32::INFINITY, f32::NEG_INFINITY],
        }
    }

    fn add(&mut self, values: impl Iterator<Item = f32> + Clone) {
        if self.images == 0 {
            self.shift = values.clone().map(f64::from).sum::<f64>() / self.alive.len() as f64;
        }
        self.images += 1;
        for (v, alive) in values.zip(&mut self.alive) {
            *alive |= v > 0.0;
            self.zeros += usize::from(v == 0.0);
            let from = f64::from(v) - self.shift;
            self.sum += from;
            self.squares += from * from;
            self.range = [self.range[0].min(v), self.range[1].max(v)];
        }
    }

    fn told(&self, layer: &str) -> LayerStatistics {
        let units = self.alive.len();
        let count = (units * self.images) as f64;
        let dead = |alive: &&bool| !**alive;
        let channels = self.alive.chunks(units / self.channels);
        let dead_channels = channels.filter(|c| !c.contains(&true)).count();
        let mean = self.sum / count;
        LayerStatistics {
            layer: layer.to_owned(),
            images: self.images,
            units,
            dead_units: self.alive.iter().filter(dead).count() as f64 / units as f64,
            dead_channels: dead_channels as f64 / self.channels as f64,
            zeros: self.zeros as f64 / count,
            mean: self.shift + mean,
            std: (self.squares / count - mean * mean).max(0.0).sqrt(),
            range: self.range,
        }
    }
}
