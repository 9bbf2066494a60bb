//! What can go wrong, said so that a reader knows what to change.

use convscope_data::DataError;
use convscope_nn::NnError;
use convscope_vis::VisError;
use convscope_weights::WeightsError;
use convscope_zoo::ZooError;
use std::path::{Path, PathBuf};

/// The result of what this crate does.
pub type Result<T, E = TransferError> = std::result::Result<T, E>;

/// An error of this crate. Every message says what was expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The network, or what was asked of it.
    #[error(transparent)]
    Network(#[from] NnError),
    /// Photos and datasets.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A method of looking inside.
    #[error(transparent)]
    Vis(#[from] VisError),
    /// The zoo.
    #[error(transparent)]
    Zoo(#[from] ZooError),
    /// A file of arrays.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A learner of linfa.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
    /// An array's shape does not fit.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// The operation or argument.
        what: String,
        /// The shape it needs.
        expected: String,
        /// The shape that came.
        got: String,
    },
    /// A setting makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Nothing can be learned from these examples.
    #[error("{what} cannot be fitted: {problem}")]
    Degenerate {
        /// What was to be fitted.
        what: String,
        /// What the examples lack.
        problem: String,
    },
    /// A file is of another network, layer, preprocessing or dataset.
    #[error(
        "{} belongs to something else: {difference}. It is left as it is; write to another file, \
         or remove it",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs: what was expected and what is in it.
        difference: String,
    },
    /// A file cannot be written or read.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// The user asked for an end; what was done is kept.
    #[error("stopped on request: {done}")]
    Stopped {
        /// How far it came, and how it goes on.
        done: String,
    },
}

impl TransferError {
    pub(crate) fn shape(
        what: impl Into<String>,
        expected: impl Into<String>,
        got: &[usize],
    ) -> TransferError {
        TransferError::Shape {
            what: what.into(),
            expected: expected.into(),
            got: format!("{got:?}"),
        }
    }

    pub(crate) fn invalid(words: impl Into<String>) -> TransferError {
        TransferError::Invalid(words.into())
    }

    pub(crate) fn file(path: &Path, problem: impl ToString) -> TransferError {
        TransferError::File {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}
