//! What is drawn, in its place, and the measures of boxes and gaps.

use super::words::Lines;

pub(crate) type Point = [f64; 2];

/// `[left, top, width, height]`.
pub(crate) type Place = [f64; 4];

/// Letters of a box's first line, of what follows, of names and shapes.
pub(crate) const LABEL: f64 = 11.0;
pub(crate) const THEN: f64 = 10.0;
pub(crate) const SMALL: f64 = 9.0;
/// Lines in a box.
pub(crate) const LINE: f64 = 13.0;
/// Above and below what is written in a box.
pub(crate) const PAD: f64 = 5.0;
/// The bar on top of a frame.
pub(crate) const HEADER: f64 = 19.0;
/// How far the sheets of a repeated block lie apart.
pub(crate) const SHEET: f64 = 4.0;

/// Between two boxes: an arrow, and the shape of what it carries.
pub(super) const GAP: f64 = 27.0;
/// From where a line forks to the boxes.
pub(super) const FORK: f64 = 15.0;
/// From the boxes to where the lines meet, with the shapes of what they carry.
pub(super) const MEET: f64 = 19.0;
/// From where lines meet to the next box.
pub(super) const ON: f64 = 13.0;
/// From a frame's bar to the first box in it, and from its sides.
pub(super) const INNER: f64 = 14.0;
pub(super) const SIDE: f64 = 9.0;
/// Between branches; the way of a line past boxes.
pub(super) const APART: f64 = 12.0;
pub(super) const LANE: f64 = 12.0;
/// Between columns.
pub(super) const GUTTER: f64 = 46.0;
/// Around everything.
pub(super) const MARGIN: f64 = 14.0;
/// A column that is no longer than this is not parted.
pub(super) const COLUMN: f64 = 760.0;
pub(super) const MOST_COLUMNS: usize = 8;
/// A drawing higher than this may become so many times as wide as was asked for.
pub(super) const HIGH: f64 = 2400.0;
pub(super) const WIDER: f64 = 1.25;

/// One box.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) unit: usize,
    pub(crate) place: Place,
    pub(crate) lines: Lines,
    /// How many boxes it stands for.
    pub(crate) times: usize,
}

/// The frame around a block.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) place: Place,
    pub(crate) title: String,
    pub(crate) cost: String,
    pub(crate) note: Option<String>,
    pub(crate) times: usize,
}

/// An arrow from a node to a node (0 is the image, else the row and one); the output's has no end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wire {
    pub(crate) from: usize,
    pub(crate) to: Option<usize>,
    pub(crate) points: Vec<Point>,
}

/// The shape of what a node puts out, beside an arrow.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) of: usize,
    pub(crate) at: Point,
    pub(crate) words: String,
}

/// Everything in its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    pub(crate) size: Point,
    pub(crate) boxes: Vec<Placed>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) tags: Vec<Tag>,
    /// The image and the output.
    pub(crate) ends: Vec<(Place, String)>,
}
