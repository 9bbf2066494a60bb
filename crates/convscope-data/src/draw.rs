//! Random numbers that are the same bits on every platform and with every version of a library:
//! only ChaCha8's words come from outside, and what is made of them is made here.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A stream of draws. Streams of one seed are independent, so that work done in any order, by any
/// number of threads, draws the same numbers.
#[derive(Clone, Debug)]
pub struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The draws of one stream of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { rng }
    }

    /// Uniform in [0, 1), 24 bits.
    pub fn unit(&mut self) -> f32 {
        (self.rng.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [low, high).
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..n, without bias (Lemire's multiply and reject).
    ///
    /// # Panics
    /// If `n` is 0 or beyond 32 bits.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u32::try_from(n).expect("more than 2^32 things to draw from");
        assert!(n > 0, "nothing to draw from");
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u64::from(self.rng.next_u32()) * u64::from(n);
            if wide as u32 >= threshold {
                return (wide >> 32) as usize;
            }
        }
    }

    /// Mean 0, standard deviation 1, cut off at 2.5 so that no sample goes wild.
    pub fn normal(&mut self) -> f32 {
        loop {
            let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - self.unit()));
            let x = radius * libm::cosf(std::f32::consts::TAU * self.unit());
            if x.abs() <= 2.5 {
                return x;
            }
        }
    }

    /// The numbers 0..n in random order (Fisher-Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}
