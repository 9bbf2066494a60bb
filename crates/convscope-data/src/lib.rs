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
#[cfg(feature = "photos")]
mod image_folder;
mod labels;
mod mean_scores;
mod mnist;
mod partition;
#[cfg(feature = "photos")]
mod photo;
#[cfg(feature = "photos")]
mod photo_set;
mod preprocessing;
mod registry;
mod standardise;
pub mod synthetic;
mod views;
mod write;

pub use augment::{
    Augment, Augmentation, Augmented, Change, ColourComponents, Example, Fill, Pair, PixelRange,
};
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
#[cfg(feature = "photos")]
pub use image_folder::{ImageFolder, LoadedFolder, Skipped};
pub use labels::labels;
pub use mean_scores::MeanScores;
pub use mnist::{Mnist, MnistSmall, STAND_IN, mnist, mnist_small, mnist_small_with, mnist_with};
pub use partition::{Partition, Parts};
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
pub use views::{TestViews, ViewBatches, Views};
pub use write::write_atomic;
