//! The innermost loops: a block of a matrix product that stays in the registers.

use super::simd::Simd;

/// What the sums of a block begin with.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    Zero,
    /// What `c` holds.
    Sum,
    /// One number a row.
    Bias(*const f32),
}

/// A block of `rows` times `vectors` registers of the product `c (+)= a b`.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub rows: usize,
    /// Vectors of one row; at most [`Simd::VECTORS`].
    pub vectors: usize,
    /// Terms of every sum.
    pub depth: usize,
    pub a: *const f32,
    /// From one row of `a` to the next, and from one term to the next.
    pub a_row: usize,
    pub a_term: usize,
    pub b: *const f32,
    pub b_term: usize,
    pub c: *mut f32,
    pub c_row: usize,
    pub start: Start,
}

/// `c (+)= a b` on `rows x vectors` registers, from row `first` of the block on.
///
/// # Safety
/// The pointers are valid for the block's numbers.
#[inline(always)]
unsafe fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(t: &Block, first: usize) {
    // SAFETY: as the caller says.
    unsafe {
        let (a, c) = (t.a.add(first * t.a_row), t.c.add(first * t.c_row));
        let mut sums = [[S::zero(); VECTORS]; ROWS];
        match t.start {
            Start::Zero => {}
            Start::Sum => {
                for (i, row) in sums.iter_mut().enumerate() {
                    for (v, sum) in row.iter_mut().enumerate() {
                        *sum = S::load(c.add(i * t.c_row + v * S::LANES));
                    }
                }
            }
            Start::Bias(bias) => {
                for (i, row) in sums.iter_mut().enumerate() {
                    *row = [S::splat(*bias.add(first + i)); VECTORS];
                }
            }
        }
        let (mut pa, mut pb) = (a, t.b);
        for _ in 0..t.depth {
            let mut b = [S::zero(); VECTORS];
            for (v, b) in b.iter_mut().enumerate() {
                *b = S::load(pb.add(v * S::LANES));
            }
            for (i, row) in sums.iter_mut().enumerate() {
                let a = S::splat(*pa.add(i * t.a_row));
                for (sum, b) in row.iter_mut().zip(b) {
                    *sum = S::fma(a, b, *sum);
                }
            }
            pa = pa.wrapping_add(t.a_term);
            pb = pb.wrapping_add(t.b_term);
        }
        for (i, row) in sums.iter().enumerate() {
            for (v, sum) in row.iter().enumerate() {
                S::store(c.add(i * t.c_row + v * S::LANES), *sum);
            }
        }
    }
}

/// The whole block, rows in parts that fit the registers.
///
/// # Safety
/// The pointers are valid for the block's numbers.
#[inline(always)]
pub(crate) unsafe fn product<S: Simd>(t: &Block) {
    let mut row = 0;
    macro_rules! rows {
        ($vectors:literal: $($rows:literal)*) => {{ $(
            while t.rows - row >= $rows {
                // SAFETY: rows row..row + $rows are inside the block.
                unsafe { block::<S, $rows, $vectors>(t, row) };
                row += $rows;
            }
        )* }};
    }
    if S::LANES == 16 {
        match t.vectors {
            4 => rows!(4: 6 4 3 2 1),
            3 => rows!(3: 8 6 4 3 2 1),
            2 => rows!(2: 12 8 6 4 3 2 1),
            _ => rows!(1: 12 8 6 4 3 2 1),
        }
    } else {
        match t.vectors {
            2 => rows!(2: 6 4 3 2 1),
            _ => rows!(1: 6 4 3 2 1),
        }
    }
}

/// A block of a product whose right side stands in an image: term `j` of vector `v` begins at
/// `from[v] + taps[j]`, its result at `c + to[v]`. Results may overlap; then the later vector stays.
#[derive(Clone, Copy)]
pub(crate) struct Windows<'a> {
    pub rows: usize,
    /// At most 4.
    pub vectors: usize,
    /// `[tap][row]`.
    pub a: *const f32,
    pub taps: &'a [usize],
    pub from: [*const f32; 4],
    pub c: *mut f32,
    pub c_row: usize,
    pub to: [usize; 4],
    pub start: Start,
}

/// # Safety
/// The pointers are valid for the block's numbers.
#[inline(always)]
unsafe fn windows_block<S: Simd, const ROWS: usize, const VECTORS: usize>(t: &Windows<'_>) {
    // SAFETY: as the caller says.
    unsafe {
        let mut sums = [[S::zero(); VECTORS]; ROWS];
        match t.start {
            Start::Zero => {}
            Start::Sum => {
                for (i, row) in sums.iter_mut().enumerate() {
                    for (sum, to) in row.iter_mut().zip(t.to) {
                        *sum = S::load(t.c.add(i * t.c_row + to));
                    }
                }
            }
            Start::Bias(bias) => {
                for (i, row) in sums.iter_mut().enumerate() {
                    *row = [S::splat(*bias.add(i)); VECTORS];
                }
            }
        }
        let mut a = t.a;
        for &tap in t.taps {
            let mut b = [S::zero(); VECTORS];
            for (b, from) in b.iter_mut().zip(t.from) {
                *b = S::load(from.add(tap));
            }
            for (i, row) in sums.iter_mut().enumerate() {
                let a = S::splat(*a.add(i));
                for (sum, b) in row.iter_mut().zip(b) {
                    *sum = S::fma(a, b, *sum);
                }
            }
            a = a.add(ROWS);
        }
        for (i, row) in sums.iter().enumerate() {
            for (sum, to) in row.iter().zip(t.to) {
                S::store(t.c.add(i * t.c_row + to), *sum);
            }
        }
    }
}

/// One block of as many rows as [`block_shape`] says.
///
/// # Safety
/// The pointers are valid for the block's numbers.
#[inline(always)]
pub(crate) unsafe fn windows<S: Simd>(t: &Windows<'_>) {
    macro_rules! of_rows {
        ($vectors:literal: $($rows:literal)*) => {
            match t.rows {
                // SAFETY: as the caller says.
                $($rows => unsafe { windows_block::<S, $rows, $vectors>(t) },)*
                rows => unreachable!("no block of {rows} rows"),
            }
        };
    }
    if S::LANES == 16 {
        match t.vectors {
            4 => of_rows!(4: 1 2 3 4 6),
            3 => of_rows!(3: 1 2 3 4 6 8),
            2 => of_rows!(2: 1 2 3 4 6 8),
            _ => of_rows!(1: 1 2 3 4 6 8),
        }
    } else {
        match t.vectors {
            2 => of_rows!(2: 1 2 3 4 6),
            _ => of_rows!(1: 1 2 3 4 6),
        }
    }
}

/// Rows and vectors of the block that suits this many rows best.
pub(crate) fn block_shape(lanes: usize, rows: usize) -> (usize, usize) {
    let shapes: &[(usize, usize)] = match lanes {
        16 => &[(8, 3), (6, 4), (4, 4), (3, 4), (2, 4), (1, 4)],
        _ => &[(6, 2), (4, 2), (3, 2), (2, 2), (1, 2)],
    };
    // Every block costs its rows and about one and a half more.
    let cost = |block: usize| rows.div_ceil(block) * (2 * block + 3);
    *shapes
        .iter()
        .min_by_key(|(block, _)| cost(*block))
        .expect("there are shapes")
}
