//! Grad-CAM: which of a layer's places spoke for the target.

use super::backprop::{by_traces, zero_flags, zero_map_flags};
use super::cam_layer::layer_of;
use super::upsample::Upsampling;
use crate::error::{Result, VisError};
use crate::map::Attribution;
use crate::provenance::Provenance;
use crate::target::Target;
use crate::watch::Watch;
use convscope_nn::{INPUT, Network, Rule, Tensor};
use ndarray::{Axis, Ix4};
use serde_json::json;

/// How Grad-CAM is done.
///
/// ```
/// use convscope_vis::{GradCam, Upsampling};
/// let as_captum = GradCam::new().layer("relu3").relu(false).upsampling(Upsampling::None);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradCam {
    /// The layer looked at; if it is not said, the last feature maps before pooling or flattening
    /// ([`grad_cam_layer`](crate::grad_cam_layer)), as Selvaraju et al. found best.
    pub layer: Option<String>,
    /// Whether what speaks against the target is cut off at the end: it is, as in the paper's
    /// equation 2, where the rest belongs to other classes. (captum leaves it in its `LayerGradCam`
    /// and cuts it off in guided Grad-CAM.)
    pub relu: bool,
    /// How the map comes to the image's size; bilinear, as the paper shows its maps.
    pub upsampling: Upsampling,
}

impl Default for GradCam {
    fn default() -> GradCam {
        GradCam {
            layer: None,
            relu: true,
            upsampling: Upsampling::Bilinear,
        }
    }
}

impl GradCam {
    /// As in the paper.
    pub fn new() -> GradCam {
        GradCam::default()
    }

    /// Of another layer.
    pub fn layer(mut self, name: impl Into<String>) -> GradCam {
        self.layer = Some(name.into());
        self
    }

    /// With what speaks against the target cut off, or not.
    pub fn relu(mut self, on: bool) -> GradCam {
        self.relu = on;
        self
    }

    /// With another way to the image's size.
    pub fn upsampling(mut self, upsampling: Upsampling) -> GradCam {
        self.upsampling = upsampling;
        self
    }

    fn provenance(&self, method: &str, source: &str, layer: &str) -> Provenance {
        Provenance::new(method, source)
            .layer(layer)
            .setting("relu", self.relu)
            .setting("upsampling", json!(self.upsampling))
    }

    /// The size of an image, to which maps are brought.
    fn size(&self, net: &Network, layer: [usize; 3]) -> Result<[usize; 2]> {
        match (self.upsampling, net.input_shape()) {
            (Upsampling::None, _) => Ok([layer[1], layer[2]]),
            (_, &[_, h, w]) => Ok([h, w]),
            (_, other) => Err(VisError::shape(
                "a map can be brought to the size of an image only; the network's input",
                "[channels, height, width], or Upsampling::None",
                other,
            )),
        }
    }
}

/// Grad-CAM (Selvaraju et al. 2017): a layer's channels, each weighted by the mean of the target's
/// gradient over it, summed. A map `[N, 1, H, W]` in the size of the images (or, without
/// upsampling, `[N, 1, h, w]` in the layer's).
///
/// The map is zero, and flagged, where the target's gradient at the layer is: for a unit of a
/// layer that comes before it, say.
///
/// # Errors
/// When the images do not fit the network, there is no such target or layer, or the layer does not
/// make feature maps.
pub fn grad_cam(
    net: &Network,
    images: &Tensor,
    target: &Target,
    options: &GradCam,
) -> Result<Attribution> {
    let (layer, shape) = layer_of(net, options.layer.as_deref())?;
    let size = options.size(net, shape)?;
    let provenance = options.provenance("Grad-CAM", "Selvaraju et al. 2017", &layer);
    let map_shape = vec![1, size[0], size[1]];
    let watch = &mut Watch::quiet();
    by_traces(net, images, target, map_shape, provenance, watch, |trace| {
        let gradient = target.gradient(net, trace, &layer, Rule::Gradient, false)?;
        let mut flags = zero_flags(&gradient);
        let map = weighted(trace.activation(&layer)?, &gradient, options.relu);
        zero_map_flags(&map, &mut flags);
        Ok((options.upsampling.apply(map, size)?, flags))
    })
}

/// Guided Grad-CAM (Selvaraju et al. 2017): guided backprop times [`grad_cam`], `[N, C, H, W]`: the
/// fine lines, where they lie on what spoke for the target. (captum upsamples with
/// [`Upsampling::Nearest`] here.)
///
/// # Errors
/// As [`grad_cam`], and without upsampling.
pub fn guided_grad_cam(
    net: &Network,
    images: &Tensor,
    target: &Target,
    options: &GradCam,
) -> Result<Attribution> {
    let (layer, shape) = layer_of(net, options.layer.as_deref())?;
    let size = options.size(net, shape)?;
    if options.upsampling == Upsampling::None {
        return Err(VisError::invalid(
            "guided Grad-CAM multiplies maps of the image's size: expected Upsampling::Bilinear or \
             Nearest, got None",
        ));
    }
    let provenance = options.provenance("guided Grad-CAM", "Selvaraju et al. 2017", &layer);
    let map_shape = net.input_shape().to_vec();
    let watch = &mut Watch::quiet();
    by_traces(net, images, target, map_shape, provenance, watch, |trace| {
        let gradient = target.gradient(net, trace, &layer, Rule::Gradient, false)?;
        let mut flags = zero_flags(&gradient);
        let coarse = weighted(trace.activation(&layer)?, &gradient, options.relu);
        let cam = options.upsampling.apply(coarse, size)?;
        let guided = target.gradient(net, trace, INPUT, Rule::Guided, false)?;
        let maps = guided * cam; // [n, c, h, w] * [n, 1, h, w]
        zero_map_flags(&maps, &mut flags);
        Ok((maps, flags))
    })
}

/// Activations `[n, c, h, w]`, each channel times the mean of its gradient, summed: `[n, 1, h, w]`.
fn weighted(activations: &Tensor, gradients: &Tensor, relu: bool) -> Tensor {
    let four = |t: &Tensor| t.clone().into_dimensionality::<Ix4>();
    let activations = four(activations).expect("feature maps have four dimensions");
    let gradients = four(gradients).expect("gradients have their activations' shape");
    let places = (gradients.len_of(Axis(2)) * gradients.len_of(Axis(3))).max(1);
    // [n, c, 1, 1]
    let weights = gradients.sum_axis(Axis(3)).sum_axis(Axis(2)) / places as f32;
    let weights = weights.insert_axis(Axis(2)).insert_axis(Axis(3));
    let mut map = (activations * weights).sum_axis(Axis(1));
    if relu {
        map.mapv_inplace(|v| v.max(0.0));
    }
    map.insert_axis(Axis(1)).into_dyn()
}
