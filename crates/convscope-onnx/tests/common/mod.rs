//! What several test files share.
#![allow(dead_code, reason = "each test file uses a part")]

use convscope_nn::{Network, Tensor};
use ndarray::IxDyn;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The bar: the largest difference, relative to the largest number of the output.
pub const BAR: f32 = 1e-4;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A small file, and what its network makes of some images.
pub struct Case {
    pub name: String,
    pub file: PathBuf,
    pub x: Tensor,
    pub y: Tensor,
}

pub fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("fixtures.json")).unwrap();
    let fixture: Value = serde_json::from_str(&text).unwrap();
    let cases = fixture["cases"].as_object().unwrap();
    cases
        .iter()
        .map(|(name, case)| Case {
            name: name.clone(),
            file: folder().join(case["file"].as_str().unwrap()),
            x: tensor(&case["x"]),
            y: tensor(&case["y"]),
        })
        .collect()
}

pub fn tensor(value: &Value) -> Tensor {
    let shape: Vec<usize> = serde_json::from_value(value["shape"].clone()).unwrap();
    let values: Vec<f32> = serde_json::from_value(value["values"].clone()).unwrap();
    Tensor::from_shape_vec(IxDyn(&shape), values).unwrap()
}

/// The largest difference, relative to the largest number that was expected.
pub fn difference(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.shape(), expected.shape());
    let largest = expected.iter().fold(0f32, |top, v| top.max(v.abs()));
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    // A NaN would be lost in a maximum.
    apart.fold(0f32, |top, v| if v <= top { top } else { v }) / largest
}

/// Numbers that hide no mistake.
pub fn images(net: &Network, count: usize) -> Tensor {
    let shape = [&[count], net.input_shape()].concat();
    let mut state = 1u32;
    Tensor::from_shape_simple_fn(IxDyn(&shape), || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
}

/// Random numbers in place of those that begin at 0 and 1, which would hide mistakes: biases, and
/// batch norm's scales and statistics.
pub fn settle(net: &mut Network) {
    let paths = |net: &Network| {
        let own = net
            .parameters()
            .into_iter()
            .map(|(path, t)| (path, t.clone(), true));
        let buffers = net
            .buffers()
            .into_iter()
            .map(|(path, t)| (path, t.clone(), false));
        own.chain(buffers).collect::<Vec<_>>()
    };
    let mut state = 7u32;
    for (path, tensor, parameter) in paths(net) {
        if tensor.ndim() != 1 {
            continue;
        }
        let positive = path.ends_with("running_var") || path.ends_with("weight");
        let value = tensor.mapv(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let unit = (state >> 8) as f32 / (1 << 24) as f32;
            if positive {
                0.5 + unit
            } else {
                0.4 * unit - 0.2
            }
        });
        match parameter {
            true => net.set_parameter(&path, value).unwrap(),
            false => net.set_buffer(&path, value).unwrap(),
        }
    }
}
