//! ResNet on ImageNet (He, Zhang, Ren and Sun 2016).

use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, IMAGENET};
use crate::options::Plan;
use convscope_nn::{Add, BatchNorm2d, Flatten, GlobalAvgPool2d, MaxPool2d, NetworkBuilder, Relu};

const TORCHVISION: Entry = Entry {
    in_torchvision: true,
    ..IMAGENET
};

pub(crate) const ENTRIES: [Entry; 8] = [
    Entry {
        name: "resnet18",
        title: "ResNet-18",
        source: "He, Zhang, Ren and Sun 2016, table 1",
        year: 2016,
        accuracy: Accuracy::torchvision(69.758, 89.078),
        parameters: 11_689_512,
        multiply_adds: 1_814_073_344,
        builder: resnet18,
        ..TORCHVISION
    },
    Entry {
        name: "resnet34",
        title: "ResNet-34",
        source: "He, Zhang, Ren and Sun 2016, table 1",
        year: 2016,
        accuracy: Accuracy::torchvision(73.314, 91.42),
        parameters: 21_797_672,
        multiply_adds: 3_663_761_408,
        builder: resnet34,
        ..TORCHVISION
    },
    Entry {
        name: "resnet50",
        title: "ResNet-50",
        source: "He, Zhang, Ren and Sun 2016, table 1; stride in the 3x3",
        year: 2016,
        accuracy: Accuracy::torchvision(76.13, 92.862),
        parameters: 25_557_032,
        multiply_adds: 4_089_184_256,
        builder: resnet50,
        ..TORCHVISION
    },
    Entry {
        name: "resnet101",
        title: "ResNet-101",
        source: "He, Zhang, Ren and Sun 2016, table 1; stride in the 3x3",
        year: 2016,
        accuracy: Accuracy::torchvision(77.374, 93.546),
        parameters: 44_549_160,
        multiply_adds: 7_801_405_440,
        builder: resnet101,
        ..TORCHVISION
    },
    Entry {
        name: "resnet152",
        title: "ResNet-152",
        source: "He, Zhang, Ren and Sun 2016, table 1; stride in the 3x3",
        year: 2016,
        accuracy: Accuracy::torchvision(78.312, 94.046),
        parameters: 60_192_808,
        multiply_adds: 11_513_626_624,
        builder: resnet152,
        ..TORCHVISION
    },
    Entry {
        name: "resnet50_2015",
        title: "ResNet-50, as published",
        source: "He, Zhang, Ren and Sun 2016, table 1",
        year: 2016,
        accuracy: Accuracy::imagenet(75.3, Some(92.2), "the authors' model page, one crop"),
        parameters: 25_557_032,
        multiply_adds: 3_857_973_248,
        builder: resnet50_2015,
        ..IMAGENET
    },
    Entry {
        name: "resnet101_2015",
        title: "ResNet-101, as published",
        source: "He, Zhang, Ren and Sun 2016, table 1",
        year: 2016,
        accuracy: Accuracy::imagenet(76.4, Some(92.9), "the authors' model page, one crop"),
        parameters: 44_549_160,
        multiply_adds: 7_570_194_432,
        builder: resnet101_2015,
        ..IMAGENET
    },
    Entry {
        name: "resnet152_2015",
        title: "ResNet-152, as published",
        source: "He, Zhang, Ren and Sun 2016, table 1",
        year: 2016,
        accuracy: Accuracy::imagenet(77.0, Some(93.3), "the authors' model page, one crop"),
        parameters: 60_192_808,
        multiply_adds: 11_282_415_616,
        builder: resnet152_2015,
        ..IMAGENET
    },
];

/// The block of a network, figure 5.
#[derive(Clone, Copy)]
enum Block {
    /// 3x3, 3x3.
    Basic,
    /// 1x1, 3x3, 1x1; the strides of the first two where a stage begins.
    Bottleneck([usize; 2]),
}

/// torchvision's stride stands in the 3x3, which sees more than a 1x1 that skips three pixels of
/// four.
const BOTTLENECK: Block = Block::Bottleneck([1, 2]);
const AS_PUBLISHED: Block = Block::Bottleneck([2, 1]);

impl Block {
    /// Channels behind a block for each filter within.
    fn expansion(self) -> usize {
        match self {
            Block::Basic => 1,
            Block::Bottleneck(_) => 4,
        }
    }

    /// The way through the weights, `width` filters wide.
    fn residual(self, b: NetworkBuilder, o: Plan, width: usize, halves: bool) -> NetworkBuilder {
        let stride = if halves { 2 } else { 1 };
        match self {
            Block::Basic => b
                .add("conv1", o.padded(width, 3).stride(stride).no_bias())
                .add("bn1", BatchNorm2d::new())
                .add("relu1", Relu)
                .add("conv2", o.padded(width, 3).no_bias())
                .add("bn2", BatchNorm2d::new()),
            Block::Bottleneck(strides) => {
                let [first, second] = if halves { strides } else { [1, 1] };
                b.add("conv1", o.conv(width, 1).stride(first).no_bias())
                    .add("bn1", BatchNorm2d::new())
                    .add("relu1", Relu)
                    .add("conv2", o.padded(width, 3).stride(second).no_bias())
                    .add("bn2", BatchNorm2d::new())
                    .add("relu2", Relu)
                    .add("conv3", o.conv(4 * width, 1).no_bias())
                    .add("bn3", BatchNorm2d::new())
            }
        }
    }

    /// Both ways and their sum. Where the shape changes, the shortcut is a 1x1 convolution (the
    /// paper's option B).
    fn build(
        self,
        o: Plan,
        width: usize,
        halves: bool,
        projects: bool,
    ) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
        let stride = if halves { 2 } else { 1 };
        let last = match self {
            Block::Basic => "bn2",
            Block::Bottleneck(_) => "bn3",
        };
        move |b| {
            let mut b = self.residual(b, o, width, halves);
            let mut shortcut = "input";
            if projects {
                let project = o.conv(width * self.expansion(), 1).stride(stride).no_bias();
                b = b.block_after("input", "downsample", |b| {
                    b.add("0", project).add("1", BatchNorm2d::new())
                });
                shortcut = "downsample";
            }
            b.add_after(&[last, shortcut], "add", Add).add("relu", Relu)
        }
    }
}

fn resnet(options: Options, block: Block, blocks: [usize; 4]) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let mut net = o
        .image() // 3 x 224 x 224
        .add("conv1", o.padded(64, 7).stride(2).no_bias()) // 64 x 112 x 112
        .add("bn1", BatchNorm2d::new())
        .add("relu", Relu)
        .add("maxpool", MaxPool2d::new(3).stride(2).padding(1)); // 64 x 56 x 56
    let mut channels = 64;
    // Widths (of bottlenecks, times 4) and sizes: 64 x 56, 128 x 28, 256 x 14, 512 x 7.
    for (stage, (blocks, width)) in (1..).zip(blocks.into_iter().zip([64, 128, 256, 512])) {
        net = net.block(&format!("layer{stage}"), |mut b| {
            for i in 0..blocks {
                let halves = stage > 1 && i == 0;
                let projects = halves || channels != width * block.expansion();
                b = b.block(&i.to_string(), block.build(o, width, halves, projects));
                channels = width * block.expansion();
            }
            b
        });
    }
    let net = net
        .add("avgpool", GlobalAvgPool2d) // 512 or 2048 x 1 x 1
        .add("flatten", Flatten)
        .add("fc", o.fc(o.classes));
    o.build(net)
}

/// A builder for each column of table 1.
macro_rules! builders {
    ($($(#[$doc:meta])* $name:ident = $block:expr, $blocks:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Shapes
        /// An image of 3 x 224 x 224, or any other size, to 1000 logits.
        ///
        /// # Errors
        /// When there are no classes or the image has no pixels.
        pub fn $name(options: Options) -> Result<Network> {
            resnet(options, $block, $blocks)
        }
    )*};
}

builders!(
    /// ResNet-18, under torchvision's parameter paths.
    resnet18 = Block::Basic, [2, 2, 2, 2];
    /// ResNet-34, under torchvision's parameter paths.
    resnet34 = Block::Basic, [3, 4, 6, 3];
    /// ResNet-50 as torchvision has it, under its parameter paths: a stage halves the image in its
    /// first 3x3 convolution, not in the 1x1 before it. ("ResNet v1.5"; [`resnet50_2015`] has the
    /// paper's strides.)
    resnet50 = BOTTLENECK, [3, 4, 6, 3];
    /// ResNet-101 as torchvision has it; see [`resnet50`].
    resnet101 = BOTTLENECK, [3, 4, 23, 3];
    /// ResNet-152 as torchvision has it; see [`resnet50`].
    resnet152 = BOTTLENECK, [3, 8, 36, 3];
    /// ResNet-50 as published: a stage halves the image in its first 1x1 convolution. Parameters
    /// have the paths and shapes of [`resnet50`], but weights trained for one do not suit the other.
    resnet50_2015 = AS_PUBLISHED, [3, 4, 6, 3];
    /// ResNet-101 as published; see [`resnet50_2015`].
    resnet101_2015 = AS_PUBLISHED, [3, 4, 23, 3];
    /// ResNet-152 as published; see [`resnet50_2015`].
    resnet152_2015 = AS_PUBLISHED, [3, 8, 36, 3];
);
