//! The file: a safetensors file, so that other tools can read its tensors, whose metadata carry a
//! version, a checksum over every byte, and what is not a tensor.
//!
//! ```text
//! u64 | {"__metadata__":{"convscope":"{"version":1,"sha256":"..","content":{..}}"},"net/..":..} | data
//! ```
//!
//! The checksum is taken while its own 64 digits are zeros. The format is Hugging Face's
//! (<https://github.com/huggingface/safetensors>).

use crate::real::Tensor;
use ndarray::IxDyn;
use safetensors::tensor::{Dtype, SafeTensors, View};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// The version that this code writes, and the newest it can read.
pub(super) const VERSION: u64 = 1;
/// The key of the metadata.
const KEY: &str = "convscope";
/// What follows the header's length in every checkpoint; the version's number comes next.
const BEGINNING: &[u8] = br#"{"__metadata__":{"convscope":"{\"version\":"#;
/// What stands before the checksum's digits.
const BEFORE_SUM: &[u8] = br#"\"sha256\":\""#;
const DIGITS: usize = 64;

/// Numbers on their way into a file.
pub(super) enum Numbers<'a> {
    F32(&'a Tensor<f32>),
    F64(Vec<f64>, [usize; 1]),
}

impl Numbers<'_> {
    pub(super) fn of(values: Vec<f64>) -> Numbers<'static> {
        let shape = [values.len()];
        Numbers::F64(values, shape)
    }
}

impl View for Numbers<'_> {
    fn dtype(&self) -> Dtype {
        match self {
            Numbers::F32(_) => Dtype::F32,
            Numbers::F64(..) => Dtype::F64,
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Numbers::F32(tensor) => tensor.shape(),
            Numbers::F64(_, shape) => shape,
        }
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self {
            Numbers::F32(tensor) => tensor.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Numbers::F64(values, _) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        match self {
            Numbers::F32(tensor) => tensor.len() * 4,
            Numbers::F64(values, _) => values.len() * 8,
        }
    }
}

/// Numbers out of a file.
#[derive(Debug)]
pub(super) enum Loaded {
    F32(Tensor<f32>),
    F64(Vec<f64>),
}

/// The file's bytes.
pub(super) fn encode(
    content: &Value,
    tensors: Vec<(String, Numbers<'_>)>,
) -> Result<Vec<u8>, String> {
    let zeros = "0".repeat(DIGITS);
    let metadata = format!(r#"{{"version":{VERSION},"sha256":"{zeros}","content":{content}}}"#);
    let metadata = HashMap::from([(KEY.to_owned(), metadata)]);
    let mut bytes = safetensors::serialize(tensors, Some(metadata)).map_err(|e| e.to_string())?;
    let at = sum_at(&bytes).ok_or("its header came out wrong")?;
    let sum = checksum(&bytes, at);
    bytes[at..at + DIGITS].copy_from_slice(sum.as_bytes());
    Ok(bytes)
}

/// What a file holds, or what is wrong with it and what was expected.
pub(super) fn decode(bytes: &[u8]) -> Result<(Value, BTreeMap<String, Loaded>), String> {
    let truncated = |expected: String| {
        format!(
            "it is truncated: expected {expected}, and the file has {} bytes",
            bytes.len()
        )
    };
    let begins = bytes.len().min(8 + BEGINNING.len());
    if bytes.get(8..begins).unwrap_or_default() != &BEGINNING[..begins.saturating_sub(8)] {
        return Err(
            "it is not a checkpoint of Convscope: expected a safetensors file with Convscope's \
             metadata first"
                .into(),
        );
    }
    let Some(length) = bytes.first_chunk() else {
        return Err(truncated("at least 8 bytes".into()));
    };
    let header_end = u64::from_le_bytes(*length).saturating_add(8);
    let header = usize::try_from(header_end)
        .ok()
        .and_then(|end| bytes.get(8..end))
        .ok_or_else(|| truncated(format!("a header of {header_end} bytes")))?;
    let damaged = |what: &str| format!("it is damaged: {what}");
    let header_json: Value = serde_json::from_slice(header)
        .map_err(|e| damaged(&format!("its header does not parse ({e})")))?;
    let metadata = header_json["__metadata__"][KEY].as_str();
    let mut metadata: Value = metadata
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| damaged("its metadata do not parse"))?;
    match metadata["version"].as_u64() {
        Some(VERSION) => {}
        Some(version) => {
            return Err(format!(
                "it has version {version} of the format, and this Convscope reads version \
                 {VERSION}: expected one written by a Convscope no newer than this"
            ));
        }
        None => return Err(damaged("its version is no number")),
    }
    let data = header_json.as_object().into_iter().flatten();
    let data_end = data
        .filter_map(|(_, info)| info["data_offsets"][1].as_u64())
        .max()
        .unwrap_or(0);
    let whole = header_end.saturating_add(data_end);
    if (bytes.len() as u64) < whole {
        return Err(truncated(format!("{whole} bytes")));
    }
    let sum = sum_at(bytes)
        .map(|at| (checksum(bytes, at), &bytes[at..at + DIGITS]))
        .ok_or_else(|| damaged("it has no checksum"))?;
    if sum.0.as_bytes() != sum.1 {
        return Err(format!(
            "its checksum does not match: expected sha256 {}, got {}. The file was changed after it \
             was written",
            String::from_utf8_lossy(sum.1),
            sum.0
        ));
    }
    let read = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e.to_string()))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in read.iter() {
        let loaded = match view.dtype() {
            Dtype::F32 => {
                let values = numbers(view.data(), f32::from_le_bytes);
                let tensor = Tensor::from_shape_vec(IxDyn(view.shape()), values);
                Loaded::F32(tensor.map_err(|e| damaged(&format!("tensor \"{name}\": {e}")))?)
            }
            Dtype::F64 => Loaded::F64(numbers(view.data(), f64::from_le_bytes)),
            other => {
                return Err(damaged(&format!(
                    "tensor \"{name}\" holds {other:?}, expected F32 or F64"
                )));
            }
        };
        tensors.insert(name.to_owned(), loaded);
    }
    Ok((metadata["content"].take(), tensors))
}

fn numbers<T, const W: usize>(bytes: &[u8], from: impl Fn([u8; W]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&b| from(b)).collect()
}

/// Where the checksum's digits begin.
fn sum_at(bytes: &[u8]) -> Option<usize> {
    let from = 8 + BEGINNING.len();
    // The version stands between; no number is longer than this.
    let near = bytes.get(from..)?;
    let near = &near[..near.len().min(32 + BEFORE_SUM.len())];
    let at = near
        .windows(BEFORE_SUM.len())
        .position(|w| w == BEFORE_SUM)?;
    let at = from + at + BEFORE_SUM.len();
    (bytes.len() >= at + DIGITS).then_some(at)
}

fn checksum(bytes: &[u8], at: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&bytes[..at]);
    hash.update([b'0'; DIGITS]);
    hash.update(&bytes[at + DIGITS..]);
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file() -> Vec<u8> {
        let tensor = Tensor::from_shape_fn(vec![2, 3], |i| (i[0] * 3 + i[1]) as f32 / 7.0);
        let tensors = vec![
            ("net/a".to_owned(), Numbers::F32(&tensor)),
            ("run/b".to_owned(), Numbers::of(vec![0.1, f64::NAN])),
        ];
        encode(&json!({"epoch": 3, "text": "a \"b\""}), tensors).unwrap()
    }

    #[test]
    fn what_goes_in_comes_out_bit_for_bit_and_files_of_equal_content_are_equal() {
        let bytes = file();
        assert_eq!(bytes, file());
        let (content, tensors) = decode(&bytes).unwrap();
        assert_eq!(content, json!({"epoch": 3, "text": "a \"b\""}));
        let (Loaded::F32(a), Loaded::F64(b)) = (&tensors["net/a"], &tensors["run/b"]) else {
            panic!("{tensors:?}")
        };
        assert_eq!((a.shape(), a[[1, 2]]), (&[2, 3][..], 5.0 / 7.0));
        assert_eq!(b[0].to_bits(), 0.1f64.to_bits());
        assert!(b[1].is_nan());
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_as_truncated() {
        let bytes = file();
        for length in 0..bytes.len() {
            let problem = decode(&bytes[..length]).unwrap_err();
            assert!(problem.contains("truncated"), "{length}: {problem}");
        }
    }

    #[test]
    fn a_changed_bit_anywhere_is_noticed() {
        let bytes = file();
        for at in 0..bytes.len() {
            for bit in [0, 3, 7] {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(decode(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(decode(&longer).unwrap_err().contains("checksum"));
    }

    #[test]
    fn another_file_or_a_newer_version_is_told_apart() {
        let find = |text: &str, bytes: &[u8]| {
            let at = bytes.windows(text.len()).position(|w| w == text.as_bytes());
            at.unwrap()
        };
        let mut newer = file();
        let at = find("version", &newer) + "version\\\":".len();
        newer[at] = b'7';
        let problem = decode(&newer).unwrap_err();
        assert!(problem.contains("version 7"), "{problem}");
        assert!(problem.contains("version 1"), "{problem}");
        for other in [&b"hello, this is no checkpoint"[..], &[0x1f; 300]] {
            let problem = decode(other).unwrap_err();
            assert!(problem.contains("not a checkpoint"), "{problem}");
        }
        let plain: Vec<(String, Numbers<'_>)> = vec![("a".into(), Numbers::of(vec![1.0]))];
        let plain = safetensors::serialize(plain, None).unwrap();
        assert!(decode(&plain).unwrap_err().contains("not a checkpoint"));
    }
}
