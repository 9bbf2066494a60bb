//! Which pixels mattered, found by hiding them: occlusion (Zeiler and Fergus 2014, section 4.2 and
//! figure 6), and the ablation of groups of pixels.

mod ablation;
mod fill;
mod maps;
mod windows;

pub use ablation::{Ablation, feature_ablation, feature_ablation_watched};
pub use fill::Fill;
pub(crate) use fill::given_colour;
pub use maps::{OcclusionMaps, occlusion_maps, occlusion_maps_watched};

use crate::error::Result;
use crate::images::{dimensions, image};
use crate::map::{Attribution, Flag};
use crate::perturb::{Asked, batch_size, score_copies};
use crate::provenance::Provenance;
use crate::scorer::Scorer;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::Tensor;
use ndarray::{Array2, Array4, ArrayView3, Axis};
use serde::Serialize;
use std::time::Instant;
use windows::Windows;

/// How to slide a window over an image, hiding what is under it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Occlusion {
    /// Height and width of the window in pixels. `None`: a seventh of the image's shorter side, as
    /// 32 of 224 pixels, and at least 1.
    pub window: Option<[usize; 2]>,
    /// From one position to the next, down and across. `None`: a quarter of the window, so that
    /// most pixels are hidden sixteen times, each time with other neighbours.
    pub stride: Option<[usize; 2]>,
    /// What the window shows. Grey, as in the paper.
    pub fill: Fill,
    /// How scores become a map. `Average`: its numbers do not depend on window and stride.
    pub scoring: Scoring,
    /// Images in a batch. `None`: as many as make 16 MiB, at most 128.
    pub batch: Option<usize>,
}

/// How the scores of the positions of a window become a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scoring {
    /// A pixel gets the mean drop of the score over the windows that cover it. Positions along an
    /// axis: ceil((size - window) / stride) + 1, the last window cropped at the edge; captum's
    /// convention.
    #[default]
    Average,
    /// A pixel gets the sum of the drops over the windows that cover it, of whole windows only
    /// (floor instead of ceil); the convention of PAIR's saliency library.
    Sum,
    /// No map of pixels but one of positions, of whole windows only: the score itself with the
    /// window there, as the paper's figure 6 shows it. Low where hiding hurts.
    PerPosition,
}

impl Occlusion {
    /// With the defaults.
    pub fn new() -> Occlusion {
        Occlusion::default()
    }

    /// With a window of this height and width.
    pub fn window(mut self, window: [usize; 2]) -> Occlusion {
        self.window = Some(window);
        self
    }

    /// With this stride, down and across.
    pub fn stride(mut self, stride: [usize; 2]) -> Occlusion {
        self.stride = Some(stride);
        self
    }

    /// With something else in the window.
    pub fn fill(mut self, fill: Fill) -> Occlusion {
        self.fill = fill;
        self
    }

    /// With another rule of scoring.
    pub fn scoring(mut self, scoring: Scoring) -> Occlusion {
        self.scoring = scoring;
        self
    }

    /// With so many images in a batch.
    pub fn batch(mut self, images: usize) -> Occlusion {
        self.batch = Some(images);
        self
    }
}

/// Occlusion (Zeiler and Fergus 2014): how far a class's score falls when a window hides a part of
/// the image. All channels are hidden together.
///
/// # Shapes
/// Images `[N, C, H, W]`; values `[N, 1, H, W]`, in units of the score, positive where hiding makes
/// it fall. With [`Scoring::PerPosition`] `[N, 1, down, across]`, the scores themselves.
///
/// # Errors
/// When the window is larger than the image, the fill has not a number for each channel, the target
/// is no class, or the scorer fails.
///
/// ```
/// use convscope_nn::Tensor;
/// use convscope_vis::{Fill, Occlusion, Target, from_fn, occlusion};
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// // Looks at one pixel alone.
/// let eye = from_fn(|images: &Tensor| {
///     let seen = images.outer_iter().map(|one| one[[0, 2, 5]]);
///     Ok(Tensor::from_shape_vec(vec![images.shape()[0], 1], seen.collect()).unwrap())
/// });
/// let image = Tensor::from_elem(vec![1, 1, 8, 8], 3.0);
/// let options = Occlusion::new().window([1, 1]).fill(Fill::Zero);
/// let map = occlusion(&eye, &image, &Target::Class(0), &options)?;
/// assert_eq!(map.values[[0, 0, 2, 5]], 3.0);
/// assert_eq!(map.values.sum(), 3.0);
/// # Ok(()) }
/// ```
pub fn occlusion(
    scorer: &impl Scorer,
    images: &Tensor,
    target: &Target,
    options: &Occlusion,
) -> Result<Attribution> {
    occlusion_watched(scorer, images, target, options, &mut Watch::quiet())
}

/// [`occlusion`] with a budget and someone to tell. What was had when the budget was used up is
/// returned with [`Flag::Unfinished`]; windows that were not tried count for nothing.
///
/// # Errors
/// As [`occlusion`].
pub fn occlusion_watched(
    scorer: &impl Scorer,
    images: &Tensor,
    target: &Target,
    options: &Occlusion,
    watch: &mut Watch,
) -> Result<Attribution> {
    let begun = Instant::now();
    let [n, c, h, w] = dimensions(images)?;
    let windows = Windows::of(options, [h, w])?;
    let batch = batch_size(options.batch, c * h * w)?;
    watch.begin(n * (windows.count() + 1));
    let rows = match options.scoring {
        Scoring::PerPosition => windows.positions,
        _ => [h, w],
    };
    let mut values = Array4::zeros((n, 1, rows[0], rows[1]));
    let mut found = Found::default();
    for i in 0..n {
        let one = occlude(
            scorer,
            image(images, i),
            target,
            options,
            &windows,
            batch,
            watch,
        )?;
        values
            .index_axis_mut(Axis(0), i)
            .index_axis_mut(Axis(0), 0)
            .assign(&one.map);
        found.push(one.asked, one.flags);
    }
    watch.finish();
    let provenance = Provenance::new("occlusion", "Zeiler and Fergus 2014, figure 6")
        .target(target.in_words())
        .options(options)
        .setting("window", windows.size.to_vec())
        .setting("stride", windows.stride.to_vec())
        .figure("positions", windows.positions.to_vec())
        .took(begun);
    Ok(found.attribution(values.into_dyn(), provenance))
}

/// What is known of each image beside its map.
#[derive(Default)]
struct Found {
    values: Vec<f32>,
    classes: Vec<Option<usize>>,
    flags: Vec<Vec<Flag>>,
}

impl Found {
    fn push(&mut self, asked: Option<Asked>, flags: Vec<Flag>) {
        self.values.push(asked.as_ref().map_or(0.0, |a| a.value));
        self.classes.push(asked.map(|a| a.class));
        self.flags.push(flags);
    }

    fn attribution(self, values: Tensor, provenance: Provenance) -> Attribution {
        Attribution {
            values,
            target_values: self.values,
            classes: self.classes,
            flags: self.flags,
            provenance,
        }
    }
}

/// One image's map.
struct Occluded {
    map: Array2<f32>,
    asked: Option<Asked>,
    flags: Vec<Flag>,
}

fn occlude(
    scorer: &impl Scorer,
    image: ArrayView3<'_, f32>,
    target: &Target,
    options: &Occlusion,
    windows: &Windows,
    batch: usize,
    watch: &mut Watch,
) -> Result<Occluded> {
    let colour = options.fill.colour(image)?;
    let mut sheet = Sheet::new(options.scoring, windows);
    let mut asked: Option<Asked> = None;
    let mut all_same = true;
    // Copy 0 is the image itself, so that its score is had in the same pass.
    let count = windows.count() + 1;
    let hide = |i: usize, copy: ndarray::ArrayViewMut3<'_, f32>| {
        if i > 0 {
            windows.paint(i - 1, &colour, copy);
        }
    };
    let done = score_copies(scorer, image, count, batch, watch, hide, |i, row| {
        match &asked {
            None => asked = Some(Asked::of(target, row)?),
            Some(asked) => {
                let score = asked.score(row);
                all_same &= score == asked.value;
                sheet.add(i - 1, asked.value, score);
            }
        }
        Ok(())
    })?;
    let flags = flags(all_same, done, count);
    Ok(Occluded {
        map: sheet.map(),
        asked,
        flags,
    })
}

/// Gathers scores into a map; its size does not depend on the number of positions, save for the map
/// that is one number for each.
struct Sheet<'a> {
    windows: &'a Windows,
    scoring: Scoring,
    sum: Array2<f64>,
    covered: Array2<u32>,
}

impl<'a> Sheet<'a> {
    fn new(scoring: Scoring, windows: &'a Windows) -> Sheet<'a> {
        let size = match scoring {
            Scoring::PerPosition => windows.positions,
            _ => windows.image,
        };
        Sheet {
            windows,
            scoring,
            sum: Array2::zeros(size),
            covered: Array2::zeros(size),
        }
    }

    fn add(&mut self, position: usize, before: f32, after: f32) {
        if self.scoring == Scoring::PerPosition {
            self.sum[self.windows.place(position)] = f64::from(after);
            return;
        }
        let drop = f64::from(before) - f64::from(after);
        let windows = self.windows;
        windows.change(position, self.sum.view_mut(), |v| *v += drop);
        windows.change(position, self.covered.view_mut(), |v| *v += 1);
    }

    fn map(self) -> Array2<f32> {
        match self.scoring {
            Scoring::Average => {
                let times = self.covered.mapv(|v| f64::from(v.max(1)));
                (self.sum / times).mapv(|v| v as f32)
            }
            _ => self.sum.mapv(|v| v as f32),
        }
    }
}

/// What is to be said of `done` passes of `count`, the first of which was the image itself.
fn flags(all_same: bool, done: usize, count: usize) -> Vec<Flag> {
    let mut flags = Vec::new();
    if all_same && done > 1 {
        flags.push(Flag::ConstantScore);
    }
    if done < count {
        flags.push(Flag::Unfinished {
            done: done as f64 / count as f64,
        });
    }
    flags
}
