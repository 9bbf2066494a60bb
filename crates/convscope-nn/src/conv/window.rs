//! Convolution without transforms, for every size, stride and dilation: patches of a few
//! positions at a time are laid out beside each other (im2col, but in the nearest cache) and
//! multiplied with the filters by a block of the product that stays in the registers.
//!
//! With few filters the patches are not even copied: the product reads them where they stand in
//! a padded copy of the image, whose columns are parted by the stride's phases.

use super::micro::{Block, Windows, block_shape, product, windows};
use super::scratch::{Scratch, Shared};
use super::simd::{Instructions, Simd, dispatch};
use super::{Geometry, is_product};
use rayon::prelude::*;

/// Terms that are summed before they join the rest.
const DEPTH: usize = 384;

/// Up to so many filters read the patches where they stand.
const READ_IN_PLACE: usize = 16;

/// Positions that one task works through where the convolution is a product.
const POSITIONS_PER_TASK: usize = 1536;

/// Numbers that may be read beyond the right edge.
const EDGE: usize = 16;

/// Where things stand in the padded copy of a band of an image: the rows under some rows of the
/// result.
#[derive(Clone, Copy)]
struct Layout {
    /// Height and width of one phase of a channel.
    phase: [usize; 2],
    /// Numbers of one channel, all phases.
    channel: usize,
    /// Numbers of the band.
    band: usize,
}

impl Layout {
    /// For bands under this many rows of the result.
    fn new(g: &Geometry, rows: usize) -> Layout {
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
    fn fill(&self, g: &Geometry, image: &[f32], first: usize, to: &mut [f32]) {
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

/// As many tasks as there should be at least.
const TASKS: usize = 8;

/// Numbers of a band that stay in a core's second cache.
const NEAR: usize = 96 * 1024;

/// Rows of the result that one task takes: few enough for the band to stay near, and for several
/// tasks where there are few images.
fn rows_per_band(g: &Geometry) -> usize {
    let per_row = g.channels * (g.input[1] + g.pad[2] + g.pad[3] + EDGE) * g.stride[0];
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
    while position < last {
        let mut runs = [Run::default(); GROUP];
        let (mut count, mut at) = (0, 0);
        // Copied positions stand side by side; those read in place keep to a vector a run.
        let step = if t.copy { 1 } else { S::LANES };
        while at < width && position < last {
            let (oy, ox) = (position / across, position % across);
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
            let start = runs[0].from / t.layout.phase[1];
            let start = (top + start) * across + runs[0].from % t.layout.phase[1];
            let mut from = [band; 4];
            for (from, run) in from.iter_mut().zip(runs) {
                *from = band.wrapping_add(run.from);
            }
            for first_row in (filters.0..filters.1).step_by(t.rows) {
                let rows = t.rows.min(filters.1 - first_row);
                for j in (0..depth).step_by(DEPTH) {
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
                            c: sums,
                            c_row: width,
                            add: j > 0,
                        });
                    } else {
                        windows::<S>(&Windows {
                            rows: t.rows,
                            vectors,
                            a: t.packed.as_ptr().add(first_row * depth + j * t.rows),
                            taps: &t.taps[j..(j + DEPTH).min(depth)],
                            from,
                            c: sums,
                            c_row: width,
                            add: j > 0,
                        });
                    }
                }
                for r in 0..rows {
                    let filter = first_row + r;
                    let bias = match t.bias.get(filter) {
                        Some(&b) => S::splat(b),
                        None => S::zero(),
                    };
                    // The positions of a group follow each other in the result too.
                    let mut to = y.add(filter * t.g.positions() + start);
                    let mut left = position - start;
                    for v in 0..vectors {
                        let sum = S::add(S::load(sums.add(r * width + v * S::LANES)), bias);
                        let count = if t.copy {
                            left.min(S::LANES)
                        } else {
                            runs[v].count
                        };
                        if count == S::LANES {
                            S::store(to, sum);
                        } else {
                            S::store_part(to, sum, count);
                        }
                        to = to.add(count);
                        left -= count;
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

fn taps(g: &Geometry, layout: &Layout) -> Vec<usize> {
    let [kh, kw] = g.kernel;
    (0..g.patch())
        .map(|j| {
            let (c, k) = (j / (kh * kw), j % (kh * kw));
            c * layout.channel + layout.tap(g, k / kw, k % kw)
        })
        .collect()
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
    let copy = g.filters > READ_IN_PLACE || is_product(g);
    let mut packed = if copy {
        Scratch::new(0)
    } else {
        pack(g, w, rows)
    };
    let t = &Task {
        g,
        layout,
        taps: &taps,
        w,
        packed: packed.as_mut(),
        rows,
        vectors,
        copy,
        bias,
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

/// The gradient with respect to the input at stride 1: a convolution of the output's gradient with
/// the filters turned by half a turn and their roles exchanged. `None` where the padding is
/// larger than the filter's reach.
pub(super) fn turned(g: &Geometry) -> Option<Geometry> {
    if g.stride != [1, 1] || g.groups != 1 {
        return None;
    }
    let reach = |axis: usize| (g.kernel[axis] - 1) * g.dilation[axis];
    let mut pad = [0; 4];
    for (i, pad) in pad.iter_mut().enumerate() {
        *pad = reach(i / 2).checked_sub(g.pad[i])?;
    }
    Some(Geometry {
        channels: g.filters,
        filters: g.channels,
        input: g.output,
        output: g.input,
        pad,
        ..*g
    })
}

/// See [`turned`].
pub(super) fn backward_input(
    g: &Geometry,
    turned: &Geometry,
    instructions: Instructions,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
) {
    let taps = g.kernel[0] * g.kernel[1];
    let mut filters = Scratch::new(w.len());
    for (c, to) in filters
        .as_mut()
        .chunks_exact_mut(g.filters * taps)
        .enumerate()
    {
        for (k, to) in to.chunks_exact_mut(taps).enumerate() {
            let from = &w[(k * g.channels + c) * taps..][..taps];
            for (t, &w) in to.iter_mut().zip(from.iter().rev()) {
                *t = w;
            }
        }
    }
    forward(turned, instructions, dy, filters.as_mut(), &[], dx);
}

/// The gradient with respect to the weights: for every filter and tap the product of two rows of
/// numbers, position by position.
#[derive(Clone, Copy)]
struct Rows<'a> {
    g: &'a Geometry,
    layout: Layout,
    taps: &'a [usize],
}

/// Adds one image's part of filters `first..last` to `sums[filter][tap]`.
#[inline(always)]
unsafe fn add_image<S: Simd>(
    t: &Rows<'_>,
    image: *const f32,
    dy: *const f32,
    sums: *mut f32,
    (first, last): (usize, usize),
) {
    macro_rules! filters {
        ($rows:expr, $($filters:literal)*) => {{
            let mut filter = first;
            $(
                while last - filter >= $filters {
                    // SAFETY: filters filter..filter + $filters are inside dy and sums.
                    unsafe { dot_taps::<S, $filters>(t, image, dy, sums, filter, $rows) };
                    filter += $filters;
                }
            )*
        }};
    }
    // As many rows as the nearest cache holds are met by all taps.
    let step = (2048 / t.g.output[1]).max(1);
    for top in (0..t.g.output[0]).step_by(step) {
        let rows = (top, (top + step).min(t.g.output[0]));
        if S::LANES == 16 {
            filters!(rows, 4 2 1);
        } else {
            filters!(rows, 2 1);
        }
    }
}

#[inline(always)]
unsafe fn dot_taps<S: Simd, const FILTERS: usize>(
    t: &Rows<'_>,
    image: *const f32,
    dy: *const f32,
    sums: *mut f32,
    filter: usize,
    rows: (usize, usize),
) {
    let mut tap = 0;
    macro_rules! taps {
        ($($columns:literal)*) => {{ $(
            while t.taps.len() - tap >= $columns {
                // SAFETY: passed on.
                unsafe { dots::<S, FILTERS, $columns>(t, image, dy, sums, (filter, tap), rows) };
                tap += $columns;
            }
        )* }};
    }
    if S::LANES == 16 {
        taps!(6 3 1);
    } else {
        taps!(4 2 1);
    }
}

#[inline(always)]
unsafe fn dots<S: Simd, const FILTERS: usize, const TAPS: usize>(
    t: &Rows<'_>,
    image: *const f32,
    dy: *const f32,
    sums: *mut f32,
    (filter, tap): (usize, usize),
    (top, bottom): (usize, usize),
) {
    let (g, width) = (t.g, t.g.output[1]);
    // SAFETY: rows of dy and of the padded image; a part at the right edge is masked on the side
    // of dy, and the copy has room beyond it.
    unsafe {
        let mut acc = [[S::zero(); TAPS]; FILTERS];
        let mut bases = [image; TAPS];
        for (base, &tap) in bases.iter_mut().zip(&t.taps[tap..]) {
            *base = image.add(tap);
        }
        for oy in top..bottom {
            let line = dy.add(filter * g.positions() + oy * width);
            let mut ox = 0;
            while ox < width {
                let count = (width - ox).min(S::LANES);
                let mut d = [S::zero(); FILTERS];
                for (f, d) in d.iter_mut().enumerate() {
                    let p = line.add(f * g.positions() + ox);
                    *d = if count == S::LANES {
                        S::load(p)
                    } else {
                        S::load_part(p, 0, count)
                    };
                }
                for (j, base) in bases.iter().enumerate() {
                    let p = base.add(oy * t.layout.phase[1] + ox);
                    let x = if count == S::LANES {
                        S::load(p)
                    } else {
                        S::load_part(p, 0, count)
                    };
                    for (acc, d) in acc.iter_mut().zip(d) {
                        acc[j] = S::fma(d, x, acc[j]);
                    }
                }
                ox += S::LANES;
            }
        }
        for (f, acc) in acc.into_iter().enumerate() {
            for (j, acc) in acc.into_iter().enumerate() {
                let at = sums.add((filter + f) * t.taps.len() + tap + j);
                *at += S::sum(acc);
            }
        }
    }
}

/// The gradient with respect to the weights.
pub(super) fn backward_weight(
    g: &Geometry,
    instructions: Instructions,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    assert_eq!(g.groups, 1);
    assert_eq!(x.len(), g.batch * g.input_len());
    assert_eq!(dy.len(), g.batch * g.output_len());
    assert_eq!(dw.len(), g.filters * g.patch());
    let flat = flat(g);
    let g = flat.as_ref().unwrap_or(g);
    let layout = Layout::new(g, g.output[0]);
    let taps = taps(g, &layout);
    let t = &Rows {
        g,
        layout,
        taps: &taps,
    };
    let add = |image: *const f32, n: usize, sums: *mut f32, filters: (usize, usize)| {
        let dy = dy[n * g.output_len()..].as_ptr();
        dispatch!(
            instructions,
            add_image(
                t: &Rows<'_>,
                image: *const f32,
                dy: *const f32,
                sums: *mut f32,
                filters: (usize, usize),
            )
        );
    };
    let len = dw.len();
    if g.batch < 8 {
        // Few images: the filters are shared out.
        dw.fill(0.0);
        let step = g.filters.div_ceil(16).next_multiple_of(4);
        let mut image = Scratch::new(layout.band + EDGE);
        for n in 0..g.batch {
            let image = match is_product(g) {
                true => Shared(x[n * g.input_len()..].as_ptr().cast_mut()),
                false => {
                    layout.fill(
                        g,
                        &x[n * g.input_len()..][..g.input_len()],
                        0,
                        image.as_mut(),
                    );
                    Shared(image.as_mut_ptr())
                }
            };
            let sums = Shared(dw.as_mut_ptr());
            (0..g.filters.div_ceil(step))
                .into_par_iter()
                .for_each(|task| {
                    let filters = (task * step, (task * step + step).min(g.filters));
                    add(image.get(), n, sums.get(), filters);
                });
        }
        return;
    }
    let images = g.batch.div_ceil(PARTS);
    let tasks = g.batch.div_ceil(images);
    let mut sums = Scratch::new(tasks * len);
    sums.as_mut()
        .par_chunks_mut(len)
        .enumerate()
        .for_each(|(task, sums)| {
            sums.fill(0.0);
            let mut image = Scratch::new(layout.band + EDGE);
            for n in task * images..(task * images + images).min(g.batch) {
                let image = match is_product(g) {
                    true => x[n * g.input_len()..].as_ptr(),
                    false => {
                        layout.fill(
                            g,
                            &x[n * g.input_len()..][..g.input_len()],
                            0,
                            image.as_mut(),
                        );
                        image.as_mut_ptr()
                    }
                };
                add(image, n, sums.as_mut_ptr(), (0, g.filters));
            }
        });
    let (first, rest) = sums.as_mut().split_at_mut(len);
    for part in rest.chunks_exact(len) {
        for (sum, more) in first.iter_mut().zip(part) {
            *sum += *more;
        }
    }
    dw.copy_from_slice(first);
}

/// A convolution that is a product, as one of images with a single row: no vector of positions is
/// cut short but the last.
fn flat(g: &Geometry) -> Option<Geometry> {
    is_product(g).then(|| Geometry {
        input: [1, g.positions()],
        output: [1, g.positions()],
        ..*g
    })
}

/// Parts that a batch is summed in: fixed, so that sums do not depend on threads.
const PARTS: usize = 16;
