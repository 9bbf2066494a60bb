//! From ONNX's graph to layers: node after node, in an order in which each reads what was made.

mod arithmetic;
mod convolution;
mod elementwise;
mod external;
mod fold;
mod graph;
mod images;
mod joins;
mod node;
mod pooling;
mod shapes;
mod tensors;
mod value;

use crate::error::{OnnxError, Result};
use crate::limits::{ACTIVATION, ACTIVATIONS, Budget};
use crate::names::{self, Candidate};
use crate::proto;
use convscope_nn::layer::{Layer, Shape};
use convscope_nn::{Conv2d, INPUT, Network, Tensor};
use node::Node;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use value::{Constant, Value};

/// The operators that are read, each within the limits that `docs/onnx.md` states.
pub const SUPPORTED: &str = "Add, AveragePool, BatchNormalization, Cast, Clip, Concat, Constant, \
    ConstantOfShape, Conv, ConvTranspose, Div, Dropout, Erf (in a GELU), Flatten, Gather, Gelu, Gemm, \
    GlobalAveragePool, GlobalMaxPool, HardSigmoid, HardSwish, Identity, LRN, LeakyRelu, LogSoftmax, \
    MatMul, MaxPool, Mul, PRelu, Pad, ReduceMean, Relu, Reshape, Resize, Shape, Sigmoid, Slice, \
    Softmax, Split, Squeeze, Sub, Sum, Tanh, Transpose (of constants), Unsqueeze";

/// What a step of the import says when it fails: the node is added outside.
type Step<T = ()> = Result<T, String>;

/// A layer that will be a node of the network.
struct Draft {
    layer: Box<dyn Layer<f32>>,
    /// The nodes it reads; 0 is the image, `i + 1` is draft `i`.
    inputs: Vec<usize>,
    shape: Shape,
    name: Candidate,
    /// The name under which the file knows its output.
    output: String,
    /// How it takes a bias, if the file has given it none.
    open: Option<Open>,
}

/// How a layer without a bias takes one that the file adds behind it.
enum Open {
    /// Its own is zero, and may be set.
    Zero,
    /// It is built again, from this.
    Conv(Box<Conv2d>),
}

/// An import under way.
pub(crate) struct Import<'a> {
    opset: i64,
    budget: Budget,
    folder: Option<&'a Path>,
    file: String,
    /// How many images the file is for, if it says so.
    batch: Option<usize>,
    input: Shape,
    stored: Vec<Arc<proto::Tensor>>,
    values: HashMap<String, Value>,
    /// How many nodes read a value; the graph's output counts as one more.
    readers: HashMap<String, usize>,
    drafts: Vec<Draft>,
    /// Numbers in the activations of all drafts.
    activations: usize,
    /// The draft whose output is the network's.
    output: usize,
}

impl<'a> Import<'a> {
    pub(crate) fn new(
        opset: i64,
        budget: Budget,
        folder: Option<&'a Path>,
        file: String,
    ) -> Import<'a> {
        Import {
            opset,
            budget,
            folder,
            file,
            batch: None,
            input: Vec::new(),
            stored: Vec::new(),
            values: HashMap::new(),
            readers: HashMap::new(),
            drafts: Vec::new(),
            activations: 0,
            output: 0,
        }
    }

    fn unusable(&self, problem: impl Into<String>) -> OnnxError {
        OnnxError::Unusable {
            file: self.file.clone(),
            problem: problem.into(),
        }
    }

    /// Reads one node: its outputs become values.
    fn step(&mut self, node: &Node) -> Step {
        match node.operator.as_str() {
            "Conv" => self.conv(node),
            "ConvTranspose" => self.conv_transpose(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.mat_mul(node),
            "BatchNormalization" => self.batch_normalization(node),
            "LRN" => self.lrn(node),
            "Relu" | "Sigmoid" | "Tanh" | "LeakyRelu" | "PRelu" | "Clip" | "Gelu" | "Erf"
            | "HardSigmoid" | "HardSwish" | "Softmax" | "LogSoftmax" | "Dropout" => {
                self.elementwise(node)
            }
            "MaxPool" | "AveragePool" => self.pool(node),
            "GlobalAveragePool" | "GlobalMaxPool" => self.global_pool(node),
            "ReduceMean" => self.reduce_mean(node),
            "Pad" => self.pad(node),
            "Resize" | "Upsample" => self.resize(node),
            "Slice" => self.slice(node),
            "Gather" => self.gather(node),
            "Split" => self.split(node),
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node),
            "Sum" => self.sum(node),
            "Concat" => self.concat(node),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => self.reshape(node),
            "Transpose" => self.transpose(node),
            "Shape" => self.shape_of(node),
            "Identity" => {
                let value = self.value(node, 0)?;
                self.give(node, value)
            }
            "Cast" => self.cast(node),
            "Constant" => self.constant_node(node),
            "ConstantOfShape" => self.constant_of_shape(node),
            _ => Err(format!(
                "this operator is not supported; supported are {SUPPORTED}"
            )),
        }
    }

    /// The value that a node reads as its input number `at`.
    fn value(&self, node: &Node, at: usize) -> Step<Value> {
        let name = node
            .input(at)
            .ok_or_else(|| format!("expected at least {} inputs, got {}", at + 1, node.inputs()))?;
        self.values
            .get(name)
            .cloned()
            .ok_or_else(|| format!("it reads \"{name}\", which was not computed"))
    }

    /// An activation: the number of the node that puts it out, and its shape.
    fn activation(&self, node: &Node, at: usize) -> Step<usize> {
        match self.value(node, at)? {
            Value::Activation(id) => Ok(id),
            Value::Erf(_) => Err("an erf is read only as a part of a GELU".into()),
            _ => Err(format!(
                "expected what is computed from the image as input {at}, got a constant"
            )),
        }
    }

    /// A constant, decoded.
    fn constant(&mut self, node: &Node, at: usize) -> Step<Constant> {
        let value = self.value(node, at)?;
        let what = || format!("input {at} (\"{}\")", node.input(at).unwrap_or_default());
        self.decoded(value)
            .map_err(|problem| format!("{}: {problem}", what()))?
            .ok_or_else(|| format!("{} is computed from the image; expected a constant", what()))
    }

    /// A constant of floating-point numbers.
    fn floats(&mut self, node: &Node, at: usize) -> Step<Tensor> {
        self.constant(node, at)?.into_floats()
    }

    fn decoded(&mut self, value: Value) -> Step<Option<Constant>> {
        Ok(match value {
            Value::Stored(index) => Some(self.decode_stored(index)?),
            Value::Constant(constant) => {
                self.budget.take_numbers(constant.len())?;
                Some((*constant).clone())
            }
            Value::Activation(_) | Value::Erf(_) => None,
        })
    }

    /// The shape of a node's output, without the batch.
    fn shape(&self, id: usize) -> &Shape {
        match id {
            0 => &self.input,
            id => &self.drafts[id - 1].shape,
        }
    }

    /// `[C, H, W]` of an activation that must be an image.
    fn image(&self, id: usize) -> Step<[usize; 3]> {
        let shape = self.shape(id);
        <[usize; 3]>::try_from(shape.as_slice()).map_err(|_| {
            format!(
                "expected a batch of images, [batch, channels, height, width], got [batch, {}]",
                listed(shape)
            )
        })
    }

    /// Makes a value the node's first output.
    fn give(&mut self, node: &Node, value: Value) -> Step {
        self.give_as(node, 0, value)
    }

    fn give_as(&mut self, node: &Node, at: usize, value: Value) -> Step {
        if let Some(name) = node.output(at) {
            self.values.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// The draft behind an input, where nobody reads it but this node: it may be changed.
    fn sole(&mut self, node: &Node, at: usize, id: usize) -> Option<&mut Draft> {
        let name = node.input(at)?;
        let draft = self.drafts.get_mut(id.checked_sub(1)?)?;
        // Under another name, others may read it too.
        (draft.output == name && self.readers.get(name) == Some(&1)).then_some(draft)
    }

    /// Adds a layer with its numbers and makes it the node's first output. The parameter's name in
    /// the file tells what the layer is called.
    fn layer(
        &mut self,
        node: &Node,
        parameter: Option<usize>,
        layer: impl Into<Box<dyn Layer<f32>>>,
        inputs: Vec<usize>,
        numbers: Vec<(&'static str, Tensor)>,
    ) -> Step<usize> {
        let name = node.candidate(parameter.and_then(|at| node.input(at)));
        let id = self.draft(name, layer, inputs, numbers)?;
        self.drafts[id - 1].output = node.output(0).unwrap_or_default().to_owned();
        self.give(node, Value::Activation(id))?;
        Ok(id)
    }

    /// Adds a layer with its numbers; returns its number.
    fn draft(
        &mut self,
        name: Candidate,
        layer: impl Into<Box<dyn Layer<f32>>>,
        inputs: Vec<usize>,
        numbers: Vec<(&'static str, Tensor)>,
    ) -> Step<usize> {
        let mut layer = layer.into();
        let shapes: Vec<Shape> = inputs.iter().map(|&id| self.shape(id).clone()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let shape = layer.build(&shapes, &mut rng).map_err(|e| e.to_string())?;
        self.activations += bounded(&shape)?;
        if self.activations > ACTIVATIONS {
            return Err(format!(
                "the activations of one image up to here have more than {ACTIVATIONS} numbers"
            ));
        }
        for (which, value) in numbers {
            fill(&mut *layer, which, value)?;
        }
        self.drafts.push(Draft {
            layer,
            inputs,
            shape,
            name,
            output: String::new(),
            open: None,
        });
        Ok(self.drafts.len())
    }

    /// The network, of those drafts that the output needs.
    pub(crate) fn into_network(self) -> Result<Network> {
        let mut needed = vec![false; self.output + 1];
        needed[self.output] = true;
        for id in (1..=self.output).rev() {
            if needed[id] {
                for &input in &self.drafts[id - 1].inputs {
                    needed[input] = true;
                }
            }
        }
        let count = self.output;
        let drafts: Vec<(usize, Draft)> = (1..)
            .zip(self.drafts.into_iter().take(count))
            .filter(|(id, _)| needed[*id])
            .collect();
        let candidates: Vec<Candidate> = drafts.iter().map(|(_, d)| d.name.clone()).collect();
        let settled = names::settle(&candidates);
        let mut by_id: HashMap<usize, &str> = HashMap::from([(0, INPUT)]);
        by_id.extend(
            drafts
                .iter()
                .map(|(id, _)| *id)
                .zip(settled.iter().map(String::as_str)),
        );
        // Weights have been copied into the layers: the file's bytes may go.
        drop(self.stored);
        drop(self.values);
        let mut net = Network::input(self.input);
        for (id, draft) in drafts {
            let inputs: Vec<&str> = draft.inputs.iter().map(|input| by_id[input]).collect();
            net = net.add_trained(&inputs, by_id[&id], draft.layer);
        }
        net.build(0).map_err(|source| OnnxError::Network {
            file: self.file,
            source,
        })
    }
}

/// Sets a parameter or buffer of a layer.
fn fill(layer: &mut dyn Layer<f32>, which: &str, value: Tensor) -> Step {
    let mut all = layer.parameters_mut();
    let mut found = all.iter().position(|(name, _)| *name == which);
    if found.is_none() {
        all = layer.buffers_mut();
        found = all.iter().position(|(name, _)| *name == which);
    }
    let at = found.ok_or_else(|| format!("the layer has no {which}"))?;
    let old = all.swap_remove(at).1;
    if old.shape() != value.shape() {
        return Err(format!(
            "its {which}: expected shape {:?} for these inputs, got {:?}",
            old.shape(),
            value.shape()
        ));
    }
    *old = value;
    Ok(())
}

/// The numbers of an activation, if they are within bounds.
fn bounded(shape: &[usize]) -> Step<usize> {
    let numbers = shape
        .iter()
        .try_fold(1usize, |n, &size| n.checked_mul(size));
    numbers.filter(|&n| n <= ACTIVATION).ok_or_else(|| {
        format!(
            "an activation of shape {shape:?} is too large; expected at most {ACTIVATION} numbers"
        )
    })
}

/// Numbers with commas between them.
fn listed(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(usize::to_string).collect();
    words.join(", ")
}
