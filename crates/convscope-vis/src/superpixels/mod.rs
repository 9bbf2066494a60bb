//! Images cut into patches of like pixels, so that an explanation has a few dozen parts to speak
//! of instead of thousands.

mod colours;
mod quickshift;
mod slic;

pub use colours::Scale;
pub use quickshift::{Quickshift, quickshift};
pub use slic::{Slic, slic};

use crate::error::{Result, VisError};
use crate::provenance::Provenance;
use convscope_nn::Tensor;
use ndarray::{Array2, ArrayView3, Axis};
use serde::Serialize;
use std::collections::HashMap;

/// An image cut into superpixels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Segmentation {
    /// The number of each pixel's superpixel, `[H, W]`, from 0 without gaps.
    pub labels: Array2<usize>,
    /// How many superpixels there are.
    pub count: usize,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// How to cut an image into superpixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Superpixels {
    /// Rectangles: this many down and across.
    Grid([usize; 2]),
    /// [`slic`].
    Slic(Slic),
    /// [`quickshift`].
    Quickshift(Quickshift),
    /// By a map of one's own, `[H, W]`: the same number for pixels of the same superpixel.
    #[serde(serialize_with = "given")]
    Given(Array2<usize>),
}

/// Quickshift, as in LIME's own program.
impl Default for Superpixels {
    fn default() -> Superpixels {
        Superpixels::Quickshift(Quickshift::default())
    }
}

fn given<S: serde::Serializer>(
    labels: &Array2<usize>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{}x{}", labels.nrows(), labels.ncols()))
}

impl Superpixels {
    /// Cuts an image `[C, H, W]`, or a batch of one.
    ///
    /// # Errors
    /// When it is not one image, or a setting makes no sense for it.
    pub fn segment(&self, image: &Tensor) -> Result<Segmentation> {
        match self {
            Superpixels::Grid(cells) => grid(image, *cells),
            Superpixels::Slic(options) => slic(image, options),
            Superpixels::Quickshift(options) => quickshift(image, options),
            Superpixels::Given(labels) => {
                let one = one_image(image)?;
                let (_, h, w) = one.dim();
                match labels.dim() == (h, w) {
                    true => Segmentation::from_labels(labels),
                    false => Err(VisError::shape(
                        "a given segmentation",
                        format!("[{h}, {w}], as the image"),
                        labels.shape(),
                    )),
                }
            }
        }
    }
}

impl Segmentation {
    /// By a map of one's own, `[H, W]`. Its numbers may have gaps; superpixels are numbered in the
    /// order of their numbers.
    ///
    /// # Errors
    /// When the map is empty.
    pub fn from_labels(labels: &Array2<usize>) -> Result<Segmentation> {
        if labels.is_empty() {
            return Err(VisError::invalid("a segmentation of no pixels"));
        }
        let mut used: Vec<usize> = labels.iter().copied().collect();
        used.sort_unstable();
        used.dedup();
        let number: HashMap<usize, usize> = used.iter().enumerate().map(|(i, &l)| (l, i)).collect();
        let provenance = Provenance::new("given segmentation", "the caller");
        Ok(Segmentation::new(
            labels.mapv(|l| number[&l]),
            used.len(),
            provenance,
        ))
    }

    fn new(labels: Array2<usize>, count: usize, provenance: Provenance) -> Segmentation {
        Segmentation {
            labels,
            count,
            provenance: provenance.figure("superpixels", count),
        }
    }

    /// How many pixels each superpixel has.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.count];
        self.labels.iter().for_each(|&l| sizes[l] += 1);
        sizes
    }

    /// `[H, W]`: 1 in the superpixels that are on, 0 in the others.
    ///
    /// # Errors
    /// When there is not one switch for each superpixel.
    pub fn mask(&self, on: &[bool]) -> Result<Array2<f32>> {
        if on.len() != self.count {
            return Err(VisError::invalid(format!(
                "switches of superpixels: expected {}, got {}",
                self.count,
                on.len()
            )));
        }
        Ok(self.labels.mapv(|l| if on[l] { 1.0 } else { 0.0 }))
    }

    /// A number for each superpixel, painted over its pixels: `[H, W]`.
    ///
    /// # Errors
    /// When there is not one number for each superpixel.
    pub fn paint(&self, numbers: &[f32]) -> Result<Array2<f32>> {
        if numbers.len() != self.count {
            return Err(VisError::invalid(format!(
                "numbers of superpixels: expected {}, got {}",
                self.count,
                numbers.len()
            )));
        }
        Ok(self.labels.mapv(|l| numbers[l]))
    }
}

/// Cuts an image into rectangles of nearly one size, this many down and across.
///
/// # Errors
/// When there are to be more rectangles along a side than pixels, or none.
pub fn grid(image: &Tensor, cells: [usize; 2]) -> Result<Segmentation> {
    let (_, h, w) = one_image(image)?.dim();
    let [down, across] = cells;
    if down == 0 || across == 0 || down > h || across > w {
        return Err(VisError::invalid(format!(
            "a grid of {down}x{across} superpixels over an image of {h}x{w}: expected at least 1x1 \
             and at most the image"
        )));
    }
    let cell = |(y, x)| y * down / h * across + x * across / w;
    let labels = Array2::from_shape_fn((h, w), cell);
    let provenance = Provenance::new("grid", "rectangles").setting("cells", cells.to_vec());
    Ok(Segmentation::new(labels, down * across, provenance))
}

/// The one image of `[C, H, W]` or `[1, C, H, W]`.
pub(crate) fn one_image(image: &Tensor) -> Result<ArrayView3<'_, f32>> {
    let view = match *image.shape() {
        [1, _, _, _] => image.index_axis(Axis(0), 0),
        _ => image.view(),
    };
    let one = view.into_dimensionality().ok().filter(|v| !v.is_empty());
    let one: ArrayView3<'_, f32> = one.ok_or_else(|| {
        let expected = "one at a time, [channels, height, width] or a batch of one";
        VisError::shape("the image", expected, image.shape())
    })?;
    match one.iter().all(|v| v.is_finite()) {
        true => Ok(one),
        false => Err(VisError::invalid("the image holds a NaN or an infinity")),
    }
}

/// Numbers labels from 0 in the order of their first pixels.
fn contiguous(labels: &Array2<usize>) -> (Array2<usize>, usize) {
    let mut number = HashMap::new();
    let renamed = labels.mapv(|l| {
        let next = number.len();
        *number.entry(l).or_insert(next)
    });
    (renamed, number.len())
}
