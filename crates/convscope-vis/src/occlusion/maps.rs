//! The three maps of Zeiler and Fergus's figure 6, in one pass.

use super::windows::Windows;
use super::{Occlusion, Scoring};
use crate::error::{Result, VisError, node_shape};
use crate::images::{dimensions, image};
use crate::map::Flag;
use crate::perturb::{Asked, batch_size, probabilities, score_copies};
use crate::provenance::Provenance;
use crate::scorer::Scorer;
use crate::target::{Target, logits_node};
use crate::watch::Watch;
use convscope_nn::{Network, Tensor};
use ndarray::{Array3, ArrayView1, ArrayViewMut3, Axis, Ix2, concatenate};
use std::time::Instant;

/// Activations of every layer are held while a batch goes through: fewer images than where only
/// scores are wanted.
const BATCH: usize = 8;

/// What happens in a network while a window hides one place after the other: for each image a
/// number at each position `[N, down, across]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OcclusionMaps {
    /// The sum of the feature map that is strongest in the unhidden image (figure 6 b).
    pub response: Array3<f32>,
    /// The probability of the class asked for (figure 6 d).
    pub probability: Array3<f32>,
    /// The most probable class (figure 6 e).
    pub most_probable: Array3<usize>,
    /// The feature map that is strongest in each unhidden image.
    pub channels: Vec<usize>,
    /// The class asked for in each image.
    pub classes: Vec<Option<usize>>,
    /// What is to be known about each image's maps; mostly nothing.
    pub flags: Vec<Vec<Flag>>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// Slides a window over images and records three things at each position (Zeiler and Fergus 2014,
/// figure 6): how the strongest feature map of a layer responds, the probability of the class, and
/// which class is the most probable. The window visits whole positions only; the scoring of the
/// options does not matter here.
///
/// # Errors
/// When there is no such layer or it has no feature maps, the window is larger than the image, or
/// the target is no class.
pub fn occlusion_maps(
    net: &Network,
    layer: &str,
    images: &Tensor,
    target: &Target,
    options: &Occlusion,
) -> Result<OcclusionMaps> {
    occlusion_maps_watched(net, layer, images, target, options, &mut Watch::quiet())
}

/// [`occlusion_maps`] with a budget and someone to tell; positions that were not visited have 0.
///
/// # Errors
/// As [`occlusion_maps`].
pub fn occlusion_maps_watched(
    net: &Network,
    layer: &str,
    images: &Tensor,
    target: &Target,
    options: &Occlusion,
    watch: &mut Watch,
) -> Result<OcclusionMaps> {
    let begun = Instant::now();
    let [n, c, h, w] = dimensions(images)?;
    let both = Both::of(net, layer)?;
    let options = options.clone().scoring(Scoring::PerPosition);
    let windows = Windows::of(&options, [h, w])?;
    let batch = batch_size(options.batch, c * h * w)?;
    let batch = options.batch.unwrap_or(batch.min(BATCH));
    watch.begin(n * (windows.count() + 1));
    let [down, across] = windows.positions;
    let mut maps = OcclusionMaps {
        response: Array3::zeros((n, down, across)),
        probability: Array3::zeros((n, down, across)),
        most_probable: Array3::zeros((n, down, across)),
        channels: Vec::new(),
        classes: Vec::new(),
        flags: Vec::new(),
        provenance: Provenance::new("occlusion maps", "Zeiler and Fergus 2014, figure 6"),
    };
    let target = as_probability(target);
    for i in 0..n {
        let image = image(images, i);
        let colour = options.fill.colour(image)?;
        let hide = |k: usize, copy: ArrayViewMut3<'_, f32>| {
            if k > 0 {
                windows.paint(k - 1, &colour, copy);
            }
        };
        let mut first: Option<(usize, Asked)> = None;
        let count = windows.count() + 1;
        let done = score_copies(&both, image, count, batch, watch, hide, |k, row| {
            let (sums, logits) = row.split_at(Axis(0), both.channels);
            let Some((channel, asked)) = &first else {
                first = Some((strongest(sums), Asked::of(&target, logits)?));
                return Ok(());
            };
            let [y, x] = windows.place(k - 1);
            let chances = probabilities(logits);
            maps.response[[i, y, x]] = sums[*channel];
            maps.probability[[i, y, x]] = chances[asked.class];
            maps.most_probable[[i, y, x]] = strongest(logits);
            Ok(())
        })?;
        let (channel, class) = first.map_or((0, None), |(c, asked)| (c, Some(asked.class)));
        maps.channels.push(channel);
        maps.classes.push(class);
        maps.flags.push(super::flags(false, done, count));
    }
    watch.finish();
    maps.provenance = maps
        .provenance
        .layer(layer)
        .target(target.in_words())
        .options(&options)
        .setting("window", windows.size.to_vec())
        .setting("stride", windows.stride.to_vec())
        .took(begun);
    Ok(maps)
}

fn as_probability(target: &Target) -> Target {
    match target {
        Target::Top => Target::TopProbability,
        Target::Class(k) => Target::Probability(*k),
        other => other.clone(),
    }
}

/// Where the largest number stands, the first of equals.
fn strongest(row: ArrayView1<'_, f32>) -> usize {
    let best = row.iter().enumerate().skip(1);
    best.fold(0, |best, (i, &v)| if v > row[best] { i } else { best })
}

/// The sums of a layer's feature maps and the logits, out of one forward pass.
struct Both<'a> {
    net: &'a Network,
    layer: &'a str,
    channels: usize,
    logits: String,
}

impl Both<'_> {
    fn of<'a>(net: &'a Network, layer: &'a str) -> Result<Both<'a>> {
        let shape = node_shape(net, layer)?;
        let [channels, _, _] = shape[..] else {
            return Err(VisError::Unfit {
                method: "occlusion_maps",
                needs: "a layer with feature maps [C, H, W]".into(),
                got: format!("\"{layer}\" gives {shape:?}"),
            });
        };
        Ok(Both {
            net,
            layer,
            channels,
            logits: logits_node(net),
        })
    }
}

impl Scorer for Both<'_> {
    fn scores(&self, images: &Tensor) -> Result<Tensor> {
        let trace = self.net.trace(images)?;
        let maps = trace.activation(self.layer)?.sum_axis(Axis(3));
        let sums = maps.sum_axis(Axis(2));
        let logits = trace.activation(&self.logits)?;
        let Ok(logits) = logits.view().into_dimensionality::<Ix2>() else {
            return Err(VisError::shape(
                "occlusion maps need a classifier's output",
                "[batch, classes]",
                logits.shape(),
            ));
        };
        let both = concatenate(Axis(1), &[sums.view(), logits.into_dyn()]);
        Ok(both.expect("a row for each image"))
    }
}
