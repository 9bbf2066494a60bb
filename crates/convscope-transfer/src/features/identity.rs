//! What features belong to: enough to tell whether a file is of this network, these layers, this
//! preprocessing and these images, and if not, what differs.

use super::source::Source;
use super::tap::Tap;
use convscope_data::Preprocessing;
use convscope_nn::Network;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What a set of features belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// What the network is called.
    pub network: String,
    /// SHA-256 over its structure and every one of its numbers, as far as the layers need it.
    pub network_sha256: String,
    /// The layers and their poolings, by [`Tap::key`].
    pub layers: Vec<String>,
    /// What is done to a picture first, in words.
    pub preprocessing: String,
    /// What the images are called.
    pub data: String,
    /// How many there are.
    pub images: usize,
    /// SHA-256 over them; see [`Source::fingerprint`].
    pub data_sha256: String,
}

impl Identity {
    pub(super) fn new(
        name: &str,
        net: &Network,
        taps: &[Tap],
        preprocessing: Option<&Preprocessing>,
        source: &dyn Source,
    ) -> Identity {
        Identity {
            network: name.to_owned(),
            network_sha256: network_sha256(net),
            layers: taps.iter().map(Tap::key).collect(),
            preprocessing: preprocessing.map_or("none".into(), ToString::to_string),
            data: source.name(),
            images: source.len(),
            data_sha256: source.fingerprint(),
        }
    }

    /// Where what is in a file first differs from this, which was asked for.
    pub fn difference(&self, found: &Identity) -> Option<String> {
        let list = |layers: &[String]| layers.join(", ");
        // The network's checksum depends on the layers, and on the size that pictures are brought to.
        let pairs = [
            ("layers", list(&self.layers), list(&found.layers)),
            (
                "preprocessing",
                self.preprocessing.clone(),
                found.preprocessing.clone(),
            ),
            (
                "network",
                format!("{} ({:.12})", self.network, self.network_sha256),
                format!("{} ({:.12})", found.network, found.network_sha256),
            ),
            (
                "data",
                format!(
                    "{}, {} images ({:.12})",
                    self.data, self.images, self.data_sha256
                ),
                format!(
                    "{}, {} images ({:.12})",
                    found.data, found.images, found.data_sha256
                ),
            ),
        ];
        let differs = pairs.into_iter().find(|(_, ours, theirs)| ours != theirs);
        differs.map(|(what, ours, theirs)| format!("expected the {what} {ours}, it has {theirs}"))
    }
}

/// SHA-256, in hexadecimal, over a network's structure (names, kinds, settings, inputs) and every
/// number of its parameters and buffers.
pub fn network_sha256(net: &Network) -> String {
    let mut hash = Sha256::new();
    let mut words = format!("{:?}", net.input_shape());
    for view in net.views() {
        let _ = write!(
            words,
            "|{} {} {} {:?}",
            view.name,
            view.layer.kind(),
            view.layer.settings(),
            view.inputs
        );
    }
    hash.update(words);
    for (path, tensor) in net.parameters().into_iter().chain(net.buffers()) {
        hash.update(format!("|{path}{:?}", tensor.shape()));
        floats(&mut hash, tensor.iter());
    }
    hex(hash)
}

pub(super) fn floats<'a>(hash: &mut Sha256, values: impl Iterator<Item = &'a f32>) {
    let mut bytes = Vec::with_capacity(1 << 16);
    for value in values {
        bytes.extend(value.to_le_bytes());
        if bytes.len() >= 1 << 16 {
            hash.update(&bytes);
            bytes.clear();
        }
    }
    hash.update(&bytes);
}

pub(super) fn hex(hash: Sha256) -> String {
    let mut text = String::new();
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
