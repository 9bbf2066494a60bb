//! Convolution without transforms, for every size, stride and dilation: patches of a few
//! positions at a time are laid out beside each other (im2col, but in the nearest cache) and
//! multiplied with the filters by a block of the product that stays in the registers.
//!
//! With few filters the patches are not even copied: the product reads them where they stand in
//! a padded copy of the image, whose columns are parted by the stride's phases.

use super::micro::{Block, product};
use super::scratch::{Scratch, Shared};
use super::simd::{Instructions, Simd, dispatch};
use super::{Geometry, is_product};
use rayon::prelude::*;

/// Terms that are summed before they join the rest.
const DEPTH: usize = 384;

/// Vectors of positions that one task works through, at most.
const VECTORS_PER_TASK: usize = 256;

/// Numbers that may be read beyond the right edge.
const EDGE: usize = 16;

/// Where things stand in the padded copy of an image.
#[derive(Clone, Copy)]
struct Layout {
    /// Height and width of one phase of a channel.
    phase: [usize; 2],
    /// Numbers of one channel, all phases.
    channel: usize,
    /// Numbers of one image.
    image: usize,
}

impl Layout {
    fn new(g: &Geometry) -> Layout {
        if is_product(g) {
            let plane = g.positions();
            return Layout {
                phase: g.output,
                channel: plane,
                image: plane * g.channels,
            };
        }
        Layout::padded(g)
    }

    fn padded(g: &Geometry) -> Layout {
        let axis = |i: usize| {
            let padded = g.input[i] + g.pad[2 * i] + g.pad[2 * i + 1];
            padded.div_ceil(g.stride[i])
        };
        // A vector's worth on the right, so that whole vectors may be read at the edge.
        let phase = [axis(0), axis(1) + EDGE];
        let channel = phase[0] * phase[1] * g.stride[0] * g.stride[1];
        Layout {
            phase,
            channel,
            image: channel * g.channels,
        }
    }

    /// Where the tap at row `ky`, column `kx` of a channel begins.
    fn tap(&self, g: &Geometry, ky: usize, kx: usize) -> usize {
        let (y, x) = (ky * g.dilation[0], kx * g.dilation[1]);
        let phase = (y % g.stride[0]) * g.stride[1] + x % g.stride[1];
        phase * self.phase[0] * self.phase[1] + (y / g.stride[0]) * self.phase[1] + x / g.stride[1]
    }

    /// Copies one channel of an image in, zeros around it.
    fn fill(&self, g: &Geometry, x: &[f32], to: &mut [f32]) {
        let [sy, sx] = g.stride;
        for (phase, plane) in to
            .chunks_exact_mut(self.phase[0] * self.phase[1])
            .enumerate()
        {
            let (py, px) = (phase / sx, phase % sx);
            for (qy, row) in plane.chunks_exact_mut(self.phase[1]).enumerate() {
                let y = (qy * sy + py)
                    .checked_sub(g.pad[0])
                    .filter(|&y| y < g.input[0]);
                let Some(y) = y else {
                    row.fill(0.0);
                    continue;
                };
                let line = &x[y * g.input[1]..][..g.input[1]];
                // Column q of this phase is column q sx + px - pad of the image.
                let first = g.pad[2].saturating_sub(px).div_ceil(sx);
                let start = first * sx + px - g.pad[2];
                let count = g.input[1].saturating_sub(start).div_ceil(sx);
                let last = (first + count).min(row.len());
                row[..first].fill(0.0);
                row[last..].fill(0.0);
                let inside = &mut row[first..last];
                if sx == 1 {
                    let count = inside.len();
                    inside.copy_from_slice(&line[start..start + count]);
                } else {
                    for (o, &v) in inside.iter_mut().zip(line[start..].iter().step_by(sx)) {
                        *o = v;
                    }
                }
            }
        }
    }
}

/// A convolution of images that are padded already.
#[derive(Clone, Copy)]
struct Task<'a> {
    g: &'a Geometry,
    layout: Layout,
    /// The taps of a filter: where each begins in an image, in the order of the weights.
    taps: &'a [usize],
    /// Filters in the order that the product reads them: `[block][tap][row]`.
    packed: &'a [f32],
    rows: usize,
    vectors: usize,
    bias: &'a [f32],
    y: Shared,
}

/// Rows and vectors of the block for this many filters: the one that wastes least.
fn block_shape(instructions: Instructions, filters: usize) -> (usize, usize) {
    match instructions {
        Instructions::Avx512 => {
            let rows = |block: usize| filters.div_ceil(block) * block;
            if rows(8) <= rows(6) { (8, 3) } else { (6, 4) }
        }
        _ => (6, 2),
    }
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

/// Positions of one vector in a group: where they begin in the image and in the result.
#[derive(Clone, Copy, Default)]
struct Place {
    from: usize,
    to: usize,
    count: usize,
}

/// Vectors `first..last` of one image's positions.
#[inline(always)]
unsafe fn positions<S: Simd>(t: &Task<'_>, image: *const f32, n: usize, first: usize, last: usize) {
    let g = t.g;
    let per_row = g.output[1].div_ceil(S::LANES);
    let depth = t.taps.len();
    let width = t.vectors * S::LANES;
    let mut patches = Scratch::new(depth * width);
    let mut sums = Scratch::new(t.rows * width);
    let (patches, sums) = (patches.as_mut_ptr(), sums.as_mut_ptr());
    // SAFETY: places are inside the padded image and the result; the buffers have room for a group.
    unsafe {
        let y = t.y.get().add(n * g.output_len());
        let mut vector = first;
        while vector < last {
            let vectors = (last - vector).min(t.vectors);
            let mut places = [Place::default(); 4];
            for (i, place) in places.iter_mut().enumerate().take(vectors) {
                let (oy, ox) = ((vector + i) / per_row, (vector + i) % per_row * S::LANES);
                *place = Place {
                    from: oy * t.layout.phase[1] + ox,
                    to: oy * g.output[1] + ox,
                    count: S::LANES.min(g.output[1] - ox),
                };
            }
            for (j, &tap) in t.taps.iter().enumerate() {
                for (i, place) in places.iter().enumerate().take(vectors) {
                    let from = image.add(place.from + tap);
                    let v = if place.count == S::LANES {
                        S::load(from)
                    } else {
                        S::load_part(from, 0, place.count)
                    };
                    S::store(patches.add(j * width + i * S::LANES), v);
                }
            }
            for block in 0..g.filters.div_ceil(t.rows) {
                let a = t.packed.as_ptr().add(block * depth * t.rows);
                for j in (0..depth).step_by(DEPTH) {
                    product::<S>(&Block {
                        rows: t.rows,
                        vectors,
                        depth: DEPTH.min(depth - j),
                        a: a.add(j * t.rows),
                        a_row: 1,
                        a_term: t.rows,
                        b: patches.add(j * width),
                        b_term: width,
                        c: sums,
                        c_row: width,
                        add: j > 0,
                    });
                }
                for r in 0..t.rows.min(g.filters - block * t.rows) {
                    let filter = block * t.rows + r;
                    let bias = match t.bias.get(filter) {
                        Some(&b) => S::splat(b),
                        None => S::zero(),
                    };
                    let plane = y.add(filter * g.positions());
                    for (i, place) in places.iter().enumerate().take(vectors) {
                        let v = S::add(S::load(sums.add(r * width + i * S::LANES)), bias);
                        if place.count == S::LANES {
                            S::store(plane.add(place.to), v);
                        } else {
                            S::store_part(plane.add(place.to), v, place.count);
                        }
                    }
                }
            }
            vector += vectors;
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
    let flat = Geometry {
        input: [1, g.positions()],
        output: [1, g.positions()],
        ..*g
    };
    let g = if is_product(g) { &flat } else { g };
    let layout = Layout::new(g);
    let taps = taps(g, &layout);
    let (rows, vectors) = block_shape(instructions, g.filters);
    let mut packed = pack(g, w, rows);
    let t = Task {
        g,
        layout,
        taps: &taps,
        packed: packed.as_mut(),
        rows,
        vectors,
        bias,
        y: Shared(y.as_mut_ptr()),
    };
    let all = g.output[0] * g.output[1].div_ceil(lanes(instructions));
    let copy = |n: usize, channels: std::ops::Range<usize>, to: &mut [f32]| {
        let plane = g.input[0] * g.input[1];
        for (c, to) in channels.zip(to.chunks_exact_mut(layout.channel)) {
            layout.fill(g, &x[(n * g.channels + c) * plane..][..plane], to);
        }
    };
    let work = |image: *const f32, n: usize, first: usize, last: usize| {
        let t = &t;
        dispatch!(
            instructions,
            positions(t: &Task<'_>, image: *const f32, n: usize, first: usize, last: usize)
        );
    };
    let tasks = all.div_ceil(VECTORS_PER_TASK).next_multiple_of(4);
    let step = all.div_ceil(tasks).next_multiple_of(vectors);
    if is_product(g) {
        // The image is its own padded copy.
        let per_image = if g.batch >= 4 { 1 } else { all.div_ceil(step) };
        (0..g.batch * per_image).into_par_iter().for_each(|task| {
            let (n, part) = (task / per_image, task % per_image);
            let image = x[n * g.input_len()..].as_ptr();
            let step = if per_image == 1 { all } else { step };
            work(image, n, part * step, (part * step + step).min(all));
        });
        return;
    }
    if g.batch >= 4 {
        (0..g.batch).into_par_iter().for_each(|n| {
            let mut image = Scratch::new(layout.image);
            copy(n, 0..g.channels, image.as_mut());
            work(image.as_mut_ptr(), n, 0, all);
        });
        return;
    }
    let mut image = Scratch::new(layout.image);
    for n in 0..g.batch {
        image.as_mut()[..layout.image]
            .par_chunks_mut(layout.channel)
            .enumerate()
            .for_each(|(c, to)| copy(n, c..c + 1, to));
        let image = Shared(image.as_mut_ptr());
        (0..all.div_ceil(step)).into_par_iter().for_each(|task| {
            let (first, last) = (task * step, (task * step + step).min(all));
            work(image.get(), n, first, last);
        });
    }
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

/// Adds one image's part to `sums[filter][tap]`.
#[inline(always)]
unsafe fn add_image<S: Simd>(t: &Rows<'_>, image: *const f32, dy: *const f32, sums: *mut f32) {
    let mut filter = 0;
    macro_rules! filters {
        ($($rows:literal)*) => {{ $(
            while t.g.filters - filter >= $rows {
                // SAFETY: filters filter..filter + $rows are inside dy and sums.
                unsafe { dot_taps::<S, $rows>(t, image, dy, sums, filter) };
                filter += $rows;
            }
        )* }};
    }
    if S::LANES == 16 {
        filters!(4 2 1);
    } else {
        filters!(2 1);
    }
}

#[inline(always)]
unsafe fn dot_taps<S: Simd, const FILTERS: usize>(
    t: &Rows<'_>,
    image: *const f32,
    dy: *const f32,
    sums: *mut f32,
    filter: usize,
) {
    let mut tap = 0;
    macro_rules! taps {
        ($($columns:literal)*) => {{ $(
            while t.taps.len() - tap >= $columns {
                // SAFETY: passed on.
                unsafe { dots::<S, FILTERS, $columns>(t, image, dy, sums, filter, tap) };
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
    filter: usize,
    tap: usize,
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
        for oy in 0..g.output[0] {
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
                    let x = S::load(base.add(oy * t.layout.phase[1] + ox));
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

/// Images whose gradients are summed by one task: fixed, so that sums do not depend on threads.
fn images_per_task(batch: usize) -> usize {
    batch.div_ceil(16)
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
    let layout = Layout::padded(g);
    let taps = taps(g, &layout);
    let t = Rows {
        g,
        layout,
        taps: &taps,
    };
    let images = images_per_task(g.batch);
    let tasks = g.batch.div_ceil(images);
    let len = dw.len();
    let mut sums = Scratch::new(tasks * len);
    sums.as_mut().fill(0.0);
    sums.as_mut()
        .par_chunks_mut(len)
        .enumerate()
        .for_each(|(task, sums)| {
            let mut image = Scratch::new(layout.image + EDGE);
            // They meet zeros, which would make a NaN of a NaN.
            image.as_mut()[layout.image..].fill(0.0);
            for n in task * images..(task * images + images).min(g.batch) {
                let x = &x[n * g.input_len()..][..g.input_len()];
                for (x, to) in x
                    .chunks_exact(g.input[0] * g.input[1])
                    .zip(image.as_mut().chunks_exact_mut(layout.channel))
                {
                    layout.fill(g, x, to);
                }
                let (t, image, sums) = (&t, image.as_mut_ptr().cast_const(), sums.as_mut_ptr());
                let dy = dy[n * g.output_len()..].as_ptr();
                dispatch!(
                    instructions,
                    add_image(t: &Rows<'_>, image: *const f32, dy: *const f32, sums: *mut f32)
                );
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
