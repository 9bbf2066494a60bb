//! A scale and a shift for every channel.

use super::*;
use crate::parallel::{dot, fresh, slice, slice_mut, sum};
use ndarray::IxDyn;
use rayon::prelude::*;

/// Each channel times its `weight`, plus its `bias`: batch norm without the normalisation (Caffe's
/// `Scale`). In networks from other formats it is a normalisation of the picture, or a constant
/// that is added or multiplied.
///
/// # Shapes
/// `[N, C]` or `[N, C, ...]`, input and output alike; weight and bias `[C]`, 1 and 0 at first.
#[derive(Clone, Debug)]
pub struct ChannelAffine<F: Real = f32> {
    weight: Tensor<F>,
    bias: Tensor<F>,
}

impl Default for ChannelAffine {
    fn default() -> ChannelAffine {
        ChannelAffine::new()
    }
}

impl ChannelAffine {
    /// There is nothing to set.
    pub fn new() -> ChannelAffine {
        ChannelAffine {
            weight: Tensor::zeros(IxDyn(&[0])),
            bias: Tensor::zeros(IxDyn(&[0])),
        }
    }
}

/// Numbers in one channel of one example.
fn plane(shape: &[usize]) -> usize {
    shape[2..].iter().product()
}

impl<F: Real> Layer<F> for ChannelAffine<F> {
    fn kind(&self) -> &'static str {
        "ChannelAffine"
    }

    fn settings(&self) -> String {
        String::new()
    }

    fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
        let shape = single("ChannelAffine", inputs)?;
        self.weight = Tensor::ones(IxDyn(&shape[..1]));
        self.bias = Tensor::zeros(IxDyn(&shape[..1]));
        Ok(shape.clone())
    }

    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        vec![Operation::ChannelAffine]
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
        vec![("weight", &self.weight), ("bias", &self.bias)]
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        vec![("weight", &mut self.weight), ("bias", &mut self.bias)]
    }

    fn needs(&self) -> Needs {
        Needs {
            input: true,
            output: false,
        }
    }

    fn forward(&self, inputs: &[&Tensor<F>], _pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let x = *single("ChannelAffine", inputs)?;
        let channels = self.weight.len();
        if x.ndim() < 2 || x.shape()[1] != channels {
            return Err(NnError::shape(
                "ChannelAffine's input",
                format!("a batch of {channels} channels, [batch, {channels}, ...]"),
                x.shape(),
            ));
        }
        let mut y = fresh(x.shape());
        let (w, b) = (slice(&self.weight), slice(&self.bias));
        slice_mut(&mut y)
            .par_chunks_mut(plane(x.shape()))
            .zip(slice(x).par_chunks(plane(x.shape())))
            .enumerate()
            .for_each(|(i, (y, x))| {
                let c = i % channels;
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = x * w[c] + b[c];
                }
            });
        Ok((y, Saved::Nothing))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        let (channels, plane) = (self.weight.len(), plane(gradient.shape()));
        let dy = slice(gradient);
        let mut gradients = Gradients::default();
        if want.inputs {
            let mut dx = fresh(gradient.shape());
            let w = slice(&self.weight);
            slice_mut(&mut dx)
                .par_chunks_mut(plane)
                .zip(dy.par_chunks(plane))
                .enumerate()
                .for_each(|(i, (dx, dy))| {
                    for (dx, &dy) in dx.iter_mut().zip(dy) {
                        *dx = dy * w[i % channels];
                    }
                });
            gradients.inputs.push(dx);
        }
        if want.parameters {
            let mut dw = Tensor::zeros(IxDyn(&[channels]));
            let mut db = Tensor::zeros(IxDyn(&[channels]));
            let parts = slice(seen.inputs[0]).chunks(plane).zip(dy.chunks(plane));
            for (i, (x, dy)) in parts.enumerate() {
                dw[i % channels] += dot(x, dy);
                db[i % channels] += sum(dy);
            }
            gradients.parameters = vec![dw, db];
        }
        gradients
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(ChannelAffine {
            weight: cast(&self.weight),
            bias: cast(&self.bias),
        })
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(self.clone())
    }
}
