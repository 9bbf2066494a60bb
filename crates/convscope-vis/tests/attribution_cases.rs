//! The worked numbers of `fixtures/cases/attribution.json`, most of them from other libraries'
//! tests (each names its source).

use convscope_nn::{Conv2d, Flatten, INPUT, Linear, Multiply, Network, Relu, Rule, Tensor, Unit};
use convscope_vis::*;
use ndarray::IxDyn;
use serde_json::Value;
use std::path::Path;

/// The numbers of nested lists, in order.
fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Number(n) => vec![n.as_f64().unwrap() as f32],
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        other => panic!("not numbers: {other}"),
    }
}

fn tensor(shape: &[usize], values: impl Into<Vec<f32>>) -> Tensor {
    Tensor::from_shape_vec(IxDyn(shape), values.into()).unwrap()
}

fn filled(mut net: Network, parameters: &[(&str, &[f32])]) -> Network {
    for (path, values) in parameters {
        let shape = net.parameter(path).unwrap().shape().to_vec();
        net.set_parameter(path, tensor(&shape, *values)).unwrap();
    }
    net
}

fn net_a() -> Network {
    let net = Network::input([1, 4, 4])
        .add("conv1", Conv2d::new(2, 3))
        .add("relu1", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .add("out", Relu)
        .build(0)
        .unwrap();
    let row = [1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0];
    filled(
        net,
        &[
            ("conv1.weight", &[1.0; 18]),
            ("conv1.bias", &[-50.0, -75.0]),
            ("fc.weight", &row.repeat(4)),
            ("fc.bias", &[0.0; 4]),
        ],
    )
}

fn net_b() -> Network {
    let net = Network::input([3])
        .add("linear0", Linear::new(3))
        .add("linear1", Linear::new(4))
        .add("relu", Relu)
        .add("linear2", Linear::new(2))
        .build(0)
        .unwrap();
    filled(
        net,
        &[
            ("linear0.weight", &[1., 0., 0., 0., 1., 0., 0., 0., 1.]),
            ("linear0.bias", &[0.0; 3]),
            ("linear1.weight", &[1.0; 12]),
            ("linear1.bias", &[-10.0, 1.0, 1.0, 1.0]),
            ("linear2.weight", &[1.0; 8]),
            ("linear2.bias", &[-1.0, 1.0]),
        ],
    )
}

/// `relu(x)`, of numbers that do not see each other.
fn relu_of(count: usize) -> convscope_nn::NetworkBuilder {
    Network::input([count]).add("relu", Relu)
}

/// The sum of a node's `count` numbers.
fn sum_of(node: &str, count: usize) -> Target {
    Target::Unit(Unit::direction(node, Tensor::ones(IxDyn(&[count]))))
}

/// A multiple of the identity.
fn diagonal(count: usize, value: f32) -> Vec<f32> {
    let on = |i: usize| {
        if i.is_multiple_of(count + 1) {
            value
        } else {
            0.0
        }
    };
    (0..count * count).map(on).collect()
}

/// What this crate finds for a case; `None` where nobody has said how to find it.
fn found(case: &Value) -> Option<Vec<f32>> {
    let topic = case["topic"].as_str().unwrap();
    let params = &case["params"];
    let layer = params["layer"].as_str().unwrap_or_default();
    let a = net_a();
    let image = || tensor(&[1, 1, 4, 4], numbers(&case["input"]));
    let vector = || {
        let values = numbers(&case["input"]);
        tensor(&[1, values.len()], values)
    };
    let class = Target::Class(params["target"].as_u64().unwrap_or(0) as usize);
    let maps = match (case["model"].as_str().unwrap(), topic) {
        ("A", "forward") => {
            let stage = params["stage"].as_str().unwrap();
            layer_activation(&a, &image(), stage).unwrap().values
        }
        ("A", "gradient") => saliency(&a, &image(), &class).unwrap().values,
        ("A", "guided_backprop") => {
            let found = guided_backprop(&a, &image(), &class, Seed::One);
            found.unwrap().values
        }
        ("A", "deconvnet") => deconvnet(&a, &image(), &class, Seed::One).unwrap().values,
        ("A", "grad_cam") => {
            let options = GradCam::new()
                .layer(layer)
                .relu(params["final_relu"].as_bool().unwrap())
                .upsampling(Upsampling::None);
            grad_cam(&a, &image(), &class, &options).unwrap().values
        }
        ("A", "guided_grad_cam") => {
            let options = GradCam::new()
                .layer(layer)
                .relu(params["cam_relu"].as_bool().unwrap())
                .upsampling(Upsampling::Nearest);
            guided_grad_cam(&a, &image(), &class, &options)
                .unwrap()
                .values
        }
        ("B", "layer_activation") => layer_activation(&net_b(), &vector(), layer).unwrap().values,
        ("B", "grad_x_activation") => {
            gradient_x_activation(&net_b(), &vector(), &class, layer)
                .unwrap()
                .values
        }
        ("B", "neuron_gradient") => {
            let neuron = params["neuron"].as_u64().unwrap() as usize;
            let unit = Unit::at(layer, &[neuron]);
            neuron_gradient(&net_b(), &vector(), &unit).unwrap().values
        }
        ("f_i=1-relu(1-x_i)", "saliency_abs") => {
            let x = vector();
            let n = x.len();
            let net = Network::input([n])
                .add("below", Linear::new(n))
                .add("relu", Relu)
                .add("f", Linear::new(n))
                .build(0)
                .unwrap();
            let minus = diagonal(n, -1.0);
            let ones = vec![1.0; n];
            let net = filled(
                net,
                &[
                    ("below.weight", &minus),
                    ("below.bias", &ones),
                    ("f.weight", &minus),
                    ("f.bias", &ones),
                ],
            );
            let own = (0..n).map(|i| {
                let map = saliency(&net, &x, &Target::Class(i)).unwrap();
                let others = (0..n).filter(|j| *j != i);
                assert!(others.into_iter().all(|j| map.values[[0, j]] == 0.0));
                map.per_pixel(Reduce::MaxAbs)[[0, 0, i]]
            });
            return Some(own.collect());
        }
        ("relu(relu(x1)-1-relu(x2))", "integrated_gradients") => {
            let net = relu_of(2)
                .add("difference", Linear::new(1))
                .add("f", Relu)
                .build(0)
                .unwrap();
            let difference = [
                ("difference.weight", &[1.0, -1.0][..]),
                ("difference.bias", &[-1.0]),
            ];
            let net = filled(net, &difference);
            let baseline = tensor(&[2], numbers(&params["baseline"]));
            let options = IntegratedGradients::new()
                .baseline(Baseline::Image(baseline))
                .steps(500);
            integrated_gradients(&net, &vector(), &Target::Class(0), &options)
                .unwrap()
                .values
        }
        ("5a+b^2+sin(c)", "integrated_gradients") => {
            let f = from_gradient(|points: &Tensor| {
                let rows = points.outer_iter();
                let values = rows.map(|x| 5.0 * x[0] + x[1] * x[1] + x[2].sin());
                let mut gradients = points.clone();
                for mut x in gradients.outer_iter_mut() {
                    (x[0], x[1], x[2]) = (5.0, 2.0 * x[1], x[2].cos());
                }
                Ok((values.collect(), gradients))
            });
            let baseline = tensor(&[3], numbers(&params["baseline"]));
            let options = IntegratedGradients::new().baseline(Baseline::Image(baseline));
            integrated_gradients_of(&f, &vector(), &options)
                .unwrap()
                .values
        }
        (model, topic @ ("relu_rule_grad" | "relu_rule_deconv")) => {
            let x = vector();
            let n = x.len();
            let square = relu_of(n).add_after(&["relu", "relu"], "f", Multiply);
            let times = |factor: f32, b: convscope_nn::NetworkBuilder, node: &str| {
                let net = b.add("times", Linear::new(n)).build(0).unwrap();
                let parameters = [
                    ("times.weight", &diagonal(n, factor)[..]),
                    ("times.bias", &vec![0.0; n]),
                ];
                (filled(net, &parameters), node.to_owned())
            };
            let (net, last) = match model {
                "f=relu(x)^2" => (square.build(0).unwrap(), "f".to_owned()),
                "f=-relu(x)^2" => times(-1.0, square, "times"),
                "f=10*relu(x)" => times(10.0, relu_of(n), "times"),
                _ => return None,
            };
            let rule = match topic {
                "relu_rule_grad" => Rule::Gradient,
                _ => Rule::Deconv,
            };
            backprop(&net, &x, &sum_of(&last, n), rule, Seed::One)
                .unwrap()
                .values
        }
        ("(incoming grad, x) -> out", "redirected_relu") => {
            // Lucid states its rule for descent; ours is for ascent, so signals change their signs
            // on the way in and out. Every pair is an image of its own.
            let pairs = numbers(&case["input"]);
            let net = relu_of(1).build(0).unwrap();
            let out = pairs.chunks(2).map(|pair| {
                let x = tensor(&[1, 1], [pair[1]]);
                let signal = Unit::at("relu", &[0]) * f64::from(-pair[0]);
                let target = Target::Unit(signal);
                let map = backprop(&net, &x, &target, Rule::Redirected, Seed::One);
                -map.unwrap().values[[0, 0]]
            });
            return Some(out.collect());
        }
        ("direct", "grad_cam") => {
            // A network whose gradient at its feature maps A is A: the sum of A times A's values.
            let values = numbers(&case["input"]["A=G (4 filters, 2x2)"]);
            let maps = tensor(&[4, 2, 2], values.clone());
            let net = Network::input([4, 2, 2])
                .add("maps", Relu)
                .build(0)
                .unwrap();
            let images = tensor(&[1, 4, 2, 2], values);
            let target = Target::Unit(Unit::direction("maps", maps));
            let gradient = backprop(&net, &images, &target, Rule::Gradient, Seed::One);
            let gradient = gradient.unwrap().values;
            let means = gradient.exact_chunks(IxDyn(&[1, 1, 2, 2]));
            let weights: Vec<f32> = means.into_iter().map(|c| c.mean().unwrap()).collect();
            assert_eq!(weights, numbers(&case["expected"]["weights"]));
            let options = GradCam::new().layer("maps").upsampling(Upsampling::None);
            grad_cam(&net, &images, &target, &options).unwrap().values
        }
        _ => return None,
    };
    Some(maps.iter().copied().collect())
}

#[test]
fn the_worked_numbers_come_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases/attribution.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 20);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let tolerance = case["tol"].as_f64().unwrap() as f32;
        let expected = match &case["expected"] {
            Value::Object(several) => numbers(&several["cam"]),
            other => numbers(other),
        };
        let found = found(case).unwrap_or_else(|| panic!("{id} is not covered"));
        assert_eq!(found.len(), expected.len(), "{id}: {found:?}");
        for (found, expected) in found.iter().zip(&expected) {
            let near = (found - expected).abs() <= tolerance;
            assert!(near, "{id}: expected {expected}, found {found}");
        }
    }
}

#[test]
fn the_image_itself_is_a_layer() {
    let image = tensor(&[1, 1, 4, 4], (0..16).map(|v| v as f32).collect::<Vec<_>>());
    let found = layer_activation(&net_a(), &image, INPUT).unwrap();
    assert_eq!(found.values, image);
}
