//! Shapes: what changes nothing but them.

use super::node::Node;
use super::value::{Constant, Value, Whole};
use super::{Import, Step, listed};
use convscope_nn::{Flatten, Reshape};
use std::sync::Arc;

impl Import<'_> {
    /// Flatten, Reshape, Squeeze and Unsqueeze.
    pub(super) fn reshape(&mut self, node: &Node) -> Step {
        let Value::Activation(x) = self.value(node, 0)? else {
            return self.reshape_constant(node);
        };
        let shape = self.shape(x).clone();
        let rest = match node.operator.as_str() {
            "Flatten" => {
                let axis = node.int("axis", 1);
                if axis != 1 && axis != -(shape.len() as i64) {
                    return Err(format!(
                        "axis is {axis} of [batch, {}]; expected 1, a vector for each image",
                        listed(&shape)
                    ));
                }
                vec![shape.iter().product()]
            }
            "Reshape" => {
                let target = self.constant(node, 1)?.into_wholes()?;
                let target: Vec<Whole> = target.into_iter().collect();
                self.target(&shape, &target, node.int("allowzero", 0) != 0)?
            }
            "Squeeze" => {
                let axes = self.axes(node, shape.len() + 1)?;
                let gone = |at: usize| match &axes {
                    Some(axes) => axes.contains(&(at + 1)),
                    None => shape[at] == 1,
                };
                if let Some(at) = (0..shape.len()).find(|&at| gone(at) && shape[at] != 1) {
                    return Err(format!("axis {} has {} places, not one", at + 1, shape[at]));
                }
                if axes.as_ref().is_some_and(|axes| axes.contains(&0)) {
                    return Err("it takes the batch away".into());
                }
                (0..shape.len())
                    .filter(|&at| !gone(at))
                    .map(|at| shape[at])
                    .collect()
            }
            _ => {
                let axes = self.axes(node, 0)?.ok_or("expected axes")?;
                let rank = shape.len() + 1 + axes.len();
                let mut rest = shape.iter().copied();
                let sizes: Option<Vec<usize>> = (1..rank)
                    .map(|axis| {
                        if axes.contains(&axis) {
                            Some(1)
                        } else {
                            rest.next()
                        }
                    })
                    .collect();
                let sizes = sizes.filter(|_| rest.next().is_none() && !axes.contains(&0));
                sizes.ok_or_else(|| format!("axes {axes:?} of [batch, {}]", listed(&shape)))?
            }
        };
        self.reshape_to(node, x, rest)
    }

    /// The axes of Squeeze and Unsqueeze; negative ones count from the end of the rank (of
    /// Unsqueeze, of what comes out).
    fn axes(&mut self, node: &Node, rank: usize) -> Step<Option<Vec<usize>>> {
        let axes = match (node.input(1), node.ints("axes")) {
            (Some(_), _) => self.constant(node, 1)?.into_known()?,
            (None, Some(found)) => found.to_vec(),
            (None, None) => return Ok(None),
        };
        if axes.len() > 8 {
            return Err(format!("it has {} axes; expected a few", axes.len()));
        }
        let rank = match node.operator.as_str() {
            "Unsqueeze" => {
                let value = self.value(node, 0)?;
                self.rank(&value)? + axes.len()
            }
            _ => rank,
        };
        let place = |&axis: &i64| {
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            usize::try_from(axis).ok().filter(|&axis| axis < rank)
        };
        let found: Option<Vec<usize>> = axes.iter().map(place).collect();
        found
            .map(Some)
            .ok_or_else(|| format!("axes are {axes:?} of {rank}"))
    }

    fn rank(&mut self, value: &Value) -> Step<usize> {
        match value {
            Value::Activation(id) => Ok(self.shape(*id).len() + 1),
            other => Ok(self
                .decoded(other.clone())?
                .ok_or("expected a tensor")?
                .shape()
                .len()),
        }
    }

    /// What the target of a Reshape makes of an image of this shape, without the batch.
    fn target(&self, shape: &[usize], target: &[Whole], zeros: bool) -> Step<Vec<usize>> {
        let wrong = || {
            let words: Vec<String> = target
                .iter()
                .take(8)
                .map(|size| match size {
                    Whole::Known(size) => size.to_string(),
                    Whole::Batch => "batch".into(),
                })
                .collect();
            format!(
                "it makes [{}] of [batch, {}]; expected something for each image by itself",
                words.join(", "),
                listed(shape)
            )
        };
        if target.len() > 8 {
            return Err(wrong());
        }
        let Some((first, rest)) = target.split_first() else {
            return Err(wrong());
        };
        let numbers: usize = shape.iter().product();
        let mut sizes = Vec::new();
        let mut open = None;
        for (at, size) in rest.iter().enumerate() {
            sizes.push(match *size {
                Whole::Known(-1) if open.is_none() => {
                    open = Some(at);
                    1
                }
                Whole::Known(0) if !zeros => *shape.get(at).ok_or_else(wrong)?,
                Whole::Known(size @ 1..) => usize::try_from(size).map_err(|_| wrong())?,
                _ => return Err(wrong()),
            });
        }
        let known = sizes
            .iter()
            .try_fold(1usize, |n, &size| n.checked_mul(size))
            .ok_or_else(wrong)?;
        let of_each = match *first {
            Whole::Batch => true,
            Whole::Known(0) => !zeros,
            Whole::Known(-1) => open.is_none(),
            Whole::Known(size) => self.batch.is_some_and(|batch| batch as i64 == size),
        };
        if let Some(at) = open {
            sizes[at] = numbers / known.max(1);
        }
        let same = sizes
            .iter()
            .try_fold(1usize, |n, &size| n.checked_mul(size))
            == Some(numbers);
        match of_each && same {
            true => Ok(sizes),
            false => Err(wrong()),
        }
    }

    /// The same numbers in another shape: nothing where it is the same, else a layer.
    pub(super) fn reshape_to(&mut self, node: &Node, x: usize, rest: Vec<usize>) -> Step {
        if *self.shape(x) == rest {
            return self.give(node, Value::Activation(x));
        }
        match rest.len() {
            1 => self.layer(node, None, Flatten, vec![x], Vec::new())?,
            2 | 3 => self.layer(node, None, Reshape::new(rest), vec![x], Vec::new())?,
            axes => {
                return Err(format!(
                    "it makes {} axes; expected two to four, the batch included",
                    axes + 1
                ));
            }
        };
        Ok(())
    }

    pub(super) fn transpose(&mut self, node: &Node) -> Step {
        let value = self.value(node, 0)?;
        let rank = self.rank(&value)?;
        let perm: Vec<usize> = match node.ints("perm") {
            None => (0..rank).rev().collect(),
            Some(perm) => super::node::sizes("perm", perm)?,
        };
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        if sorted != (0..rank).collect::<Vec<_>>() {
            return Err(format!(
                "perm is {perm:?}; expected each of {rank} axes once"
            ));
        }
        if let Value::Activation(x) = value {
            let shape = self.shape(x).clone();
            let size = |axis: &usize| shape[axis - 1];
            let moved: Vec<usize> = perm
                .iter()
                .copied()
                .filter(|axis| *axis == 0 || size(axis) > 1)
                .collect();
            if perm[0] != 0 || !moved.is_sorted() {
                return Err(format!(
                    "it turns the axes of [batch, {}] to {perm:?}; activations are supported as \
                     [batch, channels, height, width] throughout (export with channels first)",
                    listed(&shape)
                ));
            }
            return self.reshape_to(node, x, perm[1..].iter().map(size).collect());
        }
        let constant = match self.constant(node, 0)? {
            Constant::Floats(array) => Constant::Floats(array.permuted_axes(perm)),
            Constant::Wholes(array) => Constant::Wholes(array.permuted_axes(perm)),
        };
        let shape = constant.shape().to_vec();
        let constant = constant.reshaped(&shape)?;
        self.give(node, Value::Constant(Arc::new(constant)))
    }

    pub(super) fn shape_of(&mut self, node: &Node) -> Step {
        let sizes: Vec<Whole> = match self.value(node, 0)? {
            Value::Activation(id) => {
                let rest = self.shape(id).iter().map(|&size| Whole::Known(size as i64));
                std::iter::once(Whole::Batch).chain(rest).collect()
            }
            _ => {
                let constant = self.constant(node, 0)?;
                constant
                    .shape()
                    .iter()
                    .map(|&size| Whole::Known(size as i64))
                    .collect()
            }
        };
        let start = node.int("start", 0);
        let end = node.int("end", i64::MAX);
        let taken = match super::images::part(start, end, 1, sizes.len()) {
            Ok([start, end, _]) => &sizes[start..end],
            Err(_) => &[],
        };
        self.give(
            node,
            Value::Constant(Arc::new(Constant::wholes(taken.iter().copied()))),
        )
    }
}
