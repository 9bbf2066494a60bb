//! Every check of notebook 03: the right answer passes, typical mistakes are named, and what is not
//! written yet is said kindly.

use super::*;
use crate::checks::testing::{UNWRITTEN, judge};

#[test]
fn the_first_loss_is_the_logarithm_of_the_number_of_classes() {
    for (classes, lecture) in [(10.0_f64, 23026.0), (8.0, 20794.0)] {
        assert_eq!((classes.ln() * 1e4).round(), lecture);
    }
    let right: fn(usize) -> f64 = |c| (c as f64).ln();
    let wrong: [(fn(usize) -> f64, &str); 6] = [
        (|c| (1.0 / c as f64).ln(), "The sign"),
        (|c| 1.0 / c as f64, "That is the probability"),
        (|c| (c as f64).log10(), "not log10"),
        (|c| (c as f64).log2(), "not log2"),
        (|c| -((1 / c) as f64).ln(), "two whole numbers"),
        (|_| todo!(), UNWRITTEN),
    ];
    judge(first_loss, right, &wrong);
}

#[test]
fn growth_is_that_of_the_mean_square() {
    let right: fn(usize, f64) -> f64 = |n, s| n as f64 * s * s / 2.0;
    let wrong: [(fn(usize, f64) -> f64, &str); 6] = [
        (|n, s| n as f64 * s * s, "before the ReLU"),
        (|n, s| (n as f64 * s * s / 2.0).sqrt(), "the mean square"),
        (|n, s| n as f64 * s / 2.0, "std squared"),
        (|_, s| s * s / 2.0, "not their mean"),
        (|n, s| n as f64 * s * s * 2.0, "does not double"),
        (|_, _| todo!(), UNWRITTEN),
    ];
    judge(growth, right, &wrong);
}

#[test]
fn he_counts_every_channel_of_the_window() {
    let right: fn(usize, usize) -> f64 = |c, f| (2.0 / (c * f * f) as f64).sqrt();
    let wrong: [(fn(usize, usize) -> f64, &str); 6] = [
        (|c, f| (1.0 / (c * f * f) as f64).sqrt(), "takes half"),
        (|c, f| 2.0 / (c * f * f) as f64, "square root"),
        (|_, f| (2.0 / (f * f) as f64).sqrt(), "every channel"),
        (|c, f| (2.0 / (c * f) as f64).sqrt(), "size * size places"),
        (|c, f| ((c * f * f) as f64 / 2.0).sqrt(), "must shrink"),
        (|_, _| todo!(), UNWRITTEN),
    ];
    judge(he_std, right, &wrong);
}

#[test]
fn a_start_at_zero_learns_ten_numbers() {
    let right: fn() -> f64 = || 10.0;
    let wrong: [(fn() -> f64, &str); 4] = [
        (|| 418_060.0, "a gradient of 0"),
        (|| 510.0, "their input is 0"),
        (|| 0.0, "the last row"),
        (|| todo!(), UNWRITTEN),
    ];
    judge(zero_start, right, &wrong);
}

type ReluUnit = fn([f64; 2], [f64; 2]) -> [f64; 3];

fn z(w: [f64; 2], x: [f64; 2]) -> f64 {
    w[0] * x[0] + w[1] * x[1]
}

#[test]
fn a_unit_below_zero_has_no_gradient() {
    let right: ReluUnit = |w, x| {
        let slope = f64::from(u8::from(z(w, x) > 0.0));
        [z(w, x), slope * x[0], slope * x[1]]
    };
    let [below, above] = [[1.0, 20.0], [20.0, 10.0]].map(|x| right([0.1, -0.1], x));
    assert!((below[0] + 1.9).abs() < 1e-12 && below[1..] == [0.0, 0.0]);
    assert!((above[0] - 1.0).abs() < 1e-12 && above[1..] == [20.0, 10.0]);
    let wrong: [(ReluUnit, &str); 6] = [
        (|w, x| [z(w, x), x[0], x[1]], "slope of ReLU is missing"),
        (
            |w, x| match z(w, x) > 0.0 {
                true => [z(w, x), x[0], x[1]],
                false => [0.0; 3],
            },
            "before the ReLU",
        ),
        (
            |w, x| match z(w, x) > 0.0 {
                true => [z(w, x), w[0], w[1]],
                false => [z(w, x), 0.0, 0.0],
            },
            "with respect to x",
        ),
        (
            |w, x| match z(w, x) > 0.0 {
                true => [z(w, x), 1.0, 1.0],
                false => [z(w, x), 0.0, 0.0],
            },
            "That is dy/dz",
        ),
        (
            |w, x| match z(w, x) > 0.0 {
                true => [z(w, x), x[1], x[0]],
                false => [z(w, x), 0.0, 0.0],
            },
            "comes before",
        ),
        (|_, _| todo!(), UNWRITTEN),
    ];
    judge(relu_unit, right, &wrong);
}

type BatchNorm = fn(Array2<f64>, Array1<f64>, Array1<f64>, f64) -> Array2<f64>;

#[test]
fn batch_norm_is_by_columns_with_eps_under_the_root() {
    let right: BatchNorm = |x, g, b, eps| normal(&x, eps) * &g + &b;
    let wrong: [(BatchNorm, &str); 8] = [
        (|x, _, _, eps| normal(&x, eps), "gamma and beta are missing"),
        (
            |x, g, b, eps| (&x - &mean(&x)) / &(x.var_axis(Axis(0), 0.0) + eps) * &g + &b,
            "take its root",
        ),
        (
            |x, g, b, eps| (&x - &mean(&x)) / &(x.std_axis(Axis(0), 0.0) + eps) * &g + &b,
            "before the root",
        ),
        (
            |x, g, b, eps| {
                let var = x.var_axis(Axis(0), 1.0) + eps;
                (&x - &mean(&x)) / &var.mapv(f64::sqrt) * &g + &b
            },
            "not by N - 1",
        ),
        (
            |x, g, b, eps| (normal(&x, eps) + &b) * &g,
            "First times gamma",
        ),
        (
            |x, g, b, _| (&x - &mean(&x)) / &x.std_axis(Axis(0), 0.0) * &g + &b,
            "divided by 0",
        ),
        (
            |x, g, b, eps| &x / &(x.var_axis(Axis(0), 0.0) + eps).mapv(f64::sqrt) * &g + &b,
            "not taken off",
        ),
        (|_, _, _, _| todo!(), UNWRITTEN),
    ];
    judge(batch_norm, right, &wrong);
}

type Undo = fn(Array1<f64>, f64) -> [f64; 2];

#[test]
fn batch_norm_undoes_itself_with_its_own_standard_deviation_and_mean() {
    let right: Undo = |x, eps| [(x.var(0.0) + eps).sqrt(), x.mean().unwrap()];
    let wrong: [(Undo, &str); 6] = [
        (
            |x, eps| [x.mean().unwrap(), (x.var(0.0) + eps).sqrt()],
            "gamma comes first",
        ),
        (
            |x, eps| [x.var(0.0) + eps, x.mean().unwrap()],
            "take the root",
        ),
        (|x, _| [x.std(0.0), x.mean().unwrap()], "eps is missing"),
        (
            |x, eps| [1.0 / (x.var(0.0) + eps).sqrt(), x.mean().unwrap()],
            "multiplies by std",
        ),
        (
            |x, eps| [(x.var(0.0) + eps).sqrt(), -x.mean().unwrap()],
            "mind the sign",
        ),
        (|_, _| todo!(), UNWRITTEN),
    ];
    judge(undo, right, &wrong);
}

type ScaleGradients = fn(Array2<f64>, Array2<f64>, f64) -> (Array1<f64>, Array1<f64>);

#[test]
fn gamma_and_beta_gather_over_the_images() {
    let right: ScaleGradients = |x, dy, eps| {
        let dgamma = (&dy * &normal(&x, eps)).sum_axis(Axis(0));
        (dgamma, dy.sum_axis(Axis(0)))
    };
    let wrong: [(ScaleGradients, &str); 4] = [
        (
            |x, dy, eps| {
                let dgamma = (&dy * &normal(&x, eps)).sum_axis(Axis(0));
                (dy.sum_axis(Axis(0)), dgamma)
            },
            "comes first",
        ),
        (
            |x, dy, _| ((&dy * &x).sum_axis(Axis(0)), dy.sum_axis(Axis(0))),
            "not x itself",
        ),
        (
            |x, dy, eps| (mean(&(&dy * &normal(&x, eps))), mean(&dy)),
            "not means",
        ),
        (|_, _, _| todo!(), UNWRITTEN),
    ];
    judge(scale_gradients, right, &wrong);
}

type InputGradient = fn(Array2<f64>, Array1<f64>, Array2<f64>, f64) -> Array2<f64>;

fn spread(x: &Array2<f64>, eps: f64) -> Array1<f64> {
    (x.var_axis(Axis(0), 0.0) + eps).mapv(f64::sqrt)
}

fn backward(x: Array2<f64>, gamma: Array1<f64>, dy: Array2<f64>, eps: f64) -> Array2<f64> {
    let (hat, g) = (normal(&x, eps), &dy * &gamma);
    let b = mean(&(&g * &hat));
    (&g - &mean(&g) - &hat * &b) / &spread(&x, eps)
}

#[test]
fn the_gradient_goes_through_mean_and_standard_deviation_too() {
    let right: InputGradient = backward;
    let wrong: [(InputGradient, &str); 7] = [
        (
            |x, gamma, dy, eps| &dy * &gamma / &spread(&x, eps),
            "for constants",
        ),
        (
            |x, gamma, dy, eps| {
                let g = &dy * &gamma;
                (&g - &mean(&g)) / &spread(&x, eps)
            },
            "through the standard deviation",
        ),
        (
            |x, gamma, dy, eps| {
                let (hat, g) = (normal(&x, eps), &dy * &gamma);
                let b = mean(&(&g * &hat));
                (&g - &hat * &b) / &spread(&x, eps)
            },
            "through the mean",
        ),
        (
            |x, gamma, dy, eps| {
                let std = spread(&x, eps);
                backward(x, gamma, dy, eps) * &std
            },
            "divided by the standard deviation",
        ),
        (
            |x, gamma, dy, eps| backward(x, Array1::ones(gamma.len()), dy, eps),
            "times gamma",
        ),
        (
            |x, gamma, dy, eps| {
                let (hat, g) = (normal(&x, eps), &dy * &gamma);
                let b = (&g * &hat).sum_axis(Axis(0));
                (&g - &g.sum_axis(Axis(0)) - &hat * &b) / &spread(&x, eps)
            },
            "not sums",
        ),
        (|_, _, _, _| todo!(), UNWRITTEN),
    ];
    judge(input_gradient, right, &wrong);
}

#[test]
fn the_reference_gradient_is_that_of_finite_differences() {
    let x = array![[1.0, -2.0], [3.0, 0.5], [4.0, 1.0], [-1.0, 2.0]];
    let (gamma, eps) = (array![1.5, -0.5], 1e-3);
    let dy = array![[0.3, 1.0], [-1.0, 0.2], [0.5, 0.5], [2.0, -0.7]];
    let dx = backward(x.clone(), gamma.clone(), dy.clone(), eps);
    let loss = |x: &Array2<f64>| (normal(x, eps) * &gamma * &dy).sum();
    for (index, analytic) in dx.indexed_iter() {
        let at = |step: f64| {
            let mut moved = x.clone();
            moved[index] += step;
            loss(&moved)
        };
        let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((numeric - analytic).abs() < 1e-8, "{numeric} {analytic}");
    }
}

type Expected = fn([f64; 2], [f64; 2], f64) -> f64;

#[test]
fn dropout_multiplies_by_the_probability_of_keeping() {
    let right: Expected = |w, x, p| (1.0 - p) * z(w, x);
    let wrong: [(Expected, &str); 6] = [
        (|w, x, p| p * z(w, x), "probability of dropping"),
        (|w, x, p| (1.0 - p) * (1.0 - p) * z(w, x), "both are kept"),
        (|w, x, _| z(w, x), "nothing dropped"),
        (|w, x, p| z(w, x) / (1.0 - p), "inverted dropout"),
        (|w, x, _| z(w, x) / 2.0, "equally likely"),
        (|_, _, _| todo!(), UNWRITTEN),
    ];
    judge(expected, right, &wrong);
}

type Drop = fn(Array1<f64>, Array1<f64>, f64) -> Array1<f64>;

fn thrown(
    x: &Array1<f64>,
    coins: &Array1<f64>,
    falls: fn(f64, f64) -> bool,
    drop: f64,
) -> Array1<f64> {
    let keep = |(x, coin): (&f64, &f64)| if falls(*coin, drop) { 0.0 } else { *x };
    x.iter().zip(coins).map(keep).collect()
}

#[test]
fn what_dropout_keeps_is_scaled_up() {
    let right: Drop = |x, c, p| thrown(&x, &c, |c, p| c < p, p) / (1.0 - p);
    let wrong: [(Drop, &str); 5] = [
        (|x, c, p| thrown(&x, &c, |c, p| c < p, p), "must be divided"),
        (
            |x, c, p| thrown(&x, &c, |c, p| c < p, p) * (1.0 - p),
            "do not multiply",
        ),
        (
            |x, c, p| thrown(&x, &c, |c, p| c < p, p) / p,
            "probability of keeping",
        ),
        (
            |x, c, p| thrown(&x, &c, |c, p| c >= p, p) / (1.0 - p),
            "not the others",
        ),
        (|_, _, _| todo!(), UNWRITTEN),
    ];
    judge(dropout, right, &wrong);
}

#[test]
fn cnn2_is_counted_with_what_batch_norm_gathers() {
    let right: fn() -> [usize; 4] = || [1168, 32, 31_400, 176];
    let wrong: [(fn() -> [usize; 4], &str); 5] = [
        (|| [1152, 32, 31_360, 176], "without the biases"),
        (|| [2320, 32, 31_400, 176], "not 16"),
        (|| [1168, 64, 31_400, 88], "gathered, not learned"),
        (|| [1168, 16, 125_480, 96], "two poolings"),
        (|| todo!(), UNWRITTEN),
    ];
    judge(counts, right, &wrong);
}

fn with_block(block: fn(NetworkBuilder) -> NetworkBuilder, seed: u64) -> Result<Network> {
    let mut net = Network::input([1, 28, 28]);
    for i in 1..3 {
        net = net
            .add(&format!("conv{i}"), Conv2d::new(8, 3).same())
            .add(&format!("bn{i}"), BatchNorm2d::new())
            .add(&format!("relu{i}"), Relu);
    }
    let net = net
        .add("pool1", MaxPool2d::new(2))
        .add("drop1", Dropout::new(0.3));
    block(net)
        .add("flatten", Flatten)
        .add("fc1", Linear::new(40))
        .add("bn5", BatchNorm1d::new())
        .add("relu5", Relu)
        .add("drop3", Dropout::new(0.3))
        .add("fc2", Linear::new(10))
        .build(seed)
}

fn pair(net: NetworkBuilder, conv: [Conv2d; 2]) -> NetworkBuilder {
    conv.into_iter().zip(3..).fold(net, |net, (conv, i)| {
        net.add(&format!("conv{i}"), conv)
            .add(&format!("bn{i}"), BatchNorm2d::new())
            .add(&format!("relu{i}"), Relu)
    })
}

fn ended(net: NetworkBuilder, drop: f64) -> NetworkBuilder {
    net.add("pool2", MaxPool2d::new(2))
        .add("drop2", Dropout::new(drop))
}

fn same(filters: usize) -> Conv2d {
    Conv2d::new(filters, 3).same()
}

#[test]
fn the_missing_block_is_checked_node_by_node() {
    type Build = fn(u64) -> Result<Network>;
    let right: Build = |s| with_block(|b| ended(pair(b, [same(16), same(16)]), 0.3), s);
    let wrong: [(Build, &str); 7] = [
        (
            |s| with_block(|b| b, s),
            "expected conv3 (Conv2d), got flatten",
        ),
        (
            |s| with_block(|b| ended(pair(b, [same(8), same(8)]), 0.3), s),
            "16 filters",
        ),
        (
            |s| {
                with_block(
                    |b| ended(pair(b, [Conv2d::new(16, 3), Conv2d::new(16, 3)]), 0.3),
                    s,
                )
            },
            ".same() keeps the size",
        ),
        (
            |s| with_block(|b| ended(pair(b, [same(16), same(16)]), 0.7), s),
            "expected p 0.3 at drop2",
        ),
        (
            |s| {
                with_block(
                    |b| {
                        b.add("conv3", same(16))
                            .add("relu3", Relu)
                            .add("bn3", BatchNorm2d::new())
                    },
                    s,
                )
            },
            "between convolution and ReLU",
        ),
        (
            |s| {
                with_block(
                    |b| pair(b, [same(16), same(16)]).add("pool2", MaxPool2d::new(2)),
                    s,
                )
            },
            "ends with dropout",
        ),
        (|_| todo!(), UNWRITTEN),
    ];
    judge(cnn2, right, &wrong);
}

#[test]
fn the_courses_cnn2_is_right_and_takes_the_place_of_one_that_is_not_ready() {
    let net = course_cnn2(1).unwrap();
    assert_eq!(net.parameter_count() + net.buffer_count(), 36_314);
    right_nodes(&net).unwrap();
    right_shapes(&net).unwrap();
    right_dropout(&net).unwrap();
    let first = |net: Network| net.parameter("conv3.weight").unwrap().clone();
    assert_eq!(
        first(your_cnn2(|_| todo!(), 3).unwrap()),
        first(course_cnn2(3).unwrap())
    );
    assert_ne!(
        first(your_cnn2(|s| course_cnn2(s + 1), 3).unwrap()),
        first(course_cnn2(3).unwrap())
    );
}
