//! Multifaceted visualisation (Nguyen, Yosinski and Clune 2016): a unit may stand for several things
//! that look nothing alike, and an optimisation from noise shows one of them, or a mixture. Begun
//! from the mean of each cluster of the images that excite it most, it shows each.

use super::cut::full_name;
use super::maximise::maximize_all_watched;
use super::maximised::Maximized;
use super::objective::Objective;
use super::range::rows;
use super::resize::resize;
use super::settings::Maximize;
use super::start::Start;
use crate::error::{Result, VisError};
use crate::images::dimensions;
use crate::watch::Watch;
use convscope_nn::{Network, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The facets of an objective.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Facets {
    /// An image for each facet.
    pub made: Maximized,
    /// The mean of the images in each cluster, which it began from, `[facets, C, H, W]`.
    pub means: Tensor,
    /// The cluster of each image that was given.
    pub clusters: Vec<usize>,
}

/// An image for each of so many facets of an objective, given the images `[N, C, H, W]` that excite it
/// most. They are clustered (k-means) by what a layer says of them, its activation averaged over
/// places. The start in the settings is not looked at.
///
/// # Errors
/// As [`maximize`](crate::maximize), or when there are fewer images than facets.
pub fn maximize_facets(
    net: &Network,
    objective: &Objective,
    images: &Tensor,
    layer: &str,
    facets: usize,
    settings: &Maximize,
    watch: &mut Watch,
) -> Result<Facets> {
    let [n, c, h, w] = dimensions(images)?;
    if facets == 0 || facets > n {
        return Err(VisError::invalid(format!(
            "expected from 1 facet to one for each of the {n} images, got {facets}"
        )));
    }
    let images = images.as_standard_layout().into_owned();
    let part = net
        .until(&full_name(net, layer)?)?
        .for_input(vec![c, h, w])?;
    let activation = part.forward(&images)?;
    let place = activation.shape()[2..].iter().product::<usize>().max(1);
    let mean = |row: &[f32]| -> Vec<f32> {
        let channels = row.chunks(place);
        channels
            .map(|v| v.iter().sum::<f32>() / place as f32)
            .collect()
    };
    let points: Vec<Vec<f32>> = rows(&activation).map(mean).collect();
    let clusters = k_means(&points, facets, settings.seed);
    let mut means = Tensor::zeros(vec![facets, c, h, w]);
    for (cluster, mut mean) in means.outer_iter_mut().enumerate() {
        let members: Vec<usize> = (0..n).filter(|&i| clusters[i] == cluster).collect();
        for &i in &members {
            mean.scaled_add(
                1.0 / members.len() as f32,
                &images.index_axis(ndarray::Axis(0), i),
            );
        }
    }
    let input = net.input_shape();
    let size = settings.size.unwrap_or([input[1], input[2]]);
    let start = Start::Images(resize(&means, size));
    let settings = settings.clone().start(start);
    let made = maximize_all_watched(net, &vec![objective.clone(); facets], &settings, watch)?;
    Ok(Facets {
        made,
        means,
        clusters,
    })
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs
        .map(|(a, b)| f64::from(a - b) * f64::from(a - b))
        .sum()
}

/// The cluster of each point, none of them empty: Lloyd's iterations from distant points (k-means++).
fn k_means(points: &[Vec<f32>], count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut centres = vec![points[rng.random_range(0..points.len())].clone()];
    let mut taken = vec![false; points.len()];
    while centres.len() < count {
        let nearest = |p: &Vec<f32>| {
            let all = centres.iter().map(|c| distance(p, c));
            all.fold(f64::INFINITY, f64::min)
        };
        let far: Vec<f64> = points.iter().map(nearest).collect();
        let mut left = rng.random::<f64>() * far.iter().sum::<f64>();
        let drawn = far.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        let next = drawn.unwrap_or(points.len() - 1);
        centres.push(points[next].clone());
    }
    let mut clusters = vec![0; points.len()];
    for _ in 0..50 {
        let found: Vec<usize> = points.iter().map(|p| nearest_of(p, &centres)).collect();
        let settled = found == clusters;
        clusters = found;
        // A cluster that lost all takes the point farthest from its centre.
        for empty in 0..count {
            if clusters.contains(&empty) {
                continue;
            }
            let sizes = |k: usize| clusters.iter().filter(|&&c| c == k).count();
            let spare = (0..points.len()).filter(|&i| sizes(clusters[i]) > 1 && !taken[i]);
            let far = |i: &usize| distance(&points[*i], &centres[clusters[*i]]);
            if let Some(i) = spare.max_by(|a, b| far(a).total_cmp(&far(b))) {
                clusters[i] = empty;
                taken[i] = true;
            }
        }
        for (k, centre) in centres.iter_mut().enumerate() {
            let members: Vec<&Vec<f32>> = (points.iter().zip(&clusters))
                .filter_map(|(p, &c)| (c == k).then_some(p))
                .collect();
            for (j, v) in centre.iter_mut().enumerate() {
                let sum: f32 = members.iter().map(|p| p[j]).sum();
                *v = sum / members.len().max(1) as f32;
            }
        }
        if settled {
            break;
        }
    }
    clusters
}

fn nearest_of(point: &[f32], centres: &[Vec<f32>]) -> usize {
    let each = centres.iter().map(|c| distance(point, c)).enumerate();
    let first = (0, f64::INFINITY);
    each.fold(first, |best, (k, d)| if d < best.1 { (k, d) } else { best })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_heaps_are_three_clusters_whatever_the_seed() {
        let heap = |i: usize| {
            vec![
                (i % 3) as f32 * 10.0 + (i as f32 * 0.7).sin(),
                (i % 3) as f32,
            ]
        };
        let points: Vec<Vec<f32>> = (0..30).map(heap).collect();
        for seed in 0..8 {
            let clusters = k_means(&points, 3, seed);
            for i in 0..30 {
                assert_eq!(clusters[i], clusters[i % 3], "seed {seed}");
            }
        }
    }

    #[test]
    fn no_cluster_is_empty_even_of_equal_points() {
        let clusters = k_means(&vec![vec![1.0, 2.0]; 5], 3, 0);
        assert!((0..3).all(|k| clusters.contains(&k)), "{clusters:?}");
    }
}
