//! NumPy's `.npy`, and `.npz`, a zip of those:
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! Read here rather than by `ndarray-npy`, which wants the type of the numbers beforehand, knows no
//! half precision, and allocates what a header claims.

use crate::Weights;
use crate::archive::Archive;
use crate::budget::{Budget, elements};
use crate::element::{Element, Endian, Loaded, decode};
use std::io::{Cursor, Write};
use std::path::Path;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy's own arrays have no more axes.
const MOST_AXES: usize = 64;

/// One array, under the file's name without its ending.
pub(crate) fn read_npy(bytes: &[u8], source: &Path) -> Result<Vec<(String, Loaded)>, String> {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let array = parse(bytes, &mut Budget::of(bytes))?;
    Ok(vec![(stem.into_owned(), array)])
}

/// Every array, under its entry's name without `.npy`.
pub(crate) fn read_npz(bytes: &[u8]) -> Result<Vec<(String, Loaded)>, String> {
    let mut archive = Archive::open(bytes)?;
    let mut budget = Budget::of(bytes);
    let names: Vec<_> = archive.names().to_vec();
    let mut loaded = Vec::new();
    for entry in names {
        let Some(name) = entry.strip_suffix(".npy") else {
            continue;
        };
        let bytes = archive.read(&entry, &mut budget)?;
        let array = parse(&bytes, &mut budget).map_err(|e| format!("array \"{name}\": {e}"))?;
        loaded.push((name.to_owned(), array));
    }
    Ok(loaded)
}

/// A `.npz` file's bytes: every parameter and every array of integers, not compressed, as `np.savez`
/// leaves them.
pub(crate) fn encode_npz(weights: &Weights) -> Result<Vec<u8>, String> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed date: the same arrays make the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    let mut add = |name: &str, kind: &str, shape: &[usize], data: Vec<u8>| {
        zip.start_file(
            format!("{name}.npy"),
            options.large_file(data.len() >= 1 << 31),
        )
        .map_err(|e| e.to_string())?;
        let all = zip
            .write_all(&header(kind, shape))
            .and_then(|()| zip.write_all(&data));
        all.map_err(|e| e.to_string())
    };
    for (name, array) in weights.iter() {
        let data = array.iter().flat_map(|v| v.to_le_bytes()).collect();
        add(name, "<f4", array.shape(), data)?;
    }
    for (name, array) in weights.integers() {
        let data = array.iter().flat_map(|v| v.to_le_bytes()).collect();
        add(name, "<i8", array.shape(), data)?;
    }
    let written = zip.finish().map_err(|e| e.to_string())?;
    Ok(written.into_inner())
}

/// Version 1 of the format; the data begin at a multiple of 64 bytes.
fn header(kind: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let sizes = match shape.len() {
        1 => sizes.trim_end(),
        _ => sizes.trim_end_matches(", "),
    };
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let before = MAGIC.len() + 4;
    let length = (before + text.len() + 1).next_multiple_of(64) - before;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}

struct Header {
    element: Element,
    endian: Endian,
    column_major: bool,
    shape: Vec<usize>,
}

fn parse(bytes: &[u8], budget: &mut Budget) -> Result<Loaded, String> {
    let (header, data) = split(bytes)?;
    let header = header_of(header)?;
    let mut shape = header.shape;
    elements(&shape)?;
    if header.column_major {
        shape.reverse();
    }
    let loaded = decode(header.element, header.endian, &shape, data, budget)?;
    Ok(match header.column_major {
        false => loaded,
        // Column-major is row-major of the transpose; what follows expects row-major throughout.
        true => match loaded {
            Loaded::Float(a) => Loaded::Float(a.t().as_standard_layout().into_owned()),
            Loaded::Integer(a) => Loaded::Integer(a.t().as_standard_layout().into_owned()),
        },
    })
}

fn split(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let truncated = || format!("its header is truncated: there are {} bytes", bytes.len());
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("it does not begin with \\x93NUMPY")?;
    let (&[major, _], rest) = rest.split_first_chunk().ok_or_else(truncated)?;
    let (length, rest) = match major {
        1 => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(truncated)?;
            (u16::from_le_bytes(*length) as usize, rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(truncated)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        other => return Err(format!("version {other} is unknown; expected 1, 2 or 3")),
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(truncated)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
    Ok((header, data))
}

/// The header is a Python dictionary of three keys, always written in one way.
fn header_of(text: &str) -> Result<Header, String> {
    let after = |key: &str| {
        let at = text.find(&format!("'{key}':"));
        at.map(|at| text[at + key.len() + 3..].trim_start())
            .ok_or_else(|| format!("its header has no '{key}': {text:.80}"))
    };
    let descr = after("descr")?
        .strip_prefix('\'')
        .and_then(|rest| rest.split('\'').next())
        .ok_or("its numbers are records; expected one plain type")?;
    let (element, endian) = element(descr)?;
    let order = after("fortran_order")?;
    let column_major = match (order.starts_with("True"), order.starts_with("False")) {
        (false, false) => return Err("its fortran_order is neither True nor False".into()),
        (column_major, _) => column_major,
    };
    let shape = after("shape")?
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .ok_or("its shape is no tuple")?
        .0;
    let sizes = shape.split(',').map(str::trim).filter(|s| !s.is_empty());
    let sizes = sizes.map(|s| {
        s.parse()
            .map_err(|_| format!("its shape holds \"{s:.20}\""))
    });
    let shape = sizes.collect::<Result<Vec<usize>, _>>()?;
    if shape.len() > MOST_AXES {
        return Err(format!(
            "it has {} axes; at most {MOST_AXES} are read",
            shape.len()
        ));
    }
    Ok(Header {
        element,
        endian,
        column_major,
        shape,
    })
}

fn element(descr: &str) -> Result<(Element, Endian), String> {
    let endian = match descr.as_bytes().first() {
        Some(b'>') => Endian::Big,
        _ => Endian::Little,
    };
    let element = match descr.trim_start_matches(['<', '>', '|', '=']) {
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        "i1" => Element::I8,
        "i2" => Element::I16,
        "i4" => Element::I32,
        "i8" => Element::I64,
        "u1" => Element::U8,
        "u2" => Element::U16,
        "u4" => Element::U32,
        "u8" => Element::U64,
        "b1" => Element::Bool,
        "O" => return Err("it holds pickled Python objects, which are never loaded".into()),
        _ => {
            return Err(format!(
                "its numbers are of type '{descr}'; expected floats, integers or booleans"
            ));
        }
    };
    Ok((element, endian))
}
