//! What a design costs, counted on paper.

use crate::design::{Design, Piece};
use crate::error::{Result, SearchError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most pieces, channels or units, and parameters: enough for any network of the course, and so
/// few that a design from a stranger cannot ask for a machine's whole memory.
const MOST_PIECES: usize = 256;
const MOST_WIDE: usize = 8192;
const MOST_SIDE: usize = 1024;
const MOST_PARAMETERS: u64 = 1 << 28;
const LARGEST_KERNEL: usize = 15;

/// What a network costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Numbers that it learns.
    pub parameters: u64,
    /// Multiplications followed by an addition for one image, of convolutions and fully connected
    /// layers.
    pub multiply_adds: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parameters, millions) = (self.parameters, self.multiply_adds as f64 / 1e6);
        write!(
            f,
            "{parameters} parameters, {millions:.2} million multiply-adds"
        )
    }
}

/// One line of a design's bill: a piece, or the last layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The piece in a few letters: `conv 16 3x3`.
    pub name: String,
    /// What comes out of it: channels, height and width, or a single number once that is flat.
    pub output: Vec<usize>,
    /// What it costs.
    pub cost: Cost,
}

/// What flows between two pieces.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flow {
    Image([u64; 3]),
    Flat(u64),
}

struct Counter {
    flow: Flow,
    cost: Cost,
}

impl Counter {
    fn conv(&mut self, [c, h, w]: [u64; 3], filters: u64, taps: u64, extra: u64) -> [u64; 3] {
        self.cost.parameters += filters * c * taps + extra;
        self.cost.multiply_adds += filters * c * taps * h * w;
        [filters, h, w]
    }

    fn linear(&mut self, units: u64) {
        let inputs = self.flat();
        self.cost.parameters += inputs * units + units;
        self.cost.multiply_adds += inputs * units;
        self.flow = Flow::Flat(units);
    }

    fn flat(&self) -> u64 {
        match self.flow {
            Flow::Image([c, h, w]) => c * h * w,
            Flow::Flat(n) => n,
        }
    }
}

fn between(what: &str, value: usize, least: usize, most: usize) -> Result<u64, String> {
    match (least..=most).contains(&value) {
        true => Ok(value as u64),
        false => Err(format!("{what} must be {least} to {most}, got {value}")),
    }
}

fn odd(kernel: usize) -> Result<u64, String> {
    let side = between("the kernel", kernel, 1, LARGEST_KERNEL)?;
    match kernel % 2 {
        1 => Ok(side),
        _ => Err(format!("the kernel must be odd, got {kernel}")),
    }
}

fn image(flow: Flow) -> Result<[u64; 3], String> {
    match flow {
        Flow::Image(shape) => Ok(shape),
        Flow::Flat(n) => Err(format!(
            "needs an image, and {n} numbers in a row come here"
        )),
    }
}

fn piece(counter: &mut Counter, piece: &Piece) -> Result<(), String> {
    let wide = |what: &str, n: usize| between(what, n, 1, MOST_WIDE);
    match *piece {
        Piece::Conv {
            filters,
            kernel,
            stride,
            batch_norm,
        } => {
            let [c, h, w] = image(counter.flow)?;
            let (filters, side) = (wide("filters", filters)?, odd(kernel)?);
            let stride = between("the stride", stride, 1, 8)?;
            let shape = [c, h.div_ceil(stride), w.div_ceil(stride)];
            let extra = if batch_norm { 2 * filters } else { filters };
            counter.flow = Flow::Image(counter.conv(shape, filters, side * side, extra));
        }
        Piece::Residual { filters, kernel } => {
            let shape = image(counter.flow)?;
            let (filters, side) = (wide("filters", filters)?, odd(kernel)?);
            let first = counter.conv(shape, filters, side * side, 2 * filters);
            let second = counter.conv(first, filters, side * side, 2 * filters);
            if shape[0] != filters {
                counter.conv(shape, filters, 1, 2 * filters);
            }
            counter.flow = Flow::Image(second);
        }
        Piece::Separable { filters, kernel } => {
            let [c, h, w] = image(counter.flow)?;
            let (filters, side) = (wide("filters", filters)?, odd(kernel)?);
            counter.conv([1, h, w], c, side * side, 2 * c);
            counter.flow = Flow::Image(counter.conv([c, h, w], filters, 1, 2 * filters));
        }
        Piece::Fire { filters } => {
            let shape = image(counter.flow)?;
            let all = wide("filters", filters)?;
            if !filters.is_multiple_of(8) {
                return Err(format!("filters must be a multiple of 8, got {filters}"));
            }
            let squeezed = counter.conv(shape, all / 8, 1, all / 8);
            counter.conv(squeezed, all / 2, 1, all / 2);
            counter.conv(squeezed, all / 2, 9, all / 2);
            counter.flow = Flow::Image([all, shape[1], shape[2]]);
        }
        Piece::MaxPool { window } | Piece::AvgPool { window } => {
            let [c, h, w] = image(counter.flow)?;
            let window = between("the window", window, 1, MOST_SIDE)?;
            if window > h.min(w) {
                return Err(format!(
                    "a window of {window} does not fit an image of {h}x{w}"
                ));
            }
            counter.flow = Flow::Image([c, h / window, w / window]);
        }
        Piece::Dropout { rate } => {
            if !(0.0..1.0).contains(&rate) {
                return Err(format!(
                    "the rate must be at least 0 and less than 1, got {rate}"
                ));
            }
        }
        Piece::GlobalAvgPool => {
            let [c, _, _] = image(counter.flow)?;
            counter.flow = Flow::Flat(c);
        }
        Piece::Linear { units } => {
            let units = wide("units", units)?;
            counter.linear(units);
        }
    }
    Ok(())
}

pub(crate) fn of(design: &Design) -> Result<Cost> {
    let mut sum = Cost::default();
    for part in parts(design)? {
        sum.parameters += part.cost.parameters;
        sum.multiply_adds += part.cost.multiply_adds;
    }
    Ok(sum)
}

pub(crate) fn parts(design: &Design) -> Result<Vec<Part>> {
    let whole = |problem: String| SearchError::design("the design", problem);
    let mut shape = [0; 3];
    for (axis, to) in shape.iter_mut().enumerate() {
        let what = ["channels", "the height", "the width"][axis];
        *to = between(what, design.input[axis], 1, MOST_SIDE).map_err(whole)?;
    }
    let classes = between("classes", design.classes, 1, MOST_WIDE).map_err(whole)?;
    between("pieces", design.pieces.len(), 0, MOST_PIECES).map_err(whole)?;
    let mut counter = Counter {
        flow: Flow::Image(shape),
        cost: Cost::default(),
    };
    let mut parts = Vec::new();
    let mut before = Cost::default();
    let mut part = |name: String, counter: &Counter| {
        let cost = Cost {
            parameters: counter.cost.parameters - before.parameters,
            multiply_adds: counter.cost.multiply_adds - before.multiply_adds,
        };
        before = counter.cost;
        let output = match counter.flow {
            Flow::Image(shape) => shape.map(|n| n as usize).to_vec(),
            Flow::Flat(n) => vec![n as usize],
        };
        parts.push(Part { name, output, cost });
    };
    for (i, one) in design.pieces.iter().enumerate() {
        let place = || format!("piece {} ({one})", i + 1);
        piece(&mut counter, one).map_err(|problem| SearchError::design(place(), problem))?;
        small_enough(&counter, place)?;
        part(one.to_string(), &counter);
    }
    counter.linear(classes);
    small_enough(&counter, || "the design".to_owned())?;
    part(format!("{classes} classes"), &counter);
    Ok(parts)
}

fn small_enough(counter: &Counter, place: impl Fn() -> String) -> Result<()> {
    match counter.cost.parameters {
        0..=MOST_PARAMETERS => Ok(()),
        n => Err(SearchError::design(
            place(),
            format!("{n} parameters up to here; {MOST_PARAMETERS} are the most"),
        )),
    }
}

/// Channels that come to piece `at`, of a design whose cost was counted without complaint.
pub(crate) fn channels_before(design: &Design, at: usize) -> usize {
    let mut channels = design.input[0];
    for piece in &design.pieces[..at] {
        channels = match *piece {
            Piece::Conv { filters, .. }
            | Piece::Residual { filters, .. }
            | Piece::Separable { filters, .. }
            | Piece::Fire { filters } => filters,
            _ => channels,
        };
    }
    channels
}
