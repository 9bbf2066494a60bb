//! What the units of a layer do, and what each had to do with a target.

use super::backprop::{by_traces, zero_flags, zero_map_flags};
use super::differentiable::{a_batch, images_at_once};
use crate::error::{Result, node_shape};
use crate::images::part;
use crate::map::Attribution;
use crate::provenance::Provenance;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::{Network, Rule, Tensor};
use ndarray::{Axis, Slice};
use std::time::Instant;

/// The activations of a layer for images `[N, C, H, W]`: `[N, c, h, w]`, or `[N, d]` of a fully
/// connected layer. Nothing is explained: there are no target values and no classes.
///
/// # Errors
/// When the images do not fit the network, or there is no such layer.
pub fn layer_activation(net: &Network, images: &Tensor, layer: &str) -> Result<Attribution> {
    let begun = Instant::now();
    a_batch(images)?;
    let shape = node_shape(net, layer)?;
    let n = images.shape()[0];
    let provenance = Provenance::new("layer activation", "captum's LayerActivation").layer(layer);
    let mut found = Attribution::unfinished(n, &shape, provenance);
    for from in (0..n).step_by(images_at_once(net)) {
        let to = (from + images_at_once(net)).min(n);
        let trace = net.trace(&part(images, from, to))?;
        let mut place = found.values.slice_axis_mut(Axis(0), Slice::from(from..to));
        place.assign(trace.activation(layer)?);
    }
    found.target_values.clear();
    found.classes.clear();
    found.flags = vec![Vec::new(); n];
    zero_map_flags(&found.values, &mut found.flags);
    found.provenance = found.provenance.took(begun);
    Ok(found)
}

/// Gradient times activation (captum's `LayerGradientXActivation`): each unit of a layer, times the
/// target's derivative with respect to it; signed, in the layer's shape, `[N, c, h, w]` or `[N, d]`.
/// Summed over channels it is Grad-CAM's map before any weights are averaged.
///
/// # Errors
/// When the images do not fit the network, or there is no such target or layer.
pub fn gradient_x_activation(
    net: &Network,
    images: &Tensor,
    target: &Target,
    layer: &str,
) -> Result<Attribution> {
    let shape = node_shape(net, layer)?;
    let source = "captum's LayerGradientXActivation";
    let provenance = Provenance::new("gradient x activation", source).layer(layer);
    let watch = &mut Watch::quiet();
    by_traces(net, images, target, shape, provenance, watch, |trace| {
        let gradient = target.gradient(net, trace, layer, Rule::Gradient, false)?;
        let mut flags = zero_flags(&gradient);
        let maps = gradient * trace.activation(layer)?;
        zero_map_flags(&maps, &mut flags);
        Ok((maps, flags))
    })
}
