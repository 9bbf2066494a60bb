//! Average pooling.

use super::max_pool2d::pooled_size;
use super::*;
use crate::parallel::{slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// The mean of each window.
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, OH, OW]` with `OH = floor((H - window) / stride) + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2d {
    window: usize,
    stride: usize,
}

impl AvgPool2d {
    /// Windows of `window x window` side by side.
    pub fn new(window: usize) -> AvgPool2d {
        AvgPool2d {
            window,
            stride: window,
        }
    }

    /// The step between windows; smaller than the window, they overlap.
    pub fn stride(mut self, stride: usize) -> AvgPool2d {
        self.stride = stride;
        self
    }

    /// Calls `visit(output index, input index)` for every element of every window of a plane.
    fn each(&self, [oh, ow]: [usize; 2], w: usize, mut visit: impl FnMut(usize, usize)) {
        for oy in 0..oh {
            for ox in 0..ow {
                let (top, left) = (oy * self.stride, ox * self.stride);
                for row in top..top + self.window {
                    for column in left..left + self.window {
                        visit(oy * ow + ox, row * w + column);
                    }
                }
            }
        }
    }
}

impl<F: Real> Layer<F> for AvgPool2d {
    fn kind(&self) -> &'static str {
        "AvgPool2d"
    }

    fn settings(&self) -> String {
        format!("window {0}x{0}, stride {1}", self.window, self.stride)
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("AvgPool2d", single("AvgPool2d", inputs)?)?;
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
        let x = *single("AvgPool2d", inputs)?;
        let [n, c, h, w] = batch_shape("AvgPool2d", x, None)?;
        let [oh, ow] = pooled_size(h, w, self.window, self.stride)?;
        let share = F::one() / F::of((self.window * self.window) as f64);
        let mut y = Tensor::zeros(IxDyn(&[n, c, oh, ow]));
        slice_mut(&mut y)
            .par_chunks_mut(oh * ow)
            .zip(slice(x).par_chunks(h * w))
            .for_each(|(y, x)| {
                self.each([oh, ow], w, |o, i| y[o] += x[i]);
                for v in y {
                    *v *= share;
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let shape = &seen.input_shapes[0];
        let (h, w) = (shape[2], shape[3]);
        let (oh, ow) = (gradient.shape()[2], gradient.shape()[3]);
        let share = F::one() / F::of((self.window * self.window) as f64);
        let mut dx = Tensor::zeros(IxDyn(shape));
        slice_mut(&mut dx)
            .par_chunks_mut(h * w)
            .zip(slice(gradient).par_chunks(oh * ow))
            .for_each(|(dx, dy)| self.each([oh, ow], w, |o, i| dx[i] += dy[o] * share));
        Gradients::input(dx)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
