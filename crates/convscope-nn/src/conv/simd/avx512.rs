//! AVX-512: sixteen numbers at a time.

use super::Simd;
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub(crate) struct Avx512;

/// Lanes `from..to`.
#[inline(always)]
fn mask(from: usize, to: usize) -> __mmask16 {
    let below_to = (1u32 << to.min(16)) - 1;
    let below_from = (1u32 << from.min(16)) - 1;
    (below_to & !below_from) as __mmask16
}

// SAFETY (throughout): the processor has AVX-512F and pointers are valid for what is read or
// written, as the trait asks.
impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const VECTORS: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> __m512 {
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        unsafe { _mm512_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn load_part(p: *const f32, from: usize, to: usize) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(mask(from, to), p) }
    }

    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: __m512, to: usize) {
        unsafe { _mm512_mask_storeu_ps(p, mask(0, to), v) }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn sum(v: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(v) }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        unsafe {
            // Pairs of rows, then fours within 128-bit quarters, then the quarters themselves.
            let mut t = [_mm512_setzero_ps(); 16];
            for i in 0..8 {
                let a = _mm512_loadu_ps(from.add(2 * i * from_step));
                let b = _mm512_loadu_ps(from.add((2 * i + 1) * from_step));
                t[2 * i] = _mm512_unpacklo_ps(a, b);
                t[2 * i + 1] = _mm512_unpackhi_ps(a, b);
            }
            // q[4 g + c]: rows 4g..4g+4 of columns c, 4 + c, 8 + c, 12 + c.
            let mut q = [_mm512_setzero_ps(); 16];
            for g in 0..4 {
                for i in 0..2 {
                    let a = _mm512_castps_pd(t[4 * g + i]);
                    let b = _mm512_castps_pd(t[4 * g + i + 2]);
                    q[4 * g + 2 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                    q[4 * g + 2 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
                }
            }
            for c in 0..4 {
                let a = _mm512_shuffle_f32x4::<0x88>(q[c], q[4 + c]);
                let b = _mm512_shuffle_f32x4::<0xdd>(q[c], q[4 + c]);
                let d = _mm512_shuffle_f32x4::<0x88>(q[8 + c], q[12 + c]);
                let e = _mm512_shuffle_f32x4::<0xdd>(q[8 + c], q[12 + c]);
                let columns = [
                    _mm512_shuffle_f32x4::<0x88>(a, d),
                    _mm512_shuffle_f32x4::<0x88>(b, e),
                    _mm512_shuffle_f32x4::<0xdd>(a, d),
                    _mm512_shuffle_f32x4::<0xdd>(b, e),
                ];
                for (i, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(to.add((4 * i + c) * to_step), column);
                }
            }
        }
    }
}
