//! ResNet on CIFAR-10, and plain networks of the same layers (He, Zhang, Ren and Sun 2016,
//! section 4.2).

use super::shortcut::PaddedShortcut;
use super::{Entry, Network, Options, Result};
use crate::catalogue::{Accuracy, CIFAR};
use crate::options::Plan;
use convscope_nn::{Add, BatchNorm2d, Flatten, GlobalAvgPool2d, NetworkBuilder, Relu};

const ENTRY: Entry = Entry {
    source: "He, Zhang, Ren and Sun 2016, section 4.2",
    ..CIFAR
};

pub(crate) const ENTRIES: [Entry; 8] = [
    Entry {
        name: "resnet20",
        title: "ResNet-20, CIFAR",
        year: 2016,
        accuracy: Accuracy::cifar10(91.25, "the paper, table 6"),
        parameters: 269_722,
        multiply_adds: 40_551_040,
        builder: resnet20,
        ..ENTRY
    },
    Entry {
        name: "resnet32",
        title: "ResNet-32, CIFAR",
        year: 2016,
        accuracy: Accuracy::cifar10(92.49, "the paper, table 6"),
        parameters: 464_154,
        multiply_adds: 68_862_592,
        builder: resnet32,
        ..ENTRY
    },
    Entry {
        name: "resnet44",
        title: "ResNet-44, CIFAR",
        year: 2016,
        accuracy: Accuracy::cifar10(92.83, "the paper, table 6"),
        parameters: 658_586,
        multiply_adds: 97_174_144,
        builder: resnet44,
        ..ENTRY
    },
    Entry {
        name: "resnet56",
        title: "ResNet-56, CIFAR",
        year: 2016,
        accuracy: Accuracy::cifar10(93.03, "the paper, table 6"),
        parameters: 853_018,
        multiply_adds: 125_485_696,
        builder: resnet56,
        ..ENTRY
    },
    Entry {
        name: "plain20",
        title: "Plain-20, CIFAR",
        year: 2016,
        parameters: 269_722,
        multiply_adds: 40_551_040,
        builder: plain20,
        ..ENTRY
    },
    Entry {
        name: "plain32",
        title: "Plain-32, CIFAR",
        year: 2016,
        parameters: 464_154,
        multiply_adds: 68_862_592,
        builder: plain32,
        ..ENTRY
    },
    Entry {
        name: "plain44",
        title: "Plain-44, CIFAR",
        year: 2016,
        parameters: 658_586,
        multiply_adds: 97_174_144,
        builder: plain44,
        ..ENTRY
    },
    Entry {
        name: "plain56",
        title: "Plain-56, CIFAR",
        year: 2016,
        parameters: 853_018,
        multiply_adds: 125_485_696,
        builder: plain56,
        ..ENTRY
    },
];

/// Two convolutions, with a shortcut around them or without.
fn pair(
    o: Plan,
    width: usize,
    halves: bool,
    residual: bool,
) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    let stride = if halves { 2 } else { 1 };
    move |b| {
        let b = b
            .add("conv1", o.padded(width, 3).stride(stride).no_bias())
            .add("bn1", BatchNorm2d::new())
            .add("relu1", Relu)
            .add("conv2", o.padded(width, 3).no_bias())
            .add("bn2", BatchNorm2d::new());
        let b = match (residual, halves) {
            (false, _) => b,
            (true, false) => b.add_after(&["bn2", "input"], "add", Add),
            (true, true) => {
                let shortcut: Box<dyn convscope_nn::layer::Layer<f32>> =
                    Box::new(PaddedShortcut::new(width, 2));
                b.add_after(&["input"], "shortcut", shortcut).add_after(
                    &["bn2", "shortcut"],
                    "add",
                    Add,
                )
            }
        };
        b.add("relu", Relu)
    }
}

/// `6 n + 2` layers with weights: three stages of `n` pairs.
fn stages(options: Options, n: usize, residual: bool) -> Result<Network> {
    let o = options.or([3, 32, 32], 10);
    let mut net = o
        .image() // 3 x 32 x 32
        .add("conv1", o.padded(16, 3).no_bias()) // 16 x 32 x 32
        .add("bn1", BatchNorm2d::new())
        .add("relu", Relu);
    // 16 x 32 x 32, 32 x 16 x 16, 64 x 8 x 8.
    for (stage, width) in (1..).zip([16, 32, 64]) {
        net = net.block(&format!("layer{stage}"), |mut b| {
            for i in 0..n {
                let halves = stage > 1 && i == 0;
                b = b.block(&i.to_string(), pair(o, width, halves, residual));
            }
            b
        });
    }
    let net = net
        .add("avgpool", GlobalAvgPool2d) // 64 x 1 x 1
        .add("flatten", Flatten)
        .add("fc", o.fc(o.classes));
    o.build(net)
}

/// A builder for each depth, residual and plain.
macro_rules! builders {
    ($($(#[$doc:meta])* $name:ident = $n:literal, $residual:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Shapes
        /// An image of 3 x 32 x 32, or any other size, to 10 logits.
        ///
        /// # Errors
        /// When there are no classes or the image has no pixels.
        pub fn $name(options: Options) -> Result<Network> {
            stages(options, $n, $residual)
        }
    )*};
}

builders!(
    /// ResNet-20 for CIFAR-10, with shortcuts that learn nothing ([`PaddedShortcut`], the paper's
    /// option A), so that it has the parameters of [`plain20`] exactly.
    resnet20 = 3, true;
    /// ResNet-32 for CIFAR-10; see [`resnet20`].
    resnet32 = 5, true;
    /// ResNet-44 for CIFAR-10; see [`resnet20`].
    resnet44 = 7, true;
    /// ResNet-56 for CIFAR-10; see [`resnet20`].
    resnet56 = 9, true;
    /// The layers of [`resnet20`] without shortcuts.
    plain20 = 3, false;
    /// The layers of [`resnet32`] without shortcuts.
    plain32 = 5, false;
    /// The layers of [`resnet44`] without shortcuts.
    plain44 = 7, false;
    /// The layers of [`resnet56`] without shortcuts: deep enough that it trains worse than
    /// [`plain20`], which is what residual networks were made for.
    plain56 = 9, false;
);
