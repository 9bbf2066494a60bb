//! From layers to ONNX's graph.

mod operations;

use crate::error::{OnnxError, Result};
use crate::proto::{
    Attribute, Dimension, Graph, Model, Node, OperatorSet, Tensor as Stored, TensorShape,
    TensorType, TypeOf, ValueInfo,
};
use bytes::Bytes;
use convscope_nn::layer::Operation;
use convscope_nn::{INPUT, Network, NodeView, Tensor};
use prost::Message;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The version of ONNX's operators that is written: that of 2023, the first with a GELU.
const OPSET: i64 = 20;
/// The version of the file format that goes with it.
const IR_VERSION: i64 = 9;

/// Writes a network for inference, whole or not at all: parameters under their paths, one input
/// (`input`, for any number of images) and one output (`logits`, or `probabilities` behind a
/// softmax). Dropout stays, and does nothing.
///
/// # Errors
/// When a layer has no counterpart in ONNX (an unpooling by switches, a layer of your own that does
/// not say its [operations](convscope_nn::Layer::operations)), when the network takes more than
/// 2 GB, or when the file cannot be written.
pub fn write(network: &Network, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let bytes = to_bytes(network)?;
    convscope_data::write_atomic(path, &bytes).map_err(|source| OnnxError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// The bytes of such a file.
///
/// # Errors
/// As [`write()`], but for the file.
pub fn to_bytes(network: &Network) -> Result<Vec<u8>> {
    let views: Vec<NodeView<'_>> = network.views().collect();
    let mut export = Export::of(&views);
    for view in needed(&views) {
        export.node(view)?;
    }
    export.finish(network)
}

/// The nodes that the last one needs, in order.
fn needed<'v, 'n>(views: &'v [NodeView<'n>]) -> Vec<&'v NodeView<'n>> {
    let mut wanted: HashSet<&str> = views.last().map(|view| view.name).into_iter().collect();
    let mut found: Vec<_> = views
        .iter()
        .rev()
        .filter(|view| {
            let needed = wanted.contains(view.name);
            if needed {
                wanted.extend(&view.inputs);
            }
            needed
        })
        .collect();
    found.reverse();
    found
}

/// A file in the making.
struct Export<'n> {
    nodes: Vec<Bytes>,
    /// Parameters and other constants by name.
    stored: Vec<(String, Constant<'n>)>,
    /// The name of each node's output.
    values: HashMap<&'n str, String>,
    taken: HashSet<String>,
    /// The last node and what its output is called.
    last: (&'n str, &'static str),
}

/// What stands in the file beside the nodes.
enum Constant<'n> {
    /// A parameter, under another shape where one is given.
    Parameter(&'n Tensor, Option<Vec<usize>>),
    Floats(Vec<usize>, Vec<f32>),
    Wholes(Vec<i64>),
}

impl<'n> Export<'n> {
    fn of(views: &[NodeView<'n>]) -> Export<'n> {
        let mut taken = HashSet::from([INPUT.to_owned()]);
        for view in views {
            let own = view
                .layer
                .parameters()
                .into_iter()
                .chain(view.layer.buffers());
            taken.extend(own.map(|(which, _)| format!("{}.{which}", view.name)));
        }
        let last = views.last().map_or(("", "logits"), |view| {
            let output = match view.layer.operations(&view.input_shapes).last() {
                Some(Operation::Softmax) => "probabilities",
                Some(Operation::LogSoftmax) => "log_probabilities",
                _ => "logits",
            };
            (view.name, output)
        });
        taken.insert(last.1.to_owned());
        Export {
            nodes: Vec::new(),
            stored: Vec::new(),
            values: HashMap::from([(INPUT, INPUT.to_owned())]),
            taken,
            last,
        }
    }

    fn node(&mut self, view: &NodeView<'n>) -> Result<()> {
        let unwritable = |problem: String| OnnxError::Unwritable {
            node: view.name.to_owned(),
            kind: view.layer.kind(),
            problem,
        };
        let operations = view.layer.operations(&view.input_shapes);
        let Some((last, before)) = operations.split_last() else {
            return Err(unwritable(
                "the layer has no counterpart there, or does not say which".into(),
            ));
        };
        let mut inputs: Vec<String> = view
            .inputs
            .iter()
            .map(|name| self.values[name].clone())
            .collect();
        let mut shapes = view.input_shapes.clone();
        for (at, operation) in before.iter().enumerate() {
            let name = format!("{}.step{}", view.name, at + 1);
            let output = self.unique(&name);
            let shape = operations::shape_after(operation, &shapes).map_err(unwritable)?;
            self.operation(
                view,
                operation,
                &name,
                inputs,
                &shapes,
                &shape,
                output.clone(),
            )
            .map_err(unwritable)?;
            (inputs, shapes) = (vec![output], vec![shape]);
        }
        let output = match view.name == self.last.0 {
            true => self.last.1.to_owned(),
            false => self.unique(view.name),
        };
        self.operation(
            view,
            last,
            view.name,
            inputs,
            &shapes,
            view.shape,
            output.clone(),
        )
        .map_err(unwritable)?;
        self.values.insert(view.name, output);
        Ok(())
    }

    /// A name that nothing else has.
    fn unique(&mut self, name: &str) -> String {
        let mut found = name.to_owned();
        while !self.taken.insert(found.clone()) {
            found.push('_');
        }
        found
    }

    /// Stores a parameter under its path; returns that.
    fn parameter(
        &mut self,
        view: &NodeView<'n>,
        which: &str,
        shape: Option<Vec<usize>>,
    ) -> Result<String, String> {
        let mut own = view
            .layer
            .parameters()
            .into_iter()
            .chain(view.layer.buffers());
        let (_, tensor) = own
            .find(|(name, _)| *name == which)
            .ok_or_else(|| format!("the layer has no parameter \"{which}\""))?;
        let name = format!("{}.{which}", view.name);
        self.stored
            .push((name.clone(), Constant::Parameter(tensor, shape)));
        Ok(name)
    }

    /// Stores another constant; returns its name.
    fn constant(&mut self, name: String, constant: Constant<'n>) -> String {
        let name = self.unique(&name);
        self.stored.push((name.clone(), constant));
        name
    }

    /// Adds a node of ONNX's.
    fn add(
        &mut self,
        name: &str,
        operator: &str,
        input: Vec<String>,
        output: String,
        attributes: Vec<Attribute>,
    ) {
        let node = Node {
            input,
            output: vec![output],
            name: name.to_owned(),
            op_type: operator.to_owned(),
            attribute: attributes
                .iter()
                .map(|a| a.encode_to_vec().into())
                .collect(),
            ..Node::default()
        };
        self.nodes.push(node.encode_to_vec().into());
    }

    fn finish(self, network: &Network) -> Result<Vec<u8>> {
        let graph = Graph {
            node: self.nodes,
            name: "convscope".into(),
            input: vec![info(INPUT, network.input_shape())],
            output: vec![info(self.last.1, network.output_shape())],
            ..Graph::default()
        };
        let set = OperatorSet {
            domain: String::new(),
            version: OPSET,
        };
        let model = Model {
            ir_version: IR_VERSION,
            producer_name: "convscope".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: None,
            opset_import: vec![set.encode_to_vec().into()],
        };
        // Weights go in one by one behind the rest of the graph, so that no more than one is held
        // twice.
        let sizes: Vec<usize> = self.stored.iter().map(|(n, c)| c.encoded_len(n)).collect();
        let weights: usize = sizes
            .iter()
            .map(|&n| n + prost::length_delimiter_len(n) + 1)
            .sum();
        let length = graph.encoded_len() + weights;
        let whole = model.encoded_len() + length + 16;
        if whole > i32::MAX as usize {
            return Err(OnnxError::TooLarge { bytes: whole });
        }
        let mut bytes = Vec::with_capacity(whole);
        let room = "a vector grows";
        model.encode(&mut bytes).expect(room);
        bytes.push(field(7));
        prost::encode_length_delimiter(length, &mut bytes).expect(room);
        graph.encode(&mut bytes).expect(room);
        for ((name, constant), size) in self.stored.iter().zip(sizes) {
            bytes.push(field(5));
            prost::encode_length_delimiter(size, &mut bytes).expect(room);
            constant.stored(name).encode(&mut bytes).expect(room);
        }
        Ok(bytes)
    }
}

/// The byte before a field that holds a message.
fn field(number: u8) -> u8 {
    number << 3 | 2
}

impl Constant<'_> {
    fn stored(&self, name: &str) -> Stored {
        let (shape, kind, bytes): (Vec<usize>, i32, Vec<u8>) = match self {
            Constant::Parameter(tensor, shape) => (
                shape.clone().unwrap_or_else(|| tensor.shape().to_vec()),
                1,
                tensor.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ),
            Constant::Floats(shape, values) => (
                shape.clone(),
                1,
                values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ),
            Constant::Wholes(values) => (
                vec![values.len()],
                7,
                values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ),
        };
        Stored {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: kind,
            name: name.to_owned(),
            raw_data: Some(bytes.into()),
            ..Stored::default()
        }
    }

    /// The length of the message, without making its numbers.
    fn encoded_len(&self, name: &str) -> usize {
        let numbers = match self {
            Constant::Parameter(tensor, _) => tensor.len() * 4,
            Constant::Floats(_, values) => values.len() * 4,
            Constant::Wholes(values) => values.len() * 8,
        };
        let empty = match self {
            Constant::Parameter(tensor, shape) => {
                let shape = shape.clone().unwrap_or_else(|| tensor.shape().to_vec());
                Constant::Floats(shape, Vec::new()).stored(name)
            }
            Constant::Floats(shape, _) => Constant::Floats(shape.clone(), Vec::new()).stored(name),
            Constant::Wholes(values) => {
                let mut stored = Constant::Wholes(Vec::new()).stored(name);
                stored.dims = vec![values.len() as i64];
                stored
            }
        };
        // The empty field of the numbers takes a byte for its length.
        empty.encoded_len() - 1 + prost::length_delimiter_len(numbers) + numbers
    }
}

/// An input or output for any number of images.
fn info(name: &str, shape: &[usize]) -> Bytes {
    let batch = Dimension {
        value: None,
        param: Some("batch".into()),
    };
    let sizes = shape.iter().map(|&size| Dimension {
        value: Some(size as i64),
        param: None,
    });
    let shape = TensorShape {
        dim: std::iter::once(batch).chain(sizes).collect(),
    };
    let info = ValueInfo {
        name: name.to_owned(),
        kind: Some(TypeOf {
            tensor: Some(TensorType {
                elem_type: 1,
                shape: Some(shape),
            }),
        }),
    };
    info.encode_to_vec().into()
}
