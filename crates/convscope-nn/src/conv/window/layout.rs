//! Where the numbers of a band of an image stand in its padded copy.

use crate::conv::{Geometry, is_product};

/// Numbers that may be read beyond the right edge.
pub(super) const EDGE: usize = 16;

/// Where things stand in the padded copy of a band of an image: the rows under some rows of the
/// result.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Height and width of one phase of a channel.
    pub(super) phase: [usize; 2],
    /// Numbers of one channel, all phases.
    pub(super) channel: usize,
    /// Numbers of the band.
    pub(super) band: usize,
}

impl Layout {
    /// For bands under this many rows of the result.
    pub(super) fn new(g: &Geometry, rows: usize) -> Layout {
        if is_product(g) {
            // The image is its own padded copy.
            return Layout {
                phase: g.output,
                channel: g.positions(),
                band: g.input_len(),
            };
        }
        let height = rows + (g.kernel[0] - 1) * g.dilation[0] / g.stride[0];
        let width = (g.input[1] + g.pad[2] + g.pad[3]).div_ceil(g.stride[1]);
        // A vector's worth on the right, so that whole vectors may be read at the edge.
        let phase = [height, width + EDGE];
        let channel = phase[0] * phase[1] * g.stride[0] * g.stride[1];
        Layout {
            phase,
            channel,
            band: channel * g.channels,
        }
    }

    /// Where the tap at row `ky`, column `kx` of a channel begins.
    fn tap(&self, g: &Geometry, ky: usize, kx: usize) -> usize {
        let (y, x) = (ky * g.dilation[0], kx * g.dilation[1]);
        let phase = (y % g.stride[0]) * g.stride[1] + x % g.stride[1];
        phase * self.phase[0] * self.phase[1] + (y / g.stride[0]) * self.phase[1] + x / g.stride[1]
    }

    /// Copies the band under the result's rows from `first` on, zeros around it.
    pub(super) fn fill(&self, g: &Geometry, image: &[f32], first: usize, to: &mut [f32]) {
        let planes = image.chunks_exact(g.input[0] * g.input[1]);
        for (x, to) in planes.zip(to.chunks_exact_mut(self.channel)) {
            let phases = to.chunks_exact_mut(self.phase[0] * self.phase[1]);
            for (phase, plane) in phases.enumerate() {
                let (py, px) = (phase / g.stride[1], phase % g.stride[1]);
                for (q, row) in plane.chunks_exact_mut(self.phase[1]).enumerate() {
                    let y = ((first + q) * g.stride[0] + py).checked_sub(g.pad[0]);
                    match y.filter(|&y| y < g.input[0]) {
                        Some(y) => fill_row(g, &x[y * g.input[1]..][..g.input[1]], px, row),
                        None => row.fill(0.0),
                    }
                }
            }
        }
        // Numbers read beyond the end may meet zeros, which would make a NaN of a NaN.
        to[self.band..].fill(0.0);
    }
}

/// Columns of one phase of a row.
fn fill_row(g: &Geometry, line: &[f32], phase: usize, row: &mut [f32]) {
    let stride = g.stride[1];
    // Column q of this phase is column q stride + phase - pad of the image.
    let first = g.pad[2].saturating_sub(phase).div_ceil(stride);
    let start = first * stride + phase - g.pad[2];
    let count = line.len().saturating_sub(start).div_ceil(stride);
    let last = (first + count).min(row.len());
    row[..first].fill(0.0);
    row[last..].fill(0.0);
    let inside = &mut row[first..last];
    if stride == 1 {
        let count = inside.len();
        inside.copy_from_slice(&line[start..start + count]);
    } else {
        for (o, &v) in inside.iter_mut().zip(line[start..].iter().step_by(stride)) {
            *o = v;
        }
    }
}

pub(super) fn taps(g: &Geometry, layout: &Layout) -> Vec<usize> {
    let [kh, kw] = g.kernel;
    (0..g.patch())
        .map(|j| {
            let (c, k) = (j / (kh * kw), j % (kh * kw));
            c * layout.channel + layout.tap(g, k / kw, k % kw)
        })
        .collect()
}

/// A convolution that is a product, as one of images with a single row: no vector of positions is
/// cut short but the last.
pub(super) fn flat(g: &Geometry) -> Option<Geometry> {
    is_product(g).then(|| Geometry {
        input: [1, g.positions()],
        output: [1, g.positions()],
        ..*g
    })
}
