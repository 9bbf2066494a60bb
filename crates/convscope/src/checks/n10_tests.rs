//! Every check of notebook 10: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

type Count = fn() -> usize;

#[test]
fn an_accuracy_has_an_error() {
    type Bar = fn(f64, usize) -> f64;
    let right: Bar = |p, n| (p * (1.0 - p) / n as f64).sqrt();
    judge(
        error_bar,
        right,
        &[
            (|p, n| p * (1.0 - p) / n as f64, "the root is missing"),
            (
                |p, _| (p * (1.0 - p)).sqrt(),
                "the spread of one photograph",
            ),
            (
                |p, n| (p * (1.0 - p)).sqrt() / n as f64,
                "n belongs under the root",
            ),
            (|p, n| (p / n as f64).sqrt(), "is p (1 - p)"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn what_is_frozen_is_run_once() {
    let right: Count = || 397 * 10;
    judge(
        passes,
        right,
        &[
            (|| 397 * 11, "is left: take it off"),
            (|| 2440, "that validate go through"),
            (|| 397, "That is what is left"),
            (|| 244 * 11, "and one pass for"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_head_has_a_weight_for_every_feature_and_a_bias() {
    let right: Count = || 4104;
    judge(
        head_numbers,
        right,
        &[
            (|| 4096, "biases are missing"),
            (|| 4608, "not for each feature"),
            (|| 520, "of their own"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_pattern_means_what_lies_below_it() {
    type Learns = fn(String, Vec<String>) -> bool;
    let right: Learns = |path, patterns| {
        patterns
            .iter()
            .any(|p| path == *p || path.starts_with(&format!("{p}.")))
    };
    judge(
        learns,
        right,
        &[
            (
                |path, patterns| patterns.iter().any(|p| path.starts_with(p.as_str())),
                "a dot must follow",
            ),
            (
                |path, patterns| patterns.iter().any(|p| path.contains(p.as_str())),
                "not any part of it",
            ),
            (|path, patterns| patterns.contains(&path), "What lies below"),
            (
                |path, patterns| patterns.iter().all(|p| path.starts_with(&format!("{p}."))),
                "One pattern that fits",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_recipe_has_three_stages() {
    type Recipe = fn(f64) -> [[f64; 3]; 3];
    let right: Recipe = lecture;
    judge(
        recipe,
        right,
        &[
            (
                |r| {
                    let a = lecture(r);
                    [
                        [a[0][0], a[1][0], a[2][0]],
                        [a[0][1], a[1][1], a[2][1]],
                        [a[0][2], a[1][2], a[2][2]],
                    ]
                },
                "Rows are stages",
            ),
            (
                |r| [[r, 0.0, 0.0], [r, r / 10.0, 0.0], [r, r / 10.0, r / 100.0]],
                "it knows its task by then",
            ),
            (|r| [lecture(r)[2]; 3], "learns alone"),
            (
                |r| {
                    [
                        lecture(r)[0],
                        lecture(r)[1],
                        [r / 10.0, r / 100.0, r / 100.0],
                    ]
                },
                "the top stays at a tenth",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn rates_fall_with_depth() {
    type Rates = fn(usize, f64, f64) -> Vec<f64>;
    let right: Rates = |n, top, f| (0..n).rev().map(|k| top / f.powi(k as i32)).collect();
    judge(
        by_depth,
        right,
        &[
            (
                |n, top, f| (0..n).map(|k| top / f.powi(k as i32)).collect(),
                "begins with the lowest",
            ),
            (
                |n, top, f| (1..=n).rev().map(|k| top / f.powi(k as i32)).collect(),
                "the rate `top` itself",
            ),
            (
                |n, top, f| (1..=n).rev().map(|k| top / (f * k as f64)).collect(),
                "not by its multiples",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_kept_norm_does_not_look_at_the_batch() {
    type Norms = fn(Vec<f64>, f64, f64, f64, f64, bool) -> Vec<f64>;
    fn by(x: &[f64], running: [f64; 2], gamma: f64, beta: f64, kept: bool) -> Vec<f64> {
        normalised(
            x,
            &Norm {
                running,
                gamma,
                beta,
                kept,
            },
        )
    }
    let right: Norms = |x, m, v, g, b, kept| by(&x, [m, v], g, b, kept);
    judge(
        batch_norm,
        right,
        &[
            (
                |x, m, v, g, b, _| by(&x, [m, v], g, b, false),
                "does not look at the batch",
            ),
            (
                |x, m, v, g, b, _| by(&x, [m, v], g, b, true),
                "the batch's own mean",
            ),
            (
                |x, m, v, _, _, kept| by(&x, [m, v], 1.0, 0.0, kept),
                "gamma and beta are missing",
            ),
            (
                |x, m, v, g, b, _| x.iter().map(|x| g * (x - m) / (v + 1e-5) + b).collect(),
                "the root of the variance",
            ),
            (|_, _, _, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_old_mean_fades() {
    let right: fn() -> f64 = || 0.9_f64.powi(20);
    judge(
        old_mean,
        right,
        &[
            (|| 1.0 - 0.9_f64.powi(20), "What is left?"),
            (|| 0.0, "of what is left then"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_table_has_four_answers() {
    type Strategy = fn(usize, bool) -> String;
    let right: Strategy = |n, similar| advised(n, similar).to_owned();
    judge(
        strategy,
        right,
        &[
            (
                |n, similar| advised(n, !similar).to_owned(),
                "The other column",
            ),
            (
                |n, similar| advised(n + 50, similar).to_owned(),
                "fewer than 100",
            ),
            (
                |n, similar| advised(if n < 100 { 100 } else { 1 }, !similar).to_owned(),
                "turned around",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
