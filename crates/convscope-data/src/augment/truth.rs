//! Boxes and masks, taken along on the way of their image.

use super::link::{Link, Point};
use super::warp::Chain;
use crate::error::{DataError, Result};
use ndarray::{Array2, Array3, ArrayView1};

/// Places along each side of a box where a lens bends it.
const ALONG: usize = 16;

/// An image with its truth after a random change.
#[derive(Clone, Debug, PartialEq)]
pub struct Augmented {
    /// Shape `[C, H, W]`.
    pub image: Array3<f32>,
    /// A row for each box given: x0, y0, x1, y1 in pixels, half-open, within the image; the box
    /// around what is left of it. Zeros where nothing is left. Shape `[boxes, 4]`.
    pub boxes: Array2<f32>,
    /// The share of each box's area that is still in the image, from 0 to 1.
    pub visible: Vec<f32>,
    /// Whether enough of a box is visible; see `Augmentation::least_visible`. What is not kept is
    /// not to be learned from.
    pub kept: Vec<bool>,
    /// The mask, where one was given, shape `[H, W]`. Reflected and edge pixels show their
    /// image's; what comes in from a value or the mean is 0.
    pub mask: Option<Array2<u8>>,
}

/// What belongs to an image that is being changed.
#[derive(Debug)]
pub(super) struct Truth {
    /// Convex outlines of what is left of each box, and its share of the area.
    outlines: Vec<(Vec<Point>, f64)>,
    pub(super) mask: Option<Vec<u8>>,
}

impl Truth {
    /// # Errors
    /// If a box has no area or lies outside the image, or the mask is not of its size.
    pub(super) fn new(
        boxes: &Array2<f32>,
        mask: Option<&Array2<u8>>,
        [h, w]: [usize; 2],
    ) -> Result<Truth> {
        if boxes.ncols() != 4 && !boxes.is_empty() {
            return Err(DataError::Shape {
                what: "boxes to augment".into(),
                expected: "[boxes, 4]: x0, y0, x1, y1 each".into(),
                got: boxes.shape().to_vec(),
            });
        }
        let rows = boxes.rows().into_iter().enumerate();
        let rows = rows.filter(|(_, row)| !row.is_empty());
        let outlines = rows.map(|(k, row)| Ok((corners(k, row, [h, w])?, 1.0)));
        if let Some(mask) = mask
            && mask.dim() != (h, w)
        {
            return Err(DataError::Shape {
                what: "a mask to augment".into(),
                expected: format!("[{h}, {w}] as its image"),
                got: mask.shape().to_vec(),
            });
        }
        Ok(Truth {
            outlines: outlines.collect::<Result<_>>()?,
            mask: mask.map(|m| m.iter().copied().collect()),
        })
    }

    /// Takes it along a chain that begins at an image of this height and width.
    pub(super) fn follow(&mut self, chain: &Chain, size: [usize; 2]) {
        if let Some(mask) = &mut self.mask {
            *mask = chain.nearest(mask, size).0;
        }
        for (outline, share) in &mut self.outlines {
            for link in chain.links() {
                *share *= through(link, outline);
            }
        }
    }

    /// Boxes, visible shares and the mask, in an image of this height and width.
    pub(super) fn finish(self, [h, w]: [usize; 2]) -> (Array2<f32>, Vec<f32>, Option<Array2<u8>>) {
        let mut boxes = Array2::zeros((self.outlines.len(), 4));
        for ((outline, _), mut row) in self.outlines.iter().zip(boxes.rows_mut()) {
            if outline.is_empty() {
                continue;
            }
            let ends = |k: usize| {
                let values = outline.iter().map(|p| p[k]);
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                    (low.min(v), high.max(v))
                })
            };
            let ((x0, x1), (y0, y1)) = (ends(0), ends(1));
            row.assign(&ndarray::arr1(&[x0, y0, x1, y1].map(|v| v as f32)));
        }
        let shares = self.outlines.iter().map(|(_, share)| *share as f32);
        let mask = self
            .mask
            .map(|m| Array2::from_shape_vec((h, w), m).expect("a mask follows its image"));
        (boxes, shares.collect(), mask)
    }
}

fn corners(k: usize, row: ArrayView1<'_, f32>, [h, w]: [usize; 2]) -> Result<Vec<Point>> {
    let [x0, y0, x1, y1] = [0, 1, 2, 3].map(|i| f64::from(row[i]));
    let inside = 0.0 <= x0 && x0 < x1 && x1 <= w as f64 && 0.0 <= y0 && y0 < y1 && y1 <= h as f64;
    match inside {
        true => Ok(vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]]),
        false => Err(DataError::Argument {
            what: "boxes to augment",
            problem: format!(
                "box {k} is [{x0}, {y0}, {x1}, {y1}]; expected x0 < x1 and y0 < y1 within an image \
                 {w} wide and {h} high"
            ),
        }),
    }
}

/// Takes an outline along one link and cuts it to the frame there; which share of it is left.
fn through(link: &Link, outline: &mut Vec<Point>) -> f64 {
    if !link.keeps_lines() {
        let ends = outline.iter().zip(outline.iter().cycle().skip(1));
        *outline = ends
            .flat_map(|(a, b)| {
                let at = |i: usize, k: usize| a[k] + (b[k] - a[k]) * i as f64 / ALONG as f64;
                (0..ALONG).map(move |i| [at(i, 0), at(i, 1)])
            })
            .collect();
    }
    outline.iter_mut().for_each(|p| *p = link.forth(*p));
    let before = area(outline);
    let [h, w] = link.to.map(|n| n as f64);
    for (axis, at, sign) in [(0, 0.0, 1.0), (0, w, -1.0), (1, 0.0, 1.0), (1, h, -1.0)] {
        *outline = cut(outline, axis, at, sign);
    }
    let left = area(outline);
    if left <= 1e-9 {
        outline.clear();
        return 0.0;
    }
    (left / before).min(1.0)
}

/// The part of an outline on one side of a line (Sutherland and Hodgman 1974).
fn cut(outline: &[Point], axis: usize, at: f64, sign: f64) -> Vec<Point> {
    let depth = |p: &Point| sign * (p[axis] - at);
    let mut kept = Vec::with_capacity(outline.len() + 2);
    for (a, b) in outline.iter().zip(outline.iter().cycle().skip(1)) {
        let (here, there) = (depth(a), depth(b));
        if here >= 0.0 {
            kept.push(*a);
        }
        if (here > 0.0 && there < 0.0) || (here < 0.0 && there > 0.0) {
            let share = here / (here - there);
            let mut crossing = [0, 1].map(|k| a[k] + (b[k] - a[k]) * share);
            crossing[axis] = at;
            kept.push(crossing);
        }
    }
    kept
}

/// Gauss's formula.
fn area(outline: &[Point]) -> f64 {
    let sides = outline.iter().zip(outline.iter().cycle().skip(1));
    let twice: f64 = sides.map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum();
    twice.abs() / 2.0
}
