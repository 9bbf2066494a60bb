//! The checks of the blocks that notebook 07 has built: by their shapes, their counts and what they
//! compute, whatever their nodes are called.

use crate::check::{About, Exercise, Score};
use convscope_nn::{
    Add, BatchNorm2d, Concat, Conv2d, MaxPool2d, Network, NetworkBuilder, Relu, Tensor,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(super) static INCEPTION: About = About::new(
    "07-inception",
    "An inception module",
    3.0,
    [
        "Four branches that each begin at \"input\": b.add_after(&[\"input\"], name, layer) begins one, \
         .add(name, layer) goes on with it. A ReLU follows every convolution.",
        "The branches end in 64, 128, 32 and 32 maps of the input's size: .same() on the 3x3 and the \
         5x5, and MaxPool2d::new(3).stride(1).padding(1) for the pooling. At last \
         .add_after(&[the four last nodes], \"concat\", Concat), in this order.",
    ],
);

pub(super) static RESIDUAL: About = About::new(
    "07-residual",
    "A residual block",
    3.0,
    [
        "Two convolutions, each with a batch norm behind it and a ReLU between the two; then the sum \
         with the block's input, and only then the last ReLU.",
        "Conv2d::new(64, 3).same().no_bias(), BatchNorm2d::new(), Relu, the same convolution, \
         BatchNorm2d::new(), then .add_after(&[\"bn2\", \"input\"], \"sum\", Add) and a Relu.",
    ],
);

type Said<T = ()> = Result<T, String>;

/// The block alone, on images of this shape.
fn built(block: impl FnOnce(NetworkBuilder) -> NetworkBuilder, shape: [usize; 3]) -> Said<Network> {
    let net = Network::input(shape).block("block", block).build(7);
    net.map_err(|e| format!("it could not be built: {e}"))
}

fn output(net: &Network, x: &Tensor) -> Said<Tensor> {
    net.forward(x)
        .map_err(|e| format!("it could not be run: {e}"))
}

/// Numbers from -1 to 1.
fn drawn(shape: &[usize], seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Tensor::from_shape_simple_fn(shape.to_vec(), || rng.random_range(-1.0..=1.0))
}

fn right_shape(net: &Network, expected: [usize; 3], hint: &str) -> Said {
    let got = net.output_shape();
    match got == expected {
        true => Ok(()),
        false if got.len() == 3 && got[1..] != expected[1..] => Err(format!(
            "expected {expected:?}, got {got:?}. The height and width must stay: .same() on every \
             filter larger than 1x1{hint}"
        )),
        false => Err(format!("expected {expected:?}, got {got:?}")),
    }
}

/// How many layers of a kind there are.
fn count(net: &Network, kind: &str) -> usize {
    net.summary().rows.iter().filter(|r| r.kind == kind).count()
}

/// A layer's weights: their path without the last part, and their shapes.
type LayerWeights = (String, Vec<(String, Vec<usize>)>);

fn layers(net: &Network) -> Vec<LayerWeights> {
    let mut all: Vec<LayerWeights> = Vec::new();
    for (path, tensor) in net.parameters() {
        let (node, name) = path.rsplit_once('.').unwrap_or((&path, ""));
        let entry = (name.to_owned(), tensor.shape().to_vec());
        match all.last_mut() {
            Some((last, tensors)) if last == node => tensors.push(entry),
            _ => all.push((node.to_owned(), vec![entry])),
        }
    }
    all
}

/// Drawn weights for both: layers of equal shapes get the same ones, in their order.
fn same_weights(ours: &mut Network, theirs: &mut Network) -> Said {
    let mut free = layers(theirs);
    for (i, (node, tensors)) in layers(ours).into_iter().enumerate() {
        let Some(at) = free.iter().position(|(_, other)| *other == tensors) else {
            return Err(format!(
                "there is no layer with weights {}",
                in_words(&tensors)
            ));
        };
        let (other, _) = free.remove(at);
        for (j, (name, shape)) in tensors.into_iter().enumerate() {
            let scale = shape[1..].iter().product::<usize>().max(4) as f32;
            let value = drawn(&shape, (10 * i + j) as u64) * (3.0 / scale).sqrt();
            for (net, node) in [(&mut *ours, &node), (&mut *theirs, &other)] {
                net.set_parameter(&format!("{node}.{name}"), value.clone())
                    .map_err(|e| e.to_string())?;
            }
        }
    }
    match free.first() {
        None => Ok(()),
        Some((_, tensors)) => Err(format!(
            "there is a layer too many, with weights {}",
            in_words(tensors)
        )),
    }
}

fn in_words(tensors: &[(String, Vec<usize>)]) -> String {
    tensors
        .first()
        .map_or_else(String::new, |(_, shape)| format!("{shape:?}"))
}

/// Both compute the same from the same weights.
fn same_answers(ours: Said<Network>, theirs: Said<Network>, why: &str) -> Said {
    let (mut ours, mut theirs) = (ours?, theirs?);
    same_weights(&mut ours, &mut theirs)?;
    let x = drawn(&[&[2], ours.input_shape()].concat(), 99);
    let (expected, got) = (output(&ours, &x)?, output(&theirs, &x)?);
    if got.shape() != expected.shape() {
        return Err(format!(
            "expected {:?}, got {:?}",
            expected.shape(),
            got.shape()
        ));
    }
    let wrong = expected
        .iter()
        .zip(&got)
        .filter(|(e, g)| g.is_nan() || (*e - *g).abs() >= 1e-4);
    match wrong.count() {
        0 => Ok(()),
        n => Err(format!("{n} of {} numbers differ. {why}", got.len())),
    }
}

/// Checks `fn inception(b: NetworkBuilder) -> NetworkBuilder`: module 3a of GoogLeNet.
pub fn inception(
    student: impl Fn(NetworkBuilder) -> NetworkBuilder + Copy + Send + 'static,
) -> Score {
    let small = [192, 6, 6];
    Exercise::new(&INCEPTION)
        .property("from [192, 28, 28] to [256, 28, 28]", move || {
            let hint = ", and .stride(1).padding(1) on the pooling";
            right_shape(&built(student, [192, 28, 28])?, [256, 28, 28], hint)
        })
        .property("163,696 parameters", move || {
            inception_parameters(built(student, [192, 28, 28])?.parameter_count())
        })
        .property("the order of the branches: 64, 128, 32, 32", move || {
            right_order(built(student, small)?)
        })
        .property("a ReLU behind every convolution", move || {
            let net = built(student, small)?;
            match (count(&net, "Conv2d"), count(&net, "Relu")) {
                (6, 6) => Ok(()),
                (convs, relus) => Err(format!("expected 6 of each, got {convs} Conv2d and {relus} Relu")),
            }
        })
        .property("the same answers as ours, from the same weights", move || {
            same_answers(
                built(course_inception, small),
                built(student, small),
                "Does every branch begin at \"input\", with the reduction before the large filter, and \
                 the pooling before its 1x1?",
            )
        })
        .run()
}

fn inception_parameters(got: usize) -> Said {
    let why = match got {
        163_696 => return Ok(()),
        163_328 => ". That is without the biases",
        393_472 | 387_296 => ". That is without the reductions before the 3x3 and the 5x5",
        157_520 => ". The 1x1 behind the pooling is missing",
        _ => "",
    };
    Err(format!("expected 163696, got {got}{why}"))
}

/// With all weights zero a map holds its filter's bias. Only the last convolutions' come out.
fn right_order(mut net: Network) -> Said {
    let mut thirty_two = 0;
    for (node, tensors) in layers(&net) {
        let Some((_, weight)) = tensors.first() else {
            continue;
        };
        // The 1x1 of 32 filters stands behind the pooling, the 5x5 behind its reduction.
        let branch = match weight[..] {
            [64, 192, 1, 1] => 1.0,
            [128, 96, 3, 3] => 2.0,
            [32, 16, 5, 5] => 3.0,
            [32, 192, 1, 1] => 4.0,
            _ => 0.0,
        };
        thirty_two += usize::from(branch >= 3.0);
        for (name, shape) in tensors {
            let value = if name == "bias" { branch } else { 0.0 };
            net.set_parameter(&format!("{node}.{name}"), Tensor::from_elem(shape, value))
                .map_err(|e| e.to_string())?;
        }
    }
    if thirty_two != 2 {
        return Err(format!(
            "expected a 5x5 and a 1x1 that end in 32 maps (16 and 192 channels read), found {thirty_two}"
        ));
    }
    let shape = [&[1], net.input_shape()].concat();
    let y = output(&net, &Tensor::zeros(shape))?;
    let mut runs: Vec<(f32, usize)> = Vec::new();
    for channel in y.index_axis(ndarray::Axis(0), 0).outer_iter() {
        let value = channel.first().copied().unwrap_or(f32::NAN);
        match runs.last_mut() {
            Some((last, n)) if *last == value => *n += 1,
            _ => runs.push((value, 1)),
        }
    }
    let branches = ["", "1x1", "3x3", "5x5", "pooling"];
    match runs == [(1.0, 64), (2.0, 128), (3.0, 32), (4.0, 32)] {
        true => Ok(()),
        false => {
            let names: Vec<&str> = runs
                .iter()
                .map(|(v, _)| branches.get(*v as usize).copied().unwrap_or("?"))
                .collect();
            Err(format!(
                "expected the maps of 1x1, 3x3, 5x5, pooling in this order, got {}",
                names.join(", ")
            ))
        }
    }
}

pub(super) fn course_inception(b: NetworkBuilder) -> NetworkBuilder {
    b.add_after(&["input"], "one", Conv2d::new(64, 1))
        .add("one_relu", Relu)
        .add_after(&["input"], "reduce3", Conv2d::new(96, 1))
        .add("reduce3_relu", Relu)
        .add("three", Conv2d::new(128, 3).same())
        .add("three_relu", Relu)
        .add_after(&["input"], "reduce5", Conv2d::new(16, 1))
        .add("reduce5_relu", Relu)
        .add("five", Conv2d::new(32, 5).same())
        .add("five_relu", Relu)
        .add_after(&["input"], "pool", MaxPool2d::new(3).stride(1).padding(1))
        .add("pooled", Conv2d::new(32, 1))
        .add("pooled_relu", Relu)
        .add_after(
            &["one_relu", "three_relu", "five_relu", "pooled_relu"],
            "concat",
            Concat,
        )
}

/// Checks `fn residual(b: NetworkBuilder) -> NetworkBuilder`: a basic block of 64 channels.
pub fn residual(
    student: impl Fn(NetworkBuilder) -> NetworkBuilder + Copy + Send + 'static,
) -> Score {
    let small = [64, 6, 6];
    Exercise::new(&RESIDUAL)
        .property("from [64, 56, 56] to [64, 56, 56]", move || {
            right_shape(&built(student, [64, 56, 56])?, [64, 56, 56], "")
        })
        .property("73,984 parameters", move || {
            let got = built(student, small)?.parameter_count();
            let why = match got {
                73_984 => return Ok(()),
                74_112 => ". The convolutions need no bias: batch norm has one of its own",
                73_728 => ". The batch norms are missing",
                73_856 => ". One batch norm is missing: one behind each convolution",
                74_048 => ". One convolution still has a bias",
                _ => "",
            };
            Err(format!("expected 73984, got {got}{why}"))
        })
        .property("with its last weights at zero: what comes in goes out", move || {
            let net = silenced(built(student, small)?)?;
            let x = drawn(&[2, 64, 6, 6], 5).mapv(f32::abs);
            passes_on(&x, &output(&net, &x)?)
        })
        .property("and below zero, nothing: the last ReLU follows the sum", move || {
            let net = silenced(built(student, small)?)?;
            let x = drawn(&[2, 64, 6, 6], 6).mapv(|v| -v.abs());
            match output(&net, &x)?.iter().any(|v| *v < 0.0) {
                false => Ok(()),
                true => Err("negative numbers come out: the last ReLU is missing, or stands before the sum".into()),
            }
        })
        .property("the same answers as ours, from the same weights", move || {
            same_answers(
                built(course_residual, small),
                built(student, small),
                "The order is: convolution, batch norm, ReLU, convolution, batch norm, sum, ReLU",
            )
        })
        .run()
}

/// The block with the scale of its last batch norm at zero, so that its weights add nothing.
fn silenced(mut net: Network) -> Said<Network> {
    let rows = net.summary().rows;
    let last = rows.iter().rev().find(|r| r.kind.starts_with("BatchNorm"));
    let Some(last) = last else {
        return Err("there is no batch norm".into());
    };
    let path = format!("{}.weight", last.name);
    net.set_parameter(&path, Tensor::zeros(vec![64]))
        .map_err(|e| e.to_string())?;
    Ok(net)
}

fn passes_on(x: &Tensor, y: &Tensor) -> Said {
    if x.shape() != y.shape() {
        return Err(format!("expected {:?}, got {:?}", x.shape(), y.shape()));
    }
    let apart = |y: &Tensor, f: f32| x.iter().zip(y).all(|(a, b)| (f * a - b).abs() < 1e-5);
    match () {
        () if apart(y, 1.0) => Ok(()),
        () if y.iter().all(|v| *v == 0.0) => {
            Err("nothing comes out: the shortcut from \"input\" to the sum is missing".into())
        }
        () => Err(
            "something else comes out: the sum must join the block's \"input\" with the last batch \
             norm, with nothing but a ReLU behind it"
                .into(),
        ),
    }
}

pub(super) fn course_residual(b: NetworkBuilder) -> NetworkBuilder {
    b.add("conv1", Conv2d::new(64, 3).same().no_bias())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(64, 3).same().no_bias())
        .add("bn2", BatchNorm2d::new())
        .add_after(&["bn2", "input"], "sum", Add)
        .add("relu2", Relu)
}
