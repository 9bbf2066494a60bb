//! The lectures' figures: receptive fields, sizes, parameters and costs of the networks on the
//! slides.

use convscope_nn::layer::Layer;
use convscope_nn::*;
use ndarray::{Array, IxDyn};

/// Weights that nobody looks at are not drawn.
fn conv(filters: usize, kernel: usize) -> Conv2d {
    Conv2d::new(filters, kernel).init(Init::Zeros)
}

fn fc(outputs: usize) -> Linear {
    Linear::new(outputs).init(Init::Zeros)
}

fn padded(filters: usize, kernel: usize) -> Conv2d {
    conv(filters, kernel).padding(Padding::Each(kernel / 2))
}

fn fields(net: &Network, nodes: &[&str]) -> Vec<usize> {
    let size = |node: &&str| net.receptive_field(node).unwrap().size;
    let sizes: Vec<_> = nodes.iter().map(size).collect();
    assert!(sizes.iter().all(|s| s[0] == s[1]), "{sizes:?}");
    sizes.iter().map(|s| s[0]).collect()
}

fn tensor(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Tensor {
    Array::from_shape_vec(IxDyn(shape), values.into_iter().collect()).unwrap()
}

/// Krizhevsky's network in one tower, without groups, from 227x227.
fn alexnet() -> Network {
    Network::input([3, 227, 227])
        .add("conv1", conv(96, 11).stride(4))
        .add("relu1", Relu)
        .add("norm1", LocalResponseNorm::alexnet())
        .add("pool1", MaxPool2d::new(3).stride(2))
        .add("conv2", padded(256, 5))
        .add("relu2", Relu)
        .add("norm2", LocalResponseNorm::alexnet())
        .add("pool2", MaxPool2d::new(3).stride(2))
        .add("conv3", padded(384, 3))
        .add("relu3", Relu)
        .add("conv4", padded(384, 3))
        .add("relu4", Relu)
        .add("conv5", padded(256, 3))
        .add("relu5", Relu)
        .add("pool3", MaxPool2d::new(3).stride(2))
        .add("flatten", Flatten)
        .add("fc6", fc(4096))
        .add("relu6", Relu)
        .add("drop6", Dropout::new(0.5))
        .add("fc7", fc(4096))
        .add("relu7", Relu)
        .add("drop7", Dropout::new(0.5))
        .add("fc8", fc(1000))
        .build(0)
        .unwrap()
}

/// Simonyan and Zisserman's networks: per block the filters' sizes.
fn vgg(blocks: [&[usize]; 5]) -> Network {
    let mut b = Network::input([3, 224, 224]);
    for (i, (kernels, filters)) in blocks.iter().zip([64, 128, 256, 512, 512]).enumerate() {
        b = b.block(&format!("block{}", i + 1), |mut b| {
            for (j, &kernel) in kernels.iter().enumerate() {
                b = b
                    .add(&format!("conv{}", j + 1), padded(filters, kernel))
                    .add(&format!("relu{}", j + 1), Relu);
            }
            b.add("pool", MaxPool2d::new(2))
        });
    }
    b.add("flatten", Flatten)
        .add("fc1", fc(4096))
        .add("relu1", Relu)
        .add("fc2", fc(4096))
        .add("relu2", Relu)
        .add("fc3", fc(1000))
        .build(0)
        .unwrap()
}

#[test]
fn receptive_fields_of_stacked_filters() {
    let stack = |kernels: &[usize]| {
        let mut b = Network::input([1, 32, 32]);
        for (i, &k) in kernels.iter().enumerate() {
            b = b.add(&format!("conv{i}"), conv(1, k));
        }
        let net = b.build(0).unwrap();
        let last = net.nodes().pop().unwrap();
        net.receptive_field(&last).unwrap().size
    };
    assert_eq!(stack(&[7]), [7, 7]);
    assert_eq!(stack(&[3, 3]), [5, 5]);
    assert_eq!(stack(&[3, 3, 3]), [7, 7]);
    let chain = Network::input([1, 64, 64])
        .add("conv1", conv(1, 5))
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", conv(1, 5))
        .add("pool2", MaxPool2d::new(2))
        .add("conv3", conv(1, 3))
        .add("conv4", conv(1, 3))
        .build(0)
        .unwrap();
    let nodes = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4"];
    assert_eq!(fields(&chain, &nodes), [5, 6, 14, 16, 24, 32]);
}

#[test]
fn alexnets_sizes_parameters_and_fields() {
    let net = alexnet();
    let summary = net.summary();
    let row = |name: &str| summary.rows.iter().find(|r| r.name == name).unwrap();
    for (name, size) in [
        ("conv1", 55),
        ("pool1", 27),
        ("conv2", 27),
        ("pool2", 13),
        ("conv3", 13),
        ("conv4", 13),
        ("conv5", 13),
        ("pool3", 6),
    ] {
        assert_eq!(row(name).output[1..], [size, size], "{name}");
    }
    for (name, parameters) in [
        ("conv1", 34_944),
        ("conv2", 614_656),
        ("conv3", 885_120),
        ("conv4", 1_327_488),
        ("conv5", 884_992),
    ] {
        assert_eq!(row(name).parameters, parameters, "{name}");
    }
    assert_eq!(net.parameter_count(), 62_378_344);
    assert_eq!(
        [row("fc6"), row("fc7"), row("fc8")].map(|r| r.output[0]),
        [4096, 4096, 1000]
    );
    let nodes = [
        "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool3",
    ];
    assert_eq!(fields(&net, &nodes), [11, 19, 51, 67, 99, 131, 163, 195]);
    let field = net.receptive_field("conv5").unwrap();
    assert_eq!((field.stride, field.offset), ([16.0; 2], [-64; 2]));
    let unit = net.receptive_field_of("conv5", [6, 6]).unwrap();
    assert_eq!(
        [unit.top, unit.bottom, unit.left, unit.right],
        [32, 195, 32, 195]
    );
    let corner = net.receptive_field_of("conv5", [0, 0]).unwrap();
    let inside = corner.clipped(227, 227);
    assert_eq!((corner.top, inside.top, inside.bottom), (-64, 0, 99));
    // After the first fully connected layer everything is seen, and padding around it.
    assert_eq!(fields(&net, &["fc6", "fc8"]), [355, 355]);
    let all = net
        .receptive_field_of("fc8", [0, 0])
        .unwrap()
        .clipped(227, 227);
    assert_eq!([all.top, all.bottom, all.left, all.right], [0, 227, 0, 227]);
    assert_eq!(net.receptive_field("fc8").unwrap().stride, [0.0; 2]);
    // "An equivalent MLP would have 43.7e9": with an input of 224; of 227 it is 44.9e9.
    let mlp = |size: usize| (size * size * 3 * 55 * 55 * 96) as f64 / 1e9;
    assert_eq!(format!("{:.1} {:.1}", mlp(224), mlp(227)), "43.7 44.9");
}

#[test]
fn torchvisions_alexnet_has_61_100_840_parameters() {
    let net = Network::input([3, 224, 224])
        .add("conv1", conv(64, 11).stride(4).padding(Padding::Each(2)))
        .add("pool1", MaxPool2d::new(3).stride(2))
        .add("conv2", padded(192, 5))
        .add("pool2", MaxPool2d::new(3).stride(2))
        .add("conv3", padded(384, 3))
        .add("conv4", padded(256, 3))
        .add("conv5", padded(256, 3))
        .add("pool3", MaxPool2d::new(3).stride(2))
        .add("avgpool", AdaptiveAvgPool2d::new(6, 6))
        .add("flatten", Flatten)
        .add("fc1", fc(4096))
        .add("fc2", fc(4096))
        .add("fc3", fc(1000))
        .build(0)
        .unwrap();
    assert_eq!(net.parameter_count(), 61_100_840);
}

#[test]
fn the_vgg_networks_a_to_e() {
    for (name, blocks, layers, parameters) in [
        (
            "A",
            [&[3][..], &[3], &[3, 3], &[3, 3], &[3, 3]],
            11,
            132_863_336,
        ),
        (
            "B",
            [&[3, 3], &[3, 3], &[3, 3], &[3, 3], &[3, 3]],
            13,
            133_047_848,
        ),
        (
            "C",
            [&[3, 3], &[3, 3], &[3, 3, 1], &[3, 3, 1], &[3, 3, 1]],
            16,
            133_638_952,
        ),
        (
            "D",
            [&[3, 3], &[3, 3], &[3, 3, 3], &[3, 3, 3], &[3, 3, 3]],
            16,
            138_357_544,
        ),
        (
            "E",
            [&[3, 3], &[3, 3], &[3; 4], &[3; 4], &[3; 4]],
            19,
            143_667_240,
        ),
    ] {
        let net = vgg(blocks);
        let summary = net.summary();
        let weighted = summary.rows.iter().filter(|r| r.parameters > 0).count();
        assert_eq!(
            (weighted, net.parameter_count()),
            (layers, parameters),
            "{name}"
        );
        if name == "D" {
            let row = |name: &str| summary.rows.iter().find(|r| r.name == name).unwrap();
            assert_eq!(row("fc1").parameters, 102_764_544);
            let inside = summary.rows.iter().filter(|r| r.name.starts_with("block"));
            assert_eq!(inside.map(|r| r.parameters).sum::<usize>(), 14_714_688);
            assert_eq!(
                format!("{:.2}", summary.multiply_adds() as f64 / 1e9),
                "15.47"
            );
            assert_eq!(fields(&net, &["block5.pool", "block5"]), [212, 212]);
        }
    }
}

#[test]
fn weights_and_multiply_adds_of_factored_filters() {
    let (c, size) = (16, 10);
    let cost = |layers: &[(usize, [usize; 2])]| {
        let mut b = Network::input([c, size, size]);
        for (i, &(filters, [kh, kw])) in layers.iter().enumerate() {
            b = b.add(&format!("conv{i}"), Conv2d::rect(filters, kh, kw).same());
        }
        let net = b.build(0).unwrap();
        let weights = net
            .parameters()
            .into_iter()
            .filter(|(p, _)| p.ends_with("weight"));
        let weights: usize = weights.map(|(_, t)| t.len()).sum();
        assert_eq!(
            net.summary().multiply_adds(),
            (weights * size * size) as u64
        );
        weights as f64 / (c * c) as f64
    };
    assert_eq!(cost(&[(c, [7, 7])]), 49.0);
    assert_eq!(cost(&[(c, [3, 3]); 3]), 27.0);
    assert_eq!(cost(&[(c, [3, 3])]), 9.0);
    assert_eq!(cost(&[(c / 2, [1, 1]), (c / 2, [3, 3]), (c, [1, 1])]), 3.25);
    assert_eq!(cost(&[(c, [1, 3]), (c, [3, 1])]), 6.0);
}

#[test]
fn a_fully_connected_layer_on_a_photo_has_two_billion_weights() {
    let pixels = vec![200 * 200];
    let cost = Layer::<f32>::multiply_adds(&Linear::new(40_000), &[pixels], &vec![40_000]);
    assert_eq!(cost, 1_600_000_000);
}

#[test]
fn depth_concat_pads_the_smaller_image_with_zeros_all_around() {
    let net = Network::input([2, 14, 14])
        .add("wide", Conv2d::new(3, 1).padding(Padding::Each(1)))
        .add_after(&["input", "wide"], "cat", DepthConcat)
        .build(0)
        .unwrap();
    assert_eq!(net.output_shape(), [5, 16, 16]);
    let y = net.forward(&Tensor::ones(vec![1, 2, 14, 14])).unwrap();
    for row in 0..16 {
        for column in 0..16 {
            let inside = (1..15).contains(&row) && (1..15).contains(&column);
            assert_eq!(y[[0, 1, row, column]], f32::from(u8::from(inside)));
        }
    }
    // A 5x5 image in an 8x8 one: one row above it, two below.
    let net = Network::input([1, 8, 8])
        .add("small", Conv2d::new(1, 4))
        .add_after(&["small", "input"], "cat", DepthConcat)
        .build(0)
        .unwrap();
    let seen = net.receptive_field_of("cat", [1, 1]).unwrap();
    assert_eq!(
        (seen.top, seen.bottom),
        (0, 4),
        "unit 0 of the small one, and pixel 1"
    );
}

#[test]
fn the_courses_own_networks() {
    let cnn2 = Network::input([1, 28, 28])
        .block("block1", |b| {
            b.add("conv1", Conv2d::new(8, 3).same())
                .add("bn1", BatchNorm2d::new())
                .add("relu1", Relu)
                .add("conv2", Conv2d::new(8, 3).same())
                .add("bn2", BatchNorm2d::new())
                .add("relu2", Relu)
                .add("pool", MaxPool2d::new(2))
                .add("drop", Dropout::new(0.3))
        })
        .block("block2", |b| {
            b.add("conv1", Conv2d::new(16, 3).same())
                .add("bn1", BatchNorm2d::new())
                .add("relu1", Relu)
                .add("conv2", Conv2d::new(16, 3).same())
                .add("bn2", BatchNorm2d::new())
                .add("relu2", Relu)
                .add("pool", MaxPool2d::new(2))
                .add("drop", Dropout::new(0.3))
        })
        .add("flatten", Flatten)
        .add("fc1", Linear::new(40))
        .add("bn", BatchNorm1d::new())
        .add("relu", Relu)
        .add("drop", Dropout::new(0.3))
        .add("fc2", Linear::new(10))
        .build(0)
        .unwrap();
    assert_eq!(cnn2.parameter_count(), 36_138);
    assert_eq!(cnn2.parameter_count() + cnn2.buffer_count(), 36_314);
    let live = Network::input([1, 28, 28])
        .add("conv1", Conv2d::new(32, 3))
        .add("conv2", Conv2d::new(32, 3))
        .add("pool", MaxPool2d::new(2))
        .add("drop1", Dropout::new(0.25))
        .add("flatten", Flatten)
        .add("fc1", Linear::new(128))
        .add("drop2", Dropout::new(0.5))
        .add("fc2", Linear::new(10));
    let cifar = Network::input([3, 32, 32])
        .add("conv1", Conv2d::new(16, 5).same())
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(20, 5).same())
        .add("pool2", MaxPool2d::new(2))
        .add("conv3", Conv2d::new(20, 5).same())
        .add("pool3", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc", Linear::new(10));
    let mnist = Network::input([1, 24, 24])
        .add("conv1", Conv2d::new(8, 5).same())
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(16, 5).same())
        .add("pool2", MaxPool2d::new(3))
        .add("flatten", Flatten)
        .add("fc", Linear::new(10));
    let keras = Network::input([1, 28, 28])
        .add("conv1", Conv2d::new(6, 3))
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(16, 3))
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc1", Linear::new(100))
        .add("fc2", Linear::new(10));
    for (net, parameters) in [
        (live, 600_810),
        (cifar, 22_466),
        (mnist, 5_994),
        (keras, 42_050),
    ] {
        assert_eq!(net.build(0).unwrap().parameter_count(), parameters);
    }
}

#[test]
fn dropout_keeps_the_expected_sum() {
    // a = w0 x + w1 y, of which units drop: E[a] stays, since what remains is divided by its share.
    let x = tensor(&[1, 2], [3.0, -1.0]);
    for p in [0.2, 0.5, 0.7] {
        let mut net = Network::input([2])
            .add("drop", Dropout::new(p))
            .add("fc", Linear::new(1))
            .build(0)
            .unwrap();
        net.set_parameter("fc.weight", tensor(&[1, 2], [0.5, 2.0]))
            .unwrap();
        assert_eq!(net.forward(&x).unwrap()[[0, 0]], -0.5);
        let draws = 4000;
        let draw = |seed| net.forward_as(&x, Pass::monte_carlo(seed)).unwrap()[[0, 0]];
        let mean = (0..draws).map(draw).sum::<f32>() / draws as f32;
        // Four standard errors: one draw has variance (1.5^2 + 2^2) p / (1 - p).
        let error = (6.25 * p / (1.0 - p) / f64::from(draws as u32)).sqrt();
        assert!((f64::from(mean) + 0.5).abs() < 4.0 * error, "{p}: {mean}");
    }
}

#[test]
fn batch_norm_undoes_itself_with_the_batchs_own_statistics() {
    let x = tensor(&[4, 1, 1, 2], [1., 2., 3., 5., -4., 0., 2.5, 9.]);
    let mean = x.mean().unwrap();
    let std = x.mapv(|v| (v - mean).powi(2)).mean().unwrap().sqrt();
    let mut net = Network::input([1, 1, 2])
        .add("bn", BatchNorm2d::new())
        .build(0)
        .unwrap();
    net.set_parameter("bn.weight", tensor(&[1], [std])).unwrap();
    net.set_parameter("bn.bias", tensor(&[1], [mean])).unwrap();
    let trace = net.trace_as(&x, Pass::train(0)).unwrap();
    for (y, x) in trace.output().iter().zip(&x) {
        assert!((y - x).abs() < 1e-4, "{y} against {x}");
    }
}
