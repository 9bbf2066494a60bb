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
mod fool;
mod images;
mod look;
mod map;
mod provenance;
mod scorer;
mod target;
mod watch;

pub use attribution::saliency;
pub use error::{Result, VisError};
pub use fool::{
    AdversarialEpoch, AdversarialTraining, Archive, Attack, Bounds, DifferentiableScorer, Distance,
    Elite, Encoding, Evolution, Fgsm, Fooled, FoolingAscent, FoolingImages, FoolingLoss, Goal,
    Norm, Pgd, Robustness, Rotation, SmallestPerturbation, Units, Verdict, WithGradient,
    accuracy_against_epsilon, accuracy_against_epsilon_watched, evolve, evolve_watched, fgsm,
    fooling_images, fooling_images_watched, logistic, logistic_fooled, pgd, pgd_watched,
    rotate_towards_gradient, smallest_perturbation, smallest_perturbation_watched, with_gradient,
};
pub use look::{
    Activations, ChannelAxis, ChannelPatches, ChannelTuning, Embedding, FilterScale, Filters,
    Gabor, GaborFit, Grating, GratingTuning, LayerPatches, LayerStatistics, Metric, Nearest,
    NeighbourSettings, Neighbours, Patch, Pca, Pooling, Response, Tiles, TopPatches, Tsne, Tuning,
    activation_statistics, activations, features, filters, fit_gabor, fit_gabors, grating_tuning,
    nearest, neighbours, pca, top_patches, top_patches_watched, trustworthiness, tsne,
    tsne_watched,
};
pub use map::{Attribution, Flag, Reduce};
pub use provenance::Provenance;
pub use scorer::{FromFn, Probabilities, Scorer, from_fn};
pub use target::Target;
pub use watch::{Budget, Passes, Watch};
