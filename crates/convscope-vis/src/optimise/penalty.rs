//! What images pay for being unlike photographs: total variation in its flavours, and norms.

use super::range::rows;
use crate::error::Result;
use crate::images::dimensions;
use convscope_nn::Tensor;
use serde::Serialize;

/// How much neighbouring pixels differ. Libraries mean different things by it, so the flavour is
/// named; channels are added up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Variation {
    /// The sum of the absolute differences down and across (TensorFlow, Lucid, Xplique).
    Absolute,
    /// The sum of `(down² + across²)^(beta / 2)` over the pixels that have both neighbours: the last
    /// row and the last column are left out (keras-vis, the CNN visualisations of PyTorch).
    Trimmed {
        /// 2: squares; Keras' old dream had 2.5.
        beta: f64,
    },
    /// The same over all pixels, where the border's pixels stand outside of it too (Mahendran and
    /// Vedaldi 2015).
    Replicated {
        /// 2 in the paper; below 1 edges would be cheaper than slopes.
        beta: f64,
    },
}

/// The total variation of each image `[N, C, H, W]`.
///
/// # Errors
/// When these are no images.
pub fn total_variation(images: &Tensor, flavour: Variation) -> Result<Vec<f64>> {
    let [_, _, h, w] = dimensions(images)?;
    let images = images.as_standard_layout().into_owned();
    let one = |image: &[f32]| {
        let planes = image.chunks(h * w);
        planes.map(|plane| flavour.plane(plane, w, 0.0, None)).sum()
    };
    Ok(rows(&images).map(one).collect())
}

impl Variation {
    /// Of one plane; adds `weight` times the gradient.
    fn plane(self, x: &[f32], w: usize, weight: f32, mut gradient: Option<&mut [f32]>) -> f64 {
        let h = x.len() / w;
        let mut total = 0.0;
        let mut add = |index: usize, value: f64| {
            if let Some(g) = &mut gradient {
                g[index] += weight * value as f32;
            }
        };
        for i in 0..x.len() {
            let (inside_y, inside_x) = (i / w + 1 < h, i % w + 1 < w);
            let down = if inside_y { x[i + w] - x[i] } else { 0.0 };
            let across = if inside_x { x[i + 1] - x[i] } else { 0.0 };
            let (down, across) = (f64::from(down), f64::from(across));
            // The derivatives by the two differences.
            let (by_down, by_across) = match self {
                Variation::Absolute => {
                    total += down.abs() + across.abs();
                    (sign(down), sign(across))
                }
                Variation::Trimmed { .. } if !(inside_y && inside_x) => continue,
                Variation::Trimmed { beta } | Variation::Replicated { beta } => {
                    let squares = down * down + across * across;
                    if squares == 0.0 {
                        continue;
                    }
                    // Powers are what this loop costs, and squares need none.
                    let by = match beta == 2.0 {
                        true => {
                            total += squares;
                            2.0
                        }
                        false => {
                            let power = squares.powf(beta / 2.0);
                            total += power;
                            beta * power / squares
                        }
                    };
                    (by * down, by * across)
                }
            };
            if inside_y {
                add(i + w, by_down);
            }
            if inside_x {
                add(i + 1, by_across);
            }
            add(i, -by_down - by_across);
        }
        total
    }
}

fn sign(v: f64) -> f64 {
    match v {
        v if v > 0.0 => 1.0,
        v if v < 0.0 => -1.0,
        _ => 0.0,
    }
}

/// What is subtracted from the objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Penalties {
    pub(crate) l2: f64,
    pub(crate) alpha_norm: Option<(f64, f64)>,
    pub(crate) variation: Option<(Variation, f64)>,
}

impl Penalties {
    pub(crate) fn any(&self) -> bool {
        self.l2 != 0.0 || self.alpha_norm.is_some() || self.variation.is_some()
    }

    /// Of one image of planes of this width; subtracts the gradient.
    pub(crate) fn subtract(&self, x: &[f32], plane: usize, w: usize, g: &mut [f32]) -> f64 {
        let mut total = 0.0;
        if self.l2 != 0.0 {
            let by = 2.0 * self.l2 as f32;
            for (g, &x) in g.iter_mut().zip(x) {
                *g -= by * x;
                total += self.l2 * f64::from(x) * f64::from(x);
            }
        }
        if let Some((alpha, weight)) = self.alpha_norm {
            for (g, &x) in g.iter_mut().zip(x) {
                let size = f64::from(x.abs());
                let power = match alpha == 6.0 {
                    true => size.powi(6),
                    false => size.powf(alpha),
                };
                total += weight * power;
                let slope = match size > 0.0 {
                    true => weight * alpha * power / size,
                    false => 0.0,
                };
                *g -= if x < 0.0 { -slope } else { slope } as f32;
            }
        }
        if let Some((flavour, weight)) = self.variation {
            for (x, g) in x.chunks(plane).zip(g.chunks_mut(plane)) {
                total += weight * flavour.plane(x, w, -weight as f32, Some(g));
            }
        }
        total
    }
}
