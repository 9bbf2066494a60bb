//! Colours as segmentations compare them.

use ndarray::{Array1, Array3, ArrayView3, ArrayViewMut1, Axis};
use serde::Serialize;

/// How an image's numbers become light from 0 (black) to 1 (white).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The image's smallest number, of all channels, becomes 0 and its largest 1: whatever the
    /// preprocessing was.
    #[default]
    Stretch,
    /// They are light from 0 to 1 already.
    Unit,
}

/// `[H, W, F]`: what the colours of two pixels are compared by; black and white are 100 apart. Three
/// channels are taken for red, green and blue and become CIE Lab, one for grey and becomes lightness;
/// others stay, times 100 / sqrt(C). Smoothed after that.
pub(crate) fn features(image: ArrayView3<'_, f32>, scale: Scale, sigma: f64) -> Array3<f64> {
    let light = light(image, scale);
    let colours = match light.dim().2 {
        1 => light.mapv(|v| lab([v; 3])[0]),
        3 => {
            let mut out = light;
            for mut pixel in out.rows_mut() {
                let colour = lab([pixel[0], pixel[1], pixel[2]]);
                pixel.assign(&Array1::from_iter(colour));
            }
            out
        }
        channels => light * (100.0 / (channels as f64).sqrt()),
    };
    smoothed(&colours, sigma)
}

/// `[H, W, C]` from 0 to 1.
fn light(image: ArrayView3<'_, f32>, scale: Scale) -> Array3<f64> {
    let last = image.permuted_axes([1, 2, 0]).mapv(f64::from);
    let last = last.as_standard_layout().into_owned();
    if scale == Scale::Unit {
        return last;
    }
    let low = last.iter().copied().fold(f64::INFINITY, f64::min);
    let high = last.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = high - low;
    match span > 0.0 {
        true => (last - low) / span,
        false => last * 0.0,
    }
}

/// CIE Lab under D65 of sRGB light (IEC 61966-2-1, CIE 1976), as in scikit-image.
fn lab(rgb: [f64; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|v| match v > 0.04045 {
        true => ((v + 0.055) / 1.055).powf(2.4),
        false => v / 12.92,
    });
    let x = (0.412453 * r + 0.357580 * g + 0.180423 * b) / 0.95047;
    let y = 0.212671 * r + 0.715160 * g + 0.072169 * b;
    let z = (0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883;
    let [x, y, z] = [x, y, z].map(|t| match t > 0.008856 {
        true => t.cbrt(),
        false => 7.787 * t + 16.0 / 116.0,
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Each channel under a Gaussian that ends after four sigmas; beyond the edge the image is mirrored.
fn smoothed(image: &Array3<f64>, sigma: f64) -> Array3<f64> {
    if sigma <= 0.0 {
        return image.clone();
    }
    let radius = (4.0 * sigma + 0.5) as isize;
    let weight = |d: isize| (-0.5 * (d as f64 / sigma).powi(2)).exp();
    let kernel: Vec<f64> = (-radius..=radius).map(weight).collect();
    let sum: f64 = kernel.iter().sum();
    let kernel: Vec<f64> = kernel.iter().map(|v| v / sum).collect();
    let mut out = image.clone();
    for axis in [Axis(0), Axis(1)] {
        out.lanes_mut(axis)
            .into_iter()
            .for_each(|lane| smooth_lane(lane, &kernel));
    }
    out
}

fn smooth_lane(mut lane: ArrayViewMut1<'_, f64>, kernel: &[f64]) {
    let before = lane.to_owned();
    let n = before.len() as isize;
    let radius = (kernel.len() / 2) as isize;
    // ... b a | a b c | c b ...
    let mirrored = |i: isize| {
        let i = i.rem_euclid(2 * n);
        before[i.min(2 * n - 1 - i) as usize]
    };
    for (i, v) in lane.iter_mut().enumerate() {
        let around = (i as isize - radius..).zip(kernel);
        *v = around.map(|(j, k)| k * mirrored(j)).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn known_colours_have_their_published_lab_values() {
        let cases = [
            ([1.0, 1.0, 1.0], [100.0, 0.0, 0.0]),
            ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            ([1.0, 0.0, 0.0], [53.24, 80.09, 67.20]),
            ([0.0, 0.0, 1.0], [32.30, 79.19, -107.86]),
        ];
        for (rgb, expected) in cases {
            for (got, want) in lab(rgb).iter().zip(expected) {
                assert!((got - want).abs() < 0.02, "{rgb:?}: {got}, not {want}");
            }
        }
    }

    #[test]
    fn smoothing_keeps_the_mean_and_a_constant() {
        let image = Array3::from_shape_fn((9, 7, 2), |(y, x, c)| (y * x + c) as f64);
        let smooth = smoothed(&image, 1.5);
        assert!((smooth.mean().unwrap() - image.mean().unwrap()).abs() < 1e-9);
        assert!(smooth.iter().all(|v| v.is_finite()));
        let flat = Array3::from_elem((5, 5, 1), 0.25);
        assert!(
            smoothed(&flat, 3.0)
                .iter()
                .all(|v| (v - 0.25).abs() < 1e-12)
        );
    }
}
