//! ONNX, the format that frameworks exchange networks in: an image classifier in, as a
//! [`Network`](convscope_nn::Network) one can see through, and any network out.
//!
//! ```
//! use convscope_nn::{Conv2d, Flatten, GlobalAvgPool2d, Linear, Network, Relu, Tensor};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let net = Network::input([3, 16, 16])
//!     .add("conv1", Conv2d::new(4, 3).same())
//!     .add("relu1", Relu)
//!     .add("pool", GlobalAvgPool2d)
//!     .add("flatten", Flatten)
//!     .add("fc", Linear::new(10))
//!     .build(1)?;
//! let bytes = convscope_onnx::to_bytes(&net)?;
//! let again = convscope_onnx::from_bytes(bytes, None)?;
//! assert_eq!(again.nodes(), net.nodes());
//! let image = Tensor::from_elem(vec![1, 3, 16, 16], 0.5);
//! assert_eq!(again.forward(&image)?, net.forward(&image)?);
//! # Ok(()) }
//! ```
//!
//! `docs/onnx.md` lists the operators that are read. No file is believed: what it may unpack to has
//! a bound, and nothing outside its own folder is opened.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod error;
mod export;
mod import;
mod limits;
mod names;
mod proto;
mod read;

pub use error::{OnnxError, Result};
pub use export::{to_bytes, write};
pub use import::SUPPORTED;
pub use read::{ReadOptions, from_bytes, from_bytes_with, read, read_with};
