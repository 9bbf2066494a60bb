//! The graph in plain text: what stands in a block is indented below its name.

use super::flow::Flow;
use super::text;
use super::tree::{Item, Level, Tree, What};
use crate::layout::title;
use convscope_nn::Summary;

struct Outline<'a> {
    summary: &'a Summary,
    tree: &'a Tree,
    /// Depth, what it is, its name, the shape of its output, its learned numbers.
    lines: Vec<(usize, [String; 4])>,
}

pub(crate) fn outline(summary: &Summary, tree: &Tree) -> String {
    let mut outline = Outline {
        summary,
        tree,
        lines: Vec::new(),
    };
    let image = text::shape(&summary.input);
    outline.line(0, "image", "", &image, 0);
    outline.flow(&tree.root.flow, &tree.root, 0);
    let lines = outline.lines;
    let indented = |(depth, cells): &(usize, [String; 4])| 2 * depth + cells[0].chars().count();
    let first = lines.iter().map(indented).max().unwrap_or(0);
    let widest = |i: usize| {
        let cells = lines.iter().map(|(_, cells)| cells[i].chars().count());
        cells.max().unwrap_or(0)
    };
    let (name, shape, count) = (widest(1), widest(2), widest(3));
    let written = lines.iter().map(|(depth, [what, a, b, c])| {
        let what = format!("{:indent$}{what}", "", indent = 2 * depth);
        let line = format!("{what:first$}  {a:name$}  {b:>shape$}  {c:>count$}");
        line.trim_end().to_owned()
    });
    written.collect::<Vec<_>>().join("\n")
}

impl Outline<'_> {
    fn line(&mut self, depth: usize, what: &str, name: &str, shape: &str, parameters: usize) {
        let count = match parameters {
            0 => String::new(),
            n => text::short_count(n),
        };
        let cells = [what.to_owned(), name.to_owned(), shape.to_owned(), count];
        self.lines.push((depth, cells));
    }

    fn flow(&mut self, flow: &Flow, level: &Level, depth: usize) {
        match flow {
            Flow::Item(i) => self.item(&level.items[*i], depth),
            Flow::Series(steps) => steps.iter().for_each(|s| self.flow(s, level, depth)),
            Flow::Parallel { branches, direct } => {
                let all = branches.len();
                for (i, branch) in branches.iter().enumerate() {
                    let words = match all {
                        1 => "beside the shortcut:".to_owned(),
                        _ => format!("branch {} of {all}:", i + 1),
                    };
                    self.line(depth, &words, "", "", 0);
                    self.flow(branch, level, depth + 1);
                }
                if *direct {
                    self.line(depth, "shortcut: past them, unchanged", "", "", 0);
                }
            }
            Flow::Tangle { items, edges } => {
                let name = |item: Option<usize>| {
                    item.map_or("what came before", |i| level.items[i].name.as_str())
                };
                for item in items {
                    self.item(&level.items[*item], depth);
                    let read = edges.iter().filter(|e| e.to == Some(*item));
                    let read: Vec<&str> = read.map(|e| name(e.from)).collect();
                    self.line(depth + 1, &format!("reads {}", read.join(", ")), "", "", 0);
                }
            }
        }
    }

    fn item(&mut self, item: &Item, depth: usize) {
        match &item.what {
            What::Unit(u) => {
                let unit = &self.tree.units[*u];
                let lines = super::layout::lines(unit, item);
                let mut what = lines.label;
                for word in &lines.then {
                    what += &format!(", {word}");
                }
                let shape = text::shape(&unit.output);
                self.line(depth, &what, &lines.name, &shape, unit.parameters);
            }
            What::Block(level) => {
                let out = self.tree.units[item.exit].last() + 1;
                let shape = text::shape(super::unit::shape(self.summary, out));
                self.line(depth, &title(item), "", &shape, item.parameters);
                self.flow(&level.flow, level, depth + 1);
            }
        }
    }
}
