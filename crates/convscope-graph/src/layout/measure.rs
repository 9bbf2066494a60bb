//! How much room everything takes, before it has a place.

use super::Layout;
use super::scene::{
    APART, FORK, GAP, HEADER, INNER, LABEL, LANE, LINE, MEET, ON, PAD, Point, SHEET, SIDE, SMALL,
    THEN,
};
use super::tangle::lanes;
use super::words::{lines, note, title};
use crate::flow::Flow;
use crate::text;
use crate::tree::{Item, Level, What};

/// How far something reaches from the line that goes through it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) height: f64,
}

impl Extent {
    pub(super) fn width(&self) -> f64 {
        self.left + self.right
    }
}

impl Layout<'_> {
    pub(super) fn stacked(&self, steps: &[&Flow], level: &Level) -> Extent {
        let mut whole = Extent::default();
        for (k, step) in steps.iter().enumerate() {
            let extent = self.measure(step, level);
            whole.left = whole.left.max(extent.left);
            whole.right = whole.right.max(extent.right);
            whole.height += extent.height;
            if k > 0 {
                whole.height += gap(steps[k - 1]);
            }
        }
        whole
    }

    pub(super) fn measure(&self, flow: &Flow, level: &Level) -> Extent {
        match flow {
            Flow::Item(i) => self.item(&level.items[*i]),
            Flow::Series(steps) => self.stacked(&steps.iter().collect::<Vec<_>>(), level),
            Flow::Parallel { branches, direct } => {
                let all: Vec<Extent> = branches.iter().map(|b| self.measure(b, level)).collect();
                let apart = APART * (all.len() - 1) as f64;
                let mut whole: f64 = all.iter().map(Extent::width).sum::<f64>() + apart;
                let left = self.main(branches, &all, whole);
                if *direct {
                    whole += APART + LANE / 2.0;
                }
                let height = all.iter().map(|e| e.height).fold(0.0, f64::max);
                Extent {
                    left,
                    right: whole - left,
                    height: FORK + height + MEET,
                }
            }
            Flow::Tangle { items, edges } => {
                let row: Vec<&Item> = items.iter().map(|i| &level.items[*i]).collect();
                let all: Vec<Extent> = row.iter().map(|i| self.item(i)).collect();
                let lanes = lanes(items, edges).1;
                Extent {
                    left: all.iter().map(|e| e.left).fold(0.0, f64::max),
                    right: all.iter().map(|e| e.right).fold(0.0, f64::max)
                        + LANE * (1 + lanes) as f64,
                    height: ON
                        + MEET
                        + all.iter().map(|e| e.height).sum::<f64>()
                        + GAP * (all.len() - 1) as f64,
                }
            }
        }
    }

    /// How far from the left the line through branches goes: through the middle, or through the
    /// longer one of two of which the other is a box on a shortcut.
    pub(super) fn main(&self, branches: &[Flow], all: &[Extent], whole: f64) -> f64 {
        let single = |b: &Flow| matches!(b, Flow::Item(_));
        match branches {
            [_] => all[0].left,
            [one, other] if !single(one) && single(other) => all[0].left,
            [one, other] if single(one) && !single(other) => all[0].width() + APART + all[1].left,
            _ => whole / 2.0,
        }
    }

    pub(super) fn item(&self, item: &Item) -> Extent {
        let sheets = if item.copies.is_empty() {
            0.0
        } else {
            2.0 * SHEET
        };
        match &item.what {
            What::Unit(u) => {
                let [width, height] = self.box_size(*u, item);
                let tag = text::width(&text::shape(&self.tree.units[*u].output), SMALL, false);
                Extent {
                    left: width / 2.0,
                    right: (width / 2.0 + sheets).max(tag + 7.0),
                    height: height + sheets,
                }
            }
            What::Block(level) => {
                let inner = self.measure(&level.flow, level);
                let (left, right) = (inner.left + SIDE, inner.right + SIDE);
                let header = self.header_width(item);
                Extent {
                    left,
                    right: right.max(header - left) + sheets,
                    height: self.bar(item) + INNER + inner.height + SIDE + sheets,
                }
            }
        }
    }

    pub(super) fn bar(&self, item: &Item) -> f64 {
        HEADER + if item.growing { LINE } else { 0.0 }
    }

    pub(super) fn header_width(&self, item: &Item) -> f64 {
        let title = text::width(&title(item), LABEL, true);
        let cost = text::width(&self.cost(item), SMALL, false);
        let note = note(item).map_or(0.0, |n| text::width(&n, SMALL, false));
        (title + cost + 12.0).max(note) + 16.0
    }

    pub(super) fn cost(&self, item: &Item) -> String {
        match item.parameters {
            0 => String::new(),
            n if item.copies.is_empty() || item.growing => text::short_count(n),
            n => format!("{} each", text::short_count(n)),
        }
    }

    pub(super) fn box_size(&self, u: usize, item: &Item) -> Point {
        let unit = &self.tree.units[u];
        let lines = lines(unit, item);
        let label = text::width(&lines.label, LABEL, true);
        let then = lines.then.iter().map(|t| text::width(t, THEN, false));
        let cost = text::width(&lines.cost, SMALL, false);
        let gap = if unit.parameters > 0 { 10.0 } else { 0.0 };
        // A box's name may be as long as that of the deepest frame leaves it; the whole is safe.
        let name = text::width(&lines.name, SMALL, false) + gap + cost;
        let width = then.fold(label.max(name), f64::max) + 14.0;
        let count = 2.0 + lines.then.len() as f64;
        [width.max(64.0).ceil(), 2.0 * PAD + LINE * count]
    }
}

pub(super) fn gap(before: &Flow) -> f64 {
    match before {
        Flow::Parallel { .. } => ON,
        _ => GAP,
    }
}
