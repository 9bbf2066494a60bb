//! Graphs that are none, and what goes in and out of them.

use super::schema::*;
use super::{info, model, node, refused, refused_bytes};
use convscope_onnx::{ReadOptions, from_bytes, from_bytes_with};
use prost::Message;

#[test]
fn graphs_that_are_none() {
    let relu = |input: &str, output: &str| node("Relu", input, output, &[]);
    for (what, nodes, expected) in [
        (
            "a cycle",
            vec![node("Add", "x b", "a", &[]), relu("a", "b"), relu("b", "y")],
            &["cycle", "\"the Add\"", "opset 17"][..],
        ),
        (
            "a node that reads itself",
            vec![node("Add", "x y", "y", &[])],
            &["cycle"],
        ),
        (
            "a missing tensor",
            vec![node("Conv", "x conv.weight", "y", &[])],
            &["\"conv.weight\"", "\"the Conv\"", "no tensor of weights"],
        ),
        (
            "nothing that makes the output",
            vec![relu("x", "z")],
            &["\"y\"", "its output"],
        ),
        ("no node", vec![], &["\"y\""]),
        (
            "one name made twice",
            vec![relu("x", "y"), relu("x", "y")],
            &["made twice"],
        ),
        (
            "a node that makes the input",
            vec![relu("x", "x"), relu("x", "y")],
            &["made twice"],
        ),
        (
            "an unknown operator",
            vec![node("Einsum", "x", "y", &[])],
            &[
                "\"the Einsum\" (Einsum, opset 17)",
                "not supported",
                "BatchNormalization",
            ],
        ),
        (
            "an output that is the input",
            vec![node("Identity", "x", "y", &[])],
            &["unchanged"],
        ),
        (
            "an operator with no input",
            vec![relu("", "y")],
            &["at least 1 inputs"],
        ),
        (
            "an output that does not depend on the image",
            vec![node("Shape", "x", "y", &[])],
            &["does not depend on the image"],
        ),
    ] {
        refused(what, &model(nodes, vec![]), expected);
    }
    let mut foreign = node("Relu", "x", "y", &[]);
    foreign.domain = "com.microsoft".into();
    refused(
        "another domain",
        &model(vec![foreign], vec![]),
        &["com.microsoft"],
    );
    // What does not lead to the output may be anything.
    let spare = vec![relu("x", "y"), node("Einsum", "nothing", "z", &[])];
    from_bytes(model(spare, vec![]).encode_to_vec(), None).unwrap();
}

#[test]
fn inputs_and_outputs_that_leave_something_open() {
    let relu = || model(vec![node("Relu", "x", "y", &[])], vec![]);
    let with = |change: fn(&mut Graph)| {
        let mut model = relu();
        change(model.graph.as_mut().unwrap());
        model
    };
    for (what, model, expected) in [
        (
            "two inputs",
            with(|g| g.input.push(info("mask", &[1, 6]))),
            &["2 inputs", "\"x\"", "\"mask\""][..],
        ),
        ("no input", with(|g| g.input.clear()), &["0 inputs"]),
        (
            "two outputs",
            with(|g| g.output.push(info("aux", &[1, 6]))),
            &["2 outputs", "\"y\"", "\"aux\"", "ReadOptions::output"],
        ),
        ("no output", with(|g| g.output.clear()), &["0 outputs"]),
        (
            "an open height and width",
            with(|g| g.input[0] = info("x", &[-1, 3, -1, -1])),
            &["[any, 3, any, any]", "ReadOptions::input"],
        ),
        (
            "a height of 0",
            with(|g| g.input[0] = info("x", &[1, 3, 0, 4])),
            &["[1, 3, 0, 4]"],
        ),
        (
            "a negative size",
            with(|g| g.input[0] = info("x", &[1, 3, -7, 4])),
            &["-7"],
        ),
        (
            "an image of 2^48 pixels",
            with(|g| g.input[0] = info("x", &[1, 1 << 16, 1 << 16, 1 << 16])),
            &["too large"],
        ),
        (
            "five axes",
            with(|g| g.input[0] = info("x", &[1, 3, 4, 4, 4])),
            &["5 axes"],
        ),
        (
            "a number",
            with(|g| g.input[0] = info("x", &[])),
            &["single number"],
        ),
        (
            "no shape",
            with(|g| g.input[0].kind = None),
            &["no shape", "ReadOptions::input"],
        ),
        (
            "bytes",
            with(|g| {
                g.input[0]
                    .kind
                    .as_mut()
                    .unwrap()
                    .tensor
                    .as_mut()
                    .unwrap()
                    .elem_type = 2
            }),
            &["type 2", "floating-point"],
        ),
    ] {
        refused(what, &model, expected);
    }
    let open = with(|g| {
        g.input[0] = info("x", &[-1, 3, -1, -1]);
        g.output.push(info("aux", &[1]));
    });
    let options = ReadOptions::new().input([3, 5, 4]).output("y");
    let net = from_bytes_with(open.encode_to_vec(), None, &options).unwrap();
    assert_eq!(net.output_shape(), [3, 5, 4]);
    let wrong = ReadOptions::new().input([3, 5, 4]).output("z");
    let error = from_bytes_with(open.encode_to_vec(), None, &wrong).unwrap_err();
    assert!(error.to_string().contains("\"z\""), "{error}");
}

#[test]
fn graphs_within_graphs_are_not_followed() {
    let mut attribute = Attribute {
        name: "body".into(),
        ..Attribute::default()
    };
    for _ in 0..5_000 {
        let node = NestedNode {
            attribute: Some(Box::new(attribute)),
        };
        attribute = Attribute {
            name: "body".into(),
            g: Some(Box::new(Nested {
                node: Some(Box::new(node)),
            })),
            ..Attribute::default()
        };
    }
    let mut node = node("Loop", "x", "y", &[]);
    node.attribute.push(attribute);
    // Encoding and dropping so deep a message takes more stack than a test has.
    let run = move || {
        let bytes = model(vec![node], vec![]).encode_to_vec();
        refused_bytes(
            "a graph five thousand deep",
            bytes,
            &["Loop", "not supported"],
        );
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(run);
    thread.unwrap().join().unwrap();
}
