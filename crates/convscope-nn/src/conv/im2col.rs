//! Convolution as one matrix product: every patch under the filter becomes a column, the filters
//! are the rows of a matrix, and BLAS does the rest (the lecture's "im2col"; Chellapilla, Puri
//! and Simard 2006).

use super::{Geometry, is_product};
use crate::blas::{Matrix, product};
use crate::error::{NnError, Result};
use crate::real::{Real, Tensor};
use rayon::prelude::*;

/// Images that one task handles: fixed, so that sums do not depend on the number of threads.
const IMAGES_PER_TASK: usize = 4;

/// Writes the patches of one image as columns: `cols[(c, ky, kx), (oy, ox)]`, row by row.
pub fn im2col<F: Real>(g: &Geometry, x: &[F], cols: &mut [F]) {
    each_row(g, |row, c, ky, kx| {
        let row = &mut cols[row * g.positions()..][..g.positions()];
        for (oy, out) in row.chunks_exact_mut(g.output[1]).enumerate() {
            let Some(y) = source(oy, g.stride[0], ky * g.dilation[0], g.pad[0], g.input[0]) else {
                out.fill(F::zero());
                continue;
            };
            let line = &x[(c * g.input[0] + y) * g.input[1]..][..g.input[1]];
            let inside = columns_inside(g, kx);
            out[..inside.start].fill(F::zero());
            out[inside.end..].fill(F::zero());
            if inside.is_empty() {
                continue;
            }
            let first = inside.start * g.stride[1] + kx * g.dilation[1] - g.pad[2];
            if g.stride[1] == 1 {
                let len = inside.len();
                out[inside].copy_from_slice(&line[first..first + len]);
            } else {
                for (o, &v) in out[inside]
                    .iter_mut()
                    .zip(line[first..].iter().step_by(g.stride[1]))
                {
                    *o = v;
                }
            }
        }
    });
}

/// Adds the columns back to the places they came from: the transpose of [`im2col`].
pub fn col2im<F: Real>(g: &Geometry, cols: &[F], x: &mut [F]) {
    each_row(g, |row, c, ky, kx| {
        let row = &cols[row * g.positions()..][..g.positions()];
        let inside = columns_inside(g, kx);
        if inside.is_empty() {
            return;
        }
        let first = inside.start * g.stride[1] + kx * g.dilation[1] - g.pad[2];
        for (oy, out) in row.chunks_exact(g.output[1]).enumerate() {
            let Some(y) = source(oy, g.stride[0], ky * g.dilation[0], g.pad[0], g.input[0]) else {
                continue;
            };
            let line = &mut x[(c * g.input[0] + y) * g.input[1]..][..g.input[1]];
            let out = &out[inside.clone()];
            if g.stride[1] == 1 {
                for (v, &o) in line[first..first + out.len()].iter_mut().zip(out) {
                    *v += o;
                }
            } else {
                for (v, &o) in line[first..].iter_mut().step_by(g.stride[1]).zip(out) {
                    *v += o;
                }
            }
        }
    });
}

fn each_row(g: &Geometry, mut visit: impl FnMut(usize, usize, usize, usize)) {
    let [kh, kw] = g.kernel;
    for c in 0..g.channels {
        for ky in 0..kh {
            for kx in 0..kw {
                visit((c * kh + ky) * kw + kx, c, ky, kx);
            }
        }
    }
}

/// The input row under output row `o` at kernel row `k`, unless it is padding.
fn source(o: usize, stride: usize, k: usize, pad: usize, size: usize) -> Option<usize> {
    (o * stride + k).checked_sub(pad).filter(|&y| y < size)
}

/// The output columns whose input column, at kernel column `kx`, is not padding.
fn columns_inside(g: &Geometry, kx: usize) -> std::ops::Range<usize> {
    let (s, left, w, ow) = (g.stride[1], g.pad[2], g.input[1], g.output[1]);
    let kx = kx * g.dilation[1];
    let start = left.saturating_sub(kx).div_ceil(s).min(ow);
    let end = (w + left).saturating_sub(kx).div_ceil(s).min(ow);
    start..end.max(start)
}

/// Room for the columns of one image.
fn columns<F: Real>(g: &Geometry) -> Vec<F> {
    if is_product(g) {
        Vec::new()
    } else {
        vec![F::zero(); g.patch() * g.positions()]
    }
}

/// One convolution the lecture's way, stride 1 and no padding: `x` is `[N, C, H, W]`, `w` is
/// `[O, C, KH, KW]`, the result `[N, O, H - KH + 1, W - KW + 1]`. For comparing ways; a network picks
/// the fastest by itself.
///
/// # Errors
/// When the shapes do not fit.
pub fn convolve(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let (&[n, c, height, width], &[o, channels, kh, kw]) = (x.shape(), w.shape()) else {
        return Err(NnError::shape(
            "a convolution",
            "images [N, C, H, W] and filters [O, C, KH, KW]",
            &[x.shape(), w.shape()].concat(),
        ));
    };
    if channels != c {
        return Err(NnError::shape(
            "the filters",
            format!("[O, {c}, KH, KW]"),
            w.shape(),
        ));
    }
    let g = Geometry::new(n, c, [height, width], o, [kh, kw], [1, 1], [0; 4])?;
    let (x, w) = (x.as_standard_layout(), w.as_standard_layout());
    let mut y = Tensor::zeros(vec![n, o, g.output[0], g.output[1]]);
    if let (Some(x), Some(w), Some(y)) = (x.as_slice(), w.as_slice(), y.as_slice_mut()) {
        forward(&g, x, w, &vec![0.0; o], y);
    }
    Ok(y)
}

/// The forward pass; see [`direct::forward`](super::direct::forward).
pub fn forward<F: Real>(g: &Geometry, x: &[F], w: &[F], bias: &[F], y: &mut [F]) {
    let filters = Matrix::new(w, g.filters, g.patch());
    y.par_chunks_mut(IMAGES_PER_TASK * g.output_len())
        .zip(x.par_chunks(IMAGES_PER_TASK * g.input_len()))
        .for_each_init(
            || columns(g),
            |cols, (y, x)| {
                for (x, y) in x
                    .chunks_exact(g.input_len())
                    .zip(y.chunks_exact_mut(g.output_len()))
                {
                    for (plane, &b) in y.chunks_exact_mut(g.positions()).zip(bias) {
                        plane.fill(b);
                    }
                    let patches = if is_product(g) {
                        x
                    } else {
                        im2col(g, x, cols);
                        cols.as_slice()
                    };
                    let patches = Matrix::new(patches, g.patch(), g.positions());
                    product(filters, patches, y, true);
                }
            },
        );
}

/// The gradient with respect to the input.
pub fn backward_input<F: Real>(g: &Geometry, dy: &[F], w: &[F], dx: &mut [F]) {
    let filters = Matrix::new(w, g.filters, g.patch());
    dx.par_chunks_mut(IMAGES_PER_TASK * g.input_len())
        .zip(dy.par_chunks(IMAGES_PER_TASK * g.output_len()))
        .for_each_init(
            || columns(g),
            |cols, (dx, dy)| {
                for (dx, dy) in dx
                    .chunks_exact_mut(g.input_len())
                    .zip(dy.chunks_exact(g.output_len()))
                {
                    let dy = Matrix::new(dy, g.filters, g.positions());
                    if is_product(g) {
                        product(filters.t(), dy, dx, false);
                    } else {
                        product(filters.t(), dy, cols, false);
                        dx.fill(F::zero());
                        col2im(g, cols, dx);
                    }
                }
            },
        );
}

/// The gradient with respect to the weights.
pub fn backward_weight<F: Real>(g: &Geometry, x: &[F], dy: &[F], dw: &mut [F]) {
    let parts: Vec<Vec<F>> = x
        .par_chunks(IMAGES_PER_TASK * g.input_len())
        .zip(dy.par_chunks(IMAGES_PER_TASK * g.output_len()))
        .map_init(
            || columns(g),
            |cols, (x, dy)| {
                let mut dw = vec![F::zero(); g.filters * g.patch()];
                for (x, dy) in x
                    .chunks_exact(g.input_len())
                    .zip(dy.chunks_exact(g.output_len()))
                {
                    let patches = if is_product(g) {
                        x
                    } else {
                        im2col(g, x, cols);
                        cols.as_slice()
                    };
                    let patches = Matrix::new(patches, g.patch(), g.positions());
                    product(
                        Matrix::new(dy, g.filters, g.positions()),
                        patches.t(),
                        &mut dw,
                        true,
                    );
                }
                dw
            },
        )
        .collect();
    // In order, so that the sum has the same bits every time.
    dw.fill(F::zero());
    for part in parts {
        for (sum, more) in dw.iter_mut().zip(part) {
            *sum += more;
        }
    }
}
