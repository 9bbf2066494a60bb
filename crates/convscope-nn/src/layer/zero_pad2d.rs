//! Zeros around an image.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// Puts rows and columns of zeros around an image.
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, C, top + H + bottom, left + W + right]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroPad2d {
    /// Top, bottom, left and right.
    sides: [usize; 4],
}

impl ZeroPad2d {
    /// This many on every side.
    pub fn new(width: usize) -> ZeroPad2d {
        ZeroPad2d { sides: [width; 4] }
    }

    /// Top, bottom, left and right, in the order of [`Padding::Sides`].
    pub fn sides(sides: [usize; 4]) -> ZeroPad2d {
        ZeroPad2d { sides }
    }

    fn padded(&self, h: usize, w: usize) -> [usize; 2] {
        let [top, bottom, left, right] = self.sides;
        [top + h + bottom, left + w + right]
    }
}

impl<F: Real> Layer<F> for ZeroPad2d {
    fn kind(&self) -> &'static str {
        "ZeroPad2d"
    }

    fn settings(&self) -> String {
        let [top, bottom, left, right] = self.sides;
        format!("top {top}, bottom {bottom}, left {left}, right {right}")
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("ZeroPad2d", single("ZeroPad2d", inputs)?)?;
        let [h, w] = self.padded(h, w);
        Ok(vec![c, h, w])
    }

    fn window(&self) -> Option<Window> {
        Some(Window {
            size: [1; 2],
            stride: [1; 2],
            pad: [self.sides[0], self.sides[2]],
        })
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("ZeroPad2d", inputs)?;
        let [n, c, h, w] = batch_shape("ZeroPad2d", x, None)?;
        let [oh, ow] = self.padded(h, w);
        let [top, _, left, _] = self.sides;
        let mut y = Tensor::zeros(IxDyn(&[n, c, oh, ow]));
        slice_mut(&mut y)
            .par_chunks_mut(oh * ow)
            .zip(slice(x).par_chunks(h * w))
            .for_each(|(y, x)| {
                for (y, x) in y.chunks_mut(ow).skip(top).zip(x.chunks(w)) {
                    y[left..left + w].copy_from_slice(x);
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let shape = &seen.input_shapes[0];
        let (h, w) = (shape[2], shape[3]);
        let [oh, ow] = self.padded(h, w);
        let [top, _, left, _] = self.sides;
        let mut dx = fresh(shape);
        slice_mut(&mut dx)
            .par_chunks_mut(h * w)
            .zip(slice(gradient).par_chunks(oh * ow))
            .for_each(|(dx, dy)| {
                for (dx, dy) in dx.chunks_mut(w).zip(dy.chunks(ow).skip(top)) {
                    dx.copy_from_slice(&dy[left..left + w]);
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
