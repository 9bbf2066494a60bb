//! Zeros around an image.

use super::*;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;

/// Puts rows and columns of zeros around an image, and channels of zeros before and behind its own.
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, before + C + behind, top + H + bottom, left + W + right]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroPad2d {
    /// Before and behind.
    channels: [usize; 2],
    /// Top, bottom, left and right.
    sides: [usize; 4],
}

impl ZeroPad2d {
    /// This many on every side.
    pub fn new(width: usize) -> ZeroPad2d {
        ZeroPad2d::sides([width; 4])
    }

    /// Top, bottom, left and right, in the order of [`Padding::Sides`].
    pub fn sides(sides: [usize; 4]) -> ZeroPad2d {
        ZeroPad2d {
            channels: [0; 2],
            sides,
        }
    }

    /// Channels of zeros, before the image's own and behind them.
    pub fn channels(mut self, before: usize, behind: usize) -> ZeroPad2d {
        self.channels = [before, behind];
        self
    }

    fn padded(&self, [c, h, w]: [usize; 3]) -> [usize; 3] {
        let [top, bottom, left, right] = self.sides;
        let [before, behind] = self.channels;
        [before + c + behind, top + h + bottom, left + w + right]
    }
}

impl<F: Real> Layer<F> for ZeroPad2d {
    fn kind(&self) -> &'static str {
        "ZeroPad2d"
    }

    fn settings(&self) -> String {
        let [top, bottom, left, right] = self.sides;
        let mut text = format!("top {top}, bottom {bottom}, left {left}, right {right}");
        if let [before, behind] = self.channels
            && self.channels != [0, 0]
        {
            text += &format!(", {before} channels before, {behind} behind");
        }
        text
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let image = image_shape("ZeroPad2d", single("ZeroPad2d", inputs)?)?;
        Ok(self.padded(image).to_vec())
    }

    fn window(&self) -> Option<Window> {
        Some(Window {
            size: [1; 2],
            stride: [1; 2],
            pad: [self.sides[0], self.sides[2]],
        })
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        let ([before, behind], [top, bottom, left, right]) = (self.channels, self.sides);
        vec![Operation::ZeroPad([
            before, behind, top, bottom, left, right,
        ])]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("ZeroPad2d", inputs)?;
        let [n, c, h, w] = batch_shape("ZeroPad2d", x, None)?;
        let [oc, oh, ow] = self.padded([c, h, w]);
        let [top, _, left, _] = self.sides;
        let mut y = Tensor::zeros(IxDyn(&[n, oc, oh, ow]));
        slice_mut(&mut y)
            .par_chunks_mut(oc * oh * ow)
            .zip(slice(x).par_chunks(c * h * w))
            .for_each(|(y, x)| {
                let planes = y.chunks_mut(oh * ow).skip(self.channels[0]);
                for (y, x) in planes.zip(x.chunks(h * w)) {
                    for (y, x) in y.chunks_mut(ow).skip(top).zip(x.chunks(w)) {
                        y[left..left + w].copy_from_slice(x);
                    }
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let shape = &seen.input_shapes[0];
        let (c, h, w) = (shape[1], shape[2], shape[3]);
        let [oc, oh, ow] = self.padded([c, h, w]);
        let [top, _, left, _] = self.sides;
        let mut dx = fresh(shape);
        slice_mut(&mut dx)
            .par_chunks_mut(c * h * w)
            .zip(slice(gradient).par_chunks(oc * oh * ow))
            .for_each(|(dx, dy)| {
                let planes = dy.chunks(oh * ow).skip(self.channels[0]);
                for (dx, dy) in dx.chunks_mut(h * w).zip(planes) {
                    for (dx, dy) in dx.chunks_mut(w).zip(dy.chunks(ow).skip(top)) {
                        dx.copy_from_slice(&dy[left..left + w]);
                    }
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
