//! Elementwise loops over large tensors, shared between threads.

use crate::real::{Real, Tensor};
use ndarray::IxDyn;
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

/// A tensor every number of which its maker is about to write.
pub(crate) fn fresh<F: Real>(shape: &[usize]) -> Tensor<F> {
    Tensor::zeros(IxDyn(shape))
}

/// Numbers that are collected at once: a few registers full.
const WIDTH: usize = 16;

/// `f` of every element, in memory that is written once and not zeroed before.
pub(crate) fn map<F: Real>(x: &Tensor<F>, f: impl Fn(F) -> F + Sync) -> Tensor<F> {
    let values = if x.len() < CHUNK {
        slice(x).iter().map(|&x| f(x)).collect()
    } else {
        let (blocks, rest) = slice(x).as_chunks::<WIDTH>();
        let mut out = Vec::with_capacity(blocks.len() + 1);
        blocks
            .par_iter()
            .with_min_len(CHUNK / WIDTH)
            .map(|x| std::array::from_fn::<F, WIDTH, _>(|i| f(x[i])))
            .collect_into_vec(&mut out);
        let mut out = out.into_flattened();
        out.extend(rest.iter().map(|&x| f(x)));
        out
    };
    Tensor::from_shape_vec(x.raw_dim(), values).expect("as many as before")
}

/// `f` of every pair of elements; the shapes are equal.
pub(crate) fn zip<F: Real>(
    x: &Tensor<F>,
    y: &Tensor<F>,
    f: impl Fn(F, F) -> F + Sync,
) -> Tensor<F> {
    assert_eq!(x.shape(), y.shape());
    let values = if x.len() < CHUNK {
        let pairs = slice(x).iter().zip(slice(y));
        pairs.map(|(&x, &y)| f(x, y)).collect()
    } else {
        let (x, x_rest) = slice(x).as_chunks::<WIDTH>();
        let (y, y_rest) = slice(y).as_chunks::<WIDTH>();
        let mut out = Vec::with_capacity(x.len() + 1);
        x.par_iter()
            .zip(y)
            .with_min_len(CHUNK / WIDTH)
            .map(|(x, y)| std::array::from_fn::<F, WIDTH, _>(|i| f(x[i], y[i])))
            .collect_into_vec(&mut out);
        let mut out = out.into_flattened();
        out.extend(x_rest.iter().zip(y_rest).map(|(&x, &y)| f(x, y)));
        out
    };
    Tensor::from_shape_vec(x.raw_dim(), values).expect("as many as before")
}

/// [`map`] that writes over its argument.
pub(crate) fn map_into<F: Real>(mut x: Tensor<F>, f: impl Fn(F) -> F + Sync) -> Tensor<F> {
    slice_mut(&mut x)
        .par_chunks_mut(CHUNK)
        .for_each(|x| x.iter_mut().for_each(|x| *x = f(*x)));
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
            for (y, &x) in y.iter_mut().zip(x) {
                *y = f(x, *y);
            }
        });
    y
}

/// `x += y`.
pub(crate) fn add_assign<F: Real>(x: &mut Tensor<F>, y: &Tensor<F>) {
    assert_eq!(x.shape(), y.shape());
    slice_mut(x)
        .par_chunks_mut(CHUNK)
        .zip(slice(y).par_chunks(CHUNK))
        .for_each(|(x, y)| {
            for (x, &y) in x.iter_mut().zip(y) {
                *x += y;
            }
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
        f(w, g, state);
    });
}
