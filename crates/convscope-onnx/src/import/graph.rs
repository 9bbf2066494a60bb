//! The graph as a whole: what goes in, what comes out, and in which order.

use super::node::{Node, shortened};
use super::value::Value;
use super::{Import, Step, bounded};
use crate::error::{OnnxError, Result};
use crate::limits::SIZE;
use crate::proto::{self, Dimension, Graph, ValueInfo};
use crate::read::ReadOptions;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

impl Import<'_> {
    /// Reads the whole graph.
    pub(crate) fn load(&mut self, graph: Graph, options: &ReadOptions) -> Result<()> {
        self.take_stored(&graph)
            .map_err(|problem| self.unusable(problem))?;
        let infos = |import: &mut Self, list| -> Step<Vec<ValueInfo>> {
            let decoded = Vec::into_iter(list);
            decoded
                .map(|bytes| proto::value_info(bytes, &mut import.budget))
                .collect()
        };
        let inputs = infos(self, graph.input).map_err(|problem| self.unusable(problem))?;
        self.take_input(inputs, options)
            .map_err(|problem| self.unusable(problem))?;
        let outputs = infos(self, graph.output).map_err(|problem| self.unusable(problem))?;
        let output = wanted(outputs, options).map_err(|problem| self.unusable(problem))?;
        let mut nodes = Vec::new();
        for (number, bytes) in graph.node.into_iter().enumerate() {
            let node = Node::decode(bytes, number, &mut self.budget);
            nodes.push(node.map_err(|problem| self.unusable(problem))?);
        }
        let order = self.order(&nodes, &output)?;
        for &at in &order {
            for name in nodes[at].reads() {
                *self.readers.entry(name.to_owned()).or_default() += 1;
            }
        }
        *self.readers.entry(output.clone()).or_default() += 1;
        for at in order {
            let node = &nodes[at];
            self.known_domain(node)
                .and_then(|()| self.step(node))
                .map_err(|problem| self.at(node, problem))?;
        }
        match self.values.get(&output) {
            Some(Value::Activation(id)) if *id > 0 => {
                self.output = *id;
                Ok(())
            }
            Some(Value::Activation(_)) => Err(self.unusable("it puts its input out unchanged")),
            _ => Err(self.unusable(format!(
                "its output \"{}\" does not depend on the image",
                shortened(&output)
            ))),
        }
    }

    fn at(&self, node: &Node, problem: String) -> OnnxError {
        OnnxError::Node {
            file: self.file.clone(),
            node: node.label.clone(),
            operator: shortened(&node.operator),
            opset: self.opset,
            problem,
        }
    }

    fn known_domain(&self, node: &Node) -> Step {
        match node.domain.as_str() {
            "" | "ai.onnx" => Ok(()),
            other => Err(format!(
                "it is an operator of the domain \"{}\"; expected ONNX's own",
                shortened(other)
            )),
        }
    }

    fn take_stored(&mut self, graph: &Graph) -> Step {
        if !graph.sparse_initializer.is_empty() {
            return Err("it has sparse weights, which are not read".into());
        }
        for bytes in &graph.initializer {
            let tensor: proto::Tensor =
                proto::decode(bytes.clone(), "a tensor of weights", &mut self.budget)?;
            let value = Value::Stored(self.stored.len());
            let name = shortened(&tensor.name);
            if self.values.insert(tensor.name.clone(), value).is_some() {
                return Err(format!("two tensors of weights are called \"{name}\""));
            }
            self.stored.push(Arc::new(tensor));
        }
        Ok(())
    }

    /// The image. (Old files list their weights among the inputs.)
    fn take_input(&mut self, inputs: Vec<ValueInfo>, options: &ReadOptions) -> Step {
        let images: Vec<ValueInfo> = inputs
            .into_iter()
            .filter(|info| !self.values.contains_key(&info.name))
            .collect();
        let [image] = images.as_slice() else {
            return Err(format!(
                "it has {} inputs{}; expected one, the image",
                images.len(),
                names(&images)
            ));
        };
        let kind = image.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
        // 1, 10, 11 and 16 are floating-point numbers; 0 says nothing.
        let element = kind.map_or(0, |kind| kind.elem_type);
        if ![0, 1, 10, 11, 16].contains(&element) {
            return Err(format!(
                "its input \"{}\" holds numbers of ONNX's type {element}; expected floating-point \
                 ones (1, 10, 11 or 16)",
                shortened(&image.name)
            ));
        }
        let dims = kind
            .and_then(|kind| kind.shape.as_ref())
            .map(|shape| shape.dim.as_slice());
        self.batch = dims.and_then(|dims| dims.first()).and_then(known);
        self.input = match &options.input {
            Some(shape) => shape.clone(),
            None => input_shape(&image.name, dims)?,
        };
        if self.input.is_empty() || self.input.contains(&0) {
            return Err(format!(
                "its input has the shape {:?}; expected one like [channels, height, width]",
                self.input
            ));
        }
        self.activations = bounded(&self.input)?;
        self.values.insert(image.name.clone(), Value::Activation(0));
        Ok(())
    }

    /// The nodes that lead to the output, each after those it reads, else as in the file.
    fn order(&self, nodes: &[Node], output: &str) -> Result<Vec<usize>> {
        let mut makers: HashMap<&str, usize> = HashMap::new();
        for (at, node) in nodes.iter().enumerate() {
            for name in node.makes() {
                if makers.insert(name, at).is_some() || self.values.contains_key(name) {
                    let problem = format!("\"{}\" is made twice", shortened(name));
                    return Err(self.at(node, problem));
                }
            }
        }
        let missing = |name: &str| {
            format!(
                "\"{}\", which is no input, no tensor of weights and no node's output",
                shortened(name)
            )
        };
        if !makers.contains_key(output) && !self.values.contains_key(output) {
            return Err(self.unusable(format!("its output is {}", missing(output))));
        }
        let mut needed = vec![false; nodes.len()];
        let mut open: Vec<usize> = makers.get(output).copied().into_iter().collect();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut needed[at], true) {
                continue;
            }
            for name in nodes[at].reads() {
                match makers.get(name) {
                    Some(&maker) => open.push(maker),
                    None if self.values.contains_key(name) => {}
                    None => {
                        let problem = format!("it reads {}", missing(name));
                        return Err(self.at(&nodes[at], problem));
                    }
                }
            }
        }
        // Kahn's order; of those that could go next, the first in the file.
        let mut waits = vec![0; nodes.len()];
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for at in (0..nodes.len()).filter(|&at| needed[at]) {
            for maker in nodes[at].reads().filter_map(|name| makers.get(name)) {
                waits[at] += 1;
                readers[*maker].push(at);
            }
        }
        let ready = (0..nodes.len()).filter(|&at| needed[at] && waits[at] == 0);
        let mut ready: BinaryHeap<Reverse<usize>> = ready.map(Reverse).collect();
        let mut order = Vec::new();
        while let Some(Reverse(at)) = ready.pop() {
            order.push(at);
            for &reader in &readers[at] {
                waits[reader] -= 1;
                if waits[reader] == 0 {
                    ready.push(Reverse(reader));
                }
            }
        }
        match (0..nodes.len()).find(|&at| needed[at] && waits[at] > 0) {
            None => Ok(order),
            Some(at) => Err(self.at(&nodes[at], "it lies on a cycle, or behind one".into())),
        }
    }
}

/// A size that the file says.
fn known(dim: &Dimension) -> Option<usize> {
    let size = dim.value.filter(|size| (1..=SIZE).contains(size))?;
    Some(size as usize)
}

/// The shape of one image, without the batch.
fn input_shape(name: &str, dims: Option<&[Dimension]>) -> Step<Vec<usize>> {
    let name = shortened(name);
    let give = "give one (ReadOptions::input, with [channels, height, width])";
    let dims = dims.ok_or_else(|| format!("its input \"{name}\" has no shape; {give}"))?;
    let [_, image @ ..] = dims else {
        return Err(format!(
            "its input \"{name}\" is a single number; expected an image"
        ));
    };
    if image.is_empty() || image.len() > 3 {
        return Err(format!(
            "its input \"{name}\" has {} axes; expected four, [batch, channels, height, width] (or \
             two, [batch, features])",
            dims.len()
        ));
    }
    let described = || {
        let words: Vec<String> = dims
            .iter()
            .map(|dim| match (dim.value, &dim.param) {
                (Some(size), _) => size.to_string(),
                (None, Some(name)) if !name.is_empty() => shortened(name),
                _ => "?".into(),
            })
            .collect();
        words.join(", ")
    };
    let sizes: Option<Vec<usize>> = image.iter().map(known).collect();
    sizes.ok_or_else(|| {
        format!(
            "its input \"{name}\" has the shape [{}], which leaves sizes open (or has none that an \
             image could have); {give}",
            described()
        )
    })
}

/// The name of the output that is wanted.
fn wanted(outputs: Vec<ValueInfo>, options: &ReadOptions) -> Step<String> {
    match &options.output {
        Some(name) => Ok(name.clone()),
        None => match outputs.as_slice() {
            [one] => Ok(one.name.clone()),
            many => Err(format!(
                "it has {} outputs{}; say which one is meant (ReadOptions::output)",
                many.len(),
                names(many)
            )),
        },
    }
}

/// The first names of a list, in brackets.
fn names(infos: &[ValueInfo]) -> String {
    let mut shown: Vec<String> = infos
        .iter()
        .take(8)
        .map(|info| format!("\"{}\"", shortened(&info.name)))
        .collect();
    if infos.len() > shown.len() {
        shown.push("...".into());
    }
    match shown.is_empty() {
        true => String::new(),
        false => format!(" ({})", shown.join(", ")),
    }
}
