//! A small VGG with batch norm on CIFAR-10: how good does it get within half an hour?
//!
//! `cargo run -p convscope-nn --example cifar10_vgg` (a number after `--` sets the epochs)
//!
//! The network is 64-64-P-128-128-P-256-256-P with 3x3 convolutions, batch norm and ReLU, and one
//! linear layer; stochastic gradient descent with Nesterov's momentum, weight decay 5e-4, one cycle
//! of the learning rate up to 0.1, label smoothing 0.1; flips and crops from images padded by 4
//! (the recipe of He et al. 2016, section 4.2, in one cycle). The test set is looked at once, at
//! the end.

use convscope_data::{Augmentation, Standardizer, cifar10};
use convscope_nn::{
    BatchNorm2d, Conv2d, CrossEntropy, Flatten, Linear, MaxPool2d, Nesterov, Network, OneCycle,
    ParameterGroups, Relu, Training, evaluate,
};
use std::error::Error;
use std::time::Instant;

const SEED: u64 = 1;
const VALIDATION: usize = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let epochs: usize = match std::env::args().nth(1) {
        Some(text) => text
            .parse()
            .map_err(|e| format!("epochs: expected a number, got \"{text}\": {e}"))?,
        None => 10,
    };
    let data = cifar10()?;
    if let Some(notice) = &data.notice {
        println!("{notice}");
    }
    let (train, valid) = data.train.split(data.train.len() - VALIDATION)?;
    let scale = Standardizer::fit_channels(&train)?;
    let (train, valid) = (scale.apply(&train)?, scale.apply(&valid)?);
    let test = scale.apply(&data.test)?;

    let mut builder = Network::input([3, 32, 32]);
    for (block, filters) in [64, 128, 256].into_iter().enumerate() {
        for conv in 1..=2 {
            let name = |kind: &str| format!("{kind}{}_{conv}", block + 1);
            builder = builder
                .add(&name("conv"), Conv2d::new(filters, 3).same())
                .add(&name("bn"), BatchNorm2d::new())
                .add(&name("relu"), Relu);
        }
        builder = builder.add(&format!("pool{}", block + 1), MaxPool2d::new(2));
    }
    let mut net = builder
        .add("flatten", Flatten)
        .add("fc", Linear::new(10))
        .build(SEED)?;
    println!("{}\n", net.summary());

    let start = Instant::now();
    Training::new(Nesterov::new(0.1))
        .loss(CrossEntropy::new().label_smoothing(0.1))
        .groups(ParameterGroups::new().weight_decay("*", 5e-4))
        .schedule(OneCycle::new(epochs as f64))
        .augment(Augmentation::new().flip().crop(4))
        .epochs(epochs)
        .batch_size(128)
        .seed(SEED)
        .fit(&mut net, &train, &valid)?;
    let seconds = start.elapsed().as_secs_f64();

    let result = evaluate(&net, &test)?;
    println!(
        "\n{}: test accuracy {:.4} (standard error {:.4}) after {epochs} epochs in {seconds:.0} s",
        test.name,
        result.accuracy,
        result.standard_error(),
    );
    Ok(())
}
