//! The random changes there are, as data.

use super::ColourComponents;
use crate::draw::Draw;
use crate::error::Result;
use ndarray::ArrayViewMut3;
use std::fmt;
use std::sync::Arc;

/// What stands around an image that is moved, turned or bent.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fill {
    /// One value, in the units of the dataset: 0 is black in plain pixels, and the mean in
    /// standardised ones.
    Value(f32),
    /// The image's own mean, a value for each channel.
    Mean,
    /// The nearest pixel of the edge.
    Edge,
    /// The image mirrored at its edge, without repeating the edge itself.
    Reflect,
}

/// A change of one image `[C, H, W]` in place. Randomness must come from the draw alone.
pub type Change = Arc<dyn Fn(ArrayViewMut3<'_, f32>, &mut Draw) -> Result<()> + Send + Sync>;

/// One random change. Pairs are the smallest and the largest value of what is drawn between them;
/// equal ones are no chance at all.
#[derive(Clone)]
#[non_exhaustive]
pub enum Augment {
    /// Left and right exchanged in this share of the images. 0.5 is the custom; not for digits.
    HorizontalFlip {
        /// From 0 to 1.
        probability: f64,
    },
    /// Top and bottom exchanged in this share of the images: for what has no upside, as cells seen
    /// through a microscope.
    VerticalFlip {
        /// From 0 to 1.
        probability: f64,
    },
    /// The image with a border of `padding` pixels, cut back to its size at a random place: the
    /// same as a shift by up to `padding` pixels down and across. He et al. (2015, section 4.2)
    /// use 4 zeros on CIFAR-10.
    RandomCrop {
        /// Pixels on every side.
        padding: usize,
        /// What the border is made of.
        fill: Fill,
    },
    /// A random part of the image, brought to `size` (Szegedy et al. 2015, section 6, with the
    /// settings of torchvision's `RandomResizedCrop`). Ten parts are drawn; where none fits into the
    /// image, the largest in the middle with a fitting ratio is taken.
    ResizedCrop {
        /// The part's share of the image's area.
        area: (f64, f64),
        /// Its width by its height, drawn on a logarithmic scale.
        ratio: (f64, f64),
        /// Height and width afterwards; `None` for those the image has.
        size: Option<[usize; 2]>,
    },
    /// The image scaled so that its short side has a random number of pixels, and a random part of
    /// `size` cut from it: the scale jittering of VGG (Simonyan and Zisserman 2015, section 3.1) and
    /// ResNet (He et al. 2015, section 3.4), there 256 to 480 with parts of 224.
    ScaledCrop {
        /// The fewest and the most pixels of the short side; both may be drawn.
        short_side: (usize, usize),
        /// Height and width of the part.
        size: [usize; 2],
    },
    /// Moved down and across by some pixels, fractions too.
    Shift {
        /// Pixels downwards, negative ones upwards.
        down: (f64, f64),
        /// Pixels to the right, negative ones to the left.
        across: (f64, f64),
        /// What comes in.
        fill: Fill,
    },
    /// Turned around its centre, anticlockwise (as in PIL and torchvision).
    Rotate {
        /// Degrees.
        degrees: (f64, f64),
        /// What comes into the corners.
        fill: Fill,
    },
    /// Sheared: a pixel `n` rows below the centre moves `n * across` pixels to the right, and one
    /// `n` columns to the right of it `n * down` pixels down.
    Shear {
        /// Pixels to the right per row. The tangent of the angle.
        across: (f64, f64),
        /// Pixels down per column.
        down: (f64, f64),
        /// What comes in.
        fill: Fill,
    },
    /// Height and width multiplied from the centre, each by a factor of its own, drawn on a
    /// logarithmic scale.
    Stretch {
        /// Of the height.
        down: (f64, f64),
        /// Of the width.
        across: (f64, f64),
        /// What comes in where a factor is below 1.
        fill: Fill,
    },
    /// Height and width multiplied from the centre by one factor, drawn on a logarithmic scale.
    Zoom {
        /// Above 1 nearer, below 1 further away.
        factor: (f64, f64),
        /// What comes in where the factor is below 1.
        fill: Fill,
    },
    /// The distortion of a lens, Brown's (1966) first radial term: what stands at distance `r` from
    /// the centre is taken from `r (1 + strength r^2)`, with `r` 1 at the corners. Above 0 the image
    /// bulges as in a barrel, below 0 it is drawn into the corners as a pincushion.
    Lens {
        /// Above -1/3, where the image would fold over.
        strength: (f64, f64),
        /// What comes in from beyond the edge.
        fill: Fill,
    },
    /// Every value times a factor, black staying black.
    Brightness {
        /// 1 changes nothing.
        factor: (f64, f64),
    },
    /// The distance from the image's mean grey times a factor.
    Contrast {
        /// 1 changes nothing, 0 leaves the mean grey.
        factor: (f64, f64),
    },
    /// The distance of a pixel's colours from its grey times a factor.
    Saturation {
        /// 1 changes nothing, 0 leaves a grey picture.
        factor: (f64, f64),
    },
    /// Colours moved along the circle of hues (HSV): 120 degrees turn red to green, green to blue.
    Hue {
        /// Degrees.
        degrees: (f64, f64),
    },
    /// PCA colour jitter (Krizhevsky, Sutskever and Hinton 2012, section 4.1): to every pixel of an
    /// image the sum of `p_i alpha_i lambda_i` is added, with the eigenvectors `p` and eigenvalues
    /// `lambda` of the colours' covariance and `alpha` drawn once for the image from a normal
    /// distribution around 0.
    ColourJitter {
        /// Of the training set.
        components: ColourComponents,
        /// Standard deviation of `alpha`; the paper's is 0.1.
        deviation: f64,
    },
    /// A square hidden, around a random pixel, over the edge too (DeVries and Taylor 2017, section
    /// 3, <https://arxiv.org/abs/1708.04552>; sides of 16 for CIFAR-10 and 8 for CIFAR-100 there).
    /// Boxes and masks stay: the object is still there, behind it.
    CutOut {
        /// Pixels.
        side: usize,
        /// What the square is made of: a value or the mean. The paper's is 0 in standardised units.
        fill: Fill,
    },
    /// A function of one's own; see [`Augmentation::custom`](super::Augmentation::custom).
    Custom {
        /// What errors and checkpoints call it.
        name: String,
        /// The function.
        change: Change,
    },
}

impl fmt::Debug for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `1 to 3`, or `2` where there is no choice.
struct Between(f64, f64);

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 == self.1 {
            true => write!(f, "{}", self.0),
            false => write!(f, "{} to {}", self.0, self.1),
        }
    }
}

fn between((low, high): (f64, f64)) -> Between {
    Between(low, high)
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fill::Value(v) => write!(f, "{v} around"),
            Fill::Mean => f.write_str("the mean around"),
            Fill::Edge => f.write_str("the edge around"),
            Fill::Reflect => f.write_str("reflected around"),
        }
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = |pair: &(f64, f64)| between(*pair);
        match self {
            Augment::HorizontalFlip { probability } => write!(f, "flip {probability}"),
            Augment::VerticalFlip { probability } => write!(f, "vertical flip {probability}"),
            // Checkpoints and the cards of shipped weights hold these words.
            Augment::RandomCrop { padding, fill } => match fill {
                Fill::Value(v) => write!(f, "crop with {padding} pixels of {v} around"),
                Fill::Mean => write!(f, "crop with {padding} pixels of the mean around"),
                Fill::Edge => write!(f, "crop with {padding} pixels of the edge around"),
                Fill::Reflect => write!(f, "crop with {padding} reflected pixels around"),
            },
            Augment::ResizedCrop { area, ratio, size } => {
                let (area, ratio) = (b(area), b(ratio));
                write!(f, "crop of {area} of the area, width by height {ratio}")?;
                size.map_or(Ok(()), |[h, w]| write!(f, ", to {h}x{w}"))
            }
            Augment::ScaledCrop { short_side, size } => {
                let (low, high) = short_side;
                write!(
                    f,
                    "short side {low} to {high}, crop of {}x{}",
                    size[0], size[1]
                )
            }
            Augment::Shift { down, across, fill } => {
                write!(f, "shift {} down, {} across, {fill}", b(down), b(across))
            }
            Augment::Rotate { degrees, fill } => write!(f, "rotate {} degrees, {fill}", b(degrees)),
            Augment::Shear { across, down, fill } => {
                write!(f, "shear {} across, {} down, {fill}", b(across), b(down))
            }
            Augment::Stretch { down, across, fill } => {
                write!(f, "stretch {} down, {} across, {fill}", b(down), b(across))
            }
            Augment::Zoom { factor, fill } => write!(f, "zoom {}, {fill}", b(factor)),
            Augment::Lens { strength, fill } => write!(f, "lens {}, {fill}", b(strength)),
            Augment::Brightness { factor } => write!(f, "brightness {}", b(factor)),
            Augment::Contrast { factor } => write!(f, "contrast {}", b(factor)),
            Augment::Saturation { factor } => write!(f, "saturation {}", b(factor)),
            Augment::Hue { degrees } => write!(f, "hue {} degrees", b(degrees)),
            Augment::ColourJitter {
                components,
                deviation,
            } => {
                write!(f, "colour jitter {deviation} along {components}")
            }
            Augment::CutOut { side, fill } => write!(f, "cut-out of {side}x{side}, {fill}"),
            Augment::Custom { name, .. } => f.write_str(name),
        }
    }
}
