//! The challenge: the best network you can make for eight classes, within a budget, scored on images
//! that nobody has seen.
//!
//! [`Task`] has the public images and the budget. A [`Submission`] is a file of weights and, beside
//! it, a recipe: the network as a [`Design`](convscope_search::Design), what is done to an image
//! before it, and how it was trained. [`Host`] scores submissions on hidden images and keeps the
//! [`Board`].
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod board;
mod error;
mod host;
mod page;
mod submission;
mod task;

pub use board::{Board, Entry};
pub use error::{ChallengeError, Result};
pub use host::Host;
pub use submission::{Recipe, Submission, own_folder};
pub use task::{Budget, Task};
