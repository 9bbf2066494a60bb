//! What the tests share.

#![allow(dead_code)]

use convscope_weights::Weights;
use std::path::{Path, PathBuf};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Every fixture that is a weight file, with its bytes.
pub fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e != "py") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// A real weight file, or none and a line that says so.
pub fn real(name: &str) -> Option<PathBuf> {
    let mirror = std::env::var_os("CONVSCOPE_MIRROR").map(PathBuf::from);
    let file = mirror.map(|m| m.join("weights").join(name));
    let found = file.filter(|f| f.is_file());
    if found.is_none() {
        println!("SKIPPED: no {name} here. Set CONVSCOPE_MIRROR to a folder that has weights/.");
    }
    found
}

/// What the scripts put at place `i`.
pub fn counted(i: usize) -> f32 {
    (i as f32 - 7.0) / 8.0
}

/// Asserts the shape, and that the numbers are counted out row by row.
pub fn assert_counted(weights: &Weights, name: &str, shape: &[usize]) {
    let array = weights.get(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(array.shape(), shape, "{name}");
    for (i, &value) in array.iter().enumerate() {
        assert_eq!(value, counted(i), "{name} at {i}");
    }
}

pub fn names(weights: &Weights) -> Vec<&str> {
    weights.iter().map(|(name, _)| name).collect()
}

pub fn problem(bytes: &[u8]) -> String {
    Weights::from_bytes(bytes, "file").unwrap_err().to_string()
}
