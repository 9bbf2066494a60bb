//! Photographs: from a PNG or JPEG file to an array, turned upright, bounded in size.

use crate::error::{DataError, Result};
use crate::preprocessing::GREY;
use image::error::{ImageError, LimitErrorKind};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, Rgb32FImage};
use ndarray::{Array3, Axis, s};
use std::fmt;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::{Path, PathBuf};

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
    /// Reads a PNG or JPEG file. A camera's note on how it was held (EXIF orientation) is followed;
    /// what is transparent is laid on white; grey pictures get three equal channels.
    ///
    /// # Errors
    /// If there is no such file, it is no PNG or JPEG, it is damaged, or it has more than 50 million
    /// pixels.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(DataError::io("open", path))?;
        if path.is_dir() {
            return Err(wrong(
                path,
                "this is a folder; give the path of a picture file",
            ));
        }
        decode(BufReader::new(file), path)
    }

    /// As [`open`](Self::open), from memory; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`open`](Self::open), except for reading.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        decode(Cursor::new(bytes), Path::new(name))
    }

    /// A picture from numbers: shape `[1, H, W]` or `[3, H, W]`, 0 to 1.
    ///
    /// # Errors
    /// If the shape is another one, or has no pixel.
    pub fn from_pixels(name: impl Into<String>, pixels: Array3<f32>) -> Result<Self> {
        if !matches!(pixels.dim(), (1 | 3, 1.., 1..)) {
            return Err(DataError::Shape {
                what: "pixels of a photo".into(),
                expected: "[1, H, W] or [3, H, W]".into(),
                got: pixels.shape().to_vec(),
            });
        }
        Ok(Self {
            name: name.into(),
            pixels,
        })
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
            1 => picture
                .to_luma8()
                .save_with_format(path, image::ImageFormat::Png),
            _ => picture
                .to_rgb8()
                .save_with_format(path, image::ImageFormat::Png),
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

fn decode(source: impl BufRead + Seek, path: &Path) -> Result<Photo> {
    let mut reader = ImageReader::new(source)
        .with_guessed_format()
        .map_err(DataError::io("read", path))?;
    let format = reader.format();
    match format {
        Some(image::ImageFormat::Png | image::ImageFormat::Jpeg) => {}
        Some(other) => {
            return Err(wrong(
                path,
                format!("this is a {other:?} picture; save it as PNG or JPEG and use that"),
            ));
        }
        None => {
            return Err(wrong(
                path,
                "this is not a picture that can be read; expected a PNG or JPEG file",
            ));
        }
    }
    let mut limits = Limits::default();
    // What the decoder may allocate; the check below is on what it declares.
    limits.max_alloc = Some(MOST_PIXELS * 8);
    reader.limits(limits);
    let damaged = |e: ImageError| match e {
        ImageError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            DataError::io("read", path)(e)
        }
        ImageError::Limits(e) if matches!(e.kind(), LimitErrorKind::InsufficientMemory) => {
            too_large(path, None)
        }
        ImageError::Unsupported(e) => wrong(
            path,
            format!("its kind of picture cannot be read ({e}); save it as plain RGB"),
        ),
        e => wrong(path, format!("the picture is damaged or not whole ({e})")),
    };
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(too_large(path, Some((width, height))));
    }
    if width == 0 || height == 0 {
        return Err(wrong(path, "the picture has no pixel"));
    }
    // A picture whose orientation cannot be read is shown as it is stored.
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let pixels = match picture.color().has_alpha() {
        true => over_white(&picture),
        false if picture.color().bytes_per_pixel() > 4 => from_image(&picture.into_rgb32f()),
        false => {
            let rgb = picture.into_rgb8();
            Array3::from_shape_fn(
                (3, rgb.height() as usize, rgb.width() as usize),
                |(c, y, x)| f32::from(rgb.get_pixel(x as u32, y as u32)[c]) / 255.0,
            )
        }
    };
    let name = path
        .file_stem()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Photo { name, pixels })
}

fn over_white(picture: &DynamicImage) -> Array3<f32> {
    let rgba = picture.to_rgba16();
    let most = f32::from(u16::MAX);
    Array3::from_shape_fn(
        (3, rgba.height() as usize, rgba.width() as usize),
        |(c, y, x)| {
            let pixel = rgba.get_pixel(x as u32, y as u32);
            let alpha = f32::from(pixel[3]) / most;
            f32::from(pixel[c]) / most * alpha + (1.0 - alpha)
        },
    )
}

fn from_image(picture: &Rgb32FImage) -> Array3<f32> {
    Array3::from_shape_fn(
        (3, picture.height() as usize, picture.width() as usize),
        |(c, y, x)| picture.get_pixel(x as u32, y as u32)[c],
    )
}

fn wrong(path: &Path, problem: impl Into<String>) -> DataError {
    DataError::Photo {
        path: PathBuf::from(path),
        problem: problem.into(),
    }
}

fn too_large(path: &Path, size: Option<(u32, u32)>) -> DataError {
    let size = size.map_or_else(String::new, |(w, h)| format!("{w} x {h} pixels is "));
    wrong(
        path,
        format!(
            "{size}more than the {} million pixels that are read; make it smaller first",
            MOST_PIXELS / 1_000_000
        ),
    )
}
