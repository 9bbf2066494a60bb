//! Which images are near to which: as pixels, and as the network sees them.

use super::activations::activations;
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::provenance::Provenance;
use convscope_nn::{Network, Tensor};
use ndarray::{Array2, ArrayView1, Axis};
use rayon::prelude::*;
use serde::Serialize;
use std::time::Instant;

/// How far apart two vectors are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The length of their difference.
    #[default]
    Euclidean,
    /// 1 minus the cosine of the angle between them; 1 where one is zero.
    Cosine,
}

/// How an activation `[C, h, w]` becomes one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean of each channel: what is there, wherever it is.
    #[default]
    ChannelMean,
    /// All numbers: what is there, and where.
    Flatten,
}

/// The nearest of a set to each query.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nearest {
    /// For each query the numbers of its neighbours, the nearest first; the first of equals before.
    pub indices: Vec<Vec<usize>>,
    /// Their distances.
    pub distances: Vec<Vec<f64>>,
}

/// Neighbours in two spaces side by side.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Neighbours {
    /// By the pixels.
    pub pixels: Nearest,
    /// By the features.
    pub features: Nearest,
    /// Where they come from.
    pub provenance: Provenance,
}

/// The features of images `[N, C, H, W]` in a layer, a row for each, `[N, D]`.
///
/// # Errors
/// When there is no such layer, or the images do not fit.
pub fn features(
    net: &Network,
    images: &Tensor,
    layer: &str,
    pooling: Pooling,
) -> Result<Array2<f64>> {
    let values = activations(net, images, layer)?.values;
    let n = values.shape()[0];
    let rows = match (pooling, values.ndim()) {
        (Pooling::ChannelMean, 4) => {
            let wide = values.mapv(f64::from);
            let means = wide.mean_axis(Axis(3)).and_then(|m| m.mean_axis(Axis(2)));
            means.expect("layers have places")
        }
        _ => values.mapv(f64::from),
    };
    let width = rows.len() / n;
    let flat = rows
        .as_standard_layout()
        .into_owned()
        .into_shape_with_order((n, width));
    Ok(flat.expect("a row for each image"))
}

/// The `k` rows of `set` nearest to each row of `queries`; `but` names a row that does not count
/// for each query (itself), where there is one.
///
/// # Errors
/// When the widths differ, `k` is 0, or there are fewer rows.
pub fn nearest(
    queries: &Array2<f64>,
    set: &Array2<f64>,
    k: usize,
    metric: Metric,
    but: Option<&[usize]>,
) -> Result<Nearest> {
    let [width, rows] = [set.ncols(), set.nrows()];
    if queries.ncols() != width {
        let expected = format!("[queries, {width}], as wide as the set");
        return Err(VisError::shape("the queries", expected, queries.shape()));
    }
    if but.is_some_and(|but| but.len() != queries.nrows()) {
        return Err(VisError::invalid(
            "the rows left out: expected one for each query",
        ));
    }
    let most = rows.saturating_sub(usize::from(but.is_some()));
    if k == 0 || k > most {
        return Err(VisError::invalid(format!(
            "neighbours: expected a number from 1 to {most}, got {k}"
        )));
    }
    let found: Vec<Vec<(f64, usize)>> = (0..queries.nrows())
        .into_par_iter()
        .map(|q| {
            let query = queries.row(q);
            let others = (0..rows).filter(|&i| but.is_none_or(|but| but[q] != i));
            let mut all: Vec<_> = others
                .map(|i| (metric.between(query, set.row(i)), i))
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all.truncate(k);
            all
        })
        .collect();
    Ok(Nearest {
        indices: found
            .iter()
            .map(|f| f.iter().map(|&(_, i)| i).collect())
            .collect(),
        distances: found
            .iter()
            .map(|f| f.iter().map(|&(d, _)| d).collect())
            .collect(),
    })
}

impl Metric {
    fn between(self, a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
        let both = || a.iter().zip(b.iter());
        match self {
            Metric::Euclidean => both().map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
            Metric::Cosine => {
                let dot: f64 = both().map(|(a, b)| a * b).sum();
                let lengths = a.dot(&a).sqrt() * b.dot(&b).sqrt();
                if lengths > 0.0 {
                    1.0 - dot / lengths
                } else {
                    1.0
                }
            }
        }
    }
}

/// The `k` images nearest to some of them, in pixel space and in the features of a layer side by
/// side (Krizhevsky, Sutskever and Hinton 2012, figure 4). An image is no neighbour of its own.
///
/// # Errors
/// When there is no such layer or image, or not 1 to N - 1 neighbours are asked for.
pub fn neighbours(
    net: &Network,
    images: &Tensor,
    layer: &str,
    queries: &[usize],
    k: usize,
    settings: NeighbourSettings,
) -> Result<Neighbours> {
    let begun = Instant::now();
    let [n, c, h, w] = dimensions(images)?;
    if let Some(wrong) = queries.iter().find(|&&q| q >= n) {
        return Err(VisError::invalid(format!(
            "neighbours: expected images 0 to {}, got {wrong}",
            n - 1
        )));
    }
    let flat = images.as_standard_layout().into_owned();
    let flat = flat
        .into_shape_with_order((n, c * h * w))
        .expect("a row for each image");
    let pixels = flat.mapv(f64::from);
    let seen = features(net, images, layer, settings.pooling)?;
    let near = |space: &Array2<f64>| {
        let of = space.select(Axis(0), queries);
        nearest(&of, space, k, settings.metric, Some(queries))
    };
    let provenance = Provenance::new("neighbours", "Krizhevsky, Sutskever and Hinton 2012")
        .layer(layer)
        .setting("k", k)
        .setting("metric", serde_json::json!(settings.metric))
        .setting("pooling", serde_json::json!(settings.pooling))
        .figure("images", n);
    Ok(Neighbours {
        pixels: near(&pixels)?,
        features: near(&seen)?,
        provenance: provenance.took(begun),
    })
}

/// Settings of [`neighbours`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeighbourSettings {
    /// The distance, in both spaces. Euclidean unless set, as in the paper.
    pub metric: Metric,
    /// How an activation becomes a vector. The means of the channels unless set.
    pub pooling: Pooling,
}

impl NeighbourSettings {
    /// Euclidean, over the channels' means.
    pub fn new() -> NeighbourSettings {
        NeighbourSettings::default()
    }

    /// With a distance.
    pub fn metric(mut self, metric: Metric) -> NeighbourSettings {
        self.metric = metric;
        self
    }

    /// With another way from activations to vectors.
    pub fn pooling(mut self, pooling: Pooling) -> NeighbourSettings {
        self.pooling = pooling;
        self
    }
}
