//! Coarse maps in the size of the image.

use crate::error::{Result, VisError};
use convscope_nn::Tensor;
use ndarray::Ix4;
use serde::Serialize;

/// How a layer's coarse map becomes one of the image's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Upsampling {
    /// Between the middles of the coarse places, as Selvaraju et al. show their maps and as
    /// `interpolate(mode="bilinear")` of PyTorch does (corners not aligned).
    #[default]
    Bilinear,
    /// The coarse place in which a pixel lies: captum's default for guided Grad-CAM. It shows how
    /// coarse the map is.
    Nearest,
    /// Not at all: the map stays in the layer's size.
    None,
}

impl Upsampling {
    /// Maps `[N, C, h, w]` in the size `[height, width]`.
    pub(crate) fn apply(self, maps: Tensor, size: [usize; 2]) -> Result<Tensor> {
        if self == Upsampling::None {
            return Ok(maps);
        }
        let shape = maps.shape().to_vec();
        let maps = maps.into_dimensionality::<Ix4>().map_err(|_| {
            VisError::shape("a coarse map", "[batch, channels, height, width]", &shape)
        })?;
        let (n, c, h, w) = maps.dim();
        let (rows, columns) = (self.taps(h, size[0]), self.taps(w, size[1]));
        let fine = ndarray::Array4::from_shape_fn((n, c, size[0], size[1]), |(i, k, y, x)| {
            let ([top, bottom], down) = rows[y];
            let ([left, right], across) = columns[x];
            let at = |y, x| maps[[i, k, y, x]];
            let above = mix(at(top, left), at(top, right), across);
            let below = mix(at(bottom, left), at(bottom, right), across);
            mix(above, below, down)
        });
        Ok(fine.into_dyn())
    }

    /// For each fine place the two coarse ones that it lies between, and how near it is to the
    /// second.
    fn taps(self, coarse: usize, fine: usize) -> Vec<([usize; 2], f32)> {
        let taps = (0..fine).map(|i| match self {
            Upsampling::Bilinear => {
                let middle = (i as f64 + 0.5) * coarse as f64 / fine as f64 - 0.5;
                let at = middle.clamp(0.0, (coarse - 1) as f64);
                let low = at as usize;
                let high = (low + 1).min(coarse - 1);
                ([low, high], (at - low as f64) as f32)
            }
            _ => ([i * coarse / fine; 2], 0.0),
        });
        taps.collect()
    }
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    fn map() -> Tensor {
        let rows = arr2(&[[0.0, 4.0], [8.0, 12.0]]);
        rows.insert_axis(ndarray::Axis(0))
            .insert_axis(ndarray::Axis(0))
            .into_dyn()
    }

    #[test]
    fn bilinear_upsampling_lies_between_the_middles_and_is_flat_at_the_edge() {
        let fine = Upsampling::Bilinear.apply(map(), [4, 4]).unwrap();
        let row: Vec<f32> = (0..4).map(|x| fine[[0, 0, 0, x]]).collect();
        assert_eq!(row, [0.0, 1.0, 3.0, 4.0]);
        let column: Vec<f32> = (0..4).map(|y| fine[[0, 0, y, 0]]).collect();
        assert_eq!(column, [0.0, 2.0, 6.0, 8.0]);
    }

    #[test]
    fn nearest_upsampling_repeats_and_goes_for_any_ratio() {
        let fine = Upsampling::Nearest.apply(map(), [3, 5]).unwrap();
        let row: Vec<f32> = (0..5).map(|x| fine[[0, 0, 2, x]]).collect();
        assert_eq!(row, [8.0, 8.0, 8.0, 12.0, 12.0]);
        let column: Vec<f32> = (0..3).map(|y| fine[[0, 0, y, 0]]).collect();
        assert_eq!(column, [0.0, 0.0, 8.0]);
    }

    #[test]
    fn without_upsampling_a_map_stays_as_it_is() {
        assert_eq!(Upsampling::None.apply(map(), [9, 9]).unwrap(), map());
    }
}
