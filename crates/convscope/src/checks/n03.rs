//! The checks of notebook 03, Going deeper.

use crate::check::{About, Case, Exercise, Score, attempt};
use convscope_nn::{
    BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Network, NetworkBuilder,
    Relu, Result,
};
use ndarray::{Array1, Array2, Axis, array};

pub(crate) const ALL: &[&About] = &[
    &FIRST_LOSS,
    &GROWTH,
    &HE_STD,
    &ZERO_START,
    &RELU_UNIT,
    &BATCH_NORM,
    &UNDO,
    &SCALE_GRADIENTS,
    &INPUT_GRADIENT,
    &EXPECTED,
    &DROPOUT,
    &COUNTS,
    &CNN2,
];

static FIRST_LOSS: About = About::new(
    "03-first-loss",
    "The first loss",
    1.0,
    [
        "Who knows nothing gives each of the C classes the same probability. Which one?",
        "The cross-entropy is -ln of the right class's probability, here -ln(1/C).",
    ],
);

/// Checks `fn first_loss(classes: usize) -> f64`.
pub fn first_loss(student: impl Fn(usize) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |classes: usize| {
        let c = classes as f64;
        Case::new(
            format!("{classes} classes"),
            move || student(classes),
            c.ln(),
        )
        .mistake(
            "The sign: the logarithm of a share is negative, the loss is not.",
            -c.ln(),
        )
        .mistake(
            "That is the probability. The loss is -ln of it.",
            1.0 / c,
        )
        .mistake("Natural logarithm: ln, not log10.", c.log10())
        .mistake("Natural logarithm: ln, not log2.", c.log2())
        .mistake(
            "1 / classes of two whole numbers is 0, and -ln 0 is infinity: write 1.0 / classes as f64.",
            f64::INFINITY,
        )
    };
    Exercise::new(&FIRST_LOSS)
        .check(case(10))
        .check(case(8))
        .check(case(1000))
        .run()
}

static GROWTH: About = About::new(
    "03-growth",
    "Growth through a layer",
    2.0,
    [
        "A sum of n independent products has n times the mean square of one of them, and the mean \
         square of a weight with mean 0 is its variance, std times std.",
        "So the sums have n * std² times the mean square of the inputs. They are as often below zero \
         as above, and ReLU sets those below to 0: half of the mean square is left.",
    ],
);

/// Checks `fn growth(inputs: usize, std: f64) -> f64`.
pub fn growth(student: impl Fn(usize, f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |n: usize, std: f64| {
        let square = n as f64 * std * std;
        Case::new(
            format!("{n} inputs, weights of standard deviation {std}"),
            move || student(n, std),
            square / 2.0,
        )
        .mistake(
            "That is before the ReLU, which sets half of the sums to 0.",
            square,
        )
        .mistake(
            "That is the factor of the standard deviation. The question is the mean square.",
            (square / 2.0).sqrt(),
        )
        .mistake(
            "The variance of a weight is std squared, not std.",
            n as f64 * std / 2.0,
        )
        .mistake(
            "It is the sum of n products, not their mean: n belongs in the numerator.",
            std * std / 2.0,
        )
        .mistake(
            "ReLU halves the mean square: it does not double it.",
            square * 2.0,
        )
    };
    Exercise::new(&GROWTH)
        .check(case(100, 0.3))
        .check(case(100, 0.1))
        .check(case(784, 0.05))
        .seeded(2, 301, move |draw| {
            let std = draw.integer(1..=40) as f64 / 100.0;
            case(draw.integer(9..=900), std)
        })
        .run()
}

static HE_STD: About = About::new(
    "03-he-std",
    "He's rule",
    2.0,
    [
        "Set the growth n * std² / 2 to 1 and solve for std.",
        "std is the square root of 2 / n. A filter sums over its window in every channel that it \
         reads: n = channels * size * size.",
    ],
);

/// Checks `fn he_std(channels: usize, size: usize) -> f64`.
pub fn he_std(student: impl Fn(usize, usize) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |channels: usize, size: usize| {
        let n = (channels * size * size) as f64;
        Case::new(
            format!("{size} x {size} filters on {channels} channels"),
            move || student(channels, size),
            (2.0 / n).sqrt(),
        )
        .mistake(
            "That keeps the sums as large as the inputs; ReLU then takes half of their mean square away.",
            (1.0 / n).sqrt(),
        )
        .mistake(
            "That is the variance. The standard deviation is its square root.",
            2.0 / n,
        )
        .mistake(
            "A filter reads every channel: the number of inputs is channels * size * size.",
            (2.0 / (size * size) as f64).sqrt(),
        )
        .mistake(
            "A window has size * size places, not size.",
            (2.0 / (channels * size) as f64).sqrt(),
        )
        .mistake(
            "That grows with the number of inputs, and must shrink.",
            (n / 2.0).sqrt(),
        )
    };
    Exercise::new(&HE_STD)
        .check(case(1, 3))
        .check(case(8, 3))
        .check(case(16, 5))
        .seeded(2, 302, move |draw| {
            case(draw.integer(2..=64), draw.choice(&[2, 3, 5, 7]))
        })
        .run()
}

static ZERO_START: About = About::new(
    "03-zero-start",
    "What a start at zero can learn",
    1.0,
    [
        "Look at the table above: which parameters have a gradient that is not 0?",
        "Only the biases of the last layer do, and it has one for each class.",
    ],
);

/// Checks `fn learning_numbers() -> f64`.
pub fn zero_start(student: impl Fn() -> f64 + Copy + Send + 'static) -> Score {
    Exercise::new(&ZERO_START)
        .check(
            Case::new("your number", student, 10.0)
                .mistake(
                    "Those are all parameters. Most have a gradient of 0.",
                    418_060.0,
                )
                .mistake(
                    "The weights of fc3 have no gradient: it is their input times what comes back, and \
                     their input is 0.",
                    510.0,
                )
                .mistake("The biases of fc1 and fc2 get no gradient.", 560.0)
                .mistake("Something does learn: look at the last row.", 0.0),
        )
        .property("as many as there are classes", move || {
            match student() == 10.0 {
                true => Ok(()),
                false => Err(
                    "each class can learn one number, how frequent it is, and nothing else can".into(),
                ),
            }
        })
        .run()
}

static RELU_UNIT: About = About::new(
    "03-relu-unit",
    "A dead unit",
    2.0,
    [
        "y = max(0, z) with z = w1 x1 + w2 x2. By the chain rule dy/dw2 is dy/dz times dz/dw2. What \
         are the two?",
        "dz/dw1 is x1 and dz/dw2 is x2. dy/dz is 1 where z is above 0, and 0 where it is not.",
    ],
);

/// Checks `fn relu_unit(w: [f64; 2], x: [f64; 2]) -> [f64; 3]`: z, dy/dw1, dy/dw2.
pub fn relu_unit(
    student: impl Fn([f64; 2], [f64; 2]) -> [f64; 3] + Copy + Send + 'static,
) -> Score {
    let case = move |w: [f64; 2], x: [f64; 2]| {
        let z = w[0] * x[0] + w[1] * x[1];
        let slope = if z > 0.0 { 1.0 } else { 0.0 };
        let name = format!("w = ({}, {}), x = ({}, {})", w[0], w[1], x[0], x[1]);
        Case::new(
            name,
            move || student(w, x),
            [z, slope * x[0], slope * x[1]],
        )
        .mistake(
            "The slope of ReLU is missing: below zero it is 0, and the gradient with it.",
            [z, x[0], x[1]],
        )
        .mistake(
            "The first number is z, before the ReLU.",
            [z.max(0.0), slope * x[0], slope * x[1]],
        )
        .mistake(
            "That is the gradient with respect to x. With respect to a weight it is that weight's input.",
            [z, slope * w[0], slope * w[1]],
        )
        .mistake(
            "That is dy/dz. Multiply it by dz/dw, the input of that weight.",
            [z, slope, slope],
        )
        .mistake(
            "dy/dw1 comes before dy/dw2.",
            [z, slope * x[1], slope * x[0]],
        )
    };
    Exercise::new(&RELU_UNIT)
        .check(case([0.1, -0.1], [1.0, 20.0]))
        .check(case([0.1, -0.1], [20.0, 10.0]))
        .seeded(3, 303, move |draw| {
            let mut eighth = || (draw.integer(0..=32) as f64 - 16.0) / 8.0 + 0.01;
            let w = [eighth(), eighth()];
            case(w, [eighth(), eighth()])
        })
        .run()
}

static BATCH_NORM: About = About::new(
    "03-batch-norm",
    "Batch norm, forward",
    3.0,
    [
        "Rows are images and columns are units. The mean of each column is \
         x.mean_axis(Axis(0)).unwrap(), its variance x.var_axis(Axis(0), 0.0).",
        "(x - mean) / sqrt(var + eps), then times gamma and plus beta. A matrix with a row works row \
         by row: (&x - &mean) / &std * &gamma + &beta, where std is (var + eps).mapv(f64::sqrt).",
    ],
);

/// Checks `fn batch_norm(x: Array2<f64>, gamma: Array1<f64>, beta: Array1<f64>, eps: f64) -> Array2<f64>`.
pub fn batch_norm(
    student: impl Fn(Array2<f64>, Array1<f64>, Array1<f64>, f64) -> Array2<f64> + Copy + Send + 'static,
) -> Score {
    let case =
        move |name: String, x: Array2<f64>, gamma: Array1<f64>, beta: Array1<f64>, eps: f64| {
            let right = normal(&x, eps) * &gamma + &beta;
            let plain = normal(&x, eps);
            let centred = &x - &mean(&x);
            let std = x.var_axis(Axis(0), 0.0).mapv(f64::sqrt);
            let by_variance = &centred / &(x.var_axis(Axis(0), 0.0) + eps) * &gamma + &beta;
            let outside = &centred / &(&std + eps) * &gamma + &beta;
            let sample =
                &centred / &(x.var_axis(Axis(0), 1.0) + eps).mapv(f64::sqrt) * &gamma + &beta;
            let shifted_first = (&plain + &beta) * &gamma;
            let no_mean = &x / &(x.var_axis(Axis(0), 0.0) + eps).mapv(f64::sqrt) * &gamma + &beta;
            Case::new(
                name,
                move || student(x.clone(), gamma.clone(), beta.clone(), eps),
                right,
            )
            .tolerance(1e-6, 1e-6)
            .mistake("That is x normalised; gamma and beta are missing.", plain)
            .mistake(
                "That is divided by the variance: take its root.",
                by_variance,
            )
            .mistake(
                "eps is added to the variance, before the root is taken.",
                outside,
            )
            .mistake(
                "The variance here divides by N, not by N - 1: var_axis(Axis(0), 0.0).",
                sample,
            )
            .mistake("First times gamma, then plus beta.", shifted_first)
            .mistake("The mean of the column was not taken off.", no_mean)
        };
    let x = array![[1.0, 10.0], [3.0, 30.0], [5.0, 50.0], [7.0, 30.0]];
    Exercise::new(&BATCH_NORM)
        .check(case(
            "gamma 1, beta 0".into(),
            x.clone(),
            array![1.0, 1.0],
            array![0.0, 0.0],
            1e-5,
        ))
        .check(case(
            "gamma (2, 3), beta (1, -1)".into(),
            x,
            array![2.0, 3.0],
            array![1.0, -1.0],
            1e-5,
        ))
        .check(case(
            "a large eps".into(),
            array![[1.0, -2.0], [2.0, 0.0], [6.0, 5.0]],
            array![1.5, 0.5],
            array![0.0, 2.0],
            0.5,
        ))
        .seeded(2, 304, move |draw| {
            let (n, d) = (draw.integer(3..=8), draw.integer(2..=5));
            let x = draw.array2(n, d).mapv(f64::from);
            let gamma = draw.array1(d).mapv(f64::from) + 0.3;
            let beta = draw.array1(d).mapv(f64::from);
            case(format!("{n} drawn images, {d} units"), x, gamma, beta, 1e-5)
        })
        .property("a unit that gives the same for every image", move || {
            let got = student(array![[4.0], [4.0], [4.0]], array![2.0], array![0.5], 1e-5);
            match got.shape() == [3, 1] && got.iter().all(|v| (v - 0.5).abs() < 1e-6) {
                true => Ok(()),
                false => Err(format!(
                    "expected beta, 0.5, for each, got {got}. That unit's variance is 0, and eps is there \
                     so that nothing is divided by 0"
                )),
            }
        })
        .run()
}

static UNDO: About = About::new(
    "03-undo",
    "Batch norm undone",
    1.0,
    [
        "Write gamma * (x - mean) / std + beta = x. What must gamma be so that the division goes away?",
        "gamma is the standard deviation that was divided by, sqrt(var + eps), and beta the mean.",
    ],
);

/// Checks `fn undo(x: Array1<f64>, eps: f64) -> [f64; 2]`: gamma, beta.
pub fn undo(student: impl Fn(Array1<f64>, f64) -> [f64; 2] + Copy + Send + 'static) -> Score {
    let case = move |name: &str, x: Array1<f64>, eps: f64| {
        let (mean, var) = (x.mean().expect("some"), x.var(0.0));
        let std = (var + eps).sqrt();
        Case::new(name, move || student(x.clone(), eps), [std, mean])
            .tolerance(1e-7, 1e-7)
            .mistake("gamma comes first, then beta.", [mean, std])
            .mistake(
                "gamma must be a standard deviation: take the root.",
                [var + eps, mean],
            )
            .mistake(
                "eps is missing: what was divided by is sqrt(var + eps).",
                [var.sqrt(), mean],
            )
            .mistake(
                "Batch norm divides by std, so to undo it gamma multiplies by std.",
                [1.0 / std, mean],
            )
            .mistake(
                "The mean was taken off, so beta adds it: mind the sign.",
                [std, -mean],
            )
    };
    Exercise::new(&UNDO)
        .check(case("1, 3, 5, 7", array![1.0, 3.0, 5.0, 7.0], 1e-5))
        .check(case("a large eps", array![2.0, -1.0, 4.0], 0.25))
        .run()
}

static SCALE_GRADIENTS: About = About::new(
    "03-scale-gradients",
    "Gradients of gamma and beta",
    2.0,
    [
        "beta is added to every image's number, so a little more of it adds as much to every one of \
         them. How does the loss then change in all?",
        "The gradient of beta is the sum of dy over the images, dy.sum_axis(Axis(0)); that of gamma \
         the sum of dy * x_hat, where x_hat is x normalised (before gamma and beta).",
    ],
);

/// Checks `fn scale_gradients(x: Array2<f64>, dy: Array2<f64>, eps: f64) -> (Array1<f64>, Array1<f64>)`:
/// of gamma, of beta.
pub fn scale_gradients(
    student: impl Fn(Array2<f64>, Array2<f64>, f64) -> (Array1<f64>, Array1<f64>)
    + Copy
    + Send
    + 'static,
) -> Score {
    let case = move |name: String, x: Array2<f64>, dy: Array2<f64>, eps: f64| {
        let n = x.nrows() as f64;
        let dgamma = (&dy * &normal(&x, eps)).sum_axis(Axis(0));
        let dbeta = dy.sum_axis(Axis(0));
        let with_x = (&dy * &x).sum_axis(Axis(0));
        Case::new(
            name,
            move || student(x.clone(), dy.clone(), eps),
            (dgamma.clone(), dbeta.clone()),
        )
        .tolerance(1e-6, 1e-6)
        .mistake(
            "gamma's gradient comes first, then beta's.",
            (dbeta.clone(), dgamma.clone()),
        )
        .mistake(
            "gamma multiplies the normalised x, not x itself.",
            (with_x, dbeta.clone()),
        )
        .mistake(
            "Sums over the images, not means: dy already holds the 1/N of the loss.",
            (&dgamma / n, &dbeta / n),
        )
    };
    Exercise::new(&SCALE_GRADIENTS)
        .check(case(
            "four images, one unit".into(),
            array![[1.0], [3.0], [5.0], [7.0]],
            array![[1.0], [0.0], [0.0], [2.0]],
            1e-5,
        ))
        .seeded(3, 305, move |draw| {
            let (n, d) = (draw.integer(3..=8), draw.integer(2..=5));
            let x = draw.array2(n, d).mapv(f64::from);
            let dy = draw.array2(n, d).mapv(f64::from);
            case(format!("{n} drawn images, {d} units"), x, dy, 1e-3)
        })
        .run()
}

static INPUT_GRADIENT: About = About::new(
    "03-input-gradient",
    "Batch norm, backward",
    3.0,
    [
        "Take d = gamma * dy, then three terms for each column: d, minus the mean of d, minus x_hat \
         times the mean of d * x_hat. All of it divided by std.",
        "let g = &dy * &gamma; let a = g.mean_axis(Axis(0)).unwrap(); let b = (&g * \
         &x_hat).mean_axis(Axis(0)).unwrap(); then (&g - &a - &x_hat * &b) / &std with std the root \
         of var + eps.",
    ],
);

/// Checks `fn input_gradient(x: Array2<f64>, gamma: Array1<f64>, dy: Array2<f64>, eps: f64) -> Array2<f64>`.
pub fn input_gradient(
    student: impl Fn(Array2<f64>, Array1<f64>, Array2<f64>, f64) -> Array2<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: String,
                     x: Array2<f64>,
                     gamma: Array1<f64>,
                     dy: Array2<f64>,
                     eps: f64| {
        let hat = normal(&x, eps);
        let std = (x.var_axis(Axis(0), 0.0) + eps).mapv(f64::sqrt);
        let g = &dy * &gamma;
        let a = mean(&g);
        let b = mean(&(&g * &hat));
        let right = (&g - &a - &hat * &b) / &std;
        let constants = &g / &std;
        let mean_only = (&g - &a) / &std;
        let std_only = (&g - &hat * &b) / &std;
        let not_divided = &g - &a - &hat * &b;
        let no_gamma = (&dy - &mean(&dy) - &hat * &mean(&(&dy * &hat))) / &std;
        let sums = (&g - &g.sum_axis(Axis(0)) - &hat * &(&g * &hat).sum_axis(Axis(0))) / &std;
        let with_x = (&g - &a - &x * &mean(&(&g * &x))) / &std;
        Case::new(
            name,
            move || student(x.clone(), gamma.clone(), dy.clone(), eps),
            right,
        )
        .tolerance(1e-6, 1e-6)
        .mistake(
            "That takes mean and standard deviation for constants. They move with x, and each adds a term.",
            constants,
        )
        .mistake("The term that comes through the standard deviation is missing.", mean_only)
        .mistake("The term that comes through the mean is missing.", std_only)
        .mistake("Everything is divided by the standard deviation.", not_divided)
        .mistake("dy belongs to y: times gamma it becomes that of x_hat.", no_gamma)
        .mistake("Means over the images, not sums.", sums)
        .mistake("The last term has x_hat in both places, not x.", with_x)
    };
    Exercise::new(&INPUT_GRADIENT)
        .check(case(
            "four images, one unit".into(),
            array![[1.0], [3.0], [5.0], [7.0]],
            array![1.0],
            array![[1.0], [0.0], [0.0], [0.0]],
            1e-5,
        ))
        .seeded(3, 306, move |draw| {
            let (n, d) = (draw.integer(3..=8), draw.integer(2..=5));
            let x = draw.array2(n, d).mapv(f64::from);
            let dy = draw.array2(n, d).mapv(f64::from);
            let gamma = draw.array1(d).mapv(f64::from) + 0.3;
            case(format!("{n} drawn images, {d} units"), x, gamma, dy, 1e-3)
        })
        .property("the same push for every image does nothing", move || {
            let x = array![[1.0, 2.0], [4.0, -1.0], [-2.0, 0.5]];
            let dx = student(x, array![2.0, -1.0], Array2::ones((3, 2)), 1e-5);
            match dx.shape() == [3, 2] && dx.iter().all(|v| v.abs() < 1e-6) {
                true => Ok(()),
                false => Err(format!(
                    "expected zeros, got {dx:.4}. What is the same for all goes away with the mean"
                )),
            }
        })
        .run()
}

static EXPECTED: About = About::new(
    "03-expected",
    "What dropout expects",
    2.0,
    [
        "There are four ways to keep or drop two inputs. Multiply what each gives by its probability \
         and add the four up.",
        "With keep = 1 - drop: keep² (w0 x + w1 y) + keep (1 - keep) w0 x + (1 - keep) keep w1 y + 0. \
         It simplifies.",
    ],
);

/// Checks `fn expected(w: [f64; 2], x: [f64; 2], drop: f64) -> f64`.
pub fn expected(student: impl Fn([f64; 2], [f64; 2], f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |w: [f64; 2], x: [f64; 2], drop: f64| {
        let all = w[0] * x[0] + w[1] * x[1];
        let keep = 1.0 - drop;
        let name = format!(
            "w = ({}, {}), inputs ({}, {}), drop {drop}",
            w[0], w[1], x[0], x[1]
        );
        Case::new(name, move || student(w, x, drop), keep * all)
            .mistake(
                "That is multiplied by the probability of dropping. It must be that of keeping.",
                drop * all,
            )
            .mistake(
                "That is the share of the time that both are kept. With one kept, something comes through too.",
                keep * keep * all,
            )
            .mistake("That is the sum with nothing dropped.", all)
            .mistake(
                "That divides, as inverted dropout does. The question is what comes out if one does not.",
                all / keep,
            )
            .mistake(
                "The four cases are equally likely only where drop is one half.",
                all / 2.0,
            )
    };
    Exercise::new(&EXPECTED)
        .check(case([2.0, 1.0], [3.0, 4.0], 0.5))
        .check(case([2.0, 1.0], [3.0, 4.0], 0.3))
        .check(case([1.0, -3.0], [0.5, 2.0], 0.9))
        .seeded(2, 307, move |draw| {
            let mut eighth = || (draw.integer(0..=32) as f64 - 16.0) / 8.0 + 0.01;
            let (w, x) = ([eighth(), eighth()], [eighth(), eighth()]);
            case(w, x, draw.integer(1..=9) as f64 / 10.0)
        })
        .run()
}

static DROPOUT: About = About::new(
    "03-dropout",
    "Dropout",
    2.0,
    [
        "Go through both arrays together: a number whose coin is below `drop` becomes 0. What must \
         happen to the others so that the expected value stays?",
        "The others are divided by 1 - drop: kept with probability 1 - drop, a number comes out as \
         itself on average.",
    ],
);

/// Checks `fn my_dropout(x: Array1<f64>, coins: Array1<f64>, drop: f64) -> Array1<f64>`.
pub fn dropout(
    student: impl Fn(Array1<f64>, Array1<f64>, f64) -> Array1<f64> + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, x: Array1<f64>, coins: Array1<f64>, drop: f64| {
        let thrown = |below: f64, scale: f64| {
            let mut y = x.clone();
            for (y, coin) in y.iter_mut().zip(&coins) {
                *y = if *coin < below { 0.0 } else { *y * scale };
            }
            y
        };
        let keep = 1.0 - drop;
        let (right, bare, times, by_drop) = (
            thrown(drop, 1.0 / keep),
            thrown(drop, 1.0),
            thrown(drop, keep),
            thrown(drop, 1.0 / drop),
        );
        let mut turned = &x / keep - &right;
        turned.mapv_inplace(|v| v + 0.0);
        Case::new(name, move || student(x.clone(), coins.clone(), drop), right)
            .mistake("Those that are kept must be divided by 1 - drop.", bare)
            .mistake("Divide by 1 - drop, do not multiply.", times)
            .mistake("Divide by the probability of keeping, 1 - drop.", by_drop)
            .mistake(
                "The ones with a coin below `drop` fall, not the others.",
                turned,
            )
    };
    Exercise::new(&DROPOUT)
        .check(case(
            "four numbers, drop 0.5".into(),
            array![1.0, 2.0, 3.0, 4.0],
            array![0.9, 0.1, 0.6, 0.3],
            0.5,
        ))
        .check(case(
            "four numbers, drop 0.3".into(),
            array![1.0, 2.0, 3.0, 4.0],
            array![0.9, 0.1, 0.6, 0.4],
            0.3,
        ))
        .seeded(2, 308, move |draw| {
            let n = draw.integer(6..=12);
            let x = draw.array1(n).mapv(|v| f64::from(v) + 0.05);
            let coins = (0..n).map(|_| draw.number(0.0..=1.0)).collect();
            case(format!("{n} drawn numbers, drop 0.2"), x, coins, 0.2)
        })
        .property("on average nothing changes", move || {
            let coins = Array1::from_iter((0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0));
            let mean = student(Array1::from_elem(1000, 2.0), coins, 0.3).mean();
            match mean {
                Some(mean) if (mean - 2.0).abs() < 1e-6 => Ok(()),
                other => Err(format!(
                    "a thousand twos should come out as 2 on average, got {:.3}",
                    other.unwrap_or(f64::NAN)
                )),
            }
        })
        .run()
}

static COUNTS: About = About::new(
    "03-counts",
    "Parameters of cnn2",
    2.0,
    [
        "conv3 has 16 filters, each with 3x3 weights in each of the 8 channels that it reads, and a \
         bias. A batch norm learns two numbers a channel.",
        "Two poolings leave 7 x 7 of 28 x 28, in 16 channels: 784 numbers for each of fc1's 40 units. \
         A batch norm also gathers two numbers a channel, running mean and variance: add up the \
         channels of all five, 8 + 8 + 16 + 16 + 40.",
    ],
);

/// Checks `fn cnn2_counts() -> [usize; 4]`: conv3, bn3, fc1, gathered in all.
pub fn counts(student: impl Fn() -> [usize; 4] + Copy + Send + 'static) -> Score {
    Exercise::new(&COUNTS)
        .check(
            Case::new("conv3", move || student()[0], 16 * (8 * 9 + 1))
                .mistake("That is without the biases.", 16 * 8 * 9)
                .mistake("It reads 8 channels, not 16.", 16 * (16 * 9 + 1))
                .mistake("It reads 8 channels, not one.", 16 * (9 + 1)),
        )
        .check(
            Case::new("bn3", move || student()[1], 32)
                .mistake("Two numbers a channel: gamma and beta.", 16)
                .mistake(
                    "Two of those four numbers a channel are gathered, not learned.",
                    64,
                )
                .mistake(
                    "Batch norm of images has its numbers a channel, not a pixel.",
                    2 * 16 * 14 * 14,
                ),
        )
        .check(
            Case::new("fc1", move || student()[2], 40 * (16 * 7 * 7 + 1))
                .mistake("That is without the biases.", 40 * 16 * 7 * 7)
                .mistake(
                    "There are two poolings, and each halves height and width.",
                    40 * (16 * 14 * 14 + 1),
                )
                .mistake("It reads all 16 maps, not one.", 40 * (7 * 7 + 1)),
        )
        .check(
            Case::new("gathered by all batch norms", move || student()[3], 176)
                .mistake("Two numbers a channel: mean and variance.", 88)
                .mistake("There is a batch norm behind fc1 too.", 96)
                .mistake("There are five batch norms.", 32),
        )
        .run()
}

static CNN2: About = About::new(
    "03-cnn2",
    "The missing block of cnn2",
    3.0,
    [
        "It is the first block again with other numbers: conv3, bn3, relu3, conv4, bn4, relu4, pool2, \
         drop2, with 16 filters. Begin with net.add(\"conv3\", ...).",
        "Conv2d::new(16, 3).same(), BatchNorm2d::new(), Relu, the same three again, \
         MaxPool2d::new(2), Dropout::new(0.3).",
    ],
);

const NODES: [(&str, &str, &[usize]); 22] = [
    ("conv1", "Conv2d", &[8, 28, 28]),
    ("bn1", "BatchNorm2d", &[8, 28, 28]),
    ("relu1", "Relu", &[8, 28, 28]),
    ("conv2", "Conv2d", &[8, 28, 28]),
    ("bn2", "BatchNorm2d", &[8, 28, 28]),
    ("relu2", "Relu", &[8, 28, 28]),
    ("pool1", "MaxPool2d", &[8, 14, 14]),
    ("drop1", "Dropout", &[8, 14, 14]),
    ("conv3", "Conv2d", &[16, 14, 14]),
    ("bn3", "BatchNorm2d", &[16, 14, 14]),
    ("relu3", "Relu", &[16, 14, 14]),
    ("conv4", "Conv2d", &[16, 14, 14]),
    ("bn4", "BatchNorm2d", &[16, 14, 14]),
    ("relu4", "Relu", &[16, 14, 14]),
    ("pool2", "MaxPool2d", &[16, 7, 7]),
    ("drop2", "Dropout", &[16, 7, 7]),
    ("flatten", "Flatten", &[784]),
    ("fc1", "Linear", &[40]),
    ("bn5", "BatchNorm1d", &[40]),
    ("relu5", "Relu", &[40]),
    ("drop3", "Dropout", &[40]),
    ("fc2", "Linear", &[10]),
];

/// Checks `fn cnn2(seed: u64) -> Result<Network, NnError>`.
pub fn cnn2(student: impl Fn(u64) -> Result<Network> + Copy + Send + 'static) -> Score {
    let built = move |seed| student(seed).map_err(|e| format!("it could not be built: {e}"));
    Exercise::new(&CNN2)
        .property("the nodes, in their order", move || right_nodes(&built(1)?))
        .property("the shape after each node", move || {
            right_shapes(&built(1)?)
        })
        .property("dropout with probability 0.3", move || {
            right_dropout(&built(1)?)
        })
        .property("36,138 parameters, and 176 numbers gathered", move || {
            let net = built(1)?;
            match (net.parameter_count(), net.buffer_count()) {
                (36_138, 176) => Ok(()),
                (learned, gathered) => Err(format!(
                    "expected 36138 and 176, got {learned} and {gathered}"
                )),
            }
        })
        .run()
}

/// The student's `cnn2` for these weights if it is as it should be, and the course's own otherwise,
/// with a line that says so.
///
/// # Errors
/// Never for a sound build of this crate.
pub fn your_cnn2(
    student: impl Fn(u64) -> Result<Network> + Copy + Send + 'static,
    seed: u64,
) -> Result<Network> {
    let right = |net: &Network| {
        right_nodes(net)
            .and(right_shapes(net))
            .and(right_dropout(net))
            .is_ok()
    };
    match attempt(move || student(seed).ok()).flatten().filter(right) {
        Some(net) => Ok(net),
        None => {
            println!("Your cnn2 is not ready yet, so this is the course's own.");
            course_cnn2(seed)
        }
    }
}

fn course_cnn2(seed: u64) -> Result<Network> {
    let pair = |net: NetworkBuilder, first: usize, filters: usize| {
        (first..first + 2).fold(net, |net, i| {
            net.add(&format!("conv{i}"), Conv2d::new(filters, 3).same())
                .add(&format!("bn{i}"), BatchNorm2d::new())
                .add(&format!("relu{i}"), Relu)
        })
    };
    let net = pair(Network::input([1, 28, 28]), 1, 8)
        .add("pool1", MaxPool2d::new(2))
        .add("drop1", Dropout::new(0.3));
    pair(net, 3, 16)
        .add("pool2", MaxPool2d::new(2))
        .add("drop2", Dropout::new(0.3))
        .add("flatten", Flatten)
        .add("fc1", Linear::new(40))
        .add("bn5", BatchNorm1d::new())
        .add("relu5", Relu)
        .add("drop3", Dropout::new(0.3))
        .add("fc2", Linear::new(10))
        .build(seed)
}

fn right_nodes(net: &Network) -> Result<(), String> {
    let rows = net.summary().rows;
    let mut found = rows.iter();
    for (name, kind, _) in NODES {
        match found.next() {
            Some(row) if row.name == name && row.kind == kind => {}
            Some(row) => {
                let why = match (kind, row.kind) {
                    ("BatchNorm2d", "Relu") => ". Batch norm stands between convolution and ReLU",
                    ("BatchNorm2d", "BatchNorm1d") => ". BatchNorm1d is for vectors",
                    ("Dropout", "Flatten") => ". The block ends with dropout",
                    _ => "",
                };
                return Err(format!(
                    "expected {name} ({kind}), got {} ({}){why}",
                    row.name, row.kind
                ));
            }
            None => {
                return Err(format!(
                    "expected {name} ({kind}), and the network ends before it"
                ));
            }
        }
    }
    match found.next() {
        None => Ok(()),
        Some(row) => Err(format!("expected nothing after fc2, got {}", row.name)),
    }
}

fn right_shapes(net: &Network) -> Result<(), String> {
    for ((name, _, expected), row) in NODES.iter().zip(net.summary().rows) {
        if row.output != *expected {
            let why = match row.output[..] {
                [16, 12, 12] | [16, 10, 10] => {
                    ". Without padding the border is lost: .same() keeps the size"
                }
                [filters, 14, 14] if filters != 16 => ". The second block has 16 filters",
                _ => "",
            };
            return Err(format!(
                "after {name} expected {expected:?}, got {:?}{why}",
                row.output
            ));
        }
    }
    Ok(())
}

fn right_dropout(net: &Network) -> Result<(), String> {
    let rows = net.summary().rows;
    match rows
        .iter()
        .find(|r| r.kind == "Dropout" && r.settings != "p 0.3")
    {
        None => Ok(()),
        Some(row) => Err(format!(
            "expected p 0.3 at {}, got {}",
            row.name, row.settings
        )),
    }
}

fn mean(x: &Array2<f64>) -> Array1<f64> {
    x.mean_axis(Axis(0)).expect("at least one image")
}

fn normal(x: &Array2<f64>, eps: f64) -> Array2<f64> {
    (x - &mean(x)) / &(x.var_axis(Axis(0), 0.0) + eps).mapv(f64::sqrt)
}

#[cfg(test)]
#[path = "n03_tests.rs"]
mod tests;
