//! Where everything stands: boxes, frames around blocks, arrows and their words.

mod columns;
mod measure;
mod scene;
mod tangle;
mod words;

pub(crate) use scene::{
    Frame, HEADER, LABEL, LINE, PAD, Placed, Point, SHEET, SMALL, Scene, THEN, Wire,
};
pub(crate) use words::{Lines, lines, title};

use crate::flow::Flow;
use crate::text;
use crate::tree::{Item, Level, Tree, What};
use crate::unit::shape;
use convscope_nn::Summary;
use measure::{Extent, gap};
use scene::{APART, FORK, GAP, GUTTER, HIGH, INNER, MARGIN, MEET, ON, Place, Tag, WIDER};
use words::note;

/// The end of a line on its way to the next box.
#[derive(Clone, Debug)]
struct End {
    from: usize,
    points: Vec<Point>,
}

impl End {
    fn through(mut self, points: &[Point]) -> End {
        self.points.extend(points);
        self
    }
}

pub(crate) struct Layout<'a> {
    summary: &'a Summary,
    tree: &'a Tree,
    scene: Scene,
}

pub(crate) fn layout(summary: &Summary, tree: &Tree, widest: f64, top: f64) -> Scene {
    let mut layout = Layout {
        summary,
        tree,
        scene: Scene::default(),
    };
    layout.all(widest, top);
    layout.scene
}

impl Layout<'_> {
    /// The whole network in columns, below what stands above `top`.
    fn all(&mut self, widest: f64, top: f64) {
        let level = &self.tree.root;
        let steps: Vec<&Flow> = match &level.flow {
            Flow::Series(steps) => steps.iter().collect(),
            other => vec![other],
        };
        let columns = self.columns(&steps, level, widest);
        let high = |columns: &[Vec<&Flow>]| {
            let heights = columns.iter().map(|c| self.stacked(c, level).height);
            heights.fold(0.0, f64::max)
        };
        // What is very high may be somewhat wider.
        let columns = match high(&columns) > HIGH {
            true => self.columns(&steps, level, WIDER * widest),
            false => columns,
        };
        let input = text::shape(&self.summary.input);
        let mut ends = Vec::new();
        let (mut x, mut bottom) = (MARGIN, top);
        let mut column_bottom = top;
        for (c, column) in columns.iter().enumerate() {
            let extent = self.stacked(column, level);
            let axis = x + extent.left;
            let mut y = top + MARGIN;
            if c == 0 {
                let place = self.end_box(axis, y, "image");
                ends = vec![End {
                    from: 0,
                    points: vec![[axis, place[1] + place[3]]],
                }];
                y += place[3];
                self.tag(&ends, axis, y + GAP / 2.0, &input);
                y += GAP;
            } else {
                let gutter = x - GUTTER / 2.0;
                let turn = [
                    [gutter, column_bottom],
                    [gutter, y - MARGIN / 2.0 - 4.0],
                    [axis, y - MARGIN / 2.0 - 4.0],
                ];
                ends = ends.into_iter().map(|e| e.through(&turn)).collect();
            }
            for (k, step) in column.iter().enumerate() {
                if k > 0 {
                    y += self.between(column[k - 1], &ends, axis, y);
                }
                ends = self.place(step, level, axis, y, ends);
                y += self.measure(step, level).height;
            }
            let last = c + 1 == columns.len();
            if last {
                ends.retain(|e| e.from == self.summary.rows.len());
            }
            let words = self.carried(&ends);
            self.tag(&ends, axis, y + GAP / 2.0, &words);
            y += GAP;
            if last {
                let place = self.end_box(axis, y, "output");
                for end in std::mem::take(&mut ends) {
                    let from = end.from;
                    let points = end.through(&[[axis, y]]).points;
                    self.scene.wires.push(Wire {
                        from,
                        to: None,
                        points,
                    });
                }
                y += place[3];
            } else {
                ends = ends.into_iter().map(|e| e.through(&[[axis, y]])).collect();
                column_bottom = y;
            }
            bottom = bottom.max(y);
            x += extent.width() + GUTTER;
        }
        self.scene.size = [x - GUTTER + MARGIN, bottom + MARGIN];
    }

    fn place(
        &mut self,
        flow: &Flow,
        level: &Level,
        axis: f64,
        top: f64,
        ends: Vec<End>,
    ) -> Vec<End> {
        match flow {
            Flow::Item(i) => self.place_item(&level.items[*i], axis, top, ends),
            Flow::Series(steps) => {
                let (mut ends, mut y) = (ends, top);
                for (k, step) in steps.iter().enumerate() {
                    if k > 0 {
                        y += self.between(&steps[k - 1], &ends, axis, y);
                    }
                    ends = self.place(step, level, axis, y, ends);
                    y += self.measure(step, level).height;
                }
                ends
            }
            Flow::Parallel { branches, direct } => {
                let all: Vec<Extent> = branches.iter().map(|b| self.measure(b, level)).collect();
                let whole = self.measure(flow, level);
                let bottom = top + whole.height;
                let mut x = axis - whole.left;
                let mut found = Vec::new();
                for (branch, extent) in branches.iter().zip(&all) {
                    let at = x + extent.left;
                    let fork = [[axis, top], [at, top]];
                    let own = ends.iter().map(|e| e.clone().through(&fork)).collect();
                    let own = self.place(branch, level, at, top + FORK, own);
                    let words = self.carried(&own);
                    self.tag(&own, at, top + FORK + extent.height + MEET / 2.0, &words);
                    let meet = [[at, bottom], [axis, bottom]];
                    found.extend(own.into_iter().map(|e| e.through(&meet)));
                    x += extent.width() + APART;
                }
                if *direct {
                    let way = [[axis, top], [x, top], [x, bottom], [axis, bottom]];
                    found.extend(ends.into_iter().map(|e| e.through(&way)));
                }
                found
            }
            Flow::Tangle { items, edges } => {
                self.place_tangle(items, edges, level, axis, top, ends)
            }
        }
    }

    fn place_item(&mut self, item: &Item, axis: f64, top: f64, ends: Vec<End>) -> Vec<End> {
        let extent = self.item(item);
        let sheets = if item.copies.is_empty() {
            0.0
        } else {
            2.0 * SHEET
        };
        let from = self.tree.units[item.exit].last() + 1;
        let times = 1 + item.copies.len();
        match &item.what {
            What::Unit(u) => {
                let [width, height] = self.box_size(*u, item);
                let to = Some(self.tree.units[*u].rows[0] + 1);
                for end in ends {
                    let from = end.from;
                    let points = end.through(&[[axis, top]]).points;
                    self.scene.wires.push(Wire { from, to, points });
                }
                self.scene.boxes.push(Placed {
                    unit: *u,
                    place: [axis - width / 2.0, top, width, height],
                    lines: lines(&self.tree.units[*u], item),
                    times,
                });
                vec![End {
                    from,
                    points: vec![[axis, top + height + sheets]],
                }]
            }
            What::Block(level) => {
                let bar = self.bar(item);
                let place = [
                    axis - extent.left,
                    top,
                    extent.width() - sheets,
                    extent.height - sheets,
                ];
                self.scene.frames.push(Frame {
                    place,
                    title: title(item),
                    cost: self.cost(item),
                    note: note(item),
                    times,
                });
                let ends = ends
                    .into_iter()
                    .map(|e| e.through(&[[axis, top]]))
                    .collect();
                let ends = self.place(&level.flow, level, axis, top + bar + INNER, ends);
                let bottom = [[axis, top + extent.height]];
                // What nobody reads ends where it is.
                let end = self.tree.units[item.end].last() + 1;
                ends.into_iter()
                    .filter(|e| e.from == end)
                    .map(|e| End { from, ..e }.through(&bottom))
                    .collect()
            }
        }
    }

    /// The gap behind a step, with the shape of what goes through it.
    fn between(&mut self, before: &Flow, ends: &[End], axis: f64, y: f64) -> f64 {
        let gap = gap(before);
        if gap > ON {
            let words = self.carried(ends);
            self.tag(ends, axis, y + gap / 2.0, &words);
        }
        gap
    }

    /// The shape of what lines carry.
    fn carried(&self, ends: &[End]) -> String {
        let words = |end: &End| text::shape(shape(self.summary, end.from));
        ends.first().map_or_else(String::new, words)
    }

    fn tag(&mut self, ends: &[End], axis: f64, y: f64, words: &str) {
        let Some(of) = ends.first().map(|e| e.from) else {
            return;
        };
        if ends.iter().all(|e| e.from == of) {
            self.scene.tags.push(Tag {
                of,
                at: [axis + 5.0, y + 1.5],
                words: words.to_owned(),
            });
        }
    }

    /// The box for the image or the output.
    fn end_box(&mut self, axis: f64, top: f64, words: &str) -> Place {
        let width = text::width(words, LABEL, true) + 18.0;
        let place = [axis - width / 2.0, top, width, LINE + 2.0 * PAD];
        self.scene.ends.push((place, words.to_owned()));
        place
    }
}
