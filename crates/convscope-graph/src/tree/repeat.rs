//! Blocks behind each other that are the same, drawn once.

use super::{Builder, Item, Level, What};
use crate::flow::Flow;
use crate::unit::{Kind, shape};
use convscope_nn::{INPUT, Shape};

impl Builder<'_> {
    /// Draws blocks once that come after each other and are the same.
    pub(super) fn collapse(&mut self, level: &mut Level) {
        let steps = match &mut level.flow {
            Flow::Series(steps) => steps,
            _ => return,
        };
        let mut at = 0;
        while at < steps.len() {
            let run = |exact: bool| {
                let sign = |step: &Flow| match step {
                    Flow::Item(i) => self.signature(&level.items[*i], exact),
                    _ => None,
                };
                let Some(first) = sign(&steps[at]) else {
                    return 1;
                };
                let others = steps[at + 1..].iter();
                1 + others
                    .take_while(|s| sign(s).as_ref() == Some(&first))
                    .count()
            };
            let (count, growing) = match (run(true), run(false)) {
                (exact, _) if exact > 1 => (exact, false),
                (_, alike) if alike > 2 => (alike, true),
                _ => (1, false),
            };
            if count > 1 {
                let number = |step: &Flow| match step {
                    Flow::Item(i) => *i,
                    _ => unreachable!("only items have signatures"),
                };
                let numbers: Vec<usize> = steps
                    .drain(at + 1..at + count)
                    .map(|s| number(&s))
                    .collect();
                let first = number(&steps[at]);
                for other in numbers {
                    let copy = level.items[other].clone();
                    self.join(&level.items[first], &copy);
                    let item = &mut level.items[first];
                    item.copies.push(copy.name);
                    item.exit = copy.exit;
                    item.growing = growing;
                    if growing {
                        item.parameters += copy.parameters;
                    }
                }
            }
            at += 1;
        }
        if steps.len() == 1 {
            level.flow = steps.remove(0);
        }
    }

    /// Lets the units of one item stand for those of another.
    pub(super) fn join(&mut self, one: &Item, other: &Item) {
        match (&one.what, &other.what) {
            (What::Unit(a), What::Unit(b)) => {
                let rows = self.nodes[*b].clone();
                self.nodes[*a].extend(rows);
            }
            (What::Block(a), What::Block(b)) => {
                for (a, b) in a.drawn().into_iter().zip(b.drawn()) {
                    self.join(a, b);
                }
            }
            _ => {}
        }
    }

    /// What a block is made of. Two are the same if all layers, shapes and edges are; or, if not
    /// `exact`, alike if they have the same layers, of whatever number of channels they read.
    pub(super) fn signature(&self, item: &Item, exact: bool) -> Option<String> {
        match &item.what {
            What::Unit(u) if self.units[*u].kind != Kind::Block => return None,
            _ => {}
        }
        let mut rows = Vec::new();
        self.rows_of(item, &mut rows);
        let first = *rows.iter().min()?;
        let last = *rows.iter().max()?;
        let mut words = String::new();
        for row in rows {
            let r = &self.summary.rows[row];
            let size: &[usize] = r.output.get(1..).unwrap_or_default();
            words += &format!("{} {:?} {:?}", r.kind, r.window, size);
            // Of weights that read any number of channels, the number they put out.
            let filters = |(_, shape): &(&str, Shape)| shape.first().copied();
            match (exact, matches!(r.kind, "Conv2d" | "Linear")) {
                (true, _) => words += &format!("{} {:?} {:?}", r.settings, r.weights, r.output),
                (false, true) => words += &format!("{:?}", r.weights.iter().map(filters).next()),
                (false, false) => {}
            }
            for name in &r.inputs {
                let read = self.summary.rows[first..=last]
                    .iter()
                    .position(|r| r.name == *name);
                match read {
                    Some(at) => words += &format!(" {at}"),
                    None if exact => words += &format!(" in {:?}", self.shape_of(name)),
                    None => words += " in",
                }
            }
            words.push('\n');
        }
        Some(words)
    }

    pub(super) fn rows_of(&self, item: &Item, into: &mut Vec<usize>) {
        match &item.what {
            What::Unit(u) => into.extend(&self.nodes[*u]),
            What::Block(level) => level.items.iter().for_each(|i| self.rows_of(i, into)),
        }
    }

    pub(super) fn shape_of(&self, name: &str) -> &Shape {
        let row = self.summary.rows.iter().position(|r| r.name == name);
        match name == INPUT {
            true => &self.summary.input,
            false => shape(self.summary, row.map_or(0, |r| r + 1)),
        }
    }
}
