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
mod lime;
mod look;
mod map;
mod measure;
mod occlusion;
mod optimise;
mod perturb;
mod provenance;
pub mod render;
mod scorer;
mod superpixels;
mod target;
mod watch;

pub use attribution::{
    BaseMap, Baseline, Combine, Differentiable, FromGradient, GradCam, IntegratedGradients,
    NetworkTarget, Noise, Quadrature, Seed, SmoothGrad, Upsampling, backprop, backprop_watched,
    deconvnet, from_gradient, grad_cam, grad_cam_layer, gradient_x_activation, guided_backprop,
    guided_grad_cam, input_x_gradient, integrated_gradients, integrated_gradients_of,
    integrated_gradients_watched, layer_activation, neuron_gradient, saliency, smoothgrad,
    smoothgrad_of, smoothgrad_watched,
};
pub use error::{Result, VisError};
pub use fool::{
    AdversarialEpoch, AdversarialTraining, Archive, Attack, Bounds, DifferentiableScorer, Distance,
    Elite, Encoding, Evolution, Fgsm, Fooled, FoolingAscent, FoolingImages, FoolingLoss, Goal,
    Norm, Pgd, Robustness, Rotation, SmallestPerturbation, Units, Verdict, WithGradient,
    accuracy_against_epsilon, accuracy_against_epsilon_watched, evolve, evolve_watched, fgsm,
    fooling_images, fooling_images_watched, logistic, logistic_fooled, pgd, pgd_watched,
    rotate_towards_gradient, smallest_perturbation, smallest_perturbation_watched, with_gradient,
};
pub use lime::{
    Design, Kernel, Labels, Lime, LimeExplanation, Off, Surrogate, lime, lime_batch, lime_watched,
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
pub use measure::{
    AverageDrop, Curves, Cut, DeletionInsertion, Pointing, Randomisation, RandomisationCheck,
    RandomisedLayer, Randomising, Replacement, Sensitivity, SensitivityMax, average_drop,
    centre_blob, deletion_insertion, deletion_insertion_watched, overlap_with_mask, pointing_game,
    pointing_rate, random_map, randomisation_check, randomisation_check_watched, randomise_layers,
    sensitivity_max, sensitivity_max_watched, spearman, structural_similarity,
};
pub use occlusion::{
    Ablation, Fill, Occlusion, OcclusionMaps, Scoring, feature_ablation, feature_ablation_watched,
    occlusion, occlusion_maps, occlusion_maps_watched, occlusion_watched,
};
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
pub use superpixels::{Quickshift, Scale, Segmentation, Slic, Superpixels, grid, quickshift, slic};
pub use target::Target;
pub use watch::{Budget, Passes, Watch};
