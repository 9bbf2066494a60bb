//! Notebooks as files: read, looked into, and written exactly as Jupyter writes them, so that
//! opening one in JupyterLab and saving it changes nothing that nobody meant to change.
//!
//! A notebook stays JSON here. What this module does not know about it keeps.

mod cell;
pub mod finding;
mod select;
#[cfg(test)]
pub mod testing;
mod write;

pub use cell::{Cell, Grader, Kind, join, outputs_text};
pub use finding::Finding;
pub use select::{Entry, all, select};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use std::path::Path;

/// A notebook: its cells, and everything else at its top level.
#[derive(Clone, Debug, PartialEq)]
pub struct Notebook {
    pub top: Map<String, Value>,
    pub cells: Vec<Cell>,
}

impl Notebook {
    pub fn read(path: &Path) -> Result<Notebook> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Notebook::parse(&text).with_context(|| format!("{} is not a notebook", path.display()))
    }

    pub fn parse(text: &str) -> Result<Notebook> {
        let mut top: Map<String, Value> = serde_json::from_str(text)?;
        match top.get("nbformat").and_then(Value::as_u64) {
            Some(4) => {}
            Some(other) => bail!("its format is {other}: save it in JupyterLab as format 4"),
            None => bail!("it has no `nbformat` field"),
        }
        let Some(Value::Array(cells)) = top.remove("cells") else {
            bail!("it has no list of cells");
        };
        let cells = cells
            .into_iter()
            .enumerate()
            .map(|(i, cell)| {
                Cell::from_json(cell).with_context(|| format!("cell {} is damaged", i + 1))
            })
            .collect::<Result<_>>()?;
        Ok(Notebook { top, cells })
    }

    /// The text of the file that Jupyter would write.
    pub fn to_text(&self) -> String {
        write::to_text(self)
    }

    /// Replaces the file whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, &self.to_text())
    }

    pub fn kernel_name(&self) -> Option<&str> {
        self.top
            .get("metadata")?
            .get("kernelspec")?
            .get("name")?
            .as_str()
    }

    /// The sum of the points of all check cells.
    pub fn max_points(&self) -> f64 {
        self.cells
            .iter()
            .filter_map(Cell::grader)
            .filter(|g| g.grade)
            .filter_map(|g| g.points)
            .fold(0.0, |sum, points| sum + points)
    }
}

/// Writes beside the file first, so that an interruption leaves the old file whole.
pub fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let name = path.file_name().context("a file has a name")?;
    let beside = folder.join(format!(".{}.part", name.to_string_lossy()));
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.with_context(|| format!("{} cannot be written", path.display()))?;
    ensure!(path.is_file(), "{} is not a file", path.display());
    Ok(())
}
