//! A network: a named graph of layers that does not change while it runs.

mod builder;
mod effective_field;
mod parameters;
mod part;
mod receptive_field;
mod summary;
mod view;

pub use builder::NetworkBuilder;
pub use effective_field::EffectiveField;
pub use receptive_field::{ReceptiveField, Rect};
pub use summary::{Summary, SummaryRow};
pub use view::NodeView;

use crate::error::{NnError, Result};
use crate::layer::{Layer, Pass, Shape};
use crate::loss::softmax;
use crate::pool;
use crate::real::{Real, Tensor};
use crate::trace::{Keep, Trace};
use ndarray::{Axis, Slice};
use std::borrow::Cow;
use std::sync::Arc;

/// The name of the node that stands for the image.
pub const INPUT: &str = "input";

/// The most images that go through the network at a time in [`Network::forward`].
const FORWARD_BATCH: usize = 128;

/// Numbers of an activation that stay in the processor's last cache until the next layer reads
/// them.
const NEAR: usize = 2 << 20;

/// One node of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Node<F: Real> {
    pub(crate) name: String,
    /// Shared between copies of the network until one of them changes it.
    pub(crate) layer: Arc<dyn Layer<F>>,
    /// The nodes it reads; 0 is the image, `i + 1` is `nodes[i]`.
    pub(crate) inputs: Vec<usize>,
    /// The shape of its output, without the batch.
    pub(crate) shape: Shape,
}

impl<F: Real> Node<F> {
    /// The layer, to be changed; copied first when another network shares it.
    fn layer_mut(&mut self) -> &mut dyn Layer<F> {
        if Arc::get_mut(&mut self.layer).is_none() {
            self.layer = Arc::from(self.layer.boxed());
        }
        Arc::get_mut(&mut self.layer).expect("nobody shares a fresh copy")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Graph<F: Real> {
    pub(crate) input: Shape,
    pub(crate) nodes: Vec<Node<F>>,
}

impl<F: Real> Graph<F> {
    pub(crate) fn shape(&self, id: usize) -> &Shape {
        match id {
            0 => &self.input,
            id => &self.nodes[id - 1].shape,
        }
    }

    pub(crate) fn name(&self, id: usize) -> &str {
        match id {
            0 => INPUT,
            id => &self.nodes[id - 1].name,
        }
    }

    /// The number of a node by its name. The name of a block stands for its last node.
    pub(crate) fn find(&self, name: &str) -> Result<usize> {
        let inside = |id: &usize| {
            let rest = self.name(*id).strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        (0..=self.nodes.len())
            .find(|&id| self.name(id) == name)
            .or_else(|| (1..=self.nodes.len()).rev().find(inside))
            .ok_or_else(|| NnError::Unknown {
                what: "node",
                name: name.to_owned(),
                known: (0..=self.nodes.len())
                    .map(|id| self.name(id))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// Whether a node has exactly this name.
    fn has(&self, name: &str) -> bool {
        (0..=self.nodes.len()).any(|id| self.name(id) == name)
    }

    fn input_shapes(&self, node: &Node<F>) -> Vec<Shape> {
        node.inputs.iter().map(|&i| self.shape(i).clone()).collect()
    }
}

/// A network over images of one shape: layers in a graph, each with a name.
///
/// Cloning is cheap; a clone's parameters part from the original's when either is changed.
///
/// ```
/// use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu};
/// # fn main() -> Result<(), convscope_nn::NnError> {
/// let net = Network::input([1, 28, 28])
///     .add("conv1", Conv2d::new(32, 3).same())
///     .add("relu1", Relu)
///     .add("flatten", Flatten)
///     .add("fc", Linear::new(10))
///     .build(1)?;
/// assert_eq!(net.parameter_count(), 251_210);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Network<F: Real = f32> {
    pub(crate) graph: Arc<Graph<F>>,
}

impl Network<f32> {
    /// Begins a network for images (or vectors) of this shape, without the batch: `[C, H, W]`.
    pub fn input(shape: impl Into<Vec<usize>>) -> NetworkBuilder {
        NetworkBuilder::new(shape.into())
    }

    /// The same network in double precision, for checking gradients.
    pub fn to_f64(&self) -> Network<f64> {
        let nodes = self
            .graph
            .nodes
            .iter()
            .map(|node| Node {
                name: node.name.clone(),
                layer: Arc::from(node.layer.to_f64()),
                inputs: node.inputs.clone(),
                shape: node.shape.clone(),
            })
            .collect();
        Network {
            graph: Arc::new(Graph {
                input: self.graph.input.clone(),
                nodes,
            }),
        }
    }
}

impl<F: Real> Network<F> {
    /// Runs a batch `[N, C, H, W]` forward and keeps everything that happened, by name.
    ///
    /// # Errors
    /// When the batch does not fit the network, is empty, or holds a NaN or an infinity.
    pub fn trace(&self, x: &Tensor<F>) -> Result<Trace<F>> {
        self.trace_as(x, Pass::default())
    }

    /// The same with a say in how the layers behave.
    ///
    /// # Errors
    /// As [`Network::trace`].
    pub fn trace_as(&self, x: &Tensor<F>, pass: Pass) -> Result<Trace<F>> {
        self.check_batch(x)?;
        F::run(self, Cow::Borrowed(x), pass, Keep::Everything)
    }

    /// The forward pass of a training step: keeps only what the way back reads.
    pub(crate) fn lean_trace(&self, x: &Tensor<F>, pass: Pass) -> Result<Trace<F>> {
        F::run(self, Cow::Borrowed(x), pass, Keep::ForBackward)
    }

    /// The output for a batch of any size, `[N, classes]` for a classifier. It goes through the
    /// network a part at a time, so that memory does not grow with the batch.
    ///
    /// # Errors
    /// As [`Network::trace`].
    pub fn forward(&self, x: &Tensor<F>) -> Result<Tensor<F>> {
        self.forward_as(x, Pass::default())
    }

    /// The same with a say in how the layers behave: `Pass::monte_carlo(seed)` for a draw of Monte
    /// Carlo dropout. (Of a pass that normalises by the statistics of the batch, each part is a
    /// batch of its own.)
    ///
    /// # Errors
    /// As [`Network::trace`].
    pub fn forward_as(&self, x: &Tensor<F>, pass: Pass) -> Result<Tensor<F>> {
        self.check_batch(x)?;
        let run = |x, pass| Ok(F::run(self, x, pass, Keep::Output)?.into_output());
        let most = match pass.batch_statistics {
            // Parts are batches of their own then, and small ones have poor statistics.
            true => FORWARD_BATCH,
            false => self.forward_batch(),
        };
        if x.shape()[0] <= most {
            return run(Cow::Borrowed(x), pass);
        }
        let mut parts = Vec::new();
        for (i, start) in (0..x.shape()[0]).step_by(most).enumerate() {
            let end = (start + most).min(x.shape()[0]);
            let part = x.slice_axis(Axis(0), Slice::from(start..end));
            let mut copy = pool::fresh(part.shape());
            copy.assign(&part);
            parts.push(run(Cow::Owned(copy), pass.of_part(i))?);
        }
        let views: Vec<_> = parts.iter().map(|p| p.view()).collect();
        Ok(ndarray::concatenate(Axis(0), &views).expect("parts of one shape"))
    }

    /// Images that go through the network together when only the output is kept: as many as leave
    /// the largest activation in the cache.
    fn forward_batch(&self) -> usize {
        let sizes = (0..=self.graph.nodes.len()).map(|id| self.graph.shape(id).iter().product());
        let largest: usize = sizes.max().unwrap_or(1);
        (NEAR / largest.max(1)).clamp(1, FORWARD_BATCH)
    }

    /// The probability of each class, `[N, classes]`: the softmax of the output.
    ///
    /// # Errors
    /// As [`Network::trace`], or when the output is not a vector.
    pub fn probabilities(&self, x: &Tensor<F>) -> Result<Tensor<F>> {
        softmax(&self.forward(x)?)
    }

    /// The most probable class of each image.
    ///
    /// # Errors
    /// As [`Network::probabilities`].
    pub fn predict(&self, x: &Tensor<F>) -> Result<Vec<usize>> {
        let logits = self.forward(x)?;
        crate::loss::classes(&logits)?;
        Ok(logits.outer_iter().map(|row| argmax(row.iter())).collect())
    }

    fn check_batch(&self, x: &Tensor<F>) -> Result<()> {
        let expected = &self.graph.input;
        if x.ndim() != expected.len() + 1 || x.shape()[1..] != expected[..] || x.shape()[0] == 0 {
            let dims: Vec<_> = expected.iter().map(usize::to_string).collect();
            return Err(NnError::shape(
                "the network's input",
                format!("a batch of at least one, [batch, {}]", dims.join(", ")),
                x.shape(),
            ));
        }
        check_finite(
            x,
            "the network's input",
            "look at the image or at how it was preprocessed",
        )
    }

    /// The shape of one input, without the batch.
    pub fn input_shape(&self) -> &[usize] {
        &self.graph.input
    }

    /// The shape of one output, without the batch.
    pub fn output_shape(&self) -> &[usize] {
        self.graph.shape(self.graph.nodes.len())
    }

    /// The nodes' names from the image to the output, without the image.
    pub fn nodes(&self) -> Vec<String> {
        self.graph.nodes.iter().map(|n| n.name.clone()).collect()
    }
}

/// The index of the largest value, the first of equals.
pub(crate) fn argmax<'a, F: Real>(values: impl Iterator<Item = &'a F>) -> usize {
    let mut best = (0, F::neg_infinity());
    for (i, &v) in values.enumerate() {
        if v > best.1 {
            best = (i, v);
        }
    }
    best.0
}

pub(crate) fn check_finite<F: Real>(x: &Tensor<F>, what: &str, advice: &str) -> Result<()> {
    // Times zero everything finite is zero; summed in lanes, which the compiler vectorises.
    if let Some(values) = x.as_slice() {
        let mut lanes = [F::zero(); 16];
        let chunks = values.chunks_exact(lanes.len());
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &v) in lanes.iter_mut().zip(chunk) {
                *lane += v * F::zero();
            }
        }
        if lanes.iter().chain(rest).all(|v| v.is_finite()) {
            return Ok(());
        }
    }
    match x.indexed_iter().find(|(_, v)| !v.is_finite()) {
        None => Ok(()),
        Some((position, v)) => Err(NnError::NotFinite {
            what: what.to_owned(),
            value: v.to_string(),
            position: ndarray::Dimension::slice(&position).to_vec(),
            advice: advice.to_owned(),
        }),
    }
}
