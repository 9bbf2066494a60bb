//! A new head on an old trunk.

use crate::error::{Result, TransferError};
use crate::features::Pooling;
use convscope_nn::{
    AdaptiveAvgPool2d, Dropout, Flatten, GlobalAvgPool2d, INPUT, Linear, MaxPool2d, Network,
    NetworkBuilder, Relu,
};
use serde::{Deserialize, Serialize};

/// A head as data: a pooling, fully connected layers, one output for each class. Its nodes are called
/// `head.pool`, `head.flatten`, `head.fc1`, `head.relu1`, `head.drop1`, .., so that `"head"` means all
/// of its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// How a map becomes a vector. Nodes that put out vectors have none.
    pub pooling: Pooling,
    /// Units of the layers before the last, each with a ReLU; none unless set.
    pub hidden: Vec<usize>,
    /// What share of the inputs of each fully connected layer drops in training; 0 unless set.
    pub dropout: f64,
    /// Outputs.
    pub classes: usize,
}

impl Head {
    /// One fully connected layer on the global average: what logistic regression on features is.
    pub fn linear(classes: usize) -> Head {
        Head {
            pooling: Pooling::GlobalAverage,
            hidden: Vec::new(),
            dropout: 0.0,
            classes,
        }
    }

    /// With hidden layers.
    pub fn hidden(mut self, units: &[usize]) -> Head {
        self.hidden = units.to_vec();
        self
    }

    /// With dropout.
    pub fn dropout(mut self, share: f64) -> Head {
        self.dropout = share;
        self
    }

    /// With another pooling.
    pub fn pooling(mut self, pooling: Pooling) -> Head {
        self.pooling = pooling;
        self
    }

    /// Its layers, added after a node of this shape.
    pub(crate) fn build(&self, builder: NetworkBuilder, shape: &[usize]) -> Result<NetworkBuilder> {
        if self.classes == 0 || self.hidden.contains(&0) {
            return Err(TransferError::invalid(format!(
                "a head: expected at least one output and one unit in each hidden layer, got {} and \
                 {:?}",
                self.classes, self.hidden
            )));
        }
        let mut b = builder;
        if let &[_, height, width] = shape {
            b = match self.pooling {
                Pooling::GlobalAverage => b.add("pool", GlobalAvgPool2d),
                Pooling::GlobalMax => b.add("pool", MaxPool2d::rect(height, width)),
                Pooling::AverageGrid(n) if n > 0 && n <= height.min(width) => {
                    b.add("pool", AdaptiveAvgPool2d::new(n, n))
                }
                Pooling::AverageGrid(n) => {
                    return Err(TransferError::invalid(format!(
                        "a head: expected a grid of 1 to {} for maps of {height}x{width}, got {n}",
                        height.min(width)
                    )));
                }
                Pooling::Flatten => b,
            };
        }
        b = b.add("flatten", Flatten);
        let widths = self.hidden.iter().chain([&self.classes]);
        for (k, &width) in widths.enumerate() {
            let name = |kind: &str| format!("{kind}{}", k + 1);
            if self.dropout > 0.0 {
                b = b.add(&name("drop"), Dropout::new(self.dropout));
            }
            b = b.add(&name("fc"), Linear::new(width));
            if k < self.hidden.len() {
                b = b.add(&name("relu"), Relu);
            }
        }
        Ok(b)
    }
}

/// The network up to a node, with its weights, and a new head behind it whose weights are drawn by
/// `seed`. What the node does not depend on is left out.
///
/// # Errors
/// When there is no such node, or the head does not fit it.
pub fn replace_head(net: &Network, node: &str, head: &Head, seed: u64) -> Result<Network> {
    let trunk = net.until(node)?;
    let shape = trunk.output_shape().to_vec();
    let mut problem = None;
    let built = with_trunk(&trunk).block("head", |b| match head.build(b, &shape) {
        Ok(b) => b,
        Err(e) => {
            problem = Some(e);
            Network::input([1]).add("none", Relu)
        }
    });
    match problem {
        Some(problem) => Err(problem),
        None => Ok(built.build(seed)?),
    }
}

/// [`replace_head`] for a head of any shape: `layers` adds what it likes after the node.
///
/// ```
/// use convscope_nn::{Conv2d, GlobalAvgPool2d, Flatten, Network, Relu, Linear};
/// use convscope_transfer::replace_head_with;
/// # fn main() -> Result<(), convscope_transfer::TransferError> {
/// let old = Network::input([3, 32, 32])
///     .add("conv1", Conv2d::new(8, 3))
///     .add("relu1", Relu)
///     .add("flatten", Flatten)
///     .add("fc", Linear::new(10))
///     .build(1)?;
/// let new = replace_head_with(&old, "relu1", 2, |b| {
///     b.add("conv2", Conv2d::new(4, 1)).add("pool", GlobalAvgPool2d).add("out", Flatten)
/// })?;
/// assert_eq!(new.output_shape(), [4]);
/// assert_eq!(new.parameter("conv1.weight")?, old.parameter("conv1.weight")?);
/// # Ok(()) }
/// ```
///
/// # Errors
/// When there is no such node, or the layers do not fit it.
pub fn replace_head_with(
    net: &Network,
    node: &str,
    seed: u64,
    layers: impl FnOnce(NetworkBuilder) -> NetworkBuilder,
) -> Result<Network> {
    Ok(layers(with_trunk(&net.until(node)?)).build(seed)?)
}

/// A network with its weights, as the beginning of another.
pub(crate) fn with_trunk(trunk: &Network) -> NetworkBuilder {
    debug_assert!(!trunk.nodes().iter().any(|n| n == INPUT));
    trunk
        .views()
        .fold(Network::input(trunk.input_shape().to_vec()), |b, view| {
            b.add_trained(&view.inputs, view.name, view.layer.boxed())
        })
}
