//! How many threads linfa's matrix products take.

use convscope_nn::{Linear, Network, Tensor};
use std::sync::atomic::{AtomicBool, Ordering};

/// Has OpenBLAS run on one thread, as the engine does from its first matrix product on. linfa's go
/// through it too: on several threads they would wait for each other where learners run side by side,
/// and their bits would depend on how many threads there are.
pub(super) fn one_blas_thread() {
    // Not a `Once`: learners are fitted by rayon's workers, and one that waits for a part of the
    // product below may be given another learner to fit meanwhile, which would then wait for it.
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Ordering::Acquire) {
        return;
    }
    // The smallest network with a product in its way back.
    let net = Network::input([1]).add("fc", Linear::new(1)).build(0);
    let one = Tensor::ones(vec![1, 1]);
    let product = net.and_then(|net| net.trace(&one)?.parameter_gradients(&one));
    debug_assert!(product.is_ok());
    DONE.store(true, Ordering::Release);
}
