//! The whole steps: training, inference, saliency, ascent.

use crate::builder::{Watch, WatchedLoss, WatchedOptimizer};
use crate::clock::{Budget, Timed, measure_after};
use crate::convolution::numbers;
use crate::nets;
use convscope_data::Dataset;
use convscope_nn::{
    Adam, Callback, CrossEntropy, Loss, Moment, Nesterov, Network, Optimizer, Result, Rule,
    StopHandle, Tensor, Training, Unit,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A network and what is done with it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub name: &'static str,
    pub batch: usize,
    pub task: Task,
    pub net: fn(Option<&Arc<Watch>>) -> Result<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Forward, loss, backward and Adam's step (airbench: Nesterov's, with smoothed labels).
    Train,
    /// Forward, with running statistics.
    Inference,
    /// Forward, and the gradient of a class with respect to the pixels.
    Saliency,
    /// Forward, the gradient of a channel's mean with respect to the pixels, and a step along it.
    Ascent,
}

const fn step(
    name: &'static str,
    batch: usize,
    task: Task,
    net: fn(Option<&Arc<Watch>>) -> Result<Network>,
) -> Step {
    Step {
        name,
        batch,
        task,
        net,
    }
}

pub const STEPS: [Step; 17] = [
    step("cnn1-train", 128, Task::Train, nets::cnn1),
    step("cnn1-inference", 128, Task::Inference, nets::cnn1),
    step("cnn2-train", 128, Task::Train, nets::cnn2),
    step("cnn2-inference", 128, Task::Inference, nets::cnn2),
    step("lenet-train", 128, Task::Train, nets::lenet),
    step("lenet-inference", 128, Task::Inference, nets::lenet),
    step("vgg-small-train", 128, Task::Train, nets::vgg_small),
    step("vgg-small-inference", 128, Task::Inference, nets::vgg_small),
    step("airbench-train", 256, Task::Train, nets::airbench),
    step("airbench-inference", 256, Task::Inference, nets::airbench),
    step("vgg16-forward", 1, Task::Inference, nets::vgg16),
    step("vgg16-saliency", 1, Task::Saliency, nets::vgg16),
    step("vgg16-ascent", 1, Task::Ascent, nets::vgg16_head),
    step("resnet50-forward", 1, Task::Inference, nets::resnet50),
    step("squeezenet-forward", 1, Task::Inference, nets::squeezenet),
    step("squeezenet-batch64", 64, Task::Inference, nets::squeezenet),
    step("squeezenet-saliency", 1, Task::Saliency, nets::squeezenet),
];

/// Batches of an epoch: the interval over an epoch's end is not counted.
const BATCHES: usize = 8;

/// Nobody looks at a second class, or at a channel other than this one.
const CLASS: usize = 7;

impl Step {
    /// What it takes.
    ///
    /// # Errors
    /// When the network or the step fails, which would be a mistake here.
    pub fn time(&self, budget: Budget, watch: Option<&Arc<Watch>>) -> Result<Timed> {
        let mut net = (self.net)(watch)?;
        Ok(Timed {
            multiply_adds: self.multiply_adds(&net),
            milliseconds: self.run(&mut net, budget, watch)?,
        })
    }

    fn run(
        &self,
        net: &mut Network,
        budget: Budget,
        watch: Option<&Arc<Watch>>,
    ) -> Result<Vec<f64>> {
        let mut shape = vec![self.batch];
        shape.extend(net.input_shape());
        let warm = || {
            if let Some(watch) = watch {
                watch.reset();
            }
        };
        match self.task {
            Task::Train => self.train(net, budget, watch),
            Task::Inference => {
                let x = images(&shape);
                measure_after(budget, || net.forward(&x).map(drop), warm)
            }
            Task::Saliency => {
                let x = images(&shape);
                let saliency = || {
                    let trace = net.trace(&x)?;
                    trace.gradient(Unit::class(CLASS), Rule::Gradient).map(drop)
                };
                measure_after(budget, saliency, warm)
            }
            Task::Ascent => {
                let mut x = images(&shape);
                let last = net.nodes().pop().unwrap_or_default();
                let step = || {
                    let unit = Unit::channel(&last, CLASS);
                    let gradient = net.trace(&x)?.gradient(unit, Rule::Gradient)?;
                    ascend(&mut x, &gradient);
                    Ok(())
                };
                measure_after(budget, step, warm)
            }
        }
    }

    fn train(
        &self,
        net: &mut Network,
        budget: Budget,
        watch: Option<&Arc<Watch>>,
    ) -> Result<Vec<f64>> {
        let train = dataset(net, self.batch * BATCHES);
        let valid = dataset(net, 1);
        let airbench = self.name.starts_with("airbench");
        let mut optimizer: Box<dyn Optimizer<f32>> = match airbench {
            true => Nesterov::new(0.001).into(),
            false => Adam::new(0.001).into(),
        };
        let smoothing = if airbench { 0.2 } else { 0.0 };
        let mut loss: Box<dyn Loss<f32>> = CrossEntropy::new().label_smoothing(smoothing).into();
        if let Some(watch) = watch {
            loss = Box::new(WatchedLoss::new(loss, watch));
            optimizer = Box::new(WatchedOptimizer::new(optimizer, watch));
        }
        let stop = StopHandle::new();
        let timer = Arc::new(Timer {
            budget,
            stop: stop.clone(),
            seen: Mutex::default(),
            watch: watch.cloned(),
        });
        Training::new(optimizer)
            .loss(loss)
            .batch_size(self.batch)
            .epochs(1_000_000)
            .seed(1)
            .stop_handle(&stop)
            .callback(AfterBatch(timer.clone()))
            .quiet()
            .fit(net, &train, &valid)?;
        let seen = timer.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(seen.times.clone())
    }

    /// Multiplications followed by an addition in one run; the way back costs as much as the
    /// forward pass for each of its two gradients.
    fn multiply_adds(&self, net: &Network) -> u64 {
        let forward = net.summary().multiply_adds() * self.batch as u64;
        match self.task {
            Task::Train => 3 * forward,
            Task::Inference => forward,
            Task::Saliency | Task::Ascent => 2 * forward,
        }
    }
}

fn images(shape: &[usize]) -> Tensor {
    let pixels = numbers(shape.iter().product(), 1);
    Tensor::from_shape_vec(shape.to_vec(), pixels).expect("as many numbers as the shape says")
}

fn dataset(net: &Network, count: usize) -> Dataset {
    let mut shape = vec![count];
    shape.extend(net.input_shape());
    Dataset {
        name: "random numbers".into(),
        images: images(&shape),
        labels: (0..count).map(|i| i % 10).collect(),
        classes: (0..10).map(|i| i.to_string()).collect(),
    }
}

/// A step of the gradient's direction, as long as a hundredth per pixel in the mean.
fn ascend(x: &mut Tensor, gradient: &Tensor) {
    let square: f32 = gradient.iter().map(|g| g * g).sum();
    let scale = 0.01 / ((square / gradient.len() as f32).sqrt() + 1e-8);
    x.zip_mut_with(gradient, |x, &g| *x += scale * g);
}

/// Notes when batches end, and ends the run when the time is used up.
#[derive(Debug)]
struct Timer {
    budget: Budget,
    stop: StopHandle,
    seen: Mutex<Seen>,
    watch: Option<Arc<Watch>>,
}

#[derive(Debug, Default)]
struct Seen {
    begun: Option<Instant>,
    last: Option<Instant>,
    times: Vec<f64>,
}

/// The callback; the timer outlives the training.
#[derive(Debug)]
struct AfterBatch(Arc<Timer>);

impl Callback for AfterBatch {
    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        let timer = &self.0;
        let now = Instant::now();
        let mut seen = timer.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The first two steps warm up: memory is fresh in the first.
        if at.step() == 2 {
            seen.begun = Some(now);
            if let Some(watch) = &timer.watch {
                watch.reset();
            }
        }
        if at.step() > 2
            && at.batch() > 1
            && let Some(last) = seen.last
        {
            seen.times.push((now - last).as_secs_f64() * 1e3);
        }
        seen.last = Some(now);
        let spent = |begun| timer.budget.is_spent(seen.times.len(), begun);
        if seen.begun.is_some_and(spent) {
            timer.stop.stop();
        }
        Ok(())
    }
}
