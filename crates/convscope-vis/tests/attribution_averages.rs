//! What holds of integrated gradients and SmoothGrad: averages of gradients.

#[path = "common/attribution_small.rs"]
mod attribution_small;

use attribution_small::{images, largest, net};
use convscope_nn::{Rule, Tensor};
use convscope_vis::*;
use ndarray::{Axis, IxDyn};

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

    // The image itself, three copies of a baseline and four steps each; no part of a fourth.
    let base = BaseMap::Integrated(IntegratedGradients::new().steps(4));
    let options = SmoothGrad::new().samples(6).base(base);
    let one = images(1, 3, 8);
    let smooth = smoothgrad_watched(&net, &one, top, &options, &mut with(19)).unwrap();
    assert_eq!(smooth.flags, [unfinished(0.5)]);
    let full = smoothgrad(&net, &one, top, &options.samples(3)).unwrap();
    assert_eq!(smooth.values, full.values);

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
