//! The recipes of the weights that this repository ships, and what follows them: `cargo course train
//! NAME` is one call of [`train`], `cargo course train --check` one of [`check`].
//!
//! A recipe fixes everything that the bits of its weights depend on but the machine: the same
//! processor's instructions give the same file.
#![deny(missing_docs)]

mod check;
mod data;
mod machine;
mod recipe;
mod train;

pub use check::{Checked, check};
pub use data::{Sets, is_here, prepared, raw, raw_with};
pub use recipe::{Recipe, Set, find, recipes};
pub use train::{Ended, Job, train};
