//! Elementwise loops over large tensors, shared between threads.

use crate::conv::with_all_instructions;
use crate::real::{Real, Tensor};
use rayon::prelude::*;

/// Elements that one task takes; below this a second thread costs more than it brings.
const CHUNK: usize = 32 * 1024;

/// A tensor's numbers in C order. Every tensor this crate makes is stored so.
pub(crate) fn slice<F: Real>(x: &Tensor<F>) -> &[F] {
    x.as_slice()
        .expect("tensors inside a network are contiguous")
}

pub(crate) fn slice_mut<F: Real>(x: &mut Tensor<F>) -> &mut [F] {
    x.as_slice_mut()
        .expect("tensors inside a network are contiguous")
}

pub(crate) use crate::pool::{fresh, recycle};

/// `f` of every element.
pub(crate) fn map<F: Real>(x: &Tensor<F>, f: impl Fn(F) -> F + Sync) -> Tensor<F> {
    let mut out = fresh(x.shape());
    slice_mut(&mut out)
        .par_chunks_mut(CHUNK)
        .zip(slice(x).par_chunks(CHUNK))
        .for_each(|(out, x)| {
            with_all_instructions(|| {
                for (o, &x) in out.iter_mut().zip(x) {
                    *o = f(x);
                }
            });
        });
    out
}

/// `f` of every pair of elements; the shapes are equal.
pub(crate) fn zip<F: Real>(
    x: &Tensor<F>,
    y: &Tensor<F>,
    f: impl Fn(F, F) -> F + Sync,
) -> Tensor<F> {
    assert_eq!(x.shape(), y.shape());
    let mut out = fresh(x.shape());
    slice_mut(&mut out)
        .par_chunks_mut(CHUNK)
        .zip(slice(x).par_chunks(CHUNK).zip(slice(y).par_chunks(CHUNK)))
        .for_each(|(out, (x, y))| {
            with_all_instructions(|| {
                for ((o, &x), &y) in out.iter_mut().zip(x).zip(y) {
                    *o = f(x, y);
                }
            });
        });
    out
}

/// [`map`] that writes over its argument.
pub(crate) fn map_into<F: Real>(mut x: Tensor<F>, f: impl Fn(F) -> F + Sync) -> Tensor<F> {
    slice_mut(&mut x)
        .par_chunks_mut(CHUNK)
        .for_each(|x| with_all_instructions(|| x.iter_mut().for_each(|x| *x = f(*x))));
    x
}

/// [`zip`] that writes over its second argument.
pub(crate) fn zip_into<F: Real>(
    x: &Tensor<F>,
    mut y: Tensor<F>,
    f: impl Fn(F, F) -> F + Sync,
) -> Tensor<F> {
    assert_eq!(x.shape(), y.shape());
    slice_mut(&mut y)
        .par_chunks_mut(CHUNK)
        .zip(slice(x).par_chunks(CHUNK))
        .for_each(|(y, x)| {
            with_all_instructions(|| {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = f(x, *y);
                }
            });
        });
    y
}

/// Partial sums that are kept side by side.
const WIDTH: usize = 16;

/// The sum, in partial sums side by side that the compiler keeps in vector registers.
pub(crate) fn sum<F: Real>(x: &[F]) -> F {
    let (blocks, rest) = x.as_chunks::<WIDTH>();
    let mut sums = [F::zero(); WIDTH];
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += x;
        }
    }
    sums.iter().chain(rest).copied().sum()
}

/// The sum of products, likewise.
pub(crate) fn dot<F: Real>(x: &[F], y: &[F]) -> F {
    let (x, x_rest) = x.as_chunks::<WIDTH>();
    let (y, y_rest) = y.as_chunks::<WIDTH>();
    let mut sums = [F::zero(); WIDTH];
    for (x, y) in x.iter().zip(y) {
        for (sum, (&x, &y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    let rest: F = x_rest.iter().zip(y_rest).map(|(&x, &y)| x * y).sum();
    sums.iter().copied().sum::<F>() + rest
}

/// `x += y`.
pub(crate) fn add_assign<F: Real>(x: &mut Tensor<F>, y: &Tensor<F>) {
    assert_eq!(x.shape(), y.shape());
    slice_mut(x)
        .par_chunks_mut(CHUNK)
        .zip(slice(y).par_chunks(CHUNK))
        .for_each(|(x, y)| {
            with_all_instructions(|| {
                for (x, &y) in x.iter_mut().zip(y) {
                    *x += y;
                }
            });
        });
}

/// Runs an optimizer's inner loop over a parameter, its gradient and its state, a part at a time.
pub(crate) fn for_each_chunk<F: Real, const N: usize>(
    parameter: &mut Tensor<F>,
    gradient: &Tensor<F>,
    state: [&mut Tensor<F>; N],
    f: impl Fn(&mut [F], &[F], [&mut [F]; N]) + Sync,
) {
    let parts = slice_mut(parameter).chunks_mut(CHUNK);
    let mut tasks: Vec<_> = parts
        .zip(slice(gradient).chunks(CHUNK))
        .map(|(w, g)| (w, g, Vec::with_capacity(N)))
        .collect();
    for tensor in state {
        for (task, part) in tasks.iter_mut().zip(slice_mut(tensor).chunks_mut(CHUNK)) {
            task.2.push(part);
        }
    }
    tasks.into_par_iter().for_each(|(w, g, state)| {
        let state = state.try_into().expect("one part of every state tensor");
        with_all_instructions(|| f(w, g, state));
    });
}
