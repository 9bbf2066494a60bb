//! Where the numbers of a band of an image stand in its padded copy.

use crate::conv::simd::{Instructions, Simd, dispatch};
use crate::conv::{Geometry, is_product};

/// Numbers that may be read beyond the end.
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
        let phase = [height, width];
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

    /// Copies the band under the result's rows from `first` on, zeros around it and at the end.
    pub(super) fn fill(&self, g: &Geometry, image: &[f32], first: usize, to: &mut [f32]) {
        assert!(image.len() == g.input_len() && to.len() >= self.band);
        to.fill(0.0);
        let (layout, band) = (self, to.as_mut_ptr());
        dispatch!(
            Instructions::detect(),
            copy_band(layout: &Layout, g: &Geometry, image: &[f32], first: usize, band: *mut f32)
        );
    }
}

#[inline(always)]
unsafe fn copy_band<S: Simd>(
    layout: &Layout,
    g: &Geometry,
    image: &[f32],
    first: usize,
    band: *mut f32,
) {
    let [height, width] = g.input;
    for phase in 0..g.stride[0] * g.stride[1] {
        let (py, px) = (phase / g.stride[1], phase % g.stride[1]);
        // Column q of this phase is column q stride + phase - pad of the image.
        let left = g.pad[2].saturating_sub(px).div_ceil(g.stride[1]);
        let start = left * g.stride[1] + px - g.pad[2];
        let count = width.saturating_sub(start).div_ceil(g.stride[1]);
        let count = count.min(layout.phase[1].saturating_sub(left));
        if count == 0 {
            continue;
        }
        for q in 0..layout.phase[0] {
            let y = ((first + q) * g.stride[0] + py).wrapping_sub(g.pad[0]);
            if y >= height {
                continue;
            }
            for c in 0..g.channels {
                let line = &image[(c * height + y) * width..][start..width];
                let to =
                    c * layout.channel + (phase * layout.phase[0] + q) * layout.phase[1] + left;
                // SAFETY: a row of the band, and no more columns than the image has.
                unsafe {
                    let (from, to) = (line.as_ptr(), band.add(to));
                    if g.stride[1] == 1 {
                        copy_row::<S>(from, to, count);
                    } else {
                        for i in 0..count {
                            *to.add(i) = *from.add(i * g.stride[1]);
                        }
                    }
                }
            }
        }
    }
}

/// (For a few numbers a call of the system's copy is slow.)
#[inline(always)]
unsafe fn copy_row<S: Simd>(from: *const f32, to: *mut f32, count: usize) {
    // SAFETY: the caller's rows hold so many numbers.
    unsafe {
        let whole = count / S::LANES * S::LANES;
        for i in (0..whole).step_by(S::LANES) {
            S::store(to.add(i), S::load(from.add(i)));
        }
        let rest = count - whole;
        if rest > 0 {
            let numbers = S::load_part(from.add(whole), 0, rest);
            S::store_part(to.add(whole), numbers, rest);
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
