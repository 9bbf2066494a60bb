//! How far an explanation jumps when the image hardly moves (Yeh et al. 2019).

use crate::error::{Result, VisError};
use crate::images::{batch_of_one, dimensions, image};
use crate::map::Flag;
use crate::provenance::Provenance;
use crate::watch::Watch;
use convscope_nn::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::time::Instant;

/// Settings of [`sensitivity_max`]; the defaults are captum's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sensitivity {
    /// Each number of the image moves by at most this, in its own units. 0.02.
    pub radius: f32,
    /// Neighbours tried for each image. 10.
    pub samples: usize,
    /// Of the neighbours.
    pub seed: u64,
}

impl Default for Sensitivity {
    fn default() -> Sensitivity {
        Sensitivity {
            radius: 0.02,
            samples: 10,
            seed: 0,
        }
    }
}

impl Sensitivity {
    /// With the defaults.
    pub fn new() -> Sensitivity {
        Sensitivity::default()
    }

    /// With neighbours from another distance.
    pub fn radius(mut self, radius: f32) -> Sensitivity {
        self.radius = radius;
        self
    }

    /// With so many neighbours.
    pub fn samples(mut self, samples: usize) -> Sensitivity {
        self.samples = samples;
        self
    }

    /// With another seed.
    pub fn seed(mut self, seed: u64) -> Sensitivity {
        self.seed = seed;
        self
    }
}

/// How far explanations jump.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SensitivityMax {
    /// For each image the largest change among its neighbours, in 2-norm, as a share of the
    /// explanation's own norm; small is steady. 0, with a flag, where the explanation is zero.
    pub values: Vec<f64>,
    /// What is to be known about each image; mostly nothing.
    pub flags: Vec<Vec<Flag>>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// Explains images `[N, C, H, W]` and neighbours of them, drawn evenly from a cube around each, and
/// returns the largest relative change (Yeh et al. 2019, definition 2; relative as in captum).
/// `explain` maps a batch of any size to its maps `[N, ...]`.
///
/// # Errors
/// When the radius or the number of samples makes no sense, or the explanation fails.
pub fn sensitivity_max(
    explain: impl Fn(&Tensor) -> Result<Tensor>,
    images: &Tensor,
    options: &Sensitivity,
) -> Result<SensitivityMax> {
    sensitivity_max_watched(explain, images, options, &mut Watch::quiet())
}

/// [`sensitivity_max`] with a budget, in images explained, and someone to tell; the largest change
/// that was found by then is returned, and flagged.
///
/// # Errors
/// As [`sensitivity_max`].
pub fn sensitivity_max_watched(
    explain: impl Fn(&Tensor) -> Result<Tensor>,
    images: &Tensor,
    options: &Sensitivity,
    watch: &mut Watch,
) -> Result<SensitivityMax> {
    let begun = Instant::now();
    let [n, ..] = dimensions(images)?;
    let radius = options.radius;
    if options.samples == 0 || !radius.is_finite() || radius <= 0.0 {
        return Err(VisError::invalid(format!(
            "sensitivity-max: expected a radius above 0 and at least 1 sample, got {radius} and {}",
            options.samples
        )));
    }
    let total = n * (options.samples + 1);
    watch.begin(total);
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let (mut values, mut flags) = (Vec::new(), Vec::new());
    for i in 0..n {
        let one = batch_of_one(&image(images, i).to_owned());
        let mut first: Option<(Tensor, f64)> = None;
        let mut largest: f64 = 0.0;
        let mut done = 0;
        while done <= options.samples && watch.allows(1) == 1 {
            match &first {
                None => {
                    let map = explained(&explain, &one)?;
                    let norm = norm(map.iter().map(|&v| f64::from(v)));
                    first = Some((map, norm));
                }
                Some((map, size)) => {
                    let near = one.mapv(|v| v + radius * (2.0 * rng.random::<f32>() - 1.0));
                    let other = explained(&explain, &near)?;
                    if other.shape() != map.shape() {
                        let expected = format!("{:?}, as before", map.shape());
                        return Err(VisError::shape("an explanation", expected, other.shape()));
                    }
                    let change = other.iter().zip(map);
                    let change = norm(change.map(|(a, b)| f64::from(*a) - f64::from(*b)));
                    largest = largest.max(if *size > 0.0 { change / size } else { 0.0 });
                }
            }
            watch.step(1);
            done += 1;
        }
        let mut known = Vec::new();
        if first.is_some_and(|(_, size)| size == 0.0) {
            known.push(Flag::ZeroGradient);
        }
        if done <= options.samples {
            known.push(Flag::Unfinished {
                done: done as f64 / (options.samples + 1) as f64,
            });
        }
        values.push(largest);
        flags.push(known);
    }
    watch.finish();
    let provenance = Provenance::new("sensitivity-max", "Yeh et al. 2019")
        .seed(options.seed)
        .options(options)
        .took(begun);
    Ok(SensitivityMax {
        values,
        flags,
        provenance,
    })
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

fn explained(explain: &impl Fn(&Tensor) -> Result<Tensor>, image: &Tensor) -> Result<Tensor> {
    let map = explain(image)?;
    super::finite(&map, "an explanation")?;
    Ok(map)
}
