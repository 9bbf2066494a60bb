//! LeNet-5 with ReLUs and max pooling on all of MNIST, from a fixed seed: how good and how long?
//!
//! `cargo run -p convscope-nn --example mnist_full` (a number after `--` sets the epochs)
//!
//! The network is LeCun, Bottou, Bengio and Haffner's of 1998 with today's units: ReLU for tanh,
//! maximum for average, softmax for radial basis functions. The last 5,000 of the 60,000 training
//! images are kept for validation; the test set is looked at once, at the end.

use convscope_data::{Standardizer, mnist};
use convscope_nn::{Adam, Conv2d, Flatten, Linear, MaxPool2d, Network, Relu, Training, evaluate};
use std::error::Error;
use std::time::Instant;

const SEED: u64 = 1;
const VALIDATION: usize = 5_000;

fn main() -> Result<(), Box<dyn Error>> {
    let epochs = match std::env::args().nth(1) {
        Some(text) => text
            .parse()
            .map_err(|e| format!("epochs: expected a number, got \"{text}\": {e}"))?,
        None => 5,
    };
    let digits = mnist()?;
    if let Some(notice) = &digits.notice {
        println!("{notice}");
    }
    let (train, valid) = digits.train.split(digits.train.len() - VALIDATION)?;
    let scale = Standardizer::fit(&train)?;
    let (train, valid) = (scale.apply(&train)?, scale.apply(&valid)?);
    let test = scale.apply(&digits.test)?;

    let mut net = Network::input([1, 28, 28])
        .add("conv1", Conv2d::new(6, 5).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(16, 5))
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc1", Linear::new(120))
        .add("relu3", Relu)
        .add("fc2", Linear::new(84))
        .add("relu4", Relu)
        .add("fc3", Linear::new(10))
        .build(SEED)?;
    println!("{}\n", net.summary());

    let start = Instant::now();
    Training::new(Adam::new(0.001))
        .epochs(epochs)
        .batch_size(64)
        .seed(SEED)
        .fit(&mut net, &train, &valid)?;
    let seconds = start.elapsed().as_secs_f64();

    let result = evaluate(&net, &test)?;
    println!(
        "\n{}: test accuracy {:.4} (standard error {:.4}) after {epochs} epochs in {seconds:.1} s",
        test.name,
        result.accuracy,
        result.standard_error()
    );
    Ok(())
}
