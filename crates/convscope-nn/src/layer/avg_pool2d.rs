//! Average pooling.

use super::pool::{Windows, windows};
use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use rayon::prelude::*;

/// The mean of each window.
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, OH, OW]` with
/// `OH = floor((H + 2 padding - window) / stride) + 1`, rounded up in ceil mode (then the last
/// window must still begin inside the image or its first padding, as in PyTorch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2d {
    windows: Windows,
    count_padding: bool,
}

impl AvgPool2d {
    /// Windows of `window x window` side by side, no padding.
    pub fn new(window: usize) -> AvgPool2d {
        AvgPool2d::rect(window, window)
    }

    /// Windows of another shape, `height x width`.
    pub fn rect(height: usize, width: usize) -> AvgPool2d {
        AvgPool2d {
            windows: Windows::new([height, width]),
            count_padding: true,
        }
    }

    /// Whether the zeros of the padding count in the mean; by default they do, as in PyTorch
    /// (`count_include_pad`). What hangs over the padding in ceil mode never counts.
    pub fn count_padding(mut self, count: bool) -> AvgPool2d {
        self.count_padding = count;
        self
    }

    /// How many rows (`axis` 0) or columns (1) window `o` is divided by.
    fn divisor(&self, axis: usize, o: usize, size: usize) -> usize {
        let start = o * self.windows.stride[axis];
        let [before, after] = self.windows.ends(axis);
        match self.count_padding {
            true => (start + self.windows.size[axis]).min(size + before + after) - start,
            false => self.windows.covered(axis, o, size).len(),
        }
    }

    /// One over the divisors of the windows along an axis.
    fn shares<F: Real>(&self, axis: usize, size: usize, outputs: usize) -> Vec<F> {
        (0..outputs)
            .map(|o| F::one() / F::of(self.divisor(axis, o, size) as f64))
            .collect()
    }
}

windows!(AvgPool2d);

impl<F: Real> Layer<F> for AvgPool2d {
    fn kind(&self) -> &'static str {
        "AvgPool2d"
    }

    fn settings(&self) -> String {
        let padding = match self.windows.pad != [0; 4] && !self.count_padding {
            true => ", padding not counted",
            false => "",
        };
        self.windows.settings() + padding
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("AvgPool2d", single("AvgPool2d", inputs)?)?;
        let [oh, ow] = self.windows.output(h, w)?;
        Ok(vec![c, oh, ow])
    }

    fn window(&self) -> Option<Window> {
        Some(self.windows.as_window())
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::AvgPool {
            windows: self.windows,
            count_padding: self.count_padding,
        }]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("AvgPool2d", inputs)?;
        let [n, c, h, w] = batch_shape("AvgPool2d", x, None)?;
        let [oh, ow] = self.windows.output(h, w)?;
        let (down, across): (Vec<F>, Vec<F>) = (self.shares(0, h, oh), self.shares(1, w, ow));
        let mut y = fresh(&[n, c, oh, ow]);
        slice_mut(&mut y)
            .par_chunks_mut(oh * ow)
            .zip(slice(x).par_chunks(h * w))
            .for_each_init(
                || vec![F::zero(); w],
                |sums, (y, x)| {
                    for ((oy, y), &down) in y.chunks_mut(ow).enumerate().zip(&down) {
                        // Down first, over whole rows; then across.
                        sums.fill(F::zero());
                        for row in self.windows.covered(0, oy, h) {
                            for (s, &v) in sums.iter_mut().zip(&x[row * w..][..w]) {
                                *s += v;
                            }
                        }
                        for ((ox, y), &across) in y.iter_mut().enumerate().zip(&across) {
                            let window = &sums[self.windows.covered(1, ox, w)];
                            *y = window.iter().copied().sum::<F>() * (down * across);
                        }
                    }
                },
            );
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let shape = &seen.input_shapes[0];
        let (h, w) = (shape[2], shape[3]);
        let (oh, ow) = (gradient.shape()[2], gradient.shape()[3]);
        let (down, across): (Vec<F>, Vec<F>) = (self.shares(0, h, oh), self.shares(1, w, ow));
        let mut dx = fresh(shape);
        slice_mut(&mut dx)
            .par_chunks_mut(h * w)
            .zip(slice(gradient).par_chunks(oh * ow))
            .for_each_init(
                || vec![F::zero(); w],
                |spread, (dx, dy)| {
                    dx.fill(F::zero());
                    for ((oy, dy), &down) in dy.chunks(ow).enumerate().zip(&down) {
                        spread.fill(F::zero());
                        for ((ox, &g), &across) in dy.iter().enumerate().zip(&across) {
                            let share = g * (down * across);
                            for s in &mut spread[self.windows.covered(1, ox, w)] {
                                *s += share;
                            }
                        }
                        for row in self.windows.covered(0, oy, h) {
                            for (d, &s) in dx[row * w..][..w].iter_mut().zip(spread.iter()) {
                                *d += s;
                            }
                        }
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
