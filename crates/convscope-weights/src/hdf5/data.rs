//! Datasets: what type and shape they have, and where their bytes are.

use super::{Cursor, File, Header, UNDEFINED};
use crate::budget::{Budget, elements};
use crate::element::{Element, Endian, Loaded, decode};
use flate2::read::ZlibDecoder;
use std::io::Read;

const SPACE: u16 = 0x01;
const TYPE: u16 = 0x03;
const LAYOUT: u16 = 0x08;
const FILTERS: u16 = 0x0b;
/// HDF5's own bound.
const MOST_AXES: usize = 32;
/// Keras uses one, h5py at most three.
const MOST_FILTERS: usize = 8;

/// What numbers, or strings, a dataset or an attribute holds.
pub(super) enum Type {
    Number(Element, Endian),
    Text(usize),
}

impl Type {
    pub(super) fn of(body: &[u8]) -> Result<Self, String> {
        let mut cursor = Cursor { rest: body };
        let class = cursor.number(1)? & 15;
        let bits = cursor.take(3)?[0];
        let size = cursor.size(4)?;
        let endian = match bits & 1 {
            0 => Endian::Little,
            _ => Endian::Big,
        };
        let element = match (class, size, bits & 8 != 0) {
            (0, 1, true) => Element::I8,
            (0, 2, true) => Element::I16,
            (0, 4, true) => Element::I32,
            (0, 8, true) => Element::I64,
            (0, 1, false) => Element::U8,
            (0, 2, false) => Element::U16,
            (0, 4, false) => Element::U32,
            (0, 8, false) => Element::U64,
            (1, 2, _) => match cursor.take(6)?[5] {
                5 => Element::F16,
                8 => Element::Bf16,
                other => return Err(format!("its exponents have {other} bits; expected 5 or 8")),
            },
            (1, 4, _) => Element::F32,
            (1, 8, _) => Element::F64,
            (3, size, _) => return Ok(Self::Text(size)),
            _ => {
                return Err(format!(
                    "its type (class {class}, {size} bytes) is neither a float nor an integer"
                ));
            }
        };
        Ok(Self::Number(element, endian))
    }
}

/// A shape.
pub(super) struct Space(Vec<usize>);

impl Space {
    pub(super) fn of(body: &[u8]) -> Result<Self, String> {
        let mut cursor = Cursor { rest: body };
        let version = cursor.number(1)?;
        let axes = cursor.size(1)?;
        cursor.take(1)?;
        let kind = match version {
            1 => cursor.take(5).map(|_| 0)?,
            2 => cursor.number(1)?,
            other => return Err(format!("its shape has version {other}; expected 1 or 2")),
        };
        if axes > MOST_AXES {
            return Err(format!("it has {axes} axes; at most {MOST_AXES} are read"));
        }
        if kind == 2 {
            return Ok(Self(vec![0]));
        }
        let sizes = (0..axes).map(|_| cursor.size(8));
        Ok(Self(sizes.collect::<Result<_, _>>()?))
    }

    pub(super) fn count(&self) -> Result<usize, String> {
        elements(&self.0)
    }
}

pub(super) fn read<'a>(
    file: &mut File<'a>,
    header: &Header<'a>,
    budget: &mut Budget,
) -> Result<Loaded, String> {
    let part = |kind, what| {
        let body = header.first(kind);
        body.ok_or_else(|| format!("it says nothing of its {what}, or says it elsewhere"))
    };
    let space = Space::of(part(SPACE, "shape")?)?;
    let Type::Number(element, endian) = Type::of(part(TYPE, "type")?)? else {
        return Err("it holds strings; expected numbers".into());
    };
    let count = space.count()?;
    let size = count * element.width();
    let mut layout = Cursor {
        rest: part(LAYOUT, "layout")?,
    };
    let version = layout.number(1)?;
    if !matches!(version, 3 | 4) {
        return Err(format!("its layout has version {version}; expected 3 or 4"));
    }
    let shape = &space.0;
    match layout.number(1)? {
        0 => {
            let there = layout.size(2)?;
            let bytes = layout.take(there.min(size))?;
            decode(element, endian, shape, bytes, budget)
        }
        1 => match layout.number(8)? {
            UNDEFINED => {
                budget.take(size as u64, &format!("shape {shape:?}"))?;
                decode(element, endian, shape, &vec![0; size], budget)
            }
            address => decode(element, endian, shape, file.at(address, size)?, budget),
        },
        2 => {
            budget.take(size as u64, &format!("shape {shape:?}"))?;
            let filters = match header.first(FILTERS) {
                Some(body) => Filter::all(body)?,
                None => Vec::new(),
            };
            let mut chunks = Chunks {
                shape,
                width: element.width(),
                chunk: Vec::new(),
                filters,
                out: vec![0; size],
                budget,
            };
            chunks.read(file, layout, version)?;
            let out = chunks.out;
            decode(element, endian, shape, &out, budget)
        }
        other => Err(format!("its layout has the unknown class {other}")),
    }
}

struct Filter {
    id: u64,
    value: usize,
}

impl Filter {
    fn all(body: &[u8]) -> Result<Vec<Self>, String> {
        let mut cursor = Cursor { rest: body };
        let version = cursor.number(1)?;
        let count = cursor.size(1)?;
        if count > MOST_FILTERS {
            return Err(format!(
                "it has {count} filters; at most {MOST_FILTERS} are read"
            ));
        }
        cursor.take(if version == 1 { 6 } else { 0 })?;
        let mut filters = Vec::new();
        for _ in 0..count {
            let id = cursor.number(2)?;
            let name = match version == 1 || id >= 256 {
                true => cursor.size(2)?,
                false => 0,
            };
            cursor.take(2)?;
            let values = cursor.size(2)?;
            cursor.take(name)?;
            let mut given = Cursor {
                rest: cursor.take(values * 4)?,
            };
            let value = given.size(4).unwrap_or(0);
            cursor.take(if version == 1 && values % 2 == 1 {
                4
            } else {
                0
            })?;
            filters.push(Self { id, value });
        }
        Ok(filters)
    }

    /// Undoes this filter. `most` is how many bytes there may be behind it.
    fn undo(&self, bytes: Vec<u8>, most: usize) -> Result<Vec<u8>, String> {
        match self.id {
            1 => {
                let mut out = Vec::new();
                let inflated = ZlibDecoder::new(bytes.as_slice())
                    .take(most as u64 + 1)
                    .read_to_end(&mut out);
                inflated.map_err(|e| format!("a chunk does not inflate: {e}"))?;
                match out.len() <= most {
                    true => Ok(out),
                    false => Err(format!("a chunk inflates to more than its {most} bytes")),
                }
            }
            2 if self.value > 0 => {
                // Byte b of every element stands together; a rest that fills none is left.
                let count = bytes.len() / self.value;
                let mut out = bytes.clone();
                for (at, byte) in out.iter_mut().take(count * self.value).enumerate() {
                    *byte = bytes[at % self.value * count + at / self.value];
                }
                Ok(out)
            }
            3 => {
                let mut bytes = bytes;
                bytes.truncate(bytes.len().saturating_sub(4));
                Ok(bytes)
            }
            other => Err(format!(
                "its chunks went through filter {other}; gzip, shuffle and fletcher32 are read"
            )),
        }
    }
}

/// An array that comes in pieces of one size.
struct Chunks<'b> {
    shape: &'b [usize],
    width: usize,
    chunk: Vec<usize>,
    filters: Vec<Filter>,
    out: Vec<u8>,
    budget: &'b mut Budget,
}

impl Chunks<'_> {
    fn read(
        &mut self,
        file: &mut File<'_>,
        mut layout: Cursor<'_>,
        version: u64,
    ) -> Result<(), String> {
        let flags = match version {
            4 => layout.number(1)?,
            _ => 0,
        };
        let axes = layout.size(1)?;
        if axes != self.shape.len() + 1 {
            let axes = axes.saturating_sub(1);
            return Err(format!(
                "its chunks have {axes} axes, and its shape is {:?}",
                self.shape
            ));
        }
        let tree = match version {
            3 => layout.number(8)?,
            _ => 0,
        };
        let wide = match version {
            4 => layout.size(1)?,
            _ => 4,
        };
        let sizes = (0..axes).map(|_| layout.size(wide));
        let mut sizes: Vec<_> = sizes.collect::<Result<_, _>>()?;
        let width = sizes.pop();
        let each = elements(&sizes)?;
        if width != Some(self.width) || each == 0 {
            return Err(format!(
                "its chunks are of {sizes:?} elements of {width:?} bytes"
            ));
        }
        self.chunk = sizes;
        if version == 3 {
            return match tree {
                UNDEFINED => Ok(()),
                tree => self.tree(file, tree, None),
            };
        }
        if layout.number(1)? != 1 {
            return Err(
                "its chunks are indexed as only h5py's libver=\"latest\" does, which is \
                        not read: save it with the default"
                    .into(),
            );
        }
        let whole = each * self.width;
        let (size, mask) = match flags & 2 {
            0 => (whole, 0),
            _ => (layout.size(8)?, layout.number(4)?),
        };
        let origin = vec![0; self.shape.len()];
        match layout.number(8)? {
            UNDEFINED => Ok(()),
            address => self.place(file, address, size, mask, &origin),
        }
    }

    fn tree(&mut self, file: &mut File<'_>, address: u64, above: Option<u8>) -> Result<(), String> {
        file.step()?;
        file.signed(address, b"TREE", "tree of chunks")?;
        let mut node = Cursor {
            rest: file.at(address, 24)?,
        };
        node.take(4)?;
        let kind = node.number(1)?;
        let level = node.number(1)? as u8;
        if kind != 1 || above.is_some_and(|above| level.checked_add(1) != Some(above)) {
            return Err("a tree of chunks is out of order: it is damaged".into());
        }
        let used = node.size(2)?;
        let axes = self.shape.len();
        let entry = 8 + 8 * (axes + 1) + 8;
        let mut entries = Cursor {
            rest: file.at(address.saturating_add(24), used * entry)?,
        };
        for _ in 0..used {
            let size = entries.size(4)?;
            let mask = entries.number(4)?;
            let origin = (0..axes).map(|_| entries.size(8));
            let origin: Vec<_> = origin.collect::<Result<_, _>>()?;
            entries.take(8)?;
            let child = entries.number(8)?;
            match level {
                0 => self.place(file, child, size, mask, &origin)?,
                _ => self.tree(file, child, Some(level))?,
            }
        }
        Ok(())
    }

    /// Unpacks a chunk into its place; what reaches over the array's edge is dropped.
    fn place(
        &mut self,
        file: &mut File<'_>,
        address: u64,
        size: usize,
        mask: u64,
        origin: &[usize],
    ) -> Result<(), String> {
        file.step()?;
        let whole = elements(&self.chunk)? * self.width;
        self.budget.take(whole as u64, "a chunk")?;
        if size > 2 * whole + 4096 {
            return Err(format!(
                "a chunk of {whole} bytes is packed into {size}: it is damaged"
            ));
        }
        let mut bytes = file.at(address, size)?.to_vec();
        for (place, filter) in self.filters.iter().enumerate().rev() {
            if mask >> place.min(63) & 1 == 0 {
                // A sum of four bytes may still follow.
                bytes = filter.undo(bytes, whole.saturating_add(4))?;
            }
        }
        if bytes.len() != whole {
            return Err(format!(
                "a chunk has {} bytes; expected {whole}",
                bytes.len()
            ));
        }
        let shape = self.shape;
        if origin.iter().zip(shape).any(|(&from, &size)| from >= size) {
            return Err(format!(
                "a chunk at {origin:?} lies outside the shape {shape:?}"
            ));
        }
        let Some((&last, outer)) = self.chunk.split_last() else {
            self.out.copy_from_slice(&bytes);
            return Ok(());
        };
        let axis = outer.len();
        let row = last.min(shape[axis] - origin[axis]) * self.width;
        for (number, from) in bytes.chunks_exact(last * self.width).enumerate() {
            let Some(at) = self.row(number, origin) else {
                continue;
            };
            let at = at * self.width;
            self.out[at..at + row].copy_from_slice(&from[..row]);
        }
        Ok(())
    }

    /// Where a row of a chunk begins in the array, in elements; none if it is outside.
    fn row(&self, mut number: usize, origin: &[usize]) -> Option<usize> {
        let last = self.shape.len() - 1;
        let mut at = origin[last];
        let mut stride = self.shape[last];
        for axis in (0..last).rev() {
            let index = origin[axis] + number % self.chunk[axis];
            number /= self.chunk[axis];
            if index >= self.shape[axis] {
                return None;
            }
            at += index * stride;
            stride *= self.shape[axis];
        }
        Some(at)
    }
}
