//! ZFNet (Zeiler and Fergus 2014).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, IMAGENET};
use convscope_nn::{Dropout, Flatten, LocalResponseNorm, MaxPool2d, Padding, Relu};

pub(crate) const ENTRIES: [Entry; 1] = [Entry {
    name: "zfnet",
    title: "ZFNet",
    source: "Zeiler and Fergus 2014, figure 3",
    smallest: 63,
    year: 2014,
    accuracy: Accuracy::imagenet(61.6, Some(83.5), "the paper, table 2, one network"),
    parameters: 62_357_608,
    multiply_adds: 1_168_032_896,
    builder: zfnet,
    ..IMAGENET
}];

/// ZFNet, figure 3 of the paper: AlexNet with a first layer of smaller filters at a smaller stride,
/// since the deconvnet had shown dead filters and aliasing there. Poolings are rounded up and conv1
/// is padded by 1, which gives the sizes of the figure.
///
/// # Shapes
/// An image of 3 x 224 x 224 to 1000 logits.
///
/// # Errors
/// When the image is smaller than 63 x 63.
pub fn zfnet(options: Options) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let pool = || MaxPool2d::new(3).stride(2).ceil_mode();
    let b = o
        .image() // 3 x 224 x 224
        .add("conv1", o.conv(96, 7).stride(2).padding(Padding::Each(1))) // 96 x 110 x 110
        .add("relu1", Relu)
        .add("pool1", pool()) // 96 x 55 x 55
        .add("norm1", LocalResponseNorm::alexnet())
        .add("conv2", o.conv(256, 5).stride(2)) // 256 x 26 x 26
        .add("relu2", Relu)
        .add("pool2", pool()) // 256 x 13 x 13
        .add("norm2", LocalResponseNorm::alexnet())
        .add("conv3", o.padded(384, 3)) // 384 x 13 x 13
        .add("relu3", Relu)
        .add("conv4", o.padded(384, 3)) // 384 x 13 x 13
        .add("relu4", Relu)
        .add("conv5", o.padded(256, 3)) // 256 x 13 x 13
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
