//! Building a network: layer after layer, node by node, block by block.

use super::{Graph, INPUT, Network, Node};
use crate::error::{NnError, Result};
use crate::layer::{Layer, Shape, Source};
use crate::real::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// A network in the making; see [`Network::input`].
///
/// A node can read only nodes that were added before it, so there are no cycles.
#[derive(Debug)]
pub struct NetworkBuilder {
    input: Shape,
    steps: Vec<Step>,
    /// The block that is being built: the names around its nodes' names.
    scope: Vec<String>,
    /// What `"input"` stands for in that block.
    entry: Reference,
    /// How many steps there were before that block.
    start: usize,
    /// A mistake that `build` will report.
    mistake: Option<NnError>,
}

/// A layer to be added.
#[derive(Debug)]
struct Step {
    name: String,
    layer: Box<dyn Layer<f32>>,
    inputs: Vec<Reference>,
    /// Whether the layer has its weights already.
    trained: bool,
}

/// A node that a layer reads.
#[derive(Clone, Debug)]
enum Reference {
    /// By its number: 0 is the image, `i + 1` is step `i`.
    Number(usize),
    /// By a name that was written in this scope.
    Name(Vec<String>, String),
}

impl NetworkBuilder {
    pub(super) fn new(input: Shape) -> NetworkBuilder {
        NetworkBuilder {
            input,
            steps: Vec::new(),
            scope: Vec::new(),
            entry: Reference::Number(0),
            start: 0,
            mistake: None,
        }
    }

    /// Adds a layer after the last one, under a name of its own. (A layer of your own making goes
    /// in as a `Box<dyn Layer<f32>>`.)
    pub fn add(self, name: &str, layer: impl Into<Box<dyn Layer<f32>>>) -> NetworkBuilder {
        let last = self.last();
        self.step(vec![last], name, layer.into(), false)
    }

    /// Adds a layer after the nodes of these names (`"input"` is the image).
    pub fn add_after(
        self,
        inputs: &[&str],
        name: &str,
        layer: impl Into<Box<dyn Layer<f32>>>,
    ) -> NetworkBuilder {
        let inputs = inputs.iter().map(|name| self.reference(name)).collect();
        self.step(inputs, name, layer.into(), false)
    }

    /// The same for a layer that has its weights already: one whose [`Layer::build`] was called for
    /// inputs of these shapes, and whose parameters and buffers were filled in then.
    pub fn add_trained(
        self,
        inputs: &[&str],
        name: &str,
        layer: impl Into<Box<dyn Layer<f32>>>,
    ) -> NetworkBuilder {
        let inputs = inputs.iter().map(|name| self.reference(name)).collect();
        self.step(inputs, name, layer.into(), true)
    }

    /// Adds a block after the last node: a small network of its own, whose nodes get its name and
    /// a dot in front of theirs.
    ///
    /// Inside, `"input"` is what the block reads, and names mean the block's own nodes first and
    /// those around it else. Outside, the block's name stands for its last node.
    ///
    /// ```
    /// use convscope_nn::{Add, Conv2d, Network, NetworkBuilder, Relu};
    /// # fn main() -> Result<(), convscope_nn::NnError> {
    /// fn residual(b: NetworkBuilder) -> NetworkBuilder {
    ///     b.add("conv1", Conv2d::new(8, 3).same())
    ///         .add("relu1", Relu)
    ///         .add("conv2", Conv2d::new(8, 3).same())
    ///         .add_after(&["conv2", "input"], "sum", Add)
    ///         .add("relu2", Relu)
    /// }
    /// let net = Network::input([8, 6, 6])
    ///     .block("block1", residual)
    ///     .block("block2", residual)
    ///     .build(1)?;
    /// assert_eq!(net.parameter("block2.conv1.weight")?.shape(), [8, 8, 3, 3]);
    /// # Ok(()) }
    /// ```
    pub fn block(
        self,
        name: &str,
        build: impl FnOnce(NetworkBuilder) -> NetworkBuilder,
    ) -> NetworkBuilder {
        let last = self.last();
        self.enter(last, name, build)
    }

    /// The same after the node of this name.
    pub fn block_after(
        self,
        input: &str,
        name: &str,
        build: impl FnOnce(NetworkBuilder) -> NetworkBuilder,
    ) -> NetworkBuilder {
        let input = self.reference(input);
        self.enter(input, name, build)
    }

    /// Adds a whole network after the last node, as a block of this name, with the weights that it
    /// has. (The block's input may be of another size than that network's, where its layers allow
    /// it.)
    pub fn add_network(self, name: &str, network: &Network) -> NetworkBuilder {
        self.block(name, |b| b.nodes_of(network))
    }

    /// Adds the nodes of a network with the weights that they have, under their own names.
    pub(super) fn nodes_of(mut self, network: &Network) -> NetworkBuilder {
        let entry = self.entry.clone();
        let first = self.steps.len();
        for node in &network.graph.nodes {
            let inputs = node.inputs.iter().map(|&id| match id {
                0 => entry.clone(),
                id => Reference::Number(first + id),
            });
            let inputs = inputs.collect();
            self = self.step(inputs, &node.name, node.layer.boxed(), true);
        }
        self
    }

    fn enter(
        mut self,
        input: Reference,
        name: &str,
        build: impl FnOnce(NetworkBuilder) -> NetworkBuilder,
    ) -> NetworkBuilder {
        let path = self.path(name);
        let outer = std::mem::replace(&mut self.entry, input);
        let outer_start = std::mem::replace(&mut self.start, self.steps.len());
        self.scope.push(name.to_owned());
        let mut built = build(self);
        built.scope.pop();
        let empty = built.steps.len() == built.start;
        (built.entry, built.start) = (outer, outer_start);
        if name.is_empty() || empty {
            built.mistake.get_or_insert(NnError::Invalid(format!(
                "block \"{path}\" needs a name and at least one layer"
            )));
        }
        built
    }

    /// What the next layer of a straight network reads: the last step, or in a new block what the
    /// block reads.
    fn last(&self) -> Reference {
        match self.steps.len() {
            steps if steps > self.start => Reference::Number(steps),
            _ => self.entry.clone(),
        }
    }

    fn reference(&self, name: &str) -> Reference {
        match name {
            INPUT => self.entry.clone(),
            name => Reference::Name(self.scope.clone(), name.to_owned()),
        }
    }

    /// A name with those of the blocks around it.
    fn path(&self, name: &str) -> String {
        let mut path = self.scope.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path + name
    }

    fn step(
        mut self,
        inputs: Vec<Reference>,
        name: &str,
        layer: Box<dyn Layer<f32>>,
        trained: bool,
    ) -> NetworkBuilder {
        if name.is_empty() || name == INPUT {
            self.mistake.get_or_insert(unnamed().at(name, layer.kind()));
        }
        self.steps.push(Step {
            name: self.path(name),
            layer,
            inputs,
            trained,
        });
        self
    }

    /// Checks that every shape fits and draws the weights from `seed`.
    ///
    /// # Errors
    /// Names the node whose input does not fit, whose name is taken, or whose inputs are unknown.
    pub fn build(self, seed: u64) -> Result<Network> {
        if self.input.is_empty() || self.input.contains(&0) {
            return Err(NnError::shape(
                "a network's input",
                "a shape like [channels, height, width] without a zero",
                &self.input,
            ));
        }
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        if self.steps.is_empty() {
            return Err(NnError::Invalid(
                "a network needs at least one layer".into(),
            ));
        }
        let mut graph = Graph {
            input: self.input,
            nodes: Vec::new(),
        };
        for (index, step) in self.steps.into_iter().enumerate() {
            let kind = step.layer.kind();
            let name = step.name.clone();
            // A stream of its own: a layer's weights do not depend on what stands before it.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(index as u64);
            let node = step
                .build(&graph, &mut rng)
                .map_err(|e| e.at(&name, kind))?;
            graph.nodes.push(node);
        }
        Ok(Network {
            graph: Arc::new(graph),
        })
    }
}

fn unnamed() -> NnError {
    NnError::Invalid("a node needs a name that no other node has".into())
}

impl Step {
    fn build(mut self, graph: &Graph<f32>, rng: &mut ChaCha8Rng) -> Result<Node<f32>> {
        if graph.has(&self.name) {
            return Err(unnamed());
        }
        let inputs: Vec<usize> = self
            .inputs
            .iter()
            .map(|input| input.resolve(graph))
            .collect::<Result<_>>()?;
        let read: Vec<_> = inputs.iter().map(|&id| id.checked_sub(1)).collect();
        let behind: Vec<Vec<Shape>> = read
            .iter()
            .map(|i| i.map_or_else(Vec::new, |i| graph.input_shapes(&graph.nodes[i])))
            .collect();
        let sources: Vec<Source<'_>> = inputs
            .iter()
            .zip(&read)
            .zip(&behind)
            .map(|((&id, read), inputs)| Source {
                name: graph.name(id),
                kind: read.map_or("", |i| graph.nodes[i].layer.kind()),
                inputs,
            })
            .collect();
        let shapes: Vec<Shape> = inputs.iter().map(|&id| graph.shape(id).clone()).collect();
        let trained = self.trained.then(|| self.layer.boxed());
        self.layer.meet(&sources)?;
        let shape = self.layer.build(&shapes, rng)?;
        if shape.contains(&0) {
            return Err(NnError::shape(
                "the output",
                "a shape without a zero",
                &shape,
            ));
        }
        if let Some(trained) = trained {
            carry_over(
                "parameter",
                trained.parameters(),
                self.layer.parameters_mut(),
            )?;
            carry_over("buffer", trained.buffers(), self.layer.buffers_mut())?;
        }
        Ok(Node {
            name: self.name,
            layer: Arc::from(self.layer),
            inputs,
            shape,
        })
    }
}

/// Copies the tensors of a trained layer into one that was built for other inputs.
fn carry_over(
    what: &str,
    from: Vec<(&'static str, &Tensor)>,
    to: Vec<(&'static str, &mut Tensor)>,
) -> Result<()> {
    for ((name, old), (_, new)) in from.into_iter().zip(to) {
        if old.shape() != new.shape() {
            return Err(NnError::shape(
                format!("the trained {what} \"{name}\""),
                format!("{:?} for these inputs", new.shape()),
                old.shape(),
            ));
        }
        new.clone_from(old);
    }
    Ok(())
}

impl Reference {
    /// The number of the node: of the innermost block around the place where the name was written
    /// that has such a node.
    fn resolve(&self, graph: &Graph<f32>) -> Result<usize> {
        match self {
            Reference::Number(id) => Ok(*id),
            Reference::Name(scope, name) => (0..=scope.len())
                .rev()
                .map(|depth| {
                    [&scope[..depth], std::slice::from_ref(name)]
                        .concat()
                        .join(".")
                })
                .find_map(|path| graph.find(&path).ok())
                .map_or_else(|| graph.find(name), Ok),
        }
    }
}
