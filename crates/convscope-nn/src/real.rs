//! The number types a network can compute in: `f32` for work, `f64` for checking gradients.

use crate::error::Result;
use crate::layer::{Pass, Want};
use crate::network::Network;
use crate::trace::{Keep, Trace};
use ndarray::{ArrayD, LinalgScalar, ScalarOperand};
use num_traits::{Float, NumAssign};
use std::fmt::{Debug, Display};
use std::iter::Sum;

/// An n-dimensional array of numbers; images are `[N, C, H, W]`, filters `[O, I, H, W]`.
pub type Tensor<F = f32> = ArrayD<F>;

/// A floating point type that a network can compute in.
pub trait Real:
    Float
    + NumAssign
    + LinalgScalar
    + ScalarOperand
    + Sum
    + Debug
    + Display
    + Default
    + Send
    + Sync
    + 'static
{
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;
    /// The value as `f64`, exactly.
    fn as_f64(self) -> f64;
    /// The error function, `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `self`.
    fn erf(self) -> Self;

    // The two passes, compiled for each type in this crate and not again in every crate that
    // calls them.

    #[doc(hidden)]
    fn run(net: &Network<Self>, x: &Tensor<Self>, pass: Pass, keep: Keep) -> Result<Trace<Self>>;

    #[doc(hidden)]
    fn backward(
        trace: &Trace<Self>,
        seeds: Vec<(usize, Tensor<Self>)>,
        to: usize,
        want: Want,
    ) -> (Tensor<Self>, Vec<Tensor<Self>>);
}

macro_rules! real {
    ($type:ty, $erf:path) => {
        impl Real for $type {
            fn of(x: f64) -> $type {
                x as $type
            }

            fn as_f64(self) -> f64 {
                self.into()
            }

            fn erf(self) -> $type {
                $erf(self)
            }

            #[inline(never)]
            fn run(
                net: &Network<Self>,
                x: &Tensor<Self>,
                pass: Pass,
                keep: Keep,
            ) -> Result<Trace<Self>> {
                Trace::run(net, x, pass, keep)
            }

            #[inline(never)]
            fn backward(
                trace: &Trace<Self>,
                seeds: Vec<(usize, Tensor<Self>)>,
                to: usize,
                want: Want,
            ) -> (Tensor<Self>, Vec<Tensor<Self>>) {
                trace.backward(seeds, to, want)
            }
        }
    };
}

real!(f32, libm::erff);
real!(f64, libm::erf);
