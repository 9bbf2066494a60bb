//! What the engine promises: exact values, names, errors, equal bits.

use convscope_data::Dataset;
use convscope_nn::*;
use ndarray::{Array, IxDyn};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn tensor(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Tensor {
    Array::from_shape_vec(IxDyn(shape), values.into_iter().collect()).unwrap()
}

fn small_net() -> Network {
    Network::input([1, 8, 8])
        .add("conv1", Conv2d::new(4, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(3)
        .unwrap()
}

/// Three classes that a small network can tell apart: a bright row, column or corner.
fn toy(n: usize, seed: u64) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let mut images =
        Tensor::from_shape_simple_fn(IxDyn(&[n, 1, 8, 8]), || rng.random_range(-0.5f32..0.5));
    for (i, &label) in labels.iter().enumerate() {
        for k in 0..8 {
            let at = [[i, 0, 3, k], [i, 0, k, 3], [i, 0, k / 4, k % 4]][label];
            images[at] += 2.0;
        }
    }
    let classes = ["row", "column", "corner"].map(String::from).to_vec();
    Dataset {
        name: "toy".into(),
        images,
        labels,
        classes,
    }
}

#[test]
fn the_lectures_convolution_by_hand() {
    // The slide flips the kernel, as mathematics does: so flip it before our layer.
    let x = tensor(&[1, 1, 3, 3], [0., 80., 40., 20., 40., 0., 0., 0., 40.]);
    let mut net = Network::input([1, 3, 3])
        .add("conv", Conv2d::new(1, 2))
        .build(0)
        .unwrap();
    net.set_parameter("conv.weight", tensor(&[1, 1, 2, 2], [1.0, 0.5, 0.25, 0.0]))
        .unwrap();
    let y = net.forward(&x).unwrap();
    assert_eq!(y, tensor(&[1, 1, 2, 2], [45., 110., 40., 40.]));
}

#[test]
fn output_sizes_and_parameter_counts_of_the_lectures() {
    let count = |input: [usize; 3], conv: Conv2d| {
        let net = Network::input(input).add("conv", conv).build(0).unwrap();
        (net.output_shape().to_vec(), net.parameter_count())
    };
    assert_eq!(
        count([3, 32, 32], Conv2d::new(10, 5).padding(Padding::Each(2))),
        (vec![10, 32, 32], 760)
    );
    assert_eq!(count([3, 32, 32], Conv2d::new(6, 5)).0, [6, 28, 28]);
    assert_eq!(
        count([3, 227, 227], Conv2d::new(96, 11).stride(4)),
        (vec![96, 55, 55], 34_944)
    );
    assert_eq!(
        count([64, 28, 28], Conv2d::new(30, 1)),
        (vec![30, 28, 28], 1_950)
    );
    for (stride, size) in [(1, 5), (2, 3), (3, 2)] {
        assert_eq!(
            count([1, 7, 7], Conv2d::new(1, 3).stride(stride)).0,
            [1, size, size]
        );
    }
    assert_eq!(
        count([1, 7, 7], Conv2d::new(1, 3).padding(Padding::Each(1))).0,
        [1, 7, 7]
    );
}

#[test]
fn cnn1_has_251_210_parameters() {
    let net = Network::input([1, 28, 28])
        .add("conv1", Conv2d::new(32, 3).same())
        .add("relu1", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(10))
        .build(1)
        .unwrap();
    assert_eq!(net.parameter_count(), 251_210);
    assert_eq!(net.summary().parameters(), 251_210);
    assert_eq!(
        net.summary().multiply_adds(),
        32 * 9 * 28 * 28 + 25_088 * 10
    );
    assert!(net.to_string().contains("251,210"), "{net}");
}

#[test]
fn pooling_as_on_the_slides() {
    let x = tensor(
        &[1, 1, 4, 4],
        [
            1., 1., 2., 4., 5., 6., 7., 8., 3., 2., 1., 0., 1., 2., 3., 4.,
        ],
    );
    let pooled = |net: NetworkBuilder| net.build(0).unwrap().forward(&x).unwrap();
    let max = pooled(Network::input([1, 4, 4]).add("pool", MaxPool2d::new(2)));
    assert_eq!(max, tensor(&[1, 1, 2, 2], [6., 8., 3., 4.]));
    let avg = pooled(Network::input([1, 4, 4]).add("pool", AvgPool2d::new(2)));
    assert_eq!(avg, tensor(&[1, 1, 2, 2], [3.25, 5.25, 2., 2.]));
}

#[test]
fn a_tie_in_max_pooling_goes_to_the_first() {
    let net = Network::input([1, 2, 2])
        .add("pool", MaxPool2d::new(2))
        .build(0)
        .unwrap();
    let trace = net.trace(&Tensor::ones(vec![1, 1, 2, 2])).unwrap();
    let gradient = trace
        .gradient(Unit::at("pool", &[0, 0, 0]), Rule::Gradient)
        .unwrap();
    assert_eq!(gradient, tensor(&[1, 1, 2, 2], [1., 0., 0., 0.]));
}

#[test]
fn the_dead_relu_exercise() {
    let mut net = Network::input([2])
        .add("fc", Linear::new(1))
        .add("relu", Relu)
        .build(0)
        .unwrap();
    net.set_parameter("fc.weight", tensor(&[1, 2], [0.1, -0.1]))
        .unwrap();
    for (x, z, slope) in [([1., 20.], -1.9, 0.), ([20., 10.], 1.0, 10.)] {
        let trace = net.trace(&tensor(&[1, 2], x)).unwrap();
        assert!((trace.activation("fc").unwrap()[[0, 0]] - z).abs() < 1e-6);
        let dw = trace
            .parameter_gradients(&Tensor::ones(vec![1, 1]))
            .unwrap();
        assert_eq!(dw[0][[0, 1]], slope);
    }
}

#[test]
fn the_three_rules_at_a_relu() {
    // Two units, one on and one off; the output pulls them with -1 and +2.
    let mut net = Network::input([2])
        .add("relu", Relu)
        .add("fc", Linear::new(1))
        .build(0)
        .unwrap();
    net.set_parameter("fc.weight", tensor(&[1, 2], [-1.0, 2.0]))
        .unwrap();
    let back = |x: [f32; 2], rule| {
        let trace = net.trace(&tensor(&[1, 2], x)).unwrap();
        trace
            .gradient(Unit::class(0), rule)
            .unwrap()
            .into_raw_vec_and_offset()
            .0
    };
    assert_eq!(back([1., -1.], Rule::Gradient), [-1., 0.]);
    assert_eq!(back([1., -1.], Rule::Deconv), [0., 2.]);
    assert_eq!(back([1., -1.], Rule::Guided), [0., 0.]);
    assert_eq!(back([1., 1.], Rule::Guided), [0., 2.]);
    assert_eq!(back([0., 0.], Rule::Gradient), [0., 0.], "exactly 0 at 0");
}

#[test]
fn a_unit_with_a_ceiling_follows_the_rules_as_a_relu_does() {
    // Four units: off, between, at the ceiling and beyond it; the output pulls them so.
    let pull = [1.0, -2.0, 3.0, -4.0];
    let back = |layer: Clamp, rule| {
        let mut net = Network::input([4])
            .add("clamp", layer)
            .add("fc", Linear::new(1))
            .build(0)
            .unwrap();
        net.set_parameter("fc.weight", tensor(&[1, 4], pull))
            .unwrap();
        let trace = net.trace(&tensor(&[1, 4], [-1.0, 3.0, 6.0, 7.0])).unwrap();
        let gradient = trace.gradient(Unit::class(0), rule).unwrap();
        gradient.into_raw_vec_and_offset().0
    };
    let relu6 = |rule| back(Clamp::relu6(), rule);
    assert_eq!(relu6(Rule::Gradient), [0., -2., 0., 0.]);
    assert_eq!(relu6(Rule::Deconv), [1., 0., 3., 0.]);
    assert_eq!(relu6(Rule::Guided), [0., 0., 0., 0.]);
    assert_eq!(relu6(Rule::Redirected), [0., -2., 0., 0.]);
    let shut = |rule| back(Clamp::new(0.0, 2.0), rule);
    assert_eq!(shut(Rule::Gradient), [0., 0., 0., 0.]);
    assert_eq!(
        shut(Rule::Redirected),
        [1., 0., 3., 0.],
        "nothing passes else"
    );
    // Where the lower limit is not 0 it is no rectifier.
    for rule in [Rule::Gradient, Rule::Deconv, Rule::Guided] {
        assert_eq!(
            back(Clamp::new(-2.0, 6.5), rule),
            [1., -2., 3., 0.],
            "{rule:?}"
        );
    }
}

#[test]
fn a_trace_knows_every_node_and_keeps_its_weights() {
    let mut net = small_net();
    let x = toy(2, 1).images;
    let trace = net.trace(&x).unwrap();
    for (node, shape) in [
        ("input", vec![2, 1, 8, 8]),
        ("conv1", vec![2, 4, 8, 8]),
        ("pool1", vec![2, 4, 4, 4]),
        ("fc", vec![2, 3]),
    ] {
        assert_eq!(trace.activation(node).unwrap().shape(), shape);
    }
    let before = trace.gradient(Unit::class(1), Rule::Gradient).unwrap();
    let weight = net.parameter("fc.weight").unwrap() * 2.0;
    net.set_parameter("fc.weight", weight).unwrap();
    assert_eq!(
        trace.gradient(Unit::class(1), Rule::Gradient).unwrap(),
        before
    );
    let error = trace.activation("conv9").unwrap_err().to_string();
    assert!(
        error.contains("conv9") && error.contains("conv1, relu1"),
        "{error}"
    );
    assert_eq!(trace.output(), &small_net().forward(&x).unwrap());
}

#[test]
fn a_channels_mean_is_the_mean_of_its_units() {
    let net = small_net();
    let trace = net.trace(&toy(2, 1).images).unwrap();
    let mean = trace
        .gradient(Unit::channel("pool1", 2), Rule::Gradient)
        .unwrap();
    let mut sum = Tensor::zeros(mean.raw_dim());
    for y in 0..4 {
        for x in 0..4 {
            sum += &trace
                .gradient(Unit::at("pool1", &[2, y, x]), Rule::Gradient)
                .unwrap();
        }
    }
    for (a, b) in mean.iter().zip(&(sum / 16.0)) {
        assert!((a - b).abs() < 1e-6);
    }
}

#[test]
fn a_gradient_with_respect_to_a_node_in_the_middle() {
    let net = small_net();
    let trace = net.trace(&toy(2, 1).images).unwrap();
    let g = trace
        .gradient_at(Unit::class(2), "flatten", Rule::Gradient)
        .unwrap();
    let row = net
        .parameter("fc.weight")
        .unwrap()
        .index_axis(ndarray::Axis(0), 2)
        .to_owned();
    for image in g.outer_iter() {
        assert_eq!(image.to_owned(), row);
    }
}

#[test]
fn training_learns_and_two_runs_are_bit_equal_for_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut net = small_net();
            let history = Training::new(Adam::new(0.01))
                .epochs(4)
                .batch_size(16)
                .seed(5)
                .quiet()
                .fit(&mut net, &toy(240, 1), &toy(90, 2))
                .unwrap();
            (net, history.last().unwrap().valid_accuracy)
        })
    };
    let (a, accuracy) = run(1);
    assert!(accuracy > 0.95, "{accuracy}");
    for threads in [1, 2, 3] {
        let (b, _) = run(threads);
        for ((path, x), (_, y)) in a.parameters().iter().zip(b.parameters()) {
            let bits = |t: &Tensor| t.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(x), bits(y), "{path} with {threads} threads");
        }
    }
}

#[test]
fn sgd_learns_too() {
    let mut net = small_net();
    let history = Training::new(Sgd::new(0.1))
        .epochs(6)
        .batch_size(16)
        .quiet()
        .fit(&mut net, &toy(240, 1), &toy(90, 2))
        .unwrap();
    assert!(history.best().unwrap().valid_accuracy > 0.95, "{history}");
    let report = evaluate(&net, &toy(90, 3)).unwrap();
    assert_eq!(report.confusion.counts.iter().flatten().sum::<usize>(), 90);
    assert!((report.accuracy - report.confusion.accuracy()).abs() < 1e-12);
}

#[test]
fn shapes_that_do_not_fit_are_errors_that_name_the_node() {
    let failed = |b: NetworkBuilder| b.build(0).unwrap_err().to_string();
    for (builder, words) in [
        (
            Network::input([1, 4, 4]).add("big", Conv2d::new(1, 5)),
            vec!["\"big\"", "window of 5", "height 4"],
        ),
        (
            Network::input([1, 4, 4]).add("fc", Linear::new(3)),
            vec!["\"fc\"", "Flatten", "[1, 4, 4]"],
        ),
        (
            Network::input([9]).add("conv", Conv2d::new(1, 3)),
            vec!["\"conv\"", "[channels, height, width]", "[9]"],
        ),
        (
            Network::input([1, 4, 4]).add("a", Relu).add("a", Relu),
            vec!["\"a\"", "no other node"],
        ),
        (
            Network::input([1, 4, 4]).add("", Relu),
            vec!["needs a name"],
        ),
        (
            Network::input([1, 4, 4]).add_after(&["b"], "a", Relu),
            vec!["no node \"b\"", "input"],
        ),
        (
            Network::input([1, 0, 4]).add("a", Relu),
            vec!["without a zero", "[1, 0, 4]"],
        ),
        (Network::input([1, 4, 4]), vec!["at least one layer"]),
        (
            Network::input([1, 4, 4]).add("conv", Conv2d::new(0, 3)),
            vec!["\"conv\"", "one filter"],
        ),
        (
            Network::input([1, 4, 4]).add("conv", Conv2d::new(1, 3).stride(0)),
            vec!["stride", "at least 1"],
        ),
        (
            Network::input([1, 4, 4]).add("pool", MaxPool2d::new(5)),
            vec!["\"pool\"", "window of 5"],
        ),
        (
            Network::input([4]).add("fc", Linear::new(0)),
            vec!["\"fc\"", "one output"],
        ),
        (
            Network::input([1, 4, 4])
                .add("a", Conv2d::new(2, 3))
                .add_after(&["a", "input"], "sum", Add),
            vec!["\"sum\"", "[2, 2, 2]", "[1, 4, 4]"],
        ),
    ] {
        let error = failed(builder);
        for word in words {
            assert!(error.contains(word), "{word:?} is missing in: {error}");
        }
    }
}

#[test]
fn a_batch_that_does_not_fit_is_an_error() {
    let net = small_net();
    for (x, words) in [
        (
            Tensor::zeros(vec![2, 1, 8, 9]),
            ["[batch, 1, 8, 8]", "[2, 1, 8, 9]"],
        ),
        (
            Tensor::zeros(vec![1, 8, 8]),
            ["[batch, 1, 8, 8]", "[1, 8, 8]"],
        ),
        (
            Tensor::zeros(vec![0, 1, 8, 8]),
            ["at least one", "[0, 1, 8, 8]"],
        ),
    ] {
        let errors = [
            net.forward(&x).unwrap_err().to_string(),
            net.trace(&x).unwrap_err().to_string(),
            net.predict(&x).unwrap_err().to_string(),
        ];
        for error in errors {
            assert!(words.iter().all(|w| error.contains(w)), "{error}");
        }
    }
    let mut x = Tensor::zeros(vec![2, 1, 8, 8]);
    x[[1, 0, 2, 3]] = f32::NAN;
    let error = net.trace(&x).unwrap_err().to_string();
    assert!(
        error.contains("NaN") && error.contains("[1, 0, 2, 3]"),
        "{error}"
    );
}

#[test]
fn training_on_what_does_not_fit_changes_nothing() {
    let good = toy(30, 1);
    let wrong = |change: fn(&mut Dataset)| {
        let mut set = toy(30, 1);
        change(&mut set);
        set
    };
    for (train, valid, words) in [
        (
            wrong(|d| d.labels[4] = 3),
            good.clone(),
            vec!["label 3 at position 4", "0 to 2"],
        ),
        (good.clone(), wrong(|d| d.labels[0] = 7), vec!["label 7"]),
        (
            wrong(|d| d.labels.truncate(9)),
            good.clone(),
            vec!["30 images, 9 labels"],
        ),
        (
            wrong(|d| {
                d.images = Tensor::zeros(vec![0, 1, 8, 8]);
                d.labels.clear()
            }),
            good.clone(),
            vec!["no image"],
        ),
        (
            wrong(|d| d.images = Tensor::zeros(vec![30, 1, 9, 8])),
            good.clone(),
            vec!["[1, 8, 8]", "[1, 9, 8]"],
        ),
        (
            wrong(|d| d.images[[3, 0, 1, 2]] = f32::INFINITY),
            good.clone(),
            vec!["inf", "[3, 0, 1, 2]", "toy"],
        ),
    ] {
        let mut net = small_net();
        let error = Training::new(Sgd::new(0.1))
            .quiet()
            .fit(&mut net, &train, &valid)
            .unwrap_err()
            .to_string();
        assert!(words.iter().all(|w| error.contains(w)), "{error}");
        assert_eq!(
            net.parameter("fc.weight").unwrap(),
            small_net().parameter("fc.weight").unwrap()
        );
    }
    for (training, word) in [
        (Training::new(Sgd::new(f64::NAN)), "NaN"),
        (Training::new(Sgd::new(-0.1)), "positive"),
        (Training::new(Sgd::new(0.1)).epochs(0), "at least one epoch"),
        (
            Training::new(Sgd::new(0.1)).batch_size(0),
            "one image a batch",
        ),
    ] {
        let error = training
            .quiet()
            .fit(&mut small_net(), &good, &good)
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_loss_that_blows_up_names_the_node_where_it_began() {
    let mut net = small_net();
    let error = Training::new(Sgd::new(1e30))
        .quiet()
        .fit(&mut net, &toy(60, 1), &toy(30, 2))
        .unwrap_err()
        .to_string();
    assert!(error.contains("learning rate"), "{error}");
    assert!(
        net.parameters()
            .iter()
            .all(|(_, t)| t.iter().all(|v| v.is_finite())),
        "the last good step is kept"
    );
}

#[test]
fn public_types_can_cross_threads_and_live_forever() {
    fn held<T: Send + Sync + 'static>() {}
    held::<Network>();
    held::<Trace>();
    held::<History>();
    held::<Training>();
    held::<Evaluation>();
    held::<NnError>();
}
