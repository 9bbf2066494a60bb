//! Memory that passes use again: fresh pages from the system cost more than most layers.
//!
//! A tensor that a pass is done with gives its memory back, and the next one of about the same size
//! takes it. Small ones are left to the allocator.

use crate::real::{Real, Tensor};
use ndarray::{Array1, IxDyn, s};
use std::sync::{Mutex, PoisonError};

/// Tensors of fewer numbers are not worth the search.
const SMALL: usize = 4096;

/// Numbers in a cache line, or more.
const LINE: usize = 16;

/// The most that is kept, in numbers (1 GiB of `f32`).
const MOST: usize = 256 << 20;

/// The memory that is free, of one type of number.
#[doc(hidden)]
#[derive(Debug)]
pub struct Pool<F>(Mutex<Vec<Vec<F>>>);

impl<F> Pool<F> {
    pub(crate) const fn new() -> Pool<F> {
        Pool(Mutex::new(Vec::new()))
    }

    /// Memory for `len` numbers, of which half as many again may be wasted at most.
    fn take(&self, len: usize) -> Option<Vec<F>> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |v: &Vec<F>| v.capacity() >= len && v.capacity() <= len + len / 2;
        let best = free
            .iter()
            .enumerate()
            .filter(|(_, v)| fits(v))
            .min_by_key(|(_, v)| v.capacity())?
            .0;
        Some(free.swap_remove(best))
    }

    fn give(&self, memory: Vec<F>) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept: usize = free.iter().map(Vec::capacity).sum();
        // The oldest go first: they belong to a network of other sizes.
        while kept + memory.capacity() > MOST && !free.is_empty() {
            kept -= free.remove(0).capacity();
        }
        if kept + memory.capacity() <= MOST {
            free.push(memory);
        }
    }
}

/// A tensor every number of which its maker is about to write; until then it holds what its last
/// user left.
pub(crate) fn fresh<F: Real>(shape: &[usize]) -> Tensor<F> {
    let len: usize = shape.iter().product();
    let tensor = match F::pool().filter(|_| len >= SMALL) {
        None => Array1::zeros(len),
        Some(pool) => {
            let needed = len + LINE;
            let mut memory = pool.take(needed).unwrap_or_default();
            if memory.capacity() < needed {
                memory = vec![F::zero(); needed];
            }
            // Only what the last user's tensor had not is written here.
            memory.resize(needed, F::zero());
            // A vector that lies across two cache lines takes twice as long to write.
            let start = memory.as_ptr().align_offset(64).min(LINE);
            Array1::from_vec(memory).slice_move(s![start..start + len])
        }
    };
    let shape = IxDyn(shape);
    let tensor = tensor.into_shape_with_order(shape);
    tensor.expect("as many numbers as the shape says")
}

static SWITCHES: Pool<u32> = Pool::new();

/// Room for switches, which its maker is about to write.
pub(crate) fn fresh_switches(len: usize) -> Vec<u32> {
    let mut memory = SWITCHES.take(len).unwrap_or_default();
    if memory.capacity() < len {
        memory = vec![0; len];
    }
    memory.resize(len, 0);
    memory
}

/// Gives switches' memory back.
pub(crate) fn recycle_switches(switches: Vec<u32>) {
    if switches.len() >= SMALL {
        SWITCHES.give(switches);
    }
}

/// A copy in such memory.
pub(crate) fn copy<F: Real>(x: &Tensor<F>) -> Tensor<F> {
    crate::parallel::map(x, |v| v)
}

/// Gives a tensor's memory back.
pub(crate) fn recycle<F: Real>(tensor: Tensor<F>) {
    if tensor.len() < SMALL {
        return;
    }
    if let Some(pool) = F::pool() {
        let (memory, _) = tensor.into_raw_vec_and_offset();
        pool.give(memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::slice_mut;

    #[test]
    fn memory_is_used_again_and_has_the_length_asked_for() {
        let pool: Pool<f64> = Pool::new();
        pool.give(vec![1.0; 100]);
        pool.give(vec![2.0; 80]);
        assert!(pool.take(101).is_none(), "too small");
        assert!(pool.take(40).is_none(), "too large");
        assert_eq!(pool.take(70).unwrap(), vec![2.0; 80]);
        assert_eq!(pool.take(70).unwrap(), vec![1.0; 100]);
        assert!(pool.take(70).is_none());
        let shape = [3, 2000];
        recycle(Tensor::<f32>::from_elem(IxDyn(&[2, 3500]), 7.0));
        let mut tensor = fresh::<f32>(&shape);
        assert_eq!(tensor.shape(), shape);
        assert_eq!(slice_mut(&mut tensor).as_ptr().align_offset(64), 0);
        tensor.fill(1.0);
        assert_eq!(tensor.sum(), 6000.0);
    }
}
