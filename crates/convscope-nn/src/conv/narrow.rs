//! Fully connected layers with few outputs or few examples: matrices that are long and narrow, which
//! BLAS copies about before it multiplies. Here the numbers are read where they stand.

use super::micro::{Block, Start, product};
use super::scratch::Shared;
use super::simd::{Instructions, Simd, dispatch};
use crate::real::Real;
use rayon::prelude::*;

/// Up to so many outputs, or so many examples, this is the faster way.
const FEW_OUTPUTS: usize = 128;
const FEW_ROWS: usize = 8;

/// Rows or columns of one task: fixed, so that sums do not depend on threads.
const ROWS: usize = 16;
const OUTPUTS: usize = 64;
const COLUMNS: usize = 512;

/// Inputs that are summed before they join the rest, and that all outputs meet while they are near.
const DEPTH: usize = 1024;

/// `y = x wᵀ` with `x` of `[rows, depth]` and `w` of `[outputs, depth]`.
#[derive(Clone, Copy)]
struct Task {
    rows: usize,
    depth: usize,
    outputs: usize,
    x: *const f32,
    w: *const f32,
    dy: *const f32,
    to: Shared,
}

// SAFETY: what is read is not written, and tasks write rows or columns of their own.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

/// Whether these kernels suit the layer.
fn fits(rows: usize, depth: usize, outputs: usize) -> bool {
    (outputs <= FEW_OUTPUTS || rows <= FEW_ROWS) && depth >= 64
}

/// Rows `first..last` of `y` for the outputs `from..to`.
#[inline(always)]
unsafe fn forward_rows<S: Simd>(t: &Task, (first, last): (usize, usize), outputs: (usize, usize)) {
    // SAFETY: rows first..last are inside x and y.
    unsafe {
        for d in (0..t.depth).step_by(DEPTH) {
            let depth = DEPTH.min(t.depth - d);
            let mut row = first;
            macro_rules! rows {
                ($($rows:literal)*) => {{ $(
                    while last - row >= $rows {
                        row_dots::<S, $rows>(t, row, outputs, d, depth);
                        row += $rows;
                    }
                )* }};
            }
            if S::LANES == 16 {
                rows!(4 2 1);
            } else {
                rows!(2 1);
            }
        }
    }
}

#[inline(always)]
unsafe fn row_dots<S: Simd, const ROWS: usize>(
    t: &Task,
    row: usize,
    (from, to): (usize, usize),
    d: usize,
    depth: usize,
) {
    let mut output = from;
    macro_rules! outputs {
        ($($outputs:literal)*) => {{ $(
            while to - output >= $outputs {
                // SAFETY: passed on.
                unsafe { dots::<S, ROWS, $outputs>(t, row, output, d, depth) };
                output += $outputs;
            }
        )* }};
    }
    if S::LANES == 16 {
        outputs!(5 2 1);
    } else {
        outputs!(4 2 1);
    }
}

#[inline(always)]
unsafe fn dots<S: Simd, const ROWS: usize, const OUTPUTS: usize>(
    t: &Task,
    row: usize,
    output: usize,
    d: usize,
    depth: usize,
) {
    // SAFETY: the last vector of a row is masked.
    unsafe {
        let (x, w) = (t.x.add(row * t.depth + d), t.w.add(output * t.depth + d));
        let mut sums = [[S::zero(); OUTPUTS]; ROWS];
        let mut i = 0;
        while i < depth {
            let count = (depth - i).min(S::LANES);
            let mut a = [S::zero(); ROWS];
            for (r, a) in a.iter_mut().enumerate() {
                let p = x.add(r * t.depth + i);
                *a = if count == S::LANES {
                    S::load(p)
                } else {
                    S::load_part(p, 0, count)
                };
            }
            for o in 0..OUTPUTS {
                let p = w.add(o * t.depth + i);
                let b = if count == S::LANES {
                    S::load(p)
                } else {
                    S::load_part(p, 0, count)
                };
                for (sums, a) in sums.iter_mut().zip(a) {
                    sums[o] = S::fma(a, b, sums[o]);
                }
            }
            i += S::LANES;
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (o, sum) in sums.into_iter().enumerate() {
                let y = t.to.get().add((row + r) * t.outputs + output + o);
                let before = if d == 0 { 0.0 } else { *y };
                *y = before + S::sum(sum);
            }
        }
    }
}

/// Columns `first..last` of `dx = dy w` (rows of dx) or `dw = dyᵀ x` (outputs), which have `depth`
/// columns: whole vectors straight, the rest through a buffer.
#[inline(always)]
unsafe fn columns<S: Simd>(t: &Task, first: usize, last: usize, of_weights: bool) {
    let (rows, depth, b) = match of_weights {
        true => (t.outputs, t.rows, t.x),
        false => (t.rows, t.outputs, t.w),
    };
    let (a_row, a_term) = match of_weights {
        true => (1, t.outputs),
        false => (t.outputs, 1),
    };
    // SAFETY: the block is inside the matrices; what is left of a row goes number by number.
    unsafe {
        let mut column = first;
        while last - column >= S::LANES {
            let vectors = ((last - column) / S::LANES).min(S::VECTORS);
            product::<S>(&Block {
                rows,
                vectors,
                depth,
                a: t.dy,
                a_row,
                a_term,
                b: b.add(column),
                b_term: t.depth,
                c: t.to.get().add(column),
                c_row: t.depth,
                start: Start::Zero,
            });
            column += vectors * S::LANES;
        }
        for row in 0..rows {
            for column in column..last {
                let mut sum = 0.0;
                for i in 0..depth {
                    sum += *t.dy.add(row * a_row + i * a_term) * *b.add(i * t.depth + column);
                }
                *t.to.get().add(row * t.depth + column) = sum;
            }
        }
    }
}

/// `y = x wᵀ`; false, and nothing done, where it is no matrix of `f32` that suits.
pub(crate) fn forward<F: Real>(x: &[F], w: &[F], outputs: usize, y: &mut [F]) -> bool {
    let (depth, rows) = (w.len() / outputs, y.len() / outputs);
    let (Some(x), Some(w), Some(y)) = (F::as_f32(x), F::as_f32(w), F::as_f32_mut(y)) else {
        return false;
    };
    assert!(x.len() == rows * depth && w.len() == outputs * depth && y.len() == rows * outputs);
    let t = &Task {
        rows,
        depth,
        outputs,
        x: x.as_ptr(),
        w: w.as_ptr(),
        dy: std::ptr::null(),
        to: Shared(y.as_mut_ptr()),
    };
    if !fits(rows, depth, outputs) {
        return false;
    }
    // Few examples: the outputs are shared out.
    let share = if rows <= FEW_ROWS { OUTPUTS } else { outputs };
    let shares = outputs.div_ceil(share);
    (0..rows.div_ceil(ROWS) * shares)
        .into_par_iter()
        .for_each(|task| {
            let (row, output) = (task / shares * ROWS, task % shares * share);
            let rows = (row, (row + ROWS).min(rows));
            let outputs = (output, (output + share).min(outputs));
            dispatch!(
                Instructions::detect(),
                forward_rows(t: &Task, rows: (usize, usize), outputs: (usize, usize))
            );
        });
    true
}

/// `dx = dy w`; see [`forward`].
pub(crate) fn backward_input<F: Real>(dy: &[F], w: &[F], outputs: usize, dx: &mut [F]) -> bool {
    let (depth, rows) = (w.len() / outputs, dy.len() / outputs);
    let (Some(dy), Some(w), Some(dx)) = (F::as_f32(dy), F::as_f32(w), F::as_f32_mut(dx)) else {
        return false;
    };
    assert!(dx.len() == rows * depth && w.len() == outputs * depth && dy.len() == rows * outputs);
    let t = Task {
        rows,
        depth,
        outputs,
        x: std::ptr::null(),
        w: w.as_ptr(),
        dy: dy.as_ptr(),
        to: Shared(dx.as_mut_ptr()),
    };
    each_columns(&t, false)
}

/// `dw = dyᵀ x`; see [`forward`].
pub(crate) fn backward_weight<F: Real>(x: &[F], dy: &[F], outputs: usize, dw: &mut [F]) -> bool {
    let (depth, rows) = (dw.len() / outputs, dy.len() / outputs);
    let (Some(x), Some(dy), Some(dw)) = (F::as_f32(x), F::as_f32(dy), F::as_f32_mut(dw)) else {
        return false;
    };
    assert!(x.len() == rows * depth && dw.len() == outputs * depth && dy.len() == rows * outputs);
    let t = Task {
        rows,
        depth,
        outputs,
        x: x.as_ptr(),
        w: std::ptr::null(),
        dy: dy.as_ptr(),
        to: Shared(dw.as_mut_ptr()),
    };
    each_columns(&t, true)
}

fn each_columns(t: &Task, of_weights: bool) -> bool {
    if !fits(t.rows, t.depth, t.outputs) {
        return false;
    }
    (0..t.depth.div_ceil(COLUMNS))
        .into_par_iter()
        .for_each(|part| {
            let (first, last) = (part * COLUMNS, (part * COLUMNS + COLUMNS).min(t.depth));
            dispatch!(
                Instructions::detect(),
                columns(t: &Task, first: usize, last: usize, of_weights: bool)
            );
        });
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blas::{Matrix, product as blas};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_three_products_are_those_of_blas() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for (rows, depth, outputs) in [
            (8, 64, 1),
            (33, 101, 10),
            (128, 1500, 40),
            (9, 515, 128),
            (1, 700, 300),
            (5, 129, 200),
        ] {
            let mut numbers =
                |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
            let (x, w) = (numbers(rows * depth), numbers(outputs * depth));
            let dy = numbers(rows * outputs);
            let [mut y, mut dx, mut dw] =
                [rows * outputs, rows * depth, outputs * depth].map(|n| vec![f32::NAN; n]);
            let (mut y2, mut dx2, mut dw2) = (y.clone(), dx.clone(), dw.clone());
            assert!(forward(&x, &w, outputs, &mut y));
            assert!(backward_input(&dy, &w, outputs, &mut dx));
            assert!(backward_weight(&x, &dy, outputs, &mut dw));
            let (x, w) = (
                Matrix::new(&x, rows, depth),
                Matrix::new(&w, outputs, depth),
            );
            let dy = Matrix::new(&dy, rows, outputs);
            blas(x, w.t(), &mut y2, false);
            blas(dy, w, &mut dx2, false);
            blas(dy.t(), x, &mut dw2, false);
            for (what, a, b) in [("y", y, y2), ("dx", dx, dx2), ("dw", dw, dw2)] {
                for (a, b) in a.iter().zip(&b) {
                    let near = (a - b).abs() < 1e-4 * (depth as f32).sqrt();
                    assert!(near, "{what} of {rows} {depth} {outputs}: {a} for {b}");
                }
            }
        }
        assert!(!forward(&[0.0_f64; 640], &[0.0; 64], 1, &mut [0.0; 10]));
        assert!(
            !forward(&[0.0_f32; 40], &[0.0; 40], 1, &mut [0.0]),
            "too short to pay"
        );
    }
}
