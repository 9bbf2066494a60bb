//! Matrix products through BLAS, and how threads share the work.
//!
//! OpenBLAS runs on one thread; this crate splits a batch over rayon's pool itself, into parts
//! that do not depend on the number of threads. So the bits of a result do not either.

use crate::real::Real;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;
use std::sync::Once;

unsafe extern "C" {
    fn openblas_set_num_threads(threads: std::ffi::c_int);
}

/// Two thread pools in each other's way cost more than they bring.
fn one_blas_thread() {
    static ONCE: Once = Once::new();
    // SAFETY: OpenBLAS is linked (through ndarray-linalg) and takes any positive number.
    ONCE.call_once(|| unsafe { openblas_set_num_threads(1) });
}

/// A matrix stored row by row, or the transpose of one.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, F> {
    data: &'a [F],
    rows: usize,
    cols: usize,
    transposed: bool,
}

impl<'a, F: Real> Matrix<'a, F> {
    pub(crate) fn new(data: &'a [F], rows: usize, cols: usize) -> Self {
        Matrix {
            data,
            rows,
            cols,
            transposed: false,
        }
    }

    /// The transpose of this matrix; no number moves.
    pub(crate) fn t(self) -> Self {
        Matrix {
            transposed: !self.transposed,
            ..self
        }
    }

    fn view(self) -> ArrayView2<'a, F> {
        let view = ArrayView2::from_shape((self.rows, self.cols), self.data)
            .expect("a matrix's length is rows x cols");
        if self.transposed {
            view.reversed_axes()
        } else {
            view
        }
    }
}

/// `c = a b`, or `c += a b` when `add`, on the calling thread; `c` is stored row by row.
pub(crate) fn product<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: &mut [F], add: bool) {
    one_blas_thread();
    let (a, b) = (a.view(), b.view());
    let mut c = ArrayViewMut2::from_shape((a.nrows(), b.ncols()), c)
        .expect("the product's length is rows x cols");
    let beta = if add { F::one() } else { F::zero() };
    general_mat_mul(F::one(), &a, &b, beta, &mut c);
}

/// Rows of a product that one task computes: fixed, so that results do not depend on threads.
const ROWS_PER_TASK: usize = 32;

/// `c = a b` with the rows of `c` shared between the threads. `a` must not be transposed.
pub(crate) fn product_by_rows<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: &mut [F]) {
    assert!(
        !a.transposed,
        "rows of a transposed matrix are not contiguous"
    );
    let cols = if b.transposed { b.rows } else { b.cols };
    if a.rows == 0 || cols == 0 {
        return;
    }
    c.par_chunks_mut(ROWS_PER_TASK * cols)
        .zip(a.data.par_chunks(ROWS_PER_TASK * a.cols.max(1)))
        .for_each(|(c, part)| {
            product(Matrix::new(part, c.len() / cols, a.cols), b, c, false);
        });
}
