//! Local response normalisation.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use rayon::prelude::*;

/// Divides each value by what its neighbours in channel depth put out at the same place:
/// `y_c = x_c / (k + alpha / size * sum of x_j^2)^beta`, the sum over `size` channels around `c`
/// (Krizhevsky, Sutskever and Hinton 2012, section 3.3; there `alpha` is not divided by `size`,
/// here it is, as in Caffe and PyTorch).
///
/// # Shapes
/// `[N, C, H, W]`, input and output alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponseNorm {
    size: usize,
    alpha: f64,
    beta: f64,
    k: f64,
}

impl LocalResponseNorm {
    /// Over `size` channels with alpha 1e-4, beta 0.75 and k 1, PyTorch's defaults.
    pub fn new(size: usize) -> LocalResponseNorm {
        LocalResponseNorm {
            size,
            alpha: 1e-4,
            beta: 0.75,
            k: 1.0,
        }
    }

    /// AlexNet's own: 5 channels, k 2, beta 0.75, and the paper's alpha of 1e-4 a channel, which
    /// is 5e-4 in this layer's convention.
    pub fn alexnet() -> LocalResponseNorm {
        LocalResponseNorm::new(5).k(2.0).alpha(5e-4)
    }

    /// The weight of the mean of squares.
    pub fn alpha(mut self, alpha: f64) -> LocalResponseNorm {
        self.alpha = alpha;
        self
    }

    /// The exponent.
    pub fn beta(mut self, beta: f64) -> LocalResponseNorm {
        self.beta = beta;
        self
    }

    /// What is added before the power is taken.
    pub fn k(mut self, k: f64) -> LocalResponseNorm {
        self.k = k;
        self
    }

    /// The channels that `c` is divided by: with an even size one more before it than after.
    fn neighbours(&self, c: usize, channels: usize) -> Range<usize> {
        c.saturating_sub(self.size / 2)..(c + (self.size - 1) / 2 + 1).min(channels)
    }

    /// The channels that are divided by `c`.
    fn readers(&self, c: usize, channels: usize) -> Range<usize> {
        c.saturating_sub((self.size - 1) / 2)..(c + self.size / 2 + 1).min(channels)
    }

    /// `scale^-beta`; AlexNet's exponent is two roots, which cost less than a power.
    fn power<F: Real>(&self) -> impl Fn(F) -> F + Sync + use<F> {
        let (quarter, beta) = (self.beta == 0.75, F::of(-self.beta));
        move |scale: F| match quarter {
            true => F::one() / (scale.sqrt() * scale.sqrt().sqrt()),
            false => scale.powf(beta),
        }
    }
}

impl<F: Real> Layer<F> for LocalResponseNorm {
    fn kind(&self) -> &'static str {
        "LocalResponseNorm"
    }

    fn settings(&self) -> String {
        format!(
            "{} channels, alpha {}, beta {}, k {}",
            self.size, self.alpha, self.beta, self.k
        )
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let shape = single("LocalResponseNorm", inputs)?;
        image_shape("LocalResponseNorm", shape)?;
        let positive = self.k > 0.0 && self.alpha >= 0.0;
        let finite = self.k.is_finite() && self.alpha.is_finite() && self.beta.is_finite();
        if self.size == 0 || !positive || !finite {
            return Err(NnError::Invalid(format!(
                "LocalResponseNorm needs at least one channel, a positive k, an alpha of at least 0 and a finite beta, got {}",
                Layer::<F>::settings(self)
            )));
        }
        Ok(shape.clone())
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::LocalResponseNorm {
            size: self.size,
            alpha: self.alpha,
            beta: self.beta,
            k: self.k,
        }]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let input = *single("LocalResponseNorm", inputs)?;
        let [_, c, h, w] = batch_shape("LocalResponseNorm", input, None)?;
        let (plane, x) = (h * w, slice(input));
        let (share, k) = (F::of(self.alpha / self.size as f64), F::of(self.k));
        let power = self.power();
        let (mut y, mut scale) = (fresh(input.shape()), fresh(input.shape()));
        slice_mut(&mut y)
            .par_chunks_mut(plane)
            .zip(slice_mut(&mut scale).par_chunks_mut(plane))
            .enumerate()
            .for_each(|(i, (y, scale))| {
                let image = &x[i / c * c * plane..][..c * plane];
                scale.fill(k);
                for j in self.neighbours(i % c, c) {
                    for (s, &v) in scale.iter_mut().zip(&image[j * plane..][..plane]) {
                        *s += share * v * v;
                    }
                }
                let x = &image[i % c * plane..][..plane];
                for ((y, &x), &s) in y.iter_mut().zip(x).zip(scale.iter()) {
                    *y = x * power(s);
                }
            });
        Ok((y, Saved::Tensors(vec![scale])))
    }

    /// `dx_i = dy_i s_i^-beta - 2 alpha beta / size x_i (sum over the readers j of i of
    /// dy_j x_j s_j^(-beta - 1))`.
    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let Saved::Tensors(saved) = seen.saved else {
            unreachable!("local response norm saves its scale")
        };
        let (x, scale, dy) = (slice(seen.inputs[0]), slice(&saved[0]), slice(gradient));
        let shape = &seen.input_shapes[0];
        let (c, plane) = (shape[1], shape[2] * shape[3]);
        let power = self.power();
        let factor = F::of(-2.0 * self.alpha * self.beta / self.size as f64);
        // Each channel's part in its neighbours' gradients, and its own.
        let (mut parts, mut dx) = (fresh(shape), fresh(shape));
        slice_mut(&mut parts)
            .par_chunks_mut(plane)
            .zip(slice_mut(&mut dx).par_chunks_mut(plane))
            .enumerate()
            .for_each(|(i, (parts, dx))| {
                let here = i * plane..(i + 1) * plane;
                let seen = x[here.clone()]
                    .iter()
                    .zip(&scale[here.clone()])
                    .zip(&dy[here]);
                for ((part, d), ((&x, &s), &g)) in parts.iter_mut().zip(dx).zip(seen) {
                    *d = g * power(s);
                    *part = *d * x / s;
                }
            });
        let parts = slice(&parts);
        slice_mut(&mut dx)
            .par_chunks_mut(plane)
            .enumerate()
            .for_each_init(
                || vec![F::zero(); plane],
                |sum, (i, dx)| {
                    sum.fill(F::zero());
                    for j in self.readers(i % c, c) {
                        let part = &parts[(i / c * c + j) * plane..][..plane];
                        for (s, &p) in sum.iter_mut().zip(part) {
                            *s += p;
                        }
                    }
                    let x = &x[i * plane..][..plane];
                    for ((d, &x), &s) in dx.iter_mut().zip(x).zip(sum.iter()) {
                        *d += factor * x * s;
                    }
                },
            );
        Gradients::input(dx)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
