//! Images through the part of a network that somebody looks at.

use crate::error::{Result, VisError, node_shape};
use convscope_nn::{INPUT, Network, Tensor};

/// A network as far as some of its layers need it.
pub(super) struct Layers {
    net: Network,
}

impl Layers {
    /// Cut behind the last of the layers, where that leaves all of them.
    pub(super) fn new(net: &Network, layers: &[&str]) -> Result<Layers> {
        if layers.is_empty() {
            return Err(VisError::invalid("expected at least one layer, got none"));
        }
        for layer in layers {
            node_shape(net, layer)?;
        }
        let names = net.nodes();
        let last = |layer: &&&str| {
            let block = format!("{layer}.");
            let of = |name: &String| name == **layer || name.starts_with(&block);
            names.iter().rposition(of).map_or(0, |at| at + 1)
        };
        let deepest = layers.iter().max_by_key(last).expect("at least one");
        let cut = match *deepest {
            INPUT => net.clone(),
            deepest => net.until(deepest)?,
        };
        let all = layers.iter().all(|layer| node_shape(&cut, layer).is_ok());
        Ok(Layers {
            net: if all { cut } else { net.clone() },
        })
    }

    pub(super) fn net(&self) -> &Network {
        &self.net
    }
}

/// A batch in parts whose traces fit into memory: 128 small images, 6 of 224x224.
pub(super) fn parts(images: &Tensor) -> impl Iterator<Item = (usize, usize)> + use<> {
    let n = images.shape()[0];
    let size: usize = images.shape()[1..].iter().product();
    let most = ((1 << 20) / size.max(1)).clamp(1, 128);
    (0..n)
        .step_by(most)
        .map(move |from| (from, (from + most).min(n)))
}
