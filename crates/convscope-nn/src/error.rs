//! What can go wrong, said so that a reader knows what to change.

use std::path::PathBuf;

/// The result of an operation on networks.
pub type Result<T, E = NnError> = std::result::Result<T, E>;

/// An error of this crate. Every message says what was expected and what came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// A tensor's shape does not fit.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// The operation or argument.
        what: String,
        /// The shape it needs.
        expected: String,
        /// The shape that came.
        got: String,
    },
    /// The user asked for an end in the same notebook cell before.
    #[error("stopped on request before it began")]
    Stopped,
    /// A setting makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Something went wrong at a node of the network.
    #[error("node \"{node}\" ({kind}): {source}")]
    Node {
        /// The node's name.
        node: String,
        /// Its layer's kind.
        kind: &'static str,
        /// What went wrong there.
        source: Box<NnError>,
    },
    /// A name that no node or parameter has.
    #[error("there is no {what} \"{name}\"; there are: {known}")]
    Unknown {
        /// `"node"` or `"parameter"`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A NaN or an infinity.
    #[error("{what} holds {value} at position {position:?}; {advice}")]
    NotFinite {
        /// Where it was found.
        what: String,
        /// `NaN`, `inf` or `-inf`.
        value: String,
        /// Its index.
        position: Vec<usize>,
        /// What is to be done about it.
        advice: String,
    },
    /// A checkpoint that cannot be used or written.
    #[error("checkpoint {}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// A label outside the classes.
    #[error("label {label} at position {position} is out of range: the network has {classes} classes (0 to {})", classes.saturating_sub(1))]
    Label {
        /// The label.
        label: usize,
        /// Which example.
        position: usize,
        /// How many classes the network has.
        classes: usize,
    },
}

impl From<convscope_data::DataError> for NnError {
    fn from(error: convscope_data::DataError) -> Self {
        NnError::Invalid(error.to_string())
    }
}

impl NnError {
    pub(crate) fn shape(
        what: impl Into<String>,
        expected: impl Into<String>,
        got: &[usize],
    ) -> NnError {
        NnError::Shape {
            what: what.into(),
            expected: expected.into(),
            got: format!("{got:?}"),
        }
    }

    pub(crate) fn at(self, node: &str, kind: &'static str) -> NnError {
        NnError::Node {
            node: node.to_owned(),
            kind,
            source: Box::new(self),
        }
    }
}
