//! The gradient with respect to the weights, window by window.

use super::layout::{EDGE, Layout, flat, taps};
use crate::conv::scratch::{Scratch, Shared};
use crate::conv::simd::{Instructions, Simd, dispatch};
use crate::conv::{Geometry, is_product};
use rayon::prelude::*;

/// Parts that a batch is summed in: fixed, so that sums do not depend on threads.
const PARTS: usize = 16;

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
    // SAFETY: rows of dy and of the padded image; a part at the right edge is masked.
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
pub(in crate::conv) fn backward_weight(
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
