//! The gradient with respect to the input, as convolutions of the output's gradient at stride 1.
//!
//! With `K` taps at steps of `S` and `P` zeros before the image, position `u` of the image met tap
//! `k` in output `o` where `o S + k - P = u`. Write `u + P = m S + r`: then `k = r + t S` and
//! `o = m - t`. So all positions of one *phase* `r` are a convolution at stride 1 with every `S`-th
//! tap, in turned order and with the roles of channels and filters exchanged. At stride 1 there is
//! one phase.

use super::forward;
use crate::conv::Geometry;
use crate::conv::scratch::Scratch;
use crate::conv::simd::Instructions;
use rayon::prelude::*;

/// With fewer channels than this all phases are one convolution: as many filters fill the registers,
/// and the output's gradient is read once. With more, the taps that some phases lack would cost.
const FEW: usize = 16;

/// The positions of one phase along one axis.
#[derive(Clone, Copy)]
struct Phase {
    /// The remainder `r`.
    rest: usize,
    /// The first `m`, and one beyond the last.
    from: usize,
    to: usize,
    /// Taps that meet these positions.
    taps: usize,
}

/// Phases along one axis that are computed together.
struct Together {
    phases: Vec<Phase>,
    taps: usize,
    /// The first `m` of any of them, and how many there are.
    from: usize,
    count: usize,
    /// Zeros before and after the output's gradient.
    pad: [usize; 2],
}

impl Together {
    /// `None` where the gradient would have to be cut instead of padded.
    fn new(g: &Geometry, axis: usize, phases: &[Phase]) -> Option<Together> {
        let taps = phases.iter().map(|p| p.taps).max()?;
        let from = phases.iter().map(|p| p.from).min()?;
        let to = phases.iter().map(|p| p.to).max()?;
        let before = ((taps - 1) * g.dilation[axis]).checked_sub(from)?;
        Some(Together {
            phases: phases.to_vec(),
            taps,
            from,
            count: to - from,
            pad: [before, to.checked_sub(g.output[axis])?],
        })
    }

    /// All phases of an axis that any tap meets.
    fn all(g: &Geometry, axis: usize) -> Option<Vec<Together>> {
        let (kernel, stride, before) = (g.kernel[axis], g.stride[axis], g.pad[2 * axis]);
        let phases: Vec<Phase> = (0..stride.min(kernel))
            .map(|rest| Phase {
                rest,
                from: before.saturating_sub(rest).div_ceil(stride),
                to: (g.input[axis] + before)
                    .saturating_sub(rest)
                    .div_ceil(stride),
                taps: (kernel - rest).div_ceil(stride),
            })
            .filter(|phase| phase.from < phase.to)
            .collect();
        if g.channels < FEW {
            return Some(vec![Together::new(g, axis, &phases)?]);
        }
        let each = phases.iter().map(|&p| Together::new(g, axis, &[p]));
        each.collect()
    }
}

/// How the gradient of a convolution with respect to its input is had from convolutions.
pub(crate) struct Turned {
    down: Vec<Together>,
    across: Vec<Together>,
}

impl Turned {
    /// `None` with groups, with gaps between the taps of filters that take steps, and where the
    /// padding is larger than the filter's reach.
    pub(crate) fn of(g: &Geometry) -> Option<Turned> {
        if g.groups != 1 || g.stride != [1, 1] && g.dilation != [1, 1] {
            return None;
        }
        Some(Turned {
            down: Together::all(g, 0)?,
            across: Together::all(g, 1)?,
        })
    }

    /// The gradient, written over `dx`.
    pub(crate) fn backward_input(
        &self,
        g: &Geometry,
        instructions: Instructions,
        dy: &[f32],
        w: &[f32],
        dx: &mut [f32],
    ) {
        // Filters that are shorter than their steps leave positions out.
        if (0..2).any(|axis| g.kernel[axis] < g.stride[axis]) {
            dx.par_chunks_mut(g.input_len()).for_each(|dx| dx.fill(0.0));
        }
        for rows in &self.down {
            for columns in &self.across {
                let part = Part { g, rows, columns };
                let turned = part.geometry();
                let mut filters = part.filters(w);
                if g.stride == [1, 1] {
                    forward(&turned, instructions, dy, filters.as_mut(), &[], dx);
                    continue;
                }
                let mut found = Scratch::new(g.batch * turned.output_len());
                let (w, y) = (filters.as_mut(), found.as_mut());
                forward(&turned, instructions, dy, w, &[], y);
                part.spread(y, dx);
            }
        }
    }
}

/// Some phases of rows and of columns.
struct Part<'a> {
    g: &'a Geometry,
    rows: &'a Together,
    columns: &'a Together,
}

impl Part<'_> {
    fn geometry(&self) -> Geometry {
        let (g, rows, columns) = (self.g, self.rows, self.columns);
        Geometry {
            channels: g.filters,
            filters: rows.phases.len() * columns.phases.len() * g.channels,
            input: g.output,
            output: [rows.count, columns.count],
            kernel: [rows.taps, columns.taps],
            stride: [1, 1],
            pad: [rows.pad[0], rows.pad[1], columns.pad[0], columns.pad[1]],
            ..*g
        }
    }

    /// The phases, rows first, in the order of the filters.
    fn phases(&self) -> impl Iterator<Item = (Phase, Phase)> {
        let rows = self.rows.phases.iter();
        rows.flat_map(|&row| self.columns.phases.iter().map(move |&c| (row, c)))
    }

    /// `[phase][channel][filter][tap]`; a tap that a phase lacks is 0.
    fn filters(&self, w: &[f32]) -> Scratch {
        /// Channels that are written side by side, so that those of a filter are read in turn.
        const CHANNELS: usize = 16;
        let (g, rows, columns) = (self.g, self.rows, self.columns);
        let [kh, kw] = g.kernel;
        let taps = rows.taps * columns.taps;
        let channel = g.filters * taps;
        let mut all = Scratch::new(self.geometry().filters * channel);
        for ((row, column), phase) in self
            .phases()
            .zip(all.as_mut().chunks_mut(g.channels * channel))
        {
            let parts = phase.par_chunks_mut(CHANNELS * channel).enumerate();
            parts.for_each(|(part, to)| {
                for k in 0..g.filters {
                    for (c, to) in to.chunks_mut(channel).enumerate() {
                        let c = part * CHANNELS + c;
                        let from = &w[(k * g.channels + c) * kh * kw..][..kh * kw];
                        let mut to = to[k * taps..][..taps].iter_mut();
                        for ty in (0..rows.taps).rev() {
                            let ky = row.rest + ty * g.stride[0];
                            for (tx, to) in (0..columns.taps).rev().zip(&mut to) {
                                let kx = column.rest + tx * g.stride[1];
                                *to = match ky < kh && kx < kw {
                                    true => from[ky * kw + kx],
                                    false => 0.0,
                                };
                            }
                        }
                    }
                }
            });
        }
        all
    }

    /// Puts each phase's positions where they stand in the image.
    fn spread(&self, found: &[f32], dx: &mut [f32]) {
        let (g, rows, columns) = (self.g, self.rows, self.columns);
        let plane = rows.count * columns.count;
        let phases = rows.phases.len() * columns.phases.len();
        let image = g.input[0] * g.input[1];
        dx.par_chunks_mut(image).enumerate().for_each(|(i, to)| {
            let (n, c) = (i / g.channels, i % g.channels);
            for (p, (row, column)) in self.phases().enumerate() {
                let from = &found[((n * phases + p) * g.channels + c) * plane..][..plane];
                let left = column.from * g.stride[1] + column.rest - g.pad[2];
                for m in row.from..row.to {
                    let line = &from[(m - rows.from) * columns.count..];
                    let line = &line[column.from - columns.from..][..column.to - column.from];
                    let u = m * g.stride[0] + row.rest - g.pad[0];
                    let to = to[u * g.input[1]..][left..g.input[1]].iter_mut();
                    for (to, &v) in to.step_by(g.stride[1]).zip(line) {
                        *to = v;
                    }
                }
            }
        });
    }
}
