//! Small files from PyTorch's two exporters, and some made node by node, against the outputs that
//! PyTorch and onnxruntime gave. `fixtures/make_onnx.py` made them.

mod common;

use common::{BAR, cases, difference, folder};
use convscope_nn::Tensor;
use convscope_onnx::{ReadOptions, from_bytes, from_bytes_with, read, to_bytes};

#[test]
fn outputs_are_those_of_pytorch_and_onnxruntime() {
    let all = cases();
    assert!(all.len() >= 15);
    for case in all {
        let net = read(&case.file).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let y = net
            .forward(&case.x)
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let error = difference(&y, &case.y);
        assert!(error < BAR, "{}: {error}", case.name);
    }
}

#[test]
fn what_was_read_is_written_and_read_again_with_the_same_names_and_outputs() {
    for case in cases() {
        let net = read(&case.file).unwrap();
        let again = from_bytes(to_bytes(&net).unwrap(), None);
        let again = again.unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let (one, two) = (
            net.forward(&case.x).unwrap(),
            again.forward(&case.x).unwrap(),
        );
        let error = difference(&two, &one);
        assert!(error < 1e-6, "{}: {error}", case.name);
        if !case.name.contains("bins") {
            assert_eq!(again.nodes(), net.nodes(), "{}", case.name);
        }
    }
}

#[test]
fn nodes_and_parameters_keep_their_paths() {
    for (file, nodes, parameters) in [
        (
            "residual_ts.onnx",
            ["conv1", "relu", "pool", "block.0", "block.2"],
            ["conv1.weight", "block.0.bias", "fc.weight"],
        ),
        (
            "residual_bn.onnx",
            ["conv1", "bn1", "block.0", "block.1", "block.2"],
            ["conv1.weight", "block.1.bias", "fc.weight"],
        ),
        (
            "residual_dynamo.onnx",
            ["conv1", "pool", "block.0", "block.2", "fc"],
            ["conv1.weight", "block.0.weight", "fc.bias"],
        ),
    ] {
        let net = read(folder().join(file)).unwrap();
        let found = net.nodes();
        for node in nodes {
            assert!(
                found.iter().any(|name| name == node),
                "{file}: {node} in {found:?}"
            );
        }
        for path in parameters {
            net.parameter(path)
                .unwrap_or_else(|e| panic!("{file}: {e}"));
        }
    }
}

#[test]
fn a_bias_behind_a_product_or_a_convolution_becomes_its_own() {
    let net = read(folder().join("of_2017.onnx")).unwrap();
    let kinds: Vec<&str> = net.summary().rows.iter().map(|row| row.kind).collect();
    assert!(!kinds.contains(&"ChannelAffine"), "{kinds:?}");
    let net = read(folder().join("types.onnx")).unwrap();
    let rows = net.summary().rows;
    assert!(
        rows.iter()
            .any(|row| row.kind == "Linear" && row.parameters == 16),
        "{net}"
    );
}

#[test]
fn an_image_may_have_another_size_than_the_file_says_where_its_layers_allow_it() {
    let bytes = std::fs::read(folder().join("residual_ts.onnx")).unwrap();
    let options = ReadOptions::new().input([3, 24, 20]);
    let net = from_bytes_with(bytes, None, &options).unwrap();
    assert_eq!(net.input_shape(), [3, 24, 20]);
    let y = net.forward(&Tensor::zeros(vec![2, 3, 24, 20])).unwrap();
    assert_eq!(y.shape(), [2, 5]);
}

#[test]
fn weights_in_files_of_their_own_need_a_folder() {
    let bytes = std::fs::read(folder().join("external.onnx")).unwrap();
    let error = from_bytes(bytes, None).unwrap_err().to_string();
    assert!(
        error.contains("external.data") && error.contains("no folder"),
        "{error}"
    );
}
