//! Eight numbers in an array.

use super::Simd;

const N: usize = 8;

#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> [f32; N] {
    std::array::from_fn(f)
}

// SAFETY (throughout): pointers are valid for what is read or written, as the trait asks.
impl Simd for Portable {
    type V = [f32; N];
    const LANES: usize = N;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> [f32; N] {
        [0.0; N]
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> [f32; N] {
        [x; N]
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> [f32; N] {
        unsafe { p.cast::<[f32; N]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: [f32; N]) {
        unsafe { p.cast::<[f32; N]>().write_unaligned(v) }
    }

    #[inline(always)]
    unsafe fn load_part(p: *const f32, from: usize, to: usize) -> [f32; N] {
        each(|i| {
            if i >= from && i < to {
                unsafe { *p.wrapping_add(i) }
            } else {
                0.0
            }
        })
    }

    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: [f32; N], to: usize) {
        for (i, v) in v.into_iter().enumerate().take(to) {
            unsafe { *p.add(i) = v }
        }
    }

    #[inline(always)]
    unsafe fn add(a: [f32; N], b: [f32; N]) -> [f32; N] {
        each(|i| a[i] + b[i])
    }

    #[inline(always)]
    unsafe fn sub(a: [f32; N], b: [f32; N]) -> [f32; N] {
        each(|i| a[i] - b[i])
    }

    #[inline(always)]
    unsafe fn mul(a: [f32; N], b: [f32; N]) -> [f32; N] {
        each(|i| a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn fma(a: [f32; N], b: [f32; N], c: [f32; N]) -> [f32; N] {
        // Not `mul_add`: without the instruction it is a library call.
        each(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    unsafe fn sum(v: [f32; N]) -> f32 {
        v.iter().sum()
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        for i in 0..N {
            for j in 0..N {
                unsafe { *to.add(i * to_step + j) = *from.add(j * from_step + i) }
            }
        }
    }
}
