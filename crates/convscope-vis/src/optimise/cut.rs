//! A network cut to what an objective needs, for images of one size.

use super::objective::Objective;
use super::range::{rows, rows_mut};
use crate::error::{Result, node_shape};
use crate::target::logits_node;
use convscope_nn::{INPUT, Network, Rule, Tensor, Trace, Unit};

/// The network up to the last layer that the objectives look at, over images of one shape.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    net: Network,
    /// The nodes looked at.
    nodes: Vec<String>,
    /// For each objective and each of its terms, which node.
    reads: Vec<Vec<usize>>,
}

impl Cut {
    /// # Errors
    /// When there is no such layer (the nearest names are offered), or the network does not fit
    /// images of this shape.
    pub(crate) fn new(net: &Network, objectives: &[Objective], shape: &[usize]) -> Result<Cut> {
        let mut nodes: Vec<String> = Vec::new();
        let mut reads = Vec::new();
        for objective in objectives {
            let mut read = Vec::new();
            for term in &objective.terms {
                let node = match &term.layer {
                    None => logits_node(net),
                    Some(layer) => full_name(net, layer)?,
                };
                let known = nodes.iter().position(|other| *other == node);
                read.push(known.unwrap_or_else(|| {
                    nodes.push(node);
                    nodes.len() - 1
                }));
            }
            reads.push(read);
        }
        Ok(Cut {
            net: cut(net, &nodes)?.for_input(shape.to_vec())?,
            nodes,
            reads,
        })
    }

    /// Each image's value by its objective.
    pub(crate) fn values(&self, images: &Tensor, objectives: &[Objective]) -> Result<Vec<f64>> {
        let last = self.net.views().last().map(|v| v.name.to_owned());
        if self.nodes.len() == 1 && last.as_deref() == Some(self.nodes[0].as_str()) {
            let output = self.net.forward(images)?;
            return Ok(self.seeds(|_| Ok(&output), objectives)?.0);
        }
        let trace = self.net.trace(images)?;
        Ok(self
            .seeds(|node| Ok(trace.activation(node)?), objectives)?
            .0)
    }

    /// The same, with the gradient with respect to the images.
    pub(crate) fn gradient(
        &self,
        images: &Tensor,
        objectives: &[Objective],
        rule: Rule,
    ) -> Result<(Vec<f64>, Tensor)> {
        let trace = self.net.trace(images)?;
        let read = |node: &str| Ok(trace.activation(node)?);
        let (values, seeds) = self.seeds(read, objectives)?;
        Ok((values, self.back(&trace, seeds, rule)?))
    }

    fn seeds<'a>(
        &self,
        activation: impl Fn(&str) -> Result<&'a Tensor>,
        objectives: &[Objective],
    ) -> Result<(Vec<f64>, Vec<Tensor>)> {
        let found: Result<Vec<&Tensor>> = self.nodes.iter().map(|n| activation(n)).collect();
        let found = found?;
        let zeros = found.iter().map(|a| Tensor::zeros(a.raw_dim()));
        let mut seeds: Vec<Tensor> = zeros.collect();
        let mut values = vec![0.0; objectives.len()];
        for (i, (objective, reads)) in objectives.iter().zip(&self.reads).enumerate() {
            for (term, &node) in objective.terms.iter().zip(reads) {
                let shape = &found[node].shape()[1..];
                let a = rows(found[node]).nth(i).expect("an image each");
                let seed = rows_mut(&mut seeds[node]).nth(i).expect("an image each");
                values[i] += term.add(a, shape, seed)?;
            }
        }
        Ok((values, seeds))
    }

    fn back(&self, trace: &Trace, mut seeds: Vec<Tensor>, rule: Rule) -> Result<Tensor> {
        let single = seeds.first().is_some_and(|seed| seed.shape()[0] == 1);
        if seeds.len() > 1 && single {
            // One way back for all layers.
            let directions = self.nodes.iter().zip(&seeds).map(|(node, seed)| {
                let one = seed.index_axis(ndarray::Axis(0), 0).to_owned();
                Unit::direction(node, one)
            });
            let all = directions.reduce(|a, b| a + b).expect("several");
            return Ok(trace.gradient(all, rule)?);
        }
        let mut sum: Option<Tensor> = None;
        for (node, seed) in self.nodes.iter().zip(seeds.drain(..)) {
            let one = trace.gradient_from(node, &seed, INPUT, rule)?;
            sum = Some(match sum {
                None => one,
                Some(sum) => sum + &one,
            });
        }
        Ok(sum.unwrap_or_else(|| Tensor::zeros(trace.output().raw_dim())))
    }
}

/// The node that a name stands for: a block's is that of its last node.
pub(crate) fn full_name(net: &Network, name: &str) -> Result<String> {
    node_shape(net, name)?;
    let block = format!("{name}.");
    let mut last = None;
    for view in net.views() {
        if view.name == name {
            return Ok(name.to_owned());
        }
        if view.name.starts_with(&block) {
            last = Some(view.name.to_owned());
        }
    }
    // What is left of the names that there are is the image.
    Ok(last.unwrap_or_else(|| name.to_owned()))
}

/// The least of the network that has all of these nodes.
fn cut(net: &Network, nodes: &[String]) -> Result<Network> {
    let names = net.nodes();
    let last = nodes
        .iter()
        .filter_map(|n| names.iter().position(|m| m == n));
    let last = last.max().unwrap_or(0);
    for name in &names[last..] {
        let part = net.until(name)?;
        let has = part.nodes();
        if nodes.iter().all(|n| n == INPUT || has.contains(n)) {
            return Ok(part);
        }
    }
    Ok(net.clone())
}
