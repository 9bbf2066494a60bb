//! Outputs, against those of the same networks in PyTorch. `fixtures/make_outputs.py` made what is
//! compared with, and says how; `docs/zoo.md` how to compare the networks in full size.

use convscope_nn::{Network, Tensor};
use convscope_weights::Weights;
use convscope_zoo::{Options, entries, get, load};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// Largest difference allowed, in parts of the largest output.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Fixture {
    torch: String,
    torchvision: String,
    networks: BTreeMap<String, ByFormula>,
    files: BTreeMap<String, FromFile>,
}

#[derive(Deserialize)]
struct ByFormula {
    size: usize,
    /// Mean and variance of what comes into each batch norm.
    norms: Vec<[f64; 2]>,
    output: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct FromFile {
    output: Vec<Vec<f32>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/outputs.json")).unwrap()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The CRC-32 of zip and PNG, bit by bit.
fn crc32(text: &str) -> u32 {
    let crc = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    });
    !crc
}

/// Numbers from -1 to before 1 that follow from a name alone; `numbers` in make_outputs.py.
fn numbers(path: &str, shape: &[usize], of: impl Fn(f32) -> f32) -> Tensor<f32> {
    let seed = crc32(path);
    let count: usize = shape.iter().product();
    let values = (0..count as u32).map(|i| {
        let mut x = i.wrapping_mul(0x9E37_79B9).wrapping_add(seed);
        x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
        x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
        x ^= x >> 16;
        of((x >> 8) as f32 * 2f32.powi(-23) - 1.0)
    });
    Tensor::from_shape_vec(shape.to_vec(), values.collect()).unwrap()
}

fn image(net: &Network) -> Tensor<f32> {
    let shape = [&[2], net.input_shape()].concat();
    numbers("image", &shape, |u| u)
}

/// What `by_formula` in make_outputs.py fills a network with.
fn by_formula(net: &Network, norms: &[[f64; 2]]) -> Weights {
    let buffers = net.buffers();
    let means = buffers
        .iter()
        .filter_map(|(path, _)| path.strip_suffix(".running_mean"));
    let normalised: Vec<&str> = means.collect();
    assert_eq!(normalised.len(), norms.len());
    let mut weights = Weights::new();
    for (path, tensor) in net.parameters() {
        let shape = tensor.shape();
        let (node, name) = path.rsplit_once('.').unwrap();
        let scale = match (normalised.contains(&node), name) {
            (true, _) => 0.25,
            (false, "weight") => {
                let inputs: usize = shape[1..].iter().product();
                (6.0 / inputs as f64).sqrt() as f32
            }
            (false, _) => 0.125,
        };
        let middle = match normalised.contains(&node) && name == "weight" {
            true => 1.0,
            false => 0.0,
        };
        let values = numbers(&path, shape, |u| u * scale + middle);
        weights.insert(path, values).unwrap();
    }
    for (node, &[mean, variance]) in normalised.iter().zip(norms) {
        let (mean, variance) = (mean as f32, variance as f32);
        let channels = net.parameter(&format!("{node}.weight")).unwrap().len();
        let spread = 0.25 * variance.sqrt();
        let path = format!("{node}.running_mean");
        let means = numbers(&path, &[channels], |u| u * spread + mean);
        weights.insert(path, means).unwrap();
        let path = format!("{node}.running_var");
        let variances = numbers(&path, &[channels], |u| (u * 0.25 + 1.0) * variance);
        weights.insert(path, variances).unwrap();
    }
    weights
}

/// The largest difference, in parts of the largest output.
fn apart(found: &Tensor<f32>, expected: impl Iterator<Item = f32>) -> f32 {
    let expected: Vec<f32> = expected.collect();
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.0 && largest.is_finite());
    let differences = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    let worst = differences.fold(
        0f32,
        |worst, d| if d > worst || d.is_nan() { d } else { worst },
    );
    worst / largest
}

#[test]
fn every_architecture_is_compared() {
    let fixture = fixture();
    let compared: HashSet<&str> = fixture.networks.keys().map(String::as_str).collect();
    let all: HashSet<&str> = entries().map(|entry| entry.name).collect();
    assert_eq!(compared, all);
    assert!(!fixture.torch.is_empty() && !fixture.torchvision.is_empty());
}

/// torchvision's VGGs have a hundred million weights whatever the image's size: two of the eight are
/// compared at every run, which have all that the others have, and these when they are asked for.
const LARGE: [&str; 6] = [
    "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn",
];

#[test]
fn outputs_are_those_of_pytorch_with_the_same_weights() {
    compare(|name| !LARGE.contains(&name));
}

#[test]
#[ignore = "takes half a minute; docs/zoo.md has the command"]
fn outputs_of_the_deeper_vggs_are_those_of_pytorch_too() {
    compare(|name| LARGE.contains(&name));
}

fn compare(wanted: impl Fn(&str) -> bool) {
    for (name, expected) in fixture().networks {
        if !wanted(&name) {
            continue;
        }
        let options = Options::new().classes(5).size(expected.size).blank();
        let mut net = get(&name).unwrap().build(options).unwrap();
        let weights = by_formula(&net, &expected.norms);
        load(&mut net, &weights).unwrap();
        let found = net.forward(&image(&net)).unwrap();
        let error = apart(&found, expected.output.into_iter().flatten());
        assert!(error < TOLERANCE, "{name}: {error:e} apart");
    }
}

#[test]
fn outputs_are_those_of_pytorch_with_weights_from_a_file_that_it_wrote() {
    for (file, expected) in fixture().files {
        let name = file.strip_suffix(".pth").unwrap();
        let mut net = get(name).unwrap().build(Options::new().blank()).unwrap();
        let weights = Weights::read(fixtures().join(&file)).unwrap();
        load(&mut net, &weights).unwrap();
        let found = net.forward(&image(&net)).unwrap();
        let error = apart(&found, expected.output.into_iter().flatten());
        assert!(error < TOLERANCE, "{file}: {error:e} apart");
    }
}

/// The folder is what `make_outputs.py --full` wrote; networks that are not in it are not compared.
#[test]
#[ignore = "needs gigabytes that PyTorch writes; docs/zoo.md has the commands"]
fn outputs_in_full_size_are_those_of_pytorch() {
    let folder = std::env::var_os("CONVSCOPE_TORCH_OUTPUTS")
        .expect("CONVSCOPE_TORCH_OUTPUTS is the folder that make_outputs.py --full wrote");
    let folder = Path::new(&folder);
    let mut compared = 0;
    for entry in entries() {
        let weights = folder.join(format!("{}.pth", entry.name));
        if !weights.exists() {
            continue;
        }
        let mut net = entry.build(Options::new().blank()).unwrap();
        load(&mut net, &Weights::read(weights).unwrap()).unwrap();
        let pair = Weights::read(folder.join(format!("{}.npz", entry.name))).unwrap();
        let found = net.forward(pair.get("image").unwrap()).unwrap();
        let output = pair.get("output").unwrap();
        let error = apart(&found, output.iter().copied());
        println!("{{\"name\": \"{}\", \"apart\": {error:.2e}}}", entry.name);
        assert!(error < TOLERANCE, "{}: {error:e} apart", entry.name);
        compared += 1;
    }
    assert!(compared > 0, "{} has no networks", folder.display());
}
