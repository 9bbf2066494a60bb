//! Parts of an image.

use super::*;
use ndarray::{ArrayView, IxDyn, Slice};

/// Channels, rows and columns of an image: those between two numbers, or every so many of them.
///
/// # Shapes
/// Input `[N, C, H, W]`; output `[N, ceil((end - start) / step), ...]` along each axis.
///
/// ```
/// use convscope_nn::{Crop, Network};
/// # fn main() -> Result<(), convscope_nn::NnError> {
/// let half = Crop::new().channels(0..3).every(2);
/// let net = Network::input([8, 7, 6]).add("half", half).build(0)?;
/// assert_eq!(net.output_shape(), [3, 4, 3]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    start: [usize; 3],
    /// `usize::MAX` for as far as the image goes, until it is built.
    end: [usize; 3],
    step: [usize; 3],
}

impl Default for Crop {
    fn default() -> Crop {
        Crop::new()
    }
}

impl Crop {
    /// The whole image; the rest says what is taken of it.
    pub fn new() -> Crop {
        Crop {
            start: [0; 3],
            end: [usize::MAX; 3],
            step: [1; 3],
        }
    }

    /// These channels alone.
    pub fn channels(self, channels: Range<usize>) -> Crop {
        self.along(0, channels)
    }

    /// These rows alone.
    pub fn rows(self, rows: Range<usize>) -> Crop {
        self.along(1, rows)
    }

    /// These columns alone.
    pub fn columns(self, columns: Range<usize>) -> Crop {
        self.along(2, columns)
    }

    /// Every so many rows and columns of what is taken, from the first on.
    pub fn every(self, step: usize) -> Crop {
        self.steps([1, step, step])
    }

    /// Different steps along channels, rows and columns.
    pub fn steps(mut self, steps: [usize; 3]) -> Crop {
        self.step = steps;
        self
    }

    fn along(mut self, axis: usize, range: Range<usize>) -> Crop {
        (self.start[axis], self.end[axis]) = (range.start, range.end);
        self
    }

    fn check(&self, input: &[usize], batch: usize) -> Result<Shape> {
        let image = image_shape("Crop", &input[batch..])?;
        let mut shape = input.to_vec();
        for (axis, size) in image.into_iter().enumerate() {
            let (start, step) = (self.start[axis], self.step[axis]);
            let end = match self.end[axis] {
                usize::MAX => size,
                end => end,
            };
            if start >= end || end > size || step == 0 {
                return Err(NnError::shape(
                    "Crop's input",
                    format!(
                        "an image with {} from {start} to {end}, and a step of 1 or more, not {step}",
                        ["channels", "rows", "columns"][axis]
                    ),
                    &input[batch..],
                ));
            }
            shape[batch + axis] = (end - start).div_ceil(step);
        }
        Ok(shape)
    }

    /// What is taken of an axis of a batch.
    fn part(&self, axis: usize) -> Slice {
        match axis {
            0 => Slice::from(..),
            axis => {
                let [start, end, step] =
                    [self.start, self.end, self.step].map(|numbers| numbers[axis - 1] as isize);
                Slice::new(start, (end >= 0).then_some(end), step)
            }
        }
    }
}

impl<F: Real> Layer<F> for Crop {
    fn kind(&self) -> &'static str {
        "Crop"
    }

    fn settings(&self) -> String {
        let mut parts = Vec::new();
        for (axis, name) in ["channels", "rows", "columns"].into_iter().enumerate() {
            let (start, end, step) = (self.start[axis], self.end[axis], self.step[axis]);
            if start > 0 || end != usize::MAX {
                parts.push(match end {
                    usize::MAX => format!("{name} from {start}"),
                    end => format!("{name} {start} to {}", end - 1),
                });
            }
            if step != 1 {
                parts.push(format!("1 in {step} {name}"));
            }
        }
        parts.join(", ")
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        self.check(single("Crop", inputs)?, 0)
    }

    fn operations(&self, inputs: &[Shape]) -> Vec<Operation> {
        let size = |axis: usize| inputs[0][axis];
        vec![Operation::Crop {
            start: self.start,
            end: [0, 1, 2].map(|axis| self.end[axis].min(size(axis))),
            step: self.step,
        }]
    }

    fn sees(
        &self,
        _which: usize,
        _inputs: &[Shape],
        axis: usize,
        output: Range<isize>,
    ) -> Range<isize> {
        let (start, step) = (self.start[1 + axis] as isize, self.step[1 + axis] as isize);
        start + output.start * step..start + (output.end - 1) * step + 1
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("Crop", inputs)?;
        batch_shape("Crop", x, None)?;
        self.check(x.shape(), 1)?;
        let part: ArrayView<'_, F, IxDyn> = x.slice_each_axis(|axis| self.part(axis.axis.index()));
        Ok((part.as_standard_layout().into_owned(), Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, _want: Want) -> Gradients<F> {
        let mut dx = Tensor::zeros(IxDyn(&seen.input_shapes[0]));
        dx.slice_each_axis_mut(|axis| self.part(axis.axis.index()))
            .assign(gradient);
        Gradients::input(dx)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}
