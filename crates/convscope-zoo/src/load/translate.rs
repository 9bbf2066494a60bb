//! The names and layouts of other libraries, as this network has them.

use super::chain::{Chain, aliases};
use super::{Naming, names};
use crate::error::Result;
use convscope_nn::Network;
use convscope_weights::{
    conv_from_hwio, dense_after_flatten, dense_from_in_out, depthwise_from_hwcm,
};
use ndarray::ArrayD;
use std::borrow::Cow;
use std::collections::HashMap;

/// Turns one array at a time.
pub(super) struct Translator {
    naming: Naming,
    chain: Chain,
    /// The network's nodes by the names that other libraries give them.
    layers: HashMap<String, String>,
}

impl Translator {
    pub(super) fn new(network: &Network, naming: Naming) -> Translator {
        let chain = Chain::of(network);
        let layers = match naming {
            Naming::Keras | Naming::Caffe => aliases(&chain),
            Naming::Own | Naming::OldDenseNet | Naming::PublicCifar => HashMap::new(),
        };
        Translator {
            naming,
            chain,
            layers,
        }
    }

    /// The path that an array of this name has here, and the array in the layout used here. A name
    /// that the naming does not know stays as it is.
    pub(super) fn tensor<'a>(
        &self,
        name: &str,
        array: &'a ArrayD<f32>,
    ) -> Result<(String, Cow<'a, ArrayD<f32>>)> {
        match self.naming {
            Naming::Own => Ok((name.to_owned(), Cow::Borrowed(array))),
            Naming::OldDenseNet => Ok((names::join_numbers(name), Cow::Borrowed(array))),
            Naming::PublicCifar => Ok((names::linear_as_fc(name), Cow::Borrowed(array))),
            Naming::Caffe => Ok((self.of_caffe(name), Cow::Borrowed(array))),
            Naming::Keras => self.of_keras(name, array),
        }
    }

    /// The node that another library calls `layer`.
    fn node(&self, layer: &str) -> Option<&str> {
        // Network in Network numbers its widest layers by their width too: conv4-1024.
        let plain = layer.split('-').next().unwrap_or(layer);
        let known = self.layers.get(layer).or_else(|| self.layers.get(plain));
        known.map(String::as_str)
    }

    fn of_caffe(&self, name: &str) -> String {
        let translated = name.rsplit_once('.').and_then(|(layer, tensor)| {
            let node = self.node(layer)?;
            Some(format!("{node}.{tensor}"))
        });
        translated.unwrap_or_else(|| name.to_owned())
    }

    fn of_keras<'a>(
        &self,
        name: &str,
        array: &'a ArrayD<f32>,
    ) -> Result<(String, Cow<'a, ArrayD<f32>>)> {
        let known = keras_parts(name).and_then(|(layer, tensor)| {
            let node = self.node(layer)?;
            Some((node, self.chain.kind(node)?, tensor))
        });
        let Some((node, kind, tensor)) = known else {
            return Ok((name.to_owned(), Cow::Borrowed(array)));
        };
        let Some(tensor) = tensor.named(kind) else {
            return Ok((name.to_owned(), Cow::Borrowed(array)));
        };
        let ours = match (kind, tensor) {
            ("Conv2d", "kernel") if array.ndim() == 4 => Cow::Owned(conv_from_hwio(array)?),
            ("Conv2d", "depthwise_kernel") if array.ndim() == 4 => {
                Cow::Owned(depthwise_from_hwcm(array)?)
            }
            ("Linear", "kernel") if array.ndim() == 2 => match self.chain.flattened(node) {
                Some(before) if before.iter().product::<usize>() == array.shape()[0] => {
                    Cow::Owned(dense_after_flatten(array, before)?)
                }
                _ => Cow::Owned(dense_from_in_out(array)?),
            },
            _ => Cow::Borrowed(array),
        };
        let tensor = match tensor {
            "kernel" | "depthwise_kernel" | "gamma" => "weight",
            "beta" => "bias",
            "moving_mean" => "running_mean",
            "moving_variance" => "running_var",
            other => other,
        };
        Ok((format!("{node}.{tensor}"), ours))
    }
}

/// Which of a layer's arrays a name means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Which<'a> {
    Named(&'a str),
    /// Keras 3 numbers them.
    Number(usize),
}

impl<'a> Which<'a> {
    fn named(self, kind: &str) -> Option<&'a str> {
        match self {
            Which::Named(name) => Some(name),
            Which::Number(i) if kind.starts_with("BatchNorm") => {
                ["gamma", "beta", "moving_mean", "moving_variance"]
                    .get(i)
                    .copied()
            }
            Which::Number(i) => ["kernel", "bias"].get(i).copied(),
        }
    }
}

/// A Keras name's layer and array: `conv1/kernel:0`, `conv1/conv1/kernel:0`, `conv1_W_1:0` (of
/// Keras 1), `layers/conv1/vars/0` (of Keras 3).
fn keras_parts(name: &str) -> Option<(&str, Which<'_>)> {
    let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        [.., layer, "vars", number] => Some((layer, Which::Number(number.parse().ok()?))),
        [.., layer, array] => Some((layer, Which::Named(array))),
        [one] => {
            let one = one.strip_suffix("_1").unwrap_or(one);
            let (layer, array) = one.rsplit_once('_')?;
            let array = match array {
                "W" => "kernel",
                "b" => "bias",
                _ => return None,
            };
            Some((layer, Which::Named(array)))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keras_names_of_all_ages_are_taken_apart() {
        for (name, layer, which) in [
            (
                "block1_conv1/kernel:0",
                "block1_conv1",
                Which::Named("kernel"),
            ),
            ("conv1/conv1/bias:0", "conv1", Which::Named("bias")),
            ("block1_conv1_W_1:0", "block1_conv1", Which::Named("kernel")),
            ("fc1_b_1:0", "fc1", Which::Named("bias")),
            ("layers/conv1/vars/1", "conv1", Which::Number(1)),
            (
                "bn1/moving_variance:0",
                "bn1",
                Which::Named("moving_variance"),
            ),
        ] {
            assert_eq!(keras_parts(name), Some((layer, which)), "{name}");
        }
        assert_eq!(keras_parts("something"), None);
    }
}
