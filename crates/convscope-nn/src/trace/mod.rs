//! A trace: everything that happened in one forward pass, and every gradient that can be asked
//! of it.

mod backward;
mod unit;

pub use unit::Unit;

use crate::error::{NnError, Result};
use crate::layer::{Pass, Saved};
use crate::network::{Graph, Network, check_finite};
use crate::pool;
use crate::real::{Real, Tensor};
use std::borrow::Cow;
use std::sync::Arc;

/// What a forward pass holds on to.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Everything,
    ForBackward,
    Output,
}

/// One forward pass of a network over a batch: every node's activation under its name, and what
/// the way back needs. It keeps the network as it was, so later training does not change it.
#[derive(Clone, Debug)]
pub struct Trace<F: Real = f32> {
    graph: Arc<Graph<F>>,
    /// Activations: 0 is the image, `i + 1` belongs to node `i`; `None` where it was let go.
    values: Vec<Option<Tensor<F>>>,
    /// Shapes of all of them, batch included.
    shapes: Vec<Vec<usize>>,
    saved: Vec<Saved<F>>,
}

impl<F: Real> Trace<F> {
    pub(crate) fn run(
        network: &Network<F>,
        x: Cow<'_, Tensor<F>>,
        pass: Pass,
        keep: Keep,
    ) -> Result<Trace<F>> {
        let graph = network.graph.clone();
        let count = graph.nodes.len();
        let plan = Plan::new(&graph, keep);
        // C order throughout, so that layers can work on slices.
        let x = match x.is_standard_layout() {
            true => x,
            false => Cow::Owned(x.as_standard_layout().into_owned()),
        };
        let mut values: Vec<Option<Tensor<F>>> = vec![None; count + 1];
        let mut shapes = vec![x.shape().to_vec()];
        let mut saved = vec![Saved::Nothing; count];
        // Where nothing is kept, the images are read where they stand.
        let lent;
        (values[0], lent) = match x {
            Cow::Borrowed(x) if keep == Keep::Output => (None, Some(x)),
            Cow::Borrowed(x) => (Some(pool::copy(x)), None),
            Cow::Owned(x) => (Some(x), None),
        };
        let present = "kept until its last reader";
        for (i, node) in graph.nodes.iter().enumerate() {
            let pass = pass.at_node(i);
            let result = match *node.inputs {
                [id] if !plan.saves[i] => {
                    let input = match (id, lent) {
                        (0, Some(images)) => Cow::Borrowed(images),
                        _ if plan.ends_with(id, i) => Cow::Owned(values[id].take().expect(present)),
                        _ => Cow::Borrowed(values[id].as_ref().expect(present)),
                    };
                    let output = node.layer.output(input, &pass);
                    output.map(|output| (output, Saved::Nothing))
                }
                // Nobody will read this activation again: its memory is free to be written over.
                [id] if plan.ends_with(id, i) && values[id].is_some() => node
                    .layer
                    .forward_into(values[id].take().expect(present), &pass),
                _ => {
                    let read = |&id: &usize| match (id, lent) {
                        (0, Some(images)) => images,
                        _ => values[id].as_ref().expect(present),
                    };
                    let inputs: Vec<_> = node.inputs.iter().map(read).collect();
                    let kept =
                        |&id: &usize| id.checked_sub(1).map_or(&Saved::Nothing, |i| &saved[i]);
                    let kept: Vec<_> = node.inputs.iter().map(kept).collect();
                    node.layer.forward_after(&inputs, &kept, &pass)
                }
            };
            let (output, kept) = result.map_err(|e| e.at(&node.name, node.layer.kind()))?;
            shapes.push(output.shape().to_vec());
            values[i + 1] = Some(output);
            saved[i] = kept;
            for &id in &node.inputs {
                if plan.ends_with(id, i) {
                    values[id].take().into_iter().for_each(pool::recycle);
                    if keep == Keep::Output && id > 0 {
                        saved[id - 1] = Saved::Nothing;
                    }
                }
            }
        }
        Ok(Trace {
            graph,
            values,
            shapes,
            saved,
        })
    }

    /// Bytes of memory that the trace holds: the activations that were kept and what the layers
    /// need on the way back, without the network's parameters.
    ///
    /// The trace of a training step keeps an activation only where a backward pass reads it: the
    /// inputs of convolutions, fully connected layers, batch norms, GELUs and local response
    /// norms, and the outputs of the other activation functions. A convolution, its batch norm and
    /// its ReLU thus cost two activations, and a max pooling one index per output.
    pub fn bytes(&self) -> usize {
        let values = self.values.iter().flatten();
        values.map(|t| t.len() * size_of::<F>()).sum::<usize>()
            + self.saved.iter().map(Saved::bytes).sum::<usize>()
    }

    /// Where a max pooling node found each of its outputs: one index per output, into the input
    /// plane that it was taken from, row by row.
    ///
    /// # Errors
    /// When no node has that name, or it keeps no switches.
    pub fn switches(&self, node: &str) -> Result<&[u32]> {
        let id = self.graph.find(node)?;
        match id.checked_sub(1).map(|i| &self.saved[i]) {
            Some(Saved::Switches(switches)) => Ok(switches),
            _ => Err(NnError::Invalid(format!(
                "node \"{node}\" has no switches: only max pooling does"
            ))),
        }
    }

    /// What node `i` kept beside its output.
    pub(crate) fn saved(&self, i: usize) -> &Saved<F> {
        &self.saved[i]
    }

    pub(crate) fn into_output(mut self) -> Tensor<F> {
        self.values
            .pop()
            .flatten()
            .expect("the output is always kept")
    }

    /// What the network put out, `[N, classes]` for a classifier.
    pub fn output(&self) -> &Tensor<F> {
        self.values
            .last()
            .and_then(Option::as_ref)
            .expect("the output is always kept")
    }

    /// The activation of a node, batch included: `[N, C, H, W]` or `[N, D]`; `"input"` is the batch
    /// of images itself.
    ///
    /// # Errors
    /// When no node has that name; the message lists those there are.
    pub fn activation(&self, node: &str) -> Result<&Tensor<F>> {
        let id = self.graph.find(node)?;
        self.values[id].as_ref().ok_or_else(|| {
            NnError::Invalid(format!(
                "this trace was made for training and let the activation of \"{node}\" go"
            ))
        })
    }

    /// The first node whose activation holds a NaN or an infinity, as an error.
    pub(crate) fn check_finite(&self) -> Result<()> {
        for (id, value) in self.values.iter().enumerate() {
            if let Some(value) = value {
                let what = format!("the activation of node \"{}\"", self.graph.name(id));
                let advice = "a smaller learning rate or standardised inputs may help";
                check_finite(value, &what, advice)?;
            }
        }
        Ok(())
    }
}

/// What a trace held serves the next one.
impl<F: Real> Drop for Trace<F> {
    fn drop(&mut self) {
        self.values.drain(..).flatten().for_each(pool::recycle);
        for saved in self.saved.drain(..) {
            match saved {
                Saved::Nothing | Saved::Seed(_) => {}
                Saved::Switches(switches) => pool::recycle_switches(switches),
                Saved::Tensors(tensors) => tensors.into_iter().for_each(pool::recycle),
            }
        }
    }
}

/// When activations may go.
pub(crate) struct Plan {
    /// For each activation the last node that reads it.
    pub(crate) last_reader: Vec<Option<usize>>,
    /// Whether it stays after that.
    pub(crate) stays: Vec<bool>,
    /// Whether anybody reads what a node keeps beside its output.
    saves: Vec<bool>,
}

impl Plan {
    pub(crate) fn new<F: Real>(graph: &Graph<F>, keep: Keep) -> Plan {
        let count = graph.nodes.len() + 1;
        let mut last_reader = vec![None; count];
        let mut stays = vec![keep == Keep::Everything; count];
        let mut saves = vec![keep != Keep::Output; graph.nodes.len()];
        for (i, node) in graph.nodes.iter().enumerate() {
            let needs = node.layer.needs();
            stays[i + 1] |= needs.output && keep == Keep::ForBackward;
            for &id in &node.inputs {
                last_reader[id] = Some(i);
                if let Some(i) = id.checked_sub(1) {
                    saves[i] |= node.layer.reads_kept();
                }
                stays[id] |= needs.input && keep == Keep::ForBackward;
            }
        }
        Plan {
            last_reader,
            stays,
            saves,
        }
    }

    /// Whether activation `id` is of no use after node `i` has read it.
    pub(crate) fn ends_with(&self, id: usize, i: usize) -> bool {
        self.last_reader[id] == Some(i) && !self.stays[id]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::*;
    use ndarray::IxDyn;

    fn net() -> Network {
        Network::input([3, 9, 9])
            .add("conv1", Conv2d::new(4, 3).same())
            .add("bn1", BatchNorm2d::new())
            .add("relu1", Relu)
            .add("drop1", Dropout::new(0.3))
            .add("pool1", MaxPool2d::new(2))
            .add("conv2", Conv2d::new(4, 3).same())
            .add("tanh", Tanh)
            .add("drop2", SpatialDropout::new(0.3))
            .add_after(&["drop2", "pool1"], "sum", crate::Add)
            .add("leaky", LeakyRelu::default())
            .add_after(&["leaky", "pool1"], "unpool", MaxUnpool2d::new())
            .add("gelu", Gelu::new())
            .add("flatten", Flatten)
            .add("fc", Linear::new(5))
            .add("softmax", Softmax)
            .build(1)
            .unwrap()
    }

    #[test]
    fn a_lean_trace_gives_the_same_gradients_from_less_memory() {
        let net = net();
        let mut number = 0.0_f32;
        let x = Tensor::from_shape_simple_fn(IxDyn(&[3, 3, 9, 9]), || {
            number += 1.0;
            (number * 1.7).sin()
        });
        for pass in [Pass::train(1), Pass::default()] {
            let full = net.trace_as(&x, pass).unwrap();
            let lean = net.lean_trace(&x, pass).unwrap();
            assert_eq!(full.output(), lean.output());
            let dy = full.output().mapv(|v| v - 0.3);
            assert_eq!(
                full.parameter_gradients(&dy).unwrap(),
                lean.parameter_gradients(&dy).unwrap()
            );
            assert!(lean.bytes() < full.bytes());
        }
    }

    #[test]
    fn a_convolution_its_batch_norm_and_its_relu_cost_two_activations() {
        let net = Network::input([2, 8, 8])
            .add("conv1", Conv2d::new(4, 3).same())
            .add("bn1", BatchNorm2d::new())
            .add("relu1", Relu)
            .add("drop1", Dropout::new(0.3))
            .add("conv2", Conv2d::new(4, 3).same())
            .add("pool2", MaxPool2d::new(2))
            .build(1)
            .unwrap();
        let x = Tensor::ones(IxDyn(&[3, 2, 8, 8]));
        let lean = net.lean_trace(&x, Pass::train(1)).unwrap();
        let image = 3 * 2 * 64;
        let activation = 3 * 4 * 64;
        // The image, conv1's, relu1's, drop1's; batch norm's mean, deviation and variance; the
        // switches and the output of the pooling.
        let numbers = image + 3 * activation + 3 * 4 + 2 * activation / 4;
        assert_eq!(lean.bytes(), 4 * numbers);
        let error = lean.activation("bn1").unwrap_err().to_string();
        assert!(
            error.contains("let the activation of \"bn1\" go"),
            "{error}"
        );
    }
}
