//! The arithmetic of batch norm, for any number of values per channel.

use super::moments::{Moments, column_dots, dots};
use crate::conv::with_all_instructions;
use crate::error::{NnError, Result};
use crate::layer::{Gradients, Pass, Saved, Seen, Want, cast};
use crate::parallel::{fresh, slice, slice_mut};
use crate::real::{Real, Tensor};
use ndarray::IxDyn;
use rayon::prelude::*;

/// What both kinds of batch norm hold.
#[derive(Clone, Debug)]
pub(super) struct Norm<F: Real> {
    pub(super) eps: f64,
    pub(super) momentum: f64,
    pub(super) weight: Tensor<F>,
    pub(super) bias: Tensor<F>,
    pub(super) running_mean: Tensor<F>,
    pub(super) running_var: Tensor<F>,
}

/// One example's channel in a batch: `inner` numbers at `(n * channels + c) * inner`.
#[derive(Clone, Copy)]
pub(super) struct Layout {
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
    #[inline(always)]
    fn write(&self, x: &[F], y: &mut [F]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x - self.mean) * self.scale + self.shift;
        }
    }
}

/// What is done to the gradient of one channel: `scale (dy - a - (x - mean) b)`, where mean and
/// variance are the batch's; else `scale dy`.
#[derive(Clone, Copy)]
struct Back<F> {
    mean: F,
    scale: F,
    a: F,
    b: F,
}

impl<F: Real> Back<F> {
    #[inline(always)]
    fn gradient(&self, batch: bool, dy: F, x: F) -> F {
        match batch {
            true => self.scale * (dy - self.a - (x - self.mean) * self.b),
            false => self.scale * dy,
        }
    }

    #[inline(always)]
    fn write(&self, batch: bool, x: &[F], dy: &mut [F]) {
        match batch {
            true => {
                for (dy, &x) in dy.iter_mut().zip(x) {
                    *dy = self.gradient(true, *dy, x);
                }
            }
            // The input need not be read.
            false => dy.iter_mut().for_each(|dy| *dy *= self.scale),
        }
    }
}

/// `y` from `x`, image by image.
fn write<F: Real>(layout: Layout, channels: &[Affine<F>], x: &[F], y: &mut [F]) {
    let image = layout.channels * layout.inner;
    y.par_chunks_mut(image)
        .zip(x.par_chunks(image))
        .for_each(|(y, x)| {
            if layout.inner == 1 {
                for ((y, &x), a) in y.iter_mut().zip(x).zip(channels) {
                    *y = (x - a.mean) * a.scale + a.shift;
                }
                return;
            }
            with_all_instructions(|| {
                let planes = y.chunks_mut(layout.inner).zip(x.chunks(layout.inner));
                for ((y, x), affine) in planes.zip(channels) {
                    affine.write(x, y);
                }
            });
        });
}

impl Norm<f32> {
    pub(super) fn new() -> Norm<f32> {
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
    pub(super) fn build(&mut self, kind: &str, channels: usize) -> Result<()> {
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

    pub(super) fn check(&self, kind: &str, x: &Tensor<F>, dims: &[usize]) -> Result<Layout> {
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

    fn training(&self, c: usize, moments: &Moments) -> Affine<F> {
        Affine {
            mean: F::of(moments.mean),
            scale: F::of(self.weight[c].as_f64() * self.inverse_std(moments)),
            shift: self.bias[c],
        }
    }

    pub(super) fn infer_into(&self, layout: Layout, mut x: Tensor<F>) -> Tensor<F> {
        let channels: Vec<_> = (0..layout.channels).map(|c| self.inference(c)).collect();
        slice_mut(&mut x)
            .par_chunks_mut(layout.channels * layout.inner)
            .for_each(|x| {
                with_all_instructions(|| {
                    for (x, a) in x.chunks_mut(layout.inner).zip(&channels) {
                        for v in x {
                            *v = (*v - a.mean) * a.scale + a.shift;
                        }
                    }
                });
            });
        x
    }

    pub(super) fn forward(
        &self,
        kind: &str,
        layout: Layout,
        x: &Tensor<F>,
        pass: &Pass,
    ) -> Result<(Tensor<F>, Saved<F>)> {
        let mut y = fresh(x.shape());
        if !pass.batch_statistics {
            let channels: Vec<_> = (0..layout.channels).map(|c| self.inference(c)).collect();
            write(layout, &channels, slice(x), slice_mut(&mut y));
            return Ok((y, Saved::Nothing));
        }
        if layout.count() < 2 {
            return Err(NnError::shape(
                format!("{kind}'s input in training"),
                "more than one number per channel, since one has no variance",
                x.shape(),
            ));
        }
        let x = slice(x);
        let moments = if layout.inner == 1 {
            let moments = Moments::of_columns(x, layout.channels);
            let channels = moments.iter().enumerate().map(|(c, m)| self.training(c, m));
            let channels: Vec<_> = channels.collect();
            write(layout, &channels, x, slice_mut(&mut y));
            moments
        } else {
            // A channel is read for its moments and, while it is still in the cache, once more.
            layout
                .parts_mut(slice_mut(&mut y))
                .into_par_iter()
                .enumerate()
                .map(|(c, y)| {
                    with_all_instructions(|| {
                        let moments = Moments::of(layout.parts(x, c), layout.inner);
                        let affine = self.training(c, &moments);
                        for (y, x) in y.into_iter().zip(layout.parts(x, c)) {
                            affine.write(x, y);
                        }
                        moments
                    })
                })
                .collect()
        };
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
    pub(super) fn backward(
        &self,
        seen: &Seen<'_, F>,
        mut dy: Tensor<F>,
        want: Want,
    ) -> Gradients<F> {
        let layout = Layout::of(dy.shape());
        let x = slice(seen.inputs[0]);
        let batch = match seen.saved {
            Saved::Tensors(saved) => Some(saved),
            _ => None,
        };
        let way = |c: usize| match batch {
            Some(saved) => (saved[0][c], saved[1][c].as_f64()),
            None => {
                let variance = self.running_var[c].as_f64();
                (self.running_mean[c], 1.0 / (variance + self.eps).sqrt())
            }
        };
        // Of the sums of dy and of dy (x - mean): how a channel goes back, dw and db.
        let solve = |c: usize, (db, product): (f64, f64)| {
            let (mean, inverse_std) = way(c);
            let dw = product * inverse_std;
            let share = inverse_std / layout.count() as f64;
            let back = Back {
                mean,
                scale: F::of(self.weight[c].as_f64() * inverse_std),
                a: F::of(db / layout.count() as f64),
                b: F::of(dw * share),
            };
            (back, (F::of(dw), F::of(db)))
        };
        let sums: Vec<(F, F)> = if layout.inner == 1 {
            let means: Vec<F> = (0..layout.channels).map(|c| way(c).0).collect();
            let sums = column_dots(slice(&dy), x, &means);
            let solved = sums.into_iter().enumerate().map(|(c, s)| solve(c, s));
            let (backs, found): (Vec<_>, Vec<_>) = solved.unzip();
            for (dy, x) in slice_mut(&mut dy)
                .chunks_mut(layout.channels)
                .zip(x.chunks(layout.channels))
            {
                for ((dy, &x), back) in dy.iter_mut().zip(x).zip(&backs) {
                    *dy = back.gradient(batch.is_some(), *dy, x);
                }
            }
            found
        } else {
            layout
                .parts_mut(slice_mut(&mut dy))
                .into_par_iter()
                .enumerate()
                .map(|(c, mut dy)| {
                    let sums = if want.parameters || batch.is_some() {
                        let pairs = dy.iter().map(|dy| &**dy).zip(layout.parts(x, c));
                        with_all_instructions(|| dots(pairs, way(c).0))
                    } else {
                        (0.0, 0.0)
                    };
                    let (back, found) = solve(c, sums);
                    with_all_instructions(|| {
                        for (dy, x) in dy.iter_mut().zip(layout.parts(x, c)) {
                            back.write(batch.is_some(), x, dy);
                        }
                    });
                    found
                })
                .collect()
        };
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

    pub(super) fn learn_statistics(&mut self, saved: &Saved<F>) {
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

    pub(super) fn to_f64(&self) -> Norm<f64> {
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
