//! The convolutional layer.

use super::*;
use crate::conv::{self, Geometry, Precision};
use crate::init::Init;
use crate::parallel::{fresh, slice, slice_mut};
use ndarray::IxDyn;

/// Zeros around an image before a window slides over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// None: the output shrinks by the window's size less one.
    #[default]
    Valid,
    /// As many as make the output `ceil(size / stride)`; an odd one goes to the bottom and right
    /// (TensorFlow's convention).
    Same,
    /// This many on every side.
    Each(usize),
    /// Top, bottom, left and right.
    Sides([usize; 4]),
}

impl Padding {
    /// Top, bottom, left and right for an image of this height and width.
    pub fn sides(&self, input: [usize; 2], window: [usize; 2], stride: [usize; 2]) -> [usize; 4] {
        match *self {
            Padding::Valid => [0; 4],
            Padding::Each(p) => [p; 4],
            Padding::Sides(sides) => sides,
            Padding::Same => {
                let total = |axis: usize| {
                    let stride = stride[axis].max(1);
                    let output = input[axis].div_ceil(stride);
                    (output.saturating_sub(1) * stride + window[axis]).saturating_sub(input[axis])
                };
                let (down, across) = (total(0), total(1));
                [down / 2, down - down / 2, across / 2, across - across / 2]
            }
        }
    }
}

/// Slides a set of filters over the image: each gives one channel of the output.
///
/// # Shapes
/// Input `[N, C, H, W]`, weight `[O, C / groups, KH, KW]`, bias `[O]` (if any), output `[N, O, OH, OW]` with
/// `OH = floor((H + pad - (dilation (KH - 1) + 1)) / stride) + 1`. Like every framework's, it does
/// not flip the filter.
#[derive(Clone, Debug)]
pub struct Conv2d<F: Real = f32> {
    filters: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    dilation: [usize; 2],
    groups: usize,
    biased: bool,
    precision: Precision,
    init: Init,
    weight: Tensor<F>,
    bias: Tensor<F>,
}

impl Conv2d {
    /// This many filters of size `kernel x kernel`, stride 1, no padding; weights begin by He's
    /// rule, biases at 0.
    pub fn new(filters: usize, kernel: usize) -> Conv2d {
        Conv2d::rect(filters, kernel, kernel)
    }

    /// Filters of another shape, `height x width`.
    pub fn rect(filters: usize, height: usize, width: usize) -> Conv2d {
        Conv2d {
            filters,
            kernel: [height, width],
            stride: [1, 1],
            padding: Padding::Valid,
            dilation: [1, 1],
            groups: 1,
            biased: true,
            precision: Precision::default(),
            init: Init::He,
            weight: Tensor::zeros(IxDyn(&[0, 0, 0, 0])),
            bias: Tensor::zeros(IxDyn(&[0])),
        }
    }

    /// The step between positions, down and across.
    pub fn stride(self, stride: usize) -> Conv2d {
        self.strides(stride, stride)
    }

    /// Different steps down and across.
    pub fn strides(mut self, down: usize, across: usize) -> Conv2d {
        self.stride = [down, across];
        self
    }

    /// Steps between a filter's taps, 1 where they are neighbours: a wider view for as many
    /// weights (Yu and Koltun 2016).
    pub fn dilation(self, dilation: usize) -> Conv2d {
        self.dilations(dilation, dilation)
    }

    /// Different steps down and across.
    pub fn dilations(mut self, down: usize, across: usize) -> Conv2d {
        self.dilation = [down, across];
        self
    }

    /// Divides channels and filters into groups that do not see each other (AlexNet had two); as
    /// many groups as channels make it depthwise.
    pub fn groups(mut self, groups: usize) -> Conv2d {
        self.groups = groups;
        self
    }

    /// Filters without a bias: batch norm right behind them would take it away again.
    pub fn no_bias(mut self) -> Conv2d {
        self.biased = false;
        self
    }

    /// How much rounding is allowed for the sake of speed.
    pub fn precision(mut self, precision: Precision) -> Conv2d {
        self.precision = precision;
        self
    }

    /// Zeros around the image.
    pub fn padding(mut self, padding: Padding) -> Conv2d {
        self.padding = padding;
        self
    }

    /// Padding that keeps the image's size (at stride 1).
    pub fn same(self) -> Conv2d {
        self.padding(Padding::Same)
    }

    /// How the weights begin.
    pub fn init(mut self, init: Init) -> Conv2d {
        self.init = init;
        self
    }
}

impl<F: Real> Conv2d<F> {
    fn geometry(&self, batch: usize, c: usize, input: [usize; 2]) -> Result<Geometry> {
        let pad = self.padding.sides(input, self.reach(), self.stride);
        Geometry::new(batch, c, input, self.filters, self.kernel, self.stride, pad)?
            .grouped(self.groups)?
            .dilated(self.dilation)
    }

    /// The filter's height and width with the gaps between its taps.
    fn reach(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.kernel[axis].saturating_sub(1) * self.dilation[axis] + 1)
    }

    fn geometry_of(&self, shape: &[usize]) -> Result<Geometry> {
        self.geometry(shape[0], shape[1], [shape[2], shape[3]])
    }
}

impl<F: Real> Layer<F> for Conv2d<F> {
    fn kind(&self) -> &'static str {
        "Conv2d"
    }

    fn settings(&self) -> String {
        let [kh, kw] = self.kernel;
        let padding = match self.padding {
            Padding::Valid => "no padding".to_owned(),
            Padding::Same => "same padding".to_owned(),
            Padding::Each(p) => format!("padding {p}"),
            Padding::Sides(s) => format!("padding {s:?}"),
        };
        let mut text = format!("{} filters {kh}x{kw}", self.filters);
        match self.stride {
            [s, t] if s == t => text += &format!(", stride {s}"),
            [s, t] => text += &format!(", stride {s}x{t}"),
        }
        text += &format!(", {padding}");
        match self.dilation {
            [1, 1] => {}
            [d, e] if d == e => text += &format!(", dilation {d}"),
            [d, e] => text += &format!(", dilation {d}x{e}"),
        }
        if self.groups > 1 {
            text += &format!(", {} groups", self.groups);
        }
        if !self.biased {
            text += ", no bias";
        }
        if self.precision != Precision::default() {
            text += &format!(", {:?} precision", self.precision);
        }
        text
    }

    fn build(&mut self, inputs: &[Shape], rng: &mut ChaCha8Rng) -> Result<Shape> {
        let [c, h, w] = image_shape("Conv2d", single("Conv2d", inputs)?)?;
        let g = self.geometry(1, c, [h, w])?;
        let [kh, kw] = self.kernel;
        self.weight = self
            .init
            .weights(&[self.filters, c / self.groups, kh, kw], rng)?
            .mapv(|v| F::of(v.as_f64()));
        // Without a bias the zeros stay; they are no parameter.
        self.bias = Tensor::zeros(IxDyn(&[self.filters]));
        Ok(vec![self.filters, g.output[0], g.output[1]])
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
        let mut all = vec![("weight", &self.weight)];
        all.extend(self.biased.then_some(("bias", &self.bias)));
        all
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        let mut all = vec![("weight", &mut self.weight)];
        all.extend(self.biased.then_some(("bias", &mut self.bias)));
        all
    }

    fn multiply_adds(&self, inputs: &[Shape], output: &Shape) -> u64 {
        let positions: usize = output[1..].iter().product();
        let patch = inputs[0][0] / self.groups * self.kernel[0] * self.kernel[1];
        (self.filters * patch * positions) as u64
    }

    fn window(&self) -> Option<Window> {
        // `Same` padding at stride 1 does not depend on the image's size; at other strides the
        // offset of the first window may, and this takes that of a size the stride divides.
        let input = self.stride.map(|s| s * 1024);
        let pad = self.padding.sides(input, self.reach(), self.stride);
        Some(Window {
            size: self.reach(),
            stride: self.stride,
            pad: [pad[0], pad[2]],
        })
    }

    fn operations(&self, inputs: &[Shape]) -> Vec<Operation> {
        let shape = &inputs[0];
        let geometry = self.geometry(1, shape[0], [shape[1], shape[2]]);
        geometry.map(Operation::Conv).into_iter().collect()
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("Conv2d", inputs)?;
        let [n, c, h, w] = batch_shape("Conv2d", x, Some(self.weight.shape()[1] * self.groups))?;
        let g = self.geometry(n, c, [h, w])?;
        let mut y = fresh(&[n, self.filters, g.output[0], g.output[1]]);
        conv::forward(
            &g,
            self.precision,
            slice(x),
            slice(&self.weight),
            slice(&self.bias),
            slice_mut(&mut y),
        );
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        let x = seen.inputs[0];
        let g = self
            .geometry_of(x.shape())
            .expect("the forward pass went through");
        let mut gradients = Gradients::default();
        if want.inputs {
            let mut dx = fresh(x.shape());
            conv::backward_input(
                &g,
                self.precision,
                slice(gradient),
                slice(&self.weight),
                slice_mut(&mut dx),
            );
            gradients.inputs.push(dx);
        }
        if want.parameters {
            let mut dw = fresh(self.weight.shape());
            let mut db = fresh(&[if self.biased { self.filters } else { 0 }]);
            conv::backward_weight(
                &g,
                self.precision,
                slice(x),
                slice(gradient),
                slice_mut(&mut dw),
                slice_mut(&mut db),
            );
            gradients.parameters = match self.biased {
                true => vec![dw, db],
                false => vec![dw],
            };
        }
        gradients
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(Conv2d {
            filters: self.filters,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups: self.groups,
            biased: self.biased,
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
