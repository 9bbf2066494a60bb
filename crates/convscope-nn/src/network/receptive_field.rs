//! What part of the image a unit sees.

use super::{Graph, Network, Node};
use crate::error::{NnError, Result};
use crate::layer::Shape;
use crate::real::Real;
use std::fmt;
use std::ops::Range;

/// The part of the input that the units of a node see.
///
/// In a network of convolutions and poolings, unit `i` along an axis sees the `size` rows (or
/// columns) from `offset + i * stride` on; of these, some may lie in the padding. Where branches
/// of different reach meet it is the smallest rectangle around what they see together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReceptiveField {
    /// Height and width in pixels, padding included; of units that differ (after an upsampling
    /// or an adaptive pooling), the largest.
    pub size: [usize; 2],
    /// Pixels between the fields of neighbouring units, down and across (the "jump"); of units
    /// that differ, the mean. Zero where every unit sees the same.
    pub stride: [f64; 2],
    /// The first row and column that unit (0, 0) sees; negative in the padding.
    pub offset: [isize; 2],
}

/// Rows and columns of the input, from `top` to before `bottom` and from `left` to before `right`.
/// What is negative or beyond the image is padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// The first row.
    pub top: isize,
    /// The row after the last.
    pub bottom: isize,
    /// The first column.
    pub left: isize,
    /// The column after the last.
    pub right: isize,
}

impl Rect {
    /// The part that lies in an image of this height and width.
    pub fn clipped(&self, height: usize, width: usize) -> Rect {
        let (h, w) = (height as isize, width as isize);
        Rect {
            top: self.top.clamp(0, h),
            bottom: self.bottom.clamp(0, h),
            left: self.left.clamp(0, w),
            right: self.right.clamp(0, w),
        }
    }
}

impl ReceptiveField {
    /// Height and width in short: `"11x11"`.
    pub fn size_in_words(&self) -> String {
        format!("{}x{}", self.size[0], self.size[1])
    }

    /// The stride in short: `"4"`, or `"4x2"` where it differs down and across.
    pub fn stride_in_words(&self) -> String {
        let [down, across] = self.stride.map(|s| (s * 100.0).round() / 100.0);
        match down == across {
            true => down.to_string(),
            false => format!("{down}x{across}"),
        }
    }
}

impl fmt::Display for ReceptiveField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}x{} pixels, every {}x{}, from ({}, {})",
            self.size[0],
            self.size[1],
            self.stride[0],
            self.stride[1],
            self.offset[0],
            self.offset[1]
        )
    }
}

impl<F: Real> Network<F> {
    /// The receptive field of a node's units.
    ///
    /// # Errors
    /// When there is no such node, or the network does not read images.
    pub fn receptive_field(&self, node: &str) -> Result<ReceptiveField> {
        let id = self.graph.find(node)?;
        let mut field = ReceptiveField {
            size: [0; 2],
            stride: [0.0; 2],
            offset: [0; 2],
        };
        for axis in 0..2 {
            let units = self.graph.units(id, axis)?;
            let seen = |i: usize| self.graph.sees(id, axis, i as isize);
            let first = seen(0)?;
            // A single unit has no neighbour but the one that a larger image would give it.
            let last = units.saturating_sub(1).max(1);
            field.stride[axis] = (seen(last)?.start - first.start) as f64 / last as f64;
            field.offset[axis] = first.start;
            for i in 0..units {
                field.size[axis] = field.size[axis].max(seen(i)?.len());
            }
        }
        Ok(field)
    }

    /// The receptive field of every node, in the order of [`Network::nodes`]; nothing where the
    /// network does not read images.
    pub(super) fn receptive_fields(&self) -> Vec<Option<ReceptiveField>> {
        let nodes = self.graph.nodes.len();
        if self.graph.input.len() != 3 {
            return vec![None; nodes];
        }
        let [down, across] = [0, 1].map(|axis| self.graph.fields(axis));
        let both = down.into_iter().zip(across);
        both.map(|(y, x)| {
            Some(ReceptiveField {
                size: [y.size, x.size],
                stride: [y.stride, x.stride],
                offset: [y.offset, x.offset],
            })
        })
        .collect()
    }

    /// What the unit at row `y` and column `x` of a node sees, padding included; of a node that
    /// puts out vectors, all units see the same and the place does not matter.
    ///
    /// # Errors
    /// When there is no such node or unit, or the network does not read images.
    pub fn receptive_field_of(&self, node: &str, [y, x]: [usize; 2]) -> Result<Rect> {
        let id = self.graph.find(node)?;
        let units = [self.graph.units(id, 0)?, self.graph.units(id, 1)?];
        let image = self.graph.shape(id).len() == 3;
        if image && (y >= units[0] || x >= units[1]) {
            return Err(NnError::shape(
                format!("a unit of node \"{node}\""),
                format!("a row and column inside {units:?}"),
                &[y, x],
            ));
        }
        let rows = self.graph.sees(id, 0, y as isize)?;
        let columns = self.graph.sees(id, 1, x as isize)?;
        Ok(Rect {
            top: rows.start,
            bottom: rows.end,
            left: columns.start,
            right: columns.end,
        })
    }
}

/// A receptive field along one axis.
struct Extent {
    size: usize,
    stride: f64,
    offset: isize,
}

impl<F: Real> Graph<F> {
    /// The receptive fields of all nodes along an axis. Each is put together from those of the
    /// node's inputs, which costs one way through the graph and not one for each node.
    fn fields(&self, axis: usize) -> Vec<Extent> {
        let count = self.nodes.len() + 1;
        let units = |id: usize| match self.shape(id).len() {
            3 => self.shape(id)[1 + axis] as isize,
            _ => 1,
        };
        // The units whose fields somebody will ask for, those in the padding among them; a single
        // unit's neighbour tells the stride.
        let mut asked: Vec<Range<isize>> = (0..count).map(|id| 0..units(id).max(2)).collect();
        let mut last_reader = vec![0; count];
        for (at, node) in (1..count).zip(&self.nodes).rev() {
            let shapes = self.input_shapes(node);
            for (which, &input) in node.inputs.iter().enumerate() {
                let seen = seen_by(node, &shapes, which, axis, asked[at].clone());
                asked[input] = hull(&asked[input], &seen);
                last_reader[input] = last_reader[input].max(at);
            }
        }
        let mut known: Vec<Vec<Range<isize>>> = vec![Vec::new(); count];
        known[0] = asked[0].clone().map(|i| i..i + 1).collect();
        let mut extents = Vec::new();
        for (at, node) in (1..).zip(&self.nodes) {
            let shapes = self.input_shapes(node);
            let field = |i: isize| {
                let parts = node
                    .inputs
                    .iter()
                    .enumerate()
                    .filter_map(|(which, &input)| {
                        let seen = seen_by(node, &shapes, which, axis, i..i + 1);
                        let first = asked[input].start;
                        let place = (seen.start - first) as usize..(seen.end - first) as usize;
                        let fields = known[input].get(place).unwrap_or_default();
                        fields.iter().cloned().reduce(|a, b| hull(&a, &b))
                    });
                parts.reduce(|a, b| hull(&a, &b)).unwrap_or(0..0)
            };
            let fields: Vec<_> = asked[at].clone().map(field).collect();
            let of = |i: isize| &fields[(i - asked[at].start) as usize];
            let last = (units(at) - 1).max(1);
            extents.push(Extent {
                size: (0..units(at)).map(|i| of(i).len()).max().unwrap_or(0),
                stride: (of(last).start - of(0).start) as f64 / last as f64,
                offset: of(0).start,
            });
            known[at] = fields;
            for &input in &node.inputs {
                if last_reader[input] == at {
                    known[input] = Vec::new();
                }
            }
        }
        extents
    }

    /// How many places a node has along an axis.
    fn units(&self, id: usize, axis: usize) -> Result<usize> {
        if self.input.len() != 3 {
            return Err(NnError::shape(
                "the input of a network whose receptive fields are asked for",
                "an image [channels, height, width]",
                &self.input,
            ));
        }
        let shape = self.shape(id);
        Ok(if shape.len() == 3 { shape[1 + axis] } else { 1 })
    }

    /// The input's rows or columns that unit `i` along an axis sees. Goes through the nodes once,
    /// from the unit's back to the image, with the range that is needed of each.
    fn sees(&self, id: usize, axis: usize, i: isize) -> Result<Range<isize>> {
        let mut needed: Vec<Option<Range<isize>>> = vec![None; id + 1];
        needed[id] = Some(i..i + 1);
        for at in (1..=id).rev() {
            let Some(range) = needed[at].take() else {
                continue;
            };
            let node = &self.nodes[at - 1];
            let shapes = self.input_shapes(node);
            for (which, &input) in node.inputs.iter().enumerate() {
                let seen = seen_by(node, &shapes, which, axis, range.clone());
                needed[input] = Some(match needed[input].take() {
                    None => seen,
                    Some(other) => hull(&other, &seen),
                });
            }
        }
        Ok(needed[0].take().unwrap_or(0..0))
    }
}

/// The rows or columns of its input number `which` that a range of a node's looks at. A vector, and
/// what is made from one, sees everything before it.
fn seen_by<F: Real>(
    node: &Node<F>,
    shapes: &[Shape],
    which: usize,
    axis: usize,
    range: Range<isize>,
) -> Range<isize> {
    match (shapes[which].as_slice(), node.shape.len()) {
        ([_, _, _], 3) => node.layer.sees(which, shapes, axis, range),
        (shape, _) => 0..shape.get(1 + axis).map_or(1, |&size| size as isize),
    }
}

/// The smallest range around two.
fn hull(a: &Range<isize>, b: &Range<isize>) -> Range<isize> {
    a.start.min(b.start)..a.end.max(b.end)
}
