//! Datasets and photos: what a notebook trains on and looks at.
#![deny(missing_docs)]

mod augment;
mod cache;
mod cifar10;
mod dataset;
mod draw;
mod error;
mod fetch;
mod idx;
mod labels;
mod mnist;
#[cfg(feature = "photos")]
mod photo;
#[cfg(feature = "photos")]
mod photo_set;
mod preprocessing;
mod registry;
mod standardise;
pub mod synthetic;
mod write;

pub use augment::{Augment, Augmentation, Change, Fill};
pub use cache::{Cache, Presence, repository};
pub use cifar10::{Cifar10, cifar10, cifar10_with};
pub use dataset::Dataset;
pub use draw::Draw;
pub use error::{Attempt, DataError, IdxProblem, Result};
pub use fetch::{
    FetchDisplay, FetchOptions, Fetched, Mirror, Progress, fetch, fetch_or_stand_in, fetched,
    fetched_with,
};
pub use idx::{Idx, IdxElements};
pub use labels::labels;
pub use mnist::{Mnist, MnistSmall, STAND_IN, mnist, mnist_small, mnist_small_with, mnist_with};
#[cfg(feature = "photos")]
pub use photo::{Photo, load_photo, sample_photo};
#[cfg(feature = "photos")]
pub use photo_set::{PhotoSet, ants_bees, photos};
pub use preprocessing::{
    Channels, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Preprocessing, Range, Resize,
};
pub use registry::{Entry, FileEntry, Kind, Packing, Registry, WeightsFacts};
pub use standardise::Standardizer;
pub use synthetic::{Confounder, InkDigits, Shapes, ShapesConfig};
pub use write::write_atomic;
