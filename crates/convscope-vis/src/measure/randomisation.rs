//! Does a map notice that the network has forgotten what it learned (Adebayo et al. 2018)?

use super::{finite, spearman, structural_similarity};
use crate::error::{Result, VisError, node_shape};
use crate::images::dimensions;
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::{Init, Network, Tensor};
use ndarray::{Array2, Array3, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::time::Instant;

/// Settings of [`randomisation_check`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Randomisation {
    /// Which layers are randomised at a time. From the top down, one after the other.
    pub mode: Randomising,
    /// Of the weights that are drawn.
    pub seed: u64,
}

/// Which layers are randomised at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Randomising {
    /// The layer and all above it: in the last step nothing is left of what was learned.
    #[default]
    Cascading,
    /// The layer alone.
    Independent,
}

impl Randomisation {
    /// With the defaults.
    pub fn new() -> Randomisation {
        Randomisation::default()
    }

    /// With other layers at a time.
    pub fn mode(mut self, mode: Randomising) -> Randomisation {
        self.mode = mode;
        self
    }

    /// With another seed.
    pub fn seed(mut self, seed: u64) -> Randomisation {
        self.seed = seed;
        self
    }
}

/// What became of the maps as the network forgot.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RandomisationCheck {
    /// The maps of the network as it is, `[N, H, W]`.
    pub original: Array3<f32>,
    /// From the top layer down.
    pub layers: Vec<RandomisedLayer>,
    /// [`Flag::Unfinished`] where the budget ended it.
    pub flags: Vec<Flag>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// The maps with the weights of a layer (and those above it) drawn anew.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RandomisedLayer {
    /// The layer.
    pub layer: String,
    /// The maps, `[N, H, W]`.
    pub maps: Array3<f32>,
    /// Spearman's rank correlation with the original map, mean over the images: near 0 of a method
    /// that explains the network.
    pub spearman: f64,
    /// The same of absolute values: two maps may differ in sign alone.
    pub spearman_absolute: f64,
    /// Structural similarity of absolute values with the original map, mean over the images.
    pub similarity: f64,
}

/// The sanity check of Adebayo et al. (2018): draws the weights of layer after layer anew, from the
/// top down, and compares the maps with those of the network as it is. A map that stays alike shows
/// the image, not what the network learned.
///
/// `explain` gives maps `[N, H, W]` of a network and images, for the same classes each time (name
/// the class: the most probable one changes with the weights).
///
/// # Errors
/// When the network has no weights, or the explanation fails or changes its shape.
pub fn randomisation_check(
    net: &Network,
    images: &Tensor,
    explain: impl Fn(&Network, &Tensor) -> Result<Array3<f32>>,
    options: &Randomisation,
) -> Result<RandomisationCheck> {
    randomisation_check_watched(net, images, explain, options, &mut Watch::quiet())
}

/// [`randomisation_check`] with a budget, in images explained, and someone to tell.
///
/// # Errors
/// As [`randomisation_check`].
pub fn randomisation_check_watched(
    net: &Network,
    images: &Tensor,
    explain: impl Fn(&Network, &Tensor) -> Result<Array3<f32>>,
    options: &Randomisation,
    watch: &mut Watch,
) -> Result<RandomisationCheck> {
    let begun = Instant::now();
    let [n, ..] = dimensions(images)?;
    let layers = layers_with_weights(net);
    if layers.is_empty() {
        return Err(VisError::Unfit {
            method: "randomisation_check",
            needs: "a network with weights".into(),
            got: "it has none".into(),
        });
    }
    let total = n * (layers.len() + 1);
    watch.begin(total);
    let mut original = Array3::zeros((0, 0, 0));
    let mut found = Vec::new();
    if watch.allows(n) == n {
        original = explained(&explain, net, images, None)?;
        watch.step(n);
        let mut forgetful = net.clone();
        for layer in layers.iter().rev() {
            if watch.allows(n) < n {
                break;
            }
            if options.mode == Randomising::Independent {
                forgetful = net.clone();
            }
            forgetful = randomise_layers(&forgetful, &[layer], options.seed)?;
            let maps = explained(&explain, &forgetful, images, Some(original.dim()))?;
            found.push(compared(layer, maps, &original)?);
            watch.step(n);
        }
    }
    watch.finish();
    let done = watch.passes().done;
    let flags = match done < total {
        true => vec![Flag::Unfinished {
            done: done as f64 / total as f64,
        }],
        false => Vec::new(),
    };
    let provenance = Provenance::new("weight randomisation", "Adebayo et al. 2018")
        .seed(options.seed)
        .options(options)
        .took(begun);
    Ok(RandomisationCheck {
        original,
        layers: found,
        flags,
        provenance,
    })
}

/// The network with the parameters of some layers as at the start of a training: weights drawn
/// after He et al. (2015), biases 0, the scales of normalisations 1; running means 0 and variances
/// 1. The draw depends on the seed and the layer's place in the network.
///
/// # Errors
/// When there is no such layer.
pub fn randomise_layers(net: &Network, layers: &[&str], seed: u64) -> Result<Network> {
    let mut out = net.clone();
    let names = net.nodes();
    for layer in layers {
        node_shape(net, layer)?;
        let block = format!("{layer}.");
        for (path, old) in net.parameters().into_iter().chain(net.buffers()) {
            let Some((owner, kind)) = path.rsplit_once('.') else {
                continue;
            };
            if owner != *layer && !owner.starts_with(&block) {
                continue;
            }
            let place = names.iter().position(|name| name == owner).unwrap_or(0);
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(place as u64);
            let fresh = match (old.ndim() > 1, kind) {
                (true, _) => Init::He.weights(old.shape(), &mut rng)?,
                (false, "weight" | "running_var") => Tensor::ones(old.raw_dim()),
                (false, _) => Tensor::zeros(old.raw_dim()),
            };
            match net.parameter(&path).is_ok() {
                true => out.set_parameter(&path, fresh)?,
                false => out.set_buffer(&path, fresh)?,
            }
        }
    }
    Ok(out)
}

/// From the image to the output.
fn layers_with_weights(net: &Network) -> Vec<String> {
    let owns = |name: &String| {
        let block = format!("{name}.");
        let paths = net.parameters();
        paths.iter().any(|(path, _)| {
            let rest = path.strip_prefix(&block);
            rest.is_some_and(|rest| !rest.contains('.'))
        })
    };
    net.nodes().into_iter().filter(owns).collect()
}

fn explained(
    explain: &impl Fn(&Network, &Tensor) -> Result<Array3<f32>>,
    net: &Network,
    images: &Tensor,
    expected: Option<(usize, usize, usize)>,
) -> Result<Array3<f32>> {
    let maps = explain(net, images)?;
    let n = images.shape()[0];
    if maps.dim().0 != n || expected.is_some_and(|e| e != maps.dim()) {
        let expected = format!("[{n}, height, width], the same each time");
        return Err(VisError::shape(
            "the maps of an explanation",
            expected,
            maps.shape(),
        ));
    }
    finite(&maps, "an explanation")?;
    Ok(maps)
}

fn compared(layer: &str, maps: Array3<f32>, original: &Array3<f32>) -> Result<RandomisedLayer> {
    let n = maps.dim().0 as f64;
    let (mut signed, mut absolute, mut similar) = (0.0, 0.0, 0.0);
    for (a, b) in original.axis_iter(Axis(0)).zip(maps.axis_iter(Axis(0))) {
        let (a, b): (Array2<f32>, Array2<f32>) = (a.to_owned(), b.to_owned());
        signed += spearman(&a, &b)? / n;
        let (a, b) = (a.mapv(f32::abs), b.mapv(f32::abs));
        absolute += spearman(&a, &b)? / n;
        similar += structural_similarity(&a, &b)? / n;
    }
    Ok(RandomisedLayer {
        layer: layer.to_owned(),
        maps,
        spearman: signed,
        spearman_absolute: absolute,
        similarity: similar,
    })
}
