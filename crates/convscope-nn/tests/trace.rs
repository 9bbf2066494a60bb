//! What can be asked of a trace: values and gradients of units, channels, directions and scalars,
//! under each rule, and how much it holds on to.

use convscope_nn::*;
use ndarray::{Array, IxDyn};

fn tensor(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Tensor {
    Array::from_shape_vec(IxDyn(shape), values.into_iter().collect()).unwrap()
}

fn numbers(shape: &[usize]) -> Tensor {
    let n = shape.iter().product::<usize>();
    tensor(
        shape,
        (0..n).map(|i| ((i * 7919) % 101) as f32 / 50.0 - 1.0),
    )
}

fn close(a: &Tensor, b: &Tensor) {
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 1e-6, "{a} against {b}");
    }
}

fn net() -> Network {
    Network::input([2, 6, 6])
        .add("conv1", Conv2d::new(4, 3).same())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(3, 3).same())
        .add_after(&["conv2", "pool1"], "cat", Concat)
        .add("relu2", Relu)
        .add("drop", Dropout::new(0.4))
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(3)
        .unwrap()
}

fn units() -> Vec<Unit> {
    let direction = numbers(&[4, 3, 3]);
    vec![
        Unit::class(1),
        Unit::probability(2),
        Unit::at("relu1", &[2, 3, 1]),
        Unit::at("flatten", &[5]),
        Unit::channel("relu2", 1),
        Unit::channel_sum("relu2", 1),
        Unit::channel("fc", 0),
        Unit::direction("pool1", direction),
        Unit::class(1) * 2.0 + Unit::channel("relu1", 0) * -0.5 + Unit::class(0),
    ]
}

#[test]
fn the_gradient_of_every_kind_of_unit_is_that_of_its_value() {
    let net = net().to_f64();
    let x = numbers(&[2, 2, 6, 6]).mapv(f64::from);
    for unit in units() {
        let trace = net.trace(&x).unwrap();
        let gradient = trace.gradient(unit.clone(), Rule::Gradient).unwrap();
        for index in [[0, 0, 2, 3], [0, 1, 5, 5], [1, 1, 3, 2], [1, 0, 0, 0]] {
            let value = |step: f64| {
                let mut moved = x.clone();
                moved[index] += step;
                net.trace(&moved).unwrap().value(&unit).unwrap()[index[0]]
            };
            let numeric = (value(1e-5) - value(-1e-5)) / 2e-5;
            let analytic = gradient[index];
            assert!(
                (analytic - numeric).abs() < 1e-6,
                "{unit:?}: {analytic} against {numeric}"
            );
        }
    }
}

#[test]
fn a_channels_sum_is_its_mean_times_its_size_and_a_direction_can_say_the_same() {
    let net = net();
    let trace = net.trace(&numbers(&[2, 2, 6, 6])).unwrap();
    let of = |unit| trace.gradient(unit, Rule::Guided).unwrap();
    let mut direction = Tensor::zeros(vec![4, 3, 3]);
    direction.index_axis_mut(ndarray::Axis(0), 2).fill(1.0);
    let sum = of(Unit::channel_sum("pool1", 2));
    close(&sum, &of(Unit::channel("pool1", 2) * 9.0));
    close(&sum, &of(Unit::direction("pool1", direction)));
}

#[test]
fn seeded_by_activation_a_unit_pulls_as_strongly_as_it_fires() {
    let net = net();
    let x = numbers(&[2, 2, 6, 6]);
    let trace = net.trace(&x).unwrap();
    let unit = Unit::at("relu1", &[1, 2, 3]);
    let value = trace.value(&unit).unwrap();
    assert!(value.iter().any(|&v| v > 0.0));
    let one = trace.gradient(unit.clone(), Rule::Deconv).unwrap();
    let fired = trace
        .gradient(unit.seeded_by_activation(), Rule::Deconv)
        .unwrap();
    for ((one, fired), value) in one.outer_iter().zip(fired.outer_iter()).zip(value) {
        close(&(&one * value), &fired.to_owned());
    }
    // Of a channel: the gradient of half the sum of its squares.
    let activation = trace.activation("relu2").unwrap();
    let mut seed = Tensor::zeros(activation.raw_dim());
    for (mut seed, one) in seed.outer_iter_mut().zip(activation.outer_iter()) {
        let channel = one.index_axis(ndarray::Axis(0), 4);
        seed.index_axis_mut(ndarray::Axis(0), 4).assign(&channel);
    }
    let unit = Unit::channel_sum("relu2", 4).seeded_by_activation();
    assert_eq!(
        trace.gradient(unit, Rule::Gradient).unwrap(),
        trace
            .gradient_from("relu2", &seed, INPUT, Rule::Gradient)
            .unwrap()
    );
}

#[test]
fn a_gradient_between_two_nodes_is_a_step_of_the_way_to_the_input() {
    let net = net();
    let trace = net.trace(&numbers(&[2, 2, 6, 6])).unwrap();
    for rule in [Rule::Gradient, Rule::Deconv, Rule::Guided, Rule::Redirected] {
        let whole = trace.gradient(Unit::class(2), rule).unwrap();
        let half = trace.gradient_at(Unit::class(2), "pool1", rule).unwrap();
        let rest = trace.gradient_from("pool1", &half, INPUT, rule).unwrap();
        assert_eq!(whole, rest, "{rule:?}");
    }
    // A unit does not depend on what comes after it, or on another branch.
    let none = trace.gradient_at(Unit::channel("pool1", 0), "fc", Rule::Gradient);
    assert!(none.unwrap().iter().all(|&g| g == 0.0));
}

#[test]
fn a_redirected_relu_wakes_dead_units_only_where_nothing_else_would_pass() {
    let mut net = Network::input([2])
        .add("relu", Relu)
        .add("fc", Linear::new(1))
        .build(0)
        .unwrap();
    net.set_parameter("fc.weight", tensor(&[1, 2], [-1.0, 2.0]))
        .unwrap();
    let trace = net
        .trace(&tensor(&[3, 2], [-1., -1., 1., -1., -1., 1.]))
        .unwrap();
    let back = trace.gradient(Unit::class(0), Rule::Redirected).unwrap();
    // Both dead: the signal that would raise its input passes. One alive: the plain derivative.
    assert_eq!(back, tensor(&[3, 2], [0., 2., -1., 0., 0., 2.]));
}

#[test]
fn other_activations_go_back_by_their_derivative_under_every_rule() {
    for layer in [
        Box::<dyn Layer<f32>>::from(LeakyRelu::default()),
        Gelu::new().into(),
        Tanh.into(),
        Sigmoid.into(),
    ] {
        let net = Network::input([9]).add("f", layer).build(0).unwrap();
        let trace = net.trace(&numbers(&[1, 9])).unwrap();
        let seed = numbers(&[1, 9]) * -1.5;
        let by = |rule| trace.gradient_from("f", &seed, INPUT, rule).unwrap();
        for rule in [Rule::Deconv, Rule::Guided, Rule::Redirected] {
            assert_eq!(by(rule), by(Rule::Gradient));
        }
    }
}

#[test]
fn questions_that_make_no_sense_are_errors_that_say_what_there_is() {
    let net = net();
    let trace = net.trace(&numbers(&[2, 2, 6, 6])).unwrap();
    for (unit, words) in [
        (Unit::class(3), ["[3]", "node \"fc\""]),
        (Unit::probability(3), ["0 to 2", "3"]),
        (Unit::channel("relu1", 4), ["0 to 3", "\"relu1\""]),
        (Unit::at("relu1", &[0, 6, 0]), ["[4, 6, 6]", "[0, 6, 0]"]),
        (Unit::at("relu1", &[0, 1]), ["[4, 6, 6]", "[0, 1]"]),
        (Unit::channel("relu9", 0), ["relu9", "conv1"]),
        (
            Unit::direction("pool1", Tensor::zeros(vec![4, 3])),
            ["[4, 3, 3]", "[4, 3]"],
        ),
    ] {
        for error in [
            trace.value(&unit).unwrap_err().to_string(),
            trace
                .gradient(unit.clone(), Rule::Gradient)
                .unwrap_err()
                .to_string(),
        ] {
            assert!(words.iter().all(|w| error.contains(w)), "{error}");
        }
    }
    let seed = Tensor::zeros(vec![2, 4]);
    let error = trace
        .gradient_from("fc", &seed, INPUT, Rule::Gradient)
        .unwrap_err();
    assert!(error.to_string().contains("[2, 3]"), "{error}");
    let error = trace.switches("relu1").unwrap_err().to_string();
    assert!(error.contains("only max pooling"), "{error}");
}

#[test]
fn switches_point_at_what_was_pooled() {
    let net = net();
    let trace = net.trace(&numbers(&[2, 2, 6, 6])).unwrap();
    let (x, y) = (
        trace.activation("relu1").unwrap(),
        trace.activation("pool1").unwrap(),
    );
    let planes = x.as_slice().unwrap().chunks(36);
    let pooled = y.as_slice().unwrap().chunks(9);
    let switches = trace.switches("pool1").unwrap().chunks(9);
    for ((plane, pooled), switches) in planes.zip(pooled).zip(switches) {
        for (&value, &at) in pooled.iter().zip(switches) {
            assert_eq!(plane[at as usize], value);
        }
    }
}

#[test]
fn a_trace_says_how_much_memory_it_holds() {
    let net = net();
    let trace = net.trace(&numbers(&[2, 2, 6, 6])).unwrap();
    let numbers: usize = std::iter::once("input".to_owned())
        .chain(net.nodes())
        .map(|node| trace.activation(&node).unwrap().len())
        .sum();
    let switches = trace.switches("pool1").unwrap().len();
    assert_eq!(trace.bytes(), 4 * (numbers + switches));
}

#[test]
fn monte_carlo_passes_differ_by_their_seed_alone() {
    let net = net();
    let x = numbers(&[150, 2, 6, 6]);
    let run = |pass| net.forward_as(&x, pass).unwrap();
    assert_eq!(run(Pass::monte_carlo(1)), run(Pass::monte_carlo(1)));
    assert_ne!(run(Pass::monte_carlo(1)), run(Pass::monte_carlo(2)));
    assert_eq!(run(Pass::default()), net.forward(&x).unwrap());
    assert_ne!(run(Pass::default()), run(Pass::monte_carlo(1)));
}

#[test]
fn a_unit_says_in_words_what_it_is() {
    let cases = [
        (Unit::class(7), "output 7"),
        (Unit::probability(2), "probability of class 2"),
        (Unit::at("conv1", &[3, 0, 5]), "unit 3,0,5 of \"conv1\""),
        (
            Unit::channel("conv2", 3) * 0.5 + Unit::channel_sum("fc", 1),
            "channel 3 of \"conv2\" (mean) times 0.5, plus channel 1 of \"fc\" (sum)",
        ),
    ];
    for (unit, words) in cases {
        assert_eq!(unit.to_string(), words);
    }
}
