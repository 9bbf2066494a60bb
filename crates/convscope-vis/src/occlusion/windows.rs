//! The positions of a window on an image.

use super::{Occlusion, Scoring};
use crate::error::{Result, VisError};
use ndarray::{ArrayViewMut2, ArrayViewMut3, AxisDescription, Slice};
use std::ops::Range;

/// A window at every position it takes, numbered row by row.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    pub(crate) image: [usize; 2],
    pub(crate) size: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// How many positions there are down and across.
    pub(crate) positions: [usize; 2],
}

impl Windows {
    pub(crate) fn of(options: &Occlusion, image: [usize; 2]) -> Result<Windows> {
        let [h, w] = image;
        let side = (h.min(w) as f64 / 7.0).round().max(1.0) as usize;
        let size = options.window.unwrap_or([side; 2]);
        if size[0] > h || size[1] > w || size.contains(&0) {
            return Err(VisError::invalid(format!(
                "a window of {}x{} pixels does not fit an image of {h}x{w}: expected at least 1x1 \
                 and at most the image",
                size[0], size[1]
            )));
        }
        let stride = options.stride.unwrap_or(size.map(|side| (side / 4).max(1)));
        if stride.contains(&0) {
            return Err(VisError::invalid(format!(
                "a stride of {}x{}: expected at least 1 both ways",
                stride[0], stride[1]
            )));
        }
        let along = |axis: usize| {
            let room = image[axis] - size[axis];
            1 + match options.scoring {
                Scoring::Average => room.div_ceil(stride[axis]),
                Scoring::Sum | Scoring::PerPosition => room / stride[axis],
            }
        };
        Ok(Windows {
            image,
            size,
            stride,
            positions: [along(0), along(1)],
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.positions[0] * self.positions[1]
    }

    /// Row and column of a position among the positions.
    pub(crate) fn place(&self, position: usize) -> [usize; 2] {
        [position / self.positions[1], position % self.positions[1]]
    }

    /// The pixels under the window.
    pub(crate) fn under(&self, position: usize) -> [Range<usize>; 2] {
        let place = self.place(position);
        [0, 1].map(|axis| {
            let from = (place[axis] * self.stride[axis]).min(self.image[axis]);
            from..(from + self.size[axis]).min(self.image[axis])
        })
    }

    /// Changes what is under the window.
    pub(crate) fn change<T>(
        &self,
        position: usize,
        mut map: ArrayViewMut2<'_, T>,
        to: impl FnMut(&mut T),
    ) {
        let under = self.under(position);
        let along = |axis: AxisDescription| Slice::from(under[axis.axis.index()].clone());
        map.slice_each_axis_mut(along).iter_mut().for_each(to);
    }

    /// Hides what is under the window.
    pub(crate) fn paint(&self, position: usize, colour: &[f32], mut image: ArrayViewMut3<'_, f32>) {
        for (channel, &value) in image.outer_iter_mut().zip(colour) {
            self.change(position, channel, |v| *v = value);
        }
    }
}
