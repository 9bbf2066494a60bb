//! What a network expects of a picture before the first layer sees it, as data: size, crop, channel
//! order, range, mean and standard deviation. Weights are of no use without it.
//!
//! Sizes, rounding and resampling are those of torchvision's transforms on PIL images, whose weights
//! the zoo reads: the bytes after resizing are PIL's own.

#[cfg(feature = "photos")]
mod picture;
#[cfg(feature = "photos")]
mod resample;

use crate::error::{DataError, Result};
use ndarray::{Array3, ArrayView3, Axis};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Mean of ImageNet's training pixels, red, green, blue, 0 to 1 (torchvision's figures).
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's training pixels, 0 to 1 (torchvision's figures).
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// From a picture to a network's input, and back. The steps, in this order: grey if so asked, resize,
/// crop, channel order, range, `(value - mean) / std`.
///
/// ```
/// # use convscope_data::{Preprocessing, sample_photo};
/// let preprocessing = Preprocessing::torchvision(224);
/// let input = preprocessing.apply(&sample_photo())?;
/// assert_eq!(input.dim(), (3, 224, 224));
/// let seen = preprocessing.inverse(input.view())?;
/// assert_eq!((seen.height(), seen.width()), (224, 224));
/// # Ok::<(), convscope_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// To which size.
    pub resize: Resize,
    /// How pixels between pixels are found.
    pub interpolation: Interpolation,
    /// The middle part that is kept, `[height, width]`. Where a picture is smaller, black is added
    /// around it, as torchvision does.
    pub crop: Option<[usize; 2]>,
    /// Which channels, in which order.
    pub channels: Channels,
    /// What white is before the mean is subtracted.
    pub range: Range,
    /// Subtracted from each channel, in the network's channel order and range.
    pub mean: Vec<f32>,
    /// Each channel is divided by this afterwards.
    pub std: Vec<f32>,
}

/// The size before the crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// As it comes.
    None,
    /// The shorter side gets this many pixels; the longer side keeps the proportion, rounded down.
    ShortSide(usize),
    /// `[height, width]`, whatever the proportion.
    Exact([usize; 2]),
}

/// How pixels between pixels are found. Those that average do so over all that they cover when a
/// picture shrinks (PIL's `reducing` filters, torchvision's `antialias=True`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The pixel in which the point lies. Keras' `load_img` does this unless told otherwise.
    Nearest,
    /// A triangle: torchvision's for most of its weights.
    #[default]
    Bilinear,
    /// Keys' cubic with a = -0.5, as PIL has it.
    Bicubic,
}

/// The channels a network takes, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Red, green, blue. A grey picture is repeated three times.
    Rgb,
    /// Blue, green, red: OpenCV's order, and so Caffe's.
    Bgr,
    /// One channel: 0.299 red + 0.587 green + 0.114 blue, rounded to a byte as PIL's `L` is.
    Grey,
}

impl Channels {
    /// How many.
    pub fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::Rgb | Channels::Bgr => 3,
        }
    }
}

/// What white is before the mean is subtracted; black is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// 0 to 1.
    Unit,
    /// 0 to 255.
    Bytes,
}

impl Range {
    pub(crate) fn white(self) -> f32 {
        match self {
            Range::Unit => 1.0,
            Range::Bytes => 255.0,
        }
    }
}

impl Preprocessing {
    /// Nothing but numbers: any size, RGB, 0 to 1.
    pub fn none() -> Self {
        Self {
            resize: Resize::None,
            interpolation: Interpolation::Bilinear,
            crop: None,
            channels: Channels::Rgb,
            range: Range::Unit,
            mean: vec![0.0; 3],
            std: vec![1.0; 3],
        }
    }

    /// That of torchvision's ImageNet weights: the short side to 8/7 of `side` (224: 256, 299: 342),
    /// the centre `side` x `side`, RGB, 0 to 1, [`IMAGENET_MEAN`], [`IMAGENET_STD`].
    /// GoogLeNet and Inception v3 need [`torchvision_inception`](Self::torchvision_inception).
    pub fn torchvision(side: usize) -> Self {
        // 8/7 to the nearest whole number.
        let short = side.saturating_add(side / 7 + usize::from(side % 7 > 3));
        Self {
            resize: Resize::ShortSide(short),
            crop: Some([side; 2]),
            ..Self::none().normalised(IMAGENET_MEAN, IMAGENET_STD)
        }
    }

    /// That of torchvision's GoogLeNet (224) and Inception v3 (299): sizes as
    /// [`torchvision`](Self::torchvision), mean and std one half. Their weights come from TensorFlow,
    /// which had pixels from -1 to 1; torchvision first normalises as for all others, and the network's
    /// own `transform_input` then turns that into this.
    pub fn torchvision_inception(side: usize) -> Self {
        Self::torchvision(side).normalised([0.5; 3], [0.5; 3])
    }

    /// That of the VGG networks as their authors trained them in Caffe, and of Keras' VGG16, which has
    /// the same weights: BGR, 0 to 255, minus 103.939, 116.779, 123.68. The short side goes to 256,
    /// then the centre 224x224; Keras' own examples squash the picture to 224x224 instead
    /// ([`Resize::Exact`], [`Interpolation::Nearest`]).
    pub fn caffe_vgg() -> Self {
        Self {
            channels: Channels::Bgr,
            range: Range::Bytes,
            ..Self::torchvision(224).normalised([103.939, 116.779, 123.68], [1.0; 3])
        }
    }

    /// Photographs to 32x32 (the centre square), RGB, 0 to 1, by the mean and standard deviation of
    /// CIFAR-10's training pixels: .4914 .4822 .4465, .2470 .2435 .2616.
    pub fn cifar10() -> Self {
        Self {
            resize: Resize::ShortSide(32),
            crop: Some([32; 2]),
            ..Self::none().normalised([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616])
        }
    }

    /// Pictures of digits to 28x28 (the centre square), grey, 0 to 1, by the mean and standard
    /// deviation of MNIST's training pixels: .1307, .3081. MNIST's digits are white on black; of ink on
    /// paper, take the photo's `negative()`.
    pub fn mnist() -> Self {
        Self {
            resize: Resize::ShortSide(28),
            crop: Some([28; 2]),
            channels: Channels::Grey,
            ..Self::none().normalised([0.1307], [0.3081])
        }
    }

    /// The same with another mean and standard deviation, a value for each channel.
    pub fn normalised(self, mean: impl Into<Vec<f32>>, std: impl Into<Vec<f32>>) -> Self {
        Self {
            mean: mean.into(),
            std: std.into(),
            ..self
        }
    }

    /// The shape `[C, H, W]` of every result, if it does not depend on the picture.
    pub fn output_shape(&self) -> Option<[usize; 3]> {
        let [height, width] = match (self.crop, self.resize) {
            (Some(crop), _) => crop,
            (None, Resize::Exact(size)) => size,
            (None, _) => return None,
        };
        Some([self.channels.count(), height, width])
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// If a size is 0, mean or std have not one value for each channel, one is NaN or infinite, or a
    /// std is not above 0.
    pub fn check(&self) -> Result<()> {
        let wrong = |problem: String| DataError::Argument {
            what: "preprocessing",
            problem,
        };
        let zero = match self.resize {
            Resize::None => false,
            Resize::ShortSide(side) => side == 0,
            Resize::Exact(size) => size.contains(&0),
        };
        if zero || self.crop.is_some_and(|crop| crop.contains(&0)) {
            return Err(wrong("a size is 0; expected at least 1 pixel".into()));
        }
        for (name, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != self.channels.count() {
                return Err(wrong(format!(
                    "{name} has {} values; expected {}, one for each channel",
                    values.len(),
                    self.channels.count()
                )));
            }
            if values
                .iter()
                .any(|v| !v.is_finite() || (name == "std" && *v <= 0.0))
            {
                return Err(wrong(format!(
                    "{name} is {values:?}; expected finite numbers{}",
                    if name == "std" { " above 0" } else { "" }
                )));
            }
        }
        Ok(())
    }

    /// The last steps alone, for pixels that have their size already: `[3, H, W]` in red, green, blue
    /// or `[1, H, W]`, 0 to 1, to the network's channels, range, mean and std. Nothing is rounded.
    ///
    /// # Errors
    /// If the pixels have another number of channels, or as [`check`](Self::check).
    pub fn normalise(&self, pixels: ArrayView3<'_, f32>) -> Result<Array3<f32>> {
        self.check()?;
        let (c, h, w) = pixels.dim();
        if !matches!(c, 1 | 3) {
            return Err(DataError::Shape {
                what: "pixels to normalise".into(),
                expected: "[3, H, W] or [1, H, W]".into(),
                got: pixels.shape().to_vec(),
            });
        }
        let mut out = match (self.channels, c) {
            (Channels::Rgb, 3) | (Channels::Grey, 1) => pixels.to_owned(),
            (Channels::Bgr, 3) => {
                let mut out = Array3::zeros((3, h, w));
                for k in 0..3 {
                    out.index_axis_mut(Axis(0), k)
                        .assign(&pixels.index_axis(Axis(0), 2 - k));
                }
                out
            }
            (Channels::Grey, _) => {
                let mut out = Array3::zeros((1, h, w));
                for (channel, weight) in pixels.outer_iter().zip(GREY) {
                    out.index_axis_mut(Axis(0), 0).scaled_add(weight, &channel);
                }
                out
            }
            (Channels::Rgb | Channels::Bgr, _) => {
                let grey = pixels.broadcast((3, h, w)).expect("one channel spreads");
                grey.to_owned()
            }
        };
        let white = self.range.white();
        for ((mut channel, &mean), &std) in out.outer_iter_mut().zip(&self.mean).zip(&self.std) {
            channel.mapv_inplace(|v| (v * white - mean) / std);
        }
        Ok(out)
    }

    /// Back from a network's input `[C, H, W]` to pixels: `[3, H, W]` in red, green, blue, or
    /// `[1, H, W]` of a grey network. Values of a photograph come back from 0 to 1; what an
    /// optimisation made of them may lie outside, and is not cut off here.
    ///
    /// # Errors
    /// If there are not as many channels as the network has, or as [`check`](Self::check).
    pub fn pixels(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f32>> {
        self.check()?;
        let channels = self.channels.count();
        if input.dim().0 != channels {
            return Err(DataError::Shape {
                what: "network input to turn back into pixels".into(),
                expected: format!("[{channels}, H, W]"),
                got: input.shape().to_vec(),
            });
        }
        let mut out = input.to_owned();
        let white = self.range.white();
        for ((mut channel, &mean), &std) in out.outer_iter_mut().zip(&self.mean).zip(&self.std) {
            channel.mapv_inplace(|v| (v * std + mean) / white);
        }
        if self.channels == Channels::Bgr {
            out.invert_axis(Axis(0));
            out = out.as_standard_layout().into_owned();
        }
        Ok(out)
    }
}

/// The brightness of red, green and blue to the eye (ITU-R BT.601, as PIL and OpenCV weigh them).
pub(crate) const GREY: [f32; 3] = [0.299, 0.587, 0.114];

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.interpolation {
            Interpolation::Nearest => "nearest pixel",
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
        };
        match self.resize {
            Resize::None => {}
            Resize::ShortSide(side) => write!(f, "short side to {side} ({how}), ")?,
            Resize::Exact([h, w]) => write!(f, "to {h}x{w} ({how}), ")?,
        }
        if let Some([h, w]) = self.crop {
            write!(f, "centre {h}x{w}, ")?;
        }
        f.write_str(match self.channels {
            Channels::Rgb => "RGB",
            Channels::Bgr => "BGR",
            Channels::Grey => "grey",
        })?;
        write!(f, ", 0 to {}", self.range.white())?;
        let list = |values: &[f32]| {
            let values: Vec<_> = values.iter().map(f32::to_string).collect();
            values.join(" ")
        };
        if self.mean.iter().any(|&m| m != 0.0) {
            write!(f, ", minus {}", list(&self.mean))?;
        }
        if self.std.iter().any(|&s| s != 1.0) {
            write!(f, ", divided by {}", list(&self.std))?;
        }
        Ok(())
    }
}
