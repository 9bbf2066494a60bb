//! What can go wrong, said so that a reader knows what to change.

use convscope_data::DataError;
use convscope_nn::NnError;
use convscope_search::SearchError;
use std::path::{Path, PathBuf};

/// The result of something about the challenge.
pub type Result<T, E = ChallengeError> = std::result::Result<T, E>;

/// An error of this crate. Every message says what was expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// The network or its training.
    #[error(transparent)]
    Network(#[from] NnError),
    /// The design.
    #[error(transparent)]
    Design(#[from] SearchError),
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file that cannot be read, written or taken.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A submission beyond the budget.
    #[error("over the budget: {what} may be at most {most}, this network has {got}")]
    Budget {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        most: u64,
        /// How much there is.
        got: u64,
    },
    /// A submission that breaks another rule.
    #[error("{0}")]
    Refused(String),
}

impl ChallengeError {
    pub(crate) fn file(path: &Path, problem: impl ToString) -> ChallengeError {
        ChallengeError::File {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}
