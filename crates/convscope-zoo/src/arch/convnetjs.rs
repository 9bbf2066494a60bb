//! The networks of ConvNetJS's demos (Karpathy 2014), which train in a browser.

use super::{Entry, Network, Options, Result};
use crate::catalogue::{CIFAR, MNIST};
use convscope_nn::{Flatten, MaxPool2d, Relu};

pub(crate) const ENTRIES: [Entry; 2] = [
    Entry {
        name: "convnetjs_mnist",
        title: "ConvNetJS, MNIST",
        source: "ConvNetJS, MNIST demo (Karpathy 2014)",
        input: [1, 24, 24],
        smallest: 6,
        year: 2014,
        parameters: 5_994,
        multiply_adds: 578_560,
        builder: convnetjs_mnist,
        ..MNIST
    },
    Entry {
        name: "convnetjs_cifar10",
        title: "ConvNetJS, CIFAR-10",
        source: "ConvNetJS, CIFAR-10 demo (Karpathy 2014)",
        smallest: 8,
        year: 2014,
        parameters: 22_466,
        multiply_adds: 3_920_000,
        builder: convnetjs_cifar10,
        ..CIFAR
    },
];

/// ConvNetJS's network for MNIST: 8 and 16 filters of 5x5, a pooling behind each.
///
/// # Shapes
/// An image of 1 x 24 x 24 (a crop of a 28 x 28 digit), or another size, to 10 logits.
///
/// # Errors
/// When the image is smaller than 6 x 6.
pub fn convnetjs_mnist(options: Options) -> Result<Network> {
    let o = options.or([1, 24, 24], 10);
    let b = o
        .image() // 1 x 24 x 24
        .add("conv1", o.padded(8, 5)) // 8 x 24 x 24
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2)) // 8 x 12 x 12
        .add("conv2", o.padded(16, 5)) // 16 x 12 x 12
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(3)) // 16 x 4 x 4
        .add("flatten", Flatten)
        .add("fc", o.fc(o.classes));
    o.build(b)
}

/// ConvNetJS's network for CIFAR-10: 16, 20 and 20 filters of 5x5, a pooling behind each.
///
/// # Shapes
/// An image of 3 x 32 x 32, or another size, to 10 logits.
///
/// # Errors
/// When the image is smaller than 8 x 8.
pub fn convnetjs_cifar10(options: Options) -> Result<Network> {
    let o = options.or([3, 32, 32], 10);
    let b = o
        .image() // 3 x 32 x 32
        .add("conv1", o.padded(16, 5)) // 16 x 32 x 32
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2)) // 16 x 16 x 16
        .add("conv2", o.padded(20, 5)) // 20 x 16 x 16
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2)) // 20 x 8 x 8
        .add("conv3", o.padded(20, 5)) // 20 x 8 x 8
        .add("relu3", Relu)
        .add("pool3", MaxPool2d::new(2)) // 20 x 4 x 4
        .add("flatten", Flatten)
        .add("fc", o.fc(o.classes));
    o.build(b)
}
