//! The crate a Convscope notebook depends on, and the only one.
//!
//! A notebook's first cell names this crate and takes everything from its [`prelude`]. Then the
//! last expression of a cell is shown ([`show`]): arrays as tables or pictures, networks as tables,
//! training as curves, with a plain-text twin of each. [`Plot`] and [`figure()`] draw,
//! [`picture()`], [`heatmap`] and [`gallery`] show images, a [`Race`] shows optimizers at work, and
//! the modules of [`checks`] say whether an exercise is right.
#![deny(missing_docs)]

mod album;
mod backwards;
mod beside;
mod blocks;
mod boxes;
pub mod check;
pub mod checks;
mod contact;
mod datasets;
mod few;
mod gradient;
mod live;
mod luck;
mod notebook;
mod own_rule;
mod picture;
mod plot;
pub mod prelude;
mod race;
mod searching;
mod seen;
pub mod show;
mod time;
mod truth;
mod weight_average;

pub use convscope_challenge as challenge;
pub use convscope_data as data;
pub use convscope_nn as nn;
pub use convscope_search as search;
pub use convscope_transfer as transfer;
pub use convscope_vis as vis;
pub use convscope_zoo as zoo;
pub use image;
pub use ndarray;
pub use plotters;

pub use album::{Album, album, picture_map};
pub use backwards::{came_back, cut_out, nine};
pub use beside::{Beside, beside_published};
pub use blocks::{Block, Blocks, by_block};
pub use boxes::box_sheet;
pub use contact::contact_sheet;
pub use convscope_graph::{Detail, Drawing, draw};
pub use convscope_transfer::{put_back, upper_part};
pub use datasets::{mnist, mnist_small, photo};
pub use few::{Unplugged, cifar10_small, feature_file};
pub use gradient::gradient;
pub use live::LiveCurve;
pub use luck::{Ladder, chance_scores, ladder};
pub use own_rule::OwnRule;
pub use picture::{
    Colormap, Gallery, Picture, Row, gallery, gallery_of, heatmap, picture, predictions,
    side_by_side,
};
pub use plot::{Figure, Number, Plot, Plots, figure};
pub use race::{Landscape, Race, Track};
pub use searching::{Estimate, accuracy_against_cost, best_so_far, mean_with_interval};
pub use seen::{before_after, compare, filter_sheet, patch_sheet, seen, slider};
pub use show::trials_table;
pub use time::{Timing, time_it};
pub use truth::truth_sheet;
pub use weight_average::WeightAverage;
