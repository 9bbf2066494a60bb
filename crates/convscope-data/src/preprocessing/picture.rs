//! The steps that need a picture: size and crop, in bytes, as PIL does them.

use super::resample::{Bytes, Span, resample};
use super::{Channels, Preprocessing, Resize};
use crate::error::{DataError, Result};
use crate::photo::{MOST_PIXELS, Photo};
use ndarray::{Array3, Array4, ArrayView3, Axis, s};

impl Preprocessing {
    /// A picture as the network takes it, shape `[C, H, W]`.
    ///
    /// # Errors
    /// As [`check`](Self::check), or if the picture would grow past 50 million pixels.
    pub fn apply(&self, photo: &Photo) -> Result<Array3<f32>> {
        self.normalise(self.view(photo)?.pixels.view())
    }

    /// Several pictures, shape `[N, C, H, W]`.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), if there is no picture, or the results differ in size.
    pub fn batch(&self, photos: &[Photo]) -> Result<Array4<f32>> {
        let Some(first) = photos.first() else {
            return Err(DataError::Empty {
                name: "the list of photos".into(),
                what: "a batch",
            });
        };
        let image = self.apply(first)?;
        let (c, h, w) = image.dim();
        let mut batch = Array4::zeros((photos.len(), c, h, w));
        batch.index_axis_mut(Axis(0), 0).assign(&image);
        for (n, photo) in photos.iter().enumerate().skip(1) {
            let image = self.apply(photo)?;
            if image.dim() != (c, h, w) {
                return Err(DataError::Shape {
                    what: format!("photo {n} of the batch, {}", photo.name),
                    expected: format!("[{c}, {h}, {w}] as the first one, {}", first.name),
                    got: image.shape().to_vec(),
                });
            }
            batch.index_axis_mut(Axis(0), n).assign(&image);
        }
        Ok(batch)
    }

    /// The part of a picture that the network sees, in its size: resized, cropped, grey if the network
    /// is; not normalised.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn view(&self, photo: &Photo) -> Result<Photo> {
        self.check()?;
        photo.check()?;
        let bytes = to_bytes(photo, self.channels == Channels::Grey);
        let [height, width] = self.resized(bytes.height, bytes.width);
        let [crop_height, crop_width] = self.crop.unwrap_or([height, width]);
        if (crop_height as u64).saturating_mul(crop_width as u64) > MOST_PIXELS {
            return Err(DataError::Argument {
                what: "preprocessing",
                problem: format!(
                    "{photo} would become {crop_width} x {crop_height}; at most {MOST_PIXELS} pixels \
                     are made"
                ),
            });
        }
        let (rows, above) = centre(height, crop_height);
        let (columns, before) = centre(width, crop_width);
        let part = resample(&bytes, rows, columns, self.interpolation);
        let mut pixels = Array3::zeros((part.channels, crop_height, crop_width));
        let shape = (part.channels, part.height, part.width);
        let values = part.data.into_iter().map(|v| f32::from(v) / 255.0);
        let values = Array3::from_shape_vec(shape, values.collect()).expect("as many as made");
        pixels
            .slice_mut(s![
                ..,
                above..above + rows.count,
                before..before + columns.count
            ])
            .assign(&values);
        Photo::from_pixels(photo.name.clone(), pixels)
    }

    /// What a network saw, for display: [`pixels`](Self::pixels) kept within 0 to 1.
    ///
    /// # Errors
    /// As [`pixels`](Self::pixels), or if there is no pixel.
    pub fn inverse(&self, input: ArrayView3<'_, f32>) -> Result<Photo> {
        let pixels = self.pixels(input)?;
        Photo::from_pixels("what the network saw", pixels.mapv(|v| v.clamp(0.0, 1.0)))
    }

    /// The size before the crop; torchvision rounds the long side down.
    fn resized(&self, height: usize, width: usize) -> [usize; 2] {
        let long = |side: usize, long: usize, short: usize| {
            (side as f64 * long as f64 / short as f64) as usize
        };
        match self.resize {
            Resize::None => [height, width],
            Resize::Exact(size) => size,
            Resize::ShortSide(side) if width <= height => [long(side, height, width), side],
            Resize::ShortSide(side) => [side, long(side, width, height)],
        }
    }
}

/// The middle `crop` of `whole` pixels, and how much black comes before it. An odd rest is halved and
/// rounded to even when there is too much, and down when there is too little: so does torchvision.
fn centre(whole: usize, crop: usize) -> (Span, usize) {
    let (from, count, before) = match whole.checked_sub(crop) {
        Some(rest) => ((rest as f64 / 2.0).round_ties_even() as usize, crop, 0),
        None => (0, whole, (crop - whole) / 2),
    };
    (Span { whole, from, count }, before)
}

/// Bytes as in the file; grey by PIL's whole-number weights.
fn to_bytes(photo: &Photo, grey: bool) -> Bytes {
    let (channels, height, width) = photo.pixels.dim();
    let byte = |v: &f32| (v * 255.0).round() as u8;
    let data: Vec<u8> = photo.pixels.iter().map(byte).collect();
    if channels == 1 || !grey {
        return Bytes {
            channels,
            height,
            width,
            data,
        };
    }
    let (red, rest) = data.split_at(height * width);
    let (green, blue) = rest.split_at(height * width);
    let data = red.iter().zip(green).zip(blue).map(|((&r, &g), &b)| {
        let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
        ((sum + 0x8000) >> 16) as u8
    });
    Bytes {
        channels: 1,
        height,
        width,
        data: data.collect(),
    }
}
