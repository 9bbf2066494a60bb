//! What single layers promise beside their gradients: values by hand, equal bits, errors.

use convscope_nn::*;
use ndarray::{Array, IxDyn};
use std::borrow::Cow;

fn tensor(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Tensor {
    Array::from_shape_vec(IxDyn(shape), values.into_iter().collect()).unwrap()
}

fn numbers(shape: &[usize]) -> Tensor {
    let n = shape.iter().product::<usize>();
    tensor(
        shape,
        (0..n).map(|i| ((i * 7919) % 1009) as f32 / 500.0 - 1.0),
    )
}

fn single(input: &[usize], layer: impl Into<Box<dyn Layer<f32>>>) -> Network {
    Network::input(input).add("layer", layer).build(1).unwrap()
}

#[test]
fn dropout_drops_its_share_and_scales_the_rest() {
    let x = Tensor::ones(vec![4, 10, 50, 51]);
    for p in [0.0, 0.1, 0.5, 0.9] {
        let trace = single(&[10, 50, 51], Dropout::new(p))
            .trace_as(&x, Pass::train(3))
            .unwrap();
        let y = trace.output();
        let dropped = y.iter().filter(|&&v| v == 0.0).count() as f64 / y.len() as f64;
        let error = (p * (1.0 - p) / y.len() as f64).sqrt();
        assert!((dropped - p).abs() <= 4.0 * error, "{p}: {dropped}");
        let kept = (1.0 / (1.0 - p)) as f32;
        assert!(y.iter().all(|&v| v == 0.0 || (v - kept).abs() < 1e-5));
    }
}

#[test]
fn two_dropouts_of_one_pass_and_two_halves_of_a_tensor_do_not_drop_alike() {
    let net = Network::input([4000])
        .add("one", Dropout::new(0.5))
        .add_after(&["input"], "two", Dropout::new(0.5))
        .add_after(&["one", "two"], "cat", Concat)
        .build(0)
        .unwrap();
    let trace = net
        .trace_as(&Tensor::ones(vec![2, 4000]), Pass::train(1))
        .unwrap();
    let rows: Vec<_> = trace.output().as_slice().unwrap().chunks(8000).collect();
    let masks = [
        &rows[0][..4000],
        &rows[0][4000..],
        &rows[1][..4000],
        &rows[1][4000..],
    ];
    for (i, a) in masks.iter().enumerate() {
        for b in &masks[..i] {
            let alike = a.iter().zip(*b).filter(|(a, b)| a == b).count();
            // Half of 4000 agree by chance; four standard deviations are 126.
            assert!((1874..2126).contains(&alike), "{alike}");
        }
    }
}

#[test]
fn spatial_dropout_drops_whole_channels() {
    let trace = single(&[40, 5, 7], SpatialDropout::new(0.5))
        .trace_as(&Tensor::ones(vec![5, 40, 5, 7]), Pass::train(3))
        .unwrap();
    let mut dropped = 0;
    for plane in trace.output().as_slice().unwrap().chunks(35) {
        assert!(plane.iter().all(|&v| v == plane[0]));
        dropped += usize::from(plane[0] == 0.0);
    }
    assert!((70..130).contains(&dropped), "{dropped} of 200");
}

#[test]
fn drop_connect_drops_weights_and_keeps_the_expected_output() {
    let net = single(&[20], Linear::new(5).drop_connect(0.5));
    let x = numbers(&[3, 20]);
    let whole = net.forward(&x).unwrap();
    let draws = 3000;
    let mut mean = Tensor::zeros(whole.raw_dim());
    for seed in 0..draws {
        mean += &net.forward_as(&x, Pass::monte_carlo(seed)).unwrap();
    }
    mean /= draws as f32;
    for (a, b) in mean.iter().zip(&whole) {
        assert!((a - b).abs() < 0.15, "{a} against {b}");
    }
}

/// One of everything, over images large enough that threads share the work.
fn everything() -> Network {
    Network::input([4, 33, 31])
        .add("bn1", BatchNorm2d::new())
        .add("drop", Dropout::new(0.3))
        .add("leaky", LeakyRelu::default())
        .add("spatial", SpatialDropout::new(0.3))
        .add("max", MaxPool2d::new(3).stride(2).padding(1))
        .add("relu", Relu)
        .add("lrn", LocalResponseNorm::new(3))
        .add("mean", AvgPool2d::new(3).stride(1).padding(1))
        .add_after(&["mean", "max"], "unpool", MaxUnpool2d::new())
        .add("tanh", Tanh)
        .add_after(&["tanh", "mean", "relu"], "depth", DepthConcat)
        .add("gelu", Gelu::new())
        .add("up", Upsample2d::bilinear(2))
        .add("pad", ZeroPad2d::new(1))
        .add("adaptive", AdaptiveAvgPool2d::new(9, 7))
        .add("sigmoid", Sigmoid)
        .add("clamp", Clamp::new(0.1, 0.9))
        .add("affine", ChannelAffine::new())
        .add_after(&["affine", "adaptive"], "product", Multiply)
        .add("crop", Crop::new())
        .add("logs", LogSoftmax)
        .add_after(&["logs", "adaptive"], "sum", Add)
        .add_after(&["sum", "adaptive"], "cat", Concat)
        .add("softmax", Softmax)
        .add("flatten", Flatten)
        .add("fc", Linear::new(50).drop_connect(0.5))
        .add("bn2", BatchNorm1d::new())
        .add("out", Linear::new(7))
        .build(2)
        .unwrap()
}

fn bits(t: &Tensor) -> Vec<u32> {
    t.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn every_layer_gives_the_same_bits_for_any_number_of_threads() {
    let net = everything();
    let x = numbers(&[9, 4, 33, 31]);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let trace = net.trace_as(&x, Pass::train(5)).unwrap();
            let dy = numbers(trace.output().shape());
            let mut found = vec![bits(trace.output())];
            found.extend(trace.parameter_gradients(&dy).unwrap().iter().map(bits));
            let dx = trace.gradient_from("out", &dy, INPUT, Rule::Gradient);
            found.push(bits(&dx.unwrap()));
            found
        })
    };
    let alone = run(1);
    for threads in [1, 2, 3, 7] {
        assert_eq!(run(threads), alone, "{threads} threads");
    }
}

#[test]
fn a_pass_that_reuses_memory_puts_out_the_same_bits() {
    let net = everything();
    let x = numbers(&[9, 4, 33, 31]);
    for pass in [Pass::default(), Pass::monte_carlo(3)] {
        let all = net.trace_as(&x, pass).unwrap();
        assert_eq!(bits(all.output()), bits(&net.forward_as(&x, pass).unwrap()));
    }
}

#[test]
fn max_pooling_finds_a_nan_wherever_it_stands_and_the_first_of_equals() {
    for (window, stride) in [(2, 2), (3, 2), (2, 1), (3, 3), (4, 2)] {
        let net = single(&[1, 9, 9], MaxPool2d::new(window).stride(stride));
        for place in 0..81 {
            let mut x = numbers(&[1, 1, 9, 9]);
            let plain = net.forward(&x).unwrap();
            x.as_slice_mut().unwrap()[place] = f32::MAX;
            let spotted = net.forward(&x).unwrap();
            // A NaN is refused at the door of a network, so the layer is asked by itself.
            x.as_slice_mut().unwrap()[place] = f32::NAN;
            let layer: Box<dyn Layer<f32>> = MaxPool2d::new(window).stride(stride).into();
            let (poisoned, _) = layer.forward(&[&x], &Pass::default()).unwrap();
            let alone = layer.output(Cow::Borrowed(&x), &Pass::default()).unwrap();
            for poisoned in [poisoned, alone] {
                for ((p, s), n) in plain.iter().zip(&spotted).zip(&poisoned) {
                    assert!(if *s == f32::MAX { n.is_nan() } else { n == p });
                }
            }
        }
        let trace = net.trace(&Tensor::ones(vec![1, 1, 9, 9])).unwrap();
        let out = trace.output().shape()[3];
        for (i, &at) in trace.switches("layer").unwrap().iter().enumerate() {
            assert_eq!(at as usize, (i / out * 9 + i % out) * stride);
        }
    }
}

#[test]
fn batch_norm_normalises_and_leaves_its_statistics_to_the_training_step() {
    let net = single(&[3, 8, 8], BatchNorm2d::new());
    let x = numbers(&[5, 3, 8, 8]) * 3.0 + 100.0;
    let trace = net.trace_as(&x, Pass::train(0)).unwrap();
    for c in 0..3 {
        let y = trace.output().index_axis(ndarray::Axis(1), c).to_owned();
        let mean = y.mean().unwrap();
        let variance = y.mapv(|v| (v - mean).powi(2)).mean().unwrap();
        assert!(
            mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3,
            "{mean} {variance}"
        );
    }
    assert_eq!(net.buffers()[0].0, "layer.running_mean");
    assert!(net.buffers()[0].1.iter().all(|&v| v == 0.0));
    let inferred = net.forward(&x).unwrap();
    assert!(
        (inferred.mean().unwrap() - 100.0).abs() < 0.1,
        "by the running mean of 0"
    );
}

#[test]
fn buffers_are_set_by_their_path_and_no_other_network_notices() {
    let mut net = single(&[2, 4, 4], BatchNorm2d::new());
    let copy = net.clone();
    net.set_buffer("layer.running_mean", tensor(&[2], [1.0, 2.0]))
        .unwrap();
    assert_eq!(net.buffers()[0].1, &tensor(&[2], [1.0, 2.0]));
    assert_eq!(copy.buffers()[0].1, &tensor(&[2], [0.0, 0.0]));
    for (path, value, words) in [
        (
            "layer.running_std",
            tensor(&[2], [1., 1.]),
            ["no buffer", "layer.running_var"],
        ),
        ("layer.running_var", tensor(&[1], [1.]), ["[2]", "[1]"]),
    ] {
        let error = net.set_buffer(path, value).unwrap_err().to_string();
        assert!(words.iter().all(|w| error.contains(w)), "{error}");
    }
}

#[test]
fn one_number_per_channel_has_no_variance() {
    let net = single(&[3], BatchNorm1d::new());
    let error = net
        .trace_as(&numbers(&[1, 3]), Pass::train(0))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"layer\"") && error.contains("more than one number"),
        "{error}"
    );
    assert!(net.trace(&numbers(&[1, 3])).is_ok(), "inference needs none");
}

#[test]
fn settings_and_shapes_that_make_no_sense_are_refused_with_the_nodes_name() {
    let image = || Network::input([2, 4, 4]);
    let cases: Vec<(NetworkBuilder, [&str; 2])> = vec![
        (
            image().add("a", Dropout::new(1.0)),
            ["\"a\"", "less than 1"],
        ),
        (image().add("a", Dropout::new(f64::NAN)), ["\"a\"", "NaN"]),
        (
            image().add("a", SpatialDropout::new(-0.1)),
            ["\"a\"", "-0.1"],
        ),
        (
            Network::input([4]).add("a", SpatialDropout::new(0.1)),
            ["\"a\"", "[4]"],
        ),
        (
            Network::input([4]).add("a", Linear::new(2).drop_connect(2.0)),
            ["\"a\"", "got 2"],
        ),
        (
            image().add("a", BatchNorm2d::new().eps(0.0)),
            ["\"a\"", "positive eps"],
        ),
        (
            image().add("a", BatchNorm2d::new().momentum(1.5)),
            ["\"a\"", "1.5"],
        ),
        (
            Network::input([4]).add("a", BatchNorm2d::new()),
            ["\"a\"", "[4]"],
        ),
        (image().add("a", BatchNorm1d::new()), ["\"a\"", "[2, 4, 4]"]),
        (image().add("a", LeakyRelu::new(-1.0)), ["\"a\"", "-1"]),
        (image().add("a", Clamp::new(1.0, 1.0)), ["\"a\"", "1 and 1"]),
        (
            image().add("a", Clamp::new(f64::NAN, 1.0)),
            ["\"a\"", "less than its upper"],
        ),
        (
            image().add("a", Crop::new().rows(2..5)),
            ["\"a\"", "rows from 2 to 5"],
        ),
        (
            image().add("a", Crop::new().every(0)),
            ["\"a\"", "step of 1 or more"],
        ),
        (image().add("a", Reshape::new([5])), ["\"a\"", "[2, 4, 4]"]),
        (image().add("a", Reshape::new([])), ["\"a\"", "[]"]),
        (image().add("a", Multiply), ["\"a\"", "joins two nodes"]),
        (
            image()
                .add("p", MaxPool2d::new(2))
                .add_after(&["input", "p"], "a", Multiply),
            ["\"a\"", "one row and one column"],
        ),
        (
            image().add("a", MaxPool2d::new(3).paddings([3, 0, 0, 0])),
            ["\"a\"", "its window less one, 2"],
        ),
        (
            image().add("a", MaxPool2d::new(3).padding(2)),
            ["\"a\"", "half its window"],
        ),
        (
            image().add("a", AvgPool2d::new(7).padding(1)),
            ["\"a\"", "window of 7"],
        ),
        (image().add("a", MaxPool2d::new(0)), ["\"a\"", "at least 1"]),
        (
            image().add("a", MaxPool2d::new(2).stride(0)),
            ["\"a\"", "at least 1"],
        ),
        (
            image().add("a", AdaptiveAvgPool2d::new(0, 2)),
            ["\"a\"", "at least 1"],
        ),
        (
            image().add("a", LocalResponseNorm::new(0)),
            ["\"a\"", "at least one channel"],
        ),
        (
            image().add("a", LocalResponseNorm::new(5).k(0.0)),
            ["\"a\"", "positive k"],
        ),
        (
            image().add("a", Upsample2d::nearest(0)),
            ["\"a\"", "at least 1"],
        ),
        (image().add("a", Concat), ["\"a\"", "two or more"]),
        (
            image()
                .add("p", MaxPool2d::new(2))
                .add_after(&["p", "input"], "a", Concat),
            ["\"a\"", "[channels, 2, 2]"],
        ),
        (
            image().add_after(&["input", "input"], "a", MaxUnpool2d::new()),
            ["\"a\"", "follows the switches of a MaxPool2d"],
        ),
        (
            image().add("a", MaxUnpool2d::new()),
            ["\"a\"", "reads two nodes"],
        ),
        (
            image()
                .add("p", MaxPool2d::new(2))
                .add_after(&["input", "p"], "a", MaxUnpool2d::new()),
            ["\"a\"", "[2, 2, 2]"],
        ),
    ];
    for (builder, words) in cases {
        let error = builder.build(0).unwrap_err().to_string();
        assert!(
            words.iter().all(|w| error.contains(w)),
            "{words:?}: {error}"
        );
    }
}

#[test]
fn the_output_alone_is_that_of_a_trace() {
    let (net, x) = (everything(), numbers(&[3, 4, 33, 31]));
    for pass in [Pass::default(), Pass::monte_carlo(5)] {
        let alone = net.forward_as(&x, pass).unwrap();
        let trace = net.trace_as(&x, pass).unwrap();
        assert_eq!(bits(&alone), bits(trace.output()), "{pass:?}");
    }
    assert_eq!(x, numbers(&[3, 4, 33, 31]), "the images are only read");
}

#[test]
fn images_that_are_pooled_and_unpooled_at_once_are_only_read() {
    let net = Network::input([2, 6, 6])
        .add("pool", MaxPool2d::new(2))
        .add_after(&["pool", "pool"], "unpool", MaxUnpool2d::new())
        .build(1)
        .unwrap();
    let x = numbers(&[3, 2, 6, 6]);
    let alone = net.forward(&x).unwrap();
    assert_eq!(&alone, net.trace(&x).unwrap().output());
    assert_eq!(x, numbers(&[3, 2, 6, 6]));
}

#[test]
fn large_images_go_through_a_network_one_by_one() {
    let net = Network::input([1, 1500, 1500])
        .add("conv", Conv2d::new(1, 3).stride(2))
        .add("pool", MaxPool2d::new(5).stride(5))
        .build(1)
        .unwrap();
    let x = numbers(&[3, 1, 1500, 1500]);
    let (parts, whole) = (net.forward(&x).unwrap(), net.trace(&x).unwrap());
    assert_eq!(parts.shape(), whole.output().shape());
    for (a, b) in parts.iter().zip(whole.output()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn max_pooling_is_the_plain_maximum_for_every_width() {
    for (window, stride, pad) in [
        (2, 2, 0),
        (2, 2, 1),
        (3, 2, 0),
        (3, 2, 1),
        (3, 1, 1),
        (5, 3, 2),
    ] {
        for width in 5..40 {
            let net = single(
                &[1, 6, width],
                MaxPool2d::new(window).stride(stride).padding(pad),
            );
            // Few values, so that many windows hold their largest more than once.
            let x = numbers(&[1, 1, 6, width]).mapv(|v| (3.0 * (v * 7.0).sin()).round());
            let y = net.forward(&x).unwrap();
            let trace = net.trace(&x).unwrap();
            assert_eq!(trace.output(), &y, "with switches");
            let mut switches = trace.switches("layer").unwrap().iter();
            let y = y.into_dimensionality::<ndarray::Ix4>().unwrap();
            for ((_, _, row, column), &found) in y.indexed_iter() {
                let reach = |at: usize, size: usize| {
                    let start = at * stride;
                    start.saturating_sub(pad)..(start + window).saturating_sub(pad).min(size)
                };
                let seen = x.slice(ndarray::s![0, 0, reach(row, 6), reach(column, width)]);
                let largest = seen.iter().fold(f32::NEG_INFINITY, |top, &v| top.max(v));
                assert_eq!(
                    found, largest,
                    "{window}/{stride} padded {pad}, width {width}"
                );
                let mut places =
                    reach(row, 6).flat_map(|y| reach(column, width).map(move |x| (y, x)));
                let first = places.find(|&(y, column)| x[[0, 0, y, column]] == largest);
                let at = *switches.next().unwrap() as usize;
                assert_eq!(Some((at / width, at % width)), first, "the first of equals");
            }
        }
    }
}
