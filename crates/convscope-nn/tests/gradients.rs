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
        Softmax.into(),
        Flatten.into(),
    ];
    for layer in layers {
        passes(&format!("{layer:?}"), single(&[3, 4, 5], layer));
    }
    passes("Softmax of a vector", single(&[7], Softmax));
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
fn pooling_with_windows_that_fit_overlap_and_leave_a_rest() {
    for (window, stride, h, w) in [
        (2, 2, 6, 4),
        (3, 2, 7, 7),
        (2, 2, 5, 7),
        (3, 1, 4, 5),
        (2, 3, 6, 6),
    ] {
        let what = format!("window {window} stride {stride} on {h}x{w}");
        passes(
            &what,
            single(&[2, h, w], MaxPool2d::new(window).stride(stride)),
        );
        passes(
            &what,
            single(&[2, h, w], AvgPool2d::new(window).stride(stride)),
        );
    }
}

#[test]
fn a_graph_with_a_branch_and_a_join() {
    let net = Network::input([2, 6, 6])
        .add("conv1", Conv2d::new(3, 3).same())
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(3, 3).same())
        .add_after(&["conv2", "relu1"], "sum", Add)
        .add("relu2", Relu)
        .add("pool", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(5)
        .unwrap();
    passes("residual block", net);
}
