//! The layers. Each file holds one layer, its forward pass beside its backward pass.
//!
//! A layer computes nothing but a function of its inputs and parameters: what a pass produces is
//! kept in the [`Trace`](crate::Trace), not in the layer.

mod adaptive_avg_pool2d;
mod add;
mod avg_pool2d;
mod batch_norm;
mod channel_affine;
mod clamp;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod crop;
mod drop_connect;
mod dropout;
mod flatten;
mod gelu;
mod leaky_relu;
mod linear;
mod local_response_norm;
mod log_softmax;
mod max_pool2d;
mod max_unpool2d;
mod multiply;
mod operation;
mod pass;
mod pool;
pub(crate) mod random;
mod relu;
mod reshape;
mod sigmoid;
mod softmax;
mod tanh;
mod upsample2d;
mod zero_pad2d;

pub use adaptive_avg_pool2d::{AdaptiveAvgPool2d, GlobalAvgPool2d};
pub use add::Add;
pub use avg_pool2d::AvgPool2d;
pub use batch_norm::{BatchNorm1d, BatchNorm2d};
pub use channel_affine::ChannelAffine;
pub use clamp::Clamp;
pub use concat::{Concat, DepthConcat};
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::{Conv2d, Padding};
pub use crop::Crop;
pub use drop_connect::DropConnect;
pub use dropout::{Dropout, SpatialDropout};
pub use flatten::Flatten;
pub use gelu::Gelu;
pub use leaky_relu::LeakyRelu;
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use log_softmax::LogSoftmax;
pub use max_pool2d::MaxPool2d;
pub use max_unpool2d::MaxUnpool2d;
pub use multiply::Multiply;
pub use operation::Operation;
pub use pass::{Pass, Rule, Saved};
pub use pool::Windows;
pub use relu::Relu;
pub use reshape::Reshape;
pub use sigmoid::Sigmoid;
pub use softmax::Softmax;
pub use tanh::Tanh;
pub use upsample2d::Upsample2d;
pub use zero_pad2d::ZeroPad2d;

use crate::error::{NnError, Result};
use crate::pool::recycle;
use crate::real::{Real, Tensor};
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::fmt::Debug;
use std::ops::Range;

/// The shape of one example, without the batch: `[C, H, W]` for images, `[D]` for vectors.
pub type Shape = Vec<usize>;

/// Which of a node's tensors its backward pass reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The inputs.
    pub input: bool,
    /// The output.
    pub output: bool,
}

/// What a backward pass gets to see of the forward pass.
#[derive(Debug)]
pub struct Seen<'a, F: Real> {
    /// The shapes of the inputs, batch included.
    pub input_shapes: &'a [Vec<usize>],
    /// The inputs, when [`Needs::input`] says so; else empty.
    pub inputs: &'a [&'a Tensor<F>],
    /// The output, when [`Needs::output`] says so.
    pub output: Option<&'a Tensor<F>>,
    /// What the layer kept.
    pub saved: &'a Saved<F>,
}

/// What is asked of a backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// Gradients with respect to the inputs.
    pub inputs: bool,
    /// Gradients with respect to the parameters.
    pub parameters: bool,
    /// The rule at ReLUs.
    pub rule: Rule,
}

/// What a backward pass returns; a part that was not wanted is empty.
#[derive(Debug, Default)]
pub struct Gradients<F: Real> {
    /// One per input; where the last ones are missing, they are zero.
    pub inputs: Vec<Tensor<F>>,
    /// One per parameter, in the order of [`Layer::parameters`].
    pub parameters: Vec<Tensor<F>>,
}

impl<F: Real> Gradients<F> {
    fn input(gradient: Tensor<F>) -> Gradients<F> {
        Gradients {
            inputs: vec![gradient],
            parameters: Vec::new(),
        }
    }
}

/// The window a layer looks through: what a receptive field is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Padding at the top and at the left.
    pub pad: [usize; 2],
}

/// A node that a layer reads, as it stands when the network is built.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its layer's kind; `""` for the image.
    pub kind: &'static str,
    /// The shapes of what that node itself reads.
    pub inputs: &'a [Shape],
}

/// One layer of a network over numbers of type `F`.
pub trait Layer<F: Real>: Debug + Send + Sync {
    /// The layer's name in the field, e.g. `"Conv2d"`.
    fn kind(&self) -> &'static str;

    /// Its settings in a few words, e.g. `"32 filters 3x3, stride 1, pad 1"`.
    fn settings(&self) -> String;

    /// Checks the shapes of its inputs (one example, without the batch), makes the parameters
    /// for them, and returns the shape of its output.
    ///
    /// # Errors
    /// When the shapes do not fit the layer.
    fn build(&mut self, inputs: &[Shape], rng: &mut ChaCha8Rng) -> Result<Shape>;

    /// Called before [`Layer::build`] with the nodes it will read, for a layer that depends on
    /// more than their shapes.
    ///
    /// # Errors
    /// When it cannot follow such a node.
    fn meet(&mut self, _sources: &[Source<'_>]) -> Result<()> {
        Ok(())
    }

    /// What it computes in inference of inputs of these shapes, step by step: how it is written in
    /// another format. A layer of your own says it in these terms, or cannot be written.
    fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
        Vec::new()
    }

    /// The parameters by name.
    fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
        Vec::new()
    }

    /// The same, to be changed; shapes must stay.
    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        Vec::new()
    }

    /// Numbers that training gathers but no gradient reaches, by name: batch norm's running
    /// statistics.
    fn buffers(&self) -> Vec<(&'static str, &Tensor<F>)> {
        Vec::new()
    }

    /// The same, to be changed; shapes must stay.
    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        Vec::new()
    }

    /// Moves the buffers towards what one forward pass saw. Called once after a training step;
    /// nothing else changes them.
    fn learn_statistics(&mut self, _saved: &Saved<F>) {}

    /// Multiplications followed by an addition, for one example.
    fn multiply_adds(&self, _inputs: &[Shape], _output: &Shape) -> u64 {
        0
    }

    /// The window through which an output position sees the input; `None` where every position
    /// sees just its own (or, after `Flatten` and `Linear`, everything).
    fn window(&self) -> Option<Window> {
        None
    }

    /// Which rows (`axis` 0) or columns (`axis` 1) of its input number `which` a range of output
    /// rows or columns looks at; numbers outside the image are padding. It is asked only of layers
    /// that read and make images. The default follows [`Layer::window`].
    fn sees(
        &self,
        _which: usize,
        _inputs: &[Shape],
        axis: usize,
        output: Range<isize>,
    ) -> Range<isize> {
        match self.window() {
            None => output,
            Some(window) => {
                let [size, stride, pad] =
                    [window.size, window.stride, window.pad].map(|v| v[axis] as isize);
                output.start * stride - pad..(output.end - 1) * stride - pad + size
            }
        }
    }

    /// What the backward pass reads.
    fn needs(&self) -> Needs;

    /// The output and what the way back needs. Inputs carry a batch axis in front.
    ///
    /// # Errors
    /// When a shape does not fit.
    fn forward(&self, inputs: &[&Tensor<F>], pass: &Pass) -> Result<(Tensor<F>, Saved<F>)>;

    /// The same for a layer that also reads what the layers before it kept (one `Saved` per input;
    /// that of the image is `Nothing`).
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn forward_after(
        &self,
        inputs: &[&Tensor<F>],
        _kept: &[&Saved<F>],
        pass: &Pass,
    ) -> Result<(Tensor<F>, Saved<F>)> {
        self.forward(inputs, pass)
    }

    /// Whether [`Layer::forward_after`] reads what was kept.
    fn reads_kept(&self) -> bool {
        false
    }

    /// The output alone, where nobody will ask for the way back. An owned input's memory may be
    /// written over.
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn output(&self, input: Cow<'_, Tensor<F>>, pass: &Pass) -> Result<Tensor<F>> {
        Ok(match input {
            Cow::Borrowed(input) => self.forward(&[input], pass)?.0,
            Cow::Owned(input) => self.forward_into(input, pass)?.0,
        })
    }

    /// [`Layer::forward`] for a single input that nobody will read again: its memory may be
    /// written over.
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn forward_into(&self, input: Tensor<F>, pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        let found = self.forward(&[&input], pass);
        recycle(input);
        found
    }

    /// Gradients, given the gradient with respect to the output (of the output's shape).
    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F>;

    /// The same with a gradient that nobody will read again: its memory may be written over.
    fn backward_into(&self, seen: &Seen<'_, F>, gradient: Tensor<F>, want: Want) -> Gradients<F> {
        let found = self.backward(seen, &gradient, want);
        recycle(gradient);
        found
    }

    /// The same layer in double precision.
    fn to_f64(&self) -> Box<dyn Layer<f64>>;

    /// A copy in a box, since a trait object cannot be `Clone` itself.
    fn boxed(&self) -> Box<dyn Layer<F>>;
}

impl<F: Real> Clone for Box<dyn Layer<F>> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

/// The layers there are. Boxing them here compiles their code once, in this crate and optimised,
/// instead of in every crate (or notebook cell) that builds a network.
macro_rules! layers {
    ($($layer:ty),* $(,)?) => {$(
        impl From<$layer> for Box<dyn Layer<f32>> {
            #[inline(never)]
            fn from(layer: $layer) -> Self {
                Box::new(layer)
            }
        }
    )*};
}

layers!(
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    ChannelAffine,
    Clamp,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Crop,
    DepthConcat,
    DropConnect,
    Dropout,
    Flatten,
    Gelu,
    GlobalAvgPool2d,
    LeakyRelu,
    Linear,
    LocalResponseNorm,
    LogSoftmax,
    MaxPool2d,
    MaxUnpool2d,
    Multiply,
    Relu,
    Reshape,
    Sigmoid,
    Softmax,
    SpatialDropout,
    Tanh,
    Upsample2d,
    ZeroPad2d,
);

/// The only input of a layer that takes one.
fn single<'a, T>(kind: &str, inputs: &'a [T]) -> Result<&'a T> {
    match inputs {
        [one] => Ok(one),
        _ => Err(NnError::Invalid(format!(
            "{kind} takes one input, got {}",
            inputs.len()
        ))),
    }
}

/// `[C, H, W]` of a shape that must be an image's.
fn image_shape(kind: &str, shape: &[usize]) -> Result<[usize; 3]> {
    <[usize; 3]>::try_from(shape).map_err(|_| {
        NnError::shape(
            format!("{kind}'s input"),
            "an image [channels, height, width]",
            shape,
        )
    })
}

/// `[N, C, H, W]` of a batch of images; `channels` is checked where it is given.
fn batch_shape<F: Real>(kind: &str, x: &Tensor<F>, channels: Option<usize>) -> Result<[usize; 4]> {
    let wrong = || {
        let c = channels.map_or("channels".to_owned(), |c| c.to_string());
        NnError::shape(
            format!("{kind}'s input"),
            format!("a batch of images [batch, {c}, height, width]"),
            x.shape(),
        )
    };
    let shape = <[usize; 4]>::try_from(x.shape()).map_err(|_| wrong())?;
    if channels.is_some_and(|c| c != shape[1]) {
        return Err(wrong());
    }
    Ok(shape)
}

fn cast(x: &Tensor<impl Real>) -> Tensor<f64> {
    x.mapv(|v| v.as_f64())
}
