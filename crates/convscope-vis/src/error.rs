//! What can go wrong, said so that a reader knows what to change.

use convscope_data::DataError;
use convscope_nn::{Network, NnError};
use std::path::PathBuf;

/// The result of looking inside a network.
pub type Result<T, E = VisError> = std::result::Result<T, E>;

/// An error of this crate. Every message says what was expected and what came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisError {
    /// The network, or what was asked of its trace.
    #[error(transparent)]
    Network(#[from] NnError),
    /// Photos and datasets.
    #[error(transparent)]
    Data(#[from] DataError),
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
    /// A node that the network does not have.
    #[error("there is no layer \"{name}\"; did you mean {}?", either(nearest))]
    UnknownNode {
        /// The name asked for.
        name: String,
        /// The names nearest to it, the nearest first.
        nearest: Vec<String>,
    },
    /// A class that the network does not have.
    #[error("there is no class {class}: the network tells {classes} apart (0 to {})", classes.saturating_sub(1))]
    UnknownClass {
        /// The class asked for.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// A method needs another kind of layer or network than it was given.
    #[error("{method} needs {needs}; {got}")]
    Unfit {
        /// The method.
        method: &'static str,
        /// What it needs.
        needs: String,
        /// What came instead.
        got: String,
    },
    /// A file cannot be written or read.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
}

impl VisError {
    /// A shape error.
    pub(crate) fn shape(
        what: impl Into<String>,
        expected: impl Into<String>,
        got: &[usize],
    ) -> VisError {
        VisError::Shape {
            what: what.into(),
            expected: expected.into(),
            got: format!("{got:?}"),
        }
    }

    /// A setting that makes no sense.
    pub(crate) fn invalid(words: impl Into<String>) -> VisError {
        VisError::Invalid(words.into())
    }
}

/// The shape of a node's activation, without the batch. The name of a block stands for its last
/// node, [`INPUT`](convscope_nn::INPUT) for the image.
///
/// # Errors
/// Offers the nearest names where no node has this one.
pub(crate) fn node_shape(net: &Network, name: &str) -> Result<Vec<usize>> {
    if name == convscope_nn::INPUT {
        return Ok(net.input_shape().to_vec());
    }
    let block = format!("{name}.");
    let views: Vec<_> = net.views().collect();
    let exact = views.iter().find(|v| v.name == name);
    let found = exact.or_else(|| views.iter().rev().find(|v| v.name.starts_with(&block)));
    found.map(|v| v.shape.to_vec()).ok_or_else(|| {
        let mut names = net.nodes();
        names.sort_by(|a, b| {
            let near = |other: &str| strsim::jaro_winkler(name, other);
            near(b).total_cmp(&near(a))
        });
        names.truncate(3);
        VisError::UnknownNode {
            name: name.to_owned(),
            nearest: names,
        }
    })
}

/// `"a"`, `"a or b"`, `"a, b or c"`, each in quotes.
fn either(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    match quoted.as_slice() {
        [] => "another".to_owned(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
    }
}
