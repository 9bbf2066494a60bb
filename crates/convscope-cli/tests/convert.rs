//! What `scope convert` reads and writes.

mod common;

use common::{Place, fixture};
use std::fs;

#[test]
fn weights_and_networks_go_from_format_to_format_unchanged() {
    let place = Place::new();
    place.photo("a.png", 32, 32);
    let pth = fixture("resnet20.pth");
    place.scope(&["convert", &pth, "a.safetensors"]).well();
    place.scope(&["convert", "a.safetensors", "b.npz"]).well();
    let ended = place
        .scope(&["convert", "b.npz", "c.onnx", "--arch", "resnet20"])
        .well();
    assert!(ended.err.contains("num_batches_tracked"), "{}", ended.err);
    place.scope(&["convert", "c.onnx", "d.safetensors"]).well();
    let answers = |args: &[&str]| {
        let args = [
            &["classify"],
            args,
            &["a.png", "--json", "--preprocessing", "cifar10"],
        ];
        place.scope(&args.concat()).well().json()
    };
    let expected = answers(&["resnet20", "--weights", &pth]);
    for file in ["a.safetensors", "b.npz", "d.safetensors"] {
        assert_eq!(
            answers(&["resnet20", "--weights", file]),
            expected,
            "{file}"
        );
    }
    let onnx = answers(&["c.onnx"]);
    for (found, expected) in onnx[0]["top"]
        .as_array()
        .unwrap()
        .iter()
        .zip(expected[0]["top"].as_array().unwrap())
    {
        assert_eq!(found["label"], expected["label"]);
        let apart =
            found["probability"].as_f64().unwrap() - expected["probability"].as_f64().unwrap();
        assert!(apart.abs() < 1e-5, "{apart}");
    }
}

#[test]
fn what_cannot_be_converted_is_said_and_nothing_is_written_over() {
    let place = Place::new();
    let pth = fixture("lenet5.pth");
    place
        .scope(&["convert", &pth, "a.onnx"])
        .badly(1, &["--arch"]);
    place
        .scope(&["convert", &pth, "a.pth"])
        .badly(1, &["a.pth", ".npz"]);
    place
        .scope(&["convert", &pth, "a.onnx", "--arch", "cnn1"])
        .badly(1, &["cnn1", "missing"]);
    for missing in ["no/such.pth", "such.pth", "no/net"] {
        let ended = place.scope(&["convert", missing, "a.npz"]);
        ended.badly(1, &[missing, "no such file"]);
    }
    place
        .scope(&["convert", "lenet6", "a.npz"])
        .badly(1, &["lenet5"]);
    fs::write(place.path("text.onnx"), "not a network").unwrap();
    place
        .scope(&["convert", "text.onnx", "a.npz"])
        .badly(1, &["text.onnx"]);
    fs::write(place.path("a.npz"), "precious").unwrap();
    place
        .scope(&["convert", &pth, "a.npz"])
        .badly(1, &["a.npz", "--force"]);
    assert_eq!(fs::read(place.path("a.npz")).unwrap(), b"precious");
    place.scope(&["convert", &pth, "a.npz", "--force"]).well();
    assert!(fs::read(place.path("a.npz")).unwrap().starts_with(b"PK"));
    let left: Vec<_> = fs::read_dir(place.folder.path())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
