//! Images at another size.

use super::range::rows;
use convscope_nn::Tensor;

/// Images `[N, C, h, w]` at another size: every new pixel is a mean by a triangle, as wide as a step
/// between the pixels of the coarser grid, so that nothing aliases when they shrink.
pub(crate) fn resize(images: &Tensor, [h, w]: [usize; 2]) -> Tensor {
    let [n, c, from_h, from_w] = [0, 1, 2, 3].map(|axis| images.shape()[axis]);
    if [from_h, from_w] == [h, w] {
        return images.clone();
    }
    let (down, across) = (triangles(from_h, h), triangles(from_w, w));
    let images = images.as_standard_layout().into_owned();
    let mut out = Vec::with_capacity(n * c * h * w);
    for plane in rows(&images).flat_map(|image| image.chunks(from_h * from_w)) {
        let mut narrow = Vec::with_capacity(from_h * w);
        for row in plane.chunks(from_w) {
            let mixed = across.iter().map(|(first, weights)| {
                let pixels = weights.iter().zip(&row[*first..]);
                pixels.map(|(weight, v)| weight * v).sum::<f32>()
            });
            narrow.extend(mixed);
        }
        for (first, weights) in &down {
            let start = out.len();
            out.resize(start + w, 0.0);
            for (weight, row) in weights.iter().zip(narrow[first * w..].chunks(w)) {
                let pixels = out[start..].iter_mut().zip(row);
                pixels.for_each(|(o, v)| *o += weight * v);
            }
        }
    }
    Tensor::from_shape_vec(vec![n, c, h, w], out).expect("as many")
}

/// For each new place, the first old place and the weights from there on.
fn triangles(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let ratio = from as f64 / to as f64;
    let reach = ratio.max(1.0);
    let one = |i: usize| {
        let centre = (i as f64 + 0.5) * ratio - 0.5;
        let first = (centre - reach).ceil().max(0.0) as usize;
        let last = ((centre + reach).floor() as usize).min(from - 1);
        let weight = |j: usize| (1.0 - (j as f64 - centre).abs() / reach).max(0.0);
        let weights: Vec<f64> = (first..=last).map(weight).collect();
        let total: f64 = weights.iter().sum();
        (first, weights.iter().map(|w| (w / total) as f32).collect())
    };
    (0..to).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_a_ramp_inside_and_a_constant_one_everywhere() {
        for to in [[4, 16], [16, 5], [8, 8], [3, 23]] {
            let flat = Tensor::from_elem(vec![2, 3, 8, 8], 0.7);
            let out = resize(&flat, to);
            assert_eq!(out.shape(), [2, 3, to[0], to[1]]);
            assert!(out.iter().all(|v| (v - 0.7).abs() < 1e-6));
        }
        let ramp = Tensor::from_shape_fn(vec![1, 1, 8, 8], |i| i[3] as f32 + 0.5);
        let twice = resize(&ramp, [8, 16]);
        for x in 2..14 {
            assert!((twice[[0, 0, 3, x]] - (x as f32 + 0.5) / 2.0).abs() < 1e-5);
        }
    }
}
