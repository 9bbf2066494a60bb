//! PyTorch's files: a pickle that describes tensors, and the bytes of their storages beside it
//! (<https://docs.pytorch.org/docs/stable/notes/serialization.html>).
//!
//! The weights are the dictionary of tensors that the pickle holds, itself or under `state_dict`,
//! `model_state_dict` or `model`. What else is in the dictionary (an epoch, an optimizer) is left.

use crate::archive::Archive;
use crate::budget::{Budget, elements};
use crate::element::{Endian, Loaded, decode};
use crate::pickle::{Heap, LONGEST_NAME, Storage, Strided, Value, load, short};
use std::collections::HashMap;
use std::rc::Rc;

/// How files from before 1.6 begin: the magic number, pickled.
pub(crate) const LEGACY_MAGIC: [u8; 15] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.',
];
/// Where checkpoints keep their weights, the surest first.
const HOLDERS: [&str; 3] = ["state_dict", "model_state_dict", "model"];

pub(crate) fn read_zip(bytes: &[u8]) -> Result<Vec<(String, Loaded)>, String> {
    let mut archive = Archive::open(bytes)?;
    let mut budget = Budget::of(bytes);
    let is_pickle = |n: &&String| *n == "data.pkl" || n.ends_with("/data.pkl");
    let pickle = archive.names().iter().find(is_pickle).cloned();
    let pickle = pickle.ok_or("it has no data.pkl")?;
    let root = pickle
        .strip_suffix("data.pkl")
        .unwrap_or_default()
        .to_owned();
    let order = format!("{root}byteorder");
    let mut endian = Endian::Little;
    if archive.names().contains(&order) {
        endian = match archive.read(&order, &mut budget)?.as_slice() {
            b"little" => Endian::Little,
            b"big" => Endian::Big,
            _ => return Err("its byteorder is neither little nor big".into()),
        };
    }
    let code = archive.read(&pickle, &mut budget)?;
    let (value, heap, _) = load(&code)?;
    let tensors = state_dict(&value, &heap)?;
    // A storage is let go with its last tensor, so that a large file is not twice in memory.
    let mut users: HashMap<String, usize> = HashMap::new();
    for (_, tensor) in &tensors {
        *users.entry(tensor.storage.key.clone()).or_default() += 1;
    }
    let mut storages: HashMap<String, Vec<u8>> = HashMap::new();
    let mut loaded = Vec::new();
    for (name, tensor) in tensors {
        let problem = |e: String| format!("tensor \"{}\": {e}", short(&name));
        let key = &tensor.storage.key;
        if !storages.contains_key(key) {
            let bytes = archive.read(&format!("{root}data/{key}"), &mut budget);
            storages.insert(key.clone(), bytes.map_err(problem)?);
        }
        let array = gather(&tensor, &storages[key], endian, &mut budget).map_err(problem)?;
        if let Some(left) = users.get_mut(key) {
            *left -= 1;
            if *left == 0 {
                storages.remove(key);
            }
        }
        loaded.push((name.clone(), array));
    }
    Ok(loaded)
}

pub(crate) fn read_legacy(bytes: &[u8]) -> Result<Vec<(String, Loaded)>, String> {
    let Some(mut rest) = bytes.strip_prefix(&LEGACY_MAGIC) else {
        // To say what a foreign pickle asks for, it has to be read.
        load(bytes)?;
        return Err("it is a pickle, but none that torch.save wrote".into());
    };
    let mut next = || -> Result<(Value, Heap), String> {
        let (value, heap, taken) = load(rest)?;
        rest = &rest[taken..];
        Ok((value, heap))
    };
    let (protocol, _) = next()?;
    if !matches!(protocol, Value::Int(1001)) {
        return Err("its version is not 1001, the only one that torch.save wrote".into());
    }
    let (system, heap) = next()?;
    let endian = byte_order(&system, &heap);
    let (value, heap) = next()?;
    let tensors = state_dict(&value, &heap)?;
    let (keys, key_heap) = next()?;
    let Value::List(keys) = keys else {
        return Err(format!("its list of storages is {}", keys.kind()));
    };
    let known: HashMap<&str, &Storage> = heap
        .storages()
        .iter()
        .map(|s| (s.key.as_str(), &**s))
        .collect();
    let mut storages: HashMap<String, &[u8]> = HashMap::new();
    for key in key_heap.sequence(keys) {
        let Value::Str(key) = key else {
            return Err(format!("the key of a storage is {}", key.kind()));
        };
        let (count, after) = rest
            .split_first_chunk()
            .ok_or("its storages are truncated")?;
        let count = match endian {
            Endian::Little => u64::from_le_bytes(*count),
            Endian::Big => u64::from_be_bytes(*count),
        };
        let Some(storage) = known.get(&**key) else {
            return Err(format!("its pickle does not name storage {}", short(key)));
        };
        let split = usize::try_from(count)
            .ok()
            .and_then(|n| n.checked_mul(storage.element.width()))
            .and_then(|n| after.split_at_checked(n));
        let (data, after) = split.ok_or_else(|| {
            format!(
                "storage {} should have {count} numbers, and {} bytes are left: it is truncated",
                short(key),
                after.len()
            )
        })?;
        storages.insert((**key).to_owned(), data);
        rest = after;
    }
    let mut budget = Budget::of(bytes);
    let mut loaded = Vec::new();
    for (name, tensor) in tensors {
        let problem = |e: String| format!("tensor \"{}\": {e}", short(&name));
        let data = storages.get(&tensor.storage.key);
        let data = data.ok_or_else(|| problem("its storage is not in the file".into()))?;
        let array = gather(&tensor, data, endian, &mut budget).map_err(problem)?;
        loaded.push((name.clone(), array));
    }
    Ok(loaded)
}

fn byte_order(system: &Value, heap: &Heap) -> Endian {
    let little = match system {
        Value::Dict(at) => entry(heap.dict(*at), "little_endian"),
        _ => None,
    };
    match little {
        Some(Value::Bool(false)) => Endian::Big,
        _ => Endian::Little,
    }
}

/// The last value under this key, as Python would have it.
fn entry<'a>(dict: &'a [(Value, Value)], key: &str) -> Option<&'a Value> {
    let is_key = |k: &Value| matches!(k, Value::Str(text) if &**text == key);
    dict.iter().rev().find(|(k, _)| is_key(k)).map(|(_, v)| v)
}

/// The tensors by name.
fn state_dict(value: &Value, heap: &Heap) -> Result<Vec<(String, Rc<Strided>)>, String> {
    let mut value = value;
    // A holder may hold another once; a dictionary that holds itself ends here too.
    for _ in 0..=2 {
        let &Value::Dict(at) = value else {
            return Err(format!(
                "it holds {}; expected a dictionary of tensors, such as model.state_dict()",
                value.kind()
            ));
        };
        let dict = heap.dict(at);
        let held = HOLDERS
            .iter()
            .find_map(|holder| entry(dict, holder).filter(|held| matches!(held, Value::Dict(_))));
        if let Some(held) = held {
            value = held;
            continue;
        }
        let mut tensors = Vec::new();
        for (key, value) in dict {
            if let (Value::Str(name), Value::Tensor(tensor)) = (key, value) {
                if name.len() > LONGEST_NAME {
                    return Err(format!("a name is longer than {LONGEST_NAME} bytes"));
                }
                tensors.push(((**name).to_owned(), tensor.clone()));
            }
        }
        if tensors.is_empty() {
            let keys = dict.iter().filter_map(|(k, _)| match k {
                Value::Str(text) => Some(short(text)),
                _ => None,
            });
            let keys: Vec<_> = keys.take(8).collect();
            return Err(format!(
                "its dictionary holds no tensors; expected them in it, or under state_dict or \
                 model. Its first keys: {}",
                keys.join(", ")
            ));
        }
        return Ok(tensors);
    }
    Err("its dictionaries hold one another without end".into())
}

/// A tensor's numbers out of its storage's bytes, in row-major order.
fn gather(
    tensor: &Strided,
    storage: &[u8],
    endian: Endian,
    budget: &mut Budget,
) -> Result<Loaded, String> {
    let Strided {
        offset,
        shape,
        strides,
        ..
    } = tensor;
    let element = tensor.storage.element;
    let width = element.width();
    let there = storage.len() / width;
    let declared = tensor.storage.len;
    if declared > there {
        return Err(format!(
            "its storage should have {declared} numbers, and has {there}"
        ));
    }
    if shape.len() != strides.len() {
        return Err(format!(
            "its shape {shape:?} and its strides {strides:?} have not as many axes"
        ));
    }
    let count = elements(shape)?;
    if count == 0 {
        return decode(element, endian, shape, &[], budget);
    }
    let reach = reach(shape, strides)?;
    let end = offset
        .checked_add(reach)
        .and_then(|last| last.checked_add(1));
    if end.is_none_or(|end| end > there) {
        return Err(format!(
            "shape {shape:?}, strides {strides:?} and offset {offset} reach outside its storage of \
             {there} numbers"
        ));
    }
    if reach + 1 == count && is_row_major(shape, strides) {
        let from = offset * width;
        return decode(
            element,
            endian,
            shape,
            &storage[from..from + count * width],
            budget,
        );
    }
    budget.take((count * width) as u64, &format!("shape {shape:?}"))?;
    let mut bytes = Vec::with_capacity(count * width);
    let mut index = vec![0; shape.len()];
    for _ in 0..count {
        let at: usize = index.iter().zip(strides).map(|(i, s)| i * s).sum();
        let from = (offset + at) * width;
        bytes.extend(&storage[from..from + width]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    decode(element, endian, shape, &bytes, budget)
}

fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size;
        fits
    })
}

/// How far the last element lies behind the first, where no two share a place: a parameter's do not,
/// and elements that do would be a small file's way to a large array.
fn reach(shape: &[usize], strides: &[usize]) -> Result<usize, String> {
    let mut axes: Vec<_> = shape
        .iter()
        .zip(strides)
        .filter(|&(&size, _)| size > 1)
        .collect();
    axes.sort_by_key(|&(_, stride)| stride);
    let mut reach = 0usize;
    for (&size, &stride) in axes {
        if stride <= reach {
            return Err(format!(
                "strides {strides:?} let elements of shape {shape:?} overlap"
            ));
        }
        let more = (size - 1).checked_mul(stride);
        let sum = more.and_then(|more| reach.checked_add(more));
        reach = sum.ok_or_else(|| format!("strides {strides:?} reach beyond any file"))?;
    }
    Ok(reach)
}
