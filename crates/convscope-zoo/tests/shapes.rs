//! The sizes in the papers' tables, and what their stages see.

use convscope_nn::Network;
use convscope_zoo::{Options, get};

fn blank(name: &str) -> Network {
    get(name).unwrap().build(Options::new().blank()).unwrap()
}

/// The shape of what a node, or the last one of a block, puts out.
fn output(net: &Network, name: &str) -> Vec<usize> {
    let inside = format!("{name}.");
    let rows = net.summary().rows;
    let row = rows
        .iter()
        .rfind(|r| r.name == name || r.name.starts_with(&inside));
    row.unwrap_or_else(|| panic!("no node {name}"))
        .output
        .clone()
}

#[test]
fn feature_maps_have_the_sizes_of_the_papers_tables() {
    for (name, nodes) in [
        (
            "lenet5",
            &[
                ("c1", [6, 28, 28]),
                ("s2", [6, 14, 14]),
                ("c3", [16, 10, 10]),
                ("c5", [120, 1, 1]),
            ][..],
        ),
        (
            "alexnet_two_towers",
            &[
                ("conv1", [96, 55, 55]),
                ("conv2", [256, 27, 27]),
                ("conv5", [256, 13, 13]),
                ("pool5", [256, 6, 6]),
            ],
        ),
        (
            "zfnet",
            &[
                ("conv1", [96, 110, 110]),
                ("pool1", [96, 55, 55]),
                ("conv2", [256, 26, 26]),
                ("pool2", [256, 13, 13]),
                ("pool5", [256, 6, 6]),
            ],
        ),
        (
            "vgg_d",
            &[
                ("pool1", [64, 112, 112]),
                ("pool3", [256, 28, 28]),
                ("pool5", [512, 7, 7]),
            ],
        ),
        (
            "googlenet_2014",
            &[
                ("maxpool1", [64, 56, 56]),
                ("conv3", [192, 56, 56]),
                ("inception3a", [256, 28, 28]),
                ("inception3b", [480, 28, 28]),
                ("inception4a", [512, 14, 14]),
                ("inception4d", [528, 14, 14]),
                ("inception4e", [832, 14, 14]),
                ("inception5b", [1024, 7, 7]),
            ],
        ),
        (
            "googlenet",
            &[
                ("inception4e", [832, 14, 14]),
                ("inception5b", [1024, 7, 7]),
            ],
        ),
        (
            "inception_v3",
            &[
                ("Conv2d_2b_3x3", [64, 147, 147]),
                ("maxpool1", [64, 73, 73]),
                ("Conv2d_4a_3x3", [192, 71, 71]),
                ("Mixed_5d", [288, 35, 35]),
                ("Mixed_6e", [768, 17, 17]),
                ("Mixed_7a", [1280, 8, 8]),
                ("Mixed_7c", [2048, 8, 8]),
            ],
        ),
        (
            "resnet50",
            &[
                ("conv1", [64, 112, 112]),
                ("layer1", [256, 56, 56]),
                ("layer2", [512, 28, 28]),
                ("layer3", [1024, 14, 14]),
                ("layer4", [2048, 7, 7]),
            ],
        ),
        (
            "resnet20",
            &[
                ("layer1", [16, 32, 32]),
                ("layer2", [32, 16, 16]),
                ("layer3", [64, 8, 8]),
            ],
        ),
        (
            "densenet121",
            &[
                ("features.denseblock1", [256, 56, 56]),
                ("features.transition1", [128, 28, 28]),
                ("features.denseblock3", [1024, 14, 14]),
                ("features.norm5", [1024, 7, 7]),
            ],
        ),
        (
            "squeezenet1_0",
            &[("features.0", [96, 109, 109]), ("features", [512, 13, 13])],
        ),
        (
            "squeezenet1_1",
            &[
                ("features.0", [64, 111, 111]),
                ("classifier.1", [1000, 13, 13]),
            ],
        ),
    ] {
        let net = blank(name);
        for (node, shape) in nodes {
            assert_eq!(output(&net, node), shape, "{name}: {node}");
        }
    }
}

#[test]
fn a_residual_networks_last_stage_steps_by_32_pixels() {
    for name in [
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "resnet50_2015",
    ] {
        let field = blank(name).receptive_field("layer4.0").unwrap();
        assert_eq!(field.stride, [32.0, 32.0], "{name}");
    }
}

#[test]
fn receptive_fields_are_the_lectures() {
    for (name, nodes) in [
        (
            "alexnet_one_tower",
            &[
                ("conv1", 11),
                ("pool1", 19),
                ("conv2", 51),
                ("pool2", 67),
                ("conv3", 99),
                ("conv5", 163),
                ("pool5", 195),
            ][..],
        ),
        ("vgg_d", &[("pool5", 212)]),
    ] {
        let net = blank(name);
        for &(node, size) in nodes {
            let field = net.receptive_field(node).unwrap();
            assert_eq!(field.size, [size; 2], "{name}: {node}");
        }
    }
}

#[test]
fn vgg_counts_its_layers_with_weights() {
    for (name, layers) in [
        ("vgg_a", 11),
        ("vgg_a_lrn", 11),
        ("vgg_b", 13),
        ("vgg_c", 16),
        ("vgg_d", 16),
        ("vgg_e", 19),
    ] {
        let summary = blank(name).summary();
        let weighted = summary.rows.iter().filter(|row| row.parameters > 0);
        assert_eq!(weighted.count(), layers, "{name}");
    }
}

#[test]
fn cifars_networks_count_six_layers_a_pair_and_two() {
    for depth in [20, 32, 44, 56] {
        for family in ["resnet", "plain"] {
            let summary = blank(&format!("{family}{depth}")).summary();
            let weighted = |kind| summary.rows.iter().filter(move |row| row.kind == kind);
            let layers = weighted("Conv2d").count() + weighted("Linear").count();
            assert_eq!(layers, depth, "{family}");
        }
    }
}
