//! Who stands where among a layer's strongest patches.

use super::patches::{ChannelPatches, LayerPatches, Patch, TopPatches};
use crate::error::{Result, VisError, node_shape};
use crate::images::image;
use crate::map::Flag;
use crate::provenance::Provenance;
use convscope_nn::{Network, Rect, Tensor};
use ndarray::{Array3, ArrayView3, ArrayViewD, Axis, Slice};
use rayon::prelude::*;
use std::collections::HashMap;
use std::time::Instant;

/// Who stands where in a layer.
pub(super) struct Board {
    pub(super) layer: String,
    channels: Vec<ChannelPatches>,
    fields: HashMap<[usize; 2], Rect>,
    /// Whether each place counts, row by row; empty where all do.
    counts: Vec<bool>,
}

impl Board {
    pub(super) fn new(net: &Network, layer: &str, settings: &TopPatches) -> Result<Board> {
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
        if !(0.0..=1.0).contains(&settings.inside) {
            return Err(VisError::invalid(format!(
                "top patches: expected a share of the field inside from 0 to 1, got {}",
                settings.inside
            )));
        }
        let mut fields = HashMap::new();
        let mut counts = Vec::new();
        if let ([_, rows, columns], true) = (shape.as_slice(), settings.inside > 0.0) {
            for at in ndarray::indices((*rows, *columns)) {
                let field = net.receptive_field_of(layer, [at.0, at.1])?;
                counts.push(share_inside(field, image) >= settings.inside);
                fields.insert([at.0, at.1], field);
            }
            if !counts.contains(&true) {
                return Err(VisError::invalid(format!(
                    "top patches: no unit of \"{layer}\" has {:.0} % of its field inside an \
                     image of {}x{}: ask for less",
                    100.0 * settings.inside,
                    image[1],
                    image[2]
                )));
            }
        }
        let empty = |channel| ChannelPatches {
            channel,
            patches: Vec::new(),
        };
        Ok(Board {
            layer: layer.to_owned(),
            channels: channels.into_iter().map(empty).collect(),
            fields,
            counts,
        })
    }

    /// A part of the stream whose first image has number `first`.
    pub(super) fn add(
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
                    for (value, position) in peaks(&map, settings.per_image, &self.counts) {
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

    pub(super) fn told(
        self,
        settings: &TopPatches,
        seen: usize,
        ended: bool,
        begun: Instant,
    ) -> LayerPatches {
        let provenance = Provenance::new("top_patches", "Zeiler and Fergus 2014")
            .layer(&self.layer)
            .setting("k", settings.k)
            .setting("per_image", settings.per_image)
            .setting("inside", settings.inside)
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
fn peaks(map: &ArrayViewD<'_, f32>, most: usize, counts: &[bool]) -> Vec<(f32, [usize; 2])> {
    let place = |index: &[usize]| match index {
        [y, x] => [*y, *x],
        _ => [0, 0],
    };
    let mut best: Vec<(f32, [usize; 2])> = Vec::new();
    for (number, (index, &value)) in map.indexed_iter().enumerate() {
        if counts.get(number) == Some(&false) {
            continue;
        }
        let at = best.partition_point(|(v, _)| *v >= value);
        if at < most {
            best.insert(at, (value, place(ndarray::Dimension::slice(&index))));
            best.truncate(most);
        }
    }
    best
}

/// How much of a rectangle lies in an image `[C, H, W]`.
fn share_inside(field: Rect, image: &[usize]) -> f64 {
    let area = |r: &Rect| ((r.bottom - r.top) * (r.right - r.left)) as f64;
    area(&field.clipped(image[1], image[2])) / area(&field).max(1.0)
}

/// A rectangle of an image, grey where it reaches beyond.
fn crop(image: ArrayView3<'_, f32>, field: Rect, grey: &[f32]) -> Array3<f32> {
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
