//! How a graph flows: what comes after each other and what stands side by side.

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
    let place = |item: usize| items.iter().position(|i| *i == item);
    let n = items.len() as isize;
    let span = |edge: &Edge| {
        let from = edge.from.and_then(place).map_or(-1, |p| p as isize);
        let to = edge.to.and_then(place).map_or(n, |p| p as isize);
        (from, to)
    };
    let spans: Vec<(isize, isize)> = edges.iter().map(span).collect();
    let mut passed = vec![false; items.len()];
    for &(from, to) in &spans {
        for p in from + 1..to {
            passed[p as usize] = true;
        }
    }
    let cuts = (0..n).filter(|p| !passed[*p as usize]);
    let mut steps = Vec::new();
    let mut before = -1;
    for cut in cuts.chain([n]) {
        let inside = |&(from, to): &(isize, isize)| from >= before && to <= cut && from < to;
        let between = &items[(before + 1) as usize..cut as usize];
        if !between.is_empty() {
            let local = edges.iter().zip(&spans).filter(|(_, s)| inside(s));
            let local: Vec<Edge> = local
                .map(|(edge, &(from, to))| Edge {
                    from: edge.from.filter(|_| from > before),
                    to: edge.to.filter(|_| to < cut),
                })
                .collect();
            steps.push(side_by_side(between, &local));
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
fn side_by_side(items: &[usize], edges: &[Edge]) -> Flow {
    let place = |item: usize| items.iter().position(|i| *i == item).expect("an item here");
    let direct = edges.iter().any(|e| e.from.is_none() && e.to.is_none());
    // Which part each item belongs to.
    let mut part: Vec<usize> = (0..items.len()).collect();
    for edge in edges {
        if let (Some(from), Some(to)) = (edge.from, edge.to) {
            let (a, b) = (part[place(from)], part[place(to)]);
            for p in &mut part {
                if *p == a.max(b) {
                    *p = a.min(b);
                }
            }
        }
    }
    let mut parts = part.clone();
    parts.sort_unstable();
    parts.dedup();
    if parts.len() == 1 && !direct {
        let (items, edges) = (items.to_vec(), edges.to_vec());
        return Flow::Tangle { items, edges };
    }
    // In the order in which they are read where they come together.
    let rank = |p: &usize| {
        let read = edges
            .iter()
            .position(|e| e.to.is_none() && e.from.is_some_and(|from| part[place(from)] == *p));
        read.unwrap_or(usize::MAX)
    };
    parts.sort_by_key(rank);
    let branches = parts.into_iter().map(|p| {
        let own = |item: &usize| part[place(*item)] == p;
        let members: Vec<usize> = items.iter().copied().filter(own).collect();
        let theirs = edges.iter().filter(|e| {
            let ends = e.from.or(e.to);
            ends.is_some_and(|item| own(&item))
        });
        arrange(&members, &theirs.copied().collect::<Vec<_>>())
    });
    Flow::Parallel {
        branches: branches.collect(),
        direct,
    }
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
}
