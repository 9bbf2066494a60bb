//! Many small pictures in a grid.

use super::canvas::{blank, fitted, magnified, paste};
use super::colour::Colormap;
use super::heat::{Painted, coloured};
use super::scale::{Ends, Look, Scale};
use super::words::{INK, letter, write};
use crate::error::{Result, VisError};
use image::{Rgb, RgbImage};
use ndarray::{Array3, Axis};

/// A grid of small arrays or pictures with a gap between them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tiles {
    /// Tiles in a row. Default: about as many as there are rows, a few more across.
    pub columns: Option<usize>,
    /// White pixels between tiles. Default: 3.
    pub gap: u32,
    /// Every number as a square of so many pixels. Default: what makes a tile about 64 pixels
    /// large.
    pub magnify: Option<u32>,
    /// Colours and scale of tiles of one channel. Default: [`Look::fitting`].
    pub look: Option<Look>,
    /// Whether each tile has a scale of its own. Default: no, so that tiles can be compared.
    pub per_tile: bool,
    /// Words above each tile, in order.
    pub titles: Vec<String>,
}

impl Default for Tiles {
    fn default() -> Tiles {
        Tiles {
            columns: None,
            gap: 3,
            magnify: None,
            look: None,
            per_tile: false,
            titles: Vec::new(),
        }
    }
}

impl Tiles {
    /// The default.
    pub fn new() -> Tiles {
        Tiles::default()
    }

    /// With so many tiles in a row.
    pub fn columns(mut self, columns: usize) -> Tiles {
        self.columns = Some(columns);
        self
    }

    /// With another gap.
    pub fn gap(mut self, pixels: u32) -> Tiles {
        self.gap = pixels;
        self
    }

    /// With every number as a square of so many pixels.
    pub fn magnify(mut self, factor: u32) -> Tiles {
        self.magnify = Some(factor);
        self
    }

    /// With these colours and this scale.
    pub fn look(mut self, look: Look) -> Tiles {
        self.look = Some(look);
        self
    }

    /// With a scale of its own for each tile.
    pub fn per_tile(mut self) -> Tiles {
        self.per_tile = true;
        self
    }

    /// With words above each tile.
    pub fn titles<T: Into<String>>(mut self, titles: impl IntoIterator<Item = T>) -> Tiles {
        self.titles = titles.into_iter().map(Into::into).collect();
        self
    }

    /// Arrays `[C, H, W]` of one shape: of three channels in colour (black at the lower end, white
    /// at the upper, for all three alike), of one in the look's colours. The ends of the result are
    /// those of the shared scale, or of the first tile's.
    ///
    /// # Errors
    /// When there is none, they have not 1 or 3 channels, or differ in shape.
    pub fn arrays(&self, tiles: &[Array3<f32>]) -> Result<Painted> {
        let shape = tiles.first().map(|t| t.dim());
        let Some((channels @ (1 | 3), height @ 1.., width @ 1..)) = shape else {
            let got = tiles.first().map_or(&[0][..], |t| t.shape());
            return Err(VisError::shape("tiles", "[1 or 3, height, width]", got));
        };
        if let Some(other) = tiles.iter().find(|t| Some(t.dim()) != shape) {
            let expected = format!("[{channels}, {height}, {width}] as the first");
            return Err(VisError::shape("a tile", expected, other.shape()));
        }
        let all = || tiles.iter().flatten();
        let look = match (self.look, channels) {
            (Some(look), _) => look,
            (None, 1) => Look::fitting(all()),
            // Grey in the middle is zero where there are two signs.
            (None, _) if all().any(|&v| v < 0.0) => Look::new(Colormap::Grey, Scale::Symmetric),
            (None, _) => Look::grey(),
        };
        let shared = look.scale.ends(all());
        let own = |tile: &Array3<f32>| match self.per_tile {
            true => look.scale.ends(tile),
            false => shared,
        };
        let longest = height.max(width) as u32;
        let factor = self.magnify.unwrap_or((64 / longest).max(1));
        let images: Vec<RgbImage> = tiles
            .iter()
            .map(|tile| magnified(&paint(tile, look.colours, own(tile)), factor))
            .collect();
        Ok(Painted {
            image: self.grid(&images),
            colours: look.colours,
            scale: look.scale,
            ends: tiles.first().map_or(shared, own),
        })
    }

    /// Pictures, each magnified by whole numbers or shrunk to fit into squares of `side` pixels.
    pub fn pictures(&self, pictures: &[RgbImage], side: u32) -> RgbImage {
        let fitted: Vec<RgbImage> = pictures.iter().map(|p| fitted(p, side)).collect();
        self.grid(&fitted)
    }

    /// Pictures of any size as they are, each in the middle of its place.
    fn grid(&self, images: &[RgbImage]) -> RgbImage {
        let widest = images.iter().map(RgbImage::width).max().unwrap_or(1);
        let highest = images.iter().map(RgbImage::height).max().unwrap_or(1);
        let usual = ((images.len() as f64 * 1.3).sqrt().ceil() as usize).max(1);
        let columns = self.columns.unwrap_or(usual).clamp(1, images.len().max(1));
        let rows = images.len().div_ceil(columns) as u32;
        let title = match self.titles.is_empty() {
            true => 0,
            false => letter(1)[1] + 1,
        };
        let (across, down) = (widest + self.gap, highest + title + self.gap);
        let mut grid = blank(columns as u32 * across + self.gap, rows * down + self.gap);
        for (i, image) in images.iter().enumerate() {
            let x = self.gap + (i % columns) as u32 * across;
            let y = self.gap + (i / columns) as u32 * down;
            if let Some(words) = self.titles.get(i) {
                let room = (widest / letter(1)[0]) as usize;
                let words: String = words.chars().take(room).collect();
                write(&mut grid, i64::from(x), i64::from(y), &words, 1, INK);
            }
            let left = x + (widest - image.width()) / 2;
            paste(&mut grid, image, left, y + title);
        }
        grid
    }
}

fn paint(tile: &Array3<f32>, colours: Colormap, ends: Ends) -> RgbImage {
    if tile.dim().0 == 1 {
        return coloured(&tile.index_axis(Axis(0), 0).to_owned(), colours, ends);
    }
    let (_, height, width) = tile.dim();
    let byte = |v: f32| {
        let share = ends.share(v).unwrap_or(0.5).clamp(0.0, 1.0);
        (255.0 * share).round() as u8
    };
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb([0, 1, 2].map(|c: usize| byte(tile[[c, y as usize, x as usize]])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_share_a_scale_unless_each_has_its_own() {
        let tiles: Vec<_> = (1..=2)
            .map(|k| Array3::from_shape_fn((1, 2, 2), |(_, y, x)| (k * (y * 2 + x)) as f32))
            .collect();
        let plain = Tiles::new().columns(2).gap(1).magnify(1);
        let yellow = [253, 231, 37];
        let corner = |p: &Painted, i: u32| p.image.get_pixel(1 + i * 3 + 1, 2).0;
        let shared = plain.arrays(&tiles).unwrap();
        assert_eq!(shared.ends.high, 6.0);
        assert_eq!(shared.image.dimensions(), (7, 4));
        assert_ne!(corner(&shared, 0), yellow);
        assert_eq!(corner(&shared, 1), yellow);
        let own = plain.per_tile().arrays(&tiles).unwrap();
        assert_eq!([corner(&own, 0), corner(&own, 1)], [yellow; 2]);
    }

    #[test]
    fn filters_of_three_channels_keep_zero_in_the_middle() {
        let tile = Array3::from_shape_fn((3, 1, 2), |(c, _, x)| match (c, x) {
            (0, 0) => -2.0,
            (1, 0) => 1.0,
            _ => 0.0,
        });
        let painted = Tiles::new().gap(0).magnify(1).arrays(&[tile]).unwrap();
        assert_eq!(painted.image.get_pixel(0, 0).0, [0, 191, 128]);
        assert_eq!(painted.image.get_pixel(1, 0).0, [128; 3]);
    }

    #[test]
    fn no_tiles_or_odd_ones_are_an_error() {
        assert!(Tiles::new().arrays(&[]).is_err());
        let odd = [Array3::zeros((1, 2, 2)), Array3::zeros((1, 3, 2))];
        let error = Tiles::new().arrays(&odd).unwrap_err().to_string();
        assert!(
            error.contains("[1, 2, 2]") && error.contains("[1, 3, 2]"),
            "{error}"
        );
        assert!(Tiles::new().arrays(&[Array3::zeros((2, 2, 2))]).is_err());
    }
}
