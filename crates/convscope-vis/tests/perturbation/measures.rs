//! Measures of maps.

use crate::common::{image, net, scoring};
use convscope_nn::{Network, Tensor};
use convscope_vis::*;
use ndarray::{Array2, Array3, Axis};

#[test]
fn the_right_order_has_the_smallest_deletion_area_and_the_largest_insertion_area() {
    let x = image([1, 1, 8, 8], 3.0).mapv(f32::abs);
    let sum = scoring(|one| one.sum());
    let truth = x.index_axis(Axis(0), 0).index_axis(Axis(0), 0).to_owned();
    let truth: Array2<f32> = truth.into_dimensionality().unwrap();
    let zero = || Replacement::Fill(Fill::Zero);
    let options = Curves::new().steps(16).insertion(zero()).deletion(zero());
    let areas = |map: &Array2<f32>| {
        let got = deletion_insertion(&sum, &x, map, &Target::Top, &options).unwrap();
        (got.deletion_area, got.insertion_area)
    };
    let right = areas(&truth);
    let wrong = areas(&truth.mapv(|v| -v));
    for seed in 0..5 {
        let other = areas(&random_map(8, 8, seed));
        assert!(right.0 < other.0 && other.0 < wrong.0);
        assert!(right.1 > other.1 && other.1 > wrong.1);
    }
    // Of a sum, what deletion leaves is what the reverse insertion has.
    assert!((right.0 - wrong.1).abs() < 1e-3);
}

#[test]
fn curves_of_constant_scores_images_and_empty_budgets_are_flagged_and_finite() {
    let x = Tensor::from_elem(vec![1, 3, 8, 8], 0.5);
    let map = random_map(8, 8, 1);
    let class = Target::Class(0);
    let options = Curves::new();
    let got = deletion_insertion(&scoring(|_| 2.0), &x, &map, &class, &options).unwrap();
    assert_eq!(got.flags, [Flag::ConstantScore]);
    assert_eq!((got.deletion_area, got.insertion_area), (2.0, 2.0));
    for (most, whole) in [(0, 0), (51, 1), (60, 1), (102, 2)] {
        let budget = Budget {
            max_evals: Some(most),
            time: None,
        };
        let mut watch = Watch::quiet().budget(budget);
        let sum = scoring(|one| one.sum());
        let got = deletion_insertion_watched(&sum, &x, &map, &class, &options, &mut watch).unwrap();
        let areas = [got.deletion_area, got.insertion_area];
        assert_eq!(
            areas.iter().filter(|a| **a > 0.0).count(),
            whole,
            "{most}: {areas:?}"
        );
        assert_eq!(got.flags.is_empty(), whole == 2);
    }
    let error = |map: &Array2<f32>, steps| {
        let options = Curves::new().steps(steps);
        let got = deletion_insertion(&scoring(|_| 2.0), &x, map, &class, &options);
        got.unwrap_err().to_string()
    };
    assert!(error(&random_map(8, 9, 1), 4).contains("[8, 9]"));
    assert!(error(&map, 65).contains("1 to 64"));
    assert!(error(&map.mapv(|_| f32::NAN), 4).contains("NaN"));
}

#[test]
fn average_drop_counts_losses_and_gains() {
    let mut x = Tensor::zeros(vec![3, 1, 2, 2]);
    for (i, values) in [[4.0, 1.0], [1.0, -3.0], [-2.0, 1.0]]
        .into_iter()
        .enumerate()
    {
        x[[i, 0, 0, 0]] = values[0];
        x[[i, 0, 1, 1]] = values[1];
    }
    let mut maps = Array3::zeros((3, 2, 2));
    maps.index_axis_mut(Axis(1), 0)
        .index_axis_mut(Axis(1), 0)
        .fill(5.0);
    let sum = scoring(|one| one.sum() + 3.0);
    let got = average_drop(&sum, &x, &maps, &Target::Class(0)).unwrap();
    // 8 -> 7, 1 -> 4, 2 -> 1.
    assert_eq!(
        (got.before, got.after),
        (vec![8.0, 1.0, 2.0], vec![7.0, 4.0, 1.0])
    );
    assert!((got.drop - (0.125 + 0.0 + 0.5) / 3.0).abs() < 1e-9);
    assert!((got.increase - 1.0 / 3.0).abs() < 1e-9);
    let flat = average_drop(&scoring(|_| -1.0), &x, &maps, &Target::Class(0)).unwrap();
    assert_eq!((flat.drop, flat.increase), (0.0, 0.0));
    assert_eq!(flat.flags, vec![vec![Flag::ConstantScore]; 3]);
}

#[test]
fn sensitivity_max_is_exact_for_linear_explanations_and_steady_for_constant_ones() {
    let x = Tensor::ones(vec![2, 1, 8, 8]);
    let options = Sensitivity::new().radius(0.1).samples(20);
    // The explanation is the image: its change is the noise, at most 0.1 in each of 64 places.
    let moved = sensitivity_max(|x| Ok(x.clone()), &x, &options).unwrap();
    for v in &moved.values {
        let uniform = 0.1 / 3.0_f64.sqrt();
        assert!(*v > uniform && *v < 0.1, "{v}");
    }
    let again = sensitivity_max(|x| Ok(x.clone()), &x, &options).unwrap();
    assert_eq!(moved.values, again.values);
    let still = sensitivity_max(|x| Ok(Tensor::ones(x.raw_dim())), &x, &options).unwrap();
    assert_eq!(still.values, [0.0, 0.0]);
    let zero = sensitivity_max(|x| Ok(Tensor::zeros(x.raw_dim())), &x, &options).unwrap();
    assert_eq!(zero.flags, vec![vec![Flag::ZeroGradient]; 2]);
    assert!(sensitivity_max(|x| Ok(x.clone()), &x, &options.radius(0.0)).is_err());
    let budget = Budget {
        max_evals: Some(0),
        time: None,
    };
    let mut none = Watch::quiet().budget(budget);
    let none = sensitivity_max_watched(|x| Ok(x.clone()), &x, &options, &mut none).unwrap();
    assert_eq!(none.flags, vec![vec![Flag::Unfinished { done: 0.0 }]; 2]);
}

fn gradients(net: &Network, x: &Tensor) -> Result<Array3<f32>> {
    Ok(saliency(net, x, &Target::Class(1))?.per_pixel(Reduce::Sum))
}

#[test]
fn a_gradient_notices_random_weights_and_an_edge_detector_does_not() {
    let net = net(3, 12);
    let x = image([2, 3, 12, 12], 8.0);
    let check = |explain: &dyn Fn(&Network, &Tensor) -> Result<Array3<f32>>| {
        randomisation_check(&net, &x, explain, &Randomisation::new()).unwrap()
    };
    let honest = check(&gradients);
    let layers: Vec<_> = honest.layers.iter().map(|l| l.layer.as_str()).collect();
    assert_eq!(layers, ["fc", "conv1"], "from the top down");
    for layer in &honest.layers {
        assert!(layer.spearman.abs() < 0.35, "{layer:?}");
        assert!(layer.similarity < 0.6, "{layer:?}");
    }
    let blind = check(&|_, x: &Tensor| {
        let sums = x.sum_axis(Axis(1));
        Ok(sums.into_dimensionality().unwrap())
    });
    for layer in &blind.layers {
        assert!((layer.spearman - 1.0).abs() < 1e-9 && (layer.similarity - 1.0).abs() < 1e-9);
    }
    assert_eq!(
        honest.layers[1].maps,
        check(&gradients).layers[1].maps,
        "equal seeds"
    );
}

#[test]
fn randomising_changes_the_layers_named_and_those_alone() {
    let net = net(3, 12);
    let top = randomise_layers(&net, &["fc"], 3).unwrap();
    assert_eq!(
        top.parameter("conv1.weight").unwrap(),
        net.parameter("conv1.weight").unwrap()
    );
    let fresh = top.parameter("fc.weight").unwrap();
    assert_ne!(fresh, net.parameter("fc.weight").unwrap());
    let (n, fan_in) = (fresh.len() as f32, 864.0);
    let variance = fresh.iter().map(|v| v * v).sum::<f32>() / n;
    assert!(
        (variance * fan_in / 2.0 - 1.0).abs() < 0.1,
        "He: variance 2 / fan_in"
    );
    let alone = Randomisation::new().mode(Randomising::Independent);
    let check = randomisation_check(&net, &image([1, 3, 12, 12], 1.0), gradients, &alone);
    assert_eq!(check.unwrap().layers.len(), 2);
    let error = randomise_layers(&net, &["fcc"], 3).unwrap_err().to_string();
    assert!(error.contains("\"fc\""), "{error}");
}

#[test]
fn the_references_know_nothing_of_the_image() {
    let blob = centre_blob(9, 15);
    assert_eq!(blob[[4, 7]], 1.0);
    assert!(blob[[0, 0]] < 0.1 && blob[[0, 7]] == blob[[8, 7]]);
    assert_eq!(random_map(8, 8, 4), random_map(8, 8, 4));
    assert_ne!(random_map(8, 8, 4), random_map(8, 8, 5));
}
