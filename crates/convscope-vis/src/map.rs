//! What an attribution method returns.

use crate::provenance::Provenance;
use convscope_nn::Tensor;
use ndarray::{Array2, Array3, Array4, Axis, Ix4};
use serde::Serialize;
use std::fmt;

/// What each number of the input (or of a layer) had to do with a target, for each image of a
/// batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attribution {
    /// `[N, C, H, W]` in the shape of the input, unless the method says otherwise. Signed where the
    /// method's numbers have a sign.
    pub values: Tensor,
    /// What the target was for each image.
    pub target_values: Vec<f32>,
    /// The class that the target stood for in each image, where it was a class.
    pub classes: Vec<Option<usize>>,
    /// What is to be known about each image's map; mostly nothing.
    pub flags: Vec<Vec<Flag>>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// Something to be known about a map.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flag {
    /// The target's gradient is zero in every place: the map is zero, and says nothing.
    ZeroGradient,
    /// The gradient is not zero, and the map is, in every place: the image is zero or its own
    /// baseline, or a final ReLU left nothing.
    ZeroMap,
    /// The image has one value throughout, so that noise in proportion to its range is none.
    ConstantImage,
    /// What was aimed at was not reached; the result is the nearest that was had.
    NotReached,
    /// What was given is the same everywhere: there is nothing to be found in it.
    Constant,
    /// Every score was the same, whatever was changed in the image.
    ConstantScore,
    /// The budget was used up after this share of the work; the map is what was had by then.
    Unfinished {
        /// From 0 to 1.
        done: f64,
    },
    /// Numbers grew beyond all bounds at this step of an optimisation; the image is the last one
    /// before.
    Diverged {
        /// Counted from 0.
        step: usize,
    },
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flag::ZeroGradient => f.write_str(
                "the target's gradient is zero everywhere, so the result is zero and says nothing",
            ),
            Flag::ZeroMap => f.write_str("the map is zero everywhere, though the gradient is not"),
            Flag::ConstantImage => f.write_str("the image has one value throughout"),
            Flag::ConstantScore => {
                f.write_str("every score was the same, whatever was changed in the image")
            }
            Flag::NotReached => {
                f.write_str("what was aimed at was not reached; this is the nearest that was had")
            }
            Flag::Constant => f.write_str("the filter or map has one value throughout"),
            Flag::Diverged { step } => write!(
                f,
                "numbers grew beyond all bounds at step {step}; this is from before"
            ),
            Flag::Unfinished { done } => write!(
                f,
                "the budget was used up after {:.0} % of the work",
                100.0 * done
            ),
        }
    }
}

/// How the channels of a map become one number for each pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    /// The largest absolute value of the channels, as Simonyan, Vedaldi and Zisserman (2014) show
    /// their saliency maps.
    #[default]
    MaxAbs,
    /// The sum of the absolute values.
    SumAbs,
    /// The sum, with its sign.
    Sum,
}

impl Attribution {
    /// One number for each pixel, `[N, H, W]`. What has no pixels comes as one row: the units of a
    /// fully connected layer, `[N, D]`, as `[N, 1, D]`.
    pub fn per_pixel(&self, reduce: Reduce) -> Array3<f32> {
        let n = self.values.shape().first().copied().unwrap_or(0);
        let row = [n, 1, 1, self.values.len() / n.max(1)];
        let four = self.values.view().into_dimensionality::<Ix4>();
        let channels = match four {
            Ok(four) => four.to_owned(),
            Err(_) => Array4::from_shape_vec(row, self.values.iter().copied().collect())
                .expect("as many numbers, in one row"),
        };
        match reduce {
            Reduce::MaxAbs => channels.fold_axis(Axis(1), 0.0, |a, v| a.max(v.abs())),
            Reduce::SumAbs => channels.fold_axis(Axis(1), 0.0, |a, v| a + v.abs()),
            Reduce::Sum => channels.sum_axis(Axis(1)),
        }
    }

    /// The map of one image, `[H, W]`, where there is such an image.
    pub fn map(&self, image: usize, reduce: Reduce) -> Option<Array2<f32>> {
        let maps = self.per_pixel(reduce);
        (image < maps.len_of(Axis(0))).then(|| maps.index_axis(Axis(0), image).to_owned())
    }
}
