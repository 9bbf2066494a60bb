//! Things side by side.

use crate::show::{Show, Shown, escape};

/// Anything that can be shown, side by side, each under its title.
#[derive(Clone, Default)]
pub struct Row {
    items: Vec<(String, Shown)>,
}

/// Puts things of one kind side by side, each under its title:
/// `side_by_side(vec![("photo", picture(&photo)), ("edges", picture(&edges))])`.
pub fn side_by_side<T: Show>(items: Vec<(impl Into<String>, T)>) -> Row {
    let items = items.into_iter().map(|(t, s)| (t.into(), s.shown()));
    Row {
        items: items.collect(),
    }
}

impl Row {
    /// An empty row.
    pub fn new() -> Row {
        Row::default()
    }

    /// The row with one more thing at its right end, of whatever kind.
    pub fn with(mut self, title: &str, item: &(impl Show + ?Sized)) -> Row {
        self.items.push((title.to_owned(), item.shown()));
        self
    }
}

impl Show for Row {
    fn shown(&self) -> Shown {
        let mut html = String::from("<table style=\"border: none\"><tr>");
        let mut text = Vec::new();
        for (title, shown) in &self.items {
            html.push_str(
                "<td style=\"vertical-align: top; text-align: left; padding: 4px 12px\">",
            );
            if title.is_empty() {
                text.push(shown.text.clone());
            } else {
                html.push_str(&format!("<b>{}</b><br>", escape(title)));
                text.push(format!("{title}\n{}", shown.text));
            }
            html.push_str(&shown.to_html());
            html.push_str("</td>");
        }
        html.push_str("</tr></table>");
        Shown::html(html, text.join("\n\n"))
    }
}

/// Shows several things side by side: `row![picture(&a), picture(&b), net]`.
#[macro_export]
macro_rules! row {
    ($($item:expr),+ $(,)?) => {
        $crate::Row::new()$(.with("", &$item))+
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_things_of_different_kinds() {
        let shown = row![1.5f32, "two"].shown();
        assert!(shown.html.unwrap().contains("two"));
        assert_eq!(shown.text, "1.5\n\ntwo");
    }

    #[test]
    fn titles_are_escaped() {
        let html = side_by_side(vec![("<a>", 1), ("b", 2)]).shown().html;
        assert!(html.unwrap().contains("<b>&lt;a&gt;</b>"));
    }
}
