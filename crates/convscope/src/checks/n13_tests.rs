//! Every check of notebook 13: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

type Unpool = fn(Array2<f32>, Array2<usize>) -> Array2<f32>;

#[test]
fn a_value_goes_where_its_switch_points() {
    let right: Unpool = |p, s| unpooled(&p, &s);
    judge(
        unpool,
        right,
        &[
            (|p, s| placed(&p, &s, |k| (k % 2, k / 2)), "swapped"),
            (|p, s| placed(&p, &s, |_| (0, 0)), "upper left corner"),
            (|p, _| spread(&p, 1.0), "other three stay zero"),
            (|p, _| spread(&p, 0.25), "through an average"),
            (|p, s| unpooled(&p, &s) * 0.0, "Nothing was put"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type ReluBack = fn(Array1<f32>, Array1<f32>) -> Vec<Array1<f32>>;

#[test]
fn three_rules_ask_different_things() {
    let right: ReluBack = |x, g| three_rules(&x, &g);
    judge(
        relu_back,
        right,
        &[
            (|_, g| vec![g.clone(), g.clone(), g], "Nothing is stopped"),
            (
                |x, g| {
                    let mut all = three_rules(&x, &g);
                    all.swap(0, 1);
                    all
                },
                "the deconvnet asks g",
            ),
            (
                |x, g| {
                    let mut all = three_rules(&x, &g);
                    all[2] = passed(&x, &g, |x, g| x > 0.0 || g > 0.0);
                    all
                },
                "where both are above zero",
            ),
            (
                |x, g| {
                    let mut all = three_rules(&x, &g);
                    all[0] = passed(&x, &g, |x, _| x >= 0.0);
                    all[2] = passed(&x, &g, |x, g| x >= 0.0 && g > 0.0);
                    all
                },
                "exactly 0 was off",
            ),
            (
                |x, _| {
                    let on = x.mapv(|v| v.max(0.0));
                    vec![on.clone(), on.clone(), on]
                },
                "expected",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Transposed = fn(Array2<f32>, Array2<f32>) -> Array2<f32>;

#[test]
fn what_overlapping_windows_get_adds_up() {
    let right: Transposed = |o, k| transposed_by(&o, &k);
    judge(
        transposed,
        right,
        &[
            (|o, k| given_back(&o, &k, |place, v| *place = v), "+="),
            (|o, k| transposed_by(&o, &flipped(&k)), "flipped"),
            (
                |o, k| transposed_by(&o, &k.mapv(|_| 1.0)),
                "Multiply it with the weight",
            ),
            (|o, k| transposed_by(&o, &k) * 0.0, "Nothing was given"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Step = fn(Array2<f32>, Array2<usize>, Array2<f32>) -> Array2<f32>;

#[test]
fn a_layer_goes_back_in_the_turned_order() {
    let right: Step = |g, s, k| transposed_by(&rectified(unpooled(&g, &s)), &k);
    judge(
        step_back,
        right,
        &[
            (
                |g, s, k| transposed_by(&unpooled(&g, &s), &k),
                "The ReLU is missing",
            ),
            (
                |g, s, k| rectified(transposed_by(&unpooled(&g, &s), &k)),
                "Going back it comes after",
            ),
            (
                |g, s, k| rectified(transposed_by(&rectified(unpooled(&g, &s)), &k)),
                "one ReLU in this layer",
            ),
            (
                |g, s, _| rectified(unpooled(&g, &s)),
                "convolution is missing",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

type SeedAt = fn(Array4<f32>, usize, Vec<[usize; 2]>) -> Array4<f32>;

#[test]
fn a_seed_is_one_unit_of_each_image() {
    let right: SeedAt = |m, c, p| seeds(&m, c, &p);
    judge(
        seed_at,
        right,
        &[
            (|m, c, p| seeds(&m.mapv(|_| 1.0), c, &p), "Those are ones"),
            (
                |m, c, p| {
                    let turned: Vec<_> = p.iter().map(|&[y, x]| [x, y]).collect();
                    seeds(&m, c, &turned)
                },
                "swapped",
            ),
            (
                |m, c, _| {
                    let mut whole = m.clone();
                    for ((_, k, _, _), v) in whole.indexed_iter_mut() {
                        *v = if k == c { *v } else { 0.0 };
                    }
                    whole
                },
                "whole map",
            ),
            (
                |m, _, p| {
                    let mut column = m.clone();
                    for ((n, _, y, x), v) in column.indexed_iter_mut() {
                        *v = if p[n] == [y, x] { *v } else { 0.0 };
                    }
                    column
                },
                "Only one channel",
            ),
            (|m, _, _| m * 0.0, "Nothing is seeded"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_map_grows_with_its_seed() {
    let right: fn() -> f32 = || 0.75;
    judge(
        factor,
        right,
        &[
            (|| 0.25, "does change"),
            (|| 0.25 / 3.0, "multiply"),
            (|| 3.25, "That adds"),
            (|| 3.0, "That is the seed"),
            (|| 2.25, "not three times three"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Back = fn(Array1<f32>, Array2<f32>) -> Array1<f32>;

#[test]
fn a_1x1_convolution_adds_up_before_the_relu() {
    let right: Back = |g, w| summed(&g, &w, |v| v).mapv(|v| v.max(0.0));
    judge(
        back_1x1,
        right,
        &[
            (|g, w| summed(&g, &w, |v| v), "ReLU is missing"),
            (|g, w| summed(&g, &w, |v| v.max(0.0)), "Add up first"),
            (|g, w| summed(&g, &w, |v| v).mapv(f32::abs), "stop"),
            (|_, w| Array1::zeros(w.dim().1), "Nothing was given"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Alike = fn(Array2<f32>, Array2<f32>) -> f32;

#[test]
fn maps_are_compared_without_their_means_and_sizes() {
    let right: Alike = |a, b| correlation(&a, &b, true)[0];
    judge(
        alike,
        right,
        &[
            (|a, b| correlation(&a, &b, true)[1], "root is missing"),
            (|a, b| correlation(&a, &b, true)[2], "Divide by the root"),
            (
                |a, b| correlation(&a, &b, true)[2] / a.len() as f32,
                "covariance",
            ),
            (|a, b| correlation(&a, &b, false)[0], "mean is still in"),
            (|_, _| 1.0, "is like nothing"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
