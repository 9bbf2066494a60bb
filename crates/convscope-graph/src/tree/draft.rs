//! Units in blocks, by the parts of their names.

use super::Builder;
use crate::flow::Flow;
use crate::unit::{Kind, Unit, parent};
use std::collections::BTreeMap;

/// A block in the making.
#[derive(Clone, Debug)]
pub(super) enum Draft {
    Unit(usize),
    Block(String, Vec<Draft>),
}

impl Draft {
    pub(super) fn members(&self, into: &mut Vec<usize>) {
        match self {
            Draft::Unit(u) => into.push(*u),
            Draft::Block(_, inside) => inside.iter().for_each(|d| d.members(into)),
        }
    }

    pub(super) fn all(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.members(&mut found);
        found
    }
}

/// A block with more than this share of its level's boxes says nothing: its inside is drawn in its
/// place.
pub(super) const MOST: f64 = 0.6;
/// A block with more boxes than this is drawn without its frame, so that it can go over columns.
pub(super) const TALL: usize = 40;

impl Builder<'_> {
    /// Groups units by the parts of their names.
    pub(super) fn drafts(&self, members: &[usize], depth: usize) -> Vec<Draft> {
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
    pub(super) fn checked(&self, drafts: Vec<Draft>) -> Vec<Draft> {
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

    pub(super) fn sort(&self, drafts: &mut [Draft]) {
        drafts.sort_by_key(|draft| draft.all().into_iter().map(|u| self.units[u].last()).max());
    }

    /// Whether the units read one thing outside, and one of them is read from there.
    pub(super) fn closed(&self, members: &[usize]) -> bool {
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

    /// Without frames around a branch that is a chain.
    pub(super) fn without_chains(&self, drafts: Vec<Draft>) -> Vec<Draft> {
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

    /// The blocks of units behind each other that are a whole branch.
    pub(super) fn chains(&self, flow: &Flow, drafts: &[Draft]) -> Vec<usize> {
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

    pub(super) fn is_chain(&self, draft: &Draft) -> bool {
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

    /// Each block without blocks in it as one unit.
    pub(super) fn summed_up(&mut self, drafts: Vec<Draft>) -> Vec<Draft> {
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

    pub(super) fn sum(&mut self, path: &str, inside: &[Draft]) -> usize {
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
    pub(super) fn opened(&self, mut drafts: Vec<Draft>) -> Vec<Draft> {
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
}
