//! Photographs: from a picture file to an array, turned upright, bounded in size.

mod decode;

use crate::error::{DataError, Result};
use crate::preprocessing::GREY;
use decode::{MOST_BYTES, decode, from_image, wrong};
use image::error::ImageError;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, Rgb, Rgb32FImage};
use ndarray::{Array3, ArrayView3, Axis, s};
use std::fmt;
use std::io::Read;
use std::path::Path;

/// More pixels than this are refused: as numbers they would take over half a gigabyte.
pub(crate) const MOST_PIXELS: u64 = 50_000_000;

/// A picture, upright, without transparency.
#[derive(Clone, Debug, PartialEq)]
pub struct Photo {
    /// The file's name, or what it shows.
    pub name: String,
    /// Values from 0 to 1, shape `[C, H, W]`: red, green, blue, or one channel of grey.
    pub pixels: Array3<f32>,
}

/// The pixels of a picture file: shape `[3, H, W]`, red, green, blue, 0 to 1.
///
/// # Errors
/// As [`Photo::open`].
pub fn load_photo(path: impl AsRef<Path>) -> Result<Array3<f32>> {
    Photo::open(path).map(|photo| photo.pixels)
}

/// The still life that the course ships, 256x256; a picture made by [`crate::synthetic::scene`].
pub fn sample_photo() -> Photo {
    let bytes = include_bytes!("../../../data/photos/still_life.png");
    Photo::from_bytes("still life", bytes).expect("the shipped picture was tested")
}

impl Photo {
    /// Reads a PNG, JPEG, WebP, GIF or BMP file. A camera's note on how it was held (EXIF orientation)
    /// is followed; what is transparent is laid on white; grey pictures get three equal channels; of
    /// moving pictures the first counts. Colour profiles are not applied.
    ///
    /// # Errors
    /// If there is no such file, it is none of these, it is damaged or not whole, it has more than 50
    /// million pixels, or it is longer than those could be (400 MB).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(DataError::io("open", path))?;
        if path.is_dir() {
            return Err(wrong(
                path,
                "this is a folder; give the path of a picture file",
            ));
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(DataError::io("read", path))?;
        decode(&bytes, path)
    }

    /// As [`open`](Self::open), from memory; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`open`](Self::open), except for reading.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        decode(bytes, Path::new(name))
    }

    /// A picture from numbers: shape `[1, H, W]` or `[3, H, W]`, 0 to 1.
    ///
    /// # Errors
    /// If the shape is another one, or has no pixel.
    pub fn from_pixels(name: impl Into<String>, pixels: Array3<f32>) -> Result<Self> {
        let photo = Self {
            name: name.into(),
            pixels,
        };
        photo.check()?;
        Ok(photo)
    }

    /// The fields are open, so anything may stand in them.
    pub(crate) fn check(&self) -> Result<()> {
        match self.pixels.dim() {
            (1 | 3, 1.., 1..) => Ok(()),
            _ => Err(DataError::Shape {
                what: "pixels of a photo".into(),
                expected: "[1, H, W] or [3, H, W]".into(),
                got: self.pixels.shape().to_vec(),
            }),
        }
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.pixels.dim().1
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.pixels.dim().2
    }

    /// One channel, weighed as the eye does: 0.299 red + 0.587 green + 0.114 blue.
    pub fn grey(&self) -> Self {
        let pixels = match self.pixels.dim().0 {
            1 => self.pixels.clone(),
            _ => {
                let channel = |c: usize| self.pixels.index_axis(Axis(0), c).mapv(|v| v * GREY[c]);
                (channel(0) + channel(1) + channel(2)).insert_axis(Axis(0))
            }
        };
        Self {
            name: self.name.clone(),
            pixels,
        }
    }

    /// Bright for dark and dark for bright: a digit in black ink on paper to white on black, as MNIST's
    /// are.
    pub fn negative(&self) -> Self {
        Self {
            name: self.name.clone(),
            pixels: self.pixels.mapv(|v| 1.0 - v),
        }
    }

    /// Another size, by Lanczos' window of 3; values stay within 0 to 1.
    ///
    /// # Errors
    /// If a side is 0 or the picture would have more than 50 million pixels.
    pub fn resize(&self, height: usize, width: usize) -> Result<Self> {
        let pixels = (height as u64).saturating_mul(width as u64);
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err(DataError::Argument {
                what: "resize",
                problem: format!(
                    "{height}x{width} pixels; expected at least 1x1, at most {MOST_PIXELS} in all"
                ),
            });
        }
        let resized = image::imageops::resize(
            &self.to_image(),
            width as u32,
            height as u32,
            FilterType::Lanczos3,
        );
        let mut photo = Self {
            name: self.name.clone(),
            pixels: from_image(&resized),
        };
        // Lanczos overshoots at edges.
        photo.pixels.mapv_inplace(|v| v.clamp(0.0, 1.0));
        if self.pixels.dim().0 == 1 {
            photo.pixels = photo.pixels.slice_move(s![..1, .., ..]);
        }
        Ok(photo)
    }

    /// Scaled so that the shorter side has `side` pixels.
    ///
    /// # Errors
    /// As [`resize`](Self::resize).
    pub fn resize_short_side(&self, side: usize) -> Result<Self> {
        let (height, width) = (self.height(), self.width());
        let scaled =
            |long: usize, short: usize| ((long * side) as f64 / short as f64).round() as usize;
        match height <= width {
            true => self.resize(side, scaled(width, height)),
            false => self.resize(scaled(height, width), side),
        }
    }

    /// The middle `height` by `width` pixels.
    ///
    /// # Errors
    /// If the picture is smaller than that.
    pub fn center_crop(&self, height: usize, width: usize) -> Result<Self> {
        if height == 0 || width == 0 || height > self.height() || width > self.width() {
            return Err(DataError::Argument {
                what: "center_crop",
                problem: format!(
                    "{height}x{width} pixels of a picture of {}x{}; resize it first",
                    self.height(),
                    self.width()
                ),
            });
        }
        let (top, left) = ((self.height() - height) / 2, (self.width() - width) / 2);
        let pixels = self
            .pixels
            .slice(s![.., top..top + height, left..left + width])
            .to_owned();
        Ok(Self {
            name: self.name.clone(),
            pixels,
        })
    }

    /// Writes a PNG of 8 bits a channel.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let picture = DynamicImage::ImageRgb32F(self.to_image());
        let written = match self.pixels.dim().0 {
            1 => picture.to_luma8().save_with_format(path, ImageFormat::Png),
            _ => picture.to_rgb8().save_with_format(path, ImageFormat::Png),
        };
        written.map_err(|e| match e {
            ImageError::IoError(e) => DataError::io("write", path)(e),
            e => wrong(path, format!("cannot write it: {e}")),
        })
    }

    fn to_image(&self) -> Rgb32FImage {
        let last = self.pixels.dim().0 - 1;
        Rgb32FImage::from_fn(self.width() as u32, self.height() as u32, |x, y| {
            Rgb([0, 1, 2].map(|c: usize| self.pixels[[c.min(last), y as usize, x as usize]]))
        })
    }
}

/// Its pixels.
impl<'a> From<&'a Photo> for ArrayView3<'a, f32> {
    fn from(photo: &'a Photo) -> Self {
        photo.pixels.view()
    }
}

impl fmt::Display for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.pixels.dim().0 == 1 {
            "grey"
        } else {
            "colour"
        };
        write!(
            f,
            "{}: {} x {} pixels, {kind}",
            self.name,
            self.width(),
            self.height()
        )
    }
}
