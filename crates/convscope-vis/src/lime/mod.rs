//! LIME for images (Ribeiro, Singh and Guestrin 2016): superpixels are switched on and off at
//! random, and a simple model is fitted to what the scores make of it. Its coefficients say what
//! each superpixel was worth.

mod design;
mod forest;
mod linear;
mod options;
mod surrogate;

pub use options::{Design, Kernel, Labels, Lime, Off, Surrogate};

use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::map::Flag;
use crate::occlusion::given_colour;
use crate::perturb::{batch_size, score_copies};
use crate::provenance::Provenance;
use crate::scorer::Scorer;
use crate::superpixels::{Segmentation, one_image};
use crate::watch::Watch;
use convscope_nn::Tensor;
use ndarray::{Array2, Array3, ArrayView1, ArrayView3, ArrayViewMut3, Axis, Slice, Zip};
use std::time::Instant;
use surrogate::{Fit, fit};

/// What the superpixels of one image were worth to some classes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LimeExplanation {
    /// The superpixels.
    pub segmentation: Segmentation,
    /// The classes explained, the best first.
    pub classes: Vec<usize>,
    /// Their scores in the image as it is.
    pub scores: Vec<f32>,
    /// `[classes, superpixels]`: what a superpixel adds to the class's score by being there. Of a
    /// forest: its importance, with the sign of its mean effect.
    pub weights: Array2<f32>,
    /// What the surrogate gives each class with every superpixel off; 0 of a forest.
    pub intercepts: Vec<f32>,
    /// How much of the scores' variation the surrogate explains (weighted like its fit), 1 at best.
    /// Below one half, believe little of the weights. Of a forest: from the share of its trees that
    /// vote high, by the best straight line.
    pub r2: Vec<f32>,
    /// What is to be known; mostly nothing.
    pub flags: Vec<Flag>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

impl LimeExplanation {
    /// The weights of a class painted over the superpixels, `[H, W]`, where it was explained.
    pub fn map(&self, class: usize) -> Option<Array2<f32>> {
        let row = self.classes.iter().position(|&k| k == class)?;
        self.segmentation
            .paint(&self.weights.row(row).to_vec())
            .ok()
    }

    /// The superpixels that speak most for a class, at most `count` of those with a weight above 0,
    /// as a mask `[H, W]` of 0 and 1; where it was explained.
    pub fn strongest(&self, class: usize, count: usize) -> Option<Array2<f32>> {
        let row = self.classes.iter().position(|&k| k == class)?;
        let weights = self.weights.row(row);
        let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        let mut on = vec![false; weights.len()];
        order.iter().take(count).for_each(|&i| on[i] = true);
        self.segmentation.mask(&on).ok()
    }
}

/// LIME for an image `[C, H, W]`, or a batch of one. Give it probabilities
/// ([`Probabilities`](crate::Probabilities)) for what LIME's own program does, or logits.
///
/// # Errors
/// When it is not one image, a class does not exist, a setting makes no sense, or the scorer fails.
///
/// ```
/// use convscope_nn::Tensor;
/// use convscope_vis::{Lime, Off, Superpixels, from_fn, lime};
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// // Brightness of the left half, twice.
/// let eye = from_fn(|images: &Tensor| {
///     let left = images.outer_iter().map(|one| one.iter().take(32).sum::<f32>());
///     Ok(Tensor::from_shape_vec(vec![images.shape()[0], 1], left.collect()).unwrap())
/// });
/// let image = Tensor::from_elem(vec![1, 1, 8, 8], 0.5);
/// let options = Lime::new()
///     .superpixels(Superpixels::Grid([2, 2]))
///     .off(Off::Colour(vec![0.0]))
///     .full_factorial();
/// let found = lime(&eye, &image, &options)?;
/// assert_eq!(found.classes, [0]);
/// assert!(found.weights[[0, 0]] > 3.0 && found.weights[[0, 2]].abs() < 1e-4);
/// # Ok(()) }
/// ```
pub fn lime(scorer: &impl Scorer, image: &Tensor, options: &Lime) -> Result<LimeExplanation> {
    lime_watched(scorer, image, options, &mut Watch::quiet())
}

/// [`lime`] with a budget and someone to tell. What was drawn when the budget was used up is fitted,
/// and flagged.
///
/// # Errors
/// As [`lime`].
pub fn lime_watched(
    scorer: &impl Scorer,
    image: &Tensor,
    options: &Lime,
    watch: &mut Watch,
) -> Result<LimeExplanation> {
    let begun = Instant::now();
    let original = one_image(image)?;
    options.check()?;
    let segmentation = options.superpixels.segment(image)?;
    let mut on = design::switches(options, segmentation.count)?;
    let off = background(original, &segmentation, &options.off)?;
    let batch = batch_size(options.batch, original.len())?;
    watch.begin(on.nrows());
    let switch = |i: usize, copy: ArrayViewMut3<'_, f32>| {
        switch_off(copy, &off, &segmentation, on.row(i));
    };
    // Of the scores, only those of the classes explained are kept: they are settled by the first
    // sample, which is the image as it is.
    let mut classes = Vec::new();
    let mut scores = Vec::new();
    let done = score_copies(
        scorer,
        original,
        on.nrows(),
        batch,
        watch,
        switch,
        |i, row| {
            if i == 0 {
                classes = options.labels.of(row)?;
            }
            scores.extend(classes.iter().map(|&k| row[k]));
            Ok(())
        },
    )?;
    watch.finish();
    let scores = Array2::from_shape_vec((done, classes.len()), scores).expect("a row each");
    on.slice_axis_inplace(Axis(0), Slice::from(..done));
    let fits: Vec<Fit> = scores
        .columns()
        .into_iter()
        .map(|column| fit(options, &on, column))
        .collect::<Result<_>>()?;
    Ok(explanation(
        options,
        segmentation,
        classes,
        &scores,
        fits,
        begun,
    ))
}

fn explanation(
    options: &Lime,
    segmentation: Segmentation,
    classes: Vec<usize>,
    scores: &Array2<f32>,
    fits: Vec<Fit>,
    begun: Instant,
) -> LimeExplanation {
    let (done, total) = (scores.nrows(), options.sample_count(segmentation.count));
    let constant = scores
        .columns()
        .into_iter()
        .all(|c| c.iter().all(|v| *v == c[0]));
    let mut flags = Vec::new();
    if done > 1 && constant {
        flags.push(Flag::ConstantScore);
    }
    if done < total {
        flags.push(Flag::Unfinished {
            done: done as f64 / total as f64,
        });
    }
    let weights = fits
        .iter()
        .flat_map(|f| f.weights.iter().map(|&v| v as f32));
    let shape = (fits.len(), segmentation.count);
    let r2: Vec<f32> = fits.iter().map(|f| f.r2 as f32).collect();
    let provenance = Provenance::new("LIME", "Ribeiro, Singh and Guestrin 2016")
        .seed(options.seed)
        .options(options)
        .setting("segmentation", segmentation.provenance.method.clone())
        .figure("samples", done)
        .figure("superpixels", segmentation.count)
        .figure("classes", classes.clone())
        .figure("r2", r2.clone())
        .took(begun);
    LimeExplanation {
        scores: scores
            .rows()
            .into_iter()
            .next()
            .map_or(Vec::new(), |r| r.to_vec()),
        weights: Array2::from_shape_vec(shape, weights.collect()).expect("a row for each class"),
        intercepts: fits.iter().map(|f| f.intercept as f32).collect(),
        classes,
        segmentation,
        r2,
        flags,
        provenance,
    }
}

/// The image with every superpixel off.
fn background(image: ArrayView3<'_, f32>, parts: &Segmentation, off: &Off) -> Result<Array3<f32>> {
    let mut out = image.to_owned();
    match off {
        Off::Colour(colour) => {
            let colour = given_colour(colour, image.dim().0)?;
            let channels = out.outer_iter_mut().zip(colour);
            channels.for_each(|(mut channel, value)| channel.fill(value));
        }
        Off::MeanColour => {
            let sizes = parts.sizes();
            for mut channel in out.outer_iter_mut() {
                let mut sums = vec![0.0_f64; parts.count];
                let pixels = channel.iter().zip(&parts.labels);
                pixels.for_each(|(&v, &l)| sums[l] += f64::from(v));
                let mean = |l: usize| (sums[l] / sizes[l] as f64) as f32;
                channel.zip_mut_with(&parts.labels, |v, &l| *v = mean(l));
            }
        }
    }
    Ok(out)
}

/// Replaces the superpixels that are off.
fn switch_off(
    mut copy: ArrayViewMut3<'_, f32>,
    off: &Array3<f32>,
    parts: &Segmentation,
    on: ArrayView1<'_, bool>,
) {
    for (mut channel, off) in copy.outer_iter_mut().zip(off.outer_iter()) {
        let zip = Zip::from(&mut channel).and(off).and(&parts.labels);
        zip.for_each(|v, &o, &l| {
            if !on[l] {
                *v = o;
            }
        });
    }
}

impl Labels {
    /// The classes of a row of scores, the best first.
    fn of(&self, row: ArrayView1<'_, f32>) -> Result<Vec<usize>> {
        match self {
            Labels::Top(count) => {
                let mut order: Vec<usize> = (0..row.len()).collect();
                order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
                order.truncate(*count);
                Ok(order)
            }
            Labels::Classes(classes) => match classes.iter().find(|&&k| k >= row.len()) {
                None => Ok(classes.clone()),
                Some(&class) => Err(VisError::UnknownClass {
                    class,
                    classes: row.len(),
                }),
            },
        }
    }
}

/// [`lime`] for each image of a batch `[N, C, H, W]`.
///
/// # Errors
/// As [`lime`].
pub fn lime_batch(
    scorer: &impl Scorer,
    images: &Tensor,
    options: &Lime,
) -> Result<Vec<LimeExplanation>> {
    let [n, ..] = dimensions(images)?;
    let one = |i| lime(scorer, &crate::images::part(images, i, i + 1), options);
    (0..n).map(one).collect()
}
