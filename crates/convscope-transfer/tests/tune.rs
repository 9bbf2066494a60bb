//! Fine-tuning: what learns, how fast, and what stays.

use convscope_data::{Dataset, Shapes, ShapesConfig};
use convscope_nn::{
    BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, Relu,
};
use convscope_transfer::{
    Head, Plan, Pooling, Rule, Stage, Statistics, replace_head, replace_head_with,
};

fn old() -> Network {
    Network::input([3, 16, 16])
        .add("conv1", Conv2d::new(6, 3).same())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(8, 3).same())
        .add("bn2", BatchNorm2d::new())
        .add("relu2", Relu)
        .add("pool2", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(10))
        .build(5)
        .unwrap()
}

fn sets() -> (Dataset, Dataset) {
    let config = ShapesConfig {
        size: 16,
        ..ShapesConfig::default()
    };
    let mut set = Shapes::generate(96, &config, 1).unwrap().dataset;
    set.images.mapv_inplace(|v| v / 255.0);
    set.split(64).unwrap()
}

fn new_net() -> Network {
    replace_head(&old(), "relu2", &Head::linear(8), 7).unwrap()
}

/// How far each parameter and buffer has moved.
fn moved(before: &Network, after: &Network) -> Vec<(String, f32)> {
    let all = |net: &Network| {
        let both = net.parameters().into_iter().chain(net.buffers());
        both.map(|(p, t)| (p, t.clone())).collect::<Vec<_>>()
    };
    let pairs = all(before).into_iter().zip(all(after));
    pairs
        .map(|((path, a), (_, b))| (path, (&a - &b).iter().fold(0.0, |m: f32, d| m.max(d.abs()))))
        .collect()
}

fn of(moved: &[(String, f32)], path: &str) -> f32 {
    moved.iter().find(|(p, _)| p == path).unwrap().1
}

#[test]
fn a_head_of_any_shape_stands_on_any_node_and_the_trunk_keeps_its_weights() {
    let old = old();
    for (node, head, parameters) in [
        ("relu2", Head::linear(4), 8 * 4 + 4),
        (
            "relu1",
            Head::linear(4)
                .pooling(Pooling::AverageGrid(2))
                .hidden(&[5]),
            24 * 5 + 5 + 5 * 4 + 4,
        ),
        (
            "pool1",
            Head::linear(2).pooling(Pooling::Flatten).dropout(0.5),
            6 * 64 * 2 + 2,
        ),
        (
            "conv1",
            Head::linear(3).pooling(Pooling::GlobalMax),
            6 * 3 + 3,
        ),
        ("flatten", Head::linear(3), 8 * 3 + 3),
    ] {
        let new = replace_head(&old, node, &head, 1).unwrap();
        assert_eq!(new.output_shape(), [head.classes]);
        let mut count = 0;
        for (path, tensor) in new.parameters() {
            match path.starts_with("head.") {
                true => count += tensor.len(),
                false => assert_eq!(tensor, old.parameter(&path).unwrap()),
            }
        }
        assert_eq!(count, parameters, "{node}");
        assert_eq!(
            new.parameter("head.fc1.weight").unwrap(),
            replace_head(&old, node, &head, 1)
                .unwrap()
                .parameter("head.fc1.weight")
                .unwrap()
        );
        assert!(!new.nodes().iter().any(|n| n == "fc"));
    }
    let own = replace_head_with(&old, "relu2", 1, |b| {
        b.add("conv3", Conv2d::new(5, 1))
            .add("mean", GlobalAvgPool2d)
            .add("out", Flatten)
    });
    assert_eq!(own.unwrap().output_shape(), [5]);
    for (node, head, words) in [
        ("conv9", Head::linear(3), "\"conv9\""),
        ("relu2", Head::linear(0), "at least one output"),
        (
            "relu2",
            Head::linear(3).pooling(Pooling::AverageGrid(9)),
            "1 to 8 for maps of 8x8, got 9",
        ),
    ] {
        let error = replace_head(&old, node, &head, 1).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn what_matches_no_pattern_does_not_move_by_a_bit() {
    let (train, valid) = sets();
    let before = new_net();
    let mut net = before.clone();
    let plan = Plan::head_only("head", 0.1, 2);
    let tuned = plan
        .run_with(&mut net, &train, &valid, |t| t.quiet())
        .unwrap();
    for (path, by) in moved(&before, &net) {
        assert_eq!(by > 0.0, path.starts_with("head."), "{path} moved by {by}");
    }
    assert_eq!(
        (tuned.stages.len(), tuned.stages[0].learned),
        (1, 8 * 8 + 8)
    );
    // The same again, to the bit.
    let mut again = before.clone();
    plan.run_with(&mut again, &train, &valid, |t| t.quiet())
        .unwrap();
    assert!(moved(&net, &again).iter().all(|(_, by)| *by == 0.0));
}

#[test]
fn frozen_statistics_are_kept_or_follow_as_the_stage_says() {
    let (train, valid) = sets();
    let before = new_net();
    let run = |stage: Stage| {
        let mut net = before.clone();
        Plan::new(vec![stage])
            .run_with(&mut net, &train, &valid, |t| t.quiet())
            .unwrap();
        moved(&before, &net)
    };
    let kept = run(Stage::new("a", 1).rate("head", 0.1));
    let following = run(Stage::new("a", 1)
        .rate("head", 0.1)
        .statistics(Statistics::Following));
    for norm in [
        "bn1.running_mean",
        "bn1.running_var",
        "bn2.running_mean",
        "bn2.running_var",
    ] {
        assert_eq!(of(&kept, norm), 0.0, "{norm}");
        assert!(of(&following, norm) > 1e-4, "{norm}");
    }
    // A norm that learns follows in either case, the frozen one below it is kept.
    let upper = run(Stage::new("a", 1).rate("head", 0.1).rate("bn2", 0.01));
    assert_eq!(of(&upper, "bn1.running_mean"), 0.0);
    assert!(of(&upper, "bn2.running_mean") > 1e-4 && of(&upper, "bn2.weight") > 0.0);
    assert_eq!(
        of(&upper, "bn2.weight") > 0.0,
        of(&upper, "conv2.weight") == 0.0
    );
}

#[test]
fn a_kept_trunk_makes_in_training_the_features_that_it_makes_afterwards() {
    // Then a step on the head is the step that logistic regression on features would take: the first
    // loss of training is the loss that evaluation finds.
    let (train, valid) = sets();
    let mut net = new_net();
    let loss = convscope_nn::evaluate(&net, &train).unwrap().loss;
    let plan = Plan::new(vec![Stage::new("a", 1).rate("head", 1e-9)]).rule(Rule::Sgd);
    let tuned = plan
        .run_with(&mut net, &train, &valid, |t| t.quiet())
        .unwrap();
    let found = tuned.stages[0].history.epochs[0].train_loss;
    assert!((found - loss).abs() < 1e-4, "{found} and {loss}");
    let following = plan.statistics(Statistics::Following);
    let tuned = following
        .run_with(&mut net, &train, &valid, |t| t.quiet())
        .unwrap();
    let other = tuned.stages[0].history.epochs[0].train_loss;
    assert!((other - loss).abs() > 1e-3, "{other} and {loss}");
}

#[test]
fn each_pattern_has_its_rate() {
    let (train, valid) = sets();
    let before = new_net();
    let one_step = |rate: f64, pattern: &str| {
        let mut net = before.clone();
        let stage = Stage::new("a", 1).rate("head", 0.1).rate(pattern, rate);
        let plan = Plan::new(vec![stage]).rule(Rule::Sgd).batch_size(64);
        plan.run_with(&mut net, &train, &valid, |t| t.quiet())
            .unwrap();
        moved(&before, &net)
    };
    let (slow, fast) = (one_step(0.01, "conv2"), one_step(0.1, "conv2"));
    let ratio = of(&fast, "conv2.weight") / of(&slow, "conv2.weight");
    assert!((ratio - 10.0).abs() < 0.1, "{ratio}");
    assert_eq!(of(&fast, "head.fc1.weight"), of(&slow, "head.fc1.weight"));
    // The highest rate may be any pattern's.
    let above = one_step(1.0, "conv2");
    let ratio = of(&above, "conv2.weight") / of(&fast, "conv2.weight");
    assert!((ratio - 10.0).abs() < 0.1, "{ratio}");
    assert!((of(&above, "head.fc1.weight") / of(&slow, "head.fc1.weight") - 1.0).abs() < 1e-3);
}

#[test]
fn the_lectures_recipe_is_top_first_then_a_tenth_then_a_hundredth() {
    let plan = Plan::lecture("head", &["conv2", "bn2"], &["conv1", "bn1"], 0.1, [2, 1, 1]);
    let rates = |k: usize| {
        let stage: &Stage = &plan.stages[k];
        stage
            .rates
            .iter()
            .map(|r| (r.pattern.clone(), r.rate))
            .collect::<Vec<_>>()
    };
    assert_eq!(rates(0), [("head".to_owned(), 0.1)]);
    let tenth = ["head", "conv2", "bn2"].map(|p| (p.to_owned(), 0.1 / 10.0));
    assert_eq!(rates(1), tenth);
    let hundredth = ["conv1", "bn1"].map(|p| (p.to_owned(), 0.1 / 100.0));
    assert_eq!(rates(2), [&tenth[..], &hundredth[..]].concat());
    let text = plan.to_string();
    assert!(text.contains("1. the new top, 2 epochs: head at 0.1") && text.lines().count() == 3);
    assert!(text.contains("head at 0.01, conv2 at 0.01, bn2 at 0.01"));
    let third = Plan::head_only("head", 0.1 / 3.0, 1).to_string();
    assert!(third.ends_with("head at 0.03333"), "{third}");
    let copy: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(copy, plan);
    let (train, valid) = sets();
    let mut net = new_net();
    let tuned = plan
        .run_with(&mut net, &train, &valid, |t| t.quiet())
        .unwrap();
    let learned: Vec<usize> = tuned.stages.iter().map(|s| s.learned).collect();
    assert_eq!(learned, [72, 72 + 440 + 16, 72 + 440 + 16 + 168 + 12]);
    let losses: Vec<f64> = tuned
        .stages
        .iter()
        .flat_map(|s| s.history.epochs.iter().map(|e| e.train_loss))
        .collect();
    // Between the stages it may rise: norms that learn normalise by the batch from then on.
    assert!(losses[1] < losses[0] && losses[3] < losses[2], "{losses:?}");
    assert_eq!(
        tuned.accuracy(),
        Some(tuned.stages[2].history.epochs[0].valid_accuracy)
    );
}

#[test]
fn rates_by_depth_fall_by_the_factor() {
    let net = new_net();
    let plan = Plan::by_depth(&net, 3, 0.26, 2.6, 1).unwrap();
    let rates: Vec<(&str, f64)> = plan.stages[0]
        .rates
        .iter()
        .map(|r| (&*r.pattern, r.rate))
        .collect();
    let low = 0.26 / 2.6 / 2.6;
    let expected = [
        ("conv1", low),
        ("bn1", low),
        ("conv2", 0.1),
        ("bn2", 0.1),
        ("head.fc1", 0.26),
    ];
    for ((node, rate), (expected_node, expected)) in rates.iter().zip(expected) {
        assert_eq!(*node, expected_node);
        assert!((rate - expected).abs() < 1e-12);
    }
    let error = Plan::by_depth(&net, 6, 0.1, 2.0, 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("1 to 5 groups"), "{error}");
}

#[test]
fn a_plan_that_makes_no_sense_changes_nothing() {
    let (train, valid) = sets();
    let before = new_net();
    for (stages, words) in [
        (vec![], "at least one stage"),
        (vec![Stage::new("a", 1)], "0 patterns"),
        (vec![Stage::new("a", 0).rate("head", 0.1)], "got 0 and 1"),
        (
            vec![Stage::new("a", 1).rate("head", 0.0)],
            "must be positive, got 0",
        ),
        (
            vec![
                Stage::new("a", 1).rate("head", 0.1),
                Stage::new("b", 1).rate("conv9", 0.1),
            ],
            "\"conv9\"",
        ),
    ] {
        let mut net = before.clone();
        let error = Plan::new(stages)
            .run(&mut net, &train, &valid)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
        assert!(moved(&before, &net).iter().all(|(_, by)| *by == 0.0));
    }
}
