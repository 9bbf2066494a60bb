//! Every check of notebook 15: the right answer passes, typical mistakes are named.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

#[test]
fn what_is_there_is_pulled_as_much_as_it_is_there() {
    let right: fn() -> [f64; 3] = || [6.0, 0.5, 0.0];
    judge(
        pull,
        right,
        &[
            (|| [18.0, 0.125, 0.0], "Its derivative"),
            (|| [12.0, 1.0, 0.0], "a half in front"),
            (|| [6.0, 0.5, 1.0], "not there at all"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_step_is_measured_by_the_mean_of_the_absolute_values() {
    let right: fn(Tensor, Tensor, f32) -> Tensor =
        |x, g, r| stepped(&x, &g, r, |a, _, n| 1.0 / (a / n).max(1e-6));
    judge(
        step,
        right,
        &[
            (
                |x, g, r| stepped(&x, &g, r, |a, _, n| -1.0 / (a / n).max(1e-6)),
                "downhill",
            ),
            (|x, g, r| x + g * r, "not normalised"),
            (
                |x, g, r| stepped(&x, &g, r, |_, s, n| 1.0 / ((s / n).sqrt() + 1e-5)),
                "root mean square",
            ),
            (
                |x, g, r| stepped(&x, &g, r, |a, _, _| 1.0 / a.max(1e-6)),
                "Take the mean",
            ),
            (
                |x, g, r| {
                    let mean = g.mean().unwrap().max(1e-6);
                    x + g * (r / mean)
                },
                "with signs",
            ),
            (
                |x, g, r| stepped(&x, &g, r, |a, _, n| 1.0 / (a / n)),
                "0 / 0",
            ),
            (
                |x, g, r| stepped(&x, &g, r, |a, _, n| 1.0 / (a / n).max(1e-6)) - x,
                "step alone",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn octaves_go_up_to_the_image() {
    let right: fn(usize, usize, f64) -> Vec<usize> =
        |side, n, by| sizes(n, |i| side as f64 / by.powi(i));
    assert_eq!(right(224, 3, 1.4), [114, 160, 224]);
    judge(
        octaves,
        right,
        &[
            (
                |side, n, by| {
                    (0..n)
                        .map(|i| (side as f64 / by.powi(i as i32)) as usize)
                        .collect()
                },
                "smallest comes first",
            ),
            (
                |side, n, by| sizes(n, |i| (side as f64 / by.powi(i)).round()),
                "Round down",
            ),
            (
                |side, n, by| sizes(n, |i| side as f64 / by.powi(i + 1)),
                "own side",
            ),
            (
                |side, n, by| {
                    let mut all = vec![side];
                    while all.len() < n {
                        all.insert(0, (all[0] as f64 / by) as usize);
                    }
                    all
                },
                "adds up",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn small_octaves_cost_little() {
    let right: fn() -> f64 = || 1.903;
    judge(
        work,
        right,
        &[
            (|| 2.589_649_3, "adds up the sides"),
            (|| 4.0, "fewer pixels"),
            (|| 0.903_265_3, "counts too"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_photo_gets_back_what_it_lost() {
    let right: fn(Array2<f32>, Array2<f32>) -> Array2<f32> =
        |d, p| doubled(&d) + &p - doubled(&halved(&p));
    judge(
        detail,
        right,
        &[
            (|d, _| doubled(&d), "made larger"),
            (|d, p| doubled(&d) + p, "the whole photo"),
            (
                |d, p| doubled(&d) - &p + doubled(&halved(&p)),
                "not taken away",
            ),
            (|_, p| &p - &doubled(&halved(&p)), "alone"),
            (|_, p| p, "dream is gone"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_loss_of_zeros_is_one() {
    let right: fn(Vec<f64>, Vec<f64>) -> f64 = |c, w| {
        let apart: f64 = c.iter().zip(&w).map(|(c, w)| (c - w) * (c - w)).sum();
        apart / w.iter().map(|w| w * w).sum::<f64>()
    };
    judge(
        loss,
        right,
        &[
            (
                |c, w| c.iter().zip(&w).map(|(c, w)| (c - w) * (c - w)).sum(),
                "squared length of the wanted",
            ),
            (
                |c, w| {
                    let apart: f64 = c.iter().zip(&w).map(|(c, w)| (c - w) * (c - w)).sum();
                    apart / c.len() as f64
                },
                "mean squared",
            ),
            (
                |c, w| {
                    let apart: f64 = c.iter().zip(&w).map(|(c, w)| (c - w) * (c - w)).sum();
                    (apart / w.iter().map(|w| w * w).sum::<f64>()).sqrt()
                },
                "No roots",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_norm_is_a_wall_at_black_and_white() {
    let right: fn(Vec<f64>, f64) -> f64 =
        |x, b| x.iter().map(|x| (x.abs() / b).powi(6)).sum::<f64>() / x.len() as f64;
    judge(
        alpha,
        right,
        &[
            (
                |x, b| x.iter().map(|x| (x / b).powi(2)).sum::<f64>() / x.len() as f64,
                "exponent 2",
            ),
            (
                |x, _| x.iter().map(|x| x.powi(6)).sum::<f64>() / x.len() as f64,
                "by half first",
            ),
            (
                |x, b| x.iter().map(|x| (x.abs() / b).powi(6)).sum::<f64>(),
                "That is the sum",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn variation_knows_beta() {
    let right: fn(Array2<f64>, f64) -> f64 =
        |x, b| varied(&x, |d, r| (d * d + r * r).powf(b / 2.0));
    judge(
        variation,
        right,
        &[
            (
                |x, b| varied(&x, |d, r| (d * d + r * r).powf(b)),
                "squares already",
            ),
            (|x, _| varied(&x, |d, r| d * d + r * r), "no effect"),
            (
                |x, b| varied(&x, |d, r| d.abs().powf(b) + r.abs().powf(b)),
                "two squares first",
            ),
            (
                |x, b| varied(&x, |d, r| d * d + r * r).powf(b / 2.0),
                "for each pixel",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_ramp_is_cheap_where_beta_is_two() {
    let right: fn() -> [f64; 2] = || [0.25, 1.0];
    judge(
        ramp,
        right,
        &[
            (|| [0.0625, 0.25], "one of the four"),
            (|| [1.0, 1.0], "smaller than 1"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_maximum_hides_many_patches() {
    let right: fn(u64) -> u64 = |m| (m + 1).pow(4) - m.pow(4);
    assert_eq!(right(1), 15);
    judge(
        patches,
        right,
        &[
            (|m| (m + 1).pow(4), "do not reach it"),
            (|m| 4 * (m + 1).pow(3), "twice"),
            (|m| 4 * m.pow(3), "together"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}
