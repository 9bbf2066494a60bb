//! Every check of notebook 18: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

type Wave = fn(usize, f64, f64, f64) -> Array2<f64>;

#[test]
fn a_grating_has_its_bars_where_they_belong() {
    let right: Wave = wave;
    judge(
        grating,
        right,
        &[
            (|n, o, f, p| wave(n, 90.0 - o, f, p), "Turned by a quarter"),
            (corner, "from the middle"),
            (|n, o, f, p| wave(n, o, f / TAU, p), "A cycle is 2 pi"),
            (|n, o, f, p| wave(n, o, f, -p), "minus, not plus"),
            (
                |n, o, f, p| wave(n, o, f, p + TAU / 4.0),
                "That is the sine",
            ),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_simple_cell_adds_and_never_goes_below_zero() {
    type Cell = fn(Array2<f64>, Array2<f64>) -> f64;
    let right: Cell = |f, p| (&f * &p).sum().max(0.0);
    judge(
        simple_cell,
        right,
        &[
            (|f, p| (&f * &p).sum(), "not at all"),
            (|f, p| (&f * &p).sum().abs(), "do not take the size"),
            (
                |f, p| ((&f * &p).sum() / f.len() as f64).max(0.0),
                "not the mean",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Number = fn(Vec<f64>) -> f64;

fn length(r: &[f64]) -> f64 {
    let (c, s) = turned(r);
    c.hypot(s)
}

#[test]
fn modulation_is_the_amplitude_at_the_drift() {
    let right: Number = |r| 2.0 / r.len() as f64 * length(&r);
    judge(
        modulation,
        right,
        &[
            (|r| length(&r), "Multiply by 2 / n"),
            (|r| length(&r) / r.len() as f64, "not 1 / n"),
            (
                |r| r.iter().sum::<f64>() / r.len() as f64,
                "That is the mean",
            ),
            (
                |r| 2.0 / r.len() as f64 * turned(&r).0.abs(),
                "Both sums count",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

fn best(curve: &[f64]) -> usize {
    (0..curve.len()).fold(0, |b, i| if curve[i] > curve[b] { i } else { b })
}

#[test]
fn selectivity_compares_right_angles() {
    let right: Number = |c| {
        let b = best(&c);
        let o = c[(b + c.len() / 2) % c.len()];
        (c[b] - o) / (c[b] + o)
    };
    judge(
        selectivity,
        right,
        &[
            (
                |c| {
                    let least = c.iter().copied().fold(f64::INFINITY, f64::min);
                    let most = c[best(&c)];
                    (most - least) / (most + least)
                },
                "the smallest response",
            ),
            (
                |c| {
                    let b = best(&c);
                    c[b] - c[(b + c.len() / 2) % c.len()]
                },
                "the sum of the two",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn orientations_are_averaged_as_arrows_at_twice_their_angle() {
    type Preferred = fn(Vec<f64>, Vec<f64>) -> f64;
    let right: Preferred = |d, c| arrows(&d, &c, 2.0).rem_euclid(180.0);
    judge(
        preferred,
        right,
        &[
            (|d, c| arrows(&d, &c, 1.0), "the same orientation"),
            (
                |d, c| (2.0 * arrows(&d, &c, 2.0)).rem_euclid(360.0),
                "Halve the angle",
            ),
            (|d, c| arrows(&d, &c, 2.0), "add 180"),
            (|d, c| d[best(&c)], "between them"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_gabor_is_a_grating_under_a_bell() {
    type Gabor = fn(usize, f64, f64, f64, f64) -> Array2<f64>;
    let right: Gabor = |n, o, f, p, s| wave(n, o, f, p) * bell(n, s, 2.0);
    judge(
        gabor,
        right,
        &[
            (|n, o, f, p, _| wave(n, o, f, p), "without its bell"),
            (|n, _, _, _, s| bell(n, s, 2.0), "without the grating"),
            (
                |n, o, f, p, s| wave(n, o, f, p) * bell(n, s, 1.0),
                "2 sigma sigma",
            ),
            (|_, _, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_small_window_sees_little_of_a_wave() {
    let right: fn() -> [f64; 2] = || [0.7, 0.3];
    judge(
        cycles,
        right,
        &[
            (|| [4.9, 0.9], "not the area"),
            (|| [1.0 / 0.7, 1.0 / 0.3], "how many windows"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_complex_cell_squares_and_adds() {
    type Pair = fn(f64, f64) -> f64;
    let right: Pair = |a, b| a * a + b * b;
    judge(
        complex_cell,
        right,
        &[
            (|a, b| a + b, "Square each"),
            (|a, b| (a + b) * (a + b), "First square"),
            (f64::hypot, "no root here"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
