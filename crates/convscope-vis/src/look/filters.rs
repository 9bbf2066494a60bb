//! The weights of a layer as small pictures.

use crate::error::{Result, VisError, node_shape};
use crate::provenance::Provenance;
use convscope_nn::{INPUT, Network, Tensor};
use ndarray::{Array3, Array4, Axis, Ix4};
use serde::Serialize;
use std::time::Instant;

/// What makes a weight white or black.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterScale {
    /// The largest absolute weight of the layer, the same for all: faint filters look faint.
    #[default]
    Shared,
    /// Each filter's own largest absolute weight: every filter shows its pattern.
    PerFilter,
}

/// The filters of a layer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Filters {
    /// `[filters, channels, height, width]`: the weights as they are.
    pub weights: Array4<f32>,
    /// Whether the layer reads the image, so that three channels are colours.
    pub reads_image: bool,
    /// Where they come from.
    pub provenance: Provenance,
}

/// Small pictures of equal size.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tiles {
    /// `[tiles, channels, height, width]` from 0 to 1, zero weights in the middle; three channels
    /// are red, green and blue as the network orders them, one is grey.
    pub pictures: Array4<f32>,
    /// How many stand in a row where there is one row for each filter; 0 where any grid will do.
    pub columns: usize,
    /// What white stands for in each tile; black is minus that.
    pub white: Vec<f32>,
}

/// The filters of a convolution, or the templates of a fully connected layer that reads the whole
/// image (a row of weights for each class, in the shape of the image).
///
/// # Errors
/// When there is no such layer, or it has no filters.
pub fn filters(net: &Network, layer: &str) -> Result<Filters> {
    let begun = Instant::now();
    node_shape(net, layer)?;
    let view = net.views().find(|v| v.name == layer);
    let unfit = |got: String| VisError::Unfit {
        method: "filters",
        needs: "a convolution, or a fully connected layer over the image".into(),
        got,
    };
    let Some(view) = view else {
        return Err(unfit(format!(
            "\"{layer}\" is a block: name one of its layers"
        )));
    };
    let wrong = || unfit(format!("\"{layer}\" is a {}", view.layer.kind()));
    let parameters = view.layer.parameters();
    let weight = parameters.iter().find(|(name, _)| *name == "weight");
    let (_, weight) = weight.ok_or_else(wrong)?;
    let image = net.input_shape();
    let weights: Tensor = match (view.layer.kind(), weight.ndim()) {
        ("Conv2d", 4) => (*weight).clone(),
        ("Linear", 2) if image.len() == 3 && over_image(net, view.inputs[0]) => {
            let shape = [&weight.shape()[..1], image].concat();
            let shaped = weight.to_shape(shape);
            shaped.expect("as many weights as pixels").into_owned()
        }
        _ => return Err(wrong()),
    };
    let reads_image = view.inputs[0] == INPUT || view.layer.kind() == "Linear";
    let weights = weights
        .into_dimensionality::<Ix4>()
        .expect("four dimensions");
    let (count, channels, h, w) = weights.dim();
    let provenance = Provenance::new("filters", "the weights themselves")
        .layer(layer)
        .figure("filters", count)
        .figure("channels", channels)
        .figure("size", serde_json::json!([h, w]));
    Ok(Filters {
        weights,
        reads_image,
        provenance: provenance.took(begun),
    })
}

/// Whether a node is the image, or the image made flat.
fn over_image(net: &Network, node: &str) -> bool {
    node == INPUT
        || net
            .views()
            .any(|v| v.name == node && v.layer.kind() == "Flatten" && v.inputs == [INPUT])
}

impl Filters {
    /// As pictures: in colour where the layer reads an image of three channels, otherwise one grey
    /// tile for each filter and channel, the channels of a filter in a row.
    pub fn tiles(&self, scale: FilterScale) -> Tiles {
        let (count, channels, h, w) = self.weights.dim();
        let largest = |of: &mut dyn Iterator<Item = &f32>| of.fold(0.0_f32, |a, v| a.max(v.abs()));
        let shared = largest(&mut self.weights.iter());
        let colour = self.reads_image && channels == 3;
        let (tiles, depth) = match colour {
            true => (count, 3),
            false => (count * channels, 1),
        };
        let mut white = Vec::with_capacity(tiles);
        let mut pictures = self.weights.clone();
        for mut filter in pictures.outer_iter_mut() {
            let most = match scale {
                FilterScale::Shared => shared,
                FilterScale::PerFilter => largest(&mut filter.iter()),
            };
            // A filter of zeros is grey throughout.
            let divide = if most > 0.0 { most } else { 1.0 };
            filter.mapv_inplace(|v| 0.5 + 0.5 * v / divide);
            white.extend(vec![most; tiles / count]);
        }
        let pictures = pictures.into_shape_with_order((tiles, depth, h, w));
        Tiles {
            pictures: pictures.expect("the same numbers"),
            columns: if colour || channels == 1 { 0 } else { channels },
            white,
        }
    }

    /// One filter, `[channels, height, width]`, where there is such a one.
    pub fn filter(&self, number: usize) -> Option<Array3<f32>> {
        (number < self.weights.dim().0).then(|| self.weights.index_axis(Axis(0), number).to_owned())
    }
}
