//! What can go wrong, said so that a reader knows what to change.

use convscope_data::DataError;
use convscope_nn::NnError;
use convscope_weights::WeightsError;
use std::path::PathBuf;

/// The result of a question to the zoo.
pub type Result<T, E = ZooError> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZooError {
    /// The catalogue has no architecture of this name.
    #[error(
        "there is no architecture \"{name}\"; did you mean {}? (names() lists all)",
        either(nearest)
    )]
    UnknownArchitecture {
        /// The name asked for.
        name: String,
        /// The names nearest to it, the nearest first.
        nearest: Vec<&'static str>,
    },
    /// A network does not fit together: an input that is too small, no classes.
    #[error(transparent)]
    Network(#[from] NnError),
    /// A file of weights cannot be read, or they are not the network's.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Photos, the registry or the fetching of weights.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Nobody is known to publish weights for an architecture.
    #[error(
        "no published weights are known for \"{name}\"; give a file of your own, or take one of \
         those that cargo course fetch --list shows"
    )]
    NoWeights {
        /// The name asked for.
        name: String,
    },
    /// A network that does not read pictures.
    #[error(
        "a model needs images [channels, height, width] of 1 or 3 channels; this network reads \
         {input:?}"
    )]
    NoImages {
        /// The shape it reads.
        input: Vec<usize>,
    },
    /// The classes' names do not fit the network.
    #[error("there are {labels} class names, and the network puts out {output:?}")]
    Classes {
        /// How many names there are.
        labels: usize,
        /// The shape of one output.
        output: Vec<usize>,
    },
    /// No weights of this name are shipped.
    #[error(
        "no weights \"{name}\" are shipped in {}; {}", folder.display(),
        there(shipped)
    )]
    NotShipped {
        /// The name asked for.
        name: String,
        /// The folder that was looked into.
        folder: PathBuf,
        /// What lies there.
        shipped: Vec<String>,
    },
    /// The repository, where the shipped weights lie, is not found.
    #[error(
        "the shipped weights lie in data/weights of the Convscope repository, which is not found \
         from here: run this inside it, or set CONVSCOPE_HOME to its folder"
    )]
    NoRepository,
    /// The card beside shipped weights is damaged, or belongs to other weights.
    #[error("{}: {problem}", path.display())]
    Card {
        /// The card.
        path: PathBuf,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// A weight is no number.
    #[error("{file}: \"{name}\" holds {value} at position {position:?}; expected finite numbers")]
    NotFinite {
        /// The file.
        file: String,
        /// The parameter or buffer.
        name: String,
        /// `NaN`, `inf` or `-inf`.
        value: String,
        /// Its index.
        position: Vec<usize>,
    },
}

/// What there is instead.
fn there(shipped: &[String]) -> String {
    match shipped {
        [] => "there are none (cargo course train --list says what can be trained)".into(),
        some => format!("there are {}", some.join(", ")),
    }
}

/// "a, b or c", each in quotes.
fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
