//! Random inputs for seeded cases, the same for everybody.

use ndarray::{Array1, Array2, Array3, Array4, ArrayD, IxDyn};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// A source of random inputs. Numbers in arrays are multiples of 1/8 between -2 and 2: sums of
/// their products are exact, and they read well in a message.
#[derive(Debug)]
pub struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    pub(crate) fn new(seed: u64, case: u64) -> Draw {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(case);
        Draw { rng }
    }

    /// A whole number, ends included.
    pub fn integer(&mut self, range: RangeInclusive<usize>) -> usize {
        self.rng.random_range(range)
    }

    /// A number, ends included.
    pub fn number(&mut self, range: RangeInclusive<f64>) -> f64 {
        self.rng.random_range(range)
    }

    /// One of several things.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    pub fn choice<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.random_range(0..from.len())].clone()
    }

    fn eighth(&mut self) -> f32 {
        f32::from(self.rng.random_range(-16i16..=16)) / 8.0
    }

    /// A vector.
    pub fn array1(&mut self, n: usize) -> Array1<f32> {
        Array1::from_shape_simple_fn(n, || self.eighth())
    }

    /// A matrix.
    pub fn array2(&mut self, h: usize, w: usize) -> Array2<f32> {
        Array2::from_shape_simple_fn((h, w), || self.eighth())
    }

    /// An image `[C, H, W]`.
    pub fn array3(&mut self, c: usize, h: usize, w: usize) -> Array3<f32> {
        Array3::from_shape_simple_fn((c, h, w), || self.eighth())
    }

    /// A batch `[N, C, H, W]`.
    pub fn array4(&mut self, n: usize, c: usize, h: usize, w: usize) -> Array4<f32> {
        Array4::from_shape_simple_fn((n, c, h, w), || self.eighth())
    }

    /// A tensor of any shape.
    pub fn tensor(&mut self, shape: &[usize]) -> ArrayD<f32> {
        ArrayD::from_shape_simple_fn(IxDyn(shape), || self.eighth())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_draw_equal_cases_and_cases_differ() {
        let draw = |case| Draw::new(3, case).array2(4, 5);
        assert_eq!(draw(0), draw(0));
        assert_ne!(draw(0), draw(1));
        assert!(
            draw(0)
                .iter()
                .all(|v| (v * 8.0).fract() == 0.0 && v.abs() <= 2.0)
        );
    }
}
