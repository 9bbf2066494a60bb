//! Every check of notebook 12: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

#[test]
fn channels_become_one_by_their_largest_size() {
    let right: fn(Array3<f32>) -> Array2<f32> = |g| over_channels(&g, |a, v| a.max(v.abs()));
    judge(
        pixel_map,
        right,
        &[
            (|g| over_channels(&g, |a, v| a.max(v)), ".abs() first"),
            (|g| over_channels(&g, |a, v| a + v), "cancel"),
            (
                |g| over_channels(&g, |a, v| a + v.abs()),
                "sum of the sizes",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
}

type Occlude = fn(Array3<f32>, OneScore<'_>, usize, usize, f32) -> Array2<f32>;

fn slide(window: usize, stride: usize, grey: f32) -> Slide {
    Slide {
        window,
        stride,
        grey,
        afresh: true,
        all_channels: true,
    }
}

#[test]
fn occlusion_is_the_drop_of_fresh_copies() {
    let right: Occlude = |x, f, w, s, g| slid(&x, f, slide(w, s, g));
    judge(
        occlude,
        right,
        &[
            (
                |x, f, w, s, g| {
                    let before = f(&x);
                    slid(&x, f, slide(w, s, g)).mapv(|v| before - v)
                },
                "with the window there",
            ),
            (|x, f, w, s, g| -slid(&x, f, slide(w, s, g)), "turned"),
            (
                |x, f, w, s, g| {
                    let afresh = false;
                    slid(
                        &x,
                        f,
                        Slide {
                            afresh,
                            ..slide(w, s, g)
                        },
                    )
                },
                "afresh for each",
            ),
            (
                |x, f, w, s, g| {
                    let all_channels = false;
                    slid(
                        &x,
                        f,
                        Slide {
                            all_channels,
                            ..slide(w, s, g)
                        },
                    )
                },
                "Only the first channel",
            ),
            (|x, f, w, s, _| slid(&x, f, slide(w, s, 0.0)), "not 0"),
            (|_, _, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_window_has_so_many_places() {
    let right: fn() -> usize = || 25 * 25;
    judge(
        passes,
        right,
        &[
            (|| 576, "first position"),
            (|| 25, "as many rows"),
            (|| 28 * 28, "within the image"),
            (|| 49, "by its own width"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

type Switched = fn(Array3<f32>, Array2<usize>, Vec<bool>, f32) -> Array3<f32>;

#[test]
fn superpixels_are_switched_in_all_channels() {
    let right: Switched = |x, l, on, grey| switch(&x, &l, &on, grey);
    judge(
        switched,
        right,
        &[
            (
                |x, l, on, grey| {
                    let off: Vec<bool> = on.iter().map(|v| !v).collect();
                    switch(&x, &l, &off, grey)
                },
                "other way round",
            ),
            (|x, l, on, _| switch(&x, &l, &on, 0.0), "not 0"),
            (
                |x, l, on, grey| {
                    let all = switch(&x, &l, &on, grey);
                    let mut out = x;
                    out.index_axis_mut(Axis(0), 0)
                        .assign(&all.index_axis(Axis(0), 0));
                    out
                },
                "Only the first channel",
            ),
            (|x, _, _, _| x, "as it was"),
            (|_, _, _, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn a_sample_counts_by_its_distance() {
    let right: fn(Vec<bool>, f64) -> f64 = |on, width| counts(&on, width).0;
    judge(
        weight,
        right,
        &[
            (|on, width| counts(&on, width).1, "around the exponential"),
            (|on, width| counts(&on, width).2, "root of the share"),
            (
                |on, width| counts(&on.iter().map(|v| !v).collect::<Vec<_>>(), width).0,
                "not those that are off",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn an_effect_is_a_difference_of_means() {
    let right: fn(Array2<bool>, Array1<f64>) -> Vec<f64> = |on, y| effects(&on, &y)[0].clone();
    judge(
        mean_effects,
        right,
        &[
            (
                |on, y| effects(&on, &y)[0].iter().map(|v| -v).collect(),
                "on less off",
            ),
            (
                |on, y| effects(&on, &y)[1].clone(),
                "Take the mean without it",
            ),
            (|on, y| effects(&on, &y)[2].clone(), "differences of sums"),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn grad_cam_weighs_channels_by_a_mean_and_cuts_once() {
    let right: fn(Array3<f32>, Array3<f32>) -> Array2<f32> = |a, g| cam_of(&a, &g, true, 2);
    judge(
        cam,
        right,
        &[
            (|a, g| cam_of(&a, &g, true, 0), "cut it off at the end"),
            (|a, g| cam_of(&a, &g, true, 1), "once, at the end"),
            (|a, g| cam_of(&a, &g, false, 2), "not the sum"),
            (
                |a, g| (&a * &g).sum_axis(Axis(0)).mapv(|v| v.max(0.0)),
                "place by place",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn the_gap_is_what_the_sum_misses() {
    let right: fn(Array3<f32>, f32, f32) -> f32 = |map, at, base| map.sum() - (at - base);
    judge(
        gap,
        right,
        &[
            (|map, at, base| at - base - map.sum(), "The sign is turned"),
            (|map, at, _| map.sum() - at, "baseline's score is missing"),
            (|map, at, base| map.sum() - at - base, "brackets"),
            (|map, _, _| map.sum(), "the sum alone"),
            (|_, _, _| todo!(), UNWRITTEN),
        ],
    );
}

fn largest(map: &Array2<f32>, from: f32) -> Option<(usize, usize)> {
    let mut best = from;
    let mut at = None;
    for (place, &v) in map.indexed_iter() {
        if v > best {
            (best, at) = (v, Some(place));
        }
    }
    at
}

#[test]
fn a_map_points_with_its_largest_number() {
    let right: fn(Array2<f32>, Array2<u8>) -> bool =
        |map, mask| largest(&map, f32::NEG_INFINITY).is_some_and(|at| mask[at] == 1);
    judge(
        hits,
        right,
        &[
            (
                |map, mask| largest(&map, 0.0).is_some_and(|at| mask[at] == 1),
                "NEG_INFINITY",
            ),
            (
                |map, mask| {
                    let (off, all) = beside(&map, &mask, true);
                    off < 0.5 * all || all == 0.0
                },
                "single largest number",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn what_lies_beside_the_object_is_a_share_of_the_maps_sum() {
    let right: fn(Array2<f32>, Array2<u8>) -> f32 = |map, mask| {
        let (off, all) = beside(&map, &mask, true);
        off / all
    };
    judge(
        off_object,
        right,
        &[
            (
                |map, mask| {
                    let (off, all) = beside(&map, &mask, true);
                    1.0 - off / all
                },
                "on the object",
            ),
            (
                |map, mask| {
                    let (off, all) = beside(&map, &mask, false);
                    off / all
                },
                "leave them out",
            ),
            (|map, mask| beside(&map, &mask, true).0, "by the sum of all"),
            (
                |_, mask| mask.iter().filter(|m| **m == 0).count() as f32 / mask.len() as f32,
                "share of the pixels",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}
