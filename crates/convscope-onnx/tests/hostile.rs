//! Files that are damaged, ask for too much or reach where they should not: an error that says so,
//! and little memory.

mod common;

use common::folder;
use convscope_onnx::{ReadOptions, from_bytes, from_bytes_with, read};
use prost::Message;
use schema::*;

/// As much of ONNX's schema as it takes to make such files, apart from the crate's own.
mod schema {
    use prost::Message;

    #[derive(Clone, PartialEq, Message)]
    pub struct Model {
        #[prost(int64, tag = "1")]
        pub ir_version: i64,
        #[prost(message, optional, tag = "7")]
        pub graph: Option<Graph>,
        #[prost(message, repeated, tag = "8")]
        pub opset_import: Vec<OperatorSet>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct OperatorSet {
        #[prost(string, tag = "1")]
        pub domain: String,
        #[prost(int64, tag = "2")]
        pub version: i64,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Graph {
        #[prost(message, repeated, tag = "1")]
        pub node: Vec<Node>,
        #[prost(message, repeated, tag = "5")]
        pub initializer: Vec<Tensor>,
        #[prost(message, repeated, tag = "11")]
        pub input: Vec<Info>,
        #[prost(message, repeated, tag = "12")]
        pub output: Vec<Info>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Node {
        #[prost(string, repeated, tag = "1")]
        pub input: Vec<String>,
        #[prost(string, repeated, tag = "2")]
        pub output: Vec<String>,
        #[prost(string, tag = "3")]
        pub name: String,
        #[prost(string, tag = "4")]
        pub op_type: String,
        #[prost(message, repeated, tag = "5")]
        pub attribute: Vec<Attribute>,
        #[prost(string, tag = "7")]
        pub domain: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Attribute {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(int64, optional, tag = "3")]
        pub i: Option<i64>,
        #[prost(message, optional, boxed, tag = "6")]
        pub g: Option<Box<Nested>>,
        #[prost(int64, repeated, tag = "8")]
        pub ints: Vec<i64>,
    }

    /// A graph in an attribute of a node in a graph in an attribute.
    #[derive(Clone, PartialEq, Message)]
    pub struct Nested {
        #[prost(message, optional, boxed, tag = "1")]
        pub node: Option<Box<NestedNode>>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct NestedNode {
        #[prost(message, optional, boxed, tag = "5")]
        pub attribute: Option<Box<Attribute>>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Tensor {
        #[prost(int64, repeated, tag = "1")]
        pub dims: Vec<i64>,
        #[prost(int32, tag = "2")]
        pub data_type: i32,
        #[prost(string, tag = "8")]
        pub name: String,
        #[prost(bytes = "vec", optional, tag = "9")]
        pub raw_data: Option<Vec<u8>>,
        #[prost(message, repeated, tag = "13")]
        pub external_data: Vec<Entry>,
        #[prost(int32, tag = "14")]
        pub data_location: i32,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Entry {
        #[prost(string, tag = "1")]
        pub key: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Info {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, optional, tag = "2")]
        pub kind: Option<Kind>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Kind {
        #[prost(message, optional, tag = "1")]
        pub tensor: Option<TensorKind>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct TensorKind {
        #[prost(int32, tag = "1")]
        pub elem_type: i32,
        #[prost(message, optional, tag = "2")]
        pub shape: Option<Shape>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Shape {
        #[prost(message, repeated, tag = "1")]
        pub dim: Vec<Dim>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Dim {
        #[prost(int64, optional, tag = "1")]
        pub value: Option<i64>,
        #[prost(string, optional, tag = "2")]
        pub param: Option<String>,
    }
}

fn info(name: &str, dims: &[i64]) -> Info {
    // A size of -1 is one that the file leaves open.
    let dim = dims.iter().map(|&size| Dim {
        value: (size != -1).then_some(size),
        param: (size == -1).then(|| "any".to_owned()),
    });
    let shape = Shape { dim: dim.collect() };
    let tensor = TensorKind {
        elem_type: 1,
        shape: Some(shape),
    };
    Info {
        name: name.to_owned(),
        kind: Some(Kind {
            tensor: Some(tensor),
        }),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn node(operator: &str, input: &str, output: &str, attributes: &[(&str, &[i64])]) -> Node {
    let attribute = attributes.iter().map(|(name, values)| Attribute {
        name: (*name).to_owned(),
        i: values.first().copied(),
        ints: values.to_vec(),
        ..Attribute::default()
    });
    Node {
        input: words(input),
        output: words(output),
        name: format!("the {operator}"),
        op_type: operator.to_owned(),
        attribute: attribute.collect(),
        domain: String::new(),
    }
}

fn weight(name: &str, dims: &[i64], bytes: usize) -> Tensor {
    Tensor {
        dims: dims.to_vec(),
        data_type: 1,
        name: name.to_owned(),
        raw_data: Some(vec![0; bytes]),
        ..Tensor::default()
    }
}

fn model(node: Vec<Node>, initializer: Vec<Tensor>) -> Model {
    Model {
        ir_version: 9,
        opset_import: vec![OperatorSet {
            domain: String::new(),
            version: 17,
        }],
        graph: Some(Graph {
            node,
            initializer,
            input: vec![info("x", &[-1, 2, 6, 6])],
            output: vec![info("y", &[-1, 3])],
        }),
    }
}

/// The error of a model, which must hold these words.
fn refused(what: &str, model: &Model, expected: &[&str]) {
    refused_bytes(what, model.encode_to_vec(), expected);
}

fn refused_bytes(what: &str, bytes: Vec<u8>, expected: &[&str]) {
    let error = match from_bytes(bytes, None) {
        Ok(net) => panic!("{what} was read: {net}"),
        Err(error) => error.to_string(),
    };
    for word in expected {
        assert!(error.contains(word), "{what}: \"{word}\" in {error}");
    }
    assert!(error.len() < 2000, "{what}: {} letters", error.len());
}

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

#[test]
fn files_that_are_no_models() {
    for (what, bytes, expected) in [
        ("an empty file", vec![], &["it is empty"][..]),
        ("zeros", vec![0; 100], &["does not parse"]),
        ("a text", b"PNG is not ONNX".to_vec(), &["not usable"]),
        (
            "a length beyond the end",
            vec![0x3a, 0xff, 0xff, 0xff, 0xff, 0x07],
            &["does not parse"],
        ),
        (
            "a group without an end",
            vec![0x0b; 10_000],
            &["does not parse"],
        ),
        (
            "no operator set",
            Model::default().encode_to_vec(),
            &["not usable"],
        ),
    ] {
        refused_bytes(what, bytes, expected);
    }
    let mut old = model(vec![node("Relu", "x", "y", &[])], vec![]);
    old.opset_import[0].version = 3;
    refused("a version of 2016", &old, &["version 3", "6 (of 2017)"]);
    old.opset_import[0].version = i64::MAX;
    refused("a version of the far future", &old, &["version"]);
    old.opset_import.clear();
    refused("no version", &old, &["does not say which version"]);
    let error = read("/no/such/folder/model.onnx").unwrap_err().to_string();
    assert!(
        error.contains("cannot read /no/such/folder/model.onnx"),
        "{error}"
    );
}

#[test]
fn a_file_cut_at_any_place_is_an_error() {
    for file in ["residual_ts.onnx", "excite_dynamo.onnx", "types.onnx"] {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        for length in 0..bytes.len() {
            if let Ok(net) = from_bytes(&bytes[..length], None) {
                panic!("{file} cut at {length} was read: {net}");
            }
        }
    }
}

/// A model whose weights stand in a file.
fn outside(location: &str, offset: &str, length: &str) -> Vec<u8> {
    let entries = [
        ("location", location),
        ("offset", offset),
        ("length", length),
    ];
    let tensor = Tensor {
        raw_data: None,
        data_location: 1,
        external_data: entries
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| Entry {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            })
            .collect(),
        ..weight("w", &[3, 2, 3, 3], 0)
    };
    model(vec![node("Conv", "x w", "y", &[])], vec![tensor]).encode_to_vec()
}

#[test]
fn weights_outside_the_models_folder_are_not_opened() {
    let whole = tempfile::tempdir().unwrap();
    let folder = whole.path().join("models");
    std::fs::create_dir_all(folder.join("below")).unwrap();
    let numbers = vec![0u8; 300];
    for path in ["secret", "models/good", "models/below/good"] {
        std::fs::write(whole.path().join(path), &numbers).unwrap();
    }
    let secret = whole.path().join("secret");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&secret, folder.join("link")).unwrap();
        std::os::unix::fs::symlink(whole.path(), folder.join("up")).unwrap();
        std::os::unix::fs::symlink(folder.join("good"), folder.join("inside")).unwrap();
    }
    let attempt = |location: &str, offset: &str, length: &str| {
        from_bytes(outside(location, offset, length), Some(&folder))
    };
    attempt("good", "", "").unwrap();
    attempt("good", "84", "216").unwrap();
    attempt("./below/good", "10", "").unwrap();
    #[cfg(unix)]
    attempt("inside", "", "").unwrap();
    let absolute = secret.display().to_string();
    for (location, offset, length, expected) in [
        ("../secret", "", "", "not in the model's folder"),
        ("below/../../secret", "", "", "not in the model's folder"),
        (
            "../../../../../../etc/passwd",
            "",
            "",
            "not in the model's folder",
        ),
        (absolute.as_str(), "", "", "not in the model's folder"),
        ("/etc/passwd", "", "", "not in the model's folder"),
        #[cfg(unix)]
        ("link", "", "", "not in the model's folder"),
        #[cfg(unix)]
        ("up/secret", "", "", "not in the model's folder"),
        ("go\0od", "", "", "not in the model's folder"),
        ("below", "", "", "no file"),
        ("missing", "", "", "cannot read"),
        ("", "", "", "does not say in which file"),
        ("good", "85", "", "truncated"),
        ("good", "18446744073709551615", "", "truncated"),
        ("good", "-1", "", "offset is \"-1\""),
        ("good", "", "215", "216 bytes, and the file says 215"),
    ] {
        let error = attempt(location, offset, length).unwrap_err().to_string();
        assert!(error.contains(expected), "{location}: {error}");
        assert!(error.contains("\"the Conv\""), "{location}: {error}");
    }
}
