//! ONNX's tensors, in all the ways in which their numbers may stand in a file.

use super::value::{Constant, Whole};
use super::{Import, Step, external};
use crate::limits::INTEGERS;
use crate::proto::{self, Tensor};
use bytes::Bytes;
use half::{bf16, f16};
use ndarray::{ArrayD, IxDyn};
use std::sync::Arc;

/// A type of number, by ONNX's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    F32,
    F64,
    F16,
    Bf16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl Element {
    fn of(number: i32) -> Step<Element> {
        Ok(match number {
            1 => Element::F32,
            2 => Element::U8,
            3 => Element::I8,
            4 => Element::U16,
            5 => Element::I16,
            6 => Element::I32,
            7 => Element::I64,
            9 => Element::Bool,
            10 => Element::F16,
            11 => Element::F64,
            12 => Element::U32,
            13 => Element::U64,
            16 => Element::Bf16,
            8 => return Err("it holds strings".into()),
            other => {
                return Err(format!(
                    "its numbers are of type {other}, which is not read"
                ));
            }
        })
    }

    fn is_float(self) -> bool {
        matches!(
            self,
            Element::F32 | Element::F64 | Element::F16 | Element::Bf16
        )
    }

    fn width(self) -> usize {
        match self {
            Element::I8 | Element::U8 | Element::Bool => 1,
            Element::F16 | Element::Bf16 | Element::I16 | Element::U16 => 2,
            Element::F32 | Element::I32 | Element::U32 => 4,
            Element::F64 | Element::I64 | Element::U64 => 8,
        }
    }
}

impl Import<'_> {
    /// The stored tensor of this number.
    pub(super) fn decode_stored(&mut self, index: usize) -> Step<Constant> {
        let tensor = Arc::clone(&self.stored[index]);
        self.decode_tensor(&tensor)
    }

    /// A tensor in a node's attribute.
    pub(super) fn tensor(&mut self, bytes: Bytes) -> Step<Constant> {
        let tensor: Tensor = proto::decode(bytes, "its tensor", &mut self.budget)?;
        self.decode_tensor(&tensor)
    }

    fn decode_tensor(&mut self, tensor: &Tensor) -> Step<Constant> {
        let element = Element::of(tensor.data_type)?;
        let (shape, count) = shape(&tensor.dims)?;
        if tensor.segment.is_some() {
            return Err("it is in segments, which are not read".into());
        }
        if !element.is_float() && count > INTEGERS {
            return Err(format!(
                "it has {count} whole numbers; expected at most {INTEGERS} (weights of whole \
                 numbers are not read)"
            ));
        }
        self.budget.take_numbers(count)?;
        let width = element.width();
        let raw = match tensor.data_location {
            0 => tensor.raw_data.clone(),
            _ => Some(external::read(
                &tensor.external_data,
                self.folder,
                // The budget has room for four bytes each, so this is far from overflowing.
                count * width,
                &mut self.budget,
            )?),
        };
        let fits = |what: &str, got: usize, expected: usize| match got == expected {
            true => Ok(()),
            false => Err(format!(
                "its shape {shape:?} takes {expected} {what}, got {got}"
            )),
        };
        if let Some(raw) = raw {
            fits("bytes", raw.len(), count * width)?;
            return Ok(match element.is_float() {
                true => Constant::Floats(array(&shape, floats(element, &raw))),
                false => Constant::Wholes(array(&shape, wholes(element, &raw)?)),
            });
        }
        let small = &tensor.int32_data;
        Ok(match element {
            Element::F32 => {
                fits("numbers", tensor.float_data.len(), count)?;
                Constant::Floats(array(&shape, tensor.float_data.clone()))
            }
            Element::F64 => {
                fits("numbers", tensor.double_data.len(), count)?;
                let numbers = tensor.double_data.iter().map(|&v| v as f32).collect();
                Constant::Floats(array(&shape, numbers))
            }
            Element::F16 | Element::Bf16 => {
                fits("numbers", small.len(), count)?;
                let bytes: Vec<u8> = small
                    .iter()
                    .flat_map(|&v| (v as u16).to_le_bytes())
                    .collect();
                Constant::Floats(array(&shape, floats(element, &bytes)))
            }
            Element::I64 => {
                fits("numbers", tensor.int64_data.len(), count)?;
                let numbers = tensor.int64_data.iter().map(|&v| Whole::Known(v)).collect();
                Constant::Wholes(array(&shape, numbers))
            }
            Element::U32 | Element::U64 => {
                fits("numbers", tensor.uint64_data.len(), count)?;
                let numbers = tensor
                    .uint64_data
                    .iter()
                    .map(|&v| known(v))
                    .collect::<Step<_>>()?;
                Constant::Wholes(array(&shape, numbers))
            }
            _ => {
                fits("numbers", small.len(), count)?;
                let numbers = small.iter().map(|&v| Whole::Known(v.into())).collect();
                Constant::Wholes(array(&shape, numbers))
            }
        })
    }
}

/// The sizes of a shape, and how many numbers it holds.
fn shape(dims: &[i64]) -> Step<(Vec<usize>, usize)> {
    let wrong = || {
        let shown = &dims[..dims.len().min(12)];
        format!("no tensor can have the shape {shown:?}")
    };
    if dims.len() > 8 {
        return Err(wrong());
    }
    let mut sizes = Vec::new();
    // As ndarray counts, which takes an axis of none for one.
    let mut room = 1usize;
    for &size in dims {
        let size = usize::try_from(size).map_err(|_| wrong())?;
        room = room
            .checked_mul(size.max(1))
            .filter(|&n| n <= isize::MAX as usize / 8)
            .ok_or_else(wrong)?;
        sizes.push(size);
    }
    let count = if sizes.contains(&0) { 0 } else { room };
    Ok((sizes, count))
}

fn array<T>(shape: &[usize], numbers: Vec<T>) -> ArrayD<T> {
    ArrayD::from_shape_vec(IxDyn(shape), numbers).expect("counted before")
}

fn each<const N: usize, T>(bytes: &[u8], of: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| of(*chunk)).collect()
}

fn floats(element: Element, bytes: &[u8]) -> Vec<f32> {
    match element {
        Element::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
        Element::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Element::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        _ => each(bytes, f32::from_le_bytes),
    }
}

fn known(number: u64) -> Step<Whole> {
    let number = i64::try_from(number);
    number
        .map(Whole::Known)
        .map_err(|_| "a number is too large".to_owned())
}

fn wholes(element: Element, bytes: &[u8]) -> Step<Vec<Whole>> {
    let numbers: Vec<i64> = match element {
        Element::I8 => each(bytes, |b| i8::from_le_bytes(b).into()),
        Element::U8 | Element::Bool => each(bytes, |b| u8::from_le_bytes(b).into()),
        Element::I16 => each(bytes, |b| i16::from_le_bytes(b).into()),
        Element::U16 => each(bytes, |b| u16::from_le_bytes(b).into()),
        Element::I32 => each(bytes, |b| i32::from_le_bytes(b).into()),
        Element::U32 => each(bytes, |b| u32::from_le_bytes(b).into()),
        Element::U64 => {
            return each(bytes, |b| known(u64::from_le_bytes(b)))
                .into_iter()
                .collect();
        }
        _ => each(bytes, i64::from_le_bytes),
    };
    Ok(numbers.into_iter().map(Whole::Known).collect())
}
