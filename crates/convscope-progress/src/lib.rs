//! How far long work has come, wherever that is shown, and the request to stop it.
//!
//! A [`ProgressBar`] draws a bar in a terminal, changes one output in place in a notebook whose
//! kernel stands behind the relay, and prints a plain line now and then anywhere else. Work that
//! shows one also asks [`stop_requested`] between its steps.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod bar;
mod html;
pub mod relay;
mod stop;
mod words;

pub use bar::ProgressBar;
pub use html::escape;
pub use stop::stop_requested;
pub use words::{duration, grouped, size};
