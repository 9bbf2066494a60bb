//! Where everything stands: boxes, frames around blocks, arrows and their words.

use super::flow::{Edge, Flow};
use super::text;
use super::tree::{Item, Level, Tree, What};
use super::unit::{Kind, shape};
use convscope_nn::Summary;

pub(crate) type Point = [f64; 2];

/// `[left, top, width, height]`.
pub(crate) type Place = [f64; 4];

/// Letters of a box's first line, of what follows, of names and shapes.
pub(crate) const LABEL: f64 = 11.0;
pub(crate) const THEN: f64 = 10.0;
pub(crate) const SMALL: f64 = 9.0;
/// Lines in a box.
pub(crate) const LINE: f64 = 13.0;
/// Above and below what is written in a box.
pub(crate) const PAD: f64 = 5.0;
/// The bar on top of a frame.
pub(crate) const HEADER: f64 = 19.0;
/// How far the sheets of a repeated block lie apart.
pub(crate) const SHEET: f64 = 4.0;

/// Between two boxes: an arrow, and the shape of what it carries.
const GAP: f64 = 27.0;
/// From where a line forks to the boxes.
const FORK: f64 = 15.0;
/// From the boxes to where the lines meet, with the shapes of what they carry.
const MEET: f64 = 19.0;
/// From where lines meet to the next box.
const ON: f64 = 13.0;
/// From a frame's bar to the first box in it, and from its sides.
const INNER: f64 = 14.0;
const SIDE: f64 = 9.0;
/// Between branches; the way of a line past boxes.
const APART: f64 = 12.0;
const LANE: f64 = 12.0;
/// Between columns.
const GUTTER: f64 = 46.0;
/// Around everything.
const MARGIN: f64 = 14.0;
/// A column that is no longer than this is not parted.
const COLUMN: f64 = 760.0;
const MOST_COLUMNS: usize = 8;
/// A drawing higher than this may become so many times as wide as was asked for.
const HIGH: f64 = 2400.0;
const WIDER: f64 = 1.25;

/// One box.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) unit: usize,
    pub(crate) place: Place,
    pub(crate) lines: Lines,
    /// How many boxes it stands for.
    pub(crate) times: usize,
}

/// The frame around a block.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) place: Place,
    pub(crate) title: String,
    pub(crate) cost: String,
    pub(crate) note: Option<String>,
    pub(crate) times: usize,
}

/// An arrow from a node to a node (0 is the image, else the row and one); the output's has no end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wire {
    pub(crate) from: usize,
    pub(crate) to: Option<usize>,
    pub(crate) points: Vec<Point>,
}

/// The shape of what a node puts out, beside an arrow.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) of: usize,
    pub(crate) at: Point,
    pub(crate) words: String,
}

/// Everything in its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    pub(crate) size: Point,
    pub(crate) boxes: Vec<Placed>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) tags: Vec<Tag>,
    /// The image and the output.
    pub(crate) ends: Vec<(Place, String)>,
}

/// How far something reaches from the line that goes through it.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    left: f64,
    right: f64,
    height: f64,
}

impl Extent {
    fn width(&self) -> f64 {
        self.left + self.right
    }
}

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

    /// The steps in columns: as few as make it low, or as many as the width allows.
    fn columns<'b>(&self, steps: &[&'b Flow], level: &Level, widest: f64) -> Vec<Vec<&'b Flow>> {
        // What stands side by side stays with the step where it comes together.
        let mut groups: Vec<Vec<&Flow>> = Vec::new();
        let mut open = false;
        for step in steps {
            match groups.last_mut() {
                Some(group) if open => group.push(step),
                _ => groups.push(vec![step]),
            }
            open = !matches!(step, Flow::Item(_));
        }
        let heights: Vec<f64> = groups
            .iter()
            .map(|g| self.stacked(g, level).height)
            .collect();
        let mut best: Option<(f64, Vec<Vec<&Flow>>)> = None;
        for count in 1..=MOST_COLUMNS.min(groups.len()) {
            let columns: Vec<Vec<&Flow>> = parted(&heights, count)
                .into_iter()
                .map(|range| groups[range].concat())
                .collect();
            let extents = columns.iter().map(|c| self.stacked(c, level));
            let width: f64 = extents.clone().map(|e| e.width() + GUTTER).sum();
            let height = extents.map(|e| e.height).fold(0.0, f64::max);
            let fits = count == 1 || width - GUTTER + 2.0 * MARGIN <= widest;
            let lower = best.as_ref().is_none_or(|(h, _)| height < h - 40.0);
            if fits && lower {
                best = Some((height, columns));
            }
            if height <= COLUMN {
                break;
            }
        }
        best.map_or_else(Vec::new, |(_, columns)| columns)
    }

    fn stacked(&self, steps: &[&Flow], level: &Level) -> Extent {
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

    fn measure(&self, flow: &Flow, level: &Level) -> Extent {
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
    fn main(&self, branches: &[Flow], all: &[Extent], whole: f64) -> f64 {
        let single = |b: &Flow| matches!(b, Flow::Item(_));
        match branches {
            [_] => all[0].left,
            [one, other] if !single(one) && single(other) => all[0].left,
            [one, other] if single(one) && !single(other) => all[0].width() + APART + all[1].left,
            _ => whole / 2.0,
        }
    }

    fn item(&self, item: &Item) -> Extent {
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

    fn bar(&self, item: &Item) -> f64 {
        HEADER + if item.growing { LINE } else { 0.0 }
    }

    fn header_width(&self, item: &Item) -> f64 {
        let title = text::width(&title(item), LABEL, true);
        let cost = text::width(&self.cost(item), SMALL, false);
        let note = note(item).map_or(0.0, |n| text::width(&n, SMALL, false));
        (title + cost + 12.0).max(note) + 16.0
    }

    fn cost(&self, item: &Item) -> String {
        match item.parameters {
            0 => String::new(),
            n if item.copies.is_empty() || item.growing => text::short_count(n),
            n => format!("{} each", text::short_count(n)),
        }
    }

    fn box_size(&self, u: usize, item: &Item) -> Point {
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

    fn place_tangle(
        &mut self,
        items: &[usize],
        edges: &[Edge],
        level: &Level,
        axis: f64,
        top: f64,
        ends: Vec<End>,
    ) -> Vec<End> {
        let extent = self.measure(
            &Flow::Tangle {
                items: items.to_vec(),
                edges: edges.to_vec(),
            },
            level,
        );
        let (lanes, count) = lanes(items, edges);
        let first_lane = axis + extent.right - LANE * count as f64;
        let lane = |from: Option<usize>| {
            let found = lanes.iter().find(|(source, _)| *source == from);
            first_lane + LANE * found.map_or(0, |(_, lane)| *lane) as f64
        };
        let bottom = top + extent.height;
        let mut y = top + ON;
        // For each item what its output's line begins with: below the box, and beside it.
        let mut sources: Vec<(usize, Vec<End>, Vec<End>)> = Vec::new();
        let beside = |ends: &[End], x: f64, height: f64| -> Vec<End> {
            let way = [[axis, height], [x, height]];
            ends.iter().map(|e| e.clone().through(&way)).collect()
        };
        let entry_lane = beside(&ends, lane(None), top);
        for (k, &item) in items.iter().enumerate() {
            let mut arriving = Vec::new();
            for edge in edges.iter().filter(|e| e.to == Some(item)) {
                let next = match edge.from {
                    None => k == 0,
                    Some(from) => k > 0 && items[k - 1] == from,
                };
                let (below, by_lane) = match edge.from {
                    None => (&ends, &entry_lane),
                    Some(from) => {
                        let found = sources.iter().find(|(i, ..)| *i == from);
                        let (_, below, by_lane) = found.expect("placed before");
                        (below, by_lane)
                    }
                };
                match next {
                    true => arriving.extend(below.iter().cloned()),
                    false => {
                        let x = lane(edge.from);
                        let way = [[x, y - 7.0], [axis, y - 7.0]];
                        arriving.extend(by_lane.iter().map(|e| e.clone().through(&way)));
                    }
                }
            }
            let height = self.item(&level.items[item]).height;
            let left = self.place_item(&level.items[item], axis, y, arriving);
            y += height;
            let words = self.carried(&left);
            self.tag(&left, axis, y + 9.0, &words);
            let side = beside(&left, lane(Some(item)), y + GAP / 2.0 - 1.0);
            sources.push((item, left, side));
            y += GAP;
        }
        let mut found = Vec::new();
        for edge in edges.iter().filter(|e| e.to.is_none()) {
            let last = edge.from == items.last().copied();
            let from = sources.iter().find(|(i, ..)| Some(*i) == edge.from);
            let Some((_, below, by_lane)) = from else {
                continue;
            };
            match last {
                true => found.extend(below.iter().map(|e| e.clone().through(&[[axis, bottom]]))),
                false => {
                    let way = [[lane(edge.from), bottom], [axis, bottom]];
                    found.extend(by_lane.iter().map(|e| e.clone().through(&way)));
                }
            }
        }
        found
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

/// What is written in a box.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    pub(crate) label: String,
    pub(crate) then: Vec<String>,
    pub(crate) name: String,
    /// Learned numbers in short; nothing where there are none.
    pub(crate) cost: String,
}

pub(crate) fn lines(unit: &super::unit::Unit, item: &Item) -> Lines {
    let mut then: Vec<String> = Vec::new();
    for word in &unit.then {
        match then.last_mut() {
            Some(line) if line.len() + word.len() < 20 => *line += &format!(", {word}"),
            _ => then.push(word.clone()),
        }
    }
    match unit.kind {
        Kind::Block => Lines {
            label: title(item),
            then,
            name: String::new(),
            cost: match (unit.cost(), item.copies.is_empty(), item.growing) {
                (cost, true, _) => cost,
                (cost, _, true) => format!("{cost} and more"),
                (cost, _, false) => format!("{cost} each"),
            },
        },
        _ => Lines {
            label: unit.label.clone(),
            then,
            name: item.name.clone(),
            cost: unit.cost(),
        },
    }
}

/// `"layer1.1 to layer1.2, x 2"`.
pub(crate) fn title(item: &Item) -> String {
    match item.copies.last() {
        None => item.name.clone(),
        Some(last) => format!("{} to {last}, x {}", item.name, item.copies.len() + 1),
    }
}

pub(crate) fn note(item: &Item) -> Option<String> {
    item.growing
        .then(|| "the first is drawn; the others read more".to_owned())
}

fn gap(before: &Flow) -> f64 {
    match before {
        Flow::Parallel { .. } => ON,
        _ => GAP,
    }
}

/// Parts heights into so many runs, such that the highest is as low as can be.
fn parted(heights: &[f64], count: usize) -> Vec<std::ops::Range<usize>> {
    let cut = |limit: f64| {
        let mut runs = Vec::new();
        let (mut start, mut sum) = (0, 0.0);
        for (i, h) in heights.iter().enumerate() {
            if i > start && sum + h > limit {
                runs.push(start..i);
                (start, sum) = (i, 0.0);
            }
            sum += h + GAP;
        }
        runs.push(start..heights.len());
        runs
    };
    let (mut low, mut high) = (0.0, heights.iter().map(|h| h + GAP).sum::<f64>());
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        match cut(middle).len() <= count {
            true => high = middle,
            false => low = middle,
        }
    }
    cut(high)
}

/// A lane for each source with an edge past the next item, and how many lanes there are.
fn lanes(items: &[usize], edges: &[Edge]) -> (Vec<(Option<usize>, usize)>, usize) {
    let place = |item: Option<usize>, otherwise: isize| {
        let found = items.iter().position(|i| Some(*i) == item);
        found.map_or(otherwise, |p| p as isize)
    };
    let mut busy: Vec<isize> = Vec::new();
    let mut found = Vec::new();
    let sources = std::iter::once(None).chain(items.iter().map(|i| Some(*i)));
    for source in sources {
        let from = place(source, -1);
        let ends = edges.iter().filter(|e| e.from == source);
        let far = ends.map(|e| place(e.to, items.len() as isize)).max();
        let Some(far) = far.filter(|far| *far > from + 1) else {
            continue;
        };
        let free = busy.iter().position(|until| *until < from);
        let lane = free.unwrap_or(busy.len());
        match free {
            Some(lane) => busy[lane] = far,
            None => busy.push(far),
        }
        found.push((source, lane));
    }
    (found, busy.len())
}
