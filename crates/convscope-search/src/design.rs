//! A network on paper.

use crate::cost::{self, Cost, Part};
use crate::error::{Result, SearchError};
use convscope_nn::{
    Add, AvgPool2d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, GlobalAvgPool2d, Linear,
    MaxPool2d, Network, NetworkBuilder, Relu,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of a [`Design`]. Convolutions are padded so that their output is as large as their input
/// (divided by the stride, rounded up), and every one ends with a ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Piece {
    /// A convolution, batch norm where asked for, ReLU.
    Conv {
        /// Filters.
        filters: usize,
        /// Height and width of a filter; odd.
        kernel: usize,
        /// Steps down and across.
        #[serde(default = "one")]
        stride: usize,
        /// Whether batch norm stands between convolution and ReLU; then there is no bias.
        #[serde(default)]
        batch_norm: bool,
    },
    /// Two convolutions with batch norm and a shortcut around them (He et al. 2016), which is a 1x1
    /// convolution with batch norm where the number of channels changes.
    Residual {
        /// Filters of both.
        filters: usize,
        /// Height and width of a filter; odd.
        kernel: usize,
    },
    /// One filter for each channel, then a 1x1 convolution, each with batch norm and ReLU (Howard et
    /// al. 2017).
    Separable {
        /// Filters of the 1x1 convolution.
        filters: usize,
        /// Height and width of the channels' filters; odd.
        kernel: usize,
    },
    /// SqueezeNet's module (Iandola et al. 2016): a 1x1 convolution to an eighth of the filters, then
    /// half of them by 1x1 and half by 3x3, side by side.
    Fire {
        /// Filters in all, a multiple of 8.
        filters: usize,
    },
    /// The largest number of windows side by side.
    MaxPool {
        /// Height and width of a window.
        window: usize,
    },
    /// The mean of windows side by side.
    AvgPool {
        /// Height and width of a window.
        window: usize,
    },
    /// Sets a share of the numbers to 0 in training.
    Dropout {
        /// The share, at least 0 and less than 1.
        rate: f64,
    },
    /// One number a channel: its mean. At most once, after it only dropout and dense layers.
    GlobalAvgPool,
    /// A fully connected layer and ReLU; after it only dropout and others of its kind.
    Linear {
        /// Outputs.
        units: usize,
    },
}

fn one() -> usize {
    1
}

/// A network on paper: an input, pieces one after the other, and a last fully connected layer with
/// one output a class. A design can be written down as JSON, costs nothing until it is built, and
/// says what it will cost.
///
/// ```
/// use convscope_search::{Design, Piece};
/// # fn main() -> Result<(), convscope_search::SearchError> {
/// let design = Design::new([3, 32, 32], 8)
///     .then(Piece::Conv { filters: 16, kernel: 3, stride: 1, batch_norm: true })
///     .then(Piece::MaxPool { window: 2 })
///     .then(Piece::GlobalAvgPool);
/// assert_eq!(design.cost()?.parameters, 16 * 27 + 2 * 16 + 16 * 8 + 8);
/// let net = design.build(1)?;
/// assert_eq!(net.output_shape(), [8]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// Channels, height and width of an image.
    pub input: [usize; 3],
    /// What the image goes through.
    pub pieces: Vec<Piece>,
    /// Outputs of the last layer.
    pub classes: usize,
}

impl Design {
    /// Nothing yet between images `[channels, height, width]` and the last layer.
    pub fn new(input: [usize; 3], classes: usize) -> Design {
        Design {
            input,
            pieces: Vec::new(),
            classes,
        }
    }

    /// With another piece after the last.
    pub fn then(mut self, piece: Piece) -> Design {
        self.pieces.push(piece);
        self
    }

    /// What the network will cost, counted on paper: nothing is built, however large it is.
    ///
    /// # Errors
    /// When the design is no network: see [`build`](Design::build).
    pub fn cost(&self) -> Result<Cost> {
        cost::of(self)
    }

    /// What each piece and the last layer give out and cost.
    ///
    /// # Errors
    /// As [`cost`](Design::cost).
    pub fn parts(&self) -> Result<Vec<Part>> {
        cost::parts(self)
    }

    /// The network, its weights drawn with this seed. Nodes are called by kind and place:
    /// `conv1`, `residual2.conv1`, `classifier`.
    ///
    /// # Errors
    /// When a size is 0 or beyond what a course's network may have, a filter is even, a window is
    /// larger than what is left of the image, a piece stands after the flattening that cannot, or
    /// the whole has more than 2^28 parameters.
    pub fn build(&self, seed: u64) -> Result<Network> {
        cost::of(self)?;
        let mut builder = Network::input(self.input);
        let mut flat = false;
        for (i, piece) in self.pieces.iter().enumerate() {
            let name = format!("{}{}", piece.kind(), i + 1);
            if matches!(piece, Piece::Linear { .. }) && !flat {
                builder = builder.add("flatten", Flatten);
                flat = true;
            }
            flat |= matches!(piece, Piece::GlobalAvgPool);
            let channels = cost::channels_before(self, i);
            builder = piece.add(builder, &name, channels);
            if matches!(piece, Piece::GlobalAvgPool) {
                builder = builder.add("flatten", Flatten);
            }
        }
        if !flat {
            builder = builder.add("flatten", Flatten);
        }
        Ok(builder
            .add("classifier", Linear::new(self.classes))
            .build(seed)?)
    }
}

/// A convolution without bias, and its batch norm.
fn normed(b: NetworkBuilder, name: &str, conv: Conv2d) -> NetworkBuilder {
    b.add(name, conv.no_bias().same())
        .add(&format!("{name}_bn"), BatchNorm2d::new())
}

impl Piece {
    /// The kind's name, as nodes are called by it.
    pub fn kind(&self) -> &'static str {
        match self {
            Piece::Conv { .. } => "conv",
            Piece::Residual { .. } => "residual",
            Piece::Separable { .. } => "separable",
            Piece::Fire { .. } => "fire",
            Piece::MaxPool { .. } => "maxpool",
            Piece::AvgPool { .. } => "avgpool",
            Piece::Dropout { .. } => "dropout",
            Piece::GlobalAvgPool => "gap",
            Piece::Linear { .. } => "linear",
        }
    }

    fn add(&self, b: NetworkBuilder, name: &str, channels: usize) -> NetworkBuilder {
        match *self {
            Piece::Conv {
                filters,
                kernel,
                stride,
                batch_norm,
            } => {
                let conv = Conv2d::new(filters, kernel).stride(stride);
                let b = match batch_norm {
                    true => normed(b, name, conv),
                    false => b.add(name, conv.same()),
                };
                b.add(&format!("{name}_relu"), Relu)
            }
            Piece::Residual { filters, kernel } => b.block(name, |b| {
                let b = normed(b, "conv1", Conv2d::new(filters, kernel)).add("relu1", Relu);
                let b = normed(b, "conv2", Conv2d::new(filters, kernel));
                let b = match channels == filters {
                    true => b.add_after(&["conv2_bn", "input"], "sum", Add),
                    false => b
                        .add_after(&["input"], "shortcut", Conv2d::new(filters, 1).no_bias())
                        .add("shortcut_bn", BatchNorm2d::new())
                        .add_after(&["conv2_bn", "shortcut_bn"], "sum", Add),
                };
                b.add("relu2", Relu)
            }),
            Piece::Separable { filters, kernel } => b.block(name, |b| {
                let depthwise = Conv2d::new(channels, kernel).groups(channels);
                let b = normed(b, "depthwise", depthwise).add("relu1", Relu);
                normed(b, "pointwise", Conv2d::new(filters, 1)).add("relu2", Relu)
            }),
            Piece::Fire { filters } => b.block(name, |b| {
                b.add("squeeze", Conv2d::new(filters / 8, 1))
                    .add("squeeze_relu", Relu)
                    .add("expand1", Conv2d::new(filters / 2, 1))
                    .add("expand1_relu", Relu)
                    .add_after(
                        &["squeeze_relu"],
                        "expand3",
                        Conv2d::new(filters / 2, 3).same(),
                    )
                    .add("expand3_relu", Relu)
                    .add_after(&["expand1_relu", "expand3_relu"], "concat", Concat)
            }),
            Piece::MaxPool { window } => b.add(name, MaxPool2d::new(window)),
            Piece::AvgPool { window } => b.add(name, AvgPool2d::new(window)),
            Piece::Dropout { rate } => b.add(name, Dropout::new(rate)),
            Piece::GlobalAvgPool => b.add(name, GlobalAvgPool2d),
            Piece::Linear { units } => b
                .add(name, Linear::new(units))
                .add(&format!("{name}_relu"), Relu),
        }
    }
}

impl fmt::Display for Piece {
    /// In a few letters: `conv 16 3x3`, `max 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Piece::Conv {
                filters,
                kernel,
                stride,
                batch_norm,
            } => {
                write!(f, "conv {filters} {kernel}x{kernel}")?;
                if stride != 1 {
                    write!(f, "/{stride}")?;
                }
                match batch_norm {
                    true => f.write_str(" bn"),
                    false => Ok(()),
                }
            }
            Piece::Residual { filters, kernel } => {
                write!(f, "residual {filters} {kernel}x{kernel}")
            }
            Piece::Separable { filters, kernel } => {
                write!(f, "separable {filters} {kernel}x{kernel}")
            }
            Piece::Fire { filters } => write!(f, "fire {filters}"),
            Piece::MaxPool { window } => write!(f, "max {window}"),
            Piece::AvgPool { window } => write!(f, "avg {window}"),
            Piece::Dropout { rate } => write!(f, "dropout {rate}"),
            Piece::GlobalAvgPool => f.write_str("global avg"),
            Piece::Linear { units } => write!(f, "linear {units}"),
        }
    }
}

impl fmt::Display for Design {
    /// The pieces with dashes between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channels, height, width] = self.input;
        write!(f, "{channels}x{height}x{width}")?;
        for piece in &self.pieces {
            write!(f, " - {piece}")?;
        }
        write!(f, " - {} classes", self.classes)
    }
}

impl Design {
    /// Reads a design from JSON.
    ///
    /// # Errors
    /// When the text is no design; a field or piece that is not known is named.
    pub fn from_json(text: &str) -> Result<Design> {
        serde_json::from_str(text).map_err(|e| SearchError::design("the design", e.to_string()))
    }

    /// The design as JSON, to be read back by [`from_json`](Design::from_json).
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names and numbers")
    }
}
