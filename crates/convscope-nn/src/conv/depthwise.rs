//! A filter for every channel: no sum over channels, so nothing for a matrix product to do. Row by
//! row, tap by tap, over numbers that stand beside each other.

use super::Geometry;
use crate::real::Real;
use rayon::prelude::*;
use std::ops::Range;

/// One filter a channel.
pub(super) fn fits(g: &Geometry) -> bool {
    g.groups == g.channels && g.groups == g.filters
}

/// Output columns whose input column under a tap is no padding, and the first one's input column.
fn columns(g: &Geometry, kx: usize) -> (Range<usize>, usize) {
    let (s, reach) = (g.stride[1], kx * g.dilation[1]);
    let first = g.pad[2].saturating_sub(reach).div_ceil(s).min(g.output[1]);
    let last = (g.input[1] + g.pad[2]).saturating_sub(reach).div_ceil(s);
    let last = last.min(g.output[1]).max(first);
    (first..last, (first * s + reach).saturating_sub(g.pad[2]))
}

/// The input row under an output row and a tap, unless it is padding.
fn row(g: &Geometry, oy: usize, ky: usize) -> Option<usize> {
    (oy * g.stride[0] + ky * g.dilation[0])
        .checked_sub(g.pad[0])
        .filter(|&y| y < g.input[0])
}

/// Calls `visit` with the tap, the output columns, and the first input column and row, for every
/// row and tap of a plane.
fn rows(g: &Geometry, mut visit: impl FnMut(usize, usize, Range<usize>, usize, usize)) {
    let [kh, kw] = g.kernel;
    for oy in 0..g.output[0] {
        for ky in 0..kh {
            let Some(y) = row(g, oy, ky) else { continue };
            for kx in 0..kw {
                let (out, x) = columns(g, kx);
                if !out.is_empty() {
                    visit(ky * kw + kx, oy, out, y, x);
                }
            }
        }
    }
}

pub(super) fn forward<F: Real>(g: &Geometry, x: &[F], w: &[F], bias: &[F], y: &mut [F]) {
    let (plane, taps, s) = (g.input[0] * g.input[1], w.len() / g.channels, g.stride[1]);
    y.par_chunks_mut(g.positions())
        .zip(x.par_chunks(plane))
        .enumerate()
        .for_each(|(i, (y, x))| {
            let c = i % g.channels;
            let w = &w[c * taps..][..taps];
            y.fill(bias[c]);
            rows(g, |tap, oy, out, iy, ix| {
                let to = &mut y[oy * g.output[1]..][out];
                let from = &x[iy * g.input[1] + ix..];
                add(to, from, s, w[tap]);
            });
        });
}

/// `to[i] += from[i s] w`.
fn add<F: Real>(to: &mut [F], from: &[F], s: usize, w: F) {
    if s == 1 {
        for (t, &f) in to.iter_mut().zip(from) {
            *t += w * f;
        }
    } else {
        for (t, &f) in to.iter_mut().zip(from.iter().step_by(s)) {
            *t += w * f;
        }
    }
}

pub(super) fn backward_input<F: Real>(g: &Geometry, dy: &[F], w: &[F], dx: &mut [F]) {
    let (plane, taps, s) = (g.input[0] * g.input[1], w.len() / g.channels, g.stride[1]);
    dx.par_chunks_mut(plane)
        .zip(dy.par_chunks(g.positions()))
        .enumerate()
        .for_each(|(i, (dx, dy))| {
            let w = &w[i % g.channels * taps..][..taps];
            dx.fill(F::zero());
            rows(g, |tap, oy, out, iy, ix| {
                let from = &dy[oy * g.output[1]..][out];
                let to = &mut dx[iy * g.input[1] + ix..];
                for (t, &f) in to.iter_mut().step_by(s).zip(from) {
                    *t += w[tap] * f;
                }
            });
        });
}

pub(super) fn backward_weight<F: Real>(g: &Geometry, x: &[F], dy: &[F], dw: &mut [F]) {
    let (plane, taps, s) = (g.input[0] * g.input[1], dw.len() / g.channels, g.stride[1]);
    dw.par_chunks_mut(taps).enumerate().for_each(|(c, dw)| {
        dw.fill(F::zero());
        let xs = x.chunks_exact(plane).skip(c).step_by(g.channels);
        let dys = dy.chunks_exact(g.positions()).skip(c).step_by(g.channels);
        for (x, dy) in xs.zip(dys) {
            rows(g, |tap, oy, out, iy, ix| {
                let d = &dy[oy * g.output[1]..][out];
                let line = &x[iy * g.input[1] + ix..];
                dw[tap] += dot(d, line, s);
            });
        }
    });
}

/// The sum of `d[i] line[i s]`, in lanes.
fn dot<F: Real>(d: &[F], line: &[F], s: usize) -> F {
    let mut lanes = [F::zero(); 16];
    for (i, d) in d.chunks(lanes.len()).enumerate() {
        let line = &line[i * lanes.len() * s..];
        if s == 1 {
            for ((lane, &d), &v) in lanes.iter_mut().zip(d).zip(line) {
                *lane += d * v;
            }
        } else {
            for ((lane, &d), &v) in lanes.iter_mut().zip(d).zip(line.iter().step_by(s)) {
                *lane += d * v;
            }
        }
    }
    lanes.into_iter().sum()
}
