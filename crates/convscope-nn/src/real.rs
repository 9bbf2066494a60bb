//! The number types a network can compute in: `f32` for work, `f64` for checking gradients.

use crate::error::Result;
use crate::functions;
use crate::layer::{Pass, Want};
use crate::network::Network;
use crate::pool::Pool;
use crate::trace::{Keep, Trace};
use ndarray::{ArrayD, LinalgScalar, ScalarOperand};
use num_traits::{Float, NumAssign};
use std::borrow::Cow;
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
    /// `exp(self)`, to a few units in the last place; in a loop the compiler makes vector code of
    /// it.
    fn exponential(self) -> Self;
    /// `tanh(self)`, likewise.
    fn hyperbolic_tangent(self) -> Self;

    // The numbers as `f32`, where they are: the fast kernels are written for those.

    #[doc(hidden)]
    fn as_f32(values: &[Self]) -> Option<&[f32]>;

    #[doc(hidden)]
    fn as_f32_mut(values: &mut [Self]) -> Option<&mut [f32]>;

    /// Memory that passes in this type use again.
    #[doc(hidden)]
    fn pool() -> Option<&'static Pool<Self>>;

    // The two passes, compiled for each type in this crate and not again in every crate that
    // calls them.

    #[doc(hidden)]
    fn run(
        net: &Network<Self>,
        x: Cow<'_, Tensor<Self>>,
        pass: Pass,
        keep: Keep,
    ) -> Result<Trace<Self>>;

    #[doc(hidden)]
    fn backward(
        trace: &Trace<Self>,
        seeds: Vec<(usize, Tensor<Self>)>,
        to: usize,
        want: Want,
    ) -> (Tensor<Self>, Vec<Tensor<Self>>);
}

/// Runs a pass on a thread of rayon's pool: to enter it from outside costs more than a small layer,
/// so that is done once for all layers.
fn inside<R: Send>(pass: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| pass())
}

macro_rules! real {
    ($type:ty, $erf:path, $exp:path, $tanh:path, $values:ident => $as_f32:expr) => {
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

            #[inline(always)]
            fn exponential(self) -> $type {
                $exp(self)
            }

            #[inline(always)]
            fn hyperbolic_tangent(self) -> $type {
                $tanh(self)
            }

            fn as_f32($values: &[$type]) -> Option<&[f32]> {
                $as_f32
            }

            fn pool() -> Option<&'static Pool<$type>> {
                static POOL: Pool<$type> = Pool::new();
                Some(&POOL)
            }

            fn as_f32_mut($values: &mut [$type]) -> Option<&mut [f32]> {
                $as_f32
            }

            #[inline(never)]
            fn run(
                net: &Network<Self>,
                x: Cow<'_, Tensor<Self>>,
                pass: Pass,
                keep: Keep,
            ) -> Result<Trace<Self>> {
                inside(|| Trace::run(net, x, pass, keep))
            }

            #[inline(never)]
            fn backward(
                trace: &Trace<Self>,
                seeds: Vec<(usize, Tensor<Self>)>,
                to: usize,
                want: Want,
            ) -> (Tensor<Self>, Vec<Tensor<Self>>) {
                inside(|| trace.backward(seeds, to, want))
            }
        }
    };
}

real!(f32, functions::erf, functions::exp, functions::tanh, values => Some(values));
real!(f64, libm::erf, f64::exp, f64::tanh, _values => None);
