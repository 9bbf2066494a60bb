//! Networks described as data, and searching for good ones.
//!
//! A [`Design`] is a network on paper: an input, some [`Piece`]s, a number of classes. What it costs
//! is known without building it. A [`Space`] describes designs by a list of choices; a [`Search`]
//! looks through it by a [`Method`]: at random, by regularised evolution, or by a controller
//! network that learns by REINFORCE which choices pay. Every design that was tried goes into one
//! [`SearchLog`], which can be written to disk, gone on from, and asked for the [`front`] of accuracy
//! against cost. A [`Table`] holds all networks of a small space, trained once, so that methods can
//! be compared over many seeds.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod controller;
mod cost;
mod design;
mod error;
mod front;
mod log;
mod method;
mod search;
mod space;
mod table;

pub use controller::Controller;
pub use cost::{Cost, Part};
pub use design::{Design, Piece};
pub use error::{Result, SearchError};
pub use front::front;
pub use log::{SearchLog, Trial};
pub use method::Method;
pub use search::{Score, Search, training_score};
pub use space::{Choice, Kind, Space};
pub use table::Table;
