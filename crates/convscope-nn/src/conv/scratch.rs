//! Working memory that threads keep between calls: fresh memory costs more than the work done
//! in it.

use std::cell::RefCell;

/// Numbers in a cache line.
const ALIGN: usize = 16;

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of numbers, aligned to a cache line, that goes back to its thread's store at the end.
/// What it holds at first is whatever its last user left.
pub(crate) struct Scratch {
    memory: Vec<f32>,
    start: usize,
    len: usize,
}

impl Scratch {
    pub(crate) fn new(len: usize) -> Scratch {
        let needed = len + ALIGN;
        let mut memory = FREE.with_borrow_mut(|free| {
            // The smallest that is large enough, else the largest.
            let best = free
                .iter()
                .enumerate()
                .filter(|(_, m)| m.len() >= needed)
                .min_by_key(|(_, m)| m.len())
                .or_else(|| free.iter().enumerate().max_by_key(|(_, m)| m.len()))
                .map(|(i, _)| i);
            best.map(|i| free.swap_remove(i)).unwrap_or_default()
        });
        if memory.len() < needed {
            memory.clear();
            memory.resize(needed, 0.0);
        }
        let start = memory.as_ptr().align_offset(64).min(ALIGN);
        Scratch { memory, start, len }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.as_mut().as_mut_ptr()
    }

    pub(crate) fn as_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.start..][..self.len]
    }
}

/// Threads keep this many numbers at most (256 MB), and as many buffers.
const KEPT: usize = 64 << 20;
const BUFFERS: usize = 16;

impl Drop for Scratch {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            let kept: usize = free.iter().map(Vec::len).sum();
            if kept + memory.len() <= KEPT && free.len() < BUFFERS {
                free.push(memory);
            }
        });
    }
}

/// A pointer that tasks share; each writes a part of its own.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub *mut f32);

// SAFETY: a plain address; who writes through it sees to it that no two tasks write one place.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// (A method, so that closures capture the whole and not the bare pointer.)
    pub(crate) fn get(self) -> *mut f32 {
        self.0
    }
}
