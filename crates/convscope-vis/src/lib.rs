//! Looking inside convolutional networks: what a unit sees, which pixels mattered, what image would
//! excite it, how to fool it.
//!
//! Each method is a function over a [`Network`](convscope_nn::Network), or over anything that gives
//! images scores ([`Scorer`]). It returns raw arrays with their [`Provenance`]; turning them into a
//! picture is a step of its own ([`render`]). What is random takes a seed, and equal seeds give
//! equal bits. Nothing is ever NaN: a constant image or a gradient of zero gives a map of zeros and
//! a [`Flag`].
//!
//! ```
//! use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu, Tensor};
//! use convscope_vis::{Reduce, Target, saliency};
//! # fn main() -> Result<(), convscope_vis::VisError> {
//! let net = Network::input([3, 16, 16])
//!     .add("conv1", Conv2d::new(8, 3).same())
//!     .add("relu1", Relu)
//!     .add("flatten", Flatten)
//!     .add("fc", Linear::new(10))
//!     .build(1)?;
//! let image = Tensor::from_elem(vec![1, 3, 16, 16], 0.5);
//! let map = saliency(&net, &image, &Target::Top)?;
//! assert_eq!(map.values.shape(), image.shape());
//! assert_eq!(map.per_pixel(Reduce::MaxAbs).shape(), [1, 16, 16]);
//! # Ok(()) }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod attribution;
mod error;
mod images;
mod map;
mod optimise;
mod provenance;
mod scorer;
mod target;
mod watch;

pub use attribution::saliency;
pub use error::{Result, VisError};
pub use map::{Attribution, Flag, Reduce};
pub use optimise::{
    Blur, Clamp, Decoder, Detail, Drawn, Dream, Dreamed, Facets, Frame, Invert, Inverted,
    LatentAscent, Maximize, Maximized, Normalise, Objective, Parametrisation, PixelRange, Preset,
    PresetSettings, Start, Step, TrainDecoder, Transform, Variation, dream, dream_from_noise,
    dream_watched, dream_zoom, gaussian_kernel, invert, invert_watched, maximize, maximize_all,
    maximize_all_watched, maximize_facets, maximize_latent, maximize_watched, octave_sizes,
    presets, total_variation, train_decoder,
};
pub use provenance::Provenance;
pub use scorer::{FromFn, Probabilities, Scorer, from_fn};
pub use target::Target;
pub use watch::{Budget, Passes, Watch};
