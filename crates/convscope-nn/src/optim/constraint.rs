//! What weights must satisfy after every step.

use super::clip::sum_of_squares;
use super::positive;
use crate::error::Result;
use crate::parallel::slice_mut;
use crate::real::{Real, Tensor};
use rayon::prelude::*;

/// A condition on the weights, enforced after every step: beside weight decay, which only pulls.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// A filter whose root mean square exceeds this is scaled back to it, so that no filter of the
    /// first layer drowns the others (Zeiler and Fergus 2014, section 3, where it is 0.1,
    /// <https://arxiv.org/abs/1311.2901>). It concerns the weights of convolutions,
    /// `[O, I, H, W]`: a filter is everything that makes one output channel, without its bias.
    FilterRms(f64),
}

impl Constraint {
    /// Zeiler and Fergus' renormalisation of filters, at their 0.1.
    pub fn zeiler_fergus() -> Constraint {
        Constraint::FilterRms(0.1)
    }

    /// Whether the limit makes sense.
    ///
    /// # Errors
    /// When it is not a positive number.
    pub fn check(&self) -> Result<()> {
        let Constraint::FilterRms(limit) = self;
        positive("largest root mean square of a filter", *limit)
    }

    /// Enforces it on one parameter, and returns how many filters had to be scaled back. A
    /// parameter that it does not concern is left alone.
    pub fn apply<F: Real>(&self, parameter: &mut Tensor<F>) -> usize {
        let Constraint::FilterRms(limit) = *self;
        let &[_, i, h, w] = parameter.shape() else {
            return 0;
        };
        slice_mut(parameter)
            .par_chunks_mut((i * h * w).max(1))
            .map(|filter| {
                let rms = (sum_of_squares(filter) / filter.len() as f64).sqrt();
                // Also false for NaN, which is not this rule's to hide.
                let exceeds = rms > limit && rms.is_finite();
                if exceeds {
                    let scale = F::of(limit / rms);
                    filter.iter_mut().for_each(|v| *v *= scale);
                }
                usize::from(exceeds)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_filters_over_the_radius_are_scaled_back_to_it() {
        // Filters with a root mean square of 0.05, 0.1 (just), 0.2 and 5.
        let sizes = [0.05_f64, 0.1, 0.2, 5.0];
        let mut w = Tensor::from_shape_fn(vec![4, 3, 2, 2], |i| {
            sizes[i[0]] * if (i[1] + i[3]) % 2 == 0 { 1.0 } else { -1.0 }
        });
        w[[1, 0, 0, 0]] *= 0.999;
        let before = w.clone();
        assert_eq!(Constraint::zeiler_fergus().apply(&mut w), 2);
        for (i, (filter, old)) in w.outer_iter().zip(before.outer_iter()).enumerate() {
            let factor = if i < 2 { 1.0 } else { 0.1 / sizes[i] };
            for (a, b) in filter.iter().zip(old.iter()) {
                assert!((a - b * factor).abs() < 1e-12, "filter {i}: {a} {b}");
            }
        }
        assert_eq!(
            Constraint::FilterRms(0.1 + 1e-9).apply(&mut w),
            0,
            "it is satisfied now"
        );
    }

    #[test]
    fn biases_and_matrices_are_none_of_its_business() {
        for shape in [vec![3], vec![3, 4]] {
            let mut w = Tensor::<f32>::from_elem(shape, 9.0);
            assert_eq!(Constraint::zeiler_fergus().apply(&mut w), 0);
            assert!(w.iter().all(|&v| v == 9.0));
        }
        assert!(Constraint::FilterRms(-0.1).check().is_err());
    }
}
