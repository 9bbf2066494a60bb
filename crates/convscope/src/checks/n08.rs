//! The checks of notebook 08, Why residual networks work.

use crate::check::{About, Case, Exercise, Score, attempt};
use convscope_nn::{
    Add, BatchNorm2d, Conv2d, Network, NetworkBuilder, NnError, Relu, Result, Tensor, eigh,
};
use convscope_zoo::PaddedShortcut;
use ndarray::{Array1, Array2, Array3, Axis, IxDyn, array};

pub(crate) const ALL: &[&About] = &[
    &WEIGHT_LAYERS,
    &RESIDUAL_BLOCK,
    &PADDED_SHORTCUT,
    &FACTOR,
    &AUTOCORRELATION,
    &CONDITION_NUMBER,
    &STEPS,
    &CHAIN_ONE,
    &CHAIN_TWO,
    &FIRST_DERIVATIVE,
    &WHITEN,
];

static WEIGHT_LAYERS: About = About::new(
    "08-weight-layers",
    "Counting layers",
    1.0,
    [
        "Two layers with weights stand outside the stages. What is in a pair, and how many stages are \
         there?",
        "Three stages of n pairs of two convolutions, the first convolution and the layer at the end.",
    ],
);

/// Checks `fn weight_layers(pairs: usize) -> usize`.
pub fn weight_layers(student: impl Fn(usize) -> usize + Copy + Send + 'static) -> Score {
    let case = move |n: usize| {
        Case::new(
            format!("{n} pairs in each stage"),
            move || student(n),
            6 * n + 2,
        )
        .mistake(
            "That is the pairs alone: a layer stands before them and one behind.",
            6 * n,
        )
        .mistake("One of the two outside the stages is missing.", 6 * n + 1)
        .mistake("There are three stages.", 2 * n + 2)
        .mistake("A pair has two convolutions.", 3 * n + 2)
    };
    Exercise::new(&WEIGHT_LAYERS)
        .check(case(3))
        .check(case(9))
        .check(case(18))
        .run()
}

static RESIDUAL_BLOCK: About = About::new(
    "08-residual-block",
    "A residual block",
    3.0,
    [
        "Begin with the six lines of plain_block. The sum comes after bn2 and before the last ReLU.",
        "The sum reads two nodes: .add_after(&[\"bn2\", \"input\"], \"add\", Add), where \"input\" is \
         what the block reads.",
    ],
);

/// A block of a network: what comes so far and how many channels it has, to one with more layers.
pub type Block = fn(NetworkBuilder, usize) -> NetworkBuilder;

const NODES: [&str; 7] = ["conv1", "bn1", "relu1", "conv2", "bn2", "add", "relu2"];

/// Checks `fn residual_block(net: NetworkBuilder, channels: usize) -> NetworkBuilder`.
pub fn residual_block(
    student: impl Fn(NetworkBuilder, usize) -> NetworkBuilder + Copy + Send + 'static,
) -> Score {
    let built = move |channels, blocks| {
        two(student, channels, blocks).map_err(|e| format!("it could not be built: {e}"))
    };
    Exercise::new(&RESIDUAL_BLOCK)
        .property(
            "the nodes: conv1, bn1, relu1, conv2, bn2, add, relu2",
            move || right_nodes(&built(4, 1)?),
        )
        .property("the size and the channels stay", move || {
            let net = built(6, 1)?;
            match net.output_shape() {
                [6, 5, 5] => Ok(()),
                other => Err(format!("[6, 5, 5] went in, {other:?} came out")),
            }
        })
        .property("the sum adds bn2 and what the block reads", move || {
            right_sum(&built(4, 2)?)
        })
        .property("two convolutions of 3x3 without biases", move || {
            right_parameters(&built(4, 1)?)
        })
        .property(
            "with all filters zero it is the identity (and a ReLU)",
            move || identity_at_zero(built(4, 2)?),
        )
        .run()
}

/// The student's block if it is as it should be, and the course's own otherwise, with a line that
/// says so.
pub fn your_block(student: Block) -> Block {
    let right = attempt(move || {
        two(student, 4, 2).is_ok_and(|net| {
            right_sum(&net).and_then(|()| identity_at_zero(net)).is_ok()
                && two(student, 4, 1)
                    .is_ok_and(|net| right_nodes(&net).and(right_parameters(&net)).is_ok())
        })
    });
    match right {
        Some(true) => student,
        _ => {
            println!("Your residual block is not ready yet, so this is the course's own.");
            course_block
        }
    }
}

fn course_block(net: NetworkBuilder, channels: usize) -> NetworkBuilder {
    net.add("conv1", Conv2d::new(channels, 3).same().no_bias())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(channels, 3).same().no_bias())
        .add("bn2", BatchNorm2d::new())
        .add_after(&["bn2", "input"], "add", Add)
        .add("relu2", Relu)
}

/// So many blocks, `b1`, `b2` and on, after each other.
fn two(
    block: impl Fn(NetworkBuilder, usize) -> NetworkBuilder,
    channels: usize,
    blocks: usize,
) -> Result<Network> {
    let mut net = Network::input([channels, 5, 5]);
    for i in 1..=blocks {
        net = net.block(&format!("b{i}"), |net| block(net, channels));
    }
    net.build(1)
}

fn right_nodes(net: &Network) -> Result<(), String> {
    let names = net.nodes();
    let names: Vec<&str> = names.iter().map(|n| n.trim_start_matches("b1.")).collect();
    match names == NODES {
        true => Ok(()),
        false => Err(format!(
            "expected the nodes {}, got {}",
            NODES.join(", "),
            names.join(", ")
        )),
    }
}

fn right_sum(net: &Network) -> Result<(), String> {
    let rows = net.summary().rows;
    let sum = rows.iter().find(|r| r.name == "b2.add");
    let mut reads = sum
        .ok_or("there is no node \"add\" in the block")?
        .inputs
        .clone();
    reads.sort();
    match &reads.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["b1.relu2", "b2.bn2"] => Ok(()),
        other if !other.contains(&"b1.relu2") => Err(format!(
            "in the second of two blocks it reads {}, and not what the first one put out. Inside a \
             block that is called \"input\"",
            other.join(" and ")
        )),
        other => Err(format!(
            "it reads {}: the sum comes after bn2, before the last ReLU",
            other.join(" and ")
        )),
    }
}

fn right_parameters(net: &Network) -> Result<(), String> {
    for conv in ["conv1", "conv2"] {
        let weight = net.parameter(&format!("b1.{conv}.weight"));
        match weight.map(|w| w.shape().to_vec()) {
            Ok(shape) if shape == [4, 4, 3, 3] => {}
            Ok(shape) => {
                return Err(format!(
                    "{conv}'s filters: expected [4, 4, 3, 3], got {shape:?}"
                ));
            }
            Err(error) => return Err(error.to_string()),
        }
        if net.parameter(&format!("b1.{conv}.bias")).is_ok() {
            return Err(format!(
                "{conv} has a bias, which the batch norm behind it takes away again: .no_bias()"
            ));
        }
    }
    Ok(())
}

fn identity_at_zero(mut net: Network) -> Result<(), String> {
    let filters: Vec<String> = net
        .parameters()
        .into_iter()
        .filter(|(path, _)| path.contains("conv"))
        .map(|(path, _)| path)
        .collect();
    for path in filters {
        let zeros = net.parameter(&path).map(|w| Tensor::zeros(w.raw_dim()));
        let set = zeros.and_then(|zeros| net.set_parameter(&path, zeros));
        set.map_err(|e| e.to_string())?;
    }
    let x = Tensor::from_shape_fn(IxDyn(&[2, 4, 5, 5]), |i| {
        (i[0] * 100 + i[1] * 25 + i[2] * 5 + i[3]) as f32 / 50.0 - 2.0
    });
    let y = net.forward(&x).map_err(|e| e.to_string())?;
    let expected = x.mapv(|v| v.max(0.0));
    if y.iter().all(|v| *v == 0.0) {
        return Err(
            "everything is 0 behind it: without the shortcut nothing gets past filters of \
                    zeros"
                .into(),
        );
    }
    match y.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5) {
        true => Ok(()),
        false => Err(
            "what comes out is not max(0, x): the shortcut must carry the block's input \
                      past both convolutions, untouched"
                .into(),
        ),
    }
}

static PADDED_SHORTCUT: About = About::new(
    "08-padded-shortcut",
    "A shortcut that learns nothing",
    2.0,
    [
        "Two steps: keep every second row and column, beginning with the first; then put them into \
         an array of zeros with more channels.",
        "x.slice(s![.., ..;2, ..;2]) keeps every second row and column. Of an array `out` of zeros, \
         out.slice_mut(s![first..first + old, .., ..]).assign(&kept) fills the channels in the middle, \
         where first = (channels - old) / 2.",
    ],
);

/// Checks `fn padded_shortcut(x: Array3<f32>, channels: usize) -> Array3<f32>`.
pub fn padded_shortcut(
    student: impl Fn(Array3<f32>, usize) -> Array3<f32> + Copy + Send + 'static,
) -> Score {
    let case = move |name: String, x: Array3<f32>, channels: usize| {
        let old = x.dim().0;
        let halved = |from: usize| {
            let from = from as isize;
            x.slice(ndarray::s![.., from..;2, from..;2]).to_owned()
        };
        let padded = |kept: &Array3<f32>, first: usize| {
            let (_, h, w) = kept.dim();
            let mut out = Array3::zeros((channels, h, w));
            out.slice_mut(ndarray::s![first..first + old, .., ..])
                .assign(kept);
            out
        };
        let kept = halved(0);
        let middle = (channels - old) / 2;
        let mut case = Case::new(
            name,
            {
                let x = x.clone();
                move || student(x.clone(), channels)
            },
            padded(&kept, middle),
        );
        if channels > old {
            case = case
                .mistake(
                    "Half of the zeros stand before the channels: yours all stand behind.",
                    padded(&kept, 0),
                )
                .mistake(
                    "Half of the zeros stand behind the channels: yours all stand before.",
                    padded(&kept, channels - old),
                )
                .mistake(
                    "The size is right; now make room for the missing channels.",
                    kept.clone(),
                )
                .mistake(
                    "The channels are right; now keep every second row and column.",
                    padded(&x, middle),
                );
        }
        if x.dim().1 % 2 == 0 {
            case = case.mistake(
                "Begin with the first row and column, not with the second.",
                padded(&halved(1), middle),
            );
        }
        case
    };
    let small = Array3::from_shape_fn((2, 4, 4), |(c, y, x)| (100 * (c + 1) + 10 * y + x) as f32);
    Exercise::new(&PADDED_SHORTCUT)
        .check(case("[2, 4, 4] to 4 channels".into(), small.clone(), 4))
        .check(case("[2, 4, 4] to 6 channels".into(), small, 6))
        .seeded(2, 801, move |draw| {
            let (c, h, w) = (
                draw.integer(1..=3),
                draw.integer(3..=7),
                draw.integer(3..=7),
            );
            let x = draw.array3(c, h, w);
            case(format!("[{c}, {h}, {w}] to {} channels", 2 * c), x, 2 * c)
        })
        .property("like the engine's PaddedShortcut", move || {
            let x = Array3::from_shape_fn((3, 5, 6), |(c, y, x)| (c * 30 + y * 6 + x) as f32);
            let net = Network::input([3, 5, 6])
                .add("shortcut", PaddedShortcut::new(6, 2))
                .build(0)
                .map_err(|e| e.to_string())?;
            let batch = x.clone().insert_axis(Axis(0)).into_dyn();
            let right = net.forward(&batch).map_err(|e| e.to_string())?;
            let yours = student(x, 6).insert_axis(Axis(0)).into_dyn();
            match right == yours {
                true => Ok(()),
                false => Err(format!(
                    "of [3, 5, 6] the layer makes {:?}, yours {:?}, or its numbers stand elsewhere",
                    &right.shape()[1..],
                    &yours.shape()[1..]
                )),
            }
        })
        .run()
}

static FACTOR: About = About::new(
    "08-factor",
    "The factor of one layer",
    1.0,
    [
        "From the last layer to the first the gradient is multiplied once for each step between two \
         layers. How many steps are there between n layers?",
        "(first / last) is the factor of all n - 1 steps together: take its (n - 1)-th root, with \
         .powf(1.0 / steps).",
    ],
);

/// Checks `fn factor_per_layer(sizes: Vec<f64>) -> f64`: of the way back, from the last to the first.
pub fn factor_per_layer(student: impl Fn(Vec<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, sizes: Vec<f64>| {
        let n = sizes.len();
        let all = sizes[0] / sizes[n - 1];
        let root = |steps: usize| all.powf(1.0 / steps as f64);
        Case::new(name, move || student(sizes.clone()), root(n - 1))
            .tolerance(1e-6, 1e-6)
            .mistake(
                "The way back goes from the last layer to the first: first / last.",
                1.0 / root(n - 1),
            )
            .mistake("Between n layers there are n - 1 steps.", root(n))
            .mistake(
                "That is the factor of all steps together: take a root of it.",
                all,
            )
            .mistake(
                "Factors are multiplied: it is a root that you need, not a quotient.",
                all / (n - 1) as f64,
            )
    };
    Exercise::new(&FACTOR)
        .check(case("8, 4, 2, 1".into(), vec![8.0, 4.0, 2.0, 1.0]))
        .check(case("1, 10, 100".into(), vec![1.0, 10.0, 100.0]))
        .check(case("3, 5, 2, 3".into(), vec![3.0, 5.0, 2.0, 3.0]))
        .seeded(1, 802, move |draw| {
            let n = draw.integer(5..=30);
            let sizes = (0..n).map(|i| 0.5 * 1.25f64.powi(-(i as i32))).collect();
            case(format!("{n} layers"), sizes)
        })
        .run()
}

static AUTOCORRELATION: About = About::new(
    "08-autocorrelation",
    "Autocorrelation",
    2.0,
    [
        "Take the mean off first. Then each value is multiplied by the one that stands `lag` places \
         behind it, and the products are added up.",
        "sum over i of d[i] * d[i + lag], for i from 0 while i + lag is still in the list, divided by \
         the sum of d[i] * d[i] over all, where d is the list without its mean.",
    ],
);

/// Checks `fn autocorrelation(values: Vec<f64>, lag: usize) -> f64`.
pub fn autocorrelation(student: impl Fn(Vec<f64>, usize) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: String, values: Vec<f64>, lag: usize| {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let products = |mean: f64, lag: usize| {
            let d: Vec<f64> = values.iter().map(|v| v - mean).collect();
            d.iter().zip(&d[lag..]).map(|(a, b)| a * b).sum::<f64>()
        };
        let right = products(mean, lag) / products(mean, 0);
        let raw = products(0.0, lag) / products(0.0, 0);
        let means = right * n as f64 / (n - lag) as f64;
        let covariance = products(mean, lag);
        let values = values.clone();
        Case::new(name, move || student(values.clone(), lag), right)
            .tolerance(1e-8, 1e-8)
            .mistake("Take the mean off the values first.", raw)
            .mistake(
                "Divide by the sum of all squares, not by means over different numbers of values: the \
                 sums are enough.",
                means,
            )
            .mistake("Now divide by the sum of the squares, so that lag 0 gives 1.", covariance)
            .mistake("That is the covariance: divide by the variance.", covariance / n as f64)
    };
    Exercise::new(&AUTOCORRELATION)
        .check(case(
            "1, 2, 3, 4; lag 1".into(),
            vec![1.0, 2.0, 3.0, 4.0],
            1,
        ))
        .check(case(
            "1, -1, 1, -1, 1, -1; lag 1".into(),
            vec![1.0, -1.0, 1.0, -1.0, 1.0, -1.0],
            1,
        ))
        .check(case(
            "1, 2, 3, 4; lag 0".into(),
            vec![1.0, 2.0, 3.0, 4.0],
            0,
        ))
        .seeded(2, 803, move |draw| {
            let n = draw.integer(8..=20);
            let values: Vec<f64> = draw.array1(n).iter().map(|v| f64::from(*v) + 3.0).collect();
            let lag = draw.integer(2..=4);
            case(format!("{n} drawn values; lag {lag}"), values, lag)
        })
        .run()
}

static CONDITION_NUMBER: About = About::new(
    "08-condition-number",
    "Condition number",
    2.0,
    [
        "The sign of a curvature says up or down; for the condition number only sizes count.",
        "Take .abs() of all, find the largest and the smallest of these with f64::max and f64::min, \
         and divide.",
    ],
);

/// Checks `fn condition_number(eigenvalues: Array1<f64>) -> f64`.
pub fn condition_number(student: impl Fn(Array1<f64>) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |name: &str, values: Array1<f64>| {
        let over = |of: &dyn Fn(f64) -> f64| {
            let most = values.iter().fold(f64::NEG_INFINITY, |m, v| m.max(of(*v)));
            let least = values.iter().fold(f64::INFINITY, |m, v| m.min(of(*v)));
            (most, least)
        };
        let (most, least) = over(&f64::abs);
        let (top, bottom) = over(&|v| v);
        let (first, last) = (values[0], values[values.len() - 1]);
        let given = values.clone();
        Case::new(name, move || student(given.clone()), most / least)
            .tolerance(1e-9, 1e-9)
            .mistake("By size: take the absolute value of each before you look for the largest and the smallest.", top / bottom)
            .mistake("The largest stands above, the smallest below.", least / most)
            .mistake("That is the quotient of two sizes, but not of the largest and the smallest.", (last / first).abs())
            .mistake("A quotient, not a difference.", most - least)
    };
    Exercise::new(&CONDITION_NUMBER)
        .check(case("1, 2, 8", array![1.0, 2.0, 8.0]))
        .check(case("-2, -1, 1, 2", array![-2.0, -1.0, 1.0, 2.0]))
        .check(case("-6, 0.5, 3", array![-6.0, 0.5, 3.0]))
        .check(case("-5, -4, -3, 2", array![-5.0, -4.0, -3.0, 2.0]))
        .property("0, 1, 4", move || {
            let got = student(array![0.0, 1.0, 4.0]);
            match got == f64::INFINITY {
                true => Ok(()),
                false => Err(format!(
                    "expected infinity, got {got}: in one direction the loss is not curved at all, and \
                     in Rust 4.0 / 0.0 is infinity by itself"
                )),
            }
        })
        .run()
}

static STEPS: About = About::new(
    "08-steps",
    "Steps that a valley costs",
    1.0,
    [
        "Along the flattest direction one step leaves the share 1 - 1/condition of the way. After t \
         steps that share to the power of t is left. Solve for t.",
        "The logarithm of a power is a product: t = ln(0.01) / ln(1 - 1/condition).",
    ],
);

/// Checks `fn steps_needed(condition: f64) -> f64`: until a hundredth of the way is left.
pub fn steps_needed(student: impl Fn(f64) -> f64 + Copy + Send + 'static) -> Score {
    let case = move |c: f64| {
        let leaves = (1.0 - 1.0 / c).ln();
        Case::new(
            format!("condition number {c}"),
            move || student(c),
            0.01f64.ln() / leaves,
        )
        .tolerance(0.6, 1e-3)
        .mistake(
            "Upside down: the logarithm of a hundredth stands above.",
            leaves / 0.01f64.ln(),
        )
        .mistake(
            "A step leaves 1 - 1/condition, not 1/condition.",
            0.01f64.ln() / (1.0 / c).ln(),
        )
        .mistake(
            "Until a hundredth is left, not a tenth.",
            0.1f64.ln() / leaves,
        )
        .mistake(
            "The sign: both logarithms are negative.",
            -0.01f64.ln() / leaves,
        )
    };
    Exercise::new(&STEPS)
        .check(case(2.0))
        .check(case(10.0))
        .check(case(100.0))
        .check(case(1000.0))
        .run()
}

static CHAIN_ONE: About = About::new(
    "08-chain-one",
    "Hessian of a chain, shortcuts of depth one",
    3.0,
    [
        "Write the output as 1 + (sum of all w) + (sum of w_i w_j over all pairs) + ... At zero only \
         the first three terms have a first or second derivative. What are they there?",
        "E = (t - f)²/2, so E_ij = f_i f_j - (t - f) f_ij. At zero f = 1, every f_i = 1, and f_ij is 1 \
         for two different weights and 0 for twice the same.",
    ],
);

/// Checks `fn chain_one(layers: usize, target: f64) -> Array2<f64>`.
pub fn chain_one(student: impl Fn(usize, f64) -> Array2<f64> + Copy + Send + 'static) -> Score {
    let case =
        move |layers: usize, t: f64| {
            let filled = |on: f64, off: f64| {
                Array2::from_shape_fn((layers, layers), |(i, j)| if i == j { on } else { off })
            };
            let case = Case::new(
            format!("{layers} layers, target {t}"),
            move || student(layers, t),
            filled(1.0, 2.0 - t),
        )
        .mistake(
            "Off the diagonal the second derivative of f counts too: 1 - (t - f) f_ij, with f = 1.",
            filled(1.0, 1.0),
        )
        .mistake("At zero f is 1, not 0: t - f is t - 1.", filled(1.0, 1.0 - t))
        .mistake("The sign: E_ij = f_i f_j - (t - f) f_ij.", filled(1.0, t))
        .mistake(
            "On the diagonal f_ii is 0: in one weight alone f is a straight line.",
            filled(2.0 - t, 2.0 - t),
        )
        .mistake(
            "Twice too much: the loss has a half in front.",
            filled(2.0, 4.0 - 2.0 * t),
        );
            match layers {
                1 => Case::new("1 layer", move || student(1, t), array![[1.0]]),
                _ => case,
            }
        };
    Exercise::new(&CHAIN_ONE)
        .check(case(2, 0.4))
        .check(case(4, 0.2))
        .check(case(3, 3.0))
        .check(case(1, 0.5))
        .run()
}

static CHAIN_TWO: About = About::new(
    "08-chain-two",
    "Hessian of a chain, shortcuts of depth two",
    2.0,
    [
        "Multiply out: f = 1 + u1 v1 + u2 v2 + ... and terms with four factors or more. Which second \
         derivatives of that are not 0 at zero?",
        "At zero every first derivative of f is 0, so E_ij = -(t - f) f_ij is all there is, with f = 1, \
         and f_ij is 1 only for the two weights of one block.",
    ],
);

/// Checks `fn chain_two(blocks: usize, target: f64) -> Array2<f64>`, rows u1, v1, u2, v2, ...
pub fn chain_two(student: impl Fn(usize, f64) -> Array2<f64> + Copy + Send + 'static) -> Score {
    let case = move |blocks: usize, t: f64| {
        let n = 2 * blocks;
        let of = |f: &dyn Fn(usize, usize) -> f64| Array2::from_shape_fn((n, n), |(i, j)| f(i, j));
        let partners = |i: usize, j: usize| i != j && i / 2 == j / 2;
        let inside = |value: f64| of(&|i, j| if partners(i, j) { value } else { 0.0 });
        Case::new(
            format!("{blocks} block{}, target {t}", if blocks == 1 { "" } else { "s" }),
            move || student(blocks, t),
            inside(1.0 - t),
        )
        .mistake("The sign: E_ij = -(t - f) f_ij, with f = 1.", inside(t - 1.0))
        .mistake("At zero f is 1, not 0: t - f is t - 1.", inside(-t))
        .mistake(
            "Blocks do not meet: u1 v1 u2 v2 has four factors, and two derivatives leave two of them.",
            of(&|i, j| if i == j { 0.0 } else { 1.0 - t }),
        )
        .mistake(
            "The diagonal is 0: f has no u1² in it, and its first derivatives are 0 at zero.",
            of(&|i, j| if i == j { 1.0 } else if partners(i, j) { 1.0 - t } else { 0.0 }),
        )
        .mistake(
            "The rows stand in the order u1, v1, u2, v2: the two weights of a block are neighbours.",
            of(&|i, j| if i.abs_diff(j) == blocks && blocks > 1 { 1.0 - t } else { 0.0 }),
        )
    };
    Exercise::new(&CHAIN_TWO)
        .check(case(2, 0.4))
        .check(case(3, 0.2))
        .check(case(1, 3.0))
        .property(
            "its eigenvalues do not know the number of blocks",
            move || {
                for blocks in [1, 4] {
                    let values = eigh(&student(blocks, 0.25)).map_err(|e| e.to_string())?.0;
                    if values.iter().any(|v| (v.abs() - 0.75).abs() > 1e-6) {
                        return Err(format!("of {blocks} blocks, target 0.25: {values:.3}"));
                    }
                }
                Ok(())
            },
        )
        .run()
}

static FIRST_DERIVATIVE: About = About::new(
    "08-first-derivative",
    "The first derivative that is not zero",
    1.0,
    [
        "Write the output at small weights: 1 + (products of n weights) + much smaller terms. How often \
         must you differentiate a product of n different weights before something is left at zero?",
        "Each derivative takes one factor away. With a factor left the rest is 0 at zero weights.",
    ],
);

/// Checks `fn first_derivative(length: usize) -> usize`.
pub fn first_derivative(student: impl Fn(usize) -> usize + Copy + Send + 'static) -> Score {
    let case = move |n: usize| {
        let case = Case::new(format!("shortcuts of depth {n}"), move || student(n), n);
        match n {
            1 => case
                .mistake(
                    "At depth one the gradient itself is not 0: f falls by its slope.",
                    2,
                )
                .mistake("The slope is the first derivative: count from 1.", 0),
            _ => case
                .mistake(
                    "One derivative more: with a factor left it is still 0.",
                    n - 1,
                )
                .mistake(
                    "One too many: after n derivatives no factor is left, and that is not 0.",
                    n + 1,
                ),
        }
    };
    Exercise::new(&FIRST_DERIVATIVE)
        .check(case(1))
        .check(case(2))
        .check(case(3))
        .check(case(7))
        .run()
}

static WHITEN: About = About::new(
    "08-whiten",
    "Whitening",
    2.0,
    [
        "Three steps: the covariance xᵀx / N, its eigenvectors by eigh, and x times the vectors that you \
         keep, each column divided by the root of its eigenvalue.",
        "eigh gives (values, vectors) with the largest values last. The columns to keep are \
         vectors.slice(s![.., d - keep..]), the values are values.slice(s![d - keep..]), and an array \
         [N, keep] can be divided by an array [keep].",
    ],
);

/// Checks `fn whiten(x: Array2<f64>, keep: usize) -> Array2<f64>`, of columns with mean 0.
pub fn whiten(
    student: impl Fn(Array2<f64>, usize) -> Array2<f64> + Copy + Send + 'static,
) -> Score {
    let property = move |x: &Array2<f64>, keep: usize| is_white(&student(x.clone(), keep), x, keep);
    let spread = |n: usize, d: usize, phase: f64| {
        let x = Array2::from_shape_fn((n, d), |(i, j)| {
            let turn = ((i * d + j) as f64).powi(2) * (0.37 + phase);
            turn.sin() * (j + 1) as f64 + 0.5 * ((i * 3 + 1) as f64).cos()
        });
        let mean = x.mean_axis(Axis(0)).expect("rows");
        x - mean
    };
    let line = array![[2.0, 2.0], [-2.0, -2.0], [1.0, 1.0], [-1.0, -1.0]];
    Exercise::new(&WHITEN)
        .property("40 x 3, all kept", move || property(&spread(40, 3, 0.0), 3))
        .property("60 x 6, two kept", move || property(&spread(60, 6, 0.3), 2))
        .property("50 x 5, four kept", move || {
            property(&spread(50, 5, 0.6), 4)
        })
        .property("points on a line, one kept", move || property(&line, 1))
        .run()
}

/// The student's whitening of `x` if it is right, and the course's own otherwise, with a line that
/// says so.
///
/// # Errors
/// When `x` has fewer columns than are to be kept, or holds no variance along them.
pub fn your_whitened(
    student: fn(Array2<f64>, usize) -> Array2<f64>,
    x: &Array2<f64>,
    keep: usize,
) -> Result<Array2<f64>> {
    let given = x.clone();
    let yours = attempt(move || student(given, keep)).filter(|z| is_white(z, x, keep).is_ok());
    if let Some(z) = yours {
        return Ok(z);
    }
    println!("Your whitening is not ready yet, so this is the course's own.");
    let (values, vectors) = eigh(&(x.t().dot(x) / x.nrows() as f64))?;
    let Some(first) = x.ncols().checked_sub(keep).filter(|_| keep > 0) else {
        return Err(NnError::Invalid(format!(
            "expected to keep 1 to {} of the columns, got {keep}",
            x.ncols()
        )));
    };
    if values[first] <= 0.0 {
        return Err(NnError::Invalid(format!(
            "there is no variance along {keep} axes: the smallest has {}",
            values[first]
        )));
    }
    let axes = vectors.slice(ndarray::s![.., first..]);
    Ok(x.dot(&axes) / values.slice(ndarray::s![first..]).mapv(f64::sqrt))
}

/// Whether `z` is `x` on its `keep` leading axes, each with mean square 1 (turned in any way).
fn is_white(z: &Array2<f64>, x: &Array2<f64>, keep: usize) -> Result<(), String> {
    let (values, vectors) = spectrum(x);
    if z.dim() != (x.nrows(), keep) || keep > x.ncols() {
        return Err(format!(
            "expected an array of shape {:?}, got {:?}",
            [x.nrows(), keep],
            z.shape()
        ));
    }
    if z.iter().any(|v| !v.is_finite()) {
        return Err("a number is not finite: which eigenvalues are 0?".into());
    }
    let moments = z.t().dot(z) / x.nrows() as f64;
    let d = x.ncols();
    let off = |expected: &Array2<f64>| {
        let apart = (&moments - expected).mapv(f64::abs);
        apart.iter().fold(0.0, |m: f64, v| m.max(*v))
    };
    if off(&Array2::eye(keep)) > 1e-6 {
        let kept = values.slice(ndarray::s![d - keep..]).to_owned();
        let first = values.slice(ndarray::s![..keep]).to_owned();
        let scaled = |power: f64, of: &Array1<f64>| Array2::from_diag(&of.mapv(|v| v.powf(power)));
        let size = 1e-6 * values[d - 1].max(1.0);
        let why = match () {
            () if off(&scaled(1.0, &kept)) < size => {
                "the axes are right; now divide each column by the root of its eigenvalue"
            }
            () if off(&scaled(-1.0, &kept)) < size => {
                "divided by the eigenvalue: it is a variance, take its root"
            }
            () if off(&(Array2::eye(keep) / x.nrows() as f64)) < 1e-6 => {
                "the sum of squares is 1, and the mean of squares should be: divide xᵀx by N"
            }
            () if off(&scaled(1.0, &first)) < size => {
                "these are the smallest eigenvalues: eigh sorts upwards, keep the last ones"
            }
            () => "the columns should have mean square 1 and no correlation",
        };
        return Err(format!("zᵀz / N is not the identity: {why}"));
    }
    // The same space as the leading axes: the projections onto either agree.
    let leading = vectors.slice(ndarray::s![.., d - keep..]).to_owned();
    let direct = x.dot(&leading);
    let missing = &direct - &z.dot(&(z.t().dot(&direct) / x.nrows() as f64));
    let left = missing.mapv(|v| v * v).sum() / direct.mapv(|v| v * v).sum();
    match left < 1e-6 {
        true => Ok(()),
        false => Err(
            "whitened, but along other axes than the largest: eigh sorts upwards, keep the last \
             columns"
                .into(),
        ),
    }
}

fn spectrum(x: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    eigh(&(x.t().dot(x) / x.nrows() as f64)).expect("a covariance is symmetric")
}

#[cfg(test)]
#[path = "n08_tests.rs"]
mod tests;
