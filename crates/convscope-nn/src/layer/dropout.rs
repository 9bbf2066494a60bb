//! Dropout of units, and of whole channels.

use super::random::mix;
use super::*;
use crate::conv::with_all_instructions;
use crate::parallel::{map, slice_mut};
use rayon::prelude::*;

/// In a training pass, each unit is set to 0 with probability `p` and the others are divided by
/// `1 - p`, so that the expected value stays and inference needs no correction (Srivastava et al.
/// 2014; the paper scales in inference instead). Which units fall depends on the pass's seed and
/// the node alone.
///
/// With [`Pass::monte_carlo`] it drops at test time too; the spread of several such passes tells
/// how sure the network is (Gal and Ghahramani 2016).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    p: f64,
}

/// Dropout of whole channels: the neighbours of a pixel tell most of what it knows, so dropping
/// single pixels of a feature map hides little (Tompson et al. 2015). PyTorch's `Dropout2d`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpatialDropout {
    p: f64,
}

impl Dropout {
    /// Drops a unit with probability `p`, at least 0 and less than 1; the paper takes 0.5 in
    /// hidden layers and 0.2 at the input.
    pub fn new(p: f64) -> Dropout {
        Dropout { p }
    }
}

impl SpatialDropout {
    /// Drops a channel with probability `p`, at least 0 and less than 1.
    pub fn new(p: f64) -> SpatialDropout {
        SpatialDropout { p }
    }
}

pub(super) fn check_probability(kind: &str, p: f64) -> Result<()> {
    match (0.0..1.0).contains(&p) {
        true => Ok(()),
        false => Err(NnError::Invalid(format!(
            "{kind}'s probability of dropping must be at least 0 and less than 1, got {p}"
        ))),
    }
}

/// A coin for every unit of a tensor.
#[derive(Clone, Copy)]
pub(super) struct Coins<F> {
    seed: u64,
    /// A draw of 32 bits below this drops.
    bar: u32,
    /// What is dropped is multiplied by the first, what remains by the second: a table, since a
    /// branch on a coin is guessed wrong as often as a coin.
    factors: [F; 2],
}

/// Units that one task takes: fixed and even, since one draw of 64 bits serves two units.
const CHUNK: usize = 32 * 1024;

impl<F: Real> Coins<F> {
    pub(super) fn new(p: f64, seed: u64) -> Coins<F> {
        let bar = (p * 2f64.powi(32)) as u32;
        Coins {
            seed,
            bar,
            // By the share that the bar really lets through.
            factors: [
                F::zero(),
                F::of(1.0 / (1.0 - f64::from(bar) / 2f64.powi(32))),
            ],
        }
    }

    #[inline(always)]
    fn factor(&self, draw: u32) -> F {
        self.factors[usize::from(draw >= self.bar)]
    }

    /// Multiplies each number by 0 or the scale.
    pub(super) fn apply(&self, x: &mut [F]) {
        x.par_chunks_mut(CHUNK).enumerate().for_each(|(part, x)| {
            with_all_instructions(|| {
                let first = (part * CHUNK / 2) as u64;
                let (pairs, rest) = x.as_chunks_mut::<2>();
                let count = pairs.len() as u64;
                for (i, pair) in (first..).zip(pairs) {
                    let draw = mix(self.seed, i);
                    pair[0] *= self.factor(draw as u32);
                    pair[1] *= self.factor((draw >> 32) as u32);
                }
                for x in rest {
                    *x *= self.factor(mix(self.seed, first + count) as u32);
                }
            })
        });
    }

    /// Multiplies each run of `length` numbers by 0 or the scale.
    fn apply_to_runs(&self, x: &mut [F], length: usize) {
        x.par_chunks_mut(length).enumerate().for_each(|(i, run)| {
            let factor = self.factor(mix(self.seed, i as u64) as u32);
            run.iter_mut().for_each(|x| *x *= factor);
        });
    }
}

macro_rules! dropout {
    ($layer:ty, $kind:literal, $operation:expr, $check:expr, $apply:expr) => {
        impl $layer {
            fn drop_units<F: Real>(&self, mut x: Tensor<F>, seed: u64) -> Tensor<F> {
                let apply: fn(Coins<F>, &mut Tensor<F>) = $apply;
                apply(Coins::new(self.p, seed), &mut x);
                x
            }
        }

        impl<F: Real> Layer<F> for $layer {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn settings(&self) -> String {
                format!("p {}", self.p)
            }

            fn build(&mut self, inputs: &[Shape], _rng: &mut ChaCha8Rng) -> Result<Shape> {
                check_probability($kind, self.p)?;
                let shape = single($kind, inputs)?;
                let check: fn(&Shape) -> Result<()> = $check;
                check(shape)?;
                Ok(shape.clone())
            }

            fn operations(&self, _inputs: &[Shape]) -> Vec<Operation> {
                let operation: fn(f64) -> Operation = $operation;
                vec![operation(self.p)]
            }

            fn needs(&self) -> Needs {
                Needs::default()
            }

            fn forward(&self, inputs: &[&Tensor<F>], pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
                let x = *single($kind, inputs)?;
                Layer::<F>::forward_into(self, map(x, |v| v), pass)
            }

            fn forward_into(&self, x: Tensor<F>, pass: &Pass) -> Result<(Tensor<F>, Saved<F>)> {
                Ok(match pass.drop && self.p > 0.0 {
                    true => (self.drop_units(x, pass.seed), Saved::Seed(pass.seed)),
                    false => (x, Saved::Nothing),
                })
            }

            fn backward(
                &self,
                seen: &Seen<'_, F>,
                gradient: &Tensor<F>,
                want: Want,
            ) -> Gradients<F> {
                Layer::<F>::backward_into(self, seen, map(gradient, |g| g), want)
            }

            fn backward_into(
                &self,
                seen: &Seen<'_, F>,
                gradient: Tensor<F>,
                _want: Want,
            ) -> Gradients<F> {
                Gradients::input(match *seen.saved {
                    // The same coins fall again.
                    Saved::Seed(seed) => self.drop_units(gradient, seed),
                    _ => gradient,
                })
            }

            fn to_f64(&self) -> Box<dyn Layer<f64>> {
                Box::new(*self)
            }

            fn boxed(&self) -> Box<dyn Layer<F>> {
                Box::new(*self)
            }
        }
    };
}

dropout!(
    Dropout,
    "Dropout",
    Operation::Dropout,
    |_| Ok(()),
    |coins, x| coins.apply(slice_mut(x))
);

dropout!(
    SpatialDropout,
    "SpatialDropout",
    |_| Operation::Identity,
    |shape| image_shape("SpatialDropout", shape).map(|_| ()),
    |coins, x| {
        let plane = x.shape()[2..].iter().product();
        coins.apply_to_runs(slice_mut(x), plane)
    }
);
