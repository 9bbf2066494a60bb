//! The course's own networks.

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, MNIST};
use crate::options::Plan;
use convscope_nn::{BatchNorm1d, BatchNorm2d, Dropout, Flatten, MaxPool2d, NetworkBuilder, Relu};

pub(crate) const ENTRIES: [Entry; 6] = [
    Entry {
        name: "fc",
        title: "fc",
        source: "the course: 784-500-50-10",
        parameters: 418_060,
        multiply_adds: 417_500,
        builder: fc,
        ..MNIST
    },
    Entry {
        name: "cnn1",
        title: "cnn1",
        source: "the course: one convolution",
        parameters: 251_210,
        multiply_adds: 476_672,
        builder: cnn1,
        ..MNIST
    },
    Entry {
        name: "cnn2",
        title: "cnn2",
        source: "the course: two blocks of two convolutions",
        smallest: 4,
        parameters: 36_138,
        multiply_adds: 1_217_168,
        builder: cnn2,
        ..MNIST
    },
    Entry {
        name: "cnn2_wide",
        title: "cnn2, wide",
        source: "the course: cnn2 with four times the filters, and five times the units",
        smallest: 4,
        parameters: 695_186,
        multiply_adds: 18_918_352,
        builder: cnn2_wide,
        ..MNIST
    },
    Entry {
        name: "live_demo",
        title: "live demo",
        source: "Keras' MNIST example of 2016, which ran in the browser by keras-js",
        smallest: 6,
        year: 2016,
        accuracy: Accuracy::mnist(99.25, "the example's own comment, after 12 epochs"),
        parameters: 600_810,
        multiply_adds: 6_094_208,
        builder: live_demo,
        ..MNIST
    },
    Entry {
        name: "keras_example",
        title: "Keras example",
        source: "the lecture's first network in Keras",
        smallest: 10,
        parameters: 42_050,
        multiply_adds: 182_048,
        builder: keras_example,
        ..MNIST
    },
];

/// The course's fully connected network, 784-500-50-10.
///
/// # Shapes
/// An image of 1 x 28 x 28, or any other size, to 10 logits.
///
/// # Errors
/// When there are no classes or the image has no pixels.
pub fn fc(options: Options) -> Result<Network> {
    let o = options.or([1, 28, 28], 10);
    let b = o
        .image() // 1 x 28 x 28
        .add("flatten", Flatten) // 784
        .add("fc1", o.fc(500))
        .add("relu1", Relu)
        .add("fc2", o.fc(50))
        .add("relu2", Relu)
        .add("fc3", o.fc(o.classes));
    o.build(b)
}

/// The course's first convolutional network: one layer of filters, read by all outputs at once.
///
/// # Shapes
/// An image of 1 x 28 x 28, or any other size, to 10 logits.
///
/// # Errors
/// When there are no classes or the image has no pixels.
pub fn cnn1(options: Options) -> Result<Network> {
    let o = options.or([1, 28, 28], 10);
    let b = o
        .image() // 1 x 28 x 28
        .add("conv1", o.padded(32, 3)) // 32 x 28 x 28
        .add("relu1", Relu)
        .add("flatten", Flatten) // 25088
        .add("fc", o.fc(o.classes));
    o.build(b)
}

/// The course's second convolutional network, 8-8-pool-16-16-pool-40-10, with batch norm before
/// every ReLU and dropout of 0.3 behind every block.
///
/// # Shapes
/// An image of 1 x 28 x 28, or another size, to 10 logits.
///
/// # Errors
/// When the image is smaller than 4 x 4.
pub fn cnn2(options: Options) -> Result<Network> {
    two_blocks(options, [8, 16], 40)
}

/// [`cnn2`] of 32-32-pool-64-64-pool-200-10.
///
/// # Shapes
/// As [`cnn2`].
///
/// # Errors
/// When the image is smaller than 4 x 4.
pub fn cnn2_wide(options: Options) -> Result<Network> {
    two_blocks(options, [32, 64], 200)
}

fn two_blocks(options: Options, [first, second]: [usize; 2], units: usize) -> Result<Network> {
    let o = options.or([1, 28, 28], 10);
    let b = o.image(); // 1 x 28 x 28
    let b = unit(unit(b, o, 1, first), o, 2, first) // 8 x 28 x 28
        .add("pool1", MaxPool2d::new(2)) // 8 x 14 x 14
        .add("drop1", Dropout::new(0.3));
    let b = unit(unit(b, o, 3, second), o, 4, second) // 16 x 14 x 14
        .add("pool2", MaxPool2d::new(2)) // 16 x 7 x 7
        .add("drop2", Dropout::new(0.3))
        .add("flatten", Flatten) // 784
        .add("fc1", o.fc(units))
        .add("bn5", BatchNorm1d::new())
        .add("relu5", Relu)
        .add("drop3", Dropout::new(0.3))
        .add("fc2", o.fc(o.classes));
    o.build(b)
}

fn unit(b: NetworkBuilder, o: Plan, i: usize, filters: usize) -> NetworkBuilder {
    b.add(&format!("conv{i}"), o.padded(filters, 3))
        .add(&format!("bn{i}"), BatchNorm2d::new())
        .add(&format!("relu{i}"), Relu)
}

/// The network that reads a drawn digit live in the lecture.
///
/// # Shapes
/// An image of 1 x 28 x 28, or another size, to 10 logits.
///
/// # Errors
/// When the image is smaller than 6 x 6.
pub fn live_demo(options: Options) -> Result<Network> {
    let o = options.or([1, 28, 28], 10);
    let b = o
        .image() // 1 x 28 x 28
        .add("conv1", o.conv(32, 3)) // 32 x 26 x 26
        .add("relu1", Relu)
        .add("conv2", o.conv(32, 3)) // 32 x 24 x 24
        .add("relu2", Relu)
        .add("pool", MaxPool2d::new(2)) // 32 x 12 x 12
        .add("drop1", Dropout::new(0.25))
        .add("flatten", Flatten) // 4608
        .add("fc1", o.fc(128))
        .add("relu3", Relu)
        .add("drop2", Dropout::new(0.5))
        .add("fc2", o.fc(o.classes));
    o.build(b)
}

/// The lecture's first network in Keras, 6-pool-16-pool-100-10, filters of 3x3 without padding.
///
/// # Shapes
/// An image of 1 x 28 x 28, or another size, to 10 logits.
///
/// # Errors
/// When the image is smaller than 10 x 10.
pub fn keras_example(options: Options) -> Result<Network> {
    let o = options.or([1, 28, 28], 10);
    let b = o
        .image() // 1 x 28 x 28
        .add("conv1", o.conv(6, 3)) // 6 x 26 x 26
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2)) // 6 x 13 x 13
        .add("conv2", o.conv(16, 3)) // 16 x 11 x 11
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2)) // 16 x 5 x 5
        .add("flatten", Flatten) // 400
        .add("fc1", o.fc(100))
        .add("relu3", Relu)
        .add("fc2", o.fc(o.classes));
    o.build(b)
}
