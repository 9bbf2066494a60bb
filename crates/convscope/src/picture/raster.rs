//! Pixels, and the small files they travel in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// A PNG above this size goes out as JPEG where that is smaller: photographs.
const LARGE: usize = 40_000;

/// An RGB picture, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Raster {
    pub(crate) fn new(
        width: usize,
        height: usize,
        mut colour: impl FnMut(usize, usize) -> [u8; 3],
    ) -> Raster {
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                rgb.extend(colour(y, x));
            }
        }
        Raster { width, height, rgb }
    }

    pub(crate) fn get(&self, y: usize, x: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    fn set(&mut self, y: usize, x: usize, colour: [u8; 3]) {
        let at = (y * self.width + x) * 3;
        self.rgb[at..at + 3].copy_from_slice(&colour);
    }

    /// Every pixel as a square of `factor` times `factor`.
    pub(crate) fn magnified(&self, factor: usize) -> Raster {
        Raster::new(self.width * factor, self.height * factor, |y, x| {
            self.get(y / factor, x / factor)
        })
    }

    /// Every square of `factor` times `factor` as one pixel, its mean.
    pub(crate) fn reduced(&self, factor: usize) -> Raster {
        let size = |n: usize| (n / factor).max(1);
        let (height, width) = (size(self.height), size(self.width));
        Raster::new(width, height, |y, x| {
            let mut sum = [0usize; 3];
            let mut count = 0;
            for sy in y * factor..((y + 1) * factor).min(self.height) {
                for sx in x * factor..((x + 1) * factor).min(self.width) {
                    for (s, v) in sum.iter_mut().zip(self.get(sy, sx)) {
                        *s += usize::from(v);
                    }
                    count += 1;
                }
            }
            sum.map(|s| (s / count.max(1)) as u8)
        })
    }

    /// Draws the outline of a rectangle, as much of it as lies inside.
    pub(crate) fn outline(
        &mut self,
        [top, left, height, width]: [usize; 4],
        thick: usize,
        colour: [u8; 3],
    ) {
        let (bottom, right) = (top + height, left + width);
        for y in top..bottom.min(self.height) {
            for x in left..right.min(self.width) {
                let inside = y >= top + thick
                    && y + thick < bottom
                    && x >= left + thick
                    && x + thick < right;
                if !inside {
                    self.set(y, x, colour);
                }
            }
        }
    }

    /// The address of an `<img>` that holds the picture itself.
    pub(crate) fn data_address(&self) -> String {
        let png = self.png();
        if png.len() > LARGE {
            let jpeg = self.jpeg();
            if jpeg.len() < png.len() && !jpeg.is_empty() {
                return format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg));
            }
        }
        format!("data:image/png;base64,{}", STANDARD.encode(png))
    }

    pub(crate) fn png(&self) -> Vec<u8> {
        let is_grey = self
            .rgb
            .chunks_exact(3)
            .all(|p| p[0] == p[1] && p[1] == p[2]);
        let grey: Vec<u8>;
        let (pixels, kind) = if is_grey {
            grey = self.rgb.iter().step_by(3).copied().collect();
            (&grey, ExtendedColorType::L8)
        } else {
            (&self.rgb, ExtendedColorType::Rgb8)
        };
        let mut out = Vec::new();
        let encoder =
            PngEncoder::new_with_quality(&mut out, CompressionType::Best, FilterType::Adaptive);
        let (width, height) = (self.width as u32, self.height as u32);
        match encoder.write_image(pixels, width, height, kind) {
            Ok(()) => out,
            Err(_) => Vec::new(), // only for a picture without pixels
        }
    }

    fn jpeg(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let (width, height) = (self.width as u32, self.height as u32);
        match JpegEncoder::new_with_quality(&mut out, 92).encode(
            &self.rgb,
            width,
            height,
            ExtendedColorType::Rgb8,
        ) {
            Ok(()) => out,
            Err(_) => Vec::new(),
        }
    }
}

/// An SVG as the address of an `<img>`: inline it would be dropped from an untrusted notebook.
pub(crate) fn svg_address(svg: &str) -> String {
    format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_from_its_png() {
        let r = Raster::new(5, 3, |y, x| [(y * 50) as u8, (x * 40) as u8, 7]);
        let back = image::load_from_memory(&r.png()).unwrap().to_rgb8();
        assert_eq!(back.dimensions(), (5, 3));
        assert_eq!(back.into_raw(), r.rgb);
    }

    #[test]
    fn magnifying_and_reducing_undo_each_other() {
        let r = Raster::new(4, 3, |y, x| [(y * 50) as u8, (x * 40) as u8, 7]);
        assert_eq!(r.magnified(6).reduced(6), r);
    }

    #[test]
    fn an_outline_stays_inside() {
        let mut r = Raster::new(8, 8, |_, _| [0; 3]);
        r.outline([6, 6, 10, 10], 1, [255; 3]);
        assert_eq!(r.get(6, 6), [255; 3]);
        assert_eq!(r.get(7, 7), [0; 3]);
    }

    #[test]
    fn a_noisy_photo_stays_small() {
        let mut state = 1u32;
        let r = Raster::new(640, 480, |y, x| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 28) as u8;
            [(y / 2) as u8 + noise / 2, (x / 3) as u8 + noise / 2, noise]
        });
        let address = r.data_address();
        assert!(address.starts_with("data:image/jpeg"));
        assert!(address.len() < 250_000, "{}", address.len());
    }
}
