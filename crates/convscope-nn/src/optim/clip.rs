//! Gradient clipping: no single batch may throw the weights far away.

use super::positive;
use crate::error::Result;
use crate::parallel::{slice, slice_mut};
use crate::real::{Real, Tensor};
use rayon::prelude::*;

/// Elements whose squares are summed by one task; fixed, so that the bits are.
const PART: usize = 32 * 1024;

/// How gradients are kept small before a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Clip {
    /// All gradients together, taken as one long vector, are scaled down to this length when they
    /// are longer: their direction stays (Pascanu, Mikolov and Bengio 2013, algorithm 1,
    /// <https://arxiv.org/abs/1211.5063>).
    Norm(f64),
    /// Every element is brought into `[-limit, limit]` on its own: the direction changes.
    Value(f64),
}

impl Clip {
    /// Whether the limit makes sense.
    ///
    /// # Errors
    /// When it is not a positive number.
    pub fn check(&self) -> Result<()> {
        match self {
            Clip::Norm(limit) => positive("largest norm of the gradients", *limit),
            Clip::Value(limit) => positive("largest value of a gradient", *limit),
        }
    }

    /// Clips the gradients of all parameters, and returns their common norm as it was before (for
    /// [`Clip::Norm`]; clipping by value has no need of it and returns `None`).
    ///
    /// As PyTorch's `clip_grad_norm_` it divides by the norm + 1e-6. A norm that is NaN or infinite
    /// changes nothing and is returned: look for it in the gradients, they have no direction.
    pub fn apply<F: Real>(&self, gradients: &mut [Tensor<F>]) -> Option<f64> {
        match *self {
            Clip::Norm(limit) => {
                let norm = gradient_norm(gradients);
                let scale = limit / (norm + 1e-6);
                if norm.is_finite() && scale < 1.0 {
                    let scale = F::of(scale);
                    each(gradients, |g| g * scale);
                }
                Some(norm)
            }
            Clip::Value(limit) => {
                let limit = F::of(limit);
                // NaN compares as false and stays.
                each(gradients, |g| {
                    if g > limit {
                        limit
                    } else if g < -limit {
                        -limit
                    } else {
                        g
                    }
                });
                None
            }
        }
    }
}

/// The length of all gradients taken as one vector: the root of the sum of their squares, added
/// up in double precision.
pub(crate) fn gradient_norm<F: Real>(gradients: &[Tensor<F>]) -> f64 {
    let parts: Vec<&[F]> = gradients
        .iter()
        .flat_map(|g| slice(g).chunks(PART))
        .collect();
    // Summed in order, whichever thread was done first.
    let sums: Vec<f64> = parts.into_par_iter().map(sum_of_squares).collect();
    sums.iter().sum::<f64>().sqrt()
}

/// In double precision, and in lanes, which the compiler vectorises.
pub(super) fn sum_of_squares<F: Real>(values: &[F]) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = values.chunks_exact(lanes.len());
    let rest: f64 = chunks.remainder().iter().map(|v| square(*v)).sum();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += square(v);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

fn square<F: Real>(g: F) -> f64 {
    let g = g.as_f64();
    g * g
}

fn each<F: Real>(gradients: &mut [Tensor<F>], f: impl Fn(F) -> F + Sync) {
    for gradient in gradients {
        slice_mut(gradient).par_chunks_mut(PART).for_each(|part| {
            for g in part {
                *g = f(*g);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn a_norm_over_the_limit_is_scaled_to_it_and_one_under_it_is_left() {
        let gradients = [arr1(&[3.0_f64]).into_dyn(), arr1(&[0.0, -4.0]).into_dyn()];
        for (limit, factor) in [(1.0, 0.2), (5.1, 1.0), (10.0, 1.0)] {
            let mut clipped = gradients.clone();
            assert_eq!(Clip::Norm(limit).apply(&mut clipped), Some(5.0));
            for (a, b) in clipped.iter().flatten().zip(gradients.iter().flatten()) {
                assert!((a - b * factor).abs() < 1e-6, "{limit}: {a} {b}");
            }
        }
    }

    #[test]
    fn values_are_brought_into_the_limits_and_nan_is_not_hidden() {
        let mut g = [arr1(&[3.0_f32, -0.5, -7.0, f32::NAN]).into_dyn()];
        assert_eq!(Clip::Value(1.0).apply(&mut g), None);
        assert_eq!(g[0].as_slice().unwrap()[..3], [1.0, -0.5, -1.0]);
        assert!(g[0][3].is_nan());
        let norm = Clip::Norm(1.0).apply(&mut g).unwrap();
        assert!(norm.is_nan());
        assert_eq!(g[0][0], 1.0, "nothing scaled by a norm that is none");
    }

    #[test]
    fn the_norm_has_the_same_bits_for_any_number_of_threads() {
        let gradients = [
            Tensor::from_shape_fn(vec![300, 333], |i| ((i[0] * 7 + i[1] * 3) as f32).sin()),
            Tensor::from_shape_fn(vec![40_001], |i| (i[0] as f32).cos()),
        ];
        let norms: Vec<u64> = [1, 2, 3]
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                pool.unwrap()
                    .install(|| gradient_norm(&gradients).to_bits())
            })
            .to_vec();
        assert_eq!(norms[0], norms[1]);
        assert_eq!(norms[0], norms[2]);
        let plain: f64 = gradients.iter().flatten().map(|&g| square(g)).sum();
        assert!((f64::from_bits(norms[0]) / plain.sqrt() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_limit_that_is_no_positive_number_is_refused() {
        for clip in [Clip::Norm(0.0), Clip::Value(-1.0), Clip::Norm(f64::NAN)] {
            let error = clip.check().unwrap_err().to_string();
            assert!(error.contains("positive number"), "{error}");
        }
        Clip::Norm(1.0).check().unwrap();
    }
}
