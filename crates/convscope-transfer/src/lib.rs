//! Transfer learning: what a network has learned elsewhere, put to use here.
//!
//! - [`Extraction`] streams images through a network and keeps what they are at one or several of its
//!   nodes: [`Features`], in memory or in a `.npz` file that an interrupted run goes on with.
//!   [`Hog`] describes images as people did by hand before.
//! - A [`Classifier`] is a choice as plain data; a [`Learner`] learns it from features, by linfa, and
//!   [`cross_validate`] and [`compare`] say how well.
//! - A [`Plan`] says stage by stage which parameters of a network learn and how fast; [`replace_head`]
//!   puts a new head on an old trunk first.
//! - A [`Detector`] has a box head beside its classifier.
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod error;
mod features;
mod hog;
mod learn;
mod locate;
mod tune;

pub use error::{Result, TransferError};
pub use features::{
    ArrayFile, Extraction, Features, Identity, LabelledPhotos, Pooling, RecordFile, Skipped,
    Source, Tap, Written, network_sha256,
};
pub use hog::{BlockNorm, Hog};
pub use learn::{
    Cart, CartTree, Classifier, Clusters, Comparison, ComparisonRow, CrossValidation, Fitted,
    Forest, Interval, KMeans, Learner, Protocol, RandomForest, Scaling, SplitFeatures, compare,
    cross_validate, stratified_folds,
};
pub use locate::{
    BoxConvention, BoxEpoch, BoxHistory, BoxKind, BoxLayout, BoxLoss, BoxUnit, BoxedSet, Detector,
    DetectorTraining, Found, LocalisationScore, check_boxes, clip_boxes,
};
pub use tune::{
    Head, Plan, Rate, Rule, Stage, Statistics, Tuned, TunedStage, put_back, replace_head,
    replace_head_with, upper_part,
};
