//! The VGG networks (Simonyan and Zisserman 2015).

use super::{Entry, Network, Options, Result, layers, sequential};
use crate::catalogue::{Accuracy, IMAGENET};
use convscope_nn::layer::Layer;
use convscope_nn::{
    AdaptiveAvgPool2d, BatchNorm2d, Dropout, Flatten, LocalResponseNorm, MaxPool2d, Relu,
};

/// A column of the paper's table 1: the sizes of the filters, block by block.
type Column = [&'static [usize]; 5];

/// Filters in the blocks.
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

const A: Column = [&[3], &[3], &[3, 3], &[3, 3], &[3, 3]];
const B: Column = [&[3, 3], &[3, 3], &[3, 3], &[3, 3], &[3, 3]];
const C: Column = [&[3, 3], &[3, 3], &[3, 3, 1], &[3, 3, 1], &[3, 3, 1]];
const D: Column = [&[3, 3], &[3, 3], &[3, 3, 3], &[3, 3, 3], &[3, 3, 3]];
const E: Column = [&[3, 3], &[3, 3], &[3; 4], &[3; 4], &[3; 4]];

const PAPER: Entry = Entry {
    smallest: 32,
    ..IMAGENET
};

const TORCHVISION: Entry = Entry {
    smallest: 32,
    in_torchvision: true,
    ..IMAGENET
};

pub(crate) const ENTRIES: [Entry; 14] = [
    Entry {
        name: "vgg_a",
        title: "VGG A",
        source: "Simonyan and Zisserman 2015, table 1, column A",
        year: 2015,
        accuracy: Accuracy::imagenet(70.4, Some(89.6), "the paper, table 3"),
        parameters: 132_863_336,
        multiply_adds: 7_609_090_048,
        builder: vgg_a,
        ..PAPER
    },
    Entry {
        name: "vgg_a_lrn",
        title: "VGG A-LRN",
        source: "Simonyan and Zisserman 2015, table 1, column A-LRN",
        year: 2015,
        accuracy: Accuracy::imagenet(70.3, Some(89.5), "the paper, table 3"),
        parameters: 132_863_336,
        multiply_adds: 7_609_090_048,
        builder: vgg_a_lrn,
        ..PAPER
    },
    Entry {
        name: "vgg_b",
        title: "VGG B",
        source: "Simonyan and Zisserman 2015, table 1, column B",
        year: 2015,
        accuracy: Accuracy::imagenet(71.3, Some(90.1), "the paper, table 3"),
        parameters: 133_047_848,
        multiply_adds: 11_308_466_176,
        builder: vgg_b,
        ..PAPER
    },
    Entry {
        name: "vgg_c",
        title: "VGG C",
        source: "Simonyan and Zisserman 2015, table 1, column C",
        year: 2015,
        accuracy: Accuracy::imagenet(
            72.7,
            Some(91.2),
            "the paper, table 3, sizes drawn from 256 to 512",
        ),
        parameters: 133_638_952,
        multiply_adds: 11_770_888_192,
        builder: vgg_c,
        ..PAPER
    },
    Entry {
        name: "vgg_d",
        title: "VGG D",
        source: "Simonyan and Zisserman 2015, table 1, column D",
        year: 2015,
        accuracy: Accuracy::imagenet(
            74.4,
            Some(91.9),
            "the paper, table 3, sizes drawn from 256 to 512",
        ),
        parameters: 138_357_544,
        multiply_adds: 15_470_264_320,
        builder: vgg_d,
        ..PAPER
    },
    Entry {
        name: "vgg_e",
        title: "VGG E",
        source: "Simonyan and Zisserman 2015, table 1, column E",
        year: 2015,
        accuracy: Accuracy::imagenet(
            74.5,
            Some(92.0),
            "the paper, table 3, sizes drawn from 256 to 512",
        ),
        parameters: 143_667_240,
        multiply_adds: 19_632_062_464,
        builder: vgg_e,
        ..PAPER
    },
    Entry {
        name: "vgg11",
        title: "VGG-11",
        source: "Simonyan and Zisserman 2015, table 1, column A",
        year: 2015,
        accuracy: Accuracy::torchvision(69.02, 88.628),
        parameters: 132_863_336,
        multiply_adds: 7_609_090_048,
        builder: vgg11,
        ..TORCHVISION
    },
    Entry {
        name: "vgg11_bn",
        title: "VGG-11, batch norm",
        source: "Simonyan and Zisserman 2015, table 1, column A; with batch norm",
        year: 2015,
        accuracy: Accuracy::torchvision(70.37, 89.81),
        parameters: 132_868_840,
        multiply_adds: 7_609_090_048,
        builder: vgg11_bn,
        ..TORCHVISION
    },
    Entry {
        name: "vgg13",
        title: "VGG-13",
        source: "Simonyan and Zisserman 2015, table 1, column B",
        year: 2015,
        accuracy: Accuracy::torchvision(69.928, 89.246),
        parameters: 133_047_848,
        multiply_adds: 11_308_466_176,
        builder: vgg13,
        ..TORCHVISION
    },
    Entry {
        name: "vgg13_bn",
        title: "VGG-13, batch norm",
        source: "Simonyan and Zisserman 2015, table 1, column B; with batch norm",
        year: 2015,
        accuracy: Accuracy::torchvision(71.586, 90.374),
        parameters: 133_053_736,
        multiply_adds: 11_308_466_176,
        builder: vgg13_bn,
        ..TORCHVISION
    },
    Entry {
        name: "vgg16",
        title: "VGG-16",
        source: "Simonyan and Zisserman 2015, table 1, column D",
        year: 2015,
        accuracy: Accuracy::torchvision(71.592, 90.382),
        parameters: 138_357_544,
        multiply_adds: 15_470_264_320,
        builder: vgg16,
        ..TORCHVISION
    },
    Entry {
        name: "vgg16_bn",
        title: "VGG-16, batch norm",
        source: "Simonyan and Zisserman 2015, table 1, column D; with batch norm",
        year: 2015,
        accuracy: Accuracy::torchvision(73.36, 91.516),
        parameters: 138_365_992,
        multiply_adds: 15_470_264_320,
        builder: vgg16_bn,
        ..TORCHVISION
    },
    Entry {
        name: "vgg19",
        title: "VGG-19",
        source: "Simonyan and Zisserman 2015, table 1, column E",
        year: 2015,
        accuracy: Accuracy::torchvision(72.376, 90.876),
        parameters: 143_667_240,
        multiply_adds: 19_632_062_464,
        builder: vgg19,
        ..TORCHVISION
    },
    Entry {
        name: "vgg19_bn",
        title: "VGG-19, batch norm",
        source: "Simonyan and Zisserman 2015, table 1, column E; with batch norm",
        year: 2015,
        accuracy: Accuracy::torchvision(74.218, 91.842),
        parameters: 143_678_248,
        multiply_adds: 19_632_062_464,
        builder: vgg19_bn,
        ..TORCHVISION
    },
];

/// A builder for each entry: what it is, its function, the column and whether it is normalised.
macro_rules! builders {
    ($how:ident: $($(#[$doc:meta])* $name:ident = $column:ident, $norm:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Shapes
        /// An image of 3 x 224 x 224 to 1000 logits; other sizes of at least 32 x 32 fit too.
        ///
        /// # Errors
        /// When the image is smaller than 32 x 32.
        pub fn $name(options: Options) -> Result<Network> {
            $how(options, $column, $norm)
        }
    )*};
}

builders!(paper:
    /// Table 1, column A: 11 layers with weights.
    vgg_a = A, false;
    /// Table 1, column A-LRN: A with local response normalisation behind conv1_1, which the paper
    /// finds of no use.
    vgg_a_lrn = A, true;
    /// Table 1, column B: 13 layers with weights.
    vgg_b = B, false;
    /// Table 1, column C: 16 layers with weights, three of them of 1x1 filters.
    vgg_c = C, false;
    /// Table 1, column D: 16 layers with weights, the lecture's VGG-16.
    vgg_d = D, false;
    /// Table 1, column E: 19 layers with weights.
    vgg_e = E, false;
);

/// The paper's network: the fully connected part reads the last pooling as it is, so that its size
/// depends on the image's.
fn paper(options: Options, column: Column, lrn: bool) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let mut b = o.image(); // 3 x 224 x 224
    for (block, (kernels, filters)) in (1..).zip(column.into_iter().zip(WIDTHS)) {
        for (i, &kernel) in (1..).zip(kernels) {
            b = b
                .add(&format!("conv{block}_{i}"), o.padded(filters, kernel))
                .add(&format!("relu{block}_{i}"), Relu);
            if lrn && (block, i) == (1, 1) {
                b = b.add("norm1_1", LocalResponseNorm::alexnet());
            }
        }
        b = b.add(&format!("pool{block}"), MaxPool2d::new(2)); // 112, 56, 28, 14, 7
    }
    b = b
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

builders!(torchvision:
    /// VGG-11, torchvision's: column A.
    vgg11 = A, false;
    /// VGG-11 with batch norm, torchvision's: column A.
    vgg11_bn = A, true;
    /// VGG-13, torchvision's: column B.
    vgg13 = B, false;
    /// VGG-13 with batch norm, torchvision's: column B.
    vgg13_bn = B, true;
    /// VGG-16, torchvision's: column D.
    vgg16 = D, false;
    /// VGG-16 with batch norm, torchvision's: column D.
    vgg16_bn = D, true;
    /// VGG-19, torchvision's: column E.
    vgg19 = E, false;
    /// VGG-19 with batch norm, torchvision's: column E.
    vgg19_bn = E, true;
);

/// torchvision's network, under its paths: the last pooling is averaged to 7x7 whatever the image's
/// size, so that the fully connected part always has the same weights.
fn torchvision(options: Options, column: Column, norm: bool) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let mut features: Vec<Box<dyn Layer<f32>>> = Vec::new();
    for (kernels, filters) in column.into_iter().zip(WIDTHS) {
        for &kernel in kernels {
            features.push(o.padded(filters, kernel).into());
            if norm {
                features.push(BatchNorm2d::new().into());
            }
            features.push(Relu.into());
        }
        features.push(MaxPool2d::new(2).into()); // 112, 56, 28, 14, 7
    }
    let classifier = layers![
        o.fc(4096),
        Relu,
        Dropout::new(0.5),
        o.fc(4096),
        Relu,
        Dropout::new(0.5),
        o.fc(o.classes),
    ];
    let b = o
        .image() // 3 x 224 x 224
        .block("features", |b| sequential(b, features)) // 512 x 7 x 7
        .add("avgpool", AdaptiveAvgPool2d::new(7, 7))
        .add("flatten", Flatten)
        .block("classifier", |b| sequential(b, classifier));
    o.build(b)
}
