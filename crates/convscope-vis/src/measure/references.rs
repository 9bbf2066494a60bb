//! Maps that know nothing of the image: what a method must beat.

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A map `[height, width]` of uniform noise from 0 to 1.
pub fn random_map(height: usize, width: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((height, width), || rng.random::<f32>())
}

/// A Gaussian blob in the middle, 1 at its top: photographers put things there. Its sigma is a
/// quarter of each side.
pub fn centre_blob(height: usize, width: usize) -> Array2<f32> {
    let off = |i: usize, size: usize| {
        let middle = (size as f32 - 1.0) / 2.0;
        (i as f32 - middle) / (size as f32 / 4.0)
    };
    Array2::from_shape_fn((height, width), |(y, x)| {
        (-0.5 * (off(y, height).powi(2) + off(x, width).powi(2))).exp()
    })
}
