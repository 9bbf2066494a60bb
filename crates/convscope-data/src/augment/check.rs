//! Which changes can be made to which images.

use super::PixelRange;
use super::step::{Augment, Fill};
use crate::error::{DataError, Result};

/// Larger images than this are not made: as numbers they would take over half a gigabyte.
const MOST_PIXELS: usize = 50_000_000;
/// More of a border is a slip of the pen.
const MOST_PADDING: usize = 100_000;

impl Augment {
    pub(super) fn is_geometric(&self) -> bool {
        use Augment::*;
        matches!(
            self,
            HorizontalFlip { .. }
                | VerticalFlip { .. }
                | RandomCrop { .. }
                | ResizedCrop { .. }
                | ScaledCrop { .. }
                | Shift { .. }
                | Rotate { .. }
                | Shear { .. }
                | Stretch { .. }
                | Zoom { .. }
                | Lens { .. }
        )
    }

    pub(super) fn is_colour(&self) -> bool {
        use Augment::*;
        matches!(
            self,
            Brightness { .. }
                | Contrast { .. }
                | Saturation { .. }
                | Hue { .. }
                | ColourJitter { .. }
        )
    }

    /// The shape `[C, H, W]` it makes of this one.
    pub(super) fn output_shape(
        &self,
        shape: [usize; 3],
        range: Option<&PixelRange>,
    ) -> Result<[usize; 3]> {
        let problem = self.problem(shape).or_else(|| match range {
            _ if !self.is_colour() => None,
            None => Some(
                "it needs to know what black and white are in the images' units; say so with \
                 .range(PixelRange::unit()), bytes() or of(&preprocessing)"
                    .into(),
            ),
            Some(range) => range.problem(shape[0]),
        });
        if let Some(problem) = problem {
            return Err(DataError::Argument {
                what: "augmentation",
                problem: format!("{self}: {problem}"),
            });
        }
        Ok(match self {
            Augment::ResizedCrop {
                size: Some([h, w]), ..
            }
            | Augment::ScaledCrop { size: [h, w], .. } => [shape[0], *h, *w],
            _ => shape,
        })
    }

    fn problem(&self, shape: [usize; 3]) -> Option<String> {
        use Augment::*;
        let [channels, h, w] = shape;
        match self {
            HorizontalFlip { probability: p } | VerticalFlip { probability: p } => {
                let wrong = !(0.0..=1.0).contains(p);
                wrong.then(|| "the probability of a flip must be from 0 to 1".into())
            }
            RandomCrop {
                padding,
                fill: Fill::Reflect,
            } if *padding >= h.min(w) => Some(format!(
                "{padding} pixels to reflect need an image of at least {0}x{0}, got {h}x{w}",
                padding + 1
            )),
            RandomCrop { padding, .. } if *padding > MOST_PADDING => Some(format!(
                "a border of more than {MOST_PADDING} pixels is not made"
            )),
            RandomCrop { fill, .. } => wrong_fill(fill),
            ResizedCrop { area, ratio, size } => {
                let wrong = (!ordered(*area) || area.0 <= 0.0 || area.1 > 1.0)
                    .then(|| "the share of the area must be above 0 and at most 1".to_owned());
                wrong
                    .or_else(|| positive("the ratio of width to height", *ratio))
                    .or_else(|| size.and_then(wrong_size))
            }
            ScaledCrop {
                short_side: (low, high),
                size,
            } => {
                let [long, short] = [h.max(w), h.min(w)];
                let scaled = (*high as f64) * (*high as f64) * long as f64 / short as f64;
                let side = size[0].max(size[1]);
                if low > high {
                    Some("the smallest short side is above the largest".into())
                } else if *low < side {
                    Some(format!(
                        "a part of {}x{} does not fit where the short side has {low} pixels",
                        size[0], size[1]
                    ))
                } else if scaled > MOST_PIXELS as f64 {
                    Some(format!(
                        "an image of {h}x{w} with a short side of {high} would have more than \
                         {MOST_PIXELS} pixels"
                    ))
                } else {
                    wrong_size(*size)
                }
            }
            Shift { down, across, fill } => wrong_pair("the shift", *down)
                .or_else(|| wrong_pair("the shift", *across))
                .or_else(|| wrong_fill(fill)),
            Rotate { degrees, fill } => {
                wrong_pair("the angle", *degrees).or_else(|| wrong_fill(fill))
            }
            Shear { across, down, fill } => {
                let most = |(low, high): (f64, f64)| low.abs().max(high.abs());
                let folds = most(*across) * most(*down) >= 1.0;
                wrong_pair("the shear", *across)
                    .or_else(|| wrong_pair("the shear", *down))
                    .or_else(|| folds.then(|| "across times down must stay below 1".into()))
                    .or_else(|| wrong_fill(fill))
            }
            Stretch { down, across, fill } => positive("the factor", *down)
                .or_else(|| positive("the factor", *across))
                .or_else(|| wrong_fill(fill)),
            Zoom { factor, fill } => positive("the factor", *factor).or_else(|| wrong_fill(fill)),
            Lens { strength, fill } => wrong_pair("the strength", *strength)
                .or_else(|| {
                    let folds = strength.0 <= -1.0 / 3.0;
                    folds.then(|| "the strength must be above -1/3".into())
                })
                .or_else(|| wrong_fill(fill)),
            Brightness { factor } | Contrast { factor } => not_negative(*factor),
            Saturation { factor } => not_negative(*factor).or_else(|| three(channels)),
            Hue { degrees } => wrong_pair("the angle", *degrees).or_else(|| three(channels)),
            ColourJitter {
                components,
                deviation,
            } => {
                let wrong = !(deviation.is_finite() && *deviation >= 0.0);
                wrong
                    .then(|| "the deviation must be 0 or more".to_owned())
                    .or_else(|| components.problem())
                    .or_else(|| three(channels))
            }
            CutOut {
                fill: Fill::Edge | Fill::Reflect,
                ..
            } => Some("a square is filled with a value or with the mean".into()),
            CutOut { fill, .. } => wrong_fill(fill),
            Custom { .. } => None,
        }
    }
}

fn ordered((low, high): (f64, f64)) -> bool {
    low.is_finite() && high.is_finite() && low <= high
}

fn wrong_pair(what: &str, (low, high): (f64, f64)) -> Option<String> {
    let wrong = !ordered((low, high));
    wrong.then(|| format!("{what} must lie between two finite numbers, the smaller one first"))
}

fn positive(what: &str, pair: (f64, f64)) -> Option<String> {
    let wrong = !ordered(pair) || pair.0 <= 0.0;
    wrong.then(|| format!("{what} must lie between two numbers above 0, the smaller one first"))
}

fn not_negative(pair: (f64, f64)) -> Option<String> {
    let wrong = !ordered(pair) || pair.0 < 0.0;
    wrong.then(|| "the factor must lie between two numbers from 0 up, the smaller first".into())
}

fn three(channels: usize) -> Option<String> {
    let wrong = channels != 3;
    wrong.then(|| format!("it needs red, green and blue; the images have {channels} channels"))
}

fn wrong_fill(fill: &Fill) -> Option<String> {
    let wrong = matches!(fill, Fill::Value(v) if !v.is_finite());
    wrong.then(|| "the fill must be a finite number".into())
}

pub(crate) fn wrong_size([h, w]: [usize; 2]) -> Option<String> {
    match h.saturating_mul(w) {
        0 => Some("a size is 0; expected at least 1 pixel".into()),
        1..=MOST_PIXELS => None,
        _ => Some(format!(
            "{h}x{w} are more than the {MOST_PIXELS} pixels that are made"
        )),
    }
}
