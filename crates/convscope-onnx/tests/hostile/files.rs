//! Files that are damaged, and files that reach for others.

use super::common::folder;
use super::schema::*;
use super::{model, node, refused, refused_bytes, weight};
use convscope_onnx::{from_bytes, read};
use prost::Message;

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
