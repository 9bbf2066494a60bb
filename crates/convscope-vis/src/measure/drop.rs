//! Average drop and increase of confidence (Chattopadhay et al. 2018, Grad-CAM++).

use super::finite;
use crate::error::{Result, VisError};
use crate::images::{dimensions, image};
use crate::map::Flag;
use crate::perturb::{Asked, score_copies};
use crate::provenance::Provenance;
use crate::scorer::Scorer;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::Tensor;
use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut3, Axis};
use std::time::Instant;

/// What is left of a class's score when an image shows only what its map points at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AverageDrop {
    /// The mean share of the score that is lost, 0 to 1; small is good.
    pub drop: f64,
    /// The share of images whose score rises; large is good.
    pub increase: f64,
    /// Each image's score as it is.
    pub before: Vec<f32>,
    /// Each image's score through its map.
    pub after: Vec<f32>,
    /// [`Flag::ConstantScore`] where an image's score did not move. A score that is not above 0 has
    /// no share to lose, and counts as no drop: ask for probabilities.
    pub flags: Vec<Vec<Flag>>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// Multiplies each image `[N, C, H, W]` by its map `[N, H, W]`, put on a scale from 0 to 1 by its
/// smallest and largest number, and compares the class's scores (Chattopadhay et al. 2018, section
/// 4.1). A map that is the same everywhere becomes zero, and hides the image.
///
/// # Errors
/// When the maps are not of the images' number and size or hold a NaN, the target is no class, or
/// the scorer fails.
pub fn average_drop(
    scorer: &impl Scorer,
    images: &Tensor,
    maps: &Array3<f32>,
    target: &Target,
) -> Result<AverageDrop> {
    let begun = Instant::now();
    let [n, _, h, w] = dimensions(images)?;
    if maps.dim() != (n, h, w) {
        let expected = format!("[{n}, {h}, {w}], one for each image");
        return Err(VisError::shape(
            "the maps to measure",
            expected,
            maps.shape(),
        ));
    }
    finite(maps, "a map to measure")?;
    let (mut before, mut after, mut flags) = (Vec::new(), Vec::new(), Vec::new());
    for (i, map) in maps.axis_iter(Axis(0)).enumerate() {
        let through = unit(map);
        let mask = |k: usize, mut copy: ArrayViewMut3<'_, f32>| {
            if k == 1 {
                copy.outer_iter_mut()
                    .for_each(|mut channel| channel *= &through);
            }
        };
        let mut asked: Option<Asked> = None;
        let quiet = &mut Watch::quiet();
        score_copies(scorer, image(images, i), 2, 2, quiet, mask, |_, row| {
            match &asked {
                None => {
                    let first = Asked::of(target, row)?;
                    before.push(first.value);
                    asked = Some(first);
                }
                Some(asked) => after.push(asked.score(row)),
            }
            Ok(())
        })?;
        if after.len() < before.len() || before.len() <= i {
            return Err(VisError::invalid("the measurement was stopped on request"));
        }
        flags.push(match before[i] == after[i] {
            true => vec![Flag::ConstantScore],
            false => Vec::new(),
        });
    }
    let pairs = || {
        before
            .iter()
            .zip(&after)
            .map(|(&b, &a)| (f64::from(b), f64::from(a)))
    };
    let lost = |(b, a): (f64, f64)| if b > 0.0 { (b - a).max(0.0) / b } else { 0.0 };
    let drop = pairs().map(lost).sum::<f64>() / n as f64;
    let increase = pairs().filter(|(b, a)| a > b).count() as f64 / n as f64;
    let provenance = Provenance::new("average drop", "Chattopadhay et al. 2018")
        .target(target.in_words())
        .figure("drop", drop)
        .figure("increase", increase)
        .took(begun);
    Ok(AverageDrop {
        drop,
        increase,
        before,
        after,
        flags,
        provenance,
    })
}

fn unit(map: ArrayView2<'_, f32>) -> Array2<f32> {
    let low = map.iter().copied().fold(f32::INFINITY, f32::min);
    let high = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    match high > low {
        true => map.mapv(|v| (v - low) / (high - low)),
        false => Array2::zeros(map.dim()),
    }
}
