//! Attribution by one way back.

use crate::error::Result;
use crate::images::dimensions;
use crate::map::{Attribution, Flag};
use crate::provenance::Provenance;
use crate::target::Target;
use convscope_nn::{INPUT, Network, Rule, Tensor};
use ndarray::Axis;
use std::time::Instant;

/// Saliency (Simonyan, Vedaldi and Zisserman 2014): the gradient of the target with respect to
/// every pixel of images `[N, C, H, W]`, signed. The paper shows the largest absolute value of the
/// channels: [`Attribution::per_pixel`].
///
/// # Errors
/// When the images do not fit the network, or there is no such target.
pub fn saliency(net: &Network, images: &Tensor, target: &Target) -> Result<Attribution> {
    let begun = Instant::now();
    dimensions(images)?;
    let trace = net.trace(images)?;
    let aim = target.aim(net, &trace)?;
    let values = target.gradient(net, &trace, INPUT, Rule::Gradient, false)?;
    let flags = zero_flags(&values);
    let provenance = Provenance::new("saliency", "Simonyan, Vedaldi and Zisserman 2014");
    Ok(Attribution {
        values,
        target_values: aim.values,
        classes: aim.classes,
        flags,
        provenance: provenance.target(target.in_words()).took(begun),
    })
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
