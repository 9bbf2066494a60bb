//! How a graph flows: what comes after each other and what stands side by side.

use std::collections::HashMap;

/// Branches within branches are arranged to this depth; what lies deeper is drawn as a tangle.
const DEEPEST: usize = 64;

/// Where a node reads from, or where it is read: an item of the same level, the level's entry or
/// its exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// `None` is the entry.
    pub(crate) from: Option<usize>,
    /// `None` is the exit.
    pub(crate) to: Option<usize>,
}

/// The items of a level, arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Item(usize),
    /// One after the other.
    Series(Vec<Flow>),
    /// Side by side, between the same two places; `direct` is a way past all of them.
    Parallel {
        branches: Vec<Flow>,
        direct: bool,
    },
    /// In no such order: the items in a row, and all their edges.
    Tangle {
        items: Vec<usize>,
        edges: Vec<Edge>,
    },
}

/// Arranges items, given in an order in which each stands behind what it reads.
///
/// An item past which no edge leads is on every way through the level: such items come one after
/// the other. What lies between two of them falls into parts that do not touch: these stand side by
/// side, and each is arranged in the same way.
pub(crate) fn arrange(items: &[usize], edges: &[Edge]) -> Flow {
    arrange_within(items, edges, 0)
}

fn arrange_within(items: &[usize], edges: &[Edge], depth: usize) -> Flow {
    if depth > DEEPEST {
        let (items, edges) = (items.to_vec(), edges.to_vec());
        return Flow::Tangle { items, edges };
    }
    let places: HashMap<usize, usize> = items.iter().enumerate().map(|(p, i)| (*i, p)).collect();
    let place = |item: usize| places.get(&item).copied();
    let n = items.len() as isize;
    let span = |edge: &Edge| {
        let from = edge.from.and_then(place).map_or(-1, |p| p as isize);
        let to = edge.to.and_then(place).map_or(n, |p| p as isize);
        (from, to)
    };
    let spans: Vec<(isize, isize)> = edges.iter().map(span).collect();
    // How far edges that begin before each place lead.
    let mut far = vec![-1; items.len() + 1];
    for &(from, to) in &spans {
        let begin = (from + 1) as usize;
        far[begin] = far[begin].max(to);
    }
    let mut reached = -1;
    let mut cuts = Vec::new();
    for p in 0..n {
        reached = reached.max(far[p as usize]);
        if reached <= p {
            cuts.push(p);
        }
    }
    cuts.push(n);
    // The edges between two cuts, in their order.
    let mut local: Vec<Vec<Edge>> = vec![Vec::new(); cuts.len()];
    for (edge, &(from, to)) in edges.iter().zip(&spans) {
        let region = cuts.partition_point(|cut| *cut <= from);
        let begin = region.checked_sub(1).map_or(-1, |r| cuts[r]);
        local[region].push(Edge {
            from: edge.from.filter(|_| from > begin),
            to: edge.to.filter(|_| to < cuts[region]),
        });
    }
    let mut steps = Vec::new();
    let mut before = -1;
    for (cut, local) in cuts.into_iter().zip(local) {
        let between = &items[(before + 1) as usize..cut as usize];
        if !between.is_empty() {
            steps.push(side_by_side(between, &local, depth));
        }
        if cut < n {
            steps.push(Flow::Item(items[cut as usize]));
        }
        before = cut;
    }
    match steps.len() {
        1 => steps.remove(0),
        _ => Flow::Series(steps),
    }
}

/// What lies between two items that are on every way.
fn side_by_side(items: &[usize], edges: &[Edge], depth: usize) -> Flow {
    let places: HashMap<usize, usize> = items.iter().enumerate().map(|(p, i)| (*i, p)).collect();
    let direct = edges.iter().any(|e| e.from.is_none() && e.to.is_none());
    let parts = parts(items.len(), edges, &places);
    let count = parts.iter().max().map_or(0, |most| most + 1);
    if count == 1 && !direct {
        let (items, edges) = (items.to_vec(), edges.to_vec());
        return Flow::Tangle { items, edges };
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (item, part) in items.iter().zip(&parts) {
        members[*part].push(*item);
    }
    let mut theirs: Vec<Vec<Edge>> = vec![Vec::new(); count];
    // In the order in which they are read where they come together.
    let mut order = Vec::new();
    for edge in edges {
        if let Some(item) = edge.from.or(edge.to) {
            let part = parts[places[&item]];
            theirs[part].push(*edge);
            if edge.to.is_none() && !order.contains(&part) {
                order.push(part);
            }
        }
    }
    let branch = |part: usize| arrange_within(&members[part], &theirs[part], depth + 1);
    Flow::Parallel {
        branches: order.into_iter().map(branch).collect(),
        direct,
    }
}

/// The number of the part that each place belongs to: two are in one part if an edge joins them.
fn parts(count: usize, edges: &[Edge], places: &HashMap<usize, usize>) -> Vec<usize> {
    fn root(of: &mut [usize], mut p: usize) -> usize {
        while of[p] != p {
            of[p] = of[of[p]];
            p = of[p];
        }
        p
    }
    let mut of: Vec<usize> = (0..count).collect();
    for edge in edges {
        if let (Some(from), Some(to)) = (edge.from, edge.to) {
            let (a, b) = (root(&mut of, places[&from]), root(&mut of, places[&to]));
            of[a.max(b)] = a.min(b);
        }
    }
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let numbered = (0..count).map(|p| {
        let next = numbers.len();
        *numbers.entry(root(&mut of, p)).or_insert(next)
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(i32, i32)]) -> Vec<Edge> {
        let item = |i: i32| usize::try_from(i).ok().filter(|i| *i < 90);
        let edge = |&(from, to): &(i32, i32)| Edge {
            from: item(from),
            to: item(to),
        };
        pairs.iter().map(edge).collect()
    }

    use Flow::{Item, Series};
    const IN: i32 = -1;
    const OUT: i32 = 99;

    #[test]
    fn a_chain_is_a_series() {
        let flow = arrange(&[0, 1], &edges(&[(IN, 0), (0, 1), (1, OUT)]));
        assert_eq!(flow, Series(vec![Item(0), Item(1)]));
    }

    #[test]
    fn a_shortcut_is_a_way_past_the_others() {
        let flow = arrange(
            &[0, 1, 2],
            &edges(&[(IN, 0), (0, 1), (1, 2), (IN, 2), (2, OUT)]),
        );
        let branches = vec![Series(vec![Item(0), Item(1)])];
        let direct = true;
        assert_eq!(
            flow,
            Series(vec![Flow::Parallel { branches, direct }, Item(2)])
        );
    }

    #[test]
    fn a_branch_may_fork_again() {
        // 0; 1 -> (2, 3); joined in 4 in the order 1's, 0
        let pairs = [
            (IN, 0),
            (IN, 1),
            (1, 2),
            (1, 3),
            (2, 4),
            (3, 4),
            (0, 4),
            (4, OUT),
        ];
        let flow = arrange(&[0, 1, 2, 3, 4], &edges(&pairs));
        let direct = false;
        let fork = Flow::Parallel {
            branches: vec![Item(2), Item(3)],
            direct,
        };
        let branches = vec![Series(vec![Item(1), fork]), Item(0)];
        assert_eq!(
            flow,
            Series(vec![Flow::Parallel { branches, direct }, Item(4)])
        );
    }

    #[test]
    fn what_is_neither_is_a_tangle_between_its_ends() {
        // 0 -> 1, 2; 1 -> 3; 2 -> 3, 4; 1 -> 4; 3, 4 -> 5
        let pairs = [
            (IN, 0),
            (0, 1),
            (0, 2),
            (1, 3),
            (2, 3),
            (2, 4),
            (1, 4),
            (3, 5),
            (4, 5),
            (5, OUT),
        ];
        let flow = arrange(&[0, 1, 2, 3, 4, 5], &edges(&pairs));
        let Series(steps) = flow else {
            panic!("{flow:?}")
        };
        assert_eq!((&steps[0], &steps[2]), (&Item(0), &Item(5)));
        let Flow::Tangle { items, edges } = &steps[1] else {
            panic!("{steps:?}")
        };
        assert_eq!(
            (items.as_slice(), edges.len()),
            ([1, 2, 3, 4].as_slice(), 8)
        );
    }

    #[test]
    fn very_deep_nests_end_in_a_tangle_and_long_chains_in_a_series() {
        // Shortcuts within shortcuts: i reads i - 1, and n + i joins i and n + i + 1.
        let n = 2000;
        let mut pairs = vec![(IN, 0)];
        for i in 1..n {
            pairs.push((i - 1, i));
        }
        pairs.push((n - 1, n));
        for i in 1..n {
            pairs.push((n + i - 1, n + i));
            pairs.push((n - 1 - i, n + i));
        }
        pairs.push((2 * n - 1, 100_000));
        let plain = pairs.iter().map(|&(from, to)| Edge {
            from: usize::try_from(from).ok(),
            to: usize::try_from(to).ok().filter(|to| *to < 100_000),
        });
        let all: Vec<usize> = (0..2 * n as usize).collect();
        let flow = arrange(&all, &plain.collect::<Vec<_>>());
        let mut items = 0;
        fn count(flow: &Flow, depth: usize, items: &mut usize) {
            assert!(depth < 4 * DEEPEST);
            match flow {
                Flow::Item(_) => *items += 1,
                Flow::Series(steps) => steps.iter().for_each(|s| count(s, depth + 1, items)),
                Flow::Parallel { branches, .. } => {
                    branches.iter().for_each(|b| count(b, depth + 1, items));
                }
                Flow::Tangle { items: all, .. } => *items += all.len(),
            }
        }
        count(&flow, 0, &mut items);
        assert_eq!(items, 2 * n as usize);
    }
}
