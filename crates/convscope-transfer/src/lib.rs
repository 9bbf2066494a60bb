//! Transfer learning: what a network has learned elsewhere, put to use here.
//!
//! - [`Extraction`] streams images through a network and keeps what they are at one or several of its
//!   nodes: [`Features`], in memory or in a `.npz` file that an interrupted run goes on with.
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod error;
mod features;

pub use error::{Result, TransferError};
pub use features::{
    Extraction, Features, Identity, LabelledPhotos, Pooling, Skipped, Source, Tap, Written,
    network_sha256,
};
