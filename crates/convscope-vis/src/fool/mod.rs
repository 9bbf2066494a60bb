//! Fooling networks: images changed so little that nobody sees it, and images of nothing at all,
//! that a network is sure about.
//!
//! Szegedy et al. (2014) found them by optimisation, Goodfellow et al. (2015) with one step along
//! the gradient's sign, Nguyen et al. (2015) by evolution, without a gradient. Sizes of changes are
//! counted on the pixel scale, black to white being 1, unless [`Units`] says otherwise.

mod ascent;
mod bounds;
mod boxed_lbfgs;
mod cppn;
mod differentiable;
mod evolution;
mod fgsm;
mod fooled;
mod genome;
mod logistic;
mod loss;
mod minimal;
mod pgd;
mod robustness;
mod rotation;
mod training;

pub use ascent::{FoolingAscent, FoolingImages, fooling_images, fooling_images_watched};
pub use bounds::{Bounds, Units};
pub use differentiable::{DifferentiableScorer, WithGradient, with_gradient};
pub use evolution::{Archive, Elite, Evolution, evolve, evolve_watched};
pub use fgsm::{Fgsm, fgsm};
pub use fooled::{Distance, Fooled, Verdict};
pub use genome::Encoding;
pub use logistic::{logistic, logistic_fooled};
pub use loss::{FoolingLoss, Goal};
pub use minimal::{SmallestPerturbation, smallest_perturbation, smallest_perturbation_watched};
pub use pgd::{Norm, Pgd, pgd, pgd_watched};
pub use robustness::{
    Attack, Robustness, accuracy_against_epsilon, accuracy_against_epsilon_watched,
};
pub use rotation::{Rotation, rotate_towards_gradient};
pub use training::{AdversarialEpoch, AdversarialTraining};
