//! What attacks must do on a network that was trained in the test.

use convscope_data::{Dataset, InkDigits, Preprocessing};
use convscope_nn::{
    Adam, BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, Network, Relu, Softmax, Tensor,
    Training,
};
use convscope_vis::{
    AdversarialTraining, Attack, Bounds, Budget, Encoding, Evolution, Fgsm, Flag, FoolingAscent,
    Goal, Norm, Pgd, Probabilities, Rotation, SmallestPerturbation, Units, VisError, Watch,
    accuracy_against_epsilon, evolve, evolve_watched, fgsm, fooling_images, fooling_images_watched,
    pgd, pgd_watched, rotate_towards_gradient, smallest_perturbation,
    smallest_perturbation_watched,
};
use ndarray::s;
use std::sync::LazyLock;

fn digits(n: usize, seed: u64) -> Dataset {
    let mut set = InkDigits::generate(n, seed);
    set.images.mapv_inplace(|v| v / 255.0);
    set
}

/// Softmax regression, as in the paper's first experiment, with its training and test sets.
static REGRESSION: LazyLock<(Network, Dataset, Dataset)> = LazyLock::new(|| {
    let (train, test) = (digits(2000, 1), digits(300, 2));
    let mut net = Network::input([1, 28, 28])
        .add("flatten", Flatten)
        .add("fc", Linear::new(10))
        .build(1)
        .unwrap();
    let training = Training::new(Adam::new(0.005))
        .epochs(8)
        .batch_size(50)
        .quiet();
    training.fit(&mut net, &train, &test).unwrap();
    (net, train, test)
});

fn unit() -> Bounds {
    Bounds::range(0.0, 1.0).unwrap()
}

fn some(set: &Dataset, n: usize) -> (Tensor, Vec<usize>) {
    (
        set.images.slice(s![..n, .., .., ..]).to_owned().into_dyn(),
        set.labels[..n].to_vec(),
    )
}

#[test]
fn the_error_under_fgsm_grows_with_epsilon() {
    let (net, _, test) = &*REGRESSION;
    let epsilons = [0.0, 0.05, 0.1, 0.25];
    let attack = Attack::from(Fgsm::new(0.0, unit()));
    let curve = accuracy_against_epsilon(net, &test.images, &test.labels, &attack, &epsilons);
    let curve = curve.unwrap();
    println!("{:?}", curve.accuracy);
    assert!(curve.accuracy[0] > 0.85, "{:?}", curve.accuracy);
    assert!(
        curve.accuracy.windows(2).all(|w| w[1] < w[0]),
        "{:?}",
        curve.accuracy
    );
    assert!(
        curve.accuracy[3] < 0.03,
        "the paper: an error of 99.9 %; {:?}",
        curve.accuracy
    );
    assert!(curve.confidence_when_wrong[3] > 0.5);
}

#[test]
fn pgd_is_at_least_as_strong_as_fgsm_and_stays_in_its_ball() {
    let net = Network::input([1, 28, 28])
        .add("conv", Conv2d::new(6, 5).stride(2))
        .add("relu", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(10));
    let mut net = net.build(3).unwrap();
    let (_, train, test) = &*REGRESSION;
    let training = Training::new(Adam::new(0.003))
        .epochs(3)
        .batch_size(50)
        .quiet();
    training.fit(&mut net, train, test).unwrap();
    let (images, labels) = some(test, 100);
    for epsilon in [0.03, 0.08] {
        let away = Goal::AwayFrom(labels.clone());
        let one = fgsm(
            &net,
            &images,
            &Fgsm::new(epsilon, unit()).goal(away.clone()),
        )
        .unwrap();
        let settings = Pgd::new(epsilon, unit()).goal(away.clone());
        let many = pgd(&net, &images, &settings).unwrap();
        assert!(
            many.success() >= one.success(),
            "{} {}",
            many.success(),
            one.success()
        );
        for random in [settings.clone(), settings.clone().random_start(4)] {
            let fooled = pgd(&net, &images, &random).unwrap();
            assert!(fooled.distance.iter().all(|d| d.linf <= epsilon + 1e-6));
        }
        let round = Pgd::new(20.0 * epsilon, unit()).norm(Norm::Two).goal(away);
        for round in [round.clone(), round.random_start(4)] {
            let fooled = pgd(&net, &images, &round).unwrap();
            assert!(
                fooled
                    .distance
                    .iter()
                    .all(|d| d.l2 <= 20.0 * epsilon + 1e-4)
            );
            assert!(fooled.images.iter().all(|v| (0.0..=1.0).contains(v)));
            assert!(fooled.success() > 0.2);
        }
    }
}

#[test]
fn epsilon_is_counted_on_the_pixel_scale_whatever_the_preprocessing() {
    let net = Network::input([3, 8, 8])
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(5)
        .unwrap();
    let pixels = ndarray::Array3::from_elem((3, 8, 8), 0.5);
    for preprocessing in [Preprocessing::torchvision(8), Preprocessing::caffe_vgg()] {
        let input = preprocessing.normalise(pixels.view()).unwrap();
        let images = input.insert_axis(ndarray::Axis(0)).into_dyn();
        let settings = Fgsm::new(0.1, Bounds::of(&preprocessing).unwrap());
        let fooled = fgsm(&net, &images, &settings).unwrap();
        let moved = fooled.images.index_axis(ndarray::Axis(0), 0).to_owned();
        let seen = preprocessing
            .pixels(moved.into_dimensionality().unwrap().view())
            .unwrap();
        for v in &seen {
            assert!(((v - 0.5).abs() - 0.1).abs() < 1e-5, "{v}");
        }
        let network = fgsm(&net, &images, &settings.units(Units::Network)).unwrap();
        assert!((network.distance[0].linf - 0.1).abs() < 1e-4);
    }
}

#[test]
fn the_smallest_perturbation_fools_and_is_smaller_than_fgsms() {
    let (net, _, test) = &*REGRESSION;
    let (images, _) = some(test, 12);
    let settings = SmallestPerturbation::new(unit());
    let least = smallest_perturbation(net, &images, &settings).unwrap();
    assert!(least.fooled.iter().all(|&f| f), "{:?}", least.flags);
    assert!(least.images.iter().all(|v| (0.0..=1.0).contains(v)));
    for i in 0..12 {
        // The weakest sign attack of a fine scale that fools.
        let one = images.slice(s![i..=i, .., .., ..]).to_owned().into_dyn();
        let weakest = (1..=60).find_map(|k| {
            let fooled = fgsm(net, &one, &Fgsm::new(k as f32 * 0.005, unit())).unwrap();
            fooled.fooled[0].then_some(fooled.distance[0].l2)
        });
        let weakest = weakest.expect("0.3 fools a softmax regression");
        assert!(
            least.distance[i].l2 < weakest,
            "{i}: {} {weakest}",
            least.distance[i].l2
        );
    }
}

/// Between two classes the nearest point of the other side of a line has a closed form: the
/// distance of the logits over the length of the weights' difference.
#[test]
fn the_smallest_perturbation_of_a_linear_network_is_the_distance_to_the_boundary() {
    let net = Network::input([1, 4, 4])
        .add("flatten", Flatten)
        .add("fc", Linear::new(2))
        .build(8)
        .unwrap();
    let image = Tensor::from_shape_fn(vec![1, 1, 4, 4], |i| (i[2] * 4 + i[3]) as f32 / 15.0);
    let logits = net.forward(&image).unwrap();
    let w = net.parameter("fc.weight").unwrap();
    let apart: f32 = (0..16)
        .map(|i| (w[[0, i]] - w[[1, i]]).powi(2))
        .sum::<f32>()
        .sqrt();
    let distance = (logits[[0, 0]] - logits[[0, 1]]).abs() / apart;
    let settings = SmallestPerturbation::new(Bounds::none()).searches(16);
    let found = smallest_perturbation(&net, &image, &settings).unwrap();
    let got = found.distance[0].l2;
    assert!(
        found.fooled[0] && got >= distance * 0.999 && got < distance * 1.01,
        "{got} {distance}"
    );
    let towards = settings.goal(Goal::towards(found.after[0].class));
    let found = smallest_perturbation(&net, &image, &towards).unwrap();
    assert!((found.distance[0].l2 - got).abs() < 0.01 * got);
}

#[test]
fn ascent_from_the_mean_image_makes_the_network_sure() {
    let (net, _, _) = &*REGRESSION;
    let classes: Vec<usize> = (0..10).collect();
    let settings = FoolingAscent::new(unit()).seed(3);
    let images = fooling_images(net, [1, 28, 28], &classes, &settings).unwrap();
    assert!(
        images.confidence.iter().all(|&p| p >= 0.9999),
        "{:?}",
        images.confidence
    );
    assert!(images.flags.iter().all(Vec::is_empty));
    assert_eq!(net.predict(&images.images).unwrap(), classes);
    assert!(images.curves.iter().all(|c| c[0] < 0.9999 && c.len() > 1));
    let again = fooling_images(net, [1, 28, 28], &classes, &settings).unwrap();
    assert_eq!(again.images, images.images);
    let short = settings.iterations(1);
    let short = fooling_images(net, [1, 28, 28], &classes, &short).unwrap();
    assert!(short.flags.iter().any(|f| f.contains(&Flag::NotReached)));
}

#[test]
fn evolution_finds_higher_confidences_and_never_loses_one() {
    let (net, _, _) = &*REGRESSION;
    let model = Probabilities(net);
    for encoding in [Encoding::Direct, Encoding::Cppn] {
        let settings = Evolution::new(unit())
            .encoding(encoding)
            .evaluations(3000)
            .seed(2);
        let archive = evolve(&model, [1, 28, 28], &settings).unwrap();
        assert_eq!(archive.elites.len(), 10);
        let (first, last) = (archive.curve[0].1, archive.curve.last().unwrap().1);
        println!("{encoding:?}: {first} to {last}");
        // A regular picture fools a linear network at once: what is left to gain counts.
        assert!(
            1.0 - last < 0.1 * (1.0 - first),
            "{encoding:?}: {first} {last}"
        );
        assert!(
            archive
                .curve
                .windows(2)
                .all(|w| w[1].1 >= w[0].1 && w[1].0 > w[0].0)
        );
        for elite in &archive.elites {
            let image = elite.image.clone().insert_axis(ndarray::Axis(0)).into_dyn();
            let p = net.probabilities(&image).unwrap()[[0, elite.class]];
            assert!((p - elite.confidence).abs() < 1e-5);
            assert!(image.iter().all(|v| (0.0..=1.0).contains(v)));
        }
        let again = evolve(&model, [1, 28, 28], &settings).unwrap();
        for (a, b) in archive.elites.iter().zip(&again.elites) {
            assert_eq!(a.image, b.image);
            assert_eq!((a.confidence, a.evaluation), (b.confidence, b.evaluation));
        }
    }
}

#[test]
fn a_budget_of_nothing_gives_flagged_results() {
    let (net, _, test) = &*REGRESSION;
    let (images, _) = some(test, 3);
    let none = || {
        Watch::quiet().budget(Budget {
            max_evals: Some(0),
            time: None,
        })
    };
    let unfinished =
        |flags: &[Flag]| matches!(flags, [.., Flag::Unfinished { done }] if *done == 0.0);
    let settings = Evolution::new(unit());
    for archive in [
        evolve(net, [1, 28, 28], &settings.clone().evaluations(0)).unwrap(),
        evolve_watched(net, [1, 28, 28], &settings, &mut none()).unwrap(),
    ] {
        assert!(archive.elites.is_empty() && archive.curve.is_empty());
        assert!(unfinished(&archive.flags));
    }
    let same = pgd_watched(net, &images, &Pgd::new(0.1, unit()), &mut none()).unwrap();
    assert_eq!(same.images, images);
    assert!(same.flags.iter().all(|f| unfinished(f)));
    let settings = SmallestPerturbation::new(unit());
    let same = smallest_perturbation_watched(net, &images, &settings, &mut none()).unwrap();
    assert_eq!(same.images, images);
    assert!(same.flags.iter().all(|f| unfinished(f)));
    let settings = FoolingAscent::new(unit());
    let start = fooling_images_watched(net, [1, 28, 28], &[1, 2], &settings, &mut none()).unwrap();
    assert!(start.flags.iter().all(|f| unfinished(f)));
}

#[test]
fn a_rotation_keeps_the_length_and_turns_by_its_angle() {
    let (net, _, test) = &*REGRESSION;
    let (images, labels) = some(test, 20);
    let loss = |images: &Tensor| {
        let logits = net.forward(images).unwrap();
        convscope_nn::cross_entropy(&logits, &labels).unwrap().0
    };
    let goal = Goal::AwayFrom(labels.clone());
    for degrees in [0.0_f32, 5.0, 30.0] {
        let settings = Rotation::new(degrees, unit()).goal(goal.clone());
        let turned = rotate_towards_gradient(net, &images, &settings).unwrap();
        for (a, b) in images.outer_iter().zip(turned.images.outer_iter()) {
            let dot = |x: &ndarray::ArrayViewD<'_, f32>, y: &ndarray::ArrayViewD<'_, f32>| -> f64 {
                x.iter()
                    .zip(y)
                    .map(|(&x, &y)| f64::from(x) * f64::from(y))
                    .sum()
            };
            let (aa, bb, ab) = (dot(&a, &a), dot(&b, &b), dot(&a, &b));
            assert!((aa / bb - 1.0).abs() < 1e-4);
            let angle = (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0).acos().to_degrees();
            assert!(
                (angle - f64::from(degrees)).abs() < 0.1,
                "{angle} {degrees}"
            );
        }
        assert!(degrees == 0.0 || loss(&turned.images) > loss(&images));
    }
}

#[test]
fn adversarial_training_buys_accuracy_under_attack() {
    let (_, train, test) = &*REGRESSION;
    let fresh = || {
        let net = Network::input([1, 28, 28])
            .add("conv", Conv2d::new(8, 5).stride(2))
            .add("norm", BatchNorm2d::new())
            .add("relu", Relu)
            .add("flatten", Flatten)
            .add("fc", Linear::new(10));
        net.build(3).unwrap()
    };
    let attack = Attack::from(Fgsm::new(0.1, unit()));
    let accuracy = |net: &Network| {
        let both = [0.0, 0.1];
        accuracy_against_epsilon(net, &test.images, &test.labels, &attack, &both)
            .unwrap()
            .accuracy
    };
    let mut usual = fresh();
    let training = Training::new(Adam::new(0.003))
        .epochs(3)
        .batch_size(64)
        .quiet();
    training.fit(&mut usual, train, test).unwrap();
    let run = || {
        let mut net = fresh();
        let mut training = AdversarialTraining::new(attack.clone(), Adam::new(0.003)).seed(1);
        let losses: Vec<f64> = (0..3)
            .map(|_| training.epoch(&mut net, train).unwrap().attacked_loss)
            .collect();
        (net, losses)
    };
    let (hardened, losses) = run();
    let (usual, hard) = (accuracy(&usual), accuracy(&hardened));
    println!("usual {usual:?}, hardened {hard:?}");
    assert!(hard[1] > usual[1] + 0.15, "{usual:?} {hard:?}");
    assert!(hard[0] > 0.8, "running statistics were learned: {hard:?}");
    assert!(losses[2] < losses[0]);
    assert_eq!(
        run().0.parameters(),
        hardened.parameters(),
        "equal seeds, equal bits"
    );
}

#[test]
fn what_cannot_be_fooled_is_flagged_and_never_nan() {
    // A network whose every unit is dead: its gradient is zero.
    let mut net = Network::input([5, 8, 8])
        .add("conv", Conv2d::new(4, 3))
        .add("relu", Relu)
        .add("gap", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(1)
        .unwrap();
    net.set_parameter("conv.bias", Tensor::from_elem(vec![4], -100.0))
        .unwrap();
    let images = Tensor::zeros(vec![2, 5, 8, 8]);
    let one = fgsm(&net, &images, &Fgsm::new(0.1, unit())).unwrap();
    let many = pgd(&net, &images, &Pgd::new(0.1, unit()).norm(Norm::Two)).unwrap();
    let turned = rotate_towards_gradient(&net, &images, &Rotation::new(10.0, unit())).unwrap();
    for fooled in [&one, &many, &turned] {
        assert_eq!(fooled.images, images);
        assert!(
            fooled.flags.iter().all(|f| f == &[Flag::ZeroGradient]),
            "{:?}",
            fooled.flags
        );
    }
    let least = smallest_perturbation(&net, &images, &SmallestPerturbation::new(unit())).unwrap();
    assert!(least.flags.iter().all(|f| f == &[Flag::NotReached]));
    let other = 1 + one.before[0].class % 2;
    let up = fooling_images(&net, [5, 8, 8], &[other % 3], &FoolingAscent::new(unit())).unwrap();
    assert!(up.flags[0].contains(&Flag::ZeroGradient) && up.confidence[0].is_finite());
}

#[test]
fn a_network_that_ends_in_a_softmax_is_fooled_by_its_logits() {
    let (net, _, test) = &*REGRESSION;
    let mut with = Network::input([1, 28, 28])
        .add("flatten", Flatten)
        .add("fc", Linear::new(10))
        .add("softmax", Softmax)
        .build(1)
        .unwrap();
    for path in ["fc.weight", "fc.bias"] {
        with.set_parameter(path, net.parameter(path).unwrap().clone())
            .unwrap();
    }
    let (images, _) = some(test, 4);
    let settings = Fgsm::new(0.1, unit());
    let (a, b) = (
        fgsm(net, &images, &settings).unwrap(),
        fgsm(&with, &images, &settings).unwrap(),
    );
    assert_eq!(a.images, b.images);
    assert_eq!(a.after, b.after);
}

#[test]
fn wrong_input_is_told() {
    let (net, _, test) = &*REGRESSION;
    let (images, _) = some(test, 3);
    let told = |error: VisError, part: &str| {
        let error = error.to_string();
        assert!(error.contains(part), "{part} in {error}");
    };
    let fgsm_of = |f: Fgsm| fgsm(net, &images, &f).unwrap_err();
    told(
        fgsm_of(Fgsm::new(0.1, unit()).goal(Goal::towards(10))),
        "no class 10",
    );
    told(fgsm_of(Fgsm::new(-0.1, unit())), "at least 0, got -0.1");
    told(fgsm_of(Fgsm::new(f32::NAN, unit())), "NaN");
    told(
        fgsm_of(Fgsm::new(0.1, unit()).goal(Goal::AwayFrom(vec![1, 2]))),
        "each of 3 images",
    );
    let rgb = Bounds::of(&Preprocessing::cifar10()).unwrap();
    told(fgsm_of(Fgsm::new(0.1, rgb)), "[3, 1, 1]");
    let small = Tensor::zeros(vec![1, 1, 8, 8]);
    told(
        fgsm(net, &small, &Fgsm::new(0.1, unit())).unwrap_err(),
        "28",
    );
    let rotation = Rotation::new(91.0, unit());
    told(
        rotate_towards_gradient(net, &images, &rotation).unwrap_err(),
        "0 to 90",
    );
    let searches = SmallestPerturbation::new(unit()).searches(0);
    told(
        smallest_perturbation(net, &images, &searches).unwrap_err(),
        "at least one search",
    );
    let evolution = Evolution::new(unit()).classes([12]).evaluations(10);
    told(
        evolve(net, [1, 28, 28], &evolution).unwrap_err(),
        "no class 12",
    );
    told(
        evolve(net, [1, 28, 28], &Evolution::new(Bounds::none())).unwrap_err(),
        "got none",
    );
    let ascent = FoolingAscent::new(unit());
    told(
        fooling_images(net, [1, 28, 28], &[10], &ascent).unwrap_err(),
        "no class 10",
    );
    told(
        fooling_images(net, [1, 28, 28], &[], &ascent).unwrap_err(),
        "at least one class",
    );
    let sure = ascent.confidence(1.0);
    told(
        fooling_images(net, [1, 28, 28], &[1], &sure).unwrap_err(),
        "between 0 and 1",
    );
    let attack = Attack::from(Fgsm::new(0.0, unit()));
    let error = accuracy_against_epsilon(net, &images, &[1], &attack, &[0.1]).unwrap_err();
    told(error, "each of 3 images");
}

#[test]
fn what_a_notebook_may_hold_can_be_kept_and_sent() {
    fn kept<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
    fn sent<T: std::fmt::Debug + Send + Sync + 'static>() {}
    kept::<(
        Bounds,
        Fgsm,
        Pgd,
        Rotation,
        SmallestPerturbation,
        FoolingAscent,
        Evolution,
        Attack,
    )>();
    kept::<(
        convscope_vis::Fooled,
        convscope_vis::FoolingImages,
        convscope_vis::Archive,
    )>();
    kept::<(
        convscope_vis::Robustness,
        convscope_vis::Elite,
        convscope_vis::AdversarialEpoch,
    )>();
    sent::<AdversarialTraining>();
}

#[test]
fn equal_seeds_give_equal_bits_for_any_number_of_threads() {
    let (net, _, test) = &*REGRESSION;
    let (images, _) = some(test, 10);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let settings = Evolution::new(unit()).evaluations(300).seed(9);
            let archive = evolve(&Probabilities(net), [1, 28, 28], &settings).unwrap();
            let pictures: Vec<_> = archive.elites.into_iter().map(|e| e.image).collect();
            let settings = Pgd::new(0.1, unit()).random_start(5).norm(Norm::Two);
            (pictures, pgd(net, &images, &settings).unwrap().images)
        })
    };
    assert_eq!(run(1), run(3));
}
