//! What is done to the pixels after a step.

use super::blur::blur;
use super::range::{rows, rows_mut};
use super::settings::{Blur, Maximize};
use convscope_nn::Tensor;

/// Decay, blur and percentiles after step `t` (from 0), in the order of Yosinski et al. (2015).
pub(crate) fn regularise(z: &mut Tensor, gradient: &Tensor, t: usize, settings: &Maximize) {
    if settings.decay > 0.0 {
        let keep = (1.0 - settings.decay) as f32;
        z.mapv_inplace(|v| keep * v);
    }
    if let Some(Blur { sigma, every }) = settings.blur
        && t.is_multiple_of(every)
    {
        blur(z, sigma);
    }
    let plane = z.shape()[2] * z.shape()[3];
    if settings.small_norm > 0.0 {
        for image in rows_mut(z) {
            let squares = over_channels(image, plane, |i| image[i] * image[i]);
            let norms: Vec<f32> = squares.into_iter().map(f32::sqrt).collect();
            drop_small(image, plane, &norms, settings.small_norm);
        }
    }
    if settings.small_contribution > 0.0 {
        for (image, g) in rows_mut(z).zip(rows(gradient)) {
            let sums = over_channels(image, plane, |i| image[i] * g[i]);
            let sizes: Vec<f32> = sums.into_iter().map(f32::abs).collect();
            drop_small(image, plane, &sizes, settings.small_contribution);
        }
    }
}

fn over_channels(image: &[f32], plane: usize, value: impl Fn(usize) -> f32) -> Vec<f32> {
    let pixel = |p: usize| (p..image.len()).step_by(plane).map(&value).sum();
    (0..plane).map(pixel).collect()
}

/// Sets the pixels to zero whose size is below a percentile of all sizes.
fn drop_small(image: &mut [f32], plane: usize, sizes: &[f32], percent: f64) {
    let threshold = percentile(sizes, percent);
    for (i, v) in image.iter_mut().enumerate() {
        if sizes[i % plane] < threshold {
            *v = 0.0;
        }
    }
}

/// Between the two nearest ranks in proportion, as NumPy does.
pub(crate) fn percentile(values: &[f32], percent: f64) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = percent / 100.0 * (sorted.len() - 1) as f64;
    let (low, share) = (at.floor() as usize, at.fract() as f32);
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + share * (sorted[high] - sorted[low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_between_ranks_as_numpys() {
        let values = [4.0, 1.0, 3.0, 2.0];
        for (percent, expected) in [(0.0, 1.0), (50.0, 2.5), (90.0, 3.7), (100.0, 4.0)] {
            assert!((percentile(&values, percent) - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn small_pixels_and_small_contributions_become_zero_in_all_channels() {
        let images = || {
            Tensor::from_shape_vec(vec![1, 2, 1, 4], vec![1., 2., 3., 4., 0., 0., 0., 1.]).unwrap()
        };
        let gradient =
            Tensor::from_shape_vec(vec![1, 2, 1, 4], vec![9., 1., 1., 0., 1., 1., 1., 1.]).unwrap();
        let mut z = images();
        regularise(&mut z, &gradient, 0, &Maximize::new().small_norm(50.0));
        assert_eq!(z.as_slice().unwrap(), [0., 0., 3., 4., 0., 0., 0., 1.]);
        let mut z = images();
        regularise(
            &mut z,
            &gradient,
            0,
            &Maximize::new().small_contribution(50.0),
        );
        assert_eq!(z.as_slice().unwrap(), [1., 0., 3., 0., 0., 0., 0., 0.]);
    }
}
