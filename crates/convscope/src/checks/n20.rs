//! The checks of notebook 20, The challenge.

use crate::check::{About, Case, Exercise, Score};
use ndarray::{Array2, array};

pub(crate) const ALL: &[&About] = &[
    &PARAMETERS,
    &MULTIPLY_ADDS,
    &WIDEST,
    &STANDARD_ERROR,
    &WILSON,
    &EMA,
    &VIEWS,
    &FLATTERY,
    &REFUSED,
    &SURPRISE,
];

static PARAMETERS: About = About::new(
    "20-parameters",
    "Parameters of a convolution",
    2.0,
    [
        "A filter has kernel * kernel weights for each channel that it reads. Without batch norm it has \
         one bias more, with batch norm a scale and a shift instead.",
        "filters * channels * kernel * kernel, and then + filters without batch norm, + 2 * filters \
         with it.",
    ],
);

fn learned([channels, filters, kernel]: [usize; 3], each: usize) -> usize {
    filters * channels * kernel * kernel + each * filters
}

/// Checks `fn parameters(channels, filters, kernel, batch_norm) -> usize`.
pub fn parameters(
    student: impl Fn(usize, usize, usize, bool) -> usize + Copy + Send + 'static,
) -> Score {
    let case = move |[c, f, k]: [usize; 3], norm: bool| {
        let sizes = [c, f, k];
        let with = if norm { "with" } else { "without" };
        let name = format!("{f} filters of {k}x{k} on {c} channels, {with} batch norm");
        let right = learned(sizes, if norm { 2 } else { 1 });
        let each = if norm {
            "Batch norm learns a scale and a shift for each filter: 2 numbers."
        } else {
            "Each filter has one bias."
        };
        Case::new(name, move || student(c, f, k, norm), right)
            .mistake(
                "With batch norm there is no bias: the shift does its work.",
                learned(sizes, 3),
            )
            .mistake(each, learned(sizes, 0))
            .mistake(each, learned(sizes, if norm { 1 } else { 2 }))
            .mistake(
                "A filter reads every channel: it has kernel * kernel weights for each of them.",
                learned([1, f, k], if norm { 2 } else { 1 }),
            )
            .mistake(
                "A filter is kernel high and kernel wide.",
                f * c * k + if norm { 2 * f } else { f },
            )
    };
    Exercise::new(&PARAMETERS)
        .check(case([3, 10, 5], false))
        .check(case([3, 10, 5], true))
        .seeded(3, 2001, move |draw| {
            let sizes = [
                draw.integer(4..=48),
                draw.integer(5..=64),
                draw.choice(&[3, 5, 7]),
            ];
            case(sizes, draw.integer(0..=1) == 1)
        })
        .run()
}

static MULTIPLY_ADDS: About = About::new(
    "20-multiply-adds",
    "Multiply-adds of a convolution",
    2.0,
    [
        "Every number of the output is a sum of as many products as a filter has weights. How many \
         numbers has the output?",
        "let out = side.div_ceil(stride); and then filters * channels * kernel * kernel * out * out.",
    ],
);

fn products([channels, filters, kernel]: [usize; 3], out: usize) -> usize {
    filters * channels * kernel * kernel * out * out
}

/// Checks `fn multiply_adds(channels, filters, kernel, side, stride) -> usize`.
pub fn multiply_adds(
    student: impl Fn(usize, usize, usize, usize, usize) -> usize + Copy + Send + 'static,
) -> Score {
    let case = move |[c, f, k]: [usize; 3], [side, stride]: [usize; 2]| {
        let sizes = [c, f, k];
        let out = side.div_ceil(stride);
        let name =
            format!("{f} filters of {k}x{k} on {c} channels of {side}x{side}, stride {stride}");
        let got = move || student(c, f, k, side, stride);
        Case::new(name, got, products(sizes, out))
            .mistake(
                "That is for one place. The filters are applied at every place of the output.",
                products(sizes, 1),
            )
            .mistake(
                "The stride makes the output smaller: count its places, not the input's.",
                products(sizes, side),
            )
            .mistake(
                "That is one row of the output: there are as many rows.",
                products(sizes, 1) * out,
            )
            .mistake(
                "The side is divided by the stride and rounded up.",
                products(sizes, side / stride),
            )
            .mistake("A filter reads every channel.", products([1, f, k], out))
    };
    Exercise::new(&MULTIPLY_ADDS)
        .check(case([3, 10, 5], [32, 1]))
        .check(case([3, 10, 5], [32, 2]))
        .check(case([8, 16, 3], [15, 2]))
        .seeded(2, 2002, move |draw| {
            let sizes = [
                draw.integer(4..=48),
                draw.integer(5..=64),
                draw.choice(&[3, 5]),
            ];
            case(sizes, [draw.integer(9..=32), draw.integer(1..=3)])
        })
        .run()
}

static WIDEST: About = About::new(
    "20-widest",
    "The widest hidden layer",
    1.0,
    [
        "A hidden layer of u units has a weight from each of the 3 * 32 * 32 pixel values to each unit, \
         and u biases. The last layer has 8 * u weights and 8 biases.",
        "3072 u + u + 8 u + 8 must be at most 100,000. Solve for u, and round down.",
    ],
);

/// Checks how many hidden units a fully connected network of one hidden layer may have.
pub fn widest(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    let cost = |units: usize| 3072 * units + units + 8 * units + 8;
    Exercise::new(&WIDEST)
        .check(
            Case::new("your answer", student, 32)
                .mistake("One unit too many: then it is over the budget.", 33)
                .mistake(
                    "A pixel has three colours, and each is an input of its own.",
                    96,
                )
                .mistake(
                    "A pixel has three colours, and each is an input of its own.",
                    97,
                ),
        )
        .property("it fits, and one unit more does not", move || {
            // (Without room for an overflow.)
            let units = student().min(1_000_000);
            match (cost(units) <= 100_000, cost(units + 1) <= 100_000) {
                (true, false) => Ok(()),
                (false, _) => Err(format!("{units} units have {} parameters", cost(units))),
                (true, true) => Err(format!(
                    "{} units would have {} parameters, and fit as well",
                    units + 1,
                    cost(units + 1)
                )),
            }
        })
        .run()
}

static STANDARD_ERROR: About = About::new(
    "20-standard-error",
    "The standard error of an accuracy",
    2.0,
    [
        "p is right / shown, as floating-point numbers. Then put p and the number of images into the \
         formula.",
        "let p = right as f64 / shown as f64; (p * (1.0 - p) / shown as f64).sqrt()",
    ],
);

fn share([right, shown]: [usize; 2]) -> f64 {
    right as f64 / shown as f64
}

fn error_of(counts: [usize; 2]) -> f64 {
    let p = share(counts);
    (p * (1.0 - p) / counts[1] as f64).sqrt()
}

/// Checks `fn standard_error(right: usize, shown: usize) -> f64`.
pub fn standard_error(student: impl Fn(usize, usize) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |right: usize, shown: usize| {
        let (p, n) = (share([right, shown]), shown as f64);
        let got = move || student(right, shown);
        Case::new(format!("{right} of {shown}"), got, error_of([right, shown]))
            .mistake("The root is missing.", p * (1.0 - p) / n)
            .mistake(
                "That is the spread of a single image: divide by the number of images under the root.",
                (p * (1.0 - p)).sqrt(),
            )
            .mistake(
                "The number of images belongs under the root.",
                (p * (1.0 - p)).sqrt() / n,
            )
            .mistake("Under the root stands p (1 - p).", (p / n).sqrt())
    };
    Exercise::new(&STANDARD_ERROR)
        .check(case(50, 100))
        .check(case(80, 100))
        .check(case(8000, 10_000))
        .seeded(2, 2003, move |draw| {
            let shown = draw.integer(200..=5000);
            case(shown * draw.integer(4..=9) / 10, shown)
        })
        .run()
}

static WILSON: About = About::new(
    "20-wilson",
    "The Wilson interval",
    3.0,
    [
        "Work out p, then the middle, then half the width, each in a variable of its own, all in f64. \
         The ends are middle - half and middle + half.",
        "let one = 1.0 + z * z / n; let middle = (p + z * z / (2.0 * n)) / one; let half = z / one * \
         (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();",
    ],
);

const Z: f64 = 1.96;

/// Wilson's interval, without its parts where they are left out.
fn interval(counts: [usize; 2], shrunk: bool, under_root: bool) -> [f64; 2] {
    let (n, p) = (counts[1] as f64, share(counts));
    let one = if shrunk { 1.0 + Z * Z / n } else { 1.0 };
    let more = if under_root {
        Z * Z / (4.0 * n * n)
    } else {
        0.0
    };
    let middle = (p + Z * Z / (2.0 * n)) / one;
    let half = Z / one * (p * (1.0 - p) / n + more).sqrt();
    [middle - half, middle + half]
}

/// Checks `fn wilson(right: usize, shown: usize) -> [f64; 2]`.
pub fn wilson(student: impl Fn(usize, usize) -> [f64; 2] + Copy + Send + 'static) -> Score {
    let case = move |right: usize, shown: usize| {
        let counts = [right, shown];
        let (p, se) = (share(counts), error_of(counts));
        let got = move || student(right, shown);
        let true_one = interval(counts, true, true);
        Case::new(format!("{right} of {shown}"), got, true_one)
            .mistake(
                "That is p plus and minus 1.96 standard errors, which fails near 0 and 1: Wilson's \
                 middle is not p.",
                [p - Z * se, p + Z * se],
            )
            .mistake(
                "Both the middle and the half width are divided by 1 + z z / n.",
                interval(counts, false, true),
            )
            .mistake(
                "Under the root there is a second term, z z / (4 n n).",
                interval(counts, true, false),
            )
            .mistake("The lower end comes first.", [true_one[1], true_one[0]])
    };
    Exercise::new(&WILSON)
        .tolerance(2e-5, 1e-4)
        .check(case(80, 100))
        .check(case(10, 10))
        .check(case(3, 40))
        .seeded(2, 2004, move |draw| {
            let shown = draw.integer(20..=300);
            case(shown * draw.integer(5..=9) / 10, shown)
        })
        .run()
}

static EMA: About = About::new(
    "20-ema",
    "A moving average of weights",
    2.0,
    [
        "Go over both lists at once: each new number is decay times the average's plus (1 - decay) \
         times the weights'.",
        "for i in 0..average.len() { new.push(decay * average[i] + (1.0 - decay) * weights[i]); }",
    ],
);

fn mixed(a: &[f32], w: &[f32], [of_a, of_w]: [f32; 2]) -> Vec<f32> {
    a.iter().zip(w).map(|(a, w)| of_a * a + of_w * w).collect()
}

/// Checks `fn ema(average: Vec<f32>, weights: Vec<f32>, decay: f32) -> Vec<f32>`.
pub fn ema(student: impl Fn(Vec<f32>, Vec<f32>, f32) -> Vec<f32> + Copy + Send + 'static) -> Score {
    let case = move |name: &str, a: Vec<f32>, w: Vec<f32>, decay: f32| {
        let of = |parts| mixed(&a, &w, parts);
        let right = of([decay, 1.0 - decay]);
        let turned = of([1.0 - decay, decay]);
        let grown = of([decay, 1.0]);
        let (half, new) = (of([0.5, 0.5]), w.clone());
        let name = format!("{name}, decay {decay}");
        Case::new(name, move || student(a.clone(), w.clone(), decay), right)
            .mistake(
                "The decay belongs to the average, so that it moves slowly; 1 - decay to the weights.",
                turned,
            )
            .mistake(
                "The two shares must add up to 1: multiply the weights by 1 - decay.",
                grown,
            )
            .mistake("That is the plain mean of the two.", half)
            .mistake("Those are the weights themselves.", new)
    };
    Exercise::new(&EMA)
        .check(case(
            "from 0 towards 1",
            vec![0.0, 0.0, 4.0],
            vec![1.0, 1.0, 4.0],
            0.75,
        ))
        .check(case("it stays", vec![2.0], vec![-3.0], 1.0))
        .seeded(2, 2005, move |draw| {
            let n = draw.integer(3..=9);
            let (a, w) = (draw.array1(n).to_vec(), draw.array1(n).to_vec());
            case(&format!("{n} drawn numbers"), a, w, 0.9)
        })
        .run()
}

static VIEWS: About = About::new(
    "20-views",
    "Two views, one answer",
    2.0,
    [
        "Add the two arrays: image by image, class by class. The class with the largest sum is also the \
         one with the largest mean.",
        "let sum = one + other; and for each row of it look for the largest number: begin with best = 0, \
         and where row[k] > row[best] set best = k.",
    ],
);

fn largest(scores: &Array2<f32>) -> Vec<usize> {
    let of = |row: ndarray::ArrayView1<'_, f32>| {
        (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
    };
    scores.rows().into_iter().map(of).collect()
}

/// Checks `fn best_of_views(one: Array2<f32>, other: Array2<f32>) -> Vec<usize>`.
pub fn views(
    student: impl Fn(Array2<f32>, Array2<f32>) -> Vec<usize> + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, one: Array2<f32>, other: Array2<f32>| {
        let right = largest(&(&one + &other));
        let (first, second) = (largest(&one), largest(&other));
        let mut most = one.clone();
        most.zip_mut_with(&other, |a, b| *a = a.max(*b));
        let got = move || student(one.clone(), other.clone());
        Case::new(name, got, right)
            .mistake("That is what the first view says alone.", first)
            .mistake("That is what the second view says alone.", second)
            .mistake(
                "That takes the surer of the two views. Wanted is the largest mean.",
                largest(&most),
            )
    };
    Exercise::new(&VIEWS)
        .check(case(
            "two images whose views disagree".into(),
            array![[0.5, 0.4, 0.1], [0.6, 0.1, 0.3]],
            array![[0.0, 0.42, 0.58], [0.0, 0.55, 0.45]],
        ))
        .check(case(
            "views that agree".into(),
            array![[0.1, 0.9]],
            array![[0.3, 0.7]],
        ))
        .seeded(2, 2006, move |draw| {
            let (n, classes) = (draw.integer(4..=7), draw.integer(3..=5));
            let mut scores = || {
                let mut all =
                    Array2::from_shape_simple_fn((n, classes), || draw.number(0.01..=1.0) as f32);
                for mut row in all.rows_mut() {
                    let sum = row.sum();
                    row /= sum;
                }
                all
            };
            let (one, other) = (scores(), scores());
            case(format!("{n} drawn images, {classes} classes"), one, other)
        })
        .run()
}

static FLATTERY: About = About::new(
    "20-flattery",
    "How much the best flatters",
    2.0,
    [
        "For each round find its best score. Take the mean of these over all rounds, and then the true \
         accuracy off it.",
        "let mut sum = 0.0; for round in &rounds { let mut best = 0.0; for score in round { best = \
         f64::max(best, *score); } sum += best; } and at last sum / rounds.len() as f64 - truth.",
    ],
);

fn best(scores: &[f64]) -> f64 {
    scores.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}

/// Checks `fn flattery(rounds: Vec<Vec<f64>>, truth: f64) -> f64`.
pub fn flattery(student: impl Fn(Vec<Vec<f64>>, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, rounds: Vec<Vec<f64>>, truth: f64| {
        let tops: Vec<f64> = rounds.iter().map(|r| best(r)).collect();
        let right = mean(&tops) - truth;
        let all = rounds.concat();
        Case::new(name, move || student(rounds.clone(), truth), right)
            .mistake("Take the true accuracy off it.", right + truth)
            .mistake("The sign is turned: how much too good is it?", -right)
            .mistake(
                "That is the best of all rounds. Take each round's best, and the mean of those.",
                best(&tops) - truth,
            )
            .mistake(
                "That is the mean of all scores. Take each round's best first.",
                mean(&all) - truth,
            )
    };
    Exercise::new(&FLATTERY)
        .check(case(
            "two rounds of three tries, truth 0.75".into(),
            vec![vec![0.75, 0.875, 0.5], vec![0.75, 0.625, 0.5]],
            0.75,
        ))
        .check(case(
            "one try a round, truth 0.5".into(),
            vec![vec![0.25], vec![1.0]],
            0.5,
        ))
        .seeded(2, 2007, move |draw| {
            let (n, tries) = (draw.integer(3..=6), draw.integer(2..=5));
            let mut one = || (0..tries).map(|_| draw.number(0.5..=1.0)).collect();
            let rounds: Vec<Vec<f64>> = (0..n).map(|_| one()).collect();
            case(
                format!("{n} rounds of {tries} drawn tries, truth 0.7"),
                rounds,
                0.7,
            )
        })
        .run()
}

static REFUSED: About = About::new(
    "20-refused",
    "What the host can know",
    1.0,
    [
        "The host has two files and nothing else: the weights and the recipe. What of these six can be \
         seen in them?",
        "It can count parameters, read every weight, tell one format of a file from another, and \
         compare files with those it has. It was not there when the network was trained.",
    ],
);

const TRUST: &str = "Nothing in the files tells these from an honest submission. The leaderboard has \
    to trust its authors there, or somebody has to follow the recipe again.";

/// Checks which of six submissions the host refuses.
pub fn refused(student: impl Fn() -> [bool; 6] + Copy + Send + 'static) -> Score {
    let seen = move || {
        let all = student();
        [all[0], all[2], all[4], all[5]]
    };
    let told = move || {
        let all = student();
        [all[1], all[3]]
    };
    Exercise::new(&REFUSED)
        .check(
            Case::new("1, 3, 5 and 6: what stands in the files", seen, [true; 4])
                .mistake("All of these can be seen in the files.", [false; 4]),
        )
        .check(
            Case::new("2 and 4: what only the maker knows", told, [false; 2])
                .mistake(TRUST, [true, true])
                .mistake(TRUST, [true, false])
                .mistake(TRUST, [false, true]),
        )
        .run()
}

static SURPRISE: About = About::new(
    "20-surprise",
    "By how many standard errors",
    3.0,
    [
        "Both accuracies have a standard error of their own. Squares of standard errors add up: the \
         difference's is the root of their sum.",
        "Call your standard_error for both. Then (p_valid - p_hidden) / (a * a + b * b).sqrt(), with \
         floating-point shares.",
    ],
);

/// Checks `fn surprise(valid: [usize; 2], hidden: [usize; 2]) -> f64`.
pub fn surprise(student: impl Fn([usize; 2], [usize; 2]) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |valid: [usize; 2], hidden: [usize; 2]| {
        let gap = share(valid) - share(hidden);
        let (a, b) = (error_of(valid), error_of(hidden));
        let right = gap / a.hypot(b);
        let [r, n] = valid;
        let [s, m] = hidden;
        let name = format!("{r} of {n} against {s} of {m}");
        Case::new(name, move || student(valid, hidden), right)
            .mistake("The sign is turned: validation less hidden.", -right)
            .mistake(
                "Standard errors do not add up, their squares do: the root of a a + b b.",
                gap / (a + b),
            )
            .mistake("That is the difference: divide by its standard error.", gap)
            .mistake("The validation score has a standard error, too.", gap / b)
            .mistake("The hidden score has a standard error, too.", gap / a)
            .mistake("The root is missing.", gap / (a * a + b * b))
    };
    Exercise::new(&SURPRISE)
        .check(case([90, 100], [80, 100]))
        .check(case([850, 1000], [1640, 2000]))
        .check(case([700, 1000], [1420, 2000]))
        .seeded(2, 2008, move |draw| {
            let valid = [draw.integer(600..=950), 1000];
            case(valid, [draw.integer(1200..=1900), 2000])
        })
        .run()
}

#[cfg(test)]
#[path = "n20_tests.rs"]
mod tests;
