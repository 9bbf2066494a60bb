//! Which superpixels are on in which sample.

use super::{Design, Lime};
use crate::error::{Result, VisError};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `[samples, superpixels]`; all on in the first row.
pub(super) fn switches(options: &Lime, superpixels: usize) -> Result<Array2<bool>> {
    match &options.design {
        &Design::Random(keep) => {
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            let mut on = Array2::from_shape_simple_fn((options.samples, superpixels), || {
                rng.random::<f64>() < keep
            });
            on.row_mut(0).fill(true);
            Ok(on)
        }
        Design::FullFactorial if superpixels > Design::MOST => Err(VisError::invalid(format!(
            "every combination of {superpixels} superpixels: expected at most {} of them; cut the \
             image into fewer, or draw samples at random",
            Design::MOST
        ))),
        Design::FullFactorial => {
            let shape = (1 << superpixels, superpixels);
            Ok(Array2::from_shape_fn(shape, |(row, j)| row >> j & 1 == 0))
        }
        Design::Given(on) if on.ncols() != superpixels || on.is_empty() => Err(VisError::shape(
            "the given samples",
            format!("[samples, {superpixels}], a switch for each superpixel"),
            on.shape(),
        )),
        Design::Given(on) => Ok(on.clone()),
    }
}
