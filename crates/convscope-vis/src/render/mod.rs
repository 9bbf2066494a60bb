//! From arrays to pictures: heat maps, overlays, tiles, sheets that compare, curves, frames that
//! move. Nothing here knows a network. Every picture of numbers declares its scale, and every file
//! gets its [`Provenance`](crate::Provenance) beside it.
//!
//! ```
//! use convscope_vis::render::{Look, heat_map, save_png};
//! use convscope_vis::Provenance;
//! use ndarray::Array2;
//! # fn main() -> Result<(), convscope_vis::VisError> {
//! let map = Array2::from_shape_fn((8, 8), |(y, x)| y as f32 - x as f32);
//! let painted = heat_map(&map, Look::signed()).magnified(16);
//! assert_eq!((painted.ends.low, painted.ends.high), (-7.0, 7.0));
//! # let folder = tempfile::tempdir().unwrap();
//! # let file = folder.path().join("map.png");
//! save_png(&painted.with_bar(), file, &painted.noted(Provenance::new("differences", "made up")))?;
//! # Ok(()) }
//! ```

mod canvas;
mod caption;
mod colour;
mod curves;
mod frames;
mod heat;
mod mark;
mod picture;
mod save;
mod scale;
mod sheet;
mod tiles;
mod words;

pub use canvas::{below, beside, magnified};
pub use caption::captioned;
pub use colour::Colormap;
pub use curves::Curves;
pub use frames::Frames;
pub use heat::{Opacity, Overlay, Painted, heat_map, overlay, resized};
pub use mark::{borders, boxed, contour};
pub use picture::{numbers_as_picture, photo, picture};
pub use save::{npy, png, save_gif, save_npy, save_png, save_text};
pub use scale::{Ends, Look, Scale};
pub use sheet::{Cell, Shared, Sheet};
pub use tiles::Tiles;
pub use words::{INK, number, text_width, write};
