//! SLIC (Achanta et al. 2012): k-means of place and colour, each centre looking only around itself.

use super::colours::{Scale, features};
use super::{Segmentation, contiguous, one_image};
use crate::error::{Result, VisError};
use crate::provenance::Provenance;
use convscope_nn::Tensor;
use ndarray::{Array2, Array3};
use serde::Serialize;
use std::collections::HashMap;

/// Settings of [`slic`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Slic {
    /// About how many superpixels. 100, as in scikit-image.
    pub segments: usize,
    /// What place counts beside colour: large gives squares, small follows every edge. 10, the
    /// paper's, for colours 0 to 100.
    pub compactness: f64,
    /// Rounds of k-means. 10, the paper's: enough for most images.
    pub iterations: usize,
    /// Smooths the image first, in pixels. 0: not at all.
    pub sigma: f64,
    /// How numbers become light.
    pub scale: Scale,
}

impl Default for Slic {
    fn default() -> Slic {
        Slic {
            segments: 100,
            compactness: 10.0,
            iterations: 10,
            sigma: 0.0,
            scale: Scale::Stretch,
        }
    }
}

impl Slic {
    /// About so many superpixels.
    pub fn new(segments: usize) -> Slic {
        Slic {
            segments,
            ..Slic::default()
        }
    }

    /// With another weight of place.
    pub fn compactness(mut self, compactness: f64) -> Slic {
        self.compactness = compactness;
        self
    }

    /// With another number of rounds.
    pub fn iterations(mut self, iterations: usize) -> Slic {
        self.iterations = iterations;
        self
    }

    /// With the image smoothed first.
    pub fn sigma(mut self, pixels: f64) -> Slic {
        self.sigma = pixels;
        self
    }

    /// With numbers that mean something else.
    pub fn scale(mut self, scale: Scale) -> Slic {
        self.scale = scale;
        self
    }

    fn check(&self, pixels: usize) -> Result<()> {
        if self.segments == 0 || self.segments > pixels {
            return Err(VisError::invalid(format!(
                "SLIC's segments: expected 1 to {pixels}, the image's pixels, got {}",
                self.segments
            )));
        }
        let whole = self.compactness.is_finite() && self.compactness > 0.0;
        if !whole || !self.sigma.is_finite() || self.sigma < 0.0 {
            return Err(VisError::invalid(format!(
                "SLIC: expected a compactness above 0 and a sigma of at least 0, got {} and {}",
                self.compactness, self.sigma
            )));
        }
        Ok(())
    }
}

/// A centre: row, column, colour.
#[derive(Clone)]
struct Centre {
    at: [f64; 2],
    colour: Vec<f64>,
}

/// Cuts an image `[C, H, W]` (or a batch of one) by SLIC. Pieces that came apart and are smaller
/// than half a superpixel join the piece before them. Nothing is random.
///
/// # Errors
/// When it is not one image, or a setting makes no sense for it.
pub fn slic(image: &Tensor, options: &Slic) -> Result<Segmentation> {
    let one = one_image(image)?;
    let (_, h, w) = one.dim();
    options.check(h * w)?;
    let field = features(one, options.scale, options.sigma);
    let apart = ((h * w) as f64 / options.segments as f64).sqrt();
    let step = apart.round().max(1.0);
    let mut centres = lattice(&field, step as usize, (apart / 2.0) as usize);
    let mut labels = Array2::zeros((h, w));
    for round in 0..options.iterations.max(1) {
        // Before the first round nobody knows a superpixel's colour: place alone decides it.
        let colour = if round == 0 {
            0.0
        } else {
            1.0 / options.compactness
        };
        let next = assign(&field, &centres, step, colour);
        let same = round > 0 && next == labels;
        labels = next;
        if same {
            break;
        }
        update(&field, &labels, &mut centres);
    }
    let least = (0.5 * (h * w) as f64 / centres.len() as f64) as usize;
    let (labels, count) = contiguous(&joined(&labels, least));
    let provenance = Provenance::new("SLIC", "Achanta et al. 2012").options(options);
    Ok(Segmentation::new(labels, count, provenance))
}

/// The colour of a pixel.
fn pixel(field: &Array3<f64>, y: usize, x: usize) -> &[f64] {
    let (_, w, depth) = field.dim();
    let flat = field.as_slice().expect("standard layout");
    &flat[(y * w + x) * depth..][..depth]
}

/// Centres a step apart, the first so far from the corner.
fn lattice(field: &Array3<f64>, step: usize, first: usize) -> Vec<Centre> {
    let (h, w, _) = field.dim();
    let along = |size: usize| (first.min(size - 1)..size).step_by(step);
    let mut centres = Vec::new();
    for y in along(h) {
        for x in along(w) {
            centres.push(Centre {
                at: [y as f64, x as f64],
                colour: pixel(field, y, x).to_vec(),
            });
        }
    }
    centres
}

/// Each pixel's nearest centre of those within two steps; the first of equals.
fn assign(field: &Array3<f64>, centres: &[Centre], step: f64, weight: f64) -> Array2<usize> {
    let (h, w, _) = field.dim();
    let mut nearest = Array2::from_elem((h, w), f64::INFINITY);
    let mut labels = Array2::zeros((h, w));
    let near = |at: f64, size: usize| {
        let from = (at - 2.0 * step).max(0.0) as usize;
        let to = ((at + 2.0 * step) as usize + 1).min(size);
        from..to
    };
    for (k, centre) in centres.iter().enumerate() {
        for y in near(centre.at[0], h) {
            for x in near(centre.at[1], w) {
                let pixel = pixel(field, y, x);
                let colour = pixel.iter().zip(&centre.colour);
                let colour: f64 = colour.map(|(a, b)| (a - b) * (a - b)).sum();
                let (dy, dx) = (y as f64 - centre.at[0], x as f64 - centre.at[1]);
                let place = (dy * dy + dx * dx) / (step * step);
                let distance = colour * weight * weight + place;
                if distance < nearest[[y, x]] {
                    (nearest[[y, x]], labels[[y, x]]) = (distance, k);
                }
            }
        }
    }
    labels
}

/// Moves each centre to the middle of its pixels.
fn update(field: &Array3<f64>, labels: &Array2<usize>, centres: &mut [Centre]) {
    let depth = field.dim().2;
    let mut sums = vec![vec![0.0; depth + 3]; centres.len()];
    for ((y, x), &label) in labels.indexed_iter() {
        let sum = &mut sums[label];
        sum[0] += 1.0;
        sum[1] += y as f64;
        sum[2] += x as f64;
        let pixel = pixel(field, y, x);
        sum[3..].iter_mut().zip(pixel).for_each(|(s, v)| *s += v);
    }
    for (centre, sum) in centres
        .iter_mut()
        .zip(&sums)
        .filter(|(_, sum)| sum[0] > 0.0)
    {
        centre.at = [sum[1] / sum[0], sum[2] / sum[0]];
        centre.colour = sum[3..].iter().map(|v| v / sum[0]).collect();
    }
}

/// Superpixels that hang together: each connected piece becomes one of its own, unless it has fewer
/// pixels than `least`; such a piece joins the one beside its first pixel.
fn joined(labels: &Array2<usize>, least: usize) -> Array2<usize> {
    let (h, w) = labels.dim();
    let none = usize::MAX;
    let mut pieces = Array2::from_elem((h, w), none);
    let mut joins: HashMap<usize, usize> = HashMap::new();
    let mut next = 0;
    for start in ndarray::indices((h, w)) {
        if pieces[start] != none {
            continue;
        }
        let mut beside = None;
        let mut piece = vec![start];
        pieces[start] = next;
        let mut seen = 0;
        while let Some(&(y, x)) = piece.get(seen) {
            seen += 1;
            let up_left = [(y.wrapping_sub(1), x), (y, x.wrapping_sub(1))];
            for at in up_left.into_iter().chain([(y + 1, x), (y, x + 1)]) {
                match pieces.get(at) {
                    Some(&p) if p == none && labels[at] == labels[start] => {
                        pieces[at] = next;
                        piece.push(at);
                    }
                    Some(&p) if p != none && p != next => beside = beside.or(Some(p)),
                    _ => {}
                }
            }
        }
        if let (true, Some(other)) = (piece.len() < least, beside) {
            let other = joins.get(&other).copied().unwrap_or(other);
            joins.insert(next, other);
        }
        next += 1;
    }
    pieces.mapv(|p| joins.get(&p).copied().unwrap_or(p))
}
