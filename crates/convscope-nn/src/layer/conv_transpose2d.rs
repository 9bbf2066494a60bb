//! The transposed convolution: a convolution's gradient with respect to its input, as a layer.

use super::*;
use crate::conv::{self, Geometry, Precision};
use crate::init::Init;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;
use rayon::prelude::*;
use std::ops::Range;

/// Every number of the input stamps the filter onto the output, `stride` apart: the way up again
/// for a decoder or a deconvnet (Zeiler et al. 2010; often, and wrongly, called deconvolution).
///
/// # Shapes
/// Input `[N, C, H, W]`, weight `[C, O / groups, KH, KW]`, bias `[O]`, output `[N, O, OH, OW]` with
/// `OH = (H - 1) stride - 2 padding + dilation (KH - 1) + 1 + output padding` (PyTorch's conventions).
#[derive(Clone, Debug)]
pub struct ConvTranspose2d<F: Real = f32> {
    filters: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: usize,
    output_padding: usize,
    dilation: usize,
    groups: usize,
    precision: Precision,
    init: Init,
    weight: Tensor<F>,
    bias: Tensor<F>,
}

impl ConvTranspose2d {
    /// This many channels out by filters of `kernel x kernel`, stride 1, no padding; weights begin
    /// by He's rule, biases at 0.
    pub fn new(filters: usize, kernel: usize) -> ConvTranspose2d {
        ConvTranspose2d {
            filters,
            kernel: [kernel, kernel],
            stride: 1,
            padding: 0,
            output_padding: 0,
            dilation: 1,
            groups: 1,
            precision: Precision::default(),
            init: Init::He,
            weight: Tensor::zeros(IxDyn(&[0, 0, 0, 0])),
            bias: Tensor::zeros(IxDyn(&[0])),
        }
    }

    /// The step between stamps, down and across: how many times larger the output is.
    pub fn stride(mut self, stride: usize) -> ConvTranspose2d {
        self.stride = stride;
        self
    }

    /// Rows and columns cut off on every side.
    pub fn padding(mut self, padding: usize) -> ConvTranspose2d {
        self.padding = padding;
        self
    }

    /// Rows and columns added at the bottom and right, fewer than the stride: a
    /// convolution of stride 2 makes 3 of 5 and of 6, and this says which is meant on the way back.
    pub fn output_padding(mut self, output_padding: usize) -> ConvTranspose2d {
        self.output_padding = output_padding;
        self
    }

    /// Steps between a filter's taps.
    pub fn dilation(mut self, dilation: usize) -> ConvTranspose2d {
        self.dilation = dilation;
        self
    }

    /// Divides channels and filters into groups that do not see each other.
    pub fn groups(mut self, groups: usize) -> ConvTranspose2d {
        self.groups = groups;
        self
    }

    /// How much rounding is allowed for the sake of speed.
    pub fn precision(mut self, precision: Precision) -> ConvTranspose2d {
        self.precision = precision;
        self
    }

    /// How the weights begin.
    pub fn init(mut self, init: Init) -> ConvTranspose2d {
        self.init = init;
        self
    }
}

impl<F: Real> ConvTranspose2d<F> {
    /// The convolution that this is the transpose of: from the output to the input.
    fn geometry(&self, batch: usize, channels: usize, input: [usize; 2]) -> Result<Geometry> {
        if self.stride == 0 || self.dilation == 0 || self.kernel.contains(&0) {
            return Err(NnError::Invalid(format!(
                "the window, the stride and the dilation must be at least 1, got {:?}, {} and {}",
                self.kernel, self.stride, self.dilation
            )));
        }
        if self.output_padding >= self.stride {
            return Err(NnError::Invalid(format!(
                "the output padding must be less than the stride, got {} and {}",
                self.output_padding, self.stride
            )));
        }
        let mut output = [0; 2];
        for axis in 0..2 {
            let reach = self.dilation * (self.kernel[axis] - 1) + 1;
            let full = input[axis].saturating_sub(1) * self.stride + reach + self.output_padding;
            output[axis] = full
                .checked_sub(2 * self.padding)
                .filter(|&size| size > 0 && input[axis] > 0)
                .ok_or_else(|| {
                    NnError::Invalid(format!(
                        "an input of {} is stamped onto {full} and nothing is left when {} are cut off on both sides",
                        input[axis], self.padding
                    ))
                })?;
        }
        let pad = [self.padding; 4];
        let stride = [self.stride; 2];
        let g = Geometry::new(
            batch,
            self.filters,
            output,
            channels,
            self.kernel,
            stride,
            pad,
        )?
        .grouped(self.groups)?
        .dilated([self.dilation; 2])?;
        if g.output != input {
            return Err(NnError::Invalid(format!(
                "no convolution makes {input:?} of {output:?} with these settings"
            )));
        }
        Ok(g)
    }

    fn geometry_of(&self, x: &[usize]) -> Result<Geometry> {
        self.geometry(x[0], x[1], [x[2], x[3]])
    }
}

impl<F: Real> Layer<F> for ConvTranspose2d<F> {
    fn kind(&self) -> &'static str {
        "ConvTranspose2d"
    }

    fn settings(&self) -> String {
        let [kh, kw] = self.kernel;
        let mut text = format!("{} filters {kh}x{kw}, stride {}", self.filters, self.stride);
        for (name, value, usual) in [
            ("padding", self.padding, 0),
            ("output padding", self.output_padding, 0),
            ("dilation", self.dilation, 1),
            ("groups", self.groups, 1),
        ] {
            if value != usual {
                text += &format!(", {name} {value}");
            }
        }
        text
    }

    fn build(&mut self, inputs: &[Shape], rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("ConvTranspose2d", single("ConvTranspose2d", inputs)?)?;
        let g = self.geometry(1, c, [h, w])?;
        let [kh, kw] = self.kernel;
        self.weight = self
            .init
            .weights(&[c, self.filters / self.groups, kh, kw], rng)?
            .mapv(|v| F::of(v.as_f64()));
        self.bias = Tensor::zeros(IxDyn(&[self.filters]));
        Ok(vec![self.filters, g.input[0], g.input[1]])
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
        vec![("weight", &self.weight), ("bias", &self.bias)]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        vec![("weight", &mut self.weight), ("bias", &mut self.bias)]
    }

    fn multiply_adds(&self, inputs: &[Shape], _output: &Shape) -> u64 {
        let numbers: usize = inputs[0].iter().product();
        (numbers * self.filters / self.groups * self.kernel[0] * self.kernel[1]) as u64
    }

    /// A number of the output is stamped on by those of the input whose stamp reaches it.
    fn sees(
        &self,
        _which: usize,
        _inputs: &[Shape],
        axis: usize,
        output: Range<isize>,
    ) -> Range<isize> {
        let (stride, padding) = (self.stride as isize, self.padding as isize);
        let reach = (self.dilation * (self.kernel[axis] - 1)) as isize;
        let first = (output.start + padding - reach + stride - 1).div_euclid(stride);
        first..(output.end - 1 + padding).div_euclid(stride) + 1
    }

    fn operations(&self, inputs: &[Shape]) -> Vec<Operation> {
        let shape = &inputs[0];
        let geometry = self.geometry(1, shape[0], [shape[1], shape[2]]);
        let extra = [self.output_padding; 2];
        let operation = geometry.map(|g| Operation::ConvTranspose(g, extra));
        operation.into_iter().collect()
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("ConvTranspose2d", inputs)?;
        batch_shape("ConvTranspose2d", x, Some(self.weight.shape()[0]))?;
        let g = self.geometry_of(x.shape())?;
        let mut y = fresh(&[g.batch, g.channels, g.input[0], g.input[1]]);
        let (w, to) = (slice(&self.weight), slice_mut(&mut y));
        conv::backward_input(&g, self.precision, slice(x), w, to);
        let bias = slice(&self.bias);
        slice_mut(&mut y)
            .par_chunks_mut(g.input[0] * g.input[1])
            .enumerate()
            .for_each(|(i, plane)| {
                let b = bias[i % bias.len()];
                plane.iter_mut().for_each(|v| *v += b);
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        let x = seen.inputs[0];
        let g = self
            .geometry_of(x.shape())
            .expect("the forward pass went through");
        let (w, dy) = (slice(&self.weight), slice(gradient));
        let mut gradients = Gradients::default();
        if want.inputs {
            let mut dx = fresh(x.shape());
            let none = vec![F::zero(); g.filters];
            conv::forward(&g, self.precision, dy, w, &none, slice_mut(&mut dx));
            gradients.inputs.push(dx);
        }
        if want.parameters {
            let mut dw = fresh(self.weight.shape());
            // What would be the bias of the convolution has no meaning here.
            let mut ignored = vec![F::zero(); g.filters];
            let (from, to) = (slice(x), slice_mut(&mut dw));
            conv::backward_weight(&g, self.precision, dy, from, to, &mut ignored);
            let db = conv::sum_planes(dy, g.channels, g.input[0] * g.input[1]);
            let db = Tensor::from_shape_vec(self.bias.raw_dim(), db).expect("one a filter");
            gradients.parameters = vec![dw, db];
        }
        gradients
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(ConvTranspose2d {
            filters: self.filters,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            output_padding: self.output_padding,
            dilation: self.dilation,
            groups: self.groups,
            precision: self.precision,
            init: self.init,
            weight: cast(&self.weight),
            bias: cast(&self.bias),
        })
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_sees_the_inputs_whose_stamps_reach_it() {
        let up = ConvTranspose2d::new(1, 3).stride(2).padding(1);
        let sees = |output: Range<isize>| Layer::<f32>::sees(&up, 0, &[], 0, output);
        // Input i is stamped onto 2 i - 1, 2 i and 2 i + 1.
        assert_eq!(sees(4..5), 2..3);
        assert_eq!(sees(5..6), 2..4);
        assert_eq!(sees(0..8), 0..5);
    }
}
