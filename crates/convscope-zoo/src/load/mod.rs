//! Weights into networks, by name: all of them or none.

mod chain;
mod names;
mod translate;

use crate::error::{Result, ZooError};
use convscope_nn::Network;
use convscope_weights::{Format, Mismatch, Weights, WeightsError};
use ndarray::{ArrayD, Dimension};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// Whose names the weights had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Naming {
    /// The network's own, which are torchvision's where that has the same network.
    Own,
    /// torchvision's of 2017 for DenseNet, which its weight files still have: `norm.1` for `norm1`.
    OldDenseNet,
    /// Those of the residual networks for CIFAR-10 that are passed around: `linear` for `fc`.
    PublicCifar,
    /// Keras's: `conv1/kernel:0`, with Keras's own names of layers for the VGG networks.
    Keras,
    /// Caffe's: those of the published models of AlexNet, VGG, Network in Network, GoogLeNet and
    /// SqueezeNet.
    Caffe,
}

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Naming::Own => "its own names",
            Naming::OldDenseNet => "torchvision's old names of DenseNet",
            Naming::PublicCifar => "the names of public residual networks for CIFAR-10",
            Naming::Keras => "Keras's names",
            Naming::Caffe => "Caffe's names",
        })
    }
}

/// What [`load`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// Whose names the weights had.
    pub naming: Naming,
    /// Arrays that were there and left out on purpose: auxiliary heads, counters of steps, an
    /// optimizer's state.
    pub ignored: Vec<String>,
}

/// A network's tensors as they are called here.
type Found<'a> = Vec<(String, Cow<'a, ArrayD<f32>>)>;

/// Fills a network's parameters and buffers by name. Either all of them are replaced, or the
/// network stays as it was.
///
/// # Names
/// - The network's own: PyTorch's dotted paths. A prefix that all of them share (`module.`,
///   `_orig_mod.`, `model.`) is left out, and so is `net/` of this project's checkpoints.
/// - torchvision's DenseNet files say `denselayer1.norm.1` for `denselayer1.norm1`.
/// - Public residual networks for CIFAR-10 say `linear` for `fc`.
/// - Keras's files: layers by their names, where these are the network's nodes, or Keras's own
///   names in VGG-16 and VGG-19 (`block1_conv1`, `fc1`, `predictions`); arrays are turned from
///   Keras's layout.
/// - Caffe's files: likewise, and the names in its published models of VGG (`conv1_1`), Network in
///   Network (`cccp1`), GoogLeNet (`inception_3a/3x3_reduce`) and SqueezeNet
///   (`fire2/squeeze1x1`).
///
/// Numbers are taken as they are. Networks from Caffe, and Keras's VGG, usually expect blue, green
/// and red from 0 to 255 less a mean: that is a matter of preprocessing, not of weights.
///
/// # What is left out
/// `num_batches_tracked`, which counts steps; the auxiliary heads of GoogLeNet and Inception v3
/// (`aux1`, `aux2`, `AuxLogits`, Caffe's `loss1` and `loss2`) where the network has none; what
/// stands beside `net/` in a checkpoint. [`Loaded::ignored`] names them. Anything else that the
/// network does not ask for is a mistake.
///
/// # Errors
/// When a parameter is missing, has another shape or is not asked for (the message lists each with
/// both shapes), or holds a NaN or an infinity.
pub fn load(network: &mut Network, weights: &Weights) -> Result<Loaded> {
    load_any(network, weights, &namings(weights))
}

/// [`load`] for weights whose names are known to be of this kind, where the file's format does not
/// tell: Keras's saved as `.npz`, say.
///
/// # Errors
/// As [`load`].
pub fn load_as(network: &mut Network, weights: &Weights, naming: Naming) -> Result<Loaded> {
    load_any(network, weights, &[naming])
}

fn load_any(network: &mut Network, weights: &Weights, namings: &[Naming]) -> Result<Loaded> {
    let expected = expected(network);
    let source = weights.source().map(|path| path.display().to_string());
    let mut nearest: Option<Mismatch> = None;
    for &naming in namings {
        let (found, ignored) = read(network, weights, naming, &expected)?;
        let shapes = found
            .iter()
            .map(|(name, array)| (name.as_str(), array.shape()));
        let mismatch = Mismatch::between(source.clone(), shapes, &expected);
        if mismatch.is_empty() {
            check_finite(&found, source.as_deref())?;
            fill(network, found)?;
            return Ok(Loaded { naming, ignored });
        }
        if nearest.as_ref().is_none_or(|n| wrong(&mismatch) < wrong(n)) {
            nearest = Some(mismatch);
        }
    }
    Err(WeightsError::Mismatch(nearest.unwrap_or_default()).into())
}

/// Which namings a file may have, the likeliest first.
fn namings(weights: &Weights) -> Vec<Naming> {
    match weights.format() {
        Some(Format::KerasH5 | Format::KerasZip) => vec![Naming::Keras, Naming::Own],
        Some(Format::Caffe) => vec![Naming::Caffe, Naming::Own],
        _ => vec![Naming::Own, Naming::OldDenseNet, Naming::PublicCifar],
    }
}

/// All that a network's weights are: learned and gathered, by path, with their shapes.
fn expected(network: &Network) -> Vec<(String, Vec<usize>)> {
    let all = network.parameters().into_iter().chain(network.buffers());
    all.map(|(path, tensor)| (path, tensor.shape().to_vec()))
        .collect()
}

/// The arrays under the network's names, as far as a naming knows them, and what is left out.
fn read<'a>(
    network: &Network,
    weights: &'a Weights,
    naming: Naming,
    expected: &[(String, Vec<usize>)],
) -> Result<(Found<'a>, Vec<String>)> {
    let asked: HashSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    let prefix = names::Prefix::of(weights, &asked);
    let translate = translate::Translator::new(network, naming);
    let mut found = Found::new();
    let mut ignored: Vec<String> = weights.integers().map(|(name, _)| name.into()).collect();
    for (name, array) in weights.iter() {
        let Some(bare) = prefix.strip(name) else {
            ignored.push(name.to_owned());
            continue;
        };
        let (path, array) = translate.tensor(bare, array)?;
        match !asked.contains(path.as_str()) && names::is_harmless(bare) {
            true => ignored.push(name.to_owned()),
            false => found.push((path, array)),
        }
    }
    Ok((found, ignored))
}

/// How far off a naming is.
fn wrong(mismatch: &Mismatch) -> usize {
    mismatch.missing.len() + mismatch.misshapen.len() + mismatch.unexpected.len()
}

fn check_finite(found: &Found<'_>, source: Option<&str>) -> Result<()> {
    for (name, array) in found {
        // Places are looked up only where something is wrong: it takes ten times as long.
        if array.iter().all(|v| v.is_finite()) {
            continue;
        }
        let at = array.indexed_iter().find(|(_, v)| !v.is_finite());
        if let Some((position, value)) = at {
            return Err(ZooError::NotFinite {
                file: source.unwrap_or("the weights").to_owned(),
                name: name.clone(),
                value: value.to_string(),
                position: position.slice().to_vec(),
            });
        }
    }
    Ok(())
}

/// Sets tensors whose names and shapes were found to be right.
fn fill(network: &mut Network, found: Found<'_>) -> Result<()> {
    let buffers: HashSet<String> = network
        .buffers()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for (name, array) in found {
        match buffers.contains(&name) {
            true => network.set_buffer(&name, array.into_owned())?,
            false => network.set_parameter(&name, array.into_owned())?,
        }
    }
    Ok(())
}
