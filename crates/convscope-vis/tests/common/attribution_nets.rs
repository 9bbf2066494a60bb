//! The networks of `fixtures/make_attributions.py`, with the weights and maps that it wrote.

// Each file of tests compares a part of them.
#![allow(dead_code)]

use convscope_nn::{
    Add, BatchNorm2d, Concat, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network,
    NetworkBuilder, Padding, Relu, Tensor,
};
use convscope_weights::Weights;
use std::path::Path;

/// The class explained in each image.
pub const TARGETS: [usize; 2] = [1, 4];

/// A network and what captum says of it.
pub struct Fixture {
    pub name: &'static str,
    pub net: Network,
    /// The layer that Grad-CAM looked at.
    pub layer: &'static str,
    /// `[2, 3, 32, 32]`.
    pub images: Tensor,
    weights: Weights,
}

impl Fixture {
    /// A map by its key in `fixtures/attributions/README.md`.
    pub fn expected(&self, key: &str) -> Tensor {
        let found = self.weights.get(&format!("expected/{key}"));
        found.unwrap_or_else(|| panic!("no {key}")).clone()
    }

    /// One image as a batch of its own, and its class.
    pub fn image(&self, i: usize) -> (Tensor, usize) {
        let one = self.images.index_axis(ndarray::Axis(0), i).to_owned();
        (one.insert_axis(ndarray::Axis(0)), TARGETS[i])
    }
}

/// All three.
pub fn fixtures() -> Vec<Fixture> {
    vec![
        fixture("squeezenet_like", squeezenet_like(), "fire2"),
        fixture("vgg_like", vgg_like(), "relu3"),
        fixture("resnet_like", resnet_like(), "block2"),
    ]
}

fn fixture(name: &'static str, builder: NetworkBuilder, layer: &'static str) -> Fixture {
    let file = format!("tests/fixtures/attributions/{name}.safetensors");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let weights = Weights::read(path).unwrap();
    let mut net = builder.build(0).unwrap();
    for (key, value) in weights.iter() {
        let Some(path) = key.strip_prefix("net/") else {
            continue;
        };
        match path.contains("running_") {
            true => net.set_buffer(path, value.clone()).unwrap(),
            false => net.set_parameter(path, value.clone()).unwrap(),
        }
    }
    Fixture {
        name,
        net,
        layer,
        images: weights.get("images").unwrap().clone(),
        weights,
    }
}

fn fire(b: NetworkBuilder, squeeze: usize, expand: usize) -> NetworkBuilder {
    b.add("squeeze", Conv2d::new(squeeze, 1))
        .add("squeeze_relu", Relu)
        .add("expand1x1", Conv2d::new(expand, 1))
        .add("expand1x1_relu", Relu)
        .add_after(
            &["squeeze_relu"],
            "expand3x3",
            Conv2d::new(expand, 3).same(),
        )
        .add("expand3x3_relu", Relu)
        .add_after(&["expand1x1_relu", "expand3x3_relu"], "cat", Concat)
}

fn squeezenet_like() -> NetworkBuilder {
    Network::input([3, 32, 32])
        .add("conv1", Conv2d::new(8, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(3).stride(2))
        .block("fire1", |b| fire(b, 4, 6))
        .add("pool2", MaxPool2d::new(3).stride(2))
        .block("fire2", |b| fire(b, 6, 8))
        .add("conv10", Conv2d::new(6, 1))
        .add("relu10", Relu)
        .add("pool10", GlobalAvgPool2d)
        .add("flatten", Flatten)
}

fn vgg_like() -> NetworkBuilder {
    Network::input([3, 32, 32])
        .add("conv1", Conv2d::new(8, 3).same())
        .add("relu1", Relu)
        .add("conv2", Conv2d::new(8, 3).same())
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2))
        .add("conv3", Conv2d::new(12, 3).same())
        .add("relu3", Relu)
        .add("pool3", MaxPool2d::new(4))
        .add("flatten", Flatten)
        .add("fc4", Linear::new(24))
        .add("relu4", Relu)
        .add("fc5", Linear::new(6))
}

fn residual(b: NetworkBuilder, filters: usize, stride: usize) -> NetworkBuilder {
    let three = |stride| {
        let conv = Conv2d::new(filters, 3).no_bias().stride(stride);
        conv.padding(Padding::Each(1))
    };
    b.add("conv1", three(stride))
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("conv2", three(1))
        .add("bn2", BatchNorm2d::new())
        .add_after(
            &["input"],
            "down",
            Conv2d::new(filters, 1).no_bias().stride(stride),
        )
        .add_after(&["bn2", "down"], "sum", Add)
        .add("relu2", Relu)
}

fn resnet_like() -> NetworkBuilder {
    Network::input([3, 32, 32])
        .add("conv1", Conv2d::new(8, 3).same().no_bias())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .block("block1", |b| residual(b, 8, 1))
        .block("block2", |b| residual(b, 16, 2))
        .add("pool", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(6))
}
