//! Batch norms that stay as they are.

use convscope_nn::layer::{Gradients, Needs, Operation, Saved, Seen, Source, Want, Window};
use convscope_nn::{Layer, Network, NnError, Pass, Real, Result, Shape, Tensor};
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;

/// A layer that behaves in training as it does in inference: it normalises by its running statistics,
/// and those do not move.
#[derive(Clone, Debug)]
struct Still<F: Real> {
    inner: Box<dyn Layer<F>>,
}

fn inference(pass: &Pass) -> Pass {
    Pass {
        batch_statistics: false,
        ..*pass
    }
}

impl<F: Real> Layer<F> for Still<F> {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn settings(&self) -> String {
        format!("{}, statistics kept", self.inner.settings())
    }

    fn build(&mut self, inputs: &[Shape], rng: &mut ChaCha8Rng) -> Result<Shape> {
        self.inner.build(inputs, rng)
    }

    fn meet(&mut self, sources: &[Source<'_>]) -> Result<()> {
        self.inner.meet(sources)
    }

    fn operations(&self, inputs: &[Shape]) -> Vec<Operation> {
        self.inner.operations(inputs)
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor<F>)> {
        self.inner.parameters()
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        self.inner.parameters_mut()
    }

    fn buffers(&self) -> Vec<(&'static str, &Tensor<F>)> {
        self.inner.buffers()
    }

    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut Tensor<F>)> {
        self.inner.buffers_mut()
    }

    fn multiply_adds(&self, inputs: &[Shape], output: &Shape) -> u64 {
        self.inner.multiply_adds(inputs, output)
    }

    fn window(&self) -> Option<Window> {
        self.inner.window()
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn forward(&self, inputs: &[&Tensor<F>], pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
        self.inner.forward(inputs, &inference(pass))
    }

    fn output(&self, input: Cow<'_, Tensor<F>>, pass: &Pass) -> Result<Tensor<F>> {
        self.inner.output(input, &inference(pass))
    }

    fn backward(&self, seen: &Seen<'_, F>, gradient: &Tensor<F>, want: Want) -> Gradients<F> {
        self.inner.backward(seen, gradient, want)
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(Still {
            inner: self.inner.to_f64(),
        })
    }

    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(self.clone())
    }
}

/// The network with the batch norms of these names kept still; the others, and all numbers, as they
/// are.
pub(crate) fn stilled(net: &Network, which: impl Fn(&str) -> bool) -> Result<Network, NnError> {
    let mut builder = Network::input(net.input_shape().to_vec());
    for view in net.views() {
        let norm = view.layer.kind().starts_with("BatchNorm");
        let layer: Box<dyn Layer<f32>> = match norm && which(view.name) {
            true => Box::new(Still {
                inner: view.layer.boxed(),
            }),
            false => view.layer.boxed(),
        };
        builder = builder.add_trained(&view.inputs, view.name, layer);
    }
    builder.build(0)
}

/// `original` with the numbers that a network of [`stilled`] has learned.
pub(crate) fn restored(original: &Network, trained: &Network) -> Result<Network, NnError> {
    let mut net = original.clone();
    for (path, value) in trained.parameters() {
        net.set_parameter(&path, value.clone())?;
    }
    for (path, value) in trained.buffers() {
        net.set_buffer(&path, value.clone())?;
    }
    Ok(net)
}
