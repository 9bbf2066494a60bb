//! Every check of notebook 05: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

#[test]
fn a_box_in_the_mirror_keeps_its_order() {
    let right: fn([f32; 4], f32) -> [f32; 4] = |[x0, y0, x1, y1], w| [w - x1, y0, w - x0, y1];
    judge(
        flipped_box,
        right,
        &[
            (
                |[x0, y0, x1, y1], w| [w - x0, y0, w - x1, y1],
                "smaller number",
            ),
            (
                |[x0, y0, x1, y1], w| [w - 1.0 - x1, y0, w - 1.0 - x0, y1],
                "between pixels",
            ),
            (|c, _| c, "as it was"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Crop = fn(Array3<f32>, usize, usize, usize) -> Array3<f32>;

#[test]
fn a_crop_is_a_window_of_the_padded_image() {
    let right: Crop = |x, p, top, left| window(&x, p, top, left);
    judge(
        cropped,
        right,
        &[
            (|x, p, top, left| window(&x, p, left, top), "exchanged"),
            (
                |x, p, top, left| window(&x, p, 2 * p - top, 2 * p - left),
                "wrong way",
            ),
            (|x, p, _, _| padded(&x, p), "with its border"),
            (|x, _, _, _| x, "as it was"),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn flips_and_crops_make_162_of_one() {
    let right: fn() -> usize = || 2 * 9 * 9;
    judge(
        count,
        right,
        &[
            (|| 81, "mirrored"),
            (|| 128, "9 places"),
            (|| 50, "both sides"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Between = fn(&Array2<f32>, f64, f64) -> f32;

#[test]
fn four_neighbours_are_weighed_by_their_nearness() {
    let right: Between = |image, y, x| between(image, y, x, |dy, dx| [dy, dx]);
    judge(
        bilinear,
        right,
        &[
            (
                |image, y, x| between(image, y, x, |dy, dx| [dy.round(), dx.round()]),
                "nearest pixel",
            ),
            (
                |image, y, x| between(image, y, x, |dy, dx| [1.0 - dy, 1.0 - dx]),
                "wrong way round",
            ),
            (
                |image, y, x| between(image, y, x, |dy, dx| [dx, dy]),
                "exchanged",
            ),
            (
                |image, y, x| between(image, y, x, |_, _| [0.0, 0.0]),
                "alone",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

type Source = fn([f64; 2], [f64; 2], f64) -> [f64; 2];

#[test]
fn a_lens_looks_further_out_or_in() {
    let right: Source = |p, size, k| bent(p, size, |r| 1.0 + k * r * r);
    judge(
        lens_source,
        right,
        &[
            (|p, size, k| bent(p, size, |r| 1.0 + k * r), "r squared"),
            (
                |p, size, k| bent(p, size, |r| 1.0 / (1.0 + k * r * r)),
                "where to look",
            ),
            (
                |p, [w, h], k| {
                    let [x, y] = [p[0] - w / 2.0, p[1] - h / 2.0];
                    let factor = 1.0 + k * (x * x + y * y);
                    [w / 2.0 + x * factor, h / 2.0 + y * factor]
                },
                "in pixels",
            ),
            (
                |p, [w, h], k| {
                    let there = bent(p, [w, h], |r| 1.0 + k * r * r);
                    [there[0] - w / 2.0, there[1] - h / 2.0]
                },
                "Add the centre",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn covariances_are_of_centred_colours() {
    let right: fn(Array2<f64>) -> Array2<f64> = |p| {
        let n = p.nrows() as f64;
        covariance_of(&p, true, n)
    };
    judge(
        covariance,
        right,
        &[
            (
                |p| {
                    let n = p.nrows() as f64;
                    covariance_of(&p, false, n)
                },
                "mean colour",
            ),
            (
                |p| {
                    let n = p.nrows() as f64;
                    covariance_of(&p, true, n - 1.0)
                },
                "N - 1",
            ),
            (|p| covariance_of(&p, true, 1.0), "sums over"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn components_begin_with_the_largest_and_are_columns() {
    let right: fn(Array2<f64>) -> Components = |c| components_of(&c);
    judge(
        components,
        right,
        &[
            (
                |c| {
                    let (mut values, mut vectors) = components_of(&c);
                    values.reverse();
                    vectors.reverse();
                    (values, vectors)
                },
                "begins with the smallest",
            ),
            (
                |c| {
                    let (values, mut vectors) = components_of(&c);
                    vectors.reverse();
                    (values, vectors)
                },
                "turn both",
            ),
            (
                |c| components_as(&c, true, |vectors, k, c| vectors[[k, c]]),
                "columns",
            ),
            (
                |c| {
                    let (values, vectors) = components_of(&c);
                    (values, vectors.map(|v| v.map(|p| -p)))
                },
                "sign",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Jitter = fn([f64; 3], [f64; 3], [[f64; 3]; 3], [f64; 3]) -> [f64; 3];

#[test]
fn jitter_moves_along_components_by_alpha_times_lambda() {
    let right: Jitter =
        |colour, values, vectors, alpha| moved(colour, vectors, |i| alpha[i] * values[i], true);
    judge(
        jittered,
        right,
        &[
            (
                |colour, values, vectors, alpha| {
                    moved(colour, vectors, |i| alpha[i] * values[i], false)
                },
                "cut off",
            ),
            (
                |colour, _, vectors, alpha| moved(colour, vectors, |i| alpha[i], true),
                "eigenvalues are missing",
            ),
            (
                |colour, values, vectors, alpha| {
                    moved(colour, vectors, |i| alpha[i] * values[i].sqrt(), true)
                },
                "not its root",
            ),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn several_answers_are_averaged_not_counted() {
    let right: fn(Vec<Array2<f32>>) -> Vec<usize> = |answers| averaged(&answers);
    judge(
        together,
        right,
        &[
            (
                |answers| {
                    let [votes, _] = other_ways(&answers);
                    votes
                },
                "counts votes",
            ),
            (
                |answers| {
                    let [_, surest] = other_ways(&answers);
                    surest
                },
                "surest of them",
            ),
            (|answers| averaged(&answers[..1]), "first one's"),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Mix = fn(Array3<f32>, Array3<f32>, [usize; 2], f32, usize) -> Mixed;

fn mix(a: Array3<f32>, b: Array3<f32>, shares: [f32; 2], label: Vec<f32>) -> Mixed {
    (a * shares[0] + b * shares[1], label)
}

fn row(labels: [usize; 2], shares: [f32; 2], classes: usize) -> Vec<f32> {
    let mut row = vec![0.0; classes];
    row[labels[0]] += shares[0];
    row[labels[1]] += shares[1];
    row
}

#[test]
fn images_and_labels_are_mixed_in_the_same_shares() {
    let right: Mix = |a, b, l, s, n| mix(a, b, [s, 1.0 - s], row(l, [s, 1.0 - s], n));
    judge(
        mixed,
        right,
        &[
            (
                |a, b, l, s, n| mix(a, b, [1.0 - s, s], row(l, [1.0 - s, s], n)),
                "shares are exchanged",
            ),
            (
                |a, b, l, s, n| mix(a, b, [s, 1.0 - s], row(l, [1.0 - s, s], n)),
                "belongs to the first",
            ),
            (
                |a, b, l, s, n| mix(a, b, [s, 1.0 - s], row(l, [0.5, 0.5], n)),
                "not halves",
            ),
            (
                |a, b, l, s, n| {
                    let mut label = vec![0.0; n];
                    label[l[0]] = s;
                    label[l[1]] = 1.0 - s;
                    mix(a, b, [s, 1.0 - s], label)
                },
                "instead of overwriting",
            ),
            (|_, _, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}
