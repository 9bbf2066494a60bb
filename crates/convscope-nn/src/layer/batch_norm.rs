//! Batch normalisation, of images and of vectors.

use super::*;
use norm::Norm;

mod moments;
mod norm;

macro_rules! batch_norm {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $channels:expr, $dims:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<F: Real = f32> {
            norm: Norm<F>,
        }

        impl Default for $name {
            fn default() -> $name {
                $name::new()
            }
        }

        impl $name {
            /// With eps 1e-5 and momentum 0.1, as in PyTorch.
            pub fn new() -> $name {
                $name { norm: Norm::new() }
            }

            /// Added to the variance before its root is taken, against a division by zero.
            pub fn eps(mut self, eps: f64) -> $name {
                self.norm.eps = eps;
                self
            }

            /// The share of the newest batch in the running statistics. (Keras counts the other
            /// way: its momentum of 0.99 is 0.01 here.)
            pub fn momentum(mut self, momentum: f64) -> $name {
                self.norm.momentum = momentum;
                self
            }
        }

        impl<F: Real> Layer<F> for $name<F> {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn settings(&self) -> String {
                format!("eps {}, momentum {}", self.norm.eps, self.norm.momentum)
            }

            fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
                let shape = single($kind, inputs)?;
                let channels: fn(&[usize]) -> Result<usize> = $channels;
                self.norm.build($kind, channels(shape)?)?;
                Ok(shape.clone())
            }

            fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
                vec![("weight", &self.norm.weight), ("bias", &self.norm.bias)]
            }

            fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
                vec![("weight", &mut self.norm.weight), ("bias", &mut self.norm.bias)]
            }

            fn buffers(&self) -> Vec<(&'static str, &Tensor<F>)> {
                vec![
                    ("running_mean", &self.norm.running_mean),
                    ("running_var", &self.norm.running_var),
                ]
            }

            fn buffers_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
                vec![
                    ("running_mean", &mut self.norm.running_mean),
                    ("running_var", &mut self.norm.running_var),
                ]
            }

            fn learn_statistics(&mut self, saved: &Saved<F>) {
                self.norm.learn_statistics(saved);
            }

            fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
                vec![Operation::BatchNorm {
                    eps: self.norm.eps,
                    momentum: self.norm.momentum,
                }]
            }

            fn needs(&self) -> Needs {
                Needs {
                    input: true,
                    output: false,
                }
            }

            fn forward(&self, inputs: &[&Tensor<F>], pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
                let x = *single($kind, inputs)?;
                let layout = self.norm.check($kind, x, &$dims)?;
                self.norm.forward($kind, layout, x, pass)
            }

            fn forward_into(&self, x: Tensor<F>, pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
                let layout = self.norm.check($kind, &x, &$dims)?;
                match pass.batch_statistics {
                    true => self.norm.forward($kind, layout, &x, pass),
                    false => Ok((self.norm.infer_into(layout, x), Saved::Nothing)),
                }
            }

            fn backward(
                &self,
                seen: &Seen<'_, F>,
                gradient: &Tensor<F>,
                want: Want,
            ) -> Gradients<F> {
                self.norm.backward(seen, gradient.clone(), want)
            }

            fn backward_into(
                &self,
                seen: &Seen<'_, F>,
                gradient: Tensor<F>,
                want: Want,
            ) -> Gradients<F> {
                self.norm.backward(seen, gradient, want)
            }

            fn to_f64(&self) -> Box<dyn Layer<f64>> {
                Box::new($name {
                    norm: self.norm.to_f64(),
                })
            }

            fn boxed(&self) -> Box<dyn Layer<F>> {
                Box::new(self.clone())
            }
        }
    };
}

batch_norm!(
    /// Makes each channel's values over the batch have mean 0 and variance 1, then scales and
    /// shifts them by what it learns, `weight` and `bias` (Ioffe and Szegedy 2015).
    ///
    /// A pass of training normalises by the batch's own mean and (biased) variance, and the step
    /// after it moves `running_mean` and `running_var` (unbiased) a tenth of the way towards them;
    /// inference normalises by these. PyTorch's conventions, names and defaults. The gradient goes
    /// through the batch's statistics.
    ///
    /// # Shapes
    /// `[N, C, H, W]`, input and output alike; weight, bias and both buffers `[C]`.
    ///
    /// # Errors
    /// In training, when a channel has a single number in the batch.
    BatchNorm2d,
    "BatchNorm2d",
    |shape| image_shape("BatchNorm2d", shape).map(|[c, _, _]| c),
    [4]
);

batch_norm!(
    /// [`BatchNorm2d`] for vectors: every feature is normalised over the batch.
    ///
    /// # Shapes
    /// `[N, D]` or `[N, C, L]`, input and output alike; weight, bias and both buffers `[D]` or
    /// `[C]`.
    ///
    /// # Errors
    /// In training, when a channel has a single number in the batch.
    BatchNorm1d,
    "BatchNorm1d",
    |shape| match *shape {
        [c] | [c, _] => Ok(c),
        _ => Err(NnError::shape(
            "BatchNorm1d's input",
            "a vector [features] or a sequence [channels, length]",
            shape,
        )),
    },
    [2, 3]
);
