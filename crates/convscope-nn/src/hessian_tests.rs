//! The Hessian against closed forms: regression's, and those of linear residual networks at zero
//! weights (Li, Jiao, Han and Weissman 2016).

use super::*;
use crate::{
    Add, CrossEntropy, Init, Linear, MeanSquaredError, NetworkBuilder, Relu, Tanh, softmax,
};
use ndarray::{IxDyn, array};

fn tensor(rows: usize, columns: usize) -> Tensor<f64> {
    Tensor::from_shape_fn(IxDyn(&[rows, columns]), |i| {
        (1.3 * i[0] as f64 + 2.1 * i[1] as f64).sin() + 0.2 * i[1] as f64
    })
}

/// `layers` linear layers at zero weights with a shortcut around every `length` of them.
fn shortcuts(width: usize, layers: usize, length: usize) -> Network<f64> {
    let block = |mut b: NetworkBuilder| {
        for i in 1..=length {
            b = b.add(&format!("fc{i}"), Linear::new(width).init(Init::Zeros));
        }
        b.add_after(&[&format!("fc{length}"), "input"], "sum", Add)
    };
    let mut net = Network::input([width]);
    for i in 0..layers / length {
        net = net.block(&format!("block{i}"), block);
    }
    net.build(0).unwrap().to_f64()
}

/// Inputs with second moments `I`, and targets with `E[y xᵀ] = map`.
fn whitened(map: &Array2<f64>) -> (Tensor<f64>, Tensor<f64>) {
    let scale = (map.ncols() as f64).sqrt();
    let x = Array2::<f64>::eye(map.ncols()) * scale;
    (x.into_dyn(), (map.t().to_owned() * scale).into_dyn())
}

/// Of `½ E|y - f(x)|²`, the loss of the paper: the engine's has a mean over outputs and no half.
fn of_half_squares(net: &Network<f64>, x: &Tensor<f64>, y: &Tensor<f64>) -> Hessian {
    let mut hessian = Hessian::of_weights(net, x, Target::Values(y), &MeanSquaredError).unwrap();
    hessian.matrix *= y.shape()[1] as f64 / 2.0;
    hessian
}

fn assert_near(got: &Array1<f64>, expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() < 1e-8, "expected {expected:?}, got {got}");
    }
}

#[test]
fn of_linear_regression_it_is_the_matrix_of_second_moments() {
    let net = Network::input([3])
        .add("fc", Linear::new(2))
        .build(1)
        .unwrap();
    let (x, y) = (tensor(5, 3), tensor(5, 2));
    let hessian = Hessian::of(&net.to_f64(), &x, Target::Values(&y), &MeanSquaredError).unwrap();
    assert_eq!(
        hessian.parameters(),
        [("fc.weight".to_owned(), 6), ("fc.bias".to_owned(), 2)]
    );
    // By hand: f_o = w_o x + b_o, mean over 5 images and 2 outputs of (f - y)².
    let place = |i: usize| match i < 6 {
        true => (i / 3, Some(i % 3)),
        false => (i - 6, None),
    };
    let feature = |n: usize, of: Option<usize>| of.map_or(1.0, |j| x[[n, j]]);
    for ((i, k), got) in hessian.matrix().indexed_iter() {
        let ((o, j), (p, l)) = (place(i), place(k));
        let products = (0..5).map(|n| feature(n, j) * feature(n, l)).sum::<f64>();
        let expected = if o == p { 2.0 * products / 10.0 } else { 0.0 };
        assert!((got - expected).abs() < 1e-9, "{i} {k}: {expected} {got}");
    }
    assert!(hessian.asymmetry() < 1e-9);
}

#[test]
fn of_softmax_regression_it_is_the_covariance_of_the_answer() {
    let net = Network::input([2])
        .add("fc", Linear::new(3))
        .build(2)
        .unwrap();
    let (net, x, labels) = (net.to_f64(), tensor(4, 2), [0, 2, 1, 1]);
    let hessian =
        Hessian::of_weights(&net, &x, Target::Classes(&labels), &CrossEntropy::new()).unwrap();
    let p = softmax(&net.forward(&x).unwrap()).unwrap();
    for ((i, k), got) in hessian.matrix().indexed_iter() {
        let (a, b) = (i / 2, k / 2);
        let of = |n: usize| {
            let spread = if a == b { p[[n, a]] } else { 0.0 } - p[[n, a]] * p[[n, b]];
            spread * x[[n, i % 2]] * x[[n, k % 2]] / 4.0
        };
        let expected: f64 = (0..4).map(of).sum();
        assert!((got - expected).abs() < 1e-9, "{i} {k}: {expected} {got}");
    }
}

#[test]
fn shortcuts_of_depth_two_have_the_papers_hessian_for_every_number_of_layers() {
    let map = array![[0.3, -0.2, 0.1], [0.5, 0.2, 0.0], [-0.1, 0.4, 0.6]];
    let (x, y) = whitened(&map);
    let residual = &map - &Array2::<f64>::eye(3); // what the identity leaves to be learned
    for layers in [2, 6, 10] {
        let hessian = of_half_squares(&shortcuts(3, layers, 2), &x, &y);
        // -tr(W2 W1 Mᵀ) in every block, and nothing between blocks.
        for ((i, k), got) in hessian.matrix().indexed_iter() {
            let (first, second) = (i.min(k), i.max(k));
            let same_block = first / 18 == second / 18 && first % 18 < 9 && second % 18 >= 9;
            let (w1, w2) = ((first % 9 / 3, first % 3), (second % 9 / 3, second % 3));
            let expected = match same_block && w1.0 == w2.1 {
                true => -residual[[w2.0, w1.1]],
                false => 0.0,
            };
            assert!((got - expected).abs() < 1e-9, "{i} {k}: {expected} {got}");
        }
        let (moments, _) = crate::eigh(&residual.t().dot(&residual)).unwrap();
        let expected = (moments[2] / moments[0]).sqrt();
        let got = hessian.condition_number().unwrap();
        assert!(
            (got - expected).abs() < 1e-7,
            "{layers} layers: {expected} {got}"
        );
    }
}

#[test]
fn shortcuts_of_depth_one_are_worse_conditioned_with_every_layer() {
    let target = 0.2;
    let (x, y) = whitened(&array![[target]]);
    for layers in [2, 5, 20] {
        let hessian = of_half_squares(&shortcuts(1, layers, 1), &x, &y);
        let mut expected = vec![target - 1.0; layers];
        expected[layers - 1] = (2.0 - target) * layers as f64 + target - 1.0;
        assert_near(&hessian.eigenvalues().unwrap(), &expected);
        let ratio = expected[layers - 1] / (1.0 - target);
        assert!((hessian.condition_number().unwrap() - ratio).abs() < 1e-6);
    }
}

#[test]
fn shortcuts_of_depth_three_are_flat_and_have_no_condition_number() {
    let (x, y) = whitened(&array![[0.3, -0.2], [0.5, 0.2]]);
    let hessian = of_half_squares(&shortcuts(2, 6, 3), &x, &y);
    assert!(hessian.matrix().iter().all(|v| *v == 0.0));
    let error = hessian.condition_number().unwrap_err().to_string();
    assert!(error.contains("flat"), "{error}");
}

#[test]
fn a_tenth_of_the_smallest_can_be_left_out() {
    let net = Network::input([1])
        .add("fc", Linear::new(1))
        .build(0)
        .unwrap();
    let (x, y) = (tensor(2, 1), tensor(2, 1));
    let mut hessian = of_half_squares(&net.to_f64(), &x, &y);
    hessian.matrix = Array2::from_diag(&Array1::from_iter((1..=20).map(|i| {
        let size = f64::from(i);
        if i % 2 == 0 { -size } else { size }
    })));
    let cases = [(0.0, 20.0), (0.1, 20.0 / 3.0), (0.5, 20.0 / 11.0)];
    for (share, expected) in cases {
        let got = hessian.condition_number_above(share).unwrap();
        assert!((got - expected).abs() < 1e-12, "{share}: {expected} {got}");
    }
    assert!(hessian.condition_number_above(1.0).is_err());
    assert!(hessian.condition_number_above(f64::NAN).is_err());
}

#[test]
fn a_kink_within_a_step_shows_as_asymmetry() {
    let build = |relu: bool| {
        let net = Network::input([2]).add("fc1", Linear::new(3).init(Init::Zeros));
        let net = match relu {
            true => net.add("relu", Relu),
            false => net.add("tanh", Tanh),
        };
        net.add("fc2", Linear::new(2)).build(3).unwrap().to_f64()
    };
    let (x, y) = (tensor(4, 2), tensor(4, 2));
    let asymmetry = |relu| {
        Hessian::of_weights(&build(relu), &x, Target::Values(&y), &MeanSquaredError)
            .unwrap()
            .asymmetry()
    };
    assert!(asymmetry(false) < 1e-8, "{}", asymmetry(false));
    assert!(asymmetry(true) > 0.01, "{}", asymmetry(true));
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let net = shortcuts(3, 4, 1);
    let (x, y) = (tensor(7, 3), tensor(7, 3));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| of_half_squares(&net, &x, &y))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let net = Network::input([80])
        .add("fc", Linear::new(80))
        .build(0)
        .unwrap()
        .to_f64();
    let (x, y) = (tensor(2, 80), tensor(2, 80));
    let of = |paths: &[&str], x: &Tensor<f64>| {
        let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
        Hessian::over(&net, &paths, x, Target::Values(&y), &MeanSquaredError)
            .unwrap_err()
            .to_string()
    };
    for (error, part) in [
        (of(&["fc.weight"], &x), "1 to 5000 of them, got 6400"),
        (of(&[], &x), "got 0"),
        (of(&["fc.wieght"], &x), "fc.wieght"),
        (of(&["fc.bias"], &tensor(2, 3)), "80"),
        (of(&["fc.bias"], &tensor(3, 80)), "[3, 80]"),
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
}
