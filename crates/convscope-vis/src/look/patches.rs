//! The parts of images that excite each channel most.

use super::stream::{Layers, parts};
use crate::error::{Result, VisError, node_shape};
use crate::images::{dimensions, image, part};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_data::Preprocessing;
use convscope_nn::{Network, Rect, Tensor};
use ndarray::{Array3, ArrayView3, ArrayViewD, Axis, Slice};
use rayon::prelude::*;
use std::collections::HashMap;
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
}

impl TopPatches {
    /// The nine strongest of each channel, each from another image.
    pub fn new() -> TopPatches {
        TopPatches {
            k: 9,
            per_image: 1,
            channels: None,
            grey: vec![0.0],
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

/// Who stands where in a layer.
struct Board {
    layer: String,
    channels: Vec<ChannelPatches>,
    fields: HashMap<[usize; 2], Rect>,
}

impl Board {
    fn new(net: &Network, layer: &str, settings: &TopPatches) -> Result<Board> {
        let shape = node_shape(net, layer)?;
        let image = net.input_shape();
        if settings.k == 0 || settings.per_image == 0 {
            return Err(VisError::invalid(format!(
                "top patches: expected at least one for each channel and image, got {} and {}",
                settings.k, settings.per_image
            )));
        }
        if image.len() == 3 && ![1, image[0]].contains(&settings.grey.len()) {
            return Err(VisError::invalid(format!(
                "top patches: expected one grey, or one for each of {} channels, got {}",
                image[0],
                settings.grey.len()
            )));
        }
        let channels = settings.channels.clone();
        let channels = channels.unwrap_or_else(|| (0..shape[0]).collect());
        if let Some(wrong) = channels.iter().find(|&&c| c >= shape[0]) {
            return Err(VisError::invalid(format!(
                "top patches: \"{layer}\" has channels 0 to {}, got {wrong}",
                shape[0] - 1
            )));
        }
        let empty = |channel| ChannelPatches {
            channel,
            patches: Vec::new(),
        };
        Ok(Board {
            layer: layer.to_owned(),
            channels: channels.into_iter().map(empty).collect(),
            fields: HashMap::new(),
        })
    }

    /// A part of the stream whose first image has number `first`.
    fn add(
        &mut self,
        net: &Network,
        activations: &Tensor,
        images: &Tensor,
        first: usize,
        settings: &TopPatches,
    ) -> Result<()> {
        let count = images.shape()[0];
        // The candidates that enter a channel's list; cut out below, when the fields are known.
        let entries: Vec<Vec<Entry>> = self
            .channels
            .par_iter()
            .map(|of| {
                let mut list: Vec<Entry> = Entry::old(&of.patches);
                for i in 0..count {
                    let map = activations.index_axis(Axis(0), i);
                    let map = map.index_axis(Axis(0), of.channel);
                    for (value, position) in peaks(&map, settings.per_image) {
                        place(
                            &mut list,
                            Entry::new(value, first + i, position),
                            settings.k,
                        );
                    }
                }
                list
            })
            .collect();
        for entry in entries.iter().flatten().filter(|e| e.old.is_none()) {
            if !self.fields.contains_key(&entry.position) {
                let field = net.receptive_field_of(&self.layer, entry.position)?;
                self.fields.insert(entry.position, field);
            }
        }
        for (of, list) in self.channels.iter_mut().zip(entries) {
            if list.iter().all(|e| e.old.is_some()) {
                continue;
            }
            let mut old: Vec<Option<Patch>> = of.patches.drain(..).map(Some).collect();
            of.patches = list
                .into_iter()
                .map(|entry| match entry.old {
                    Some(at) => old[at].take().expect("each stands once"),
                    None => {
                        let field = self.fields[&entry.position];
                        let whole = image(images, entry.image - first);
                        Patch {
                            value: entry.value,
                            image: entry.image,
                            position: entry.position,
                            field,
                            pixels: crop(whole, field, &settings.grey),
                        }
                    }
                })
                .collect();
        }
        Ok(())
    }

    fn told(self, settings: &TopPatches, seen: usize, ended: bool, begun: Instant) -> LayerPatches {
        let provenance = Provenance::new("top_patches", "Zeiler and Fergus 2014")
            .layer(&self.layer)
            .setting("k", settings.k)
            .setting("per_image", settings.per_image)
            .figure("images", seen);
        // How many more there were to come, a stream does not say.
        let unfinished = Flag::Unfinished { done: 0.0 };
        LayerPatches {
            layer: self.layer,
            channels: self.channels,
            flags: if ended { vec![unfinished] } else { Vec::new() },
            provenance: provenance.took(begun),
        }
    }
}

struct Entry {
    value: f32,
    image: usize,
    position: [usize; 2],
    /// Where it stood already.
    old: Option<usize>,
}

impl Entry {
    fn new(value: f32, image: usize, position: [usize; 2]) -> Entry {
        Entry {
            value,
            image,
            position,
            old: None,
        }
    }

    fn old(patches: &[Patch]) -> Vec<Entry> {
        let entry = |(at, patch): (usize, &Patch)| Entry {
            old: Some(at),
            ..Entry::new(patch.value, patch.image, patch.position)
        };
        patches.iter().enumerate().map(entry).collect()
    }
}

/// Puts an entry behind those that are at least as strong.
fn place(list: &mut Vec<Entry>, entry: Entry, k: usize) {
    let at = list.partition_point(|e| e.value >= entry.value);
    if at < k {
        list.insert(at, entry);
        list.truncate(k);
    }
}

/// The strongest places of a channel's map, the strongest first, the first of equals before.
fn peaks(map: &ArrayViewD<'_, f32>, most: usize) -> Vec<(f32, [usize; 2])> {
    let place = |index: &[usize]| match index {
        [y, x] => [*y, *x],
        _ => [0, 0],
    };
    let mut best: Vec<(f32, [usize; 2])> = Vec::new();
    for (index, &value) in map.indexed_iter() {
        let at = best.partition_point(|(v, _)| *v >= value);
        if at < most {
            best.insert(at, (value, place(ndarray::Dimension::slice(&index))));
            best.truncate(most);
        }
    }
    best
}

/// A rectangle of an image, grey where it reaches beyond.
pub(super) fn crop(image: ArrayView3<'_, f32>, field: Rect, grey: &[f32]) -> Array3<f32> {
    let (channels, height, width) = image.dim();
    let size = |from: isize, to: isize| (to - from).max(0) as usize;
    let (rows, columns) = (size(field.top, field.bottom), size(field.left, field.right));
    let mut out = Array3::from_shape_fn((channels, rows, columns), |(c, ..)| grey[c % grey.len()]);
    let inside = field.clipped(height, width);
    let range = |from: isize, to: isize| from as usize..to as usize;
    let (y, x) = (
        range(inside.top, inside.bottom),
        range(inside.left, inside.right),
    );
    let from = |a: isize, b: isize| (a - b).max(0) as usize;
    let (down, across) = (from(inside.top, field.top), from(inside.left, field.left));
    if !y.is_empty() && !x.is_empty() {
        let (h, w) = (y.len(), x.len());
        let mut to = out.view_mut();
        to.slice_axis_inplace(Axis(1), Slice::from(down..down + h));
        to.slice_axis_inplace(Axis(2), Slice::from(across..across + w));
        let mut from = image;
        from.slice_axis_inplace(Axis(1), Slice::from(y));
        from.slice_axis_inplace(Axis(2), Slice::from(x));
        to.assign(&from);
    }
    out
}
