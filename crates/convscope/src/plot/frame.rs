//! The rectangle that a plot's axes span: which ends it has, and what of a line lies inside.

use super::{Axis, Kind, Plot};

/// The ends of both axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) x: [f64; 2],
    pub(super) y: [f64; 2],
    x_log: bool,
    y_log: bool,
}

impl Frame {
    /// The caller's ends, or what the data needs with a margin.
    pub(super) fn of(plot: &Plot) -> Frame {
        let mut xs = Vec::new();
        let mut ys = Vec::new();
        let mut bars = false;
        for series in &plot.series {
            let half = match series.kind {
                Kind::Bars => 0.5,
                Kind::Histogram(width) => width / 2.0,
                _ => 0.0,
            };
            for &(x, y) in series.points.iter().filter(|p| plot.can_show(**p)) {
                xs.extend([x - half, x + half]);
                ys.push(y);
            }
            if matches!(series.kind, Kind::Bars | Kind::Histogram(_)) {
                bars = true;
                ys.push(0.0); // left out by itself on a logarithmic axis
            }
        }
        for (axis, at, _) in &plot.rules {
            match axis {
                Axis::X => xs.push(*at),
                Axis::Y => ys.push(*at),
            }
        }
        let x_margin = if bars { 0.0 } else { 0.02 };
        Frame {
            x: ends(&xs, plot.x_range, plot.x_log, x_margin),
            y: ends(&ys, plot.y_range, plot.y_log, 0.05),
            x_log: plot.x_log,
            y_log: plot.y_log,
        }
    }

    /// Where a point stands: (0, 0) is the lower left corner, (1, 1) the upper right.
    pub(super) fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (part(x, self.x, self.x_log), part(y, self.y, self.y_log))
    }

    fn point(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            between(x, self.x, self.x_log),
            between(y, self.y, self.y_log),
        )
    }

    pub(super) fn holds(&self, point: (f64, f64)) -> bool {
        let (x, y) = self.place(point);
        let inside = -1e-9..=1.0 + 1e-9;
        inside.contains(&x) && inside.contains(&y)
    }

    /// The height nearest to `y` that lies inside, for bars.
    pub(super) fn clamp_y(&self, y: f64) -> f64 {
        let [low, high] = [self.y[0].min(self.y[1]), self.y[0].max(self.y[1])];
        y.clamp(low, high)
    }

    pub(super) fn clamp_x(&self, x: f64) -> f64 {
        let [low, high] = [self.x[0].min(self.x[1]), self.x[0].max(self.x[1])];
        x.clamp(low, high)
    }

    /// The parts of a line that lie inside (plotters itself would draw across the labels).
    pub(super) fn clip(&self, line: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        if let [one] = line {
            return if self.holds(*one) {
                vec![vec![*one]]
            } else {
                Vec::new()
            };
        }
        let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut open = false;
        for pair in line.windows(2) {
            let (a, b) = (self.place(pair[0]), self.place(pair[1]));
            let Some((from, to)) = inside(a, b) else {
                open = false;
                continue;
            };
            let at = |t: f64, end: (f64, f64)| match t {
                0.0 | 1.0 => end,
                t => self.point((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))),
            };
            if !open {
                parts.push(vec![at(from, pair[0])]);
            }
            if let Some(last) = parts.last_mut() {
                last.push(at(to, pair[1]));
            }
            open = to == 1.0;
        }
        parts
    }
}

/// The part of the way from `a` to `b` that lies in the unit square (Liang and Barsky 1984).
fn inside(a: (f64, f64), b: (f64, f64)) -> Option<(f64, f64)> {
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (p, q) in [(a.0, b.0), (a.1, b.1)] {
        let d = q - p;
        for (step, room) in [(-d, p), (d, 1.0 - p)] {
            if step == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if step < 0.0 {
                from = from.max(room / step);
            } else {
                to = to.min(room / step);
            }
        }
    }
    (from <= to).then_some((from, to))
}

fn part(v: f64, [low, high]: [f64; 2], log: bool) -> f64 {
    match log {
        true => (v.ln() - low.ln()) / (high.ln() - low.ln()),
        // Halves, so that the widest axes do not overflow.
        false => (v / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
    }
}

fn between(t: f64, [low, high]: [f64; 2], log: bool) -> f64 {
    match log {
        true => (low.ln() + t * (high.ln() - low.ln())).exp(),
        false => low + t * (high - low),
    }
}

fn ends(values: &[f64], asked: Option<[f64; 2]>, log: bool, margin: f64) -> [f64; 2] {
    let fits = |v: &f64| v.is_finite() && (!log || *v > 0.0);
    if let Some([a, b]) = asked
        && fits(&a)
        && fits(&b)
        && a != b
    {
        return [a, b];
    }
    let values = || values.iter().copied().filter(|v| fits(v));
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return if log { [0.1, 10.0] } else { [0.0, 1.0] };
    }
    if log {
        // A few times is a wide margin for a short axis, so at least that.
        let reach = (high / low).max(4.0).powf(margin);
        return [(low / reach).max(1e-300), (high * reach).min(1e300)];
    }
    // Axes beyond that, or too short for an f64 to step along, cannot be drawn.
    let (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
    let least = low.abs().max(high.abs()).max(1e-12) * 1e-9;
    if high - low < least {
        let reach = match low {
            0.0 => 1.0,
            v => v.abs().max(1e-9) * 0.5,
        };
        return [low - reach, high + reach];
    }
    let reach = (high - low) * margin;
    // A plot that begins at zero should show it.
    let begin = if low == 0.0 { 0.0 } else { low - reach };
    [begin, high + reach]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(x: [f64; 2], y: [f64; 2]) -> Frame {
        Frame {
            x,
            y,
            x_log: false,
            y_log: false,
        }
    }

    #[test]
    fn a_line_is_cut_at_the_frame() {
        let f = frame([0.0, 10.0], [0.0, 1.0]);
        let parts = f.clip(&[(0.0, 0.5), (4.0, 0.5), (6.0, 2.5), (8.0, 0.5), (9.0, 0.5)]);
        assert_eq!(
            parts,
            vec![
                vec![(0.0, 0.5), (4.0, 0.5), (4.5, 1.0)],
                vec![(7.5, 1.0), (8.0, 0.5), (9.0, 0.5)]
            ]
        );
        assert!(f.clip(&[(0.0, 2.0), (10.0, 3.0)]).is_empty());
    }

    #[test]
    fn a_logarithmic_line_is_cut_in_its_own_scale() {
        let mut f = frame([0.0, 1.0], [1.0, 100.0]);
        f.y_log = true;
        let parts = f.clip(&[(0.0, 10.0), (1.0, 1000.0)]);
        let (x, y) = parts[0][1];
        assert!(
            (x - 0.5).abs() < 1e-9 && (y - 100.0).abs() < 1e-6,
            "{x} {y}"
        );
    }
}
