//! Gratings: the waves of light and dark that neurons of the visual cortex were asked with (Hubel and
//! Wiesel; drifting ones since Movshon, Thompson and Tolhurst 1978), and now filters.

use crate::error::{Result, VisError};
use ndarray::Array2;
use std::f32::consts::TAU;

/// A grating.
///
/// Orientation is that of the bars: 0 degrees for horizontal ones, growing counter-clockwise as one
/// sees the picture, 90 for vertical ones.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Grating {
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Of the bars, in degrees.
    pub orientation: f32,
    /// Cycles per pixel; 0.5 is the finest that pixels can show.
    pub frequency: f32,
    /// Of the wave in the middle of the picture, in radians: 0 is light.
    pub phase: f32,
}

impl Grating {
    /// With light in the middle.
    pub fn new(size: [usize; 2], orientation: f32, frequency: f32) -> Grating {
        Grating {
            size,
            orientation,
            frequency,
            phase: 0.0,
        }
    }

    /// With a phase in radians.
    pub fn phase(mut self, phase: f32) -> Grating {
        self.phase = phase;
        self
    }

    /// The picture `[H, W]`, from -1 to 1: `cos(2 pi f (x sin o + y cos o) - phase)`, x across and y
    /// down from the middle.
    pub fn picture(&self) -> Array2<f32> {
        let [h, w] = self.size;
        let (sin, cos) = self.orientation.to_radians().sin_cos();
        let middle = |size: usize| (size as f32 - 1.0) / 2.0;
        Array2::from_shape_fn((h, w), |(y, x)| {
            let (y, x) = (y as f32 - middle(h), x as f32 - middle(w));
            (TAU * self.frequency * (x * sin + y * cos) - self.phase).cos()
        })
    }

    /// One period of its drift at right angles to the bars, in so many steps.
    ///
    /// # Errors
    /// When no step is asked for, or the picture has no pixel.
    pub fn drift(&self, steps: usize) -> Result<Vec<Array2<f32>>> {
        if steps == 0 || self.size.contains(&0) || !self.frequency.is_finite() {
            return Err(VisError::invalid(format!(
                "a drifting grating: expected a step, a pixel and a frequency, got {steps}, {:?} \
                 and {}",
                self.size, self.frequency
            )));
        }
        let at = |i| self.phase(self.phase + TAU * i as f32 / steps as f32);
        Ok((0..steps).map(|i| at(i).picture()).collect())
    }
}
