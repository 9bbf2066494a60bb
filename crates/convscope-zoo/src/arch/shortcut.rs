//! A shortcut that learns nothing.

use convscope_nn::layer::{Gradients, Layer, Needs, Operation, Saved, Seen, Shape, Want, Window};
use convscope_nn::{NnError, Pass, Real, Result, Tensor};
use ndarray::{Axis, IxDyn, Slice};
use rand_chacha::ChaCha8Rng;

/// The shortcut around a residual block that halves the image and widens it: every second pixel,
/// and channels of zeros for those that are missing, half of them before and half behind (He et al.
/// 2016, section 3.3, option A).
///
/// # Shapes
/// Input `[N, C, H, W]`, output `[N, channels, ceil(H / stride), ceil(W / stride)]`.
///
/// # Errors
/// In building, when the input has more channels than the output, or the stride is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaddedShortcut {
    channels: usize,
    stride: usize,
}

impl PaddedShortcut {
    /// An output of so many channels, of every `stride`th pixel down and across.
    pub fn new(channels: usize, stride: usize) -> PaddedShortcut {
        PaddedShortcut { channels, stride }
    }

    /// Where the input's channels lie in the output.
    fn place(&self, channels: usize) -> Slice {
        let first = (self.channels - channels) / 2;
        Slice::from(first..first + channels)
    }

    fn check(&self, input: &[usize], batch: usize) -> Result<Shape> {
        let fits = input.len() == batch + 3 && input[batch] <= self.channels && self.stride > 0;
        if !fits {
            return Err(NnError::Shape {
                what: format!("PaddedShortcut's input, with stride {}", self.stride),
                expected: format!(
                    "[channels, height, width] of at most {} channels, and a stride of 1 or more",
                    self.channels
                ),
                got: format!("{:?}", &input[batch.min(input.len())..]),
            });
        }
        let mut shape = input.to_vec();
        shape[batch] = self.channels;
        for size in &mut shape[batch + 1..] {
            *size = size.div_ceil(self.stride);
        }
        Ok(shape)
    }

    fn every(&self) -> Slice {
        Slice::new(0, None, self.stride as isize)
    }
}

impl<F: Real> Layer<F> for PaddedShortcut {
    fn kind(&self) -> &'static str {
        "PaddedShortcut"
    }

    fn settings(&self) -> String {
        format!("{} channels, stride {}", self.channels, self.stride)
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        match inputs {
            [one] => self.check(one, 0),
            _ => Err(NnError::Invalid(format!(
                "PaddedShortcut takes one input, got {}",
                inputs.len()
            ))),
        }
    }

    fn operations(&self, inputs: &[Shape]) -> Vec<Operation> {
        let [channels, height, width] = [0, 1, 2].map(|axis| inputs[0][axis]);
        let before = (self.channels - channels) / 2;
        let behind = self.channels - channels - before;
        vec![
            Operation::Crop {
                start: [0; 3],
                end: [channels, height, width],
                step: [1, self.stride, self.stride],
            },
            Operation::ZeroPad([before, behind, 0, 0, 0, 0]),
        ]
    }

    fn window(&self) -> Option<Window> {
        Some(Window {
            size: [1; 2],
            stride: [self.stride; 2],
            pad: [0; 2],
        })
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = inputs[0];
        let mut y = Tensor::zeros(IxDyn(&self.check(x.shape(), 1)?));
        let mut seen = x.view();
        seen.slice_axis_inplace(Axis(2), self.every());
        seen.slice_axis_inplace(Axis(3), self.every());
        y.slice_axis_mut(Axis(1), self.place(x.shape()[1]))
            .assign(&seen);
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let shape = &seen.input_shapes[0];
        let mut dx = Tensor::zeros(IxDyn(shape));
        let mut reached = dx.view_mut();
        reached.slice_axis_inplace(Axis(2), self.every());
        reached.slice_axis_inplace(Axis(3), self.every());
        reached.assign(&gradient.slice_axis(Axis(1), self.place(shape[1])));
        Gradients {
            inputs: vec![dx],
            parameters: Vec::new(),
        }
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

impl From<PaddedShortcut> for Box<dyn Layer<f32>> {
    fn from(layer: PaddedShortcut) -> Self {
        Box::new(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{Network, gradcheck};

    fn shortcut(channels: usize, stride: usize, input: [usize; 3]) -> Result<Network> {
        Network::input(input)
            .add("shortcut", PaddedShortcut::new(channels, stride))
            .build(0)
    }

    #[test]
    fn every_second_pixel_stands_between_channels_of_zeros() {
        let net = shortcut(5, 2, [2, 3, 3]).unwrap();
        let x = Tensor::from_shape_fn(IxDyn(&[1, 2, 3, 3]), |i| {
            (9 * i[1] + 3 * i[2] + i[3]) as f32
        });
        let y = net.forward(&x).unwrap();
        assert_eq!(y.shape(), [1, 5, 2, 2]);
        let expected = [
            0., 0., 0., 0., 0., 2., 6., 8., 9., 11., 15., 17., 0., 0., 0., 0., 0., 0., 0., 0.,
        ];
        assert_eq!(y.iter().copied().collect::<Vec<f32>>(), expected);
    }

    #[test]
    fn its_gradient_is_that_of_small_steps() {
        let worst = gradcheck::check(&shortcut(6, 2, [3, 5, 4]).unwrap(), 2, 1).unwrap();
        assert!(worst.error < 1e-7, "{worst:?}");
    }

    #[test]
    fn fewer_channels_than_the_input_has_are_refused() {
        let error = shortcut(2, 2, [3, 4, 4]).unwrap_err().to_string();
        assert!(
            error.contains("at most 2 channels") && error.contains("[3, 4, 4]"),
            "{error}"
        );
        let error = shortcut(4, 0, [3, 4, 4]).unwrap_err().to_string();
        assert!(error.contains("stride of 1 or more"), "{error}");
    }
}
