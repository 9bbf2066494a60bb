//! Looking at what is there: filters, activations, the patches that excite a channel, neighbours and
//! maps of features, and what gratings a filter likes.

mod activations;
mod board;
mod filters;
mod gabor;
mod gratings;
mod least_squares;
mod neighbours;
mod patches;
mod pca;
mod stream;
mod trustworthiness;
mod tsne;
mod tuning;

pub use activations::{Activations, LayerStatistics, activation_statistics, activations};
pub use filters::{FilterScale, Filters, Tiles, filters};
pub use gabor::{ChannelAxis, Gabor, GaborFit, fit_gabor, fit_gabors};
pub use gratings::Grating;
pub use neighbours::{
    Metric, Nearest, NeighbourSettings, Neighbours, Pooling, features, nearest, neighbours,
};
pub use patches::{
    ChannelPatches, LayerPatches, Patch, TopPatches, top_patches, top_patches_watched,
};
pub use pca::{Pca, pca};
pub use trustworthiness::trustworthiness;
pub use tsne::{Embedding, Tsne, tsne, tsne_watched};
pub use tuning::{ChannelTuning, GratingTuning, Response, Tuning, grating_tuning};
