//! How much the pixels that a unit sees matter to it.

use super::{INPUT, Network, Rect};
use crate::error::{NnError, Result};
use crate::init::normal;
use crate::layer::{Pass, Rule};
use crate::real::Tensor;
use ndarray::{Array2, Axis, IxDyn};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// Two standard deviations to both sides hold this share of a Gaussian.
const TWO_SIGMA: f64 = 0.954_499_736;

/// The most bytes of activations that a pass may keep at a time (of one image, whatever it takes).
const AT_ONCE: u64 = 256 << 20;

/// How much each pixel matters to the unit in the middle of a node, as the mean of the absolute
/// gradient over images, and how it was measured. See [`Network::effective_field`].
///
/// After Luo, Li, Urtasun and Zemel 2016, "Understanding the effective receptive field in deep
/// convolutional neural networks".
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveField {
    /// `[height, width]` of the image: the mean over images of the absolute gradient of the unit,
    /// summed over the image's channels.
    pub map: Array2<f64>,
    /// The node.
    pub node: String,
    /// The row and column of the unit, the node's middle (of a vector, 0 and 0). The channel is
    /// another one for each image, drawn by the seed.
    pub unit: [usize; 2],
    /// What the unit can see at all, padding included.
    pub theoretical: Rect,
    /// How many images the mean is of.
    pub images: usize,
    /// The seed of the images, where they are random, and of the channels.
    pub seed: u64,
}

impl Network {
    /// How much each pixel matters to the unit in the middle of a node: the mean, over so many
    /// images of random numbers (standard normal), of the absolute gradient. Its channel is drawn
    /// anew for each image.
    ///
    /// Memory does not grow with the number of images.
    ///
    /// # Errors
    /// When there is no such node, no image is asked for, the network does not read images, or
    /// something that is not finite is computed on the way.
    pub fn effective_field(&self, node: &str, images: usize, seed: u64) -> Result<EffectiveField> {
        let shape = self.input_shape().to_vec();
        self.measure_field(node, images, seed, |number| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(number as u64);
            Tensor::from_shape_simple_fn(IxDyn(&shape), || normal(&mut rng) as f32)
        })
    }

    /// The same over given images, `[N, C, H, W]`.
    ///
    /// # Errors
    /// As [`Network::effective_field`], and when the images do not fit the network.
    pub fn effective_field_on(
        &self,
        node: &str,
        images: &Tensor,
        seed: u64,
    ) -> Result<EffectiveField> {
        self.check_batch(images)?;
        let count = images.shape()[0];
        self.measure_field(node, count, seed, |number| {
            images.index_axis(Axis(0), number).to_owned()
        })
    }

    fn measure_field(
        &self,
        node: &str,
        images: usize,
        seed: u64,
        image: impl Fn(usize) -> Tensor,
    ) -> Result<EffectiveField> {
        let id = self.graph.find(node)?;
        let shape = self.graph.shape(id).clone();
        let unit = match shape[..] {
            [_, h, w] => [h / 2, w / 2],
            _ => [0, 0],
        };
        let theoretical = self.receptive_field_of(node, unit)?;
        if images == 0 {
            return Err(NnError::Invalid(
                "an effective receptive field is measured on at least one image, got 0".into(),
            ));
        }
        let [_, height, width] = self.graph.input[..] else {
            unreachable!("receptive_field_of asks for images");
        };
        let mut channels = ChaCha8Rng::seed_from_u64(seed);
        channels.set_stream(u64::MAX);
        let mut map = Array2::<f64>::zeros((height, width));
        let fit = AT_ONCE / self.summary().activation_bytes().max(1);
        let most = fit.clamp(1, 32) as usize;
        let mut begin = 0;
        while begin < images {
            let count = most.min(images - begin);
            let mut x = Tensor::zeros(IxDyn(&[&[count], &self.graph.input[..]].concat()));
            let mut dy = Tensor::zeros(IxDyn(&[&[count], &shape[..]].concat()));
            for i in 0..count {
                x.index_axis_mut(Axis(0), i).assign(&image(begin + i));
                let channel = channels.random_range(0..shape[0]);
                match shape.len() {
                    3 => dy[[i, channel, unit[0], unit[1]].as_slice()] = 1.0,
                    _ => dy[[i, channel].as_slice()] = 1.0,
                }
            }
            let trace = self.trace_as(&x, Pass::default())?;
            let dx = trace.gradient_from(node, &dy, INPUT, Rule::Gradient)?;
            // Image by image and channel by channel: in the same order whatever fits at once.
            for one in dx.outer_iter() {
                for plane in one.axis_iter(Axis(0)) {
                    let values = map.iter_mut().zip(&plane);
                    values.for_each(|(sum, g)| *sum += f64::from(g.abs()));
                }
            }
            begin += count;
        }
        map /= images as f64;
        // Fast convolutions leave rounding where the gradient is zero by construction.
        let seen = theoretical.clipped(height, width);
        for ((y, x), v) in map.indexed_iter_mut() {
            let (y, x) = (y as isize, x as isize);
            if !(seen.top..seen.bottom).contains(&y) || !(seen.left..seen.right).contains(&x) {
                *v = 0.0;
            }
        }
        if !map.iter().all(|v| v.is_finite()) {
            return Err(NnError::Invalid(format!(
                "the gradient of node \"{node}\" with respect to the image is not finite"
            )));
        }
        Ok(EffectiveField {
            map,
            node: self.graph.name(id).to_owned(),
            unit,
            theoretical,
            images,
            seed,
        })
    }
}

impl EffectiveField {
    /// Height and width of the field that matters: of the smallest interval of rows (and of
    /// columns) around the middle of the theoretical field that holds 95.45 % of the map. Of a
    /// field in the form of a Gaussian these are two standard deviations to both sides. A pixel's
    /// share counts as spread evenly over it, so sizes have fractions. Zero for a unit that no
    /// pixel matters to.
    pub fn size(&self) -> [f64; 2] {
        self.size_holding(TWO_SIGMA)
    }

    /// The same for another share than 95.45 %, from 0 to 1.
    pub fn size_holding(&self, share: f64) -> [f64; 2] {
        let middle = self.middle();
        [0, 1].map(|axis| {
            let sums = self.along(axis);
            let whole: f64 = sums.iter().sum();
            // What lies from `middle - half` to `middle + half`.
            let held = |half: f64| -> f64 {
                let parts = sums.iter().enumerate().map(|(i, v)| {
                    let from = (middle[axis] - half).max(i as f64);
                    let to = (middle[axis] + half).min(i as f64 + 1.0);
                    v * (to - from).max(0.0)
                });
                parts.sum()
            };
            let (mut low, mut high) = (0.0, sums.len() as f64 + middle[axis].abs());
            if whole <= 0.0 {
                return 0.0;
            }
            for _ in 0..60 {
                let half = (low + high) / 2.0;
                match held(half) < share.clamp(0.0, 1.0) * whole {
                    true => low = half,
                    false => high = half,
                }
            }
            2.0 * high
        })
    }

    /// Luo's measure: the square root of the number of pixels whose value is more than 4.55 % of
    /// the largest.
    pub fn pixels_that_matter(&self) -> f64 {
        let most = self.map.iter().copied().fold(0.0, f64::max);
        let count = self.map.iter().filter(|v| **v > (1.0 - TWO_SIGMA) * most);
        (count.count() as f64).sqrt()
    }

    /// The map's standard deviation in pixels, down and across; zero for a unit that no pixel
    /// matters to.
    pub fn deviation(&self) -> [f64; 2] {
        [0, 1].map(|axis| {
            let sums = self.along(axis);
            let whole: f64 = sums.iter().sum();
            let mean = |f: &dyn Fn(f64) -> f64| {
                let parts = sums.iter().enumerate().map(|(i, v)| v * f(i as f64));
                parts.sum::<f64>() / whole
            };
            if whole <= 0.0 {
                return 0.0;
            }
            let centre = mean(&|y| y);
            mean(&|y| (y - centre).powi(2)).sqrt()
        })
    }

    /// The size that matters as a share of the theoretical one, down and across.
    pub fn ratio(&self) -> [f64; 2] {
        let size = self.size();
        let r = &self.theoretical;
        let whole = [r.bottom - r.top, r.right - r.left];
        [0, 1].map(|axis| size[axis] / whole[axis].max(1) as f64)
    }

    /// The middle of the theoretical field: the border of two pixels, or a half more.
    fn middle(&self) -> [f64; 2] {
        let r = &self.theoretical;
        [
            (r.top + r.bottom) as f64 / 2.0,
            (r.left + r.right) as f64 / 2.0,
        ]
    }

    /// The sums of the rows (`axis` 0) or columns.
    fn along(&self, axis: usize) -> Vec<f64> {
        self.map.sum_axis(Axis(1 - axis)).to_vec()
    }
}

impl fmt::Display for EffectiveField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([h, w], [p, q]) = (self.size(), self.ratio());
        let r = &self.theoretical;
        write!(
            f,
            "unit ({}, {}) of \"{}\" over {} images, seed {}: 95.45 % of what matters lies in \
             {h:.1} x {w:.1} of the {} x {} pixels that it sees ({:.0} % x {:.0} %)",
            self.unit[0],
            self.unit[1],
            self.node,
            self.images,
            self.seed,
            r.bottom - r.top,
            r.right - r.left,
            100.0 * p,
            100.0 * q
        )
    }
}
