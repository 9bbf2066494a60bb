//! A trace: everything that happened in one forward pass, and every gradient that can be asked
//! of it.

use crate::error::{NnError, Result};
use crate::layer::{Gradients, Pass, Rule, Saved, Seen, Want};
use crate::network::{Graph, Network, check_finite};
use crate::parallel::add_assign;
use crate::real::{Real, Tensor};
use ndarray::IxDyn;
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

/// What a gradient is taken of, for every image of the batch at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    node: Option<String>,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    At(Vec<usize>),
    ChannelMean(usize),
}

impl Unit {
    /// The output for one class: its logit, where the network ends in logits.
    pub fn class(class: usize) -> Unit {
        Unit {
            node: None,
            place: Place::At(vec![class]),
        }
    }

    /// One unit of a node, by its index without the batch: `[c, y, x]` or `[d]`.
    pub fn at(node: &str, index: &[usize]) -> Unit {
        Unit {
            node: Some(node.to_owned()),
            place: Place::At(index.to_vec()),
        }
    }

    /// The mean of one channel of a node.
    pub fn channel(node: &str, channel: usize) -> Unit {
        Unit {
            node: Some(node.to_owned()),
            place: Place::ChannelMean(channel),
        }
    }
}

impl<F: Real> Trace<F> {
    pub(crate) fn run(
        network: &Network<F>,
        x: &Tensor<F>,
        pass: Pass,
        keep: Keep,
    ) -> Result<Trace<F>> {
        let graph = network.graph.clone();
        let count = graph.nodes.len();
        let last_reader = last_readers(&graph);
        // C order throughout, so that layers can work on slices.
        let x = match x.is_standard_layout() {
            true => Cow::Borrowed(x),
            false => Cow::Owned(x.as_standard_layout().into_owned()),
        };
        let mut values: Vec<Option<Tensor<F>>> = vec![None; count + 1];
        let mut shapes = vec![x.shape().to_vec()];
        let mut saved = vec![Saved::Nothing; count];
        values[0] = Some(x.into_owned());
        for (i, node) in graph.nodes.iter().enumerate() {
            let inputs: Vec<&Tensor<F>> = node
                .inputs
                .iter()
                .map(|&id| values[id].as_ref().expect("kept until its last reader"))
                .collect();
            let (output, kept) = node
                .layer
                .forward(&inputs, &pass)
                .map_err(|e| e.at(&node.name, node.layer.kind()))?;
            shapes.push(output.shape().to_vec());
            values[i + 1] = Some(output);
            if keep != Keep::Output {
                saved[i] = kept;
            }
            for id in 0..=i {
                let needed = match keep {
                    Keep::Everything => true,
                    Keep::ForBackward => needed_on_the_way_back(&graph, id),
                    Keep::Output => false,
                };
                if last_reader[id] == Some(i) && !needed {
                    values[id] = None;
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

    /// The gradient of a unit with respect to the image, `[N, C, H, W]`: how the unit's value for
    /// each image changes with each of that image's pixels.
    ///
    /// # Errors
    /// When there is no such unit.
    pub fn gradient(&self, of: Unit, rule: Rule) -> Result<Tensor<F>> {
        self.gradient_at(of, crate::network::INPUT, rule)
    }

    /// The same with respect to another node's activation.
    ///
    /// # Errors
    /// When there is no such unit or node.
    pub fn gradient_at(&self, of: Unit, node: &str, rule: Rule) -> Result<Tensor<F>> {
        let to = self.graph.find(node)?;
        let (from, seed) = self.seed(&of)?;
        if from < to {
            return Ok(Tensor::zeros(IxDyn(&self.shapes[to])));
        }
        let want = Want {
            inputs: true,
            parameters: false,
            rule,
        };
        Ok(F::backward(self, from, seed, to, want).0)
    }

    /// The gradient of a scalar with respect to every parameter, in the order of
    /// [`Network::parameters`], given the scalar's gradient with respect to the output.
    ///
    /// # Errors
    /// When `output_gradient` has not the output's shape.
    pub fn parameter_gradients(&self, output_gradient: &Tensor<F>) -> Result<Vec<Tensor<F>>> {
        let expected = self.output().shape();
        if output_gradient.shape() != expected {
            return Err(NnError::shape(
                "the gradient with respect to the output",
                format!("{expected:?}"),
                output_gradient.shape(),
            ));
        }
        let want = Want {
            inputs: true,
            parameters: true,
            rule: Rule::Gradient,
        };
        let last = self.graph.nodes.len();
        let mut gradient = output_gradient.clone();
        if !gradient.is_standard_layout() {
            gradient = gradient.as_standard_layout().into_owned();
        }
        Ok(F::backward(self, last, gradient, 0, want).1)
    }

    /// The gradient with respect to the image of a scalar whose gradient with respect to the
    /// output is given.
    pub(crate) fn input_gradient(&self, output_gradient: &Tensor<F>) -> Tensor<F> {
        let want = Want {
            inputs: true,
            parameters: false,
            rule: Rule::Gradient,
        };
        let last = self.graph.nodes.len();
        F::backward(self, last, output_gradient.clone(), 0, want).0
    }

    /// The node a unit stands at, and a one at the unit for every image.
    fn seed(&self, of: &Unit) -> Result<(usize, Tensor<F>)> {
        let id = match &of.node {
            None => self.graph.nodes.len(),
            Some(name) => self.graph.find(name)?,
        };
        let shape = &self.shapes[id];
        let missing = |what: String| {
            NnError::shape(
                format!("{what} of node \"{}\"", self.graph.name(id)),
                format!("an index inside {:?}", &shape[1..]),
                match &of.place {
                    Place::At(index) => index,
                    Place::ChannelMean(c) => std::slice::from_ref(c),
                },
            )
        };
        let mut seed = Tensor::zeros(IxDyn(shape));
        for mut one in seed.outer_iter_mut() {
            match &of.place {
                Place::At(index) => match one.get_mut(IxDyn(index)) {
                    Some(v) => *v = F::one(),
                    None => return Err(missing("unit".into())),
                },
                Place::ChannelMean(c) => {
                    if *c >= shape[1] {
                        return Err(missing("channel".into()));
                    }
                    let mut plane = one.index_axis_mut(ndarray::Axis(0), *c);
                    let share = F::one() / F::of(plane.len() as f64);
                    plane.fill(share);
                }
            }
        }
        Ok((id, seed))
    }

    /// From the gradient at node `from` back to node `to`, and the parameters' gradients on the
    /// way where they are wanted (then `to` is the image and its own gradient is not computed).
    pub(crate) fn backward(
        &self,
        from: usize,
        seed: Tensor<F>,
        to: usize,
        want: Want,
    ) -> (Tensor<F>, Vec<Tensor<F>>) {
        let mut gradients: Vec<Option<Tensor<F>>> = vec![None; self.values.len()];
        let mut parameters: Vec<Vec<Tensor<F>>> = vec![Vec::new(); self.graph.nodes.len()];
        gradients[from] = Some(seed);
        for id in (to + 1..=from).rev() {
            let node = &self.graph.nodes[id - 1];
            let Some(gradient) = gradients[id].take() else {
                continue;
            };
            let for_image_only = node.inputs.iter().all(|&i| i == 0);
            let asked = Want {
                inputs: !(want.parameters && for_image_only),
                ..want
            };
            let found = self.backward_node(id - 1, &gradient, asked);
            parameters[id - 1] = found.parameters;
            for (&input, g) in node.inputs.iter().zip(found.inputs) {
                match &mut gradients[input] {
                    Some(sum) => add_assign(sum, &g),
                    empty => *empty = Some(g),
                }
            }
        }
        if want.parameters {
            for (node, found) in self.graph.nodes.iter().zip(&mut parameters) {
                if found.is_empty() {
                    // Nothing flowed back to it: its parameters do not matter to the output.
                    *found = node
                        .layer
                        .parameters()
                        .iter()
                        .map(|(_, t)| Tensor::zeros(t.raw_dim()))
                        .collect();
                }
            }
        }
        let at_to = gradients[to]
            .take()
            .unwrap_or_else(|| Tensor::zeros(IxDyn(&self.shapes[to])));
        (at_to, parameters.into_iter().flatten().collect())
    }

    fn backward_node(&self, i: usize, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        let node = &self.graph.nodes[i];
        let needs = node.layer.needs();
        let shapes: Vec<Vec<usize>> = node
            .inputs
            .iter()
            .map(|&id| self.shapes[id].clone())
            .collect();
        let inputs: Vec<&Tensor<F>> = if needs.input {
            node.inputs
                .iter()
                .map(|&id| self.values[id].as_ref().expect("kept for the way back"))
                .collect()
        } else {
            Vec::new()
        };
        let seen = Seen {
            input_shapes: &shapes,
            inputs: &inputs,
            output: self.values[i + 1].as_ref().filter(|_| needs.output),
            saved: &self.saved[i],
        };
        node.layer.backward(&seen, gradient, want)
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

/// For each activation the last node that reads it.
fn last_readers<F: Real>(graph: &Graph<F>) -> Vec<Option<usize>> {
    let mut last = vec![None; graph.nodes.len() + 1];
    for (i, node) in graph.nodes.iter().enumerate() {
        for &id in &node.inputs {
            last[id] = Some(i);
        }
    }
    last
}

/// Whether any backward pass reads this activation.
fn needed_on_the_way_back<F: Real>(graph: &Graph<F>, id: usize) -> bool {
    let as_output = id > 0 && graph.nodes[id - 1].layer.needs().output;
    let as_input = graph
        .nodes
        .iter()
        .any(|node| node.inputs.contains(&id) && node.layer.needs().input);
    as_output || as_input
}
