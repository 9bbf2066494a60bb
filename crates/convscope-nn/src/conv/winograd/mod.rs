//! Convolution with 3x3 filters at stride 1 by Winograd's minimal filtering (Lavin and Gray 2016):
//! transform tiles of the image and the filters, multiply place by place (a matrix product over
//! channels for each of the 36 or 16 places), transform back.
//!
//! Two ways to share the work out, by shape alone, so that the bits do not depend on the number
//! of threads: many tiles are shared out with the filters transformed once; few tiles under many
//! channels share the filters out, transformed a piece at a time and never stored whole.

mod form;
mod gradient;
mod transform;

pub(super) use gradient::backward_weight;

use super::Geometry;
use super::micro::{Block, Start, product};
use super::scratch::{Scratch, Shared};
use super::simd::{Instructions, MAX_LANES, Simd, dispatch};
use form::{F2, F4, Form};
use rayon::prelude::*;
use transform::{Filters, Plane, RUN, TRANSFORM_SCRATCH};

/// Terms that are summed before they join the rest: shorter sums round less.
const DEPTH: usize = 128;

/// Channels whose filters are transformed at a time where they are not stored whole.
const CHANNELS_AT_A_TIME: usize = 64;

/// Added to row lengths: rows a power of two apart would share cache sets.
const SKEW: usize = 16;

/// From one place to the next for this many numbers: an odd count of cache lines, so that the
/// places of one tile, which are read together, do not share a set of the nearest cache.
#[inline(always)]
fn apart(numbers: usize) -> usize {
    (numbers.div_ceil(16) | 1) * 16
}

/// Which form of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tile {
    Two,
    Four,
}

impl Tile {
    fn input(self) -> usize {
        match self {
            Tile::Two => F2::IN,
            Tile::Four => F4::IN,
        }
    }

    fn output(self) -> usize {
        match self {
            Tile::Two => F2::OUT,
            Tile::Four => F4::OUT,
        }
    }

    fn places(self) -> usize {
        self.input() * self.input()
    }
}

/// One convolution: `[batch, channels, image]` to `[batch, filters, result]`.
#[derive(Clone, Copy)]
struct Task {
    tile: Tile,
    instructions: Instructions,
    batch: usize,
    channels: usize,
    filters: usize,
    image: Plane,
    result: Plane,
    pad: [usize; 2],
    /// Tiles down and across.
    down: usize,
    across: usize,
    x: *const f32,
    w: *const f32,
    w_end: *const f32,
    /// From one filter to the next, and from one channel of it to the next.
    w_filter: usize,
    w_channel: usize,
    flip: bool,
    /// Empty for none.
    bias: *const f32,
    y: Shared,
}

// SAFETY: `x`, `w` and `bias` are only read, and every task writes parts of `y` of its own.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    #[inline(always)]
    fn runs(&self, (first, last): (usize, usize)) -> Runs {
        Runs {
            first,
            next: first,
            last,
            down: self.down,
            across: self.across,
        }
    }

    fn tiles(&self) -> usize {
        self.batch * self.down * self.across
    }

    fn lanes(&self) -> usize {
        match self.instructions {
            Instructions::Avx512 => 16,
            _ => 8,
        }
    }

    /// Filters of one panel: as many as a block of the product is wide.
    fn panel(&self) -> usize {
        match self.instructions {
            Instructions::Avx512 => 64,
            _ => 16,
        }
    }

    fn panels(&self) -> usize {
        self.filters.div_ceil(self.panel())
    }

    /// Width of one panel: the last may be narrower.
    fn panel_width(&self, panel: usize) -> usize {
        let first = panel * self.panel();
        (self.filters - first)
            .min(self.panel())
            .next_multiple_of(self.lanes())
    }

    fn padded_channels(&self) -> usize {
        self.channels.next_multiple_of(self.lanes())
    }

    /// Length of a row of transformed tiles.
    fn row(&self) -> usize {
        self.padded_channels() + SKEW
    }
}

/// A range of tiles in runs, each of one row of tiles.
struct Runs {
    first: usize,
    next: usize,
    last: usize,
    down: usize,
    across: usize,
}

/// Tiles of one row of tiles.
struct Run {
    /// The first one's place in the range.
    at: usize,
    image: usize,
    /// Tiles above and to the left.
    row: usize,
    column: usize,
    count: usize,
}

impl Iterator for Runs {
    type Item = Run;

    #[inline(always)]
    fn next(&mut self) -> Option<Run> {
        if self.next >= self.last {
            return None;
        }
        let (row, column) = (self.next / self.across, self.next % self.across);
        let count = RUN.min(self.across - column).min(self.last - self.next);
        let at = self.next - self.first;
        self.next += count;
        Some(Run {
            at,
            image: row / self.down,
            row: row % self.down,
            column,
            count,
        })
    }
}

/// Tiles `first..last` transformed for channels `from..to`: `v[place][tile][channel]`.
#[inline(always)]
unsafe fn input_tiles<S: Simd, F: Form>(
    t: &Task,
    range: (usize, usize),
    (from, to): (usize, usize),
    v: *mut f32,
    v_place: usize,
    scratch: *mut f32,
) {
    let row = t.row();
    for run in t.runs(range) {
        let corner = (
            (run.row * F::OUT) as isize - t.pad[0] as isize,
            (run.column * F::OUT) as isize - t.pad[1] as isize,
        );
        for c in (from..to).step_by(S::LANES) {
            let channels = t.channels.saturating_sub(c).min(S::LANES);
            // SAFETY: the planes are inside x, the tiles inside v.
            unsafe {
                let planes = t.x.add((run.image * t.channels + c) * t.image.len());
                let v = v.add(run.at * row + c);
                transform::input::<S, F>(
                    planes,
                    t.image,
                    channels,
                    corner,
                    run.count,
                    v,
                    (v_place, row),
                    scratch,
                );
            }
        }
    }
}

/// One panel's products of a range of tiles, back to pixels.
#[inline(always)]
unsafe fn output_tiles<S: Simd, F: Form>(
    t: &Task,
    range: (usize, usize),
    panel: usize,
    m: *const f32,
    (m_place, m_row): (usize, usize),
    scratch: *mut f32,
) {
    let first_filter = panel * t.panel();
    let width = t.panel_width(panel);
    for run in t.runs(range) {
        for k in (0..width).step_by(S::LANES) {
            let filter = first_filter + k;
            let filters = t.filters.saturating_sub(filter).min(S::LANES);
            // SAFETY: the planes are inside y, the products inside m.
            unsafe {
                let bias = if t.bias.is_null() {
                    S::zero()
                } else {
                    S::load_part(t.bias.add(filter), 0, filters)
                };
                let planes =
                    t.y.get()
                        .add((run.image * t.filters + filter) * t.result.len());
                transform::output::<S, F>(
                    m.add(run.at * m_row + k),
                    (m_place, m_row),
                    run.count,
                    bias,
                    planes,
                    t.result,
                    filters,
                    (run.row * F::OUT, run.column * F::OUT),
                    scratch,
                );
            }
        }
    }
}

/// Transformed filters of one panel for channels `from..to`: `u[place][channel][filter]`.
#[inline(always)]
unsafe fn panel_filters<S: Simd, F: Form>(
    t: &Task,
    panel: usize,
    (from, to): (usize, usize),
    u: *mut f32,
    u_place: usize,
    scratch: *mut f32,
) {
    let (first, width) = (panel * t.panel(), t.panel_width(panel));
    for k in (0..width).step_by(S::LANES) {
        let lanes = t.filters.saturating_sub(first + k).min(S::LANES);
        let mut c = from;
        while c < to {
            // SAFETY: the filters are inside w, the places inside u.
            unsafe {
                let w = t.w.add((first + k) * t.w_filter + c * t.w_channel);
                let u = u.add((c - from) * width + k);
                let filters = Filters {
                    at: w,
                    lane: t.w_filter,
                    lanes,
                    channel: t.w_channel,
                    // What follows the last filter may not be read.
                    channels: to - c,
                    end: t.w_end,
                    flip: t.flip,
                };
                c += transform::filters::<S, F>(&filters, u, u_place, width, scratch);
            }
        }
    }
}

/// A range of tiles against all filters, which are transformed already.
#[inline(always)]
unsafe fn many_tiles<S: Simd>(t: &Task, range: (usize, usize), u: *const f32) {
    // SAFETY: passed on.
    unsafe {
        match t.tile {
            Tile::Four => many_tiles_in::<S, F4>(t, range, u),
            Tile::Two => many_tiles_in::<S, F2>(t, range, u),
        }
    }
}

#[inline(always)]
unsafe fn many_tiles_in<S: Simd, F: Form>(t: &Task, range: (usize, usize), u: *const f32) {
    let count = range.1 - range.0;
    let (row, panel) = (t.row(), t.panel());
    let (v_place, m_place) = (apart(count * row), apart(count * panel));
    let places = F::IN * F::IN;
    let mut v = Scratch::new(places * v_place);
    let mut m = Scratch::new(places * m_place);
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    let (v, m, scratch) = (v.as_mut_ptr(), m.as_mut_ptr(), scratch.as_mut_ptr());
    // SAFETY: the buffers have the sizes that the helpers index.
    unsafe {
        input_tiles::<S, F>(t, range, (0, t.padded_channels()), v, v_place, scratch);
        let mut panel_u = u;
        for p in 0..t.panels() {
            let width = t.panel_width(p);
            for place in 0..places {
                for c in (0..t.channels).step_by(DEPTH) {
                    product::<S>(&Block {
                        rows: count,
                        vectors: width / S::LANES,
                        depth: DEPTH.min(t.channels - c),
                        a: v.add(place * v_place + c),
                        a_row: row,
                        a_term: 1,
                        b: panel_u.add(place * apart(t.channels * width) + c * width),
                        b_term: width,
                        c: m.add(place * m_place),
                        c_row: panel,
                        start: if c > 0 { Start::Sum } else { Start::Zero },
                    });
                }
            }
            panel_u = panel_u.add(places * apart(t.channels * width));
            output_tiles::<S, F>(t, range, p, m, (m_place, panel), scratch);
        }
    }
}

/// Channels `from..to` of every tile, transformed into `v`.
#[inline(always)]
unsafe fn all_tiles<S: Simd>(t: &Task, range: (usize, usize), channels: (usize, usize), v: Shared) {
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    let place = apart(t.tiles() * t.row());
    // SAFETY: tasks differ in their tiles or channels.
    unsafe {
        let to = v.get().add(range.0 * t.row());
        match t.tile {
            Tile::Four => {
                input_tiles::<S, F4>(t, range, channels, to, place, scratch.as_mut_ptr());
            }
            Tile::Two => {
                input_tiles::<S, F2>(t, range, channels, to, place, scratch.as_mut_ptr());
            }
        }
    }
}

/// One panel of filters, transformed a piece at a time, against all tiles.
#[inline(always)]
unsafe fn one_panel<S: Simd>(t: &Task, panel: usize, v: *const f32) {
    // SAFETY: passed on.
    unsafe {
        match t.tile {
            Tile::Four => one_panel_in::<S, F4>(t, panel, v),
            Tile::Two => one_panel_in::<S, F2>(t, panel, v),
        }
    }
}

#[inline(always)]
unsafe fn one_panel_in<S: Simd, F: Form>(t: &Task, panel: usize, v: *const f32) {
    let tiles = t.tiles();
    let (row, width, places) = (t.row(), t.panel_width(panel), F::IN * F::IN);
    let v_place = apart(tiles * row);
    let (m_place, u_place) = (apart(tiles * width), apart(CHANNELS_AT_A_TIME * width));
    let mut u = Scratch::new(places * u_place);
    let mut m = Scratch::new(places * m_place);
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    let (u, m, scratch) = (u.as_mut_ptr(), m.as_mut_ptr(), scratch.as_mut_ptr());
    // SAFETY: the buffers have the sizes that the helpers index.
    unsafe {
        for c in (0..t.channels).step_by(CHANNELS_AT_A_TIME) {
            let end = (c + CHANNELS_AT_A_TIME).min(t.channels);
            panel_filters::<S, F>(t, panel, (c, end), u, u_place, scratch);
            for place in 0..places {
                product::<S>(&Block {
                    rows: tiles,
                    vectors: width / S::LANES,
                    depth: end - c,
                    a: v.add(place * v_place + c),
                    a_row: row,
                    a_term: 1,
                    b: u.add(place * u_place),
                    b_term: width,
                    c: m.add(place * m_place),
                    c_row: width,
                    start: if c > 0 { Start::Sum } else { Start::Zero },
                });
            }
        }
        output_tiles::<S, F>(t, (0, tiles), panel, m, (m_place, width), scratch);
    }
}

/// Transformed filters for channels `from..to` of one panel, where all are kept.
#[inline(always)]
unsafe fn kept_filters<S: Simd>(t: &Task, panel: usize, (from, to): (usize, usize), u: Shared) {
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    let scratch = scratch.as_mut_ptr();
    let (width, places) = (t.panel_width(panel), t.tile.places());
    // SAFETY: tasks differ in their panel or channels.
    unsafe {
        let panel_u = u.get().add(places * apart(t.channels * t.panel()) * panel);
        let (to_u, place) = (panel_u.add(from * width), apart(t.channels * width));
        match t.tile {
            Tile::Four => panel_filters::<S, F4>(t, panel, (from, to), to_u, place, scratch),
            Tile::Two => panel_filters::<S, F2>(t, panel, (from, to), to_u, place, scratch),
        }
    }
}

/// How many tiles a task takes: as many as keep its working memory near, in equal parts.
fn tiles_per_task(tiles: usize, channels: usize, panel: usize, places: usize) -> usize {
    /// Numbers that should stay in a core's second cache.
    const NEAR: usize = 160 * 1024;
    let most = (NEAR / (places * (channels + panel)).max(1)).clamp(24, 60);
    let tasks = tiles.div_ceil(most).next_multiple_of(4);
    tiles.div_ceil(tasks).max(1)
}

fn run(t: &Task) {
    let (tiles, places) = (t.tiles(), t.tile.places());
    if tiles < 120 && t.panels() > 1 || tiles < 24 {
        let mut v = Scratch::new(places * apart(tiles * t.row()));
        let v = Shared(v.as_mut_ptr());
        let vectors = t.padded_channels() / t.lanes();
        let per_task = vectors.div_ceil(8);
        (0..vectors.div_ceil(per_task))
            .into_par_iter()
            .for_each(|task| {
                let first = task * per_task * t.lanes();
                let last = (first + per_task * t.lanes()).min(t.padded_channels());
                let (range, channels) = ((0, tiles), (first, last));
                dispatch!(
                    t.instructions,
                    all_tiles(t: &Task, range: (usize, usize), channels: (usize, usize), v: Shared)
                );
            });
        (0..t.panels()).into_par_iter().for_each(|panel| {
            let v = v.get().cast_const();
            dispatch!(t.instructions, one_panel(t: &Task, panel: usize, v: *const f32));
        });
        return;
    }
    let mut u = Scratch::new(places * apart(t.channels * t.panel()) * t.panels());
    let u = Shared(u.as_mut_ptr());
    let pieces = t.channels.div_ceil(16);
    (0..t.panels() * pieces).into_par_iter().for_each(|task| {
        let (panel, piece) = (task / pieces, task % pieces);
        let channels = (piece * 16, (piece * 16 + 16).min(t.channels));
        dispatch!(
            t.instructions,
            kept_filters(t: &Task, panel: usize, channels: (usize, usize), u: Shared)
        );
    });
    let step = tiles_per_task(tiles, t.padded_channels(), t.panel(), places);
    (0..tiles.div_ceil(step)).into_par_iter().for_each(|task| {
        let range = (task * step, (task * step + step).min(tiles));
        let u = u.get().cast_const();
        dispatch!(t.instructions, many_tiles(t: &Task, range: (usize, usize), u: *const f32));
    });
}

/// Whether this form of the algorithm can do the convolution.
pub(super) fn fits(g: &Geometry) -> bool {
    g.kernel == [3, 3]
        && g.stride == [1, 1]
        && g.dilation == [1, 1]
        && g.groups == 1
        && g.pad.iter().all(|&p| p <= 2)
}

/// The forward pass.
pub(super) fn forward(
    g: &Geometry,
    tile: Tile,
    instructions: Instructions,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    assert!(fits(g));
    check_lengths(g, x, w, y);
    assert_eq!(bias.len(), g.filters);
    run(&Task {
        tile,
        instructions,
        batch: g.batch,
        channels: g.channels,
        filters: g.filters,
        image: plane(g.input),
        result: plane(g.output),
        pad: [g.pad[0], g.pad[2]],
        down: g.output[0].div_ceil(tile.output()),
        across: g.output[1].div_ceil(tile.output()),
        x: x.as_ptr(),
        w: w.as_ptr(),
        w_end: w.as_ptr_range().end,
        w_filter: g.channels * 9,
        w_channel: 9,
        flip: false,
        bias: bias.as_ptr(),
        y: Shared(y.as_mut_ptr()),
    });
}

/// The gradient with respect to the input: the same with the filters turned and their roles
/// exchanged.
pub(super) fn backward_input(
    g: &Geometry,
    tile: Tile,
    instructions: Instructions,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
) {
    assert!(fits(g));
    check_lengths(g, dx, w, dy);
    run(&Task {
        tile,
        instructions,
        batch: g.batch,
        channels: g.filters,
        filters: g.channels,
        image: plane(g.output),
        result: plane(g.input),
        pad: [2 - g.pad[0], 2 - g.pad[2]],
        down: g.input[0].div_ceil(tile.output()),
        across: g.input[1].div_ceil(tile.output()),
        x: dy.as_ptr(),
        w: w.as_ptr(),
        w_end: w.as_ptr_range().end,
        w_filter: 9,
        w_channel: g.channels * 9,
        flip: true,
        bias: std::ptr::null(),
        y: Shared(dx.as_mut_ptr()),
    });
}

fn plane([height, width]: [usize; 2]) -> Plane {
    Plane { height, width }
}

fn check_lengths(g: &Geometry, x: &[f32], w: &[f32], y: &[f32]) {
    assert_eq!(x.len(), g.batch * g.input_len());
    assert_eq!(w.len(), g.filters * g.patch());
    assert_eq!(y.len(), g.batch * g.output_len());
}

const _: () = assert!(MAX_LANES == 16 && RUN * 4 + 2 <= 64);
