//! The types that numbers have in files, and their way to `f32` and `i64`.

use crate::budget::{Budget, elements};
use half::{bf16, f16};
use ndarray::{ArrayD, IxDyn};

/// A type of number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F16,
    Bf16,
    F32,
    F64,
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
    /// Bytes of one number.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }
}

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

/// An array out of a file: parameters are floating-point, the rest are counters and switches.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Loaded {
    Float(ArrayD<f32>),
    Integer(ArrayD<i64>),
}

/// An array of this shape from exactly its bytes, in row-major order.
pub(crate) fn decode(
    element: Element,
    endian: Endian,
    shape: &[usize],
    bytes: &[u8],
    budget: &mut Budget,
) -> Result<Loaded, String> {
    let count = elements(shape)?;
    // The bound in `elements` leaves room for eight bytes each.
    let expected = count * element.width();
    if bytes.len() != expected {
        return Err(format!(
            "shape {shape:?} of {element:?} takes {expected} bytes, got {}",
            bytes.len()
        ));
    }
    let each = if element.is_float() { 4 } else { 8 };
    budget.take(count as u64 * each, &format!("shape {shape:?}"))?;
    let shape = IxDyn(shape);
    let problem = |e: ndarray::ShapeError| e.to_string();
    if element.is_float() {
        let values = floats(element, endian, bytes);
        ArrayD::from_shape_vec(shape, values)
            .map(Loaded::Float)
            .map_err(problem)
    } else {
        let values = integers(element, endian, bytes)?;
        ArrayD::from_shape_vec(shape, values)
            .map(Loaded::Integer)
            .map_err(problem)
    }
}

fn floats(element: Element, endian: Endian, bytes: &[u8]) -> Vec<f32> {
    match element {
        Element::F16 => numbers(endian, bytes, |b| f16::from_le_bytes(b).to_f32()),
        Element::Bf16 => numbers(endian, bytes, |b| bf16::from_le_bytes(b).to_f32()),
        Element::F64 => numbers(endian, bytes, |b| f64::from_le_bytes(b) as f32),
        _ => numbers(endian, bytes, f32::from_le_bytes),
    }
}

fn integers(element: Element, endian: Endian, bytes: &[u8]) -> Result<Vec<i64>, String> {
    Ok(match element {
        Element::I8 => numbers(endian, bytes, |b| i8::from_le_bytes(b).into()),
        Element::I16 => numbers(endian, bytes, |b| i16::from_le_bytes(b).into()),
        Element::I32 => numbers(endian, bytes, |b| i32::from_le_bytes(b).into()),
        Element::U16 => numbers(endian, bytes, |b| u16::from_le_bytes(b).into()),
        Element::U32 => numbers(endian, bytes, |b| u32::from_le_bytes(b).into()),
        Element::I64 => numbers(endian, bytes, i64::from_le_bytes),
        Element::U64 => {
            let values = numbers(endian, bytes, u64::from_le_bytes);
            let fit = values.into_iter().map(|v| {
                i64::try_from(v).map_err(|_| {
                    format!(
                        "the number {v} is beyond {}, the largest kept here",
                        i64::MAX
                    )
                })
            });
            fit.collect::<Result<_, _>>()?
        }
        Element::Bool => numbers(endian, bytes, |[b]: [u8; 1]| i64::from(b != 0)),
        _ => numbers(endian, bytes, |[b]: [u8; 1]| i64::from(b)),
    })
}

fn numbers<T, const W: usize>(endian: Endian, bytes: &[u8], from: impl Fn([u8; W]) -> T) -> Vec<T> {
    let ordered = |&(mut b): &[u8; W]| {
        if endian == Endian::Big {
            b.reverse();
        }
        from(b)
    };
    bytes.as_chunks().0.iter().map(ordered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats_of(element: Element, endian: Endian, bytes: &[u8]) -> Vec<f32> {
        let n = bytes.len() / element.width();
        match decode(element, endian, &[n], bytes, &mut Budget::of(bytes)) {
            Ok(Loaded::Float(array)) => array.into_iter().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_float_type_becomes_the_nearest_f32_from_either_end() {
        let third = 1.0f64 / 3.0;
        for (element, bytes, expected) in [
            (
                Element::F16,
                vec![0x00, 0x3e, 0x01, 0x00],
                vec![1.5, 2f32.powi(-24)],
            ),
            (
                Element::Bf16,
                vec![0xc0, 0x3f, 0x80, 0xff],
                vec![1.5, f32::NEG_INFINITY],
            ),
            (Element::F32, 0.1f32.to_le_bytes().to_vec(), vec![0.1]),
            (Element::F64, third.to_le_bytes().to_vec(), vec![1.0 / 3.0]),
        ] {
            assert_eq!(
                floats_of(element, Endian::Little, &bytes),
                expected,
                "{element:?}"
            );
            let swapped: Vec<u8> = bytes
                .chunks(element.width())
                .flat_map(|c| c.iter().rev().copied())
                .collect();
            assert_eq!(
                floats_of(element, Endian::Big, &swapped),
                expected,
                "{element:?}"
            );
        }
    }

    #[test]
    fn an_unsigned_number_beyond_i64_is_an_error_that_names_it() {
        let bytes = u64::MAX.to_le_bytes();
        let got = decode(
            Element::U64,
            Endian::Little,
            &[1],
            &bytes,
            &mut Budget::of(&bytes),
        );
        assert!(got.unwrap_err().contains("18446744073709551615"));
    }

    #[test]
    fn a_shape_too_large_for_memory_is_an_error_and_no_allocation() {
        for shape in [vec![usize::MAX, 2], vec![1 << 40, 1 << 30], vec![1 << 62]] {
            let mut budget = Budget::of(&[]);
            assert!(decode(Element::F32, Endian::Little, &shape, &[], &mut budget).is_err());
        }
    }
}
