//! Localisation: a classifier that also says where.

mod boxes;
mod detector;
mod fit;

pub use boxes::{BoxConvention, BoxLayout, BoxUnit, BoxedSet, check_boxes, clip_boxes};
pub use detector::{BoxKind, Detector, Found, LocalisationScore};
pub use fit::{BoxEpoch, BoxHistory, BoxLoss, DetectorTraining};
