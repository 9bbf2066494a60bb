//! SmoothGrad: the mean of maps of noisy copies of an image.

use super::backprop::rule_in_words;
use super::differentiable::{Differentiable, NetworkTarget, a_batch, checked};
use super::integrated::{IntegratedGradients, along};
use super::moments::Moments;
use crate::error::{Result, VisError};
use crate::map::{Attribution, Flag};
use crate::provenance::Provenance;
use crate::target::Target;
use crate::watch::Watch;
use convscope_data::Draw;
use convscope_nn::{Network, Rule, Tensor};
use ndarray::Axis;
use serde::Serialize;
use serde_json::json;
use std::f64::consts::TAU;
use std::time::Instant;

/// How strong the noise is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Noise {
    /// The standard deviation as a share of each image's range, its largest value less its
    /// smallest: Smilkov et al.'s noise level.
    Relative(f32),
    /// The standard deviation in the input's own units, as captum's `stdevs`.
    Absolute(f32),
}

/// The map that is made of every noisy copy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum BaseMap {
    /// The gradient (or what goes back under [`SmoothGrad::rule`]), as in the paper.
    #[default]
    Gradient,
    /// The same times the noisy copy.
    InputXGradient,
    /// Integrated gradients of the noisy copy.
    Integrated(IntegratedGradients),
}

/// What becomes of the noisy copies' maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Combine {
    /// Their mean: SmoothGrad (Smilkov et al. 2017).
    #[default]
    Mean,
    /// The mean of their squares: SmoothGrad-squared (Hooker et al. 2019).
    MeanOfSquares,
    /// Their variance in each place: VarGrad (Adebayo et al. 2018). It is divided by the number of
    /// copies, as in captum.
    Variance,
}

/// How maps are smoothed.
///
/// ```
/// use convscope_nn::Rule;
/// use convscope_vis::{Noise, SmoothGrad};
/// let guided = SmoothGrad::new().samples(20).noise(Noise::Relative(0.1)).rule(Rule::Guided);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SmoothGrad {
    /// Noisy copies. 50: the paper sees little change beyond.
    pub samples: usize,
    /// How strong the noise is. 0.15 of the range: the paper finds 10 to 20 % best.
    pub noise: Noise,
    /// What becomes of the maps: their mean.
    pub combine: Combine,
    /// What map is made of a copy: the gradient.
    pub base: BaseMap,
    /// The rule at the network's ReLUs on the way back; guided backprop can be smoothed too.
    pub rule: Rule,
    /// Seeds the noise. Every image of a batch gets the same, in proportion to its range.
    pub seed: u64,
}

impl Default for SmoothGrad {
    fn default() -> SmoothGrad {
        SmoothGrad {
            samples: 50,
            noise: Noise::Relative(0.15),
            combine: Combine::Mean,
            base: BaseMap::Gradient,
            rule: Rule::Gradient,
            seed: 0,
        }
    }
}

impl SmoothGrad {
    /// 50 copies with noise of 0.15 of the range.
    pub fn new() -> SmoothGrad {
        SmoothGrad::default()
    }

    /// With another number of copies.
    pub fn samples(mut self, samples: usize) -> SmoothGrad {
        self.samples = samples;
        self
    }

    /// With other noise.
    pub fn noise(mut self, noise: Noise) -> SmoothGrad {
        self.noise = noise;
        self
    }

    /// With something else made of the maps.
    pub fn combine(mut self, combine: Combine) -> SmoothGrad {
        self.combine = combine;
        self
    }

    /// Of another map.
    pub fn base(mut self, base: BaseMap) -> SmoothGrad {
        self.base = base;
        self
    }

    /// With another rule at the ReLUs.
    pub fn rule(mut self, rule: Rule) -> SmoothGrad {
        self.rule = rule;
        self
    }

    /// With another seed.
    pub fn seed(mut self, seed: u64) -> SmoothGrad {
        self.seed = seed;
        self
    }

    fn check(&self) -> Result<()> {
        let (Noise::Relative(sigma) | Noise::Absolute(sigma)) = self.noise;
        if self.samples == 0 {
            return Err(VisError::invalid(
                "SmoothGrad needs noisy copies: expected samples of at least 1, got 0",
            ));
        }
        if !(sigma >= 0.0 && sigma.is_finite()) {
            return Err(VisError::Invalid(format!(
                "SmoothGrad's noise has a standard deviation: expected 0 or more, got {sigma}"
            )));
        }
        match &self.base {
            BaseMap::Integrated(options) => options.check(),
            _ => Ok(()),
        }
    }

    /// Points that go through the function for one copy.
    fn passes(&self) -> usize {
        match &self.base {
            BaseMap::Integrated(options) => options.passes() - 1,
            _ => 1,
        }
    }

    /// The standard deviation for one image.
    fn sigma(&self, image: &Tensor) -> f32 {
        match self.noise {
            Noise::Absolute(sigma) => sigma,
            Noise::Relative(share) => {
                let low = image.iter().copied().fold(f32::INFINITY, f32::min);
                let high = image.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                share * (high - low)
            }
        }
    }

    fn provenance(&self) -> Provenance {
        let (method, source) = match self.combine {
            Combine::Mean => ("SmoothGrad", "Smilkov et al. 2017"),
            Combine::MeanOfSquares => ("SmoothGrad-squared", "Hooker et al. 2019"),
            Combine::Variance => ("VarGrad", "Adebayo et al. 2018"),
        };
        let provenance = Provenance::new(method, source)
            .seed(self.seed)
            .setting("samples", self.samples)
            .setting("noise", json!(self.noise))
            .setting("rule", rule_in_words(self.rule));
        match &self.base {
            BaseMap::Gradient => provenance.setting("base", "gradient"),
            BaseMap::InputXGradient => provenance.setting("base", "input x gradient"),
            BaseMap::Integrated(options) => {
                options.settings(provenance.setting("base", "integrated gradients"))
            }
        }
    }
}

/// SmoothGrad (Smilkov et al. 2017) of images `[N, C, H, W]`: the mean of the gradients at noisy
/// copies of each image; and its kin ([`Combine`], [`BaseMap`]). Signed, but for squares and
/// variances. The class is the one that the network takes the clean image for.
///
/// # Errors
/// When the images do not fit the network, there is no such target, or a setting makes no sense.
pub fn smoothgrad(
    net: &Network,
    images: &Tensor,
    target: &Target,
    options: &SmoothGrad,
) -> Result<Attribution> {
    smoothgrad_watched(net, images, target, options, &mut Watch::quiet())
}

/// [`smoothgrad`], telling how far it has come and keeping to a budget. Where that ends early, the
/// map is made of the copies that were had, and flagged.
///
/// # Errors
/// As [`smoothgrad`].
pub fn smoothgrad_watched(
    net: &Network,
    images: &Tensor,
    target: &Target,
    options: &SmoothGrad,
    watch: &mut Watch,
) -> Result<Attribution> {
    let f = NetworkTarget::new(net, target).rule(options.rule);
    over(&f, images, options, watch, |image| f.pinned(image))
}

/// [`smoothgrad`] of any function with a gradient, for points `[N, ...]`.
///
/// # Errors
/// When the points do not fit the function, a setting makes no sense, or a rule for ReLUs is asked
/// for: a function brings its own way back.
pub fn smoothgrad_of(
    function: &impl Differentiable,
    points: &Tensor,
    options: &SmoothGrad,
) -> Result<Attribution> {
    if options.rule != Rule::Gradient {
        return Err(VisError::Invalid(format!(
            "a function brings its own gradient: expected the rule \"gradient\", got \"{}\" (a \
             NetworkTarget has rules)",
            rule_in_words(options.rule)
        )));
    }
    let value = |point: &Tensor| -> Result<_> {
        let values = function.values(point)?;
        Ok((function, values.first().copied().unwrap_or(0.0), None))
    };
    over(function, points, options, &mut Watch::quiet(), value)
}

/// Image by image: `pin` gives the function to be explained there, its value and its class.
fn over<D: Differentiable>(
    whole: &impl Differentiable,
    images: &Tensor,
    options: &SmoothGrad,
    watch: &mut Watch,
    pin: impl Fn(&Tensor) -> Result<(D, f32, Option<usize>)>,
) -> Result<Attribution> {
    let begun = Instant::now();
    options.check()?;
    a_batch(images)?;
    let n = images.shape()[0];
    let provenance = options.provenance().target(whole.in_words());
    let mut found = Attribution::unfinished(n, &images.shape()[1..], provenance);
    watch.begin(n * (1 + options.samples * options.passes()));
    for (i, image) in images.axis_iter(Axis(0)).enumerate() {
        if watch.allows(1) == 0 {
            break;
        }
        let image = image.as_standard_layout().into_owned();
        let (f, value, class) = pin(&image.clone().insert_axis(Axis(0)))?;
        watch.step(1);
        let maps = noisy_maps(&f, &image, options, watch)?;
        found.target_values[i] = value;
        found.classes[i] = class;
        found.flags[i] = maps.flags(&image, options);
        let mut place = found.values.index_axis_mut(Axis(0), i);
        place.assign(&maps.combined(options.combine).mapv(|v| v as f32));
    }
    watch.finish();
    found.provenance = found.provenance.took(begun);
    Ok(found)
}

/// Maps of noisy copies of one image.
fn noisy_maps(
    f: &dyn Differentiable,
    image: &Tensor,
    options: &SmoothGrad,
    watch: &mut Watch,
) -> Result<Moments> {
    let sigma = f64::from(options.sigma(image));
    let mut maps = Moments::new(image);
    while maps.count < options.samples {
        let passes = options.passes();
        let most = f.at_once().clamp(1, options.samples - maps.count);
        let now = match &options.base {
            // It goes through the function in batches of its own.
            BaseMap::Integrated(_) => 1.min(watch.allows(passes) / passes),
            _ => watch.allows(most),
        };
        if now == 0 {
            break;
        }
        let copies = (maps.count..maps.count + now).map(|k| {
            let mut draw = Draw::new(options.seed, k as u64);
            image.mapv(|v| v + (sigma * normal(&mut draw)) as f32)
        });
        let copies: Vec<Tensor> = copies.collect();
        match &options.base {
            BaseMap::Integrated(options) => {
                for copy in &copies {
                    let path = along(f, copy, options, watch)?;
                    if !path.finished() {
                        return Ok(maps);
                    }
                    maps.add(&path.map);
                }
            }
            base => {
                let views: Vec<_> = copies.iter().map(|c| c.view()).collect();
                let batch = ndarray::stack(Axis(0), &views).expect("copies of one shape");
                let (_, mut gradients) = checked(f, &batch)?;
                if *base == BaseMap::InputXGradient {
                    gradients *= &batch;
                }
                for gradient in gradients.axis_iter(Axis(0)) {
                    maps.add(&gradient.mapv(f64::from));
                }
                watch.step(now);
            }
        }
    }
    Ok(maps)
}

/// Standard normal, by Box and Muller.
fn normal(draw: &mut Draw) -> f64 {
    let radius = (-2.0 * (1.0 - f64::from(draw.unit())).ln()).sqrt();
    radius * (TAU * f64::from(draw.unit())).cos()
}

impl Moments {
    /// What is to be known about the map of one image.
    fn flags(&self, image: &Tensor, options: &SmoothGrad) -> Vec<Flag> {
        let mut flags = Vec::new();
        if self.count < options.samples {
            let done = self.count as f64 / options.samples as f64;
            flags.push(Flag::Unfinished { done });
        } else if self.mean.iter().chain(&self.spread).all(|v| *v == 0.0) {
            flags.push(Flag::ZeroGradient);
        } else if self.combined(options.combine).iter().all(|v| *v == 0.0) {
            flags.push(Flag::ZeroMap);
        }
        if matches!(options.noise, Noise::Relative(_)) && options.sigma(image) == 0.0 {
            let first = image.first();
            if image.iter().all(|v| Some(v) == first) {
                flags.push(Flag::ConstantImage);
            }
        }
        flags
    }
}
