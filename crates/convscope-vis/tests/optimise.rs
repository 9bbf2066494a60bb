//! Images made by optimisation: worked numbers, closed forms, and what must never happen.

use convscope_data::Preprocessing;
use convscope_nn::{Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, Relu, Tensor};
use convscope_vis::*;
use serde_json::Value;
use std::time::Duration;

fn net(channels: usize, side: usize) -> Network {
    Network::input([channels, side, side])
        .add("conv1", Conv2d::new(8, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(12, 3).same())
        .add("relu2", Relu)
        .add("conv3", Conv2d::new(5, 1))
        .add("gap", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .build(4)
        .unwrap()
}

/// One linear unit with these weights.
fn linear(weights: &[f32]) -> Network {
    let side = weights.len().isqrt();
    let mut net = Network::input([1, side, side])
        .add("flatten", Flatten)
        .add("fc", Linear::new(1))
        .build(1)
        .unwrap();
    let row = Tensor::from_shape_vec(vec![1, weights.len()], weights.to_vec()).unwrap();
    net.set_parameter("fc.weight", row).unwrap();
    net
}

fn wave(shape: &[usize], by: f32) -> Tensor {
    let mut number = 0.0_f32;
    Tensor::from_shape_simple_fn(shape.to_vec(), || {
        number += by;
        (number * number).sin()
    })
}

fn close(got: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (got - expected).abs() <= tolerance,
        "{what}: {got}, expected {expected}"
    );
}

fn variation(name: &str, size: f64) -> (Variation, f64) {
    match name {
        "TF/lucid/xplique sum|dx|+sum|dy|" => (Variation::Absolute, 1.0),
        "utku/keras-vis trimmed beta=2" => (Variation::Trimmed { beta: 2.0 }, 1.0),
        "keras-vis /size" => (Variation::Trimmed { beta: 2.0 }, 1.0 / size),
        "keras continuity exponent 1.25 on trimmed" => (Variation::Trimmed { beta: 2.5 }, 1.0),
        "deep-goggle replicated border beta=2" => (Variation::Replicated { beta: 2.0 }, 1.0),
        "deep-goggle beta=1" => (Variation::Replicated { beta: 1.0 }, 1.0),
        "tf-keras-vis" => (Variation::Absolute, 1.0 / size),
        other => panic!("a flavour that is not covered: {other}"),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

#[test]
fn the_worked_numbers_of_the_references_are_met() {
    let text = include_str!("fixtures/cases/optimise.json");
    let cases: Value = serde_json::from_str(text).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let (id, tolerance) = (case["id"].as_str().unwrap(), case["tol"].as_f64().unwrap());
        let expected = &case["expected"];
        match case["topic"].as_str().unwrap() {
            "total_variation" => {
                let pixels = numbers(&case["input"]).into_iter().map(|v| v as f32);
                let image = Tensor::from_shape_vec(vec![1, 1, 3, 3], pixels.collect()).unwrap();
                for (name, expected) in expected.as_object().unwrap() {
                    let (flavour, by) = variation(name, 9.0);
                    let got = by * total_variation(&image, flavour).unwrap()[0];
                    close(got, expected.as_f64().unwrap(), tolerance, name);
                }
            }
            "gaussian_kernel_3x3_sigma1" => {
                let weights = gaussian_kernel(1.0, 1);
                for (name, i, j) in [("centre", 1, 1), ("edge", 0, 1), ("corner", 0, 2)] {
                    let got = f64::from(weights[i] * weights[j]);
                    close(got, expected[name].as_f64().unwrap(), tolerance, name);
                }
            }
            "imagenet_normalise" => {
                let black = PixelRange::of(&Preprocessing::torchvision(224))
                    .unwrap()
                    .low;
                for (got, expected) in black.iter().zip(numbers(expected)) {
                    close(f64::from(*got), expected, tolerance, id);
                }
            }
            "keras_octaves" => {
                let octaves = case["params"]["num_octave"].as_u64().unwrap() as usize;
                let scale = case["params"]["scale"].as_f64().unwrap();
                let sizes = case["input"].as_array().unwrap();
                for (size, expected) in sizes.iter().zip(expected.as_array().unwrap()) {
                    let size = numbers(size);
                    let got = octave_sizes([size[0] as usize, size[1] as usize], octaves, scale);
                    let flat: Vec<f64> = got.iter().flatten().map(|&v| v as f64).collect();
                    assert_eq!(flat, numbers(expected), "{id}");
                }
            }
            other => panic!("a case that is not covered: {id}, {other}"),
        }
    }
}

#[test]
fn a_linear_unit_under_an_l2_penalty_reaches_its_weights_over_twice_lambda() {
    let weights: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).sin()).collect();
    let net = linear(&weights);
    for lambda in [0.25, 1.0] {
        let settings = Maximize::plain(0.2)
            .l2(lambda)
            .steps(300)
            .start(Start::Normal(1.0));
        let made = maximize(&net, &Objective::class(0), &settings).unwrap();
        for (x, w) in made.images.iter().zip(&weights) {
            close(
                f64::from(*x),
                f64::from(*w) / (2.0 * lambda),
                1e-4,
                "a pixel",
            );
        }
        assert!(made.flags[0].is_empty());
    }
}

#[test]
fn a_linear_unit_under_decay_reaches_the_fixed_point_of_step_and_decay() {
    let weights: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).sin()).collect();
    let (rate, decay) = (0.5, 0.1);
    let settings = Maximize::plain(rate).decay(decay).steps(300);
    let made = maximize(&linear(&weights), &Objective::class(0), &settings).unwrap();
    for (x, w) in made.images.iter().zip(&weights) {
        // x = (1 - decay) (x + rate w)
        let expected = (1.0 - decay) / decay * rate * f64::from(*w);
        close(f64::from(*x), expected, 1e-4, "a pixel");
    }
}

#[test]
fn every_objective_has_the_gradient_of_its_value() {
    let net = net(3, 8);
    let code = net
        .until("relu2")
        .unwrap()
        .forward(&wave(&[1, 3, 8, 8], 0.3))
        .unwrap();
    let code = code.index_axis(ndarray::Axis(0), 0).to_owned();
    let objectives = [
        Objective::class(3),
        Objective::probability(1),
        Objective::unit("conv2", &[4, 1, 2]),
        Objective::centre("conv1", 2),
        Objective::channel("relu2", 7),
        Objective::direction("conv2", wave(&[12, 4, 4], 0.2)),
        Objective::direction("conv2", wave(&[12], 0.2)),
        Objective::norm("relu1"),
        Objective::mean_square("relu1", 2),
        Objective::mean_square("relu2", 2),
        Objective::guide("relu2", code.clone()),
        Objective::code("relu2", code),
        Objective::class(1) * 0.5 + Objective::channel("conv1", 0) * 2.0 + Objective::norm("relu2"),
    ];
    let (start, step) = (wave(&[1, 3, 8, 8], 0.1), 1e-3);
    for objective in objectives {
        let settings = |rate| {
            Maximize::plain(rate)
                .steps(1)
                .start(Start::Images(start.clone()))
        };
        let made = maximize(&net, &objective, &settings(1e-3)).unwrap();
        let gradient = (&made.images - &start) / 1e-3;
        let along = wave(&[1, 3, 8, 8], 0.7);
        let at = |by: f32| {
            let moved = Start::Images(&start + &(&along * by));
            let quiet = Maximize::plain(1.0).steps(0).start(moved);
            maximize(&net, &objective, &quiet).unwrap().values[0]
        };
        let slope = (at(step) - at(-step)) / f64::from(2.0 * step);
        let ours = f64::from((&gradient * &along).sum());
        close(
            ours,
            slope,
            2e-2 * (0.05 + slope.abs()),
            &objective.to_string(),
        );
        assert!(made.values[0] >= made.curves[0][0], "{objective}");
    }
}

#[test]
fn images_made_together_are_those_made_with_another_batch_size() {
    let net = net(3, 12);
    let objectives: Vec<Objective> = (0..5).map(|c| Objective::channel("relu2", c)).collect();
    let settings = Maximize::preset("small")
        .unwrap()
        .steps(6)
        .frame_every(2)
        .seed(9);
    let one = maximize_all(&net, &objectives, &settings.clone().batch(5)).unwrap();
    let two = maximize_all(&net, &objectives, &settings.clone().batch(2)).unwrap();
    assert_eq!(one.images, two.images);
    assert_eq!(one.curves, two.curves);
    assert_eq!(one.frames.len(), two.frames.len());
    let again = maximize_all(&net, &objectives, &settings.clone().batch(5)).unwrap();
    assert_eq!(one.images, again.images);
    let other = maximize_all(&net, &objectives, &settings.seed(10)).unwrap();
    assert_ne!(one.images, other.images);
}

#[test]
fn equal_seeds_give_equal_bits_with_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let settings = Maximize::preset("lucid")
                .unwrap()
                .steps(4)
                .size(16, 16)
                .batch(3);
            let objectives: Vec<Objective> = (0..3).map(Objective::class).collect();
            maximize_all(&net(3, 16), &objectives, &settings)
                .unwrap()
                .images
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn the_best_image_is_kept_and_is_worth_what_is_said() {
    let net = net(1, 8);
    // Steps so large that the last image is not the best.
    let settings = Maximize::plain(30.0)
        .steps(12)
        .start(Start::Normal(1.0))
        .l2(0.1);
    let made = maximize(&net, &Objective::class(2), &settings).unwrap();
    let quiet = Maximize::plain(1.0)
        .steps(0)
        .start(Start::Images(made.best.clone()));
    let value = maximize(&net, &Objective::class(2), &quiet).unwrap().values[0];
    let paid = 0.1 * made.best.iter().map(|v| f64::from(v * v)).sum::<f64>();
    close(
        made.best_values[0],
        value - paid,
        1e-3 * (1.0 + paid),
        "the best",
    );
}

#[test]
fn frames_are_recorded_every_so_many_steps_with_the_first_and_the_last() {
    let settings = Maximize::new().steps(7).frame_every(3);
    let made = maximize(&net(3, 8), &Objective::class(0), &settings).unwrap();
    let steps: Vec<usize> = made.frames.iter().map(|f| f.step).collect();
    assert_eq!(steps, [0, 3, 6, 7]);
    assert_eq!(made.frames[3].images, made.images);
    assert_eq!(made.curves[0].len(), 7);
}

#[test]
fn a_budget_of_nothing_gives_the_start_and_a_flag() {
    let net = net(3, 16);
    let nothing = || {
        Watch::quiet().budget(Budget {
            max_evals: Some(0),
            ..Budget::default()
        })
    };
    let settings = Maximize::new().frame_every(1);
    let made = maximize_watched(&net, &Objective::class(0), &settings, &mut nothing()).unwrap();
    assert_eq!(made.flags, [[Flag::Unfinished { done: 0.0 }]]);
    assert!(made.curves[0].is_empty() && made.values == [0.0] && made.best_values == [0.0]);
    let photo = wave(&[1, 3, 16, 16], 0.1);
    let settings = Dream::new();
    let dreamed = dream_watched(
        &net,
        &Objective::norm("relu1"),
        &photo,
        &settings,
        &mut nothing(),
    )
    .unwrap();
    assert_eq!(dreamed.flags, [Flag::Unfinished { done: 0.0 }]);
    assert_eq!(dreamed.image.shape(), photo.shape());
    let inverted = invert_watched(&net, "relu1", &photo, &Invert::new(), &mut nothing()).unwrap();
    assert_eq!(inverted.flags, [[Flag::Unfinished { done: 0.0 }]]);
    let soon = Budget {
        time: Some(Duration::ZERO),
        ..Budget::default()
    };
    let mut watch = Watch::quiet().budget(soon);
    let made = maximize_watched(&net, &Objective::class(0), &Maximize::new(), &mut watch).unwrap();
    assert_eq!(made.flags.len(), 1);
}

#[test]
fn a_budget_in_the_middle_leaves_what_was_had() {
    let budget = Budget {
        max_evals: Some(5),
        ..Budget::default()
    };
    let mut watch = Watch::quiet().budget(budget);
    let settings = Maximize::new().steps(9);
    let made = maximize_watched(&net(3, 8), &Objective::class(0), &settings, &mut watch).unwrap();
    assert_eq!(made.curves[0].len(), 5);
    assert_eq!(made.flags, [[Flag::Unfinished { done: 0.5 }]]);
    assert_eq!(watch.passes().done, 5);
}

#[test]
fn a_gradient_of_zero_is_flagged_and_nothing_is_ever_nan() {
    let dead = linear(&[0.0; 64]);
    for name in [
        "keras_filters",
        "cs231n",
        "yosinski_d",
        "simonyan",
        "digits",
        "lucid",
    ] {
        let settings = Maximize::preset(name).unwrap().steps(3).size(8, 8).l2(0.0);
        let settings = settings.transforms(Vec::new());
        let made = maximize(&dead, &Objective::class(0), &settings).unwrap();
        assert_eq!(made.flags, [[Flag::ZeroGradient]], "{name}");
        assert!(made.images.iter().all(|v| v.is_finite()), "{name}");
    }
}

#[test]
fn a_step_that_leads_nowhere_is_flagged_and_leaves_finite_pixels() {
    let settings = Maximize::plain(1e38).steps(5).l2(1e3);
    let made = maximize(&net(3, 8), &Objective::class(0), &settings).unwrap();
    assert!(
        matches!(made.flags[0][..], [Flag::Diverged { .. }]),
        "{:?}",
        made.flags
    );
    let finite = made.images.iter().chain(&made.best).all(|v| v.is_finite());
    assert!(finite && made.values[0].is_finite() && made.best_values[0].is_finite());
}

#[test]
fn every_preset_works_from_eight_pixels_on_in_one_three_and_five_channels() {
    for channels in [1, 3, 5] {
        let net = net(channels, 8);
        let photo = wave(&[1, channels, 8, 8], 0.1);
        for preset in presets() {
            assert!(!preset.source.is_empty() && !preset.tuned_on.is_empty());
            match preset.settings {
                PresetSettings::Maximize(settings) => {
                    let settings = settings.steps(3).size(40, 24);
                    let made = maximize(&net, &Objective::class(1), &settings).unwrap();
                    assert!(made.images.iter().all(|v| v.is_finite()), "{}", preset.name);
                    assert_eq!(made.images.shape(), [1, channels, 40, 24]);
                    assert_eq!(made.provenance.settings["preset"], preset.name);
                }
                PresetSettings::Dream(settings) => {
                    let made = dream(&net, &Objective::norm("relu2"), &photo, &settings).unwrap();
                    assert!(made.image.iter().all(|v| v.is_finite()), "{}", preset.name);
                }
                PresetSettings::Invert(settings) => {
                    let made = invert(&net, "relu2", &photo, &settings.steps(5)).unwrap();
                    assert!(made.images.iter().all(|v| v.is_finite()), "{}", preset.name);
                }
            }
        }
    }
}

#[test]
fn pixels_stay_in_the_range_when_clamped_and_with_waves() {
    let range = PixelRange::of(&Preprocessing::torchvision(224)).unwrap();
    for name in ["cs231n", "lucid", "small", "squeezenet"] {
        let settings = Maximize::preset(name).unwrap().steps(5).size(24, 24);
        let settings = settings.range(range.clone());
        let made = maximize(&net(3, 24), &Objective::class(1), &settings).unwrap();
        for (c, plane) in made.images.axis_iter(ndarray::Axis(1)).enumerate() {
            let inside = range.low[c] - 1e-5..=range.high[c] + 1e-5;
            assert!(plane.iter().all(|v| inside.contains(v)), "{name}");
        }
    }
}

#[test]
fn an_inversions_loss_falls_at_every_small_step_and_nears_nothing_at_the_first_layer() {
    let net = net(3, 16);
    let photo = wave(&[1, 3, 16, 16], 0.05);
    let small = Invert::new().variation(0.0).alpha_norm(6.0, 0.0);
    let step = Step::ascent(200.0, Normalise::No);
    let made = invert(&net, "relu2", &photo, &small.clone().step(step).steps(40)).unwrap();
    assert!(
        made.curves[0].windows(2).all(|pair| pair[1] < pair[0]),
        "{:?}",
        made.curves
    );
    let made = invert(&net, "conv1", &photo, &small.starts(2)).unwrap();
    assert!(
        made.losses.iter().all(|&loss| loss < 0.01),
        "{:?}",
        made.losses
    );
    assert_ne!(
        made.images.index_axis(ndarray::Axis(0), 0),
        made.images.index_axis(ndarray::Axis(0), 1)
    );
}

#[test]
fn a_dream_makes_its_layer_stronger_and_skips_sizes_that_are_too_small() {
    let net = net(3, 16);
    let photo = wave(&[1, 3, 20, 30], 0.02) * 0.3;
    let objective = Objective::norm("relu2");
    let worth = |image: &Tensor| {
        let quiet = Maximize::plain(1.0)
            .steps(0)
            .start(Start::Images(image.clone()));
        let quiet = quiet.size(20, 30);
        maximize(&net, &objective, &quiet).unwrap().values[0]
    };
    for name in ["google_deepdream", "keras_deepdream"] {
        let settings = Dream::preset(name)
            .unwrap()
            .octaves(12)
            .iterations(4)
            .seed(3);
        let made = dream(&net, &objective, &photo, &settings).unwrap();
        assert_eq!(made.image.shape(), photo.shape());
        assert_eq!(made.octaves.last(), Some(&[20, 30]));
        assert!(
            made.octaves.len() < 12 && made.octaves.len() > 3,
            "{:?}",
            made.octaves
        );
        let again = dream(&net, &objective, &photo, &settings).unwrap();
        assert_eq!(made.image, again.image);
        if name == "google_deepdream" {
            assert!(worth(&made.image) > 1.1 * worth(&photo));
        }
    }
}

#[test]
fn a_limit_stops_an_image_where_it_is() {
    let free = Maximize::plain(1.0).steps(10);
    let made = maximize(&net(3, 8), &Objective::class(0), &free).unwrap();
    let limited = free.clone().limit(made.curves[0][4]);
    let stopped = maximize(&net(3, 8), &Objective::class(0), &limited).unwrap();
    assert_eq!(stopped.curves[0], made.curves[0][..6]);
    assert!(stopped.flags[0].is_empty());
}

#[test]
fn a_zooming_dream_goes_on_from_frame_to_frame() {
    let net = net(3, 16);
    let photo = wave(&[1, 3, 16, 16], 0.02) * 0.3;
    let settings = Dream::new().octaves(2).iterations(2);
    let objective = Objective::norm("relu1");
    let mut watch = Watch::quiet();
    let frames = dream_zoom(&net, &objective, &photo, &settings, 3, 1.05, &mut watch).unwrap();
    assert_eq!(frames.len(), 3);
    assert_ne!(frames[1].image, frames[2].image);
    let noise = dream_from_noise(&net, &Objective::class(1), [16, 20], &settings).unwrap();
    assert_eq!(noise.image.shape(), [1, 3, 16, 20]);
}

#[test]
fn mistakes_are_told_with_what_was_expected() {
    let net = net(3, 8);
    let told = |objective: Objective, settings: Maximize| {
        maximize(&net, &objective, &settings)
            .unwrap_err()
            .to_string()
    };
    let m = Maximize::new;
    let class = || Objective::class(0);
    let cases = [
        (told(Objective::class(9), m()), "no class 9"),
        (
            told(Objective::channel("relu7", 0), m()),
            "did you mean \"relu",
        ),
        (told(Objective::channel("relu1", 99), m()), "0 to 7"),
        (
            told(Objective::unit("relu1", &[0, 9, 9]), m()),
            "inside [8, 8, 8]",
        ),
        (
            told(Objective::direction("relu1", wave(&[3], 0.1)), m()),
            "[8, 8, 8] or [8]",
        ),
        (
            told(class(), m().step(Step::Adam { rate: -1.0 })),
            "above 0",
        ),
        (
            told(class(), m().transforms(vec![Transform::Jitter(8)])),
            "smaller jitter",
        ),
        (told(class(), m().blur(1.0, 0)), "every 1 or more"),
        (
            told(class(), Maximize::preset("lucid").unwrap().decay(0.1)),
            "act on pixels",
        ),
        (
            told(class(), m().range(PixelRange::standardised(1))),
            "expected 3 values",
        ),
        (told(class(), m().batch(0)), "at least one at a time"),
        (
            Maximize::preset("lucit").unwrap_err().to_string(),
            "there are lucid",
        ),
        (
            told(class(), m().start(Start::Images(wave(&[1, 3, 4, 4], 0.1)))),
            "[1 or 1 or more, 3, 8, 8]",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_decoder_learns_its_images_and_its_codes_can_be_optimised() {
    let net = net(1, 10);
    // Bars, down or across, at every place.
    let images = Tensor::from_shape_fn(vec![20, 1, 10, 10], |i| {
        let at = if i[0] < 10 { i[2] } else { i[3] };
        if at == i[0] % 10 { 1.0 } else { 0.0 }
    });
    let settings = TrainDecoder::new().epochs(150).batch(4).channels(16);
    let mut watch = Watch::quiet();
    let decoder = train_decoder(&net, "relu2", &images, &settings, &mut watch).unwrap();
    println!("{:.3?}", decoder.losses);
    // Their variance is .09: what the mean image alone would leave.
    let (first, last) = (decoder.losses[0], *decoder.losses.last().unwrap());
    assert!(last < 0.04, "from {first} to {last}");
    let codes = decoder.codes(&net, &images).unwrap();
    assert!(codes.mean().unwrap().abs() < 1e-4);
    let drawn = decoder.network.forward(&codes).unwrap();
    assert_eq!(drawn.shape(), images.shape());
    let objectives = [Objective::class(0), Objective::class(3)];
    let settings = LatentAscent::new().steps(30).frame_every(10);
    let climb = || {
        let mut watch = Watch::quiet();
        maximize_latent(&net, &decoder.network, &objectives, &settings, &mut watch).unwrap()
    };
    let made = climb();
    assert_eq!(made.images, climb().images);
    assert_eq!(made.frames.len(), 3);
    for (value, curve) in made.values.iter().zip(&made.curves) {
        assert!(*value > curve[0]);
    }
    assert!(made.codes.iter().all(|v| v.abs() <= 2.0));
    let budget = Budget {
        max_evals: Some(0),
        ..Budget::default()
    };
    let mut watch = Watch::quiet().budget(budget);
    let made = maximize_latent(&net, &decoder.network, &objectives, &settings, &mut watch).unwrap();
    assert_eq!(made.flags[1], [Flag::Unfinished { done: 0.0 }]);
}

#[test]
fn facets_begin_from_the_means_of_clusters() {
    let net = net(3, 8);
    let images = Tensor::from_shape_fn(vec![6, 3, 8, 8], |i| if i[0] < 4 { 1.0 } else { -1.0 });
    let settings = Maximize::plain(0.1).steps(0);
    let objective = Objective::class(1);
    let mut watch = Watch::quiet();
    let facets =
        maximize_facets(&net, &objective, &images, "relu1", 2, &settings, &mut watch).unwrap();
    let (a, b) = (facets.clusters[0], facets.clusters[5]);
    assert_ne!(a, b);
    assert_eq!(facets.clusters, [a, a, a, a, b, b]);
    assert_eq!(facets.made.images, facets.means);
    assert!((facets.means[[a, 0, 0, 0]] - 1.0).abs() < 1e-6);
    let error = maximize_facets(&net, &objective, &images, "relu1", 7, &settings, &mut watch);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("each of the 6 images")
    );
}
