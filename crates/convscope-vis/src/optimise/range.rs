//! Which values a picture can have, in a network's own units.

use crate::error::{Result, VisError};
use convscope_data::{Channels, Preprocessing};
use convscope_nn::Tensor;
use ndarray::Array3;
use serde::Serialize;

/// What black and white are in each channel after preprocessing: an image outside of them cannot be
/// shown, and no photograph ever brought the network there.
///
/// ```
/// use convscope_data::Preprocessing;
/// use convscope_vis::PixelRange;
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// let range = PixelRange::of(&Preprocessing::torchvision(224))?;
/// assert!((range.low[0] + 2.1179).abs() < 1e-4);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PixelRange {
    /// Black, one value for each channel.
    pub low: Vec<f32>,
    /// White.
    pub high: Vec<f32>,
    /// Whether three channels are blue, green, red instead of red, green, blue.
    pub bgr: bool,
}

impl PixelRange {
    /// That of a network's preprocessing.
    ///
    /// # Errors
    /// When the preprocessing makes no sense ([`Preprocessing::check`]).
    pub fn of(preprocessing: &Preprocessing) -> Result<PixelRange> {
        let one = |value: f32| -> Result<Vec<f32>> {
            let count = preprocessing.channels.count();
            let pixel = Array3::from_elem((count, 1, 1), value);
            Ok(preprocessing.normalise(pixel.view())?.into_iter().collect())
        };
        Ok(PixelRange {
            low: one(0.0)?,
            high: one(1.0)?,
            bgr: preprocessing.channels == Channels::Bgr,
        })
    }

    /// The same for every channel.
    ///
    /// # Errors
    /// When there is no channel, or the range is empty or not finite.
    pub fn uniform(channels: usize, low: f32, high: f32) -> Result<PixelRange> {
        let range = PixelRange {
            low: vec![low; channels],
            high: vec![high; channels],
            bgr: false,
        };
        range.check(channels)?;
        Ok(range)
    }

    /// Where nothing is known: from -2 to 2, where standardised images mostly lie.
    pub fn standardised(channels: usize) -> PixelRange {
        PixelRange {
            low: vec![-2.0; channels],
            high: vec![2.0; channels],
            bgr: false,
        }
    }

    /// How many channels it is for.
    pub fn channels(&self) -> usize {
        self.low.len()
    }

    pub(crate) fn check(&self, channels: usize) -> Result<()> {
        if self.low.len() != channels || self.high.len() != channels || channels == 0 {
            return Err(VisError::invalid(format!(
                "the range of pixels: expected {channels} values of black and of white, one for \
                 each channel of the image, got {} and {}",
                self.low.len(),
                self.high.len()
            )));
        }
        let fine = |(&low, &high): (&f32, &f32)| low.is_finite() && high.is_finite() && low < high;
        match self.low.iter().zip(&self.high).all(fine) {
            true => Ok(()),
            false => Err(VisError::invalid(format!(
                "the range of pixels: expected black below white in every channel, got {:?} and \
                 {:?}",
                self.low, self.high
            ))),
        }
    }

    /// From black to white in a channel.
    pub(crate) fn span(&self, channel: usize) -> f32 {
        self.high[channel] - self.low[channel]
    }

    /// One of 255 levels of a channel.
    pub(crate) fn level(&self, channel: usize) -> f32 {
        self.span(channel) / 255.0
    }

    /// The grey in the middle of each channel.
    pub(crate) fn middle(&self) -> Vec<f32> {
        let ends = self.low.iter().zip(&self.high);
        ends.map(|(low, high)| 0.5 * (low + high)).collect()
    }

    /// Brings images `[N, C, H, W]` into the range; each channel's range is divided by its unit.
    pub(crate) fn clamp(&self, images: &mut Tensor, unit: impl Fn(usize) -> f32) {
        for (channel, plane) in planes(images) {
            let by = unit(channel);
            let (low, high) = (self.low[channel] / by, self.high[channel] / by);
            plane.iter_mut().for_each(|v| *v = v.clamp(low, high));
        }
    }
}

/// Every plane of images `[N, C, H, W]` in C order, with its channel.
pub(crate) fn planes(images: &mut Tensor) -> impl Iterator<Item = (usize, &mut [f32])> {
    let (channels, plane) = (images.shape()[1], images.shape()[2] * images.shape()[3]);
    let slice = images.as_slice_mut().expect("made in C order");
    let planes = slice.chunks_mut(plane.max(1)).enumerate();
    planes.map(move |(i, plane)| (i % channels, plane))
}

/// The numbers of each image of a batch in C order.
pub(crate) fn rows(images: &Tensor) -> std::slice::Chunks<'_, f32> {
    let one: usize = images.shape()[1..].iter().product();
    images
        .as_slice()
        .expect("made in C order")
        .chunks(one.max(1))
}

/// The same, to be changed.
pub(crate) fn rows_mut(images: &mut Tensor) -> std::slice::ChunksMut<'_, f32> {
    let one: usize = images.shape()[1..].iter().product();
    let slice = images.as_slice_mut().expect("made in C order");
    slice.chunks_mut(one.max(1))
}
