//! What part of the image a unit sees.

use super::{Graph, Network};
use crate::error::{NnError, Result};
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

impl<F: Real> Graph<F> {
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
                // A vector, and what is made from one, sees everything before it.
                let seen = match (shapes[which].as_slice(), node.shape.len()) {
                    (_, 3) if shapes[which].len() == 3 => {
                        node.layer.sees(which, &shapes, axis, range.clone())
                    }
                    (shape, _) => 0..shape.get(1 + axis).map_or(1, |&size| size as isize),
                };
                needed[input] = Some(match needed[input].take() {
                    None => seen,
                    Some(other) => other.start.min(seen.start)..other.end.max(seen.end),
                });
            }
        }
        Ok(needed[0].take().unwrap_or(0..0))
    }
}
