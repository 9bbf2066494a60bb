//! LIME: closed forms, seeds, budgets and bad input.

use crate::common::{close, image, net, scoring, wide};
use convscope_nn::Tensor;
use convscope_vis::*;
use ndarray::{Array2, ArrayView3};
use std::sync::Mutex;

/// Of a 2x2 grid: the mean of each cell, and one product of two cells.
fn cells(one: ArrayView3<'_, f32>) -> f32 {
    let (_, h, w) = one.dim();
    let cell = |down: usize, across: usize| {
        let mut sum = 0.0;
        for (_, v) in one
            .indexed_iter()
            .filter(|((_, y, x), _)| y * 2 / h == down && x * 2 / w == across)
        {
            sum += v;
        }
        sum / (h * w) as f32 * 4.0
    };
    2.0 * cell(0, 0) - cell(0, 1) + 0.2 * cell(1, 0) + 3.0 * cell(0, 0) * cell(1, 1)
}

fn quarters() -> Lime {
    Lime::new()
        .superpixels(Superpixels::Grid([2, 2]))
        .off(Off::Colour(vec![0.0]))
}

/// The score of each of the 16 combinations, by painting them.
fn every_combination(x: &Tensor) -> Vec<(Vec<bool>, f64)> {
    let parts = grid(x, [2, 2]).unwrap();
    (0..16)
        .map(|bits| {
            let on: Vec<bool> = (0..4).map(|j| bits >> j & 1 == 1).collect();
            let masked = x * &parts.mask(&on).unwrap();
            let one = masked.index_axis(ndarray::Axis(0), 0);
            (on, f64::from(cells(one.into_dimensionality().unwrap())))
        })
        .collect()
}

fn mean_effect(all: &[(Vec<bool>, f64)], j: usize) -> f64 {
    let sum: f64 = all.iter().map(|(on, y)| if on[j] { *y } else { -*y }).sum();
    sum / 8.0
}

#[test]
fn a_full_factorial_gives_the_closed_forms() {
    let x = image([1, 1, 8, 8], 4.0).mapv(|v| v + 2.0);
    let all = every_combination(&x);
    let effects: Vec<f64> = (0..4).map(|j| mean_effect(&all, j)).collect();
    for alpha in [0.01, 0.1, 0.3] {
        let options = quarters()
            .full_factorial()
            .surrogate(Surrogate::Lasso { alpha });
        let got = lime(&scoring(cells), &x, &options).unwrap();
        let shrunk = |&e: &f64| e.signum() * (e.abs() - 4.0 * alpha).max(0.0);
        let want: Vec<f64> = effects.iter().map(shrunk).collect();
        close(
            &wide(&got.weights),
            &want,
            1e-4,
            "lasso: mean effect less 4 alpha",
        );
    }
    for alpha in [0.5, 1.0, 6.0] {
        let options = quarters()
            .full_factorial()
            .surrogate(Surrogate::Ridge { alpha });
        let got = lime(&scoring(cells), &x, &options).unwrap();
        // X'X of 16 centred switches is 4 I.
        let want: Vec<f64> = effects.iter().map(|e| e * 4.0 / (4.0 + alpha)).collect();
        close(
            &wide(&got.weights),
            &want,
            1e-4,
            "ridge: mean effect times 4 / (4 + alpha)",
        );
    }
}

#[test]
fn a_linear_score_is_found_again_from_random_samples_and_explained_whole() {
    let x = Tensor::ones(vec![1, 3, 12, 12]);
    let true_weights = [3.0, -1.0, 0.0, 2.0, 0.5, -0.25];
    let parts = grid(&x, [2, 3]).unwrap();
    let sizes = parts.sizes();
    let labels = parts.labels.clone();
    let score = scoring(move |one| {
        let seen = labels.indexed_iter();
        seen.map(|(p, &l)| true_weights[l] * one[[1, p.0, p.1]] / sizes[l] as f32)
            .sum()
    });
    let options = Lime::new()
        .superpixels(Superpixels::Grid([2, 3]))
        .off(Off::Colour(vec![0.0]))
        .surrogate(Surrogate::Ridge { alpha: 1e-6 });
    let got = lime(&score, &x, &options).unwrap();
    close(
        &wide(&got.weights),
        &true_weights.map(f64::from),
        1e-3,
        "weights",
    );
    assert!(got.r2[0] > 0.9999, "{}", got.r2[0]);
    let map = got.map(0).unwrap();
    assert_eq!(map.dim(), (12, 12));
    assert!((map[[0, 0]] - 3.0).abs() < 1e-3);
    let best = got.strongest(0, 2).unwrap();
    assert_eq!(best.sum(), 48.0);
    assert_eq!((best[[0, 0]], best[[6, 0]], best[[0, 4]]), (1.0, 1.0, 0.0));
}

#[test]
fn the_forest_finds_what_matters_and_its_sign() {
    let x = Tensor::ones(vec![1, 1, 8, 8]);
    // Two that matter only together, and one that spoils it.
    let eye = scoring(|one| one[[0, 0, 0]] * one[[0, 4, 4]] * (1.0 - one[[0, 7, 7]]));
    let forest = Surrogate::Forest {
        trees: 30,
        depth: 3,
    };
    let options = Lime::new()
        .superpixels(Superpixels::Grid([3, 3]))
        .off(Off::Colour(vec![0.0]))
        .samples(300)
        .surrogate(forest);
    let got = lime(&eye, &x, &options).unwrap();
    let weights = got.weights.row(0);
    assert!(
        weights[0] > 0.15 && weights[4] > 0.15 && weights[8] < -0.08,
        "{weights}"
    );
    let others = [1, 2, 3, 5, 6, 7].map(|j| weights[j].abs());
    assert!(others.iter().all(|&v| v < 0.04), "{weights}");
    assert!((weights.mapv(f32::abs).sum() - 1.0).abs() < 1e-5);
    assert!(got.r2[0] > 0.5, "{}", got.r2[0]);
}

#[test]
fn equal_seeds_give_equal_bits_in_any_batch_and_other_seeds_others() {
    let net = net(3, 8);
    let x = image([1, 3, 8, 8], 9.0);
    let surrogates = [
        Surrogate::Ridge { alpha: 1.0 },
        Surrogate::Lasso { alpha: 0.01 },
        Surrogate::Forest {
            trees: 12,
            depth: 3,
        },
    ];
    for surrogate in surrogates {
        let options = Lime::new()
            .superpixels(Superpixels::Grid([3, 3]))
            .samples(120)
            .surrogate(surrogate);
        let explain = |options: Lime| lime(&Probabilities(&net), &x, &options).unwrap();
        let first = explain(options.clone());
        assert_eq!(first.classes.len(), 4, "the network has no fifth class");
        assert_eq!(first.weights, explain(options.clone()).weights);
        assert_ne!(first.weights, explain(options.clone().seed(1)).weights);
        let batches = explain(options.batch(7));
        for (a, b) in first.weights.iter().zip(&batches.weights) {
            assert!((a - b).abs() < 2e-2, "{surrogate:?}: {a} and {b}");
        }
    }
}

#[test]
fn a_superpixel_that_is_off_shows_its_mean_colour() {
    let x = image([1, 3, 8, 8], 2.0);
    let parts = grid(&x, [2, 2]).unwrap();
    let seen = Mutex::new(Vec::new());
    let watching = from_fn(|images: &Tensor| {
        seen.lock()
            .unwrap()
            .extend(images.outer_iter().map(|one| one.to_owned()));
        Ok(Tensor::zeros(vec![images.shape()[0], 1]))
    });
    let options = quarters().off(Off::MeanColour).full_factorial();
    lime(&watching, &x, &options).unwrap();
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 16);
    assert_eq!(
        seen[0],
        x.index_axis(ndarray::Axis(0), 0),
        "the first is the image"
    );
    let (all_off, labels) = (&seen[15], &parts.labels);
    for c in 0..3 {
        for label in 0..4 {
            let inside = || labels.indexed_iter().filter(move |(_, l)| **l == label);
            let mean: f32 = inside().map(|((y, z), _)| x[[0, c, y, z]]).sum::<f32>() / 16.0;
            let same = inside().all(|((y, z), _)| (all_off[[c, y, z]] - mean).abs() < 1e-5);
            assert!(same, "channel {c}, superpixel {label}");
        }
    }
}

#[test]
fn constant_scores_and_empty_budgets_give_zeros_and_flags() {
    let x = image([1, 1, 8, 8], 2.0);
    for surrogate in [
        Surrogate::Ridge { alpha: 1.0 },
        Surrogate::Lasso { alpha: 0.1 },
        Surrogate::Forest { trees: 5, depth: 2 },
    ] {
        let options = quarters().samples(40).surrogate(surrogate);
        let got = lime(&scoring(|_| 0.7), &x, &options).unwrap();
        assert!(got.weights.iter().all(|&v| v == 0.0) && got.r2 == [0.0]);
        assert_eq!(got.flags, [Flag::ConstantScore]);
        for most in [0, 1, 25] {
            let budget = Budget {
                max_evals: Some(most),
                time: None,
            };
            let mut watch = Watch::quiet().budget(budget);
            let got = lime_watched(&scoring(cells), &x, &options, &mut watch).unwrap();
            let done = most as f64 / 40.0;
            assert_eq!(got.flags, [Flag::Unfinished { done }]);
            assert_eq!(got.weights.dim(), (usize::from(most > 0), 4));
            assert!(got.weights.iter().all(|v| v.is_finite()));
        }
    }
    // An image of one colour: nothing changes when a superpixel shows its mean.
    let flat = Tensor::from_elem(vec![1, 3, 9, 9], 0.3);
    let got = lime(&scoring(|one| one[[0, 4, 4]]), &flat, &Lime::new()).unwrap();
    assert_eq!(got.flags, [Flag::ConstantScore]);
}

#[test]
fn no_more_images_than_a_batch_are_in_memory_however_many_samples_there_are() {
    let x = image([1, 1, 8, 8], 2.0);
    for samples in [50, 500] {
        let most = Mutex::new(0);
        let watching = from_fn(|images: &Tensor| {
            let mut most = most.lock().unwrap();
            *most = images.shape()[0].max(*most);
            Ok(Tensor::zeros(vec![images.shape()[0], 3]))
        });
        lime(&watching, &x, &quarters().samples(samples).batch(16)).unwrap();
        assert_eq!(*most.lock().unwrap(), 16);
    }
}

#[test]
fn mistakes_are_answered_with_what_was_expected() {
    let x = image([2, 1, 8, 8], 2.0);
    let one = image([1, 1, 8, 8], 2.0);
    let big = quarters()
        .superpixels(Superpixels::Grid([5, 4]))
        .full_factorial();
    let given = Superpixels::Given(Array2::zeros((8, 9)));
    let cases = [
        (&x, quarters(), "one at a time"),
        (&one, big, "at most 16"),
        (&one, quarters().samples(0), "above 0, got 0"),
        (&one, quarters().keep(1.0), "above 0, got 0"),
        (
            &one,
            quarters().kernel(Kernel::Cosine { width: 0.0 }),
            "width",
        ),
        (
            &one,
            quarters().surrogate(Surrogate::Ridge { alpha: 0.0 }),
            "alpha",
        ),
        (&one, quarters().classes(&[3]), "no class 3"),
        (&one, quarters().top(0), "best 0 classes"),
        (&one, quarters().superpixels(given), "[8, 8]"),
        (
            &one,
            quarters().off(Off::Colour(vec![0.0; 3])),
            "1 channels",
        ),
    ];
    for (image, options, words) in cases {
        let error = lime(&scoring(cells), image, &options)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}
