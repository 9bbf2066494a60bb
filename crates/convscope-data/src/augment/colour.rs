//! Changes of colours, on red, green and blue from 0 (black) to 1 (white). Each keeps its results
//! there.

use super::link::uniform;
use super::range::PixelRange;
use super::step::Augment;
use crate::dataset::Dataset;
use crate::draw::Draw;
use crate::error::Result;
use crate::preprocessing::GREY;
use ndarray::Array2;
use std::f32::consts::TAU;
use std::fmt;

/// The directions in which the colours of a training set vary, and how much: the eigenvectors and
/// eigenvalues of the covariance of red, green and blue over all of its pixels, from 0 (black) to 1
/// (white). `convscope_nn::colour_components` finds them.
#[derive(Clone, Debug, PartialEq)]
pub struct ColourComponents {
    /// The variances along the directions.
    pub eigenvalues: [f64; 3],
    /// The directions, one for each eigenvalue: red, green, blue, of length 1.
    pub eigenvectors: [[f64; 3]; 3],
}

impl ColourComponents {
    /// The covariance `[3, 3]` of red, green and blue over all pixels of a set, in shares of the way
    /// from black to white (division by the number of pixels).
    ///
    /// # Errors
    /// If there is no image, images have not three channels, or pixels lie far outside the range.
    pub fn covariance(set: &Dataset, range: &PixelRange) -> Result<Array2<f64>> {
        set.check_not_empty("a covariance of colours")?;
        let shape = set.image_shape();
        // One that leaves everything as it is asks the same of images.
        let none = Augment::Hue {
            degrees: (0.0, 0.0),
        };
        none.output_shape(shape, Some(range))?;
        let area = shape[1] * shape[2];
        let pixels = (set.len() * area) as f64;
        let (mut sums, mut products) = ([0.0; 3], [[0.0; 3]; 3]);
        for image in set.images4()?.outer_iter() {
            let mut image: Vec<f32> = image.iter().copied().collect();
            range.to_unit(&mut image, shape)?;
            // Sums for an image first: one over a large set would round off its small end. Around
            // one half the squares stay small.
            let (mut sum, mut product) = ([0.0; 3], [[0.0; 3]; 3]);
            for at in 0..area {
                let colour = [0, 1, 2].map(|c| f64::from(image[c * area + at]) - 0.5);
                for i in 0..3 {
                    sum[i] += colour[i];
                    (0..3).for_each(|j| product[i][j] += colour[i] * colour[j]);
                }
            }
            for i in 0..3 {
                sums[i] += sum[i];
                (0..3).for_each(|j| products[i][j] += product[i][j]);
            }
        }
        Ok(Array2::from_shape_fn((3, 3), |(i, j)| {
            products[i][j] / pixels - (sums[i] / pixels) * (sums[j] / pixels)
        }))
    }

    pub(super) fn problem(&self) -> Option<String> {
        let finite = self
            .eigenvalues
            .iter()
            .all(|v| v.is_finite() && *v >= -1e-9);
        let unit = self.eigenvectors.iter().all(|vector| {
            let square: f64 = vector.iter().map(|v| v * v).sum();
            (square - 1.0).abs() < 1e-3
        });
        match (finite, unit) {
            (false, _) => Some("the eigenvalues must be 0 or more".into()),
            (_, false) => Some("the eigenvectors must have length 1".into()),
            // Three channels that are black or white by equal chance vary by 1/4 each.
            _ if self.eigenvalues.iter().sum::<f64>() > 0.75 + 1e-6 => Some(format!(
                "the eigenvalues {:?} are those of no pixels from 0 to 1, whose sum is at most 0.75",
                self.eigenvalues
            )),
            _ => None,
        }
    }
}

impl fmt::Display for ColourComponents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (value, [r, g, b])) in self.eigenvalues.iter().zip(&self.eigenvectors).enumerate() {
            let comma = if i > 0 { "; " } else { "" };
            write!(f, "{comma}{value:.3e} ({r:.3} {g:.3} {b:.3})")?;
        }
        Ok(())
    }
}

/// Makes a change of colours to an image of so many pixels, from 0 to 1, channel after channel.
pub(super) fn apply(step: &Augment, image: &mut [f32], area: usize, draw: &mut Draw) {
    match step {
        Augment::Brightness { factor } => {
            let factor = uniform(*factor, draw) as f32;
            image.iter_mut().for_each(|v| *v = keep(*v * factor));
        }
        Augment::Contrast { factor } => {
            let factor = uniform(*factor, draw) as f32;
            if factor != 1.0 {
                let mean = mean_grey(image, area);
                let away = |v: f32| keep(mean + (v - mean) * factor);
                image.iter_mut().for_each(|v| *v = away(*v));
            }
        }
        Augment::Saturation { factor } => {
            let factor = uniform(*factor, draw) as f32;
            if factor != 1.0 {
                each_colour(image, area, |colour| {
                    let grey = grey(colour);
                    colour.map(|v| grey + (v - grey) * factor)
                });
            }
        }
        Augment::Hue { degrees } => {
            let turn = (uniform(*degrees, draw) / 360.0).rem_euclid(1.0) as f32;
            if turn != 0.0 {
                each_colour(image, area, |colour| turn_hue(colour, turn));
            }
        }
        Augment::ColourJitter {
            components,
            deviation,
        } => {
            let mut shift = [0.0; 3];
            for (value, vector) in components.eigenvalues.iter().zip(&components.eigenvectors) {
                let alpha = deviation * gaussian(draw);
                let by = shift.iter_mut().zip(vector);
                by.for_each(|(sum, p)| *sum += p * alpha * value);
            }
            each_colour(image, area, |colour| {
                [0, 1, 2].map(|c| colour[c] + shift[c] as f32)
            });
        }
        _ => {}
    }
}

fn keep(v: f32) -> f32 {
    v.clamp(0.0, 1.0)
}

fn grey(colour: [f32; 3]) -> f32 {
    colour.iter().zip(GREY).map(|(v, weight)| v * weight).sum()
}

/// Of three channels as the eye weighs them, of others alike.
fn mean_grey(image: &[f32], area: usize) -> f32 {
    let means = super::warp::means(image, area);
    match means[..] {
        [r, g, b] => grey([r, g, b]),
        _ => means.iter().sum::<f32>() / means.len().max(1) as f32,
    }
}

fn each_colour(image: &mut [f32], area: usize, change: impl Fn([f32; 3]) -> [f32; 3]) {
    let (red, rest) = image.split_at_mut(area);
    let (green, blue) = rest.split_at_mut(area);
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        [*r, *g, *b] = change([*r, *g, *b]).map(keep);
    }
}

/// By way of HSV (Smith 1978): value and saturation stay as they are.
fn turn_hue([r, g, b]: [f32; 3], turn: f32) -> [f32; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = most - least;
    if chroma <= 0.0 {
        return [r, g, b];
    }
    let sextant = match most {
        most if most == r => (g - b) / chroma,
        most if most == g => (b - r) / chroma + 2.0,
        _ => (r - g) / chroma + 4.0,
    };
    // A share of a turn is from 0 to 1, so that one lap at most is to be taken off.
    let lap = |v: f32| if v >= 6.0 { v - 6.0 } else { v };
    let hue = lap(sextant + if sextant < 0.0 { 6.0 } else { 0.0 } + 6.0 * turn);
    [5.0, 3.0, 1.0].map(|n: f32| {
        let k = lap(n + hue);
        most - chroma * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

/// Normally distributed, mean 0, standard deviation 1 (Box and Muller 1958). Not cut off, as
/// [`Draw::normal`] is.
pub(super) fn gaussian(draw: &mut Draw) -> f64 {
    let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - draw.unit()));
    f64::from(radius * libm::cosf(TAU * draw.unit()))
}
