//! Every check of notebook 02: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::check::progress::in_test_folder;
use crate::checks::testing::{UNWRITTEN, judge};
use convscope_nn::Padding;

type Softmax = fn(Array1<f64>) -> Array1<f64>;

fn shifted(z: &Array1<f64>) -> Array1<f64> {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    z - top
}

#[test]
fn softmax_must_survive_large_logits() {
    let right: Softmax = |z| {
        let e = shifted(&z).mapv(f64::exp);
        &e / e.sum()
    };
    let by_size: Softmax = |z| {
        let top = z.iter().fold(0f64, |m, v| m.max(v.abs()));
        let e = (&z - top).mapv(f64::exp);
        &e / e.sum()
    };
    judge(
        softmax,
        right,
        &[
            (
                |z| &z.mapv(f64::exp) / z.mapv(f64::exp).sum(),
                "infinity divided by infinity",
            ),
            (
                |z| z.mapv(f64::exp),
                "Divide by the sum of the exponentials",
            ),
            (|z| shifted(&z).mapv(f64::exp), "now divide by the sum"),
            (|z| &z / z.sum(), "Take exp of each"),
            (by_size, "not the largest size"),
            (|_| todo!("write softmax"), UNWRITTEN),
        ],
    );
}

type CrossEntropy = fn(Array1<f64>, usize) -> f64;

fn share(z: &Array1<f64>, label: usize) -> f64 {
    let e = shifted(z).mapv(f64::exp);
    e[label] / e.sum()
}

#[test]
fn cross_entropy_must_not_take_the_log_of_zero() {
    let right: CrossEntropy = |z, label| {
        let z = shifted(&z);
        z.mapv(f64::exp).sum().ln() - z[label]
    };
    judge(
        cross_entropy,
        right,
        &[
            (
                |z, label| -share(&z, label).ln(),
                "The logarithm of 0 is minus infinity",
            ),
            (|z, label| share(&z, label).ln(), "The sign"),
            (|z, label| share(&z, label), "This is p itself"),
            (
                |z, label| -(1.0 - share(&z, label)).ln(),
                "right class alone",
            ),
            (|z, label| -share(&z, label).log10(), "not log10"),
            (|z, label| -share(&z, label).log2(), "not log2"),
            (
                |z, label| z.mapv(f64::exp).sum().ln() - z[label],
                "take the largest logit off first",
            ),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn parameters_are_counted_with_their_biases() {
    let right: fn() -> [usize; 3] = || [320, 0, 250_890];
    judge(
        parameters,
        right,
        &[
            (|| [288, 0, 250_880], "without the biases"),
            (|| [320, 0, 216_330], "stay 28 x 28"),
            (|| [10, 0, 250_890], "There are 32"),
            (|| [320, 25_088, 250_890], "nothing to learn"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

fn built(conv: Conv2d, outputs: usize, fc: Init, seed: u64) -> Result<Network> {
    Network::input([1, 28, 28])
        .add("conv1", conv)
        .add("relu1", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(outputs).init(fc))
        .build(seed)
}

#[test]
fn a_network_is_checked_by_its_nodes_shapes_weights_and_seed() {
    let right: fn(u64) -> Result<Network> = course_cnn1;
    judge(
        cnn1,
        right,
        &[
            (
                |s| built(Conv2d::new(32, 3).init(Init::Xavier), 10, Init::Xavier, s),
                ".same() keeps the size",
            ),
            (
                |s| {
                    built(
                        Conv2d::new(16, 3).same().init(Init::Xavier),
                        10,
                        Init::Xavier,
                        s,
                    )
                },
                "32 filters",
            ),
            (
                |s| built(Conv2d::new(32, 3).same(), 10, Init::Xavier, s),
                "Xavier's rule",
            ),
            (
                |s| {
                    built(
                        Conv2d::new(32, 3).same().init(Init::Xavier),
                        10,
                        Init::He,
                        s,
                    )
                },
                "draws fc.weight",
            ),
            (|_| course_cnn1(7), "pass `seed` on"),
            (
                |s| {
                    Network::input([1, 28, 28])
                        .add("flatten", Flatten)
                        .add("fc", Linear::new(10))
                        .build(s)
                },
                "got flatten, fc",
            ),
            (
                |s| {
                    Network::input([1, 28, 28])
                        .add("fc", Linear::new(10))
                        .build(s)
                },
                "could not be built",
            ),
            (|_| todo!(), UNWRITTEN),
        ],
    );
    let padded = |s| {
        let conv = Conv2d::new(32, 3)
            .padding(Padding::Each(1))
            .init(Init::Xavier);
        built(conv, 10, Init::Xavier, s)
    };
    let score = in_test_folder(|| cnn1(padded));
    assert_eq!(
        score.points(),
        score.max(),
        "padding by hand is as good: {score}"
    );
}

#[test]
fn a_cnn1_that_is_not_ready_is_replaced() {
    let first = |net: Network| net.parameter("conv1.weight").unwrap().clone();
    let ours = first(course_cnn1(3).unwrap());
    assert_eq!(first(your_cnn1(|_| todo!(), 3).unwrap()), ours);
    assert_eq!(
        first(your_cnn1(|s| built(Conv2d::new(32, 3), 10, Init::Xavier, s), 3).unwrap()),
        ours
    );
    let yours = |s| course_cnn1(s + 1);
    assert_ne!(first(your_cnn1(yours, 3).unwrap()), ours);
}

type Standardise = fn(Array2<f32>, Array2<f32>) -> Array2<f32>;

#[test]
fn standardising_takes_its_numbers_from_the_training_set() {
    let right: Standardise = |x, t| by_columns(&x, &t, 0.0);
    let wrong: [(Standardise, &str); 9] = [
        (|x, _| by_columns(&x, &x, 0.0), "come from `images` itself"),
        (
            |x, t| by_columns(&x, &ndarray::concatenate![Axis(0), t, x], 0.0),
            "`train` and `images` together",
        ),
        (
            |x, _| {
                let x = x.t().to_owned();
                by_columns(&x, &x, 0.0).t().to_owned()
            },
            "every pixel (a column)",
        ),
        (
            |x, t| (&x - t.mean().unwrap()) / t.std(0.0),
            "One mean and one standard deviation",
        ),
        (
            |x, t| (&x - &mean(&t)) / &t.std_axis(Axis(0), 0.0),
            "gives NaN or infinity",
        ),
        (
            |x, t| (&x - &mean(&t)) / &t.std_axis(Axis(0), 0.0).mapv(|s| s + 1e-6),
            "makes a pixel that changes only in the test set enormous",
        ),
        (|x, t| &x - &mean(&t), "now divide"),
        (|x, t| by_columns(&x, &t, 1.0), "not by N - 1"),
        (|_, _| todo!(), UNWRITTEN),
    ];
    judge(standardise, right, &wrong);
}

type Accuracy = fn(Vec<usize>, Vec<usize>) -> f64;

fn hits(p: &[usize], l: &[usize]) -> usize {
    p.iter().zip(l).filter(|(p, l)| p == l).count()
}

#[test]
fn accuracy_is_a_share_of_right_answers() {
    let right: Accuracy = |p, l| hits(&p, &l) as f64 / l.len() as f64;
    let wrong: [(Accuracy, &str); 5] = [
        (
            |p, l| 1.0 - hits(&p, &l) as f64 / l.len() as f64,
            "share of wrong answers",
        ),
        (|p, l| hits(&p, &l) as f64, "That is their number"),
        (
            |p, l| 100.0 * hits(&p, &l) as f64 / l.len() as f64,
            "per cent",
        ),
        (|p, l| (hits(&p, &l) / l.len()) as f64, "rounds down"),
        (|_, _| todo!(), UNWRITTEN),
    ];
    judge(accuracy, right, &wrong);
}

#[test]
fn the_standard_error_is_a_root() {
    let right: fn(f64, usize) -> f64 = |p, n| (p * (1.0 - p) / n as f64).sqrt();
    judge(
        standard_error,
        right,
        &[
            (|p, n| p * (1.0 - p) / n as f64, "take its square root"),
            (|p, _| (p * (1.0 - p)).sqrt(), "spread of one answer"),
            (|p, n| (p * (1.0 - p)).sqrt() / n as f64, "under the root"),
            (|p, n| (p / n as f64).sqrt(), "not p."),
            (|_, _| todo!(), UNWRITTEN),
        ],
    );
    let right: fn() -> f64 = || 90_000.0;
    judge(
        images_needed,
        right,
        &[
            (|| 900.0, "not 0.01"),
            (|| 90.0, "squared"),
            (|| f64::NAN, "NaN"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}

#[test]
fn rows_and_columns_are_told_apart() {
    let right: fn() -> [f64; 2] = || [0.9, 0.815];
    judge(
        confusion,
        right,
        &[
            (|| [45.0 / 53.0, 44.0 / 50.0], "You divided by the row"),
            (|| [0.815, 0.9], "wrong order"),
            (|| [0.3, 0.293], "not by all images"),
            (|| todo!(), UNWRITTEN),
        ],
    );
}
