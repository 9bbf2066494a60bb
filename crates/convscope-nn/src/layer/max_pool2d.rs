//! Max pooling, with the switches that its backward pass (and a deconvnet) follows.

use super::*;
use crate::conv::window_count;
use crate::parallel::{slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// The largest value in each window; on a tie the first, row by row.
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, OH, OW]` with `OH = floor((H - window) / stride) + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    window: usize,
    stride: usize,
}

impl MaxPool2d {
    /// Windows of `window x window` side by side.
    pub fn new(window: usize) -> MaxPool2d {
        MaxPool2d {
            window,
            stride: window,
        }
    }

    /// The step between windows; smaller than the window, they overlap.
    pub fn stride(mut self, stride: usize) -> MaxPool2d {
        self.stride = stride;
        self
    }
}

pub(super) fn pooled_size(h: usize, w: usize, window: usize, stride: usize) -> Result<[usize; 2]> {
    Ok([
        window_count(h, window, stride, 0, "height")?,
        window_count(w, window, stride, 0, "width")?,
    ])
}

impl<F: Real> Layer<F> for MaxPool2d {
    fn kind(&self) -> &'static str {
        "MaxPool2d"
    }

    fn settings(&self) -> String {
        format!("window {0}x{0}, stride {1}", self.window, self.stride)
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("MaxPool2d", single("MaxPool2d", inputs)?)?;
        let [oh, ow] = pooled_size(h, w, self.window, self.stride)?;
        Ok(vec![c, oh, ow])
    }

    fn window(&self) -> Option<Window> {
        Some(Window {
            size: [self.window; 2],
            stride: [self.stride; 2],
            pad: [0; 2],
        })
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("MaxPool2d", inputs)?;
        let [n, c, h, w] = batch_shape("MaxPool2d", x, None)?;
        let [oh, ow] = pooled_size(h, w, self.window, self.stride)?;
        let mut y = Tensor::zeros(IxDyn(&[n, c, oh, ow]));
        let mut switches = vec![0; y.len()];
        slice_mut(&mut y)
            .par_chunks_mut(oh * ow)
            .zip(switches.par_chunks_mut(oh * ow))
            .zip(slice(x).par_chunks(h * w))
            .for_each(|((y, switches), x)| {
                for oy in 0..oh {
                    for ox in 0..ow {
                        let (top, left) = (oy * self.stride, ox * self.stride);
                        let mut best = top * w + left;
                        for row in top..top + self.window {
                            for i in row * w + left..row * w + left + self.window {
                                // A NaN wins, so that it is not hidden.
                                if x[i] > x[best] || (x[i].is_nan() && !x[best].is_nan()) {
                                    best = i;
                                }
                            }
                        }
                        y[oy * ow + ox] = x[best];
                        switches[oy * ow + ox] = best as u32;
                    }
                }
            });
        Ok((y, Saved::Switches(switches)))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let Saved::Switches(switches) = seen.saved else {
            unreachable!("max pooling saves its switches")
        };
        let shape = &seen.input_shapes[0];
        let (plane, pooled) = (
            shape[2] * shape[3],
            gradient.shape()[2] * gradient.shape()[3],
        );
        let mut dx = Tensor::zeros(IxDyn(shape));
        slice_mut(&mut dx)
            .par_chunks_mut(plane)
            .zip(slice(gradient).par_chunks(pooled))
            .zip(switches.par_chunks(pooled))
            .for_each(|((dx, dy), switches)| {
                for (&g, &i) in dy.iter().zip(switches) {
                    dx[i as usize] += g;
                }
            });
        Gradients::input(dx)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
