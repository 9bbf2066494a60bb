//! Average pooling to a size of output, whatever the input's; to a single number, global average
//! pooling.

use super::*;
use crate::parallel::{fresh, slice, slice_mut, sum};
use ndarray::IxDyn;
use rayon::prelude::*;

/// The means of as many bins as the output has places: along an axis, bin `i` of `n` covers
/// `floor(i size / n) .. ceil((i + 1) size / n)`, so bins overlap where they do not divide the
/// image (PyTorch's bins).
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveAvgPool2d {
    output: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// An output of `height x width`.
    pub fn new(height: usize, width: usize) -> AdaptiveAvgPool2d {
        AdaptiveAvgPool2d {
            output: [height, width],
        }
    }
}

/// The mean of each channel (Lin, Chen and Yan 2014).
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, 1, 1]`: a [`Flatten`] makes a vector of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalAvgPool2d;

fn bin(i: usize, bins: usize, size: usize) -> Range<usize> {
    i * size / bins..((i + 1) * size).div_ceil(bins)
}

fn forward<F: Real>(x: &Tensor<F>, kind: &str, [oh, ow]: [usize; 2]) -> Result<Tensor<F>> {
    let [n, c, h, w] = batch_shape(kind, x, None)?;
    let mut y = fresh(&[n, c, oh, ow]);
    slice_mut(&mut y)
        .par_chunks_mut(oh * ow)
        .zip(slice(x).par_chunks(h * w))
        .for_each(|(y, x)| {
            for (i, y) in y.iter_mut().enumerate() {
                let (rows, columns) = (bin(i / ow, oh, h), bin(i % ow, ow, w));
                let share = F::one() / F::of((rows.len() * columns.len()) as f64);
                *y = share
                    * match columns.len() == w {
                        true => sum(&x[rows.start * w..rows.end * w]),
                        false => rows
                            .map(|row| sum(&x[row * w..][..w][columns.clone()]))
                            .sum(),
                    };
            }
        });
    Ok(y)
}

fn backward<F: Real>(shape: &[usize], gradient: &Tensor<F>) -> Gradients<F> {
    let (h, w) = (shape[2], shape[3]);
    let (oh, ow) = (gradient.shape()[2], gradient.shape()[3]);
    let mut dx = Tensor::zeros(IxDyn(shape));
    slice_mut(&mut dx)
        .par_chunks_mut(h * w)
        .zip(slice(gradient).par_chunks(oh * ow))
        .for_each(|(dx, dy)| {
            for (i, &g) in dy.iter().enumerate() {
                let (rows, columns) = (bin(i / ow, oh, h), bin(i % ow, ow, w));
                let share = g / F::of((rows.len() * columns.len()) as f64);
                for row in rows {
                    for d in &mut dx[row * w..][..w][columns.clone()] {
                        *d += share;
                    }
                }
            }
        });
    Gradients::input(dx)
}

macro_rules! adaptive {
    ($layer:ty, $kind:literal, $operation:expr, $output:expr, $settings:expr) => {
        impl<F: Real> Layer<F> for $layer {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn settings(&self) -> String {
                let settings: fn(&$layer) -> String = $settings;
                settings(self)
            }

            fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
                let [c, h, w] = image_shape($kind, single($kind, inputs)?)?;
                let output: fn(&$layer) -> [usize; 2] = $output;
                let [oh, ow] = output(self);
                if [c, h, w, oh, ow].contains(&0) {
                    return Err(NnError::Invalid(format!(
                        "{} needs sizes of at least 1, got an image of {c}x{h}x{w} and an output of {oh}x{ow}",
                        $kind
                    )));
                }
                Ok(vec![c, oh, ow])
            }

            fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
                let operation: fn(&$layer) -> Operation = $operation;
                vec![operation(self)]
            }

            fn sees(
                &self,
                which: usize,
                inputs: &[Shape],
                axis: usize,
                units: Range<isize>,
            ) -> Range<isize> {
                let output: fn(&$layer) -> [usize; 2] = $output;
                let (bins, size) = (output(self)[axis], inputs[which][1 + axis]);
                let at = |i: isize| bin(i.clamp(0, bins as isize - 1) as usize, bins, size);
                at(units.start).start as isize..at(units.end - 1).end as isize
            }

            fn needs(&self) -> Needs {
                Needs::default()
            }

            fn forward(
                &self,
                inputs: &[&Tensor<F>],
                _pass: &Pass,
            ) -> Result<(Tensor<F>, Saved<F>)> {
                let output: fn(&$layer) -> [usize; 2] = $output;
                let y = forward(single($kind, inputs)?, $kind, output(self))?;
                Ok((y, Saved::Nothing))
            }

            fn backward(
                &self,
                seen: &Seen<'_, F>,
                gradient: &Tensor<F>,
                _want: Want,
            ) -> Gradients<F> {
                backward(&seen.input_shapes[0], gradient)
            }

            fn to_f64(&self) -> Box<dyn Layer<f64>> {
                Box::new(*self)
            }

            fn boxed(&self) -> Box<dyn Layer<F>> {
                Box::new(*self)
            }
        }
    };
}

adaptive!(
    AdaptiveAvgPool2d,
    "AdaptiveAvgPool2d",
    |layer| Operation::AdaptiveAvgPool(layer.output),
    |layer| layer.output,
    |layer| format!("to {}x{}", layer.output[0], layer.output[1])
);
adaptive!(
    GlobalAvgPool2d,
    "GlobalAvgPool2d",
    |_| Operation::GlobalAvgPool,
    |_| [1, 1],
    |_| String::new()
);
