//! The checks of what notebook 07 computes with arrays and lists: DepthConcat and the front.

use crate::check::{About, Case, Draw, Exercise, Score};
use ndarray::{Array3, s};

pub(super) static DEPTH_CONCAT: About = About::new(
    "07-depth-concat",
    "DepthConcat",
    3.0,
    [
        "Make an array of zeros that is large enough for both, then copy each input into its place: \
         a's channels first, b's behind them, each in the middle.",
        "The margin above is (height - its height) / 2 in whole numbers, the one to the left likewise \
         with the width. slice_mut(s![from..to, top..top + h, left..left + w]).assign(&a) copies.",
    ],
);

/// The reference: both in the middle of zeros, one's channels behind the other's. `place` says where
/// the smaller one begins, from the room that is left.
pub(super) fn joined(
    a: &Array3<f32>,
    b: &Array3<f32>,
    place: impl Fn(usize) -> usize,
) -> Array3<f32> {
    let ((c, h, w), (d, i, j)) = (a.dim(), b.dim());
    let (height, width) = (h.max(i), w.max(j));
    let mut y = Array3::zeros((c + d, height, width));
    let (top, left) = (place(height - h), place(width - w));
    y.slice_mut(s![..c, top..top + h, left..left + w]).assign(a);
    let (top, left) = (place(height - i), place(width - j));
    y.slice_mut(s![c.., top..top + i, left..left + j]).assign(b);
    y
}

/// Checks `fn depth_concat(a: Array3<f32>, b: Array3<f32>) -> Array3<f32>`.
pub fn depth_concat(
    student: impl Fn(Array3<f32>, Array3<f32>) -> Array3<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |draw: &mut Draw, a: [usize; 3], b: [usize; 3]| {
        let name = format!("{a:?} and {b:?}");
        let drawn = |draw: &mut Draw, s: [usize; 3]| draw.array3(s[0], s[1], s[2]);
        let (a, b) = (drawn(draw, a), drawn(draw, b));
        let right = joined(&a, &b, |room| room / 2);
        let case = Case::new(
            name,
            {
                let (a, b) = (a.clone(), b.clone());
                move || student(a, b)
            },
            right,
        );
        case.mistake(
            "The smaller one stands in the corner; it belongs in the middle.",
            joined(&a, &b, |_| 0),
        )
        .mistake(
            "Of an odd number of rows or columns, the larger half goes to the bottom and right.",
            joined(&a, &b, |room| room.div_ceil(2)),
        )
        .mistake(
            "The channels of a come first.",
            joined(&b, &a, |room| room / 2),
        )
    };
    Exercise::new(&DEPTH_CONCAT)
        .seeded(1, 703, move |draw| case(draw, [2, 14, 14], [3, 16, 16]))
        .seeded(1, 704, move |draw| case(draw, [1, 8, 8], [2, 4, 4]))
        .seeded(1, 705, move |draw| case(draw, [2, 5, 5], [2, 5, 5]))
        .seeded(1, 706, move |draw| case(draw, [1, 6, 3], [3, 2, 7]))
        .seeded(1, 707, move |draw| case(draw, [2, 7, 7], [1, 4, 4]))
        .run()
}

pub(super) static FRONT: About = About::new(
    "07-front",
    "The front",
    3.0,
    [
        "A network is off the front as soon as one other is at least as cheap and at least as accurate, \
         and better in one of the two. Two loops: each network against each other one.",
        "For network i look for a j with costs[j] <= costs[i] and accuracies[j] >= accuracies[i] where \
         one of the two holds strictly. If there is none, push i.",
    ],
);

/// Which of these nothing beats.
pub(super) fn front_of(
    costs: &[f64],
    accuracies: &[f64],
    beats: fn([f64; 2], [f64; 2]) -> bool,
) -> Vec<usize> {
    let all: Vec<[f64; 2]> = costs
        .iter()
        .zip(accuracies)
        .map(|(&c, &a)| [c, a])
        .collect();
    let stays = |&i: &usize| !all.iter().any(|&other| beats(other, all[i]));
    (0..all.len()).filter(stays).collect()
}

/// Checks `fn front(costs: Vec<f64>, accuracies: Vec<f64>) -> Vec<usize>`.
pub fn front(student: impl Fn(Vec<f64>, Vec<f64>) -> Vec<usize> + Copy + Send + 'static) -> Score {
    let case = move |name: String, costs: Vec<f64>, accuracies: Vec<f64>| {
        let of = |beats| front_of(&costs, &accuracies, beats);
        let right = of(|[c, a], [d, b]| c <= d && a >= b && (c < d || a > b));
        let strict = of(|[c, a], [d, b]| c < d && a > b);
        let upside_down = of(|[c, a], [d, b]| c >= d && a <= b && (c > d || a < b));
        let beaten: Vec<usize> = (0..costs.len()).filter(|i| !right.contains(i)).collect();
        let case = Case::new(
            name,
            {
                let (costs, accuracies) = (costs.clone(), accuracies.clone());
                move || student(costs, accuracies)
            },
            right,
        );
        case.mistake(
            "Of two with the same accuracy the cheaper one is enough to beat the other (and of two \
             with the same cost the more accurate one).",
            strict,
        )
        .mistake(
            "Cheap is good and accurate is good: one comparison is the wrong way round.",
            upside_down,
        )
        .mistake(
            "Those are the networks that are beaten. The others are the front.",
            beaten,
        )
        .mistake(
            "Nothing is left: does a network beat itself, or one that is just as good? It must be \
             better in one of the two.",
            Vec::new(),
        )
    };
    Exercise::new(&FRONT)
        .check(case(
            "three, one of them beaten".into(),
            vec![1.0, 2.0, 3.0],
            vec![0.5, 0.4, 0.6],
        ))
        .check(case(
            "all on the front".into(),
            vec![3.0, 1.0, 2.0],
            vec![0.9, 0.5, 0.7],
        ))
        .check(case(
            "the same accuracy at two costs, the same cost at two accuracies".into(),
            vec![2.0, 1.0, 5.0, 5.0],
            vec![0.6, 0.6, 0.8, 0.7],
        ))
        .check(case(
            "two that are equal".into(),
            vec![1.0, 1.0, 4.0],
            vec![0.5, 0.5, 0.5],
        ))
        .seeded(2, 712, move |draw| {
            let n = draw.integer(8..=15);
            let costs: Vec<f64> = (0..n).map(|_| draw.integer(1..=20) as f64).collect();
            let accuracies = (0..n)
                .map(|_| draw.integer(50..=80) as f64 / 100.0)
                .collect();
            case(format!("{n} drawn ones"), costs, accuracies)
        })
        .run()
}
