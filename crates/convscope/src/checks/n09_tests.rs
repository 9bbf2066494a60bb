//! Every check of notebook 09: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

#[test]
fn every_channel_becomes_its_mean() {
    let right: fn(Array3<f32>) -> Array1<f32> = |maps| {
        maps.map_axis(Axis(2), |r| r.sum()).sum_axis(Axis(1)) / (maps.dim().1 * maps.dim().2) as f32
    };
    judge(
        global_average,
        right,
        &[
            (
                |m| m.sum_axis(Axis(2)).sum_axis(Axis(1)),
                "Those are the sums",
            ),
            (
                |m| m.sum_axis(Axis(2)).sum_axis(Axis(1)) / m.dim().1 as f32,
                "not by the height",
            ),
            (
                |m| m.sum_axis(Axis(2)).sum_axis(Axis(1)) / m.dim().2 as f32,
                "not by the width",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_logistic_regression_has_weights_and_biases() {
    let right: fn() -> [usize; 2] = || [10 * (512 * 49 + 1), 10 * 513];
    judge(
        weights,
        right,
        &[
            (|| [250_880, 5_120], "a bias too"),
            (|| [25_088, 512], "for ten classes"),
            (|| [25_089, 513], "That is one class"),
            (|| [250_881, 5_121], "Ten biases"),
            (|| [250_890, 250_890], "a channel is one number"),
            (|| [35_850, 5_130], "49 numbers"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Nearest = fn(Array2<f64>, Vec<usize>, Array1<f64>) -> usize;

#[test]
fn the_nearest_has_the_smallest_distance() {
    let right: Nearest = |x, l, q| closest(&x, &l, &q, |gap| gap.dot(gap).sqrt());
    judge(
        nearest,
        right,
        &[
            (|x, l, q| closest(&x, &l, &q, |g| -g.dot(g)), "farthest"),
            (|x, l, q| closest(&x, &l, &q, |g| g.sum()), "cancel"),
            (
                |x, l, q| {
                    let rows: Vec<usize> = (0..l.len()).collect();
                    closest(&x, &rows, &q, |g| g.dot(g))
                },
                "that row's label",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

fn deviation(values: &[f64], less: f64) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - less)).sqrt())
}

#[test]
fn an_interval_is_students() {
    let right: fn(Vec<f64>, f64) -> [f64; 2] = |v, t| {
        let (mean, s) = deviation(&v, 1.0);
        [mean, t * s / (v.len() as f64).sqrt()]
    };
    judge(
        interval,
        right,
        &[
            (
                |v, t| {
                    let (mean, s) = deviation(&v, 0.0);
                    [mean, t * s / (v.len() as f64).sqrt()]
                },
                "n - 1",
            ),
            (
                |v, t| {
                    let (mean, s) = deviation(&v, 1.0);
                    [mean, t * s]
                },
                "single runs",
            ),
            (
                |v, t| {
                    let (mean, s) = deviation(&v, 1.0);
                    [mean, t * s / v.len() as f64]
                },
                "the root of n",
            ),
            (
                |v, _| {
                    let (mean, s) = deviation(&v, 1.0);
                    [mean, s / (v.len() as f64).sqrt()]
                },
                "factor t is missing",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Votes = fn(Array2<f64>, Array2<f64>) -> Array1<f64>;

#[test]
fn pixels_vote_by_the_length_of_their_gradient() {
    let right: Votes = |dx, dy| voted(&dx, &dy, 180.0, |x, y| (x * x + y * y).sqrt());
    judge(
        votes,
        right,
        &[
            (|dx, dy| voted(&dx, &dy, 180.0, |_, _| 1.0), "not with 1"),
            (|dx, dy| voted(&dx, &dy, 360.0, f64::hypot), "not over 360"),
            (|dx, dy| voted(&dy, &dx, 180.0, f64::hypot), "in this order"),
            (
                |dx, dy| voted(&dx, &dy, 180.0, |x, y| x * x + y * y),
                "is the root of",
            ),
            (
                |dx, dy| {
                    let mut votes = Array1::zeros(9);
                    for (x, y) in dx.iter().zip(&dy) {
                        let angle = y.atan2(*x).to_degrees();
                        votes[((angle / 20.0) as usize).min(8)] += x.hypot(*y);
                    }
                    votes
                },
                "rem_euclid",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_layer_is_chosen_by_validation() {
    let right: fn(Vec<f64>, Vec<f64>) -> f64 = |v, t| t[first_largest(&v)];
    judge(
        honest,
        right,
        &[
            (|_, t| t[first_largest(&t)], "looking at the test set"),
            (|v, _| v[first_largest(&v)], "flattered"),
            (|_, t| t[t.len() - 1], "test set"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

type Purity = fn(Vec<usize>, Vec<usize>, usize, usize) -> f64;

fn table(cluster: &[usize], label: &[usize], k: usize, c: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; c]; k];
    for (&i, &l) in cluster.iter().zip(label) {
        counts[i][l] += 1;
    }
    counts
}

#[test]
fn purity_counts_the_most_frequent_class() {
    let right: Purity = |cluster, label, k, c| {
        let rows = table(&cluster, &label, k, c);
        let most: usize = rows.iter().map(|row| *row.iter().max().unwrap()).sum();
        most as f64 / label.len() as f64
    };
    judge(
        purity,
        right,
        &[
            (
                |cluster, label, _, _| {
                    let same = cluster.iter().zip(&label).filter(|(a, b)| a == b).count();
                    same as f64 / label.len() as f64
                },
                "cluster 3 is not class 3",
            ),
            (
                |cluster, label, k, c| {
                    let rows = table(&cluster, &label, k, c);
                    let most: usize = (0..c)
                        .map(|l| rows.iter().map(|row| row[l]).max().unwrap())
                        .sum();
                    most as f64 / label.len() as f64
                },
                "largest class of each cluster",
            ),
            (
                |cluster, label, k, c| {
                    let rows = table(&cluster, &label, k, c);
                    let most: usize = rows.iter().map(|row| *row.iter().max().unwrap()).sum();
                    most as f64
                },
                "number of examples",
            ),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn draws_are_averaged_before_they_are_asked() {
    type Draws = fn(Array2<f64>) -> (usize, f64, f64);
    let right: Draws = |draws| told(&draws);
    judge(
        what_draws_say,
        right,
        &[
            (
                |draws| {
                    let (k, mean, spread) = told(&draws);
                    let t = draws.nrows() as f64;
                    (k, mean, spread * (t / (t - 1.0)).sqrt())
                },
                ".std(0.0)",
            ),
            (
                |draws| {
                    let (k, mean, spread) = told(&draws);
                    (k, mean, spread * spread)
                },
                "the variance",
            ),
            (
                |draws| of_class(&draws, first_largest(&draws.row(0).to_vec())),
                "first draw alone",
            ),
            (
                |draws| {
                    let (k, mean, _) = told(&draws);
                    (k, mean, draws.std(0.0))
                },
                "not of all numbers",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Certain = fn(Vec<f64>, Vec<bool>, f64) -> f64;

#[test]
fn the_most_certain_are_the_first_of_the_sorted() {
    let right: Certain = |c, r, share| of_most_certain(&c, &r, share, 1.0);
    judge(
        most_certain,
        right,
        &[
            (
                |c, r, share| of_most_certain(&c, &r, share, -1.0),
                "least certain",
            ),
            (
                |_, r, share| {
                    let kept = (share * r.len() as f64).round() as usize;
                    r[..kept].iter().filter(|v| **v).count() as f64 / kept as f64
                },
                "sort by certainty first",
            ),
            (
                |c, r, share| of_most_certain(&c, &r, share, 1.0) * share,
                "how many you kept",
            ),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn apart_is_a_share_of_pairs() {
    let right: fn(Vec<f64>, Vec<f64>) -> f64 = |k, u| surer(&k, &u, 0.5);
    judge(
        apart,
        right,
        &[
            (|k, u| 1.0 - surer(&k, &u, 0.5), "the other way round"),
            (|k, u| surer(&k, &u, 0.0), "one half"),
            (|k, u| surer(&k, &u, 1.0), "one half"),
            (
                |k, u| surer(&k, &u, 0.5) * u.len() as f64,
                "number of pairs",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
