//! What was said about the architectures elsewhere: sizes and costs as their papers give them, and
//! the results of the challenge that made them famous. Figures stand as they were printed, with the
//! value of their last digit, so that what is counted here can be held against them.

use std::fmt;

/// What a published figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// Learned numbers.
    Parameters,
    /// Multiply-adds for one image (often printed as "FLOPs").
    MultiplyAdds,
    /// Bytes of the weights, at 32 bits each, in megabytes of 2^20.
    Bytes,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Quantity::Parameters => "parameters",
            Quantity::MultiplyAdds => "multiply-adds",
            Quantity::Bytes => "size of the weights",
        })
    }
}

/// A figure as it was printed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Published {
    /// The architecture's name in the catalogue.
    pub name: &'static str,
    /// What is counted.
    pub quantity: Quantity,
    /// The figure.
    pub value: f64,
    /// The value of its last digit, to which it may be rounded or cut.
    pub digit: f64,
    /// Who says so, and where.
    pub source: &'static str,
    /// Why the network here differs, where it does; else empty.
    pub note: &'static str,
}

impl Published {
    /// Whether a count is what was printed, up to its last digit.
    pub fn agrees(&self, counted: f64) -> bool {
        (counted - self.value).abs() < self.digit || counted == self.value
    }
}

/// What these papers call a megabyte.
const MEBIBYTE: f64 = 1_048_576.0;

use Quantity::{Bytes, MultiplyAdds, Parameters};

const fn figure(
    name: &'static str,
    quantity: Quantity,
    value: f64,
    digit: f64,
    source: &'static str,
) -> Published {
    Published {
        name,
        quantity,
        value,
        digit,
        source,
        note: "",
    }
}

impl Published {
    const fn but(mut self, note: &'static str) -> Published {
        self.note = note;
        self
    }
}

const ALEXNET: &str = "Krizhevsky, Sutskever and Hinton 2012, abstract";
const LECTURE: &str = "the table in Sick and Dürr's lecture, its rows summed";
const BURDEN: &str = "Albanie 2017, convnet-burden: alexnet";
const CAFFENET: &str = "Albanie 2017, convnet-burden: caffenet, which costs the same";
const VGG: &str = "Simonyan and Zisserman 2015, table 2";
const RESNET: &str = "He, Zhang, Ren and Sun 2016, table 1";
const ABOUT_VGG: &str = "He, Zhang, Ren and Sun 2016, section 1 and table 1";
const CIFAR: &str = "He, Zhang, Ren and Sun 2016, table 6";
const INCEPTION: &str = "Szegedy et al. 2016, section 1";
const TORCHVISION: &str = "torchvision 0.29, the metadata of its weights";

/// Every figure, in the order of the catalogue, papers before torchvision.
pub const PUBLISHED: &[Published] = &[
    figure(
        "lenet5",
        Parameters,
        60_000.0,
        1e3,
        "LeCun, Bottou, Bengio and Haffner 1998, section II B",
    )
    .but(
        "Here C3 reads all of S2 (900 more) and the output is a dense layer (850 more), while \
         subsampling learns nothing (44 fewer).",
    ),
    figure("alexnet_two_towers", Parameters, 60e6, 1e6, ALEXNET),
    figure(
        "alexnet_two_towers",
        Bytes,
        233.0 * MEBIBYTE,
        MEBIBYTE,
        BURDEN,
    ),
    figure("alexnet_two_towers", MultiplyAdds, 724e6, 1e6, CAFFENET),
    figure("alexnet_one_tower", Parameters, 62_378_344.0, 1.0, LECTURE),
    figure("alexnet", Parameters, 61_100_840.0, 1.0, TORCHVISION),
    figure("alexnet", MultiplyAdds, 714e6, 1e6, TORCHVISION),
    figure(
        "nin_cifar10",
        Parameters,
        1e6,
        1e5,
        "Springenberg et al. 2015, \"Striving for simplicity\", table 3",
    ),
    figure(
        "nin",
        Bytes,
        29.0 * MEBIBYTE,
        MEBIBYTE,
        "the authors' page in Caffe's model zoo",
    ),
    figure("vgg_a", Parameters, 133e6, 1e6, VGG),
    figure("vgg_a_lrn", Parameters, 133e6, 1e6, VGG),
    figure("vgg_b", Parameters, 133e6, 1e6, VGG),
    figure("vgg_c", Parameters, 134e6, 1e6, VGG),
    figure("vgg_d", Parameters, 138e6, 1e6, VGG),
    figure("vgg_d", MultiplyAdds, 15.3e9, 1e8, ABOUT_VGG)
        .but("That is reached without the dense layers."),
    figure("vgg_e", Parameters, 144e6, 1e6, VGG),
    figure("vgg_e", MultiplyAdds, 19.6e9, 1e8, ABOUT_VGG),
    figure(
        "googlenet_2014",
        Parameters,
        6797.7 * 1024.0,
        1e5,
        "Szegedy et al. 2015, table 1, its rows summed, K for 1024",
    ),
    figure(
        "googlenet_2014",
        MultiplyAdds,
        1.5e9,
        1e8,
        "Szegedy et al. 2015, section 1",
    ),
    figure("googlenet", Parameters, 6_624_904.0, 1.0, TORCHVISION),
    figure("googlenet", MultiplyAdds, 1.498e9, 1e6, TORCHVISION),
    figure("inception_v3", Parameters, 25e6, 1e6, INCEPTION).but("The paper says: less than that."),
    figure("inception_v3", MultiplyAdds, 5e9, 1e9, INCEPTION),
    figure("inception_v3", Parameters, 27_161_264.0, 1.0, TORCHVISION)
        .but("That is with the auxiliary head, which training alone uses."),
    figure("inception_v3", MultiplyAdds, 5.713e9, 1e6, TORCHVISION),
    figure("resnet18", MultiplyAdds, 1.8e9, 1e8, RESNET),
    figure("resnet18", Parameters, 11_689_512.0, 1.0, TORCHVISION),
    figure("resnet34", MultiplyAdds, 3.6e9, 1e8, RESNET),
    figure("resnet34", Parameters, 21_797_672.0, 1.0, TORCHVISION),
    figure("resnet50_2015", MultiplyAdds, 3.8e9, 1e8, RESNET),
    figure("resnet50", Parameters, 25_557_032.0, 1.0, TORCHVISION),
    figure("resnet50", MultiplyAdds, 4.089e9, 1e6, TORCHVISION),
    figure("resnet101_2015", MultiplyAdds, 7.6e9, 1e8, RESNET),
    figure("resnet101", Parameters, 44_549_160.0, 1.0, TORCHVISION),
    figure("resnet101", MultiplyAdds, 7.801e9, 1e6, TORCHVISION),
    figure("resnet152_2015", MultiplyAdds, 11.3e9, 1e8, RESNET),
    figure("resnet152", Parameters, 60_192_808.0, 1.0, TORCHVISION),
    figure("resnet152", MultiplyAdds, 11.514e9, 1e6, TORCHVISION),
    figure("resnet20", Parameters, 0.27e6, 1e4, CIFAR),
    figure("resnet32", Parameters, 0.46e6, 1e4, CIFAR),
    figure("resnet44", Parameters, 0.66e6, 1e4, CIFAR),
    figure("resnet56", Parameters, 0.85e6, 1e4, CIFAR),
    figure("densenet121", Parameters, 7_978_856.0, 1.0, TORCHVISION),
    figure("densenet121", MultiplyAdds, 2.834e9, 1e6, TORCHVISION),
    figure(
        "squeezenet1_0",
        Parameters,
        1_248_424.0,
        1.0,
        "Iandola et al. 2016, table 1",
    ),
    figure(
        "squeezenet1_0",
        Bytes,
        4.8 * MEBIBYTE,
        0.1 * MEBIBYTE,
        "Iandola et al. 2016, table 2",
    ),
    figure("squeezenet1_0", MultiplyAdds, 819e6, 1e6, TORCHVISION),
    figure("squeezenet1_1", Parameters, 1_235_496.0, 1.0, TORCHVISION),
    figure("squeezenet1_1", MultiplyAdds, 349e6, 1e6, TORCHVISION),
];

/// The best entry of a year in the challenge on ImageNet's thousand classes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Winner {
    /// The year.
    pub year: u16,
    /// What was entered.
    pub entry: &'static str,
    /// Layers with weights; none where it was no deep network.
    pub layers: Option<u16>,
    /// Test images, in per cent, whose class was not among the five best guesses.
    pub top5_error: f64,
    /// The same, in whole and half per cent, as the lecture's figure shows it.
    pub lecture: f64,
    /// Who says so.
    pub source: &'static str,
}

const REPORT: &str =
    "Russakovsky et al. 2015, \"ImageNet Large Scale Visual Recognition Challenge\", section 6.1";

const fn winner(
    year: u16,
    entry: &'static str,
    layers: Option<u16>,
    top5_error: f64,
    lecture: f64,
    source: &'static str,
) -> Winner {
    Winner {
        year,
        entry,
        layers,
        top5_error,
        lecture,
        source,
    }
}

/// The challenge's classification task, year by year.
pub const WINNERS: [Winner; 6] = [
    winner(2010, "hand-made features, SVM", None, 28.2, 29.0, REPORT),
    winner(2011, "hand-made features, SVM", None, 25.8, 27.0, REPORT),
    winner(2012, "AlexNet", Some(8), 16.4, 15.0, REPORT),
    winner(2013, "like ZFNet", Some(8), 11.7, 13.0, REPORT),
    winner(2014, "GoogLeNet", Some(22), 6.7, 7.5, REPORT),
    winner(
        2015,
        "ResNet",
        Some(152),
        3.57,
        3.0,
        "He, Zhang, Ren and Sun 2016, table 5",
    ),
];

/// The error of one of the challenge's authors, who trained himself for it (Russakovsky et al. 2015,
/// section 6.4).
pub const HUMAN_TOP5_ERROR: f64 = 5.1;
