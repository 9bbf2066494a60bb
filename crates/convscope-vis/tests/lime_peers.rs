//! Against the lime package's weighted ridge, and scikit-image's superpixels
//! (`fixtures/make_lime.py`).

use convscope_nn::Tensor;
use convscope_vis::*;
use ndarray::{Array2, Array3, ArrayViewD};
use serde_json::Value;

const RIDGE: &str = include_str!("fixtures/lime/ridge.json");
const SEGMENTATIONS: &str = include_str!("fixtures/lime/segmentations.json");

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

#[test]
fn the_weighted_ridge_is_that_of_the_lime_package() {
    let made: Value = serde_json::from_str(RIDGE).unwrap();
    let switches = numbers(&made["switches"]);
    let switches = Array2::from_shape_vec((400, 12), switches).unwrap();
    let on = switches.mapv(|v| v == 1.0);
    let scores = numbers(&made["scores"]);
    // Twelve pixels, 1 where they are on: the image is the vector of switches.
    let image = Tensor::ones(vec![1, 1, 1, 12]);
    let known = on.clone();
    let recorded = from_fn(move |images: &Tensor| {
        let row = |one: ArrayViewD<'_, f32>| {
            let seen: Vec<bool> = one.iter().map(|&v| v == 1.0).collect();
            let same = |i: &usize| known.row(*i).iter().eq(&seen);
            let i = (0..400).find(same).expect("a recorded sample");
            [scores[2 * i] as f32, scores[2 * i + 1] as f32]
        };
        let all: Vec<f32> = images.outer_iter().flat_map(row).collect();
        Ok(Tensor::from_shape_vec(vec![all.len() / 2, 2], all).unwrap())
    });
    let labels = Array2::from_shape_fn((1, 12), |(_, x)| x);
    let options = Lime::new()
        .superpixels(Superpixels::Given(labels))
        .off(Off::Colour(vec![0.0]))
        .classes(&[0, 1])
        .given_samples(on);
    let found = lime(&recorded, &image, &options).unwrap();
    for (class, expected) in made["expected"].as_array().unwrap().iter().enumerate() {
        let theirs = numbers(&expected["weights"]);
        let pairs = found.weights.row(class).to_vec().into_iter().zip(theirs);
        let mut gap = pairs.fold(0.0_f64, |gap, (a, b)| gap.max((f64::from(a) - b).abs()));
        let ours = [found.intercepts[class], found.r2[class]];
        for (ours, key) in ours.iter().zip(["intercept", "r2"]) {
            gap = gap.max((f64::from(*ours) - expected[key].as_f64().unwrap()).abs());
        }
        println!("class {class}: largest difference {gap:.1e}");
        assert!(gap < 1e-4, "class {class}: {gap:.1e}");
    }
}

/// How far two partitions agree, 1 at best, about 0 by chance (Hubert and Arabie 1985).
fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    let size = |v: &[usize]| v.iter().max().unwrap() + 1;
    let mut table = Array2::<f64>::zeros((size(a), size(b)));
    a.iter().zip(b).for_each(|(&i, &j)| table[[i, j]] += 1.0);
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let both: f64 = table.iter().map(|&n| pairs(n)).sum();
    let rows: f64 = table.rows().into_iter().map(|r| pairs(r.sum())).sum();
    let columns: f64 = table.columns().into_iter().map(|c| pairs(c.sum())).sum();
    let chance = rows * columns / pairs(a.len() as f64);
    (both - chance) / ((rows + columns) / 2.0 - chance)
}

#[test]
fn superpixels_are_those_of_scikit_image() {
    let made: Value = serde_json::from_str(SEGMENTATIONS).unwrap();
    let pixels: Vec<f32> = numbers(&made["pixels"]).iter().map(|&v| v as f32).collect();
    let image = Array3::from_shape_vec((48, 64, 3), pixels).unwrap();
    let image = image.permuted_axes([2, 0, 1]).into_dyn();
    for case in made["cases"].as_array().unwrap() {
        let options = &case["options"];
        let number = |key: &str| options.get(key).and_then(Value::as_f64);
        let (way, least) = match case["method"].as_str().unwrap() {
            "quickshift" => {
                let ours = Quickshift::new()
                    .scale(Scale::Unit)
                    .kernel_size(number("kernel_size").unwrap())
                    .max_distance(number("max_dist").unwrap())
                    .ratio(number("ratio").unwrap())
                    .sigma(number("sigma").unwrap_or(0.0));
                (Superpixels::Quickshift(ours), 0.95)
            }
            // Theirs also parts what is too large, and joins small pieces in another order.
            "slic" => {
                let ours = Slic::new(number("n_segments").unwrap() as usize);
                let ours = ours.compactness(number("compactness").unwrap());
                (Superpixels::Slic(ours), 0.8)
            }
            other => panic!("{other}"),
        };
        let found = way.segment(&image).unwrap();
        let theirs: Vec<usize> = numbers(&case["labels"])
            .iter()
            .map(|&v| v as usize)
            .collect();
        let ours: Vec<usize> = found.labels.iter().copied().collect();
        let agreement = adjusted_rand(&ours, &theirs);
        let count = theirs.iter().max().unwrap() + 1;
        println!(
            "{options}: {} and {count} superpixels, agreement {agreement:.3}",
            found.count
        );
        assert!(agreement > least, "{options}: {agreement:.3}");
    }
}
