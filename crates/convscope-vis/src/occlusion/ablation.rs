//! Hiding groups of pixels, one group at a time.

use super::{Fill, Found, flags};
use crate::error::{Result, VisError};
use crate::images::{dimensions, image};
use crate::map::Attribution;
use crate::perturb::{Asked, batch_size, score_copies};
use crate::provenance::Provenance;
use crate::scorer::Scorer;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::Tensor;
use ndarray::{Array2, Array4, ArrayViewMut3, Axis};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// How to hide groups of pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ablation {
    /// What a hidden pixel shows. Zero, as in captum.
    pub fill: Fill,
    /// Images in a batch. `None`: as many as make 16 MiB, at most 128.
    pub batch: Option<usize>,
}

impl Default for Ablation {
    fn default() -> Ablation {
        Ablation {
            fill: Fill::Zero,
            batch: None,
        }
    }
}

impl Ablation {
    /// With the defaults.
    pub fn new() -> Ablation {
        Ablation::default()
    }

    /// With something else where a group was.
    pub fn fill(mut self, fill: Fill) -> Ablation {
        self.fill = fill;
        self
    }

    /// With so many images in a batch.
    pub fn batch(mut self, images: usize) -> Ablation {
        self.batch = Some(images);
        self
    }
}

/// How far a class's score falls when a group of pixels is hidden, each group in its turn; every
/// pixel of a group gets the group's number (captum's feature ablation with a mask). The groups
/// may be superpixels: [`Segmentation::labels`](crate::Segmentation).
///
/// # Shapes
/// Images `[N, C, H, W]`; groups `[H, W]`, the same number for pixels of the same group; values
/// `[N, 1, H, W]`.
///
/// # Errors
/// When the groups are not of the images' size, the fill has not a number for each channel, the
/// target is no class, or the scorer fails.
pub fn feature_ablation(
    scorer: &impl Scorer,
    images: &Tensor,
    target: &Target,
    groups: &Array2<usize>,
    options: &Ablation,
) -> Result<Attribution> {
    feature_ablation_watched(scorer, images, target, groups, options, &mut Watch::quiet())
}

/// [`feature_ablation`] with a budget and someone to tell; groups that were not tried have 0.
///
/// # Errors
/// As [`feature_ablation`].
pub fn feature_ablation_watched(
    scorer: &impl Scorer,
    images: &Tensor,
    target: &Target,
    groups: &Array2<usize>,
    options: &Ablation,
    watch: &mut Watch,
) -> Result<Attribution> {
    let begun = Instant::now();
    let [n, c, h, w] = dimensions(images)?;
    if groups.dim() != (h, w) {
        let expected = format!("[{h}, {w}], as the images");
        return Err(VisError::shape(
            "the groups of pixels",
            expected,
            groups.shape(),
        ));
    }
    let batch = batch_size(options.batch, c * h * w)?;
    let mut members: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (place, &group) in groups.indexed_iter() {
        members.entry(group).or_default().push(place);
    }
    let members: Vec<_> = members.into_values().collect();
    watch.begin(n * (members.len() + 1));
    let mut values = Array4::zeros((n, 1, h, w));
    let mut found = Found::default();
    for (i, mut map) in values.outer_iter_mut().enumerate() {
        let mut map = map.index_axis_mut(Axis(0), 0);
        let image = image(images, i);
        let colour = options.fill.colour(image)?;
        let hide = |k: usize, mut copy: ArrayViewMut3<'_, f32>| {
            for &(y, x) in k.checked_sub(1).map_or(&[][..], |k| &members[k]) {
                colour
                    .iter()
                    .enumerate()
                    .for_each(|(c, &v)| copy[[c, y, x]] = v);
            }
        };
        let mut asked: Option<Asked> = None;
        let mut all_same = true;
        let count = members.len() + 1;
        let done = score_copies(scorer, image, count, batch, watch, hide, |k, row| {
            match &asked {
                None => asked = Some(Asked::of(target, row)?),
                Some(asked) => {
                    let score = asked.score(row);
                    all_same &= score == asked.value;
                    members[k - 1]
                        .iter()
                        .for_each(|&p| map[p] = asked.value - score);
                }
            }
            Ok(())
        })?;
        found.push(asked, flags(all_same, done, count));
    }
    watch.finish();
    let provenance = Provenance::new(
        "feature ablation",
        "captum's convention: one group at a time",
    )
    .target(target.in_words())
    .options(options)
    .figure("groups", members.len())
    .took(begun);
    Ok(found.attribution(values.into_dyn(), provenance))
}
