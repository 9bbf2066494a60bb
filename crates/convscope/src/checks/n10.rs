//! The checks of notebook 10, Fine-tuning.

use crate::check::{About, Case, Exercise, Score};

pub(crate) const ALL: &[&About] = &[
    &ERROR_BAR,
    &PASSES,
    &HEAD_NUMBERS,
    &LEARNS,
    &RECIPE,
    &BY_DEPTH,
    &BATCH_NORM,
    &OLD_MEAN,
    &STRATEGY,
];

static ERROR_BAR: About = About::new(
    "10-error-bar",
    "How sure is an accuracy?",
    2.0,
    [
        "Each photograph is a coin that lands on \"right\" with probability p. The variance of one is \
         p (1 - p), and the mean of n of them has an n-th of it.",
        "(accuracy * (1.0 - accuracy) / n as f64).sqrt()",
    ],
);

/// Checks `fn error_bar(accuracy: f64, n: usize) -> f64`.
pub fn error_bar(student: impl Fn(f64, usize) -> f64 + Copy + Send + 'static) -> Score {
    let case =
        move |accuracy: f64, n: usize| {
            let variance = accuracy * (1.0 - accuracy);
            let name = format!("accuracy {accuracy:.3} on {n} photographs");
            let right = (variance / n as f64).sqrt();
            Case::new(name, move || student(accuracy, n), right)
            .mistake("That is the variance: the root is missing.", variance / n as f64)
            .mistake(
                "That is the spread of one photograph. The mean of n has an n-th of its variance.",
                variance.sqrt(),
            )
            .mistake("n belongs under the root.", variance.sqrt() / n as f64)
            .mistake(
                "The variance of one photograph is p (1 - p).",
                (accuracy / n as f64).sqrt(),
            )
        };
    Exercise::new(&ERROR_BAR)
        .check(case(0.5, 100))
        .check(case(0.9, 153))
        .seeded(2, 1001, move |draw| {
            let n = draw.integer(20..=1000);
            case(draw.number(0.6..=0.98), n)
        })
        .run()
}

static PASSES: About = About::new(
    "10-passes",
    "What running once spares",
    1.0,
    [
        "Without the trick every photograph goes through the frozen part in every epoch, to learn from \
         or to validate. With it, each goes through once.",
        "(244 + 153) * 11 - (244 + 153)",
    ],
);

/// Checks the number of passes that are spared, 244 and 153 photographs, 11 epochs.
pub fn passes(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    let (train, valid, epochs) = (244, 153, 11);
    let all = train + valid;
    Exercise::new(&PASSES)
        .check(
            Case::new("your answer", student, all * (epochs - 1))
                .mistake(
                    "One pass for each photograph is left: take it off.",
                    all * epochs,
                )
                .mistake(
                    "The photographs that validate go through the network, too.",
                    train * (epochs - 1),
                )
                .mistake("That is what is left. What is spared?", all)
                .mistake(
                    "The photographs that validate go through the network, too, and one pass for \
                     each is left.",
                    train * epochs,
                ),
        )
        .property(
            "it is a multiple of the number of photographs",
            move || match student() {
                n if n > 0 && n.is_multiple_of(all) => Ok(()),
                n => Err(format!("{n} is none of {all}")),
            },
        )
        .run()
}

static HEAD_NUMBERS: About = About::new(
    "10-head-numbers",
    "A head for eight people",
    1.0,
    [
        "Each person has a weight for every feature, and one number besides.",
        "512 features and 8 people: 512 * 8 weights and 8 biases.",
    ],
);

/// Checks the number of parameters of a linear head on 512 features for 8 classes.
pub fn head_numbers(student: impl Fn() -> usize + Copy + Send + 'static) -> Score {
    Exercise::new(&HEAD_NUMBERS)
        .check(
            Case::new("your answer", student, 512 * 8 + 8)
                .mistake("The biases are missing, one for each person.", 512 * 8)
                .mistake(
                    "There is one bias for each person, not for each feature.",
                    512 * 8 + 512,
                )
                .mistake(
                    "Each person needs a weight of their own for every feature.",
                    512 + 8,
                ),
        )
        .property(
            "it is the same number for each of the 8 people",
            move || match student() {
                n if n > 0 && n.is_multiple_of(8) => Ok(()),
                n => Err(format!("{n} cannot be shared out among 8")),
            },
        )
        .run()
}

static LEARNS: About = About::new(
    "10-learns",
    "Who learns?",
    2.0,
    [
        "A pattern means a parameter if it is its whole path, or if the path goes on with a dot right \
         behind it.",
        "For each pattern: path == *pattern || path.starts_with(&format!(\"{pattern}.\")). One that \
         fits is enough.",
    ],
);

fn means(path: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| {
        let rest = path.strip_prefix(pattern.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Checks `fn learns(path: String, patterns: Vec<String>) -> bool`.
pub fn learns(student: impl Fn(String, Vec<String>) -> bool + Copy + Send + 'static) -> Score {
    let case = move |path: &str, patterns: &[&str], said: &str| {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let name = format!("{path}, patterns {patterns:?}");
        let right = means(path, &patterns);
        let path = path.to_owned();
        let got = move || student(path.clone(), patterns.clone());
        Case::new(name, got, right).mistake(said, !right)
    };
    let dot = "\"features.1\" is not the beginning of the node's name \"features.12\": a dot must follow.";
    Exercise::new(&LEARNS)
        .check(case(
            "head.fc1.weight",
            &["head"],
            "What lies below a pattern learns.",
        ))
        .check(case(
            "features.12.squeeze.bias",
            &["head", "features.12"],
            "One pattern that fits is enough.",
        ))
        .check(case(
            "features.12.squeeze.bias",
            &["head", "features.1"],
            dot,
        ))
        .check(case(
            "conv1.weight",
            &["conv1.weight"],
            "The whole path is a pattern, too.",
        ))
        .check(case(
            "conv1.weight",
            &["weight"],
            "A pattern is the beginning of a path, not any part of it.",
        ))
        .check(case(
            "conv1.weight",
            &[],
            "Where there is no pattern, everything is frozen.",
        ))
        .check(case("conv10.weight", &["conv1"], dot))
        .run()
}

static RECIPE: About = About::new(
    "10-recipe",
    "The lecture's recipe",
    3.0,
    [
        "Three rows, one for each stage, and in each row the rates of head, top and lower layers. What is \
         frozen has the rate 0.",
        "[[rate, 0.0, 0.0], [rate / 10.0, rate / 10.0, 0.0], [rate / 10.0, rate / 10.0, rate / 100.0]]",
    ],
);

fn lecture(rate: f64) -> [[f64; 3]; 3] {
    let (tenth, hundredth) = (rate / 10.0, rate / 100.0);
    [
        [rate, 0.0, 0.0],
        [tenth, tenth, 0.0],
        [tenth, tenth, hundredth],
    ]
}

/// Checks `fn recipe(rate: f64) -> [[f64; 3]; 3]`: stages by head, top, lower layers.
pub fn recipe(student: impl Fn(f64) -> [[f64; 3]; 3] + Copy + Send + 'static) -> Score {
    let case = move |rate: f64| {
        let right = lecture(rate);
        let [first, second, third] = right;
        let turned = std::array::from_fn(|i| std::array::from_fn(|j| right[j][i]));
        let full = [
            first,
            [rate, rate / 10.0, 0.0],
            [rate, rate / 10.0, rate / 100.0],
        ];
        let all = [third; 3];
        let hundred = rate / 100.0;
        let forgets = [first, second, [rate / 10.0, hundred, hundred]];
        Case::new(format!("rate {rate}"), move || student(rate), right)
            .mistake("Rows are stages, columns are head, top and lower layers.", turned)
            .mistake(
                "From the second stage on the head, too, learns at a tenth: it knows its task by then.",
                full,
            )
            .mistake("In the first stage the head learns alone.", all)
            .mistake("In the third stage the top stays at a tenth; only the lower layers go at a hundredth.", forgets)
    };
    Exercise::new(&RECIPE)
        .tolerance(1e-12, 1e-6)
        .check(case(1.0))
        .check(case(0.002))
        .seeded(1, 1002, move |draw| case(draw.number(0.01..=0.1)))
        .run()
}

static BY_DEPTH: About = About::new(
    "10-by-depth",
    "Rates that fall with depth",
    2.0,
    [
        "Begin at the last group, which has the rate `top`, and divide by the factor for each one below \
         it. The list begins with the lowest.",
        "For group k of 0 to groups - 1 there are groups - 1 - k groups above it: top / \
         factor.powi((groups - 1 - k) as i32).",
    ],
);

/// Checks `fn rates_by_depth(groups: usize, top: f64, factor: f64) -> Vec<f64>`, the lowest first.
pub fn by_depth(student: impl Fn(usize, f64, f64) -> Vec<f64> + Copy + Send + 'static) -> Score {
    let case = move |groups: usize, top: f64, factor: f64| {
        let below = |k: usize| top / factor.powi(k as i32);
        let right: Vec<f64> = (0..groups).rev().map(below).collect();
        let turned: Vec<f64> = (0..groups).map(below).collect();
        let one_more: Vec<f64> = (1..=groups).rev().map(below).collect();
        let linear: Vec<f64> = (1..=groups)
            .rev()
            .map(|k| top / (factor * k as f64))
            .collect();
        let name = format!("{groups} groups, the last at {top:.3}, factor {factor:.1}");
        Case::new(name, move || student(groups, top, factor), right)
            .mistake(
                "The list begins with the lowest group, which has the smallest rate.",
                turned,
            )
            .mistake("The last group has the rate `top` itself.", one_more)
            .mistake(
                "Divide by the factor again for each group, not by its multiples.",
                linear,
            )
    };
    Exercise::new(&BY_DEPTH)
        .tolerance(1e-12, 1e-5)
        .check(case(3, 1.0, 10.0))
        .check(case(1, 0.1, 2.6))
        .seeded(2, 1003, move |draw| {
            let groups = draw.integer(2..=6);
            case(groups, draw.number(0.01..=0.2), draw.number(1.5..=3.0))
        })
        .run()
}

static BATCH_NORM: About = About::new(
    "10-batch-norm",
    "A frozen batch norm",
    3.0,
    [
        "The formula is the same both times: gamma * (x - m) / sqrt(v + 1e-5) + beta. If the layer is \
         kept, m and v are the running ones that were given; else they are those of the batch.",
        "let (m, v) = if kept { (mean, variance) } else { ... }: the batch's mean is the sum by x.len(), \
         its variance the mean of (value - m) squared.",
    ],
);

#[derive(Clone, Debug)]
struct Norm {
    running: [f64; 2],
    gamma: f64,
    beta: f64,
    kept: bool,
}

fn normalised(x: &[f64], norm: &Norm) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let [mean, variance] = if norm.kept {
        norm.running
    } else {
        [mean, variance]
    };
    let scale = norm.gamma / (variance + 1e-5).sqrt();
    x.iter().map(|v| scale * (v - mean) + norm.beta).collect()
}

/// Checks `fn batch_norm(x, mean, variance, gamma, beta, kept) -> Vec<f64>`.
pub fn batch_norm(
    student: impl Fn(Vec<f64>, f64, f64, f64, f64, bool) -> Vec<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, x: Vec<f64>, norm: Norm| {
        let right = normalised(&x, &norm);
        let other = Norm {
            kept: !norm.kept,
            ..norm.clone()
        };
        let bare = Norm {
            gamma: 1.0,
            beta: 0.0,
            ..norm.clone()
        };
        let other = normalised(&x, &other);
        let bare = normalised(&x, &bare);
        let [mean, variance] = norm.running;
        let by_variance = x
            .iter()
            .map(|v| norm.gamma * (v - mean) / (variance + 1e-5) + norm.beta);
        let by_variance: Vec<f64> = by_variance.collect();
        let said = match norm.kept {
            true => {
                "A kept batch norm does not look at the batch: use the running mean and variance."
            }
            false => "If it is not kept, the batch's own mean and variance count.",
        };
        let Norm {
            gamma, beta, kept, ..
        } = norm;
        let got = move || student(x.clone(), mean, variance, gamma, beta, kept);
        Case::new(format!("{name}, kept: {kept}"), got, right)
            .mistake(said, other)
            .mistake("gamma and beta are missing. They hold in both cases.", bare)
            .mistake("Divide by the root of the variance.", by_variance)
    };
    let norm = |kept: bool| Norm {
        running: [1.0, 4.0],
        gamma: 2.0,
        beta: -1.0,
        kept,
    };
    Exercise::new(&BATCH_NORM)
        .tolerance(1e-4, 1e-3)
        .check(case("1, 3, 5, 7", vec![1.0, 3.0, 5.0, 7.0], norm(true)))
        .check(case("1, 3, 5, 7", vec![1.0, 3.0, 5.0, 7.0], norm(false)))
        .seeded(2, 1004, move |draw| {
            let n = draw.integer(3..=8);
            let x = draw.array1(n).iter().map(|v| f64::from(*v)).collect();
            let running = [draw.number(-1.0..=1.0), draw.number(0.5..=3.0)];
            let (gamma, beta) = (draw.number(0.5..=2.0), draw.number(0.2..=1.0));
            let kept = draw.integer(0..=1) == 1;
            case(
                &format!("{n} drawn numbers"),
                x,
                Norm {
                    running,
                    gamma,
                    beta,
                    kept,
                },
            )
        })
        .run()
}

static OLD_MEAN: About = About::new(
    "10-old-mean",
    "What is left of the old mean",
    1.0,
    [
        "Each step keeps nine tenths of what was there.",
        "Nine tenths of nine tenths of ... , 20 times: 0.9 to the power of 20.",
    ],
);

/// Checks the share of the old running mean after 20 steps at momentum 0.1.
pub fn old_mean(student: impl Fn() -> f64 + Copy + Send + 'static) -> Score {
    Exercise::new(&OLD_MEAN)
        .tolerance(2e-3, 0.0)
        .check(
            Case::new("your answer", student, 0.9_f64.powi(20))
                .mistake(
                    "That is what has gone. What is left?",
                    1.0 - 0.9_f64.powi(20),
                )
                .mistake(
                    "Each step takes a tenth of what is left then, not of the beginning.",
                    0.0,
                ),
        )
        .property("it is a share", move || match student() {
            share if share > 0.01 && share < 1.0 => Ok(()),
            share => Err(format!("{share} is no share between 0.01 and 1")),
        })
        .run()
}

static STRATEGY: About = About::new(
    "10-strategy",
    "The two-by-two table",
    2.0,
    [
        "Two questions: are there at least 100 images of each class, and are the images like those that \
         the network was trained on? Four answers.",
        "Little and similar: \"head\". Little and different: \"earlier\". Much and similar: \"top\". Much \
         and different: \"all\".",
    ],
);

fn advised(per_class: usize, similar: bool) -> &'static str {
    match (per_class >= 100, similar) {
        (false, true) => "head",
        (false, false) => "earlier",
        (true, true) => "top",
        (true, false) => "all",
    }
}

/// Checks `fn strategy(per_class: usize, similar: bool) -> String`.
pub fn strategy(student: impl Fn(usize, bool) -> String + Copy + Send + 'static) -> Score {
    let case = move |per_class: usize, similar: bool| {
        let kind = if similar { "similar" } else { "different" };
        let name = format!("{per_class} images a class, {kind}");
        let right = advised(per_class, similar);
        let mut case = Case::new(name, move || student(per_class, similar), right.to_owned());
        for (answer, said) in [
            (
                advised(per_class, !similar),
                "Is the task like the old one? The other column is meant.",
            ),
            (
                advised(if per_class >= 100 { 1 } else { 100 }, similar),
                "Little is fewer than 100 images a class, much is 100 and more.",
            ),
            (
                advised(if per_class >= 100 { 1 } else { 100 }, !similar),
                "Both questions are turned around.",
            ),
        ] {
            case = case.mistake(said, answer.to_owned());
        }
        case
    };
    Exercise::new(&STRATEGY)
        .check(case(10, true))
        .check(case(10, false))
        .check(case(250, true))
        .check(case(250, false))
        .check(case(100, true))
        .check(case(99, false))
        .run()
}

#[cfg(test)]
#[path = "n10_tests.rs"]
mod tests;
