//! What a network's summary says, against sums by hand and against what a pass really keeps.

use convscope_nn::*;

fn conv(filters: usize, kernel: usize) -> Conv2d {
    Conv2d::new(filters, kernel).same()
}

/// Branches of different reach and stride, poolings of every kind, and vectors at the end.
fn mixed() -> Network {
    Network::input([3, 40, 32])
        .add("conv1", conv(4, 7).stride(2))
        .add("pool1", MaxPool2d::new(3).stride(2).padding(1))
        .block_after("pool1", "deep", |b| {
            b.add("conv1", conv(4, 3))
                .add("relu1", Relu)
                .add("conv2", conv(4, 5).dilation(2))
        })
        .add_after(
            &["pool1"],
            "thin",
            Conv2d::rect(4, 1, 3).padding(Padding::Sides([0, 0, 1, 1])),
        )
        .add_after(&["deep", "pool1", "thin"], "add", Add)
        .add_after(&["conv1"], "aside", conv(2, 3).stride(2))
        .add_after(&["add", "aside"], "cat", Concat)
        .add("crop", Conv2d::new(4, 3))
        .add_after(&["cat", "crop"], "depth", DepthConcat)
        .add("up", Upsample2d::nearest(2))
        .add("down", AvgPool2d::new(2))
        .add("bins", AdaptiveAvgPool2d::new(3, 3))
        .add("wide", ConvTranspose2d::new(2, 3).stride(2))
        .add("global", GlobalAvgPool2d)
        .add("flatten", Flatten)
        .add("fc1", Linear::new(5))
        .add("relu", Relu)
        .add("fc2", Linear::new(3))
        .build(1)
        .unwrap()
}

#[test]
fn the_table_has_every_nodes_own_receptive_field() {
    let net = mixed();
    for row in net.summary().rows {
        let field = net.receptive_field(&row.name).unwrap();
        assert_eq!(row.receptive_field, Some(field), "{}", row.name);
    }
}

#[test]
fn branches_meet_in_the_field_around_both_and_a_global_pooling_sees_the_image() {
    let net = mixed();
    let summary = net.summary();
    let field = |name: &str| {
        let row = summary.rows.iter().find(|r| r.name == name).unwrap();
        row.receptive_field.unwrap()
    };
    // 7; + 2 (3 - 1); + 4 (3 - 1) + 4 * 2 (5 - 1); the thin branch is 3 wide and 1 high.
    assert_eq!(field("pool1").size, [11, 11]);
    assert_eq!(field("thin").size, [11, 19]);
    assert_eq!(field("deep.conv2").size, [51, 51]);
    assert_eq!(
        (field("add").size, field("add").stride),
        ([51, 51], [4.0, 4.0])
    );
    assert_eq!(
        (field("aside").size, field("aside").stride),
        ([11, 11], [4.0, 4.0])
    );
    assert_eq!(field("cat").size, [51, 51]);
    for node in ["global", "flatten", "fc1", "fc2"] {
        let seen = net.receptive_field_of(node, [0, 0]).unwrap();
        let seen = seen.clipped(40, 32);
        assert_eq!(
            [seen.top, seen.bottom, seen.left, seen.right],
            [0, 40, 0, 32],
            "{node}"
        );
    }
    assert_eq!(field("fc2").stride, [0.0, 0.0]);
}

#[test]
fn the_lectures_chain_of_receptive_fields() {
    // conv5, pool2/2, conv5, pool2/2, conv3, conv3.
    let net = Network::input([1, 64, 64])
        .add("conv1", Conv2d::new(2, 5))
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(2, 5))
        .add("pool2", MaxPool2d::new(2))
        .add("conv3", Conv2d::new(2, 3))
        .add("conv4", Conv2d::new(2, 3))
        .build(1)
        .unwrap();
    let rows = net.summary().rows;
    let fields: Vec<_> = rows.iter().map(|r| r.receptive_field.unwrap()).collect();
    let sizes: Vec<usize> = fields.iter().map(|f| f.size[0]).collect();
    assert_eq!(sizes, [5, 6, 14, 16, 24, 32]);
    let strides: Vec<f64> = fields.iter().map(|f| f.stride[1]).collect();
    assert_eq!(strides, [1.0, 2.0, 2.0, 4.0, 4.0, 4.0]);
}

#[test]
fn nothing_is_seen_where_there_is_no_image() {
    let net = Network::input([7])
        .add("fc", Linear::new(3))
        .build(1)
        .unwrap();
    let summary = net.summary();
    assert_eq!(summary.rows[0].receptive_field, None);
    assert!(summary.to_string().contains("fc"));
}

#[test]
fn memory_is_counted_as_a_pass_keeps_it() {
    let net = Network::input([2, 8, 8])
        .add("conv1", conv(4, 3))
        .add("relu1", Relu)
        .add("conv2", conv(8, 3))
        .add_after(&["conv1"], "side", conv(8, 1))
        .add_after(&["conv2", "side"], "add", Add)
        .add("flatten", Flatten)
        .add("fc", Linear::new(3))
        .build(1)
        .unwrap();
    let summary = net.summary();
    let bytes: Vec<u64> = summary.rows.iter().map(|r| r.activation_bytes).collect();
    assert_eq!(bytes, [1024, 1024, 2048, 2048, 2048, 2048, 12]);
    assert_eq!(summary.activation_bytes(), 512 + 10_252);
    // conv1's is alive until "side" has read it; then conv2's, side's and the sum are.
    assert_eq!(summary.inference_bytes, 3 * 2048);
    // The image, what convolutions and dense layers read (conv1's, relu1's, the flat sum), and the
    // output.
    assert_eq!(summary.training_bytes, 512 + 1024 + 1024 + 2048 + 12);
    // A whole trace keeps every one.
    let trace = net.trace(&Tensor::zeros(vec![1, 2, 8, 8])).unwrap();
    assert_eq!(trace.bytes() as u64, summary.activation_bytes());
}

#[test]
fn weights_and_windows_are_told() {
    let net = Network::input([4, 9, 9])
        .add("conv", Conv2d::new(6, 3).stride(2).groups(2).dilation(2))
        .build(1)
        .unwrap();
    let row = &net.summary().rows[0];
    assert_eq!(row.weights[0], ("weight", vec![6, 2, 3, 3]));
    let window = row.window.unwrap();
    assert_eq!((window.size, window.stride), ([5, 5], [2, 2]));
}

#[test]
fn blocks_are_summed_up() {
    let net = mixed();
    let summary = net.summary();
    let short = summary.by_block(1);
    assert_eq!(short.rows.len(), summary.rows.len() - 2);
    let deep = short.rows.iter().find(|r| r.name == "deep").unwrap();
    assert_eq!((deep.kind, deep.settings.as_str()), ("block", "3 nodes"));
    assert_eq!(deep.inputs, ["pool1"]);
    assert_eq!(deep.parameters, 4 * 4 * 9 + 4 + 4 * 4 * 25 + 4);
    assert_eq!(deep.receptive_field.unwrap().size, [51, 51]);
    let add = short.rows.iter().find(|r| r.name == "add").unwrap();
    assert_eq!(add.inputs, ["deep", "pool1", "thin"]);
    assert_eq!(short.parameters(), summary.parameters());
    assert_eq!(short.multiply_adds(), summary.multiply_adds());
    assert_eq!(short.activation_bytes(), summary.activation_bytes());
    assert_eq!(summary.within(100), summary);
    assert_eq!(summary.within(18), short);
    assert_eq!(summary.within(2), short, "as short as it gets");
}
