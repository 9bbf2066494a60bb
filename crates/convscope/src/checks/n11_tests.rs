//! Every check of notebook 11: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};
use convscope_vis::trustworthiness;

#[test]
fn deeper_filters_need_a_tile_for_each_channel() {
    let right: fn() -> [usize; 2] = || [96, 4096];
    judge(
        tiles,
        right,
        &[
            (|| [288, 4096], "one picture in colour"),
            (|| [96, 128], "a tile for each"),
            (|| [96, 32], "There are 128 filters"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn sparsity_is_the_share_of_zeros() {
    let right: fn(ArrayD<f32>) -> f64 =
        |a| a.iter().filter(|v| **v == 0.0).count() as f64 / a.len() as f64;
    judge(
        sparsity,
        right,
        &[
            (
                |a| a.iter().filter(|v| **v != 0.0).count() as f64 / a.len() as f64,
                "not zero",
            ),
            (
                |a| a.iter().filter(|v| **v == 0.0).count() as f64,
                "divide by how many",
            ),
            (
                |a| a.iter().filter(|v| **v <= 0.0).count() as f64 / a.len() as f64,
                "small and negative",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_unit_is_dead_when_no_image_wakes_it() {
    let right: fn(Array4<f32>) -> f64 = |a| dead(&a);
    judge(
        dead_share,
        right,
        &[
            (
                |a| a.iter().filter(|v| **v <= 0.0).count() as f64 / a.len() as f64,
                "zero for every image",
            ),
            (|a| 1.0 - dead(&a), "Those are alive"),
            (|a| dead(&a) / a.dim().0 as f64, "units of one image"),
            (
                |a| dead(&a) * (a.len() / a.dim().0) as f64,
                "divide by the number of units",
            ),
            (
                |a| {
                    let one = a.slice(ndarray::s![..1, .., .., ..]).to_owned();
                    dead(&one)
                },
                "the first image alone",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_best_of_a_stream_are_kept_the_strongest_first() {
    let right: fn(Vec<f32>, usize) -> Vec<usize> = |s, k| ranked(&s, k);
    judge(
        keep_best,
        right,
        &[
            (
                |s, k| ranked(&s, k).into_iter().rev().collect(),
                "Begin with the strongest",
            ),
            (
                |s, k| ranked(&s.iter().map(|v| -v).collect::<Vec<_>>(), k),
                "the weakest",
            ),
            (|s, k| (0..s.len().min(k)).collect(), "first that came"),
            (|s, _| ranked(&s, s.len()), "Keep k of them"),
            (
                |s, k| {
                    let mut all: Vec<usize> = (0..s.len()).rev().collect();
                    all.sort_by(|&a, &b| s[b].total_cmp(&s[a]));
                    all.truncate(k);
                    all
                },
                "of equals the earlier",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_rectangle_is_cut_after_it_was_laid_out() {
    let right: fn([i64; 2], [i64; 3], i64) -> [i64; 4] = rect;
    judge(
        rectangle,
        right,
        &[
            (
                |u, [o, s, n], _| {
                    let [t, l] = u.map(|u| o + u * s);
                    [t, l, t + n, l + n]
                },
                "Cut off what lies beyond",
            ),
            (
                |u, [o, s, n], i| {
                    let [t, l] = u.map(|u| (o + u * s).max(0));
                    [t, l, (t + n).min(i), (l + n).min(i)]
                },
                "add the size before you cut",
            ),
            (|[y, x], f, i| rect([x, y], f, i), "Rows come first"),
            (|u, [_, s, n], i| rect(u, [0, s, n], i), "not at 0"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn distances_are_roots_of_sums_of_squares() {
    fn squares(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
    }
    let right: fn(Vec<f64>, Vec<f64>) -> f64 = |a, b| squares(&a, &b).sqrt();
    judge(
        distance,
        right,
        &[
            (|a, b| squares(&a, &b), "take the root"),
            (
                |a, b| a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum(),
                "city-block",
            ),
            (
                |a, b| a.iter().zip(&b).map(|(a, b)| a - b).sum(),
                "opposite sign cancel",
            ),
            (
                |a, b| (squares(&a, &b) / a.len() as f64).sqrt(),
                "root of the mean",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn grey_is_nearer_than_the_same_stripes_a_pixel_on() {
    let right: fn() -> [f64; 2] = || [8f64.sqrt(), 2f64.sqrt()];
    judge(
        shifted,
        right,
        &[
            (|| [8.0, 2.0], "the square of it"),
            (|| [0.0, 2f64.sqrt()], "none is the same"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn what_a_map_keeps_is_a_share_of_the_variance() {
    let right: fn(Vec<f64>, usize) -> f64 =
        |v, k| v[..k].iter().sum::<f64>() / v.iter().sum::<f64>();
    judge(
        explained,
        right,
        &[
            (
                |v, k| 1.0 - v[..k].iter().sum::<f64>() / v.iter().sum::<f64>(),
                "what is lost",
            ),
            (|v, k| v[..k].iter().sum(), "Divide by the variance"),
            (|v, k| v[k - 1] / v.iter().sum::<f64>(), "add the first k"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

fn rows(ranks: Vec<Vec<usize>>) -> Array2<usize> {
    Array2::from_shape_fn((ranks.len(), ranks[0].len()), |(i, j)| ranks[i][j])
}

#[test]
fn wrong_neighbours_cost_what_they_are_too_far() {
    let right: fn(Vec<Vec<usize>>) -> f64 =
        |r| trusted(&rows(r), |r, k| r.saturating_sub(k) as f64);
    judge(
        trust,
        right,
        &[
            (
                |r| 1.0 - trusted(&rows(r), |r, k| r.saturating_sub(k) as f64),
                "take it from 1",
            ),
            (|r| trusted(&rows(r), |r, _| r as f64), "Only ranks larger"),
            (
                |r| trusted(&rows(r), |r, k| r as f64 - k as f64),
                "earns nothing back",
            ),
            (
                |r| trusted(&rows(r), |r, k| f64::from(u8::from(r > k))),
                "rank - k, not 1",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_formula_of_the_check_is_the_engines() {
    let before = ndarray::array![[0.0], [1.0], [2.1], [3.3], [4.6], [6.0]];
    let after = ndarray::array![[0.0], [1.0], [2.1], [6.1], [4.6], [3.0]];
    let order = |points: &Array2<f64>, i: usize| {
        let mut others: Vec<usize> = (0..6).filter(|&j| j != i).collect();
        let far = |j: usize| (points[[i, 0]] - points[[j, 0]]).abs();
        others.sort_by(|&a, &b| far(a).total_cmp(&far(b)));
        others
    };
    let ranks = Array2::from_shape_fn((6, 2), |(i, n)| {
        let near = order(&after, i)[n];
        order(&before, i).iter().position(|&j| j == near).unwrap() + 1
    });
    let ours = trusted(&ranks, |r, k| r.saturating_sub(k) as f64);
    let engines = trustworthiness(&before, &after, 2).unwrap();
    assert!((ours - engines).abs() < 1e-12, "{ours} {engines}");
    assert!(ours < 1.0);
}

#[test]
fn points_drawn_alike_are_one_group() {
    let right: fn() -> usize = || 1;
    judge(
        groups,
        right,
        &[
            (|| 0, "one group, not none"),
            (|| 7, "not in the data"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}
