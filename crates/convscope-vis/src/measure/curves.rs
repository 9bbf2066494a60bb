//! Deletion and insertion curves (Petsiuk, Das and Saenko 2018).

use super::finite;
use crate::error::{Result, VisError};
use crate::map::Flag;
use crate::occlusion::Fill;
use crate::perturb::{Asked, batch_size, score_copies};
use crate::provenance::Provenance;
use crate::scorer::Scorer;
use crate::superpixels::one_image;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::Tensor;
use ndarray::{Array2, Array3, ArrayView3, ArrayViewMut3};
use serde::Serialize;
use std::time::Instant;

/// Settings of [`deletion_insertion`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Curves {
    /// Steps from the whole image to nothing; 50: two percent of the pixels each.
    pub steps: usize,
    /// What deleted pixels show. Zero.
    pub deletion: Replacement,
    /// What the image shows where nothing is inserted yet. Blurred, as in the paper: pixels
    /// inserted into a plain colour make edges that a network takes for something.
    pub insertion: Replacement,
    /// Images in a batch. `None`: as many as make 16 MiB, at most 128.
    pub batch: Option<usize>,
}

/// What a pixel shows that is not there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Replacement {
    /// A colour.
    Fill(Fill),
    /// The image under a Gaussian of this sigma, in pixels.
    Blurred(f32),
}

impl Default for Curves {
    fn default() -> Curves {
        Curves {
            steps: 50,
            deletion: Replacement::Fill(Fill::Zero),
            insertion: Replacement::Blurred(5.0),
            batch: None,
        }
    }
}

impl Curves {
    /// With the defaults.
    pub fn new() -> Curves {
        Curves::default()
    }

    /// With so many steps.
    pub fn steps(mut self, steps: usize) -> Curves {
        self.steps = steps;
        self
    }

    /// With something else in deleted pixels.
    pub fn deletion(mut self, baseline: Replacement) -> Curves {
        self.deletion = baseline;
        self
    }

    /// With something else where nothing is inserted yet.
    pub fn insertion(mut self, baseline: Replacement) -> Curves {
        self.insertion = baseline;
        self
    }

    /// With so many images in a batch.
    pub fn batch(mut self, images: usize) -> Curves {
        self.batch = Some(images);
        self
    }
}

/// What the score does while a map's best pixels go, and while they come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeletionInsertion {
    /// The share of pixels gone or come, 0 to 1.
    pub fractions: Vec<f32>,
    /// The score with that share deleted. Falls fast under a good map.
    pub deletion: Vec<f32>,
    /// The score with that share inserted. Rises fast under a good map.
    pub insertion: Vec<f32>,
    /// The area under the deletion curve; small is good.
    pub deletion_area: f64,
    /// The area under the insertion curve; large is good.
    pub insertion_area: f64,
    /// The class whose score it is, where anything was scored.
    pub class: Option<usize>,
    /// What is to be known; mostly nothing.
    pub flags: Vec<Flag>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// Deletes, and inserts, the pixels of an image in the order of a map `[H, W]`, the largest numbers
/// first, and follows a class's score (Petsiuk, Das and Saenko 2018; areas by the trapezoid rule).
/// Pixels of equal numbers go row by row.
///
/// Ask for a probability, so that areas compare between images; and hand in a map whose large numbers
/// speak for the class (of a signed gradient: its absolute value).
///
/// # Errors
/// When it is not one image, the map is not of its size or holds a NaN, there are no steps or more
/// than pixels, the target is no class, or the scorer fails.
pub fn deletion_insertion(
    scorer: &impl Scorer,
    image: &Tensor,
    map: &Array2<f32>,
    target: &Target,
    options: &Curves,
) -> Result<DeletionInsertion> {
    deletion_insertion_watched(scorer, image, map, target, options, &mut Watch::quiet())
}

/// [`deletion_insertion`] with a budget and someone to tell. What was had when the budget was used
/// up is returned with [`Flag::Unfinished`]; a curve that is not whole has the area 0.
///
/// # Errors
/// As [`deletion_insertion`].
pub fn deletion_insertion_watched(
    scorer: &impl Scorer,
    image: &Tensor,
    map: &Array2<f32>,
    target: &Target,
    options: &Curves,
    watch: &mut Watch,
) -> Result<DeletionInsertion> {
    let begun = Instant::now();
    let original = one_image(image)?;
    let order = order(original, map, options.steps)?;
    let (channels, pixels) = (original.dim().0, order.len());
    let steps = options.steps;
    let gone = options.deletion.image(original)?;
    let empty = options.insertion.image(original)?;
    let batch = batch_size(options.batch, original.len())?;
    let share = |step: usize| (step * pixels).div_ceil(steps);
    watch.begin(2 * steps + 2);
    // The copies 0..=steps delete, the rest insert; both curves have the whole image in them.
    let change = |i: usize, mut copy: ArrayViewMut3<'_, f32>| {
        let (from, places) = match i.checked_sub(steps + 1) {
            None => (&gone, &order[..share(i)]),
            Some(step) => (&empty, &order[share(step)..]),
        };
        for &(y, x) in places {
            (0..channels).for_each(|c| copy[[c, y, x]] = from[[c, y, x]]);
        }
    };
    let mut asked: Option<Asked> = None;
    let mut scores = Vec::new();
    let count = 2 * steps + 2;
    let done = score_copies(scorer, original, count, batch, watch, change, |_, row| {
        let asked = match &mut asked {
            Some(asked) => asked,
            none => none.insert(Asked::of(target, row)?),
        };
        scores.push(asked.score(row));
        Ok(())
    })?;
    watch.finish();
    let constant = scores.iter().all(|v| *v == scores[0]);
    let insertion = scores.split_off(scores.len().min(steps + 1));
    let provenance = Provenance::new("deletion and insertion", "Petsiuk, Das and Saenko 2018")
        .target(target.in_words())
        .options(options)
        .figure("deletion_area", area(&scores, steps))
        .figure("insertion_area", area(&insertion, steps))
        .took(begun);
    Ok(DeletionInsertion {
        fractions: (0..=steps)
            .map(|i| share(i) as f32 / pixels as f32)
            .collect(),
        deletion_area: area(&scores, steps),
        insertion_area: area(&insertion, steps),
        deletion: scores,
        insertion,
        class: asked.map(|a| a.class),
        flags: flags(constant, done, count),
        provenance,
    })
}

fn flags(constant: bool, done: usize, count: usize) -> Vec<Flag> {
    let mut flags = Vec::new();
    if constant && done > 1 {
        flags.push(Flag::ConstantScore);
    }
    if done < count {
        flags.push(Flag::Unfinished {
            done: done as f64 / count as f64,
        });
    }
    flags
}

/// The pixels, the map's largest number first.
fn order(
    image: ArrayView3<'_, f32>,
    map: &Array2<f32>,
    steps: usize,
) -> Result<Vec<(usize, usize)>> {
    let (_, h, w) = image.dim();
    if map.dim() != (h, w) {
        let expected = format!("[{h}, {w}], as the image");
        return Err(VisError::shape("the map to measure", expected, map.shape()));
    }
    finite(map, "the map to measure")?;
    if steps == 0 || steps > h * w {
        return Err(VisError::invalid(format!(
            "steps of a deletion: expected 1 to {}, the image's pixels, got {steps}",
            h * w
        )));
    }
    let mut order: Vec<_> = map.indexed_iter().map(|(place, _)| place).collect();
    order.sort_by(|&a, &b| map[b].total_cmp(&map[a]));
    Ok(order)
}

fn area(curve: &[f32], steps: usize) -> f64 {
    if curve.len() <= steps {
        return 0.0;
    }
    let pairs = curve.windows(2);
    let sum: f64 = pairs
        .map(|p| (f64::from(p[0]) + f64::from(p[1])) / 2.0)
        .sum();
    sum / steps as f64
}

impl Replacement {
    /// An image in which nothing is.
    fn image(&self, image: ArrayView3<'_, f32>) -> Result<Array3<f32>> {
        match self {
            Replacement::Fill(fill) => {
                let colour = fill.colour(image)?;
                Ok(Array3::from_shape_fn(image.dim(), |(c, _, _)| colour[c]))
            }
            Replacement::Blurred(sigma) if sigma.is_finite() && *sigma > 0.0 => {
                Ok(blurred(image, f64::from(*sigma)))
            }
            Replacement::Blurred(sigma) => Err(VisError::invalid(format!(
                "a blurred baseline: expected a sigma above 0, got {sigma}"
            ))),
        }
    }
}

/// Under a Gaussian of three sigmas, over what there is of the image.
fn blurred(image: ArrayView3<'_, f32>, sigma: f64) -> Array3<f32> {
    let reach = (3.0 * sigma).ceil() as isize;
    let weight = |d: isize| (-0.5 * (d as f64 / sigma).powi(2)).exp();
    let kernel: Vec<(isize, f64)> = (-reach..=reach).map(|d| (d, weight(d))).collect();
    let mut out = image.to_owned();
    for axis in [1, 2] {
        for mut lane in out.lanes_mut(ndarray::Axis(axis)) {
            let before = lane.to_owned();
            for (i, v) in lane.iter_mut().enumerate() {
                let there = |&(d, w): &(isize, f64)| {
                    let j = i.checked_add_signed(d).filter(|&j| j < before.len())?;
                    Some((w * f64::from(before[j]), w))
                };
                let near = kernel.iter().filter_map(there);
                let (sum, total) = near.fold((0.0, 0.0), |(s, t), (v, w)| (s + v, t + w));
                *v = (sum / total) as f32;
            }
        }
    }
    out
}
