//! Deep dreams (Mordvintsev, Olah and Tyka 2015): an image is changed so that what a layer sees in
//! it gets stronger, from coarse to fine.

use super::maximise::run;
use super::maximised::Frame;
use super::objective::Objective;
use super::presets;
use super::range::PixelRange;
use super::resize::resize;
use super::settings::{Clamp, Maximize, Parametrisation, setters};
use super::start::Start;
use super::step::{Normalise, Step};
use super::transform::{Chain, Transform};
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::{Network, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::Value;
use std::time::Instant;

/// What goes from one octave to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// What was dreamt is enlarged and added to the photo at the next size (Google's notebook).
    #[default]
    Dreamt,
    /// The dream is enlarged, and what the photo lost by shrinking is put back (Keras).
    Lost,
}

/// How an image is dreamt ([`dream`]).
///
/// ```
/// use convscope_vis::Dream;
/// let google = Dream::preset("google_deepdream")?;
/// assert_eq!((google.octaves, google.ascent.steps), (4, 10));
/// # Ok::<(), convscope_vis::VisError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dream {
    /// Sizes, the last of them the image's own. Those too small for the network are left out.
    /// Default 4.
    pub octaves: usize,
    /// From one size to the next. Default 1.4, as in both published programs.
    pub scale: f64,
    /// What goes from one size to the next.
    pub detail: Detail,
    /// What is done at each size; its size and start are not looked at. Default, Google's: 10 steps
    /// of 1.5 levels of gradient over its mean absolute value, shifted by up to 32 pixels.
    pub ascent: Maximize,
    /// The preset it comes from.
    pub preset: Option<String>,
}

impl Default for Dream {
    fn default() -> Dream {
        let ascent = Maximize {
            steps: 10,
            parametrisation: Parametrisation::Levels,
            step: Step::ascent(1.5, Normalise::MeanAbsolute),
            transforms: vec![Transform::Roll(32)],
            clamp: Clamp::After,
            redirected: 0,
            ..Maximize::default()
        };
        Dream {
            octaves: 4,
            scale: 1.4,
            detail: Detail::Dreamt,
            ascent,
            preset: None,
        }
    }
}

impl Dream {
    /// The defaults: Google's.
    pub fn new() -> Dream {
        Dream::default()
    }

    /// Published settings by name; see [`presets`](crate::presets).
    ///
    /// # Errors
    /// When there is no such preset of this kind; the nearest names are offered.
    pub fn preset(name: &str) -> Result<Dream> {
        presets::dream(name)
    }

    setters! {
        /// With so many sizes.
        octaves: usize,
        /// With this factor between sizes.
        scale: f64,
        /// With this going from size to size.
        detail: Detail,
        /// With these steps at each size.
        ascent: Maximize,
    }

    /// For a network of this range.
    pub fn range(mut self, range: PixelRange) -> Dream {
        self.ascent.range = Some(range);
        self
    }

    /// With so many steps at each size.
    pub fn iterations(mut self, steps: usize) -> Dream {
        self.ascent.steps = steps;
        self
    }

    /// With this seed.
    pub fn seed(mut self, seed: u64) -> Dream {
        self.ascent.seed = seed;
        self
    }
}

/// A dream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dreamed {
    /// `[1, C, H, W]` in the network's units.
    pub image: Tensor,
    /// The sizes that were gone through.
    pub octaves: Vec<[usize; 2]>,
    /// The objective before every step, for each size.
    pub curves: Vec<Vec<f64>>,
    /// The image on its way, all at the last size.
    pub frames: Vec<Frame>,
    /// What is to be known of it.
    pub flags: Vec<Flag>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// The sizes of a dream from the smallest to the image's own: its sides over powers of the scale,
/// rounded down (Keras).
///
/// ```
/// let sizes = convscope_vis::octave_sizes([224, 224], 3, 1.4);
/// assert_eq!(sizes, [[114, 114], [160, 160], [224, 224]]);
/// ```
pub fn octave_sizes(size: [usize; 2], octaves: usize, scale: f64) -> Vec<[usize; 2]> {
    let shrunk = |i: usize| size.map(|side| (side as f64 / scale.powi(i as i32)) as usize);
    let sizes = (0..octaves).rev().map(shrunk);
    sizes.filter(|[h, w]| *h > 0 && *w > 0).collect()
}

/// Dreams on an image `[1, C, H, W]` of any size: steps uphill on the objective
/// ([`Objective::norm`] of a layer for what Google did, [`Objective::guide`] for a dream guided by
/// another image, a weighted sum of [`Objective::mean_square`] for what Keras did) at growing sizes.
/// In SqueezeNet at 320 pixels with Google's settings, `features.4` draws strokes and colours,
/// `features.7` and `features.9` eyes, `features.12` parts of animals.
///
/// # Errors
/// When it is not one image, there is no such layer, or a setting makes no sense.
pub fn dream(
    net: &Network,
    objective: &Objective,
    image: &Tensor,
    settings: &Dream,
) -> Result<Dreamed> {
    dream_watched(net, objective, image, settings, &mut Watch::quiet())
}

/// [`dream`] with progress and a budget.
///
/// # Errors
/// As [`dream`].
pub fn dream_watched(
    net: &Network,
    objective: &Objective,
    image: &Tensor,
    settings: &Dream,
    watch: &mut Watch,
) -> Result<Dreamed> {
    watch.begin(settings.octaves * settings.ascent.steps);
    let dreamed = dreamt(net, objective, image, settings, watch);
    watch.finish();
    dreamed
}

fn dreamt(
    net: &Network,
    objective: &Objective,
    image: &Tensor,
    settings: &Dream,
    watch: &mut Watch,
) -> Result<Dreamed> {
    let begun = Instant::now();
    let size = check(image, settings)?;
    let sizes = octave_sizes(size, settings.octaves, settings.scale);
    let mut now: Option<Tensor> = None;
    let mut dreamed = Dreamed {
        image: image.clone(),
        octaves: Vec::new(),
        curves: Vec::new(),
        frames: Vec::new(),
        flags: Vec::new(),
        provenance: provenance(objective, settings),
    };
    let mut done = 0;
    for &size in &sizes {
        let base = resize(image, size);
        let start = match (&now, settings.detail) {
            (None, _) => base.clone(),
            (Some(last), Detail::Dreamt) => {
                let at = [last.shape()[2], last.shape()[3]];
                &base + &resize(&(last - &resize(image, at)), size)
            }
            (Some(last), Detail::Lost) => {
                let at = [last.shape()[2], last.shape()[3]];
                &resize(last, size) + &(&base - &resize(&resize(image, at), size))
            }
        };
        let mut ascent = settings.ascent.clone();
        ascent.size = Some(size);
        ascent.start = Start::Images(start);
        ascent.appraise = false;
        let made = match run(net, std::slice::from_ref(objective), &ascent, watch) {
            // The network may need larger images.
            Err(_) if Some(&size) != sizes.last() => continue,
            made => made?,
        };
        for flag in made.flags.into_iter().flatten() {
            if !matches!(flag, Flag::Unfinished { .. }) && !dreamed.flags.contains(&flag) {
                dreamed.flags.push(flag);
            }
        }
        let steps = made.curves[0].len();
        dreamed.curves.extend(made.curves);
        dreamed
            .frames
            .extend(made.frames.into_iter().map(|frame| Frame {
                step: done + frame.step,
                images: frame.images,
            }));
        dreamed.octaves.push(size);
        done += steps;
        now = Some(made.images);
        if watch.allows(1) == 0 {
            break;
        }
    }
    let planned = sizes.len() * settings.ascent.steps;
    let stopped = now.as_ref().is_none_or(|now| now.shape() != image.shape());
    if stopped || (watch.allows(1) == 0 && done < planned) {
        let done = done as f64 / planned.max(1) as f64;
        dreamed.flags.push(Flag::Unfinished { done });
    }
    if let Some(now) = now {
        dreamed.image = resize(&now, size);
    }
    for frame in &mut dreamed.frames {
        frame.images = resize(&frame.images, size);
    }
    dreamed.provenance = dreamed.provenance.took(begun);
    Ok(dreamed)
}

fn check(image: &Tensor, settings: &Dream) -> Result<[usize; 2]> {
    let [n, _, h, w] = dimensions(image)?;
    if n != 1 {
        return Err(VisError::shape(
            "the image to dream on",
            "one image, [1, channels, height, width]",
            image.shape(),
        ));
    }
    if settings.octaves == 0 || !(settings.scale.is_finite() && settings.scale > 1.0) {
        return Err(VisError::invalid(format!(
            "expected at least one octave and a scale above 1, got {} and {}",
            settings.octaves, settings.scale
        )));
    }
    Ok([h, w])
}

fn provenance(objective: &Objective, settings: &Dream) -> Provenance {
    let mut provenance = Provenance::new("deep dream", "Mordvintsev, Olah and Tyka 2015")
        .target(objective.to_string())
        .seed(settings.ascent.seed);
    provenance.layer = objective.terms.iter().find_map(|t| t.layer.clone());
    if let Ok(Value::Object(all)) = serde_json::to_value(settings) {
        provenance.settings = all;
    }
    provenance
}

/// A dream from noise, `[height, width]`: of a class it shows what the network thinks the thing looks
/// like (Google's dumb-bells). Jitter, and noise in which neighbours are alike, keep it smooth; so does
/// the blur of the preset `google_noise`, which was made for this.
///
/// # Errors
/// As [`dream`].
pub fn dream_from_noise(
    net: &Network,
    objective: &Objective,
    size: [usize; 2],
    settings: &Dream,
) -> Result<Dreamed> {
    let channels = net.input_shape()[0];
    let range = settings.ascent.range_for(channels)?;
    let noise = Start::Smooth {
        deviation: 0.08,
        sigma: 2.0,
    };
    let mut rngs = [ChaCha8Rng::seed_from_u64(settings.ascent.seed)];
    let image = noise.images([channels, size[0], size[1]], &range, &mut rngs, 0)?;
    dream(net, objective, &image, settings)
}

/// A dream that goes on: each frame is dreamt on the last one, enlarged about the middle by `factor`
/// (Google: 1 / .95). The frames are `[1, C, H, W]` each, the first one the dream of the photo.
///
/// # Errors
/// As [`dream`], or when the factor is not above 0.
pub fn dream_zoom(
    net: &Network,
    objective: &Objective,
    image: &Tensor,
    settings: &Dream,
    frames: usize,
    factor: f32,
    watch: &mut Watch,
) -> Result<Vec<Dreamed>> {
    if !(factor.is_finite() && factor > 0.0) {
        return Err(VisError::invalid(format!(
            "the zoom: expected a factor above 0, got {factor}"
        )));
    }
    let size = check(image, settings)?;
    watch.begin(frames * settings.octaves * settings.ascent.steps);
    let mut made: Vec<Dreamed> = Vec::new();
    let mut now = image.as_standard_layout().into_owned();
    for i in 0..frames {
        if watch.allows(1) == 0 {
            break;
        }
        let mut settings = settings.clone();
        settings.ascent.seed = settings.ascent.seed.wrapping_add(i as u64);
        let dreamed = dreamt(net, objective, &now, &settings, watch)?;
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let zoom = Chain::draw(&[Transform::Scale(factor, factor)], size, &mut rng);
        let pixels: Vec<f32> = dreamed.image.iter().copied().collect();
        let fill = vec![0.0; now.shape()[1]];
        now = Tensor::from_shape_vec(now.raw_dim(), zoom.apply(&pixels, &fill)).expect("as many");
        made.push(dreamed);
    }
    watch.finish();
    Ok(made)
}
