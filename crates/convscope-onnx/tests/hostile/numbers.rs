//! Tensors that lie about themselves, and settings that ask for too much.

use super::schema::*;
use super::{info, model, node, refused, weight};

#[test]
fn tensors_that_lie_about_themselves() {
    let huge = 1i64 << 62;
    for (what, dims, bytes, expected) in [
        (
            "fewer bytes than its shape takes",
            &[3, 2, 3, 3][..],
            100,
            &["216 bytes, got 100"][..],
        ),
        ("more", &[3, 2, 3, 3], 217, &["216 bytes, got 217"]),
        (
            "a negative size",
            &[3, -2, 3, 3],
            216,
            &["shape [3, -2, 3, 3]"],
        ),
        (
            "sizes that overflow",
            &[huge, huge, huge, huge],
            216,
            &["no tensor can have the shape"],
        ),
        (
            "sizes that overflow to 0",
            &[1 << 32, 1 << 32, 1, 1],
            0,
            &["no tensor"],
        ),
        (
            "more than memory",
            &[1 << 40, 1, 1, 1],
            4,
            &["bytes are asked for"],
        ),
        (
            "nothing, of a great shape",
            &[1 << 40, 0, 3, 3],
            0,
            &["its weight", "\"the Conv\""],
        ),
        ("nine axes", &[1; 9], 4, &["no tensor"]),
        (
            "filters for other images",
            &[3, 5, 3, 3],
            540,
            &["expected 2 channels a group"],
        ),
        (
            "a sequence's filters",
            &[3, 2, 3],
            72,
            &["four axes", "sequences"],
        ),
        (
            "a filter larger than the image",
            &[1, 2, 50, 50],
            20000,
            &["window of 50"],
        ),
    ] {
        let conv = node("Conv", "x w", "y", &[]);
        refused(
            what,
            &model(vec![conv], vec![weight("w", dims, bytes)]),
            expected,
        );
    }
    let mut strings = weight("w", &[3, 2, 3, 3], 216);
    strings.data_type = 8;
    let conv = || vec![node("Conv", "x w", "y", &[])];
    refused(
        "strings",
        &model(conv(), vec![strings.clone()]),
        &["strings"],
    );
    strings.data_type = 99;
    refused(
        "numbers of no type",
        &model(conv(), vec![strings.clone()]),
        &["type 99"],
    );
    strings.data_type = 7;
    strings.raw_data = Some(vec![0; 432]);
    refused("whole numbers", &model(conv(), vec![strings]), &["whole"]);
    let twice = vec![weight("w", &[1], 4), weight("w", &[1], 4)];
    refused(
        "two tensors of one name",
        &model(conv(), twice),
        &["two tensors", "\"w\""],
    );
}

#[test]
fn settings_that_ask_for_too_much() {
    let large: &[i64] = &[1 << 40, 1 << 40];
    let wide: &[i64] = &[60000, 60000, 60000, 60000];
    let filters = || vec![weight("w", &[3, 2, 3, 3], 216)];
    for (what, operator, attributes, expected) in [
        (
            "steps of 2^40",
            "Conv",
            vec![("strides", large)],
            &["strides", "65536"][..],
        ),
        (
            "gaps of 2^40",
            "Conv",
            vec![("dilations", large)],
            &["dilations"],
        ),
        (
            "negative padding",
            "Conv",
            vec![("pads", &[-1, 0, 0, 0][..])],
            &["pads", "-1"],
        ),
        (
            "padding that takes all memory",
            "Conv",
            vec![("pads", wide)],
            &["too large"],
        ),
        (
            "a step of 0",
            "Conv",
            vec![("strides", &[0, 0][..])],
            &["at least 1"],
        ),
        (
            "no group",
            "Conv",
            vec![("group", &[0][..])],
            &["group is 0"],
        ),
        (
            "two groups of one filter each",
            "Conv",
            vec![("group", &[-5][..])],
            &["group"],
        ),
        (
            "a kernel of three axes",
            "Conv",
            vec![("kernel_shape", &[3, 3, 3][..])],
            &["two numbers"],
        ),
        (
            "another kernel",
            "Conv",
            vec![("kernel_shape", &[5, 5][..])],
            &["[5, 5]", "[3, 3]"],
        ),
        (
            "a window of 2^40",
            "MaxPool",
            vec![("kernel_shape", large)],
            &["kernel_shape"],
        ),
        ("no window", "MaxPool", vec![], &["kernel_shape"]),
        (
            "windows of padding alone",
            "MaxPool",
            vec![("kernel_shape", &[2, 2][..]), ("pads", &[9, 9, 9, 9][..])],
            &["padded by at most"],
        ),
        (
            "windows with gaps",
            "AveragePool",
            vec![("kernel_shape", &[2, 2][..]), ("dilations", &[2, 2][..])],
            &["dilations"],
        ),
        (
            "a softmax over rows",
            "Softmax",
            vec![("axis", &[2][..])],
            &["axis 2"],
        ),
        (
            "no channels to normalise over",
            "LRN",
            vec![("size", &[0][..])],
            &["size is 0"],
        ),
        (
            "a mean over channels",
            "ReduceMean",
            vec![("axes", &[1][..])],
            &["[1]"],
        ),
    ] {
        let inputs = if operator == "Conv" { "x w" } else { "x" };
        let nodes = vec![node(operator, inputs, "y", &attributes)];
        refused(what, &model(nodes, filters()), expected);
    }
}

#[test]
fn many_small_things_that_add_up() {
    // Each doubles the image.
    let mut nodes = vec![];
    for i in 0..40 {
        let name = |i: usize| {
            if i == 0 {
                "x".to_owned()
            } else {
                format!("v{i}")
            }
        };
        let inputs = format!("{} {}", name(i), name(i));
        nodes.push(node("Concat", &inputs, &name(i + 1), &[("axis", &[1])]));
    }
    nodes.push(node("Relu", "v40", "y", &[]));
    refused("forty doublings", &model(nodes, vec![]), &["too large"]);

    // One large tensor, read again and again.
    let mut nodes = vec![];
    for i in 0..100 {
        nodes.push(node(
            "MatMul",
            &format!("f{i} w"),
            &format!("f{}", i + 1),
            &[],
        ));
    }
    nodes.insert(0, node("Flatten", "x", "f0", &[]));
    nodes.push(node("Relu", "f100", "y", &[]));
    let mut many = model(nodes, vec![weight("w", &[900, 900], 900 * 900 * 4)]);
    many.graph.as_mut().unwrap().input[0] = info("x", &[1, 1, 30, 30]);
    refused("a tensor read a hundred times", &many, &["may unpack to"]);

    // A constant that grows.
    let nodes = vec![
        node("ConstantOfShape", "s", "big", &[]),
        node("Add", "x big", "y", &[]),
    ];
    let shape = Tensor {
        data_type: 7,
        raw_data: Some([60000i64, 60000].map(i64::to_le_bytes).concat()),
        ..weight("s", &[2], 0)
    };
    refused(
        "a constant of a great shape",
        &model(nodes, vec![shape]),
        &["may unpack to"],
    );

    // A million empty nodes: two bytes each in the file.
    let empty = model(vec![Node::default(); 1_100_000], vec![]);
    refused("a million empty nodes", &empty, &["parts"]);
    let nodes = vec![Node::default(); 30_000];
    refused(
        "thirty thousand nodes",
        &model(nodes, vec![]),
        &["30000 nodes"],
    );
}
