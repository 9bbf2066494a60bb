//! The checks of notebook 11, Looking inside.

use crate::check::{About, Case, Exercise, Score};
use ndarray::{Array2, Array4, ArrayD, IxDyn};

pub(crate) const ALL: &[&About] = &[
    &TILES, &SPARSITY, &DEAD, &BEST, &RECTANGLE, &DISTANCE, &SHIFTED, &EXPLAINED, &TRUST, &GROUPS,
];

static TILES: About = About::new(
    "11-tiles",
    "How many tiles",
    1.0,
    [
        "A filter of the first layer reads red, green and blue, so it makes one picture in colour. \
         A deeper filter reads more channels than three: it needs a grey tile for each.",
        "The first layer: one tile for each of its 96 filters. The deeper one: 128 filters times the \
         32 channels that each reads.",
    ],
);

/// Checks two numbers of tiles.
pub fn tiles(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&TILES)
        .check(
            Case::new("the first layer", move || student()[0], 96)
                .mistake("Three channels make one picture in colour.", 288)
                .mistake("A tile shows a whole filter, not one weight.", 96 * 49),
        )
        .check(
            Case::new("the deeper layer", move || student()[1], 4096)
                .mistake(
                    "Each filter reads 32 channels, and needs a tile for each.",
                    128,
                )
                .mistake(
                    "Those are the channels of one filter. There are 128 filters.",
                    32,
                )
                .mistake("A tile shows 3x3 weights at once.", 4096 * 9),
        )
        .run()
}

static SPARSITY: About = About::new(
    "11-sparsity",
    "How much of it is zero",
    2.0,
    [
        "Count the numbers that are exactly 0.0, then divide by how many numbers there are: \
         activation.len().",
        "activation.iter().filter(|v| **v == 0.0).count() is the first number. Divide as f64: an \
         integer division rounds down to 0.",
    ],
);

fn tensor(draw: &mut crate::check::Draw, shape: &[usize], off: f32) -> ArrayD<f32> {
    // ReLUs, after their bias moved.
    draw.tensor(shape).mapv(|v| (v - off).max(0.0))
}

/// Checks `fn sparsity(activation: ArrayD<f32>) -> f64`.
pub fn sparsity(student: impl Fn(ArrayD<f32>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, a: ArrayD<f32>| {
        let zeros = a.iter().filter(|v| **v == 0.0).count() as f64;
        let all = a.len() as f64;
        Case::new(name, move || student(a.clone()), zeros / all)
            .mistake(
                "That is the share of the numbers that are not zero.",
                1.0 - zeros / all,
            )
            .mistake(
                "That is how many are zero: divide by how many there are.",
                zeros,
            )
    };
    let by_hand = ArrayD::from_shape_vec(IxDyn(&[1, 1, 2, 2]), vec![0.0, 3.0, 0.0, 0.0]);
    Exercise::new(&SPARSITY)
        .check(case("[0, 3, 0, 0]", by_hand.expect("four numbers")))
        .check(case("nothing but zeros", ArrayD::zeros(IxDyn(&[2, 3]))))
        .check(case(
            "small and negative numbers are not zero",
            ArrayD::from_shape_vec(IxDyn(&[4]), vec![1e-9, -1.0, 0.0, 2.0]).expect("four"),
        ))
        .seeded(2, 1101, move |draw| {
            let shape = [draw.integer(1..=3), draw.integer(2..=6), 5, 7];
            case(
                &format!("drawn, of shape {shape:?}"),
                tensor(draw, &shape, 0.4),
            )
        })
        .run()
}

static DEAD: About = About::new(
    "11-dead",
    "The share of dead units",
    3.0,
    [
        "A unit is a place of a channel, [c, y, x]. Walk over all units, and for each over the images \
         n: it is alive when activations[[n, c, y, x]] > 0.0 for at least one n.",
        "let (images, channels, height, width) = activations.dim(); three loops over c, y and x, and \
         inside (0..images).any(|n| activations[[n, c, y, x]] > 0.0). Count those for which it is \
         false, and divide by channels * height * width.",
    ],
);

fn dead(a: &Array4<f32>) -> f64 {
    let alive = a.fold_axis(ndarray::Axis(0), false, |on, v| *on || *v > 0.0);
    alive.iter().filter(|on| !**on).count() as f64 / alive.len() as f64
}

/// Checks `fn dead_share(activations: Array4<f32>) -> f64`.
pub fn dead_share(student: impl Fn(Array4<f32>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, a: Array4<f32>| {
        let right = dead(&a);
        let (n, c, h, w) = a.dim();
        let off = |v: &&f32| **v <= 0.0;
        let zeros = a.iter().filter(off).count() as f64 / a.len() as f64;
        let count = right * (c * h * w) as f64;
        let alone = a.outer_iter().map(|one| one.iter().filter(off).count());
        let first = alone.clone().next().unwrap_or(0) as f64 / (c * h * w) as f64;
        let some = a.fold_axis(ndarray::Axis(0), false, |off, v| *off || *v <= 0.0);
        let some = some.iter().filter(|off| **off).count() as f64 / some.len() as f64;
        let planes = a.axis_iter(ndarray::Axis(1));
        let silent = planes.filter(|p| p.iter().all(|v| *v <= 0.0)).count() as f64 / c as f64;
        Case::new(name, move || student(a.clone()), right)
            .mistake(
                "That is the share of all activations that are zero. A unit is dead when it is zero \
                 for every image.",
                zeros,
            )
            .mistake("Those are alive: you counted the others.", 1.0 - right)
            .mistake("That is how many are dead: divide by the number of units.", count)
            .mistake("That looks at the first image alone.", first)
            .mistake(
                "A unit that is zero for one image may be alive for another: all images count.",
                some,
            )
            .mistake(
                "Divide by the units of one image: a unit is the same in every image.",
                right / n as f64,
            )
            .mistake(
                "Those are whole channels. Each place of a channel is a unit of its own.",
                silent,
            )
    };
    let mut two = Array4::<f32>::zeros((2, 1, 2, 2));
    two[[0, 0, 0, 0]] = 1.0;
    two[[1, 0, 0, 1]] = 2.0;
    two[[1, 0, 0, 0]] = 0.5;
    Exercise::new(&DEAD)
        .check(case("two images, four units, two of them dead".into(), two))
        .check(case("all are alive".into(), Array4::ones((3, 2, 2, 2))))
        .check(case(
            "negative numbers are not alive".into(),
            Array4::from_elem((2, 1, 1, 3), -0.5),
        ))
        .seeded(2, 1102, move |draw| {
            let shape = [draw.integer(3..=4), 3, draw.integer(2..=4), 5];
            let a = tensor(draw, &shape, 0.9);
            let four = a.into_dimensionality().expect("four dimensions");
            case(format!("drawn, of shape {shape:?}"), four)
        })
        .run()
}

static BEST: About = About::new(
    "11-best",
    "Keep the best of a stream",
    3.0,
    [
        "For each value that comes, push (value, number) to `best`, sort the strongest first, and cut \
         the list to k with truncate(k).",
        "best.sort_by(|a, b| b.0.total_cmp(&a.0)); the sort keeps the order of equals, so that the \
         earlier stays before the later. Then best.truncate(k).",
    ],
);

fn ranked(stream: &[f32], k: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..stream.len()).collect();
    all.sort_by(|&a, &b| stream[b].total_cmp(&stream[a]));
    all.truncate(k);
    all
}

/// Checks `fn keep_best(stream: Vec<f32>, k: usize) -> Vec<usize>`.
pub fn keep_best(student: impl Fn(Vec<f32>, usize) -> Vec<usize> + Copy + Send + 'static) -> Score {
    let case = move |name: String, stream: Vec<f32>, k: usize| {
        let right = ranked(&stream, k);
        let backwards: Vec<usize> = right.iter().rev().copied().collect();
        let negated: Vec<f32> = stream.iter().map(|v| -v).collect();
        let mut in_order = right.clone();
        in_order.sort_unstable();
        let first: Vec<usize> = (0..stream.len().min(k)).collect();
        let everything = ranked(&stream, stream.len());
        let last = (stream.len() - stream.len().min(k)..stream.len())
            .rev()
            .collect();
        Case::new(name, move || student(stream.clone(), k), right)
            .mistake("Those are the right ones. Begin with the strongest.", backwards)
            .mistake("Those are the weakest: sort the other way.", ranked(&negated, k))
            .mistake(
                "Those are the right ones in the order in which they came. Begin with the strongest.",
                in_order,
            )
            .mistake("Those are the first that came, however weak.", first)
            .mistake("Those are the last that came, however weak.", last)
            .mistake("Keep k of them: what is weaker is forgotten at once.", everything)
    };
    Exercise::new(&BEST)
        .check(case(
            "3, 9, 1, 7, and two are kept".into(),
            vec![3.0, 9.0, 1.0, 7.0],
            2,
        ))
        .check(case("fewer than k came".into(), vec![0.5, 2.5], 9))
        .check(case(
            "of equals the earlier is the stronger".into(),
            vec![4.0, 8.0, 8.0, 4.0, 8.0],
            2,
        ))
        .seeded(2, 1103, move |draw| {
            let n = draw.integer(20..=40);
            let stream = draw.array1(n).to_vec();
            let k = draw.integer(3..=9);
            case(format!("{n} drawn values, {k} kept"), stream, k)
        })
        .run()
}

static RECTANGLE: About = About::new(
    "11-rectangle",
    "From unit to rectangle",
    2.0,
    [
        "The unit in row y begins at the pixel offset + y * stride, and sees `size` pixels from there. \
         The same for the column.",
        "Cut off what lies beyond the photo with .max(0) for the first pixel and .min(image) for the \
         last: (offset + y * stride).max(0) and (offset + y * stride + size).min(image).",
    ],
);

fn rect(unit: [i64; 2], [offset, stride, size]: [i64; 3], image: i64) -> [i64; 4] {
    let [top, left] = unit.map(|u| offset + u * stride);
    let end = |v: i64| (v + size).min(image);
    [top.max(0), left.max(0), end(top), end(left)]
}

/// Checks `fn rectangle(unit: [i64; 2], field: [i64; 3], image: i64) -> [i64; 4]`.
pub fn rectangle(
    student: impl Fn([i64; 2], [i64; 3], i64) -> [i64; 4] + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, unit: [i64; 2], field: [i64; 3], image: i64| {
        let right = rect(unit, field, image);
        let [offset, stride, size] = field;
        let [top, left] = unit.map(|u| offset + u * stride);
        let [t, l, b, r] = right;
        Case::new(name, move || student(unit, field, image), right)
            .mistake(
                "Cut off what lies beyond the photo.",
                [top, left, top + size, left + size],
            )
            .mistake(
                "A rectangle that is cut off at the top does not get longer at the bottom: add the \
                 size before you cut.",
                [t, l, (t + size).min(image), (l + size).min(image)],
            )
            .mistake("Rows come first: top, left, bottom, right.", [l, t, r, b])
            .mistake(
                "The field of unit (0, 0) begins at the offset, not at 0.",
                rect(unit, [0, stride, size], image),
            )
            .mistake(
                "The third and fourth number are where it ends, not how large it is.",
                [t, l, b - t, r - l],
            )
            .mistake(
                "Neighbouring units begin `stride` pixels apart.",
                rect(unit, [offset, 1, size], image),
            )
    };
    Exercise::new(&RECTANGLE)
        .check(case(
            "the first unit of a 7x7 at stride 2",
            [0, 0],
            [0, 2, 7],
            224,
        ))
        .check(case("unit (3, 10) of the same", [3, 10], [0, 2, 7], 224))
        .check(case("a corner in the padding", [0, 1], [-46, 8, 107], 224))
        .check(case("beyond the last row", [26, 12], [-46, 8, 107], 224))
        .seeded(2, 1104, move |draw| {
            let unit = [draw.integer(0..=26) as i64, draw.integer(0..=26) as i64];
            let stride = draw.integer(2..=8) as i64;
            let offset = -(draw.integer(1..=40) as i64);
            let size = draw.integer(19..=107) as i64;
            let name = format!("unit {unit:?}, offset {offset}, stride {stride}, size {size}");
            case(&name, unit, [offset, stride, size], 224)
        })
        .run()
}

static DISTANCE: About = About::new(
    "11-distance",
    "How far apart",
    2.0,
    [
        "Take the difference of each pair of numbers, square it, add all squares, and take the root of \
         the sum.",
        "let mut sum = 0.0; for i in 0..a.len() { sum += (a[i] - b[i]) * (a[i] - b[i]); } and at the \
         end sum.sqrt().",
    ],
);

/// Checks `fn distance(a: Vec<f64>, b: Vec<f64>) -> f64`.
pub fn distance(student: impl Fn(Vec<f64>, Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, a: Vec<f64>, b: Vec<f64>| {
        let gaps: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let squares: f64 = gaps.iter().map(|g| g * g).sum();
        Case::new(name, move || student(a.clone(), b.clone()), squares.sqrt())
            .mistake("That is its square: take the root.", squares)
            .mistake(
                "That adds absolute differences (the city-block distance). Square them.",
                gaps.iter().map(|g| g.abs()).sum(),
            )
            .mistake(
                "Differences of opposite sign cancel here. Square each before you add.",
                gaps.iter().sum::<f64>().abs(),
            )
            .mistake(
                "Differences of opposite sign cancel here. Square each before you add.",
                gaps.iter().sum(),
            )
            .mistake(
                "That is the root of the mean: the distance is the root of the sum.",
                (squares / gaps.len() as f64).sqrt(),
            )
    };
    Exercise::new(&DISTANCE)
        .check(case(
            "(0, 0) to (3, 4)".into(),
            vec![0.0, 0.0],
            vec![3.0, 4.0],
        ))
        .check(case(
            "a place to itself".into(),
            vec![1.5, -2.0, 7.0],
            vec![1.5, -2.0, 7.0],
        ))
        .check(case(
            "(1, 0) to (0, 1)".into(),
            vec![1.0, 0.0],
            vec![0.0, 1.0],
        ))
        .seeded(2, 1105, move |draw| {
            let n = draw.integer(5..=30);
            let mut row = || {
                draw.array1(n)
                    .iter()
                    .map(|v| f64::from(*v))
                    .collect::<Vec<_>>()
            };
            let (a, b) = (row(), row());
            case(format!("two drawn rows of {n} numbers"), a, b)
        })
        .run()
}

static SHIFTED: About = About::new(
    "11-shifted",
    "Shifted by a pixel",
    1.0,
    [
        "Write the three rows below each other: 0 1 0 1 0 1 0 1, shifted 1 0 1 0 1 0 1 0, and grey \
         with .5 everywhere. By how much does each pixel differ?",
        "Shifted: eight differences of 1, and the root of 8. Grey: eight differences of one half, and \
         the root of 8 / 4. Use your function distance.",
    ],
);

/// Checks the distances of stripes to shifted stripes and to grey.
pub fn shifted(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&SHIFTED)
        .check(
            Case::new("to the shifted stripes", move || student()[0], 8f64.sqrt())
                .mistake("That is the square of it.", 8.0)
                .mistake(
                    "A shift of one pixel turns every 0 into a 1: none is the same.",
                    0.0,
                ),
        )
        .check(
            Case::new("to plain grey", move || student()[1], 2f64.sqrt())
                .mistake("That is the square of it.", 2.0)
                .mistake("That is the sum of the differences.", 4.0),
        )
        .run()
}

static EXPLAINED: About = About::new(
    "11-explained",
    "What a map keeps",
    2.0,
    [
        "Add the variances of the first k components, and divide by the sum of all of them.",
        "variances[..k].iter().sum::<f64>() is what the map keeps, variances.iter().sum::<f64>() is \
         all there is.",
    ],
);

/// Checks `fn explained(variances: Vec<f64>, k: usize) -> f64`.
pub fn explained(student: impl Fn(Vec<f64>, usize) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, v: Vec<f64>, k: usize| {
        let all: f64 = v.iter().sum();
        let kept: f64 = v[..k].iter().sum();
        let roots: Vec<f64> = v.iter().map(|v| v.sqrt()).collect();
        let spread = roots[..k].iter().sum::<f64>() / roots.iter().sum::<f64>();
        let only = v[k - 1] / all;
        Case::new(name, move || student(v.clone(), k), kept / all)
            .mistake("That is what is lost.", 1.0 - kept / all)
            .mistake("Divide by the variance of all components.", kept)
            .mistake("That adds standard deviations. Variances add up.", spread)
            .mistake("That is the k-th component alone: add the first k.", only)
    };
    Exercise::new(&EXPLAINED)
        .check(case("6, 3, 1, two are kept".into(), vec![6.0, 3.0, 1.0], 2))
        .check(case("4, 4, 4, 4, one is kept".into(), vec![4.0; 4], 1))
        .check(case("all are kept".into(), vec![2.0, 1.0], 2))
        .seeded(2, 1106, move |draw| {
            let n = draw.integer(4..=12);
            let mut v: Vec<f64> = (0..n).map(|_| draw.number(0.1..=9.0)).collect();
            v.sort_by(|a, b| b.total_cmp(a));
            let k = draw.integer(2..=3);
            case(format!("{n} drawn variances, {k} kept"), v, k)
        })
        .run()
}

static TRUST: About = About::new(
    "11-trust",
    "Trustworthiness",
    3.0,
    [
        "For every rank that is larger than k add rank - k to the penalty. Ranks up to k cost \
         nothing: those neighbours are neighbours indeed.",
        "The penalty is a sum over all rows and all their ranks. Then \
         1.0 - 2.0 * penalty / (n * k * (2.0 * n - 3.0 * k - 1.0)), with n the number of rows and k \
         the length of a row, both as f64.",
    ],
);

/// Trustworthiness from the ranks among the originals of the neighbours on the map.
fn trusted(ranks: &Array2<usize>, price: impl Fn(usize, usize) -> f64) -> f64 {
    let (n, k) = ranks.dim();
    let penalty: f64 = ranks.iter().map(|&r| price(r, k)).sum();
    let (n, k) = (n as f64, k as f64);
    1.0 - 2.0 * penalty / (n * k * (2.0 * n - 3.0 * k - 1.0))
}

/// Checks `fn trust(ranks: Vec<Vec<usize>>) -> f64`.
pub fn trust(student: impl Fn(Vec<Vec<usize>>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, ranks: Array2<usize>| {
        let right = trusted(&ranks, |r, k| r.saturating_sub(k) as f64);
        let rows: Vec<Vec<usize>> = ranks.outer_iter().map(|row| row.to_vec()).collect();
        Case::new(name, move || student(rows.clone()), right)
            .mistake("That is what is lost: take it from 1.", 1.0 - right)
            .mistake(
                "Only ranks larger than k cost anything, and they cost what they are larger by.",
                trusted(&ranks, |r, _| r as f64),
            )
            .mistake(
                "A rank below k earns nothing back: it costs 0.",
                trusted(&ranks, |r, k| r as f64 - k as f64),
            )
            .mistake(
                "A wrong neighbour costs more the farther away it is: rank - k, not 1.",
                trusted(&ranks, |r, k| f64::from(u8::from(r > k))),
            )
            .mistake(
                "There is a 2 in front of the fraction.",
                1.0 - (1.0 - right) / 2.0,
            )
    };
    let rows = |rows: &[[usize; 2]]| Array2::from_shape_fn((rows.len(), 2), |(i, j)| rows[i][j]);
    let one = |ranks: [usize; 5]| Array2::from_shape_fn((5, 1), |(i, _)| ranks[i]);
    Exercise::new(&TRUST)
        .check(case(
            "five points, every neighbour is right".into(),
            one([1; 5]),
        ))
        .check(case(
            "five points, one neighbour has rank 3".into(),
            one([1, 1, 3, 1, 1]),
        ))
        .check(case(
            "seven points, two neighbours each".into(),
            rows(&[[1, 2], [2, 1], [1, 5], [6, 2], [1, 3], [2, 1], [4, 6]]),
        ))
        .seeded(2, 1107, move |draw| {
            let n = draw.integer(12..=20);
            let k = draw.integer(2..=4);
            let ranks = Array2::from_shape_fn((n, k), |_| draw.integer(1..=n - 1));
            case(format!("{n} points, {k} drawn ranks each"), ranks)
        })
        .run()
}

static GROUPS: About = About::new(
    "11-groups",
    "How many groups",
    1.0,
    [
        "Not how many you see: how many there are. How were the points drawn?",
        "Every number of every point comes from the same bell. Nothing tells one point from another, \
         so they are all of one group.",
    ],
);

/// Checks how many groups there are in numbers drawn from one distribution.
pub fn groups(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    Exercise::new(&GROUPS)
        .check(
            Case::new("your answer", student, 1)
                .mistake("Points that are drawn alike are one group, not none.", 0)
                .mistake("There are as many points. How many kinds of them?", 200),
        )
        .property("it does not count what t-SNE made", move || match student() {
            0 | 1 => Ok(()),
            n => Err(format!(
                "all points were drawn in the same way: {n} groups are in the picture, not in the data"
            )),
        })
        .run()
}

#[cfg(test)]
#[path = "n11_tests.rs"]
mod tests;
