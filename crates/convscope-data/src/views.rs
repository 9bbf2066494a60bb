//! Several views of an image, looked at when a network is tested: what it says about them is
//! averaged (Krizhevsky, Sutskever and Hinton 2012, section 4.1; He et al. 2015, section 3.4).

use crate::augment::{resized, wrong_size};
use crate::error::{DataError, Result};
use crate::mean_scores::MeanScores;
#[cfg(feature = "photos")]
use crate::photo::Photo;
#[cfg(feature = "photos")]
use crate::preprocessing::{Preprocessing, Resize};
use ndarray::{Array1, Array3, Array4, ArrayD, Axis, s, stack};
use std::fmt;

/// Which views of an image there are.
///
/// ```
/// use convscope_data::{IMAGENET_STD, Preprocessing, TestViews, sample_photo};
/// let fifty = TestViews::ten_crops([224, 224]).scales([224, 256, 384, 480, 640]);
/// assert_eq!(fifty.len(), 50);
/// let views = fifty.of_photo(&sample_photo(), &Preprocessing::torchvision(224))?;
/// for batch in views.batches(10) {
///     assert_eq!(batch?.dim(), (10, 3, 224, 224));
/// }
/// # Ok::<(), convscope_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestViews {
    crop: Option<[usize; 2]>,
    scales: Vec<usize>,
}

/// Where a view is cut from its image.
const PLACES: [&str; 5] = [
    "top left",
    "top right",
    "bottom left",
    "bottom right",
    "centre",
];

impl TestViews {
    /// The image and its mirror image.
    pub fn flips() -> Self {
        Self {
            crop: None,
            scales: Vec::new(),
        }
    }

    /// The four corners and the centre, `[height, width]` each, and the mirror images of these five.
    pub fn ten_crops(crop: [usize; 2]) -> Self {
        Self {
            crop: Some(crop),
            scales: Vec::new(),
        }
    }

    /// The same at each of these scales: the image is first brought to a short side of so many
    /// pixels. ResNet's are 224, 256, 384, 480 and 640. Without crops a scale gives two views of its
    /// own size.
    pub fn scales(mut self, short_sides: impl Into<Vec<usize>>) -> Self {
        self.scales = short_sides.into();
        self
    }

    /// How many views of an image there are.
    pub fn len(&self) -> usize {
        self.per_scale() * self.scales.len().max(1)
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// What the views show, in their order: `"top left"`, `"top left, mirrored"`, with the scale
    /// where there are several.
    pub fn names(&self) -> Vec<String> {
        let name = |k: usize| {
            let (scale, view) = (k / self.per_scale(), k % self.per_scale());
            let place = match self.crop {
                Some(_) => PLACES[view / 2],
                None => "whole",
            };
            let mirrored = if view % 2 == 1 { ", mirrored" } else { "" };
            match self.scales.get(scale) {
                Some(side) => format!("{side}: {place}{mirrored}"),
                None => format!("{place}{mirrored}"),
            }
        };
        (0..self.len()).map(name).collect()
    }

    fn per_scale(&self) -> usize {
        if self.crop.is_some() { 10 } else { 2 }
    }

    /// The views of an image `[C, H, W]` in any units, brought to each scale bilinearly.
    ///
    /// # Errors
    /// If the image has no pixel, a size is 0, or a crop does not fit.
    pub fn of(&self, image: &Array3<f32>) -> Result<Views> {
        let (_, h, w) = image.dim();
        self.views(Source::Image(image.clone()), [h, w])
    }

    /// The views of a photograph as a network reads them: resized from the picture itself by the
    /// preprocessing's interpolation, so that a large scale shows more. Without scales it is resized
    /// as the preprocessing says, and its own crop is left out.
    ///
    /// # Errors
    /// As [`of`](Self::of), or if the preprocessing makes no sense.
    #[cfg(feature = "photos")]
    pub fn of_photo(&self, photo: &Photo, preprocessing: &Preprocessing) -> Result<Views> {
        preprocessing.check()?;
        photo.check()?;
        let whole = Preprocessing {
            crop: None,
            ..preprocessing.clone()
        };
        let size = match whole.resize {
            Resize::None => [photo.height(), photo.width()],
            Resize::Exact(size) => size,
            Resize::ShortSide(side) => scaled([photo.height(), photo.width()], side),
        };
        // Only proportions count where scales are given.
        let size = match self.scales.is_empty() {
            true => size,
            false => [photo.height(), photo.width()],
        };
        self.views(Source::Photo(photo.clone(), whole), size)
    }

    fn views(&self, source: Source, size: [usize; 2]) -> Result<Views> {
        let wrong = |problem: String| {
            Err(DataError::Argument {
                what: "test views",
                problem,
            })
        };
        if self.scales.contains(&0) {
            return wrong("a scale is 0; expected at least 1 pixel".into());
        }
        let problem = wrong_size(size).or_else(|| self.crop.and_then(wrong_size));
        if let Some(problem) = problem {
            return wrong(problem);
        }
        let sizes: Vec<[usize; 2]> = match self.scales[..] {
            [] => vec![size],
            ref scales => scales.iter().map(|&side| scaled(size, side)).collect(),
        };
        for [h, w] in sizes {
            if let Some(problem) = wrong_size([h, w]) {
                return wrong(problem);
            }
            if let Some([ch, cw]) = self.crop
                && (ch > h || cw > w)
            {
                return wrong(format!(
                    "a crop of {ch}x{cw} does not fit into {h}x{w} pixels"
                ));
            }
        }
        Ok(Views {
            views: self.clone(),
            source,
            next: 0,
            scaled: None,
        })
    }
}

impl fmt::Display for TestViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.crop {
            Some([h, w]) => write!(f, "ten crops of {h}x{w}")?,
            None => write!(f, "the image and its mirror image")?,
        }
        match self.scales[..] {
            [] => Ok(()),
            ref scales => write!(f, " at short sides of {scales:?}"),
        }
    }
}

/// Height and width with a short side of so many pixels; the long one is rounded down, as
/// torchvision does.
fn scaled([h, w]: [usize; 2], side: usize) -> [usize; 2] {
    let long = |long: usize, short: usize| (side as f64 * long as f64 / short as f64) as usize;
    match w <= h {
        true => [long(h, w), side],
        false => [side, long(w, h)],
    }
}

#[derive(Clone, Debug)]
enum Source {
    Image(Array3<f32>),
    #[cfg(feature = "photos")]
    Photo(Photo, Preprocessing),
}

impl Source {
    /// In this size of the short side, if one is given.
    fn at(&self, scale: Option<usize>) -> Result<Array3<f32>> {
        match (self, scale) {
            (Source::Image(image), None) => Ok(image.clone()),
            (Source::Image(image), Some(side)) => {
                let (_, h, w) = image.dim();
                Ok(resized(image, scaled([h, w], side)))
            }
            #[cfg(feature = "photos")]
            (Source::Photo(photo, preprocessing), None) => preprocessing.apply(photo),
            #[cfg(feature = "photos")]
            (Source::Photo(photo, preprocessing), Some(side)) => {
                let resize = Resize::ShortSide(side);
                let preprocessing = preprocessing.clone();
                Preprocessing {
                    resize,
                    ..preprocessing
                }
                .apply(photo)
            }
        }
    }
}

/// The views of one image, made one after the other: memory holds the image in one scale at a time.
#[derive(Clone, Debug)]
pub struct Views {
    views: TestViews,
    source: Source,
    next: usize,
    /// The scale under way.
    scaled: Option<(usize, Array3<f32>)>,
}

impl Views {
    /// In batches `[N, C, H, W]` of at most `size` (at least 1); views of two sizes do not share one.
    pub fn batches(self, size: usize) -> ViewBatches {
        ViewBatches {
            views: self,
            size: size.max(1),
            left_over: None,
        }
    }

    /// The mean over all views of what `scores` says about a batch of them: a row of scores for each
    /// view. Give it probabilities, as the papers do.
    ///
    /// # Errors
    /// If a view cannot be made, what `scores` returns, or if it has not one row of equal length for
    /// each view.
    pub fn average<E: From<DataError>>(
        self,
        batch_size: usize,
        mut scores: impl FnMut(&ArrayD<f32>) -> Result<ArrayD<f32>, E>,
    ) -> Result<Array1<f32>, E> {
        let mut mean = MeanScores::new();
        for batch in self.batches(batch_size) {
            let batch = batch?;
            let views = batch.len_of(Axis(0));
            let scores = scores(&batch.into_dyn())?;
            if scores.shape().first() != Some(&views) {
                return Err(DataError::Shape {
                    what: "scores of test views".into(),
                    expected: format!("[{views}, classes], a row for each view"),
                    got: scores.shape().to_vec(),
                }
                .into());
            }
            mean.add(&scores)?;
        }
        Ok(mean.mean()?)
    }

    fn view(&mut self) -> Result<Array3<f32>> {
        let (scale, view) = (
            self.next / self.views.per_scale(),
            self.next % self.views.per_scale(),
        );
        if self.scaled.as_ref().is_none_or(|(at, _)| *at != scale) {
            // The last scale goes before the next one comes.
            self.scaled = None;
            self.scaled = Some((
                scale,
                self.source.at(self.views.scales.get(scale).copied())?,
            ));
        }
        let (_, image) = self.scaled.as_ref().expect("set above");
        let (_, h, w) = image.dim();
        let [ch, cw] = self.views.crop.unwrap_or([h, w]);
        if ch > h || cw > w {
            return Err(DataError::Argument {
                what: "test views",
                problem: format!("a crop of {ch}x{cw} does not fit into {h}x{w} pixels"),
            });
        }
        // The centre as Preprocessing finds it.
        let [top, left] = match (self.views.crop, view / 2) {
            (None, _) | (_, 0) => [0, 0],
            (_, 1) => [0, w - cw],
            (_, 2) => [h - ch, 0],
            (_, 3) => [h - ch, w - cw],
            _ => [h - ch, w - cw].map(|rest| (rest as f64 / 2.0).round_ties_even() as usize),
        };
        let mut part = image.slice(s![.., top..top + ch, left..left + cw]);
        if view % 2 == 1 {
            part.invert_axis(Axis(2));
        }
        // Not `to_owned`, which would keep the mirrored order in memory.
        let (c, h, w) = part.dim();
        let pixels: Vec<f32> = part.iter().copied().collect();
        Ok(Array3::from_shape_vec((c, h, w), pixels).expect("as many as there are"))
    }
}

impl Iterator for Views {
    type Item = Result<Array3<f32>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.views.len() {
            return None;
        }
        let view = self.view();
        self.next = match view {
            Ok(_) => self.next + 1,
            // What fails once would fail again.
            Err(_) => self.views.len(),
        };
        Some(view)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.views.len() - self.next))
    }
}

/// Batches of views; see [`Views::batches`].
#[derive(Clone, Debug)]
pub struct ViewBatches {
    views: Views,
    size: usize,
    /// Of another size than the batch before.
    left_over: Option<Array3<f32>>,
}

impl Iterator for ViewBatches {
    type Item = Result<Array4<f32>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch: Vec<Array3<f32>> = self.left_over.take().into_iter().collect();
        while batch.len() < self.size {
            match self.views.next() {
                None => break,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(view)) if batch.first().is_some_and(|b| b.dim() != view.dim()) => {
                    self.left_over = Some(view);
                    break;
                }
                Some(Ok(view)) => batch.push(view),
            }
        }
        if batch.is_empty() {
            return None;
        }
        let views: Vec<_> = batch.iter().map(Array3::view).collect();
        Some(Ok(stack(Axis(0), &views).expect("views of one size")))
    }
}
