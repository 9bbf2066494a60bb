//! Files that are damaged, ask for too much or reach where they should not: an error that says so,
//! and little memory.

#[path = "../common/mod.rs"]
mod common;
mod files;
mod graphs;
mod numbers;
mod schema;

use convscope_onnx::from_bytes;
use prost::Message;
use schema::*;

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
