//! Every check of notebook 20: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};
use convscope_challenge::Entry;

#[test]
fn a_convolution_learns_its_filters_and_something_for_each_of_them() {
    let right: fn(usize, usize, usize, bool) -> usize =
        |c, f, k, norm| learned([c, f, k], if norm { 2 } else { 1 });
    judge(
        parameters,
        right,
        &[
            (
                |c, f, k, norm| learned([c, f, k], if norm { 3 } else { 1 }),
                "there is no bias",
            ),
            (|c, f, k, _| learned([c, f, k], 0), "one bias"),
            (|c, f, k, _| learned([c, f, k], 1), "a scale and a shift"),
            (
                |_, f, k, norm| learned([1, f, k], if norm { 2 } else { 1 }),
                "reads every channel",
            ),
            (|c, f, k, _| f * c * k + f, "kernel high and kernel wide"),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn filters_are_applied_at_every_place_of_the_output() {
    let right: fn(usize, usize, usize, usize, usize) -> usize =
        |c, f, k, side, stride| products([c, f, k], side.div_ceil(stride));
    judge(
        multiply_adds,
        right,
        &[
            (|c, f, k, _, _| products([c, f, k], 1), "for one place"),
            (|c, f, k, side, _| products([c, f, k], side), "stride makes"),
            (
                |c, f, k, side, stride| products([c, f, k], 1) * side.div_ceil(stride),
                "as many rows",
            ),
            (
                |c, f, k, side, stride| products([c, f, k], side / stride),
                "rounded up",
            ),
            (
                |_, f, k, side, stride| products([1, f, k], side.div_ceil(stride)),
                "every channel",
            ),
            (|_, _, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_hidden_layer_of_32_units_just_fits() {
    let right: fn() -> usize = || 99_992 / 3081;
    judge(
        widest,
        right,
        &[
            (|| 33, "over the budget"),
            (|| 97, "three colours"),
            (|| 20, "fit as well"),
            (|| usize::MAX, "parameters"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_standard_error_falls_with_the_root_of_the_images() {
    let right: fn(usize, usize) -> f64 = |r, n| error_of([r, n]);
    judge(
        standard_error,
        right,
        &[
            (|r, n| error_of([r, n]).powi(2), "root is missing"),
            (
                |r, n| error_of([r, n]) * (n as f64).sqrt(),
                "a single image",
            ),
            (
                |r, n| error_of([r, n]) / (n as f64).sqrt(),
                "belongs under the root",
            ),
            (|r, n| share([r, n]).sqrt() / (n as f64).sqrt(), "p (1 - p)"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn wilsons_interval_is_not_around_p() {
    let right: fn(usize, usize) -> [f64; 2] = |r, n| interval([r, n], true, true);
    judge(
        wilson,
        right,
        &[
            (
                |r, n| {
                    let (p, se) = (share([r, n]), error_of([r, n]));
                    [p - Z * se, p + Z * se]
                },
                "middle is not p",
            ),
            (|r, n| interval([r, n], false, true), "are divided by"),
            (|r, n| interval([r, n], true, false), "second term"),
            (
                |r, n| {
                    let [low, high] = interval([r, n], true, true);
                    [high, low]
                },
                "lower end",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_formula_of_the_check_is_the_leaderboards() {
    for (right, shown) in [(1700, 2000), (0, 50), (64, 64)] {
        let entry: Entry = serde_json::from_value(serde_json::json!({
            "name": "n", "author": "a", "design": "d", "training": "t", "seconds": 1.0,
            "cost": {"parameters": 1, "multiply_adds": 1}, "right": right, "shown": shown,
            "sha256": "0", "images": "1"
        }))
        .unwrap();
        let ours = interval([right, shown], true, true);
        for (a, b) in ours.iter().zip(entry.interval()) {
            assert!((a - b).abs() < 2e-5, "{right} of {shown}: {a} {b}");
        }
    }
}

#[test]
fn an_average_moves_slowly() {
    let right: fn(Vec<f32>, Vec<f32>, f32) -> Vec<f32> = |a, w, d| mixed(&a, &w, [d, 1.0 - d]);
    judge(
        ema,
        right,
        &[
            (|a, w, d| mixed(&a, &w, [1.0 - d, d]), "moves slowly"),
            (|a, w, d| mixed(&a, &w, [d, 1.0]), "add up to 1"),
            (|a, w, _| mixed(&a, &w, [0.5, 0.5]), "plain mean"),
            (|_, w, _| w, "weights themselves"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn two_views_are_averaged_before_they_are_asked() {
    let right: fn(Array2<f32>, Array2<f32>) -> Vec<usize> = |a, b| largest(&(a + b));
    judge(
        views,
        right,
        &[
            (|a, _| largest(&a), "first view says alone"),
            (|_, b| largest(&b), "second view says alone"),
            (
                |mut a, b| {
                    a.zip_mut_with(&b, |a, b| *a = a.max(*b));
                    largest(&a)
                },
                "surer of the two",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_best_of_each_round_is_averaged() {
    let right: fn(Vec<Vec<f64>>, f64) -> f64 = |rounds, truth| {
        let tops: Vec<f64> = rounds.iter().map(|r| best(r)).collect();
        mean(&tops) - truth
    };
    judge(
        flattery,
        right,
        &[
            (
                |rounds, _| {
                    let tops: Vec<f64> = rounds.iter().map(|r| best(r)).collect();
                    mean(&tops)
                },
                "true accuracy off",
            ),
            (
                |rounds, truth| {
                    let tops: Vec<f64> = rounds.iter().map(|r| best(r)).collect();
                    truth - mean(&tops)
                },
                "sign is turned",
            ),
            (
                |rounds, truth| best(&rounds.concat()) - truth,
                "best of all rounds",
            ),
            (
                |rounds, truth| mean(&rounds.concat()) - truth,
                "mean of all scores",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_host_sees_files_and_nothing_else() {
    let right: fn() -> [bool; 6] = || [true, false, true, false, true, true];
    judge(
        refused,
        right,
        &[
            (|| [true; 6], "trust its authors"),
            (|| [false; 6], "can be seen in the files"),
            (
                || [true, true, true, false, true, true],
                "trust its authors",
            ),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_difference_has_a_standard_error_of_its_own() {
    let right: fn([usize; 2], [usize; 2]) -> f64 =
        |v, h| (share(v) - share(h)) / error_of(v).hypot(error_of(h));
    judge(
        surprise,
        right,
        &[
            (
                |v, h| (share(h) - share(v)) / error_of(v).hypot(error_of(h)),
                "sign is turned",
            ),
            (
                |v, h| (share(v) - share(h)) / (error_of(v) + error_of(h)),
                "their squares do",
            ),
            (|v, h| share(v) - share(h), "That is the difference"),
            (
                |v, h| (share(v) - share(h)) / error_of(h),
                "The validation score",
            ),
            (
                |v, h| (share(v) - share(h)) / error_of(v),
                "The hidden score",
            ),
            (
                |v, h| (share(v) - share(h)) / error_of(v).hypot(error_of(h)).powi(2),
                "root is missing",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
