use std::path::PathBuf;

/// What can go wrong between Jupyter and the kernel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The connection file cannot be read or is not one.
    #[error("{}: expected a Jupyter connection file, {problem}", .path.display())]
    ConnectionFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A peer does not speak ZMTP 3, or announced more than is allowed.
    #[error("ZeroMQ: expected {expected}, got {got}")]
    Wire {
        /// What the protocol asks for.
        expected: String,
        /// What came.
        got: String,
    },
    /// The frames are no Jupyter message.
    #[error("Jupyter message: expected {expected}, got {got}")]
    Message {
        /// What the protocol asks for.
        expected: String,
        /// What came.
        got: String,
    },
    /// The signature does not belong to the message.
    #[error("Jupyter message: expected a signature made with the connection's key, got {got:?}")]
    Signature {
        /// The signature that came.
        got: String,
    },
    /// The child cannot be started, or ends again and again.
    #[error("the kernel's process {command}: {problem}")]
    Child {
        /// The command.
        command: String,
        /// What happened.
        problem: String,
    },
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, KernelError>;

pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> KernelError {
    let what = what.into();
    move |source| KernelError::Io { what, source }
}

pub(crate) fn wire(expected: impl Into<String>, got: impl Into<String>) -> KernelError {
    KernelError::Wire {
        expected: expected.into(),
        got: got.into(),
    }
}
