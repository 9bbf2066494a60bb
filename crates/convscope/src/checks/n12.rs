//! The checks of notebook 12, Which pixels matter?

use crate::check::{About, Case, Exercise, Score};
use ndarray::{Array1, Array2, Array3, Axis, array};

pub(crate) const ALL: &[&About] = &[
    &PIXEL_MAP,
    &OCCLUDE,
    &PASSES,
    &SWITCHED,
    &WEIGHT,
    &MEAN_EFFECTS,
    &CAM,
    &GAP,
    &HITS,
    &OFF_OBJECT,
];

static PIXEL_MAP: About = About::new(
    "12-pixel-map",
    "One number for each pixel",
    2.0,
    [
        "Each pixel has a number in every channel. Take the size of each, without its sign (.abs()), \
         and keep the largest of them.",
        "For each y and x begin with 0 and go over the channels: map[[y, x]] = \
         f32::max(map[[y, x]], gradient[[c, y, x]].abs()).",
    ],
);

fn over_channels(gradient: &Array3<f32>, join: impl Fn(f32, f32) -> f32) -> Array2<f32> {
    gradient.fold_axis(Axis(0), 0.0, |a, v| join(*a, *v))
}

/// Checks `fn pixel_map(gradient: Array3<f32>) -> Array2<f32>`.
pub fn pixel_map(student: impl Fn(Array3<f32>) -> Array2<f32> + Copy + Send + 'static) -> Score {
    let case = move |name: &str, gradient: Array3<f32>| {
        let right = over_channels(&gradient, |a, v| a.max(v.abs()));
        let signed = over_channels(&gradient, |a, v| a.max(v));
        let first = f32::NEG_INFINITY;
        let plain = gradient.fold_axis(Axis(0), first, |a, v| a.max(*v));
        let sum = over_channels(&gradient, |a, v| a + v);
        let sizes = over_channels(&gradient, |a, v| a + v.abs());
        Case::new(name, move || student(gradient.clone()), right)
            .mistake(
                "A large negative slope matters as much as a positive one: take .abs() first.",
                signed,
            )
            .mistake(
                "A large negative slope matters as much as a positive one: take .abs() first.",
                plain,
            )
            .mistake(
                "That is the sum of the channels, in which plus and minus cancel.",
                sum,
            )
            .mistake(
                "That is the sum of the sizes. Here the largest one is wanted.",
                sizes,
            )
    };
    let small = array![[[1.0, -2.0]], [[-3.0, 0.5]], [[0.0, 1.0]]];
    Exercise::new(&PIXEL_MAP)
        .check(case("two pixels in three channels", small))
        .seeded(2, 1201, move |draw| {
            let (h, w) = (draw.integer(2..=5), draw.integer(2..=5));
            case(
                &format!("a drawn gradient of 3x{h}x{w}"),
                draw.array3(3, h, w),
            )
        })
        .run()
}

static OCCLUDE: About = About::new(
    "12-occlude",
    "Occlusion",
    3.0,
    [
        "For each position: copy the image, paint the window of the copy in every channel, ask for the \
         score of the copy. The map holds by how much it fell.",
        "let mut hidden = image.clone(); then hidden.slice_mut(s![.., top..top + window, left..left + \
         window]).fill(grey), with top = i * stride. The drop is before - score(&hidden).",
    ],
);

/// What a scorer of one image is to the student.
type OneScore<'a> = &'a dyn Fn(&Array3<f32>) -> f32;

#[derive(Clone, Copy)]
struct Slide {
    window: usize,
    stride: usize,
    grey: f32,
    afresh: bool,
    all_channels: bool,
}

fn slid(image: &Array3<f32>, score: OneScore<'_>, how: Slide) -> Array2<f32> {
    let (c, h, w) = image.dim();
    let count = |size: usize| (size - how.window) / how.stride + 1;
    let mut kept = image.clone();
    let before = score(image);
    Array2::from_shape_fn((count(h), count(w)), |(i, j)| {
        if how.afresh {
            kept = image.clone();
        }
        let channels = if how.all_channels { c } else { 1 };
        for k in 0..channels {
            for y in i * how.stride..i * how.stride + how.window {
                for x in j * how.stride..j * how.stride + how.window {
                    kept[[k, y, x]] = how.grey;
                }
            }
        }
        before - score(&kept)
    })
}

/// Weighs every number differently, so that no window is like another.
fn weighing(image: &Array3<f32>) -> f32 {
    let weighed = image
        .iter()
        .enumerate()
        .map(|(i, v)| v * ((i * i % 7) as f32 + 1.0));
    weighed.sum()
}

/// Checks `fn occlude(image, score, window, stride, grey) -> Array2<f32>`.
pub fn occlude(
    student: impl Fn(Array3<f32>, OneScore<'_>, usize, usize, f32) -> Array2<f32>
    + Copy
    + Send
    + 'static,
) -> Score {
    let case = move |name: &str, image: Array3<f32>, how: Slide| {
        let right = slid(&image, &weighing, how);
        let (afresh, all_channels) = (false, false);
        let kept = slid(&image, &weighing, Slide { afresh, ..how });
        let red = slid(
            &image,
            &weighing,
            Slide {
                all_channels,
                ..how
            },
        );
        let after = right.mapv(|drop| weighing(&image) - drop);
        let black = slid(&image, &weighing, Slide { grey: 0.0, ..how });
        let rise = right.mapv(|drop| -drop);
        let Slide {
            window,
            stride,
            grey,
            ..
        } = how;
        let got = move || student(image.clone(), &weighing, window, stride, grey);
        Case::new(name, got, right)
            .mistake("That is the score with the window there. Wanted is by how much it fell.", after)
            .mistake("The sign is turned: a drop is before - after.", rise)
            .mistake(
                "Windows of earlier positions are still hidden: copy the image afresh for each one.",
                kept,
            )
            .mistake("Only the first channel is hidden: paint all of them.", red)
            .mistake("The window must show the grey that is given, not 0.", black)
    };
    let how = |window, stride, grey| Slide {
        window,
        stride,
        grey,
        afresh: true,
        all_channels: true,
    };
    let ramp = |c: usize, side: usize| {
        Array3::from_shape_fn((c, side, side), |(k, y, x)| {
            ((3 * k + 5 * y + 2 * x) % 11) as f32 / 4.0
        })
    };
    Exercise::new(&OCCLUDE)
        .tolerance(1e-3, 1e-3)
        .check(case(
            "3x6x6, a window of 2 at stride 2",
            ramp(3, 6),
            how(2, 2, 0.5),
        ))
        .check(case(
            "one channel, a window of 3 at stride 1",
            ramp(1, 5),
            how(3, 1, -1.0),
        ))
        .seeded(2, 1202, move |draw| {
            let side = draw.integer(5..=8);
            let (window, stride) = (draw.integer(1..=4), draw.integer(1..=3));
            let name = format!(
                "a drawn image of 3x{side}x{side}, a window of {window} at stride {stride}"
            );
            case(&name, draw.array3(3, side, side), how(window, stride, 0.25))
        })
        .run()
}

static PASSES: About = About::new(
    "12-passes",
    "What occlusion costs",
    1.0,
    [
        "How many places has the window in a row? It begins at 0, 8, 16, ... and must end within the \
         224 pixels.",
        "(224 - 32) / 8 + 1 places in a row, as many in a column, and each pair of them is one pass.",
    ],
);

/// Checks the number of positions of a window of 32 at stride 8 on 224 pixels.
pub fn passes(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    Exercise::new(&PASSES)
        .check(
            Case::new("your answer", student, 625)
                .mistake("The first position counts too: + 1 in each direction.", 576)
                .mistake("That is one row of positions. There are as many rows.", 25)
                .mistake("The window must end within the image.", 784)
                .mistake("The window moves by 8, not by its own width.", 49),
        )
        .property("it is the square of the places in a row", move || {
            let n = student();
            match n.isqrt().pow(2) == n && n > 0 {
                true => Ok(()),
                false => Err(format!("{n} is no square, but the image is one")),
            }
        })
        .run()
}

static SWITCHED: About = About::new(
    "12-switched",
    "Superpixels on and off",
    2.0,
    [
        "labels[[y, x]] is the number of the pixel's superpixel, and on[number] says whether it is \
         shown. Where it is not, every channel of the pixel becomes grey.",
        "Go over all y and x: if !on[labels[[y, x]]], set image[[c, y, x]] = grey for every channel c.",
    ],
);

fn switch(image: &Array3<f32>, labels: &Array2<usize>, on: &[bool], grey: f32) -> Array3<f32> {
    let mut out = image.clone();
    for ((_, y, x), v) in out.indexed_iter_mut() {
        if !on[labels[[y, x]]] {
            *v = grey;
        }
    }
    out
}

/// Checks `fn switched(image, labels, on, grey) -> Array3<f32>`.
pub fn switched(
    student: impl Fn(Array3<f32>, Array2<usize>, Vec<bool>, f32) -> Array3<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, image: Array3<f32>, labels: Array2<usize>, on: Vec<bool>, grey| {
        let right = switch(&image, &labels, &on, grey);
        let turned: Vec<bool> = on.iter().map(|v| !v).collect();
        let other = switch(&image, &labels, &turned, grey);
        let black = switch(&image, &labels, &on, 0.0);
        let mut red = image.clone();
        red.index_axis_mut(Axis(0), 0)
            .assign(&right.index_axis(Axis(0), 0));
        let same = image.clone();
        let got = move || student(image.clone(), labels.clone(), on.clone(), grey);
        Case::new(name, got, right)
            .mistake(
                "It is the other way round: on means that the pixels show.",
                other,
            )
            .mistake(
                "What is off must show the grey that is given, not 0.",
                black,
            )
            .mistake(
                "Only the first channel is switched: do the same in all of them.",
                red,
            )
            .mistake("That is the image as it was.", same)
    };
    let labels = array![[0, 0, 1], [2, 1, 1]];
    let image = Array3::from_shape_fn((3, 2, 3), |(c, y, x)| (1 + c + 2 * y + x) as f32);
    Exercise::new(&SWITCHED)
        .check(case(
            "three superpixels, the second off",
            image.clone(),
            labels.clone(),
            vec![true, false, true],
            0.5,
        ))
        .check(case("all off", image, labels, vec![false; 3], 0.25))
        .seeded(2, 1203, move |draw| {
            let (h, w, n) = (
                draw.integer(3..=6),
                draw.integer(3..=6),
                draw.integer(2..=5),
            );
            let labels = Array2::from_shape_fn((h, w), |(y, x)| (y * w + x) * n / (h * w));
            let mut on: Vec<bool> = (0..n).map(|_| draw.integer(0..=1) == 1).collect();
            on[0] = !on[n - 1];
            let image = draw.array3(3, h, w);
            case(
                &format!("a drawn image of 3x{h}x{w}, on: {on:?}"),
                image,
                labels,
                on,
                0.75,
            )
        })
        .run()
}

static WEIGHT: About = About::new(
    "12-weight",
    "What a sample counts",
    2.0,
    [
        "Count how many are on, k of n. The distance is d = 1 - sqrt(k / n). Then put it into the \
         formula, with floating-point numbers: k as f64 / n as f64.",
        "(-(d * d) / (width * width)).exp().sqrt(). Do not forget the root around the exponential.",
    ],
);

fn counts(on: &[bool], width: f64) -> (f64, f64, f64) {
    let share = on.iter().filter(|v| **v).count() as f64 / on.len() as f64;
    let of = |d: f64| (-(d * d) / (width * width)).exp();
    (
        of(1.0 - share.sqrt()).sqrt(),
        of(1.0 - share.sqrt()),
        of(1.0 - share).sqrt(),
    )
}

/// Checks `fn weight(on: Vec<bool>, width: f64) -> f64`.
pub fn weight(student: impl Fn(Vec<bool>, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, on: Vec<bool>, width: f64| {
        let (right, rootless, linear) = counts(&on, width);
        let turned: Vec<bool> = on.iter().map(|v| !v).collect();
        let (other, ..) = counts(&turned, width);
        let share = on.iter().filter(|v| **v).count() as f64 / on.len() as f64;
        Case::new(name, move || student(on.clone(), width), right)
            .mistake("The root around the exponential is missing.", rootless)
            .mistake(
                "The distance is 1 - sqrt(k / n): the root of the share is missing.",
                linear,
            )
            .mistake("Count those that are on, not those that are off.", other)
            .mistake(
                "That is the distance. Put it into the exponential.",
                1.0 - share.sqrt(),
            )
    };
    Exercise::new(&WEIGHT)
        .check(case("all of 4 on, which counts 1", vec![true; 4], 0.25))
        .check(case(
            "1 of 4 on, width 0.25",
            vec![false, true, false, false],
            0.25,
        ))
        .check(case(
            "3 of 4 on, width 0.5",
            vec![true, true, false, true],
            0.5,
        ))
        .seeded(1, 1204, move |draw| {
            let n = draw.integer(5..=12);
            let k = draw.integer(2..=n - 2);
            let on = (0..n).map(|i| i < k).collect();
            case(&format!("{k} of {n} on, width 0.3"), on, 0.3)
        })
        .run()
}

static MEAN_EFFECTS: About = About::new(
    "12-mean-effects",
    "What a superpixel is worth",
    2.0,
    [
        "For superpixel j split the samples in two: those with on[[i, j]] and those without. What is \
         the mean score of each group?",
        "Sum the scores and count the samples of both groups in one loop over i, then return sum_on / \
         n_on - sum_off / n_off for each j.",
    ],
);

fn effects(on: &Array2<bool>, scores: &Array1<f64>) -> [Vec<f64>; 3] {
    let mut found = [Vec::new(), Vec::new(), Vec::new()];
    for column in on.columns() {
        let mean = |wanted: bool| {
            let chosen = column.iter().zip(scores).filter(|(on, _)| **on == wanted);
            let (n, sum) = chosen.fold((0.0, 0.0), |(n, sum), (_, v)| (n + 1.0, sum + v));
            (sum / f64::max(n, 1.0), sum)
        };
        let ((a, sum), (b, sum_off)) = (mean(true), mean(false));
        found[0].push(a - b);
        found[1].push(a);
        found[2].push(sum - sum_off);
    }
    found
}

/// Checks `fn mean_effects(on: Array2<bool>, scores: Array1<f64>) -> Vec<f64>`.
pub fn mean_effects(
    student: impl Fn(Array2<bool>, Array1<f64>) -> Vec<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, on: Array2<bool>, scores: Array1<f64>| {
        let [right, above, sums] = effects(&on, &scores);
        let turned = right.iter().map(|v| -v).collect();
        Case::new(name, move || student(on.clone(), scores.clone()), right)
            .mistake("The sign is turned: on less off.", turned)
            .mistake(
                "That is the mean with the superpixel on. Take the mean without it off that.",
                above,
            )
            .mistake(
                "Those are differences of sums. Divide each sum by its number of samples.",
                sums,
            )
    };
    let all = array![[true, true], [true, false], [false, true], [false, false]];
    let weighed = Array2::from_shape_fn((8, 3), |(i, j)| i >> j & 1 == 0);
    let linear = Array1::from_shape_fn(8, |i| {
        let on = |j: usize| if i >> j & 1 == 0 { 1.0 } else { 0.0 };
        2.0 + 3.0 * on(0) - 1.5 * on(1) + 0.25 * on(2)
    });
    Exercise::new(&MEAN_EFFECTS)
        .check(case(
            "two superpixels, all four combinations",
            all,
            array![1.0, 0.75, 0.25, 0.125],
        ))
        .check(case("a score of 2 + 3 a - 1.5 b + 0.25 c", weighed, linear))
        .seeded(1, 1205, move |draw| {
            let on = Array2::from_shape_fn((9, 3), |(i, j)| (i >> j) & 1 == 0);
            let scores = Array1::from_shape_fn(9, |_| draw.number(-1.0..=1.0));
            case("nine drawn samples of three superpixels", on, scores)
        })
        .run()
}

static CAM: About = About::new(
    "12-cam",
    "Grad-CAM",
    3.0,
    [
        "Each channel has one weight: the mean of its gradient over all places. Sum the channels of \
         the activation, each times its weight, and cut off what is below zero at the very end.",
        "For channel c: let alpha = gradient.index_axis(Axis(0), c).mean().unwrap(); then add alpha * \
         &activation.index_axis(Axis(0), c) to the map. Last: map.mapv(|v: f32| v.max(0.0)).",
    ],
);

/// The weighted sum; the ReLU at the end, for each channel, or not at all.
fn cam_of(
    activation: &Array3<f32>,
    gradient: &Array3<f32>,
    mean: bool,
    relu: usize,
) -> Array2<f32> {
    let (channels, h, w) = activation.dim();
    let mut map = Array2::zeros((h, w));
    for c in 0..channels {
        let slope = gradient.index_axis(Axis(0), c);
        let alpha = slope.sum() / if mean { (h * w) as f32 } else { 1.0 };
        let part = activation.index_axis(Axis(0), c).mapv(|v| v * alpha);
        map += &part.mapv(|v| if relu == 1 { v.max(0.0) } else { v });
    }
    map.mapv(|v: f32| if relu == 2 { v.max(0.0) } else { v })
}

/// Checks `fn cam(activation: Array3<f32>, gradient: Array3<f32>) -> Array2<f32>`.
pub fn cam(
    student: impl Fn(Array3<f32>, Array3<f32>) -> Array2<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, activation: Array3<f32>, gradient: Array3<f32>| {
        let right = cam_of(&activation, &gradient, true, 2);
        let signed = cam_of(&activation, &gradient, true, 0);
        let early = cam_of(&activation, &gradient, true, 1);
        let sums = cam_of(&activation, &gradient, false, 2);
        let product = (&activation * &gradient)
            .sum_axis(Axis(0))
            .mapv(|v| v.max(0.0));
        let got = move || student(activation.clone(), gradient.clone());
        Case::new(name, got, right)
            .mistake("What is below zero speaks against the class: cut it off at the end.", signed)
            .mistake("Cut off what is below zero once, at the end, after the channels are summed.", early)
            .mistake("A channel's weight is the mean of its gradient, not the sum.", sums)
            .mistake(
                "That multiplies place by place. Grad-CAM first takes the mean of a channel's gradient \
                 over all places.",
                product,
            )
    };
    let activation = array![[[1.0, 0.0], [2.0, 1.0]], [[0.0, 3.0], [1.0, 1.0]]];
    let gradient = array![[[1.0, 1.0], [1.0, 3.0]], [[-1.0, -1.0], [0.0, -2.0]]];
    Exercise::new(&CAM)
        .check(case("two channels of 2x2", activation, gradient))
        .seeded(2, 1206, move |draw| {
            let (c, side) = (draw.integer(3..=6), draw.integer(3..=5));
            let activation = draw.array3(c, side, side).mapv(f32::abs);
            case(
                &format!("{c} drawn channels"),
                activation,
                draw.array3(c, side, side),
            )
        })
        .run()
}

static GAP: About = About::new(
    "12-gap",
    "The completeness gap",
    1.0,
    [
        "The map should sum to the change of the score from the baseline to the image. By how much \
         does its sum miss that?",
        "map.sum() - (at_image - at_baseline).",
    ],
);

/// Checks `fn gap(map: Array3<f32>, at_image: f32, at_baseline: f32) -> f32`.
pub fn gap(student: impl Fn(Array3<f32>, f32, f32) -> f32 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, map: Array3<f32>, at_image: f32, at_baseline: f32| {
        let sum = map.sum();
        let right = sum - (at_image - at_baseline);
        Case::new(
            name,
            move || student(map.clone(), at_image, at_baseline),
            right,
        )
        .mistake("The sign is turned: the map's sum less the change.", -right)
        .mistake(
            "The baseline's score is missing: the sum is that of the change.",
            sum - at_image,
        )
        .mistake(
            "Mind the brackets: the baseline's score is taken off the image's.",
            sum - at_image - at_baseline,
        )
        .mistake("That is the sum alone.", sum)
    };
    Exercise::new(&GAP)
        .tolerance(1e-4, 1e-4)
        .check(case(
            "a map of sum 6",
            array![[[1.0, 2.0], [3.0, 0.0]]],
            7.5,
            1.0,
        ))
        .check(case(
            "a baseline below zero",
            array![[[-1.0, 2.5]], [[1.0, 0.5]]],
            2.0,
            -0.75,
        ))
        .seeded(1, 1207, move |draw| {
            let map = draw.array3(3, 4, 4);
            case(
                "a drawn map",
                map,
                draw.number(1.0..=3.0) as f32,
                draw.number(-1.0..=-0.5) as f32,
            )
        })
        .run()
}

static HITS: About = About::new(
    "12-hits",
    "The pointing game",
    2.0,
    [
        "Find where the map is largest, then look up the mask at the same place: 1 is on the object.",
        "Keep best and hit in two variables; go over all pixels, and where the map is larger than \
         best, note both the new best and whether mask[[y, x]] == 1.",
    ],
);

/// Checks `fn hits(map: Array2<f32>, mask: Array2<u8>) -> bool`.
pub fn hits(student: impl Fn(Array2<f32>, Array2<u8>) -> bool + Copy + Send + 'static) -> Score {
    let case = move |name: &str, map: Array2<f32>, mask: Array2<u8>, right: bool| {
        Case::new(name, move || student(map.clone(), mask.clone()), right)
    };
    let mask = array![[0, 0, 0], [0, 1, 1], [0, 1, 0]];
    let on = array![[0.1, 0.2, 0.0], [0.3, 0.2, 0.9], [0.0, 0.5, 0.4]];
    let off = array![[0.8, 0.2, 0.0], [0.3, 0.7, 0.7], [0.0, 0.7, 0.4]];
    let below = array![[-3.0, -2.0, -4.0], [-5.0, -1.0, -9.0], [-2.0, -6.0, -7.0]];
    let last = array![[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.6]];
    Exercise::new(&HITS)
        .check(case("the largest on the object", on, mask.clone(), true))
        .check(
            case(
                "the largest beside the object, most of the map on it",
                off,
                mask.clone(),
                false,
            )
            .mistake(
                "Only the single largest number counts, wherever the rest may be.",
                true,
            ),
        )
        .check(
            case("a map below zero throughout", below, mask.clone(), true).mistake(
                "A map may be below zero everywhere: begin with f32::NEG_INFINITY.",
                false,
            ),
        )
        .check(case(
            "the largest in the last pixel, off the object",
            last,
            mask,
            false,
        ))
        .seeded(2, 1208, move |draw| {
            let map = draw.array2(6, 6);
            let at = draw.integer(0..=35);
            let top = map.iter().copied().fold(f32::MIN, f32::max);
            let hit = draw.integer(0..=1) == 1;
            let mut map = map;
            map[[at / 6, at % 6]] = top + 1.0;
            let mask = Array2::from_shape_fn((6, 6), |(y, x)| {
                let here = y * 6 + x == at;
                u8::from(here == hit)
            });
            case(
                if hit { "a drawn hit" } else { "a drawn miss" },
                map,
                mask,
                hit,
            )
        })
        .run()
}

static OFF_OBJECT: About = About::new(
    "12-off-object",
    "How much of a map is beside the object",
    2.0,
    [
        "Two sums over the pixels: of what is above zero in the whole map, and of the same where the \
         mask is 0. The answer is the second divided by the first.",
        "let v = map[[y, x]].max(0.0); all += v; if mask[[y, x]] == 0 { beside += v; } and at the end \
         beside / all.",
    ],
);

fn beside(map: &Array2<f32>, mask: &Array2<u8>, cut: bool) -> (f32, f32) {
    let mass = |v: f32| if cut { v.max(0.0) } else { v };
    let all: f32 = map.iter().map(|v| mass(*v)).sum();
    let pairs = map.iter().zip(mask);
    let off: f32 = pairs.filter(|(_, m)| **m == 0).map(|(v, _)| mass(*v)).sum();
    (off, all)
}

/// Checks `fn off_object(map: Array2<f32>, mask: Array2<u8>) -> f32`.
pub fn off_object(
    student: impl Fn(Array2<f32>, Array2<u8>) -> f32 + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, map: Array2<f32>, mask: Array2<u8>| {
        let (off, all) = beside(&map, &mask, true);
        let (signed, signed_all) = beside(&map, &mask, false);
        let pixels = mask.iter().filter(|m| **m == 0).count() as f32 / mask.len() as f32;
        Case::new(name, move || student(map.clone(), mask.clone()), off / all)
            .mistake(
                "That is the share on the object. Wanted is the rest.",
                1.0 - off / all,
            )
            .mistake(
                "Numbers below zero speak against the class: leave them out.",
                signed / signed_all,
            )
            .mistake(
                "That is the sum beside the object. Divide it by the sum of all.",
                off,
            )
            .mistake(
                "That is the share of the pixels, not of the map's sum.",
                pixels,
            )
    };
    let map = array![[1.0, 0.5, 0.5], [2.0, 0.0, 1.0]];
    let mask = array![[0, 1, 1], [1, 0, 0]];
    Exercise::new(&OFF_OBJECT)
        .check(case("a map of 2x3", map.clone(), mask.clone()))
        .check(case("a map with a sign", &map - 0.75, mask))
        .seeded(2, 1209, move |draw| {
            let mask = Array2::from_shape_fn((5, 5), |(y, x)| u8::from((y + 2 * x) % 3 == 0));
            case("a drawn map", draw.array2(5, 5), mask)
        })
        .run()
}

#[cfg(test)]
#[path = "n12_tests.rs"]
mod tests;
