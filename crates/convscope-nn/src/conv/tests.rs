//! Every fast way against the direct sum in double precision, with every instruction set that
//! this processor has.

use super::*;
use crate::real::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One random convolution, with the true answers.
struct Case {
    g: Geometry,
    x: Vec<f64>,
    w: Vec<f64>,
    bias: Vec<f64>,
    dy: Vec<f64>,
    y: Vec<f64>,
    dx: Vec<f64>,
    dw: Vec<f64>,
    db: Vec<f64>,
}

fn numbers(n: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    // Exact in f32, so that both computations begin with the same numbers.
    (0..n)
        .map(|_| rng.random_range(-1.0_f32..1.0).into())
        .collect()
}

impl Case {
    fn new(g: Geometry, seed: u64) -> Case {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let x = numbers(g.batch * g.input_len(), &mut rng);
        let w = numbers(g.filters * g.patch(), &mut rng);
        let bias = numbers(g.filters, &mut rng);
        let dy = numbers(g.batch * g.output_len(), &mut rng);
        let mut y = vec![0.0; dy.len()];
        direct::forward(&g, &x, &w, &bias, &mut y);
        let mut dx = vec![0.0; x.len()];
        direct::backward_input(&g, &dy, &w, &mut dx);
        let (mut dw, mut db) = (vec![0.0; w.len()], vec![0.0; g.filters]);
        direct::backward_weight(&g, &x, &dy, &mut dw, &mut db);
        Case {
            g,
            x,
            w,
            bias,
            dy,
            y,
            dx,
            dw,
            db,
        }
    }
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

/// The relative 2-norm of the difference.
fn error(got: &[f32], truth: &[f64]) -> f64 {
    let square = |v: f64| v * v;
    let difference: f64 = got
        .iter()
        .zip(truth)
        .map(|(&g, &t)| square(f64::from(g) - t))
        .sum();
    let norm: f64 = truth.iter().map(|&t| square(t)).sum();
    (difference / norm.max(1e-30)).sqrt()
}

/// Rounding that each way may do; a mistake is far above.
const WINOGRAD4: f64 = 2e-5;
const PLAIN: f64 = 2e-6;

fn check(case: &Case, instructions: Instructions, method: Method) {
    let g = &case.g;
    let what = format!("{method:?} {instructions:?} {g:?}");
    let (x, w, bias, dy) = (
        &single(&case.x),
        &single(&case.w),
        &single(&case.bias),
        &single(&case.dy),
    );
    let stale = |n: usize| vec![f32::NAN; n];
    let (mut y, mut dx, mut dw) = (stale(dy.len()), stale(x.len()), stale(w.len()));
    let bar = if method == Method::Winograd4 {
        WINOGRAD4
    } else {
        PLAIN
    };
    match method {
        Method::Winograd4 | Method::Winograd2 => {
            let tile = if method == Method::Winograd4 {
                Tile::Four
            } else {
                Tile::Two
            };
            winograd::forward(g, tile, instructions, x, w, bias, &mut y);
            winograd::backward_input(g, tile, instructions, dy, w, &mut dx);
            winograd::backward_weight(g, tile, instructions, x, dy, &mut dw);
        }
        Method::Window => {
            window::forward(g, instructions, x, w, bias, &mut y);
            match window::Turned::of(g) {
                Some(turned) => turned.backward_input(g, instructions, dy, w, &mut dx),
                None => im2col::backward_input(g, dy, w, &mut dx),
            }
            window::backward_weight(g, instructions, x, dy, &mut dw);
        }
        Method::Depthwise => {
            depthwise::forward(g, x, w, bias, &mut y);
            depthwise::backward_input(g, dy, w, &mut dx);
            depthwise::backward_weight(g, x, dy, &mut dw);
        }
        Method::Im2col => {
            im2col::forward(g, x, w, bias, &mut y);
            im2col::backward_input(g, dy, w, &mut dx);
            im2col::backward_weight(g, x, dy, &mut dw);
        }
    }
    for (name, got, truth) in [
        ("output", &y, &case.y),
        ("input gradient", &dx, &case.dx),
        ("weight gradient", &dw, &case.dw),
    ] {
        let error = error(got, truth);
        assert!(error < bar, "{what}: {name} off by {error:.1e}");
    }
}

#[test]
fn every_way_agrees_with_the_direct_sum_over_random_shapes() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut run = 0;
    for seed in 0..300 {
        let mut pick = |a: usize, b: usize| rng.random_range(a..=b);
        let (kernel, stride) = ([pick(1, 5), pick(1, 5)], [pick(1, 3), pick(1, 3)]);
        let pad = [pick(0, 3), pick(0, 3), pick(0, 3), pick(0, 3)];
        let (n, c, f) = (pick(1, 6), pick(1, 18), pick(1, 20));
        let (h, w) = (pick(1, 9), pick(1, 40));
        let dilation = [pick(1, 2), pick(1, 2)];
        let Ok(g) =
            Geometry::new(n, c, [h, w], f, kernel, stride, pad).and_then(|g| g.dilated(dilation))
        else {
            continue;
        };
        run += 1;
        let case = Case::new(g, seed);
        check(&case, Instructions::Portable, Method::Im2col);
        for instructions in Instructions::available() {
            check(&case, instructions, Method::Window);
        }
    }
    assert!(run > 150, "{run} cases fit");
}

#[test]
fn winograd_agrees_with_the_direct_sum_over_random_shapes() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for seed in 0..60 {
        let mut pick = |a: usize, b: usize| rng.random_range(a..=b);
        let pad = [pick(0, 2), pick(0, 2), pick(0, 2), pick(0, 2)];
        // Few tiles and many filters, and the other way round.
        let (n, c, f) = (pick(1, 4), pick(1, 40), pick(1, 90));
        let (h, w) = (pick(3, 20), pick(3, 70));
        let g = Geometry::new(n, c, [h, w], f, [3, 3], [1, 1], pad).unwrap();
        let case = Case::new(g, seed);
        for instructions in Instructions::available() {
            for method in [Method::Winograd4, Method::Winograd2] {
                check(&case, instructions, method);
            }
        }
    }
}

#[test]
fn winograd_agrees_where_filters_are_shared_out_and_where_all_transforms_are_stored() {
    for (n, c, size, f) in [(1, 150, 9, 140), (3, 80, 7, 130), (2, 130, 17, 96)] {
        let g = Geometry::new(n, c, [size, size], f, [3, 3], [1, 1], [1; 4]).unwrap();
        let case = Case::new(g, 5);
        for instructions in Instructions::available() {
            for method in [Method::Winograd4, Method::Winograd2] {
                check(&case, instructions, method);
            }
        }
    }
}

#[test]
fn one_filter_a_channel_agrees_with_the_direct_sum() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for seed in 0..60 {
        let mut pick = |a: usize, b: usize| rng.random_range(a..=b);
        let (kernel, stride) = ([pick(1, 5), pick(1, 5)], [pick(1, 2), pick(1, 2)]);
        let pad = [pick(0, 2), pick(0, 2), pick(0, 2), pick(0, 2)];
        let c = pick(1, 6);
        let (n, h, w) = (pick(1, 3), pick(5, 20), pick(5, 40));
        let g = Geometry::new(n, c, [h, w], c, kernel, stride, pad).unwrap();
        check(
            &Case::new(g.grouped(c).unwrap(), seed),
            Instructions::Portable,
            Method::Depthwise,
        );
    }
}

#[test]
fn the_chosen_way_agrees_in_every_direction_precision_and_grouping() {
    for (n, c, size, f, kernel, groups) in [
        (2, 16, 12, 24, 3, 1),
        (2, 16, 12, 24, 3, 4),
        (3, 32, 9, 32, 3, 2),
        (1, 3, 30, 8, 7, 1),
        (4, 6, 16, 6, 3, 6),
        (2, 24, 15, 10, 1, 1),
        (5, 8, 5, 4, 5, 2),
    ] {
        for stride in [1, 2] {
            let pad = [kernel / 2; 4];
            let g = Geometry::new(n, c, [size, size], f, [kernel; 2], [stride; 2], pad)
                .and_then(|g| g.grouped(groups))
                .unwrap();
            let case = Case::new(g, 3);
            for precision in [Precision::Fast, Precision::Balanced, Precision::Exact] {
                let (x, w) = (single(&case.x), single(&case.w));
                let (bias, dy) = (single(&case.bias), single(&case.dy));
                let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
                let (mut dw, mut db) = (vec![f32::NAN; w.len()], vec![f32::NAN; f]);
                forward(&g, precision, &x, &w, &bias, &mut y);
                backward_input(&g, precision, &dy, &w, &mut dx);
                backward_weight(&g, precision, &x, &dy, &mut dw, &mut db);
                let (mut y64, mut dx64) = (vec![f64::NAN; dy.len()], vec![f64::NAN; x.len()]);
                let (mut dw64, mut db64) = (vec![f64::NAN; w.len()], vec![f64::NAN; f]);
                forward(&g, precision, &case.x, &case.w, &case.bias, &mut y64);
                backward_input(&g, precision, &case.dy, &case.w, &mut dx64);
                backward_weight(&g, precision, &case.x, &case.dy, &mut dw64, &mut db64);
                for (name, got, got64, truth) in [
                    ("output", &y, &y64, &case.y),
                    ("input gradient", &dx, &dx64, &case.dx),
                    ("weight gradient", &dw, &dw64, &case.dw),
                    ("bias gradient", &db, &db64, &case.db),
                ] {
                    let error = error(got, truth);
                    assert!(error < WINOGRAD4, "{g:?} {precision:?} {name}: {error:.1e}");
                    for (a, b) in got64.iter().zip(truth) {
                        assert!((a - b).abs() < 1e-11, "{g:?} {name} in f64: {a} for {b}");
                    }
                }
            }
        }
    }
}

#[test]
fn results_have_the_same_bits_for_any_number_of_threads() {
    let bits = |threads: usize, g: &Geometry| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let x = single(&numbers(g.batch * g.input_len(), &mut rng));
        let w = single(&numbers(g.filters * g.patch(), &mut rng));
        let dy = single(&numbers(g.batch * g.output_len(), &mut rng));
        let (mut y, mut dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
        let (mut dw, mut db) = (vec![0.0; w.len()], vec![0.0; g.filters]);
        pool.install(|| {
            forward(g, Precision::Fast, &x, &w, &vec![0.0; g.filters], &mut y);
            backward_input(g, Precision::Fast, &dy, &w, &mut dx);
            backward_weight(g, Precision::Fast, &x, &dy, &mut dw, &mut db);
        });
        [y, dx, dw, db]
            .concat()
            .into_iter()
            .map(f32::to_bits)
            .collect::<Vec<_>>()
    };
    for (n, c, size, f, kernel) in [
        (16, 32, 16, 32, 3),
        (1, 128, 14, 128, 3),
        (2, 80, 20, 96, 3),
        (9, 3, 20, 8, 5),
        (1, 20, 33, 40, 1),
    ] {
        let pad = [kernel / 2; 4];
        let g = Geometry::new(n, c, [size; 2], f, [kernel; 2], [1, 1], pad).unwrap();
        let one = bits(1, &g);
        assert_eq!(one, bits(2, &g), "{g:?}");
        assert_eq!(one, bits(5, &g), "{g:?}");
    }
}

#[test]
fn the_lectures_way_alone_is_that_of_a_layer_and_says_what_does_not_fit() {
    let x = Tensor::from_shape_fn(vec![2, 3, 7, 6], |i| {
        (i[1] * 7 + i[2] * 5 + i[3]) as f32 / 9.0
    });
    let w = Tensor::from_shape_fn(vec![4, 3, 3, 2], |i| (i[0] + i[1] + i[3]) as f32 - 2.0);
    let y = im2col::convolve(&x, &w).unwrap();
    assert_eq!(y.shape(), [2, 4, 5, 5]);
    let g = Geometry::new(2, 3, [7, 6], 4, [3, 2], [1, 1], [0; 4]).unwrap();
    let mut truth = vec![0.0; y.len()];
    let (x_slice, w_slice) = (x.as_slice().unwrap(), w.as_slice().unwrap());
    direct::forward(&g, x_slice, w_slice, &[0.0; 4], &mut truth);
    for (a, b) in y.iter().zip(&truth) {
        assert!((a - b).abs() < 1e-4, "{a} for {b}");
    }
    let narrow = Tensor::zeros(vec![4, 2, 3, 3]);
    let error = im2col::convolve(&x, &narrow).unwrap_err().to_string();
    assert!(error.contains("[O, 3, KH, KW]"), "{error}");
}
