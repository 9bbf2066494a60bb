//! Convolution as the plain sum of its definition: slow, obvious, and what the fast ways are
//! tested against.

use super::Geometry;
use crate::real::Real;

/// Calls `visit(output index, weight index, input index)` for every product in the convolution
/// of one image; places in the padding are left out, since they multiply by zero.
fn every_product(g: &Geometry, mut visit: impl FnMut(usize, usize, usize)) {
    let ([h, w], [kh, kw], [oh, ow]) = (g.input, g.kernel, g.output);
    // A filter sees the channels of its own group.
    let (channels, filters) = (g.channels / g.groups, g.filters / g.groups);
    for f in 0..g.filters {
        let first = f / filters * channels;
        for oy in 0..oh {
            for ox in 0..ow {
                for c in 0..channels {
                    for ky in 0..kh {
                        for kx in 0..kw {
                            let y = oy * g.stride[0] + ky * g.dilation[0];
                            let x = ox * g.stride[1] + kx * g.dilation[1];
                            if y < g.pad[0] || x < g.pad[2] {
                                continue;
                            }
                            let (y, x) = (y - g.pad[0], x - g.pad[2]);
                            if y < h && x < w {
                                visit(
                                    (f * oh + oy) * ow + ox,
                                    ((f * channels + c) * kh + ky) * kw + kx,
                                    ((first + c) * h + y) * w + x,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `y[n, f, oy, ox] = bias[f] + sum over c, ky, kx of w[f, c, ky, kx] x[n, c, oy S + ky D - P, ox S + kx D - P]`,
/// with stride `S`, dilation `D` and padding `P`; a filter of one of several groups sums over its
/// group's channels.
pub fn forward<F: Real>(g: &Geometry, x: &[F], w: &[F], bias: &[F], y: &mut [F]) {
    for (x, y) in x
        .chunks_exact(g.input_len())
        .zip(y.chunks_exact_mut(g.output_len()))
    {
        for (plane, &b) in y.chunks_exact_mut(g.positions()).zip(bias) {
            plane.fill(b);
        }
        every_product(g, |o, k, i| y[o] += w[k] * x[i]);
    }
}

/// The gradient with respect to the input, given that with respect to the output.
pub fn backward_input<F: Real>(g: &Geometry, dy: &[F], w: &[F], dx: &mut [F]) {
    dx.fill(F::zero());
    for (dx, dy) in dx
        .chunks_exact_mut(g.input_len())
        .zip(dy.chunks_exact(g.output_len()))
    {
        every_product(g, |o, k, i| dx[i] += w[k] * dy[o]);
    }
}

/// The gradients with respect to the weights and the bias.
pub fn backward_weight<F: Real>(g: &Geometry, x: &[F], dy: &[F], dw: &mut [F], db: &mut [F]) {
    dw.fill(F::zero());
    db.fill(F::zero());
    for (x, dy) in x
        .chunks_exact(g.input_len())
        .zip(dy.chunks_exact(g.output_len()))
    {
        for (plane, b) in dy.chunks_exact(g.positions()).zip(db.iter_mut()) {
            *b += plane.iter().copied().sum();
        }
        every_product(g, |o, k, i| dw[k] += x[i] * dy[o]);
    }
}
