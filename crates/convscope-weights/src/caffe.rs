//! Caffe's `.caffemodel`, a `NetParameter` of Protocol Buffers
//! (<https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto>). The handful of fields
//! that hold weights is read by hand; a compiler of `.proto` files would be the larger part.
//!
//! A layer's first array is `layer.weight`, its second `layer.bias`, further ones `layer.2`, ..;
//! batch normalisation's are `running_mean` and `running_var`, divided by the factor that Caffe
//! keeps beside them. Layouts are PyTorch's already; the input is usually BGR from 0 to 255 less a
//! mean, which stays the caller's to fold in.

use crate::budget::{Budget, elements};
use crate::element::{Element, Endian, Loaded, decode};
use crate::wire::{Field, Fields, varint};

/// No layer's name is longer.
const LONGEST_NAME: usize = 512;
/// Caffe's blobs have at most 32 axes.
const MOST_AXES: usize = 32;

/// Whether the content begins as a network: its name, or a layer.
pub(crate) fn looks_like(bytes: &[u8]) -> bool {
    let Some(Ok((number, Field::Bytes(content)))) = Fields::of(bytes).next() else {
        return false;
    };
    match number {
        1 => std::str::from_utf8(content).is_ok_and(|name| !name.contains(char::is_control)),
        2 | 100 => true,
        _ => false,
    }
}

pub(crate) fn read(bytes: &[u8]) -> Result<Vec<(String, Loaded)>, String> {
    let mut budget = Budget::of(bytes);
    let mut loaded = Vec::new();
    for field in Fields::of(bytes) {
        let layer = match field? {
            (100, Field::Bytes(message)) => Layer::of(message, &NEW)?,
            (2, Field::Bytes(message)) => Layer::of(message, &V1)?,
            _ => continue,
        };
        layer.load(&mut budget, &mut loaded)?;
    }
    match loaded.is_empty() {
        true => Err("no layer in it has weights; expected a trained .caffemodel".into()),
        false => Ok(loaded),
    }
}

/// The numbers of a layer's fields, which differ between the two generations.
struct Numbering {
    name: u64,
    kind: u64,
    blobs: u64,
    oldest: u64,
}

const NEW: Numbering = Numbering {
    name: 1,
    kind: 2,
    blobs: 7,
    oldest: u64::MAX,
};
const V1: Numbering = Numbering {
    name: 4,
    kind: 5,
    blobs: 6,
    oldest: 1,
};
/// `INNER_PRODUCT` among the kinds of the older generation.
const V1_INNER_PRODUCT: u64 = 14;

#[derive(Default)]
struct Layer<'a> {
    name: String,
    inner_product: bool,
    batch_norm: bool,
    blobs: Vec<&'a [u8]>,
}

impl<'a> Layer<'a> {
    fn of(message: &'a [u8], numbers: &Numbering) -> Result<Self, String> {
        let mut layer = Self::default();
        for field in Fields::of(message) {
            match field? {
                (n, Field::Bytes(b)) if n == numbers.name => {
                    if b.len() > LONGEST_NAME {
                        return Err(format!("a name is longer than {LONGEST_NAME} bytes"));
                    }
                    layer.name = String::from_utf8_lossy(b).into_owned();
                }
                (n, Field::Bytes(b)) if n == numbers.kind => {
                    layer.inner_product = b == b"InnerProduct";
                    layer.batch_norm = b == b"BatchNorm";
                }
                (n, Field::Varint(v)) if n == numbers.kind => {
                    layer.inner_product = v == V1_INNER_PRODUCT;
                }
                (n, Field::Bytes(b)) if n == numbers.blobs => layer.blobs.push(b),
                (n, Field::Bytes(_)) if n == numbers.oldest => {
                    return Err(
                        "its layers are of Caffe's oldest kind (V0): convert it with \
                                Caffe's own upgrade_net_proto_binary first"
                            .into(),
                    );
                }
                _ => {}
            }
        }
        Ok(layer)
    }

    fn load(&self, budget: &mut Budget, out: &mut Vec<(String, Loaded)>) -> Result<(), String> {
        let mut arrays = Vec::new();
        for (place, blob) in self.blobs.iter().enumerate() {
            let array = read_blob(blob, place, self.inner_product, budget);
            arrays.push(array.map_err(|e| format!("array {place} of \"{}\": {e}", self.name))?);
        }
        if self.batch_norm {
            normalise(&mut arrays).map_err(|e| format!("layer \"{}\": {e}", self.name))?;
        }
        for (place, array) in arrays.into_iter().enumerate() {
            let what = match (self.batch_norm, place) {
                (true, 0) => "running_mean".to_owned(),
                (true, 1) => "running_var".to_owned(),
                (false, 0) => "weight".to_owned(),
                (false, 1) => "bias".to_owned(),
                (_, place) => place.to_string(),
            };
            out.push((format!("{}.{what}", self.name), array));
        }
        Ok(())
    }
}

/// Caffe keeps sums and the factor to divide them by, 0 before any training.
fn normalise(arrays: &mut Vec<Loaded>) -> Result<(), String> {
    let factor = match arrays.pop() {
        Some(Loaded::Float(last)) if arrays.len() == 2 && last.len() == 1 => last.sum(),
        _ => return Err("batch normalisation has three arrays: mean, variance, factor".into()),
    };
    let scale = if factor == 0.0 { 0.0 } else { 1.0 / factor };
    for array in arrays {
        if let Loaded::Float(array) = array {
            array.mapv_inplace(|v| v * scale);
        }
    }
    Ok(())
}

fn read_blob(
    message: &[u8],
    place: usize,
    inner_product: bool,
    budget: &mut Budget,
) -> Result<Loaded, String> {
    let mut legacy: [Option<usize>; 4] = [None; 4];
    let mut shape: Option<Vec<usize>> = None;
    let mut data = Vec::new();
    let mut double = false;
    for field in Fields::of(message) {
        match field? {
            (n @ 1..=4, Field::Varint(v)) => legacy[n as usize - 1] = Some(size(v)?),
            (7, Field::Bytes(b)) => shape = Some(read_shape(b)?),
            (5, Field::Bytes(b)) => grow(&mut data, b, budget)?,
            (5, Field::Fixed32(b)) => data.extend(b),
            (8, Field::Bytes(b)) => {
                double = true;
                grow(&mut data, b, budget)?;
            }
            (8, Field::Fixed64(b)) => {
                double = true;
                data.extend(b);
            }
            _ => {}
        }
    }
    let shape = shape.unwrap_or_else(|| squeeze(legacy, place, inner_product));
    elements(&shape)?;
    let element = if double { Element::F64 } else { Element::F32 };
    decode(element, Endian::Little, &shape, &data, budget)
}

fn grow(data: &mut Vec<u8>, bytes: &[u8], budget: &mut Budget) -> Result<(), String> {
    budget.take(bytes.len() as u64, "an array")?;
    data.extend(bytes);
    Ok(())
}

fn read_shape(message: &[u8]) -> Result<Vec<usize>, String> {
    let mut shape = Vec::new();
    for field in Fields::of(message) {
        match field? {
            (1, Field::Varint(v)) => shape.push(size(v)?),
            (1, Field::Bytes(mut packed)) => {
                while !packed.is_empty() && shape.len() <= MOST_AXES {
                    shape.push(size(varint(&mut packed)?)?);
                }
            }
            _ => {}
        }
        if shape.len() > MOST_AXES {
            return Err(format!("it has more than {MOST_AXES} axes"));
        }
    }
    Ok(shape)
}

fn size(v: u64) -> Result<usize, String> {
    let v = v.cast_signed();
    usize::try_from(v).map_err(|_| format!("a size is {v}; expected 0 or more"))
}

/// Old files write every shape as four numbers, ones first: biases have one axis, and the weights
/// of a dense layer two.
fn squeeze(legacy: [Option<usize>; 4], place: usize, inner_product: bool) -> Vec<usize> {
    let four = legacy.map(|size| size.unwrap_or(1));
    let keep = match (place, inner_product) {
        (0, true) => 2,
        (0, false) => 4,
        _ => 1,
    };
    let ones = four.iter().take_while(|&&size| size == 1).count();
    four[ones.min(4 - keep)..].to_vec()
}
