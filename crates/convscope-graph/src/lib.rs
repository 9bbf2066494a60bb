//! A network's graph as a picture: [`draw`] arranges it, and writes SVG or an indented outline.
//!
//! ```
//! use convscope_graph::draw;
//! use convscope_nn::{Conv2d, Network, Relu};
//! # fn main() -> Result<(), convscope_nn::NnError> {
//! let net = Network::input([3, 32, 32])
//!     .add("conv1", Conv2d::new(8, 3).same())
//!     .add("relu1", Relu)
//!     .build(1)?;
//! assert!(draw(&net).svg().contains("3x3 conv, 8"));
//! # Ok(()) }
//! ```
#![deny(missing_docs)]

mod flow;
mod layout;
mod outline;
mod svg;
mod text;
mod tree;
mod unit;

pub use tree::Detail;

use convscope_nn::{INPUT, Network, NnError, Result, Summary, SummaryRow};
use convscope_progress::grouped;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::{fmt, fs, io};

/// Pixels across, if the caller does not say otherwise: what a notebook's page holds.
const WIDEST: f64 = 1060.0;

/// A network's graph, ready to be shown: as the last expression of a cell, as a file, or in plain
/// text as an indented outline.
///
/// ```ignore
/// draw(&net)
/// draw(&net).block("layer1")?
/// draw(&net).detail(Detail::Blocks).save("net.svg")?
/// ```
///
/// A box is a layer with the normalisation and activation behind it. Boxes stand in a frame where
/// their names begin alike (`layer1.0.conv1`, `layer1.0.conv2`), arrows carry the shape of what
/// goes through them (channels x height x width), and what goes past a block is drawn beside it.
/// Blocks behind each other that are the same in every layer and shape are drawn once, with their
/// number; so are blocks that differ only in how many channels they read, which is then said.
#[derive(Clone, Debug)]
pub struct Drawing {
    summary: Summary,
    title: String,
    caption: String,
    detail: Detail,
    expanded: bool,
    width: f64,
}

/// Draws a network's graph.
pub fn draw(net: &Network) -> Drawing {
    Drawing {
        summary: net.summary(),
        title: "Network".to_owned(),
        caption: String::new(),
        detail: Detail::default(),
        expanded: false,
        width: WIDEST,
    }
}

impl Drawing {
    /// What stands above it.
    pub fn title(mut self, title: impl Into<String>) -> Drawing {
        self.title = title.into();
        self
    }

    /// A sentence below it: what to notice.
    pub fn caption(mut self, caption: impl Into<String>) -> Drawing {
        self.caption = caption.into();
        self
    }

    /// How much is drawn: a box for each block, each layer (the default) or each node.
    pub fn detail(mut self, detail: Detail) -> Drawing {
        self.detail = detail;
        self
    }

    /// Draws every block, also those that are the same.
    pub fn expand(mut self) -> Drawing {
        self.expanded = true;
        self
    }

    /// About how wide it may become in pixels, 1060 if it is not said. Long networks go over
    /// several columns where the width allows.
    pub fn width(mut self, pixels: usize) -> Drawing {
        self.width = pixels.clamp(200, 20_000) as f64;
        self
    }

    /// Draws only what is in one block (`"layer1"`, `"layer1.0"`), whole.
    ///
    /// # Errors
    /// When no block has that name, or it reads from several places.
    pub fn block(self, name: &str) -> Result<Drawing> {
        let summary = part(&self.summary, name)?;
        Ok(Drawing {
            summary,
            title: format!("{}: {name}", self.title),
            expanded: true,
            ..self
        })
    }

    /// The picture as SVG.
    pub fn svg(&self) -> String {
        self.svg_and_size().0
    }

    /// The picture as SVG, with its width and height in pixels.
    pub fn svg_and_size(&self) -> (String, [f64; 2]) {
        self.picture()
    }

    /// What it says below it, if anything.
    pub fn sentence(&self) -> &str {
        &self.caption
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.title
    }

    /// Writes the picture to an SVG file.
    ///
    /// # Errors
    /// When the name does not end in `.svg`, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let svg = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("svg"));
        if !svg {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "a drawing is saved as SVG: expected a name like \"net.svg\", got \"{}\"",
                    path.display()
                ),
            ));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Beside its place first: a file is there whole or not at all.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(self.svg().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    fn picture(&self) -> (String, [f64; 2]) {
        let tree = self.tree();
        let scene = layout::layout(&self.summary, &tree, self.width, 44.0);
        let boxes = scene.boxes.iter().map(|b| {
            let unit = &tree.units[b.unit];
            let others = &tree.nodes[b.unit][unit.rows.len()..];
            (b.lines.clone(), self.about(unit, others))
        });
        let words = svg::Words {
            title: &self.title,
            subtitle: &self.subtitle(),
            node: &|id| match id {
                0 => INPUT.to_owned(),
                id => self.summary.rows[id - 1].name.clone(),
            },
            boxes: boxes.collect(),
        };
        svg::draw(&scene, &tree.units, &words)
    }

    fn tree(&self) -> tree::Tree {
        tree::tree(
            &self.summary,
            &inputs(&self.summary),
            self.detail,
            self.expanded,
        )
    }

    fn subtitle(&self) -> String {
        format!(
            "{} parameters, {} multiply-adds for one image",
            grouped(self.summary.parameters() as u64),
            grouped(self.summary.multiply_adds())
        )
    }

    /// What a browser shows when a box is pointed at.
    fn about(&self, unit: &unit::Unit, others: &[usize]) -> String {
        let line = |row: &usize| {
            let r: &SummaryRow = &self.summary.rows[*row];
            let mut words = format!("{}: {}", r.name, r.kind);
            if !r.settings.is_empty() {
                words += &format!(" ({})", r.settings);
            }
            words += &format!(", puts out {}", text::shape(&r.output));
            if r.parameters > 0 {
                words += &format!(", {} parameters", grouped(r.parameters as u64));
            }
            if r.multiply_adds > 0 {
                words += &format!(", {} multiply-adds", grouped(r.multiply_adds));
            }
            if let Some(field) = &r.receptive_field {
                words += &format!(", sees {}", field.size_in_words());
            }
            words
        };
        let mut lines: Vec<String> = unit.rows.iter().map(line).collect();
        if !others.is_empty() {
            let names = others
                .iter()
                .map(|row| self.summary.rows[*row].name.as_str());
            lines.push(format!(
                "drawn also for {}",
                names.collect::<Vec<_>>().join(", ")
            ));
        }
        lines.join("\n")
    }
}

/// The numbers of the nodes that each row reads: 0 is the image, else the row and one.
fn inputs(summary: &Summary) -> Vec<Vec<usize>> {
    let rows = summary.rows.iter();
    let numbers: HashMap<&str, usize> = (1..)
        .zip(rows.clone())
        .map(|(n, r)| (r.name.as_str(), n))
        .collect();
    let number = |name: &String| numbers.get(name.as_str()).copied().unwrap_or(0);
    rows.map(|r| r.inputs.iter().map(number).collect())
        .collect()
}

/// A block as a summary of its own.
fn part(summary: &Summary, name: &str) -> Result<Summary> {
    let inside = |node: &str| {
        let rest = node.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['.', '/']))
    };
    let mut rows: Vec<SummaryRow> = summary.rows.clone();
    rows.retain(|r| inside(&r.name));
    if rows.is_empty() {
        let mut known: Vec<&str> = summary.rows.iter().map(|r| unit::parent(&r.name)).collect();
        known.retain(|block| !block.is_empty());
        known.dedup();
        return Err(NnError::Unknown {
            what: "block",
            name: name.to_owned(),
            known: known.join(", "),
        });
    }
    let mut sources: Vec<String> = Vec::new();
    for source in rows.iter().flat_map(|r| &r.inputs) {
        if !inside(source) && !sources.contains(source) {
            sources.push(source.clone());
        }
    }
    let [source] = &sources[..] else {
        return Err(NnError::Invalid(format!(
            "block \"{name}\" reads from several places, {}, and cannot be drawn by itself: draw \
             the block around it",
            sources.join(", ")
        )));
    };
    let found = summary.rows.iter().find(|r| r.name == *source);
    let input = found.map_or_else(|| summary.input.clone(), |r| r.output.clone());
    for row in &mut rows {
        for read in &mut row.inputs {
            if read == source {
                *read = INPUT.to_owned();
            }
        }
    }
    Ok(Summary {
        input,
        rows,
        ..summary.clone()
    })
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.title, self.subtitle())?;
        let tree = self.tree();
        f.write_str(&outline::outline(&self.summary, &tree))
    }
}

#[cfg(test)]
mod tests;
