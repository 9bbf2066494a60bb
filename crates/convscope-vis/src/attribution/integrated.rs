//! Integrated gradients: the way from a baseline to the image, step by step.

use super::differentiable::{Differentiable, NetworkTarget, a_batch, checked};
use super::quadrature::Quadrature;
use crate::error::{Result, VisError};
use crate::map::{Attribution, Flag};
use crate::provenance::Provenance;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::{Network, Tensor};
use ndarray::{ArrayD, Axis, Zip};
use serde_json::json;
use std::time::Instant;

/// The image that stands for nothing: where the way of integrated gradients begins.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Baseline {
    /// Zero everywhere: black, or the mean colour of the training images where images are
    /// normalised by it. captum's default.
    #[default]
    Zero,
    /// The mean of each channel of the image itself (of what is no image `[C, H, W]`, the mean of
    /// all its numbers).
    MeanColour,
    /// An image, `[C, H, W]` as the network sees it; the same for all.
    Image(Tensor),
    /// The mean of the maps from several baselines.
    Several(Vec<Baseline>),
}

impl Baseline {
    /// The baselines of one image.
    fn images(&self, image: &Tensor) -> Result<Vec<Tensor>> {
        match self {
            Baseline::Zero => Ok(vec![Tensor::zeros(image.raw_dim())]),
            Baseline::MeanColour => Ok(vec![mean_colour(image)]),
            Baseline::Image(baseline) if baseline.shape() == image.shape() => {
                Ok(vec![baseline.clone()])
            }
            Baseline::Image(baseline) => Err(VisError::shape(
                "the baseline",
                format!("an image like the others, {:?}", image.shape()),
                baseline.shape(),
            )),
            Baseline::Several(all) if all.is_empty() => Err(VisError::invalid(
                "integrated gradients begin at a baseline: expected at least one, got none",
            )),
            Baseline::Several(all) => {
                let each: Result<Vec<_>> = all.iter().map(|b| b.images(image)).collect();
                Ok(each?.concat())
            }
        }
    }

    fn count(&self) -> usize {
        match self {
            Baseline::Several(all) => all.iter().map(Baseline::count).sum(),
            _ => 1,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Baseline::Zero => "zero".into(),
            Baseline::MeanColour => "mean colour".into(),
            Baseline::Image(_) => "an image".into(),
            Baseline::Several(all) => {
                let each: Vec<_> = all.iter().map(Baseline::in_words).collect();
                each.join(", ")
            }
        }
    }
}

fn mean_colour(image: &Tensor) -> Tensor {
    let mut colour = image.clone();
    if image.ndim() == 3 {
        for mut channel in colour.axis_iter_mut(Axis(0)) {
            let mean = mean(channel.iter());
            channel.fill(mean);
        }
    } else {
        colour.fill(mean(image.iter()));
    }
    colour
}

/// In double precision, so that a constant image is its own mean.
fn mean<'a>(values: impl ExactSizeIterator<Item = &'a f32>) -> f32 {
    let count = values.len().max(1) as f64;
    (values.map(|&v| f64::from(v)).sum::<f64>() / count) as f32
}

/// How gradients are integrated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct IntegratedGradients {
    /// Points on the way at which the gradient is taken. 50: the paper finds 20 to 300 enough, and
    /// captum takes as many.
    pub steps: usize,
    /// Where the way begins: zero.
    pub baseline: Baseline,
    /// How the integral becomes a sum: by midpoints, which kinks do no harm.
    pub quadrature: Quadrature,
}

impl Default for IntegratedGradients {
    fn default() -> IntegratedGradients {
        IntegratedGradients {
            steps: 50,
            baseline: Baseline::Zero,
            quadrature: Quadrature::Midpoint,
        }
    }
}

impl IntegratedGradients {
    /// 50 midpoints from zero.
    pub fn new() -> IntegratedGradients {
        IntegratedGradients::default()
    }

    /// With another number of steps.
    pub fn steps(mut self, steps: usize) -> IntegratedGradients {
        self.steps = steps;
        self
    }

    /// From another baseline.
    pub fn baseline(mut self, baseline: Baseline) -> IntegratedGradients {
        self.baseline = baseline;
        self
    }

    /// By another rule.
    pub fn quadrature(mut self, quadrature: Quadrature) -> IntegratedGradients {
        self.quadrature = quadrature;
        self
    }

    /// Points that go through the function for one image: the steps from each baseline, each
    /// baseline and the image itself.
    pub(crate) fn passes(&self) -> usize {
        self.baseline.count() * (self.steps + 1) + 1
    }

    pub(crate) fn check(&self) -> Result<()> {
        match self.steps {
            0 => Err(VisError::invalid(
                "integrated gradients need steps: expected at least 1, got 0",
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn settings(&self, provenance: Provenance) -> Provenance {
        provenance
            .setting("steps", self.steps)
            .setting("baseline", self.baseline.in_words())
            .setting("quadrature", json!(self.quadrature))
    }
}

/// Integrated gradients (Sundararajan, Taly and Yan 2017) of images `[N, C, H, W]`: the gradient of
/// the target, averaged over the straight way from a baseline to the image, times the difference of
/// the two. Signed.
///
/// The sum of a map is the target's value at the image less that at the baseline, but for what the
/// steps miss: [`Attribution::completeness_gaps`].
///
/// # Errors
/// When the images or the baseline do not fit the network, there is no such target, or no steps.
pub fn integrated_gradients(
    net: &Network,
    images: &Tensor,
    target: &Target,
    options: &IntegratedGradients,
) -> Result<Attribution> {
    integrated_gradients_watched(net, images, target, options, &mut Watch::quiet())
}

/// [`integrated_gradients`], telling how far it has come and keeping to a budget. Where that ends
/// on the way, the map is the sum as far as it came, and flagged.
///
/// # Errors
/// As [`integrated_gradients`].
pub fn integrated_gradients_watched(
    net: &Network,
    images: &Tensor,
    target: &Target,
    options: &IntegratedGradients,
    watch: &mut Watch,
) -> Result<Attribution> {
    options.check()?;
    let f = NetworkTarget::new(net, target);
    over(&f, images, options, watch, |image| f.pinned(image))
}

/// [`integrated_gradients`] of any function with a gradient, for points `[N, ...]`.
///
/// # Errors
/// When the points or the baseline do not fit the function, or there are no steps.
pub fn integrated_gradients_of(
    function: &impl Differentiable,
    points: &Tensor,
    options: &IntegratedGradients,
) -> Result<Attribution> {
    options.check()?;
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
    options: &IntegratedGradients,
    watch: &mut Watch,
    pin: impl Fn(&Tensor) -> Result<(D, f32, Option<usize>)>,
) -> Result<Attribution> {
    let begun = Instant::now();
    a_batch(images)?;
    let n = images.shape()[0];
    let source = "Sundararajan, Taly and Yan 2017";
    let provenance = options.settings(Provenance::new("integrated gradients", source));
    let provenance = provenance.target(whole.in_words());
    let mut found = Attribution::unfinished(n, &images.shape()[1..], provenance);
    let (mut gaps, mut starts) = (vec![0.0; n], vec![0.0; n]);
    watch.begin(n * options.passes());
    for (i, image) in images.axis_iter(Axis(0)).enumerate() {
        if watch.allows(1) == 0 {
            break;
        }
        let image = image.as_standard_layout().into_owned();
        let (f, value, class) = pin(&image.clone().insert_axis(Axis(0)))?;
        watch.step(1);
        let path = along(&f, &image, options, watch)?;
        gaps[i] = path.map.sum() - (f64::from(value) - path.start);
        starts[i] = path.start;
        found.target_values[i] = value;
        found.classes[i] = class;
        found.flags[i] = path.flags();
        let mut place = found.values.index_axis_mut(Axis(0), i);
        place.assign(&path.map.mapv(|v| v as f32));
    }
    watch.finish();
    let figures = found.provenance.figure("completeness_gap", gaps);
    found.provenance = figures.figure("baseline_value", starts).took(begun);
    Ok(found)
}

/// The integral from the baselines to one image, as far as it came.
pub(crate) struct Path {
    /// In the image's shape.
    pub(crate) map: ArrayD<f64>,
    /// The function's value at the baseline; the mean, of several.
    pub(crate) start: f64,
    /// The share of the steps that were taken.
    done: f64,
    moved: bool,
    /// Whether the gradient was zero in every place of every step.
    zero: bool,
}

impl Path {
    /// Whether all steps were taken.
    pub(crate) fn finished(&self) -> bool {
        self.done >= 1.0
    }

    pub(crate) fn flags(&self) -> Vec<Flag> {
        match self {
            Path { done, .. } if !self.finished() => vec![Flag::Unfinished { done: *done }],
            Path { moved: false, .. } => vec![Flag::ZeroMap],
            Path { zero: true, .. } => vec![Flag::ZeroGradient],
            Path { map, .. } if map.iter().all(|v| *v == 0.0) => vec![Flag::ZeroMap],
            _ => Vec::new(),
        }
    }
}

/// The gradients from each baseline to the image, summed over the steps.
pub(crate) fn along(
    f: &dyn Differentiable,
    image: &Tensor,
    options: &IntegratedGradients,
    watch: &mut Watch,
) -> Result<Path> {
    let nodes = options.quadrature.nodes(options.steps);
    let baselines = options.baseline.images(image)?;
    let share = 1.0 / baselines.len() as f64;
    let mut path = Path {
        map: ArrayD::zeros(image.raw_dim()),
        start: 0.0,
        done: 0.0,
        moved: false,
        zero: true,
    };
    for baseline in &baselines {
        if watch.allows(1) == 0 {
            break;
        }
        let start = f.values(&baseline.clone().insert_axis(Axis(0)))?;
        path.start += share * f64::from(start.first().copied().unwrap_or(0.0));
        watch.step(1);
        let way = image - baseline;
        path.moved |= way.iter().any(|v| *v != 0.0);
        let mut mean = ArrayD::<f64>::zeros(image.raw_dim());
        let mut rest = &nodes[..];
        while !rest.is_empty() {
            let now = watch.allows(f.at_once().clamp(1, rest.len()));
            if now == 0 {
                break;
            }
            let (taken, left) = rest.split_at(now);
            let points: Vec<_> = taken.iter().map(|n| baseline + &way * n.0 as f32).collect();
            let views: Vec<_> = points.iter().map(|p| p.view()).collect();
            let batch = ndarray::stack(Axis(0), &views).expect("points of one shape");
            let (_, gradients) = checked(f, &batch)?;
            for (gradient, &(_, weight)) in gradients.axis_iter(Axis(0)).zip(taken) {
                path.zero &= gradient.iter().all(|v| *v == 0.0);
                Zip::from(&mut mean)
                    .and(&gradient)
                    .for_each(|m, &g| *m += weight * f64::from(g));
            }
            path.done += share * now as f64 / nodes.len() as f64;
            watch.step(now);
            rest = left;
        }
        Zip::from(&mut path.map)
            .and(&mean)
            .and(&way)
            .for_each(|m, &mean, &way| *m += share * mean * f64::from(way));
        if !rest.is_empty() {
            return Ok(path);
        }
    }
    // Sums of shares end a little beside 1.
    if path.done > 1.0 - 1e-9 {
        path.done = 1.0;
    }
    Ok(path)
}

impl Attribution {
    /// Of integrated gradients: for each image the sum of the map, less the difference of the
    /// target's values at the image and at the baseline. It is zero for an integral that is exact;
    /// where it is large beside the difference, take more steps. Empty for other methods.
    pub fn completeness_gaps(&self) -> Vec<f32> {
        let gaps = self.provenance.figures.get("completeness_gap");
        let gaps = gaps.and_then(|g| g.as_array());
        let numbers = gaps.into_iter().flatten().filter_map(|g| g.as_f64());
        numbers.map(|g| g as f32).collect()
    }
}
