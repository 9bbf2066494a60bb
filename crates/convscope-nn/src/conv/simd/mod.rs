//! Vectors of numbers for the fast convolution kernels: AVX-512, AVX2 or plain Rust, chosen when
//! the program runs.
//!
//! A kernel is written once, generic over [`Simd`], and marked `#[inline(always)]` down to the last
//! helper, so that the whole of it is compiled inside one function that has the processor's
//! instructions switched on (see [`dispatch`]).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

use std::sync::OnceLock;

/// The most lanes any vector here has.
pub(crate) const MAX_LANES: usize = 16;

/// One vector register's worth of `f32`.
///
/// # Safety
/// The functions may only run on a processor that has the instructions, and pointers must be valid
/// for as many numbers as the function reads or writes.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    type V: Copy;
    /// Numbers in one vector.
    const LANES: usize;
    /// Vectors in a row of the block of a product that fits the registers.
    const VECTORS: usize;

    unsafe fn zero() -> Self::V;
    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    /// Reads lanes `from..to` at `p + lane`, zero elsewhere; nothing else is touched.
    unsafe fn load_part(p: *const f32, from: usize, to: usize) -> Self::V;
    /// Writes lanes `0..to` only.
    unsafe fn store_part(p: *mut f32, v: Self::V, to: usize);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a b + c`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    unsafe fn sum(v: Self::V) -> f32;
    /// Transposes a square of `LANES` vectors that stand in memory at `from + i from_step`, to
    /// `to + i to_step`.
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize);
}

/// Which instructions the kernels use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// 16 numbers at a time (x86-64 with AVX-512 F, VL, BW and DQ).
    Avx512,
    /// 8 numbers at a time (x86-64 with AVX2 and FMA).
    Avx2,
    /// Whatever the compiler makes of plain Rust.
    Portable,
}

impl Instructions {
    /// The best this processor has.
    pub fn detect() -> Instructions {
        static FOUND: OnceLock<Instructions> = OnceLock::new();
        *FOUND.get_or_init(|| Instructions::available()[0])
    }

    /// All that this processor has, the best first.
    pub fn available() -> Vec<Instructions> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
            {
                all.push(Instructions::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Instructions::Avx2);
            }
        }
        all.push(Instructions::Portable);
        all
    }
}

/// Calls a kernel with the instructions asked for. `$kernel` is an `unsafe fn` with one type
/// parameter, the `Simd`.
macro_rules! dispatch {
    ($instructions:expr, $kernel:ident($($arg:ident: $ty:ty),* $(,)?)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        unsafe fn avx512($($arg: $ty),*) {
            // SAFETY: passed on to the caller.
            unsafe { $kernel::<crate::conv::simd::Avx512>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2($($arg: $ty),*) {
            // SAFETY: passed on to the caller.
            unsafe { $kernel::<crate::conv::simd::Avx2>($($arg),*) }
        }
        match $instructions {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Instructions` names only what the processor has; the rest is the caller's.
            crate::conv::simd::Instructions::Avx512 => unsafe { avx512($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            crate::conv::simd::Instructions::Avx2 => unsafe { avx2($($arg),*) },
            // SAFETY: plain Rust runs anywhere; the rest is the caller's.
            _ => unsafe { $kernel::<crate::conv::simd::Portable>($($arg),*) },
        }
    }};
}
pub(crate) use dispatch;

/// Runs a loop compiled for this processor: what is inlined into it may use all of its
/// instructions. (The same sums in the same order: only the registers are wider.)
pub(crate) fn with_all_instructions<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    unsafe fn avx512<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
    match Instructions::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has them, see `Instructions::available`.
        Instructions::Avx512 => unsafe { avx512(f) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Instructions::Avx2 => unsafe { avx2(f) },
        _ => f(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(always)]
    unsafe fn works<S: Simd>(failures: &mut Vec<String>) {
        let n = S::LANES;
        let from: Vec<f32> = (0..n * (n + 3)).map(|i| i as f32).collect();
        let mut to = vec![0.0; n * (n + 5)];
        // SAFETY: both hold n vectors at these steps.
        unsafe { S::transpose(from.as_ptr(), n + 3, to.as_mut_ptr(), n + 5) };
        for i in 0..n {
            for j in 0..n {
                if to[i * (n + 5) + j] != from[j * (n + 3) + i] {
                    failures.push(format!("transposed {i} {j}"));
                }
            }
        }
        for a in 0..=n {
            for b in a..=n {
                let mut out = vec![-1.0; n];
                // SAFETY: n numbers each.
                unsafe {
                    let v = S::load_part(from.as_ptr(), a, b);
                    S::store(out.as_mut_ptr(), v);
                    if S::sum(v) != out.iter().sum::<f32>() {
                        failures.push(format!("sum of {a}..{b}"));
                    }
                }
                let expected: Vec<f32> = (0..n)
                    .map(|i| if (a..b).contains(&i) { i as f32 } else { 0.0 })
                    .collect();
                if out != expected {
                    failures.push(format!("part {a}..{b}: {out:?}"));
                }
            }
            let mut out = vec![-1.0; n];
            // SAFETY: n numbers each.
            unsafe { S::store_part(out.as_mut_ptr(), S::load(from.as_ptr()), a) };
            let expected: Vec<f32> = (0..n)
                .map(|i| if i < a { i as f32 } else { -1.0 })
                .collect();
            if out != expected {
                failures.push(format!("stored {a}: {out:?}"));
            }
        }
    }

    #[test]
    fn parts_sums_and_transposes_are_right_with_every_instruction_set() {
        for instructions in Instructions::available() {
            let mut failures = Vec::new();
            let out = &mut failures;
            dispatch!(instructions, works(out: &mut Vec<String>));
            assert!(failures.is_empty(), "{instructions:?}: {failures:?}");
        }
    }
}
