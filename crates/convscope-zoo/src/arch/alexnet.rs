//! AlexNet (Krizhevsky, Sutskever and Hinton 2012).

use super::{Entry, Network, Options, Result, layers, sequential};
use crate::catalogue::{Accuracy, IMAGENET};
use convscope_nn::{
    AdaptiveAvgPool2d, Conv2d, Dropout, Flatten, LocalResponseNorm, MaxPool2d, Padding, Relu,
};

pub(crate) const ENTRIES: [Entry; 3] = [
    Entry {
        name: "alexnet_two_towers",
        title: "AlexNet, two towers",
        source: "Krizhevsky, Sutskever and Hinton 2012, figure 2",
        input: [3, 227, 227],
        smallest: 67,
        year: 2012,
        accuracy: Accuracy::imagenet(59.3, Some(81.8), "the paper, table 2, one network"),
        parameters: 60_965_224,
        multiply_adds: 724_406_816,
        builder: alexnet_two_towers,
        ..IMAGENET
    },
    Entry {
        name: "alexnet_one_tower",
        title: "AlexNet, one tower",
        source: "Krizhevsky, Sutskever and Hinton 2012, figure 2, without its groups",
        input: [3, 227, 227],
        smallest: 67,
        year: 2012,
        parameters: 62_378_344,
        multiply_adds: 1_135_256_096,
        builder: alexnet_one_tower,
        ..IMAGENET
    },
    Entry {
        name: "alexnet",
        title: "AlexNet, torchvision's",
        source: "Krizhevsky 2014, \"One weird trick for parallelizing convolutional neural networks\"",
        smallest: 63,
        year: 2014,
        accuracy: Accuracy::torchvision(56.522, 79.066),
        parameters: 61_100_840,
        multiply_adds: 714_188_480,
        in_torchvision: true,
        builder: alexnet,
        ..IMAGENET
    },
];

/// AlexNet as published, figure 2: conv2, conv4 and conv5 see half of the channels each, since the
/// network was shared out to two graphics cards.
///
/// # Shapes
/// An image of 3 x 227 x 227 (the paper's 224 does not fit its own strides) to 1000 logits.
///
/// # Errors
/// When the image is smaller than 67 x 67.
pub fn alexnet_two_towers(options: Options) -> Result<Network> {
    towers(options, 2)
}

/// AlexNet without groups, as lectures have it in their tables.
///
/// # Shapes
/// As [`alexnet_two_towers`].
///
/// # Errors
/// When the image is smaller than 67 x 67.
pub fn alexnet_one_tower(options: Options) -> Result<Network> {
    towers(options, 1)
}

fn towers(options: Options, groups: usize) -> Result<Network> {
    let o = options.or([3, 227, 227], 1000);
    let pool = || MaxPool2d::new(3).stride(2);
    let b = o
        .image() // 3 x 227 x 227
        .add("conv1", o.conv(96, 11).stride(4)) // 96 x 55 x 55
        .add("relu1", Relu)
        .add("norm1", LocalResponseNorm::alexnet())
        .add("pool1", pool()) // 96 x 27 x 27
        .add("conv2", o.padded(256, 5).groups(groups)) // 256 x 27 x 27
        .add("relu2", Relu)
        .add("norm2", LocalResponseNorm::alexnet())
        .add("pool2", pool()) // 256 x 13 x 13
        .add("conv3", o.padded(384, 3)) // 384 x 13 x 13
        .add("relu3", Relu)
        .add("conv4", o.padded(384, 3).groups(groups)) // 384 x 13 x 13
        .add("relu4", Relu)
        .add("conv5", o.padded(256, 3).groups(groups)) // 256 x 13 x 13
        .add("relu5", Relu)
        .add("pool5", pool()) // 256 x 6 x 6
        .add("flatten", Flatten)
        .add("fc6", o.fc(4096))
        .add("relu6", Relu)
        .add("drop6", Dropout::new(0.5))
        .add("fc7", o.fc(4096))
        .add("relu7", Relu)
        .add("drop7", Dropout::new(0.5))
        .add("fc8", o.fc(o.classes));
    o.build(b)
}

/// AlexNet as torchvision has it, under its parameter paths: one tower of fewer filters, without
/// local response normalisation.
///
/// # Shapes
/// An image of 3 x 224 x 224, or another size, to 1000 logits.
///
/// # Errors
/// When the image is smaller than 63 x 63.
pub fn alexnet(options: Options) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let pool = || MaxPool2d::new(3).stride(2);
    let first: Conv2d = o.conv(64, 11).stride(4).padding(Padding::Each(2));
    let features = layers![
        first, // 64 x 55 x 55
        Relu,
        pool(),           // 64 x 27 x 27
        o.padded(192, 5), // 192 x 27 x 27
        Relu,
        pool(),           // 192 x 13 x 13
        o.padded(384, 3), // 384 x 13 x 13
        Relu,
        o.padded(256, 3), // 256 x 13 x 13
        Relu,
        o.padded(256, 3), // 256 x 13 x 13
        Relu,
        pool(), // 256 x 6 x 6
    ];
    let classifier = layers![
        Dropout::new(0.5),
        o.fc(4096),
        Relu,
        Dropout::new(0.5),
        o.fc(4096),
        Relu,
        o.fc(o.classes),
    ];
    let b = o
        .image()
        .block("features", |b| sequential(b, features))
        .add("avgpool", AdaptiveAvgPool2d::new(6, 6))
        .add("flatten", Flatten)
        .block("classifier", |b| sequential(b, classifier));
    o.build(b)
}
