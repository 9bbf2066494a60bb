//! The transforms in two dimensions, vectorised over channels: a register holds one place of the
//! tile for as many channels as it has lanes. Images store channels apart, so squares of
//! channels times columns are transposed on the way in and on the way out.

use super::form::{Form, WIDEST};
use crate::conv::simd::{MAX_LANES, Simd};
use std::marker::PhantomData;

/// Tiles of one row that are transformed at a time: what they need in between stays in the
/// nearest cache.
pub(super) const RUN: usize = 14;

/// Numbers that a transform needs in between.
pub(super) const TRANSFORM_SCRATCH: usize =
    WIDEST * MAX_LANES * MAX_LANES + WIDEST * (RUN * 4 + 2 + 2 * MAX_LANES) * MAX_LANES;

const _: () = assert!(TRANSFORM_SCRATCH >= 9 * MAX_LANES * MAX_LANES);

/// A plane of numbers: the first number, and its height and width.
#[derive(Clone, Copy)]
pub(super) struct Plane {
    pub height: usize,
    pub width: usize,
}

impl Plane {
    pub(super) fn len(self) -> usize {
        self.height * self.width
    }
}

/// What is done to the rows of a tile. (A type and no closure: a closure would be compiled without
/// the processor's instructions.)
trait Rows {
    /// Rows read, and rows made of them.
    const READ: usize;
    const MADE: usize;
    unsafe fn apply<S: Simd>(d: [S::V; 6]) -> [S::V; 6];
}

struct OfInput<F>(PhantomData<F>);

impl<F: Form> Rows for OfInput<F> {
    const READ: usize = F::IN;
    const MADE: usize = F::IN;

    #[inline(always)]
    unsafe fn apply<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
        // SAFETY: as the caller says.
        unsafe { F::input::<S>(d) }
    }
}

struct OfGradient<F>(PhantomData<F>);

impl<F: Form> Rows for OfGradient<F> {
    const READ: usize = F::OUT;
    const MADE: usize = F::IN;

    #[inline(always)]
    unsafe fn apply<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
        // SAFETY: as the caller says.
        unsafe { F::spread::<S>([d[0], d[1], d[2], d[3]]) }
    }
}

/// Rows `top..` of `channels` planes at columns `left..left + LANES`, zero outside the planes, each
/// channel's rows combined, and the result transposed: `to[row][column][channel]`.
#[inline(always)]
unsafe fn load_columns<S: Simd, R: Rows>(
    from: *const f32,
    plane: Plane,
    channels: usize,
    (top, left): (isize, isize),
    between: *mut f32,
    (to, to_row): (*mut f32, usize),
) {
    // SAFETY: masks keep every access inside the planes; `between` and `to` have room for
    // a square of lanes for every row made.
    unsafe {
        let square = S::LANES * S::LANES;
        let first = (-left).clamp(0, S::LANES as isize) as usize;
        let last = (plane.width as isize - left).clamp(0, S::LANES as isize) as usize;
        let whole = first == 0 && last == S::LANES;
        for channel in 0..S::LANES {
            let mut d = [S::zero(); 6];
            if channel < channels {
                for (r, d) in d.iter_mut().enumerate().take(R::READ) {
                    let y = top + r as isize;
                    if y < 0 || y >= plane.height as isize {
                        continue;
                    }
                    let at = (channel * plane.len()) as isize + y * plane.width as isize + left;
                    let p = from.wrapping_offset(at);
                    *d = if whole {
                        S::load(p)
                    } else {
                        S::load_part(p, first, last)
                    };
                }
            }
            let d = R::apply::<S>(d);
            for (r, d) in d.into_iter().enumerate().take(R::MADE) {
                S::store(between.add(r * square + channel * S::LANES), d);
            }
        }
        for r in 0..R::MADE {
            let (from, to) = (between.add(r * square), to.add(r * to_row));
            S::transpose(from, S::LANES, to, S::LANES);
        }
    }
}

/// Transforms a run of tiles of one tile row for one vector of channels.
///
/// `from` is the first channel's plane; the run's first tile begins at row `top`, column `left`.
/// Place `xi` of tile `t` goes to `to + xi * to_place + t * to_tile`.
///
/// # Safety
/// `from` holds `channels` planes; `to` has room; `scratch` holds [`TRANSFORM_SCRATCH`] numbers.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn input<S: Simd, F: Form>(
    from: *const f32,
    plane: Plane,
    channels: usize,
    (top, left): (isize, isize),
    tiles: usize,
    to: *mut f32,
    (to_place, to_tile): (usize, usize),
    scratch: *mut f32,
) {
    // SAFETY: as the caller says; `columns` has room for every column of the run, rounded up.
    unsafe {
        let between = scratch;
        let columns = scratch.add(WIDEST * MAX_LANES * MAX_LANES);
        let width = tiles * F::OUT + F::IN - F::OUT;
        let row = width.next_multiple_of(S::LANES) * S::LANES;
        for x in (0..width).step_by(S::LANES) {
            load_columns::<S, OfInput<F>>(
                from,
                plane,
                channels,
                (top, left + x as isize),
                between,
                (columns.add(x * S::LANES), row),
            );
        }
        for t in 0..tiles {
            for r in 0..F::IN {
                let mut d = [S::zero(); 6];
                for (j, d) in d.iter_mut().enumerate().take(F::IN) {
                    *d = S::load(columns.add(r * row + (t * F::OUT + j) * S::LANES));
                }
                let d = F::input::<S>(d);
                for (j, d) in d.into_iter().enumerate().take(F::IN) {
                    S::store(to.add((r * F::IN + j) * to_place + t * to_tile), d);
                }
            }
        }
    }
}

/// The same for the gradient with respect to the output: `A dy Aᵀ` of every tile of a run.
///
/// # Safety
/// As [`input`].
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn spread<S: Simd, F: Form>(
    from: *const f32,
    plane: Plane,
    channels: usize,
    (top, left): (usize, usize),
    tiles: usize,
    to: *mut f32,
    (to_place, to_tile): (usize, usize),
    scratch: *mut f32,
) {
    // SAFETY: as in `input`.
    unsafe {
        let between = scratch;
        let columns = scratch.add(WIDEST * MAX_LANES * MAX_LANES);
        let width = tiles * F::OUT;
        let row = width.next_multiple_of(S::LANES) * S::LANES;
        for x in (0..width).step_by(S::LANES) {
            load_columns::<S, OfGradient<F>>(
                from,
                plane,
                channels,
                (top as isize, (left + x) as isize),
                between,
                (columns.add(x * S::LANES), row),
            );
        }
        for t in 0..tiles {
            for r in 0..F::IN {
                let mut y = [S::zero(); 4];
                for (j, y) in y.iter_mut().enumerate().take(F::OUT) {
                    *y = S::load(columns.add(r * row + (t * F::OUT + j) * S::LANES));
                }
                let u = F::spread::<S>(y);
                for (j, u) in u.into_iter().enumerate().take(F::IN) {
                    S::store(to.add((r * F::IN + j) * to_place + t * to_tile), u);
                }
            }
        }
    }
}

/// The way back for a run of tiles and one vector of filters: products to pixels, plus a bias.
///
/// # Safety
/// `from` holds the products; `to` is the first filter's plane, and the run's first tile begins
/// there at row `top`, column `left`; `scratch` holds [`TRANSFORM_SCRATCH`] numbers.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn output<S: Simd, F: Form>(
    from: *const f32,
    (from_place, from_tile): (usize, usize),
    tiles: usize,
    bias: S::V,
    to: *mut f32,
    plane: Plane,
    filters: usize,
    (top, left): (usize, usize),
    scratch: *mut f32,
) {
    // SAFETY: as the caller says; rows and columns outside the plane are left out.
    unsafe {
        let square = scratch;
        let columns = scratch.add(WIDEST * MAX_LANES * MAX_LANES);
        let width = (tiles * F::OUT).min(plane.width - left);
        let row = (tiles * F::OUT).next_multiple_of(S::LANES) * S::LANES;
        for t in 0..tiles {
            let mut z = [[S::zero(); 6]; 4];
            for j in 0..F::IN {
                let mut m = [S::zero(); 6];
                for (r, m) in m.iter_mut().enumerate().take(F::IN) {
                    *m = S::load(from.add((r * F::IN + j) * from_place + t * from_tile));
                }
                let y = F::output::<S>(m);
                for (z, y) in z.iter_mut().zip(y) {
                    z[j] = y;
                }
            }
            for (r, z) in z.into_iter().enumerate().take(F::OUT) {
                let y = F::output::<S>(z);
                for (i, y) in y.into_iter().enumerate().take(F::OUT) {
                    let at = columns.add(r * row + (t * F::OUT + i) * S::LANES);
                    S::store(at, S::add(y, bias));
                }
            }
        }
        for r in 0..F::OUT.min(plane.height - top) {
            for x in (0..width).step_by(S::LANES) {
                S::transpose(
                    columns.add(r * row + x * S::LANES),
                    S::LANES,
                    square,
                    S::LANES,
                );
                let count = (width - x).min(S::LANES);
                let line = to.add((top + r) * plane.width + left + x);
                for filter in 0..filters {
                    let v = S::load(square.add(filter * S::LANES));
                    let p = line.add(filter * plane.len());
                    if count == S::LANES {
                        S::store(p, v);
                    } else {
                        S::store_part(p, v, count);
                    }
                }
            }
        }
    }
}

/// 3x3 filters, one for each lane and channel.
pub(super) struct Filters {
    pub at: *const f32,
    /// From one lane to the next, how many there are, and the same for channels.
    pub lane: usize,
    pub lanes: usize,
    pub channel: usize,
    pub channels: usize,
    /// Where the memory of all filters ends.
    pub end: *const f32,
    /// Turns the filters by half a turn, as the gradient with respect to the input wants them.
    pub flip: bool,
}

/// Transforms the filters of one or more channels, and returns of how many: place `xi` of channel
/// `c` goes to `to + xi * to_place + c * to_channel`, lanes without a filter are zero.
///
/// # Safety
/// The filters are inside their memory; `to` has room; `scratch` holds [`TRANSFORM_SCRATCH`] numbers.
#[inline(always)]
pub(super) unsafe fn filters<S: Simd, F: Form>(
    from: &Filters,
    to: *mut f32,
    to_place: usize,
    to_channel: usize,
    scratch: *mut f32,
) -> usize {
    // SAFETY: as the caller says; squares are read only where all of their numbers are filters'.
    unsafe {
        let square = S::LANES * S::LANES;
        let whole = from.lanes == S::LANES;
        if whole && from.channel == 9 && from.channels >= S::LANES {
            // Nine squares hold the taps of as many channels as there are lanes.
            for i in 0..9 {
                let at = from.at.add(i * S::LANES);
                S::transpose(at, from.lane, scratch.add(i * square), S::LANES);
            }
            for c in 0..S::LANES {
                let taps = scratch.add(c * 9 * S::LANES);
                filter::<S, F>(taps, from.flip, to.add(c * to_channel), to_place);
            }
            return S::LANES;
        }
        let taps = scratch.add(square);
        let last = from
            .at
            .wrapping_add((from.lanes - 1) * from.lane + S::LANES);
        if S::LANES >= 9 && whole && last <= from.end {
            S::transpose(from.at, from.lane, taps, S::LANES);
        } else {
            for tap in 0..9 {
                for lane in 0..S::LANES {
                    *taps.add(tap * S::LANES + lane) = if lane < from.lanes {
                        *from.at.add(lane * from.lane + tap)
                    } else {
                        0.0
                    };
                }
            }
        }
        filter::<S, F>(taps, from.flip, to, to_place);
        1
    }
}

/// Transforms one filter a lane, given as nine vectors.
#[inline(always)]
unsafe fn filter<S: Simd, F: Form>(taps: *const f32, flip: bool, to: *mut f32, to_place: usize) {
    // SAFETY: as the caller says.
    unsafe {
        let mut z = [[S::zero(); 3]; 6];
        for x in 0..3 {
            let mut g = [S::zero(); 3];
            for (y, g) in g.iter_mut().enumerate() {
                let i = if flip { 8 - (3 * y + x) } else { 3 * y + x };
                *g = S::load(taps.add(i * S::LANES));
            }
            let u = F::filter::<S>(g);
            for (z, u) in z.iter_mut().zip(u) {
                z[x] = u;
            }
        }
        for (r, z) in z.into_iter().enumerate().take(F::IN) {
            let u = F::filter::<S>(z);
            for (j, u) in u.into_iter().enumerate().take(F::IN) {
                S::store(to.add((r * F::IN + j) * to_place), u);
            }
        }
    }
}

/// The way back to the filters' gradient: `Gᵀ u G` for up to `LANES` filters.
///
/// # Safety
/// `from` holds the places; `to + lane * step` has room for nine numbers for each of `lanes`;
/// `scratch` holds [`TRANSFORM_SCRATCH`] numbers.
#[inline(always)]
pub(super) unsafe fn gather<S: Simd, F: Form>(
    from: *const f32,
    from_place: usize,
    to: *mut f32,
    step: usize,
    lanes: usize,
    scratch: *mut f32,
) {
    // SAFETY: as the caller says.
    unsafe {
        let mut z = [[S::zero(); 6]; 3];
        for j in 0..F::IN {
            let mut u = [S::zero(); 6];
            for (r, u) in u.iter_mut().enumerate().take(F::IN) {
                *u = S::load(from.add((r * F::IN + j) * from_place));
            }
            let g = F::gather::<S>(u);
            for (z, g) in z.iter_mut().zip(g) {
                z[j] = g;
            }
        }
        for (y, z) in z.into_iter().enumerate() {
            for (x, g) in F::gather::<S>(z).into_iter().enumerate() {
                S::store(scratch.add((3 * y + x) * S::LANES), g);
            }
        }
        for lane in 0..lanes {
            for tap in 0..9 {
                *to.add(lane * step + tap) = *scratch.add(tap * S::LANES + lane);
            }
        }
    }
}
