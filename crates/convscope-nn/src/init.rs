//! How weights begin.

use crate::error::{NnError, Result};
use crate::real::Tensor;
use ndarray::{Array2, IxDyn};
use ndarray_linalg::QR;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// How a weight tensor is filled before training. `fan_in` is the number of inputs that one unit
/// sums over, `fan_out` the number of units that one input feeds.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Init {
    /// All zero.
    Zeros,
    /// All the same number.
    Constant(f64),
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// Uniform between minus and plus this bound.
    Uniform(f64),
    /// Uniform with variance `2 / (fan_in + fan_out)`, for sigmoid and tanh (Glorot and Bengio 2010, eq. 16).
    Xavier,
    /// Normal with variance `2 / fan_in`, for ReLU (He et al. 2015, eq. 10). The default, since
    /// most of the course's units are ReLUs.
    #[default]
    He,
    /// Rows (or columns, whichever are fewer) of unit length at right angles to each other, by QR
    /// (Saxe, McClelland and Ganguli 2014).
    Orthogonal,
}

impl Init {
    /// A weight tensor of shape `[outputs, inputs...]`.
    ///
    /// # Errors
    /// When the decomposition behind `Orthogonal` fails, or a scale is not finite.
    pub fn weights(&self, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<Tensor<f32>> {
        let outputs = shape[0];
        let inner: usize = shape[1..].iter().product();
        let window: usize = shape.iter().skip(2).product();
        let (fan_in, fan_out) = (inner as f64, (outputs * window) as f64);
        if let Init::Constant(v) | Init::Normal(v) | Init::Uniform(v) = *self
            && !v.is_finite()
        {
            return Err(NnError::Invalid(format!(
                "an initial scale must be a finite number, got {v}"
            )));
        }
        let mut fill = |draw: &mut dyn FnMut(&mut ChaCha8Rng) -> f64| {
            Tensor::from_shape_simple_fn(IxDyn(shape), || draw(rng) as f32)
        };
        Ok(match *self {
            Init::Zeros => Tensor::zeros(IxDyn(shape)),
            Init::Constant(v) => Tensor::from_elem(IxDyn(shape), v as f32),
            Init::Normal(std) => fill(&mut |r| std * normal(r)),
            Init::Uniform(bound) => fill(&mut |r| bound * uniform(r)),
            Init::Xavier => {
                let bound = (6.0 / (fan_in + fan_out)).sqrt();
                fill(&mut |r| bound * uniform(r))
            }
            Init::He => {
                let std = (2.0 / fan_in).sqrt();
                fill(&mut |r| std * normal(r))
            }
            Init::Orthogonal => {
                let (long, short) = (outputs.max(inner), outputs.min(inner));
                let square = Array2::from_shape_simple_fn((long, short), || normal(rng));
                let (mut q, r) = square
                    .qr()
                    .map_err(|e| NnError::Invalid(format!("orthogonal weights: {e}")))?;
                // A sign per column makes the draw uniform over the rotations.
                for (mut column, diagonal) in q.columns_mut().into_iter().zip(r.diag()) {
                    if *diagonal < 0.0 {
                        column.mapv_inplace(|v| -v);
                    }
                }
                let q = if outputs >= inner {
                    q
                } else {
                    q.reversed_axes()
                };
                let values: Vec<f32> = q.iter().map(|&v| v as f32).collect();
                Tensor::from_shape_vec(IxDyn(shape), values).expect("as many as the shape holds")
            }
        })
    }
}

/// Uniform in [-1, 1).
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    2.0 * rng.random::<f64>() - 1.0
}

/// Standard normal, by Box and Muller.
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn draw(init: Init, shape: &[usize]) -> Tensor<f32> {
        init.weights(shape, &mut ChaCha8Rng::seed_from_u64(1))
            .unwrap()
    }

    #[test]
    fn he_and_xavier_have_the_papers_variance() {
        for (init, shape, variance) in [
            (Init::He, [64, 32, 3, 3], 2.0 / (32.0 * 9.0)),
            (
                Init::Xavier,
                [64, 32, 3, 3],
                2.0 / (32.0 * 9.0 + 64.0 * 9.0),
            ),
        ] {
            let w = draw(init, &shape);
            let found = w.mapv(|v| v * v).mean().unwrap() as f64;
            assert!(
                (found / variance - 1.0).abs() < 0.03,
                "{init:?}: {found} against {variance}"
            );
            assert!(w.mean().unwrap().abs() < 1e-3);
        }
    }

    #[test]
    fn orthogonal_rows_are_orthonormal() {
        for shape in [[8, 20], [20, 8]] {
            let w = draw(Init::Orthogonal, &shape);
            let w = w.into_dimensionality::<ndarray::Ix2>().unwrap();
            let gram = if shape[0] < shape[1] {
                w.dot(&w.t())
            } else {
                w.t().dot(&w)
            };
            let error = (&gram - &Array2::<f32>::eye(8)).mapv(f32::abs);
            assert!(error.iter().all(|&e| e < 1e-5), "{error}");
        }
    }

    #[test]
    fn an_infinite_scale_is_refused() {
        let error = Init::Normal(f64::INFINITY)
            .weights(&[2, 2], &mut ChaCha8Rng::seed_from_u64(1))
            .unwrap_err();
        assert!(error.to_string().contains("finite"), "{error}");
    }
}
