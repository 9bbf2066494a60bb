//! A network that learns CIFAR-10 in seconds on a graphics card (Jordan 2024).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, CIFAR};
use crate::options::Plan;
use convscope_nn::{BatchNorm2d, Flatten, Gelu, MaxPool2d, NetworkBuilder};

pub(crate) const ENTRIES: [Entry; 1] = [Entry {
    name: "airbench",
    title: "airbench94",
    source: "Jordan 2024, \"94% on CIFAR-10 in 3.29 seconds on a single GPU\", section 3.1",
    smallest: 25,
    year: 2024,
    accuracy: Accuracy::cifar10(94.01, "the paper, section 3.1, the mean of many runs"),
    parameters: 1_972_802,
    multiply_adds: 118_147_360,
    builder: airbench,
    ..CIFAR
}];

/// Two convolutions, each normalised and bent; the pooling stands before the first norm.
fn group(o: Plan, filters: usize) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    // The newest batch counts for much, since there are few of them.
    let norm = || BatchNorm2d::new().eps(1e-12).momentum(0.4);
    move |b| {
        b.add("conv1", o.padded(filters, 3).no_bias())
            .add("pool", MaxPool2d::new(2))
            .add("norm1", norm())
            .add("gelu1", Gelu::new())
            .add("conv2", o.padded(filters, 3).no_bias())
            .add("norm2", norm())
            .add("gelu2", Gelu::new())
    }
}

/// airbench94's network, but for a bias in its last layer, where the original multiplies by 1/9
/// instead. Its speed comes from training as much: there the filters of `whiten` are set so that
/// they whiten the patches of the training images, and stay; the scales of batch norm stay 1.
///
/// # Shapes
/// An image of 3 x 32 x 32, or another size, to 10 logits.
///
/// # Errors
/// When the image is smaller than 25 x 25.
pub fn airbench(options: Options) -> Result<Network> {
    let o = options.or([3, 32, 32], 10);
    let b = o
        .image() // 3 x 32 x 32
        .add("whiten", o.conv(24, 2)) // 24 x 31 x 31
        .add("gelu", Gelu::new())
        .block("group1", group(o, 64)) // 64 x 15 x 15
        .block("group2", group(o, 256)) // 256 x 7 x 7
        .block("group3", group(o, 256)) // 256 x 3 x 3
        .add("pool", MaxPool2d::new(3)) // 256 x 1 x 1
        .add("flatten", Flatten)
        .add("fc", o.fc(o.classes));
    o.build(b)
}
