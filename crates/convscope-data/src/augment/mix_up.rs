//! Mix-up: images and labels averaged in pairs (Zhang, Cisse, Dauphin and Lopez-Paz 2018,
//! <https://arxiv.org/abs/1710.09412>, equation 1).

use super::colour::gaussian;
use crate::draw::Draw;
use crate::error::{DataError, Result};

/// Sets the draws of a pair apart from those of its images.
const PAIRS: u64 = 0x6d69_7875_7000;

/// Whom an image is mixed with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The number of the other image; it may be the same.
    pub partner: usize,
    /// The share of the image itself, from 0 to 1; the other has the rest. The labels are mixed in
    /// the same shares.
    pub share: f32,
}

impl Pair {
    /// `share` of `image` and the rest of `other`, in place.
    pub fn mix(&self, image: &mut [f32], other: &[f32]) {
        let mixed = image.iter_mut().zip(other);
        mixed.for_each(|(v, o)| *v = self.share * *v + (1.0 - self.share) * o);
    }

    /// Adds what the two labels count to a row of zeros, one place for each class.
    pub fn label(&self, row: &mut [f32], label: usize, other: usize) {
        row[label] += self.share;
        row[other] += 1.0 - self.share;
    }
}

/// # Errors
/// If it is not a positive number.
pub(super) fn check(alpha: f64) -> Result<()> {
    match alpha.is_finite() && alpha > 0.0 {
        true => Ok(()),
        false => Err(DataError::Argument {
            what: "augmentation",
            problem: format!("mix-up {alpha}: alpha must be a number above 0"),
        }),
    }
}

/// The pair of an image in a set of `n`.
pub(super) fn pair(alpha: f64, n: usize, (seed, epoch, index): (u64, u64, u64)) -> Pair {
    let mut draw = Draw::new(super::mix(seed ^ PAIRS, epoch), index);
    Pair {
        partner: draw.below(n),
        share: beta(alpha, &mut draw) as f32,
    }
}

/// From the distribution Beta(alpha, alpha), as the share of one of two gamma variables in their sum.
fn beta(alpha: f64, draw: &mut Draw) -> f64 {
    let [a, b] = [(); 2].map(|()| log_gamma_draw(alpha, draw));
    1.0 / (1.0 + libm::exp(b - a))
}

/// The logarithm of a draw from the gamma distribution (Marsaglia and Tsang 2000, with their way to
/// get from `alpha + 1` to `alpha`); the draw itself may be too small for a number.
fn log_gamma_draw(alpha: f64, draw: &mut Draw) -> f64 {
    let d = alpha + 1.0 - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    // In (0, 1], for the logarithm's sake.
    let above_zero = |draw: &mut Draw| 1.0 - f64::from(draw.unit());
    let boost = libm::log(above_zero(draw)) / alpha;
    loop {
        let x = gaussian(draw);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && libm::log(above_zero(draw)) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return libm::log(d * v) + boost;
        }
    }
}
