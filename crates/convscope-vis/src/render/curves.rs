//! Curves as SVG: loss by step, probability by share of pixels removed, accuracy by epsilon.

use crate::error::{Result, VisError};
use plotters::prelude::*;
use std::error::Error;

/// Okabe and Ito's colours, which colour-blind readers can tell apart.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];
const MESH: RGBColor = RGBColor(225, 225, 225);
const INK: RGBColor = RGBColor(40, 40, 40);

/// Lines over common axes.
///
/// ```
/// use convscope_vis::render::Curves;
/// # fn main() -> Result<(), convscope_vis::VisError> {
/// let svg = Curves::new("Deletion")
///     .axes("share of pixels removed", "probability")
///     .curve("saliency", [(0.0, 0.9), (0.5, 0.2), (1.0, 0.0)])
///     .svg()?;
/// assert!(svg.contains("saliency"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    title: String,
    x: String,
    y: String,
    curves: Vec<(String, Vec<(f64, f64)>)>,
    y_range: Option<[f64; 2]>,
}

impl Curves {
    /// Without a curve.
    pub fn new(title: impl Into<String>) -> Curves {
        Curves {
            title: title.into(),
            ..Curves::default()
        }
    }

    /// With the axes' names, units in brackets.
    pub fn axes(mut self, x: impl Into<String>, y: impl Into<String>) -> Curves {
        self.x = x.into();
        self.y = y.into();
        self
    }

    /// With the ends of the vertical axis. Default: from the values.
    pub fn y_range(mut self, low: f64, high: f64) -> Curves {
        self.y_range = Some([low, high]);
        self
    }

    /// With another curve. Points that are not finite are left out.
    pub fn curve(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Curves {
        let finite = points
            .into_iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite());
        self.curves.push((name.into(), finite.collect()));
        self
    }

    /// The picture, 640 by 400 pixels.
    ///
    /// # Errors
    /// When no curve has a point.
    pub fn svg(&self) -> Result<String> {
        let points = || self.curves.iter().flat_map(|(_, points)| points);
        if points().next().is_none() {
            return Err(VisError::invalid(format!(
                "\"{}\" has no point to draw: expected at least one finite one",
                self.title
            )));
        }
        let xs = range(points().map(|p| p.0), 0.0);
        let ys = match self.y_range {
            Some([low, high]) if low < high => [low, high],
            _ => range(points().map(|p| p.1), 0.05),
        };
        let mut svg = String::new();
        self.draw(&mut svg, xs, ys)
            .map_err(|e| VisError::invalid(format!("\"{}\" cannot be drawn: {e}", self.title)))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String, xs: [f64; 2], ys: [f64; 2]) -> Result<(), Box<dyn Error>> {
        let area = SVGBackend::with_string(svg, (640, 400)).into_drawing_area();
        area.fill(&WHITE)?;
        let text = |size: u32| ("sans-serif", size).into_font().color(&INK);
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, text(18))
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(xs[0]..xs[1], ys[0]..ys[1])?;
        let tick = |v: &f64| super::number(*v as f32);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(MESH)
            .x_desc(&self.x)
            .y_desc(&self.y)
            .axis_desc_style(text(16))
            .label_style(text(14))
            .x_label_formatter(&tick)
            .y_label_formatter(&tick)
            .draw()?;
        for (i, (name, points)) in self.curves.iter().enumerate() {
            let colour = PALETTE[i % PALETTE.len()];
            let style = colour.stroke_width(2);
            match i < PALETTE.len() {
                true => chart.draw_series(LineSeries::new(points.iter().copied(), style))?,
                // The colours begin again; dashes tell them apart.
                false => {
                    let points = points.iter().copied();
                    chart.draw_series(DashedLineSeries::new(points, 6, 4, style))?;
                    chart.draw_series(LineSeries::new(std::iter::empty(), style))?
                }
            }
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        if self.curves.iter().any(|(name, _)| !name.is_empty()) {
            chart
                .configure_series_labels()
                .position(self.emptiest(xs, ys))
                .background_style(WHITE.mix(0.85))
                .border_style(MESH)
                .label_font(text(14))
                .draw()?;
        }
        area.present()?;
        drop(chart);
        Ok(())
    }

    /// The corner in which the fewest points lie, so that the legend hides little.
    fn emptiest(&self, xs: [f64; 2], ys: [f64; 2]) -> SeriesLabelPosition {
        let middle = |[low, high]: [f64; 2]| (low + high) / 2.0;
        let (x, y) = (middle(xs), middle(ys));
        let points = || self.curves.iter().flat_map(|(_, points)| points);
        let count = |right: bool, up: bool| {
            let inside = points().filter(|p| (p.0 > x) == right && (p.1 > y) == up);
            inside.count()
        };
        let corners = [
            (count(true, true), SeriesLabelPosition::UpperRight),
            (count(true, false), SeriesLabelPosition::LowerRight),
            (count(false, true), SeriesLabelPosition::UpperLeft),
            (count(false, false), SeriesLabelPosition::LowerLeft),
        ];
        let best = corners.into_iter().min_by_key(|(points, _)| *points);
        best.map_or(SeriesLabelPosition::UpperRight, |(_, corner)| corner)
    }
}

/// The smallest and the largest with some room; never of length zero.
fn range(values: impl Iterator<Item = f64>, room: f64) -> [f64; 2] {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
        (a.min(v), b.max(v))
    });
    match high - low {
        length if length > 0.0 => [low - room * length, high + room * length],
        _ => {
            let half = low.abs().max(1.0) / 2.0;
            [low - half, high + half]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_its_words_and_a_line_for_each_curve() {
        let mut curves = Curves::new("Two").axes("x axis", "y axis (units)");
        for i in 0..9 {
            let line = (0..5).map(|x| (f64::from(x), f64::from(x * i)));
            curves = curves.curve(format!("curve {i}"), line);
        }
        let svg = curves.svg().unwrap();
        for words in ["Two", "x axis", "y axis (units)", "curve 0", "curve 8"] {
            assert!(svg.contains(words), "{words}");
        }
    }

    #[test]
    fn constant_and_single_points_are_drawn_and_none_are_an_error() {
        Curves::new("one").curve("a", [(1.0, 2.0)]).svg().unwrap();
        let flat = Curves::new("flat").curve("a", [(0.0, 0.0), (1.0, 0.0)]);
        flat.svg().unwrap();
        let none = Curves::new("none").curve("a", [(f64::NAN, 1.0)]);
        assert!(none.svg().unwrap_err().to_string().contains("no point"));
    }
}
