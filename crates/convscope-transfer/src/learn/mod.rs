//! Classical learners on features, by linfa: one choice as plain data, one fitted type, validation,
//! comparison.

mod cart;
mod classifier;
mod cluster;
mod compare;
mod fit;
mod forest;
mod interval;
mod model;
mod threads;
mod validate;

pub use cart::{Cart, CartTree, SplitFeatures};
pub use classifier::Classifier;
pub use cluster::{Clusters, KMeans};
pub use compare::{Comparison, ComparisonRow, Protocol, compare};
pub use fit::{Fitted, Learner, Scaling};
pub use forest::{Forest, RandomForest};
pub use interval::Interval;
pub use validate::{CrossValidation, cross_validate, stratified_folds};
