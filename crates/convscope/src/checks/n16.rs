//! The checks of notebook 16, Fooling a network.

use crate::check::{About, Case, Exercise, Score};
use convscope_vis::{logistic as regression, logistic_fooled};
use ndarray::{Array1, Array2};

pub(crate) const ALL: &[&About] = &[
    &LOGISTIC,
    &FOOLED,
    &GROWTH,
    &INPUT_GRADIENT,
    &STEP,
    &PROJECT,
    &SMALLEST,
    &KEEPERS,
    &STRAIGHTNESS,
];

/// The lecture's example: ten numbers, and a weight for each.
const X: [f64; 10] = [2.0, -1.0, 3.0, -2.0, 2.0, 2.0, 1.0, -4.0, 5.0, 1.0];
const W: [f64; 10] = [-1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0];

static LOGISTIC: About = About::new(
    "16-logistic",
    "Score and probability",
    2.0,
    [
        "z is the sum of x[i] * w[i] over all i. The probability is 1 / (1 + e^(-z)), and e^(-z) is \
         (-z).exp() in Rust.",
        "let mut z = 0.0; for i in 0..x.len() { z += x[i] * w[i]; } and then \
         [z, 1.0 / (1.0 + (-z).exp())].",
    ],
);

/// Checks `fn logistic(x: Vec<f64>, w: Vec<f64>) -> [f64; 2]`.
pub fn logistic(student: impl Fn(Vec<f64>, Vec<f64>) -> [f64; 2] + Copy + Send + 'static) -> Score {
    let case = move |name: &str, x: Vec<f64>, w: Vec<f64>| {
        let (z, p) = regression(&x, &w);
        let n = x.len() as f64;
        Case::new(name, move || student(x.clone(), w.clone()), [z, p])
            .mistake(
                "That is the probability of the other class: it is e to the power of minus z.",
                [z, 1.0 - p],
            )
            .mistake("The score is the sum, not the mean.", {
                let z = z / n;
                [z, 1.0 / (1.0 + (-z).exp())]
            })
            .mistake("The order is [score, probability].", [p, z])
            .mistake("Divide: 1 / (1 + e^(-z)).", [z, 1.0 + (-z).exp()])
    };
    Exercise::new(&LOGISTIC)
        .check(case("the lecture's ten numbers", X.to_vec(), W.to_vec()))
        .check(case("a score of zero", vec![1.0, 2.0], vec![2.0, -1.0]))
        .seeded(2, 1601, move |draw| {
            let mut numbers = |n: usize| (0..n).map(|_| draw.number(-1.0..=1.0)).collect();
            let (x, w) = (numbers(6), numbers(6));
            case("six drawn numbers", x, w)
        })
        .run()
}

static FOOLED: About = About::new(
    "16-fooled",
    "The fooled numbers",
    2.0,
    [
        "The score grows by w[i] for each unit that x[i] grows. So x[i] goes up where w[i] is \
         positive, and down where it is negative: always by the whole step.",
        "Push x[i] + step where w[i] > 0.0, x[i] - step where w[i] < 0.0, and x[i] itself where \
         w[i] is 0.",
    ],
);

/// Checks `fn fooled(x: Vec<f64>, w: Vec<f64>, step: f64) -> Vec<f64>`.
pub fn fooled(
    student: impl Fn(Vec<f64>, Vec<f64>, f64) -> Vec<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, x: Vec<f64>, w: Vec<f64>, step: f64| {
        let right = logistic_fooled(&x, &w, step);
        let each = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            x.iter().zip(&w).map(|(&x, &w)| f(x, w)).collect()
        };
        let proportional = each(&|x, w| x + step * w);
        let down = logistic_fooled(&x, &w, -step);
        let all_up = each(&|x, _| x + step);
        let own_sign = each(&|x, w| x + step * x.signum() * w.signum());
        let rust_sign = each(&|x, w| x + step * w.signum());
        Case::new(name, move || student(x.clone(), w.clone(), step), right)
            .mistake(
                "A number with a small weight moves as far as one with a large weight: only the \
                 weight's sign counts.",
                proportional,
            )
            .mistake("That makes the score smaller. Go the other way.", down)
            .mistake(
                "Where the weight is negative, a larger number makes the score smaller.",
                all_up,
            )
            .mistake(
                "Where the weight is 0, leave the number as it is. (Rust's signum() of 0.0 is 1.)",
                rust_sign,
            )
            .mistake(
                "The sign of x[i] plays no part: w[i] alone says which way the score grows.",
                own_sign,
            )
    };
    Exercise::new(&FOOLED)
        .check(case(
            "the lecture's ten numbers, step 0.5",
            X.to_vec(),
            W.to_vec(),
            0.5,
        ))
        .check(case(
            "weights of different sizes",
            vec![0.5, -0.5, 1.0],
            vec![2.0, -0.25, 0.1],
            0.2,
        ))
        .check(case(
            "a weight of zero",
            vec![1.0, 1.0, 1.0],
            vec![3.0, 0.0, -3.0],
            0.25,
        ))
        .seeded(2, 1602, move |draw| {
            let mut numbers = |n: usize| (0..n).map(|_| draw.number(-1.0..=1.0)).collect();
            let (x, w) = (numbers(5), numbers(5));
            case("five drawn numbers", x, w, 0.1)
        })
        .run()
}

static GROWTH: About = About::new(
    "16-growth",
    "Many small steps",
    1.0,
    [
        "Each pixel adds its step times its weight's absolute value. How many pixels are there?",
        "28 x 28 pixels, each of which adds 0.25 times 0.05.",
    ],
);

/// Checks by how much the score of 784 pixels can grow.
pub fn growth(student: impl Fn() -> f64 + Copy + Send + 'static) -> Score {
    Exercise::new(&GROWTH)
        .tolerance(0.005, 0.0)
        .check(
            Case::new("your answer", student, 9.8)
                .mistake(
                    "That is one pixel's share. There are 28 x 28 of them.",
                    0.0125,
                )
                .mistake("That is a row of 28 pixels. There are 28 rows.", 0.35)
                .mistake("Each pixel moves by 0.25, not by 1.", 39.2)
                .mistake("Each weight counts too: 0.05 on average.", 196.0),
        )
        .property(
            "more than enough to turn a score of -3 around",
            move || match student() > 3.0 {
                true => Ok(()),
                false => Err(format!("with {} it would stay below 0", student())),
            },
        )
        .run()
}

static INPUT_GRADIENT: About = About::new(
    "16-input-gradient",
    "The gradient at the pixels",
    2.0,
    [
        "The gradient of the loss with respect to the logits is p, less 1 at the true class. A pixel \
         reaches logit k through w[[k, i]]: add these up over k.",
        "Change p at the label, let mut d = p; d[label] -= 1.0; and then it is one product with the \
         transposed weights: w.t().dot(&d).",
    ],
);

fn gradient(w: &Array2<f32>, p: &Array1<f32>, label: usize, at_label: f32) -> Array1<f32> {
    let mut d = p.clone();
    d[label] -= at_label;
    w.t().dot(&d)
}

/// Checks `fn input_gradient(w: Array2<f32>, p: Array1<f32>, label: usize) -> Array1<f32>`.
pub fn input_gradient(
    student: impl Fn(Array2<f32>, Array1<f32>, usize) -> Array1<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, w: Array2<f32>, p: Array1<f32>, label: usize| {
        let right = gradient(&w, &p, label, 1.0);
        let unlabelled = gradient(&w, &p, label, 0.0);
        let row = w.row(label).to_owned();
        let up = -&right;
        Case::new(name, move || student(w.clone(), p.clone(), label), right)
            .mistake(
                "That is the gradient of the logarithm of the true class's probability. The loss is \
                 minus that: turn the sign around.",
                up,
            )
            .mistake("Take 1 away from p at the true class first.", unlabelled)
            .mistake(
                "That is the logit's gradient alone. The other classes' logits are in the loss too.",
                row,
            )
    };
    Exercise::new(&INPUT_GRADIENT)
        .check(case(
            "two classes, two pixels",
            ndarray::array![[1.0, 0.0], [0.0, 2.0]],
            ndarray::array![0.75, 0.25],
            0,
        ))
        .check(case(
            "a network that is right and sure: almost nothing",
            ndarray::array![[1.0, -1.0, 2.0], [0.5, 1.0, 0.0]],
            ndarray::array![0.001, 0.999],
            1,
        ))
        .seeded(3, 1603, move |draw| {
            let (classes, pixels) = (draw.integer(3..=5), draw.integer(6..=9));
            let w = draw.array2(classes, pixels);
            let p = draw.array1(classes).mapv(f32::exp);
            let p = &p / p.sum();
            let label = draw.integer(0..=classes - 1);
            case(&format!("{classes} classes, {pixels} pixels"), w, p, label)
        })
        .run()
}

static STEP: About = About::new(
    "16-step",
    "The fast gradient sign",
    3.0,
    [
        "Loop over the pixels: add epsilon where the gradient is positive, take it away where it is \
         negative. Then keep every pixel between black and white with .clamp(0.0, 1.0).",
        "let mut out = image; for i in 0..out.len() { ... } with three cases: gradient[i] > 0.0, \
         gradient[i] < 0.0, and 0, where the pixel stays. Clamp last.",
    ],
);

fn sign(g: f32) -> f32 {
    if g == 0.0 { 0.0 } else { g.signum() }
}

/// Checks `fn sign_step(image: Array1<f32>, gradient: Array1<f32>, epsilon: f32) -> Array1<f32>`.
pub fn sign_step(
    student: impl Fn(Array1<f32>, Array1<f32>, f32) -> Array1<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, image: Array1<f32>, gradient: Array1<f32>, epsilon: f32| {
        let open = &image + &(gradient.mapv(sign) * epsilon);
        let right = open.mapv(|v| v.clamp(0.0, 1.0));
        let clipped = |a: Array1<f32>| a.mapv(|v| v.clamp(0.0, 1.0));
        let down = clipped(&image - &(gradient.mapv(sign) * epsilon));
        let plain = clipped(&image + &(&gradient * epsilon));
        let signum = clipped(&image + &(gradient.mapv(f32::signum) * epsilon));
        Case::new(
            name,
            move || student(image.clone(), gradient.clone(), epsilon),
            right,
        )
        .mistake(
            "Some pixels are blacker than black or whiter than white: clamp them to 0 and 1.",
            open,
        )
        .mistake("That makes the loss smaller: go up the gradient.", down)
        .mistake(
            "Every pixel moves by epsilon, however large its gradient is: take the sign alone.",
            plain,
        )
        .mistake(
            "Where the gradient is exactly 0 a pixel stays. (Rust's signum() of 0.0 is 1.)",
            signum,
        )
    };
    Exercise::new(&STEP)
        .check(case(
            "four grey pixels",
            ndarray::array![0.5, 0.5, 0.5, 0.5],
            ndarray::array![2.0, -0.001, 0.3, -5.0],
            0.25,
        ))
        .check(case(
            "black and white pixels",
            ndarray::array![0.0, 0.0, 1.0, 1.0, 0.9],
            ndarray::array![1.0, -1.0, 1.0, -1.0, 0.5],
            0.25,
        ))
        .check(case(
            "a gradient of zero",
            ndarray::array![0.4, 0.6],
            ndarray::array![0.0, -1.0],
            0.1,
        ))
        .seeded(2, 1604, move |draw| {
            let image = draw.array1(8).mapv(|v| (v + 2.0) / 4.0);
            let gradient = draw.array1(8);
            case("eight drawn pixels", image, gradient, 0.125)
        })
        .run()
}

static PROJECT: About = About::new(
    "16-project",
    "Back into the box",
    2.0,
    [
        "Two limits for each pixel: it may be at most epsilon away from the pixel of the original, \
         and it must lie from 0 to 1. Clamp twice.",
        "moved[i].clamp(original[i] - epsilon, original[i] + epsilon).clamp(0.0, 1.0)",
    ],
);

/// Checks `fn project(moved: Array1<f32>, original: Array1<f32>, epsilon: f32) -> Array1<f32>`.
pub fn project(
    student: impl Fn(Array1<f32>, Array1<f32>, f32) -> Array1<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, moved: Array1<f32>, original: Array1<f32>, epsilon: f32| {
        let near: Array1<f32> = moved
            .iter()
            .zip(&original)
            .map(|(m, o)| m.clamp(o - epsilon, o + epsilon))
            .collect();
        let right = near.mapv(|v| v.clamp(0.0, 1.0));
        let grey = moved.mapv(|v| v.clamp(0.0, 1.0));
        let around_zero = moved.mapv(|v| v.clamp(-epsilon, epsilon));
        let back = original.clone();
        Case::new(
            name,
            move || student(moved.clone(), original.clone(), epsilon),
            right,
        )
        .mistake(
            "A pixel must lie between black, 0, and white, 1, as well.",
            near,
        )
        .mistake(
            "No pixel may be further than epsilon from the original's.",
            grey,
        )
        .mistake(
            "The box lies around the original, not around 0: from original[i] - epsilon to \
             original[i] + epsilon.",
            around_zero,
        )
        .mistake(
            "Only what has gone too far comes back, and only to the wall.",
            back,
        )
    };
    Exercise::new(&PROJECT)
        .check(case(
            "one pixel inside, two too far",
            ndarray::array![0.55, 0.9, 0.1],
            ndarray::array![0.5, 0.5, 0.5],
            0.1,
        ))
        .check(case(
            "next to black and white",
            ndarray::array![-0.05, 1.08, 0.3],
            ndarray::array![0.02, 0.95, 0.3],
            0.1,
        ))
        .seeded(2, 1605, move |draw| {
            let original = draw.array1(8).mapv(|v| (v + 2.0) / 4.0);
            let moved = &original + &draw.array1(8).mapv(|v| 0.2 * v);
            case("eight drawn pixels", moved, original, 0.2)
        })
        .run()
}

static SMALLEST: About = About::new(
    "16-smallest",
    "The smallest change",
    2.0,
    [
        "The shortest way to the boundary goes along w itself, not along its signs: x - c w. With \
         which c is the score of that zero?",
        "The score of x - c w is z - c (w . w). It is zero for c = z / (w . w).",
    ],
);

/// Checks `fn to_the_boundary(x: Vec<f64>, w: Vec<f64>) -> Vec<f64>`.
pub fn to_the_boundary(
    student: impl Fn(Vec<f64>, Vec<f64>) -> Vec<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, x: Vec<f64>, w: Vec<f64>| {
        let (z, _) = regression(&x, &w);
        let square: f64 = w.iter().map(|w| w * w).sum();
        let along = |c: f64| -> Vec<f64> { x.iter().zip(&w).map(|(x, w)| x - c * w).collect() };
        let (right, unscaled) = (along(z / square), along(z));
        let (length, away) = (along(z / square.sqrt()), along(-z / square));
        let size: f64 = w.iter().map(|w| w.abs()).sum();
        let signs = logistic_fooled(&x, &w, -z / size);
        let change: Vec<f64> = right.iter().zip(&x).map(|(r, x)| r - x).collect();
        Case::new(name, move || student(x.clone(), w.clone()), right)
            .mistake("Divide z by the square of the length, w . w.", unscaled)
            .mistake(
                "Divide by w . w, the square of the length, not by the length.",
                length,
            )
            .mistake(
                "That leads away from the boundary: turn the sign around.",
                away,
            )
            .mistake(
                "That has the smallest largest change. The shortest way goes along w itself.",
                signs,
            )
            .mistake("That is the change. Add it to x.", change)
    };
    Exercise::new(&SMALLEST)
        .check(case("the lecture's ten numbers", X.to_vec(), W.to_vec()))
        .check(case("two numbers", vec![3.0, 1.0], vec![2.0, 0.0]))
        .seeded(2, 1606, move |draw| {
            let mut numbers = |n: usize| (0..n).map(|_| draw.number(-1.0..=1.0)).collect();
            let (x, w) = (numbers(4), numbers(4));
            case("four drawn numbers", x, w)
        })
        .run()
}

static KEEPERS: About = About::new(
    "16-keepers",
    "Places in the archive",
    2.0,
    [
        "Compare class by class: a child takes the place of every class for which it has a higher \
         probability than the picture that is there. It may take several places, or none.",
        "let mut won = Vec::new(); for k in 0..archive.len() { if child[k] > archive[k] { \
         won.push(k); } }",
    ],
);

/// Checks `fn places_won(archive: Vec<f64>, child: Vec<f64>) -> Vec<usize>`.
pub fn places_won(
    student: impl Fn(Vec<f64>, Vec<f64>) -> Vec<usize> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, archive: Vec<f64>, child: Vec<f64>| {
        let classes = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..archive.len()).filter(|&k| keep(k)).collect()
        };
        let right = classes(&|k| child[k] > archive[k]);
        let ties = classes(&|k| child[k] >= archive[k]);
        let lost = classes(&|k| child[k] < archive[k]);
        let most = child.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let top = classes(&|k| child[k] == most);
        let top_won = classes(&|k| child[k] == most && child[k] > archive[k]);
        Case::new(name, move || student(archive.clone(), child.clone()), right)
            .mistake(
                "Only a higher probability wins: at a tie the old picture stays.",
                ties,
            )
            .mistake("Those are the places that it loses.", lost)
            .mistake(
                "Look at every class, not only at the one that the child is taken for.",
                top_won,
            )
            .mistake(
                "The child must do better than the picture that is there.",
                top,
            )
    };
    Exercise::new(&KEEPERS)
        .check(case(
            "the first picture of all",
            vec![0.0; 4],
            vec![0.1, 0.6, 0.1, 0.2],
        ))
        .check(case(
            "two places at once",
            vec![0.9, 0.05, 0.3, 0.02],
            vec![0.1, 0.2, 0.6, 0.02],
        ))
        .check(case(
            "better at nothing",
            vec![0.9, 0.8, 0.95],
            vec![0.3, 0.3, 0.4],
        ))
        .check(case(
            "sure, but not sure enough",
            vec![0.99, 0.01, 0.2],
            vec![0.97, 0.02, 0.01],
        ))
        .run()
}

static STRAIGHTNESS: About = About::new(
    "16-straightness",
    "How straight?",
    2.0,
    [
        "Take the means away from t and y. With a = the sum of t y, b = the sum of t t and c = the \
         sum of y y, R squared of the best straight line is a a / (b c).",
        "It is the correlation squared: in a loop over i add (t[i] - mt) * (y[i] - my), and the two \
         squares, to three sums.",
    ],
);

fn sums(t: &[f64], y: &[f64], centred: bool) -> [f64; 3] {
    let mean = |v: &[f64]| match centred {
        true => v.iter().sum::<f64>() / v.len() as f64,
        false => 0.0,
    };
    let (mt, my) = (mean(t), mean(y));
    t.iter().zip(y).fold([0.0; 3], |[a, b, c], (t, y)| {
        let (t, y) = (t - mt, y - my);
        [a + t * y, b + t * t, c + y * y]
    })
}

/// Checks `fn straightness(t: Vec<f64>, y: Vec<f64>) -> f64`.
pub fn straightness(student: impl Fn(Vec<f64>, Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, t: Vec<f64>, y: Vec<f64>| {
        let [a, b, c] = sums(&t, &y, true);
        let [ra, rb, rc] = sums(&t, &y, false);
        let right = a * a / (b * c);
        Case::new(name, move || student(t.clone(), y.clone()), right)
            .mistake("Take the means away first.", ra * ra / (rb * rc))
            .mistake("That is the correlation. Square it.", a / (b * c).sqrt())
            .mistake("That is the slope of the line.", a / b)
            .mistake(
                "That is what the line leaves over: 1 less that.",
                1.0 - right,
            )
    };
    Exercise::new(&STRAIGHTNESS)
        .check(case(
            "a straight line that falls",
            vec![0.0, 1.0, 2.0, 3.0],
            vec![5.0, 3.0, 1.0, -1.0],
        ))
        .check(case(
            "a parabola",
            vec![0.0, 1.0, 2.0, 3.0],
            vec![0.0, 1.0, 4.0, 9.0],
        ))
        .check(case(
            "a tent: a line explains nothing",
            vec![0.0, 1.0, 2.0],
            vec![0.0, 1.0, 0.0],
        ))
        .seeded(2, 1607, move |draw| {
            let t: Vec<f64> = (0..6).map(f64::from).collect();
            let y = t
                .iter()
                .map(|t| 2.0 * t + draw.number(-3.0..=3.0))
                .collect();
            case("a line with noise", t, y)
        })
        .run()
}

#[cfg(test)]
#[path = "n16_tests.rs"]
mod tests;
