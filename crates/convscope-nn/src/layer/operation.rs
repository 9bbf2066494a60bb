//! What a layer computes, as data: for whoever writes a network down in another format.

use super::pool::Windows;
use crate::conv::Geometry;

/// A step of what a layer computes in inference. Each reads the one before it; the first reads the
/// layer's inputs. Parameters are the layer's own, in the order of
/// [`Layer::parameters`](super::Layer::parameters).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// The sum of the inputs.
    Add,
    /// The means of as many bins as the output has places, `[height, width]`.
    AdaptiveAvgPool([usize; 2]),
    /// The mean of each window.
    AvgPool {
        /// Where the windows lie.
        windows: Windows,
        /// Whether padding counts in the mean.
        count_padding: bool,
    },
    /// Batch norm by the running statistics, which are the layer's buffers.
    BatchNorm {
        /// Added to the variance.
        eps: f64,
        /// The share of the newest batch in the running statistics.
        momentum: f64,
    },
    /// Each channel times a number, plus a number: the layer's `weight` and `bias`.
    ChannelAffine,
    /// What is below or above stands at the limit.
    Clamp {
        /// The smallest value, or minus infinity.
        low: f64,
        /// The largest value, or infinity.
        high: f64,
    },
    /// The inputs' channels one behind the other.
    Concat,
    /// A convolution, of one image.
    Conv(Geometry),
    /// The gradient of this convolution of one image with respect to its input; `[rows, columns]`
    /// of output padding are counted in its input already.
    ConvTranspose(Geometry, [usize; 2]),
    /// Every `step`th place from `start` to before `end`, for channels, rows and columns.
    Crop {
        /// The first place.
        start: [usize; 3],
        /// The place behind the last.
        end: [usize; 3],
        /// The steps.
        step: [usize; 3],
    },
    /// [`Operation::Concat`] of images of different sizes, with zeros around the smaller.
    DepthConcat,
    /// Nothing, in inference; in training it drops units with this probability.
    Dropout(f64),
    /// An image to a vector.
    Flatten,
    /// The Gaussian error linear unit; true for its approximation by tanh.
    Gelu(bool),
    /// The mean of each channel.
    GlobalAvgPool,
    /// Nothing, in inference.
    Identity,
    /// `x` where positive, else this slope times `x`.
    LeakyRelu(f64),
    /// A product with the layer's `weight`, `[outputs, inputs]`, plus its `bias`.
    Linear,
    /// Local response normalisation.
    LocalResponseNorm {
        /// Channels around each.
        size: usize,
        /// The weight of the mean of squares.
        alpha: f64,
        /// The exponent.
        beta: f64,
        /// What is added before the power.
        k: f64,
    },
    /// The logarithm of [`Operation::Softmax`].
    LogSoftmax,
    /// The largest of each window.
    MaxPool(Windows),
    /// The product of the inputs.
    Multiply,
    /// `max(0, x)`.
    Relu,
    /// The same numbers in the shape of the layer's output.
    Reshape,
    /// The logistic sigmoid.
    Sigmoid,
    /// Probabilities over the channels.
    Softmax,
    /// The hyperbolic tangent.
    Tanh,
    /// An image so many times as large.
    Upsample {
        /// How many times.
        factor: usize,
        /// Whether it is a blend of the four nearest pixels, and not the nearest one.
        bilinear: bool,
        /// Whether the centres of the corner pixels fall together.
        align_corners: bool,
    },
    /// Zeros before and after the channels, then at the top, bottom, left and right.
    ZeroPad([usize; 6]),
}
