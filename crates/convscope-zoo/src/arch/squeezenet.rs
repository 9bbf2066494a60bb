//! SqueezeNet (Iandola et al. 2016).

use super::{Entry, Network, Options, Result, layers, sequential};
use crate::catalogue::{Accuracy, IMAGENET};
use crate::options::Plan;
use convscope_nn::{
    Concat, Conv2d, Dropout, Flatten, GlobalAvgPool2d, MaxPool2d, NetworkBuilder, Relu,
};

pub(crate) const ENTRIES: [Entry; 2] = [
    Entry {
        name: "squeezenet1_0",
        title: "SqueezeNet 1.0",
        source: "Iandola et al. 2016, table 1",
        smallest: 29,
        year: 2016,
        accuracy: Accuracy::torchvision(58.092, 80.42),
        parameters: 1_248_424,
        multiply_adds: 818_924_576,
        in_torchvision: true,
        builder: squeezenet1_0,
        ..IMAGENET
    },
    Entry {
        name: "squeezenet1_1",
        title: "SqueezeNet 1.1",
        source: "Iandola et al. 2016, and the authors' later version",
        smallest: 25,
        year: 2016,
        accuracy: Accuracy::torchvision(58.178, 80.624),
        parameters: 1_235_496,
        multiply_adds: 349_151_936,
        in_torchvision: true,
        builder: squeezenet1_1,
        ..IMAGENET
    },
];

/// What follows the first convolution and its ReLU.
#[derive(Clone, Copy)]
enum Step {
    /// A fire module of so many squeezing filters.
    Fire(usize),
    Pool,
}
use Step::{Fire, Pool};

/// A fire module, figure 1: few 1x1 filters squeeze the channels, then 1x1 and 3x3 filters side by
/// side expand them, four times as many of each.
fn fire(o: Plan, squeeze: usize) -> impl FnOnce(NetworkBuilder) -> NetworkBuilder {
    let expand = 4 * squeeze;
    move |b| {
        b.add("squeeze", o.conv(squeeze, 1))
            .add("squeeze_activation", Relu)
            .add("expand1x1", o.conv(expand, 1))
            .add("expand1x1_activation", Relu)
            .add_after(&["squeeze_activation"], "expand3x3", o.padded(expand, 3))
            .add("expand3x3_activation", Relu)
            .add_after(
                &["expand1x1_activation", "expand3x3_activation"],
                "concat",
                Concat,
            )
    }
}

fn squeezenet(options: Options, first: fn(&Plan) -> Conv2d, steps: [Step; 11]) -> Result<Network> {
    let o = options.or([3, 224, 224], 1000);
    let features = |b: NetworkBuilder| {
        let b = b.add("0", first(&o)).add("1", Relu);
        (2..).zip(steps).fold(b, |b, (i, step)| match step {
            Pool => b.add(&i.to_string(), MaxPool2d::new(3).stride(2).ceil_mode()),
            Fire(squeeze) => b.block(&i.to_string(), fire(o, squeeze)),
        })
    };
    let classifier = layers![
        Dropout::new(0.5),
        o.conv(o.classes, 1), // 1000 x 13 x 13
        Relu,
        GlobalAvgPool2d, // 1000 x 1 x 1
    ];
    let b = o
        .image() // 3 x 224 x 224
        .block("features", features) // 512 x 13 x 13
        .block("classifier", |b| sequential(b, classifier))
        .add("flatten", Flatten);
    o.build(b)
}

/// SqueezeNet 1.0, table 1, under torchvision's parameter paths: AlexNet's accuracy with a fiftieth
/// of its parameters.
///
/// # Shapes
/// An image of 3 x 224 x 224, or another size, to 1000 logits.
///
/// # Errors
/// When the image is smaller than 29 x 29.
pub fn squeezenet1_0(options: Options) -> Result<Network> {
    let steps = [
        Pool,
        Fire(16),
        Fire(16),
        Fire(32),
        Pool,
        Fire(32),
        Fire(48),
        Fire(48),
        Fire(64),
        Pool,
        Fire(64),
    ];
    squeezenet(options, |o| o.conv(96, 7).stride(2), steps)
}

/// SqueezeNet 1.1, under torchvision's parameter paths: smaller filters at the bottom and earlier
/// poolings, for less than half the work of 1.0.
///
/// # Shapes
/// An image of 3 x 224 x 224, or another size, to 1000 logits.
///
/// # Errors
/// When the image is smaller than 25 x 25.
pub fn squeezenet1_1(options: Options) -> Result<Network> {
    let steps = [
        Pool,
        Fire(16),
        Fire(16),
        Pool,
        Fire(32),
        Fire(32),
        Pool,
        Fire(48),
        Fire(48),
        Fire(64),
        Fire(64),
    ];
    squeezenet(options, |o| o.conv(64, 3).stride(2), steps)
}
