//! Hugging Face's safetensors: <https://github.com/huggingface/safetensors>.

use crate::Weights;
use crate::budget::Budget;
use crate::element::{Element, Endian, Loaded, decode};
use ::safetensors::tensor::{Dtype, SafeTensors, View};
use half::f16;
use ndarray::ArrayD;
use serde_json::Value;
use std::borrow::Cow;

/// The arrays in the order of their bytes.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<(String, Loaded)>, String> {
    check_bounds(bytes)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut budget = Budget::of(bytes);
    let mut loaded = Vec::new();
    for name in metadata.offset_keys() {
        let problem = |e: String| format!("tensor \"{name}\": {e}");
        let view = tensors.tensor(&name).map_err(|e| problem(e.to_string()))?;
        let element = element(view.dtype()).map_err(problem)?;
        let array = decode(
            element,
            Endian::Little,
            view.shape(),
            view.data(),
            &mut budget,
        );
        loaded.push((name.clone(), array.map_err(problem)?));
    }
    Ok(loaded)
}

/// Offsets far outside would overflow in the library's own sums, and this says which is meant.
fn check_bounds(bytes: &[u8]) -> Result<(), String> {
    let length = bytes.len();
    let Some(header) = bytes.first_chunk() else {
        return Err(format!("expected at least 8 bytes, got {length}"));
    };
    let header = u64::from_le_bytes(*header);
    let end = usize::try_from(header).ok().and_then(|h| h.checked_add(8));
    let Some((end, json)) = end.and_then(|end| Some((end, bytes.get(8..end)?))) else {
        return Err(format!(
            "its header should have {header} bytes, and the whole file has {length}: it is \
             truncated, or no safetensors file"
        ));
    };
    let json: Value =
        serde_json::from_slice(json).map_err(|e| format!("its header does not parse: {e}"))?;
    let data = (length - end) as u64;
    for (name, info) in json.as_object().into_iter().flatten() {
        let beyond = |offset: &Value| offset.as_u64().is_some_and(|o| o > data);
        let offsets = info["data_offsets"].as_array().into_iter().flatten();
        if let Some(offset) = offsets.into_iter().find(|&o| beyond(o)) {
            return Err(format!(
                "tensor \"{name}\" reaches to byte {offset} of the data, and there are {data}: the \
                 file is truncated"
            ));
        }
    }
    Ok(())
}

fn element(dtype: Dtype) -> Result<Element, String> {
    Ok(match dtype {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        Dtype::I8 => Element::I8,
        Dtype::I16 => Element::I16,
        Dtype::I32 => Element::I32,
        Dtype::I64 => Element::I64,
        Dtype::U8 => Element::U8,
        Dtype::U16 => Element::U16,
        Dtype::U32 => Element::U32,
        Dtype::U64 => Element::U64,
        Dtype::BOOL => Element::Bool,
        other => return Err(format!("numbers of type {other} are not read")),
    })
}

/// The file's bytes; `half` rounds matrices and filters to half precision.
pub(crate) fn encode(weights: &Weights, half: bool) -> Result<Vec<u8>, String> {
    let floats = weights
        .iter()
        .map(|(name, array)| match half && array.ndim() > 1 {
            true => Ok((name, Bytes(Dtype::F16, array.shape(), halves(name, array)?))),
            false => {
                let bytes = array.iter().flat_map(|v| v.to_le_bytes()).collect();
                Ok((name, Bytes(Dtype::F32, array.shape(), bytes)))
            }
        })
        .collect::<Result<Vec<_>, String>>()?;
    let integers = weights.integers().map(|(name, array)| {
        let bytes = array.iter().flat_map(|v| v.to_le_bytes()).collect();
        (name, Bytes(Dtype::I64, array.shape(), bytes))
    });
    ::safetensors::serialize(floats.into_iter().chain(integers), None).map_err(|e| e.to_string())
}

fn halves(name: &str, array: &ArrayD<f32>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(2 * array.len());
    for &value in array {
        let half = f16::from_f32(value);
        if half.is_infinite() && value.is_finite() {
            return Err(format!(
                "tensor \"{name}\" holds {value}; half precision ends at {}",
                f16::MAX
            ));
        }
        bytes.extend(half.to_le_bytes());
    }
    Ok(bytes)
}

struct Bytes<'a>(Dtype, &'a [usize], Vec<u8>);

impl View for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        self.0
    }

    fn shape(&self) -> &[usize] {
        self.1
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.2)
    }

    fn data_len(&self) -> usize {
        self.2.len()
    }
}
