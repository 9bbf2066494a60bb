//! Every check of notebook 17: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

type Two = fn(Corners, Corners) -> f64;

#[test]
fn a_box_ends_just_outside() {
    type Around = fn(Array2<u8>) -> [usize; 4];
    let right: Around = |mask| around(&mask);
    judge(
        box_of,
        right,
        &[
            (
                |mask| {
                    let [l, t, r, b] = around(&mask);
                    [l, t, r - 1, b - 1]
                },
                "just outside",
            ),
            (
                |mask| {
                    let [l, t, r, b] = around(&mask);
                    [t, l, b, r]
                },
                "left comes first",
            ),
            (
                |mask| {
                    let [l, t, r, b] = around(&mask);
                    [l, t, r - l, b - t]
                },
                "left, top, width, height",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn half_a_width_to_each_side() {
    type Four = fn(Corners) -> Corners;
    let right: Four = |[x, y, w, h]| [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
    judge(
        corners,
        right,
        &[
            (|[x, y, w, h]| [x - w, y - h, x + w, y + h], "not the whole"),
            (|[x, y, w, h]| [x, y, x + w, y + h], "not the corner"),
            (
                |[x, y, h, w]| [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0],
                "The width goes with x",
            ),
            (
                |[x, y, w, h]| [x - w / 2.0, x + w / 2.0, y - h / 2.0, y + h / 2.0],
                "The order is",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_share_of_the_width_and_of_the_height() {
    type Shares = fn(Corners, f64, f64) -> Corners;
    let right: Shares = |[l, t, r, b], h, w| [l / w, t / h, r / w, b / h];
    judge(
        shares,
        right,
        &[
            (
                |[l, t, r, b], h, w| [l / h, t / w, r / h, b / w],
                "x is a share",
            ),
            (
                |[l, t, r, b], _, w| [l / w, t / w, r / w, b / w],
                "shares of the height",
            ),
            (
                |[l, t, r, b], h, w| [l / w, r / w, t / h, b / h],
                "The order stays",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_union_counts_the_intersection_once() {
    fn sides(a: Corners, b: Corners) -> [f64; 2] {
        [0, 1].map(|k| a[k + 2].min(b[k + 2]) - a[k].max(b[k]))
    }
    fn area([l, t, r, b]: Corners) -> f64 {
        (r - l) * (b - t)
    }
    let right: Two = |a, b| {
        let shared: f64 = sides(a, b).iter().map(|s| s.max(0.0)).product();
        shared / (area(a) + area(b) - shared)
    };
    judge(
        overlap,
        right,
        &[
            (
                |a, b| {
                    let shared: f64 = sides(a, b).iter().map(|s| s.max(0.0)).product();
                    shared / (area(a) + area(b))
                },
                "counts the intersection once",
            ),
            (
                |a, b| {
                    let [w, h] = sides(a, b);
                    w * h / (area(a) + area(b) - w * h)
                },
                "not negative",
            ),
            (
                |a, b| sides(a, b).iter().map(|s| s.max(0.0)).product(),
                "Divide it by the union",
            ),
            (
                |a, b| sides(a, b).iter().map(|s| s.max(0.0)).product::<f64>() / area(b),
                "not by the second",
            ),
            (
                |a, b| sides(a, b).iter().map(|s| s.max(0.0)).product::<f64>() / area(a),
                "not by the first",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn half_a_box_aside_is_a_third() {
    let right: fn() -> f64 = || 1.0 / 3.0;
    judge(
        shifted,
        right,
        &[
            (|| 0.5, "share of one box"),
            (|| 0.25, "150, not 200"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_box_or_a_box_for_each_class() {
    let right: fn() -> [usize; 2] = || [12, 40];
    judge(
        outputs,
        right,
        &[
            (|| [4, 32], "own numbers are missing"),
            (|| [40, 12], "First the agnostic"),
            (|| [12, 12], "four numbers of its own"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_boxes_come_behind_the_classes() {
    type BoxFor = fn(Vec<f32>, usize, usize) -> [f32; 4];
    fn four(output: &[f32], from: usize) -> [f32; 4] {
        std::array::from_fn(|k| output[from + k])
    }
    let right: BoxFor = |o, n, c| four(&o, n + 4 * c);
    judge(
        box_for,
        right,
        &[
            (|o, _, c| four(&o, 4 * c), "come before the boxes"),
            (|o, n, c| four(&o, n + c), "begin at 4 * class"),
            (
                |o, n, c| std::array::from_fn(|k| o[n + k * n + c]),
                "stand beside each other",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_mean_of_four_squares() {
    let right: Two = |a, b| mean_of(a, b, |d| d * d);
    judge(
        l2,
        right,
        &[
            (|a, b| 4.0 * mean_of(a, b, |d| d * d), "Divide by 4"),
            (|a, b| (4.0 * mean_of(a, b, |d| d * d)).sqrt(), "No root"),
            (|a, b| mean_of(a, b, f64::abs), "Square the differences"),
            (|a, b| mean_of(a, b, |d| d), "before you sum"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_parabola_that_goes_on_as_a_line() {
    type Smooth = fn(Corners, Corners, f64) -> f64;
    fn by(a: Corners, b: Corners, beta: f64, [half, less]: [f64; 2]) -> f64 {
        mean_of(a, b, |d| match d.abs() {
            d if d < beta => d * d / beta * half,
            d => d - less * beta,
        })
    }
    let right: Smooth = |a, b, beta| by(a, b, beta, [0.5, 0.5]);
    judge(
        smooth_l1,
        right,
        &[
            (|a, b, beta| by(a, b, beta, [1.0, 0.5]), "a 2 is missing"),
            (
                |a, b, beta| by(a, b, beta, [0.5, 0.0]),
                "The line is d - beta / 2",
            ),
            (
                |a, b, beta| by(a, b, beta, [beta, 0.5]),
                "divided by 2 beta",
            ),
            (
                |a, b, beta| {
                    mean_of(a, b, |d| match d < beta {
                        true => d * d / beta / 2.0,
                        false => d - beta / 2.0,
                    })
                },
                ".abs()",
            ),
            (|a, b, beta| 4.0 * by(a, b, beta, [0.5, 0.5]), "Divide by 4"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn both_the_class_and_the_place() {
    type Localised = fn(Vec<usize>, Vec<usize>, Vec<f64>) -> f64;
    fn share(n: usize, counts: impl Fn(usize) -> bool) -> f64 {
        (0..n).filter(|i| counts(*i)).count() as f64 / n as f64
    }
    let right: Localised = |f, l, o| share(l.len(), |i| f[i] == l[i] && o[i] >= 0.5);
    judge(
        localised,
        right,
        &[
            (
                |f, l, o| {
                    (0..l.len())
                        .filter(|&i| f[i] == l[i] && o[i] >= 0.5)
                        .count() as f64
                },
                "Divide by the number of images",
            ),
            (
                |f, l, o| share(l.len(), |i| f[i] == l[i] && o[i] > 0.5),
                "exactly 0.5 counts",
            ),
            (
                |f, l, o| share(l.len(), |i| f[i] == l[i] || o[i] >= 0.5),
                "Both must hold",
            ),
            (
                |f, l, _| share(l.len(), |i| f[i] == l[i]),
                "The box must be right",
            ),
            (
                |_, l, o| share(l.len(), |i| o[i] >= 0.5),
                "The class must be right",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}
