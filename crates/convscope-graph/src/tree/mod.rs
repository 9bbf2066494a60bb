//! The boxes in their blocks, and blocks that repeat drawn once.

mod draft;
mod repeat;

use crate::flow::{Edge, Flow, arrange};
use crate::unit::{Kind, Unit, parent, units};
use convscope_nn::Summary;
use draft::Draft;
use std::collections::{HashMap, HashSet};

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

    fn level(&mut self, drafts: Vec<Draft>, frame: &str) -> Level {
        let flow = self.flow(&drafts);
        let items: Vec<Item> = drafts.into_iter().map(|d| self.item(d, frame)).collect();
        let mut level = Level { items, flow };
        if !self.all {
            self.collapse(&mut level);
        }
        level
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
