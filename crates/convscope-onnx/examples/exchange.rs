//! The two halves of the comparison with PyTorch and onnxruntime that `scripts/onnx.sh` runs.
//!
//! ```text
//! exchange read FOLDER     reads each model of FOLDER/models.json and compares its outputs
//! exchange write FOLDER    writes every network of the catalogue, with inputs and outputs
//! ```
//!
//! Both print a table as JSON.

use convscope_nn::{Init, Network, Tensor};
use convscope_zoo::{Options, entries};
use ndarray::IxDyn;
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["read", folder] => read(Path::new(folder)),
        ["write", folder] => write(Path::new(folder)),
        _ => Err("usage: exchange read|write FOLDER".into()),
    }
}

/// Numbers as they lie in memory, lowest byte first.
fn load(path: &Path, shape: &Value) -> Result<Tensor> {
    let shape: Vec<usize> = serde_json::from_value(shape.clone())?;
    let bytes = fs::read(path)?;
    let (chunks, _) = bytes.as_chunks::<4>();
    let numbers = chunks
        .iter()
        .map(|chunk| f32::from_le_bytes(*chunk))
        .collect();
    Ok(Tensor::from_shape_vec(IxDyn(&shape), numbers)?)
}

fn save(path: &Path, tensor: &Tensor) -> Result<()> {
    let bytes: Vec<u8> = tensor.iter().flat_map(|v| v.to_le_bytes()).collect();
    Ok(fs::write(path, bytes)?)
}

fn read(folder: &Path) -> Result<()> {
    let models: Value = serde_json::from_str(&fs::read_to_string(folder.join("models.json"))?)?;
    let mut rows = Vec::new();
    for model in models["models"]
        .as_array()
        .ok_or("models.json has no list")?
    {
        let text = |key: &str| model[key].as_str().unwrap_or_default();
        let x = load(&folder.join(text("x")), &model["x_shape"])?;
        let y = load(&folder.join(text("y")), &model["y_shape"])?;
        let begun = Instant::now();
        let net = convscope_onnx::read(folder.join(text("file")))?;
        let seconds = begun.elapsed().as_secs_f64();
        let found = net.forward(&x)?;
        let largest = y.iter().fold(0f32, |top, v| top.max(v.abs()));
        let apart = found.iter().zip(&y).map(|(a, b)| (a - b).abs());
        // A NaN would be lost in a maximum.
        let error = apart.fold(0f32, |top, v| if v <= top { top } else { v }) / largest;
        eprintln!("{} ({}): {error:e}", text("name"), text("exporter"));
        rows.push(json!({
            "name": text("name"),
            "exporter": text("exporter"),
            "nodes": net.nodes().len(),
            "parameters": net.parameter_count(),
            "largest_output": largest,
            "error": error,
            "seconds_to_read": (seconds * 100.0).round() / 100.0,
        }));
    }
    println!("{}", serde_json::to_string(&rows)?);
    Ok(())
}

fn write(folder: &Path) -> Result<()> {
    let mut rows = Vec::new();
    for entry in entries() {
        // Uniform numbers take a fraction of the time, where there are a hundred million.
        let init = match entry.parameters > 30_000_000 {
            true => Init::Uniform(0.03),
            false => Init::He,
        };
        let mut net = entry.build(Options::new().seed(1).init(init))?;
        settle(&mut net)?;
        let shape = [&[2], net.input_shape()].concat();
        let x = Tensor::from_shape_fn(IxDyn(&shape), |i| {
            (0.7 * i[0] as f32 + 1.3 * i[1] as f32 + 0.11 * i[2] as f32 + 0.07 * i[3] as f32).sin()
                + 0.3 * (0.9 * i[2] as f32 * i[3] as f32).cos()
        });
        let y = net.forward(&x)?;
        let name = entry.name;
        convscope_onnx::write(&net, folder.join(format!("{name}.onnx")))?;
        save(&folder.join(format!("{name}.x.bin")), &x)?;
        save(&folder.join(format!("{name}.y.bin")), &y)?;
        eprintln!("{name}");
        rows.push(json!({
            "name": name,
            "x_shape": x.shape(),
            "y_shape": y.shape(),
            "parameters": net.parameter_count(),
        }));
    }
    let text = serde_json::to_string(&json!({ "models": rows }))?;
    fs::write(folder.join("written.json"), text)?;
    Ok(())
}

/// Batch norm's statistics and scales away from 0 and 1, which would hide mistakes.
fn settle(net: &mut Network) -> Result<()> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let parameters = net
        .parameters()
        .into_iter()
        .map(|(path, t)| (path, t.clone(), true));
    let buffers = net
        .buffers()
        .into_iter()
        .map(|(path, t)| (path, t.clone(), false));
    for (path, tensor, parameter) in parameters.chain(buffers).collect::<Vec<_>>() {
        if tensor.ndim() != 1 {
            continue;
        }
        let positive = path.ends_with("running_var") || path.ends_with("weight");
        let value = tensor.mapv(|_| {
            if positive {
                0.5 + next()
            } else {
                0.2 * next() - 0.1
            }
        });
        match parameter {
            true => net.set_parameter(&path, value)?,
            false => net.set_buffer(&path, value)?,
        }
    }
    Ok(())
}
