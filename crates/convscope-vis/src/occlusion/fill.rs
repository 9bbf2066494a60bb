//! What a hidden pixel shows.

use crate::error::{Result, VisError};
use ndarray::{ArrayView3, Axis};
use serde::Serialize;

/// What a hidden pixel shows, in the numbers that the network is fed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fill {
    /// The middle between the smallest and the largest value that each channel has in the image:
    /// mid grey, whatever the preprocessing, for an image that uses its whole range. Zeiler and
    /// Fergus hide behind grey.
    #[default]
    Grey,
    /// The mean colour of the image.
    Mean,
    /// Zero in every channel, captum's default: black in raw pixels, the dataset's mean colour
    /// where images are standardised.
    Zero,
    /// A number for each channel, or one for all of them.
    Colour(Vec<f32>),
}

impl Fill {
    /// A number for each channel of an image `[C, H, W]`.
    pub(crate) fn colour(&self, image: ArrayView3<'_, f32>) -> Result<Vec<f32>> {
        let channels = image.len_of(Axis(0));
        let each = |of: fn(&[f32]) -> f32| {
            image
                .axis_iter(Axis(0))
                .map(|channel| of(&channel.iter().copied().collect::<Vec<_>>()))
                .collect()
        };
        match self {
            Fill::Grey => Ok(each(middle)),
            Fill::Mean => Ok(each(mean)),
            Fill::Zero => Ok(vec![0.0; channels]),
            Fill::Colour(colour) => given_colour(colour, channels),
        }
    }
}

/// A colour that the user gave, a number for each channel.
pub(crate) fn given_colour(colour: &[f32], channels: usize) -> Result<Vec<f32>> {
    if let Some(bad) = colour.iter().find(|v| !v.is_finite()) {
        return Err(VisError::invalid(format!(
            "a colour must be of finite numbers, got {bad}"
        )));
    }
    match colour {
        [one] => Ok(vec![*one; channels]),
        all if all.len() == channels => Ok(all.to_vec()),
        other => Err(VisError::invalid(format!(
            "a colour for images of {channels} channels: expected {channels} numbers (or 1 for all), \
             got {}",
            other.len()
        ))),
    }
}

fn middle(values: &[f32]) -> f32 {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    low / 2.0 + high / 2.0
}

fn mean(values: &[f32]) -> f32 {
    let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
    (sum / values.len().max(1) as f64) as f32
}
