//! Network in Network (Lin, Chen and Yan 2014).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, CIFAR, IMAGENET};
use crate::options::Plan;
use convscope_nn::{
    AvgPool2d, Conv2d, Dropout, Flatten, GlobalAvgPool2d, MaxPool2d, NetworkBuilder, Padding, Relu,
};

pub(crate) const ENTRIES: [Entry; 2] = [
    Entry {
        name: "nin_cifar10",
        title: "Network in Network, CIFAR-10",
        source: "Lin, Chen and Yan 2014, figure 2, with the authors' widths for CIFAR-10",
        smallest: 6,
        year: 2014,
        accuracy: Accuracy::cifar10(91.19, "the paper, table 1, with augmentation"),
        parameters: 966_986,
        multiply_adds: 222_486_528,
        builder: nin_cifar10,
        ..CIFAR
    },
    Entry {
        name: "nin",
        title: "Network in Network, ImageNet",
        source: "Lin, Chen and Yan 2014, with the authors' widths for ImageNet",
        smallest: 55,
        year: 2014,
        accuracy: Accuracy::imagenet(59.36, None, "the authors' model page"),
        parameters: 7_595_176,
        multiply_adds: 1_100_188_800,
        builder: nin,
        ..IMAGENET
    },
];

/// An "mlpconv" layer: a small fully connected network slides over the image in place of a linear
/// filter, which is a convolution and 1x1 convolutions behind it.
fn mlpconv(
    o: Plan,
    conv: Conv2d,
    widths: [usize; 2],
) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    move |b| {
        b.add("conv", conv)
            .add("relu1", Relu)
            .add("cccp1", o.conv(widths[0], 1))
            .add("relu2", Relu)
            .add("cccp2", o.conv(widths[1], 1))
            .add("relu3", Relu)
    }
}

/// Network in Network for CIFAR-10, with the widths and poolings of the authors' own model. The
/// last feature maps are the classes' ("confidence maps"); their means are the logits, and no fully
/// connected layer is left to overfit.
///
/// # Shapes
/// An image of 3 x 32 x 32 to 10 logits.
///
/// # Errors
/// When the image is smaller than 6 x 6.
pub fn nin_cifar10(options: Options) -> Result<Network> {
    let o = options.or([3, 32, 32], 10);
    let b = o
        .image() // 3 x 32 x 32
        .block("mlpconv1", mlpconv(o, o.padded(192, 5), [160, 96])) // 96 x 32 x 32
        .add("pool1", MaxPool2d::new(3).stride(2).ceil_mode()) // 96 x 16 x 16
        .add("drop1", Dropout::new(0.5))
        .block("mlpconv2", mlpconv(o, o.padded(192, 5), [192, 192])) // 192 x 16 x 16
        .add("pool2", AvgPool2d::new(3).stride(2).ceil_mode()) // 192 x 8 x 8
        .add("drop2", Dropout::new(0.5))
        .block("mlpconv3", mlpconv(o, o.padded(192, 3), [192, o.classes])) // 10 x 8 x 8
        .add("avgpool", GlobalAvgPool2d) // 10 x 1 x 1
        .add("flatten", Flatten);
    o.build(b)
}

/// Network in Network for ImageNet, as the authors published it in Caffe's model zoo.
///
/// # Shapes
/// An image of 3 x 224 x 224 to 1000 logits.
///
/// # Errors
/// When the image is smaller than 55 x 55.
pub fn nin(options: Options) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let pool = || MaxPool2d::new(3).stride(2).ceil_mode();
    let first = o.conv(96, 11).stride(4).padding(Padding::Valid);
    let b = o
        .image() // 3 x 224 x 224
        .block("mlpconv1", mlpconv(o, first, [96, 96])) // 96 x 54 x 54
        .add("pool1", pool()) // 96 x 27 x 27
        .block("mlpconv2", mlpconv(o, o.padded(256, 5), [256, 256])) // 256 x 27 x 27
        .add("pool2", pool()) // 256 x 13 x 13
        .block("mlpconv3", mlpconv(o, o.padded(384, 3), [384, 384])) // 384 x 13 x 13
        .add("pool3", pool()) // 384 x 6 x 6
        .add("drop3", Dropout::new(0.5))
        .block("mlpconv4", mlpconv(o, o.padded(1024, 3), [1024, o.classes])) // 1000 x 6 x 6
        .add("avgpool", GlobalAvgPool2d) // 1000 x 1 x 1
        .add("flatten", Flatten);
    o.build(b)
}
