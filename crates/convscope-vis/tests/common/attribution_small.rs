//! A small network, images for it, and every method of attribution by gradients.

#![allow(dead_code)]

use convscope_nn::{BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Network, Relu, Tensor};
use convscope_vis::*;
use ndarray::IxDyn;

/// A small convolutional classifier, with biases: without them integrated gradients from zero would
/// be exact in one step.
pub fn net(channels: usize, size: usize) -> Network {
    let mut net = Network::input([channels, size, size])
        .add("conv1", Conv2d::new(6, 3).same())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(8, 3).same())
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(3)
        .unwrap();
    for path in ["conv1.bias", "bn1.bias", "conv2.bias", "fc.bias"] {
        let bias = net.parameter(path).unwrap();
        let waves = (0..bias.len()).map(|i| 0.3 * (2.1 * i as f32 + 0.5).sin());
        let waves = Tensor::from_shape_vec(bias.raw_dim(), waves.collect()).unwrap();
        net.set_parameter(path, waves).unwrap();
    }
    net
}

/// Images with something in them.
pub fn images(n: usize, channels: usize, size: usize) -> Tensor {
    let mut i = 0.0_f32;
    Tensor::from_shape_simple_fn(IxDyn(&[n, channels, size, size]), || {
        i += 1.0;
        (0.37 * i).sin() + 0.5 * (0.011 * i * i).cos()
    })
}

pub type Method = Box<dyn Fn(&Network, &Tensor, &Target) -> Result<Attribution> + Send + Sync>;

/// Every method of a network, an image and a target, by its name.
pub fn methods() -> Vec<(&'static str, Method)> {
    let smooth = || SmoothGrad::new().samples(6).seed(7);
    let layered = || GradCam::new();
    vec![
        ("saliency", Box::new(saliency)),
        ("input x gradient", Box::new(input_x_gradient)),
        (
            "guided",
            Box::new(|n, x, t| guided_backprop(n, x, t, Seed::One)),
        ),
        (
            "deconvnet",
            Box::new(|n, x, t| deconvnet(n, x, t, Seed::Activation)),
        ),
        (
            "SmoothGrad",
            Box::new(move |n, x, t| smoothgrad(n, x, t, &smooth())),
        ),
        (
            "VarGrad",
            Box::new(move |n, x, t| smoothgrad(n, x, t, &smooth().combine(Combine::Variance))),
        ),
        (
            "smooth integrated",
            Box::new(move |n, x, t| {
                let base = BaseMap::Integrated(IntegratedGradients::new().steps(4));
                smoothgrad(n, x, t, &smooth().samples(3).base(base))
            }),
        ),
        (
            "integrated gradients",
            Box::new(|n, x, t| {
                integrated_gradients(n, x, t, &IntegratedGradients::new().steps(10))
            }),
        ),
        (
            "Grad-CAM",
            Box::new(move |n, x, t| grad_cam(n, x, t, &layered())),
        ),
        (
            "guided Grad-CAM",
            Box::new(move |n, x, t| guided_grad_cam(n, x, t, &layered())),
        ),
        (
            "gradient x activation",
            Box::new(|n, x, t| gradient_x_activation(n, x, t, "relu1")),
        ),
    ]
}

pub fn largest(t: &Tensor) -> f32 {
    t.iter().fold(0.0, |m, v| m.max(v.abs()))
}
