//! Images made by this project's own generators: the same bits from the same seed on every platform
//! and with any number of threads, because each image has a random stream of its own and every
//! transcendental function comes from `libm`, not from the system.

mod glyphs;
mod ground;
mod ink;
mod outline;
mod scene;
mod shapes;
mod vector;

pub use ink::InkDigits;
pub use scene::scene;
pub use shapes::{Confounder, Shapes, ShapesConfig};

use std::num::NonZero;
use std::thread;

/// Fills `out` with `n` items of `size` numbers each, some per thread; `make` gets an item's number.
fn fill<T: Send>(out: &mut [T], size: usize, make: impl Fn(usize, &mut [T]) + Sync) {
    let n = out.len() / size.max(1);
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(n.div_ceil(64))
        .max(1);
    let share = n.div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (k, chunk) in out.chunks_mut(share * size.max(1)).enumerate() {
            let make = &make;
            scope.spawn(move || {
                for (i, item) in chunk.chunks_mut(size.max(1)).enumerate() {
                    make(k * share + i, item);
                }
            });
        }
    });
}
