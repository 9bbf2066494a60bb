//! From a file's bytes to a network.

use crate::error::{OnnxError, Result};
use crate::import::Import;
use crate::limits::{Budget, NODES};
use crate::proto::{self, Graph, Model, OperatorSet};
use bytes::Bytes;
use convscope_nn::Network;
use std::fs;
use std::path::Path;

/// What a file may leave open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    pub(crate) input: Option<Vec<usize>>,
    pub(crate) output: Option<String>,
}

impl ReadOptions {
    /// Everything as the file says.
    pub fn new() -> ReadOptions {
        ReadOptions::default()
    }

    /// Images of this shape, `[channels, height, width]` (or vectors, `[features]`), whatever the
    /// file says: for networks that were exported for any size.
    pub fn input(mut self, shape: impl Into<Vec<usize>>) -> ReadOptions {
        self.input = Some(shape.into());
        self
    }

    /// The output of this name, of several; only what leads to it is read.
    pub fn output(mut self, name: &str) -> ReadOptions {
        self.output = Some(name.to_owned());
        self
    }
}

/// Reads a network. Weights that stand in files of their own ("external data") are looked for beside
/// it and in folders below, and nowhere else.
///
/// # Errors
/// When the file cannot be read or is damaged, has several inputs or outputs, leaves the size of
/// its images open, or holds an operator or setting that is not supported. The message names the
/// node.
pub fn read(path: impl AsRef<Path>) -> Result<Network> {
    read_with(path, &ReadOptions::new())
}

/// The same with what the file leaves open.
///
/// # Errors
/// As [`read`].
pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Network> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|source| OnnxError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = path.display().to_string();
    network(bytes.into(), Some(folder), options, file)
}

/// Reads a network from a file's bytes. `folder` is where weights may stand in files of their own;
/// without one, such a model is an error.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: impl Into<Vec<u8>>, folder: Option<&Path>) -> Result<Network> {
    from_bytes_with(bytes, folder, &ReadOptions::new())
}

/// The same with what the file leaves open.
///
/// # Errors
/// As [`read`].
pub fn from_bytes_with(
    bytes: impl Into<Vec<u8>>,
    folder: Option<&Path>,
    options: &ReadOptions,
) -> Result<Network> {
    let file = "the ONNX model".to_owned();
    network(bytes.into().into(), folder, options, file)
}

fn network(
    bytes: Bytes,
    folder: Option<&Path>,
    options: &ReadOptions,
    file: String,
) -> Result<Network> {
    let unusable = |problem: String| OnnxError::Unusable {
        file: file.clone(),
        problem,
    };
    let mut budget = Budget::of(bytes.len());
    let (opset, graph) = open(bytes, &mut budget).map_err(unusable)?;
    let mut import = Import::new(opset, budget, folder, file.clone());
    import.load(graph, options)?;
    import.into_network()
}

/// The graph, and the version of the operators it is made of.
fn open(bytes: Bytes, budget: &mut Budget) -> Result<(i64, Graph), String> {
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    let model: Model = proto::decode(bytes, "it", budget)?;
    let mut opset = None;
    for set in model.opset_import {
        let set: OperatorSet = proto::decode(set, "its list of operator sets", budget)?;
        if ["", "ai.onnx"].contains(&set.domain.as_str()) {
            opset = Some(set.version);
        }
    }
    let opset = opset.ok_or(
        "it does not say which version of ONNX's operators it uses: it is no ONNX model, or a very \
         old one",
    )?;
    if !(6..=99).contains(&opset) {
        return Err(format!(
            "it uses version {opset} of ONNX's operators; expected 6 (of 2017) or later"
        ));
    }
    let graph = model.graph.ok_or("it has no graph")?;
    let graph: Graph = proto::decode(graph, "its graph", budget)?;
    if graph.node.len() > NODES {
        return Err(format!(
            "its graph has {} nodes; expected at most {NODES}",
            graph.node.len()
        ));
    }
    Ok((opset, graph))
}
