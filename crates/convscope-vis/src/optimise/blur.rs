//! The Gaussian blur.

use super::range::planes;
use convscope_nn::Tensor;

/// A Gaussian's weights from `-radius` to `radius`, which add up to 1. In two dimensions the weight
/// is the product of that down and that across.
///
/// ```
/// let weights = convscope_vis::gaussian_kernel(1.0, 1);
/// assert!((weights[1] * weights[1] - 0.20418).abs() < 1e-5);
/// ```
pub fn gaussian_kernel(sigma: f64, radius: usize) -> Vec<f32> {
    // A blur of nothing leaves all as it is.
    let sigma = sigma.max(1e-6);
    let weight = |i: usize| {
        let d = (i as f64 - radius as f64) / sigma;
        (-0.5 * d * d).exp()
    };
    let weights: Vec<f64> = (0..=2 * radius).map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| (w / total) as f32).collect()
}

/// Blurs each plane of images `[N, C, H, W]`, cut off at four sigmas and mirrored at the border with
/// the border pixel doubled, as SciPy's `gaussian_filter` does.
pub(crate) fn blur(images: &mut Tensor, sigma: f64) {
    let radius = (4.0 * sigma + 0.5) as usize;
    if radius == 0 {
        return;
    }
    let kernel = gaussian_kernel(sigma, radius);
    let (h, w) = (images.shape()[2], images.shape()[3]);
    for (_, plane) in planes(images) {
        blur_plane(plane, [h, w], &kernel);
    }
}

pub(crate) fn blur_plane(plane: &mut [f32], [h, w]: [usize; 2], kernel: &[f32]) {
    let radius = kernel.len() / 2;
    let mut across = vec![0.0; plane.len()];
    for y in 0..h {
        let row = &plane[y * w..(y + 1) * w];
        for x in 0..w {
            let taps = kernel.iter().enumerate();
            let sum = taps.map(|(k, weight)| weight * row[mirrored(x + k, radius, w)]);
            across[y * w + x] = sum.sum();
        }
    }
    plane.fill(0.0);
    for y in 0..h {
        let to = &mut plane[y * w..(y + 1) * w];
        for (k, &weight) in kernel.iter().enumerate() {
            let from = mirrored(y + k, radius, h) * w;
            for (to, &v) in to.iter_mut().zip(&across[from..from + w]) {
                *to += weight * v;
            }
        }
    }
}

/// Place `at - radius` of a line of `n`, mirrored into it.
fn mirrored(at: usize, radius: usize, n: usize) -> usize {
    let period = 2 * n as isize;
    let place = (at as isize - radius as isize).rem_euclid(period);
    let place = if place >= n as isize {
        period - 1 - place
    } else {
        place
    };
    place as usize
}
