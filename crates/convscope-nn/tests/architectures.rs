//! The published parameter counts of the famous networks, as torchvision builds them: what their
//! layers cost when they are put together.

use convscope_nn::*;

/// A convolution without a bias, batch norm and ReLU: `name`, `name.bn` and `name.relu`. (Weights
/// that nobody looks at are not drawn.)
fn unit(b: NetworkBuilder, after: &str, name: &str, conv: Conv2d) -> NetworkBuilder {
    b.add_after(&[after], name, conv.no_bias().init(Init::Zeros))
        .add(&format!("{name}_bn"), BatchNorm2d::new())
        .add(&format!("{name}_relu"), Relu)
}

fn conv(filters: usize, kernel: usize) -> Conv2d {
    Conv2d::new(filters, kernel)
}

fn padded(filters: usize, kernel: usize) -> Conv2d {
    conv(filters, kernel).padding(Padding::Each(kernel / 2))
}

fn fc(outputs: usize) -> Linear {
    Linear::new(outputs).init(Init::Zeros)
}

fn image(size: usize) -> NetworkBuilder {
    Network::input([3, size, size])
}

fn head(b: NetworkBuilder) -> Network {
    b.add("avgpool", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc", fc(1000))
        .build(0)
        .unwrap()
}

fn plain(name: &str, filters: usize, kernel: usize, b: NetworkBuilder) -> NetworkBuilder {
    b.add(name, padded(filters, kernel).init(Init::Zeros))
        .add(&format!("{name}_relu"), Relu)
}

/// He et al. 2016. The paper's bottleneck has its stride in the first 1x1 convolution, torchvision's
/// in the 3x3.
fn resnet(blocks: [usize; 4], bottleneck: bool, as_in_the_paper: bool) -> Network {
    let mut b = unit(image(224), "input", "conv1", padded(64, 7).stride(2))
        .add("pool1", MaxPool2d::new(3).stride(2).padding(1));
    let expansion = if bottleneck { 4 } else { 1 };
    let mut inputs = 64;
    for (stage, (count, width)) in blocks.into_iter().zip([64, 128, 256, 512]).enumerate() {
        for i in 0..count {
            let stride = if stage > 0 && i == 0 { 2 } else { 1 };
            let outputs = width * expansion;
            let projects = stride > 1 || inputs != outputs;
            b = b.block(&format!("layer{}_{i}", stage + 1), |mut b| {
                let last = if bottleneck {
                    let (first, second) = match as_in_the_paper {
                        true => (stride, 1),
                        false => (1, stride),
                    };
                    b = unit(b, "input", "conv1", conv(width, 1).stride(first));
                    b = unit(b, "conv1_relu", "conv2", padded(width, 3).stride(second));
                    b.add("conv3", conv(outputs, 1).no_bias().init(Init::Zeros))
                } else {
                    b = unit(b, "input", "conv1", padded(width, 3).stride(stride));
                    b.add("conv2", padded(outputs, 3).no_bias().init(Init::Zeros))
                };
                b = last.add("bn", BatchNorm2d::new());
                let shortcut = if projects {
                    let project = conv(outputs, 1).stride(stride).no_bias();
                    b = b
                        .add_after(&["input"], "project", project.init(Init::Zeros))
                        .add("project_bn", BatchNorm2d::new());
                    "project_bn"
                } else {
                    "input"
                };
                b.add_after(&["bn", shortcut], "sum", Add).add("relu", Relu)
            });
            inputs = outputs;
        }
    }
    head(b)
}

/// Huang et al. 2017: batch norm and ReLU come before each convolution.
fn densenet121() -> Network {
    let norm = |b: NetworkBuilder, name: &str| {
        b.add(&format!("{name}_bn"), BatchNorm2d::new())
            .add(&format!("{name}_relu"), Relu)
    };
    let bare = |layer: Conv2d| layer.no_bias().init(Init::Zeros);
    let mut b = unit(image(224), "input", "conv0", padded(64, 7).stride(2))
        .add("pool0", MaxPool2d::new(3).stride(2).padding(1));
    let mut channels = 64;
    for (i, layers) in [6, 12, 24, 16].into_iter().enumerate() {
        for j in 0..layers {
            b = b.block(&format!("dense{i}_{j}"), |b| {
                let b = norm(b, "a").add("conv1", bare(conv(128, 1)));
                let b = norm(b, "b").add("conv2", bare(padded(32, 3)));
                b.add_after(&["input", "conv2"], "concat", Concat)
            });
            channels += 32;
        }
        b = norm(b, &format!("end{i}"));
        if i < 3 {
            channels /= 2;
            b = b
                .add(&format!("transition{i}"), bare(conv(channels, 1)))
                .add(&format!("pool{i}_avg"), AvgPool2d::new(2));
        }
    }
    head(b)
}

/// Iandola et al. 2016, version 1.0 or 1.1: convolutions with biases, no batch norm.
fn squeezenet(version: &str) -> Network {
    let fire = |squeeze: usize, expand: usize| {
        move |b: NetworkBuilder| {
            let b = plain("squeeze", squeeze, 1, b);
            let b = plain("expand1", expand, 1, b);
            b.add_after(
                &["squeeze_relu"],
                "expand3",
                padded(expand, 3).init(Init::Zeros),
            )
            .add("expand3_relu", Relu)
            .add_after(&["expand1_relu", "expand3_relu"], "concat", Concat)
        }
    };
    let (first, kernel, pools) = match version {
        "1.0" => (96, 7, [3, 7]),
        _ => (64, 3, [2, 4]),
    };
    let pool = || MaxPool2d::new(3).stride(2).ceil_mode();
    let mut b = image(224)
        .add("conv1", conv(first, kernel).stride(2).init(Init::Zeros))
        .add("relu1", Relu)
        .add("pool1", pool());
    let widths = [16, 16, 32, 32, 48, 48, 64, 64];
    for (i, squeeze) in widths.into_iter().enumerate() {
        b = b.block(&format!("fire{}", i + 2), fire(squeeze, 4 * squeeze));
        if pools.contains(&(i + 1)) {
            b = b.add(&format!("pool{}", i + 2), pool());
        }
    }
    b = b.add("drop", Dropout::new(0.5));
    plain("conv10", 1000, 1, b)
        .add("avgpool", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .build(0)
        .unwrap()
}

/// Szegedy et al. 2015 with batch norm and without the auxiliary heads; torchvision's "5x5" branch
/// has 3x3 filters.
fn googlenet() -> Network {
    let inception = |widths: [usize; 6]| {
        move |b: NetworkBuilder| {
            let [one, reduce3, three, reduce5, five, pool] = widths;
            let b = unit(b, "input", "a", conv(one, 1));
            let b = unit(b, "input", "b1", conv(reduce3, 1));
            let b = unit(b, "b1_relu", "b2", padded(three, 3));
            let b = unit(b, "input", "c1", conv(reduce5, 1));
            let b = unit(b, "c1_relu", "c2", padded(five, 3));
            let b = b.add_after(
                &["input"],
                "pool",
                MaxPool2d::new(3).stride(1).padding(1).ceil_mode(),
            );
            unit(b, "pool", "d", conv(pool, 1)).add_after(
                &["a_relu", "b2_relu", "c2_relu", "d_relu"],
                "concat",
                Concat,
            )
        }
    };
    let pool = |size: usize| MaxPool2d::new(size).stride(2).ceil_mode();
    let b = unit(image(224), "input", "conv1", padded(64, 7).stride(2)).add("pool1", pool(3));
    let b = unit(b, "pool1", "conv2", conv(64, 1));
    let b = unit(b, "conv2_relu", "conv3", padded(192, 3)).add("pool2", pool(3));
    head(
        b.block("3a", inception([64, 96, 128, 16, 32, 32]))
            .block("3b", inception([128, 128, 192, 32, 96, 64]))
            .add("pool3", pool(3))
            .block("4a", inception([192, 96, 208, 16, 48, 64]))
            .block("4b", inception([160, 112, 224, 24, 64, 64]))
            .block("4c", inception([128, 128, 256, 24, 64, 64]))
            .block("4d", inception([112, 144, 288, 32, 64, 64]))
            .block("4e", inception([256, 160, 320, 32, 128, 128]))
            .add("pool4", pool(2))
            .block("5a", inception([256, 160, 320, 32, 128, 128]))
            .block("5b", inception([384, 192, 384, 48, 128, 128])),
    )
}

/// A row of convolutions after `from`, named `name1`, `name2` ...; the name of its end.
fn row(
    mut b: NetworkBuilder,
    from: &str,
    name: &str,
    convs: Vec<Conv2d>,
) -> (NetworkBuilder, String) {
    let mut last = from.to_owned();
    for (i, conv) in convs.into_iter().enumerate() {
        let name = format!("{name}{}", i + 1);
        b = unit(b, &last, &name, conv);
        last = format!("{name}_relu");
    }
    (b, last)
}

/// Joins rows and perhaps a pooled way, side by side.
fn branches(
    mut b: NetworkBuilder,
    rows: Vec<Vec<Conv2d>>,
    pooled: Option<usize>,
) -> NetworkBuilder {
    let mut ends = Vec::new();
    for (i, convs) in rows.into_iter().enumerate() {
        let (next, end) = row(b, "input", &format!("row{i}_"), convs);
        (b, _) = (next, ends.push(end));
    }
    match pooled {
        Some(filters) => {
            b = b.add_after(&["input"], "pool", AvgPool2d::new(3).stride(1).padding(1));
            b = unit(b, "pool", "pooled", conv(filters, 1));
            ends.push("pooled_relu".into());
        }
        None => {
            b = b.add_after(&["input"], "pool", MaxPool2d::new(3).stride(2));
            ends.push("pool".into());
        }
    }
    let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
    b.add_after(&ends, "concat", Concat)
}

fn across(filters: usize, length: usize) -> Conv2d {
    Conv2d::rect(filters, 1, length).same()
}

fn down(filters: usize, length: usize) -> Conv2d {
    Conv2d::rect(filters, length, 1).same()
}

/// Szegedy et al. 2016, without the auxiliary head.
fn inception_v3() -> Network {
    let (mut b, end) = row(
        image(299),
        "input",
        "conv1_",
        vec![conv(32, 3).stride(2), conv(32, 3), padded(64, 3)],
    );
    b = b.add_after(&[&end], "pool1", MaxPool2d::new(3).stride(2));
    let (next, end) = row(b, "pool1", "conv2_", vec![conv(80, 1), conv(192, 3)]);
    b = next.add_after(&[&end], "pool2", MaxPool2d::new(3).stride(2));
    for (i, pooled) in [32, 64, 64].into_iter().enumerate() {
        b = b.block(&format!("a{i}"), |b| {
            let rows = vec![
                vec![conv(64, 1)],
                vec![conv(48, 1), padded(64, 5)],
                vec![conv(64, 1), padded(96, 3), padded(96, 3)],
            ];
            branches(b, rows, Some(pooled))
        });
    }
    b = b.block("b", |b| {
        let rows = vec![
            vec![conv(384, 3).stride(2)],
            vec![conv(64, 1), padded(96, 3), conv(96, 3).stride(2)],
        ];
        branches(b, rows, None)
    });
    for (i, w) in [128, 160, 160, 192].into_iter().enumerate() {
        b = b.block(&format!("c{i}"), |b| {
            let rows = vec![
                vec![conv(192, 1)],
                vec![conv(w, 1), across(w, 7), down(192, 7)],
                vec![
                    conv(w, 1),
                    down(w, 7),
                    across(w, 7),
                    down(w, 7),
                    across(192, 7),
                ],
            ];
            branches(b, rows, Some(192))
        });
    }
    b = b.block("d", |b| {
        let rows = vec![
            vec![conv(192, 1), conv(320, 3).stride(2)],
            vec![
                conv(192, 1),
                across(192, 7),
                down(192, 7),
                conv(192, 3).stride(2),
            ],
        ];
        branches(b, rows, None)
    });
    for i in 0..2 {
        b = b.block(&format!("e{i}"), |b| {
            // Two rows part at their end, into a filter across and one down.
            let rows = vec![
                vec![conv(320, 1)],
                vec![conv(384, 1), across(384, 3)],
                vec![conv(448, 1), padded(384, 3), across(384, 3)],
            ];
            let b = branches(b, rows, Some(192));
            let b = unit(b, "row1_1_relu", "down1", down(384, 3));
            let b = unit(b, "row2_2_relu", "down2", down(384, 3));
            b.add_after(&["concat", "down1_relu", "down2_relu"], "all", Concat)
        });
    }
    head(b)
}

#[test]
fn residual_networks() {
    for (blocks, bottleneck, parameters) in [
        ([2, 2, 2, 2], false, 11_689_512),
        ([3, 4, 6, 3], false, 21_797_672),
        ([3, 4, 6, 3], true, 25_557_032),
        ([3, 4, 23, 3], true, 44_549_160),
        ([3, 8, 36, 3], true, 60_192_808),
    ] {
        let net = resnet(blocks, bottleneck, false);
        assert_eq!(net.parameter_count(), parameters, "{blocks:?}");
        assert_eq!(
            net.receptive_field("layer4_0.relu").unwrap().stride,
            [32.0, 32.0]
        );
    }
}

#[test]
fn resnet_50_takes_a_quarter_of_vgg_16s_work() {
    for (as_in_the_paper, expected) in [(true, 3.86), (false, 4.09)] {
        let net = resnet([3, 4, 6, 3], true, as_in_the_paper);
        let found = net.summary().multiply_adds() as f64 / 1e9;
        assert!((found - expected).abs() < 0.005, "{found}");
    }
}

#[test]
fn dense_squeezed_and_inception_networks() {
    for (name, net, parameters, shape) in [
        ("DenseNet-121", densenet121(), 7_978_856, [1024, 7, 7]),
        (
            "SqueezeNet 1.0",
            squeezenet("1.0"),
            1_248_424,
            [1000, 13, 13],
        ),
        (
            "SqueezeNet 1.1",
            squeezenet("1.1"),
            1_235_496,
            [1000, 13, 13],
        ),
        ("GoogLeNet", googlenet(), 6_624_904, [1024, 7, 7]),
        ("Inception v3", inception_v3(), 23_834_568, [2048, 8, 8]),
    ] {
        assert_eq!(net.parameter_count(), parameters, "{name}");
        let summary = net.summary();
        let last = summary
            .rows
            .iter()
            .rev()
            .find(|row| row.output.len() == 3 && row.output[1] > 1);
        assert_eq!(last.unwrap().output, shape, "{name}");
    }
}
