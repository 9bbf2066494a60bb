//! Arrays that are images already.

use super::scale::Scale;
use crate::error::{Result, VisError};
use convscope_data::Preprocessing;
use image::{Rgb, RgbImage};
use ndarray::{ArrayView3, Axis};

/// What the network saw, `[C, H, W]`, as a picture: [`Preprocessing::pixels`] turns it back. Values
/// that no photograph has are cut off at black and white.
///
/// # Errors
/// When there are not as many channels as the preprocessing makes.
pub fn photo(preprocessing: &Preprocessing, image: ArrayView3<'_, f32>) -> Result<RgbImage> {
    picture(preprocessing.pixels(image)?.view())
}

/// Pixels from 0 to 1, `[3, H, W]` in red, green, blue or `[1, H, W]`, as a picture. What lies
/// outside is cut off.
///
/// # Errors
/// When there are not 1 or 3 channels, or no pixel.
pub fn picture(pixels: ArrayView3<'_, f32>) -> Result<RgbImage> {
    let (channels @ (1 | 3), height @ 1.., width @ 1..) = pixels.dim() else {
        return Err(VisError::shape(
            "pixels of a picture",
            "[3, height, width] or [1, height, width]",
            pixels.shape(),
        ));
    };
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    Ok(RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb([0, 1, 2].map(|c: usize| byte(pixels[[c.min(channels - 1), y as usize, x as usize]])))
    }))
}

/// Any numbers `[C, H, W]` as a picture: stretched from black at the smallest to white at the
/// largest; three channels in colour, one in grey, of another number their mean.
///
/// # Errors
/// When there is no pixel.
pub fn numbers_as_picture(numbers: ArrayView3<'_, f32>) -> Result<RgbImage> {
    let ends = Scale::Data.ends(numbers.iter());
    let share = |v: f32| ends.share(v).unwrap_or(0.5) as f32;
    let shares = numbers.mapv(share);
    match numbers.dim().0 {
        1 | 3 => picture(shares.view()),
        0 => picture(shares.view()),
        _ => {
            let mean = shares.mean_axis(Axis(0)).unwrap_or_default();
            picture(mean.insert_axis(Axis(0)).view())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn a_photograph_survives_its_preprocessing() {
        let pixels =
            Array3::from_shape_fn((3, 4, 5), |(c, y, x)| (c * 20 + y * 5 + x) as f32 / 255.0);
        let preprocessing = Preprocessing::torchvision(224);
        let input = preprocessing.normalise(pixels.view()).unwrap();
        let shown = photo(&preprocessing, input.view()).unwrap();
        for (x, y, colour) in shown.enumerate_pixels() {
            let at = y as u8 * 5 + x as u8;
            assert_eq!(colour.0, [at, 20 + at, 40 + at]);
        }
    }

    #[test]
    fn any_number_of_channels_makes_a_picture_and_none_an_error() {
        for channels in [1, 2, 3, 7] {
            let numbers = Array3::from_shape_fn((channels, 3, 3), |(c, y, x)| (c * y * x) as f32);
            let shown = numbers_as_picture(numbers.view()).unwrap();
            assert_eq!(shown.dimensions(), (3, 3));
        }
        for shape in [(0, 3, 3), (3, 0, 3), (2, 3, 0)] {
            assert!(numbers_as_picture(Array3::zeros(shape).view()).is_err());
        }
        assert!(picture(Array3::zeros((2, 3, 3)).view()).is_err());
    }
}
