//! Standardisation: mean 0 and standard deviation 1 over the training set, for every pixel position,
//! as the course does it with digits, or for every channel, as is the custom with photographs.

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use ndarray::{Array3, ArrayD, Axis};

/// Mean and standard deviation of every pixel position, or of every channel, over a training set.
///
/// Fit it on the training images only, then apply it to training, validation and test images alike:
/// the test set must not leak into what the network is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardizer {
    /// Mean of each pixel, shape `[C, H, W]`.
    pub mean: Array3<f32>,
    /// Standard deviation (division by N) of each pixel, shape `[C, H, W]`. Where a pixel never
    /// changes it is 1, which leaves that pixel unscaled instead of dividing by 0.
    pub std: Array3<f32>,
}

impl Standardizer {
    /// Measures every pixel position over `train`.
    ///
    /// # Errors
    /// If there is no image, or a pixel is NaN or infinite.
    pub fn fit(train: &Dataset) -> Result<Self> {
        train.check_not_empty("a standardizer")?;
        train.check()?;
        let images = train.images4()?;
        let n = train.len() as f64;
        let [c, h, w] = train.image_shape();
        let mut mean = Array3::<f64>::zeros((c, h, w));
        for image in images.outer_iter() {
            mean.zip_mut_with(&image, |m, &x| *m += f64::from(x));
        }
        mean.mapv_inplace(|m| m / n);
        // Two passes: the sum of squares minus the square of the sum cancels for bright pixels.
        let mut variance = Array3::<f64>::zeros((c, h, w));
        for image in images.outer_iter() {
            ndarray::Zip::from(&mut variance)
                .and(&image)
                .and(&mean)
                .for_each(|v, &x, &m| *v += (f64::from(x) - m) * (f64::from(x) - m));
        }
        // A spread below f32's own resolution is rounding, not signal.
        let std = ndarray::Zip::from(&variance)
            .and(&mean)
            .map_collect(|v, m| {
                let std = (v / n).sqrt();
                if std > 1e-7 * m.abs() {
                    std as f32
                } else {
                    1.0
                }
            });
        Ok(Self {
            mean: mean.mapv(|m| m as f32),
            std,
        })
    }

    /// Measures every channel over all positions of `train`, so that an object looks the same to a
    /// network wherever it stands. `mean` and `std` then hold one value per channel, repeated.
    ///
    /// # Errors
    /// If there is no image, or a pixel is NaN or infinite.
    pub fn fit_channels(train: &Dataset) -> Result<Self> {
        train.check_not_empty("a standardizer")?;
        train.check()?;
        let images = train.images4()?;
        let [c, h, w] = train.image_shape();
        let mut fitted = Self {
            mean: Array3::zeros((c, h, w)),
            std: Array3::ones((c, h, w)),
        };
        for k in 0..c {
            let channel = images.index_axis(Axis(1), k);
            let n = channel.len() as f64;
            // A sum per image first: a single sum over a large set would round off its small end.
            let mean_of = |f: &dyn Fn(f64) -> f64| {
                let sums = channel.outer_iter().map(|image| {
                    let values = image.iter().map(|&x| f(f64::from(x)));
                    values.sum::<f64>()
                });
                sums.sum::<f64>() / n
            };
            let mean = mean_of(&|x| x);
            let std = mean_of(&|x| (x - mean) * (x - mean)).sqrt();
            fitted.mean.index_axis_mut(Axis(0), k).fill(mean as f32);
            if std > 1e-7 * mean.abs() {
                fitted.std.index_axis_mut(Axis(0), k).fill(std as f32);
            }
        }
        Ok(fitted)
    }

    /// `(pixel - mean) / std` for every image.
    ///
    /// # Errors
    /// If the images are not of the size it was fitted on, or a pixel is NaN or infinite.
    pub fn apply(&self, set: &Dataset) -> Result<Dataset> {
        set.check()?;
        let images = self.apply_to(&set.images)?;
        Ok(Dataset {
            images,
            ..without_images(set)
        })
    }

    /// `pixel * std + mean`: from standardised images back to pixels.
    ///
    /// # Errors
    /// If the images are not of the size it was fitted on.
    pub fn invert(&self, set: &Dataset) -> Result<Dataset> {
        let images = self.invert_from(&set.images)?;
        Ok(Dataset {
            images,
            ..without_images(set)
        })
    }

    /// [`apply`](Self::apply) for bare arrays, `[C, H, W]` or `[N, C, H, W]`.
    ///
    /// # Errors
    /// If the images are not of the size it was fitted on.
    pub fn apply_to(&self, images: &ArrayD<f32>) -> Result<ArrayD<f32>> {
        self.each_image(images, |x, m, s| (x - m) / s)
    }

    /// [`invert`](Self::invert) for bare arrays, `[C, H, W]` or `[N, C, H, W]`.
    ///
    /// # Errors
    /// If the images are not of the size it was fitted on.
    pub fn invert_from(&self, images: &ArrayD<f32>) -> Result<ArrayD<f32>> {
        self.each_image(images, |x, m, s| x * s + m)
    }

    fn each_image(
        &self,
        images: &ArrayD<f32>,
        f: impl Fn(f32, f32, f32) -> f32,
    ) -> Result<ArrayD<f32>> {
        let [c, h, w] = <[usize; 3]>::from(self.mean.dim());
        let shape = images.shape();
        if !(matches!(shape.len(), 3 | 4) && shape.ends_with(&[c, h, w])) {
            return Err(DataError::Shape {
                what: "images to standardise".into(),
                expected: format!(
                    "[N, {c}, {h}, {w}] or [{c}, {h}, {w}], the size it was fitted on"
                ),
                got: shape.to_vec(),
            });
        }
        let (mean, std) = (self.mean.view().into_dyn(), self.std.view().into_dyn());
        let mut out = images.as_standard_layout().into_owned();
        let each = |mut image: ndarray::ArrayViewMutD<'_, f32>| {
            ndarray::Zip::from(&mut image)
                .and(&mean)
                .and(&std)
                .for_each(|x, &m, &s| *x = f(*x, m, s));
        };
        match shape.len() {
            3 => each(out.view_mut()),
            _ => out.axis_iter_mut(Axis(0)).for_each(each),
        }
        Ok(out)
    }
}

fn without_images(set: &Dataset) -> Dataset {
    Dataset {
        name: set.name.clone(),
        images: ArrayD::zeros(ndarray::IxDyn(&[0, 0, 0, 0])),
        labels: set.labels.clone(),
        classes: set.classes.clone(),
    }
}
