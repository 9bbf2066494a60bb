//! A VGG for photographs of 32 x 32: the course's network to look into.

use super::{Entry, Network, Options, Result};
use crate::catalogue::CIFAR;
use crate::options::Plan;
use convscope_nn::{BatchNorm2d, Flatten, MaxPool2d, NetworkBuilder, Relu};

pub(crate) const ENTRIES: [Entry; 1] = [Entry {
    name: "vgg_cifar10",
    title: "VGG for CIFAR-10",
    source: "the course: four blocks of VGG B with batch norm",
    smallest: 16,
    parameters: 2_459_466,
    multiply_adds: 171_771_136,
    builder: vgg_cifar10,
    ..CIFAR
}];

/// Filters in the blocks.
const WIDTHS: [usize; 4] = [64, 128, 256, 256];

/// Four blocks of two convolutions of 3x3 and a pooling, as in VGG B (Simonyan and Zisserman 2015,
/// table 1), with batch norm, and narrower behind them: 128 units for 4096. Its nodes have the names
/// that VGG's layers have in Keras, with a dot: `block3.conv2`, `block4.pool`, `fc1`,
/// `predictions`.
///
/// # Shapes
/// An image of 3 x 32 x 32, or another size, to 10 logits.
///
/// # Errors
/// When the image is smaller than 16 x 16.
pub fn vgg_cifar10(options: Options) -> Result<Network> {
    let o = options.or([3, 32, 32], 10);
    let mut b = o.image(); // 3 x 32 x 32
    for (i, filters) in (1..).zip(WIDTHS) {
        // 64 x 16 x 16, 128 x 8 x 8, 256 x 4 x 4, 256 x 2 x 2
        b = b.block(&format!("block{i}"), |b| block(b, o, filters));
    }
    let b = b
        .add("flatten", Flatten) // 1024
        .add("fc1", o.fc(128))
        .add("fc1_relu", Relu)
        .add("predictions", o.fc(o.classes));
    o.build(b)
}

fn block(mut b: NetworkBuilder, o: Plan, filters: usize) -> NetworkBuilder {
    for i in 1..=2 {
        b = b
            .add(&format!("conv{i}"), o.padded(filters, 3).no_bias())
            .add(&format!("bn{i}"), BatchNorm2d::new())
            .add(&format!("relu{i}"), Relu);
    }
    b.add("pool", MaxPool2d::new(2))
}
