//! Pictures put together from pictures.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

pub(super) const PAPER: Rgb<u8> = Rgb([255; 3]);

/// White paper; at least one pixel.
pub(super) fn blank(width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width.max(1), height.max(1), PAPER)
}

/// Puts a picture onto another; what lies outside is lost.
pub(super) fn paste(onto: &mut RgbImage, picture: &RgbImage, x: u32, y: u32) {
    imageops::replace(onto, picture, i64::from(x), i64::from(y));
}

/// Every pixel as a square of so many.
pub fn magnified(picture: &RgbImage, factor: u32) -> RgbImage {
    let factor = factor.max(1);
    let (w, h) = picture.dimensions();
    imageops::resize(picture, w * factor, h * factor, FilterType::Nearest)
}

/// Pictures side by side with a gap, their upper edges in line.
pub fn beside(pictures: &[RgbImage], gap: u32) -> RgbImage {
    let width: u32 = pictures.iter().map(|p| p.width() + gap).sum();
    let height = pictures.iter().map(RgbImage::height).max().unwrap_or(1);
    let mut all = blank(width.saturating_sub(gap), height);
    let mut x = 0;
    for picture in pictures {
        paste(&mut all, picture, x, 0);
        x += picture.width() + gap;
    }
    all
}

/// Pictures one below the other with a gap, their left edges in line.
pub fn below(pictures: &[RgbImage], gap: u32) -> RgbImage {
    let height: u32 = pictures.iter().map(|p| p.height() + gap).sum();
    let width = pictures.iter().map(RgbImage::width).max().unwrap_or(1);
    let mut all = blank(width, height.saturating_sub(gap));
    let mut y = 0;
    for picture in pictures {
        paste(&mut all, picture, 0, y);
        y += picture.height() + gap;
    }
    all
}

/// A picture as large as fits into a square of this side: small ones with whole pixels, large ones
/// averaged.
pub(super) fn fitted(picture: &RgbImage, side: u32) -> RgbImage {
    let longest = picture.width().max(picture.height()).max(1);
    if longest <= side {
        return magnified(picture, side / longest);
    }
    let scaled = |n: u32| (n * side).div_ceil(longest).max(1);
    imageops::resize(
        picture,
        scaled(picture.width()),
        scaled(picture.height()),
        FilterType::Triangle,
    )
}
