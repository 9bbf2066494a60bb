//! What can go wrong, said so that a reader knows what to change.

use convscope_data::DataError;
use convscope_nn::NnError;
use std::path::PathBuf;

/// The result of an operation on designs and searches.
pub type Result<T, E = SearchError> = std::result::Result<T, E>;

/// An error of this crate. Every message says what was expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The network that a design describes, or its training.
    #[error(transparent)]
    Network(#[from] NnError),
    /// Datasets.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A design that is no network, or too large a one.
    #[error("{place}: {problem}")]
    Design {
        /// The piece, or `"the design"`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A setting makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// A file cannot be read, written, or used for this.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl SearchError {
    pub(crate) fn design(place: impl Into<String>, problem: impl Into<String>) -> SearchError {
        SearchError::Design {
            place: place.into(),
            problem: problem.into(),
        }
    }
}
