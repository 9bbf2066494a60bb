//! What evolves: a picture number by number, or a function that draws it.

use super::cppn::Cppn;
use convscope_data::Draw;
use ndarray::Array3;
use serde::Serialize;

/// How a picture is written down for evolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Every number by itself: the results look like noise.
    Direct,
    /// A small network from the place to the colour (a CPPN): the results are regular, and mostly
    /// better with few evaluations.
    #[default]
    Cppn,
}

/// How strongly polynomial mutation changes a number: the exponent of Nguyen et al.
const STRENGTH: f32 = 15.0;
/// The share of numbers that a mutation changes at first. It is halved every so many generations.
const SHARE: f32 = 0.1;
const HALVED_EVERY: usize = 1000;

#[derive(Clone, Debug)]
pub(super) enum Genome {
    Direct(Array3<f32>),
    Cppn(Cppn),
}

impl Genome {
    pub(super) fn random(encoding: Encoding, shape: [usize; 3], draw: &mut Draw) -> Genome {
        match encoding {
            Encoding::Direct => Genome::Direct(Array3::from_shape_simple_fn(shape, || draw.unit())),
            Encoding::Cppn => Genome::Cppn(Cppn::random(shape[0], draw)),
        }
    }

    /// A child, in this generation.
    pub(super) fn mutated(&self, generation: usize, draw: &mut Draw) -> Genome {
        match self {
            Genome::Direct(picture) => {
                let halvings = (generation / HALVED_EVERY).min(20) as i32;
                let share = (SHARE * 0.5_f32.powi(halvings)).max(1.0 / picture.len() as f32);
                let mut child = picture.clone();
                child.mapv_inplace(|v| match draw.unit() < share {
                    true => (v + polynomial(draw.unit())).clamp(0.0, 1.0),
                    false => v,
                });
                Genome::Direct(child)
            }
            Genome::Cppn(cppn) => Genome::Cppn(cppn.mutated(draw)),
        }
    }

    /// The picture, from 0 to 1.
    pub(super) fn picture(&self, shape: [usize; 3]) -> Array3<f32> {
        match self {
            Genome::Direct(picture) => picture.clone(),
            Genome::Cppn(cppn) => cppn.picture(shape),
        }
    }
}

/// Deb's polynomial mutation of a number from 0 to 1: small changes are likelier than large ones.
fn polynomial(u: f32) -> f32 {
    let power = 1.0 / (STRENGTH + 1.0);
    match u < 0.5 {
        true => (2.0 * u).powf(power) - 1.0,
        false => 1.0 - (2.0 * (1.0 - u)).powf(power),
    }
}
