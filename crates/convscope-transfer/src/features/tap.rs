//! Where in a network features are taken, and how a map becomes a vector.

use crate::error::{Result, TransferError};
use convscope_nn::{
    AdaptiveAvgPool2d, Concat, Flatten, GlobalAvgPool2d, INPUT, MaxPool2d, Network, NodeView,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How an activation `[C, H, W]` becomes a vector. A node that puts out vectors is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean of each channel, C numbers: what is there, wherever it is. It is what most networks
    /// since 2014 end in, and needs the fewest examples, so it is the default.
    #[default]
    GlobalAverage,
    /// The largest of each channel, C numbers: whether it is there at all.
    GlobalMax,
    /// Means over a grid of n x n bins (PyTorch's adaptive bins), C n n numbers: what is there, and
    /// roughly where.
    AverageGrid(usize),
    /// All numbers, C H W: what is there, and where.
    Flatten,
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pooling::GlobalAverage => f.write_str("global average"),
            Pooling::GlobalMax => f.write_str("global maximum"),
            Pooling::AverageGrid(n) => write!(f, "averages over {n}x{n}"),
            Pooling::Flatten => f.write_str("flattened"),
        }
    }
}

/// A node and the pooling of what it puts out. Whether that is before or after a ReLU is said by the
/// node: `"conv1"` or `"relu1"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tap {
    /// The node's name. The name of a block stands for its last node, `"input"` for the image.
    pub node: String,
    /// How its activation becomes a vector.
    pub pooling: Pooling,
}

impl Tap {
    /// A node with global average pooling.
    pub fn new(node: impl Into<String>) -> Tap {
        Tap {
            node: node.into(),
            pooling: Pooling::default(),
        }
    }

    /// With another pooling.
    pub fn pooling(mut self, pooling: Pooling) -> Tap {
        self.pooling = pooling;
        self
    }

    /// What the features are called in a file: the node's name, and the pooling if it is not the
    /// default (`"features.12"`, `"features.12:max"`, `"features.12:3x3"`, `"features.12:flat"`).
    pub fn key(&self) -> String {
        let node = &self.node;
        match self.pooling {
            Pooling::GlobalAverage => node.clone(),
            Pooling::GlobalMax => format!("{node}:max"),
            Pooling::AverageGrid(n) => format!("{node}:{n}x{n}"),
            Pooling::Flatten => format!("{node}:flat"),
        }
    }
}

/// The nodes that some taps depend on, as a network that puts out all their vectors in one row: one
/// pass serves all of them, and no activation is kept longer than the next layer needs it.
#[derive(Clone, Debug)]
pub(super) struct Tapped {
    /// `[N, sum of the widths]`.
    pub(super) net: Network,
    /// The numbers of each tap.
    pub(super) widths: Vec<usize>,
}

impl Tapped {
    /// For images of this shape; as the network was built where there is none.
    pub(super) fn new(net: &Network, taps: &[Tap], input: Option<[usize; 3]>) -> Result<Tapped> {
        if taps.is_empty() {
            return Err(TransferError::invalid(
                "features: expected at least one layer, got none",
            ));
        }
        for (i, tap) in taps.iter().enumerate() {
            if taps[..i].contains(tap) {
                return Err(TransferError::invalid(format!(
                    "features: the layer \"{}\" is asked for twice",
                    tap.key()
                )));
            }
        }
        let shape = input.map_or(net.input_shape().to_vec(), |shape| shape.to_vec());
        let views: Vec<_> = net.views().collect();
        let places = taps.iter().map(|tap| place(&views, &tap.node));
        let places = places.collect::<Result<Vec<_>>>()?;
        let kept = ancestors(&views, &places);
        let trunk: Vec<&NodeView<'_>> = (0..views.len())
            .filter(|&i| kept[i])
            .map(|i| &views[i])
            .collect();
        let names = places
            .iter()
            .map(|p| p.map_or(INPUT, |i| views[i].name))
            .collect::<Vec<_>>();
        let sizes = match shape == net.input_shape() || trunk.is_empty() {
            true => sizes(&names, &shape, &views),
            false => {
                let resized = nodes(Network::input(shape.clone()), &trunk).build(0)?;
                sizes(&names, &shape, &resized.views().collect::<Vec<_>>())
            }
        };
        let mut builder = nodes(Network::input(shape), &trunk);
        let mut ends = Vec::new();
        let mut widths = Vec::new();
        for (k, ((tap, name), size)) in taps.iter().zip(&names).zip(&sizes).enumerate() {
            let map = <[usize; 3]>::try_from(&size[..]);
            let (end, flat) = (format!("features {k}"), format!("features {k} in a row"));
            builder = match (map, tap.pooling) {
                (Ok([_, _, _]), Pooling::Flatten) => builder.add_after(&[name], &flat, Flatten),
                (Ok([_, _, _]), Pooling::GlobalAverage) => builder
                    .add_after(&[name], &end, GlobalAvgPool2d)
                    .add(&flat, Flatten),
                (Ok([_, h, w]), Pooling::GlobalMax) => builder
                    .add_after(&[name], &end, MaxPool2d::rect(h, w))
                    .add(&flat, Flatten),
                (Ok([_, h, w]), Pooling::AverageGrid(n)) => {
                    if n == 0 || n > h.min(w) {
                        return Err(TransferError::invalid(format!(
                            "features of \"{name}\": expected a grid of 1 to {} for maps of {h}x{w}, \
                             got {n}",
                            h.min(w)
                        )));
                    }
                    builder
                        .add_after(&[name], &end, AdaptiveAvgPool2d::new(n, n))
                        .add(&flat, Flatten)
                }
                _ => builder.add_after(&[name], &flat, Flatten),
            };
            ends.push(flat);
            widths.push(match (map, tap.pooling) {
                (Ok([c, _, _]), Pooling::GlobalAverage | Pooling::GlobalMax) => c,
                (Ok([c, _, _]), Pooling::AverageGrid(n)) => c * n * n,
                _ => size.iter().product(),
            });
        }
        if ends.len() > 1 {
            let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
            builder = builder.add_after(&ends, "features", Concat);
        }
        Ok(Tapped {
            net: builder.build(0)?,
            widths,
        })
    }
}

/// Adds nodes with the weights that they have.
fn nodes(
    builder: convscope_nn::NetworkBuilder,
    views: &[&NodeView<'_>],
) -> convscope_nn::NetworkBuilder {
    views.iter().fold(builder, |builder, view| {
        builder.add_trained(&view.inputs, view.name, view.layer.boxed())
    })
}

/// The number of a node; none for the image.
fn place(views: &[NodeView<'_>], name: &str) -> Result<Option<usize>> {
    if name == INPUT {
        return Ok(None);
    }
    let block = format!("{name}.");
    let exact = views.iter().position(|v| v.name == name);
    let found = exact.or_else(|| views.iter().rposition(|v| v.name.starts_with(&block)));
    found.map(Some).ok_or_else(|| {
        let known: Vec<&str> = views.iter().map(|v| v.name).collect();
        TransferError::Network(convscope_nn::NnError::Unknown {
            what: "node",
            name: name.to_owned(),
            known: known.join(", "),
        })
    })
}

fn ancestors(views: &[NodeView<'_>], places: &[Option<usize>]) -> Vec<bool> {
    let mut kept = vec![false; views.len()];
    for &place in places.iter().flatten() {
        kept[place] = true;
    }
    for i in (0..views.len()).rev() {
        if kept[i] {
            for input in &views[i].inputs {
                if let Some(j) = views[..i].iter().position(|v| v.name == *input) {
                    kept[j] = true;
                }
            }
        }
    }
    kept
}

fn sizes(names: &[&str], input: &[usize], views: &[NodeView<'_>]) -> Vec<Vec<usize>> {
    let size = |name: &&str| {
        let found = views.iter().find(|v| v.name == *name);
        found.map_or(input.to_vec(), |v| v.shape.to_vec())
    };
    names.iter().map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{BatchNorm2d, Conv2d, Linear, Relu, Tensor};

    fn net() -> Network {
        Network::input([2, 6, 9])
            .add("conv1", Conv2d::new(3, 3).same())
            .add("bn1", BatchNorm2d::new())
            .add("relu1", Relu)
            .add_after(&["conv1"], "side", Conv2d::new(2, 3))
            .add_after(&["relu1"], "pool", MaxPool2d::new(2))
            .add("flatten", Flatten)
            .add("fc", Linear::new(5))
            .build(3)
            .unwrap()
    }

    fn images() -> Tensor {
        let mut number = 0.0_f32;
        Tensor::from_shape_simple_fn(vec![4, 2, 6, 9], || {
            number += 1.0;
            (number * 1.3).sin()
        })
    }

    #[test]
    fn one_pass_gives_every_taps_vector_as_a_trace_and_plain_loops_do() {
        let (net, images) = (net(), images());
        let taps = [
            Tap::new("conv1"),
            Tap::new("relu1").pooling(Pooling::GlobalMax),
            Tap::new("side").pooling(Pooling::AverageGrid(2)),
            Tap::new("pool").pooling(Pooling::Flatten),
            Tap::new("fc"),
            Tap::new("input"),
        ];
        let tapped = Tapped::new(&net, &taps, None).unwrap();
        let rows = tapped.net.forward(&images).unwrap();
        assert_eq!(tapped.widths, [3, 3, 8, 3 * 3 * 4, 5, 2]);
        let trace = net.trace(&images).unwrap();
        for n in 0..4 {
            let mut expected = Vec::new();
            for tap in &taps {
                let a = trace.activation(&tap.node).unwrap();
                let a = a.index_axis(ndarray::Axis(0), n);
                match (a.ndim(), tap.pooling) {
                    (1, _) | (_, Pooling::Flatten) => expected.extend(a.iter().copied()),
                    (_, Pooling::GlobalAverage) => {
                        expected.extend(a.outer_iter().map(|c| c.sum() / c.len() as f32));
                    }
                    (_, Pooling::GlobalMax) => {
                        expected.extend(
                            a.outer_iter()
                                .map(|c| c.iter().copied().fold(f32::MIN, f32::max)),
                        );
                    }
                    // side is 2 x 4 x 7: rows 0..2, 2..4; columns 0..4 and 3..7.
                    (_, Pooling::AverageGrid(_)) => {
                        for c in 0..2 {
                            for (top, left) in [(0, 0), (0, 3), (2, 0), (2, 3)] {
                                let mut sum = 0.0;
                                for y in top..top + 2 {
                                    for x in left..left + 4 {
                                        sum += a[[c, y, x]];
                                    }
                                }
                                expected.push(sum / 8.0);
                            }
                        }
                    }
                }
            }
            let row = rows.index_axis(ndarray::Axis(0), n);
            assert_eq!(row.len(), expected.len());
            for (i, (a, b)) in row.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() < 1e-5, "image {n}, number {i}: {a} and {b}");
            }
        }
    }

    #[test]
    fn what_no_tap_depends_on_is_not_run() {
        let names = |taps: &[Tap]| Tapped::new(&net(), taps, None).unwrap().net.nodes();
        let one = names(&[Tap::new("side")]);
        assert_eq!(one, ["conv1", "side", "features 0", "features 0 in a row"]);
        let two = names(&[Tap::new("bn1"), Tap::new("side")]);
        assert!(!two.iter().any(|n| n == "relu1" || n == "fc"), "{two:?}");
        // Images of another size go as far as no fully connected layer minds.
        let tapped = Tapped::new(
            &net(),
            &[Tap::new("pool").pooling(Pooling::GlobalMax)],
            Some([2, 12, 12]),
        );
        assert_eq!(tapped.unwrap().widths, [3]);
        let error = Tapped::new(&net(), &[Tap::new("fc")], Some([2, 12, 12])).unwrap_err();
        assert!(error.to_string().contains("fc"), "{error}");
    }

    #[test]
    fn a_tap_that_makes_no_sense_is_an_error() {
        for (taps, words) in [
            (vec![], "at least one layer"),
            (vec![Tap::new("conv9")], "\"conv9\""),
            (vec![Tap::new("conv1"), Tap::new("conv1")], "twice"),
            (
                vec![Tap::new("side").pooling(Pooling::AverageGrid(5))],
                "1 to 4 for maps of 4x7, got 5",
            ),
        ] {
            let error = Tapped::new(&net(), &taps, None).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let both = [
            Tap::new("conv1"),
            Tap::new("conv1").pooling(Pooling::GlobalMax),
        ];
        assert!(Tapped::new(&net(), &both, None).is_ok());
    }
}
