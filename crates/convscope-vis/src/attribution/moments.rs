//! The mean and the spread of maps that come one after the other.

use super::smoothgrad::Combine;
use convscope_nn::Tensor;
use ndarray::{ArrayD, Zip};

/// The mean and the spread of maps, one after the other (Welford 1962): a variance that is never
/// below zero.
pub(super) struct Moments {
    /// Maps so far.
    pub(super) count: usize,
    pub(super) mean: ArrayD<f64>,
    /// The sum of squared distances from the mean.
    pub(super) spread: ArrayD<f64>,
}

impl Moments {
    pub(super) fn new(image: &Tensor) -> Moments {
        Moments {
            count: 0,
            mean: ArrayD::zeros(image.raw_dim()),
            spread: ArrayD::zeros(image.raw_dim()),
        }
    }

    pub(super) fn add(&mut self, map: &ArrayD<f64>) {
        self.count += 1;
        let share = 1.0 / self.count as f64;
        Zip::from(&mut self.mean)
            .and(&mut self.spread)
            .and(map)
            .for_each(|mean, spread, &v| {
                let distance = v - *mean;
                *mean += share * distance;
                *spread += distance * (v - *mean);
            });
    }

    pub(super) fn combined(&self, combine: Combine) -> ArrayD<f64> {
        let share = 1.0 / self.count.max(1) as f64;
        match combine {
            Combine::Mean => self.mean.clone(),
            Combine::MeanOfSquares => &self.mean * &self.mean + &self.spread * share,
            Combine::Variance => &self.spread * share,
        }
    }
}
