//! Every check of notebook 06: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};
use convscope_nn::{Conv2d, MaxPool2d, Relu};

#[test]
fn stacks_overlap() {
    let right: fn() -> [usize; 2] = || [5, 7];
    judge(
        stacks,
        right,
        &[
            (|| [6, 9], "do not add up to 3 + 3"),
            (|| [9, 27], "do not multiply"),
            (|| [4, 6], "Count the pixel in the middle"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Recursion = fn(Vec<[usize; 2]>) -> Vec<usize>;

#[test]
fn the_recursion_needs_the_jump_at_the_right_moment() {
    let right: Recursion = |layers| fields(&layers, |r, j, k, _| r + (k - 1) * j);
    judge(
        recursion,
        right,
        &[
            (
                |l| fields(&l, |r, _, k, _| r + k - 1),
                "The strides play no part",
            ),
            (
                |l| fields(&l, |r, j, k, s| r + (k - 1) * j * s),
                "Let r grow first",
            ),
            (|l| fields(&l, |r, j, k, _| r + k * j), "k - 1 steps wide"),
            (
                |l| {
                    let (mut r, mut j) = (1, 1);
                    let step = |[k, s]: [usize; 2]| {
                        r += (k - 1) * j;
                        j = s;
                        r
                    };
                    l.into_iter().map(step).collect()
                },
                "must multiply up",
            ),
            (
                |l| {
                    let mut all = vec![1];
                    all.extend(fields(&l, |r, j, k, _| r + (k - 1) * j));
                    all
                },
                "is no layer",
            ),
            (
                |l| fields(&l, |r, j, k, _| r + (k - 1) * j).split_off(l.len() - 1),
                "after every layer",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_layers_of_the_checks_are_those_of_the_networks() {
    let pairs: Vec<[usize; 2]> = ALEXNET.iter().map(|l| [l[0], l[1]]).collect();
    let grown = |layers: &[[usize; 2]]| fields(layers, |r, j, k, _| r + (k - 1) * j);
    assert_eq!(grown(&pairs), [11, 19, 51, 67, 99, 131, 163, 195]);
    assert_eq!(grown(&vgg16()).last(), Some(&212));
    let net = convscope_zoo::alexnet_one_tower(convscope_zoo::Options::new().blank()).unwrap();
    let window = |row: &convscope_nn::SummaryRow| {
        let w = row.window?;
        Some([w.size[0], w.stride[0], w.pad[0]])
    };
    let layers: Vec<[usize; 3]> = net.summary().rows.iter().filter_map(window).collect();
    assert_eq!(layers, ALEXNET);
}

#[test]
fn a_layer_too_few_is_not_enough() {
    let right: fn() -> usize = || 112;
    judge(
        layers_needed,
        right,
        &[
            (|| 111, "one is missing"),
            (|| 224, "half as many"),
            (|| 75, "adds two pixels"),
            (|| 113, "1 + 2 n"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Seen = fn(Vec<[i64; 3]>, i64) -> [i64; 2];

#[test]
fn where_a_unit_looks_depends_on_the_padding() {
    let right: Seen = |layers, unit| look(&layers, unit, true);
    judge(
        seen,
        right,
        &[
            (|l, u| look(&l, u, false), "without padding"),
            (
                |l, u| look(&l.into_iter().rev().collect::<Vec<_>>(), u, true),
                "from the last layer to the first",
            ),
            (
                |l, u| {
                    let [from, to] = look(&l, u, true);
                    [from, to - 1]
                },
                "not seen any more",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn ways_are_counted() {
    let right: fn(usize) -> Vec<f64> = |n| folded(n, 3);
    judge(
        paths,
        right,
        &[
            (|n| folded(n, 2), "Pascal"),
            (|n| vec![1.0; 2 * n + 1], "from the middle there are more"),
            (|n| folded(n + 1, 3), "too many"),
            (|n| folded(n - 1, 3), "too few"),
            (
                |n| {
                    folded(n, 3)
                        .iter()
                        .map(|v| v / 3f64.powi(n as i32))
                        .collect()
                },
                "do not divide",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn variances_add_up() {
    let right: fn() -> [f64; 2] = || [2.0 / 3.0, 4.0];
    judge(
        deviation,
        right,
        &[
            (|| [1.0, 16.0], "not by two"),
            (|| [0.8165, 19.596], "standard deviations do not"),
            (|| [0.667, 16.0], "Take its root"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Cost = fn([usize; 2], usize, usize, usize) -> [usize; 2];

#[test]
fn a_cost_counts_channels_filters_and_places() {
    let right: Cost = |k, c, f, s| {
        let weights = k[0] * k[1] * c * f;
        [weights, weights * s * s]
    };
    judge(
        cost,
        right,
        &[
            (
                |k, c, f, s| {
                    let weights = k[0] * k[1] * c * f;
                    [weights + f, weights * s * s]
                },
                "Leave the biases out",
            ),
            (
                |k, _, f, s| [k[0] * k[1] * f, k[0] * k[1] * f * s * s],
                "multiply by `channels`",
            ),
            (
                |k, c, _, s| [k[0] * k[1] * c, k[0] * k[1] * c * s * s],
                "multiply by `filters`",
            ),
            (
                |k, c, f, s| [k[0] * k[1] * c * f, k[0] * k[1] * c * f * s],
                "not size",
            ),
            (
                |k, c, f, s| [k[0] * k[1] * c * f * s * s; 2],
                "shared by all places",
            ),
            (
                |k, c, f, s| [(k[0] + k[1]) * c * f, (k[0] + k[1]) * c * f * s * s],
                "height plus width",
            ),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

type Builder = fn(usize, usize) -> Result<Network, NnError>;

fn stack(c: usize, size: usize, kernels: &[usize], relu: bool, bias: bool) -> Result<Network> {
    let mut b = Network::input([c, size, size]);
    for (i, &kernel) in kernels.iter().enumerate() {
        if i > 0 && relu {
            b = b.add(&format!("relu{i}"), Relu);
        }
        let conv = Conv2d::new(c, kernel).same();
        let conv = if bias { conv } else { conv.no_bias() };
        b = b.add(&format!("conv{i}"), conv);
    }
    b.build(0)
}

#[test]
fn three_small_filters_replace_a_large_one() {
    let right: Builder = |c, size| stack(c, size, &[3, 3, 3], true, false);
    judge(
        three_small,
        right,
        &[
            (
                |c, s| stack(c, s, &[3, 3, 3], false, false),
                "add the ReLUs",
            ),
            (|c, s| stack(c, s, &[3, 3, 3], true, true), ".no_bias()"),
            (
                |c, s| stack(c, s, &[7], true, false),
                "expected Conv2d, Relu",
            ),
            (|c, s| stack(c, s, &[3, 3, 5], true, false), "it sees 9x9"),
            (
                |c, s| {
                    let conv = || Conv2d::new(c, 3).no_bias();
                    Network::input([c, s, s])
                        .add("conv1", conv())
                        .add("relu1", Relu)
                        .add("conv2", conv())
                        .add("relu2", Relu)
                        .add("conv3", conv())
                        .build(0)
                },
                ".same() keeps",
            ),
            (
                |_, _| Err(NnError::Invalid("no such layer".into())),
                "could not be built",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_one_by_one_has_a_weight_for_each_channel() {
    let right: fn() -> usize = || 1950;
    judge(
        one_by_one,
        right,
        &[
            (|| 1920, "without the 30 biases"),
            (|| 1921, "a bias of its own"),
            (|| 1950 * 784, "28 x 28 plays no part"),
            (|| 60, "all 64 channels"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

fn narrow(c: usize, size: usize, inside: usize, bias: bool) -> Result<Network> {
    let conv = |filters, kernel| {
        let conv = Conv2d::new(filters, kernel).same();
        if bias { conv } else { conv.no_bias() }
    };
    Network::input([c, size, size])
        .add("reduce", conv(inside, 1))
        .add("relu1", Relu)
        .add("conv", conv(inside, 3))
        .add("relu2", Relu)
        .add("expand", conv(c, 1))
        .build(0)
}

#[test]
fn a_bottleneck_is_half_as_wide_inside() {
    let right: Builder = |c, size| narrow(c, size, c / 2, false);
    judge(
        bottleneck,
        right,
        &[
            (
                |c, s| narrow(c, s, c / 4, false),
                "expected 4, 4 and 8 filters",
            ),
            (|c, s| narrow(c, s, c / 2, true), ".no_bias()"),
            (|c, s| stack(c, s, &[3], true, false), "windows of [3]"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

/// Down to 16x16, and then 3x3 filters of these dilations.
fn far(dilations: &[usize], width: usize) -> Result<Network> {
    let mut b = Network::input([3, 64, 64])
        .add("conv1", Conv2d::new(16, 3).same().stride(2))
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(width, 3).same().stride(2))
        .add("relu2", Relu);
    for (i, &dilation) in dilations.iter().enumerate() {
        let conv = Conv2d::new(width, 3).dilation(dilation).same();
        b = b
            .add(&format!("far{i}"), conv)
            .add(&format!("far{i}relu"), Relu);
    }
    b.build(1)
}

fn bottlenecks() -> Result<Network> {
    let mut b = Network::input([3, 64, 64])
        .add("conv1", Conv2d::new(16, 3).same().stride(2))
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(32, 3).same().stride(2))
        .add("relu2", Relu);
    for i in 0..7 {
        b = b.block(&format!("block{i}"), |b| {
            b.add("reduce", Conv2d::new(16, 1))
                .add("relu1", Relu)
                .add("conv", Conv2d::new(16, 3).same())
                .add("relu2", Relu)
                .add("expand", Conv2d::new(32, 1))
                .add("relu3", Relu)
        });
    }
    b.build(1)
}

#[test]
fn there_are_several_ways_to_see_far_for_little() {
    let dilated: fn() -> Result<Network, NnError> = || far(&[1, 2, 4], 32);
    judge(
        design,
        dilated,
        &[
            (|| far(&[1, 1, 1], 32), "yours see 31x31"),
            (|| far(&[1; 7], 32), "yours takes 18,"),
            (|| far(&[1, 2, 4], 24), "yours makes [24, 16, 16]"),
            (
                || {
                    Network::input([3, 64, 64])
                        .add("conv", Conv2d::new(32, 1).stride(4))
                        .add("pool", MaxPool2d::new(17).stride(1).padding(8))
                        .build(1)
                },
                "stack more than that",
            ),
            (|| todo!(), UNWRITTEN),
        ],
    );
    let narrow: fn() -> Result<Network, NnError> = bottlenecks;
    judge(design, narrow, &[]);
}
