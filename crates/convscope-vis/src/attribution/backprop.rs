//! Attribution by one way back.

use super::differentiable::{a_batch, finite, images_at_once, with_nearest};
use crate::error::Result;
use crate::images::part;
use crate::map::{Attribution, Flag};
use crate::provenance::Provenance;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::{INPUT, Network, Rule, Tensor, Trace, Unit};
use ndarray::{Axis, Slice};
use serde::Serialize;
use serde_json::json;
use std::time::Instant;

/// What the way back starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Seed {
    /// 1 at the target, as captum and most others do: the map is a derivative where the rule is
    /// [`Rule::Gradient`], and does not vanish where the target is near 0.
    #[default]
    One,
    /// The target's own value, as Zeiler and Fergus (2014), Yosinski's toolbox and innvestigate do.
    /// A logit below 0 turns the signs around.
    Activation,
}

/// Saliency (Simonyan, Vedaldi and Zisserman 2014): the gradient of the target with respect to
/// every pixel of images `[N, C, H, W]`, signed. The paper shows the largest absolute value of the
/// channels: [`Attribution::per_pixel`].
///
/// # Errors
/// When the images do not fit the network, or there is no such target.
pub fn saliency(net: &Network, images: &Tensor, target: &Target) -> Result<Attribution> {
    let found = backprop(net, images, target, Rule::Gradient, Seed::One)?;
    Ok(found.called("saliency", "Simonyan, Vedaldi and Zisserman 2014"))
}

/// Guided backpropagation (Springenberg et al. 2015): back to the pixels of images `[N, C, H, W]`,
/// through a ReLU only what is positive and comes to a unit that was on.
///
/// It shows what the image holds in fine lines, and hardly depends on the class or on the later
/// layers' weights (Adebayo et al. 2018).
///
/// # Errors
/// As [`saliency`].
pub fn guided_backprop(
    net: &Network,
    images: &Tensor,
    target: &Target,
    seed: Seed,
) -> Result<Attribution> {
    let found = backprop(net, images, target, Rule::Guided, seed)?;
    Ok(found.called("guided backprop", "Springenberg et al. 2015"))
}

/// The deconvnet (Zeiler and Fergus 2014): back to the pixels of images `[N, C, H, W]`, through a
/// ReLU whatever is positive. Max pooling passes back to the place where the maximum was.
///
/// The paper starts from the unit's activation ([`Seed::Activation`]), captum from 1. It looks at
/// feature maps; from a class nothing may come back at all, where every signal on the way is
/// negative. In SqueezeNet that happens to many a photograph (in captum as well): the map is zero
/// then, and flagged, and a unit of a late layer is the better target.
///
/// # Errors
/// As [`saliency`].
pub fn deconvnet(
    net: &Network,
    images: &Tensor,
    target: &Target,
    seed: Seed,
) -> Result<Attribution> {
    let found = backprop(net, images, target, Rule::Deconv, seed)?;
    Ok(found.called("deconvnet", "Zeiler and Fergus 2014"))
}

/// The gradient of any unit inside the network with respect to the pixels of images
/// `[N, C, H, W]`: [`saliency`] of a neuron. (With another rule at the ReLUs: [`backprop`] with the
/// unit as its target.)
///
/// # Errors
/// When the images do not fit the network, or there is no such unit.
pub fn neuron_gradient(net: &Network, images: &Tensor, unit: &Unit) -> Result<Attribution> {
    let target = Target::Unit(unit.clone());
    let found = backprop(net, images, &target, Rule::Gradient, Seed::One)?;
    Ok(found.called("neuron gradient", "Simonyan, Vedaldi and Zisserman 2014"))
}

/// Input times gradient (Shrikumar et al. 2016; captum's `InputXGradient`): each number of images
/// `[N, C, H, W]` times the target's derivative with respect to it, signed. In a network of
/// convolutions, ReLUs and max poolings without biases the sum is the target's value.
///
/// It depends on what 0 stands for: black, or the mean colour where images are normalised.
///
/// # Errors
/// As [`saliency`].
pub fn input_x_gradient(net: &Network, images: &Tensor, target: &Target) -> Result<Attribution> {
    let source = "Shrikumar et al. 2016; captum's InputXGradient";
    let provenance = Provenance::new("input x gradient", source);
    let shape = net.input_shape().to_vec();
    let watch = &mut Watch::quiet();
    by_traces(net, images, target, shape, provenance, watch, |trace| {
        let gradient = target.gradient(net, trace, INPUT, Rule::Gradient, false)?;
        let mut flags = zero_flags(&gradient);
        let maps = gradient * trace.activation(INPUT)?;
        zero_map_flags(&maps, &mut flags);
        Ok((maps, flags))
    })
}

/// Back from a target to the pixels of images `[N, C, H, W]`, under any rule at the ReLUs and from
/// either seed: the one function that saliency, guided backprop and the deconvnet are cases of.
/// Images go through a few at a time, so that memory does not grow with their number.
///
/// ```
/// use convscope_nn::{Conv2d, Flatten, Linear, Network, Relu, Rule, Tensor, Unit};
/// use convscope_vis::{Seed, Target, backprop};
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// let net = Network::input([3, 16, 16])
///     .add("conv1", Conv2d::new(8, 3).same())
///     .add("relu1", Relu)
///     .build(1)?;
/// let image = Tensor::from_elem(vec![1, 3, 16, 16], 0.5);
/// let unit = Target::from(Unit::at("conv1", &[2, 8, 8]));
/// let map = backprop(&net, &image, &unit, Rule::Guided, Seed::Activation)?;
/// assert_eq!(map.values.shape(), image.shape());
/// # Ok(()) }
/// ```
///
/// # Errors
/// When the images do not fit the network, or there is no such target.
pub fn backprop(
    net: &Network,
    images: &Tensor,
    target: &Target,
    rule: Rule,
    seed: Seed,
) -> Result<Attribution> {
    backprop_watched(net, images, target, rule, seed, &mut Watch::quiet())
}

/// [`backprop`], telling how far it has come and keeping to a budget. The maps of images that it
/// does not reach are zero, and flagged.
///
/// # Errors
/// As [`backprop`].
pub fn backprop_watched(
    net: &Network,
    images: &Tensor,
    target: &Target,
    rule: Rule,
    seed: Seed,
    watch: &mut Watch,
) -> Result<Attribution> {
    let provenance = Provenance::new("backprop", "this project: rule and seed are settings")
        .setting("rule", rule_in_words(rule))
        .setting("seed", json!(seed));
    let shape = net.input_shape().to_vec();
    by_traces(net, images, target, shape, provenance, watch, |trace| {
        let by_value = seed == Seed::Activation;
        let gradient = target.gradient(net, trace, INPUT, rule, by_value)?;
        let flags = zero_flags(&gradient);
        Ok((gradient, flags))
    })
}

/// Maps, `[N, shape]`, each made of the trace of its image (a few at a time).
pub(crate) fn by_traces(
    net: &Network,
    images: &Tensor,
    target: &Target,
    shape: Vec<usize>,
    provenance: Provenance,
    watch: &mut Watch,
    mut make: impl FnMut(&Trace) -> Result<(Tensor, Vec<Vec<Flag>>)>,
) -> Result<Attribution> {
    let begun = Instant::now();
    a_batch(images)?;
    let n = images.shape()[0];
    let mut found = Attribution::unfinished(n, &shape, provenance.target(target.in_words()));
    watch.begin(n);
    let most = images_at_once(net);
    let mut done = 0;
    while done < n {
        let now = watch.allows(most.min(n - done));
        if now == 0 {
            break;
        }
        let trace = net.trace(&part(images, done, done + now))?;
        let aim = target.aim(net, &trace).map_err(|e| with_nearest(net, e))?;
        let (maps, flags) = make(&trace)?;
        finite(&maps)?;
        let mut place = found
            .values
            .slice_axis_mut(Axis(0), Slice::from(done..done + now));
        place.assign(&maps);
        found.target_values[done..done + now].copy_from_slice(&aim.values);
        found.classes[done..done + now].copy_from_slice(&aim.classes);
        found.flags.splice(done..done + now, flags);
        done += now;
        watch.step(now);
    }
    watch.finish();
    found.provenance = found.provenance.took(begun);
    Ok(found)
}

impl Attribution {
    /// Maps of zeros, each flagged as not begun.
    pub(crate) fn unfinished(n: usize, shape: &[usize], provenance: Provenance) -> Attribution {
        let mut full = vec![n];
        full.extend(shape);
        Attribution {
            values: Tensor::zeros(full),
            target_values: vec![0.0; n],
            classes: vec![None; n],
            flags: vec![vec![Flag::Unfinished { done: 0.0 }]; n],
            provenance,
        }
    }

    /// Under the name of a special case.
    pub(crate) fn called(mut self, method: &str, source: &str) -> Attribution {
        method.clone_into(&mut self.provenance.method);
        source.clone_into(&mut self.provenance.source);
        self
    }
}

/// The rule's name, as a setting.
pub(crate) fn rule_in_words(rule: Rule) -> String {
    format!("{rule:?}").to_lowercase()
}

/// Flags the images whose gradient is zero everywhere.
pub(crate) fn zero_flags(gradients: &Tensor) -> Vec<Vec<Flag>> {
    let zero = |one: &f32| *one == 0.0;
    let rows = gradients.axis_iter(Axis(0));
    rows.map(|row| match row.iter().all(zero) {
        true => vec![Flag::ZeroGradient],
        false => Vec::new(),
    })
    .collect()
}

/// Flags the images whose map is zero though nothing else was said of them.
pub(crate) fn zero_map_flags(maps: &Tensor, flags: &mut [Vec<Flag>]) {
    for (map, flags) in maps.axis_iter(Axis(0)).zip(flags) {
        if flags.is_empty() && map.iter().all(|v| *v == 0.0) {
            flags.push(Flag::ZeroMap);
        }
    }
}
