//! Maps of numbers as colours, alone or over a photo.

use super::canvas::{blank, magnified, paste};
use super::colour::Colormap;
use super::scale::{Ends, Look, Scale};
use super::words::{INK, letter, number, text_width, write};
use crate::provenance::Provenance;
use image::{Rgb, RgbImage};
use ndarray::Array2;
use serde_json::json;

/// A picture of numbers, with what its colours stand for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Painted {
    /// The picture.
    pub image: RgbImage,
    /// Its colours.
    pub colours: Colormap,
    /// How their ends were found.
    pub scale: Scale,
    /// The numbers at the ends.
    pub ends: Ends,
}

/// The numbers `[H, W]` as colours, a pixel each.
pub fn heat_map(values: &Array2<f32>, look: Look) -> Painted {
    let ends = look.scale.ends(values);
    Painted {
        image: coloured(values, look.colours, ends),
        colours: look.colours,
        scale: look.scale,
        ends,
    }
}

pub(super) fn coloured(values: &Array2<f32>, colours: Colormap, ends: Ends) -> RgbImage {
    let (height, width) = values.dim();
    let mut image = blank(width as u32, height as u32);
    for ((y, x), &v) in values.indexed_iter() {
        image.put_pixel(x as u32, y as u32, Rgb(colours.of(v, ends)));
    }
    image
}

impl Painted {
    /// With every pixel as a square of so many.
    pub fn magnified(mut self, factor: u32) -> Painted {
        self.image = magnified(&self.image, factor);
        self
    }

    /// The picture with its colour bar below: the lower end at the left, the upper at the right.
    pub fn with_bar(&self) -> RgbImage {
        let bar = colour_bar(self.colours, self.ends, self.image.width().max(160));
        super::canvas::below(&[self.image.clone(), bar], 6)
    }

    /// Provenance with the colours and the scale of the picture.
    pub fn noted(&self, provenance: Provenance) -> Provenance {
        provenance.setting(
            "picture",
            json!({
                "colours": self.colours,
                "scale": self.scale.in_words(),
                "low": self.ends.low,
                "high": self.ends.high,
            }),
        )
    }
}

/// Colours from end to end with the numbers under them, and zero where it lies between.
pub(super) fn colour_bar(colours: Colormap, ends: Ends, width: u32) -> RgbImage {
    const BAR: u32 = 10;
    let size = if width >= 320 { 2 } else { 1 };
    let mut bar = blank(width, BAR + 4 + letter(size)[1]);
    for x in 0..width {
        let t = f64::from(x) / f64::from((width - 1).max(1));
        for y in 0..BAR {
            bar.put_pixel(x, y, Rgb(colours.at(t)));
        }
    }
    let (low, high) = (number(ends.low), number(ends.high));
    let mut put = |x: u32, words: &str| {
        write(&mut bar, i64::from(x), i64::from(BAR + 3), words, size, INK);
    };
    put(0, &low);
    let right = width.saturating_sub(text_width(&high, size));
    put(right, &high);
    if let Some(t) = ends.share(0.0).filter(|t| *t > 0.0 && *t < 1.0) {
        let x = (t * f64::from(width)) as u32;
        let x = x.saturating_sub(text_width("0", size) / 2);
        if x > text_width(&low, size) + 8 && x + 2 * letter(size)[0] < right {
            put(x, "0");
        }
    }
    bar
}

/// How much of the photo a map over it hides.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Opacity {
    /// The same everywhere, from 0 (only the photo) to 1 (only the map).
    Even(f32),
    /// As much as the value stands out, up to this: where the map says nothing, the photo shows.
    ByStrength(f32),
}

/// How a map is laid over a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Overlay {
    /// Default: even, 0.6. Below that the colours of the photo are taken for the map's.
    pub opacity: Opacity,
    /// Whether the photo loses its colours first. Default: yes, for the same reason.
    pub grey_photo: bool,
}

impl Default for Overlay {
    fn default() -> Overlay {
        Overlay {
            opacity: Opacity::Even(0.6),
            grey_photo: true,
        }
    }
}

impl Overlay {
    /// The default.
    pub fn new() -> Overlay {
        Overlay::default()
    }

    /// With another opacity.
    pub fn opacity(mut self, opacity: Opacity) -> Overlay {
        self.opacity = opacity;
        self
    }

    /// With the photo in its colours, or in grey.
    pub fn grey_photo(mut self, grey: bool) -> Overlay {
        self.grey_photo = grey;
        self
    }
}

/// A map over a photo; it is stretched to the photo's size (bilinear) where it has another.
pub fn overlay(photo: &RgbImage, values: &Array2<f32>, look: Look, how: Overlay) -> Painted {
    let ends = look.scale.ends(values);
    Painted {
        image: laid_over(photo, values, look.colours, ends, how),
        colours: look.colours,
        scale: look.scale,
        ends,
    }
}

pub(super) fn laid_over(
    photo: &RgbImage,
    values: &Array2<f32>,
    colours: Colormap,
    ends: Ends,
    how: Overlay,
) -> RgbImage {
    let (width, height) = photo.dimensions();
    let values = resized(values, height as usize, width as usize);
    let mut image = blank(width, height);
    paste(&mut image, photo, 0, 0);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let v = values[[y as usize, x as usize]];
        let opacity = match how.opacity {
            Opacity::Even(o) => f64::from(o),
            Opacity::ByStrength(o) => {
                let t = ends.share(v).unwrap_or(colours.neutral()).clamp(0.0, 1.0);
                let room = if colours.neutral() > 0.0 { 0.5 } else { 1.0 };
                // The root lets weak values be seen at all.
                f64::from(o) * ((t - colours.neutral()).abs() / room).sqrt()
            }
        }
        .clamp(0.0, 1.0);
        let over = colours.of(v, ends);
        let under = match how.grey_photo {
            true => {
                let [r, g, b] = pixel.0.map(f64::from);
                [(0.299 * r + 0.587 * g + 0.114 * b).round() as u8; 3]
            }
            false => pixel.0,
        };
        pixel.0 = std::array::from_fn(|c| {
            let (a, b) = (f64::from(under[c]), f64::from(over[c]));
            (a + opacity * (b - a)).round() as u8
        });
    }
    image
}

/// Another size by bilinear interpolation between the centres of the cells (PyTorch's
/// `align_corners=False`).
pub fn resized(values: &Array2<f32>, height: usize, width: usize) -> Array2<f32> {
    let (h, w) = values.dim();
    if (h, w) == (height, width) || h == 0 || w == 0 {
        return values.clone();
    }
    let place = |i: usize, from: usize, to: usize| {
        let at = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
        let low = at as usize;
        (low, (low + 1).min(from - 1), (at - low as f64) as f32)
    };
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (top, bottom, down) = place(y, h, height);
        let (left, right, across) = place(x, w, width);
        let row = |y: usize| values[[y, left]] * (1.0 - across) + values[[y, right]] * across;
        row(top) * (1.0 - down) + row(bottom) * down
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_signed_map_is_white_at_zero_and_says_its_ends() {
        let map = array![[-1.0, 0.0], [2.0, f32::NAN]];
        let painted = heat_map(&map, Look::signed());
        assert_eq!(
            painted.ends,
            Ends {
                low: -2.0,
                high: 2.0
            }
        );
        assert_eq!(painted.image.get_pixel(1, 0).0, [247; 3]);
        assert_eq!(painted.image.get_pixel(0, 1).0, [103, 0, 31]);
        assert_eq!(painted.image.get_pixel(1, 1).0, [255, 0, 200]);
        let noted = painted.noted(Provenance::new("a", "b"));
        assert_eq!(noted.settings["picture"]["high"], 2.0);
        assert!(painted.with_bar().height() > 2);
    }

    #[test]
    fn opacity_goes_from_the_photo_to_the_map() {
        let photo = RgbImage::from_pixel(4, 4, Rgb([10, 200, 30]));
        let map = array![[0.0, 1.0], [0.0, 1.0]];
        let paint = |o| {
            let how = Overlay::new().opacity(o).grey_photo(false);
            overlay(&photo, &map, Look::unsigned(), how).image
        };
        assert_eq!(paint(Opacity::Even(0.0)), photo);
        assert_eq!(paint(Opacity::Even(1.0)).get_pixel(0, 0).0, [68, 1, 84]);
        let strong = paint(Opacity::ByStrength(1.0));
        assert_eq!(strong.get_pixel(0, 0).0, [10, 200, 30]);
        assert_eq!(strong.get_pixel(3, 0).0, [253, 231, 37]);
    }

    #[test]
    fn a_map_is_stretched_between_its_centres() {
        let wide = resized(&array![[0.0, 1.0]], 1, 4);
        assert_eq!(wide, array![[0.0, 0.25, 0.75, 1.0]]);
    }
}
