//! Methods that change the image and ask again: worked numbers, slow oracles and bad input.

mod cases;
mod common;
mod lime;
mod measures;
mod occlusion;
mod superpixels;
