//! Every check of notebook 14: the right answer passes, typical mistakes are named.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

#[test]
fn the_best_image_points_along_the_weights_and_has_length_one() {
    let right: fn(Vec<f64>) -> Vec<f64> = |w| scaled(&w, |w| 1.0 / length(w));
    judge(
        linear,
        right,
        &[
            (|w| w, "not 1 yet"),
            (|w| scaled(&w, |w| 1.0 / length(w).powi(2)), "Take the root"),
            (
                |w| scaled(&w, |w| 1.0 / w.iter().map(|x| x.abs()).sum::<f64>()),
                "add up to 1",
            ),
            (|w| scaled(&w, |w| -1.0 / length(w)), "least"),
            (
                |w| w.iter().map(|x| x.abs() / length(&w)).collect(),
                "negative too",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Two = fn(Tensor, Tensor, f32) -> Tensor;

#[test]
fn a_step_is_as_long_as_the_rate_says() {
    let right: Two = |x, g, r| stepped(&x, &g, r, |s, _, n| 1.0 / ((s / n).sqrt() + 1e-5));
    judge(
        step,
        right,
        &[
            (
                |x, g, r| stepped(&x, &g, r, |s, _, n| -1.0 / ((s / n).sqrt() + 1e-5)),
                "downhill",
            ),
            (|x, g, r| x + g * r, "not normalised"),
            (
                |x, g, r| stepped(&x, &g, r, |s, _, _| 1.0 / (s.sqrt() + 1e-5)),
                "Take the mean",
            ),
            (
                |x, g, r| stepped(&x, &g, r, |_, a, n| 1.0 / (a / n + 1e-5)),
                "absolute values",
            ),
            (
                |x, g, r| stepped(&x, &g, r, |s, _, n| 1.0 / (s / n).sqrt()),
                "0 / 0",
            ),
            (
                |x, g, r| stepped(&x, &g, r, |s, _, n| 1.0 / ((s / n).sqrt() + 1e-5)) - x,
                "step alone",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_logit_goes_on_where_the_probability_stops() {
    let right: fn() -> [f64; 2] = || [0.25, 0.000_999];
    judge(
        logit,
        right,
        &[
            (|| [0.5, 0.999], "Multiply it by 1 - p"),
            (|| [0.25, 0.001], "Multiply it by p"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn decay_pulls_pixels_to_zero() {
    let right: Two = |g, x, l| g - x * (2.0 * l);
    judge(
        decay,
        right,
        &[
            (|g, x, l| g + x * (2.0 * l), "should shrink"),
            (|g, x, l| g - x * l, "a factor 2"),
            (|g, x, l| g - x.mapv(|v| v * v * l), "Its derivative"),
            (|_, x, l| x * (-2.0 * l), "part alone"),
            (|g, x, l| x - g * (2.0 * l), "changed places"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_pixel_settles_where_pull_and_push_are_equal() {
    let right: fn() -> [f64; 2] = || [2.0, 4.0];
    judge(
        settles,
        right,
        &[
            (|| [4.0, 8.0], "factor 2"),
            (|| [2.0, 1.0], "grow further"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn every_pair_of_neighbours_counts_once() {
    fn square(a: f32, b: f32) -> f32 {
        (a - b) * (a - b)
    }
    let right: fn(Array2<f32>) -> f32 = |x| neighbours(&x, false, false, square);
    judge(
        variation,
        right,
        &[
            (
                |x| neighbours(&x, false, false, |a, b| (a - b).abs()),
                "absolute values",
            ),
            (|x| neighbours(&x, true, false, square), "nothing below it"),
            (|x| neighbours(&x, false, true, square), "two ifs"),
            (
                |x| {
                    let w = x.ncols();
                    let one = |c: usize| x.column(c).to_owned().insert_axis(ndarray::Axis(1));
                    (0..w)
                        .map(|c| neighbours(&one(c), false, false, square))
                        .sum()
                },
                "to the right are missing",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn chess_is_rougher_than_halves() {
    let right: fn() -> [f64; 2] = || [112.0, 8.0];
    judge(
        chess,
        right,
        &[
            (|| [128.0, 8.0], "not 8"),
            (|| [56.0, 8.0], "both directions"),
            (|| [112.0, 1.0], "each of the 8 rows"),
            (|| todo!(), UNWRITTEN),
        ],
    );
    let board = Array2::from_shape_fn((8, 8), |(y, x)| ((y + x) % 2) as f32);
    let halves = Array2::from_shape_fn((8, 8), |(_, x)| (x / 4) as f32);
    for (image, expected) in [(board, 112.0), (halves, 8.0)] {
        assert_eq!(
            neighbours(&image, false, false, |a, b| (a - b).powi(2)),
            expected
        );
    }
}

type Roll = fn(Array2<f32>, usize, usize) -> Array2<f32>;

#[test]
fn a_roll_goes_round() {
    let right: Roll = |x, d, r| moved(&x, |[i, j], [h, w]| Some([(i + d) % h, (j + r) % w]));
    judge(
        roll,
        right,
        &[
            (
                |x, d, r| {
                    moved(&x, |[i, j], [h, w]| {
                        Some([(i + h - d % h) % h, (j + w - r) % w])
                    })
                },
                "up and to the left",
            ),
            (
                |x, d, r| moved(&x, |[i, j], [h, w]| Some([(i + r) % h, (j + d) % w])),
                "changed places",
            ),
            (
                |x, d, r| {
                    moved(&x, |[i, j], [h, w]| {
                        (i + d < h && j + r < w).then_some([i + d, j + r])
                    })
                },
                "enter on the other",
            ),
            (|x, _, _| x, "Nothing has moved"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn back_is_the_rest_of_the_turn() {
    let right: fn() -> [usize; 2] = || [123, 8];
    judge(
        back,
        right,
        &[
            (|| [5, 120], "once more"),
            (|| [122, 7], "not 127"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Clip = fn(Array3<f32>, f32) -> Array3<f32>;

#[test]
fn small_pixels_go_with_all_their_channels() {
    fn norm(p: &[f32]) -> f32 {
        p.iter().map(|v| v * v).sum::<f32>().sqrt()
    }
    let right: Clip = |x, t| clipped(&x, |p| norm(p) < t);
    judge(
        clip,
        right,
        &[
            (
                |x, t| x.mapv(|v| if v.abs() < t { 0.0 } else { v }),
                "each number for itself",
            ),
            (|x, t| clipped(&x, |p| norm(p) >= t), "keeps the small"),
            (|x, t| clipped(&x, |p| norm(p).powi(2) < t), "Take the root"),
            (|x, t| clipped(&x, |p| p.iter().sum::<f32>() < t), "cancel"),
            (|x, _| x, "Nothing was clipped"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
