//! Histograms of oriented gradients: the descriptor that people made by hand before networks learned
//! theirs (Dalal and Triggs 2005, <https://doi.org/10.1109/CVPR.2005.177>).

use crate::error::{Result, TransferError};
use crate::features::{Features, Source};
use convscope_data::Photo;
use convscope_vis::Provenance;
use ndarray::{Array1, Array2, Array3, ArrayView3, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::f32::consts::{PI, TAU};

/// How a block of histograms is normalised: against light and contrast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockNorm {
    /// Length 1, then no number above [`Hog::clip`], then length 1 again, as Lowe's SIFT does: a
    /// single strong edge does not drown the others. The paper's best, with L1Root.
    #[default]
    L2Hys,
    /// Length 1.
    L2,
    /// The root of each number's share in the sum.
    L1Root,
}

/// The settings. `Hog::default()` is the paper's detector of people, for images of any size.
///
/// The steps: the root of the pixels; the gradient `[-1, 0, 1]` without smoothing, of the channel where
/// it is largest; a histogram of its directions in each cell, every pixel voting by its gradient's
/// length and sharing its vote between the nearest bins and the nearest cells; blocks of cells,
/// overlapping by all but one, each normalised on its own. (The paper also weighs a block's pixels by a
/// Gaussian, for about a hundredth of its miss rate; that is left out here.)
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hog {
    /// Photographs are brought to this height and width first; as they are where it is not set, and
    /// then all must be of one size.
    pub size: Option<[usize; 2]>,
    /// Pixels along a cell's side. 8 unless set: the paper found 6 to 8 best, the width of a limb.
    pub cell: usize,
    /// Cells along a block's side. 2 unless set: larger blocks gained nothing.
    pub block: usize,
    /// Directions. 9 unless set: 20 degrees each; fewer cost much, more gain nothing.
    pub bins: usize,
    /// Whether dark on light differs from light on dark: 360 degrees instead of 180. Not unless set:
    /// clothes (and cars) come in all colours.
    pub signed: bool,
    /// Whether the root of each pixel is taken first, which evens out light and shade.
    pub root: bool,
    /// How blocks are normalised.
    pub norm: BlockNorm,
    /// The most of a number in [`BlockNorm::L2Hys`]. 0.2 unless set, Lowe's.
    pub clip: f32,
}

impl Default for Hog {
    fn default() -> Hog {
        Hog {
            size: None,
            cell: 8,
            block: 2,
            bins: 9,
            signed: false,
            root: true,
            norm: BlockNorm::L2Hys,
            clip: 0.2,
        }
    }
}

/// Against a division by zero where a block has no gradient at all.
const EPSILON: f32 = 1e-5;

impl Hog {
    /// The numbers of a descriptor for images of this height and width, the blocks by rows, in each its
    /// cells by rows, in each its bins.
    ///
    /// # Errors
    /// When a setting makes no sense, or a block does not fit into the image.
    pub fn width(&self, height: usize, width: usize) -> Result<usize> {
        let [down, across] = self.blocks(height, width)?;
        Ok(down * across * self.block * self.block * self.bins)
    }

    fn blocks(&self, height: usize, width: usize) -> Result<[usize; 2]> {
        if self.cell == 0 || self.block == 0 || self.bins < 2 {
            return Err(TransferError::invalid(format!(
                "HOG: expected cells of at least a pixel, blocks of at least a cell and 2 bins, got \
                 {}, {} and {}",
                self.cell, self.block, self.bins
            )));
        }
        if !(self.clip > 0.0 && self.clip <= 1.0) {
            return Err(TransferError::invalid(format!(
                "HOG: clip must be above 0 and at most 1, got {}",
                self.clip
            )));
        }
        let fits = |side: usize| (side / self.cell + 1).saturating_sub(self.block);
        match [fits(height), fits(width)] {
            [0, _] | [_, 0] => Err(TransferError::invalid(format!(
                "HOG: an image of {height}x{width} pixels is smaller than a block of {0}x{0} cells of \
                 {1}x{1} pixels",
                self.block, self.cell
            ))),
            blocks => Ok(blocks),
        }
    }

    /// The descriptor of an image `[C, H, W]`, in any unit.
    ///
    /// # Errors
    /// When a setting makes no sense, a block does not fit, or a pixel is NaN, infinite, or negative
    /// where roots are to be taken.
    pub fn describe(&self, image: ArrayView3<'_, f32>) -> Result<Array1<f32>> {
        let (channels, height, width) = image.dim();
        let [down, across] = self.blocks(height, width)?;
        let low = if self.root { 0.0 } else { f32::NEG_INFINITY };
        if channels == 0 || image.iter().any(|v| !v.is_finite() || *v < low) {
            return Err(TransferError::invalid(format!(
                "HOG: expected {} pixels, got an image [{channels}, {height}, {width}] with others \
                 among them",
                match self.root {
                    true => "finite and not negative (roots are taken of them)",
                    false => "finite",
                }
            )));
        }
        let cells = self.histograms(image);
        let mut all = Vec::with_capacity(self.width(height, width)?);
        for y in 0..down {
            for x in 0..across {
                let block = cells.slice(s![y..y + self.block, x..x + self.block, ..]);
                let mut values: Vec<f32> = block.iter().copied().collect();
                self.normalise(&mut values);
                all.extend(values);
            }
        }
        Ok(Array1::from(all))
    }

    /// `[cells down, cells across, bins]`, of the middle of the image where cells do not fill it.
    fn histograms(&self, image: ArrayView3<'_, f32>) -> Array3<f32> {
        let (_, height, width) = image.dim();
        let cells = [height / self.cell, width / self.cell];
        let start = [
            (height - cells[0] * self.cell) / 2,
            (width - cells[1] * self.cell) / 2,
        ];
        let image = match self.root {
            true => image.mapv(f32::sqrt),
            false => image.to_owned(),
        };
        let mut histograms = Array3::zeros((cells[0], cells[1], self.bins));
        for y in 0..cells[0] * self.cell {
            for x in 0..cells[1] * self.cell {
                let (length, angle) = self.gradient(&image, y + start[0], x + start[1]);
                if length == 0.0 {
                    continue;
                }
                let turn = if self.signed { TAU } else { PI };
                let bin = shares(angle / turn * self.bins as f32 - 0.5);
                let place = |at: usize| shares((at as f32 + 0.5) / self.cell as f32 - 0.5);
                for (row, of_row) in place(y) {
                    for (column, of_column) in place(x) {
                        // Half a vote beyond the outermost cells goes nowhere.
                        let inside = (0..cells[0] as isize).contains(&row)
                            && (0..cells[1] as isize).contains(&column);
                        if !inside {
                            continue;
                        }
                        for (bin, of_bin) in bin {
                            let bin = bin.rem_euclid(self.bins as isize) as usize;
                            histograms[[row as usize, column as usize, bin]] +=
                                length * of_row * of_column * of_bin;
                        }
                    }
                }
            }
        }
        histograms
    }

    /// The length and the direction of the gradient at a pixel, of the channel where it is longest;
    /// the image goes on at its edge as it ends there.
    fn gradient(&self, image: &Array3<f32>, y: usize, x: usize) -> (f32, f32) {
        let (channels, height, width) = image.dim();
        let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
        let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
        let mut longest = (0.0, 0.0, 0.0);
        for c in 0..channels {
            let dx = image[[c, y, right]] - image[[c, y, left]];
            let dy = image[[c, below, x]] - image[[c, above, x]];
            let square = dx * dx + dy * dy;
            if square > longest.0 {
                longest = (square, dx, dy);
            }
        }
        let (square, dx, dy) = longest;
        let turn = if self.signed { TAU } else { PI };
        (square.sqrt(), dy.atan2(dx).rem_euclid(turn))
    }

    fn normalise(&self, values: &mut [f32]) {
        let scale_to_length_1 = |values: &mut [f32]| {
            let squares: f32 = values.iter().map(|v| v * v).sum();
            let length = (squares + EPSILON * EPSILON).sqrt();
            values.iter_mut().for_each(|v| *v /= length);
        };
        match self.norm {
            BlockNorm::L2 => scale_to_length_1(values),
            BlockNorm::L2Hys => {
                scale_to_length_1(values);
                values.iter_mut().for_each(|v| *v = v.min(self.clip));
                scale_to_length_1(values);
            }
            BlockNorm::L1Root => {
                let sum = values.iter().sum::<f32>() + EPSILON;
                values.iter_mut().for_each(|v| *v = (*v / sum).sqrt());
            }
        }
    }

    /// The descriptors of many images, as features called `"hog"`.
    ///
    /// # Errors
    /// When there is no image, one cannot be read, they differ in size, or as [`Hog::describe`].
    pub fn features(&self, source: &(impl Source + ?Sized)) -> Result<Features> {
        if source.is_empty() {
            return Err(TransferError::invalid(format!(
                "{}: there is no image to describe",
                source.name()
            )));
        }
        let white = source.white()?;
        let rows = (0..source.len()).into_par_iter().map(|i| {
            let photo = source.open(i)?;
            let pixels = photo.pixels.mapv(|v| v / white);
            let photo = match self.size {
                None => Photo { pixels, ..photo },
                Some([height, width]) => Photo { pixels, ..photo }.resize(height, width)?,
            };
            let size = [photo.height(), photo.width()];
            Ok((size, self.describe(photo.pixels.view())?))
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let first = rows[0].0;
        if let Some(i) = rows.iter().position(|(size, _)| *size != first) {
            return Err(TransferError::invalid(format!(
                "HOG: \"{}\" has {}x{} pixels and \"{}\" {}x{}; set a size for all",
                source.image_name(0),
                first[0],
                first[1],
                source.image_name(i),
                rows[i].0[0],
                rows[i].0[1]
            )));
        }
        let mut values = Array2::zeros((rows.len(), rows[0].1.len()));
        for (mut place, (_, row)) in values.outer_iter_mut().zip(&rows) {
            place.assign(row);
        }
        let labels = (0..source.len()).map(|i| source.label(i)).collect();
        let mut features = Features::new("hog", values, labels, source.classes())?;
        features.names = (0..source.len()).map(|i| source.image_name(i)).collect();
        let settings = serde_json::to_value(self).expect("numbers and words");
        features.provenance = Provenance::new("hog", "Dalal and Triggs 2005")
            .setting("data", source.name())
            .setting("hog", settings);
        Ok(features)
    }
}

/// The whole numbers on both sides of a position, with their shares of a vote.
fn shares(position: f32) -> [(isize, f32); 2] {
    let below = position.floor();
    let rest = position - below;
    [(below as isize, 1.0 - rest), (below as isize + 1, rest)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView1;

    const RAW: Hog = Hog {
        size: None,
        cell: 8,
        block: 2,
        bins: 9,
        signed: false,
        root: false,
        norm: BlockNorm::L2,
        clip: 0.2,
    };

    fn ramp(degrees: f32) -> Array3<f32> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Array3::from_shape_fn((1, 32, 32), |(_, y, x)| {
            5.0 + 0.01 * (x as f32 * cos + y as f32 * sin)
        })
    }

    fn noise(channels: usize, height: usize, width: usize) -> Array3<f32> {
        let mut draw = convscope_data::Draw::new(4, 0);
        Array3::from_shape_simple_fn((channels, height, width), || draw.unit())
    }

    /// The share of each bin in the block in the middle, whose pixels have whole votes.
    fn bins(hog: &Hog, image: &Array3<f32>) -> Vec<f32> {
        let all = hog.describe(image.view()).unwrap();
        assert_eq!(all.len(), hog.width(32, 32).unwrap());
        let length = 4 * hog.bins;
        let block: ArrayView1<'_, f32> = all.slice(s![4 * length..5 * length]);
        let mut sums = vec![0.0; hog.bins];
        for (i, v) in block.iter().enumerate() {
            sums[i % hog.bins] += v;
        }
        let sum: f32 = sums.iter().sum();
        sums.iter().map(|v| v / sum).collect()
    }

    #[test]
    fn a_ramps_direction_is_shared_by_the_two_nearest_bins() {
        // Bins' middles are at 10, 30, 50, .. degrees.
        for (degrees, expected) in [
            (10.0, vec![(0, 1.0)]),
            (0.0, vec![(0, 0.5), (8, 0.5)]),
            (90.0, vec![(4, 1.0)]),
            (35.0, vec![(1, 0.75), (2, 0.25)]),
            (190.0, vec![(0, 1.0)]), // unsigned
            (215.0, vec![(1, 0.75), (2, 0.25)]),
        ] {
            let found = bins(&RAW, &ramp(degrees));
            for bin in 0..9 {
                let share = expected
                    .iter()
                    .find(|(b, _)| *b == bin)
                    .map_or(0.0, |e| e.1);
                assert!((found[bin] - share).abs() < 2e-3, "{degrees}: {found:?}");
            }
        }
        let signed = Hog {
            signed: true,
            bins: 18,
            ..RAW
        };
        assert!(bins(&signed, &ramp(190.0))[9] > 0.99);
    }

    #[test]
    fn light_and_contrast_do_not_matter_and_nothing_gives_nothing() {
        let image = noise(3, 32, 32);
        let hog = Hog {
            root: false,
            ..Hog::default()
        };
        let first = hog.describe(image.view()).unwrap();
        let other = hog.describe((&image * 0.3 + 0.5).view()).unwrap();
        assert!(first.abs_diff_eq(&other, 1e-4));
        assert_eq!(first.len(), 324);
        let flat = Hog::default()
            .describe(Array3::from_elem((3, 32, 32), 0.4).view())
            .unwrap();
        assert!(flat.iter().all(|v| *v == 0.0));
        // Each block has length 1, and no number stands out.
        for block in first.exact_chunks(36) {
            assert!((block.dot(&block) - 1.0).abs() < 1e-3);
            assert!(block.iter().all(|v| *v < 0.35));
        }
        // Root: four times the light is twice the root, which is contrast.
        let (dark, bright) = (noise(1, 16, 16), noise(1, 16, 16) * 4.0);
        let hog = Hog::default();
        let pair = [dark, bright].map(|i| hog.describe(i.view()).unwrap());
        assert!(pair[0].abs_diff_eq(&pair[1], 1e-4));
    }

    /// By cells and bins instead of by pixels: each sums what all pixels give it by triangles around
    /// its middle.
    fn plainly(hog: &Hog, image: &Array3<f32>) -> Vec<f64> {
        let (channels, h, w) = image.dim();
        let (down, across) = (h / hog.cell, w / hog.cell);
        let (top, left) = ((h - down * hog.cell) / 2, (w - across * hog.cell) / 2);
        let at = |c: usize, y: isize, x: isize| {
            let v = image[[
                c,
                y.clamp(0, h as isize - 1) as usize,
                x.clamp(0, w as isize - 1) as usize,
            ]];
            f64::from(if hog.root { v.sqrt() } else { v })
        };
        let turn = if hog.signed { 360.0 } else { 180.0 };
        let mut cells = vec![vec![vec![0.0; hog.bins]; across]; down];
        for (cy, row) in cells.iter_mut().enumerate() {
            for (cx, cell) in row.iter_mut().enumerate() {
                for y in 0..down * hog.cell {
                    for x in 0..across * hog.cell {
                        let (iy, ix) = ((y + top) as isize, (x + left) as isize);
                        let gradients = (0..channels).map(|c| {
                            (
                                at(c, iy, ix + 1) - at(c, iy, ix - 1),
                                at(c, iy + 1, ix) - at(c, iy - 1, ix),
                            )
                        });
                        let (dx, dy) = gradients.fold((0.0, 0.0), |a: (f64, f64), b| {
                            if b.0.hypot(b.1) > a.0.hypot(a.1) {
                                b
                            } else {
                                a
                            }
                        });
                        let angle = dy.atan2(dx).to_degrees().rem_euclid(turn);
                        let near = |position: usize, cell: usize| {
                            let middle = (cell as f64 + 0.5) * hog.cell as f64;
                            (1.0 - (position as f64 + 0.5 - middle).abs() / hog.cell as f64)
                                .max(0.0)
                        };
                        for (b, sum) in cell.iter_mut().enumerate() {
                            let width = turn / hog.bins as f64;
                            let apart = (angle - (b as f64 + 0.5) * width).abs();
                            let apart = apart.min(turn - apart);
                            let vote = (1.0 - apart / width).max(0.0);
                            *sum += dx.hypot(dy) * vote * near(y, cy) * near(x, cx);
                        }
                    }
                }
            }
        }
        let mut all = Vec::new();
        for y in 0..down + 1 - hog.block {
            for x in 0..across + 1 - hog.block {
                let mut block = Vec::new();
                for row in &cells[y..y + hog.block] {
                    row[x..x + hog.block].iter().for_each(|c| block.extend(c));
                }
                let length = |v: &[f64]| (v.iter().map(|v| v * v).sum::<f64>() + 1e-10).sqrt();
                let over = |v: &[f64], by: f64| v.iter().map(|v| v / by).collect::<Vec<_>>();
                block = match hog.norm {
                    BlockNorm::L2 => over(&block, length(&block)),
                    BlockNorm::L2Hys => {
                        let clipped: Vec<f64> = over(&block, length(&block))
                            .iter()
                            .map(|v| v.min(f64::from(hog.clip)))
                            .collect();
                        over(&clipped, length(&clipped))
                    }
                    BlockNorm::L1Root => {
                        let sum = block.iter().sum::<f64>() + 1e-5;
                        block.iter().map(|v| (v / sum).sqrt()).collect()
                    }
                };
                all.extend(block);
            }
        }
        all
    }

    #[test]
    fn it_is_what_a_plain_computation_finds() {
        let image = noise(3, 27, 34);
        for hog in [
            Hog::default(),
            Hog {
                norm: BlockNorm::L2,
                signed: true,
                bins: 12,
                ..Hog::default()
            },
            Hog {
                norm: BlockNorm::L1Root,
                cell: 5,
                block: 3,
                root: false,
                ..Hog::default()
            },
            Hog {
                cell: 6,
                block: 1,
                ..Hog::default()
            },
        ] {
            let found = hog.describe(image.view()).unwrap();
            let expected = plainly(&hog, &image);
            assert_eq!(found.len(), expected.len());
            for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
                assert!(
                    (f64::from(*a) - b).abs() < 2e-4,
                    "{hog:?} at {i}: {a} and {b}"
                );
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        let image = noise(1, 32, 32);
        for (hog, words) in [
            (Hog { cell: 0, ..RAW }, "at least a pixel"),
            (Hog { bins: 1, ..RAW }, "2 bins"),
            (
                Hog { cell: 20, ..RAW },
                "32x32 pixels is smaller than a block of 2x2 cells of 20x20",
            ),
            (Hog { clip: 0.0, ..RAW }, "clip must be"),
        ] {
            let error = hog.describe(image.view()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let error = Hog::default()
            .describe((&image - 0.5).view())
            .unwrap_err()
            .to_string();
        assert!(error.contains("roots are taken"), "{error}");
    }
}
