//! Arrays by name out of the weight files that others publish: safetensors, PyTorch's `.pth`,
//! NumPy's `.npz`, Keras's `.h5` and `.keras`, and Caffe's `.caffemodel`.
//!
//! ```no_run
//! use convscope_weights::Weights;
//!
//! let weights = Weights::read("squeezenet1_0.pth")?;
//! for (name, array) in weights.iter() {
//!     println!("{name} {:?}", array.shape());
//! }
//! # Ok::<(), convscope_weights::WeightsError>(())
//! ```
//!
//! Nothing in a file is run, and no file is believed: sizes are checked against the bytes that are
//! there before memory is asked for, and what a file may unpack to has a bound
//! ([`Weights::from_bytes`] says which).

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod archive;
mod budget;
mod caffe;
mod element;
mod error;
mod fit;
mod format;
mod hdf5;
mod keras;
mod layout;
mod npy;
mod pickle;
mod safetensors;
mod torch;
mod weights;
mod wire;

pub use error::{Result, WeightsError};
pub use fit::{Mismatch, Misshapen};
pub use format::Format;
pub use layout::{conv_from_hwio, dense_after_flatten, dense_from_in_out, depthwise_from_hwcm};
pub use weights::Weights;
