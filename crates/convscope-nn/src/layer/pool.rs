//! Where pooling windows lie: shared by max and average pooling.

use super::*;
use crate::conv::window_count;

/// Windows that slide over an image: where a pooling layer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Height and width.
    pub size: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Padding at the top, bottom, left and right.
    pub pad: [usize; 4],
    /// Whether the output's size is rounded up, so that a last window may hang over the edge.
    pub ceil: bool,
}

impl Windows {
    pub(super) fn new(size: [usize; 2]) -> Windows {
        Windows {
            size,
            stride: size,
            pad: [0; 4],
            ceil: false,
        }
    }

    /// Padding before and after the image along an axis.
    pub(super) fn ends(&self, axis: usize) -> [usize; 2] {
        [self.pad[2 * axis], self.pad[2 * axis + 1]]
    }

    /// Height and width of the output. Rounding up, a last window that would begin beyond the
    /// image and its padding at the top or left is left out (PyTorch's rule).
    pub(super) fn output(&self, h: usize, w: usize) -> Result<[usize; 2]> {
        for axis in 0..2 {
            let (size, ends) = (self.size[axis], self.ends(axis));
            // Ends that differ come from formats that allow more.
            let (most, limit) = match ends[0] == ends[1] {
                true => (size / 2, "half its window"),
                false => (size.saturating_sub(1), "its window less one"),
            };
            if let Some(pad) = ends.into_iter().find(|&pad| pad > most) {
                return Err(NnError::Invalid(format!(
                    "pooling may be padded by at most {limit}, {most}, or a window would see nothing but padding; got {pad}",
                )));
            }
        }
        let count = |axis: usize, input: usize, name: &str| -> Result<usize> {
            let (size, stride) = (self.size[axis], self.stride[axis]);
            let [before, after] = self.ends(axis);
            let down = window_count(input, size, stride, before + after, name)?;
            let rest = (input + before + after - size) % stride;
            let another = self.ceil && rest > 0 && down * stride < input + before;
            Ok(down + usize::from(another))
        };
        Ok([count(0, h, "height")?, count(1, w, "width")?])
    }

    /// The rows (`axis` 0) or columns (1) of an image of this size that window `o` covers, without
    /// the padding.
    pub(super) fn covered(&self, axis: usize, o: usize, size: usize) -> Range<usize> {
        let start = o * self.stride[axis];
        let before = self.pad[2 * axis];
        let end = (start + self.size[axis]).saturating_sub(before).min(size);
        start.saturating_sub(before).min(end)..end
    }

    /// The outputs along an axis whose windows lie in the image as a whole.
    pub(super) fn whole(&self, axis: usize, outputs: usize, size: usize) -> Range<usize> {
        let (stride, before) = (self.stride[axis], self.pad[2 * axis]);
        let start = before.div_ceil(stride);
        let end = match (size + before).checked_sub(self.size[axis]) {
            Some(last) => (last / stride + 1).min(outputs),
            None => 0,
        };
        start.min(end)..end
    }

    pub(super) fn as_window(&self) -> Window {
        Window {
            size: self.size,
            stride: self.stride,
            pad: [self.pad[0], self.pad[2]],
        }
    }

    pub(super) fn settings(&self) -> String {
        let [height, width] = self.size;
        let mut text = format!("window {height}x{width}, stride {}", self.stride[0]);
        if self.stride[0] != self.stride[1] {
            text += &format!("x{}", self.stride[1]);
        }
        match self.pad {
            [0, 0, 0, 0] => {}
            [p, q, r, s] if p == q && q == r && r == s => text += &format!(", padding {p}"),
            sides => text += &format!(", padding {sides:?}"),
        }
        if self.ceil {
            text += ", rounded up";
        }
        text
    }
}

/// The settings that every pooling layer has.
macro_rules! windows {
    ($layer:ident) => {
        impl $layer {
            /// The step between windows; smaller than the window, they overlap.
            pub fn stride(self, stride: usize) -> $layer {
                self.strides(stride, stride)
            }

            /// Different steps down and across.
            pub fn strides(mut self, down: usize, across: usize) -> $layer {
                self.windows.stride = [down, across];
                self
            }

            /// Rows and columns of padding on every side, at most half the window.
            pub fn padding(self, padding: usize) -> $layer {
                self.paddings([padding; 4])
            }

            /// Padding at the top, bottom, left and right; where the two ends of an axis differ
            /// (TensorFlow's convention), each less than the window.
            pub fn paddings(mut self, sides: [usize; 4]) -> $layer {
                self.windows.pad = sides;
                self
            }

            /// Rounds the output's size up: a last window may hang over the edge.
            pub fn ceil_mode(mut self) -> $layer {
                self.windows.ceil = true;
                self
            }
        }
    };
}
pub(super) use windows;
