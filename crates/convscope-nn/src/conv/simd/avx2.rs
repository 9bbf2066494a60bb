//! AVX2 with FMA: eight numbers at a time.

use super::Simd;
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// All bits set in lanes `from..to`.
#[inline(always)]
unsafe fn mask(from: usize, to: usize) -> __m256i {
    // SAFETY: only called from functions whose caller has AVX2.
    unsafe {
        let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let from = _mm256_set1_epi32(from.min(8) as i32 - 1);
        let to = _mm256_set1_epi32(to.min(8) as i32);
        _mm256_and_si256(_mm256_cmpgt_epi32(lane, from), _mm256_cmpgt_epi32(to, lane))
    }
}

// SAFETY (throughout): the processor has AVX2 and FMA, and pointers are valid for what is read or
// written, as the trait asks.
impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn zero() -> __m256 {
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m256) {
        unsafe { _mm256_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn load_part(p: *const f32, from: usize, to: usize) -> __m256 {
        unsafe { _mm256_maskload_ps(p, mask(from, to)) }
    }

    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: __m256, to: usize) {
        unsafe { _mm256_maskstore_ps(p, mask(0, to), v) }
    }

    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn sum(v: __m256) -> f32 {
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        unsafe {
            let mut t = [_mm256_setzero_ps(); 8];
            for i in 0..4 {
                let a = _mm256_loadu_ps(from.add(2 * i * from_step));
                let b = _mm256_loadu_ps(from.add((2 * i + 1) * from_step));
                t[2 * i] = _mm256_unpacklo_ps(a, b);
                t[2 * i + 1] = _mm256_unpackhi_ps(a, b);
            }
            let mut q = [_mm256_setzero_ps(); 8];
            for g in 0..2 {
                for i in 0..2 {
                    let a = _mm256_castps_pd(t[4 * g + i]);
                    let b = _mm256_castps_pd(t[4 * g + i + 2]);
                    q[4 * g + 2 * i] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
                    q[4 * g + 2 * i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
                }
            }
            for c in 0..4 {
                let low = _mm256_permute2f128_ps::<0x20>(q[c], q[4 + c]);
                let high = _mm256_permute2f128_ps::<0x31>(q[c], q[4 + c]);
                _mm256_storeu_ps(to.add(c * to_step), low);
                _mm256_storeu_ps(to.add((4 + c) * to_step), high);
            }
        }
    }
}
