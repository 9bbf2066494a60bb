//! Where pooling windows lie: shared by max and average pooling.

use super::*;
use crate::conv::window_count;

/// Square windows that slide over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) pad: usize,
    pub(super) ceil: bool,
}

impl Windows {
    pub(super) fn new(size: usize) -> Windows {
        Windows {
            size,
            stride: size,
            pad: 0,
            ceil: false,
        }
    }

    /// Height and width of the output. Rounding up, a last window that would begin beyond the
    /// image and its padding at the top or left is left out (PyTorch's rule).
    pub(super) fn output(&self, h: usize, w: usize) -> Result<[usize; 2]> {
        if self.pad > self.size / 2 {
            return Err(NnError::Invalid(format!(
                "pooling may be padded by at most half its window, {}, or a window would see nothing but padding; got {}",
                self.size / 2,
                self.pad
            )));
        }
        let count = |input: usize, axis: &str| -> Result<usize> {
            let down = window_count(input, self.size, self.stride, 2 * self.pad, axis)?;
            let rest = (input + 2 * self.pad - self.size) % self.stride;
            let another = self.ceil && rest > 0 && down * self.stride < input + self.pad;
            Ok(down + usize::from(another))
        };
        Ok([count(h, "height")?, count(w, "width")?])
    }

    /// The rows or columns of an image of this size that window `o` covers, without the padding.
    pub(super) fn covered(&self, o: usize, size: usize) -> Range<usize> {
        let start = o * self.stride;
        let end = (start + self.size).saturating_sub(self.pad).min(size);
        start.saturating_sub(self.pad).min(end)..end
    }

    /// The outputs along an axis whose windows lie in the image as a whole.
    pub(super) fn whole(&self, outputs: usize, size: usize) -> Range<usize> {
        let start = self.pad.div_ceil(self.stride);
        let end = match (size + self.pad).checked_sub(self.size) {
            Some(last) => (last / self.stride + 1).min(outputs),
            None => 0,
        };
        start.min(end)..end
    }

    pub(super) fn as_window(&self) -> Window {
        Window {
            size: [self.size; 2],
            stride: [self.stride; 2],
            pad: [self.pad; 2],
        }
    }

    pub(super) fn settings(&self) -> String {
        let mut text = format!("window {0}x{0}, stride {1}", self.size, self.stride);
        if self.pad > 0 {
            text += &format!(", padding {}", self.pad);
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
            pub fn stride(mut self, stride: usize) -> $layer {
                self.windows.stride = stride;
                self
            }

            /// Rows and columns of padding on every side, at most half the window.
            pub fn padding(mut self, padding: usize) -> $layer {
                self.windows.pad = padding;
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
