//! What a pickle may build: plain data, and the few things of PyTorch that hold weights. There is
//! nothing here that could be run.

use crate::element::Element;
use std::rc::Rc;

/// A value. Containers are places in the machine's heap, so that one that holds itself needs no
/// care, and a deep one is dropped without recursion.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float,
    Bytes,
    Str(Rc<str>),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Global(Global),
    Storage(Rc<Storage>),
    Tensor(Rc<Strided>),
}

impl Value {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float => "a float",
            Self::Bytes => "bytes",
            Self::Str(_) => "a string",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Global(_) => "a class or function",
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// Where containers live; values refer to them by place.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    sequences: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    storages: Vec<Rc<Storage>>,
}

impl Heap {
    /// Every storage that was named, in the order of naming.
    pub(crate) fn storages(&self) -> &[Rc<Storage>] {
        &self.storages
    }

    pub(crate) fn sequence(&self, at: usize) -> &[Value] {
        self.sequences.get(at).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn dict(&self, at: usize) -> &[(Value, Value)] {
        self.dicts.get(at).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn new_sequence(&mut self, items: Vec<Value>) -> usize {
        self.sequences.push(items);
        self.sequences.len() - 1
    }

    pub(crate) fn new_dict(&mut self, items: Vec<(Value, Value)>) -> Value {
        self.dicts.push(items);
        Value::Dict(self.dicts.len() - 1)
    }

    pub(crate) fn extend(&mut self, at: usize, items: Vec<Value>) {
        if let Some(sequence) = self.sequences.get_mut(at) {
            sequence.extend(items);
        }
    }

    pub(crate) fn set(&mut self, at: usize, key: Value, value: Value) {
        if let Some(dict) = self.dicts.get_mut(at) {
            dict.push((key, value));
        }
    }

    pub(crate) fn name(&mut self, storage: Rc<Storage>) {
        self.storages.push(storage);
    }
}

/// A storage that the pickle names; its bytes are elsewhere in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    pub(crate) element: Element,
    pub(crate) key: String,
    pub(crate) len: usize,
}

/// A tensor: a view into a storage, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strided {
    pub(crate) storage: Rc<Storage>,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// The names that a pickle of weights may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    OrderedDict,
    Size,
    Rebuild,
    Parameter,
    Storage(Element),
}

impl Global {
    /// The allow-list. A name that is not on it is an error before anything is done with it.
    pub(crate) fn named(module: &str, name: &str) -> Result<Self, String> {
        let storage = |name: &str| {
            Some(match name {
                "HalfStorage" => Element::F16,
                "BFloat16Storage" => Element::Bf16,
                "FloatStorage" => Element::F32,
                "DoubleStorage" => Element::F64,
                "CharStorage" => Element::I8,
                "ShortStorage" => Element::I16,
                "IntStorage" => Element::I32,
                "LongStorage" => Element::I64,
                "ByteStorage" => Element::U8,
                "BoolStorage" => Element::Bool,
                _ => return None,
            })
        };
        let known = match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("torch", "Size") => Some(Self::Size),
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Some(Self::Rebuild),
            ("torch._utils", "_rebuild_parameter") => Some(Self::Parameter),
            ("torch", name) => storage(name).map(Self::Storage),
            _ => None,
        };
        known.ok_or_else(|| {
            format!(
                "its pickle asks for {}.{}, which weights do not need: nothing was run. If you \
                 trust the file, open it in Python and save its state_dict alone",
                short(module),
                short(name)
            )
        })
    }
}

/// A name out of a file, fit for a message.
pub(crate) fn short(name: &str) -> String {
    let clean = name
        .chars()
        .take(60)
        .map(|c| if c.is_control() { '?' } else { c });
    clean.collect()
}
