//! Features: what images are at a node of a network, streamed, kept and read back.

mod extract;
mod file;
mod files;
mod identity;
mod npz;
mod resume;
mod source;
mod table;
mod tap;
mod work;

pub use extract::Extraction;
pub use files::{ArrayFile, RecordFile};
pub use identity::{Identity, network_sha256};
pub use resume::Written;
pub use source::{LabelledPhotos, Source};
pub use table::{Features, Skipped};
pub use tap::{Pooling, Tap};
