//! How many threads linfa's matrix products take.

use convscope_nn::{Linear, Network, Tensor};
use std::sync::Once;

/// Has OpenBLAS run on one thread, as the engine does from its first matrix product on. linfa's go
/// through it too: on several threads they would wait for each other where learners run side by side,
/// and their bits would depend on how many threads there are.
pub(super) fn one_blas_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The smallest network with a product in its way back.
        let net = Network::input([1]).add("fc", Linear::new(1)).build(0);
        let one = Tensor::ones(vec![1, 1]);
        let product = net.and_then(|net| net.trace(&one)?.parameter_gradients(&one));
        debug_assert!(product.is_ok());
    });
}
