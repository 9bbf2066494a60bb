//! Worked numbers of fooling and of looking, from other projects' tests and from the lecture.

use convscope_nn::{Conv2d, MaxPool2d, Network, Padding, Relu, Tensor};
use convscope_vis::{
    Bounds, Fgsm, FoolingLoss, Goal, Pgd, Result, Units, fgsm, logistic, logistic_fooled, pgd,
    trustworthiness, with_gradient,
};
use ndarray::{Array2, Axis, IxDyn};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|v| v.as_f64().unwrap()).collect()
}

fn row(value: &Value) -> Tensor {
    let values: Vec<f32> = numbers(value).into_iter().map(|v| v as f32).collect();
    Tensor::from_shape_vec(IxDyn(&[1, 1, 1, values.len()]), values).unwrap()
}

fn float(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

/// `1 - relu(1 - x)` of every number.
fn forward(x: &Tensor) -> Result<Tensor> {
    let y = x.mapv(|v| 1.0 - (1.0 - v).max(0.0));
    Ok(
        y.into_shape_with_order(IxDyn(&[x.shape()[0], x.shape()[3]]))
            .unwrap(),
    )
}

fn backward(x: &Tensor, seed: &Tensor) -> Result<Tensor> {
    let mut back = x.mapv(|v| if v < 1.0 { 1.0 } else { 0.0 });
    back.iter_mut().zip(seed).for_each(|(b, s)| *b *= s);
    Ok(back)
}

fn close(id: &str, got: impl IntoIterator<Item = f32>, case: &Value) {
    let tol = float(&case["tol"]);
    let (got, expected): (Vec<f32>, _) = (got.into_iter().collect(), numbers(&case["expected"]));
    assert_eq!(got.len(), expected.len(), "{id}");
    for (g, e) in got.iter().zip(&expected) {
        assert!(
            (g - *e as f32).abs() <= tol,
            "{id}: {got:?}, expected {expected:?}"
        );
    }
}

fn check(case: &Value) {
    let id = case["id"].as_str().unwrap();
    let params = &case["params"];
    let model = with_gradient(forward, backward);
    let class = || vec![params["target"].as_u64().unwrap() as usize];
    let mut bounds = Bounds::none();
    if let Some(clip) = params.get("clip") {
        bounds = Bounds::range(float(&clip[0]), float(&clip[1])).unwrap();
    }
    match case["topic"].as_str().unwrap() {
        topic @ ("fgsm" | "fgsm_targeted") => {
            let settings = Fgsm::new(float(&params["eps"]), bounds)
                .units(Units::Network)
                .loss(FoolingLoss::NegativeLog)
                .goal(match topic {
                    "fgsm" => Goal::AwayFrom(class()),
                    _ => Goal::Towards(class()),
                });
            let fooled = fgsm(&model, &row(&case["input"]), &settings).unwrap();
            close(id, fooled.images, case);
        }
        "pgd_linf" => {
            let settings = Pgd::new(float(&params["radius"]), bounds)
                .step(float(&params["step"]))
                .iterations(params["iters"].as_u64().unwrap() as usize)
                .loss(FoolingLoss::NegativeLog)
                .goal(Goal::AwayFrom(class()));
            let fooled = pgd(&model, &row(&case["input"]), &settings).unwrap();
            close(id, fooled.images, case);
        }
        "trustworthiness" => {
            let column = |v: &Value| {
                let values = numbers(v);
                Array2::from_shape_vec((values.len(), 1), values).unwrap()
            };
            let [before, after] = [0, 1].map(|i| column(&case["input"][i]));
            let k = params["k"].as_u64().unwrap() as usize;
            let got = trustworthiness(&before, &after, k).unwrap();
            let expected = case["expected"].as_f64().unwrap();
            assert!(
                (got - expected).abs() <= case["tol"].as_f64().unwrap(),
                "{id}: {got}"
            );
        }
        "logistic_fooling" => {
            let (x, w) = (numbers(&case["input"]["x"]), numbers(&case["input"]["w"]));
            let before = logistic(&x, &w);
            let after = logistic(&logistic_fooled(&x, &w, 0.5), &w);
            let e = |name: &str| case["expected"][name].as_f64().unwrap();
            let both = [
                (before.0, e("z0")),
                (before.1, e("p0")),
                (after.0, e("z1")),
                (after.1, e("p1")),
            ];
            for (got, expected) in both {
                assert!(
                    (got - expected).abs() < 1e-6,
                    "{id}: {got}, expected {expected}"
                );
            }
        }
        "receptive_field_alexnet" => alexnet(case),
        other => panic!("no test for {id}, topic {other}"),
    }
}

fn alexnet(case: &Value) {
    let net = Network::input([3, 227, 227])
        .add("conv1", Conv2d::new(2, 11).stride(4))
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(3).stride(2))
        .add("conv2", Conv2d::new(2, 5).padding(Padding::Each(2)))
        .add("pool2", MaxPool2d::new(3).stride(2))
        .add("conv3", Conv2d::new(2, 3).padding(Padding::Each(1)))
        .add("conv4", Conv2d::new(2, 3).padding(Padding::Each(1)))
        .add("conv5", Conv2d::new(2, 3).padding(Padding::Each(1)))
        .build(1)
        .unwrap();
    let expected = &case["expected"];
    for (layer, size) in expected["sizes"].as_object().unwrap() {
        let field = net.receptive_field(layer).unwrap();
        assert_eq!(field.size[0] as u64, size.as_u64().unwrap(), "{layer}");
    }
    let seen = net.receptive_field_of("conv5", [6, 6]).unwrap();
    let range = vec![seen.top as f64, seen.bottom as f64];
    assert_eq!(range, numbers(&expected["conv5 unit (6,6)"]));
    for (layer, end) in expected["unit (0,0) end"].as_object().unwrap() {
        let seen = net
            .receptive_field_of(layer, [0, 0])
            .unwrap()
            .clipped(227, 227);
        assert_eq!(seen.bottom, end.as_i64().unwrap() as isize, "{layer}");
    }
}

#[test]
fn every_worked_number_of_these_topics_comes_out() {
    let text = include_str!("fixtures/cases/fool.json");
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 6);
    cases.iter().for_each(check);
}

#[test]
fn the_closures_gradient_is_that_of_its_function() {
    let x = row(&serde_json::json!([0.3, 2.0, -4.0]));
    let seed = Tensor::ones(IxDyn(&[1, 3]));
    let gradient = backward(&x, &seed).unwrap();
    for i in 0..3 {
        let mut moved = x.clone();
        moved[[0, 0, 0, i]] += 1e-2;
        let change = (forward(&moved).unwrap() - forward(&x).unwrap()).sum_axis(Axis(1))[0] / 1e-2;
        assert!((change - gradient[[0, 0, 0, i]]).abs() < 1e-3);
    }
}
