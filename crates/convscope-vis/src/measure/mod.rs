//! How good a map is: by what hiding its best pixels does to the score, by where the object truly
//! is, by how it bears small changes of the image, and by whether it notices that the network has
//! forgotten everything.

mod compare;
mod curves;
mod drop;
mod randomisation;
mod references;
mod sensitivity;
mod truth;

pub use compare::{spearman, structural_similarity};
pub use curves::{
    Curves, DeletionInsertion, Replacement, deletion_insertion, deletion_insertion_watched,
};
pub use drop::{AverageDrop, average_drop};
pub use randomisation::{
    Randomisation, RandomisationCheck, RandomisedLayer, Randomising, randomisation_check,
    randomisation_check_watched, randomise_layers,
};
pub use references::{centre_blob, random_map};
pub use sensitivity::{Sensitivity, SensitivityMax, sensitivity_max, sensitivity_max_watched};
pub use truth::{Cut, Pointing, overlap_with_mask, pointing_game, pointing_rate};

use crate::error::{Result, VisError};
use ndarray::{ArrayBase, Data, Dimension};

/// Says so where a map holds what no measure can order.
fn finite<S: Data<Elem = f32>, D: Dimension>(map: &ArrayBase<S, D>, what: &str) -> Result<()> {
    match map.iter().all(|v| v.is_finite()) {
        true => Ok(()),
        false => Err(VisError::invalid(format!(
            "{what} holds a NaN or an infinity"
        ))),
    }
}
