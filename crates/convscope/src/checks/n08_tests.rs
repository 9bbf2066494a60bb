//! Every check of notebook 08: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};
use ndarray::s;

#[test]
fn layers_are_counted_with_the_first_and_the_last() {
    let right: fn(usize) -> usize = |n| 6 * n + 2;
    judge(
        weight_layers,
        right,
        &[
            (|n| 6 * n, "before them and one behind"),
            (|n| 6 * n + 1, "One of the two"),
            (|n| 2 * n + 2, "three stages"),
            (|n| 3 * n + 2, "two convolutions"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

fn pair(net: NetworkBuilder, conv: Conv2d, sum: Option<[&str; 2]>) -> NetworkBuilder {
    let net = net
        .add("conv1", conv.clone())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("conv2", conv)
        .add("bn2", BatchNorm2d::new());
    match sum {
        Some(of) => net.add_after(&of, "add", Add).add("relu2", Relu),
        None => net.add("relu2", Relu),
    }
}

fn bare(channels: usize) -> Conv2d {
    Conv2d::new(channels, 3).same().no_bias()
}

#[test]
fn a_residual_block_must_be_the_identity_at_zero_filters() {
    let right: Block = course_block;
    judge(
        residual_block,
        right,
        &[
            (
                |net, c| pair(net, bare(c), None),
                "everything is 0 behind it",
            ),
            (
                |net, c| pair(net, bare(c), Some(["bn2", "conv1"])),
                "and not what the first one put out",
            ),
            (
                |net, c| pair(net, bare(c), Some(["conv2", "input"])),
                "comes after bn2",
            ),
            (
                |net, c| pair(net, Conv2d::new(c, 3).same(), Some(["bn2", "input"])),
                "takes away again",
            ),
            (
                |net, c| pair(net, Conv2d::new(c, 3).no_bias(), Some(["bn2", "input"])),
                "could not be built",
            ),
            (
                |net, c| course_block(net, c).add("extra", Relu),
                "expected the nodes conv1",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_block_that_is_not_right_is_replaced_by_the_courses_own() {
    let runs = |block: Block| two(your_block(block), 3, 1).unwrap().nodes();
    let wrong: Block = |net, c| pair(net, bare(c), None);
    let unwritten: Block = |_, _| todo!();
    let right: Block = |net, c| pair(net, bare(c), Some(["input", "bn2"]));
    for block in [wrong, unwritten, right] {
        assert_eq!(runs(block).len(), 7);
    }
    assert!(your_block(right) as usize == right as usize);
    assert!(your_block(wrong) as usize != wrong as usize);
}

type Shortcut = fn(Array3<f32>, usize) -> Array3<f32>;

fn every_second(x: &Array3<f32>) -> Array3<f32> {
    x.slice(s![.., ..;2, ..;2]).to_owned()
}

fn within(x: &Array3<f32>, channels: usize, first: usize) -> Array3<f32> {
    let (c, h, w) = x.dim();
    let mut out = Array3::zeros((channels, h, w));
    out.slice_mut(s![first..first + c, .., ..]).assign(x);
    out
}

#[test]
fn the_padded_shortcut_halves_and_pads_on_both_sides() {
    let right: Shortcut = |x, c| within(&every_second(&x), c, (c - x.dim().0) / 2);
    judge(
        padded_shortcut,
        right,
        &[
            (
                |x, c| within(&every_second(&x), c, 0),
                "yours all stand behind",
            ),
            (
                |x, c| within(&every_second(&x), c, c - x.dim().0),
                "yours all stand before",
            ),
            (|x, _| every_second(&x), "make room"),
            (
                |x, c| within(&x, c, (c - x.dim().0) / 2),
                "every second row",
            ),
            (
                |x, c| {
                    let kept = x.slice(s![.., 1..;2, 1..;2]).to_owned();
                    within(&kept, c, (c - x.dim().0) / 2)
                },
                "not with the second",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_factor_of_a_layer_is_a_root() {
    fn all(v: &[f64]) -> f64 {
        v[0] / v[v.len() - 1]
    }
    let right: fn(Vec<f64>) -> f64 = |v| all(&v).powf(1.0 / (v.len() - 1) as f64);
    judge(
        factor_per_layer,
        right,
        &[
            (|v| all(&v).powf(1.0 / v.len() as f64), "n - 1 steps"),
            (
                |v| all(&v).powf(-1.0 / (v.len() - 1) as f64),
                "first / last",
            ),
            (|v| all(&v), "take a root"),
            (|v| all(&v) / (v.len() - 1) as f64, "not a quotient"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

fn products(v: &[f64], lag: usize) -> f64 {
    v.iter().zip(&v[lag..]).map(|(a, b)| a * b).sum()
}

fn centred(v: &[f64]) -> Vec<f64> {
    let mean = v.iter().sum::<f64>() / v.len() as f64;
    v.iter().map(|x| x - mean).collect()
}

#[test]
fn autocorrelation_is_centred_and_one_at_lag_zero() {
    let right: fn(Vec<f64>, usize) -> f64 = |v, k| {
        let d = centred(&v);
        products(&d, k) / products(&d, 0)
    };
    judge(
        autocorrelation,
        right,
        &[
            (
                |v, k| products(&v, k) / products(&v, 0),
                "Take the mean off",
            ),
            (|v, k| products(&centred(&v), k), "sum of the squares"),
            (
                |v, k| products(&centred(&v), k) / v.len() as f64,
                "divide by the variance",
            ),
            (
                |v, k| {
                    let d = centred(&v);
                    let n = v.len() as f64;
                    products(&d, k) / products(&d, 0) * n / (n - k as f64)
                },
                "the sums are enough",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

fn sizes(v: &Array1<f64>) -> (f64, f64) {
    let v = v.mapv(f64::abs);
    (
        v.fold(0.0, |m, x| f64::max(m, *x)),
        v.fold(f64::INFINITY, |m, x| f64::min(m, *x)),
    )
}

#[test]
fn a_condition_number_compares_sizes() {
    let right: fn(Array1<f64>) -> f64 = |v| sizes(&v).0 / sizes(&v).1;
    judge(
        condition_number,
        right,
        &[
            (|v| v[v.len() - 1] / v[0], "By size"),
            (
                |v| (v[v.len() - 1] / v[0]).abs(),
                "not of the largest and the smallest",
            ),
            (|v| sizes(&v).1 / sizes(&v).0, "the smallest below"),
            (|v| sizes(&v).0 - sizes(&v).1, "not a difference"),
            (
                |v| sizes(&v).0 / sizes(&v).1.max(1e-9),
                "infinity by itself",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn steps_grow_with_the_condition_number() {
    let right: fn(f64) -> f64 = |c| 0.01f64.ln() / (1.0 - 1.0 / c).ln();
    judge(
        steps_needed,
        right,
        &[
            (|c| (1.0 - 1.0 / c).ln() / 0.01f64.ln(), "Upside down"),
            (|c| 0.01f64.ln() / (1.0 / c).ln(), "A step leaves"),
            (|c| 0.1f64.ln() / (1.0 - 1.0 / c).ln(), "not a tenth"),
            (|c| -(0.01f64.ln()) / (1.0 - 1.0 / c).ln(), "The sign"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Chain = fn(usize, f64) -> Array2<f64>;

fn filled(n: usize, on: f64, off: f64) -> Array2<f64> {
    Array2::from_shape_fn((n, n), |(i, j)| if i == j { on } else { off })
}

#[test]
fn a_chain_of_depth_one_is_full() {
    let right: Chain = |n, t| filled(n, 1.0, 2.0 - t);
    judge(
        chain_one,
        right,
        &[
            (|n, _| filled(n, 1.0, 1.0), "counts too"),
            (|n, t| filled(n, 1.0, 1.0 - t), "f is 1, not 0"),
            (|n, t| filled(n, 1.0, t), "The sign"),
            (|n, t| filled(n, 2.0 - t, 2.0 - t), "straight line"),
            (|n, t| filled(n, 2.0, 4.0 - 2.0 * t), "a half in front"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

fn blocks(n: usize, inside: f64) -> Array2<f64> {
    Array2::from_shape_fn((2 * n, 2 * n), |(i, j)| {
        if i != j && i / 2 == j / 2 {
            inside
        } else {
            0.0
        }
    })
}

#[test]
fn a_chain_of_depth_two_falls_apart_into_blocks() {
    let right: Chain = |n, t| blocks(n, 1.0 - t);
    judge(
        chain_two,
        right,
        &[
            (|n, t| blocks(n, t - 1.0), "The sign"),
            (|n, t| blocks(n, -t), "f is 1, not 0"),
            (|n, t| filled(2 * n, 0.0, 1.0 - t), "Blocks do not meet"),
            (
                |n, t| blocks(n, 1.0 - t) + Array2::<f64>::eye(2 * n),
                "The diagonal is 0",
            ),
            (
                |n, t| {
                    Array2::from_shape_fn((2 * n, 2 * n), |(i, j)| {
                        if i.abs_diff(j) == n { 1.0 - t } else { 0.0 }
                    })
                },
                "in the order u1, v1",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_product_of_n_weights_takes_n_derivatives() {
    let right: fn(usize) -> usize = |n| n;
    judge(
        first_derivative,
        right,
        &[
            (|n| n + 1, "the gradient itself is not 0"),
            (|n| if n == 1 { 1 } else { n + 1 }, "One too many"),
            (|n| n.max(2) - 1, "One derivative more"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Whiten = fn(Array2<f64>, usize) -> Array2<f64>;

/// Projected onto some axes, each divided by a power of its eigenvalue.
fn projected(x: &Array2<f64>, from: usize, keep: usize, power: f64) -> Array2<f64> {
    let (values, vectors) = spectrum(x);
    let axes = vectors.slice(s![.., from..from + keep]);
    x.dot(&axes) / values.slice(s![from..from + keep]).mapv(|v| v.powf(power))
}

#[test]
fn whitening_keeps_the_largest_axes_and_makes_their_mean_square_one() {
    let right: Whiten = |x, keep| projected(&x, x.ncols() - keep, keep, 0.5);
    judge(
        whiten,
        right,
        &[
            (
                |x, keep| projected(&x, x.ncols() - keep, keep, 0.0),
                "divide each column by the root",
            ),
            (
                |x, keep| projected(&x, x.ncols() - keep, keep, 1.0),
                "take its root",
            ),
            (|x, keep| projected(&x, 0, keep, 0.5), "along other axes"),
            (
                |x, keep| {
                    let root = (x.nrows() as f64).sqrt();
                    projected(&x, x.ncols() - keep, keep, 0.5) / root
                },
                "divide x",
            ),
            (|x, _| x, "expected an array of shape"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_whitening_that_is_not_right_is_replaced_by_the_courses_own() {
    let x = Array2::from_shape_fn((30, 4), |(i, j)| ((i * 4 + j) as f64 * 1.7).sin());
    let x = &x - &x.mean_axis(Axis(0)).unwrap();
    let own: Whiten = |x, keep| -projected(&x, x.ncols() - keep, keep, 0.5);
    let unwritten: Whiten = |_, _| todo!();
    let yours = your_whitened(own, &x, 2).unwrap();
    assert_eq!(yours, own(x.clone(), 2));
    let courses = your_whitened(unwritten, &x, 2).unwrap();
    is_white(&courses, &x, 2).unwrap();
    let error = your_whitened(unwritten, &x, 5).unwrap_err().to_string();
    assert!(error.contains("1 to 4 of the columns, got 5"), "{error}");
}
