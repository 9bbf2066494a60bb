//! The gradient with respect to 3x3 filters, in Winograd's domain: for every place the product of
//! the transformed input with the spread-out gradient, summed over the tiles, then one transform
//! back (the transpose of the forward pass, read from Lavin and Gray's equation backwards).

use super::form::{F2, F4, Form};
use super::transform::{self, TRANSFORM_SCRATCH};
use super::{Runs, SKEW, Tile, apart, check_lengths, fits, plane};
use crate::conv::Geometry;
use crate::conv::micro::{Block, Start, product};
use crate::conv::scratch::{Scratch, Shared};
use crate::conv::simd::{Instructions, Simd, dispatch};
use rayon::prelude::*;

/// Terms (tiles) that are summed before they join the rest.
const DEPTH: usize = 128;

/// Channels by filters of one task where all transforms are stored.
const SQUARE: usize = 64;

/// Parts that the tiles are shared out in, at most: each has sums of its own.
const PARTS: usize = 8;

/// Numbers up to which all transforms are stored at once (32 MB).
const STORED: usize = 8 << 20;

#[derive(Clone, Copy)]
struct Task {
    g: Geometry,
    tile: Tile,
    instructions: Instructions,
    down: usize,
    across: usize,
    x: *const f32,
    dy: *const f32,
    dw: Shared,
}

// SAFETY: `x` and `dy` are only read, and every task writes parts of `dw` of its own.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    fn tiles(&self) -> usize {
        self.g.batch * self.down * self.across
    }

    fn lanes(&self) -> usize {
        match self.instructions {
            Instructions::Avx512 => 16,
            _ => 8,
        }
    }

    fn padded_channels(&self) -> usize {
        self.g.channels.next_multiple_of(self.lanes())
    }

    fn padded_filters(&self) -> usize {
        self.g.filters.next_multiple_of(self.lanes())
    }

    fn places(&self) -> usize {
        self.tile.places()
    }

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
}

/// Where transformed tiles stand: `[place][tile][channel or filter]`.
#[derive(Clone, Copy)]
struct Tiles {
    at: Shared,
    place: usize,
    row: usize,
}

/// A part of a tensor's channels and of the tiles.
#[derive(Clone, Copy)]
struct Part {
    tiles: (usize, usize),
    channels: (usize, usize),
}

#[inline(always)]
unsafe fn input_tiles<S: Simd, F: Form>(t: &Task, part: Part, v: Tiles, scratch: *mut f32) {
    let image = plane(t.g.input);
    for run in t.runs(part.tiles) {
        let corner = (
            (run.row * F::OUT) as isize - t.g.pad[0] as isize,
            (run.column * F::OUT) as isize - t.g.pad[2] as isize,
        );
        for c in (part.channels.0..part.channels.1).step_by(S::LANES) {
            let channels = t.g.channels.saturating_sub(c).min(S::LANES);
            // SAFETY: the planes are inside x, the tiles inside v.
            unsafe {
                let planes = t.x.add((run.image * t.g.channels + c) * image.len());
                let to = v.at.get().add(run.at * v.row + c);
                transform::input::<S, F>(
                    planes,
                    image,
                    channels,
                    corner,
                    run.count,
                    to,
                    (v.place, v.row),
                    scratch,
                );
            }
        }
    }
}

#[inline(always)]
unsafe fn gradient_tiles<S: Simd, F: Form>(t: &Task, part: Part, u: Tiles, scratch: *mut f32) {
    let result = plane(t.g.output);
    for run in t.runs(part.tiles) {
        let corner = (run.row * F::OUT, run.column * F::OUT);
        for k in (part.channels.0..part.channels.1).step_by(S::LANES) {
            let filters = t.g.filters.saturating_sub(k).min(S::LANES);
            // SAFETY: the planes are inside dy, the tiles inside u.
            unsafe {
                let planes = t.dy.add((run.image * t.g.filters + k) * result.len());
                let to = u.at.get().add(run.at * u.row + k);
                transform::spread::<S, F>(
                    planes,
                    result,
                    filters,
                    corner,
                    run.count,
                    to,
                    (u.place, u.row),
                    scratch,
                );
            }
        }
    }
}

/// Adds the products of `count` tiles to `sums[place][channel][filter]`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn add_products<S: Simd>(
    places: usize,
    count: usize,
    v: Tiles,
    (from, to): (usize, usize),
    u: Tiles,
    (first, last): (usize, usize),
    sums: *mut f32,
    (sums_place, width): (usize, usize),
    fresh: bool,
) {
    let panel = S::VECTORS * S::LANES;
    for place in 0..places {
        for k in (first..last).step_by(panel) {
            for tile in (0..count).step_by(DEPTH) {
                // SAFETY: rows, columns and terms are inside the three buffers.
                unsafe {
                    product::<S>(&Block {
                        rows: to - from,
                        vectors: (last - k).min(panel) / S::LANES,
                        depth: DEPTH.min(count - tile),
                        a: v.at.get().add(place * v.place + tile * v.row + from),
                        a_row: 1,
                        a_term: v.row,
                        b: u.at.get().add(place * u.place + tile * u.row + k),
                        b_term: u.row,
                        c: sums.add(place * sums_place + k - first),
                        c_row: width,
                        start: if fresh && tile == 0 {
                            Start::Zero
                        } else {
                            Start::Sum
                        },
                    });
                }
            }
        }
    }
}

/// From `sums[place][channel][filter]` of channels `from..to` and filters from `first` on to the
/// filters' gradient.
#[inline(always)]
unsafe fn finish<S: Simd, F: Form>(
    t: &Task,
    (from, to): (usize, usize),
    (first, last): (usize, usize),
    sums: *const f32,
    (place, width): (usize, usize),
    scratch: *mut f32,
) {
    for c in from..to.min(t.g.channels) {
        for k in (first..last).step_by(S::LANES) {
            let lanes = t.g.filters.saturating_sub(k).min(S::LANES);
            // SAFETY: the sums are inside their buffer, the filters inside dw.
            unsafe {
                transform::gather::<S, F>(
                    sums.add((c - from) * width + k - first),
                    place,
                    t.dw.get().add((k * t.g.channels + c) * 9),
                    t.g.channels * 9,
                    lanes,
                    scratch,
                );
            }
        }
    }
}

/// One part of the tiles, a few at a time, into sums of its own.
#[inline(always)]
unsafe fn one_part<S: Simd>(t: &Task, range: (usize, usize), step: usize, sums: Shared) {
    // SAFETY: passed on.
    unsafe {
        match t.tile {
            Tile::Four => one_part_in::<S, F4>(t, range, step, sums),
            Tile::Two => one_part_in::<S, F2>(t, range, step, sums),
        }
    }
}

#[inline(always)]
unsafe fn one_part_in<S: Simd, F: Form>(
    t: &Task,
    (first, last): (usize, usize),
    step: usize,
    sums: Shared,
) {
    let places = F::IN * F::IN;
    let (channels, filters) = (t.padded_channels(), t.padded_filters());
    let (v_row, u_row) = (channels + SKEW, filters + SKEW);
    let (v_place, u_place) = (apart(step * v_row), apart(step * u_row));
    let mut v = Scratch::new(places * v_place);
    let mut u = Scratch::new(places * u_place);
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    let v = Tiles {
        at: Shared(v.as_mut_ptr()),
        place: v_place,
        row: v_row,
    };
    let u = Tiles {
        at: Shared(u.as_mut_ptr()),
        place: u_place,
        row: u_row,
    };
    let mut from = first;
    while from < last {
        let tiles = (from, (from + step).min(last));
        // SAFETY: the buffers hold `step` tiles, and `sums` all channels by all filters.
        unsafe {
            let scratch = scratch.as_mut_ptr();
            let all = (0, channels);
            input_tiles::<S, F>(
                t,
                Part {
                    tiles,
                    channels: all,
                },
                v,
                scratch,
            );
            let all = (0, filters);
            gradient_tiles::<S, F>(
                t,
                Part {
                    tiles,
                    channels: all,
                },
                u,
                scratch,
            );
            add_products::<S>(
                places,
                tiles.1 - tiles.0,
                v,
                (0, t.g.channels),
                u,
                all,
                sums.get(),
                (apart(t.g.channels * filters), filters),
                from == first,
            );
        }
        from = tiles.1;
    }
}

/// Adds the parts' sums up, in order, and transforms them back, for some channels.
#[inline(always)]
unsafe fn join_parts<S: Simd>(t: &Task, channels: (usize, usize), sums: Shared, parts: usize) {
    let filters = t.padded_filters();
    let place = apart(t.g.channels * filters);
    let (from, to) = (channels.0 * filters, channels.1 * filters);
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    // SAFETY: every part holds all places, and tasks differ in their channels.
    unsafe {
        for part in 1..parts {
            for p in 0..t.places() {
                let sum = sums.get().add(p * place);
                let more = sums.get().add((part * t.places() + p) * place);
                for i in (from..to).step_by(S::LANES) {
                    let v = S::add(S::load(sum.add(i)), S::load(more.add(i)));
                    S::store(sum.add(i), v);
                }
            }
        }
        let (sums, all) = (sums.get().add(from).cast_const(), (0, filters));
        let scratch = scratch.as_mut_ptr();
        match t.tile {
            Tile::Four => finish::<S, F4>(t, channels, all, sums, (place, filters), scratch),
            Tile::Two => finish::<S, F2>(t, channels, all, sums, (place, filters), scratch),
        }
    }
}

/// Transforms a part of one of the two tensors.
#[inline(always)]
unsafe fn store_tiles<S: Simd>(t: &Task, part: Part, to: Tiles, of_gradient: bool) {
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    let scratch = scratch.as_mut_ptr();
    let to = Tiles {
        at: Shared(to.at.get().wrapping_add(part.tiles.0 * to.row)),
        ..to
    };
    // SAFETY: tasks differ in their tiles or channels.
    unsafe {
        match (t.tile, of_gradient) {
            (Tile::Four, false) => input_tiles::<S, F4>(t, part, to, scratch),
            (Tile::Two, false) => input_tiles::<S, F2>(t, part, to, scratch),
            (Tile::Four, true) => gradient_tiles::<S, F4>(t, part, to, scratch),
            (Tile::Two, true) => gradient_tiles::<S, F2>(t, part, to, scratch),
        }
    }
}

/// The gradient of a square of channels by filters, all tiles at once.
#[inline(always)]
unsafe fn one_square<S: Simd>(
    t: &Task,
    channels: (usize, usize),
    filters: (usize, usize),
    v: Tiles,
    u: Tiles,
) {
    let (rows, width) = (channels.1 - channels.0, filters.1 - filters.0);
    let place = apart(rows * width);
    let mut sums = Scratch::new(t.places() * place);
    let mut scratch = Scratch::new(TRANSFORM_SCRATCH);
    let (sums, scratch) = (sums.as_mut_ptr(), scratch.as_mut_ptr());
    // SAFETY: the sums have room for the square.
    unsafe {
        add_products::<S>(
            t.places(),
            t.tiles(),
            v,
            channels,
            u,
            filters,
            sums,
            (place, width),
            true,
        );
        match t.tile {
            Tile::Four => finish::<S, F4>(t, channels, filters, sums, (place, width), scratch),
            Tile::Two => finish::<S, F2>(t, channels, filters, sums, (place, width), scratch),
        }
    }
}

fn with_all_stored(t: &Task) {
    let (tiles, places) = (t.tiles(), t.places());
    let (v_row, u_row) = (t.padded_channels() + SKEW, t.padded_filters() + SKEW);
    let (v_place, u_place) = (apart(tiles * v_row), apart(tiles * u_row));
    let mut v = Scratch::new(places * v_place);
    let mut u = Scratch::new(places * u_place);
    let v = Tiles {
        at: Shared(v.as_mut_ptr()),
        place: v_place,
        row: v_row,
    };
    let u = Tiles {
        at: Shared(u.as_mut_ptr()),
        place: u_place,
        row: u_row,
    };
    let chunks = |all: usize, step: usize| {
        (0..all)
            .step_by(step)
            .map(move |from| (from, (from + step).min(all)))
            .collect::<Vec<_>>()
    };
    let mut transforms = Vec::new();
    for tiles in chunks(tiles, 2 * t.across.max(14)) {
        for channels in chunks(t.padded_channels(), SQUARE) {
            transforms.push((Part { tiles, channels }, v, false));
        }
        for channels in chunks(t.padded_filters(), SQUARE) {
            transforms.push((Part { tiles, channels }, u, true));
        }
    }
    transforms
        .into_par_iter()
        .for_each(|(part, to, of_gradient)| {
            dispatch!(
                t.instructions,
                store_tiles(t: &Task, part: Part, to: Tiles, of_gradient: bool)
            );
        });
    let mut squares = Vec::new();
    for filters in chunks(t.padded_filters(), SQUARE) {
        for channels in chunks(t.g.channels, SQUARE) {
            squares.push((channels, filters));
        }
    }
    squares.into_par_iter().for_each(|(channels, filters)| {
        dispatch!(
            t.instructions,
            one_square(
                t: &Task,
                channels: (usize, usize),
                filters: (usize, usize),
                v: Tiles,
                u: Tiles,
            )
        );
    });
}

fn in_parts(t: &Task) {
    let (tiles, places) = (t.tiles(), t.places());
    let (channels, filters) = (t.g.channels, t.padded_filters());
    let step = (128 * 1024 / (places * (t.padded_channels() + filters))).clamp(24, 96);
    let parts = tiles.div_ceil(step).clamp(1, PARTS);
    let per_part = tiles.div_ceil(parts);
    let parts = tiles.div_ceil(per_part);
    let one = places * apart(channels * filters);
    let mut sums = Scratch::new(parts * one);
    let sums = Shared(sums.as_mut_ptr());
    (0..parts).into_par_iter().for_each(|part| {
        let range = (part * per_part, ((part + 1) * per_part).min(tiles));
        let sums = Shared(sums.get().wrapping_add(part * one));
        dispatch!(
            t.instructions,
            one_part(t: &Task, range: (usize, usize), step: usize, sums: Shared)
        );
    });
    let step = channels.div_ceil(8);
    (0..channels.div_ceil(step))
        .into_par_iter()
        .for_each(|task| {
            let channels = (task * step, (task * step + step).min(channels));
            dispatch!(
                t.instructions,
                join_parts(t: &Task, channels: (usize, usize), sums: Shared, parts: usize)
            );
        });
}

/// The gradient with respect to the weights. (That of the bias is the plain sum, done elsewhere.)
pub(in crate::conv) fn backward_weight(
    g: &Geometry,
    tile: Tile,
    instructions: Instructions,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    assert!(fits(g));
    check_lengths(g, x, dw, dy);
    let t = Task {
        g: *g,
        tile,
        instructions,
        down: g.output[0].div_ceil(tile.output()),
        across: g.output[1].div_ceil(tile.output()),
        x: x.as_ptr(),
        dy: dy.as_ptr(),
        dw: Shared(dw.as_mut_ptr()),
    };
    let rows = t.padded_channels() + t.padded_filters();
    if t.padded_channels() * t.padded_filters() <= 2 * SQUARE * SQUARE {
        in_parts(&t);
        return;
    }
    // As many images at a time as may be stored.
    let per_image = t.down * t.across * t.places() * rows;
    let images = (STORED / per_image).clamp(1, g.batch);
    let mut part = Scratch::new(if images < g.batch { dw.len() } else { 0 });
    for first in (0..g.batch).step_by(images) {
        let mut group = t;
        group.g.batch = images.min(g.batch - first);
        group.x = x[first * g.input_len()..].as_ptr();
        group.dy = dy[first * g.output_len()..].as_ptr();
        if first == 0 {
            with_all_stored(&group);
            continue;
        }
        group.dw = Shared(part.as_mut_ptr());
        with_all_stored(&group);
        for (sum, more) in dw.iter_mut().zip(part.as_mut()) {
            *sum += *more;
        }
    }
}
