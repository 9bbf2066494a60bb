//! The relay between Jupyter and evcxr.
//!
//! Jupyter starts the relay, the relay starts the kernel, unmodified, on a second connection, and
//! hands messages on in both directions. On the way
//!
//! - a panic, a failed `?` and a compile error become errors in Jupyter's sense: "run all" stops;
//! - marked lines of standard output ([`marker`]) become outputs that change in place;
//! - a first interrupt asks what runs to stop after its step ([`STOP_FILE`]), a second ends it;
//! - what evcxr does not answer (history, comms, completeness) is answered;
//! - a kernel that dies is replaced, and the student is told what was lost;
//! - a kernel that a keeper has warmed up ([`standby`]) is taken in place of a fresh one.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod code;
mod connection;
mod error;
mod folder;
mod hints;
mod history;
pub mod marker;
mod message;
mod panic;
mod process;
mod relay;
mod source;
#[cfg(unix)]
pub mod standby;
pub mod zmtp;

pub use connection::{Channel, Connection};
pub use error::{KernelError, Result};
pub use hints::hint;
pub use message::{Message, Signer};
pub use panic::Panic;
pub use relay::{MARKS, Options, STANDBY, STOP_FILE, run};
