//! Every optimizer against PyTorch, over 20 steps.
//!
//! The fixture is made by `fixtures/make_optimizers.py`; each row below has the settings of the
//! case of the same name there.

use convscope_nn::*;
use serde_json::Value;

/// The bar on the largest difference of a weight, in double and in single precision.
const BAR_F64: f64 = 1e-12;
const BAR_F32: f64 = 1e-6;

struct Fixture(Value);

impl Fixture {
    fn load() -> Fixture {
        Fixture(serde_json::from_str(include_str!("fixtures/optimizers.json")).unwrap())
    }

    fn vector<F: Real>(value: &Value) -> Tensor<F> {
        let numbers: Vec<F> = value
            .as_array()
            .unwrap()
            .iter()
            .map(|v| F::of(v.as_f64().unwrap()))
            .collect();
        Tensor::from_shape_vec(vec![numbers.len()], numbers).unwrap()
    }

    /// The largest difference of any weight after any step.
    fn distance<F: Real>(&self, case: &str, rule: &dyn Optimizer<F>, decay: Option<f64>) -> f64 {
        let mut w = Fixture::vector::<F>(&self.0["start"]);
        let curvature = Fixture::vector::<F>(&self.0["curvature"]);
        let group = Group {
            weight_decay: decay,
            ..Group::default()
        };
        let mut state = rule.start(&w);
        let mut worst = 0.0_f64;
        let points = self.0["trajectories"][case]
            .as_array()
            .unwrap_or_else(|| panic!("the fixture has no case \"{case}\""));
        assert_eq!(points.len(), 20);
        for (noise, point) in self.0["noise"].as_array().unwrap().iter().zip(points) {
            let mut g = &w * &curvature + Fixture::vector::<F>(noise);
            group.step(rule, rule.learning_rate(), &mut w, &mut g, &mut state);
            for (a, b) in w.iter().zip(&Fixture::vector::<f64>(point)) {
                worst = worst.max((a.as_f64() - b).abs());
                assert!(a.is_finite(), "{case}: {w}");
            }
        }
        assert_eq!(state.steps, 20);
        worst
    }
}

type Rule = (Box<dyn Optimizer<f32>>, Box<dyn Optimizer<f64>>);

fn both<R: Optimizer<f32> + Optimizer<f64> + Copy + 'static>(rule: R) -> Rule {
    (Box::new(rule), Box::new(rule))
}

fn cases() -> Vec<(&'static str, Rule, Option<f64>)> {
    vec![
        ("sgd", both(Sgd::new(0.1)), None),
        ("sgd with weight decay", both(Sgd::new(0.1)), Some(0.05)),
        ("momentum", both(Momentum::new(0.05)), None),
        (
            "momentum with weight decay",
            both(Momentum {
                momentum: 0.5,
                ..Momentum::new(0.05)
            }),
            Some(0.05),
        ),
        ("nesterov", both(Nesterov::new(0.05)), None),
        ("adagrad", both(Adagrad::default()), None),
        ("adagrad, fast", both(Adagrad::new(0.3)), None),
        ("adadelta", both(AdaDelta::default()), None),
        (
            "adadelta of the paper",
            both(AdaDelta {
                decay: 0.95,
                ..AdaDelta::new(2.0)
            }),
            None,
        ),
        ("rmsprop", both(RmsProp::default()), None),
        (
            "rmsprop as PyTorch has it",
            both(RmsProp {
                decay: 0.99,
                ..RmsProp::new(0.01)
            }),
            None,
        ),
        (
            "rmsprop with momentum",
            both(RmsProp {
                momentum: 0.8,
                ..RmsProp::new(0.01)
            }),
            None,
        ),
        (
            "rmsprop centered",
            both(RmsProp {
                centered: true,
                ..RmsProp::new(0.01)
            }),
            None,
        ),
        (
            "rmsprop centered with momentum",
            both(RmsProp {
                decay: 0.95,
                momentum: 0.5,
                centered: true,
                ..RmsProp::new(0.01)
            }),
            None,
        ),
        ("adam", both(Adam::default()), None),
        (
            "adam, fast",
            both(Adam {
                beta1: 0.8,
                beta2: 0.95,
                epsilon: 1e-6,
                ..Adam::new(0.1)
            }),
            None,
        ),
        ("adam with weight decay", both(Adam::new(0.05)), Some(0.1)),
        ("adamax", both(AdaMax::default()), None),
        (
            "adamax, fast",
            both(AdaMax {
                beta1: 0.8,
                beta2: 0.9,
                ..AdaMax::new(0.1)
            }),
            None,
        ),
        ("nadam", both(Nadam::default()), None),
        (
            "nadam, fast",
            both(Nadam {
                beta1: 0.8,
                beta2: 0.95,
                momentum_decay: 0.05,
                ..Nadam::new(0.1)
            }),
            None,
        ),
        ("amsgrad", both(AmsGrad::default()), None),
        (
            "amsgrad, fast",
            both(AmsGrad {
                beta1: 0.8,
                beta2: 0.9,
                ..AmsGrad::new(0.1)
            }),
            None,
        ),
        ("adamw", both(AdamW::default()), None),
        ("adamw, fast", both(AdamW::new(0.1)), Some(0.3)),
    ]
}

#[test]
fn twenty_steps_of_every_rule_are_pytorchs() {
    let fixture = Fixture::load();
    let cases = cases();
    let known = fixture.0["trajectories"].as_object().unwrap();
    assert_eq!(
        known.len(),
        cases.len(),
        "a row for every case of the fixture"
    );
    for (case, (single, double), decay) in cases {
        let distance = fixture.distance(case, &*double, decay);
        assert!(distance < BAR_F64, "{case} in f64: {distance:e}");
        let distance = fixture.distance(case, &*single, decay);
        assert!(distance < BAR_F32, "{case} in f32: {distance:e}");
    }
}

#[test]
fn a_run_that_goes_on_from_a_copied_state_has_the_same_bits() {
    for (case, (rule, _), _) in cases() {
        let gradient =
            |t: u32| Tensor::from_shape_fn(vec![3], |i| ((i[0] as u32 + t) as f32).sin());
        let mut w = Tensor::from_elem(vec![3], 0.5);
        let mut state = rule.start(&w);
        let mut copy = None;
        for t in 0..10 {
            if t == 4 {
                copy = Some((w.clone(), state.clone()));
            }
            rule.step(0.1, &mut w, &gradient(t), &mut state);
        }
        let (mut again, mut its_state) = copy.unwrap();
        its_state.check_like(&rule.start(&w), "w").unwrap();
        for t in 4..10 {
            rule.step(0.1, &mut again, &gradient(t), &mut its_state);
        }
        assert_eq!((again, its_state), (w, state), "{case}");
    }
}

#[test]
fn a_state_of_another_rule_or_shape_is_refused() {
    let w = Tensor::<f32>::zeros(vec![2, 3]);
    let adam: Box<dyn Optimizer> = Adam::default().into();
    let sgd: Box<dyn Optimizer> = Sgd::default().into();
    let fresh = adam.start(&w);
    for (state, words) in [
        (sgd.start(&w), ["0 tensors", "2 tensors"]),
        (adam.start(&Tensor::zeros(vec![3, 2])), ["[3, 2]", "[2, 3]"]),
    ] {
        let error = state
            .check_like(&fresh, "fc.weight")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("fc.weight") && words.iter().all(|w| error.contains(w)),
            "{error}"
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let rules: [(Box<dyn Optimizer>, &str); 8] = [
        (Sgd::new(f64::NAN).into(), "learning rate"),
        (AdaDelta::new(-1.0).into(), "learning rate"),
        (
            Momentum {
                momentum: 1.0,
                ..Momentum::default()
            }
            .into(),
            "momentum",
        ),
        (
            Adam {
                beta2: 1.0,
                ..Adam::default()
            }
            .into(),
            "beta2",
        ),
        (
            AdaMax {
                epsilon: 0.0,
                ..AdaMax::default()
            }
            .into(),
            "epsilon",
        ),
        (
            AdamW {
                weight_decay: -0.1,
                ..AdamW::default()
            }
            .into(),
            "weight decay",
        ),
        (
            RmsProp {
                decay: -0.5,
                ..RmsProp::default()
            }
            .into(),
            "decay",
        ),
        (
            Nadam {
                momentum_decay: f64::INFINITY,
                ..Nadam::default()
            }
            .into(),
            "momentum decay",
        ),
    ];
    for (rule, word) in rules {
        let error = rule.check().unwrap_err().to_string();
        assert!(error.contains(word), "{}: {error}", rule.describe());
    }
    for (case, (rule, _), _) in cases() {
        assert!(rule.check().is_ok(), "{case}");
        assert!(rule.describe().contains("learning rate"), "{case}");
    }
}
