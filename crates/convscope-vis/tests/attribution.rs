//! What holds of the gradient methods on any network.

use convscope_nn::{
    BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, Relu, Rule, Softmax,
    Tensor, Unit,
};
use convscope_vis::*;
use ndarray::{Axis, IxDyn, Slice};
use std::sync::{Arc, Mutex};

/// A small convolutional classifier, with biases: without them integrated gradients from zero would
/// be exact in one step.
fn net(channels: usize, size: usize) -> Network {
    let mut net = Network::input([channels, size, size])
        .add("conv1", Conv2d::new(6, 3).same())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(8, 3).same())
        .add("relu2", Relu)
        .add("pool2", MaxPool2d::new(2))
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(3)
        .unwrap();
    for path in ["conv1.bias", "bn1.bias", "conv2.bias", "fc.bias"] {
        let bias = net.parameter(path).unwrap();
        let waves = (0..bias.len()).map(|i| 0.3 * (2.1 * i as f32 + 0.5).sin());
        let waves = Tensor::from_shape_vec(bias.raw_dim(), waves.collect()).unwrap();
        net.set_parameter(path, waves).unwrap();
    }
    net
}

/// Images with something in them.
fn images(n: usize, channels: usize, size: usize) -> Tensor {
    let mut i = 0.0_f32;
    Tensor::from_shape_simple_fn(IxDyn(&[n, channels, size, size]), || {
        i += 1.0;
        (0.37 * i).sin() + 0.5 * (0.011 * i * i).cos()
    })
}

type Method = Box<dyn Fn(&Network, &Tensor, &Target) -> Result<Attribution> + Send + Sync>;

/// Every method of a network, an image and a target, by its name.
fn methods() -> Vec<(&'static str, Method)> {
    let smooth = || SmoothGrad::new().samples(6).seed(7);
    let layered = || GradCam::new();
    vec![
        ("saliency", Box::new(saliency)),
        ("input x gradient", Box::new(input_x_gradient)),
        (
            "guided",
            Box::new(|n, x, t| guided_backprop(n, x, t, Seed::One)),
        ),
        (
            "deconvnet",
            Box::new(|n, x, t| deconvnet(n, x, t, Seed::Activation)),
        ),
        (
            "SmoothGrad",
            Box::new(move |n, x, t| smoothgrad(n, x, t, &smooth())),
        ),
        (
            "VarGrad",
            Box::new(move |n, x, t| smoothgrad(n, x, t, &smooth().combine(Combine::Variance))),
        ),
        (
            "smooth integrated",
            Box::new(move |n, x, t| {
                let base = BaseMap::Integrated(IntegratedGradients::new().steps(4));
                smoothgrad(n, x, t, &smooth().samples(3).base(base))
            }),
        ),
        (
            "integrated gradients",
            Box::new(|n, x, t| {
                integrated_gradients(n, x, t, &IntegratedGradients::new().steps(10))
            }),
        ),
        (
            "Grad-CAM",
            Box::new(move |n, x, t| grad_cam(n, x, t, &layered())),
        ),
        (
            "guided Grad-CAM",
            Box::new(move |n, x, t| guided_grad_cam(n, x, t, &layered())),
        ),
        (
            "gradient x activation",
            Box::new(|n, x, t| gradient_x_activation(n, x, t, "relu1")),
        ),
    ]
}

fn largest(t: &Tensor) -> f32 {
    t.iter().fold(0.0, |m, v| m.max(v.abs()))
}

#[test]
fn integrated_gradients_are_complete_from_every_baseline_and_more_so_with_more_steps() {
    let net = net(3, 16);
    let x = images(2, 3, 16);
    let other = images(3, 3, 16).index_axis(Axis(0), 2).to_owned();
    for baseline in [
        Baseline::Zero,
        Baseline::MeanColour,
        Baseline::Image(other.clone()),
        Baseline::Several(vec![Baseline::Zero, Baseline::Image(other)]),
    ] {
        for target in [Target::Top, Target::Class(2), Target::TopProbability] {
            let with = |steps| {
                let options = IntegratedGradients::new().baseline(baseline.clone());
                integrated_gradients(&net, &x, &target, &options.steps(steps)).unwrap()
            };
            let (coarse, fine) = (with(3), with(400));
            let mean = |a: &Attribution| -> f32 {
                let gaps = a.completeness_gaps();
                assert_eq!(gaps.len(), 2);
                gaps.iter().map(|g| g.abs()).sum::<f32>() / 2.0
            };
            assert!(mean(&fine) < mean(&coarse), "{baseline:?} {target:?}");
            let starts = &fine.provenance.figures["baseline_value"];
            for i in 0..2 {
                // The gap is what the map's sum says, not another opinion.
                let sum = fine.values.index_axis(Axis(0), i).sum();
                let start = starts[i].as_f64().unwrap() as f32;
                let difference = fine.target_values[i] - start;
                let gap = fine.completeness_gaps()[i];
                assert!((sum - difference - gap).abs() < 1e-4 * difference.abs().max(1.0));
                assert!(gap.abs() < 0.01 * difference.abs().max(0.2), "{gap}");
            }
        }
    }
}

#[test]
fn integrated_gradients_of_a_linear_function_are_exact_in_one_step() {
    let f = from_gradient(|points: &Tensor| {
        let values = points.outer_iter().map(|x| 2.0 * x[0] - 3.0 * x[1]);
        let mut gradients = points.clone();
        for mut row in gradients.outer_iter_mut() {
            (row[0], row[1]) = (2.0, -3.0);
        }
        Ok((values.collect(), gradients))
    });
    let points = Tensor::from_shape_vec(IxDyn(&[2, 2]), vec![1.0, 2.0, -4.0, 0.5]).unwrap();
    let options = IntegratedGradients::new().steps(1);
    let found = integrated_gradients_of(&f, &points, &options).unwrap();
    let expected = [2.0, -6.0, -8.0, -1.5];
    assert_eq!(found.values.iter().copied().collect::<Vec<_>>(), expected);
    assert_eq!(found.target_values, [-4.0, -9.5]);
    assert_eq!(found.completeness_gaps(), [0.0, 0.0]);
}

#[test]
fn smoothgrad_of_a_square_is_known() {
    // d x² / dx = 2x: over copies with noise of sigma, its mean is 2x, its variance 4 sigma², the
    // mean of its squares 4x² + 4 sigma².
    let square = from_gradient(|x: &Tensor| Ok((x.iter().map(|v| v * v).collect(), 2.0 * x)));
    let point = Tensor::from_elem(IxDyn(&[1, 1]), 3.0);
    let options = SmoothGrad::new()
        .samples(20_000)
        .noise(Noise::Absolute(0.5))
        .seed(11);
    for (combine, expected) in [
        (Combine::Mean, 6.0),
        (Combine::Variance, 1.0),
        (Combine::MeanOfSquares, 37.0),
    ] {
        let found = smoothgrad_of(&square, &point, &options.clone().combine(combine)).unwrap();
        let value = found.values[[0, 0]];
        assert!(
            (value - expected).abs() < 0.02 * expected,
            "{combine:?}: {value}"
        );
    }
}

#[test]
fn smoothgrad_without_noise_is_the_map_it_is_made_of() {
    let (net, x) = (net(3, 16), images(2, 3, 16));
    let none = SmoothGrad::new().samples(3).noise(Noise::Absolute(0.0));
    let close = |a: Attribution, b: Attribution| {
        let gap = largest(&(&a.values - &b.values));
        assert!(gap <= 1e-5 * largest(&b.values), "{gap}");
        assert!(largest(&b.values) > 0.0);
    };
    let top = &Target::Top;
    let smooth = |options: SmoothGrad| smoothgrad(&net, &x, top, &options).unwrap();
    close(smooth(none.clone()), saliency(&net, &x, top).unwrap());
    let guided = guided_backprop(&net, &x, top, Seed::One).unwrap();
    close(smooth(none.clone().rule(Rule::Guided)), guided);
    let product = input_x_gradient(&net, &x, top).unwrap();
    close(smooth(none.clone().base(BaseMap::InputXGradient)), product);
    let options = IntegratedGradients::new().steps(5);
    let integrated = integrated_gradients(&net, &x, top, &options).unwrap();
    close(
        smooth(none.clone().base(BaseMap::Integrated(options))),
        integrated,
    );
    let still = smooth(none.combine(Combine::Variance));
    assert_eq!(largest(&still.values), 0.0);
    assert_eq!(still.flags, [[Flag::ZeroMap], [Flag::ZeroMap]]);
}

#[test]
fn relative_noise_is_in_proportion_to_each_images_range() {
    let (net, mut x) = (net(1, 8), images(1, 1, 8));
    x.mapv_inplace(|v| 4.0 * v);
    let low = x.iter().copied().fold(f32::INFINITY, f32::min);
    let high = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let with = |noise| {
        let options = SmoothGrad::new().samples(5).noise(noise);
        smoothgrad(&net, &x, &Target::Top, &options).unwrap().values
    };
    let relative = with(Noise::Relative(0.2));
    assert_eq!(relative, with(Noise::Absolute(0.2 * (high - low))));
    assert_ne!(relative, with(Noise::Absolute(0.2)));
}

#[test]
fn equal_seeds_give_equal_bits_and_other_seeds_other_maps() {
    let (net, x) = (net(3, 16), images(1, 3, 16));
    let with = |seed| {
        let options = SmoothGrad::new().samples(8).seed(seed);
        smoothgrad(&net, &x, &Target::Top, &options).unwrap()
    };
    assert_eq!(with(5).values, with(5).values);
    assert_ne!(with(5).values, with(6).values);
    assert_eq!(with(5).provenance.seed, Some(5));
    assert!(with(5).completeness_gaps().is_empty());
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (net, x) = (net(3, 33), images(3, 3, 33));
    for (name, method) in methods() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            let found = pool.install(|| method(&net, &x, &Target::Top));
            found.unwrap().values
        };
        assert_eq!(with(1), with(3), "{name}");
    }
}

#[test]
fn a_batch_gives_the_maps_of_its_images() {
    let (net, x) = (net(3, 16), images(3, 3, 16));
    for (name, method) in methods() {
        let all = method(&net, &x, &Target::Top).unwrap();
        for i in 0..3 {
            let one = x.slice_axis(Axis(0), Slice::from(i..i + 1)).to_owned();
            let single = method(&net, &one, &Target::Top).unwrap();
            let row = all.values.index_axis(Axis(0), i);
            let gap = largest(&(&row.to_owned() - &single.values.index_axis(Axis(0), 0)));
            assert!(gap <= 1e-5 * largest(&single.values), "{name}: {gap}");
            assert_eq!(all.classes[i], single.classes[0], "{name}");
            assert_eq!(all.flags[i], single.flags[0], "{name}");
        }
    }
}

#[test]
fn more_images_than_fit_into_memory_come_in_their_order() {
    let net = Network::input([1, 8, 8])
        .add("conv1", Conv2d::new(2, 3))
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(1)
        .unwrap();
    let x = images(150, 1, 8);
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = steps.clone();
    let mut watch = Watch::closure(move |p| told.lock().unwrap().push((p.done, p.total)));
    let target = Target::Class(1);
    let all = backprop_watched(&net, &x, &target, Rule::Gradient, Seed::One, &mut watch).unwrap();
    assert_eq!(*steps.lock().unwrap(), [(64, 150), (128, 150), (150, 150)]);
    let logits = net.forward(&x).unwrap();
    for i in 0..150 {
        assert!((all.target_values[i] - logits[[i, 1]]).abs() < 1e-5);
    }
    let layer = layer_activation(&net, &x, "fc").unwrap();
    assert!(largest(&(&layer.values - &logits)) < 1e-5);
    assert_eq!(layer.flags.len(), 150);
}

#[test]
fn any_number_of_channels_and_images_from_8x8_up_will_do() {
    for (channels, size) in [(1, 8), (3, 8), (5, 9), (1, 40), (5, 33)] {
        let (net, x) = (net(channels, size), images(1, channels, size));
        for (name, method) in methods() {
            let found = method(&net, &x, &Target::Top).unwrap();
            let finite = found.values.iter().all(|v| v.is_finite());
            assert!(
                finite && largest(&found.values) > 0.0,
                "{name} {channels} {size}"
            );
            let pixels = found.per_pixel(Reduce::MaxAbs);
            assert_eq!(pixels.dim(), (1, size, size), "{name}");
            assert!(
                found.provenance.to_json().contains("most probable"),
                "{name}"
            );
        }
    }
}

#[test]
fn a_gradient_of_zero_gives_a_zero_map_and_a_flag() {
    // The weights of the class are zero: nothing in the image matters to it.
    let mut net = net(3, 8);
    let mut weight = net.parameter("fc.weight").unwrap().clone();
    weight.index_axis_mut(Axis(0), 2).fill(0.0);
    net.set_parameter("fc.weight", weight).unwrap();
    let x = images(2, 3, 8);
    for (name, method) in methods() {
        let found = method(&net, &x, &Target::Class(2)).unwrap();
        assert!(found.values.iter().all(|v| *v == 0.0), "{name}");
        assert_eq!(found.flags, vec![vec![Flag::ZeroGradient]; 2], "{name}");
    }
}

#[test]
fn grad_cam_says_when_it_has_nothing_to_show() {
    let (mut net, x) = (net(3, 8), images(1, 3, 8));
    // The unit comes before the layer: no gradient reaches it.
    let early = Target::from(Unit::at("conv1", &[0, 4, 4]));
    let found = grad_cam(&net, &x, &early, &GradCam::new()).unwrap();
    assert_eq!(largest(&found.values), 0.0);
    assert_eq!(found.flags[0], [Flag::ZeroGradient]);
    // Everything speaks against the class.
    let weight = net.parameter("fc.weight").unwrap().mapv(|w| -w.abs());
    net.set_parameter("fc.weight", weight).unwrap();
    let cam = |relu| grad_cam(&net, &x, &Target::Class(1), &GradCam::new().relu(relu)).unwrap();
    assert_eq!(largest(&cam(true).values), 0.0);
    assert_eq!(cam(true).flags[0], [Flag::ZeroMap]);
    assert!(cam(false).values.iter().all(|v| *v <= 0.0));
    assert!(cam(false).flags[0].is_empty());
}

#[test]
fn a_saturated_probability_gives_zeros_and_no_nan() {
    let mut net = net(3, 8);
    let bias = Tensor::from_shape_vec(IxDyn(&[4]), vec![0.0, 1e4, 0.0, 0.0]).unwrap();
    net.set_parameter("fc.bias", bias).unwrap();
    for (name, method) in methods() {
        let found = method(&net, &images(1, 3, 8), &Target::TopProbability).unwrap();
        assert!(found.values.iter().all(|v| *v == 0.0), "{name}");
        assert_eq!(found.flags[0], [Flag::ZeroGradient], "{name}");
        assert_eq!(found.target_values, [1.0], "{name}");
        assert_eq!(found.classes, [Some(1)], "{name}");
    }
}

#[test]
fn constant_images_are_flagged_where_it_matters_and_never_nan() {
    let net = net(3, 8);
    for value in [0.0, 0.7] {
        let x = Tensor::from_elem(IxDyn(&[1, 3, 8, 8]), value);
        for (name, method) in methods() {
            let found = method(&net, &x, &Target::Top).unwrap();
            assert!(found.values.iter().all(|v| v.is_finite()), "{name}");
            let zero = largest(&found.values) == 0.0;
            assert_eq!(
                zero,
                found.flags[0].iter().any(|f| *f != Flag::ConstantImage)
            );
            let noisy =
                name.starts_with("Smooth") || name == "VarGrad" || name.starts_with("smooth");
            assert_eq!(
                noisy,
                found.flags[0].contains(&Flag::ConstantImage),
                "{name}"
            );
        }
        let own = IntegratedGradients::new().baseline(Baseline::MeanColour);
        let found = integrated_gradients(&net, &x, &Target::Top, &own).unwrap();
        assert_eq!(largest(&found.values), 0.0);
        assert_eq!(found.flags[0], [Flag::ZeroMap]);
        assert_eq!(found.completeness_gaps(), [0.0]);
    }
}

#[test]
fn a_budget_ends_the_work_early_with_a_flag() {
    let (net, x) = (net(3, 8), images(2, 3, 8));
    let with = |evals| {
        let budget = Budget {
            max_evals: Some(evals),
            ..Budget::default()
        };
        Watch::quiet().budget(budget)
    };
    let unfinished = |done| vec![Flag::Unfinished { done }];
    let top = &Target::Top;

    let plain = |watch: &mut Watch| {
        backprop_watched(&net, &x, top, Rule::Gradient, Seed::One, watch).unwrap()
    };
    let none = plain(&mut with(0));
    assert_eq!(none.flags, vec![unfinished(0.0); 2]);
    assert_eq!(largest(&none.values), 0.0);
    let one = plain(&mut with(1));
    assert_eq!(one.flags, [vec![], unfinished(0.0)]);

    // The image itself, ten copies, the next image, five copies.
    let options = SmoothGrad::new().samples(10);
    let watch = &mut with(17);
    let smooth = smoothgrad_watched(&net, &x, top, &options, watch).unwrap();
    assert_eq!(smooth.flags, [vec![], unfinished(0.5)]);
    assert_eq!((watch.passes().done, watch.passes().total), (17, 22));
    let full = smoothgrad(&net, &x, top, &options.samples(5)).unwrap();
    let gap = &smooth.values.index_axis(Axis(0), 1) - &full.values.index_axis(Axis(0), 1);
    assert!(largest(&gap) <= 1e-5 * largest(&full.values));

    // The image itself, the baseline, ten steps, the next image, its baseline, four steps.
    let options = IntegratedGradients::new().steps(10);
    let watch = &mut with(18);
    let found = integrated_gradients_watched(&net, &x, top, &options, watch).unwrap();
    assert_eq!(found.flags, [vec![], unfinished(0.4)]);
    assert_eq!(watch.passes().total, 24);
    let none = integrated_gradients_watched(&net, &x, top, &options, &mut with(0)).unwrap();
    assert_eq!(none.flags, vec![unfinished(0.0); 2]);
}

#[test]
fn noise_and_baselines_do_not_change_the_class_that_is_explained() {
    let (net, x) = (net(3, 8), images(1, 3, 8));
    let class = net.predict(&x).unwrap()[0];
    let options = SmoothGrad::new().noise(Noise::Relative(3.0)).samples(30);
    let top = smoothgrad(&net, &x, &Target::Top, &options).unwrap();
    let fixed = smoothgrad(&net, &x, &Target::Class(class), &options).unwrap();
    assert_eq!(top.values, fixed.values);
    // As a plain function, the target follows the noise.
    let following = NetworkTarget::new(&net, &Target::Top);
    let following = smoothgrad_of(&following, &x, &options).unwrap();
    assert_ne!(top.values, following.values);
}

#[test]
fn a_closing_softmax_is_looked_behind() {
    let plain = net(3, 8);
    let closed = Network::input([3, 8, 8])
        .add_network("net", &plain)
        .add("softmax", Softmax)
        .build(0)
        .unwrap();
    let x = images(1, 3, 8);
    for target in [Target::Top, Target::Class(0), Target::Probability(3)] {
        let a = saliency(&plain, &x, &target).unwrap();
        let b = saliency(&closed, &x, &target).unwrap();
        assert_eq!(a.values, b.values);
        assert_eq!(a.target_values, b.target_values);
    }
    assert_eq!(grad_cam_layer(&closed).unwrap(), "net.relu2");
}

#[test]
fn grad_cam_of_class_maps_and_global_pooling_is_zhous_class_activation_map() {
    let net = Network::input([3, 8, 8])
        .add("conv1", Conv2d::new(6, 3).same())
        .add("relu1", Relu)
        .add("pool", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(3)
        .unwrap();
    let x = images(1, 3, 8);
    let maps = layer_activation(&net, &x, "relu1").unwrap().values;
    let weights = net.parameter("fc.weight").unwrap();
    let options = GradCam::new().relu(false);
    let found = grad_cam(&net, &x, &Target::Class(1), &options).unwrap();
    assert_eq!(found.provenance.layer.as_deref(), Some("relu1"));
    for y in 0..8 {
        for z in 0..8 {
            let map: f32 = (0..6).map(|c| weights[[1, c]] * maps[[0, c, y, z]]).sum();
            // The mean over 64 places shares the weight out among them.
            assert!((found.values[[0, 0, y, z]] - map / 64.0).abs() < 1e-6);
        }
    }
}

#[test]
fn gradient_x_activation_sums_to_what_the_layer_adds_to_a_logit() {
    // From relu2 on the network is linear where pooling's switches are: its products with the
    // gradient sum to the logit less the bias.
    let (net, x) = (net(3, 16), images(2, 3, 16));
    let target = Target::Class(3);
    let found = gradient_x_activation(&net, &x, &target, "relu2").unwrap();
    let bias = net.parameter("fc.bias").unwrap()[3];
    for i in 0..2 {
        let sum = found.values.index_axis(Axis(0), i).sum();
        assert!((sum - (found.target_values[i] - bias)).abs() < 1e-4);
    }
    let dense = gradient_x_activation(&net, &x, &target, "fc").unwrap();
    assert_eq!(dense.values.shape(), [2, 4]);
    assert_eq!(dense.per_pixel(Reduce::Sum).shape(), [2, 1, 4]);
    assert!((dense.values[[0, 3]] - dense.target_values[0]).abs() < 1e-5);
}

#[test]
fn a_neurons_gradient_stays_in_its_receptive_field() {
    let (net, x) = (net(3, 16), images(1, 3, 16));
    let found = neuron_gradient(&net, &x, &Unit::at("conv1", &[2, 4, 7])).unwrap();
    for ((_, _, y, z), v) in found
        .values
        .view()
        .into_dimensionality::<ndarray::Ix4>()
        .unwrap()
        .indexed_iter()
    {
        let inside = (3..=5).contains(&y) && (6..=8).contains(&z);
        assert_eq!(*v != 0.0, inside, "{y} {z}");
    }
}

#[test]
fn mistakes_are_told_with_what_would_have_done() {
    let (net, x) = (net(3, 16), images(1, 3, 16));
    let dense = Network::input([12])
        .add("fc1", Linear::new(3))
        .build(0)
        .unwrap();
    let vector = Tensor::zeros(IxDyn(&[1, 12]));
    let top = &Target::Top;
    let cam = |layer: &str| grad_cam(&net, &x, top, &GradCam::new().layer(layer));
    let integrate = |options: IntegratedGradients| integrated_gradients(&net, &x, top, &options);
    let smooth = |options: SmoothGrad| smoothgrad(&net, &x, top, &options);
    let square = from_gradient(|x: &Tensor| Ok((x.iter().map(|v| v * v).collect(), 2.0 * x)));
    let few = from_gradient(|x: &Tensor| Ok((vec![1.0], x.clone())));
    let wild = from_gradient(|x: &Tensor| Ok((vec![1.0; x.shape()[0]], x.mapv(|_| f32::NAN))));
    let guided = SmoothGrad::new().rule(Rule::Guided);
    let unit = Unit::at("relu9", &[0, 0, 0]);
    for (found, words) in [
        (saliency(&net, &x, &Target::Class(4)), "no class 4"),
        (saliency(&net, &x, &Target::Probability(9)), "0 to 3"),
        (saliency(&net, &images(1, 3, 8), top), "16, 16"),
        (
            saliency(&net, &Tensor::zeros(IxDyn(&[0, 3, 16, 16])), top),
            "at least one",
        ),
        (neuron_gradient(&net, &x, &unit), "did you mean \"relu"),
        (
            neuron_gradient(&net, &x, &Unit::at("conv1", &[6, 0, 0])),
            "[6, 16, 16]",
        ),
        (
            neuron_gradient(&net, &x, &Unit::channel("conv1", 6)),
            "0 to 5",
        ),
        (cam("conv3"), "did you mean \"conv"),
        (cam("fc"), "\"fc\" gives [4]; \"relu2\" would do"),
        (cam("flatten"), "feature maps [channels, height, width]"),
        (
            grad_cam(&dense, &vector, top, &GradCam::new()),
            "fully connected",
        ),
        (
            layer_activation(&net, &x, "poool1"),
            "did you mean \"pool1\"",
        ),
        (
            gradient_x_activation(&net, &x, top, "bn2"),
            "did you mean \"bn1\"",
        ),
        (
            integrate(IntegratedGradients::new().steps(0)),
            "at least 1, got 0",
        ),
        (
            integrate(IntegratedGradients::new().baseline(Baseline::Several(vec![]))),
            "at least one, got none",
        ),
        (
            integrate(IntegratedGradients::new().baseline(Baseline::Image(vector.clone()))),
            "expected an image like the others, [3, 16, 16], got [1, 12]",
        ),
        (smooth(SmoothGrad::new().samples(0)), "at least 1, got 0"),
        (
            smooth(SmoothGrad::new().noise(Noise::Relative(-0.1))),
            "got -0.1",
        ),
        (
            smooth(SmoothGrad::new().noise(Noise::Absolute(f32::NAN))),
            "got NaN",
        ),
        (smoothgrad_of(&square, &vector, &guided), "got \"guided\""),
        (
            smoothgrad_of(&few, &vector, &SmoothGrad::new()),
            "expected 50 values, got [1]",
        ),
        (smoothgrad_of(&wild, &vector, &SmoothGrad::new()), "NaN"),
        (
            guided_grad_cam(&net, &x, top, &GradCam::new().upsampling(Upsampling::None)),
            "expected Upsampling::Bilinear or Nearest, got None",
        ),
    ] {
        let error = found.expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn what_a_notebook_holds_can_be_sent_cloned_and_shown() {
    fn held<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    held::<Attribution>();
    held::<Baseline>();
    held::<BaseMap>();
    held::<Combine>();
    held::<GradCam>();
    held::<IntegratedGradients>();
    held::<NetworkTarget>();
    held::<Noise>();
    held::<Quadrature>();
    held::<Seed>();
    held::<SmoothGrad>();
    held::<Upsampling>();
}
