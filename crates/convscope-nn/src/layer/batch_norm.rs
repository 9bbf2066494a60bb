//! Batch normalisation, of images and of vectors.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use moments::{Moments, dots};
use ndarray::IxDyn;
use rayon::prelude::*;

mod moments;

/// What both kinds of batch norm hold.
#[derive(Clone, Debug)]
struct Norm<F: Real> {
    eps: f64,
    momentum: f64,
    weight: Tensor<F>,
    bias: Tensor<F>,
    running_mean: Tensor<F>,
    running_var: Tensor<F>,
}

/// One example's channel in a batch: `inner` numbers at `(n * channels + c) * inner`.
#[derive(Clone, Copy)]
struct Layout {
    batch: usize,
    channels: usize,
    inner: usize,
}

impl Layout {
    fn of(shape: &[usize]) -> Layout {
        Layout {
            batch: shape[0],
            channels: shape[1],
            inner: shape[2..].iter().product(),
        }
    }

    /// How many numbers a channel has in the whole batch.
    fn count(&self) -> usize {
        self.batch * self.inner
    }

    /// The parts of one channel.
    fn parts<'a, F>(
        self,
        x: &'a [F],
        c: usize,
    ) -> impl Iterator<Item = &'a [F]> + Clone + use<'a, F> {
        (0..self.batch).map(move |n| &x[(n * self.channels + c) * self.inner..][..self.inner])
    }

    /// The parts of every channel, to be written.
    fn parts_mut<F>(self, x: &mut [F]) -> Vec<Vec<&mut [F]>> {
        let mut parts: Vec<_> = (0..self.channels)
            .map(|_| Vec::with_capacity(self.batch))
            .collect();
        for image in x.chunks_mut(self.channels * self.inner) {
            for (parts, plane) in parts.iter_mut().zip(image.chunks_mut(self.inner)) {
                parts.push(plane);
            }
        }
        parts
    }
}

/// What is done to one channel: `(x - mean) * scale + shift`.
#[derive(Clone, Copy)]
struct Affine<F> {
    mean: F,
    scale: F,
    shift: F,
}

impl<F: Real> Affine<F> {
    fn write(&self, x: &[F], y: &mut [F]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x - self.mean) * self.scale + self.shift;
        }
    }
}

impl Norm<f32> {
    fn new() -> Norm<f32> {
        let none = || Tensor::zeros(IxDyn(&[0]));
        Norm {
            eps: 1e-5,
            momentum: 0.1,
            weight: none(),
            bias: none(),
            running_mean: none(),
            running_var: none(),
        }
    }
}

impl<F: Real> Norm<F> {
    fn build(&mut self, kind: &str, channels: usize) -> Result<()> {
        if !(self.eps > 0.0 && self.eps.is_finite() && (0.0..=1.0).contains(&self.momentum)) {
            return Err(NnError::Invalid(format!(
                "{kind} needs a positive eps and a momentum from 0 to 1, got {} and {}",
                self.eps, self.momentum
            )));
        }
        let shape = IxDyn(&[channels]);
        self.weight = Tensor::ones(shape.clone());
        self.bias = Tensor::zeros(shape.clone());
        self.running_mean = Tensor::zeros(shape.clone());
        self.running_var = Tensor::ones(shape);
        Ok(())
    }

    fn check(&self, kind: &str, x: &Tensor<F>, dims: &[usize]) -> Result<Layout> {
        let channels = self.weight.len();
        if !dims.contains(&x.ndim()) || x.shape()[1] != channels {
            return Err(NnError::shape(
                format!("{kind}'s input"),
                format!("a batch of {channels} channels, [batch, {channels}, ...]"),
                x.shape(),
            ));
        }
        Ok(Layout::of(x.shape()))
    }

    fn inference(&self, c: usize) -> Affine<F> {
        let variance = self.running_var[c].as_f64();
        Affine {
            mean: self.running_mean[c],
            scale: F::of(self.weight[c].as_f64() / (variance + self.eps).sqrt()),
            shift: self.bias[c],
        }
    }

    fn infer_into(&self, layout: Layout, mut x: Tensor<F>) -> Tensor<F> {
        let channels: Vec<_> = (0..layout.channels).map(|c| self.inference(c)).collect();
        slice_mut(&mut x)
            .par_chunks_mut(layout.channels * layout.inner)
            .for_each(|x| {
                for (x, a) in x.chunks_mut(layout.inner).zip(&channels) {
                    for v in x {
                        *v = (*v - a.mean) * a.scale + a.shift;
                    }
                }
            });
        x
    }

    fn forward(
        &self,
        kind: &str,
        layout: Layout,
        x: &Tensor<F>,
        pass: &Pass,
    ) -> Result<(Tensor<F>, Saved<F>)> {
        let mut y = fresh(x.shape());
        if !pass.batch_statistics {
            let channels: Vec<_> = (0..layout.channels).map(|c| self.inference(c)).collect();
            let image = layout.channels * layout.inner;
            slice_mut(&mut y)
                .par_chunks_mut(image)
                .zip(slice(x).par_chunks(image))
                .for_each(|(y, x)| {
                    let planes = y.chunks_mut(layout.inner).zip(x.chunks(layout.inner));
                    for ((y, x), affine) in planes.zip(&channels) {
                        affine.write(x, y);
                    }
                });
            return Ok((y, Saved::Nothing));
        }
        let count = layout.count();
        if count < 2 {
            return Err(NnError::shape(
                format!("{kind}'s input in training"),
                "more than one number per channel, since one has no variance",
                x.shape(),
            ));
        }
        let x = slice(x);
        // A channel is read for its moments and, while it is still in the cache, once more.
        let moments: Vec<Moments> = layout
            .parts_mut(slice_mut(&mut y))
            .into_par_iter()
            .enumerate()
            .map(|(c, y)| {
                let moments = Moments::of(layout.parts(x, c), layout.inner);
                let affine = Affine {
                    mean: F::of(moments.mean),
                    scale: F::of(self.weight[c].as_f64() * self.inverse_std(&moments)),
                    shift: self.bias[c],
                };
                for (y, x) in y.into_iter().zip(layout.parts(x, c)) {
                    affine.write(x, y);
                }
                moments
            })
            .collect();
        let gather = |f: &dyn Fn(&Moments) -> f64| moments.iter().map(|m| F::of(f(m))).collect();
        let saved = vec![
            gather(&|m| m.mean),
            gather(&|m| self.inverse_std(m)),
            gather(&|m| m.squares / (m.count - 1.0)),
        ];
        let saved = saved.into_iter().map(|v: ndarray::Array1<F>| v.into_dyn());
        Ok((y, Saved::Tensors(saved.collect())))
    }

    fn inverse_std(&self, moments: &Moments) -> f64 {
        1.0 / (moments.squares / moments.count + self.eps).sqrt()
    }

    /// With `x^ = (x - mean) / std` and `m` numbers a channel, `db = sum dy`, `dw = sum dy x^` and
    /// `dx = w / std (dy - db / m - x^ dw / m)`; in inference, where mean and std are constants,
    /// `dx = w / std dy` (Ioffe and Szegedy 2015, section 3).
    fn backward(&self, seen: &Seen<'_, F>, mut dy: Tensor<F>, want: Want) -> Gradients<F> {
        let layout = Layout::of(dy.shape());
        let x = slice(seen.inputs[0]);
        let batch = match seen.saved {
            Saved::Tensors(saved) => Some(saved),
            _ => None,
        };
        let count = layout.count() as f64;
        let sums: Vec<(F, F)> = layout
            .parts_mut(slice_mut(&mut dy))
            .into_par_iter()
            .enumerate()
            .map(|(c, mut dy)| {
                let (mean, inverse_std) = match batch {
                    Some(saved) => (saved[0][c], saved[1][c].as_f64()),
                    None => {
                        let variance = self.running_var[c].as_f64();
                        (self.running_mean[c], 1.0 / (variance + self.eps).sqrt())
                    }
                };
                let (mut db, mut dw) = (0.0, 0.0);
                if want.parameters || batch.is_some() {
                    for (dy, x) in dy.iter().zip(layout.parts(x, c)) {
                        let (sum, product) = dots(dy, x, mean);
                        db += sum;
                        dw += product * inverse_std;
                    }
                }
                let scale = F::of(self.weight[c].as_f64() * inverse_std);
                if batch.is_some() {
                    let (a, b) = (F::of(db / count), F::of(dw * inverse_std / count));
                    for (dy, x) in dy.iter_mut().zip(layout.parts(x, c)) {
                        for (dy, &x) in dy.iter_mut().zip(x) {
                            *dy = scale * (*dy - a - (x - mean) * b);
                        }
                    }
                } else {
                    dy.iter_mut()
                        .flat_map(|dy| dy.iter_mut())
                        .for_each(|dy| *dy *= scale);
                }
                (F::of(dw), F::of(db))
            })
            .collect();
        let (dw, db): (Vec<F>, Vec<F>) = sums.into_iter().unzip();
        let mut gradients = Gradients::input(dy);
        if want.parameters {
            gradients.parameters = vec![
                ndarray::Array1::from(dw).into_dyn(),
                ndarray::Array1::from(db).into_dyn(),
            ];
        }
        gradients
    }

    fn learn_statistics(&mut self, saved: &Saved<F>) {
        let Saved::Tensors(saved) = saved else {
            return;
        };
        let (keep, take) = (F::of(1.0 - self.momentum), F::of(self.momentum));
        for (running, new) in [
            (&mut self.running_mean, &saved[0]),
            (&mut self.running_var, &saved[2]),
        ] {
            running.zip_mut_with(new, |r, &n| *r = keep * *r + take * n);
        }
    }

    fn to_f64(&self) -> Norm<f64> {
        Norm {
            eps: self.eps,
            momentum: self.momentum,
            weight: cast(&self.weight),
            bias: cast(&self.bias),
            running_mean: cast(&self.running_mean),
            running_var: cast(&self.running_var),
        }
    }
}

macro_rules! batch_norm {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $channels:expr, $dims:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<F: Real = f32> {
            norm: Norm<F>,
        }

        impl Default for $name {
            fn default() -> $name {
                $name::new()
            }
        }

        impl $name {
            /// With eps 1e-5 and momentum 0.1, as in PyTorch.
            pub fn new() -> $name {
                $name { norm: Norm::new() }
            }

            /// Added to the variance before its root is taken, against a division by zero.
            pub fn eps(mut self, eps: f64) -> $name {
                self.norm.eps = eps;
                self
            }

            /// The share of the newest batch in the running statistics. (Keras counts the other
            /// way: its momentum of 0.99 is 0.01 here.)
            pub fn momentum(mut self, momentum: f64) -> $name {
                self.norm.momentum = momentum;
                self
            }
        }

        impl<F: Real> Layer<F> for $name<F> {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn settings(&self) -> String {
                format!("eps {}, momentum {}", self.norm.eps, self.norm.momentum)
            }

            fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
                let shape = single($kind, inputs)?;
                let channels: fn(&[usize]) -> Result<usize> = $channels;
                self.norm.build($kind, channels(shape)?)?;
                Ok(shape.clone())
            }

            fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
                vec![("weight", &self.norm.weight), ("bias", &self.norm.bias)]
            }

            fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
                vec![("weight", &mut self.norm.weight), ("bias", &mut self.norm.bias)]
            }

            fn buffers(&self) -> Vec<(&'static str, &Tensor<F>)> {
                vec![
                    ("running_mean", &self.norm.running_mean),
                    ("running_var", &self.norm.running_var),
                ]
            }

            fn buffers_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
                vec![
                    ("running_mean", &mut self.norm.running_mean),
                    ("running_var", &mut self.norm.running_var),
                ]
            }

            fn learn_statistics(&mut self, saved: &Saved<F>) {
                self.norm.learn_statistics(saved);
            }

            fn needs(&self) -> Needs {
                Needs {
                    input: true,
                    output: false,
                }
            }

            fn forward(&self, inputs: &[&Tensor<F>], pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
                let x = *single($kind, inputs)?;
                let layout = self.norm.check($kind, x, &$dims)?;
                self.norm.forward($kind, layout, x, pass)
            }

            fn forward_into(&self, x: Tensor<F>, pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
                let layout = self.norm.check($kind, &x, &$dims)?;
                match pass.batch_statistics {
                    true => self.norm.forward($kind, layout, &x, pass),
                    false => Ok((self.norm.infer_into(layout, x), Saved::Nothing)),
                }
            }

            fn backward(
                &self,
                seen: &Seen<'_, F>,
                gradient: &Tensor<F>,
                want: Want,
            ) -> Gradients<F> {
                self.norm.backward(seen, gradient.clone(), want)
            }

            fn backward_into(
                &self,
                seen: &Seen<'_, F>,
                gradient: Tensor<F>,
                want: Want,
            ) -> Gradients<F> {
                self.norm.backward(seen, gradient, want)
            }

            fn to_f64(&self) -> Box<dyn Layer<f64>> {
                Box::new($name {
                    norm: self.norm.to_f64(),
                })
            }

            fn boxed(&self) -> Box<dyn Layer<F>> {
                Box::new(self.clone())
            }
        }
    };
}

batch_norm!(
    /// Makes each channel's values over the batch have mean 0 and variance 1, then scales and
    /// shifts them by what it learns, `weight` and `bias` (Ioffe and Szegedy 2015).
    ///
    /// A pass of training normalises by the batch's own mean and (biased) variance, and the step
    /// after it moves `running_mean` and `running_var` (unbiased) a tenth of the way towards them;
    /// inference normalises by these. PyTorch's conventions, names and defaults. The gradient goes
    /// through the batch's statistics.
    ///
    /// # Shapes
    /// `[N, C, H, W]`, input and output alike; weight, bias and both buffers `[C]`.
    ///
    /// # Errors
    /// In training, when a channel has a single number in the batch.
    BatchNorm2d,
    "BatchNorm2d",
    |shape| image_shape("BatchNorm2d", shape).map(|[c, _, _]| c),
    [4]
);

batch_norm!(
    /// [`BatchNorm2d`] for vectors: every feature is normalised over the batch.
    ///
    /// # Shapes
    /// `[N, D]` or `[N, C, L]`, input and output alike; weight, bias and both buffers `[D]` or
    /// `[C]`.
    ///
    /// # Errors
    /// In training, when a channel has a single number in the batch.
    BatchNorm1d,
    "BatchNorm1d",
    |shape| match *shape {
        [c] | [c, _] => Ok(c),
        _ => Err(NnError::shape(
            "BatchNorm1d's input",
            "a vector [features] or a sequence [channels, length]",
            shape,
        )),
    },
    [2, 3]
);
