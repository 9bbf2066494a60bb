//! Which layer Grad-CAM looks at.

use crate::error::{Result, VisError, node_shape};
use crate::target::logits_node;
use convscope_nn::{INPUT, Network, NodeView};
use std::collections::BTreeSet;

/// Layers behind which one still looks at the same feature maps, or at what is left of them.
const PASSED_OVER: [&str; 13] = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "Crop",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool2d",
    "Reshape",
    "Softmax",
    "SpatialDropout",
    "ZeroPad2d",
];

/// The layer that Grad-CAM looks at unless another is named: the last one that makes feature maps
/// of more than one place, through which every way to the output leads, before pooling and
/// flattening. So its activation function, the sum of its residual block or the concatenation of
/// its module belong to it, as in the usual choices: `layer4` of a ResNet, the ReLU before VGG's
/// last pooling. In a network whose last convolution makes a map for each class (SqueezeNet) those
/// are taken, as Zhou et al. (2016) did. Where there is one place from the first layer on, it is
/// the last of those layers.
///
/// # Errors
/// When the network has no such layer.
pub fn grad_cam_layer(net: &Network) -> Result<String> {
    let views: Vec<NodeView<'_>> = net.views().collect();
    let number = |name: &str| views.iter().position(|v| v.name == name);
    let makes_maps = |view: &NodeView<'_>| !PASSED_OVER.contains(&view.layer.kind());
    let mut one_place = None;
    // The nodes at which the ways back from the output have arrived; the image is none of them.
    let mut front: BTreeSet<usize> = number(&logits_node(net)).into_iter().collect();
    let mut image_reached = false;
    while let Some(last) = front.pop_last() {
        let view = &views[last];
        let alone = front.is_empty() && !image_reached && makes_maps(view);
        match *view.shape {
            [_, h, w] if alone && h * w > 1 => return Ok(view.name.to_owned()),
            [_, _, _] if alone && one_place.is_none() => one_place = Some(view.name.to_owned()),
            _ => {}
        }
        image_reached |= view.inputs.contains(&INPUT);
        front.extend(view.inputs.iter().filter_map(|name| number(name)));
    }
    one_place.ok_or_else(|| unfit("this network is fully connected all the way"))
}

/// The layer of this name, or the default one: its name and its shape, `[C, h, w]`.
pub(super) fn layer_of(net: &Network, named: Option<&str>) -> Result<(String, [usize; 3])> {
    let name = match named {
        Some(name) => name.to_owned(),
        None => grad_cam_layer(net)?,
    };
    let shape = node_shape(net, &name)?;
    match *shape {
        [c, h, w] => Ok((name, [c, h, w])),
        _ => {
            let instead = match grad_cam_layer(net) {
                Ok(last) => format!("; \"{last}\" would do"),
                Err(_) => String::new(),
            };
            let what = if name == INPUT { "the image" } else { "layer" };
            Err(unfit(&format!(
                "{what} \"{name}\" gives {shape:?}{instead}"
            )))
        }
    }
}

fn unfit(got: &str) -> VisError {
    VisError::Unfit {
        method: "Grad-CAM",
        needs: "a layer of feature maps [channels, height, width], such as a convolution".into(),
        got: got.to_owned(),
    }
}
