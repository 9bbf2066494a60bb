//! Fine-tuning: a new head on an old trunk, and plans of what learns when, and how fast.

mod head;
mod plan;
mod run;
mod split;
mod still;

pub(crate) use head::with_trunk;
pub use head::{Head, replace_head, replace_head_with};
pub use plan::{Plan, Rate, Rule, Stage, Statistics};
pub use run::{Tuned, TunedStage};
pub use split::{put_back, upper_part};
pub(crate) use still::stilled;
