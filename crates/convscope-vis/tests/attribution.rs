//! What holds of the gradient methods on any network.

#[path = "common/attribution_small.rs"]
mod attribution_small;

use attribution_small::{images, largest, methods, net};
use convscope_nn::{
    Conv2d, Flatten, GlobalAvgPool2d, Linear, Network, Relu, Rule, Softmax, Tensor, Unit,
};
use convscope_vis::*;
use ndarray::{Axis, IxDyn, Slice};
use std::sync::{Arc, Mutex};

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
