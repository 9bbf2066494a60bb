//! Quickshift (Vedaldi and Soatto 2008): every pixel is tied to the nearest pixel that lies in a
//! denser place, and long ties are cut; what still hangs together is a superpixel.

use super::colours::{Scale, features};
use super::{Segmentation, contiguous, one_image};
use crate::error::{Result, VisError};
use crate::provenance::Provenance;
use convscope_nn::Tensor;
use ndarray::{Array2, Array3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

/// Settings of [`quickshift`]; the defaults are LIME's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Quickshift {
    /// Width of the Gaussian by which density is measured, in pixels and in units of colour. A
    /// larger one gives fewer superpixels. 4, LIME's.
    pub kernel_size: f64,
    /// Longer ties are cut. 200, LIME's: none, as pixels look no further than three kernels.
    pub max_distance: f64,
    /// What colour counts beside place, 0 to 1. 0.2, LIME's.
    pub ratio: f64,
    /// Smooths the image first, in pixels. 0: not at all.
    pub sigma: f64,
    /// How numbers become light.
    pub scale: Scale,
    /// Of the tiny noise that decides between equal densities.
    pub seed: u64,
}

impl Default for Quickshift {
    fn default() -> Quickshift {
        Quickshift {
            kernel_size: 4.0,
            max_distance: 200.0,
            ratio: 0.2,
            sigma: 0.0,
            scale: Scale::Stretch,
            seed: 0,
        }
    }
}

impl Quickshift {
    /// With the defaults.
    pub fn new() -> Quickshift {
        Quickshift::default()
    }

    /// With another width of the kernel.
    pub fn kernel_size(mut self, pixels: f64) -> Quickshift {
        self.kernel_size = pixels;
        self
    }

    /// With ties cut from another length on.
    pub fn max_distance(mut self, distance: f64) -> Quickshift {
        self.max_distance = distance;
        self
    }

    /// With another weight of colour.
    pub fn ratio(mut self, ratio: f64) -> Quickshift {
        self.ratio = ratio;
        self
    }

    /// With the image smoothed first.
    pub fn sigma(mut self, pixels: f64) -> Quickshift {
        self.sigma = pixels;
        self
    }

    /// With numbers that mean something else.
    pub fn scale(mut self, scale: Scale) -> Quickshift {
        self.scale = scale;
        self
    }

    /// With another seed.
    pub fn seed(mut self, seed: u64) -> Quickshift {
        self.seed = seed;
        self
    }

    fn check(&self) -> Result<()> {
        let cases = [
            ("kernel size", self.kernel_size, 1.0),
            ("greatest distance", self.max_distance, 0.0),
            ("ratio", self.ratio, 0.0),
            ("sigma", self.sigma, 0.0),
        ];
        for (what, value, least) in cases {
            if !value.is_finite() || value < least {
                return Err(VisError::invalid(format!(
                    "quickshift's {what}: expected a number of at least {least}, got {value}"
                )));
            }
        }
        Ok(())
    }
}

/// Cuts an image `[C, H, W]` (or a batch of one) by quickshift, in the variant of scikit-image:
/// densities and ties look as far as three kernels, and density has noise of 1e-5 on it.
///
/// # Errors
/// When it is not one image, or a setting makes no sense.
pub fn quickshift(image: &Tensor, options: &Quickshift) -> Result<Segmentation> {
    options.check()?;
    let one = one_image(image)?;
    let field = features(one, options.scale, options.sigma) * options.ratio;
    let density = densities(&field, options);
    let mut parents = ties(&field, &density, options);
    // A pixel's parent lies in a denser place: following parents ends, at the top of a hill.
    for i in 0..parents.len() {
        let mut top = parents[i];
        while parents[top] != top {
            top = parents[top];
        }
        parents[i] = top;
    }
    let tops = Array2::from_shape_vec(density.dim(), parents).expect("one for each pixel");
    let (labels, count) = contiguous(&tops);
    let provenance = Provenance::new("quickshift", "Vedaldi and Soatto 2008, as in scikit-image")
        .seed(options.seed)
        .options(options);
    Ok(Segmentation::new(labels, count, provenance))
}

/// Calls `visit` with every pixel as far as three kernels away, and the squared distance in place
/// and colour.
fn around(
    field: &Array3<f64>,
    (y, x): (usize, usize),
    options: &Quickshift,
    mut visit: impl FnMut((usize, usize), f64),
) {
    let (h, w, depth) = field.dim();
    let reach = (3.0 * options.kernel_size).ceil() as usize;
    let flat = field.as_slice().expect("standard layout");
    let here = &flat[(y * w + x) * depth..][..depth];
    for v in y.saturating_sub(reach)..(y + reach + 1).min(h) {
        for u in x.saturating_sub(reach)..(x + reach + 1).min(w) {
            let there = &flat[(v * w + u) * depth..][..depth];
            let colour: f64 = here.iter().zip(there).map(|(a, b)| (a - b) * (a - b)).sum();
            let (dy, dx) = (y.abs_diff(v) as f64, x.abs_diff(u) as f64);
            visit((v, u), colour + dy * dy + dx * dx);
        }
    }
}

fn densities(field: &Array3<f64>, options: &Quickshift) -> Array2<f64> {
    let (h, w, _) = field.dim();
    let scale = -0.5 / (options.kernel_size * options.kernel_size);
    let mut sums = vec![0.0; h * w];
    sums.par_iter_mut().enumerate().for_each(|(i, sum)| {
        around(field, (i / w, i % w), options, |_, d| {
            *sum += (d * scale).exp()
        });
    });
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    for sum in &mut sums {
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
        *sum += 1e-5 * radius * (std::f64::consts::TAU * rng.random::<f64>()).cos();
    }
    Array2::from_shape_vec((h, w), sums).expect("one for each pixel")
}

/// Each pixel's nearest denser pixel, itself where there is none near.
fn ties(field: &Array3<f64>, density: &Array2<f64>, options: &Quickshift) -> Vec<usize> {
    let (h, w) = density.dim();
    let mut parents: Vec<usize> = (0..h * w).collect();
    let limit = options.max_distance * options.max_distance;
    parents.par_iter_mut().enumerate().for_each(|(i, parent)| {
        let at = (i / w, i % w);
        let mut nearest = f64::INFINITY;
        around(field, at, options, |(y, x), d| {
            if d < nearest && density[[y, x]] > density[at] {
                (nearest, *parent) = (d, y * w + x);
            }
        });
        if nearest > limit {
            *parent = i;
        }
    });
    parents
}
