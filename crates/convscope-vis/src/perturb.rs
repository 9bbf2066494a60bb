//! Many changed copies of one image through a scorer, a batch at a time.

use crate::error::{Result, VisError};
use crate::provenance::Provenance;
use crate::scorer::{Scorer, checked_scores};
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::softmax;
use ndarray::{Array4, ArrayView1, ArrayView3, ArrayViewMut3, Axis};
use serde::Serialize;
use serde_json::Value;

/// Numbers in a batch of changed copies: 16 MiB of them, or 27 photographs of 224 pixels. More does
/// not make a network faster.
const BATCH_NUMBERS: usize = 4 << 20;

/// The most images in a batch, however small they are.
const BATCH_IMAGES: usize = 128;

/// How many images of so many numbers go into a batch, unless the user said so.
pub(crate) fn batch_size(wanted: Option<usize>, numbers: usize) -> Result<usize> {
    match wanted {
        Some(0) => Err(VisError::invalid(
            "a batch of 0 images: expected at least 1",
        )),
        Some(n) => Ok(n),
        None => Ok((BATCH_NUMBERS / numbers.max(1)).clamp(1, BATCH_IMAGES)),
    }
}

/// Scores `count` changed copies of an image: `change` makes copy number `i` out of the image, `take`
/// is given its scores. In order, as far as the watch allows; returns how many it was. Memory holds
/// one batch, however many there are.
pub(crate) fn score_copies(
    scorer: &(impl Scorer + ?Sized),
    image: ArrayView3<'_, f32>,
    count: usize,
    batch: usize,
    watch: &mut Watch,
    change: impl Fn(usize, ArrayViewMut3<'_, f32>),
    mut take: impl FnMut(usize, ArrayView1<'_, f32>) -> Result<()>,
) -> Result<usize> {
    let (c, h, w) = image.dim();
    let mut done = 0;
    while done < count {
        let n = watch.allows(batch.min(count - done));
        if n == 0 {
            break;
        }
        let mut copies = Array4::zeros((n, c, h, w));
        for (i, mut copy) in copies.outer_iter_mut().enumerate() {
            copy.assign(&image);
            change(done + i, copy);
        }
        let scores = checked_scores(scorer, &copies.into_dyn())?;
        for (i, row) in scores.axis_iter(Axis(0)).enumerate() {
            let row = row.into_dimensionality().expect("a row of [N, K]");
            take(done + i, row)?;
        }
        watch.step(n);
        done += n;
    }
    Ok(done)
}

/// The one number of an image that is asked for again and again while the image is changed: the
/// class is settled once, by the image as it is.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) class: usize,
    /// Its value in the image as it is.
    pub(crate) value: f32,
    probability: bool,
}

impl Asked {
    pub(crate) fn of(target: &Target, unchanged: ArrayView1<'_, f32>) -> Result<Asked> {
        let row = unchanged.to_owned().insert_axis(Axis(0)).into_dyn();
        let probability = matches!(target, Target::TopProbability | Target::Probability(_));
        let mut asked = Asked {
            class: target.classes(&row)?[0],
            value: 0.0,
            probability,
        };
        asked.value = asked.score(unchanged);
        Ok(asked)
    }

    pub(crate) fn score(&self, row: ArrayView1<'_, f32>) -> f32 {
        match self.probability {
            true => probabilities(row)[self.class],
            false => row[self.class],
        }
    }
}

/// The softmax of one row of scores.
pub(crate) fn probabilities(row: ArrayView1<'_, f32>) -> Vec<f32> {
    let row = row.to_owned().insert_axis(Axis(0)).into_dyn();
    softmax(&row)
        .expect("a row of scores")
        .into_iter()
        .collect()
}

impl Provenance {
    /// With every field of some options as a setting.
    pub(crate) fn options(mut self, options: &impl Serialize) -> Provenance {
        if let Ok(Value::Object(fields)) = serde_json::to_value(options) {
            self.settings.extend(fields);
        }
        self
    }
}
