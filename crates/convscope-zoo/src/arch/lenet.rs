//! LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, MNIST};
use convscope_nn::{AvgPool2d, Flatten, Tanh};

pub(crate) const ENTRIES: [Entry; 1] = [Entry {
    name: "lenet5",
    title: "LeNet-5",
    source: "LeCun, Bottou, Bengio and Haffner 1998, figure 2",
    input: [1, 32, 32],
    smallest: 32,
    year: 1998,
    accuracy: Accuracy::mnist(99.05, "the paper, section III.B, without distortions"),
    parameters: 61_706,
    multiply_adds: 416_520,
    builder: lenet5,
    ..MNIST
}];

/// LeNet-5, figure 2 of the paper, as it is commonly built today: every map of C3 sees all of S2
/// (in the paper most see a part), subsampling is a mean without coefficients of its own, and the
/// output is fully connected (in the paper, distances to drawn characters).
///
/// # Shapes
/// An image of 1 x 32 x 32 (digits of 28 x 28 in a margin of zeros) to 10 logits. Larger images
/// work too: C5 then covers a part of S4 at a time, and F6 reads all of it.
///
/// # Errors
/// When the image is smaller than 32 x 32.
pub fn lenet5(options: Options) -> Result<Network> {
    let o = options.or([1, 32, 32], 10);
    let b = o
        .image() // 1 x 32 x 32
        .add("c1", o.conv(6, 5)) // 6 x 28 x 28
        .add("c1_tanh", Tanh)
        .add("s2", AvgPool2d::new(2)) // 6 x 14 x 14
        .add("c3", o.conv(16, 5)) // 16 x 10 x 10
        .add("c3_tanh", Tanh)
        .add("s4", AvgPool2d::new(2)) // 16 x 5 x 5
        .add("c5", o.conv(120, 5)) // 120 x 1 x 1
        .add("c5_tanh", Tanh)
        .add("flatten", Flatten)
        .add("f6", o.fc(84))
        .add("f6_tanh", Tanh)
        .add("output", o.fc(o.classes));
    o.build(b)
}
