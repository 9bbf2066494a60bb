//! Training: batches made in the background, the loop, what it tells and keeps on the way.
//!
//! Everything random in a run follows from its seed and a count (the epoch, the example, the step),
//! so a run that was killed continues from a checkpoint to the bits of one that was not.

mod batches;
mod callbacks;
mod checkpoints;
mod early_stopping;
mod fit;
mod history;
mod progress;
mod settings;
mod step;
mod stop;

pub use callbacks::{Callback, Moment};
pub use checkpoints::Checkpoints;
pub use early_stopping::EarlyStopping;
pub(crate) use fit::Run;
pub use history::{EpochRecord, History, Measure};
pub use progress::{CurvePainter, Curves, Progress, set_curve_painter};
pub use settings::Training;
pub use stop::StopHandle;
