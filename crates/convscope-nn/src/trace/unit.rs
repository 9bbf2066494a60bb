//! What a gradient is taken of.

use super::Trace;
use crate::error::{NnError, Result};
use crate::layer::Shape;
use crate::loss::softmax;
use crate::parallel::{add_assign, slice};
use crate::real::{Real, Tensor};
use ndarray::{ArrayViewMutD, Axis, IxDyn, Zip};
use std::fmt;
use std::ops::{Add, Mul};

/// A number that each image of a batch has in a trace, and whose gradient can be taken: one unit,
/// a channel, a direction in a layer, a class, or a weighted sum of several of them.
///
/// ```
/// use convscope_nn::Unit;
/// let mixed = Unit::channel("conv2", 3) * 0.5 + Unit::class(7);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    /// The output where it is `None`.
    node: Option<String>,
    place: Place,
    weight: f64,
    by_activation: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    At(Vec<usize>),
    ChannelMean(usize),
    ChannelSum(usize),
    Direction(Tensor<f32>),
    Probability(usize),
}

impl Unit {
    fn new(node: Option<&str>, place: Place) -> Unit {
        Unit {
            terms: vec![Term {
                node: node.map(str::to_owned),
                place,
                weight: 1.0,
                by_activation: false,
            }],
        }
    }

    /// The output for one class: its logit, where the network ends in logits.
    pub fn class(class: usize) -> Unit {
        Unit::new(None, Place::At(vec![class]))
    }

    /// The softmax probability of one class, of a network that ends in logits `[N, classes]`.
    ///
    /// Its gradient vanishes where the network is sure of its answer, and it grows also by making
    /// other classes less likely: the logit is the better question to ask of an image.
    pub fn probability(class: usize) -> Unit {
        Unit::new(None, Place::Probability(class))
    }

    /// One unit of a node, by its index without the batch: `[c, y, x]` or `[d]`.
    pub fn at(node: &str, index: &[usize]) -> Unit {
        Unit::new(Some(node), Place::At(index.to_vec()))
    }

    /// The mean of one channel of a node.
    pub fn channel(node: &str, channel: usize) -> Unit {
        Unit::new(Some(node), Place::ChannelMean(channel))
    }

    /// The sum of one channel of a node.
    pub fn channel_sum(node: &str, channel: usize) -> Unit {
        Unit::new(Some(node), Place::ChannelSum(channel))
    }

    /// The product of a node's activation with a direction of the same shape (without the batch).
    pub fn direction(node: &str, direction: Tensor<f32>) -> Unit {
        Unit::new(Some(node), Place::Direction(direction))
    }

    /// Seeds the way back with the units' own activations instead of with 1, as deconvnets and
    /// Yosinski's toolbox do. (That is the gradient of half the sum of the squares.) A unit that
    /// is off then gives nothing. A probability takes no other seed than 1.
    pub fn seeded_by_activation(mut self) -> Unit {
        for term in &mut self.terms {
            term.by_activation = true;
        }
        self
    }
}

impl Mul<f64> for Unit {
    type Output = Unit;

    fn mul(mut self, weight: f64) -> Unit {
        for term in &mut self.terms {
            term.weight *= weight;
        }
        self
    }
}

impl Add for Unit {
    type Output = Unit;

    fn add(mut self, other: Unit) -> Unit {
        self.terms.extend(other.terms);
        self
    }
}

/// In words: `channel 3 of "conv2" (mean) times 0.5, plus output 7`.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(", plus ")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.node) {
            (Place::At(index), None) => write!(f, "output {}", numbers(index))?,
            (Place::At(index), Some(node)) => {
                write!(f, "unit {} of \"{node}\"", numbers(index))?;
            }
            (Place::Probability(class), _) => write!(f, "probability of class {class}")?,
            (place, node) => {
                let node = node.as_deref().unwrap_or("output");
                match place {
                    Place::ChannelMean(c) => write!(f, "channel {c} of \"{node}\" (mean)")?,
                    Place::ChannelSum(c) => write!(f, "channel {c} of \"{node}\" (sum)")?,
                    _ => write!(f, "a direction in \"{node}\"")?,
                }
            }
        }
        if self.weight != 1.0 {
            write!(f, " times {}", self.weight)?;
        }
        Ok(())
    }
}

fn numbers(index: &[usize]) -> String {
    let words: Vec<String> = index.iter().map(usize::to_string).collect();
    words.join(",")
}

impl<F: Real> Trace<F> {
    /// What a unit is in each image of the batch. (How it is seeded does not matter here.)
    ///
    /// # Errors
    /// When there is no such unit.
    pub fn value(&self, of: &Unit) -> Result<Vec<F>> {
        let mut values = vec![F::zero(); self.output().shape()[0]];
        for term in &of.terms {
            let weight = F::of(term.weight);
            if let Place::Probability(class) = term.place {
                let p = self.probabilities(class)?;
                for (value, row) in values.iter_mut().zip(p.outer_iter()) {
                    *value += weight * row[class];
                }
                continue;
            }
            let (id, seed) = self.seed(&Term {
                by_activation: false,
                ..term.clone()
            })?;
            let activation = self.activation(self.graph.name(id))?;
            let one = seed.len() / values.len();
            let images = slice(&seed).chunks(one).zip(slice(activation).chunks(one));
            for (value, (seed, activation)) in values.iter_mut().zip(images) {
                *value += seed.iter().zip(activation).map(|(&s, &a)| s * a).sum();
            }
        }
        Ok(values)
    }

    /// The gradient of a unit with respect to the nodes that it is made of, by the nodes' numbers.
    pub(super) fn seeds(&self, of: &Unit) -> Result<Vec<(usize, Tensor<F>)>> {
        let mut seeds: Vec<(usize, Tensor<F>)> = Vec::new();
        for term in &of.terms {
            let (id, seed) = self.seed(term)?;
            match seeds.iter_mut().find(|(other, _)| *other == id) {
                Some((_, sum)) => add_assign(sum, &seed),
                None => seeds.push((id, seed)),
            }
        }
        Ok(seeds)
    }

    fn seed(&self, term: &Term) -> Result<(usize, Tensor<F>)> {
        let id = match &term.node {
            None => self.graph.nodes.len(),
            Some(name) => self.graph.find(name)?,
        };
        let shape: Shape = self.shapes[id].clone();
        let mut seed = Tensor::zeros(IxDyn(&shape));
        let weight = F::of(term.weight);
        if let Place::Probability(class) = term.place {
            // dp_k / dz_j = p_k ([j = k] - p_j)
            let p = self.probabilities(class)?;
            for (mut seed, p) in seed.outer_iter_mut().zip(p.outer_iter()) {
                Zip::from(&mut seed)
                    .and(&p)
                    .for_each(|s, &pj| *s = -weight * p[class] * pj);
                seed[class] += weight * p[class];
            }
            return Ok((id, seed));
        }
        for one in seed.outer_iter_mut() {
            if !term.place.fill(one, weight) {
                let (what, expected, got) = term.place.missing(&shape[1..]);
                return Err(NnError::Shape {
                    what: format!("{what} of node \"{}\"", self.graph.name(id)),
                    expected,
                    got,
                });
            }
        }
        if term.by_activation {
            let activation = self.activation(self.graph.name(id))?;
            Zip::from(&mut seed)
                .and(activation)
                .for_each(|s, &a| *s *= a);
        }
        Ok((id, seed))
    }

    /// The softmax of the output, in which there must be such a class.
    fn probabilities(&self, class: usize) -> Result<Tensor<F>> {
        let p = softmax(self.output())?;
        match class < p.shape()[1] {
            true => Ok(p),
            false => Err(NnError::Shape {
                what: "the class whose probability is asked for".into(),
                expected: format!("one of 0 to {}", p.shape()[1] - 1),
                got: class.to_string(),
            }),
        }
    }
}

impl Place {
    /// Writes the gradient of the place with respect to one image's activation; false when there
    /// is no such place.
    fn fill<F: Real>(&self, mut one: ArrayViewMutD<'_, F>, weight: F) -> bool {
        match self {
            Place::At(index) => match one.get_mut(IxDyn(index)) {
                Some(v) => *v = weight,
                None => return false,
            },
            Place::ChannelMean(c) | Place::ChannelSum(c) => {
                if *c >= one.shape()[0] {
                    return false;
                }
                let mut plane = one.index_axis_mut(Axis(0), *c);
                let share = match self {
                    Place::ChannelMean(_) => F::one() / F::of(plane.len() as f64),
                    _ => F::one(),
                };
                plane.fill(share * weight);
            }
            Place::Direction(direction) => {
                if direction.shape() != one.shape() {
                    return false;
                }
                Zip::from(&mut one)
                    .and(direction)
                    .for_each(|o, &d| *o = F::of(f64::from(d)) * weight);
            }
            Place::Probability(_) => unreachable!("told from the whole output"),
        }
        true
    }

    /// What is missing from a node whose activations have this shape: the thing, what would have
    /// done, what came.
    fn missing(&self, shape: &[usize]) -> (&'static str, String, String) {
        match self {
            Place::At(index) => (
                "unit",
                format!("an index inside {shape:?}"),
                format!("{index:?}"),
            ),
            Place::ChannelMean(c) | Place::ChannelSum(c) => (
                "channel",
                format!("one of 0 to {}", shape[0].saturating_sub(1)),
                c.to_string(),
            ),
            Place::Direction(direction) => (
                "direction in the activation",
                format!("{shape:?}"),
                format!("{:?}", direction.shape()),
            ),
            Place::Probability(class) => ("class", "a class".into(), class.to_string()),
        }
    }
}
