//! Inversion: which images does a layer take for this one? (Mahendran and Vedaldi 2015)

use super::cut::full_name;
use super::maximise::run;
use super::maximised::Frame;
use super::objective::Objective;
use super::penalty::Variation;
use super::presets;
use super::range::PixelRange;
use super::settings::{Clamp, Maximize, Parametrisation, setters};
use super::start::Start;
use super::step::{Normalise, Step};
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::{Network, Tensor};
use serde::Serialize;
use serde_json::Value;
use std::time::Instant;

/// How a layer's activation is turned back into an image ([`invert`]).
///
/// The loss is `‖Phi(x) - Phi0‖² / ‖Phi0‖²` plus the mean of `(|x| / B)^alpha`, which keeps pixels
/// in the range, plus `variation` times the mean over the pixels of `(down² + across²)^(beta / 2) /
/// B^beta`, which keeps them like their neighbours; B is half the way from black to white.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Invert {
    /// Steps. Default 300.
    pub steps: usize,
    /// From so many different noises, to show that many images share a code. Default 1.
    pub starts: usize,
    /// How it moves, in levels. Default: 10 levels of gradient over its root mean square, momentum .9
    /// as in the paper, cooled to a fiftieth. (Adam at 4 levels comes nearer to the image at the
    /// first layers, and leaves more noise at the last.)
    pub step: Step,
    /// The exponent of the norm and its weight. Default 6, as in the paper, and 1.
    pub alpha_norm: (f64, f64),
    /// The exponent of the total variation. Default 2, as in the paper.
    pub beta: f64,
    /// Its weight. Default `None`: by the depth of the layer, from .003 at the image to 9 at the
    /// output, a power of the share of the nodes in between. The paper too needed more of it the
    /// deeper the layer: deep layers say little about fine detail, which noise would fill.
    pub variation: Option<f64>,
    /// Whether pixels are kept in the range. Default: never, as in the paper; the norm sees to it.
    pub clamp: Clamp,
    /// Where it begins. Default: smooth noise.
    pub start: Start,
    /// What black and white are for the network; see [`Maximize::range`].
    pub range: Option<PixelRange>,
    /// Keeps a frame every so many steps; 0, the default: none.
    pub frame_every: usize,
    /// Of the noise.
    pub seed: u64,
    /// The preset it comes from.
    pub preset: Option<String>,
}

impl Default for Invert {
    fn default() -> Invert {
        Invert {
            steps: 300,
            starts: 1,
            step: Step::Ascent {
                rate: 10.0,
                normalise: Normalise::RootMeanSquare,
                momentum: 0.9,
                cool: 0.02,
            },
            alpha_norm: (6.0, 1.0),
            beta: 2.0,
            variation: None,
            clamp: Clamp::No,
            start: Start::default(),
            range: None,
            frame_every: 0,
            seed: 0,
            preset: None,
        }
    }
}

impl Invert {
    /// The defaults.
    pub fn new() -> Invert {
        Invert::default()
    }

    /// Published settings by name; see [`presets`](crate::presets).
    ///
    /// # Errors
    /// When there is no such preset of this kind; the nearest names are offered.
    pub fn preset(name: &str) -> Result<Invert> {
        presets::invert(name)
    }

    setters! {
        /// With so many steps.
        steps: usize,
        /// From so many noises.
        starts: usize,
        /// With another rule for steps.
        step: Step,
        /// From another start.
        start: Start,
        /// With a frame every so many steps.
        frame_every: usize,
        /// With this seed.
        seed: u64,
    }

    /// With this weight of the total variation.
    pub fn variation(mut self, weight: f64) -> Invert {
        self.variation = Some(weight);
        self
    }

    /// With this exponent of the norm and this weight.
    pub fn alpha_norm(mut self, alpha: f64, weight: f64) -> Invert {
        self.alpha_norm = (alpha, weight);
        self
    }

    /// For a network of this range.
    pub fn range(mut self, range: PixelRange) -> Invert {
        self.range = Some(range);
        self
    }

    /// As settings of the common loop, for images of this shape and a layer at this share of the
    /// way through the network.
    fn ascent(&self, [c, h, w]: [usize; 3], depth: f64) -> Maximize {
        let (alpha, weight) = self.alpha_norm;
        // Levels: black and white are 255 apart.
        let half: f64 = 127.5;
        let count = (c * h * w) as f64;
        let variation = self.variation.unwrap_or_else(|| by_depth(depth));
        Maximize {
            steps: self.steps,
            size: Some([h, w]),
            range: self.range.clone(),
            parametrisation: Parametrisation::Levels,
            start: self.start.clone(),
            step: self.step,
            alpha_norm: Some((alpha, weight / (count * half.powf(alpha)))),
            variation: Some((
                Variation::Replicated { beta: self.beta },
                variation / ((h * w) as f64 * half.powf(self.beta)),
            )),
            clamp: self.clamp,
            redirected: 0,
            frame_every: self.frame_every,
            batch: self.starts.clamp(1, 8),
            seed: self.seed,
            ..Maximize::default()
        }
    }
}

/// The weight of the total variation for a layer at this share of the way through a network.
fn by_depth(depth: f64) -> f64 {
    0.003 * 3000.0_f64.powf(depth.clamp(0.0, 1.0))
}

/// Images that a layer takes for a given one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inverted {
    /// One for each start, `[starts, C, H, W]` in the network's units.
    pub images: Tensor,
    /// How far each one's activation is from the given one's: the squared distance over the squared
    /// norm. 0: the layer cannot tell them apart; 1: as far as an activation of zeros.
    pub losses: Vec<f64>,
    /// The same before every step.
    pub curves: Vec<Vec<f64>>,
    /// The images on their way.
    pub frames: Vec<Frame>,
    /// What is to be known of each.
    pub flags: Vec<Vec<Flag>>,
    /// Where they come from.
    pub provenance: Provenance,
}

/// Images that look to a layer like the given one, `[1, C, H, W]`.
///
/// # Errors
/// When it is not one image, it does not fit the network, there is no such layer, or a setting makes
/// no sense.
pub fn invert(net: &Network, layer: &str, image: &Tensor, settings: &Invert) -> Result<Inverted> {
    invert_watched(net, layer, image, settings, &mut Watch::quiet())
}

/// [`invert`] with progress and a budget.
///
/// # Errors
/// As [`invert`].
pub fn invert_watched(
    net: &Network,
    layer: &str,
    image: &Tensor,
    settings: &Invert,
    watch: &mut Watch,
) -> Result<Inverted> {
    let begun = Instant::now();
    let [n, c, h, w] = dimensions(image)?;
    if n != 1 || settings.starts == 0 {
        return Err(VisError::invalid(format!(
            "expected one image to invert and at least one start, got {n} and {}",
            settings.starts
        )));
    }
    let name = full_name(net, layer)?;
    let part = net.until(&name)?.for_input(vec![c, h, w])?;
    let code = part.forward(image)?;
    let code = code.index_axis(ndarray::Axis(0), 0).to_owned();
    let depth = part.nodes().len() as f64 / net.nodes().len() as f64;
    let ascent = settings.ascent([c, h, w], depth);
    let objectives = vec![Objective::code(&name, code); settings.starts];
    watch.begin(settings.starts * (settings.steps + 1));
    let made = run(&part, &objectives, &ascent, watch);
    watch.finish();
    let made = made?;
    let positive = |values: Vec<f64>| values.into_iter().map(|v| -v).collect::<Vec<f64>>();
    let losses = positive(made.values);
    let mut provenance = Provenance::new("inversion", "Mahendran and Vedaldi 2015")
        .layer(name)
        .target("the layer's activation for the given image")
        .seed(settings.seed)
        .figure("losses", losses.clone());
    if let Ok(Value::Object(all)) = serde_json::to_value(settings) {
        provenance.settings = all;
    }
    let (_, weight) = ascent.variation.expect("set");
    let weight = weight * (h * w) as f64 * 127.5_f64.powf(settings.beta);
    provenance = provenance.setting("variation", weight);
    Ok(Inverted {
        images: made.images,
        losses,
        curves: made.curves.into_iter().map(positive).collect(),
        frames: made.frames,
        flags: made.flags,
        provenance: provenance.took(begun),
    })
}
