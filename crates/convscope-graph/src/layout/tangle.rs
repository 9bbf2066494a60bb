//! Items in no order of branches: one below the other, with lanes beside them for what goes past.

use super::End;
use super::Layout;
use super::scene::{GAP, LANE, ON};
use crate::flow::{Edge, Flow};
use crate::tree::Level;

impl Layout<'_> {
    pub(super) fn place_tangle(
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
}

/// A lane for each source with an edge past the next item, and how many lanes there are.
pub(super) fn lanes(items: &[usize], edges: &[Edge]) -> (Vec<(Option<usize>, usize)>, usize) {
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
