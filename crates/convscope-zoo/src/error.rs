//! What can go wrong, said so that a reader knows what to change.

use convscope_nn::NnError;
use convscope_weights::WeightsError;

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

/// "a, b or c", each in quotes.
fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
