//! The one error type of this crate. Each message names the file or the node, what was expected and
//! what came.

use convscope_nn::NnError;
use std::io;
use std::path::PathBuf;

/// What `convscope-onnx` returns.
pub type Result<T, E = OnnxError> = std::result::Result<T, E>;

/// Why a network could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// The model is damaged, or is not one that can be read.
    #[error("{file} is not usable: {problem}")]
    Unusable {
        /// The file, or "the ONNX model" where it came as bytes.
        file: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },

    /// A node that cannot be read.
    #[error("{file}, node \"{node}\" ({operator}, opset {opset}): {problem}")]
    Node {
        /// The file, or "the ONNX model" where it came as bytes.
        file: String,
        /// The node's name, or its number where it has none.
        node: String,
        /// Its operator.
        operator: String,
        /// The version of the operator set that the model asks for.
        opset: i64,
        /// What is wrong with it, or what is supported.
        problem: String,
    },

    /// The layers do not fit together.
    #[error("{file}: {source}")]
    Network {
        /// The file, or "the ONNX model" where it came as bytes.
        file: String,
        /// Which do not.
        source: NnError,
    },

    /// A network that ONNX cannot hold.
    #[error("node \"{node}\" ({kind}) cannot be written as ONNX: {problem}")]
    Unwritable {
        /// The node's name.
        node: String,
        /// Its layer's kind.
        kind: &'static str,
        /// Why not.
        problem: String,
    },

    /// A network that is too large for a file of the format.
    #[error(
        "an ONNX file holds at most 2 GB (Protocol Buffers' limit), and this network takes {bytes} bytes"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}
