//! The parts of images that excite each channel most.

use super::board::Board;
use super::stream::{Layers, parts};
use crate::error::{Result, VisError};
use crate::images::{dimensions, part};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_data::Preprocessing;
use convscope_nn::{Network, Rect, Tensor};
use ndarray::Array3;
use std::time::Instant;

/// Settings of the search for patches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TopPatches {
    /// Patches kept for each channel. 9 unless set, as Zeiler and Fergus show.
    pub k: usize,
    /// The most from one image. 1 unless set: otherwise one striped shirt fills a channel.
    pub per_image: usize,
    /// The channels looked at. All unless set; fewer take less memory.
    pub channels: Option<Vec<usize>>,
    /// What stands where a receptive field reaches beyond the image, a value for each channel of
    /// the image or one for all, in the network's units. 0 unless set: the mean colour wherever
    /// the mean is taken off.
    pub grey: Vec<f32>,
    /// The least share of a receptive field that must lie in the image, from 0 to 1. 0 unless set:
    /// all units count. Deep units at the edge see mostly padding, and their patches are mostly
    /// grey.
    pub inside: f64,
}

impl TopPatches {
    /// The nine strongest of each channel, each from another image.
    pub fn new() -> TopPatches {
        TopPatches {
            k: 9,
            per_image: 1,
            channels: None,
            grey: vec![0.0],
            inside: 0.0,
        }
    }

    /// With so many for each channel.
    pub fn k(mut self, k: usize) -> TopPatches {
        self.k = k;
        self
    }

    /// With at most so many from one image.
    pub fn per_image(mut self, most: usize) -> TopPatches {
        self.per_image = most;
        self
    }

    /// Of these channels alone.
    pub fn channels(mut self, channels: impl Into<Vec<usize>>) -> TopPatches {
        self.channels = Some(channels.into());
        self
    }

    /// Of units that see at least this share of their field in the image.
    pub fn inside(mut self, share: f64) -> TopPatches {
        self.inside = share;
        self
    }

    /// With a grey halfway between black and white beyond the image, whatever the mean is.
    pub fn grey_of(mut self, preprocessing: &Preprocessing) -> TopPatches {
        let white = match preprocessing.range {
            convscope_data::Range::Unit => 1.0,
            convscope_data::Range::Bytes => 255.0,
        };
        let both = preprocessing.mean.iter().zip(&preprocessing.std);
        self.grey = both.map(|(m, s)| (white / 2.0 - m) / s).collect();
        self
    }
}

impl Default for TopPatches {
    fn default() -> TopPatches {
        TopPatches::new()
    }
}

/// A part of an image that excites a channel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Patch {
    /// The activation.
    pub value: f32,
    /// Which image of the stream, from 0.
    pub image: usize,
    /// Row and column of the unit in the layer; (0, 0) of a vector.
    pub position: [usize; 2],
    /// What the unit sees of the image, padding included.
    pub field: Rect,
    /// That part of the image `[C, H, W]`, grey beyond it.
    pub pixels: Array3<f32>,
}

/// The strongest patches of a channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChannelPatches {
    /// The channel.
    pub channel: usize,
    /// Its patches, the strongest first.
    pub patches: Vec<Patch>,
}

/// The strongest patches of a layer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayerPatches {
    /// The layer.
    pub layer: String,
    /// Its channels, in the order asked for.
    pub channels: Vec<ChannelPatches>,
    /// Unfinished where a budget ended the pass.
    pub flags: Vec<Flag>,
    /// Where they come from.
    pub provenance: Provenance,
}

/// The patches that excite each channel of layers most (Zeiler and Fergus 2014, figure 2), over a
/// stream of batches `[N, C, H, W]`: one pass serves all channels of all layers. Memory is bounded
/// by `k` patches for each channel. Of equal activations the earlier counts.
///
/// # Errors
/// When there is no such layer or channel, the images do not fit, `k` is 0, or there are no images.
pub fn top_patches(
    net: &Network,
    layers: &[&str],
    batches: impl IntoIterator<Item = Tensor>,
    settings: &TopPatches,
) -> Result<Vec<LayerPatches>> {
    top_patches_watched(net, layers, batches, settings, &mut Watch::quiet())
}

/// [`top_patches`] with progress and a budget.
///
/// # Errors
/// As [`top_patches`].
pub fn top_patches_watched(
    net: &Network,
    layers: &[&str],
    batches: impl IntoIterator<Item = Tensor>,
    settings: &TopPatches,
    watch: &mut Watch,
) -> Result<Vec<LayerPatches>> {
    let begun = Instant::now();
    let cut = Layers::new(net, layers)?;
    let mut boards = Vec::new();
    for layer in layers {
        boards.push(Board::new(net, layer, settings)?);
    }
    let mut seen = 0;
    let mut ended = false;
    watch.begin(0);
    'stream: for batch in batches {
        dimensions(&batch)?;
        for (from, to) in parts(&batch) {
            if watch.allows(to - from) < to - from {
                ended = true;
                break 'stream;
            }
            let images = part(&batch, from, to);
            let trace = cut.net().trace(&images)?;
            for board in &mut boards {
                board.add(
                    net,
                    trace.activation(&board.layer)?,
                    &images,
                    seen,
                    settings,
                )?;
            }
            seen += to - from;
            watch.step(to - from);
        }
    }
    watch.finish();
    if seen == 0 && !ended {
        return Err(VisError::invalid(
            "top patches: expected at least one image, got none",
        ));
    }
    Ok(boards
        .into_iter()
        .map(|b| b.told(settings, seen, ended, begun))
        .collect())
}
