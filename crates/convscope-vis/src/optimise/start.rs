//! Where an optimisation begins.

use super::blur::blur;
use super::range::{PixelRange, planes, rows_mut};
use crate::error::{Result, VisError};
use convscope_nn::Tensor;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// The first image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Start {
    /// Zeros: the mean image, where preprocessing subtracts the mean.
    Zeros,
    /// Normal noise about zero, of this standard deviation in the network's units (CS231n: 1).
    Normal(f32),
    /// Normal noise about zero of so many of 255 levels (Yosinski's toolbox: 10).
    NormalLevels(f32),
    /// Levels from the first to the second of 0 (black) to 255 (white), all alike likely (Keras'
    /// filters: 128 to 148).
    Levels(f32, f32),
    /// Mid-grey with noise in which neighbours are alike.
    Smooth {
        /// Its standard deviation as a share of the way from black to white.
        deviation: f32,
        /// How far pixels are alike, in pixels.
        sigma: f64,
    },
    /// Waves of normal noise of this standard deviation, before they are weighted (Lucid: .01). In
    /// other parametrisations than Fourier's the same picture, of the same weights.
    Waves(f32),
    /// These images, `[N, C, H, W]` in the network's units: one for each objective, or one for all.
    Images(#[serde(skip)] Tensor),
}

impl Default for Start {
    /// Little noise, so that what is seen is what was made; and some, so that units wake and no two
    /// seeds are alike.
    fn default() -> Start {
        Start::Smooth {
            deviation: 0.05,
            sigma: 1.0,
        }
    }
}

/// A standard normal number (Box and Muller).
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    (radius * angle.cos()) as f32
}

impl Start {
    /// Images in the network's units, one for each generator, numbered from `first` on. (Waves are
    /// the canvas's business: their normal noise comes back here.)
    pub(crate) fn images(
        &self,
        [c, h, w]: [usize; 3],
        range: &PixelRange,
        rngs: &mut [ChaCha8Rng],
        first: usize,
    ) -> Result<Tensor> {
        if let Start::Images(images) = self {
            return given(images, [c, h, w], first, rngs.len());
        }
        let mut out = Tensor::zeros(vec![rngs.len(), c, h, w]);
        for (row, rng) in rows_mut(&mut out).zip(rngs) {
            for v in row {
                *v = match *self {
                    Start::Levels(low, high) => low + (high - low) * rng.random::<f32>(),
                    Start::Zeros | Start::Images(_) => 0.0,
                    _ => normal(rng),
                };
            }
        }
        if let Start::Smooth { sigma, .. } = *self {
            blur(&mut out, sigma);
        }
        for (channel, plane) in planes(&mut out) {
            let (low, span) = (range.low[channel], range.span(channel));
            let (add, by) = match *self {
                Start::Normal(deviation) => (0.0, deviation),
                Start::NormalLevels(levels) => (0.0, levels * range.level(channel)),
                Start::Levels(..) => (low, range.level(channel)),
                Start::Smooth { deviation, .. } => {
                    let squares: f32 = plane.iter().map(|v| v * v).sum();
                    let found = (squares / plane.len() as f32).sqrt().max(1e-12);
                    (low + 0.5 * span, deviation * span / found)
                }
                Start::Waves(deviation) => (0.0, deviation),
                Start::Zeros | Start::Images(_) => (0.0, 1.0),
            };
            plane.iter_mut().for_each(|v| *v = add + by * *v);
        }
        Ok(out)
    }
}

fn given(images: &Tensor, [c, h, w]: [usize; 3], first: usize, n: usize) -> Result<Tensor> {
    let fits = images.ndim() == 4 && images.shape()[1..] == [c, h, w];
    let enough = fits && (images.shape()[0] == 1 || images.shape()[0] >= first + n);
    if !enough {
        let expected = format!("[1 or {} or more, {c}, {h}, {w}]", first + n);
        return Err(VisError::shape(
            "the images to start from",
            expected,
            images.shape(),
        ));
    }
    if !images.iter().all(|v| v.is_finite()) {
        return Err(VisError::invalid(
            "the images to start from hold a NaN or an infinity",
        ));
    }
    let mut out = Tensor::zeros(vec![n, c, h, w]);
    for i in 0..n {
        let from = if images.shape()[0] == 1 { 0 } else { first + i };
        let image = images.index_axis(ndarray::Axis(0), from);
        out.index_axis_mut(ndarray::Axis(0), i).assign(&image);
    }
    Ok(out)
}
