//! Two-dimensional convolution three ways: forward, and its gradients with respect to the input
//! and the weights. (As in every framework, it is cross-correlation: the filter is not flipped.)
//!
//! [`direct`] is the plain sum that everything is tested against; [`im2col`] is the lecture's
//! matrix product.

pub mod direct;
pub mod im2col;

use crate::error::{NnError, Result};

/// The sizes of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images in the batch.
    pub batch: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Filters, that is channels of the output.
    pub filters: usize,
    /// Height and width of a filter.
    pub kernel: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Zeros added at the top, bottom, left and right.
    pub pad: [usize; 4],
    /// Height and width of the output.
    pub output: [usize; 2],
}

impl Geometry {
    /// Works out the output size, `floor((N - F + P) / S) + 1` along each axis, where `P` counts
    /// the zeros at both ends.
    ///
    /// # Errors
    /// When a size is zero or the filter is larger than the padded input.
    pub fn new(
        batch: usize,
        channels: usize,
        input: [usize; 2],
        filters: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        pad: [usize; 4],
    ) -> Result<Geometry> {
        let mut output = [0; 2];
        for axis in 0..2 {
            output[axis] = window_count(
                input[axis],
                kernel[axis],
                stride[axis],
                pad[2 * axis] + pad[2 * axis + 1],
                ["height", "width"][axis],
            )?;
        }
        if channels == 0 || filters == 0 {
            return Err(NnError::Invalid(format!(
                "a convolution needs at least one input channel and one filter, got {channels} and {filters}"
            )));
        }
        Ok(Geometry {
            batch,
            channels,
            input,
            filters,
            kernel,
            stride,
            pad,
            output,
        })
    }

    /// Numbers in one input image.
    pub fn input_len(&self) -> usize {
        self.channels * self.input[0] * self.input[1]
    }

    /// Numbers in one output image.
    pub fn output_len(&self) -> usize {
        self.filters * self.positions()
    }

    /// Positions of the filter on one image.
    pub fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Weights of one filter.
    pub fn patch(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }
}

/// How many positions a window has along one axis.
///
/// # Errors
/// When a size is zero or the window is larger than the padded input.
pub fn window_count(
    input: usize,
    window: usize,
    stride: usize,
    pad: usize,
    axis: &str,
) -> Result<usize> {
    if input == 0 || window == 0 || stride == 0 {
        return Err(NnError::Invalid(format!(
            "the input's {axis}, the window and the stride must be at least 1, got {input}, {window} and {stride}"
        )));
    }
    if window > input + pad {
        return Err(NnError::Invalid(format!(
            "a window of {window} does not fit an input of {axis} {input} with {pad} of padding: use a smaller window, a larger input, or padding"
        )));
    }
    Ok((input + pad - window) / stride + 1)
}
