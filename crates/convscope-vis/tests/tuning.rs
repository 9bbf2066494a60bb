//! Gratings, tuning curves and Gabor fits.

use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu, Tensor};
use convscope_vis::{
    ChannelAxis, Flag, Gabor, Grating, GratingTuning, Response, filters, fit_gabor, fit_gabors,
    grating_tuning,
};
use ndarray::{Array2, s};

/// A network whose filters are gratings under a bell, [orientation, frequency] each.
fn net(of: &[[f32; 2]], channels: usize) -> Network {
    let side = 15;
    let mut weight = Tensor::zeros(vec![of.len(), channels, side, side]);
    for (i, &[orientation, frequency]) in of.iter().enumerate() {
        let mut picture = Grating::new([side, side], orientation, frequency)
            .phase(0.7)
            .picture();
        for ((y, x), v) in picture.indexed_iter_mut() {
            let (y, x) = (y as f32 - 7.0, x as f32 - 7.0);
            *v *= (-(x * x + y * y) / 25.0).exp();
        }
        for c in 0..channels {
            weight.slice_mut(s![i, c, .., ..]).assign(&picture);
        }
    }
    let mut net = Network::input([channels, 40, 40])
        .add("conv", Conv2d::new(of.len(), side))
        .add("relu", Relu)
        .build(1)
        .unwrap();
    net.set_parameter("conv.weight", weight).unwrap();
    net.set_parameter("conv.bias", Tensor::from_elem(vec![of.len()], 0.3))
        .unwrap();
    net
}

fn turn_between(a: f32, b: f32) -> f32 {
    let d = (a - b).rem_euclid(180.0);
    d.min(180.0 - d)
}

#[test]
fn a_grating_has_its_bars_where_it_says() {
    // Horizontal bars: rows are constant; vertical ones: columns are.
    let lying = Grating::new([9, 7], 0.0, 0.2).picture();
    assert!(
        lying
            .rows()
            .into_iter()
            .all(|r| r.iter().all(|v| (v - r[0]).abs() < 1e-5))
    );
    let standing = Grating::new([9, 7], 90.0, 0.2).picture();
    assert!(
        standing
            .columns()
            .into_iter()
            .all(|c| c.iter().all(|v| (v - c[0]).abs() < 1e-5))
    );
    assert_eq!(lying[[4, 3]], 1.0, "light in the middle");
    // At 45 degrees bars rise to the right: one step up and one to the right is the same bar.
    let rising = Grating::new([9, 9], 45.0, 0.1).picture();
    assert!((rising[[4, 4]] - rising[[3, 5]]).abs() < 1e-5);
    assert!((rising[[4, 4]] - rising[[5, 5]]).abs() > 0.1);
    let frames = Grating::new([9, 9], 30.0, 0.1).drift(4).unwrap();
    let opposite = &frames[0] + &frames[2];
    assert!(
        opposite.iter().all(|v| v.abs() < 1e-5),
        "half a period on, light is dark"
    );
}

#[test]
fn a_filter_that_is_a_grating_prefers_its_own() {
    let of = [
        [0.0, 0.15],
        [30.0, 0.2],
        [70.0, 0.12],
        [90.0, 0.2],
        [135.0, 0.15],
        [177.0, 0.18],
    ];
    for channels in [1, 3] {
        let net = net(&of, channels);
        for (layer, response) in [
            ("conv", Response::Peak),
            ("conv", Response::Modulation),
            ("relu", Response::Peak),
            ("relu", Response::Mean),
        ] {
            let settings = GratingTuning::new().response(response);
            let tuning = grating_tuning(&net, layer, &settings).unwrap();
            for (channel, [orientation, frequency]) in tuning.channels.iter().zip(of) {
                let off = turn_between(channel.orientation, orientation);
                assert!(off < 1.5, "{layer} {response:?} {orientation}: {channel:?}");
                let octaves = (channel.frequency / frequency).log2().abs();
                assert!(octaves < 0.35, "{frequency}: {channel:?}");
                assert!(
                    channel.selectivity > 0.5 && channel.index > 0.9,
                    "{channel:?}"
                );
                let width = channel.bandwidth.unwrap();
                assert!((20.0..80.0).contains(&width), "{channel:?}");
                assert!(channel.octaves.is_some());
            }
        }
    }
}

#[test]
fn the_width_of_a_tuning_curve_is_that_of_the_bell() {
    // Under a bell of standard deviation s the response falls with the distance of the frequencies
    // as exp(-2 pi² s² d²); at a fixed frequency f an angle a makes d = 2 f sin(a / 2).
    let net = net(&[[90.0, 0.2]], 1);
    let degrees: Vec<f32> = (0..90).map(|i| 2.0 * i as f32).collect();
    let settings = GratingTuning::new()
        .orientations(degrees)
        .frequencies([0.2])
        .phases(16);
    let tuning = grating_tuning(&net, "conv", &settings).unwrap();
    let s = (25.0_f32 / 2.0).sqrt();
    let d = (2.0_f32.ln() / 2.0).sqrt() / (std::f32::consts::PI * s);
    let expected = 4.0 * (d / 0.4).asin().to_degrees();
    let got = tuning.channels[0].bandwidth.unwrap();
    assert!(
        (got - expected).abs() < 0.1 * expected,
        "{got}, expected {expected}"
    );
}

#[test]
fn a_filter_without_a_direction_has_none() {
    let mut net = net(&[[0.0, 0.1], [0.0, 0.1]], 1);
    let mut weight = Tensor::zeros(vec![2, 1, 15, 15]);
    for y in 0..15 {
        for x in 0..15 {
            let r = (y as f32 - 7.0).powi(2) + (x as f32 - 7.0).powi(2);
            weight[[0, 0, y, x]] = (-r / 4.0).exp() - 0.4 * (-r / 12.0).exp();
        }
    }
    net.set_parameter("conv.weight", weight).unwrap();
    let tuning = grating_tuning(&net, "conv", &GratingTuning::new()).unwrap();
    assert!(tuning.channels[0].selectivity < 0.05 && tuning.channels[0].bandwidth.is_none());
    let silent = &tuning.channels[1];
    assert_eq!(silent.flags, [Flag::ConstantScore]);
    assert_eq!(
        (silent.peak, silent.selectivity, silent.index),
        (0.0, 0.0, 0.0)
    );
}

fn gabor(orientation: f64, frequency: f64, phase: f64) -> Gabor {
    // Made by a fit, since its fields may grow; then set.
    let seed = Array2::from_shape_fn((11, 11), |(y, x)| ((y * 3 + x) as f64).sin());
    let mut gabor = fit_gabor(&seed).unwrap().gabor;
    gabor.amplitude = 0.8;
    gabor.centre = [5.4, 4.7];
    gabor.width = 1.9;
    gabor.length = 2.6;
    gabor.orientation = orientation;
    gabor.frequency = frequency;
    gabor.phase = phase;
    gabor.offset = 0.05;
    gabor
}

#[test]
fn a_fit_finds_a_gabor_functions_numbers_again() {
    for orientation in [0.0, 20.0, 65.0, 90.0, 110.0, 172.0] {
        for (frequency, phase) in [(0.15, 0.0), (0.2, 1.2), (0.25, -2.5), (0.12, 3.0)] {
            let truth = gabor(orientation, frequency, phase);
            let fit = fit_gabor(&truth.picture([11, 11])).unwrap();
            let what = format!("{truth:?}\n{fit:?}");
            assert!(fit.r_squared > 0.9999, "{what}");
            let got = fit.gabor;
            let turn = turn_between(got.orientation as f32, orientation as f32);
            assert!(
                turn < 0.5 && (got.frequency - frequency).abs() < 0.005,
                "{what}"
            );
            assert!(
                (got.width - 1.9).abs() < 0.05 && (got.length - 2.6).abs() < 0.05,
                "{what}"
            );
            assert!(
                (got.centre[0] - 5.4).abs() < 0.1 && (got.centre[1] - 4.7).abs() < 0.1,
                "{what}"
            );
            assert!((0.0..180.0).contains(&got.orientation) && got.amplitude >= 0.0);
            let off = got.picture([11, 11]) - truth.picture([11, 11]);
            let off = off.iter().fold(0.0, |most, v| f64::max(most, v.abs()));
            assert!(off < 0.01, "the numbers mean the picture: {off}, {what}");
        }
    }
}

#[test]
fn noise_is_no_gabor_function_and_a_constant_is_flagged() {
    let mut state = 1u64;
    let noise = Array2::from_shape_simple_fn((11, 11), || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64 - 0.5
    });
    let fit = fit_gabor(&noise).unwrap();
    assert!((0.0..0.6).contains(&fit.r_squared), "{fit:?}");
    for value in [0.0, 0.3] {
        let fit = fit_gabor(&Array2::from_elem((7, 7), value)).unwrap();
        assert_eq!((fit.flags, fit.r_squared), (vec![Flag::Constant], 0.0));
        assert_eq!(fit.gabor.amplitude, 0.0);
        assert!((fit.gabor.offset - value).abs() < 1e-12);
    }
    assert!(
        fit_gabor(&Array2::zeros((3, 9)))
            .unwrap_err()
            .to_string()
            .contains("4x4")
    );
    assert!(
        fit_gabor(&Array2::from_elem((5, 5), f64::NAN))
            .unwrap_err()
            .to_string()
            .contains("NaN")
    );
}

#[test]
fn filters_between_two_colours_are_fitted_along_them() {
    let mut net = net(&[[40.0, 0.15], [100.0, 0.2]], 3);
    let mut weight = net.parameter("conv.weight").unwrap().clone();
    // From red to green: the mean of the channels is nothing.
    weight.slice_mut(s![0, 1, .., ..]).mapv_inplace(|v| -v);
    weight.slice_mut(s![0, 2, .., ..]).fill(0.0);
    net.set_parameter("conv.weight", weight).unwrap();
    let all = filters(&net, "conv").unwrap();
    let principal = fit_gabors(&all, ChannelAxis::Principal).unwrap();
    for (fit, orientation) in principal.iter().zip([40.0, 100.0]) {
        assert!(
            fit.r_squared > 0.999 && fit.channel_share > 0.999,
            "{fit:?}"
        );
        assert!(
            turn_between(fit.gabor.orientation as f32, orientation) < 0.5,
            "{fit:?}"
        );
    }
    let mean = fit_gabors(&all, ChannelAxis::Mean).unwrap();
    assert!(mean[0].channel_share < 1e-6 && mean[1].r_squared > 0.999);
    // Grey gratings leave it silent; those from red to green do not.
    let grey = grating_tuning(&net, "conv", &GratingTuning::new()).unwrap();
    let colour = GratingTuning::new().colour([1.0, -1.0, 0.0]);
    let colour = grating_tuning(&net, "conv", &colour).unwrap();
    assert!(grey.channels[0].peak < 1e-3 * colour.channels[0].peak);
    assert!(turn_between(colour.channels[0].orientation, 40.0) < 1.5);
}

#[test]
fn wrong_input_is_told() {
    let net = net(&[[0.0, 0.1]], 3);
    let error = |layer: &str, settings: GratingTuning| {
        grating_tuning(&net, layer, &settings)
            .unwrap_err()
            .to_string()
    };
    for (got, part) in [
        (error("cnov", GratingTuning::new()), "did you mean \"conv\""),
        (error("conv", GratingTuning::new().phases(1)), "two phases"),
        (
            error("conv", GratingTuning::new().frequencies([0.6])),
            "up to 0.5",
        ),
        (
            error("conv", GratingTuning::new().frequencies([0.2, 0.1])),
            "ascending",
        ),
        (
            error("conv", GratingTuning::new().orientations([])),
            "an orientation",
        ),
        (
            error("conv", GratingTuning::new().colour([1.0, 2.0])),
            "each of 3 channels",
        ),
    ] {
        assert!(got.contains(part), "{part} in {got}");
    }
    let dense = Network::input([1, 6, 6])
        .add("flatten", Flatten)
        .add("fc", Linear::new(2))
        .build(1)
        .unwrap();
    let got = grating_tuning(&dense, "fc", &GratingTuning::new())
        .unwrap_err()
        .to_string();
    assert!(got.contains("a layer of channels"), "{got}");
    assert!(Grating::new([5, 5], 0.0, 0.1).drift(0).is_err());
}
