//! DenseNet (Huang, Liu, van der Maaten and Weinberger 2017).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, IMAGENET};
use crate::options::Plan;
use convscope_nn::{
    AvgPool2d, BatchNorm2d, Concat, Flatten, GlobalAvgPool2d, MaxPool2d, NetworkBuilder, Relu,
};

pub(crate) const ENTRIES: [Entry; 1] = [Entry {
    name: "densenet121",
    title: "DenseNet-121",
    source: "Huang, Liu, van der Maaten and Weinberger 2017, table 1",
    smallest: 29,
    year: 2017,
    accuracy: Accuracy::torchvision(74.434, 91.972),
    parameters: 7_978_856,
    multiply_adds: 2_834_161_664,
    in_torchvision: true,
    builder: densenet121,
    ..IMAGENET
}];

/// Channels that every layer adds: the paper's growth rate k.
const GROWTH: usize = 32;

/// Batch norm and ReLU come before the convolutions; the 1x1 of 4 k filters is the bottleneck that
/// keeps the 3x3 cheap. What comes in goes out too, with the new channels behind it.
fn dense_layer(o: Plan) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        b.add("norm1", BatchNorm2d::new())
            .add("relu1", Relu)
            .add("conv1", o.conv(4 * GROWTH, 1).no_bias())
            .add("norm2", BatchNorm2d::new())
            .add("relu2", Relu)
            .add("conv2", o.padded(GROWTH, 3).no_bias())
            .add_after(&["input", "conv2"], "concat", Concat)
    }
}

/// Between blocks: half the channels, half the size.
fn transition(o: Plan, channels: usize) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        b.add("norm", BatchNorm2d::new())
            .add("relu", Relu)
            .add("conv", o.conv(channels, 1).no_bias())
            .add("pool", AvgPool2d::new(2))
    }
}

/// DenseNet-121, table 1, under torchvision's parameter paths: every layer reads what all layers
/// before it in its block put out.
///
/// # Shapes
/// An image of 3 x 224 x 224, or another size, to 1000 logits.
///
/// # Errors
/// When the image is smaller than 29 x 29.
pub fn densenet121(options: Options) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let features = |b: NetworkBuilder| {
        let mut b = b
            .add("conv0", o.padded(64, 7).stride(2).no_bias()) // 64 x 112 x 112
            .add("norm0", BatchNorm2d::new())
            .add("relu0", Relu)
            .add("pool0", MaxPool2d::new(3).stride(2).padding(1)); // 64 x 56 x 56
        let mut channels = 64;
        // 256 x 56 x 56, 512 x 28 x 28, 1024 x 14 x 14, 1024 x 7 x 7.
        for (block, layers) in (1..).zip([6, 12, 24, 16]) {
            b = b.block(&format!("denseblock{block}"), |b| {
                (1..=layers).fold(b, |b, i| b.block(&format!("denselayer{i}"), dense_layer(o)))
            });
            channels += layers * GROWTH;
            if block < 4 {
                channels /= 2;
                b = b.block(&format!("transition{block}"), transition(o, channels));
            }
        }
        b.add("norm5", BatchNorm2d::new())
    };
    let b = o
        .image() // 3 x 224 x 224
        .block("features", features) // 1024 x 7 x 7
        .add("relu", Relu)
        .add("avgpool", GlobalAvgPool2d) // 1024 x 1 x 1
        .add("flatten", Flatten)
        .add("classifier", o.fc(o.classes));
    o.build(b)
}
