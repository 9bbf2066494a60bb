//! Convolution without transforms, for every size, stride and dilation: patches of a few
//! positions at a time are laid out beside each other (im2col, but in the nearest cache) and
//! multiplied with the filters by a block of the product that stays in the registers.
//!
//! With few filters or short patches nothing is laid out: the product reads the patches where they
//! stand in a padded copy of the image, whose columns are parted by the stride's phases.

mod gradient;
mod layout;
mod turned;

pub(super) use gradient::backward_weight;
pub(super) use turned::Turned;

use super::micro::{Block, Start, Windows, block_shape, product, windows};
use super::scratch::{Scratch, Shared};
use super::simd::{Instructions, Simd, dispatch};
use super::{Geometry, is_product};
use layout::{EDGE, Layout, flat, taps};
use rayon::prelude::*;
use std::array::from_fn;

/// Terms that are summed before they join the rest.
const DEPTH: usize = 384;

/// Up to so many filters read the patches where they stand: more where patches are short, and the
/// copy weighs more beside the sums.
fn most_in_place(g: &Geometry) -> usize {
    match g.patch() {
        0..192 => 128,
        _ => 16,
    }
}

/// Positions that one task works through where the convolution is a product.
const POSITIONS_PER_TASK: usize = 1536;

/// As many tasks as there should be at least.
const TASKS: usize = 8;

/// Numbers of a band that stay in a core's second cache.
const NEAR: usize = 96 * 1024;

/// Rows of the result that one task takes: few enough for the band to stay near, and for several
/// tasks where there are few images.
fn rows_per_band(g: &Geometry) -> usize {
    let per_row = g.channels * (g.input[1] + g.pad[2] + g.pad[3]) * g.stride[0];
    let near = (NEAR / per_row.max(1))
        .saturating_sub(g.kernel[0] - 1)
        .max(4);
    let bands = if g.batch >= 8 {
        1
    } else {
        8usize.div_ceil(g.batch)
    };
    near.min(g.output[0].div_ceil(bands)).max(1)
}

/// A convolution of images that are padded already.
#[derive(Clone, Copy)]
struct Task<'a> {
    g: &'a Geometry,
    layout: Layout,
    /// The taps of a filter: where each begins in an image, in the order of the weights.
    taps: &'a [usize],
    w: &'a [f32],
    /// Few filters in the order that the product reads them: `[block][tap][row]`.
    packed: &'a [f32],
    rows: usize,
    vectors: usize,
    /// Whether patches are copied before they are multiplied.
    copy: bool,
    /// A number for every filter, and zeros up to whole blocks of rows.
    bias: &'a [f32],
    y: Shared,
}

fn pack(g: &Geometry, w: &[f32], rows: usize) -> Scratch {
    let patch = g.patch();
    let blocks = g.filters.div_ceil(rows);
    let mut packed = Scratch::new(blocks * patch * rows);
    for (block, packed) in packed.as_mut().chunks_exact_mut(patch * rows).enumerate() {
        for r in 0..rows {
            let filter = block * rows + r;
            if filter < g.filters {
                let w = &w[filter * patch..][..patch];
                for (p, &w) in packed[r..].iter_mut().step_by(rows).zip(w) {
                    *p = w;
                }
            } else {
                for p in packed[r..].iter_mut().step_by(rows) {
                    *p = 0.0;
                }
            }
        }
    }
    packed
}

/// Positions beside each other in one row: where they begin in the band, where in the group, and how
/// many they are.
#[derive(Clone, Copy, Default)]
struct Run {
    from: usize,
    at: usize,
    count: usize,
}

/// The most positions in a group of vectors.
const GROUP: usize = 64;

/// Positions `first..last` of an image, counted row by row, for the filters `from..to`; the band
/// begins under the result's row `top`.
#[inline(always)]
unsafe fn positions<S: Simd>(
    t: &Task<'_>,
    band: *const f32,
    (n, top): (usize, usize),
    (first, last): (usize, usize),
    filters: (usize, usize),
) {
    let depth = t.taps.len();
    let width = t.vectors * S::LANES;
    let mut patches = Scratch::new(if t.copy { depth * width } else { 0 });
    let mut sums = Scratch::new(t.rows * width);
    let (patches, sums) = (patches.as_mut_ptr(), sums.as_mut_ptr());
    let y = t.y.get().wrapping_add(n * t.g.output_len());
    let across = t.g.output[1];
    let mut position = first;
    let (mut oy, mut ox) = (first / across, first % across);
    while position < last {
        let start = position;
        let mut runs = [Run::default(); GROUP];
        let (mut count, mut at) = (0, 0);
        // Copied positions stand side by side; those read in place keep to a vector a run.
        let step = if t.copy { 1 } else { S::LANES };
        while at < width && position < last {
            let run = Run {
                from: (oy - top) * t.layout.phase[1] + ox,
                at,
                count: (across - ox)
                    .min(S::LANES)
                    .min(last - position)
                    .min(width - at),
            };
            runs[count] = run;
            count += 1;
            position += run.count;
            at += run.count.next_multiple_of(step);
            ox += run.count;
            if ox == across {
                (oy, ox) = (oy + 1, 0);
            }
        }
        let runs = &runs[..count];
        let vectors = at.div_ceil(S::LANES);
        // SAFETY: runs are inside the band, their positions inside the result, and the buffers have
        // room for a group.
        unsafe {
            if t.copy {
                for (j, &tap) in t.taps.iter().enumerate() {
                    for run in runs {
                        let (from, to) =
                            (band.add(run.from + tap), patches.add(j * width + run.at));
                        if run.count == S::LANES {
                            S::store(to, S::load(from));
                        } else {
                            S::store_part(to, S::load_part(from, 0, run.count), run.count);
                        }
                    }
                }
            }
            let mut from = [band; 4];
            for (from, run) in from.iter_mut().zip(runs) {
                *from = band.wrapping_add(run.from);
            }
            let (mut counts, mut to) = ([0; 4], [0; 4]);
            let mut done = 0;
            for v in 0..vectors {
                to[v] = done;
                counts[v] = if t.copy {
                    (position - start - done).min(S::LANES)
                } else {
                    runs[v].count
                };
                done += counts[v];
            }
            // The positions of a group follow each other in the result. Whole vectors are written
            // there; what the last one writes beyond its positions, the next group writes again.
            // Without a next group, the vectors go to a place of their own first.
            let whole = start + to[vectors - 1] + S::LANES <= last;
            for first_row in (filters.0..filters.1).step_by(t.rows) {
                let rows = t.rows.min(filters.1 - first_row);
                let direct = whole && (t.copy || rows == t.rows);
                let result = y.add(first_row * t.g.positions() + start);
                let (c, c_row, to) = if direct {
                    (result, t.g.positions(), to)
                } else {
                    (sums, width, from_fn(|v| v * S::LANES))
                };
                for j in (0..depth).step_by(DEPTH) {
                    let begin = match j {
                        0 => Start::Bias(t.bias.as_ptr().add(first_row)),
                        _ => Start::Sum,
                    };
                    if t.copy {
                        product::<S>(&Block {
                            rows,
                            vectors,
                            depth: DEPTH.min(depth - j),
                            a: t.w.as_ptr().add(first_row * depth + j),
                            a_row: depth,
                            a_term: 1,
                            b: patches.add(j * width),
                            b_term: width,
                            c,
                            c_row,
                            start: begin,
                        });
                    } else {
                        windows::<S>(&Windows {
                            rows: t.rows,
                            vectors,
                            a: t.packed.as_ptr().add(first_row * depth + j * t.rows),
                            taps: &t.taps[j..(j + DEPTH).min(depth)],
                            from,
                            c,
                            c_row,
                            to,
                            start: begin,
                        });
                    }
                }
                for r in 0..if direct { 0 } else { rows } {
                    let mut to = result.add(r * t.g.positions());
                    for (v, &count) in counts.iter().enumerate().take(vectors) {
                        let sum = S::load(sums.add(r * width + v * S::LANES));
                        if count == S::LANES {
                            S::store(to, sum);
                        } else {
                            S::store_part(to, sum, count);
                        }
                        to = to.add(count);
                    }
                }
            }
        }
    }
}

fn lanes(instructions: Instructions) -> usize {
    match instructions {
        Instructions::Avx512 => 16,
        _ => 8,
    }
}

/// The forward pass of one group; an empty bias is none.
pub(super) fn forward(
    g: &Geometry,
    instructions: Instructions,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    assert_eq!(g.groups, 1);
    assert_eq!(x.len(), g.batch * g.input_len());
    assert_eq!(w.len(), g.filters * g.patch());
    assert_eq!(y.len(), g.batch * g.output_len());
    assert!(bias.is_empty() || bias.len() == g.filters);
    if g.kernel == [1, 1] && g.pad == [0; 4] && !is_product(g) {
        // What the stride leaves out is left out first: then it is a product.
        let dense = Geometry {
            input: g.output,
            stride: [1, 1],
            ..*g
        };
        let mut kept = Scratch::new(dense.batch * dense.input_len());
        kept.as_mut()
            .par_chunks_mut(g.positions())
            .zip(x.par_chunks(g.input[0] * g.input[1]))
            .for_each(|(to, plane)| {
                let rows = plane.chunks(g.input[1]).step_by(g.stride[0]);
                for (to, row) in to.chunks_mut(g.output[1]).zip(rows) {
                    for (t, &v) in to.iter_mut().zip(row.iter().step_by(g.stride[1])) {
                        *t = v;
                    }
                }
            });
        return forward(&dense, instructions, kept.as_mut(), w, bias, y);
    }
    let flat = flat(g);
    let g = flat.as_ref().unwrap_or(g);
    let band_rows = rows_per_band(g);
    let layout = Layout::new(g, band_rows);
    let taps = taps(g, &layout);
    let (rows, vectors) = block_shape(lanes(instructions), g.filters);
    // A copy pays when it is read often enough. (A whole vector may be read from a padded image.)
    let copy = g.filters > most_in_place(g) || is_product(g);
    let mut packed = if copy {
        Scratch::new(0)
    } else {
        pack(g, w, rows)
    };
    let mut biases = Scratch::new(g.filters.next_multiple_of(rows));
    let (given, rest) = biases.as_mut().split_at_mut(bias.len());
    given.copy_from_slice(bias);
    rest.fill(0.0);
    let t = &Task {
        g,
        layout,
        taps: &taps,
        w,
        packed: packed.as_mut(),
        rows,
        vectors,
        copy,
        bias: biases.as_mut(),
        y: Shared(y.as_mut_ptr()),
    };
    let work = |band: *const f32,
                place: (usize, usize),
                range: (usize, usize),
                filters: (usize, usize)| {
        dispatch!(
            instructions,
            positions(
                t: &Task<'_>,
                band: *const f32,
                place: (usize, usize),
                range: (usize, usize),
                filters: (usize, usize),
            )
        );
    };
    // Where there are few positions, the filters are shared out as well.
    let shares = |tasks: usize| match tasks {
        0..TASKS if copy => {
            let step = g.filters.div_ceil(TASKS.div_ceil(tasks));
            step.next_multiple_of(2 * rows)
        }
        _ => g.filters,
    };
    if is_product(g) {
        let parts = g.positions().div_ceil(POSITIONS_PER_TASK);
        let share = shares(g.batch * parts);
        let filters = g.filters.div_ceil(share);
        (0..g.batch * parts * filters)
            .into_par_iter()
            .for_each(|task| {
                let (place, filter) = (task / filters, task % filters * share);
                let (n, part) = (place / parts, place % parts);
                let image = x[n * g.input_len()..].as_ptr();
                let first = part * POSITIONS_PER_TASK;
                let positions = (first, (first + POSITIONS_PER_TASK).min(g.positions()));
                let filters = (filter, (filter + share).min(g.filters));
                work(image, (n, 0), positions, filters);
            });
        return;
    }
    let bands = g.output[0].div_ceil(band_rows);
    let share = shares(g.batch * bands);
    let filters = g.filters.div_ceil(share);
    (0..g.batch * bands * filters)
        .into_par_iter()
        .with_min_len(if g.batch >= 64 && bands == 1 { 4 } else { 1 })
        .for_each_init(
            || Scratch::new(layout.band + EDGE),
            |band, task| {
                let (place, filter) = (task / filters, task % filters * share);
                let (n, top) = (place / bands, place % bands * band_rows);
                let image = &x[n * g.input_len()..][..g.input_len()];
                layout.fill(g, image, top, band.as_mut());
                let bottom = (top + band_rows).min(g.output[0]);
                let positions = (top * g.output[1], bottom * g.output[1]);
                let filters = (filter, (filter + share).min(g.filters));
                work(band.as_mut_ptr(), (n, top), positions, filters);
            },
        );
}
