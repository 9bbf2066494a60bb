//! The checks of notebook 13, Running the network backwards.

use crate::check::{About, Case, Exercise, Score};
use ndarray::{Array1, Array2, Array4, array};

pub(crate) const ALL: &[&About] = &[
    &UNPOOL,
    &RELU_BACK,
    &TRANSPOSED,
    &STEP,
    &SEED,
    &FACTOR,
    &BACK_1X1,
    &ALIKE,
];

static UNPOOL: About = About::new(
    "13-unpool",
    "Unpooling",
    3.0,
    [
        "The window of [i, j] begins at row 2 i and column 2 j. Within it the switch counts 0, 1 in \
         the upper row and 2, 3 in the lower.",
        "let k = switches[[i, j]]; the value goes to row 2 * i + k / 2 and column 2 * j + k % 2.",
    ],
);

/// Every value at a place of its window.
fn placed(
    pooled: &Array2<f32>,
    switches: &Array2<usize>,
    place: impl Fn(usize) -> (usize, usize),
) -> Array2<f32> {
    let (h, w) = pooled.dim();
    let mut out = Array2::zeros((2 * h, 2 * w));
    for ((i, j), v) in pooled.indexed_iter() {
        let (y, x) = place(switches[[i, j]]);
        out[[2 * i + y, 2 * j + x]] = *v;
    }
    out
}

fn unpooled(pooled: &Array2<f32>, switches: &Array2<usize>) -> Array2<f32> {
    placed(pooled, switches, |k| (k / 2, k % 2))
}

/// Every value in all four places.
fn spread(pooled: &Array2<f32>, share: f32) -> Array2<f32> {
    let (h, w) = pooled.dim();
    Array2::from_shape_fn((2 * h, 2 * w), |(y, x)| share * pooled[[y / 2, x / 2]])
}

/// Checks `fn unpool(pooled: Array2<f32>, switches: Array2<usize>) -> Array2<f32>`.
pub fn unpool(
    student: impl Fn(Array2<f32>, Array2<usize>) -> Array2<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, pooled: Array2<f32>, switches: Array2<usize>| {
        let right = unpooled(&pooled, &switches);
        let zeros = Array2::zeros(right.dim());
        let turned = placed(&pooled, &switches, |k| (k % 2, k / 2));
        let corner = placed(&pooled, &switches, |_| (0, 0));
        let (all, quarter) = (spread(&pooled, 1.0), spread(&pooled, 0.25));
        let got = move || student(pooled.clone(), switches.clone());
        Case::new(name, got, right)
            .mistake("Nothing was put anywhere yet: all is zero.", zeros)
            .mistake(
                "Rows and columns are swapped: 1 is beside 0, and 2 is below it.",
                turned,
            )
            .mistake(
                "That puts every value into the upper left corner. Where does the switch point?",
                corner,
            )
            .mistake(
                "Only the place of the switch gets the value; the other three stay zero.",
                all,
            )
            .mistake(
                "That is the way back through an average. A maximum gives everything to one place.",
                quarter,
            )
    };
    Exercise::new(&UNPOOL)
        .check(case(
            "two values in a row",
            array![[5.0, 7.0]],
            array![[1, 2]],
        ))
        .check(case(
            "one below the other",
            array![[4.0], [-3.0]],
            array![[3], [1]],
        ))
        .seeded(2, 1301, move |draw| {
            let (h, w) = (draw.integer(2..=4), draw.integer(2..=4));
            let switches = Array2::from_shape_simple_fn((h, w), || draw.integer(0..=3));
            let name = format!("{h}x{w} drawn values and switches");
            case(&name, draw.array2(h, w), switches)
        })
        .run()
}

static RELU_BACK: About = About::new(
    "13-relu-back",
    "Three rules for a ReLU",
    3.0,
    [
        "All three begin as copies of g. Each rule sets to zero what it stops: the gradient asks x, \
         the deconvnet asks g, guided backprop asks both.",
        "if x[i] <= 0.0 { gradient[i] = 0.0; } then the same with g[i] for deconv, and for guided with \
         x[i] <= 0.0 || g[i] <= 0.0.",
    ],
);

fn passed(x: &Array1<f32>, g: &Array1<f32>, pass: impl Fn(f32, f32) -> bool) -> Array1<f32> {
    let pairs = x.iter().zip(g);
    pairs
        .map(|(&x, &g)| if pass(x, g) { g } else { 0.0 })
        .collect()
}

fn three_rules(x: &Array1<f32>, g: &Array1<f32>) -> Vec<Array1<f32>> {
    vec![
        passed(x, g, |x, _| x > 0.0),
        passed(x, g, |_, g| g > 0.0),
        passed(x, g, |x, g| x > 0.0 && g > 0.0),
    ]
}

/// Checks `fn relu_back(x: Array1<f32>, g: Array1<f32>) -> Vec<Array1<f32>>`.
pub fn relu_back(
    student: impl Fn(Array1<f32>, Array1<f32>) -> Vec<Array1<f32>> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, x: Array1<f32>, g: Array1<f32>| {
        let right = three_rules(&x, &g);
        let unchanged = vec![g.clone(), g.clone(), g.clone()];
        let [gradient, deconv, guided] = [0, 1, 2].map(|i: usize| right[i].clone());
        let swapped = vec![deconv.clone(), gradient.clone(), guided.clone()];
        let either = passed(&x, &g, |x, g| x > 0.0 || g > 0.0);
        let either = vec![gradient.clone(), deconv.clone(), either];
        let at_zero = vec![
            passed(&x, &g, |x, _| x >= 0.0),
            deconv.clone(),
            passed(&x, &g, |x, g| x >= 0.0 && g > 0.0),
        ];
        let inputs: Vec<_> = [&gradient, &deconv, &guided]
            .map(|kept| {
                Array1::from_iter(
                    kept.iter()
                        .zip(&x)
                        .map(|(k, x)| if *k == 0.0 { 0.0 } else { *x }),
                )
            })
            .into();
        let got = move || student(x.clone(), g.clone());
        Case::new(name, got, right)
            .mistake("Nothing is stopped yet.", unchanged)
            .mistake(
                "The gradient asks x, what went in; the deconvnet asks g, what comes back.",
                swapped,
            )
            .mistake(
                "Guided backprop passes on only where both are above zero: it stops where x or g is not.",
                either,
            )
            .mistake(
                "A unit whose input was exactly 0 was off: it lets nothing back. Stop where x <= 0.",
                at_zero,
            )
            .mistake("What is passed on is g, not x.", inputs)
    };
    Exercise::new(&RELU_BACK)
        .check(case(
            "all four signs",
            array![2.0, 1.0, -1.0, -3.0],
            array![0.5, -2.0, 4.0, -1.0],
        ))
        .check(case(
            "an input of exactly 0",
            array![0.0, 3.0, -1.0],
            array![2.0, -1.5, 1.0],
        ))
        .seeded(2, 1302, move |draw| {
            let n = draw.integer(5..=9);
            case(&format!("{n} drawn units"), draw.array1(n), draw.array1(n))
        })
        .run()
}

static TRANSPOSED: About = About::new(
    "13-transposed",
    "A transposed convolution",
    3.0,
    [
        "The output [i, j] was made from the window that begins at row i and column j. Give to each \
         place of that window: the output's value times the weight that the place had.",
        "Four loops: over i, j of the output and u, v of the kernel, and inside \
         back[[i + u, j + v]] += out[[i, j]] * kernel[[u, v]];",
    ],
);

fn given_back(
    out: &Array2<f32>,
    kernel: &Array2<f32>,
    mut give: impl FnMut(&mut f32, f32),
) -> Array2<f32> {
    let ((h, w), (kh, kw)) = (out.dim(), kernel.dim());
    let mut back = Array2::zeros((h + kh - 1, w + kw - 1));
    for ((i, j), o) in out.indexed_iter() {
        for ((u, v), k) in kernel.indexed_iter() {
            give(&mut back[[i + u, j + v]], o * k);
        }
    }
    back
}

fn transposed_by(out: &Array2<f32>, kernel: &Array2<f32>) -> Array2<f32> {
    given_back(out, kernel, |place, v| *place += v)
}

fn flipped(kernel: &Array2<f32>) -> Array2<f32> {
    let (kh, kw) = kernel.dim();
    Array2::from_shape_fn((kh, kw), |(u, v)| kernel[[kh - 1 - u, kw - 1 - v]])
}

/// Checks `fn transposed(out: Array2<f32>, kernel: Array2<f32>) -> Array2<f32>`.
pub fn transposed(
    student: impl Fn(Array2<f32>, Array2<f32>) -> Array2<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, out: Array2<f32>, kernel: Array2<f32>| {
        let right = transposed_by(&out, &kernel);
        let zeros = Array2::zeros(right.dim());
        let over = given_back(&out, &kernel, |place, v| *place = v);
        let other_way = transposed_by(&out, &flipped(&kernel));
        let ones = given_back(&out, &kernel.mapv(|_| 1.0), |place, v| *place += v);
        let got = move || student(out.clone(), kernel.clone());
        Case::new(name, got, right)
            .mistake("Nothing was given back yet: all is zero.", zeros)
            .mistake(
                "Where windows overlap, what they give adds up: += in place of =.",
                over,
            )
            .mistake(
                "The kernel is flipped. Going back, each value takes the same way as it came: the \
                 weight [u, v] leads to row i + u and column j + v.",
                other_way,
            )
            .mistake(
                "That gives back the value itself. Multiply it with the weight.",
                ones,
            )
    };
    Exercise::new(&TRANSPOSED)
        .check(case(
            "one output: its window gets the kernel, scaled",
            array![[2.0]],
            array![[1.0, -1.0], [0.5, 3.0]],
        ))
        .check(case(
            "two windows that overlap",
            array![[1.0, 10.0]],
            array![[1.0, 2.0, 3.0]],
        ))
        .seeded(2, 1303, move |draw| {
            let (h, w, kh, kw) = (
                draw.integer(2..=4),
                draw.integer(2..=4),
                draw.integer(2..=3),
                draw.integer(2..=3),
            );
            let name = format!("a drawn {h}x{w}, a kernel of {kh}x{kw}");
            case(&name, draw.array2(h, w), draw.array2(kh, kw))
        })
        .run()
}

static STEP: About = About::new(
    "13-step",
    "One layer of a deconvnet",
    2.0,
    [
        "Forwards it was convolution, ReLU, pooling. Backwards the last comes first: unpool, then the \
         deconvnet's rule, then the transposed convolution.",
        "let up = unpool(signal, switches); let on = up.mapv(|v: f32| v.max(0.0)); and the answer is \
         transposed(on, kernel).",
    ],
);

fn rectified(a: Array2<f32>) -> Array2<f32> {
    a.mapv(|v| v.max(0.0))
}

/// Checks `fn step_back(signal, switches, kernel) -> Array2<f32>`.
pub fn step_back(
    student: impl Fn(Array2<f32>, Array2<usize>, Array2<f32>) -> Array2<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str,
                     signal: Array2<f32>,
                     switches: Array2<usize>,
                     kernel: Array2<f32>| {
        let up = unpooled(&signal, &switches);
        let right = transposed_by(&rectified(up.clone()), &kernel);
        let bare = transposed_by(&up, &kernel);
        let late = rectified(bare.clone());
        let both = rectified(right.clone());
        let only = rectified(up);
        let got = move || student(signal.clone(), switches.clone(), kernel.clone());
        Case::new(name, got, right)
            .mistake(
                "The ReLU is missing: before the convolution only what is above zero goes on.",
                bare,
            )
            .mistake(
                "The ReLU stood between convolution and pooling. Going back it comes after the \
                 unpooling and before the convolution.",
                late,
            )
            .mistake(
                "There is one ReLU in this layer, before the convolution. What the convolution gives \
                 back stays as it is.",
                both,
            )
            .mistake("The transposed convolution is missing.", only)
    };
    let kernel = array![[1.0, -1.0], [0.5, -2.0]];
    Exercise::new(&STEP)
        .check(case(
            "one value",
            array![[2.0]],
            array![[3]],
            kernel.clone(),
        ))
        .check(case(
            "one above zero, one below",
            array![[1.0, -4.0]],
            array![[0, 2]],
            kernel,
        ))
        .seeded(2, 1304, move |draw| {
            let (h, w) = (draw.integer(2..=3), draw.integer(2..=3));
            let switches = Array2::from_shape_simple_fn((h, w), || draw.integer(0..=3));
            let mut signal = draw.array2(h, w);
            signal[[0, 0]] = -1.0;
            signal[[h - 1, w - 1]] = 1.5;
            let name = format!("a drawn signal of {h}x{w}");
            case(&name, signal, switches, draw.array2(3, 3))
        })
        .run()
}

static SEED: About = About::new(
    "13-seed",
    "The seed",
    2.0,
    [
        "For each image only one number is not zero: at [image, channel, row, column] of its unit. It \
         is the activation that stands at the same place of `maps`.",
        "For each n: let [y, x] = places[n]; seed[[n, channel, y, x]] = maps[[n, channel, y, x]];",
    ],
);

fn seeds(maps: &Array4<f32>, channel: usize, places: &[[usize; 2]]) -> Array4<f32> {
    let mut seed = Array4::zeros(maps.dim());
    for (n, &[y, x]) in places.iter().enumerate() {
        seed[[n, channel, y, x]] = maps[[n, channel, y, x]];
    }
    seed
}

/// Checks `fn seed_at(maps: Array4<f32>, channel: usize, places: Vec<[usize; 2]>) -> Array4<f32>`.
pub fn seed_at(
    student: impl Fn(Array4<f32>, usize, Vec<[usize; 2]>) -> Array4<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, maps: Array4<f32>, channel: usize, places: Vec<[usize; 2]>| {
        let right = seeds(&maps, channel, &places);
        let zeros = Array4::zeros(maps.dim());
        let ones = seeds(&maps.mapv(|_| 1.0), channel, &places);
        let mut whole = Array4::zeros(maps.dim());
        let mut column = Array4::zeros(maps.dim());
        for ((n, c, y, x), v) in maps.indexed_iter() {
            if c == channel {
                whole[[n, c, y, x]] = *v;
            }
            if [y, x] == places[n] {
                column[[n, c, y, x]] = *v;
            }
        }
        let turned: Vec<[usize; 2]> = places.iter().map(|&[y, x]| [x, y]).collect();
        let turned = seeds(&maps, channel, &turned);
        let got = move || student(maps.clone(), channel, places.clone());
        Case::new(name, got, right)
            .mistake("Nothing is seeded yet: all is zero.", zeros)
            .mistake(
                "Those are ones. Here the seed is the unit's own activation.",
                ones,
            )
            .mistake(
                "That is the whole map of the channel. Only one unit of each image is the seed.",
                whole,
            )
            .mistake("Only one channel: the others stay zero.", column)
            .mistake("Row and column are swapped: places holds [y, x].", turned)
    };
    let maps = |n: usize, c: usize, side: usize| {
        Array4::from_shape_fn((n, c, side, side), |(n, c, y, x)| {
            (2 + 30 * n + 11 * c + 5 * y + x) as f32 / 4.0
        })
    };
    Exercise::new(&SEED)
        .check(case(
            "one image, channel 1 of 2, unit (0, 2)",
            maps(1, 2, 3),
            1,
            vec![[0, 2]],
        ))
        .check(case(
            "two images, channel 0 of 3",
            maps(2, 3, 3),
            0,
            vec![[2, 0], [1, 2]],
        ))
        .seeded(1, 1305, move |draw| {
            let (n, c, side) = (draw.integer(2..=3), draw.integer(2..=4), 4);
            let places = (0..n)
                .map(|_| [draw.integer(0..=1), draw.integer(2..=3)])
                .collect();
            let channel = draw.integer(0..=c - 1);
            let name = format!("{n} images, channel {channel} of {c}");
            case(&name, maps(n, c, side), channel, places)
        })
        .run()
}

static FACTOR: About = About::new(
    "13-factor",
    "Two conventions",
    1.0,
    [
        "Every step on the way back is a sum of products, or sets numbers to zero by their sign. What \
         does the end of it do when the beginning is made 3 times as large?",
        "The whole map is 3 times as large, and so is its largest number: 3 * 0.25.",
    ],
);

/// Checks the largest number of a map whose seed is 3 in place of 1.
pub fn factor(student: impl Fn() -> f32 + Copy + Send + 'static) -> Score {
    Exercise::new(&FACTOR)
        .check(
            Case::new("your answer", student, 0.75)
                .mistake("It does change: each number on the way is larger.", 0.25)
                .mistake("It grows with the seed: multiply.", 0.25 / 3.0)
                .mistake("That adds. The way back multiplies.", 3.25)
                .mistake("That is the seed. How large is the map?", 3.0)
                .mistake("Three times, not three times three.", 2.25),
        )
        .property("it is larger than with a seed of 1", move || {
            let got = student();
            match got > 0.25 {
                true => Ok(()),
                false => Err(format!("{got} is not above 0.25")),
            }
        })
        .run()
}

static BACK_1X1: About = About::new(
    "13-back-1x1",
    "Back through a 1x1 convolution",
    2.0,
    [
        "Input j gets something from every output k: signal[k] times weights[[k, j]]. Add up over k \
         first, then let pass what is above zero.",
        "For each j: let mut sum = 0.0; for k in 0..outputs { sum += signal[k] * weights[[k, j]]; } \
         back[j] = f32::max(sum, 0.0);",
    ],
);

fn summed(signal: &Array1<f32>, weights: &Array2<f32>, each: fn(f32) -> f32) -> Array1<f32> {
    let (outputs, inputs) = weights.dim();
    let sum = |j: usize| -> f32 {
        (0..outputs)
            .map(|k| each(signal[k] * weights[[k, j]]))
            .sum()
    };
    Array1::from_shape_fn(inputs, sum)
}

/// Checks `fn back_1x1(signal: Array1<f32>, weights: Array2<f32>) -> Array1<f32>`.
pub fn back_1x1(
    student: impl Fn(Array1<f32>, Array2<f32>) -> Array1<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, signal: Array1<f32>, weights: Array2<f32>| {
        let signed = summed(&signal, &weights, |v| v);
        let right = signed.mapv(|v| v.max(0.0));
        let early = summed(&signal, &weights, |v| v.max(0.0));
        let sizes = signed.mapv(f32::abs);
        let zeros = Array1::zeros(right.len());
        let got = move || student(signal.clone(), weights.clone());
        let case = Case::new(name, got, right.clone())
            .mistake(
                "The ReLU is missing: what is below zero does not go on.",
                signed,
            )
            .mistake("Add up first. The ReLU sees the sum, not its parts.", early)
            .mistake("Below zero means stop, not turn the sign.", sizes);
        match right == zeros {
            true => case,
            false => case.mistake("Nothing was given back yet: all is zero.", zeros),
        }
    };
    Exercise::new(&BACK_1X1)
        .check(case(
            "two outputs, three inputs",
            array![1.0, 2.0],
            array![[1.0, -1.0, 0.5], [0.5, -1.0, -1.0]],
        ))
        .check(case(
            "weights that silence the signal",
            array![1.0, 0.5],
            array![[1.0, -1.0], [-4.0, 1.0]],
        ))
        .seeded(2, 1306, move |draw| {
            let (k, j) = (draw.integer(3..=5), draw.integer(6..=9));
            let signal = draw.array1(k).mapv(f32::abs);
            let name = format!("{k} drawn outputs, {j} inputs");
            case(&name, signal, draw.array2(k, j))
        })
        .run()
}

static ALIKE: About = About::new(
    "13-alike",
    "How alike are two maps?",
    2.0,
    [
        "Take the mean off each map. Then three sums over the pixels: of the products, and of the \
         squares of each. Where a map is the same everywhere there is nothing to compare: return 0.",
        "let both = squares_a * squares_b; if both == 0.0 { return 0.0; } products / both.sqrt()",
    ],
);

fn correlation(a: &Array2<f32>, b: &Array2<f32>, centred: bool) -> [f32; 3] {
    let mean = |m: &Array2<f32>| {
        if centred {
            m.mean().unwrap_or(0.0)
        } else {
            0.0
        }
    };
    let (ma, mb) = (mean(a), mean(b));
    let pairs = || a.iter().zip(b).map(|(x, y)| (x - ma, y - mb));
    let products: f32 = pairs().map(|(x, y)| x * y).sum();
    let aa: f32 = pairs().map(|(x, _)| x * x).sum();
    let bb: f32 = pairs().map(|(_, y)| y * y).sum();
    let over = |d: f32| if d > 0.0 { products / d } else { 0.0 };
    [over((aa * bb).sqrt()), over(aa * bb), products]
}

/// Checks `fn alike(a: Array2<f32>, b: Array2<f32>) -> f32`.
pub fn alike(student: impl Fn(Array2<f32>, Array2<f32>) -> f32 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, a: Array2<f32>, b: Array2<f32>| {
        let [right, rootless, products] = correlation(&a, &b, true);
        let [cosine, ..] = correlation(&a, &b, false);
        let n = a.len() as f32;
        let got = move || student(a.clone(), b.clone());
        Case::new(name, got, right)
            .mistake("The root is missing below the line.", rootless)
            .mistake("Divide by the root of the two sums of squares.", products)
            .mistake(
                "That is the covariance. Divide by both spreads.",
                products / n,
            )
            .mistake("The mean is still in: take it off both maps first.", cosine)
    };
    let map = array![[1.0, 2.0, 0.0], [4.0, 3.0, 2.0]];
    Exercise::new(&ALIKE)
        .tolerance(1e-4, 1e-3)
        .check(case("a map and twice the same", map.clone(), &map * 2.0))
        .check(case(
            "two different maps",
            map.clone(),
            array![[0.0, 2.0, 1.0], [3.0, 0.0, 1.0]],
        ))
        .check(
            Case::new(
                "a map of zeros",
                {
                    let map = map.clone();
                    move || student(map.clone(), Array2::zeros((2, 3)))
                },
                0.0,
            )
            .mistake(
                "A map with itself would be 1. A map of zeros is like nothing: 0.",
                1.0,
            ),
        )
        .seeded(1, 1307, move |draw| {
            case("two drawn maps", draw.array2(4, 5), draw.array2(4, 5))
        })
        .run()
}

#[cfg(test)]
#[path = "n13_tests.rs"]
mod tests;
