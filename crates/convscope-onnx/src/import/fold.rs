//! Computing with constants, of which exporters leave some: mostly shapes, for a Reshape.

use super::node::Node;
use super::value::{Constant, Value, Whole};
use super::{Import, Step};
use crate::limits::INTEGERS;
use ndarray::{ArrayD, Axis, IxDyn};
use std::sync::Arc;

impl Import<'_> {
    pub(super) fn constant_node(&mut self, node: &Node) -> Step {
        let floats = |numbers: &[f32]| {
            let array = ArrayD::from_shape_vec(IxDyn(&[numbers.len()]), numbers.to_vec());
            array.map(Constant::Floats).map_err(|e| e.to_string())
        };
        let constant = if let Some(bytes) = node.tensor("value") {
            self.tensor(bytes)?
        } else if let Some(number) = node.given_float("value_float") {
            Constant::Floats(ArrayD::from_elem(IxDyn(&[]), number))
        } else if let Some(number) = node.given_int("value_int") {
            Constant::scalar(Whole::Known(number))
        } else if node.has("value_ints") {
            let numbers = node.ints("value_ints").unwrap_or_default();
            Constant::wholes(numbers.iter().map(|&number| Whole::Known(number)))
        } else if node.has("value_floats") {
            floats(node.floats("value_floats").unwrap_or_default())?
        } else {
            return Err("expected a tensor or numbers as its value".into());
        };
        self.give_constant(node, constant)
    }

    /// Makes a constant the node's output, if it is not too many whole numbers.
    fn give_constant(&mut self, node: &Node, constant: Constant) -> Step {
        if let Constant::Wholes(array) = &constant
            && array.len() > INTEGERS
        {
            return Err(format!("it makes {} whole numbers", array.len()));
        }
        self.give(node, Value::Constant(Arc::new(constant)))
    }

    pub(super) fn constant_of_shape(&mut self, node: &Node) -> Step {
        let shape = self.constant(node, 0)?.into_known()?;
        let shape = super::node::sizes("its shape", &shape)?;
        let count = shape
            .iter()
            .try_fold(1usize, |n, &size| n.checked_mul(size.max(1)));
        self.budget
            .take_numbers(count.ok_or("a constant would be too large")?)?;
        let value = match node.tensor("value") {
            Some(bytes) => self.tensor(bytes)?,
            None => Constant::Floats(ArrayD::zeros(IxDyn(&[1]))),
        };
        let shape = IxDyn(&shape);
        let constant = match value {
            Constant::Floats(array) => {
                let first = array.first().ok_or("its value is empty")?;
                Constant::Floats(ArrayD::from_elem(shape, *first))
            }
            Constant::Wholes(array) => {
                let first = array.first().ok_or("its value is empty")?;
                Constant::Wholes(ArrayD::from_elem(shape, *first))
            }
        };
        self.give_constant(node, constant)
    }

    pub(super) fn cast(&mut self, node: &Node) -> Step {
        let to = node.int("to", 1);
        let float = [1, 10, 11, 16].contains(&to);
        if let Value::Activation(x) = self.value(node, 0)? {
            return match float {
                true => self.give(node, Value::Activation(x)),
                false => Err("it makes whole numbers of what is computed from the image".into()),
            };
        }
        let constant = match (self.constant(node, 0)?, float) {
            (Constant::Wholes(array), true) => {
                let known = array.iter().all(|number| matches!(number, Whole::Known(_)));
                if !known {
                    return Err("it computes with the number of images, which is not known".into());
                }
                Constant::Floats(array.mapv(|number| match number {
                    Whole::Known(number) => number as f32,
                    Whole::Batch => f32::NAN,
                }))
            }
            (Constant::Floats(array), false) => {
                Constant::Wholes(array.mapv(|number| Whole::Known(number as i64)))
            }
            (same, _) => same,
        };
        self.give_constant(node, constant)
    }

    pub(super) fn reshape_constant(&mut self, node: &Node) -> Step {
        let constant = self.constant(node, 0)?;
        let old = constant.shape().to_vec();
        let list = match (node.input(1), node.ints("axes")) {
            (Some(_), _) => self.constant(node, 1)?.into_known()?,
            (None, Some(axes)) => axes.to_vec(),
            (None, None) => Vec::new(),
        };
        if list.len() > 8 || old.len() > 8 {
            return Err("it has more than eight axes".into());
        }
        let place = |axis: i64, rank: usize| {
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            usize::try_from(axis).ok().filter(|&axis| axis < rank)
        };
        let problem = || format!("{list:?} of a constant of the shape {old:?}");
        let shape = match node.operator.as_str() {
            "Reshape" => {
                let sizes = list.iter().enumerate().map(|(at, &size)| match size {
                    0 => old.get(at).copied(),
                    -1 => Some(1),
                    size => usize::try_from(size).ok(),
                });
                let mut sizes = sizes.collect::<Option<Vec<usize>>>().ok_or_else(problem)?;
                if let Some(open) = list.iter().position(|&size| size == -1) {
                    let known = sizes
                        .iter()
                        .try_fold(1usize, |n, &size| n.checked_mul(size));
                    let known = known.filter(|&n| n > 0).ok_or_else(problem)?;
                    sizes[open] = constant.len() / known;
                }
                sizes
            }
            "Squeeze" => {
                let axes: Option<Vec<usize>> =
                    list.iter().map(|&axis| place(axis, old.len())).collect();
                let axes = axes.ok_or_else(problem)?;
                let gone = |at: usize| match axes.is_empty() {
                    true => old[at] == 1,
                    false => axes.contains(&at),
                };
                (0..old.len())
                    .filter(|&at| !gone(at))
                    .map(|at| old[at])
                    .collect()
            }
            "Unsqueeze" => {
                let rank = old.len() + list.len();
                let axes: Option<Vec<usize>> = list.iter().map(|&axis| place(axis, rank)).collect();
                let axes = axes.ok_or_else(problem)?;
                let mut rest = old.iter().copied();
                let sizes = (0..rank).map(|axis| match axes.contains(&axis) {
                    true => Some(1),
                    false => rest.next(),
                });
                sizes.collect::<Option<Vec<usize>>>().ok_or_else(problem)?
            }
            _ => return Err("a constant is flattened, which is not supported".into()),
        };
        self.give_constant(node, constant.reshaped(&shape)?)
    }

    pub(super) fn gather_constant(&mut self, node: &Node, indices: Constant, axis: i64) -> Step {
        let single = indices.shape().is_empty();
        let indices = indices.into_known()?;
        let constant = self.constant(node, 0)?;
        let axis = if axis < 0 {
            axis + constant.shape().len() as i64
        } else {
            axis
        };
        let size = usize::try_from(axis)
            .ok()
            .and_then(|axis| constant.shape().get(axis));
        let size = *size.ok_or_else(|| format!("there is no axis {axis}"))?;
        let place = |&i: &i64| {
            let i = if i < 0 { i + size as i64 } else { i };
            usize::try_from(i).ok().filter(|&i| i < size)
        };
        let places: Option<Vec<usize>> = indices.iter().map(place).collect();
        let places = places.ok_or_else(|| format!("it reads beyond {size} places"))?;
        let one = constant.len() / size.max(1);
        self.budget.take_numbers(one.saturating_mul(places.len()))?;
        fn pick<T: Clone>(
            array: &ArrayD<T>,
            axis: Axis,
            places: &[usize],
            single: bool,
        ) -> ArrayD<T> {
            match single {
                true => array.index_axis(axis, places[0]).to_owned(),
                false => array.select(axis, places),
            }
        }
        let axis = Axis(axis as usize);
        let found = match constant {
            Constant::Floats(array) => Constant::Floats(pick(&array, axis, &places, single)),
            Constant::Wholes(array) => Constant::Wholes(pick(&array, axis, &places, single)),
        };
        let shape = found.shape().to_vec();
        self.give_constant(node, found.reshaped(&shape)?)
    }

    pub(super) fn slice_constant(
        &mut self,
        node: &Node,
        starts: &[i64],
        ends: &[i64],
        axes: &[i64],
        steps: &[i64],
    ) -> Step {
        let mut constant = self.constant(node, 0)?;
        for (((&start, &end), &axis), &step) in starts.iter().zip(ends).zip(axes).zip(steps) {
            let rank = constant.shape().len();
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            let at = usize::try_from(axis).ok().filter(|&axis| axis < rank);
            let at = at.ok_or_else(|| format!("there is no axis {axis}"))?;
            let places = places(start, end, step, constant.shape()[at])?;
            constant = match constant {
                Constant::Floats(array) => Constant::Floats(array.select(Axis(at), &places)),
                Constant::Wholes(array) => Constant::Wholes(array.select(Axis(at), &places)),
            };
        }
        self.give_constant(node, constant)
    }

    pub(super) fn concat_constants(&mut self, node: &Node, axis: i64) -> Step {
        let mut floats = Vec::new();
        let mut wholes = Vec::new();
        for at in 0..node.inputs() {
            match self.constant(node, at)? {
                Constant::Floats(array) => floats.push(array),
                Constant::Wholes(array) => wholes.push(array),
            }
        }
        fn joined<T: Clone>(parts: &[ArrayD<T>], axis: i64) -> Step<ArrayD<T>> {
            let rank = parts[0].ndim();
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            let axis = usize::try_from(axis).ok().filter(|&axis| axis < rank);
            let axis = Axis(axis.ok_or("its axis is not one of theirs")?);
            let views: Vec<_> = parts.iter().map(ArrayD::view).collect();
            ndarray::concatenate(axis, &views).map_err(|e| e.to_string())
        }
        let constant = match (floats.is_empty(), wholes.is_empty()) {
            (false, true) => Constant::Floats(joined(&floats, axis)?),
            (true, false) => Constant::Wholes(joined(&wholes, axis)?),
            _ => return Err("it joins nothing, or whole numbers with others".into()),
        };
        self.give_constant(node, constant)
    }
}

/// The places of a slice in either direction, as in NumPy.
fn places(start: i64, end: i64, step: i64, size: usize) -> Step<Vec<usize>> {
    let size = size as i64;
    let from_end = |i: i64| if i < 0 { i.saturating_add(size) } else { i };
    let (start, end) = (from_end(start), from_end(end));
    let all: Vec<usize> = match step {
        0 => return Err("its steps are 0".into()),
        1.. => (start.max(0)..end.min(size)).map(|i| i as usize).collect(),
        _ => (end.max(-1) + 1..start.min(size - 1) + 1)
            .rev()
            .map(|i| i as usize)
            .collect(),
    };
    let step = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(all.into_iter().step_by(step).collect())
}
