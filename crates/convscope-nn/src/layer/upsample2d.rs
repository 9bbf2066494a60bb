//! Larger images from smaller ones.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// Makes an image a whole number of times as large (PyTorch's `Upsample`).
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, factor H, factor W]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample2d {
    factor: usize,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Nearest,
    Bilinear { align_corners: bool },
}

/// An output row or column: `(1 - weight)` of one in the input and `weight` of another.
#[derive(Clone, Copy)]
struct Blend<F> {
    first: usize,
    second: usize,
    weight: F,
}

impl Upsample2d {
    /// Every pixel becomes a block of `factor x factor`.
    pub fn nearest(factor: usize) -> Upsample2d {
        Upsample2d {
            factor,
            mode: Mode::Nearest,
        }
    }

    /// A blend of the four nearest pixels. Pixels are squares whose centres lie at halves, as in
    /// image programs (PyTorch's `align_corners=False`).
    pub fn bilinear(factor: usize) -> Upsample2d {
        Upsample2d {
            factor,
            mode: Mode::Bilinear {
                align_corners: false,
            },
        }
    }

    /// Blends so that the centres of the corner pixels of input and output fall together
    /// (PyTorch's `align_corners=True`); of no use to [`Upsample2d::nearest`].
    pub fn align_corners(mut self) -> Upsample2d {
        if let Mode::Bilinear { align_corners } = &mut self.mode {
            *align_corners = true;
        }
        self
    }

    fn blend<F: Real>(&self, o: usize, size: usize) -> Blend<F> {
        let Mode::Bilinear { align_corners } = self.mode else {
            return Blend {
                first: o / self.factor,
                second: o / self.factor,
                weight: F::zero(),
            };
        };
        let outputs = size * self.factor;
        let at = match align_corners {
            true if outputs > 1 => o as f64 * (size - 1) as f64 / (outputs - 1) as f64,
            true => 0.0,
            false => ((o as f64 + 0.5) / self.factor as f64 - 0.5).max(0.0),
        };
        let first = (at as usize).min(size - 1);
        Blend {
            first,
            second: (first + 1).min(size - 1),
            weight: F::of(at - first as f64),
        }
    }

    fn blends<F: Real>(&self, size: usize) -> Vec<Blend<F>> {
        let outputs = 0..size * self.factor;
        outputs.map(|o| self.blend(o, size)).collect()
    }
}

impl<F: Real> Layer<F> for Upsample2d {
    fn kind(&self) -> &'static str {
        "Upsample2d"
    }

    fn settings(&self) -> String {
        let mode = match self.mode {
            Mode::Nearest => "nearest",
            Mode::Bilinear {
                align_corners: false,
            } => "bilinear",
            Mode::Bilinear {
                align_corners: true,
            } => "bilinear, aligned corners",
        };
        format!("{} times, {mode}", self.factor)
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("Upsample2d", single("Upsample2d", inputs)?)?;
        if self.factor == 0 {
            return Err(NnError::Invalid(
                "Upsample2d's factor must be at least 1, got 0".into(),
            ));
        }
        Ok(vec![c, h * self.factor, w * self.factor])
    }

    fn sees(
        &self,
        which: usize,
        inputs: &[Shape],
        axis: usize,
        output: Range<isize>,
    ) -> Range<isize> {
        let size = inputs[which][1 + axis];
        let last = (size * self.factor) as isize - 1;
        let at = |o: isize| self.blend::<f64>(o.clamp(0, last) as usize, size);
        let (first, end) = (at(output.start), at(output.end - 1));
        let reach = if end.weight > 0.0 {
            end.second
        } else {
            end.first
        };
        first.first as isize..reach as isize + 1
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        let (bilinear, align_corners) = match self.mode {
            Mode::Nearest => (false, false),
            Mode::Bilinear { align_corners } => (true, align_corners),
        };
        vec![Operation::Upsample {
            factor: self.factor,
            bilinear,
            align_corners,
        }]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("Upsample2d", inputs)?;
        let [n, c, h, w] = batch_shape("Upsample2d", x, None)?;
        let (rows, columns) = (self.blends::<F>(h), self.blends::<F>(w));
        let (oh, ow) = (rows.len(), columns.len());
        let mut y = fresh(&[n, c, oh, ow]);
        slice_mut(&mut y)
            .par_chunks_mut(oh * ow)
            .zip(slice(x).par_chunks(h * w))
            .for_each(|(y, x)| {
                for (y, row) in y.chunks_mut(ow).zip(&rows) {
                    let (above, below) = (&x[row.first * w..][..w], &x[row.second * w..][..w]);
                    for (y, column) in y.iter_mut().zip(&columns) {
                        let across = |x: &[F]| {
                            let (a, b) = (x[column.first], x[column.second]);
                            a + (b - a) * column.weight
                        };
                        let (a, b) = (across(above), across(below));
                        *y = a + (b - a) * row.weight;
                    }
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let shape = &seen.input_shapes[0];
        let (h, w) = (shape[2], shape[3]);
        let (rows, columns) = (self.blends::<F>(h), self.blends::<F>(w));
        let (oh, ow) = (rows.len(), columns.len());
        let mut dx = Tensor::zeros(IxDyn(shape));
        slice_mut(&mut dx)
            .par_chunks_mut(h * w)
            .zip(slice(gradient).par_chunks(oh * ow))
            .for_each_init(
                || vec![F::zero(); w],
                |across, (dx, dy)| {
                    for (dy, row) in dy.chunks(ow).zip(&rows) {
                        across.fill(F::zero());
                        for (&g, column) in dy.iter().zip(&columns) {
                            across[column.first] += g * (F::one() - column.weight);
                            across[column.second] += g * column.weight;
                        }
                        for (line, weight) in
                            [(row.first, F::one() - row.weight), (row.second, row.weight)]
                        {
                            for (d, &g) in dx[line * w..][..w].iter_mut().zip(across.iter()) {
                                *d += g * weight;
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
