//! Something wrong with a notebook, and where.

use super::Cell;
use std::fmt;

/// Printed as `01_convolution, cell 7, line 3: what to do  [fn f(n: usize)]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub notebook: String,
    /// Counted from 1, as a reader counts.
    pub cell: Option<usize>,
    pub line: Option<usize>,
    pub what: String,
    /// How the cell begins, since JupyterLab does not number cells.
    pub excerpt: Option<String>,
}

impl Finding {
    pub fn of_notebook(notebook: &str, what: impl Into<String>) -> Finding {
        Finding {
            notebook: notebook.into(),
            cell: None,
            line: None,
            what: what.into(),
            excerpt: None,
        }
    }

    /// `index` counts from 0.
    pub fn of_cell(notebook: &str, index: usize, cell: &Cell, what: impl Into<String>) -> Finding {
        let source = cell.source();
        let first = source.lines().map(str::trim).find(|l| !l.is_empty());
        Finding {
            cell: Some(index + 1),
            excerpt: first.map(|l| shorten(l, 48)),
            ..Finding::of_notebook(notebook, what)
        }
    }

    /// `line` counts from 1.
    pub fn at_line(mut self, line: usize) -> Finding {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.notebook)?;
        if let Some(cell) = self.cell {
            write!(f, ", cell {cell}")?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "  [{excerpt}]")?;
        }
        Ok(())
    }
}

/// At most `limit` characters, with an ellipsis where something was cut.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_string();
    }
    let kept: String = text.chars().take(limit - 1).collect();
    format!("{}…", kept.trim_end())
}
