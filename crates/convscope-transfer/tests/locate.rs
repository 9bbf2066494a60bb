//! Two heads on one trunk, against Shapes.

use convscope_data::{Dataset, Shapes, ShapesConfig};
use convscope_nn::{Conv2d, Flatten, Linear, MaxPool2d, Network, Relu, Tensor};
use convscope_transfer::{BoxKind, BoxLoss, BoxedSet, Detector, DetectorTraining, Head, Pooling};

fn classifier() -> Network {
    Network::input([3, 16, 16])
        .add("conv1", Conv2d::new(8, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(12, 3).same())
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc1", Linear::new(24))
        .add("relu3", Relu)
        .add("fc2", Linear::new(8))
        .build(3)
        .unwrap()
}

fn names() -> Vec<String> {
    Shapes::CLASSES.map(String::from).to_vec()
}

fn sets(n: usize) -> (BoxedSet, BoxedSet) {
    let config = ShapesConfig {
        size: 16,
        ..ShapesConfig::default()
    };
    let (train, valid) = Shapes::generate(n + 64, &config, 1)
        .unwrap()
        .split(n)
        .unwrap();
    (
        BoxedSet::shapes(&train).unwrap(),
        BoxedSet::shapes(&valid).unwrap(),
    )
}

fn detector(after: &str, kind: BoxKind) -> Detector {
    let head = Head::linear(4).pooling(Pooling::Flatten).hidden(&[16]);
    Detector::new(&classifier(), &names(), after, &head, kind, 9).unwrap()
}

#[test]
fn the_box_head_stands_beside_the_classifier_wherever_it_is_attached() {
    let images = sets(4).0.dataset.images;
    let logits = classifier().forward(&images).unwrap();
    for (after, kind, outputs) in [
        ("pool2", BoxKind::Agnostic, 12),
        ("relu3", BoxKind::Agnostic, 12),
        ("pool2", BoxKind::PerClass, 40),
        ("relu3", BoxKind::PerClass, 40),
    ] {
        let detector = detector(after, kind);
        assert_eq!(detector.network().output_shape(), [outputs]);
        let output = detector.network().forward(&images).unwrap();
        for i in 0..4 {
            for k in 0..8 {
                assert!((output[[i, k]] - logits[[i, k]]).abs() < 1e-6);
            }
        }
        let first = detector.network().parameter("box.fc1.weight").unwrap();
        let width = if after == "pool2" { 12 * 16 } else { 24 };
        assert_eq!(first.shape(), [16, width]);
    }
}

/// A detector whose last layer says the same of every image: class 2, and a box for each class.
fn constant(kind: BoxKind, boxes: &[[f32; 4]]) -> Detector {
    let mut net = classifier();
    let set = |net: &mut Network, path: &str, values: &[f32]| {
        let zero = net.parameter(path).unwrap().raw_dim();
        let value = match values.is_empty() {
            true => Tensor::zeros(zero),
            false => ndarray::aview1(values).to_owned().into_dyn(),
        };
        net.set_parameter(path, value).unwrap();
    };
    set(&mut net, "fc2.weight", &[]);
    set(
        &mut net,
        "fc2.bias",
        &[0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    );
    let head = Head::linear(4);
    let net = Detector::new(&net, &names(), "relu3", &head, kind, 1).unwrap();
    let mut whole = net.network().clone();
    set(&mut whole, "box.fc1.weight", &[]);
    set(&mut whole, "box.fc1.bias", &boxes.concat());
    Detector::from_network(whole, names(), kind).unwrap()
}

#[test]
fn the_score_is_that_of_boxes_by_hand() {
    let images = Tensor::zeros(vec![2, 3, 16, 16]);
    let dataset = Dataset::new("two", images.clone(), vec![2, 5], names()).unwrap();
    // The found box is 4, 4, 12, 12: the whole of the first, 16 of 64 + 64 - 16 of the second.
    let boxes = ndarray::arr2(&[[4.0, 4.0, 12.0, 12.0], [8.0, 8.0, 16.0, 16.0]]);
    let set = BoxedSet::new(dataset, boxes).unwrap();
    let middle = [0.25, 0.25, 0.75, 0.75];
    let mut per_class = [[0.0, 0.0, 1.0, 1.0]; 8];
    per_class[2] = middle;
    for detector in [
        constant(BoxKind::Agnostic, &[middle]),
        constant(BoxKind::PerClass, &per_class),
    ] {
        let found = detector.find(&images).unwrap();
        assert_eq!(
            (found[0].class, found[1].corners),
            (2, [4.0, 4.0, 12.0, 12.0])
        );
        let score = detector.evaluate(&set).unwrap();
        assert!(
            (score.mean_overlap - (1.0 + 1.0 / 7.0) / 2.0).abs() < 1e-6,
            "{score}"
        );
        assert_eq!((score.accuracy, score.located, score.both), (0.5, 0.5, 0.5));
    }
    // Beyond the edges, and with its corners in the wrong places.
    let wild = constant(BoxKind::Agnostic, &[[1.5, 0.5, 0.5, -1.0]]);
    assert_eq!(
        wild.find(&images).unwrap()[0].corners,
        [8.0, 0.0, 16.0, 8.0]
    );
}

#[test]
fn both_heads_learn_with_either_loss_and_kind_and_frozen_layers_stay() {
    let (train, valid) = sets(320);
    for (after, kind, loss) in [
        ("pool2", BoxKind::Agnostic, BoxLoss::L2),
        ("relu3", BoxKind::PerClass, BoxLoss::SmoothL1 { beta: 0.1 }),
    ] {
        let start = detector(after, kind);
        let before = start.evaluate(&valid).unwrap();
        let mut training = DetectorTraining::new(16).loss(loss).freeze("conv1");
        training.batch_size = 16;
        let mut detector = start.clone();
        let history = training.fit(&mut detector, &train, &valid).unwrap();
        let (first, last) = (&history.epochs[0], &history.epochs[15]);
        assert!(last.class_loss < first.class_loss, "{history}");
        assert!(last.box_loss < 0.8 * first.box_loss, "{history}");
        let gain = last.valid.mean_overlap - before.mean_overlap;
        assert!(gain > 0.05, "{before}\n{history}");
        let same = |path: &str| {
            detector.network().parameter(path).unwrap() == start.network().parameter(path).unwrap()
        };
        assert!(same("conv1.weight") && same("conv1.bias") && !same("conv2.weight"));
    }
}

#[test]
fn one_seed_gives_one_detector_for_any_number_of_threads() {
    let (train, valid) = sets(96);
    let run = || {
        let mut detector = detector("pool2", BoxKind::PerClass);
        let history = DetectorTraining::new(2)
            .seed(4)
            .fit(&mut detector, &train, &valid);
        (detector, history.unwrap())
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let (one, many) = (alone.unwrap().install(run), run());
    assert_eq!(one.1, many.1);
    let pairs = one.0.network().parameters().into_iter();
    for ((path, a), (_, b)) in pairs.zip(many.0.network().parameters()) {
        assert!(a == b, "{path} depends on the number of threads");
    }
}

#[test]
fn of_a_per_class_head_only_the_true_classes_numbers_learn() {
    let (mut train, valid) = sets(64);
    train.dataset.labels.fill(3);
    let start = detector("relu3", BoxKind::PerClass);
    let mut detector = start.clone();
    DetectorTraining::new(1)
        .fit(&mut detector, &train, &valid)
        .unwrap();
    let bias = |d: &Detector| d.network().parameter("box.fc2.bias").unwrap().clone();
    let moved = &bias(&detector) - &bias(&start);
    for (i, by) in moved.iter().enumerate() {
        assert_eq!(*by != 0.0, i / 4 == 3, "number {i} moved by {by}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let (net, head) = (classifier(), Head::linear(4));
    let make = |after: &str, classes: &[String], head: &Head| {
        Detector::new(&net, classes, after, head, BoxKind::Agnostic, 1)
            .unwrap_err()
            .to_string()
    };
    for (error, words) in [
        (
            make("relu3", &names()[..5], &head),
            "[5], one for each class, got [8]",
        ),
        (make("relu9", &names(), &head), "\"relu9\""),
        (
            make(
                "pool2",
                &names(),
                &head.clone().pooling(Pooling::AverageGrid(7)),
            ),
            "1 to 4",
        ),
    ] {
        assert!(error.contains(words), "{error}");
    }
    let (train, valid) = sets(8);
    let mut detector = detector("pool2", BoxKind::Agnostic);
    let mut fit = |training: DetectorTraining, train: &BoxedSet| {
        training
            .fit(&mut detector, train, &valid)
            .unwrap_err()
            .to_string()
    };
    let mut renamed = train.clone();
    renamed.dataset.classes.swap(0, 1);
    let large = Shapes::generate(4, &ShapesConfig::default(), 1).unwrap();
    for (error, words) in [
        (fit(DetectorTraining::new(0), &train), "got 0, 64"),
        (
            fit(DetectorTraining::new(1).freeze("conv7"), &train),
            "\"conv7\"",
        ),
        (
            fit(
                DetectorTraining::new(1).loss(BoxLoss::SmoothL1 { beta: 0.0 }),
                &train,
            ),
            "beta",
        ),
        (
            fit(DetectorTraining::new(1), &renamed),
            "expected the classes",
        ),
        (
            fit(DetectorTraining::new(1), &BoxedSet::shapes(&large).unwrap()),
            "[3, 16, 16]",
        ),
    ] {
        assert!(error.contains(words), "{error}");
    }
}
