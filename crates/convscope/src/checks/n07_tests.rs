//! Every check of notebook 07: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::arrays::{front_of, joined};
use super::*;
use crate::checks::testing::{UNWRITTEN, judge};
use convscope_nn::{Add, BatchNorm2d, Concat, Conv2d, MaxPool2d, Network, NetworkBuilder, Relu};
use convscope_zoo::{Options, get};
use ndarray::Array3;

#[test]
fn alexnets_first_layer_is_counted_with_stride_colours_and_biases() {
    let right: fn() -> [usize; 3] = || [55, 34_944, 105_415_200];
    judge(
        conv1,
        right,
        &[
            (|| [54, 34_848, 101_616_768], "The + 1 is missing"),
            (|| [55, 34_848, 105_415_200], "without the biases"),
            (|| [55, 11_712, 105_415_200], "all three colours"),
            (|| [55, 34_944, 105_705_600], "added, not multiplied"),
            (|| [55, 34_944, 210_830_400], "one of each is one"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_tower_reads_half_of_the_channels() {
    let right: fn() -> [usize; 3] = || [307_456, 663_936, 442_624];
    judge(
        towers,
        right,
        &[
            (|| [614_656, 1_327_488, 884_992], "with one tower"),
            (|| [307_200, 663_552, 442_368], "without the biases"),
            (|| [153_728, 331_968, 221_312], "Both count"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn one_by_one_filters_read_all_channels() {
    let right: fn() -> [usize; 2] = || [1920, 30];
    judge(
        one_by_one,
        right,
        &[
            (|| [30, 30], "all 64 channels"),
            (|| [1950, 30], "a place of their own"),
            (|| [1920, 64], "not for each input channel"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn vggs_first_dense_layer_holds_most_of_it() {
    let right: fn() -> [f64; 2] = || [102_764_544.0, 0.7427];
    judge(
        fc1,
        right,
        &[
            (|| [102_760_448.0, 0.7427], "without the biases"),
            (|| [411_045_888.0, 0.7427], "five poolings"),
            (|| [102_764_544.0, 74.27], "per cent"),
            (|| [f64::NAN, f64::NAN], "NaN"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_reduction_costs_too() {
    let right: fn() -> [usize; 2] = || [120_422_400, 12_443_648];
    judge(
        reduction,
        right,
        &[
            (|| [120_422_400, 10_035_200], "the 1x1 before it costs too"),
            (|| [153_600, 15_872], "one place of 28 x 28"),
            (|| [88_473_600, 12_443_648], "stays 28 x 28"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_bottleneck_has_three_layers() {
    let right: fn() -> [usize; 2] = || [1_179_648, 69_632];
    judge(
        bottleneck,
        right,
        &[
            (|| [589_824, 53_248], "one of the two"),
            (|| [1_180_160, 70_016], "no biases"),
            (|| [1_179_648, 53_248], "The last 1x1 is missing"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn channels_pile_up_and_are_halved() {
    let right: fn() -> [usize; 4] = || [256, 512, 1024, 1024];
    judge(
        dense_channels,
        right,
        &[
            (|| [256, 640, 1408, 1920], "halve the channels"),
            (|| [192, 384, 768, 512], "is kept beside it"),
            (|| [128, 256, 512, 512], "behind the transition"),
            (|| todo!(), UNWRITTEN),
        ],
    );
    let net = get("densenet121")
        .unwrap()
        .build(Options::new().blank())
        .unwrap();
    let rows = net.summary().rows;
    for (i, (layers, channels)) in (1..).zip([6, 12, 24, 16].into_iter().zip(right())) {
        let last = format!("features.denseblock{i}.denselayer{layers}.concat");
        let row = rows.iter().find(|r| r.name == last).unwrap();
        assert_eq!(row.output[0], channels, "{last}");
    }
}

#[test]
fn a_fire_module_expands_what_was_squeezed() {
    let right: fn(usize, usize) -> usize =
        |c, s| s * (c + 1) + 4 * s * (s + 1) + 4 * s * (9 * s + 1);
    judge(
        fire,
        right,
        &[
            (|c, s| s * c + 40 * s * s, "without the biases"),
            (
                |c, s| s * (c + 1) + 4 * s * (s + 1) + 4 * s * (36 * s + 1),
                "not the 1x1 beside it",
            ),
            (
                |c, s| s * (c + 1) + 4 * s * (c + 1) + 4 * s * (9 * c + 1),
                "not the module's input",
            ),
            (
                |c, s| s * (c + 1) + s * (s + 1) + s * (9 * s + 1),
                "has 4 x squeeze filters",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
    let net = get("squeezenet1_0")
        .unwrap()
        .build(Options::new().blank())
        .unwrap();
    let rows = net.summary().rows;
    let fire2 = rows.iter().filter(|r| r.name.starts_with("features.3."));
    assert_eq!(fire2.map(|r| r.parameters).sum::<usize>(), right(96, 16));
}

type Join = fn(Array3<f32>, Array3<f32>) -> Array3<f32>;

#[test]
fn the_smaller_maps_stand_in_the_middle_of_zeros() {
    let right: Join = |a, b| joined(&a, &b, |room| room / 2);
    judge(
        depth_concat,
        right,
        &[
            (|a, b| joined(&a, &b, |_| 0), "in the corner"),
            (
                |a, b| joined(&a, &b, |room| room.div_ceil(2)),
                "the larger half goes to the bottom",
            ),
            (
                |a, b| joined(&b, &a, |room| room / 2),
                "channels of a come first",
            ),
            (|a, _| a, "expected an array of shape"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_engines_own_depth_concat_agrees() {
    use convscope_nn::{DepthConcat, Tensor};
    use ndarray::Axis;
    // Pooled to 5 x 5 beside 8 x 8: an odd difference.
    let net = Network::input([2, 8, 8])
        .add("pool", MaxPool2d::new(4).stride(1))
        .add_after(&["pool", "input"], "joined", DepthConcat)
        .build(1)
        .unwrap();
    let x = Tensor::from_shape_fn(vec![1, 2, 8, 8], |i| (i[1] * 100 + i[2] * 10 + i[3]) as f32);
    let trace = net.trace(&x).unwrap();
    let image = |t: &Tensor| -> Array3<f32> {
        t.index_axis(Axis(0), 0)
            .to_owned()
            .into_dimensionality()
            .unwrap()
    };
    let pooled = image(&trace.activation("pool").unwrap().to_owned());
    let ours = joined(&pooled, &image(&x), |room| room / 2);
    assert_eq!(image(trace.output()), ours);
}

type Front = fn(Vec<f64>, Vec<f64>) -> Vec<usize>;

#[test]
fn the_front_holds_what_nothing_beats() {
    let right: Front = |c, a| {
        front_of(&c, &a, |[c, a], [d, b]| {
            c <= d && a >= b && (c < d || a > b)
        })
    };
    judge(
        front,
        right,
        &[
            (
                |c, a| front_of(&c, &a, |[c, a], [d, b]| c < d && a > b),
                "the cheaper one is enough",
            ),
            (
                |c, a| front_of(&c, &a, |[c, a], [d, b]| c <= d && a >= b),
                "does a network beat itself",
            ),
            (
                |c, a| {
                    front_of(&c, &a, |[c, a], [d, b]| {
                        c >= d && a <= b && (c > d || a < b)
                    })
                },
                "the wrong way round",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Block = fn(NetworkBuilder) -> NetworkBuilder;

/// The module with its branches' sizes, joins and reductions as a student may have them.
fn module(b: NetworkBuilder, reduce: bool, relu: bool, order: [&str; 4]) -> NetworkBuilder {
    let bend = |b: NetworkBuilder, name: &str| match relu {
        true => b.add(name, Relu),
        false => b,
    };
    let b = bend(b.add_after(&["input"], "a0", Conv2d::new(64, 1)), "a");
    let b = match reduce {
        true => bend(b.add_after(&["input"], "b0", Conv2d::new(96, 1)), "b1")
            .add("b2", Conv2d::new(128, 3).same()),
        false => b.add_after(&["input"], "b2", Conv2d::new(128, 3).same()),
    };
    let b = bend(b, "b");
    let b = match reduce {
        true => bend(b.add_after(&["input"], "c0", Conv2d::new(16, 1)), "c1")
            .add("c2", Conv2d::new(32, 5).same()),
        false => b.add_after(&["input"], "c2", Conv2d::new(32, 5).same()),
    };
    let b = bend(b, "c");
    let b = b
        .add_after(&["input"], "p", MaxPool2d::new(3).stride(1).padding(1))
        .add("d0", Conv2d::new(32, 1));
    let b = bend(b, "d");
    let names = order.map(|name| match (relu, name) {
        (true, name) => name,
        (false, "a") => "a0",
        (false, "b") => "b2",
        (false, "c") => "c2",
        (false, _) => "d0",
    });
    b.add_after(&names, "joined", Concat)
}

#[test]
fn an_inception_module_is_known_by_what_it_does() {
    let right: Block = |b| module(b, true, true, ["a", "b", "c", "d"]);
    judge(
        inception,
        right,
        &[
            (
                |b| module(b, true, true, ["b", "a", "c", "d"]),
                "got 3x3, 1x1, 5x5, pooling",
            ),
            (
                |b| module(b, true, false, ["a", "b", "c", "d"]),
                "got 6 Conv2d and 0 Relu",
            ),
            (
                |b| module(b, false, true, ["a", "b", "c", "d"]),
                "without the reductions",
            ),
            (
                |b| {
                    b.add_after(&["input"], "a", Conv2d::new(64, 1))
                        .add_after(&["input"], "b", Conv2d::new(128, 3))
                        .add_after(&["a", "b"], "joined", Concat)
                },
                "could not be built",
            ),
            (
                |b| b.add("a", Conv2d::new(256, 3)),
                "The height and width must stay",
            ),
            // The pooling behind its 1x1: the same count, another network.
            (
                |b| {
                    b.add_after(&["input"], "a0", Conv2d::new(64, 1))
                        .add("a", Relu)
                        .add_after(&["input"], "b0", Conv2d::new(96, 1))
                        .add("b1", Relu)
                        .add("b2", Conv2d::new(128, 3).same())
                        .add("b", Relu)
                        .add_after(&["input"], "c0", Conv2d::new(16, 1))
                        .add("c1", Relu)
                        .add("c2", Conv2d::new(32, 5).same())
                        .add("c", Relu)
                        .add_after(&["input"], "d0", Conv2d::new(32, 1))
                        .add("d", Relu)
                        .add("p", MaxPool2d::new(3).stride(1).padding(1))
                        .add_after(&["a", "b", "c", "p"], "joined", Concat)
                },
                "the pooling before its 1x1",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_course_s_module_is_the_zoos() {
    let net = Network::input([192, 28, 28])
        .block("3a", blocks::course_inception)
        .build(1)
        .unwrap();
    let zoo = get("googlenet_2014")
        .unwrap()
        .build(Options::new().blank())
        .unwrap();
    let rows = zoo.summary().rows;
    let module = || rows.iter().filter(|r| r.name.starts_with("inception3a."));
    assert_eq!(
        net.parameter_count(),
        module().map(|r| r.parameters).sum::<usize>()
    );
    assert_eq!(
        net.summary().multiply_adds(),
        module().map(|r| r.multiply_adds).sum::<u64>()
    );
    assert_eq!(net.output_shape(), module().next_back().unwrap().output);
}

#[test]
fn a_residual_block_is_known_by_what_it_does() {
    let right: Block = blocks::course_residual;
    judge(
        residual,
        right,
        &[
            (
                |b| {
                    b.add("c1", Conv2d::new(64, 3).same())
                        .add("n1", BatchNorm2d::new())
                        .add("r1", Relu)
                        .add("c2", Conv2d::new(64, 3).same())
                        .add("n2", BatchNorm2d::new())
                        .add_after(&["n2", "input"], "sum", Add)
                        .add("r2", Relu)
                },
                "need no bias",
            ),
            (
                |b| {
                    b.add("c1", Conv2d::new(64, 3).same().no_bias())
                        .add("n1", BatchNorm2d::new())
                        .add("r1", Relu)
                        .add("c2", Conv2d::new(64, 3).same().no_bias())
                        .add("n2", BatchNorm2d::new())
                        .add("r2", Relu)
                },
                "the shortcut from \"input\" to the sum is missing",
            ),
            (
                |b| {
                    b.add("c1", Conv2d::new(64, 3).same().no_bias())
                        .add("n1", BatchNorm2d::new())
                        .add("r1", Relu)
                        .add("c2", Conv2d::new(64, 3).same().no_bias())
                        .add("n2", BatchNorm2d::new())
                        .add("r2", Relu)
                        .add_after(&["r2", "input"], "sum", Add)
                },
                "stands before the sum",
            ),
            (
                |b| {
                    b.add("c1", Conv2d::new(64, 3).same().no_bias())
                        .add("n1", BatchNorm2d::new())
                        .add("c2", Conv2d::new(64, 3).same().no_bias())
                        .add("n2", BatchNorm2d::new())
                        .add_after(&["n2", "input"], "sum", Add)
                        .add("r2", Relu)
                },
                "The order is",
            ),
            (
                |b| b.add("c1", Conv2d::new(64, 3).no_bias()),
                "The height and width must stay",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}
