//! Transfer learning: what a network has learned elsewhere, put to use here.
//!
//! - [`Extraction`] streams images through a network and keeps what they are at one or several of its
//!   nodes: [`Features`], in memory or in a `.npz` file that an interrupted run goes on with.
//!   [`Hog`] describes images as people did by hand before.
//! - A [`Classifier`] is a choice as plain data; a [`Learner`] learns it from features, by linfa, and
//!   [`cross_validate`] and [`compare`] say how well.
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod error;
mod features;
mod hog;
mod learn;

pub use error::{Result, TransferError};
pub use features::{
    Extraction, Features, Identity, LabelledPhotos, Pooling, Skipped, Source, Tap, Written,
    network_sha256,
};
pub use hog::{BlockNorm, Hog};
pub use learn::{
    Cart, CartTree, Classifier, Clusters, Comparison, ComparisonRow, CrossValidation, Fitted,
    Forest, Interval, KMeans, Learner, Protocol, RandomForest, Scaling, SplitFeatures, compare,
    cross_validate, stratified_folds,
};
