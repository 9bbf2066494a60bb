//! A table of what a network consists of.

use super::{INPUT, Network};
use crate::layer::Shape;
use crate::real::Real;
use convscope_progress::grouped;
use std::fmt;

/// What a network consists of; its `Display` is a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The shape of one input.
    pub input: Shape,
    /// One row per node.
    pub rows: Vec<SummaryRow>,
}

/// One node of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// The node's name.
    pub name: String,
    /// Its layer's kind.
    pub kind: &'static str,
    /// The layer's settings in a few words.
    pub settings: String,
    /// The names of the nodes it reads.
    pub inputs: Vec<String>,
    /// The shape of its output, without the batch.
    pub output: Shape,
    /// How many numbers it learns.
    pub parameters: usize,
    /// Multiply-adds for one example.
    pub multiply_adds: u64,
}

impl Summary {
    /// All learned numbers.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|r| r.parameters).sum()
    }

    /// All multiply-adds for one example.
    pub fn multiply_adds(&self) -> u64 {
        self.rows.iter().map(|r| r.multiply_adds).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |f: fn(&SummaryRow) -> usize| self.rows.iter().map(f).max().unwrap_or(0);
        let name = widest(|r| r.name.len()).max(5);
        let kind = widest(|r| r.kind.len()).max(10);
        writeln!(
            f,
            "{:name$}  {:kind$} {:>14} {:>12} {:>14}",
            "node", "layer", "output", "parameters", "multiply-adds"
        )?;
        writeln!(
            f,
            "{:name$}  {:kind$} {:>14}",
            INPUT,
            "",
            format!("{:?}", self.input)
        )?;
        for r in &self.rows {
            writeln!(
                f,
                "{:name$}  {:kind$} {:>14} {:>12} {:>14}",
                r.name,
                r.kind,
                format!("{:?}", r.output),
                grouped(r.parameters as u64),
                grouped(r.multiply_adds)
            )?;
        }
        write!(
            f,
            "{:name$}  {:kind$} {:>14} {:>12} {:>14}",
            "total",
            "",
            "",
            grouped(self.parameters() as u64),
            grouped(self.multiply_adds())
        )
    }
}

impl<F: Real> fmt::Display for Network<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}
