//! The crate's network builder, with a stop-watch around every layer where one is wanted.

use convscope_nn::layer::{Gradients, Layer, Needs, Saved, Seen, Shape, Source, Want, Window};
use convscope_nn::{Loss, NetworkBuilder, Optimizer, Pass, Result, State, Target, Tensor};
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A layer on its way into a network.
pub type Boxed = Box<dyn Layer<f32>>;

/// What each part of a step took, by name, in the order in which the parts were made.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Vec<Part>>);

/// One part's time.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub name: String,
    pub kind: &'static str,
    pub forward: Duration,
    pub backward: Duration,
}

impl Watch {
    fn part(&self, name: &str, kind: &'static str) -> usize {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(Part {
            name: name.to_owned(),
            kind,
            ..Part::default()
        });
        parts.len() - 1
    }

    fn add(&self, part: usize, forward: bool, time: Duration) {
        let part = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[part];
        *if forward {
            &mut part.forward
        } else {
            &mut part.backward
        } += time;
    }

    /// Forgets the times so far.
    pub fn reset(&self) {
        for part in &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            (part.forward, part.backward) = (Duration::ZERO, Duration::ZERO);
        }
    }

    pub fn parts(&self) -> Vec<Part> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The methods of [`NetworkBuilder`] that the networks here are built with.
#[derive(Debug)]
pub struct Builder {
    inner: NetworkBuilder,
    watch: Option<Arc<Watch>>,
    scope: String,
}

impl Builder {
    pub fn new(inner: NetworkBuilder, watch: Option<Arc<Watch>>) -> Builder {
        Builder {
            inner,
            watch,
            scope: String::new(),
        }
    }

    fn watched(&self, name: &str, layer: Boxed) -> Boxed {
        match &self.watch {
            None => layer,
            Some(watch) => Box::new(Watched {
                part: watch.part(&format!("{}{name}", self.scope), layer.kind()),
                watch: watch.clone(),
                inner: layer,
            }),
        }
    }

    pub fn add(mut self, name: &str, layer: impl Into<Boxed>) -> Builder {
        let layer = self.watched(name, layer.into());
        self.inner = self.inner.add(name, layer);
        self
    }

    pub fn add_after(mut self, inputs: &[&str], name: &str, layer: impl Into<Boxed>) -> Builder {
        let layer = self.watched(name, layer.into());
        self.inner = self.inner.add_after(inputs, name, layer);
        self
    }

    pub fn block(mut self, name: &str, build: impl FnOnce(Builder) -> Builder) -> Builder {
        let (watch, outer) = (self.watch.clone(), self.scope.clone());
        let scope = format!("{outer}{name}.");
        self.inner = self.inner.block(name, |inner| {
            build(Builder {
                inner,
                watch,
                scope,
            })
            .inner
        });
        self
    }

    pub fn done(self) -> NetworkBuilder {
        self.inner
    }
}

/// A layer whose passes are timed.
#[derive(Debug)]
struct Watched {
    inner: Boxed,
    watch: Arc<Watch>,
    part: usize,
}

impl Watched {
    fn timed<T>(&self, forward: bool, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = run();
        self.watch.add(self.part, forward, start.elapsed());
        result
    }
}

impl Layer<f32> for Watched {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn settings(&self) -> String {
        self.inner.settings()
    }

    fn build(&mut self, inputs: &[Shape], rng: &mut ChaCha8Rng) -> Result<Shape> {
        self.inner.build(inputs, rng)
    }

    fn meet(&mut self, sources: &[Source<'_>]) -> Result<()> {
        self.inner.meet(sources)
    }

    fn parameters(&self) -> Vec<(&'static str, &Tensor)> {
        self.inner.parameters()
    }

    fn parameters_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        self.inner.parameters_mut()
    }

    fn buffers(&self) -> Vec<(&'static str, &Tensor)> {
        self.inner.buffers()
    }

    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut Tensor)> {
        self.inner.buffers_mut()
    }

    fn learn_statistics(&mut self, saved: &Saved<f32>) {
        self.inner.learn_statistics(saved);
    }

    fn multiply_adds(&self, inputs: &[Shape], output: &Shape) -> u64 {
        self.inner.multiply_adds(inputs, output)
    }

    fn window(&self) -> Option<Window> {
        self.inner.window()
    }

    fn sees(
        &self,
        which: usize,
        inputs: &[Shape],
        axis: usize,
        output: Range<isize>,
    ) -> Range<isize> {
        self.inner.sees(which, inputs, axis, output)
    }

    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn forward(&self, inputs: &[&Tensor], pass: &Pass) -> Result<(Tensor, Saved<f32>)> {
        self.timed(true, || self.inner.forward(inputs, pass))
    }

    fn forward_after(
        &self,
        inputs: &[&Tensor],
        kept: &[&Saved<f32>],
        pass: &Pass,
    ) -> Result<(Tensor, Saved<f32>)> {
        self.timed(true, || self.inner.forward_after(inputs, kept, pass))
    }

    fn reads_kept(&self) -> bool {
        self.inner.reads_kept()
    }

    fn output(&self, input: Cow<'_, Tensor>, pass: &Pass) -> Result<Tensor> {
        self.timed(true, || self.inner.output(input, pass))
    }

    fn forward_into(&self, input: Tensor, pass: &Pass) -> Result<(Tensor, Saved<f32>)> {
        self.timed(true, || self.inner.forward_into(input, pass))
    }

    fn backward(&self, seen: &Seen<'_, f32>, gradient: &Tensor, want: Want) -> Gradients<f32> {
        self.timed(false, || self.inner.backward(seen, gradient, want))
    }

    fn backward_into(&self, seen: &Seen<'_, f32>, gradient: Tensor, want: Want) -> Gradients<f32> {
        self.timed(false, || self.inner.backward_into(seen, gradient, want))
    }

    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        self.inner.to_f64()
    }

    fn boxed(&self) -> Boxed {
        Box::new(Watched {
            inner: self.inner.boxed(),
            watch: self.watch.clone(),
            part: self.part,
        })
    }
}

/// An optimizer whose steps are timed, as one part; so is the loss.
#[derive(Debug)]
pub struct WatchedOptimizer {
    inner: Box<dyn Optimizer<f32>>,
    watch: Arc<Watch>,
    part: usize,
}

impl WatchedOptimizer {
    pub fn new(inner: Box<dyn Optimizer<f32>>, watch: &Arc<Watch>) -> WatchedOptimizer {
        WatchedOptimizer {
            part: watch.part("(optimizer)", inner.name()),
            inner,
            watch: watch.clone(),
        }
    }
}

impl Optimizer<f32> for WatchedOptimizer {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn learning_rate(&self) -> f64 {
        self.inner.learning_rate()
    }

    fn start(&self, parameter: &Tensor) -> State {
        self.inner.start(parameter)
    }

    fn step(&self, rate: f64, parameter: &mut Tensor, gradient: &Tensor, state: &mut State) {
        let start = Instant::now();
        self.inner.step(rate, parameter, gradient, state);
        self.watch.add(self.part, false, start.elapsed());
    }
}

#[derive(Debug)]
pub struct WatchedLoss {
    inner: Box<dyn Loss<f32>>,
    watch: Arc<Watch>,
    part: usize,
}

impl WatchedLoss {
    pub fn new(inner: Box<dyn Loss<f32>>, watch: &Arc<Watch>) -> WatchedLoss {
        WatchedLoss {
            part: watch.part("(loss)", inner.name()),
            inner,
            watch: watch.clone(),
        }
    }
}

impl Loss<f32> for WatchedLoss {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn check(&self) -> Result<()> {
        self.inner.check()
    }

    fn value_and_gradient(
        &self,
        output: &Tensor,
        target: Target<'_, f32>,
    ) -> Result<(f64, Tensor)> {
        let start = Instant::now();
        let found = self.inner.value_and_gradient(output, target);
        self.watch.add(self.part, true, start.elapsed());
        found
    }
}
