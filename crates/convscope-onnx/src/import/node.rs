//! One node of ONNX's graph, with its attributes.

use super::Step;
use crate::limits::{Budget, SIZE};
use crate::names::Candidate;
use crate::proto::{self, Attribute, Entry};
use bytes::Bytes;
use std::collections::HashMap;

/// Where PyTorch notes the modules around an operation.
const SCOPES: &str = "pkg.torch.onnx.name_scopes";

pub(super) struct Node {
    /// Its name, or its number where it has none.
    pub(super) label: String,
    pub(super) operator: String,
    pub(super) domain: String,
    name: String,
    scopes: Option<String>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    attributes: HashMap<String, Attribute>,
}

impl Node {
    pub(super) fn decode(bytes: Bytes, number: usize, budget: &mut Budget) -> Step<Node> {
        let node: proto::Node = proto::decode(bytes, &format!("node {number}"), budget)?;
        let label = match node.name.is_empty() {
            true => format!("number {number}"),
            false => shortened(&node.name),
        };
        let what = |part: &str| format!("{part} of node \"{label}\"");
        let mut attributes = HashMap::new();
        for bytes in node.attribute {
            let attribute: Attribute = proto::decode(bytes, &what("an attribute"), budget)?;
            attributes.insert(attribute.name.clone(), attribute);
        }
        let mut scopes = None;
        for bytes in node.metadata_props {
            let entry: Entry = proto::decode(bytes, &what("the metadata"), budget)?;
            if entry.key == SCOPES {
                scopes = Some(entry.value);
            }
        }
        let name = match node.name.is_empty() {
            true => node.output.first().cloned().unwrap_or_default(),
            false => node.name,
        };
        Ok(Node {
            label,
            operator: node.op_type,
            domain: node.domain,
            name,
            scopes,
            inputs: node.input,
            outputs: node.output,
            attributes,
        })
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// The name of an input; an empty one is one that is left out.
    pub(super) fn input(&self, at: usize) -> Option<&str> {
        let name = self.inputs.get(at)?;
        (!name.is_empty()).then_some(name)
    }

    /// The names of all inputs that are there.
    pub(super) fn reads(&self) -> impl Iterator<Item = &str> {
        self.inputs
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    pub(super) fn output(&self, at: usize) -> Option<&str> {
        let name = self.outputs.get(at)?;
        (!name.is_empty()).then_some(name)
    }

    pub(super) fn makes(&self) -> impl Iterator<Item = &str> {
        self.outputs
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// What the layer made of it may be called, given the name of one of its parameters.
    pub(super) fn candidate(&self, parameter: Option<&str>) -> Candidate {
        Candidate::new(
            parameter,
            self.scopes.as_deref(),
            &self.name,
            &self.operator,
        )
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        let attribute = self.attributes.get(name);
        attribute.and_then(|a| a.i).unwrap_or(default)
    }

    pub(super) fn given_int(&self, name: &str) -> Option<i64> {
        self.attributes.get(name).and_then(|a| a.i)
    }

    /// A number that was meant in decimals, though it is kept in single precision: 1e-5 and not
    /// 9.999999747378752e-6.
    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        let found = self.attributes.get(name).and_then(|a| a.f);
        found.map_or(default, |v| v.to_string().parse().unwrap_or(f64::NAN))
    }

    pub(super) fn given_float(&self, name: &str) -> Option<f32> {
        self.attributes.get(name).and_then(|a| a.f)
    }

    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attributes.get(name).map(|a| a.ints.as_slice())
    }

    pub(super) fn floats(&self, name: &str) -> Option<&[f32]> {
        self.attributes.get(name).map(|a| a.floats.as_slice())
    }

    /// A word, in ASCII.
    pub(super) fn word(&self, name: &str) -> Option<String> {
        let bytes = self.attributes.get(name)?.s.as_ref()?;
        Some(shortened(&String::from_utf8_lossy(bytes)))
    }

    pub(super) fn tensor(&self, name: &str) -> Option<Bytes> {
        self.attributes.get(name)?.t.clone()
    }

    /// Two sizes, down and across.
    pub(super) fn pair(&self, name: &str, default: Option<[usize; 2]>) -> Step<[usize; 2]> {
        match (self.ints(name), default) {
            (None | Some([]), Some(default)) => Ok(default),
            (None | Some([]), None) => Err(format!("expected an attribute {name}")),
            (Some(numbers), _) => {
                let found = sizes(name, numbers)?;
                <[usize; 2]>::try_from(found).map_err(|found| {
                    format!(
                        "{name} is {found:?}; expected two numbers, for images of a height and a \
                         width"
                    )
                })
            }
        }
    }
}

/// Sizes within bounds.
pub(super) fn sizes(what: &str, numbers: &[i64]) -> Step<Vec<usize>> {
    if numbers.len() > 16 {
        return Err(format!(
            "{what} has {} numbers; expected a few",
            numbers.len()
        ));
    }
    let size = |&number: &i64| match number {
        0..=SIZE => Ok(number as usize),
        _ => Err(format!(
            "{what} is {numbers:?}; expected numbers from 0 to {SIZE}"
        )),
    };
    numbers.iter().map(size).collect()
}

/// A text from a file that may be of any length.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}
