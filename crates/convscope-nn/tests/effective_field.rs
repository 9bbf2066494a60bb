//! Effective receptive fields, against those that a sum gives.

use convscope_nn::*;

/// Convolutions of one filter whose weights are all alike.
fn uniform(layers: &[(usize, usize)], size: usize) -> Network {
    let mut b = Network::input([1, size, size]);
    for (i, &(kernel, stride)) in layers.iter().enumerate() {
        let name = format!("conv{}", i + 1);
        let layer = Conv2d::new(1, kernel).stride(stride).no_bias();
        b = b.add(&name, layer.padding(Padding::Each(kernel / 2)));
    }
    let mut net = b.build(1).unwrap();
    for (i, &(kernel, _)) in layers.iter().enumerate() {
        let weight = Tensor::from_elem(vec![1, 1, kernel, kernel], 1.0);
        net.set_parameter(&format!("conv{}.weight", i + 1), weight)
            .unwrap();
    }
    net
}

fn close(a: [f64; 2], b: f64, tolerance: f64, what: &str) {
    assert!(
        a.iter().all(|v| (v - b).abs() < tolerance),
        "{what}: {a:?}, expected {b}"
    );
}

#[test]
fn of_uniform_filters_the_field_is_the_box_folded_with_itself() {
    // Three 3x3: 1 3 6 7 6 3 1 in each direction.
    let net = uniform(&[(3, 1); 3], 15);
    let field = net.effective_field("conv3", 1, 1).unwrap();
    let row = [1.0, 3.0, 6.0, 7.0, 6.0, 3.0, 1.0];
    for y in 0..15 {
        for x in 0..15 {
            let at = |i: usize| i.checked_sub(4).and_then(|i| row.get(i)).unwrap_or(&0.0);
            assert_eq!(field.map[[y, x]], at(y) * at(x), "{y} {x}");
        }
    }
    // The variances of three boxes of 3 add up: 3 (9 - 1) / 12.
    close(field.deviation(), 2f64.sqrt(), 1e-9, "deviation");
    assert_eq!(field.unit, [7, 7]);
    assert_eq!((field.theoretical.top, field.theoretical.bottom), (4, 11));
    // 27 in all; within 2.5 to each side of the middle lie 25, so 95.45 % end in the last pixel.
    let share = 0.954_499_736 * 27.0 - 25.0;
    close(field.size(), 5.0 + 2.0 * share / 2.0, 1e-6, "size");
    close(field.ratio(), field.size()[0] / 7.0, 1e-9, "ratio");
    // All but the corners' 1 1 (and 1 x 1, 3 x 1 ...) of 49: more than 4.55 % of 49 is 3 and more.
    let counted = field.map.iter().filter(|v| **v > 0.0455 * 49.0).count() as f64;
    assert!((field.pixels_that_matter() - counted.sqrt()).abs() < 1e-9);
}

#[test]
fn one_uniform_filter_matters_as_far_as_it_reaches() {
    let net = uniform(&[(7, 1)], 15);
    let field = net.effective_field("conv1", 1, 1).unwrap();
    close(field.size(), 0.954_499_736 * 7.0, 1e-6, "size");
    close(field.size_holding(1.0), 7.0, 1e-6, "all");
    close(field.size_holding(0.5), 3.5, 1e-6, "half");
    close(
        field.pixels_that_matter().into_pair(),
        7.0,
        1e-9,
        "every pixel",
    );
}

trait Pair {
    fn into_pair(self) -> [f64; 2];
}

impl Pair for f64 {
    fn into_pair(self) -> [f64; 2] {
        [self; 2]
    }
}

#[test]
fn variances_add_up_under_strides_too() {
    // Sum of jump^2 (k^2 - 1) / 12.
    let net = uniform(&[(3, 2), (5, 2), (3, 1)], 96);
    let field = net.effective_field("conv3", 1, 1).unwrap();
    let variance: f64 = (8.0 + 4.0 * 24.0 + 16.0 * 8.0) / 12.0;
    close(field.deviation(), variance.sqrt(), 1e-6, "deviation");
}

#[test]
fn a_deep_field_grows_as_the_root_of_the_depth() {
    let share = |depth: usize| {
        let net = uniform(&vec![(3, 1); depth], 65);
        let name = format!("conv{depth}");
        net.effective_field(&name, 1, 1).unwrap().ratio()[0]
    };
    let (shallow, deep) = (share(4), share(16));
    // 4 sqrt(2 n / 3) of 2 n + 1.
    assert!(deep < 0.6 * shallow, "{shallow} {deep}");
    assert!(
        (deep - 4.0 * (32.0_f64 / 3.0).sqrt() / 33.0).abs() < 0.02,
        "{deep}"
    );
}

/// With as many channels as fast convolutions begin at.
fn branched() -> Network {
    Network::input([3, 24, 20])
        .add("conv1", Conv2d::new(16, 3).same())
        .add("bn1", BatchNorm2d::new())
        .add("relu1", Relu)
        .add("pool", MaxPool2d::new(2))
        .block("block", |b| {
            b.add("conv1", Conv2d::new(16, 3).same())
                .add("relu1", Relu)
                .add_after(&["relu1", "input"], "add", Add)
        })
        .add("global", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(3)
        .unwrap()
}

#[test]
fn nothing_outside_the_theoretical_field_matters() {
    let net = branched();
    for node in ["conv1", "pool", "block", "fc"] {
        let field = net.effective_field(node, 5, 2).unwrap();
        let seen = field.theoretical.clipped(24, 20);
        assert!(field.map.sum() > 0.0, "{node}");
        for ((y, x), v) in field.map.indexed_iter() {
            let (y, x) = (y as isize, x as isize);
            let inside =
                (seen.top..seen.bottom).contains(&y) && (seen.left..seen.right).contains(&x);
            assert!(inside || *v == 0.0, "{node}: {v} at {y} {x}");
        }
    }
}

#[test]
fn a_seed_gives_the_same_field_and_another_seed_another() {
    let net = branched();
    let one = net.effective_field("block", 40, 7).unwrap();
    assert_eq!(one, net.effective_field("block", 40, 7).unwrap());
    assert_ne!(one.map, net.effective_field("block", 40, 8).unwrap().map);
    assert_eq!(
        (one.node.as_str(), one.images, one.seed),
        ("block.add", 40, 7)
    );
}

#[test]
fn given_images_are_used_as_they_are() {
    // Of a ReLU that is off, nothing matters.
    let mut net = Network::input([1, 9, 9])
        .add("conv", Conv2d::new(1, 3).same())
        .add("relu", Relu)
        .build(1)
        .unwrap();
    net.set_parameter("conv.weight", Tensor::ones(vec![1, 1, 3, 3]))
        .unwrap();
    let mut images = Tensor::ones(vec![2, 1, 9, 9]);
    let on = net.effective_field_on("relu", &images, 1).unwrap();
    assert_eq!((on.images, on.map.sum()), (2, 9.0));
    images.index_axis_mut(ndarray::Axis(0), 0).fill(-1.0);
    let half = net.effective_field_on("relu", &images, 1).unwrap();
    assert_eq!(half.map.sum(), 4.5);
    let dark = Tensor::from_elem(vec![1, 1, 9, 9], -1.0);
    let off = net.effective_field_on("relu", &dark, 1).unwrap();
    assert_eq!(
        (off.size(), off.deviation(), off.ratio()),
        ([0.0; 2], [0.0; 2], [0.0; 2])
    );
}

#[test]
fn what_cannot_be_measured_is_said() {
    let net = branched();
    let vectors = Network::input([7])
        .add("fc", Linear::new(3))
        .build(1)
        .unwrap();
    for (result, word) in [
        (net.effective_field("conv9", 3, 1), "conv9"),
        (net.effective_field("pool", 0, 1), "at least one image"),
        (
            net.effective_field_on("pool", &Tensor::zeros(vec![2, 3, 9, 9]), 1),
            "24",
        ),
        (vectors.effective_field("fc", 3, 1), "an image"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
