//! What the numbers of an image mean as colours: without it, nothing can be made brighter.

use crate::error::{DataError, Result};
use crate::preprocessing::{Channels, Preprocessing};
use crate::standardise::Standardizer;
use ndarray::{Array3, ArrayView3, Axis};
use std::fmt;

/// How far beyond black or white a value may lie, as a share of the way between them, before the
/// range is taken for a mistake.
const BEYOND: f32 = 0.5;

/// The values of black and white in each channel, in the units of a dataset, and the order of the
/// channels. One value stands for every channel.
///
/// ```
/// use convscope_data::{Augmentation, PixelRange, Preprocessing};
/// let plain = Augmentation::new().range(PixelRange::unit()).brightness(0.4);
/// let preprocessing = Preprocessing::torchvision(224);
/// let normalised = Augmentation::new().range(PixelRange::of(&preprocessing)).brightness(0.4);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PixelRange {
    /// The value of black.
    pub black: Vec<f32>,
    /// The value of white, another one.
    pub white: Vec<f32>,
    /// Whether the channels are blue, green, red.
    pub bgr: bool,
}

impl PixelRange {
    /// 0 to 1: photographs and CIFAR-10 as they are loaded.
    pub fn unit() -> Self {
        Self::between(0.0, 1.0)
    }

    /// 0 to 255: digits and Shapes as they are loaded.
    pub fn bytes() -> Self {
        Self::between(0.0, 255.0)
    }

    /// The same in every channel.
    pub fn between(black: f32, white: f32) -> Self {
        Self {
            black: vec![black],
            white: vec![white],
            bgr: false,
        }
    }

    /// What a preprocessing makes of black and white.
    pub fn of(preprocessing: &Preprocessing) -> Self {
        let scaled = |v: f32| {
            let each = preprocessing.mean.iter().zip(&preprocessing.std);
            each.map(|(mean, std)| (v - mean) / std).collect()
        };
        Self {
            black: scaled(0.0),
            white: scaled(preprocessing.range.white()),
            bgr: preprocessing.channels == Channels::Bgr,
        }
    }

    /// What a standardizer makes of this range.
    ///
    /// # Errors
    /// If it was fitted to every pixel position ([`Standardizer::fit`]): black is then another value
    /// at every place. [`Standardizer::fit_channels`] is the one for photographs. Also if the
    /// channels are not as many as the range's.
    pub fn standardised(&self, by: &Standardizer) -> Result<Self> {
        let wrong = |problem: String| DataError::Argument {
            what: "the range of standardised pixels",
            problem,
        };
        let channels = by.mean.len_of(Axis(0));
        if let Some(problem) = self.problem(channels) {
            return Err(wrong(problem));
        }
        let (mut black, mut white) = (Vec::new(), Vec::new());
        for (c, (mean, std)) in by.mean.outer_iter().zip(by.std.outer_iter()).enumerate() {
            let first = |a: &ndarray::ArrayView2<'_, f32>| {
                let first = a.iter().next().copied();
                first.filter(|first| a.iter().all(|v| v == first))
            };
            let (Some(mean), Some(std)) = (first(&mean), first(&std)) else {
                return Err(wrong(
                    "every pixel position has a mean of its own; expected one for each channel, as \
                     Standardizer::fit_channels finds them"
                        .into(),
                ));
            };
            let (low, high) = self.ends(c);
            black.push((low - mean) / std);
            white.push((high - mean) / std);
        }
        Ok(Self {
            black,
            white,
            bgr: self.bgr,
        })
    }

    /// Black and white of a channel.
    pub(super) fn ends(&self, channel: usize) -> (f32, f32) {
        let of = |values: &[f32]| values[if values.len() == 1 { 0 } else { channel }];
        (of(&self.black), of(&self.white))
    }

    /// Why it does not fit images of so many channels.
    pub(super) fn problem(&self, channels: usize) -> Option<String> {
        for (name, values) in [("black", &self.black), ("white", &self.white)] {
            if values.len() != 1 && values.len() != channels {
                return Some(format!(
                    "the range has {} values of {name}; expected 1, or {channels}, one for each \
                     channel",
                    values.len()
                ));
            }
        }
        let apart = (0..channels).all(|c| {
            let (black, white) = self.ends(c);
            black.is_finite() && white.is_finite() && black != white
        });
        match (apart, self.bgr && channels != 3) {
            (false, _) => Some("black and white must be two finite numbers".into()),
            (_, true) => Some(format!("blue, green, red are 3 channels, not {channels}")),
            _ => None,
        }
    }

    /// An image `[C, H, W]` as pixels: 0 for black, 1 for white, in the order red, green, blue. Values
    /// beyond are not cut off.
    ///
    /// # Errors
    /// If the range does not fit its channels.
    pub fn unit_pixels(&self, image: ArrayView3<'_, f32>) -> Result<Array3<f32>> {
        if let Some(problem) = self.problem(image.dim().0) {
            return Err(DataError::Argument {
                what: "the range of pixels",
                problem,
            });
        }
        let mut out = image.to_owned();
        for (c, mut plane) in out.outer_iter_mut().enumerate() {
            let (black, white) = self.ends(c);
            plane.mapv_inplace(|v| (v - black) / (white - black));
        }
        if self.bgr {
            out.invert_axis(Axis(0));
            out = out.as_standard_layout().into_owned();
        }
        Ok(out)
    }

    /// To 0 to 1 in red, green, blue, in place.
    pub(crate) fn to_unit(&self, image: &mut [f32], [channels, h, w]: [usize; 3]) -> Result<()> {
        for (c, plane) in image.chunks_exact_mut((h * w).max(1)).enumerate() {
            let (black, white) = self.ends(c);
            let per = 1.0 / (white - black);
            let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
            for v in plane.iter_mut() {
                *v = (*v - black) * per;
                (low, high) = (low.min(*v), high.max(*v));
            }
            if low < -BEYOND || high > 1.0 + BEYOND {
                let back = |v: f32| black + v * (white - black);
                return Err(DataError::Argument {
                    what: "the range of pixels",
                    problem: format!(
                        "channel {c} was said to lie from {black} (black) to {white} (white), but \
                         has values from {} to {}",
                        back(low),
                        back(high)
                    ),
                });
            }
        }
        self.turn(image, channels, h * w);
        Ok(())
    }

    /// Back from 0 to 1, in place.
    pub(crate) fn restore(&self, image: &mut [f32], [channels, h, w]: [usize; 3]) {
        self.turn(image, channels, h * w);
        for (c, plane) in image.chunks_exact_mut((h * w).max(1)).enumerate() {
            let (black, white) = self.ends(c);
            plane
                .iter_mut()
                .for_each(|v| *v = black + *v * (white - black));
        }
    }

    /// Red and blue exchanged where they stand the other way round.
    fn turn(&self, image: &mut [f32], channels: usize, area: usize) {
        if self.bgr && channels == 3 {
            let (first, rest) = image.split_at_mut(area);
            first.swap_with_slice(&mut rest[area..]);
        }
    }
}

impl fmt::Display for PixelRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[f32]| {
            let texts: Vec<String> = values.iter().map(f32::to_string).collect();
            texts.join(" ")
        };
        let order = if self.bgr { " (blue, green, red)" } else { "" };
        write!(
            f,
            "pixels {} to {}{order}",
            list(&self.black),
            list(&self.white)
        )
    }
}
