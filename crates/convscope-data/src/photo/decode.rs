//! From a file's bytes to pixels, whatever the file claims.

use super::{MOST_PIXELS, Photo};
use crate::error::{DataError, Result};
use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb32FImage};
use ndarray::Array3;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Longer files are refused: so many pixels take no more, four channels of 16 bits uncompressed.
pub(super) const MOST_BYTES: u64 = MOST_PIXELS * 8 + (1 << 20);
/// A JPEG may come in several scans, each over the whole picture. Encoders make about ten; a small file
/// of a hundred thousand would keep the decoder busy for hours.
const MOST_SCANS: usize = 500;
const FORMATS: &str = "PNG, JPEG, WebP, GIF or BMP";

pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Photo> {
    if bytes.len() as u64 > MOST_BYTES {
        let most = convscope_progress::size(MOST_BYTES);
        return Err(wrong(
            path,
            format!("the file is longer than {most}, more than any picture that is read"),
        ));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(DataError::io("read", path))?;
    match reader.format() {
        Some(ImageFormat::Jpeg) => walk_jpeg(bytes).map_err(|problem| wrong(path, problem))?,
        Some(ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif | ImageFormat::Bmp) => {}
        other => {
            let found = match other {
                Some(format) => format!("this is a {format:?} picture"),
                None => what_it_is(bytes).into(),
            };
            return Err(wrong(
                path,
                format!("{found}; expected a {FORMATS} file. Save it as PNG or JPEG"),
            ));
        }
    }
    let mut limits = Limits::default();
    // What the decoder may allocate beside the picture; the check below is on what it declares.
    limits.max_alloc = Some(match (reader.format(), bytes.get(16..20)) {
        // Profiles and texts, which nobody asked for, and two rows.
        (Some(ImageFormat::Png), Some(width)) => {
            let width = u32::from_be_bytes(width.try_into().expect("four bytes"));
            (64 << 20) + u64::from(width) * 16
        }
        _ => MOST_PIXELS * 8,
    });
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

/// Looks for a JPEG's end, and counts its scans. The decoder fills what is missing with grey and says
/// nothing.
fn walk_jpeg(bytes: &[u8]) -> Result<(), &'static str> {
    const CUT: &str =
        "the picture is not whole: the file ends in the middle; copy or fetch it again";
    let mut scans = 0;
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some(at) = rest.iter().position(|&b| b == 0xff) {
        rest = &rest[at + 1..];
        match rest {
            [0xd9, ..] => return Ok(()),
            // An escaped byte of the picture, fill, and markers without content.
            [0x00 | 0x01 | 0xd0..=0xd8, after @ ..] => rest = after,
            [0xff, ..] => {}
            // All others tell their length; a thumbnail with an end of its own lies within.
            [marker, high, low, ..] => {
                scans += usize::from(*marker == 0xda);
                if scans > MOST_SCANS {
                    return Err("the picture is stored in more than 500 scans; save it anew");
                }
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(1 + length..).unwrap_or_default();
            }
            _ => return Err(CUT),
        }
    }
    Err(CUT)
}

/// What a file is that is no picture, as far as its first bytes tell.
fn what_it_is(bytes: &[u8]) -> &'static str {
    let start = &bytes[..bytes.len().min(1024)];
    let text = String::from_utf8_lossy(start).to_lowercase();
    let brand = start.get(4..12).unwrap_or_default();
    match () {
        () if bytes.is_empty() => "the file is empty",
        () if text.contains("<svg") => "this is an SVG drawing, not pixels",
        () if text.contains("<html") || text.contains("<!doctype") => {
            "this is a web page, not a picture"
        }
        () if start.starts_with(b"%PDF") => "this is a PDF document",
        () if matches!(brand, b"ftypheic" | b"ftypheix" | b"ftypmif1" | b"ftypmsf1") => {
            "this is a HEIC picture, as iPhones make them"
        }
        () => "this is not a picture that can be read",
    }
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

pub(super) fn from_image(picture: &Rgb32FImage) -> Array3<f32> {
    Array3::from_shape_fn(
        (3, picture.height() as usize, picture.width() as usize),
        |(c, y, x)| picture.get_pixel(x as u32, y as u32)[c],
    )
}

pub(super) fn wrong(path: &Path, problem: impl Into<String>) -> DataError {
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
