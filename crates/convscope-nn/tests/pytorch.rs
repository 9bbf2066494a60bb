//! Every layer against PyTorch: forward, backward and running statistics, in single precision, by
//! the numbers that `fixtures/make_layers.py` wrote down.

use convscope_nn::layer::Layer;
use convscope_nn::*;
use ndarray::{Array, IxDyn};
use rand::SeedableRng;
use serde_json::Value;

/// The bar: the largest difference, relative to the largest number of the tensor (or to 0.1, for
/// gradients that are zero but for rounding, as that of a bias before batch norm).
const BAR: f32 = 1e-5;

fn tensor(value: &Value) -> Tensor {
    let shape: Vec<usize> = serde_json::from_value(value["shape"].clone()).unwrap();
    let values: Vec<f32> = serde_json::from_value(value["values"].clone()).unwrap();
    Array::from_shape_vec(IxDyn(&shape), values).unwrap()
}

fn close(what: &str, ours: &Tensor, theirs: &Tensor) {
    assert_eq!(ours.shape(), theirs.shape(), "{what}");
    let largest = theirs.iter().fold(0.1_f32, |top, v| top.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let error = (a - b).abs() / largest;
        assert!(error < BAR, "{what} at {i}: {a} against PyTorch's {b}");
    }
}

/// The network of a case, of nodes named as in the script; a single layer's parameters have no
/// prefix there and that of its node here.
fn network(name: &str, input: &[usize]) -> NetworkBuilder {
    let net = Network::input(input);
    let layer: Box<dyn Layer<f32>> = match name {
        "Conv2d" => Conv2d::new(2, 3).stride(2).padding(Padding::Each(1)).into(),
        "Conv2d dilated" => Conv2d::new(3, 3)
            .padding(Padding::Each(2))
            .dilation(2)
            .into(),
        "Conv2d 1x3" => Conv2d::rect(3, 1, 3)
            .padding(Padding::Sides([0, 0, 1, 1]))
            .into(),
        "Conv2d in groups" => Conv2d::new(6, 3).same().groups(2).into(),
        "Conv2d depthwise" => {
            let conv = Conv2d::new(3, 3).stride(2).padding(Padding::Each(1));
            conv.groups(3).into()
        }
        "Conv2d wide" => Conv2d::new(16, 3).same().into(),
        "ConvTranspose2d" => ConvTranspose2d::new(3, 3).stride(2).padding(1).into(),
        "ConvTranspose2d, output padding" => {
            let up = ConvTranspose2d::new(2, 4).stride(3).padding(1);
            up.output_padding(2).into()
        }
        "ConvTranspose2d in groups" => ConvTranspose2d::new(4, 3).groups(2).dilation(2).into(),
        "Linear" => Linear::new(3).into(),
        "Relu" => Relu.into(),
        "LeakyRelu" => LeakyRelu::default().into(),
        "Sigmoid" => Sigmoid.into(),
        "Tanh" => Tanh.into(),
        "Gelu" => Gelu::new().into(),
        "Gelu, tanh" => Gelu::tanh().into(),
        "Softmax" | "Softmax of a vector" => Softmax.into(),
        "BatchNorm2d, training" | "BatchNorm2d, inference" => BatchNorm2d::new().into(),
        "BatchNorm1d, training" => BatchNorm1d::new().eps(1e-3).momentum(0.3).into(),
        "BatchNorm1d, sequences" => BatchNorm1d::new().into(),
        "MaxPool2d 2/2" => MaxPool2d::new(2).into(),
        "MaxPool2d 3/2" => MaxPool2d::new(3).stride(2).into(),
        "MaxPool2d 3/2 padded" => MaxPool2d::new(3).stride(2).padding(1).into(),
        "MaxPool2d 3/2 ceil" => MaxPool2d::new(3).stride(2).ceil_mode().into(),
        "MaxPool2d 2/3 padded ceil" => MaxPool2d::new(2).stride(3).padding(1).ceil_mode().into(),
        "MaxPool2d 3/1 padded" => MaxPool2d::new(3).stride(1).padding(1).into(),
        "AvgPool2d 2/2" => AvgPool2d::new(2).into(),
        "AvgPool2d 3/2 padded" => AvgPool2d::new(3).stride(2).padding(1).into(),
        "AvgPool2d 3/2 padded, not counted" => {
            let pool = AvgPool2d::new(3).stride(2).padding(1);
            pool.count_padding(false).into()
        }
        "AvgPool2d 3/2 padded ceil" => AvgPool2d::new(3).stride(2).padding(1).ceil_mode().into(),
        "AvgPool2d 2/3 padded ceil, not counted" => {
            let pool = AvgPool2d::new(2).stride(3).padding(1).ceil_mode();
            pool.count_padding(false).into()
        }
        "AdaptiveAvgPool2d 3x4" => AdaptiveAvgPool2d::new(3, 4).into(),
        "GlobalAvgPool2d" => GlobalAvgPool2d.into(),
        "LocalResponseNorm 5" => LocalResponseNorm::new(5).alpha(0.1).k(2.0).into(),
        "LocalResponseNorm 2" => LocalResponseNorm::new(2).alpha(0.3).beta(0.5).into(),
        "Upsample2d nearest" => Upsample2d::nearest(2).into(),
        "Upsample2d bilinear" => Upsample2d::bilinear(3).into(),
        "Upsample2d bilinear, aligned" => Upsample2d::bilinear(2).align_corners().into(),
        "Clamp" => Clamp::new(-0.4, 0.9).into(),
        "LogSoftmax" | "LogSoftmax of a vector" => LogSoftmax.into(),
        "MaxPool2d 3x2/1x2 padded" => {
            let pool = MaxPool2d::rect(3, 2).strides(1, 2);
            pool.paddings([1, 1, 0, 0]).into()
        }
        "AvgPool2d 2x3/2x1 padded, not counted" => {
            let pool = AvgPool2d::rect(2, 3).strides(2, 1).paddings([0, 0, 1, 1]);
            pool.count_padding(false).into()
        }
        "Crop" => {
            let crop = Crop::new().channels(1..5).rows(0..3).columns(1..6);
            crop.steps([3, 1, 2]).into()
        }
        "Reshape" => Reshape::new([3, 2, 2]).into(),
        "Clamp, ReLU6" => {
            return net
                .add_after(&["input"; 4], "four", Add)
                .add("clamp", Clamp::relu6());
        }
        "Multiply" => {
            return net
                .add("tanh", Tanh)
                .add_after(&["input", "tanh"], "product", Multiply);
        }
        "Multiply, one for each channel" => {
            return net.add("pool", GlobalAvgPool2d).add_after(
                &["input", "pool"],
                "product",
                Multiply,
            );
        }
        "ZeroPad2d" => ZeroPad2d::sides([0, 1, 2, 3]).into(),
        "MaxUnpool2d" => {
            return net
                .add("pool", MaxPool2d::new(2))
                .add("square", Square)
                .add_after(&["square", "pool"], "unpool", MaxUnpool2d::new());
        }
        "Concat" => {
            return net.add_after(&["input", "input"], "double", Add).add_after(
                &["input", "double", "input"],
                "cat",
                Concat,
            );
        }
        "Add" => {
            return net
                .add("tanh", Tanh)
                .add_after(&["tanh", "input"], "sum", Add);
        }
        "a residual network, training" | "a residual network, inference" => {
            return net
                .add("conv1", Conv2d::new(3, 3).same())
                .add("bn1", BatchNorm2d::new())
                .add("relu1", Relu)
                .add("pool1", MaxPool2d::new(3).stride(2).padding(1))
                .add("conv2", Conv2d::new(3, 3).same())
                .add_after(&["conv2", "pool1"], "sum", Add)
                .add("relu2", Relu)
                .add("pool2", AdaptiveAvgPool2d::new(2, 2))
                .add("flatten", Flatten)
                .add("fc", Linear::new(4));
        }
        other => panic!("the fixture's case {other:?} has no network here"),
    };
    net.add("layer", layer)
}

/// A layer of one's own.
#[derive(Clone, Copy, Debug)]
struct Square;

impl From<Square> for Box<dyn Layer<f32>> {
    fn from(layer: Square) -> Self {
        Box::new(layer)
    }
}

impl<F: Real> Layer<F> for Square {
    fn kind(&self) -> &'static str {
        "Square"
    }
    fn settings(&self) -> String {
        String::new()
    }
    fn build(
        &mut self,
        inputs: &[Shape],
        _: &mut rand_chacha::ChaCha8Rng,
    ) -> Result<Shape, NnError> {
        Ok(inputs[0].clone())
    }
    fn needs(&self) -> layer::Needs {
        layer::Needs {
            input: true,
            output: false,
        }
    }
    fn forward(
        &self,
        inputs: &[&Tensor<F>],
        _: &Pass,
    ) -> Result<(Tensor<F>, layer::Saved<F>), NnError> {
        Ok((inputs[0].mapv(|v| v * v), layer::Saved::Nothing))
    }
    fn backward(
        &self,
        seen: &layer::Seen<'_, F>,
        gradient: &Tensor<F>,
        _: layer::Want,
    ) -> layer::Gradients<F> {
        layer::Gradients {
            inputs: vec![gradient * &seen.inputs[0].mapv(|v| v + v)],
            parameters: Vec::new(),
        }
    }
    fn to_f64(&self) -> Box<dyn Layer<f64>> {
        Box::new(*self)
    }
    fn boxed(&self) -> Box<dyn Layer<F>> {
        Box::new(*self)
    }
}

#[test]
fn every_layer_agrees_with_pytorch() {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/layers.json")).unwrap();
    let cases = fixture["cases"].as_object().unwrap();
    assert!(cases.len() > 30);
    for (name, case) in cases {
        let x = tensor(&case["x"]);
        let mut net = network(name, &x.shape()[1..]).build(0).unwrap();
        let path = |key: &str| match key.contains('.') {
            true => key.to_owned(),
            false => format!("layer.{key}"),
        };
        for (key, value) in case["parameters"].as_object().unwrap() {
            net.set_parameter(&path(key), tensor(value)).unwrap();
        }
        for (key, value) in case["buffers"].as_object().unwrap() {
            net.set_buffer(&path(key), tensor(value)).unwrap();
        }
        let training = name.contains("training") || name.contains("sequences");
        let pass = if training {
            Pass::train(0)
        } else {
            Pass::default()
        };
        let trace = net.trace_as(&x, pass).unwrap();
        close(name, trace.output(), &tensor(&case["y"]));
        let dy = tensor(&case["dy"]);
        let output = net.nodes().pop().unwrap();
        let dx = trace
            .gradient_from(&output, &dy, INPUT, Rule::Gradient)
            .unwrap();
        close(
            &format!("{name}: input gradient"),
            &dx,
            &tensor(&case["dx"]),
        );
        let gradients = trace.parameter_gradients(&dy).unwrap();
        let paths: Vec<String> = net.parameters().iter().map(|(p, _)| p.clone()).collect();
        let theirs = case["gradients"].as_object().unwrap();
        assert_eq!(paths.len(), theirs.len(), "{name}");
        for (key, value) in theirs {
            let at = paths.iter().position(|p| *p == path(key)).unwrap();
            close(&format!("{name}: {key}"), &gradients[at], &tensor(value));
        }
    }
}

#[test]
fn running_statistics_move_as_pytorchs() {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/layers.json")).unwrap();
    let layers: [(&str, Box<dyn Layer<f32>>); 3] = [
        ("BatchNorm2d, training", BatchNorm2d::new().into()),
        (
            "BatchNorm1d, training",
            BatchNorm1d::new().eps(1e-3).momentum(0.3).into(),
        ),
        ("BatchNorm1d, sequences", BatchNorm1d::new().into()),
    ];
    for (name, mut layer) in layers {
        let case = &fixture["cases"][name];
        let x = tensor(&case["x"]);
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        layer.build(&[x.shape()[1..].to_vec()], &mut rng).unwrap();
        for (key, buffer) in layer.buffers_mut() {
            *buffer = tensor(&case["buffers"][key]);
        }
        let (_, saved) = layer.forward(&[&x], &Pass::train(0)).unwrap();
        layer.learn_statistics(&saved);
        for (key, buffer) in layer.buffers() {
            let theirs = tensor(&case["buffers_after"][key]);
            close(&format!("{name}: {key}"), buffer, &theirs);
        }
        let before: Vec<Tensor> = layer.buffers().iter().map(|(_, b)| (*b).clone()).collect();
        let (_, saved) = layer.forward(&[&x], &Pass::default()).unwrap();
        layer.learn_statistics(&saved);
        let after: Vec<Tensor> = layer.buffers().iter().map(|(_, b)| (*b).clone()).collect();
        assert_eq!(before, after, "{name}: inference teaches nothing");
    }
}
