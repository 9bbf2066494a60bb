//! A long network in columns.

use super::Layout;
use super::scene::{COLUMN, GAP, GUTTER, MARGIN, MOST_COLUMNS};
use crate::flow::Flow;
use crate::tree::Level;

impl Layout<'_> {
    /// The steps in columns: as few as make it low, or as many as the width allows.
    pub(super) fn columns<'b>(
        &self,
        steps: &[&'b Flow],
        level: &Level,
        widest: f64,
    ) -> Vec<Vec<&'b Flow>> {
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
