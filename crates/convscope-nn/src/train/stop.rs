//! A request to stop, from wherever it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a run to stop after the batch under way, with everything kept: the network, the history so
/// far, and a checkpoint if the run makes any. Clones are the same request.
///
/// ```
/// # use convscope_nn::{Sgd, StopHandle, Training};
/// let stop = StopHandle::new();
/// let training = Training::new(Sgd::new(0.1)).stop_handle(&stop);
/// // On another thread, or in a signal handler by way of `stop.flag()`:
/// stop.stop();
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<AtomicBool>);

impl StopHandle {
    /// No request yet.
    pub fn new() -> StopHandle {
        StopHandle::default()
    }

    /// Asks. It only sets a flag, so a signal handler may do it.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Withdraws the request, so that the handle serves another run.
    pub fn reset(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether it was asked.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for a library that sets flags when a signal comes.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}
