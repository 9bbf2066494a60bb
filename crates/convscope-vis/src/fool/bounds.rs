//! What values a picture may have, in the units that the network reads.

use crate::error::{Result, VisError};
use convscope_data::{Preprocessing, Range, Standardizer};
use convscope_nn::Tensor;
use ndarray::{Axis, IxDyn, Zip};
use serde::Serialize;
use std::cmp::Ordering;

/// Black and white in the network's units: a changed image stays between them, and the distance
/// between them is the pixel scale that epsilons are given in.
///
/// ```
/// use convscope_data::Preprocessing;
/// use convscope_vis::Bounds;
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// let bounds = Bounds::of(&Preprocessing::torchvision(224))?;
/// assert_eq!(bounds.low().shape(), [3, 1, 1]);
/// assert!((bounds.low()[[0, 0, 0]] + 0.485 / 0.229).abs() < 1e-6);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    low: Tensor,
    high: Tensor,
}

/// What a size of a perturbation is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// The way from black to white is 1, as in the papers: an epsilon of 1/255 is one step of an
    /// 8-bit picture, whatever the preprocessing made of it.
    #[default]
    Pixels,
    /// The numbers that the network reads.
    Network,
}

impl Bounds {
    /// No limits. There is no pixel scale then: sizes are in the network's units.
    pub fn none() -> Bounds {
        Bounds {
            low: Tensor::from_elem(vec![1; 3], f32::NEG_INFINITY),
            high: Tensor::from_elem(vec![1; 3], f32::INFINITY),
        }
    }

    /// The same limits for every number: `range(0.0, 1.0)` where pixels are not preprocessed.
    ///
    /// # Errors
    /// When `low` is not below `high`.
    pub fn range(low: f32, high: f32) -> Result<Bounds> {
        let one = |v| Tensor::from_elem(vec![1; 3], v);
        Bounds::between(one(low), one(high))
    }

    /// What black and white become under a preprocessing, a value for each channel.
    ///
    /// # Errors
    /// When the preprocessing makes no sense.
    pub fn of(preprocessing: &Preprocessing) -> Result<Bounds> {
        preprocessing.check()?;
        let white = match preprocessing.range {
            Range::Unit => 1.0,
            Range::Bytes => 255.0,
        };
        let both = preprocessing.mean.iter().zip(&preprocessing.std);
        let at = |value: f32| {
            let values: Vec<f32> = both.clone().map(|(m, s)| (value - m) / s).collect();
            Tensor::from_shape_vec(vec![values.len(), 1, 1], values).expect("a value a channel")
        };
        Bounds::between(at(0.0), at(white))
    }

    /// What black (0) and white become under a standardizer, a value for each pixel. `white` is
    /// 255 for digits, 1 for photographs.
    ///
    /// # Errors
    /// When `white` is not above 0.
    pub fn of_standardizer(standardizer: &Standardizer, white: f32) -> Result<Bounds> {
        let (mean, std) = (&standardizer.mean, &standardizer.std);
        let at = |value: f32| ((value - mean) / std).into_dyn();
        Bounds::between(at(0.0), at(white))
    }

    /// Limits of one's own, each `[1, 1, 1]`, `[C, 1, 1]` or `[C, H, W]`.
    ///
    /// # Errors
    /// When the shapes differ or are others, or a low limit is not below the high one.
    pub fn between(low: Tensor, high: Tensor) -> Result<Bounds> {
        if low.ndim() != 3 || low.shape() != high.shape() {
            let got: Vec<usize> = [low.shape(), high.shape()].concat();
            let expected = "two arrays of one shape, [1, 1, 1], [C, 1, 1] or [C, H, W]";
            return Err(VisError::shape("the bounds of pixels", expected, &got));
        }
        match low
            .iter()
            .zip(&high)
            .find(|(l, h)| l.partial_cmp(h) != Some(Ordering::Less))
        {
            None => Ok(Bounds { low, high }),
            Some((l, h)) => Err(VisError::invalid(format!(
                "the bounds of pixels: expected a low limit below the high one, got {l} and {h}"
            ))),
        }
    }

    /// Black.
    pub fn low(&self) -> &Tensor {
        &self.low
    }

    /// White.
    pub fn high(&self) -> &Tensor {
        &self.high
    }

    /// Images with what lies outside moved to the nearest limit.
    ///
    /// # Errors
    /// When the images `[N, C, H, W]` have other channels or another size than the bounds.
    pub fn clip(&self, images: &Tensor) -> Result<Tensor> {
        let (low, high) = (
            self.spread(&self.low, images)?,
            self.spread(&self.high, images)?,
        );
        let mut clipped = images.clone();
        Zip::from(&mut clipped)
            .and(&low)
            .and(&high)
            .for_each(|x, &l, &h| *x = x.clamp(l, h));
        Ok(clipped)
    }

    /// What one unit is for each number of one image, `[C, H, W]`: the way from black to white, or 1
    /// where there is no limit.
    pub(crate) fn scale(&self, units: Units, images: &Tensor) -> Result<Tensor> {
        let mut scale = &self.high - &self.low;
        scale.mapv_inplace(|s| match units {
            Units::Pixels if s.is_finite() => s,
            _ => 1.0,
        });
        let all = self.spread(&scale, images)?;
        Ok(all.index_axis(Axis(0), 0).to_owned())
    }

    /// Black and white of one image, `[C, H, W]`.
    pub(crate) fn of_image(&self, images: &Tensor) -> Result<[Tensor; 2]> {
        let one = |limit: &Tensor| -> Result<Tensor> {
            let all = self.spread(limit, images)?;
            Ok(all.index_axis(Axis(0), 0).to_owned())
        };
        Ok([one(&self.low)?, one(&self.high)?])
    }

    fn spread(&self, limit: &Tensor, images: &Tensor) -> Result<Tensor> {
        let spread = limit.broadcast(IxDyn(images.shape()));
        spread.map(|view| view.to_owned()).ok_or_else(|| {
            let expected = format!("[N, C, H, W] that fit bounds {:?}", limit.shape());
            VisError::shape("the images", expected, images.shape())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_are_what_the_preprocessing_makes_of_them() {
        let caffe = Bounds::of(&Preprocessing::caffe_vgg()).unwrap();
        assert!((caffe.low()[[0, 0, 0]] + 103.939).abs() < 1e-4);
        assert!((caffe.high()[[2, 0, 0]] - (255.0 - 123.68)).abs() < 1e-4);
        let images = Tensor::zeros(vec![2, 3, 4, 4]);
        let scale = caffe.scale(Units::Pixels, &images).unwrap();
        assert!(scale.iter().all(|s| (s - 255.0).abs() < 1e-3));
        let scale = caffe.scale(Units::Network, &images).unwrap();
        assert!(scale.iter().all(|&s| s == 1.0));
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f32::NAN, 1.0)] {
            let error = Bounds::range(low, high).unwrap_err().to_string();
            assert!(error.contains("below the high one"), "{error}");
        }
        let grey = Bounds::of(&Preprocessing::mnist()).unwrap();
        assert!(
            grey.clip(&Tensor::zeros(vec![1, 3, 8, 8])).is_ok(),
            "one for all channels"
        );
        let rgb = Bounds::of(&Preprocessing::cifar10()).unwrap();
        let error = rgb.clip(&Tensor::zeros(vec![1, 4, 8, 8])).unwrap_err();
        assert!(error.to_string().contains("[3, 1, 1]"), "{error}");
    }
}
