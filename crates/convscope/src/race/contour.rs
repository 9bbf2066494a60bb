//! The ground under a race: bands between lines of equal height, and the lines.

/// Heights on a grid over the window, row by row from the top.
pub(super) struct Grid {
    columns: usize,
    rows: usize,
    heights: Vec<f64>,
}

/// The share of the ground that lies below each line: half a per cent, two, five, ... Evenly spaced
/// heights would crowd on steep walls and leave a flat floor without any.
const SHARES: [f64; 12] = [
    0.005, 0.02, 0.05, 0.1, 0.18, 0.27, 0.37, 0.48, 0.59, 0.7, 0.81, 0.92,
];

impl Grid {
    /// `columns` and `rows` are counted in cells; a height stands at every corner.
    pub(super) fn new(
        [columns, rows]: [usize; 2],
        [x, y]: [[f64; 2]; 2],
        height: impl Fn(f64, f64) -> f64,
    ) -> Grid {
        let mut heights = Vec::with_capacity((columns + 1) * (rows + 1));
        for row in 0..=rows {
            for column in 0..=columns {
                let right = column as f64 / columns as f64;
                let down = row as f64 / rows as f64;
                let value = height(x[0] + right * (x[1] - x[0]), y[1] - down * (y[1] - y[0]));
                heights.push(value.clamp(-1e12, 1e12)); // a NaN stays one
            }
        }
        Grid {
            columns,
            rows,
            heights,
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.heights[row * (self.columns + 1) + column]
    }

    /// Where the lines are drawn, rising; none on level ground.
    pub(super) fn levels(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.heights.clone();
        sorted.retain(|h| h.is_finite());
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return Vec::new();
        };
        let mut levels: Vec<f64> = SHARES
            .iter()
            .map(|s| sorted[(s * last as f64) as usize])
            .collect();
        levels.retain(|l| *l > sorted[0]);
        levels.dedup();
        levels
    }

    /// For each band the runs of cells that lie in it: row, first column, number of columns.
    pub(super) fn bands(&self, levels: &[f64]) -> Vec<Vec<[usize; 3]>> {
        let mut bands = vec![Vec::new(); levels.len() + 1];
        for row in 0..self.rows {
            let band = |column: usize| {
                let corners = [(0, 0), (0, 1), (1, 0), (1, 1)];
                let sum: f64 = corners
                    .map(|(r, c)| self.at(row + r, column + c))
                    .iter()
                    .sum();
                levels.partition_point(|l| *l <= sum / 4.0)
            };
            let mut column = 0;
            while column < self.columns {
                let own = band(column);
                let begin = column;
                while column < self.columns && band(column) == own {
                    column += 1;
                }
                bands[own].push([row, begin, column - begin]);
            }
        }
        bands
    }

    /// The line of one height as pieces within cells, in units of cells: x, y, x, y (marching
    /// squares).
    pub(super) fn line(&self, level: f64) -> Vec<[f64; 4]> {
        let mut pieces = Vec::new();
        for row in 0..self.rows {
            for column in 0..self.columns {
                let corners = [
                    (row, column),
                    (row, column + 1),
                    (row + 1, column + 1),
                    (row + 1, column),
                ];
                let mut cuts = Vec::with_capacity(4);
                for i in 0..4 {
                    let (a, b) = (corners[i], corners[(i + 1) % 4]);
                    let (ha, hb) = (self.at(a.0, a.1) - level, self.at(b.0, b.1) - level);
                    if (ha > 0.0) != (hb > 0.0) && ha.is_finite() && hb.is_finite() {
                        let t = ha / (ha - hb);
                        let mix = |p: usize, q: usize| p as f64 + t * (q as f64 - p as f64);
                        cuts.push([mix(a.1, b.1), mix(a.0, b.0)]);
                    }
                }
                for pair in cuts.chunks_exact(2) {
                    pieces.push([pair[0][0], pair[0][1], pair[1][0], pair[1][1]]);
                }
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_cone_is_a_circle() {
        let ends = [[-1.0, 1.0], [-1.0, 1.0]];
        let grid = Grid::new([40, 40], ends, f64::hypot);
        let pieces = grid.line(0.5);
        assert!(pieces.len() > 60);
        for [x, y, ..] in pieces {
            let radius = (x / 20.0 - 1.0).hypot(y / 20.0 - 1.0);
            assert!((radius - 0.5).abs() < 0.01, "{radius}");
        }
    }

    #[test]
    fn bands_cover_every_cell_once_and_rise_with_the_height() {
        let grid = Grid::new([10, 6], [[0.0, 1.0], [0.0, 1.0]], |x, _| x);
        let levels = grid.levels();
        assert!(levels.is_sorted() && levels.len() > 4);
        let bands = grid.bands(&levels);
        let cells: usize = bands.iter().flatten().map(|run| run[2]).sum();
        assert_eq!(cells, 60);
        assert!(
            bands[0].iter().all(|run| run[1] == 0),
            "the lowest at the left"
        );
    }

    #[test]
    fn level_ground_has_no_lines() {
        for height in [1.0, f64::NAN, f64::INFINITY] {
            let grid = Grid::new([4, 4], [[0.0, 1.0], [0.0, 1.0]], |_, _| height);
            assert!(grid.levels().is_empty());
            assert_eq!(grid.bands(&[]).len(), 1);
        }
    }
}
