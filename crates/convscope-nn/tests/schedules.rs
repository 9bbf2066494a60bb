//! Every schedule against PyTorch's, and the learning-rate finder.
//!
//! The fixture is made by `fixtures/make_schedules.py`; each row of the table has the settings of
//! the case of the same name there.

use convscope_data::Dataset;
use convscope_nn::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn cases() -> Vec<(&'static str, Box<dyn Schedule>)> {
    // PyTorch counts its one cycle in steps from 0 to 23, its top one before 0.3 * 24.
    let one_cycle = OneCycle {
        rise: (0.3 * 24.0 - 1.0) / 23.0,
        ..OneCycle::new(23.0)
    };
    vec![
        ("step", Box::new(StepDecay::new(5.0))),
        ("step, a half", Box::new(StepDecay::new(3.0).factor(0.5))),
        ("exponential", Box::new(Exponential::new(0.9))),
        ("cosine", Box::new(Cosine::new(24.0))),
        ("cosine to a floor", Box::new(Cosine::new(24.0).floor(0.1))),
        (
            "warm-up, then cosine",
            Box::new(WarmUp::new(4.0, Cosine::new(20.0)).starting_at(0.2)),
        ),
        ("one cycle", Box::new(one_cycle)),
        ("plateau", Box::new(ReduceOnPlateau::new(2))),
        (
            "plateau with rest and floor",
            Box::new(ReduceOnPlateau {
                factor: 0.5,
                patience: 1,
                threshold: 0.01,
                cooldown: 2,
                floor: 0.2,
            }),
        ),
    ]
}

#[test]
fn at_the_beginning_of_every_epoch_the_rate_is_pytorchs() {
    let json: Value = serde_json::from_str(include_str!("fixtures/schedules.json")).unwrap();
    let losses: Vec<f64> = json["losses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l.as_f64().unwrap_or(f64::NAN))
        .collect();
    let known = json["rates"].as_object().unwrap();
    assert_eq!(known.len(), cases().len(), "a row for every case");
    for (name, schedule) in cases() {
        let mut state = schedule.start();
        let rates = json["rates"][name].as_array().unwrap();
        assert_eq!(rates.len(), losses.len());
        for (epoch, (rate, &loss)) in rates.iter().zip(&losses).enumerate() {
            let (got, expected) = (
                schedule.factor(epoch as f64, &state),
                rate.as_f64().unwrap(),
            );
            assert!(
                (got - expected).abs() < 1e-12,
                "{name}, epoch {epoch}: {got} against {expected}"
            );
            schedule.observe(loss, &mut state);
            state.check_like(&schedule.start()).unwrap();
        }
    }
}

#[test]
fn within_an_epoch_a_schedule_moves_unless_it_is_held() {
    let state = ScheduleState::default();
    let cosine = Cosine::new(10.0);
    assert!(cosine.factor(3.5, &state) < cosine.factor(3.0, &state));
    for (time, held) in [(3.0, 3.0), (3.99, 3.0), (4.0, 4.0)] {
        let factor = PerEpoch(cosine).factor(time, &state);
        assert_eq!(factor, cosine.factor(held, &state));
    }
    assert_eq!(Constant.factor(1e9, &state), 1.0);
    let stays = Cosine::new(10.0).floor(0.25).factor(1e3, &state);
    assert!((stays - 0.25).abs() < 1e-15);
    let over = OneCycle::new(10.0).factor(11.0, &state);
    assert!((over - 4e-6).abs() < 1e-15, "{over}");
}

#[test]
fn what_a_wrapped_schedule_hears_reaches_it() {
    let schedule = PerEpoch(WarmUp::new(1.0, ReduceOnPlateau::new(0)));
    let mut state = schedule.start();
    schedule.observe(1.0, &mut state);
    assert_eq!(schedule.factor(2.0, &state), 1.0);
    schedule.observe(1.0, &mut state);
    assert!((schedule.factor(2.0, &state) - 0.1).abs() < 1e-15);
    let error = ScheduleState::default().check_like(&state).unwrap_err();
    assert!(error.to_string().contains("expected 4 numbers, got 0"));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong: [(Box<dyn Schedule>, &str); 9] = [
        (Box::new(StepDecay::new(0.0)), "time between two steps"),
        (Box::new(StepDecay::new(1.0).factor(1.5)), "factor"),
        (Box::new(Exponential::new(f64::NAN)), "gamma"),
        (Box::new(Cosine::new(-3.0)), "length"),
        (Box::new(Cosine::new(3.0).floor(2.0)), "floor"),
        (Box::new(WarmUp::new(f64::INFINITY, Constant)), "warm-up"),
        (Box::new(WarmUp::new(1.0, Cosine::new(0.0))), "cosine"),
        (Box::new(PerEpoch(OneCycle::new(0.0))), "cycle"),
        (
            Box::new(ReduceOnPlateau {
                factor: 1.0,
                ..ReduceOnPlateau::default()
            }),
            "plateau",
        ),
    ];
    for (schedule, word) in wrong {
        let error = schedule.check().unwrap_err().to_string();
        assert!(error.contains(word), "{}: {error}", schedule.describe());
    }
    for (name, schedule) in cases() {
        assert!(schedule.check().is_ok(), "{name}");
    }
}

/// Two classes, told apart by the sign of every pixel, but for every tenth label, which is wrong: so
/// the loss cannot reach 0, where no rate is too large.
fn toy(n: usize) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let seen: Vec<usize> = (0..n).map(|i| i % 2).collect();
    let labels = (0..n).map(|i| if i % 10 == 3 { 1 - seen[i] } else { seen[i] });
    let labels = labels.collect();
    let mut images =
        Tensor::from_shape_simple_fn(vec![n, 1, 4, 4], || rng.random_range(-1.0f32..1.0));
    for (mut image, &label) in images.outer_iter_mut().zip(&seen) {
        image += if label == 0 { 0.5 } else { -0.5 };
    }
    Dataset {
        name: "toy".into(),
        images,
        labels,
        classes: vec!["plus".into(), "minus".into()],
    }
}

fn net() -> Network {
    Network::input([1, 4, 4])
        .add("flatten", Flatten)
        .add("fc1", Linear::new(8))
        .add("relu", Relu)
        .add("fc2", Linear::new(2))
        .build(2)
        .unwrap()
}

fn find(net: &Network, sweep: RateSweep) -> Result<RateSearch> {
    find_learning_rate(net, &Sgd::default(), &CrossEntropy::new(), &toy(100), sweep)
}

#[test]
fn the_finder_suggests_a_rate_that_trains_and_leaves_the_network_alone() {
    let net = net();
    let before = net.parameter("fc1.weight").unwrap().clone();
    let sweep = RateSweep {
        highest: 1e3,
        ..RateSweep::default()
    };
    let search = find(&net, sweep).unwrap();
    assert_eq!(net.parameter("fc1.weight").unwrap(), &before);
    assert_eq!(search, find(&net, sweep).unwrap(), "the same seed");
    assert!(search.rates.len() < 100, "it stops when the loss blows up");
    assert_eq!(search.rates.len(), search.smoothed.len());
    let steps: Vec<f64> = search.rates.windows(2).map(|w| w[1] / w[0]).collect();
    assert!(steps.iter().all(|s| (s / steps[0] - 1.0).abs() < 1e-9));
    assert_eq!(search.smoothed[0], search.losses[0], "corrected");

    let rate = search.suggestion.unwrap();
    assert!((1e-3..10.0).contains(&rate), "{search}");
    assert!(search.to_string().contains("try"), "{search}");
    let mut net = net;
    let history = Training::new(Sgd::new(rate))
        .epochs(5)
        .batch_size(10)
        .quiet()
        .fit(&mut net, &toy(100), &toy(100))
        .unwrap();
    assert!(history.last().unwrap().valid_accuracy > 0.85, "{history}");
}

#[test]
fn the_finder_says_so_when_no_rate_helps() {
    let mut dead = net();
    // Its output does not depend on the weights that learn, and rates are too small to matter.
    let zeros = Tensor::zeros(vec![2, 8]);
    dead.set_parameter("fc2.weight", zeros).unwrap();
    let sweep = RateSweep {
        lowest: 1e-30,
        highest: 1e-29,
        steps: 5,
        ..RateSweep::default()
    };
    let search = find(&dead, sweep).unwrap();
    assert_eq!(search.suggestion, None, "{search:?}");
    assert!(search.to_string().contains("did not fall"), "{search}");

    let mut poisoned = net();
    let nan = Tensor::from_elem(vec![8], f32::NAN);
    poisoned.set_parameter("fc1.bias", nan).unwrap();
    let error = find(&poisoned, RateSweep::default()).unwrap_err();
    assert!(error.to_string().contains("\"fc1\""), "{error}");
    for sweep in [
        RateSweep {
            lowest: 0.0,
            ..RateSweep::default()
        },
        RateSweep {
            steps: 1,
            ..RateSweep::default()
        },
        RateSweep {
            batch_size: 0,
            ..RateSweep::default()
        },
        RateSweep {
            smoothing: 1.0,
            ..RateSweep::default()
        },
        RateSweep {
            stop_at: f64::NAN,
            ..RateSweep::default()
        },
    ] {
        assert!(find(&net(), sweep).is_err(), "{sweep:?}");
    }
}
