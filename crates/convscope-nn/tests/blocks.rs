//! Networks made of networks.

use convscope_nn::*;

fn conv_relu(b: NetworkBuilder) -> NetworkBuilder {
    b.add("conv", Conv2d::new(3, 3).same()).add("relu", Relu)
}

#[test]
fn a_block_puts_its_name_in_front_and_stands_for_its_last_node() {
    let net = Network::input([3, 6, 6])
        .block("a", conv_relu)
        .block_after("input", "b", |b| {
            b.block("inner", conv_relu).add_after(
                &["inner", "input", "inner.conv", "a.conv"],
                "sum",
                Add,
            )
        })
        .add_after(&["a", "b"], "cat", Concat)
        .add_after(&["a.relu", "b.sum"], "same", Concat)
        .build(1)
        .unwrap();
    assert_eq!(
        net.nodes(),
        [
            "a.conv",
            "a.relu",
            "b.inner.conv",
            "b.inner.relu",
            "b.sum",
            "cat",
            "same"
        ]
    );
    assert!(net.parameter("b.inner.conv.weight").is_ok());
    let inputs = |name: &str| {
        let rows = net.summary().rows;
        rows.into_iter().find(|r| r.name == name).unwrap().inputs
    };
    assert_eq!(inputs("b.inner.conv"), ["input"], "what the block reads");
    assert_eq!(
        inputs("b.sum"),
        ["b.inner.relu", "input", "b.inner.conv", "a.conv"]
    );
    assert_eq!(inputs("same"), inputs("cat"));
    let trace = net.trace(&Tensor::ones(vec![1, 3, 6, 6])).unwrap();
    assert_eq!(
        trace.activation("b.inner").unwrap(),
        trace.activation("b.inner.relu").unwrap()
    );
}

#[test]
fn a_trained_network_becomes_a_block_with_its_weights() {
    let mut trained = Network::input([3, 8, 8])
        .block("stem", conv_relu)
        .add("bn", BatchNorm2d::new())
        .add_after(&["bn", "stem"], "sum", Add)
        .build(7)
        .unwrap();
    trained
        .set_buffer("bn.running_mean", Tensor::from_elem(vec![3], 0.25))
        .unwrap();
    // At another size of image, with something before and after.
    let net = Network::input([3, 12, 10])
        .add("pad", ZeroPad2d::new(1))
        .add_network("features", &trained)
        .add("pool", GlobalAvgPool2d)
        .build(1)
        .unwrap();
    assert_eq!(net.output_shape(), [3, 1, 1]);
    for (path, tensor) in trained.parameters() {
        assert_eq!(net.parameter(&format!("features.{path}")).unwrap(), tensor);
    }
    assert_eq!(net.buffers()[0].0, "features.bn.running_mean");
    assert_eq!(net.buffers()[0].1[0], 0.25);
    let alone = Network::input([3, 8, 8])
        .add_network("features", &trained)
        .build(9)
        .unwrap();
    let x = Tensor::from_shape_fn(vec![2, 3, 8, 8], |i| (i[1] + i[2] * i[3]) as f32 / 9.0);
    assert_eq!(alone.forward(&x).unwrap(), trained.forward(&x).unwrap());
}

#[test]
fn mistakes_in_blocks_are_errors_that_name_the_node_or_the_block() {
    let image = || Network::input([3, 6, 6]);
    let trained = image().block("stem", conv_relu).build(1).unwrap();
    for (builder, words) in [
        (
            image().block("a", |b| b),
            ["block \"a\"", "at least one layer"],
        ),
        (image().block("", conv_relu), ["block \"\"", "needs a name"]),
        (
            image().block("a", |b| b.block("b", |b| b).add("relu", Relu)),
            ["block \"a.b\"", "at least one layer"],
        ),
        (
            image().block("a", |b| b.add("input", Relu)),
            ["\"input\"", "no other node"],
        ),
        (
            image().block("a", conv_relu).block("a", conv_relu),
            ["\"a.conv\"", "no other node"],
        ),
        (
            image().block("a", |b| conv_relu(b).add_after(&["cov"], "x", Relu)),
            ["\"a.x\"", "no node \"cov\""],
        ),
        (
            image()
                .block("a", |b| b.add("conv", Conv2d::new(2, 3)))
                .add_after(&["a", "input"], "sum", Add),
            ["\"sum\"", "[2, 4, 4]"],
        ),
        (
            Network::input([5, 6, 6]).add_network("f", &trained),
            ["\"f.stem.conv\"", "trained parameter \"weight\""],
        ),
    ] {
        let error = builder.build(0).unwrap_err().to_string();
        assert!(
            words.iter().all(|w| error.contains(w)),
            "{words:?}: {error}"
        );
    }
}

#[test]
fn receptive_fields_go_through_branches_and_upsampling() {
    let net = Network::input([1, 32, 32])
        .add("conv1", Conv2d::new(1, 3).same())
        .block_after("conv1", "wide", |b| {
            b.add("conv1", Conv2d::new(1, 5).same())
                .add("conv2", Conv2d::new(1, 5).same())
        })
        .add_after(&["wide", "conv1"], "sum", Add)
        .add("pool", MaxPool2d::new(2))
        .add("up", Upsample2d::nearest(2))
        .add("global", GlobalAvgPool2d)
        .build(1)
        .unwrap();
    let field = |node| net.receptive_field(node).unwrap();
    assert_eq!(field("conv1").size, [3, 3]);
    assert_eq!(
        (field("sum").size, field("sum").offset),
        ([11, 11], [-5, -5])
    );
    assert_eq!(
        (field("pool").size, field("pool").stride),
        ([12, 12], [2.0, 2.0])
    );
    // Two neighbours of an upsampled image see the same.
    let of = |x| net.receptive_field_of("up", [0, x]).unwrap();
    assert_eq!((of(0).left, of(1).left, of(2).left), (-5, -5, -3));
    assert_eq!((of(0).right, of(1).right), (7, 7));
    let all = net
        .receptive_field_of("global", [0, 0])
        .unwrap()
        .clipped(32, 32);
    assert_eq!([all.top, all.bottom, all.left, all.right], [0, 32, 0, 32]);
    for (result, word) in [
        (net.receptive_field_of("pool", [16, 0]), "[16, 16]"),
        (net.receptive_field_of("pull", [0, 0]), "pull"),
    ] {
        assert!(result.unwrap_err().to_string().contains(word));
    }
}
