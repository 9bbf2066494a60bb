//! How an augmentation is put together.

use super::step::{Augment, Fill};
use super::{Augmentation, ColourComponents, PixelRange};
use crate::draw::Draw;
use crate::error::Result;
use ndarray::ArrayViewMut3;
use std::sync::Arc;

/// What comes in from outside unless a step says otherwise: 0 is black in plain pixels and the mean
/// in standardised ones.
const AROUND: Fill = Fill::Value(0.0);

impl Augmentation {
    /// None yet: images stay as they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// ResNet's recipe for photographs (He et al. 2015, section 3.4): the short side scaled to 256 to
    /// 480 pixels, a random part of 224x224, flipped half of the time.
    pub fn resnet() -> Self {
        Self::new().scaled_crop((256, 480), 224).flip()
    }

    /// Then this change.
    pub fn then(mut self, step: Augment) -> Self {
        self.steps.push(step);
        self
    }

    /// Says what black and white are in the images' units, which changes of colours need to know.
    pub fn range(mut self, range: PixelRange) -> Self {
        self.range = Some(range);
        self
    }

    /// The least share of a box's area that must stay in the image for it to be kept, .25 if not
    /// set. It changes no image.
    pub fn least_visible(mut self, share: f32) -> Self {
        self.least_visible = share;
        self
    }

    /// Then a horizontal flip of every other image, by chance.
    pub fn flip(self) -> Self {
        self.then(Augment::HorizontalFlip { probability: 0.5 })
    }

    /// Then a vertical flip of every other image, by chance.
    pub fn vertical_flip(self) -> Self {
        self.then(Augment::VerticalFlip { probability: 0.5 })
    }

    /// Then a random crop out of the image with this many zeros on every side.
    pub fn crop(self, padding: usize) -> Self {
        let fill = AROUND;
        self.then(Augment::RandomCrop { padding, fill })
    }

    /// Then a part of .08 to 1 of the image's area, 3/4 to 4/3 as wide as high, brought back to the
    /// image's size (torchvision's `RandomResizedCrop`, from Szegedy et al. 2015).
    pub fn resized_crop(self) -> Self {
        self.then(Augment::ResizedCrop {
            area: (0.08, 1.0),
            ratio: (3.0 / 4.0, 4.0 / 3.0),
            size: None,
        })
    }

    /// Then the image scaled to a short side of so many pixels, from and to, and a random square of
    /// `side` pixels cut from it.
    pub fn scaled_crop(self, short_side: (usize, usize), side: usize) -> Self {
        self.then(Augment::ScaledCrop {
            short_side,
            size: [side; 2],
        })
    }

    /// Then moved down and across by up to so many pixels each way, fractions too; zeros come in.
    pub fn shift(self, pixels: f64) -> Self {
        self.then(Augment::Shift {
            down: (-pixels, pixels),
            across: (-pixels, pixels),
            fill: AROUND,
        })
    }

    /// Then turned by up to so many degrees each way; zeros come in.
    pub fn rotate(self, degrees: f64) -> Self {
        self.then(Augment::Rotate {
            degrees: (-degrees, degrees),
            fill: AROUND,
        })
    }

    /// Then its rows sheared by up to so many pixels per row each way; zeros come in.
    pub fn shear(self, across: f64) -> Self {
        self.then(Augment::Shear {
            across: (-across, across),
            down: (0.0, 0.0),
            fill: AROUND,
        })
    }

    /// Then height and width each multiplied by `1 / factor` to `factor`; zeros come in.
    pub fn stretch(self, factor: f64) -> Self {
        self.then(Augment::Stretch {
            down: (1.0 / factor, factor),
            across: (1.0 / factor, factor),
            fill: AROUND,
        })
    }

    /// Then both multiplied by one factor of `1 / factor` to `factor`; zeros come in.
    pub fn zoom(self, factor: f64) -> Self {
        self.then(Augment::Zoom {
            factor: (1.0 / factor, factor),
            fill: AROUND,
        })
    }

    /// Then bent as by a lens, from a pincushion of this strength to a barrel of it; zeros come in.
    pub fn lens(self, strength: f64) -> Self {
        self.then(Augment::Lens {
            strength: (-strength, strength),
            fill: AROUND,
        })
    }

    /// Then brightness times `1 - by` to `1 + by`, as torchvision's `ColorJitter` draws it. Needs
    /// the [`range`](Self::range).
    pub fn brightness(self, by: f64) -> Self {
        let factor = around_one(by);
        self.then(Augment::Brightness { factor })
    }

    /// Then contrast times `1 - by` to `1 + by`. Needs the [`range`](Self::range).
    pub fn contrast(self, by: f64) -> Self {
        let factor = around_one(by);
        self.then(Augment::Contrast { factor })
    }

    /// Then saturation times `1 - by` to `1 + by`. Needs the [`range`](Self::range).
    pub fn saturation(self, by: f64) -> Self {
        let factor = around_one(by);
        self.then(Augment::Saturation { factor })
    }

    /// Then hues turned by up to so many degrees each way. Needs the [`range`](Self::range).
    pub fn hue(self, degrees: f64) -> Self {
        let degrees = (-degrees, degrees);
        self.then(Augment::Hue { degrees })
    }

    /// Then PCA colour jitter along these components with the paper's deviation of .1. Needs the
    /// [`range`](Self::range).
    pub fn colour_jitter(self, components: ColourComponents) -> Self {
        self.then(Augment::ColourJitter {
            components,
            deviation: 0.1,
        })
    }

    /// Then a square of `side` pixels set to zero.
    pub fn cut_out(self, side: usize) -> Self {
        let fill = AROUND;
        self.then(Augment::CutOut { side, fill })
    }

    /// Images and labels mixed in pairs at last, in shares from the distribution Beta(alpha, alpha);
    /// .1 to .4 on ImageNet and 1 on CIFAR-10 in Zhang et al. (2018). Training then compares with
    /// shares of classes, so its loss must take them, as cross-entropy does.
    pub fn mix_up(mut self, alpha: f64) -> Self {
        self.mix_up = Some(alpha);
        self
    }

    /// Then a function of one's own. Its `name` is what errors call it, and what a checkpoint
    /// knows it by: give another behaviour another name.
    pub fn custom(
        self,
        name: impl Into<String>,
        change: impl Fn(ArrayViewMut3<'_, f32>, &mut Draw) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.then(Augment::Custom {
            name: name.into(),
            change: Arc::new(change),
        })
    }
}

fn around_one(by: f64) -> (f64, f64) {
    ((1.0 - by).max(0.0), 1.0 + by)
}
