//! The checks of notebook 02, A first CNN.

use crate::check::{About, Case, Exercise, Score, attempt};
use convscope_nn::{Conv2d, Flatten, Init, Linear, Network, Relu, Result};
use ndarray::{Array1, Array2, Axis, array};

pub(crate) const ALL: &[&About] = &[
    &SOFTMAX,
    &CROSS_ENTROPY,
    &PARAMETERS,
    &CNN1,
    &STANDARDISE,
    &ACCURACY,
    &STANDARD_ERROR,
    &IMAGES_NEEDED,
    &CONFUSION,
];

static SOFTMAX: About = About::new(
    "02-softmax",
    "Softmax",
    2.0,
    [
        "Three steps: take the largest logit off every logit, take exp of each, divide each by the \
         sum of them all.",
        "ndarray does each step in a line: logits.iter() can be folded to the largest value, \
         mapv applies a function to every element, sum() adds them up, and an array can be divided \
         by a number.",
    ],
);

/// Checks `fn my_softmax(logits: Array1<f64>) -> Array1<f64>`.
pub fn softmax(student: impl Fn(Array1<f64>) -> Array1<f64> + Copy + Send + 'static) -> Score {
    let case = move |name: &str, z: Array1<f64>| {
        let e = z.mapv(|v| (v - largest(&z)).exp());
        let exps = z.mapv(f64::exp);
        let right = &e / e.sum();
        let shares = &z / z.sum();
        Case::new(name, move || student(z.clone()), right)
            .mistake("Divide by the sum of the exponentials.", exps)
            .mistake("The largest was taken off; now divide by the sum.", e)
            .mistake("Take exp of each logit before sharing out.", shares)
    };
    Exercise::new(&SOFTMAX)
        .check(case("logits 1, 2, 3", array![1.0, 2.0, 3.0]))
        .check(case("ten equal logits", Array1::from_elem(10, 0.5)))
        .check(case("logits of both signs", array![-3.0, 0.0, 2.0, -0.5]))
        .seeded(2, 201, move |draw| {
            let n = draw.integer(2..=12);
            case(&format!("{n} drawn logits"), draw.array1(n).mapv(f64::from))
        })
        .property("logits 1000, 1001, 1002", move || {
            let got = student(array![1000.0, 1001.0, 1002.0]);
            near(
                &got,
                &array![0.09003057, 0.24472847, 0.66524096],
                "exp(1000) is larger than any f64 can hold: it is infinity, and infinity divided by \
                 infinity is not a number. Take the largest logit off first; the shares stay the same",
            )
        })
        .property("logits -1000, -1001, -1002", move || {
            let got = student(array![-1000.0, -1001.0, -1002.0]);
            near(
                &got,
                &array![0.66524096, 0.24472847, 0.09003057],
                "exp(-1000) is 0 in f64, and 0 divided by 0 is not a number. Take the largest logit \
                 off (the largest, not the largest size), so that one exponential is exp(0) = 1",
            )
        })
        .run()
}

static CROSS_ENTROPY: About = About::new(
    "02-cross-entropy",
    "Cross-entropy",
    2.0,
    [
        "Write -ln of the softmax of one logit on paper and simplify: the logarithm of a fraction \
         is a difference, and the logarithm of exp is gone.",
        "What is left is ln(sum of exp(z_j - m)) - (z_label - m), where m is the largest logit. \
         The sum holds exp(0) = 1, so its logarithm is never that of 0.",
    ],
);

/// Checks `fn my_cross_entropy(logits: Array1<f64>, label: usize) -> f64`.
pub fn cross_entropy(student: impl Fn(Array1<f64>, usize) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, z: Array1<f64>, label: usize| {
        let m = largest(&z);
        let p = z.mapv(|v| (v - m).exp());
        let sum = p.sum();
        let right = sum.ln() - (z[label] - m);
        let share = (-right).exp();
        let classes = z.len() as f64;
        let top = m - z[label];
        Case::new(name, move || student(z.clone(), label), right)
            .tolerance(1e-6, 1e-6)
            .mistake("The sign: the logarithm of a share is negative, the loss is not.", -right)
            .mistake(
                "This is p itself. The loss is the negative of its logarithm.",
                share,
            )
            .mistake(
                "The loss looks at the right class alone: -ln p, not -ln(1 - p).",
                -(1.0 - share).ln(),
            )
            .mistake("Natural logarithm: ln, not log2.", right / 2f64.ln())
            .mistake("Natural logarithm: ln, not log10.", right / 10f64.ln())
            .mistake(
                "The mean is over images, and this is one image: do not divide by the number of classes.",
                right / classes,
            )
            .mistake(
                "The logarithm of 0 is minus infinity: p was so small that f64 rounded it to 0. \
                 Take the logarithm of the sum, not of p.",
                f64::INFINITY,
            )
            .mistake(
                "The largest logit is taken off in the sum but not from the logit of the label (or \
                 the other way round).",
                right - m,
            )
            .mistake("The sum of the exponentials is missing.", top)
    };
    Exercise::new(&CROSS_ENTROPY)
        .check(case("ten equal logits".into(), Array1::zeros(10), 3))
        .check(case("logits 2, 1, 0.1; label 0".into(), array![2.0, 1.0, 0.1], 0))
        .check(case("logits 2, 1, 0.1; label 2".into(), array![2.0, 1.0, 0.1], 2))
        .seeded(2, 202, move |draw| {
            let n = draw.integer(3..=10);
            let label = draw.integer(0..=n - 1);
            let z = draw.array1(n).mapv(f64::from);
            case(format!("{n} drawn logits; label {label}"), z, label)
        })
        .check(case(
            "sure and wrong: logits 1000, 0; label 1".into(),
            array![1000.0, 0.0],
            1,
        ))
        .property("sure and right: logits 1000, 0; label 0", move || {
            let loss = student(array![1000.0, 0.0], 0);
            match loss.abs() < 1e-9 {
                true => Ok(()),
                false => Err(format!(
                    "expected 0, got {loss:?}. exp(1000) is infinity: take the largest logit off first"
                )),
            }
        })
        .run()
}

static PARAMETERS: About = About::new(
    "02-parameters",
    "Parameters of cnn1",
    2.0,
    [
        "A filter has one weight for each pixel of its window in each channel it reads, and one \
         bias. A unit of a dense layer has one weight for each number it reads, and one bias.",
        "conv1 reads one channel through windows of 3x3. With \"same\" padding it puts out 32 maps \
         as large as the image, and each of the ten units of fc reads all of those numbers.",
    ],
);

/// Checks `fn cnn1_parameters() -> [usize; 3]`: conv1, relu1, fc.
pub fn parameters(student: impl Fn() -> [usize; 3] + Copy + Send + 'static) -> Score {
    Exercise::new(&PARAMETERS)
        .check(
            Case::new("conv1", move || student()[0], 32 * (3 * 3 + 1))
                .mistake("That is without the biases: one for each filter.", 32 * 9)
                .mistake("That is one filter. There are 32.", 10)
                .mistake(
                    "One bias for each filter, not one for the layer.",
                    32 * 9 + 1,
                )
                .mistake(
                    "The weights are shared by all places: the size of the image plays no part.",
                    32 * 10 * 28 * 28,
                ),
        )
        .check(
            Case::new("relu1", move || student()[1], 0)
                .mistake("max(0, x) has nothing to learn.", 32)
                .mistake("max(0, x) has nothing to learn.", 1)
                .mistake("max(0, x) has nothing to learn.", 32 * 28 * 28),
        )
        .check(
            Case::new("fc", move || student()[2], 10 * (32 * 28 * 28 + 1))
                .mistake(
                    "That is without the biases: one for each output.",
                    10 * 32 * 28 * 28,
                )
                .mistake(
                    "One bias for each output, not one for the layer.",
                    10 * 32 * 28 * 28 + 1,
                )
                .mistake(
                    "With \"same\" padding the maps stay 28 x 28, not 26 x 26.",
                    10 * (32 * 26 * 26 + 1),
                )
                .mistake("It reads all 32 maps, not one.", 10 * (28 * 28 + 1)),
        )
        .property("all together", move || {
            let parts = student();
            match parts.iter().sum::<usize>() {
                251_210 => Ok(()),
                sum => Err(format!("the three add up to {sum}, and cnn1 has 251210")),
            }
        })
        .run()
}

static CNN1: About = About::new(
    "02-cnn1",
    "Build cnn1",
    3.0,
    [
        "Look at how fc_net is built: Network::input, one .add(name, layer) for each layer, .build(seed). \
         You need Conv2d, Relu, Flatten and Linear, in this order.",
        "Conv2d::new(filters, size) has .same() for padding that keeps the size and .init(Init::Xavier) \
         for how its weights begin; Linear::new(outputs) has .init(Init::Xavier) too.",
    ],
);

const NODES: [(&str, &[usize]); 4] = [
    ("conv1", &[32, 28, 28]),
    ("relu1", &[32, 28, 28]),
    ("flatten", &[25_088]),
    ("fc", &[10]),
];

/// Checks `fn cnn1(seed: u64) -> Result<Network, NnError>`.
pub fn cnn1(student: impl Fn(u64) -> Result<Network> + Copy + Send + 'static) -> Score {
    let built = move |seed| student(seed).map_err(|e| format!("it could not be built: {e}"));
    Exercise::new(&CNN1)
        .property("the nodes: conv1, relu1, flatten, fc", move || {
            right_nodes(&built(1)?)
        })
        .property("the shape after each node", move || {
            right_shapes(&built(1)?)
        })
        .property("251,210 parameters", move || {
            match built(1)?.parameter_count() {
                251_210 => Ok(()),
                other => Err(format!("expected 251210, got {other}")),
            }
        })
        .property("weights begin by Xavier's rule", move || {
            xavier_weights(&built(1)?)
        })
        .property("the seed decides the weights", move || {
            let [a, b, c] = [built(1)?, built(1)?, built(2)?];
            let first = |net: &Network| net.parameters().first().map(|(_, w)| (*w).clone());
            match (first(&a) == first(&b), first(&a) == first(&c)) {
                (true, false) => Ok(()),
                _ => Err("pass `seed` on to .build(seed)".into()),
            }
        })
        .run()
}

/// The student's `cnn1` for these weights if it is as it should be, and the course's own otherwise,
/// with a line that says so.
///
/// # Errors
/// Never for a sound build of this crate.
pub fn your_cnn1(
    student: impl Fn(u64) -> Result<Network> + Copy + Send + 'static,
    seed: u64,
) -> Result<Network> {
    let yours = attempt(move || student(seed).ok()).flatten().filter(|net| {
        right_nodes(net)
            .and(right_shapes(net))
            .and(xavier_weights(net))
            .is_ok()
    });
    match yours {
        Some(net) => Ok(net),
        None => {
            println!("Your cnn1 is not ready yet, so this is the course's own.");
            course_cnn1(seed)
        }
    }
}

fn course_cnn1(seed: u64) -> Result<Network> {
    Network::input([1, 28, 28])
        .add("conv1", Conv2d::new(32, 3).same().init(Init::Xavier))
        .add("relu1", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(10).init(Init::Xavier))
        .build(seed)
}

fn right_nodes(net: &Network) -> Result<(), String> {
    let names = net.nodes();
    match names.iter().map(String::as_str).eq(NODES.map(|n| n.0)) {
        true => Ok(()),
        false => Err(format!(
            "expected the nodes conv1, relu1, flatten, fc, got {}",
            names.join(", ")
        )),
    }
}

fn right_shapes(net: &Network) -> Result<(), String> {
    if net.input_shape() != [1, 28, 28] {
        return Err(format!(
            "expected images of [1, 28, 28], got {:?}",
            net.input_shape()
        ));
    }
    for ((_, expected), row) in NODES.iter().zip(net.summary().rows) {
        if row.output != *expected {
            let name = &row.name;
            let why = match row.output[..] {
                [32, 26, 26] => ". Without padding the border is lost: .same() keeps the size",
                [filters, 28, 28] if filters != 32 => ". cnn1 has 32 filters",
                [outputs] if name == "fc" && outputs != 10 => ". There are ten classes",
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

/// Uniform weights end at a bound that He's normal ones pass at once.
fn xavier_weights(net: &Network) -> Result<(), String> {
    for (path, fans) in [("conv1.weight", 9 + 288), ("fc.weight", 25_088 + 10)] {
        let bound = (6.0 / f64::from(fans)).sqrt() as f32;
        let weight = net.parameter(path).map_err(|e| e.to_string())?;
        let largest = weight.iter().fold(0f32, |m, w| m.max(w.abs()));
        if largest > bound * 1.0001 || largest < bound * 0.9 {
            return Err(format!(
                "Xavier's rule draws {path} between -{bound:.4} and {bound:.4}, and the largest here is \
                 {largest:.4}: give the layer .init(Init::Xavier)"
            ));
        }
    }
    Ok(())
}

static STANDARDISE: About = About::new(
    "02-standardise",
    "Standardise",
    3.0,
    [
        "Rows are images and columns are pixels: the mean of every column of `train` is \
         train.mean_axis(Axis(0)).unwrap(), its standard deviation train.std_axis(Axis(0), 0.0).",
        "Put 1 in the place of a standard deviation of 0 (mapv with an if). A matrix minus a row, or \
         divided by a row, works row by row: (&images - &mean) / &std.",
    ],
);

/// Checks `fn standardise(images: Array2<f32>, train: Array2<f32>) -> Array2<f32>`.
pub fn standardise(
    student: impl Fn(Array2<f32>, Array2<f32>) -> Array2<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: &str, images: Array2<f32>, train: Array2<f32>| {
        let right = by_columns(&images, &train, 0.0);
        let own = by_columns(&images, &images, 0.0);
        let n = train.nrows();
        let both = ndarray::concatenate![Axis(0), train, images];
        let both = by_columns(&images, &both, 0.0);
        let sample = by_columns(&images, &train, if n > 1 { 1.0 } else { 0.0 });
        let centred = &images - &mean(&train);
        let scaled = &images / &spread(&train, 0.0);
        let squared = &centred / &spread(&train, 0.0).mapv(|s| s * s);
        let each = by_columns(&images.t().to_owned(), &images.t().to_owned(), 0.0);
        let whole = {
            let all = train
                .to_shape((train.len(), 1))
                .expect("a column")
                .to_owned();
            (&images - mean(&all)[0]) / spread(&all, 0.0)[0]
        };
        Case::new(name, move || student(images.clone(), train.clone()), right)
            .mistake(
                "Mean and standard deviation come from `images` itself. They must come from `train`: \
                 what is measured on the test set leaks into what the network is given.",
                own,
            )
            .mistake(
                "Mean and standard deviation come from `train` and `images` together. Take them from \
                 `train` alone, so that nothing leaks from the test set.",
                both,
            )
            .mistake(
                "Each image was standardised by its own mean and spread. Here every pixel (a column) \
                 has its own: Axis(0).",
                each.t().to_owned(),
            )
            .mistake(
                "One mean and one standard deviation for all pixels. Every column has its own.",
                whole,
            )
            .mistake("The mean is taken off; now divide by the standard deviation.", centred)
            .mistake("Take the mean off before dividing.", scaled)
            .mistake(
                "That is divided by the variance: take its square root.",
                squared,
            )
            .mistake(
                "The standard deviation here divides by N, not by N - 1: std_axis(Axis(0), 0.0).",
                sample,
            )
    };
    let train = array![[0.0, 10.0], [2.0, 30.0], [4.0, 20.0]];
    let constant = array![[7.0, 1.0], [7.0, 3.0], [7.0, 2.0], [7.0, 6.0]];
    Exercise::new(&STANDARDISE)
        .check(case("the training set itself", train.clone(), train.clone()))
        .check(case(
            "two other images",
            array![[3.0, 50.0], [2.0, 20.0]],
            train,
        ))
        .seeded(2, 203, move |draw| {
            let (n, pixels) = (draw.integer(4..=9), draw.integer(2..=6));
            let train = draw.array2(n, pixels) * 40.0 + 100.0;
            let images = draw.array2(3, pixels) * 40.0 + 100.0;
            case(&format!("3 images of {pixels} pixels, {n} to train on"), images, train)
        })
        .property("a pixel that never changes in train", move || {
            let got = student(array![[7.0, 2.0], [9.0, 4.0]], constant.clone());
            if got.iter().any(|v| !v.is_finite()) {
                return Err(format!(
                    "got {got}. Its standard deviation is 0, and dividing by 0 gives NaN or infinity, \
                     which no training survives. Divide by 1 there"
                ));
            }
            if got.iter().any(|v| v.abs() > 100.0) {
                return Err(format!(
                    "got {got}. A small number added to a standard deviation of 0 makes a pixel that \
                     changes only in the test set enormous. Divide by 1 there"
                ));
            }
            let right = by_columns(&array![[7.0, 2.0], [9.0, 4.0]], &constant, 0.0);
            match got.shape() == right.shape()
                && got.iter().zip(&right).all(|(g, r)| (g - r).abs() < 1e-3)
            {
                true => Ok(()),
                false => Err(format!("expected {right}, got {got}")),
            }
        })
        .run()
}

fn mean(train: &Array2<f32>) -> Array1<f32> {
    train.mean_axis(Axis(0)).expect("at least one image")
}

fn spread(train: &Array2<f32>, ddof: f32) -> Array1<f32> {
    let std = train.std_axis(Axis(0), ddof);
    std.mapv(|s| if s == 0.0 { 1.0 } else { s })
}

fn by_columns(images: &Array2<f32>, train: &Array2<f32>, ddof: f32) -> Array2<f32> {
    (images - &mean(train)) / &spread(train, ddof)
}

static ACCURACY: About = About::new(
    "02-accuracy",
    "Accuracy",
    1.0,
    [
        "Count the places where the two lists agree, then divide by how many places there are.",
        "Whole numbers divide to whole numbers: turn both into f64 first, as in right as f64.",
    ],
);

/// Checks `fn accuracy(predictions: Vec<usize>, labels: Vec<usize>) -> f64`.
pub fn accuracy(student: impl Fn(Vec<usize>, Vec<usize>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, predictions: Vec<usize>, labels: Vec<usize>| {
        let n = labels.len() as f64;
        let right = predictions
            .iter()
            .zip(&labels)
            .filter(|(p, l)| p == l)
            .count() as f64;
        let case = Case::new(
            name,
            move || student(predictions.clone(), labels.clone()),
            right / n,
        );
        let case = case
            .mistake("That is the share of wrong answers.", 1.0 - right / n)
            .mistake("That is their number: divide by how many there are.", right)
            .mistake(
                "That is in per cent: a share lies between 0 and 1.",
                100.0 * right / n,
            );
        match right < n {
            true => case.mistake(
                "Whole numbers were divided, which rounds down: `as f64` comes before the division.",
                0.0,
            ),
            false => case,
        }
    };
    Exercise::new(&ACCURACY)
        .check(case(
            "three of four".into(),
            vec![7, 2, 1, 0],
            vec![7, 2, 1, 9],
        ))
        .check(case("all right".into(), vec![3, 3, 3], vec![3, 3, 3]))
        .seeded(2, 204, move |draw| {
            let n = draw.integer(8..=40);
            let labels: Vec<usize> = (0..n).map(|_| draw.integer(0..=9)).collect();
            let mut predictions = labels.clone();
            for p in predictions.iter_mut().step_by(3) {
                *p = (*p + draw.integer(0..=2)) % 10;
            }
            case(format!("{n} drawn answers"), predictions, labels)
        })
        .run()
}

static STANDARD_ERROR: About = About::new(
    "02-standard-error",
    "Standard error",
    2.0,
    [
        "One answer is a coin that shows \"right\" with probability p: its variance is p (1 - p). The \
         mean of N independent coins has an N-th of that variance.",
        "The standard error is the square root of the variance of the mean: sqrt(p (1 - p) / N). \
         In Rust: a number's .sqrt(), and images as f64.",
    ],
);

/// Checks `fn standard_error(accuracy: f64, images: usize) -> f64`.
pub fn standard_error(student: impl Fn(f64, usize) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |p: f64, n: usize| {
        let count = n as f64;
        let variance = p * (1.0 - p);
        let case = Case::new(
            format!("accuracy {p:.2} on {n} images"),
            move || student(p, n),
            (variance / count).sqrt(),
        )
        .tolerance(1e-7, 1e-4);
        if variance == 0.0 {
            return case;
        }
        case.mistake("That is the variance: take its square root.", variance / count)
            .mistake(
                "That is the spread of one answer. The mean of N varies less: divide the variance by N.",
                variance.sqrt(),
            )
            .mistake(
                "N belongs under the root: the spread shrinks with the root of N.",
                variance.sqrt() / count,
            )
            .mistake("The variance of one answer is p (1 - p), not p.", (p / count).sqrt())
            .mistake(
                "The variance of one answer is p (1 - p), not p squared.",
                (p * p / count).sqrt(),
            )
    };
    Exercise::new(&STANDARD_ERROR)
        .check(case(0.5, 100))
        .check(case(0.9, 1000))
        .check(case(0.99, 10_000))
        .check(case(1.0, 50))
        .seeded(2, 205, move |draw| {
            let hundredths = draw.integer(55..=98) as f64;
            case(hundredths / 100.0, draw.integer(100..=5000))
        })
        .run()
}

static IMAGES_NEEDED: About = About::new(
    "02-images-needed",
    "How many test images",
    1.0,
    [
        "Solve the formula of the standard error for N.",
        "N = p (1 - p) / (standard error)², and a tenth of a point is 0.001.",
    ],
);

/// Checks `fn images_needed() -> f64`: a standard error of 0.001 at accuracy 0.9.
pub fn images_needed(student: impl Fn() -> f64 + Copy + Send + 'static) -> Score {
    Exercise::new(&IMAGES_NEEDED)
        .tolerance(50.0, 0.0)
        .check(
            Case::new("your number", student, 90_000.0)
                .mistake("A tenth of a point is 0.001, not 0.01.", 900.0)
                .mistake("A tenth of a point is 0.001, not 0.1.", 9.0)
                .mistake(
                    "The standard error is squared: it stands under no root.",
                    90.0,
                )
                .mistake("That is the root of the number.", 300.0),
        )
        .property("in the formula", move || {
            let n = student();
            match n.is_finite() && n >= 1.0 && ((0.09 / n).sqrt() - 0.001).abs() < 2e-6 {
                true => Ok(()),
                false => Err(format!(
                    "with {n} images the standard error is {:.5}, not 0.001",
                    (0.09 / n).sqrt()
                )),
            }
        })
        .run()
}

static CONFUSION: About = About::new(
    "02-confusion",
    "Reading a confusion matrix",
    2.0,
    [
        "A row holds all images of one true class, a column all images that got one answer. Which of \
         the two do you divide by?",
        "First question: of the row of truth 4, the share that got the answer 4. Second question: of \
         the column of answer 9, the share that are nines.",
    ],
);

/// Checks `fn answer_confusion() -> [f64; 2]` for the counts 45 1 4 / 2 42 6 / 6 0 44 of 4, 7, 9.
pub fn confusion(student: impl Fn() -> [f64; 2] + Copy + Send + 'static) -> Score {
    let (recall, precision) = (45.0 / 50.0, 44.0 / 54.0);
    Exercise::new(&CONFUSION)
        .tolerance(0.002, 0.0)
        .check(
            Case::new("fours that were recognised", move || student()[0], recall)
                .mistake(
                    "You divided by the column: that is the share of fours among what it called a 4.",
                    45.0 / 53.0,
                )
                .mistake("Divide by the fours, not by all images.", 45.0 / 150.0)
                .mistake("That is the share that were missed.", 1.0 - recall)
                .mistake("The two answers are in the wrong order.", precision),
        )
        .check(
            Case::new("nines among what it called a 9", move || student()[1], precision)
                .mistake(
                    "You divided by the row: that is the share of the nines that were recognised.",
                    44.0 / 50.0,
                )
                .mistake("Divide by what it called a 9, not by all images.", 44.0 / 150.0)
                .mistake("That is the share that are no nines.", 1.0 - precision)
                .mistake("The two answers are in the wrong order.", recall),
        )
        .run()
}

fn largest(z: &Array1<f64>) -> f64 {
    z.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Whether two arrays agree; a NaN or an infinity gets the explanation.
fn near(got: &Array1<f64>, expected: &Array1<f64>, not_finite: &str) -> Result<(), String> {
    if got.iter().any(|v| !v.is_finite()) {
        return Err(format!("got {got}. {not_finite}"));
    }
    let same =
        got.len() == expected.len() && got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6);
    match same {
        true => Ok(()),
        false => Err(format!("expected {expected:.5}, got {got:.5}")),
    }
}

#[cfg(test)]
#[path = "n02_tests.rs"]
mod tests;
