//! Every layer's gradients against central differences in double precision.

use convscope_nn::layer::Layer;
use convscope_nn::*;

/// The bar: relative error of the worst element.
const BAR: f64 = 1e-6;

fn passes(what: &str, net: Network) {
    passes_as(what, net, Pass::default());
}

fn passes_as(what: &str, net: Network, pass: Pass) {
    let worst = gradcheck::check_as(&net, 3, 7, pass).unwrap();
    assert!(worst.error < BAR, "{what}: {worst:?}");
}

fn single(input: &[usize], layer: impl Into<Box<dyn Layer<f32>>>) -> Network {
    Network::input(input).add("layer", layer).build(1).unwrap()
}

#[test]
fn convolution_over_sizes_strides_and_paddings() {
    for (kernel, stride, padding, h, w) in [
        ([3, 3], 1, Padding::Valid, 7, 6),
        ([3, 3], 1, Padding::Same, 5, 5),
        ([5, 5], 2, Padding::Same, 7, 8),
        ([2, 3], 2, Padding::Each(1), 6, 5),
        ([1, 1], 1, Padding::Valid, 4, 3),
        ([1, 1], 2, Padding::Valid, 4, 5),
        ([1, 3], 1, Padding::Same, 4, 5),
        ([3, 1], 3, Padding::Sides([0, 2, 1, 0]), 5, 4),
        ([4, 4], 1, Padding::Each(3), 3, 3),
    ] {
        let conv = Conv2d::rect(3, kernel[0], kernel[1])
            .stride(stride)
            .padding(padding);
        passes(
            &format!("{kernel:?} stride {stride} {padding:?} on {h}x{w}"),
            single(&[2, h, w], conv),
        );
    }
}

#[test]
fn convolution_without_a_bias() {
    let net = single(&[2, 5, 5], Conv2d::new(3, 3).same().no_bias());
    let names: Vec<_> = net.parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["layer.weight"]);
    assert!(net.summary().rows[0].settings.ends_with("no bias"));
    passes("no bias", net);
}

#[test]
fn convolution_over_dilations_and_groups() {
    for (dilation, groups, stride, pad, h, w) in [
        (2, 1, 1, 2, 7, 6),
        (2, 2, 2, 1, 9, 7),
        (1, 2, 1, 1, 5, 6),
        (1, 4, 2, 1, 6, 5),
        (3, 4, 1, 3, 7, 8),
    ] {
        let conv = Conv2d::new(4, 3).stride(stride).dilation(dilation);
        let conv = conv.groups(groups).padding(Padding::Each(pad));
        let what = format!("dilation {dilation} in {groups} groups, stride {stride}");
        passes(&what, single(&[4, h, w], conv));
    }
}

#[test]
fn transposed_convolution() {
    for (kernel, stride, padding, more, dilation, groups) in [
        (3, 1, 0, 0, 1, 1),
        (3, 2, 1, 1, 1, 1),
        (4, 3, 1, 2, 1, 2),
        (2, 2, 0, 0, 1, 4),
        (3, 1, 2, 0, 2, 1),
    ] {
        let up = ConvTranspose2d::new(4, kernel)
            .stride(stride)
            .padding(padding);
        let up = up.output_padding(more).dilation(dilation).groups(groups);
        let what = format!("{kernel} stride {stride} padding {padding} dilation {dilation}");
        passes(&what, single(&[4, 3, 4], up));
    }
}

#[test]
fn fully_connected() {
    passes("Linear", single(&[7], Linear::new(4)));
}

#[test]
fn activations_and_flatten() {
    let layers: Vec<Box<dyn Layer<f32>>> = vec![
        Relu.into(),
        LeakyRelu::new(0.1).into(),
        LeakyRelu::new(0.0).into(),
        Sigmoid.into(),
        Tanh.into(),
        Gelu::new().into(),
        Gelu::tanh().into(),
        Clamp::relu6().into(),
        Clamp::new(-0.5, 0.7).into(),
        Softmax.into(),
        LogSoftmax.into(),
        Flatten.into(),
    ];
    for layer in layers {
        passes(&format!("{layer:?}"), single(&[3, 4, 5], layer));
    }
    passes("Softmax of a vector", single(&[7], Softmax));
    passes("LogSoftmax of a vector", single(&[7], LogSoftmax));
    passes("Reshape", single(&[3, 4, 5], Reshape::new([6, 10])));
    for shape in [&[3, 4, 5][..], &[6]] {
        passes("ChannelAffine", single(shape, ChannelAffine::new()));
    }
}

#[test]
fn batch_norm_through_its_statistics_and_by_its_running_ones() {
    for pass in [Pass::train(1), Pass::default()] {
        for size in [[3, 4, 5], [2, 1, 1], [1, 33, 35]] {
            passes_as("BatchNorm2d", single(&size, BatchNorm2d::new()), pass);
        }
        passes_as("BatchNorm1d", single(&[6], BatchNorm1d::new()), pass);
        passes_as(
            "BatchNorm1d",
            single(&[2, 5], BatchNorm1d::new().eps(0.1)),
            pass,
        );
    }
}

#[test]
fn dropout_with_the_same_coins_both_ways() {
    for pass in [Pass::train(1), Pass::monte_carlo(2), Pass::default()] {
        passes_as("Dropout", single(&[3, 3, 5], Dropout::new(0.4)), pass);
        passes_as(
            "SpatialDropout",
            single(&[9, 2, 3], SpatialDropout::new(0.4)),
            pass,
        );
    }
}

#[test]
fn pooling_with_windows_that_fit_overlap_are_padded_and_leave_a_rest() {
    for (window, stride, pad, h, w) in [
        (2, 2, 0, 6, 4),
        (3, 2, 0, 7, 7),
        (2, 2, 0, 5, 7),
        (3, 1, 0, 4, 5),
        (2, 3, 0, 6, 6),
        (3, 2, 1, 6, 7),
        (2, 2, 1, 5, 4),
        (3, 3, 1, 7, 8),
        (5, 2, 2, 6, 5),
    ] {
        for ceil in [false, true] {
            let what = format!("window {window} stride {stride} pad {pad} ceil {ceil} on {h}x{w}");
            let mut max = MaxPool2d::new(window).stride(stride).padding(pad);
            let mut mean = AvgPool2d::new(window).stride(stride).padding(pad);
            if ceil {
                (max, mean) = (max.ceil_mode(), mean.ceil_mode());
            }
            passes(&what, single(&[2, h, w], max));
            passes(&what, single(&[2, h, w], mean));
            passes(&what, single(&[2, h, w], mean.count_padding(false)));
        }
    }
}

#[test]
fn pooling_with_windows_that_are_not_square_and_padding_that_differs_from_side_to_side() {
    for ([height, width], [down, across], sides, h, w) in [
        ([2, 3], [1, 2], [0; 4], 5, 7),
        ([3, 3], [2, 2], [0, 1, 0, 1], 6, 6),
        ([3, 2], [2, 1], [1, 2, 0, 1], 7, 5),
        ([1, 4], [1, 3], [0, 0, 2, 3], 4, 6),
    ] {
        for ceil in [false, true] {
            let what = format!("{height}x{width} {down}x{across} {sides:?} ceil {ceil} on {h}x{w}");
            let mut max = MaxPool2d::rect(height, width).strides(down, across);
            let mut mean = AvgPool2d::rect(height, width).strides(down, across);
            (max, mean) = (max.paddings(sides), mean.paddings(sides));
            if ceil {
                (max, mean) = (max.ceil_mode(), mean.ceil_mode());
            }
            passes(&what, single(&[2, h, w], max));
            passes(&what, single(&[2, h, w], mean));
            passes(&what, single(&[2, h, w], mean.count_padding(false)));
        }
    }
}

#[test]
fn parts_of_images() {
    for crop in [
        Crop::new().channels(1..3),
        Crop::new().every(2),
        Crop::new().rows(1..5).columns(2..3),
        Crop::new().channels(0..4).rows(2..7).steps([3, 2, 1]),
    ] {
        passes(&format!("{crop:?}"), single(&[4, 7, 6], crop));
    }
}

#[test]
fn a_gate_of_the_same_shape_and_one_number_for_each_channel() {
    let gated = |gate: &str| {
        Network::input([3, 4, 5])
            .add("conv", Conv2d::new(3, 1))
            .add_after(&["input"], "pool", GlobalAvgPool2d)
            .add("small", Conv2d::new(3, 1))
            .add_after(&["conv"], "sigmoid", Sigmoid)
            .add_after(&["conv", gate], "gated", Multiply)
            .build(1)
            .unwrap()
    };
    passes("of the same shape", gated("sigmoid"));
    passes("of each channel", gated("small"));
}

#[test]
fn adaptive_pooling_with_bins_that_divide_the_image_and_that_overlap() {
    for (h, w, oh, ow) in [(6, 4, 3, 2), (7, 5, 3, 4), (3, 3, 5, 1), (4, 4, 4, 4)] {
        let what = format!("{h}x{w} to {oh}x{ow}");
        passes(&what, single(&[2, h, w], AdaptiveAvgPool2d::new(oh, ow)));
    }
    passes("global", single(&[3, 5, 4], GlobalAvgPool2d));
}

#[test]
fn local_response_norm_over_odd_even_and_too_many_channels() {
    for size in [1, 2, 3, 5, 9] {
        let norm = LocalResponseNorm::new(size).alpha(0.5).k(1.5);
        passes(&format!("{size} of 6"), single(&[6, 3, 2], norm));
        passes(&format!("{size} of 6"), single(&[6, 3, 2], norm.beta(0.4)));
    }
    passes(
        "AlexNet's",
        single(&[7, 2, 2], LocalResponseNorm::alexnet()),
    );
}

#[test]
fn upsampling_and_zero_padding() {
    for factor in [1, 2, 3] {
        for up in [
            Upsample2d::nearest(factor),
            Upsample2d::bilinear(factor),
            Upsample2d::bilinear(factor).align_corners(),
        ] {
            passes(&format!("{up:?}"), single(&[2, 3, 4], up));
            passes(&format!("{up:?}"), single(&[1, 1, 1], up));
        }
    }
    passes("pad", single(&[2, 3, 4], ZeroPad2d::new(2)));
    let channels = ZeroPad2d::sides([1, 0, 0, 2]).channels(1, 3);
    passes("pad channels", single(&[2, 3, 4], channels));
    passes("pad", single(&[2, 3, 4], ZeroPad2d::sides([0, 1, 2, 3])));
}

#[test]
fn weights_that_drop() {
    for pass in [Pass::train(3), Pass::default()] {
        passes_as(
            "DropConnect",
            single(&[7], Linear::new(5).drop_connect(0.5)),
            pass,
        );
    }
}

#[test]
fn unpooling_over_windows_that_leave_a_rest_and_overlap() {
    for (window, stride, size) in [(2, 2, 6), (2, 2, 7), (3, 2, 7)] {
        let net = Network::input([2, size, size])
            .add("conv1", Conv2d::new(3, 3).same())
            .add("pool", MaxPool2d::new(window).stride(stride))
            .add("conv2", Conv2d::new(3, 3).same())
            .add_after(&["conv2", "pool"], "unpool", MaxUnpool2d::new())
            .add("conv3", Conv2d::new(1, 3).same())
            .build(2)
            .unwrap();
        passes(&format!("{window}/{stride} of {size}"), net);
    }
}

fn conv_norm_relu(b: NetworkBuilder, filters: usize, stride: usize) -> NetworkBuilder {
    b.add("conv", Conv2d::new(filters, 3).stride(stride).same())
        .add("bn", BatchNorm2d::new())
        .add("relu", Relu)
}

#[test]
fn a_residual_block() {
    let block = |b: NetworkBuilder| {
        b.block("a", |b| conv_norm_relu(b, 4, 2))
            .add("conv", Conv2d::new(4, 3).same())
            .add("bn", BatchNorm2d::new())
            .add_after(&["input"], "short", Conv2d::new(4, 1).stride(2))
            .add_after(&["bn", "short"], "sum", Add)
            .add("relu", Relu)
    };
    let net = Network::input([2, 6, 6])
        .add("conv1", Conv2d::new(3, 3).same())
        .block("block1", block)
        .block("block2", |b| {
            b.add("conv", Conv2d::new(4, 3).same())
                .add_after(&["conv", "input"], "sum", Add)
        })
        .add("pool", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(5)
        .unwrap();
    for pass in [Pass::default(), Pass::train(1)] {
        passes_as("residual", net.clone(), pass);
    }
}

#[test]
fn an_inception_block_of_images_of_two_sizes() {
    let net = Network::input([2, 7, 7])
        .add("stem", Conv2d::new(3, 3).same())
        .add("relu", Relu)
        .block("inception", |b| {
            b.add("one", Conv2d::new(2, 1))
                .block_after("input", "three", |b| conv_norm_relu(b, 3, 1))
                .block_after("input", "five", |b| {
                    b.add("reduce", Conv2d::new(2, 1))
                        .add("conv", Conv2d::new(2, 5).same())
                })
                .block_after("input", "pool", |b| {
                    b.add("max", MaxPool2d::new(3).stride(1).padding(1))
                        .add("conv", Conv2d::new(2, 1))
                })
                .add_after(&["one", "three", "five", "pool"], "cat", Concat)
        })
        .add_after(&["inception.three"], "small", Conv2d::new(2, 4))
        .add_after(&["inception", "small"], "depth", DepthConcat)
        .add("lrn", LocalResponseNorm::new(3).alpha(0.1))
        .add("pool", AvgPool2d::new(3).stride(2))
        .build(5)
        .unwrap();
    assert_eq!(net.output_shape(), [11, 3, 3]);
    for pass in [Pass::default(), Pass::train(1)] {
        passes_as("inception", net.clone(), pass);
    }
}

#[test]
fn a_dense_block_with_dropout() {
    let net = Network::input([2, 5, 5])
        .add("conv0", Conv2d::new(3, 3).same())
        .block("dense", |b| {
            b.block("layer1", |b| conv_norm_relu(b, 2, 1))
                .add_after(&["input", "layer1"], "cat1", Concat)
                .block("layer2", |b| {
                    conv_norm_relu(b, 2, 1).add("drop", Dropout::new(0.3))
                })
                .add_after(&["input", "layer1", "layer2"], "cat2", Concat)
        })
        .add("up", Upsample2d::bilinear(2))
        .add("gelu", Gelu::new())
        .build(5)
        .unwrap();
    assert_eq!(net.output_shape(), [7, 10, 10]);
    for pass in [Pass::default(), Pass::train(1)] {
        passes_as("dense", net.clone(), pass);
    }
}

#[test]
fn a_node_that_two_others_read_and_a_join_of_one_node_with_itself() {
    let net = Network::input([2, 4, 4])
        .add("relu0", Relu)
        .add_after(&["relu0", "relu0"], "twice", Add)
        .add("relu1", LeakyRelu::default())
        .add_after(&["relu1", "input", "relu0"], "sum", Add)
        .add_after(&["sum", "sum", "relu0"], "cat", Concat)
        .add("tanh", Tanh)
        .build(5)
        .unwrap();
    passes("reuse", net);
}
