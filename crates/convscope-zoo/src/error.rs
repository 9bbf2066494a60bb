//! What can go wrong, said so that a reader knows what to change.

use convscope_nn::NnError;

/// The result of a question to the zoo.
pub type Result<T, E = ZooError> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
}

/// "a, b or c", each in quotes.
fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
