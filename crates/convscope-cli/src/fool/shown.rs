//! What was done to a photo, side by side, and what a network is asked for.

use crate::aim::class_in_words;
use crate::subject::{Subject, for_the_eye};
use anyhow::{Result, bail};
use convscope_nn::Tensor;
use convscope_vis::render::{Cell, Colormap, Look, Scale, Sheet, Tiles, number};
use convscope_vis::{Fooled, Verdict};
use convscope_zoo::Model;
use image::RgbImage;
use ndarray::{Axis, Ix4};

/// The network without a closing softmax.
pub(super) fn logits(model: &Model) -> Result<convscope_nn::Network> {
    let views: Vec<_> = model.network.views().collect();
    let closing = views
        .last()
        .filter(|v| matches!(v.layer.kind(), "Softmax" | "LogSoftmax"));
    Ok(match closing {
        Some(softmax) => model.network.until(softmax.inputs[0])?,
        None => model.network.clone(),
    })
}

pub(super) fn shape(model: &Model) -> Result<[usize; 3]> {
    match *model.network.input_shape() {
        [c, h, w] => Ok([c, h, w]),
        ref other => bail!("the network takes {other:?}; expected images [C, H, W]"),
    }
}

pub(super) fn said(model: &Model, verdict: Verdict) -> String {
    let class = class_in_words(model, verdict.class);
    format!("{class} {:.1} %", 100.0 * verdict.confidence)
}

/// The photo, what was added (grey is nothing), and what came of it.
pub(super) fn changed(model: &Model, subject: &Subject, found: &Fooled) -> Result<RgbImage> {
    let one = |tensor: &Tensor| -> Result<ndarray::Array3<f32>> {
        let four = tensor.view().into_dimensionality::<Ix4>();
        Ok(four?.index_axis(Axis(0), 0).to_owned())
    };
    let after = for_the_eye(model, one(&found.images)?.view())?;
    let added = one(&found.perturbation)?;
    let most = added.iter().fold(0.0_f32, |a, v| a.max(v.abs()));
    let grey = Look::new(Colormap::Grey, Scale::Symmetric);
    let added = match added.dim().0 {
        1 | 3 => added,
        _ => added.sum_axis(Axis(0)).insert_axis(Axis(0)),
    };
    let tile = Tiles::new().gap(0).magnify(1).look(grey).arrays(&[added])?;
    let columns = ["photo", "what is added", "both"];
    let cells = [
        Cell::picture(subject.shown.clone()).note(said(model, found.before[0])),
        Cell::picture(tile.image).note(format!("white: +{}, black: -{0}", number(most))),
        Cell::picture(after).note(said(model, found.after[0])),
    ];
    Ok(Sheet::new(columns).row("", cells).draw())
}
