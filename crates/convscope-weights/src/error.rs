//! The one error type of this crate. Each message names the file, what was expected and what came.

use crate::{Format, Mismatch};
use std::io;
use std::path::PathBuf;

/// What `convscope-weights` returns.
pub type Result<T, E = WeightsError> = std::result::Result<T, E>;

/// Why weights could not be read, written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
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

    /// A file is of no format that is known here.
    #[error(
        "{} is of no known weight format: {found}. Expected safetensors, a PyTorch .pth, NumPy's \
         .npz or .npy, Keras's .h5 or .keras, or a .caffemodel",
        path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// How it begins, in words.
        found: String,
    },

    /// A file is of a known format and damaged, or holds what cannot be read.
    #[error("{} is not usable as {format}: {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The format that its content shows.
        format: Format,
        /// What is wrong, and what was expected.
        problem: String,
    },

    /// Two arrays have one name.
    #[error("there is an array \"{name}\" already: each name stands for one array")]
    Repeated {
        /// The name.
        name: String,
    },

    /// The arrays are not the ones that a network asks for.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),

    /// An array has the wrong shape for a conversion.
    #[error("{what}: expected shape {expected}, got {got:?}")]
    Shape {
        /// Which conversion.
        what: &'static str,
        /// The shape wanted, in words.
        expected: String,
        /// The shape it has.
        got: Vec<usize>,
    },
}
