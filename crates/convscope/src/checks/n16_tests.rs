//! Every check of notebook 16: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

type Pair = fn(Vec<f64>, Vec<f64>) -> [f64; 2];
type Lists = fn(Vec<f64>, Vec<f64>) -> Vec<f64>;
type Pixels = fn(Array1<f32>, Array1<f32>, f32) -> Array1<f32>;

fn dot(x: &[f64], w: &[f64]) -> f64 {
    x.iter().zip(w).map(|(x, w)| x * w).sum()
}

#[test]
fn the_score_and_its_probability() {
    let right: Pair = |x, w| {
        let z = dot(&x, &w);
        [z, 1.0 / (1.0 + (-z).exp())]
    };
    judge(
        logistic,
        right,
        &[
            (
                |x, w| {
                    let z = dot(&x, &w);
                    [z, 1.0 / (1.0 + z.exp())]
                },
                "the other class",
            ),
            (
                |x, w| {
                    let z = dot(&x, &w) / x.len() as f64;
                    [z, 1.0 / (1.0 + (-z).exp())]
                },
                "not the mean",
            ),
            (
                |x, w| {
                    let z = dot(&x, &w);
                    [1.0 / (1.0 + (-z).exp()), z]
                },
                "[score, probability]",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn every_number_moves_by_the_sign_of_its_weight() {
    type Fool = fn(Vec<f64>, Vec<f64>, f64) -> Vec<f64>;
    let right: Fool = |x, w, step| logistic_fooled(&x, &w, step);
    judge(
        fooled,
        right,
        &[
            (
                |x, w, s| x.iter().zip(&w).map(|(x, w)| x + s * w).collect(),
                "only the weight's sign counts",
            ),
            (|x, w, s| logistic_fooled(&x, &w, -s), "the other way"),
            (
                |x, _, s| x.iter().map(|x| x + s).collect(),
                "makes the score smaller",
            ),
            (
                |x, w, s| x.iter().zip(&w).map(|(x, w)| x + s * w.signum()).collect(),
                "Where the weight is 0",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn many_small_steps_make_a_large_one() {
    let right: fn() -> f64 = || 28.0 * 28.0 * 0.05 * 0.25;
    judge(
        growth,
        right,
        &[
            (|| 0.0125, "one pixel's share"),
            (|| 39.2, "not by 1"),
            (|| 196.0, "Each weight counts"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_gradient_reaches_the_pixels_through_every_class() {
    type Gradient = fn(Array2<f32>, Array1<f32>, usize) -> Array1<f32>;
    let right: Gradient = |w, p, label| gradient(&w, &p, label, 1.0);
    judge(
        input_gradient,
        right,
        &[
            (|w, p, l| -gradient(&w, &p, l, 1.0), "turn the sign around"),
            (|w, p, l| gradient(&w, &p, l, 0.0), "Take 1 away"),
            (|w, _, l| w.row(l).to_owned(), "other classes' logits"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_step_goes_by_the_sign_and_stays_a_picture() {
    let right: Pixels = |x, g, e| (x + g.mapv(sign) * e).mapv(|v| v.clamp(0.0, 1.0));
    judge(
        sign_step,
        right,
        &[
            (|x, g, e| x + g.mapv(sign) * e, "clamp them"),
            (
                |x, g, e| (x - g.mapv(sign) * e).mapv(|v| v.clamp(0.0, 1.0)),
                "go up the gradient",
            ),
            (
                |x, g, e| (x + g * e).mapv(|v| v.clamp(0.0, 1.0)),
                "take the sign alone",
            ),
            (
                |x, g, e| (x + g.mapv(f32::signum) * e).mapv(|v| v.clamp(0.0, 1.0)),
                "exactly 0",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

fn near(moved: &Array1<f32>, original: &Array1<f32>, epsilon: f32) -> Array1<f32> {
    let both = moved.iter().zip(original);
    both.map(|(m, o)| m.clamp(o - epsilon, o + epsilon))
        .collect()
}

#[test]
fn the_box_lies_around_the_original_and_inside_black_and_white() {
    let right: Pixels = |m, o, e| near(&m, &o, e).mapv(|v| v.clamp(0.0, 1.0));
    judge(
        project,
        right,
        &[
            (|m, o, e| near(&m, &o, e), "between black"),
            (
                |m, _, _| m.mapv(|v| v.clamp(0.0, 1.0)),
                "further than epsilon",
            ),
            (|m, _, e| m.mapv(|v| v.clamp(-e, e)), "not around 0"),
            (|_, o, _| o, "only to the wall"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

fn along(x: &[f64], w: &[f64], c: f64) -> Vec<f64> {
    x.iter().zip(w).map(|(x, w)| x - c * w).collect()
}

#[test]
fn the_shortest_way_goes_along_the_weights() {
    let right: Lists = |x, w| along(&x, &w, dot(&x, &w) / dot(&w, &w));
    judge(
        to_the_boundary,
        right,
        &[
            (|x, w| along(&x, &w, dot(&x, &w)), "Divide z"),
            (
                |x, w| along(&x, &w, dot(&x, &w) / dot(&w, &w).sqrt()),
                "not by the length",
            ),
            (
                |x, w| along(&x, &w, -dot(&x, &w) / dot(&w, &w)),
                "away from the boundary",
            ),
            (
                |x, w| along(&vec![0.0; x.len()], &w, dot(&x, &w) / dot(&w, &w)),
                "That is the change",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_child_may_win_several_places() {
    type Won = fn(Vec<f64>, Vec<f64>) -> Vec<usize>;
    let right: Won = |a, c| (0..a.len()).filter(|&k| c[k] > a[k]).collect();
    judge(
        places_won,
        right,
        &[
            (
                |a, c| (0..a.len()).filter(|&k| c[k] >= a[k]).collect(),
                "at a tie",
            ),
            (
                |a, c| (0..a.len()).filter(|&k| c[k] < a[k]).collect(),
                "that it loses",
            ),
            (
                |_, c| {
                    let most = c.iter().copied().fold(0.0, f64::max);
                    (0..c.len()).filter(|&k| c[k] == most).collect()
                },
                "better than the picture",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_line_is_straight_and_a_tent_is_not() {
    type Straight = fn(Vec<f64>, Vec<f64>) -> f64;
    let right: Straight = |t, y| {
        let [a, b, c] = sums(&t, &y, true);
        a * a / (b * c)
    };
    judge(
        straightness,
        right,
        &[
            (
                |t, y| {
                    let [a, b, c] = sums(&t, &y, false);
                    a * a / (b * c)
                },
                "means away",
            ),
            (
                |t, y| {
                    let [a, b, c] = sums(&t, &y, true);
                    a / (b * c).sqrt()
                },
                "Square it",
            ),
            (
                |t, y| {
                    let [a, b, _] = sums(&t, &y, true);
                    a / b
                },
                "slope",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
