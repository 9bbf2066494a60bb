//! Which pixels mattered.

mod gradients;

pub use gradients::saliency;
