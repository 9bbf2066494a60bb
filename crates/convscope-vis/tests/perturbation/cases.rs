//! The worked numbers of `fixtures/cases/perturbation.json`.

use crate::common::{close, scoring, wide};
use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu, Tensor};
use convscope_vis::*;
use ndarray::{Array2, Array3, ArrayView3};
use serde_json::Value;

const CASES: &str = include_str!("../fixtures/cases/perturbation.json");

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

/// A list is one row, a list of lists an image, of one channel.
fn picture(value: &Value) -> Tensor {
    let rows = value.as_array().unwrap();
    let h = if rows[0].is_array() { rows.len() } else { 1 };
    let all: Vec<f32> = numbers(value).iter().map(|&v| v as f32).collect();
    Tensor::from_shape_vec(vec![1, 1, h, all.len() / h], all).unwrap()
}

fn pair(value: &Value) -> [usize; 2] {
    match numbers(value)[..] {
        [across] => [1, across as usize],
        [down, across] => [down as usize, across as usize],
        _ => panic!("{value}"),
    }
}

/// Net A: a convolution and a fully connected layer, each behind a ReLU.
fn net_a() -> Network {
    let mut net = Network::input([1, 4, 4])
        .add("conv", Conv2d::new(2, 3))
        .add("relu", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .add("relu2", Relu)
        .build(1)
        .unwrap();
    let mut set = |path: &str, values: Vec<f32>| {
        let shape = net.parameter(path).unwrap().shape().to_vec();
        let tensor = Tensor::from_shape_vec(shape, values).unwrap();
        net.set_parameter(path, tensor).unwrap();
    };
    set("conv.weight", vec![1.0; 18]);
    set("conv.bias", vec![-50.0, -75.0]);
    let row = [1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0];
    set("fc.weight", row.repeat(4));
    set("fc.bias", vec![0.0; 4]);
    net
}

/// Net B: linear layers with a ReLU between, by its formula; target 0.
fn net_b(image: ArrayView3<'_, f32>) -> f32 {
    let s = image.sum();
    (s - 10.0).max(0.0) + 3.0 * (s + 1.0).max(0.0) - 1.0
}

/// The case's map by a function that is generic over scorers.
fn explained(case: &Value, by: &dyn Fn(&dyn Scorer, &Tensor) -> Attribution) -> Attribution {
    let image = picture(&case["input"]);
    let shifted = |by: Tensor| {
        let net = net_a();
        from_fn(move |images: &Tensor| net.scores(&(images + &by)))
    };
    match case["model"].as_str().unwrap() {
        "B" => by(&scoring(net_b), &image),
        "A(x + ones)" => by(&shifted(Tensor::ones(vec![1, 1, 4, 4])), &image),
        "A(I + x)" => {
            let ramp = (0..16).map(|v| v as f32).collect();
            by(
                &shifted(Tensor::from_shape_vec(vec![1, 1, 4, 4], ramp).unwrap()),
                &image,
            )
        }
        "f=3*sum(x)" => by(&scoring(|one| 3.0 * one.sum()), &image),
        other => panic!("no such model: {other}"),
    }
}

fn baseline(case: &Value) -> Fill {
    Fill::Colour(vec![case["params"]["baseline"].as_f64().unwrap() as f32])
}

fn occlusion_case(case: &Value, scoring: Scoring) -> Vec<f64> {
    let options = Occlusion::new()
        .window(pair(&case["params"]["window"]))
        .stride(pair(&case["params"]["stride"]))
        .fill(baseline(case))
        .scoring(scoring);
    let class = Target::Class(0);
    let by = |s: &dyn Scorer, x: &Tensor| occlusion(&s, x, &class, &options).unwrap();
    wide(&explained(case, &by).values)
}

fn groups(case: &Value, shape: (usize, usize)) -> Array2<usize> {
    let of = match &case["params"]["mask"] {
        Value::Null => (0..shape.0 * shape.1).collect(),
        given => numbers(given).iter().map(|&v| v as usize).collect(),
    };
    Array2::from_shape_vec(shape, of).unwrap()
}

fn ablation_case(case: &Value) -> Vec<f64> {
    let options = Ablation::new().fill(baseline(case));
    let groups = groups(case, (1, 3));
    let class = Target::Class(0);
    let by =
        |s: &dyn Scorer, x: &Tensor| feature_ablation(&s, x, &class, &groups, &options).unwrap();
    wide(&explained(case, &by).values)
}

fn lasso_case(case: &Value) -> Vec<f64> {
    let alpha = case["params"]["alpha"].as_f64().unwrap();
    let options = Lime::new()
        .superpixels(Superpixels::Given(groups(case, (1, 3))))
        .off(Off::Colour(vec![0.0]))
        .surrogate(Surrogate::Lasso { alpha })
        .full_factorial();
    let image = picture(&case["input"]);
    wide(&lime(&scoring(net_b), &image, &options).unwrap().weights)
}

fn kernel_case(case: &Value) {
    let width = case["params"]["kernel_width"].as_f64().unwrap();
    let kernel = Kernel::Cosine { width };
    let on: Vec<usize> = numbers(&case["input"])
        .iter()
        .map(|&v| v as usize)
        .collect();
    let distances: Vec<f64> = on.iter().map(|&k| Kernel::distance(k, 4)).collect();
    let weights: Vec<f64> = on.iter().map(|&k| kernel.weight(k, 4)).collect();
    let tol = case["tol"].as_f64().unwrap();
    close(
        &distances,
        &numbers(&case["expected"]["distance"]),
        tol,
        "distance",
    );
    close(
        &weights,
        &numbers(&case["expected"]["weight"]),
        tol,
        "weight",
    );
}

fn masks_case(case: &Value) -> Vec<f64> {
    let labels: Vec<usize> = numbers(&case["input"])
        .iter()
        .map(|&v| v as usize)
        .collect();
    let labels = Array2::from_shape_vec((4, 4), labels).unwrap();
    let parts = Segmentation::from_labels(&labels).unwrap();
    let samples = case["params"]["samples"].as_array().unwrap();
    let mask = |sample: &Value| {
        let on: Vec<bool> = numbers(sample).iter().map(|&v| v == 1.0).collect();
        wide(&parts.mask(&on).unwrap())
    };
    samples.iter().flat_map(mask).collect()
}

fn curves_case(case: &Value) {
    let image = picture(&case["input"]);
    let order = numbers(&case["params"]["order"]);
    let mut map = Array2::zeros((1, order.len()));
    for (rank, &place) in order.iter().enumerate() {
        map[[0, place as usize]] = -(rank as f32);
    }
    let steps = case["params"]["steps"].as_u64().unwrap() as usize;
    let options = Curves::new()
        .steps(steps)
        .deletion(Replacement::Fill(baseline(case)))
        .insertion(Replacement::Fill(baseline(case)));
    let sum = scoring(|one| one.sum());
    let got = deletion_insertion(&sum, &image, &map, &Target::Class(0), &options).unwrap();
    let (expected, tol) = (&case["expected"], case["tol"].as_f64().unwrap());
    close(
        &wide(&got.deletion),
        &numbers(&expected["deletion"]),
        tol,
        "deletion",
    );
    close(
        &wide(&got.insertion),
        &numbers(&expected["insertion"]),
        tol,
        "insertion",
    );
    if let Some(fractions) = expected.get("fractions") {
        close(&wide(&got.fractions), &numbers(fractions), tol, "fractions");
    }
    let areas = [got.deletion_area, got.insertion_area];
    close(&areas, &numbers(&expected["auc"]), tol, "areas");
}

fn drop_case(case: &Value) {
    let map = Array3::from_shape_vec((1, 2, 2), vec![1.0, 0.0, 0.0, 0.0]).unwrap();
    assert!(
        case["model"]
            .as_str()
            .unwrap()
            .ends_with("cam=[[1,0],[0,0]]")
    );
    let sum = scoring(|one| one.sum());
    let image = picture(&case["input"]);
    let got = average_drop(&sum, &image, &map, &Target::Class(0)).unwrap();
    let expected = [
        &case["expected"]["avg_drop"],
        &case["expected"]["conf_increase"],
    ];
    let expected: Vec<f64> = expected.iter().map(|v| v.as_f64().unwrap()).collect();
    let tol = case["tol"].as_f64().unwrap();
    close(&[got.drop, got.increase], &expected, tol, "average drop");
}

#[test]
fn every_worked_number_is_met() {
    let all: Value = serde_json::from_str(CASES).unwrap();
    let cases = all["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let got = match case["topic"].as_str().unwrap() {
            "occlusion_avg" => occlusion_case(case, Scoring::Average),
            "occlusion_sum" => occlusion_case(case, Scoring::Sum),
            "feature_ablation" => ablation_case(case),
            "lime_lasso" => lasso_case(case),
            "lime_masks" => masks_case(case),
            "lime_kernel" => {
                kernel_case(case);
                continue;
            }
            "deletion_insertion" => {
                curves_case(case);
                continue;
            }
            "average_drop" => {
                drop_case(case);
                continue;
            }
            other => panic!("no test for {other}"),
        };
        let tol = case["tol"].as_f64().unwrap();
        close(
            &got,
            &numbers(&case["expected"]),
            tol,
            case["id"].as_str().unwrap(),
        );
    }
}
