//! The boxes in their blocks, and blocks that repeat drawn once.

use super::flow::{Edge, Flow, arrange};
use super::unit::{Kind, Unit, parent, shape, units};
use convscope_nn::{INPUT, Shape, Summary};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How much is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// A box for each innermost block.
    Blocks,
    /// A box for each convolution, fully connected layer, pooling or join, with the normalisation
    /// and activation behind it.
    #[default]
    Layers,
    /// A box for every node.
    Nodes,
}

/// What stands in one place of a level.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Number of a unit.
    Unit(usize),
    Block(Level),
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) what: What,
    /// Its name, without that of the frame around it where enough is left.
    pub(crate) name: String,
    /// The names of the blocks behind it that are drawn with it.
    pub(crate) copies: Vec<String>,
    /// Whether the copies have more channels each.
    pub(crate) growing: bool,
    /// Learned numbers of one; of those that grow, of all.
    pub(crate) parameters: usize,
    /// The unit whose output is the item's; of several copies, the last one's.
    pub(crate) exit: usize,
    /// The same of the one that is drawn.
    pub(crate) end: usize,
}

/// The items of a block, or of the whole network.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) items: Vec<Item>,
    pub(crate) flow: Flow,
}

#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) units: Vec<Unit>,
    /// The rows of each unit, and those of the units that it stands for.
    pub(crate) nodes: Vec<Vec<usize>>,
    pub(crate) root: Level,
}

/// A block in the making.
#[derive(Clone, Debug)]
enum Draft {
    Unit(usize),
    Block(String, Vec<Draft>),
}

impl Draft {
    fn members(&self, into: &mut Vec<usize>) {
        match self {
            Draft::Unit(u) => into.push(*u),
            Draft::Block(_, inside) => inside.iter().for_each(|d| d.members(into)),
        }
    }

    fn all(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.members(&mut found);
        found
    }
}

/// A block with more than this share of its level's boxes says nothing: its inside is drawn in its
/// place.
const MOST: f64 = 0.6;
/// A block with more boxes than this is drawn without its frame, so that it can go over columns.
const TALL: usize = 40;

pub(crate) fn tree(summary: &Summary, inputs: &[Vec<usize>], detail: Detail, all: bool) -> Tree {
    let units = units(summary, inputs, detail == Detail::Nodes);
    let mut builder = Builder {
        summary,
        of_row: vec![0; summary.rows.len() + 1],
        units,
        nodes: Vec::new(),
        all,
    };
    builder.number();
    let everything: Vec<usize> = (0..builder.units.len()).collect();
    let drafts = builder.drafts(&everything, 0);
    let drafts = builder.checked(drafts);
    let mut drafts = builder.without_chains(drafts);
    if detail == Detail::Blocks {
        drafts = builder.summed_up(drafts);
    }
    let drafts = builder.opened(drafts);
    builder.nodes = builder.units.iter().map(|u| u.rows.clone()).collect();
    let root = builder.level(drafts, "");
    Tree {
        units: builder.units,
        nodes: builder.nodes,
        root,
    }
}

struct Builder<'a> {
    summary: &'a Summary,
    units: Vec<Unit>,
    /// The unit of each node; node 0, the image, has none.
    of_row: Vec<usize>,
    nodes: Vec<Vec<usize>>,
    all: bool,
}

impl Builder<'_> {
    fn number(&mut self) {
        for (u, unit) in self.units.iter().enumerate() {
            for &row in &unit.rows {
                self.of_row[row + 1] = u;
            }
        }
    }

    fn name(&self, unit: usize) -> &str {
        &self.summary.rows[self.units[unit].rows[0]].name
    }

    /// The units that read what lies outside, and what they read: `None` is the image.
    fn reads(&self, unit: usize) -> impl Iterator<Item = Option<usize>> + '_ {
        let ids = self.units[unit].inputs.iter();
        ids.map(|&id| (id > 0).then(|| self.of_row[id]))
    }

    /// Groups units by the parts of their names.
    fn drafts(&self, members: &[usize], depth: usize) -> Vec<Draft> {
        let mut order: Vec<Result<usize, String>> = Vec::new();
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for &unit in members {
            let path = parent(self.name(unit));
            match path.split(['.', '/']).nth(depth) {
                Some(_) if !path.is_empty() => {
                    let end = path.match_indices(['.', '/']).nth(depth);
                    let prefix = end.map_or(path, |(at, _)| &path[..at]).to_owned();
                    if !groups.contains_key(&prefix) {
                        order.push(Err(prefix.clone()));
                    }
                    groups.entry(prefix).or_default().push(unit);
                }
                _ => order.push(Ok(unit)),
            }
        }
        let draft = |place| match place {
            Ok(unit) => Draft::Unit(unit),
            Err(prefix) => {
                let inside = self.drafts(&groups[&prefix], depth + 1);
                Draft::Block(prefix, inside)
            }
        };
        order.into_iter().map(draft).collect()
    }

    /// Without frames that could not be drawn, because more than one arrow would lead in or out, or
    /// that would say nothing, because there is one thing inside.
    fn checked(&self, drafts: Vec<Draft>) -> Vec<Draft> {
        let mut found = Vec::new();
        for draft in drafts {
            match draft {
                Draft::Unit(u) => found.push(Draft::Unit(u)),
                Draft::Block(path, inside) => {
                    let inside = self.checked(inside);
                    let block = Draft::Block(path, inside.clone());
                    match inside.len() > 1 && self.closed(&block.all()) {
                        true => found.push(block),
                        false => found.extend(inside),
                    }
                }
            }
        }
        self.sort(&mut found);
        found
    }

    fn sort(&self, drafts: &mut [Draft]) {
        drafts.sort_by_key(|draft| draft.all().into_iter().map(|u| self.units[u].last()).max());
    }

    /// Whether the units read one thing outside, and one of them is read from there.
    fn closed(&self, members: &[usize]) -> bool {
        let inside = |unit: usize| members.contains(&unit);
        let mut sources: Vec<usize> = Vec::new();
        for &unit in members {
            for &id in &self.units[unit].inputs {
                if (id == 0 || !inside(self.of_row[id])) && !sources.contains(&id) {
                    sources.push(id);
                }
            }
        }
        let mut exits: Vec<usize> = (0..self.units.len())
            .filter(|u| !inside(*u))
            .flat_map(|u| self.reads(u).flatten().collect::<Vec<_>>())
            .filter(|u| inside(*u))
            .collect();
        exits.sort_unstable();
        exits.dedup();
        // Only its end is read from outside.
        let end = members.iter().max_by_key(|u| self.units[**u].last());
        sources.len() == 1 && exits.iter().all(|exit| Some(exit) == end)
    }

    /// Each block without blocks in it as one unit.
    fn summed_up(&mut self, drafts: Vec<Draft>) -> Vec<Draft> {
        let mut found = Vec::new();
        for draft in drafts {
            found.push(match draft {
                Draft::Unit(u) => Draft::Unit(u),
                Draft::Block(path, inside) => {
                    let leaf = inside.iter().all(|d| matches!(d, Draft::Unit(_)));
                    match leaf {
                        false => Draft::Block(path, self.summed_up(inside)),
                        true => Draft::Unit(self.sum(&path, &inside)),
                    }
                }
            });
        }
        found
    }

    fn sum(&mut self, path: &str, inside: &[Draft]) -> usize {
        let members: Vec<usize> = inside.iter().flat_map(Draft::all).collect();
        let parts: Vec<&Unit> = members.iter().map(|u| &self.units[*u]).collect();
        let mut rows: Vec<usize> = parts.iter().flat_map(|u| u.rows.clone()).collect();
        rows.sort_unstable();
        let outside = |id: &usize| *id == 0 || !members.contains(&self.of_row[*id]);
        let mut inputs: Vec<usize> = parts.iter().flat_map(|u| u.inputs.clone()).collect();
        inputs.retain(outside);
        inputs.truncate(1);
        let last = *members.last().expect("a block has units");
        let weighted = parts
            .iter()
            .filter(|u| matches!(u.kind, Kind::Convolution | Kind::Dense));
        let unit = Unit {
            kind: Kind::Block,
            label: path.to_owned(),
            then: vec![match weighted.count() {
                1 => "1 layer with weights".to_owned(),
                n => format!("{n} layers with weights"),
            }],
            parameters: parts.iter().map(|u| u.parameters).sum(),
            output: self.units[last].output.clone(),
            rows,
            inputs,
        };
        // The last of its units stands for it: so the order stays one in which nothing is read
        // before it is there.
        for &row in &unit.rows {
            self.of_row[row + 1] = last;
        }
        self.units[last] = unit;
        last
    }

    /// Without frames around nearly everything.
    fn opened(&self, mut drafts: Vec<Draft>) -> Vec<Draft> {
        loop {
            let whole: usize = drafts.iter().map(|d| d.all().len()).sum();
            let wide = drafts.iter().position(|draft| {
                let size = draft.all().len();
                let block = matches!(draft, Draft::Block(..));
                let most = size > 8 && size as f64 > MOST * whole as f64;
                block && (most || self.all && size > TALL)
            });
            let Some(wide) = wide else {
                return drafts;
            };
            if let Draft::Block(_, inside) = drafts.remove(wide) {
                drafts.splice(wide..wide, inside);
            }
        }
    }

    fn flow(&self, drafts: &[Draft]) -> Flow {
        let members: Vec<Vec<usize>> = drafts.iter().map(Draft::all).collect();
        let held = members.iter().enumerate();
        let held: HashMap<usize, usize> = held
            .flat_map(|(item, units)| units.iter().map(move |u| (*u, item)))
            .collect();
        let holder = |unit: usize| held.get(&unit).copied();
        let mut edges: Vec<Edge> = Vec::new();
        let mut known: HashSet<(Option<usize>, usize)> = HashSet::new();
        let mut read = vec![false; drafts.len()];
        for (to, units) in members.iter().enumerate() {
            for &unit in units {
                for from in self.reads(unit) {
                    let from = from.and_then(&holder);
                    let edge = Edge { from, to: Some(to) };
                    if from != Some(to) && known.insert((from, to)) {
                        edges.push(edge);
                    }
                    if let Some(from) = from.filter(|f| *f != to) {
                        read[from] = true;
                    }
                }
            }
        }
        // The output, and what nobody reads.
        for from in (0..drafts.len()).filter(|i| !read[*i]) {
            let (from, to) = (Some(from), None);
            edges.push(Edge { from, to });
        }
        let places: Vec<usize> = (0..drafts.len()).collect();
        arrange(&places, &edges)
    }

    /// Without frames around a branch that is a chain.
    fn without_chains(&self, drafts: Vec<Draft>) -> Vec<Draft> {
        let inside = |draft| match draft {
            Draft::Block(path, inside) => Draft::Block(path, self.without_chains(inside)),
            unit => unit,
        };
        let drafts: Vec<Draft> = drafts.into_iter().map(inside).collect();
        let chains = self.chains(&self.flow(&drafts), &drafts);
        let numbered = drafts.into_iter().enumerate();
        let opened = numbered.flat_map(|(i, draft)| match draft {
            Draft::Block(_, inside) if chains.contains(&i) => inside,
            other => vec![other],
        });
        let mut opened: Vec<Draft> = opened.collect();
        self.sort(&mut opened);
        opened
    }

    fn level(&mut self, drafts: Vec<Draft>, frame: &str) -> Level {
        let flow = self.flow(&drafts);
        let items: Vec<Item> = drafts.into_iter().map(|d| self.item(d, frame)).collect();
        let mut level = Level { items, flow };
        if !self.all {
            self.collapse(&mut level);
        }
        level
    }

    /// The blocks of units behind each other that are a whole branch.
    fn chains(&self, flow: &Flow, drafts: &[Draft]) -> Vec<usize> {
        match flow {
            Flow::Series(steps) => steps.iter().flat_map(|s| self.chains(s, drafts)).collect(),
            Flow::Parallel { branches, direct } if branches.len() + usize::from(*direct) > 1 => {
                let alone = branches.iter().filter_map(|branch| match branch {
                    Flow::Item(i) if self.is_chain(&drafts[*i]) => Some(vec![*i]),
                    Flow::Item(_) => None,
                    other => Some(self.chains(other, drafts)),
                });
                alone.flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_chain(&self, draft: &Draft) -> bool {
        let Draft::Block(_, inside) = draft else {
            return false;
        };
        let unit = |draft: &Draft| match draft {
            Draft::Unit(u) => Some(*u),
            Draft::Block(..) => None,
        };
        let linked = |pair: &[Draft]| match (unit(&pair[0]), unit(&pair[1])) {
            (Some(before), Some(u)) => self.reads(u).collect::<Vec<_>>() == [Some(before)],
            _ => false,
        };
        inside.windows(2).all(linked)
    }

    fn item(&mut self, draft: Draft, frame: &str) -> Item {
        let members = draft.all();
        let exit = members
            .iter()
            .copied()
            .max_by_key(|u| self.units[*u].last())
            .expect("an item has units");
        let parameters = members.iter().map(|u| self.units[*u].parameters).sum();
        let (path, what) = match draft {
            Draft::Unit(u) => {
                let unit = &self.units[u];
                let path = match unit.kind {
                    Kind::Block => unit.label.clone(),
                    // A block of one unit gives it its name.
                    _ => self.own_name(u),
                };
                (path, What::Unit(u))
            }
            Draft::Block(path, inside) => {
                let level = self.level(inside, &path);
                (path, What::Block(level))
            }
        };
        // A number alone would say nothing.
        let within = path
            .strip_prefix(frame)
            .and_then(|p| p.strip_prefix(['.', '/']))
            .filter(|p| !p.starts_with(|c: char| c.is_ascii_digit()));
        Item {
            what,
            name: within.unwrap_or(&path).to_owned(),
            copies: Vec::new(),
            growing: false,
            parameters,
            exit,
            end: exit,
        }
    }

    /// The name of the block around a unit's nodes and nothing else; else that of its first node.
    fn own_name(&self, unit: usize) -> String {
        let rows = &self.units[unit].rows;
        let name = self.name(unit);
        let block = parent(name);
        let within = |row: &convscope_nn::SummaryRow| {
            let rest = row.name.strip_prefix(block);
            rest.is_some_and(|rest| rest.starts_with(['.', '/']))
        };
        let all = self.summary.rows.iter().filter(|r| within(r)).count();
        match !block.is_empty() && all == rows.len() && all > 1 {
            true => block.to_owned(),
            false => name.to_owned(),
        }
    }

    /// Draws blocks once that come after each other and are the same.
    fn collapse(&mut self, level: &mut Level) {
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
    fn join(&mut self, one: &Item, other: &Item) {
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
    fn signature(&self, item: &Item, exact: bool) -> Option<String> {
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

    fn rows_of(&self, item: &Item, into: &mut Vec<usize>) {
        match &item.what {
            What::Unit(u) => into.extend(&self.nodes[*u]),
            What::Block(level) => level.items.iter().for_each(|i| self.rows_of(i, into)),
        }
    }

    fn shape_of(&self, name: &str) -> &Shape {
        let row = self.summary.rows.iter().position(|r| r.name == name);
        match name == INPUT {
            true => &self.summary.input,
            false => shape(self.summary, row.map_or(0, |r| r + 1)),
        }
    }
}

impl Level {
    /// The items that are drawn, in their order.
    pub(crate) fn drawn(&self) -> Vec<&Item> {
        fn of(flow: &Flow, into: &mut Vec<usize>) {
            match flow {
                Flow::Item(i) => into.push(*i),
                Flow::Series(steps) => steps.iter().for_each(|s| of(s, into)),
                Flow::Parallel { branches, .. } => branches.iter().for_each(|b| of(b, into)),
                Flow::Tangle { items, .. } => into.extend(items),
            }
        }
        let mut numbers = Vec::new();
        of(&self.flow, &mut numbers);
        numbers.into_iter().map(|i| &self.items[i]).collect()
    }
}
