//! The checks of notebook 14, What would excite this unit?

use crate::check::{About, Case, Draw, Exercise, Score};
use convscope_nn::Tensor;
use ndarray::{Array2, Array3, Zip, array};

pub(crate) const ALL: &[&About] = &[
    &LINEAR, &STEP, &LOGIT, &DECAY, &SETTLES, &VARIATION, &CHESS, &ROLL, &BACK, &CLIP,
];

static LINEAR: About = About::new(
    "14-linear",
    "The best image of a linear unit",
    2.0,
    [
        "The product of two arrows of given lengths is largest when they point the same way. So the \
         image is a multiple of the weights. Which multiple has length 1?",
        "Add up the squares of the weights, take the root: that is their length. Divide each weight \
         by it.",
    ],
);

fn scaled(weights: &[f64], by: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let factor = by(weights);
    weights.iter().map(|w| w * factor).collect()
}

fn length(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Checks `fn best_image(weights: Vec<f64>) -> Vec<f64>`.
pub fn linear(student: impl Fn(Vec<f64>) -> Vec<f64> + Copy + Send + 'static) -> Score {
    let case =
        move |name: &str, weights: Vec<f64>| {
            let right = scaled(&weights, |w| 1.0 / length(w));
            let square = scaled(&weights, |w| 1.0 / length(w).powi(2));
            let sum = scaled(&weights, |w| 1.0 / w.iter().map(|x| x.abs()).sum::<f64>());
            let largest = scaled(&weights, |w| {
                1.0 / w.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
            });
            let down = scaled(&weights, |w| -1.0 / length(w));
            let signs = weights.iter().map(|w| w.abs() / length(&weights)).collect();
            let whole = weights.clone();
            Case::new(name, move || student(weights.clone()), right)
            .mistake("That is the weights themselves: their length is not 1 yet.", whole)
            .mistake("Take the root: the length is the root of the sum of the squares.", square)
            .mistake(
                "That makes the absolute values add up to 1. The length is the root of the sum of \
                 the squares.",
                sum,
            )
            .mistake("That makes the largest pixel 1, not the length.", largest)
            .mistake("This image excites the unit least.", down)
            .mistake("Where a weight is negative, the pixel should be negative too.", signs)
        };
    Exercise::new(&LINEAR)
        .check(case("weights 3 and 4", vec![3.0, 4.0]))
        .check(case("weights 2, -1, 2", vec![2.0, -1.0, 2.0]))
        .seeded(2, 1401, move |draw| {
            let weights = (0..5).map(|_| draw.number(-2.0..=2.0)).collect();
            case("drawn weights", weights)
        })
        .run()
}

static STEP: About = About::new(
    "14-step",
    "One step",
    3.0,
    [
        "First the typical size of the gradient: square every number, take the mean, then the root. \
         Then image + gradient * (rate / (that + 1e-5)).",
        "let rms = gradient.mapv(|g| g * g).mean().unwrap().sqrt(); then add the gradient times \
         rate / (rms + 1e-5) to the image.",
    ],
);

/// The image after a step of this length.
fn stepped(
    image: &Tensor,
    gradient: &Tensor,
    rate: f32,
    factor: impl Fn(f32, f32, f32) -> f32,
) -> Tensor {
    let n = gradient.len() as f32;
    let squares: f32 = gradient.iter().map(|g| g * g).sum();
    let sizes: f32 = gradient.iter().map(|g| g.abs()).sum();
    image + gradient * (rate * factor(squares, sizes, n))
}

/// Checks `fn ascent_step(image: Tensor, gradient: Tensor, rate: f32) -> Tensor`.
pub fn step(student: impl Fn(Tensor, Tensor, f32) -> Tensor + Copy + Send + 'static) -> Score {
    let case = move |name: &str, image: Tensor, gradient: Tensor, rate: f32| {
        let with = |factor: fn(f32, f32, f32) -> f32| stepped(&image, &gradient, rate, factor);
        let (right, down) = (
            with(|s, _, n| 1.0 / ((s / n).sqrt() + 1e-5)),
            with(|s, _, n| -1.0 / ((s / n).sqrt() + 1e-5)),
        );
        let (plain, norm) = (with(|_, _, _| 1.0), with(|s, _, _| 1.0 / (s.sqrt() + 1e-5)));
        let (mean, square) = (
            with(|_, a, n| 1.0 / (a / n + 1e-5)),
            with(|s, _, n| 1.0 / (s / n + 1e-5)),
        );
        let alone = &right - &image;
        Case::new(
            name,
            move || student(image.clone(), gradient.clone(), rate),
            right,
        )
        .tolerance(1e-5, 1e-4)
        .mistake(
            "That goes downhill: add the gradient, do not subtract it.",
            down,
        )
        .mistake(
            "The gradient is not normalised: divide it by its root mean square.",
            plain,
        )
        .mistake(
            "That divides by the length, the root of the *sum* of the squares. Take the mean.",
            norm,
        )
        .mistake(
            "That divides by the mean of the absolute values. Square, mean, root.",
            mean,
        )
        .mistake("Take the root of the mean of the squares.", square)
        .mistake("That is the step alone: add it to the image.", alone)
    };
    let small = |values: &[f32]| {
        Tensor::from_shape_vec(vec![1, 1, 2, 2], values.to_vec()).expect("four values")
    };
    Exercise::new(&STEP)
        .check(case(
            "gradient 3, -1, 1, -3 (root mean square 2.236)",
            small(&[0.0, 0.5, 1.0, -1.0]),
            small(&[3.0, -1.0, 1.0, -3.0]),
            0.1,
        ))
        .check(case(
            "a gradient a thousand times smaller makes the same step",
            small(&[0.0, 0.5, 1.0, -1.0]),
            small(&[0.003, -0.001, 0.001, -0.003]),
            0.1,
        ))
        .property("a gradient of zero leaves the image as it is", move || {
            let image = Tensor::from_elem(vec![1, 3, 2, 2], 0.25);
            let after = student(image.clone(), Tensor::zeros(vec![1, 3, 2, 2]), 1.0);
            match after {
                after if after == image => Ok(()),
                after if after.iter().any(|v| v.is_nan()) => {
                    Err("the image is NaN: 0 / 0. Add 1e-5 to the root mean square".into())
                }
                _ => Err("the image has changed".into()),
            }
        })
        .seeded(2, 1402, move |draw| {
            let (image, gradient) = (draw.tensor(&[1, 3, 4, 5]), draw.tensor(&[1, 3, 4, 5]));
            case("drawn numbers", image, gradient, 0.5)
        })
        .run()
}

static LOGIT: About = About::new(
    "14-logit",
    "Logit or probability",
    1.0,
    [
        "Put the two probabilities into p (1 - p).",
        "0.5 times 0.5, and 0.999 times 0.001.",
    ],
);

/// Checks the slope of the softmax at two probabilities.
pub fn logit(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&LOGIT)
        .check(
            Case::new("undecided", move || student()[0], 0.25)
                .tolerance(1e-6, 1e-3)
                .mistake("That is p. Multiply it by 1 - p.", 0.5),
        )
        .check(
            Case::new("sure", move || student()[1], 0.000_999)
                .tolerance(1e-8, 1e-4)
                .mistake("That is 1 - p. Multiply it by p.", 0.001)
                .mistake("That is p. Multiply it by 1 - p.", 0.999),
        )
        .run()
}

static DECAY: About = About::new(
    "14-decay",
    "L2 decay",
    2.0,
    [
        "The derivative of lambda x² is 2 lambda x, and the penalty is subtracted.",
        "gradient - image * (2.0 * lambda)",
    ],
);

/// Checks `fn decayed(gradient: Tensor, image: Tensor, lambda: f32) -> Tensor`.
pub fn decay(student: impl Fn(Tensor, Tensor, f32) -> Tensor + Copy + Send + 'static) -> Score {
    let case = move |name: &str, gradient: Tensor, image: Tensor, lambda: f32| {
        let right = &gradient - &(&image * (2.0 * lambda));
        let up = &gradient + &(&image * (2.0 * lambda));
        let half = &gradient - &(&image * lambda);
        let square = &gradient - &image.mapv(|v| lambda * v * v);
        let alone = image.mapv(|v| -2.0 * lambda * v);
        let swapped = &image - &(&gradient * (2.0 * lambda));
        Case::new(
            name,
            move || student(gradient.clone(), image.clone(), lambda),
            right,
        )
        .mistake("The penalty is subtracted: large pixels should shrink.", up)
        .mistake("The derivative of x² is 2 x: a factor 2 is missing.", half)
        .mistake(
            "That subtracts the penalty itself. Its derivative is wanted.",
            square,
        )
        .mistake(
            "That is the penalty's part alone: add the gradient of the logit.",
            alone,
        )
        .mistake("Gradient and image have changed places.", swapped)
    };
    let row = |values: &[f32]| {
        Tensor::from_shape_vec(vec![1, 1, 1, 4], values.to_vec()).expect("four values")
    };
    Exercise::new(&DECAY)
        .check(case(
            "without gradient every pixel shrinks",
            row(&[0.0; 4]),
            row(&[1.0, -2.0, 0.0, 3.0]),
            0.1,
        ))
        .seeded(2, 1403, move |draw| {
            let (gradient, image) = (draw.tensor(&[1, 3, 2, 3]), draw.tensor(&[1, 3, 2, 3]));
            case("drawn numbers", gradient, image, 0.25)
        })
        .run()
}

static SETTLES: About = About::new(
    "14-settles",
    "Where a pixel settles",
    1.0,
    [
        "The penalised gradient is g - 2 lambda x. For which x is it zero?",
        "x = g / (2 lambda): 0.4 over 0.2, and 0.4 over 0.1.",
    ],
);

/// Checks where a pixel comes to rest for two weights of the penalty.
pub fn settles(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&SETTLES)
        .check(
            Case::new("lambda 0.1", move || student()[0], 2.0)
                .mistake("Do not forget the factor 2 of the derivative.", 4.0)
                .mistake("Divide by 2 lambda, do not multiply.", 0.08),
        )
        .check(
            Case::new("lambda 0.05", move || student()[1], 4.0)
                .mistake("Do not forget the factor 2 of the derivative.", 8.0)
                .mistake(
                    "Half the penalty lets the pixel grow further, not less.",
                    1.0,
                ),
        )
        .run()
}

static VARIATION: About = About::new(
    "14-variation",
    "Total variation",
    3.0,
    [
        "If there is a row below (y + 1 < height), add (image[[y + 1, x]] - image[[y, x]]) squared. \
         The same with x + 1 < width for the pixel to the right.",
        "Two ifs, one behind the other, each on its own: the last row still has neighbours to the \
         right, and the last column neighbours below. .powi(2) squares.",
    ],
);

/// Sums over pairs of neighbours; `around` lets the last meet the first, `trimmed` leaves out
/// pixels that lack one of the two.
fn neighbours(
    image: &Array2<f32>,
    around: bool,
    trimmed: bool,
    each: impl Fn(f32, f32) -> f32,
) -> f32 {
    let (h, w) = image.dim();
    let mut sum = 0.0;
    for ((y, x), &v) in image.indexed_iter() {
        let (below, right) = (y + 1 < h || around, x + 1 < w || around);
        if trimmed && !(below && right) {
            continue;
        }
        if below {
            sum += each(image[[(y + 1) % h, x]], v);
        }
        if right {
            sum += each(image[[y, (x + 1) % w]], v);
        }
    }
    sum
}

/// Checks `fn variation(image: Array2<f32>) -> f32`.
pub fn variation(student: impl Fn(Array2<f32>) -> f32 + Copy + Send + 'static) -> Score {
    let square = |a: f32, b: f32| (a - b) * (a - b);
    let case =
        move |name: &str, image: Array2<f32>| {
            let right = neighbours(&image, false, false, square);
            let absolute = neighbours(&image, false, false, |a, b| (a - b).abs());
            let signed = neighbours(&image, false, false, |a, b| a - b);
            let around = neighbours(&image, true, false, square);
            let trimmed = neighbours(&image, false, true, square);
            let (h, w) = image.dim();
            let down: f32 = (0..w)
                .flat_map(|x| (1..h).map(move |y| (y, x)))
                .map(|(y, x)| square(image[[y, x]], image[[y - 1, x]]))
                .sum();
            let across = right - down;
            Case::new(name, move || student(image.clone()), right)
            .mistake("Square the differences; do not take their absolute values.", absolute)
            .mistake("Square the differences, or up and down cancel.", signed)
            .mistake("The last row has nothing below it: do not go on at the other side.", around)
            .mistake(
                "The last row still has neighbours to the right, and the last column neighbours \
                 below: two ifs of their own.",
                trimmed,
            )
            .mistake("The differences to the right are missing.", down)
            .mistake("The differences to the pixel below are missing.", across)
        };
    Exercise::new(&VARIATION)
        .check(case(
            "a plain grey has none",
            Array2::from_elem((4, 5), 0.5),
        ))
        .check(case(
            "one white pixel among nine has four neighbours",
            array![[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
        ))
        .check(case(
            "a ramp along the last row",
            array![[0.0, 0.0, 0.0], [0.0, 0.5, 2.0]],
        ))
        .seeded(2, 1404, move |draw| {
            let (h, w) = (draw.integer(2..=5), draw.integer(2..=5));
            case(&format!("{h}x{w} drawn numbers"), draw.array2(h, w))
        })
        .run()
}

static CHESS: About = About::new(
    "14-chess",
    "Chess and halves",
    1.0,
    [
        "Count the pairs of neighbours that differ. Each adds 1. How many neighbouring pairs has a \
         row of 8, and how many such rows and columns are there?",
        "Chessboard: every pair differs, 7 in each of 8 rows and 7 in each of 8 columns. Halves: in \
         each row one pair differs, in columns none.",
    ],
);

/// Checks the variation of a chessboard and of two halves.
pub fn chess(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&CHESS)
        .check(
            Case::new("chessboard", move || student()[0], 112.0)
                .mistake("A row of 8 pixels has 7 pairs of neighbours, not 8.", 128.0)
                .mistake("Count both directions, rows and columns.", 56.0)
                .mistake("Each pair counts once.", 224.0),
        )
        .check(
            Case::new("halves", move || student()[1], 8.0)
                .mistake("There is an edge in each of the 8 rows.", 1.0)
                .mistake("There are 8 rows, and all of them have the edge.", 7.0)
                .mistake("Each pair counts once.", 16.0),
        )
        .run()
}

static ROLL: About = About::new(
    "14-roll",
    "Roll",
    2.0,
    [
        "Pixel [y, x] goes to row y + down and column x + right, and past the end it begins anew: \
         (y + down) % height.",
        "rolled[[(y + down) % height, (x + right) % width]] = image[[y, x]];",
    ],
);

fn moved(
    image: &Array2<f32>,
    place: impl Fn([usize; 2], [usize; 2]) -> Option<[usize; 2]>,
) -> Array2<f32> {
    let (h, w) = image.dim();
    let mut out = Array2::zeros((h, w));
    for ((y, x), &v) in image.indexed_iter() {
        if let Some(to) = place([y, x], [h, w]) {
            out[to] = v;
        }
    }
    out
}

/// Checks `fn roll(image: Array2<f32>, down: usize, right: usize) -> Array2<f32>`.
pub fn roll(
    student: impl Fn(Array2<f32>, usize, usize) -> Array2<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, image: Array2<f32>, down: usize, right: usize| {
        let expected = moved(&image, |[y, x], [h, w]| {
            Some([(y + down) % h, (x + right) % w])
        });
        let opposite = moved(&image, |[y, x], [h, w]| {
            Some([(y + h - down % h) % h, (x + w - right % w) % w])
        });
        let swapped = moved(&image, |[y, x], [h, w]| {
            Some([(y + right) % h, (x + down) % w])
        });
        let lost = moved(&image, |[y, x], [h, w]| {
            (y + down < h && x + right < w).then_some([y + down, x + right])
        });
        let same = image.clone();
        Case::new(name, move || student(image.clone(), down, right), expected)
            .mistake("That moves up and to the left.", opposite)
            .mistake(
                "Down and right have changed places: rows come first.",
                swapped,
            )
            .mistake("What leaves on one side has to enter on the other.", lost)
            .mistake("Nothing has moved.", same)
    };
    let six = || array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    Exercise::new(&ROLL)
        .check(case("by nothing", six(), 0, 0))
        .check(case(
            "one down",
            array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
            1,
            0,
        ))
        .check(case("one to the right", six(), 0, 1))
        .seeded(2, 1405, move |draw| {
            let (h, w) = (draw.integer(3..=6), draw.integer(3..=6));
            let (down, right) = (draw.integer(1..=h + 2), draw.integer(1..=w - 1));
            case(
                &format!("{h}x{w}, {down} down and {right} to the right"),
                draw.array2(h, w),
                down,
                right,
            )
        })
        .run()
}

static BACK: About = About::new(
    "14-back",
    "And back",
    1.0,
    [
        "On a ring of 128 pixels a whole turn is 128. You have gone 5: how far is it on to where you \
         began?",
        "128 - 5 down, 128 - 120 to the right.",
    ],
);

/// Checks the roll that undoes another.
pub fn back(student: impl Fn() -> [usize; 2] + Copy + Send + 'static) -> Score {
    Exercise::new(&BACK)
        .check(
            Case::new("down", move || student()[0], 123)
                .mistake("That is once more the same way: by 10 in all.", 5)
                .mistake("A whole turn is 128, not 127.", 122),
        )
        .check(
            Case::new("to the right", move || student()[1], 8)
                .mistake("That is once more the same way.", 120)
                .mistake("A whole turn is 128, not 127.", 7),
        )
        .run()
}

static CLIP: About = About::new(
    "14-clip",
    "Small-norm clipping",
    3.0,
    [
        "For each place [y, x] add up the squares of the values in all channels and take the root. \
         Is that below the threshold? Then set clipped[[c, y, x]] to 0 for every channel c.",
        "let mut squares = 0.0; for c in 0..channels { squares += image[[c, y, x]].powi(2); } and \
         then if squares.sqrt() < threshold, a second loop over the channels.",
    ],
);

fn clipped(image: &Array3<f32>, drop: impl Fn(&[f32]) -> bool) -> Array3<f32> {
    let (c, h, w) = image.dim();
    let mut out = image.clone();
    for y in 0..h {
        for x in 0..w {
            let pixel: Vec<f32> = (0..c).map(|c| image[[c, y, x]]).collect();
            if drop(&pixel) {
                (0..c).for_each(|c| out[[c, y, x]] = 0.0);
            }
        }
    }
    out
}

/// Checks `fn clip_small(image: Array3<f32>, threshold: f32) -> Array3<f32>`.
pub fn clip(student: impl Fn(Array3<f32>, f32) -> Array3<f32> + Copy + Send + 'static) -> Score {
    let norm = |p: &[f32]| p.iter().map(|v| v * v).sum::<f32>().sqrt();
    let case = move |name: &str, image: Array3<f32>, threshold: f32| {
        let right = clipped(&image, |p| norm(p) < threshold);
        let each = image.mapv(|v| if v.abs() < threshold { 0.0 } else { v });
        let signed = image.mapv(|v| if v < threshold { 0.0 } else { v });
        let large = clipped(&image, |p| norm(p) >= threshold);
        let squares = clipped(&image, |p| norm(p).powi(2) < threshold);
        let sum = clipped(&image, |p| p.iter().sum::<f32>() < threshold);
        let kept = image.clone();
        let mut first = image.clone();
        Zip::from(first.index_axis_mut(ndarray::Axis(0), 0))
            .and(right.index_axis(ndarray::Axis(0), 0))
            .for_each(|a, b| *a = *b);
        Case::new(name, move || student(image.clone(), threshold), right)
            .mistake(
                "That looks at each number for itself. The norm is one number for a pixel, over all \
                 its channels.",
                each,
            )
            .mistake("Negative numbers are large too: square them.", signed)
            .mistake("That clips the large ones and keeps the small.", large)
            .mistake("Take the root of the sum of the squares.", squares)
            .mistake("Square the values before adding, or red and blue cancel.", sum)
            .mistake("Nothing was clipped.", kept)
            .mistake("All channels of the pixel become 0, not the first alone.", first)
    };
    let pixels = array![
        [[3.0, 0.5, -2.0, 0.0]],
        [[4.0, 0.5, 2.0, -1.5]],
        [[0.0, -0.5, 0.1, 0.0]]
    ];
    Exercise::new(&CLIP)
        .check(case(
            "four pixels of norms 5, 0.87, 2.83 and 1.5, threshold 2",
            pixels.clone(),
            2.0,
        ))
        .check(case("the same, threshold 1", pixels, 1.0))
        .seeded(2, 1406, move |draw: &mut Draw| {
            case("drawn numbers, threshold 1.7", draw.array3(3, 3, 4), 1.7)
        })
        .run()
}

#[cfg(test)]
#[path = "n14_tests.rs"]
mod tests;
