//! The settings of an optimisation.

use super::penalty::{Penalties, Variation};
use super::presets;
use super::range::PixelRange;
use super::start::Start;
use super::step::{Normalise, Step};
use super::transform::{Transform, size_after};
use crate::error::{Result, VisError};
use serde::Serialize;

/// What is moved so that the image changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parametrisation {
    /// The pixels in the network's own units, as preprocessing leaves them.
    #[default]
    Pixels,
    /// The same pixels in a unit in which black and white are 255 apart in every channel: what the
    /// rates of the Caffe and Keras days mean. Zero stays where the network has it.
    Levels,
    /// Waves with independent colours, through a sigmoid into the range (Lucid).
    Fourier {
        /// Waves are weighted by their frequency to the power of minus this. Default 1, as
        /// photographs have it.
        decay: f64,
        /// Whether colours are mixed as photographs have them (of three channels).
        decorrelate: bool,
    },
}

/// When pixels outside of the range are brought back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clamp {
    /// Never.
    No,
    /// Before a step (Yosinski's toolbox).
    Before,
    /// After a step, before the blur (CS231n), so that what is returned is a picture.
    #[default]
    After,
}

/// A Gaussian blur every so many steps, at the first too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Blur {
    /// Its standard deviation in pixels.
    pub sigma: f64,
    /// Every how many steps.
    pub every: usize,
}

/// How an image is optimised ([`maximize`](crate::maximize)).
///
/// The order of a step is that of Yosinski et al. (2015): clamp if it is to be before, transform,
/// forward, gradient, step, decay, blur, percentiles; or the clamp between step and decay. What
/// acts on pixels directly (decay, blur, percentiles) has no meaning for waves and is refused there.
///
/// ```
/// use convscope_vis::{Maximize, Step};
/// let settings = Maximize::new().steps(50).step(Step::Adam { rate: 0.02 }).seed(3);
/// let published = Maximize::preset("cs231n")?;
/// assert_eq!(published.steps, 100);
/// # Ok::<(), convscope_vis::VisError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Maximize {
    /// Steps. Default 200: by then most images change little.
    pub steps: usize,
    /// Height and width of the image; that of the network's input where it is `None`, the default.
    pub size: Option<[usize; 2]>,
    /// What black and white are for the network; `None`, the default, stands for -2 and 2
    /// ([`PixelRange::standardised`]).
    pub range: Option<PixelRange>,
    /// What is moved. Default: the pixels.
    pub parametrisation: Parametrisation,
    /// Where it begins. Default: grey and a little noise.
    pub start: Start,
    /// How it moves. Default: Adam at .05, which needs no knowledge of the gradient's size.
    pub step: Step,
    /// lambda of the penalty `lambda ‖x‖²`, whose gradient joins the objective's. Default 0.
    pub l2: f64,
    /// alpha and the weight of the penalty `sum of |x|^alpha` (Mahendran and Vedaldi 2015: 6).
    pub alpha_norm: Option<(f64, f64)>,
    /// The flavour and the weight of a penalty on the total variation.
    pub variation: Option<(Variation, f64)>,
    /// Shrinks the pixels by this share after a step. Default 0.
    pub decay: f64,
    /// Blurs now and then. Default: never.
    pub blur: Option<Blur>,
    /// Sets pixels to zero whose norm over the channels is below this percentile. Default 0: none.
    pub small_norm: f64,
    /// The same for the size of a pixel's contribution, its product with its gradient. Default 0.
    pub small_contribution: f64,
    /// When pixels come back into the range. Default: after a step.
    pub clamp: Clamp,
    /// Random changes before every pass. Default: none.
    pub transforms: Vec<Transform>,
    /// For so many first steps, units that are off are woken
    /// ([`Rule::Redirected`](convscope_nn::Rule::Redirected)). Default 16, as in Lucid: without it a
    /// channel that is off everywhere never begins.
    pub redirected: usize,
    /// An image whose objective is above this stays as it is. Default: none.
    pub limit: Option<f64>,
    /// Keeps a frame every so many steps, the first and the last among them; 0, the default: none.
    pub frame_every: usize,
    /// So many images are optimised together. Default 8: enough to keep all processors busy.
    pub batch: usize,
    /// Of the noise at the start and of the transforms.
    pub seed: u64,
    /// The preset it comes from.
    pub preset: Option<String>,
    /// Whether the last images are looked at once more, without transforms.
    #[serde(skip)]
    pub(crate) appraise: bool,
}

impl Default for Maximize {
    fn default() -> Maximize {
        Maximize {
            steps: 200,
            size: None,
            range: None,
            parametrisation: Parametrisation::Pixels,
            start: Start::default(),
            step: Step::Adam { rate: 0.05 },
            l2: 0.0,
            alpha_norm: None,
            variation: None,
            decay: 0.0,
            blur: None,
            small_norm: 0.0,
            small_contribution: 0.0,
            clamp: Clamp::After,
            transforms: Vec::new(),
            redirected: 16,
            limit: None,
            frame_every: 0,
            batch: 8,
            seed: 0,
            preset: None,
            appraise: true,
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {$(
        $(#[$doc])*
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = $name;
            self
        }
    )*};
}
pub(crate) use setters;

impl Maximize {
    /// The defaults.
    pub fn new() -> Maximize {
        Maximize::default()
    }

    /// Published settings, or this project's own, by name; see [`presets`](crate::presets).
    ///
    /// # Errors
    /// When there is no such preset of this kind; the nearest names are offered.
    pub fn preset(name: &str) -> Result<Maximize> {
        presets::maximize(name)
    }

    /// For images of this height and width.
    pub fn size(mut self, height: usize, width: usize) -> Maximize {
        self.size = Some([height, width]);
        self
    }

    /// For a network of this range.
    pub fn range(mut self, range: PixelRange) -> Maximize {
        self.range = Some(range);
        self
    }

    /// With a penalty on the total variation.
    pub fn variation(mut self, flavour: Variation, weight: f64) -> Maximize {
        self.variation = Some((flavour, weight));
        self
    }

    /// With a penalty on the sum of `|x|^alpha`, of this alpha and weight.
    pub fn alpha_norm(mut self, alpha: f64, weight: f64) -> Maximize {
        self.alpha_norm = Some((alpha, weight));
        self
    }

    /// With images staying as they are once their objective is above this.
    pub fn limit(mut self, limit: f64) -> Maximize {
        self.limit = Some(limit);
        self
    }

    /// With a blur of this standard deviation every so many steps.
    pub fn blur(mut self, sigma: f64, every: usize) -> Maximize {
        self.blur = Some(Blur { sigma, every });
        self
    }

    setters! {
        /// With so many steps.
        steps: usize,
        /// With another parametrisation.
        parametrisation: Parametrisation,
        /// From another start.
        start: Start,
        /// With another rule for steps.
        step: Step,
        /// With a penalty on the squared norm.
        l2: f64,
        /// Shrinking by this share after every step.
        decay: f64,
        /// Setting pixels of a norm below this percentile to zero.
        small_norm: f64,
        /// Setting pixels of a contribution below this percentile to zero.
        small_contribution: f64,
        /// With another time, or none, for bringing pixels back into the range.
        clamp: Clamp,
        /// With random changes before every pass.
        transforms: Vec<Transform>,
        /// Waking units that are off for so many first steps.
        redirected: usize,
        /// With a frame every so many steps.
        frame_every: usize,
        /// With so many images at a time.
        batch: usize,
        /// With this seed.
        seed: u64,
    }

    pub(crate) fn penalties(&self) -> Penalties {
        Penalties {
            l2: self.l2,
            alpha_norm: self.alpha_norm,
            variation: self.variation,
        }
    }

    /// Whether the settings make sense for images of this shape.
    pub(crate) fn check(&self, [_, h, w]: [usize; 3]) -> Result<()> {
        let wrong = |words: String| Err(VisError::Invalid(words));
        let share = |v: f64| (0.0..=100.0).contains(&v);
        let fine = |v: f64| v.is_finite() && v >= 0.0;
        if h == 0 || w == 0 || self.batch == 0 {
            return wrong(format!(
                "expected images of at least one pixel and at least one at a time, got {h}x{w} and \
                 {} at a time",
                self.batch
            ));
        }
        if !self.step.is_sound() {
            return wrong(format!(
                "the steps: expected a rate and a cooling above 0 and a momentum from 0 to below \
                 1, got {:?}",
                self.step
            ));
        }
        if !share(self.small_norm) || !share(self.small_contribution) {
            return wrong(format!(
                "percentiles: expected 0 to 100, got {} and {}",
                self.small_norm, self.small_contribution
            ));
        }
        if !fine(self.decay) || self.decay > 1.0 || !fine(self.l2) {
            return wrong(format!(
                "expected a decay from 0 to 1 and an L2 penalty of at least 0, got {} and {}",
                self.decay, self.l2
            ));
        }
        let norm = self
            .alpha_norm
            .is_none_or(|(a, v)| a >= 1.0 && fine(a) && fine(v));
        if !norm || !self.variation.is_none_or(|(_, v)| fine(v)) {
            return wrong(format!(
                "penalties: expected an alpha of at least 1 and weights of at least 0, got {:?} \
                 and {:?}",
                self.alpha_norm, self.variation
            ));
        }
        if let Some(Blur { sigma, every }) = self.blur
            && !(fine(sigma) && every > 0)
        {
            return wrong(format!(
                "the blur: expected a sigma of at least 0 every 1 or more steps, got {sigma} \
                 every {every}"
            ));
        }
        let pixelwise = self.decay > 0.0
            || self.blur.is_some()
            || self.small_norm > 0.0
            || self.small_contribution > 0.0;
        if pixelwise && matches!(self.parametrisation, Parametrisation::Fourier { .. }) {
            return wrong(
                "decay, blur and percentiles act on pixels: expected Parametrisation::Pixels or \
                 Levels with them, got Fourier"
                    .into(),
            );
        }
        self.check_transforms([h, w])
    }

    fn check_transforms(&self, size: [usize; 2]) -> Result<()> {
        for t in &self.transforms {
            let fine = match *t {
                Transform::Scale(a, b) => a > 0.0 && b >= a && b.is_finite(),
                Transform::Rotate(a, b) => b >= a && a.is_finite() && b.is_finite(),
                _ => true,
            };
            if !fine {
                return Err(VisError::invalid(format!(
                    "{t:?}: expected two finite numbers, the lower first, and factors above 0"
                )));
            }
        }
        match size_after(&self.transforms, size) {
            Some(_) => Ok(()),
            None => Err(VisError::invalid(format!(
                "nothing of an image of {}x{} is left after {:?}: expected a smaller jitter",
                size[0], size[1], self.transforms
            ))),
        }
    }

    /// The range, checked.
    pub(crate) fn range_for(&self, channels: usize) -> Result<PixelRange> {
        let range = match &self.range {
            Some(range) => range.clone(),
            None => PixelRange::standardised(channels),
        };
        range.check(channels)?;
        Ok(range)
    }

    /// Gradient ascent without anything: for tests and for seeing what the rest is for.
    pub fn plain(rate: f64) -> Maximize {
        Maximize {
            step: Step::ascent(rate, Normalise::No),
            clamp: Clamp::No,
            redirected: 0,
            ..Maximize::default()
        }
    }
}
