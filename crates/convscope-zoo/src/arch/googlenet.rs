//! GoogLeNet (Szegedy et al. 2015).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, IMAGENET};
use crate::options::Plan;
use convscope_nn::{
    BatchNorm2d, Concat, Conv2d, Dropout, Flatten, GlobalAvgPool2d, LocalResponseNorm, MaxPool2d,
    NetworkBuilder, Relu,
};

pub(crate) const ENTRIES: [Entry; 2] = [
    Entry {
        name: "googlenet_2014",
        title: "GoogLeNet, as published",
        source: "Szegedy et al. 2015, table 1",
        smallest: 47,
        year: 2015,
        accuracy: Some(Accuracy {
            top1: None,
            top5: Some(89.93),
            on: "ImageNet, validation",
            source: "the paper, table 3, one network, one crop",
        }),
        parameters: 6_998_552,
        multiply_adds: 1_582_671_872,
        builder: googlenet_2014,
        ..IMAGENET
    },
    Entry {
        name: "googlenet",
        title: "GoogLeNet, torchvision's",
        source: "Szegedy et al. 2015, table 1; with batch norm, and 3x3 filters for the 5x5",
        smallest: 31,
        year: 2015,
        accuracy: Accuracy::torchvision(69.778, 89.53),
        parameters: 6_624_904,
        multiply_adds: 1_498_376_192,
        in_torchvision: true,
        builder: googlenet,
        ..IMAGENET
    },
];

/// The inception modules of table 1: filters of the 1x1 branch, of the 3x3 branch's reduction and
/// its 3x3, of the 5x5 branch's reduction and its 5x5, and behind the pooling.
const MODULES: [(&str, [usize; 6]); 9] = [
    ("3a", [64, 96, 128, 16, 32, 32]),
    ("3b", [128, 128, 192, 32, 96, 64]),
    ("4a", [192, 96, 208, 16, 48, 64]),
    ("4b", [160, 112, 224, 24, 64, 64]),
    ("4c", [128, 128, 256, 24, 64, 64]),
    ("4d", [112, 144, 288, 32, 64, 64]),
    ("4e", [256, 160, 320, 32, 128, 128]),
    ("5a", [256, 160, 320, 32, 128, 128]),
    ("5b", [384, 192, 384, 48, 128, 128]),
];

/// A convolution and what stands behind it, as a block of this name.
type Unit = fn(NetworkBuilder, &str, Conv2d) -> NetworkBuilder;

fn normalised(b: NetworkBuilder, name: &str, conv: Conv2d) -> NetworkBuilder {
    b.block(name, |b| {
        b.add("conv", conv.no_bias())
            .add("bn", BatchNorm2d::new().eps(0.001))
            .add("relu", Relu)
    })
}

fn biased(b: NetworkBuilder, name: &str, conv: Conv2d) -> NetworkBuilder {
    b.block(name, |b| b.add("conv", conv).add("relu", Relu))
}

/// An inception module, figure 2 (b): four ways side by side, joined in depth. The 1x1 filters
/// before the large ones reduce the channels first, which makes them affordable.
fn inception(
    o: Plan,
    unit: Unit,
    widths: [usize; 6],
    large: usize,
) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    let [one, reduce3, three, reduce5, five, pooled] = widths;
    let pool = MaxPool2d::new(3).stride(1).padding(1).ceil_mode();
    move |b| {
        let b = unit(b, "branch1", o.conv(one, 1));
        let b = b.block_after("input", "branch2", |b| {
            unit(unit(b, "0", o.conv(reduce3, 1)), "1", o.padded(three, 3))
        });
        let b = b.block_after("input", "branch3", |b| {
            unit(unit(b, "0", o.conv(reduce5, 1)), "1", o.padded(five, large))
        });
        let b = b.block_after("input", "branch4", |b| {
            unit(b.add("0", pool), "1", o.conv(pooled, 1))
        });
        b.add_after(
            &["branch1", "branch2", "branch3", "branch4"],
            "concat",
            Concat,
        )
    }
}

/// GoogLeNet as torchvision has it, under its parameter paths, without the two auxiliary heads
/// (training alone used them): batch norm in place of local response normalisation, and 3x3
/// filters where the paper has 5x5.
///
/// torchvision's own weights were trained with pixels from -1 to 1.
///
/// # Shapes
/// An image of 3 x 224 x 224, or another size, to 1000 logits.
///
/// # Errors
/// When the image is smaller than 31 x 31.
pub fn googlenet(options: Options) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let pool = |window: usize| MaxPool2d::new(window).stride(2).ceil_mode();
    let b = normalised(o.image(), "conv1", o.padded(64, 7).stride(2)); // 64 x 112 x 112
    let b = b.add("maxpool1", pool(3)); // 64 x 56 x 56
    let b = normalised(b, "conv2", o.conv(64, 1)); // 64 x 56 x 56
    let b = normalised(b, "conv3", o.padded(192, 3)); // 192 x 56 x 56
    let mut b = b.add("maxpool2", pool(3)); // 192 x 28 x 28
    for (name, widths) in MODULES {
        b = b.block(
            &format!("inception{name}"),
            inception(o, normalised, widths, 3),
        );
        b = match name {
            "3b" => b.add("maxpool3", pool(3)), // 480 x 14 x 14
            "4e" => b.add("maxpool4", pool(2)), // 832 x 7 x 7
            _ => b,
        };
    }
    let b = b
        .add("avgpool", GlobalAvgPool2d) // 1024 x 1 x 1
        .add("flatten", Flatten)
        .add("dropout", Dropout::new(0.2))
        .add("fc", o.fc(o.classes));
    o.build(b)
}

/// GoogLeNet as published, table 1, without the two auxiliary heads: real 5x5 filters, biases, and
/// local response normalisation around the second convolution.
///
/// # Shapes
/// An image of 3 x 224 x 224, or another size, to 1000 logits.
///
/// # Errors
/// When the image is smaller than 47 x 47.
pub fn googlenet_2014(options: Options) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let pool = || MaxPool2d::new(3).stride(2).ceil_mode();
    let b = biased(o.image(), "conv1", o.padded(64, 7).stride(2)) // 64 x 112 x 112
        .add("maxpool1", pool()) // 64 x 56 x 56
        .add("norm1", LocalResponseNorm::new(5));
    let b = biased(b, "conv2", o.conv(64, 1)); // 64 x 56 x 56
    let mut b = biased(b, "conv3", o.padded(192, 3)) // 192 x 56 x 56
        .add("norm2", LocalResponseNorm::new(5))
        .add("maxpool2", pool()); // 192 x 28 x 28
    for (name, widths) in MODULES {
        b = b.block(&format!("inception{name}"), inception(o, biased, widths, 5));
        b = match name {
            "3b" => b.add("maxpool3", pool()), // 480 x 14 x 14
            "4e" => b.add("maxpool4", pool()), // 832 x 7 x 7
            _ => b,
        };
    }
    let b = b
        .add("avgpool", GlobalAvgPool2d) // 1024 x 1 x 1
        .add("flatten", Flatten)
        .add("dropout", Dropout::new(0.4))
        .add("fc", o.fc(o.classes));
    o.build(b)
}
