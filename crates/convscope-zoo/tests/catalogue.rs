//! What the catalogue says about its architectures, against what was published and what they do.

use convscope_nn::{Init, Network, Tensor};
use convscope_zoo::{Entry, Options, ZooError, entries, get, names};
use std::collections::HashSet;

/// Parameters and multiply-adds from elsewhere than torchvision (whose figures stand in a fixture
/// of their own): the figure, and the value of its last digit, to which it may be rounded or cut.
/// Papers' figures; the facts that the lectures give; where nobody has published one, sums of
/// `outputs x weights each` over the layers, by hand.
const PUBLISHED: &[(&str, usize, f64, f64)] = &[
    // 28² 6 25 + 10² 16 150 + 120 400 + 84 120 + 10 84
    ("lenet5", 61_706, 416_520.0, 1.0),
    // Caffe's bvlc_alexnet: 724M.
    ("alexnet_two_towers", 60_965_224, 724e6, 1e6),
    ("alexnet_one_tower", 62_378_344, 1_135_256_096.0, 1.0),
    // 110² 96 147 + 26² 256 2400 + 13² (384 2304 + 384 3456 + 256 3456) + 58,621,952
    ("zfnet", 62_357_608, 1_168_032_896.0, 1.0),
    // 32² (192 75 + 160 192 + 96 160) + 16² (192 2400 + 2 192²) + 8² (192 1728 + 192² + 10 192)
    ("nin_cifar10", 966_986, 222_486_528.0, 1.0),
    // 54² (96 363 + 2 96²) + 27² (256 2400 + 2 256²) + 13² (384 2304 + 2 384²)
    //   + 6² (1024 3456 + 1024² + 1000 1024)
    ("nin", 7_595_176, 1_100_188_800.0, 1.0),
    ("vgg_a", 132_863_336, 7.609e9, 1e6),
    ("vgg_a_lrn", 132_863_336, 7.609e9, 1e6),
    ("vgg_b", 133_047_848, 11.308e9, 1e6),
    // B's, and 56² 256² + 28² 512² + 14² 512² for its filters of 1x1
    ("vgg_c", 133_638_952, 11.771e9, 1e6),
    ("vgg_d", 138_357_544, 15.47e9, 1e7),
    ("vgg_e", 143_667_240, 19.632e9, 1e6),
    // The paper's budget: 1.5 thousand million.
    ("googlenet_2014", 6_998_552, 1.5e9, 1e8),
    // Table 1: 3.8, 7.6 and 11.3 thousand million.
    ("resnet50_2015", 25_557_032, 3.8e9, 1e8),
    ("resnet101_2015", 44_549_160, 7.6e9, 1e8),
    ("resnet152_2015", 60_192_808, 11.3e9, 1e8),
    // 1024 16 27 + 2n 1024 16 144 + 2 (256 32 144 + (2n - 1) 256 32 288) + 640, n = 3, 5, 7, 9
    ("resnet20", 269_722, 40_551_040.0, 1.0),
    ("resnet32", 464_154, 68_862_592.0, 1.0),
    ("resnet44", 658_586, 97_174_144.0, 1.0),
    ("resnet56", 853_018, 125_485_696.0, 1.0),
    ("plain20", 269_722, 40_551_040.0, 1.0),
    ("plain32", 464_154, 68_862_592.0, 1.0),
    ("plain44", 658_586, 97_174_144.0, 1.0),
    ("plain56", 853_018, 125_485_696.0, 1.0),
    // 784 500 + 500 50 + 50 10
    ("fc", 418_060, 417_500.0, 1.0),
    // 28² 32 9 + 25088 10
    ("cnn1", 251_210, 476_672.0, 1.0),
    // 28² (8 9 + 8 72) + 14² (16 72 + 16 144) + 784 40 + 40 10
    ("cnn2", 36_138, 1_217_168.0, 1.0),
    // 28² (32 9 + 32 288) + 14² (64 288 + 64 576) + 3136 200 + 200 10
    ("cnn2_wide", 695_186, 18_918_352.0, 1.0),
    // 26² 32 9 + 24² 32 288 + 4608 128 + 128 10
    ("live_demo", 600_810, 6_094_208.0, 1.0),
    // 26² 6 9 + 11² 16 54 + 400 100 + 100 10
    ("keras_example", 42_050, 182_048.0, 1.0),
    // 24² 8 25 + 12² 16 200 + 256 10
    ("convnetjs_mnist", 5_994, 578_560.0, 1.0),
    // 32² 16 75 + 16² 20 400 + 8² 20 500 + 320 10
    ("convnetjs_cifar10", 22_466, 3_920_000.0, 1.0),
    // 31² 24 12 + 31² 64 216 + 15² 64 576 + 15² 256 576 + 7² 256 2304 + 7² 256 2304
    //   + 3² 256 2304 + 256 10; the paper's 1.97M parameters, and 10 biases
    ("airbench", 1_972_802, 118_147_360.0, 1.0),
    // 32² (64 27 + 64 576) + 16² (128 576 + 128 1152) + 8² (256 1152 + 256 2304)
    //   + 4² (256 2304 + 256 2304) + 1024 128 + 128 10
    ("vgg_cifar10", 2_459_466, 171_771_136.0, 1.0),
];

fn blank(entry: &Entry) -> Network {
    entry.build(Options::new().blank()).unwrap()
}

#[test]
fn an_entry_tells_what_its_network_is() {
    for entry in entries() {
        let net = blank(entry);
        let name = entry.name;
        assert_eq!(net.parameter_count(), entry.parameters, "{name}");
        assert_eq!(net.summary().multiply_adds(), entry.multiply_adds, "{name}");
        assert_eq!(net.input_shape(), entry.input, "{name}");
        assert_eq!(net.output_shape(), [entry.classes], "{name}");
        assert!(
            !entry.title.is_empty() && !entry.source.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn costs_are_the_published_ones() {
    for &(name, parameters, multiply_adds, digit) in PUBLISHED {
        let entry = get(name).unwrap();
        assert_eq!(entry.parameters, parameters, "{name}");
        let apart = (entry.multiply_adds as f64 - multiply_adds).abs();
        assert!(
            apart < digit,
            "{name}: {} against {multiply_adds}",
            entry.multiply_adds
        );
    }
    let elsewhere: HashSet<_> = PUBLISHED.iter().map(|row| row.0).collect();
    for entry in entries() {
        let checked = entry.in_torchvision != elsewhere.contains(entry.name);
        assert!(
            checked,
            "{} is checked once, here or against torchvision",
            entry.name
        );
    }
}

#[test]
fn every_network_computes_from_its_smallest_image_on() {
    for entry in entries() {
        let name = entry.name;
        let [channels, ..] = entry.input;
        let size = entry.smallest;
        // Drawing uniform numbers takes a fraction of the time, where there are a hundred million.
        let init = match entry.parameters > 30_000_000 {
            true => Init::Uniform(0.03),
            false => Init::He,
        };
        let options = Options::new().size(size).classes(3).seed(1).init(init);
        let net = entry
            .build(options)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let x = Tensor::from_shape_fn(vec![2, channels, size, size], |i| {
            ((7 * i[0] + 5 * i[1] + 3 * i[2] + i[3]) as f32).sin()
        });
        let y = net.forward(&x).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(y.shape(), [2, 3], "{name}");
        assert!(y.iter().all(|v| v.is_finite()), "{name}: {y}");
        let first = y[[0, 0]];
        assert!(y.iter().any(|v| *v != first), "{name}: {y}");
        if size > 1 {
            let smaller = entry.build(options.size(size - 1).blank());
            assert!(smaller.is_err(), "{name} takes {}", size - 1);
        }
    }
}

#[test]
fn images_may_be_grey_and_longer_than_high() {
    for name in ["resnet18", "squeezenet1_1", "cnn2", "googlenet"] {
        let options = Options::new().channels(1).sizes(64, 96).classes(5);
        let net = get(name).unwrap().build(options).unwrap();
        assert_eq!(net.input_shape(), [1, 64, 96], "{name}");
        assert_eq!(net.output_shape(), [5], "{name}");
    }
}

#[test]
fn no_classes_are_refused() {
    for entry in entries() {
        let options = Options::new().classes(0).size(entry.smallest).blank();
        assert!(entry.build(options).is_err(), "{}", entry.name);
    }
}

#[test]
fn weights_depend_on_the_seed_and_may_stay_blank() {
    let weights = |options: Options| {
        let net = convscope_zoo::resnet20(options).unwrap();
        net.parameter("layer3.1.conv2.weight").unwrap().clone()
    };
    let one = weights(Options::new().seed(1));
    assert_eq!(one, weights(Options::new().seed(1)));
    assert_ne!(one, weights(Options::new().seed(2)));
    assert!(weights(Options::new().blank()).iter().all(|&w| w == 0.0));
}

#[test]
fn names_are_there_once() {
    let all = names();
    let different: HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert!(all.contains(&"resnet50"));
}

#[test]
fn an_unknown_name_brings_the_nearest_ones() {
    for (wrong, meant) in [
        ("resnet5", "resnet50"),
        ("ResNet-152", "resnet152"),
        ("VGG 16", "vgg16"),
        ("inceptionv3", "inception_v3"),
        ("squeezenet", "squeezenet1_0"),
    ] {
        let error = get(wrong).unwrap_err();
        assert!(
            error.to_string().contains(&format!("\"{meant}\"")),
            "{error}"
        );
        let ZooError::UnknownArchitecture { name, nearest } = error else {
            panic!("another error: {error}");
        };
        assert_eq!((name.as_str(), nearest.len()), (wrong, 3));
    }
}
