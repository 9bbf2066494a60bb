//! The few pieces of HTML that everything shown is made of. No colour is set without its ground,
//! so that they work in a light and a dark theme.

use std::fmt::Write;

pub(crate) use convscope_progress::escape;

/// A paragraph of text.
pub(crate) fn paragraph(text: &str) -> String {
    format!(
        "<p style=\"margin: 4px 0; max-width: 640px\">{}</p>",
        escape(text)
    )
}

/// A paragraph that must not be overlooked.
pub(crate) fn note(text: &str) -> String {
    format!(
        "<p style=\"margin: 4px 0; max-width: 640px; padding: 4px 8px; background-color: #fff4ce; \
         color: #3b2f00; border-left: 4px solid #d9a400\"><b>Note.</b> {}</p>",
        escape(text)
    )
}

/// Text as it is, in a fixed-width font.
pub(crate) fn code_block(text: &str) -> String {
    format!("<pre style=\"margin: 4px 0\">{}</pre>", escape(text))
}

/// A picture by its data address, on a white ground.
pub(crate) fn img(address: &str, alt: &str, width: usize) -> String {
    format!(
        "<img src=\"{address}\" alt=\"{}\" width=\"{width}\" \
         style=\"background-color: white; max-width: 100%; height: auto\">",
        escape(alt)
    )
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table whose cells are text.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    total: Option<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&str, Align)]) -> Table {
        Table {
            columns: columns.iter().map(|&(n, a)| (n.to_owned(), a)).collect(),
            rows: Vec::new(),
            total: None,
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn total(&mut self, cells: impl IntoIterator<Item = String>) {
        self.total = Some(cells.into_iter().collect());
    }

    pub(crate) fn html(&self, attributes: &str) -> String {
        let mut out = format!("<table {attributes}><thead><tr>");
        for (name, align) in &self.columns {
            let _ = write!(out, "<th{}>{}</th>", style(*align), escape(name));
        }
        out.push_str("</tr></thead><tbody>");
        for row in &self.rows {
            self.line(&mut out, row, "td");
        }
        if let Some(total) = &self.total {
            self.line(&mut out, total, "th");
        }
        out.push_str("</tbody></table>");
        out
    }

    fn line(&self, out: &mut String, row: &[String], tag: &str) {
        out.push_str("<tr>");
        for (cell, (_, align)) in row.iter().zip(&self.columns) {
            let _ = write!(out, "<{tag}{}>{}</{tag}>", style(*align), escape(cell));
        }
        out.push_str("</tr>");
    }

    /// The same in plain text, in aligned columns.
    pub(crate) fn text(&self) -> String {
        let header: Vec<String> = self.columns.iter().map(|c| c.0.clone()).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&header)
            .chain(&self.rows)
            .chain(&self.total)
            .collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                let cells = lines.iter().filter_map(|l| l.get(i));
                cells.map(|c| c.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for line in lines {
            let mut text = String::new();
            for ((cell, (_, align)), width) in line.iter().zip(&self.columns).zip(&widths) {
                let _ = match align {
                    Align::Left => write!(text, "{cell:width$}  "),
                    Align::Right => write!(text, "{cell:>width$}  "),
                };
            }
            out.push_str(text.trim_end());
            out.push('\n');
        }
        out.pop();
        out
    }
}

fn style(align: Align) -> &'static str {
    match align {
        Align::Left => " style=\"text-align: left\"",
        Align::Right => " style=\"text-align: right\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_escapes_its_cells_and_has_a_twin() {
        let mut t = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        t.row(["<b>".to_owned(), "1".to_owned()]);
        t.row(["long name".to_owned(), "123".to_owned()]);
        assert!(t.html("").contains("&lt;b&gt;") && !t.html("").contains("<b>"));
        assert_eq!(t.text(), "name         n\n<b>          1\nlong name  123");
    }

    #[test]
    fn text_cannot_leave_an_attribute() {
        assert_eq!(
            escape("\"><script>'&"),
            "&quot;&gt;&lt;script&gt;&#39;&amp;"
        );
    }
}
