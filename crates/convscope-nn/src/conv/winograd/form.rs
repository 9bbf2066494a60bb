//! The two forms of Winograd's minimal filtering for 3x3 filters, one dimension at a time
//! (Lavin and Gray 2016, sections 4.1 and 4.3): with `BᵀdB` for a tile of the input, `GgGᵀ` for
//! the filter and `AᵀmA` for the result, a tile of the output is `Aᵀ[(GgGᵀ) ⊙ (BᵀdB)]A`.

use crate::conv::simd::Simd;

/// The widest tile.
pub(super) const WIDEST: usize = 6;

/// A form: the sizes of its tiles and its five transforms. Arrays are as long as the widest form
/// needs; the rest is ignored.
pub(super) trait Form {
    /// Side of a tile of the input, and of the output.
    const IN: usize;
    const OUT: usize;

    /// `Bᵀ d`.
    unsafe fn input<S: Simd>(d: [S::V; 6]) -> [S::V; 6];
    /// `G g`.
    unsafe fn filter<S: Simd>(g: [S::V; 3]) -> [S::V; 6];
    /// `Aᵀ m`.
    unsafe fn output<S: Simd>(m: [S::V; 6]) -> [S::V; 4];
    /// `A y`: where the output's gradient goes.
    unsafe fn spread<S: Simd>(y: [S::V; 4]) -> [S::V; 6];
    /// `Gᵀ u`: where the filter's gradient comes from.
    unsafe fn gather<S: Simd>(u: [S::V; 6]) -> [S::V; 3];
}

/// F(4x4, 3x3): 36 products for 16 outputs of 9 terms, a quarter of the direct sum's.
pub(super) struct F4;

/// F(2x2, 3x3): 16 products for 4 outputs; more of them, and less rounding.
pub(super) struct F2;

// SAFETY (throughout): arithmetic on registers, with the instructions that the caller vouches for.
impl Form for F4 {
    const IN: usize = 6;
    const OUT: usize = 4;

    #[inline(always)]
    unsafe fn input<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
        unsafe {
            let (two, four, five) = (S::splat(2.0), S::splat(4.0), S::splat(-5.0));
            let minus_four = S::splat(-4.0);
            let even = S::fma(minus_four, d[2], d[4]);
            let odd = S::fma(minus_four, d[1], d[3]);
            let near = S::sub(d[4], d[2]);
            let step = S::mul(two, S::sub(d[3], d[1]));
            [
                S::fma(four, d[0], S::fma(five, d[2], d[4])),
                S::add(even, odd),
                S::sub(even, odd),
                S::add(near, step),
                S::sub(near, step),
                S::fma(four, d[1], S::fma(five, d[3], d[5])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn filter<S: Simd>(g: [S::V; 3]) -> [S::V; 6] {
        unsafe {
            let ends = S::mul(S::splat(-1.0 / 6.0), S::add(g[0], g[2]));
            let middle = S::mul(S::splat(-1.0 / 6.0), g[1]);
            let far = S::fma(
                S::splat(1.0 / 24.0),
                g[0],
                S::mul(S::splat(1.0 / 6.0), g[2]),
            );
            let half = S::mul(S::splat(1.0 / 12.0), g[1]);
            [
                S::mul(S::splat(0.25), g[0]),
                S::add(ends, middle),
                S::sub(ends, middle),
                S::add(far, half),
                S::sub(far, half),
                g[2],
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<S: Simd>(m: [S::V; 6]) -> [S::V; 4] {
        unsafe {
            let (a, b) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
            let (c, d) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
            [
                S::add(m[0], S::add(a, c)),
                S::fma(S::splat(2.0), d, b),
                S::fma(S::splat(4.0), c, a),
                S::add(S::fma(S::splat(8.0), d, b), m[5]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn spread<S: Simd>(y: [S::V; 4]) -> [S::V; 6] {
        unsafe {
            let (even, odd) = (S::add(y[0], y[2]), S::add(y[1], y[3]));
            let far_even = S::fma(S::splat(4.0), y[2], y[0]);
            let far_odd = S::mul(S::splat(2.0), S::fma(S::splat(4.0), y[3], y[1]));
            [
                y[0],
                S::add(even, odd),
                S::sub(even, odd),
                S::add(far_even, far_odd),
                S::sub(far_even, far_odd),
                y[3],
            ]
        }
    }

    #[inline(always)]
    unsafe fn gather<S: Simd>(u: [S::V; 6]) -> [S::V; 3] {
        unsafe {
            let near = S::mul(S::splat(-1.0 / 6.0), S::add(u[1], u[2]));
            let far = S::add(u[3], u[4]);
            let slope = S::mul(S::splat(1.0 / 6.0), S::sub(u[2], u[1]));
            [
                S::fma(
                    S::splat(1.0 / 24.0),
                    far,
                    S::fma(S::splat(0.25), u[0], near),
                ),
                S::fma(S::splat(1.0 / 12.0), S::sub(u[3], u[4]), slope),
                S::add(S::fma(S::splat(1.0 / 6.0), far, near), u[5]),
            ]
        }
    }
}

impl Form for F2 {
    const IN: usize = 4;
    const OUT: usize = 2;

    #[inline(always)]
    unsafe fn input<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
        unsafe {
            [
                S::sub(d[0], d[2]),
                S::add(d[1], d[2]),
                S::sub(d[2], d[1]),
                S::sub(d[1], d[3]),
                d[4],
                d[5],
            ]
        }
    }

    #[inline(always)]
    unsafe fn filter<S: Simd>(g: [S::V; 3]) -> [S::V; 6] {
        unsafe {
            let ends = S::mul(S::splat(0.5), S::add(g[0], g[2]));
            let middle = S::mul(S::splat(0.5), g[1]);
            let zero = S::zero();
            [
                g[0],
                S::add(ends, middle),
                S::sub(ends, middle),
                g[2],
                zero,
                zero,
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<S: Simd>(m: [S::V; 6]) -> [S::V; 4] {
        unsafe {
            let zero = S::zero();
            [
                S::add(m[0], S::add(m[1], m[2])),
                S::sub(S::sub(m[1], m[2]), m[3]),
                zero,
                zero,
            ]
        }
    }

    #[inline(always)]
    unsafe fn spread<S: Simd>(y: [S::V; 4]) -> [S::V; 6] {
        unsafe {
            let zero = S::zero();
            [
                y[0],
                S::add(y[0], y[1]),
                S::sub(y[0], y[1]),
                S::sub(zero, y[1]),
                zero,
                zero,
            ]
        }
    }

    #[inline(always)]
    unsafe fn gather<S: Simd>(u: [S::V; 6]) -> [S::V; 3] {
        unsafe {
            let half = S::mul(S::splat(0.5), S::add(u[1], u[2]));
            [
                S::add(u[0], half),
                S::mul(S::splat(0.5), S::sub(u[1], u[2])),
                S::add(half, u[3]),
            ]
        }
    }
}
