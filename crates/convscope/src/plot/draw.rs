//! Drawing a [`Plot`] with plotters into an SVG.

use super::frame::Frame;
use super::labels;
use super::{Axis, Kind, Plot, Series};
use crate::show::plain_number;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
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
const INK: RGBColor = RGBColor(40, 40, 40);
const MESH: RGBColor = RGBColor(225, 225, 225);
const FONT: &str = "sans-serif";
/// Plotters rounds to whole units. Drawn this much larger, a curve is still smooth when it is shown
/// at its size.
pub(super) const FINE: u32 = 4;
/// Above this many points a line is thinned: more cannot be told apart.
const MOST_POINTS: usize = 2000;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

pub(super) fn svg(plot: &Plot) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (plot.size.0 * FINE, plot.size.1 * FINE))
            .into_drawing_area();
        area.fill(&WHITE)?;
        let frame = Frame::of(plot);
        let (x, y) = (frame.x[0]..frame.x[1], frame.y[0]..frame.y[1]);
        match (plot.x_log, plot.y_log) {
            (false, false) => chart(plot, &area, x, y, frame)?,
            (true, false) => chart(plot, &area, x.log_scale(), y, frame)?,
            (false, true) => chart(plot, &area, x, y.log_scale(), frame)?,
            (true, true) => chart(plot, &area, x.log_scale(), y.log_scale(), frame)?,
        }
        area.present()?;
    }
    Ok(svg)
}

fn chart<'a, X, Y>(plot: &Plot, area: &Area<'a>, xs: X, ys: Y, frame: Frame) -> Drawn
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let (width, height) = plot.size;
    let mut chart = ChartBuilder::on(area)
        .caption(&plot.title, text(18))
        .margin(10 * FINE)
        .x_label_area_size(46 * FINE)
        .y_label_area_size(64 * FINE)
        .build_cartesian_2d(xs, ys)?;
    let category = |x: &f64| match plot.categories.get(x.round().max(0.0) as usize) {
        Some(name) if (x - x.round()).abs() < 1e-6 && *x > -0.5 => name.clone(),
        _ => String::new(),
    };
    // Steps along an axis pass zero by a rounding error.
    let near_zero = |v: f64, [low, high]: [f64; 2], log: bool| match log {
        false if v.abs() < 1e-9 * (high - low).abs() => 0.0,
        _ => v,
    };
    let y_label = |y: &f64| tick(near_zero(*y, frame.y, plot.y_log));
    let x_label = |x: &f64| match plot.categories.is_empty() {
        true => tick(near_zero(*x, frame.x, plot.x_log)),
        false => category(x),
    };
    let labels = match plot.categories.len() {
        0 => (width / 80) as usize,
        n => 2 * n + 1,
    };
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT)
        .bold_line_style(MESH.stroke_width(FINE))
        .axis_style(INK.stroke_width(FINE))
        .set_all_tick_mark_size(5 * FINE)
        .x_labels(labels)
        .y_labels((height / 50) as usize)
        .x_desc(&plot.x_label)
        .y_desc(&plot.y_label)
        .axis_desc_style(text(17))
        .label_style(text(15))
        .x_label_formatter(&x_label)
        .y_label_formatter(&y_label);
    if !plot.categories.is_empty() {
        mesh.disable_x_mesh();
    }
    mesh.draw()?;

    let sets = plot.series.iter().filter(|s| s.kind == Kind::Bars).count();
    let mut set = 0;
    let floor = frame.clamp_y(0.0);
    let mut bands = 0;
    for (i, series) in plot.series.iter().enumerate() {
        // A band's colour is that of the line that comes next.
        let i = i - bands;
        let colour = PALETTE[i % PALETTE.len()];
        let points = || series.points.iter().copied().filter(|p| plot.can_show(*p));
        let inside = || points().filter(|p| frame.holds(*p));
        let drawn = match series.kind {
            Kind::Line => {
                let dashed = i >= PALETTE.len();
                let lines = pieces(plot, series);
                for part in lines.iter().flat_map(|line| frame.clip(line)) {
                    if let [one] = part[..] {
                        chart.draw_series([Circle::new(one, 2 * FINE, colour.filled())])?;
                    } else if dashed {
                        let style = colour.stroke_width(2 * FINE);
                        chart.draw_series(DashedLineSeries::new(
                            part,
                            6 * FINE,
                            4 * FINE,
                            style,
                        ))?;
                    } else {
                        chart.draw_series(LineSeries::new(part, colour.stroke_width(2 * FINE)))?;
                    }
                }
                // The legend needs something to hang on.
                chart.draw_series(LineSeries::new(std::iter::empty(), colour))?
            }
            Kind::Points => match i % 3 {
                0 => chart
                    .draw_series(inside().map(|p| Circle::new(p, 3 * FINE, colour.filled())))?,
                1 => chart.draw_series(
                    inside().map(|p| TriangleMarker::new(p, 5 * FINE, colour.filled())),
                )?,
                _ => chart.draw_series(
                    inside().map(|p| Cross::new(p, 4 * FINE, colour.stroke_width(2 * FINE))),
                )?,
            },
            Kind::Band => {
                bands += 1;
                let edge: Vec<_> = points()
                    .map(|(x, y)| (frame.clamp_x(x), frame.clamp_y(y)))
                    .collect();
                chart.draw_series([Polygon::new(edge, colour.mix(0.2).filled())])?
            }
            Kind::Bars => {
                let each = 0.8 / sets.max(1) as f64;
                let left = -0.4 + each * set as f64;
                set += 1;
                chart.draw_series(points().map(|(x, y)| {
                    bar(
                        &frame,
                        [x + left, x + left + each],
                        floor,
                        y,
                        colour.filled(),
                    )
                }))?
            }
            Kind::Histogram(width) => {
                let fill = if plot.series.len() > 1 { 0.5 } else { 0.9 };
                chart.draw_series(points().map(|(x, y)| {
                    let sides = [x - width / 2.0, x + width / 2.0];
                    bar(&frame, sides, floor, y, colour.mix(fill).filled())
                }))?
            }
        };
        if !series.name.is_empty() {
            let kind = series.kind;
            drawn
                .label(&series.name)
                .legend(move |(x, y)| key(kind, i, colour, x, y));
        }
    }
    let (x, y) = (frame.x, frame.y);
    for (axis, at, label) in plot.rules.iter().filter(|r| r.1.is_finite()) {
        let ends = match axis {
            Axis::X => [(*at, y[0]), (*at, y[1])],
            Axis::Y => [(x[0], *at), (x[1], *at)],
        };
        if !ends.iter().all(|p| frame.holds(*p)) {
            continue;
        }
        chart.draw_series(DashedLineSeries::new(
            ends,
            4 * FINE,
            4 * FINE,
            INK.stroke_width(FINE),
        ))?;
        let (px, py) = chart.backend_coord(&match axis {
            Axis::X => (*at, y[1]),
            Axis::Y => (x[0], *at),
        });
        let shift = if *axis == Axis::X { (4, 2) } else { (6, -16) };
        area.draw(&Text::new(
            label.clone(),
            (px + fine(shift.0), py + fine(shift.1)),
            text(15),
        ))?;
    }
    for (x, y, label) in plot.marks.iter().filter(|m| frame.holds((m.0, m.1))) {
        let (px, py) = chart.backend_coord(&(*x, *y));
        area.draw(&Circle::new((px, py), 7 * FINE, INK.stroke_width(2 * FINE)))?;
        area.draw(&Text::new(
            label.clone(),
            (px + fine(10), py - fine(6)),
            text(15),
        ))?;
    }
    draw_labels(plot, area, &frame, &chart)?;
    let named = plot.series.iter().filter(|s| !s.name.is_empty()).count();
    if named > 1 || (named == 1 && plot.series[0].kind != Kind::Bars) {
        chart
            .configure_series_labels()
            .position(legend_place(plot, &frame))
            .margin(8 * FINE)
            .legend_area_size(24 * FINE)
            .background_style(WHITE.mix(0.85))
            .border_style(MESH.stroke_width(FINE))
            .label_font(text(15))
            .draw()?;
    }
    Ok(())
}

/// The words beside points.
fn draw_labels<'a, X, Y>(
    plot: &Plot,
    area: &Area<'a>,
    frame: &Frame,
    chart: &ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
) -> Drawn
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    const SIZE: u32 = 13;
    let at = |x: f64, y: f64| {
        let (x, y) = chart.backend_coord(&(x, y));
        [x, y]
    };
    let shown: Vec<_> = plot
        .labels
        .iter()
        .filter(|l| plot.can_show((l.0, l.1)) && frame.holds((l.0, l.1)))
        .collect();
    let anchors: Vec<[i32; 2]> = shown.iter().map(|l| at(l.0, l.1)).collect();
    let words: Vec<&str> = shown.iter().map(|l| l.2.as_str()).collect();
    let points: Vec<[i32; 2]> = plot
        .series
        .iter()
        .flat_map(|s| &s.points)
        .filter(|p| plot.can_show(**p) && frame.holds(**p))
        .map(|p| at(p.0, p.1))
        .collect();
    let (across, down) = chart.plotting_area().get_pixel_range();
    let inside = [across.start, down.start, across.end, down.end];
    let places = labels::place(&anchors, &words, &points, inside, SIZE * FINE);
    for (word, [x, y]) in words.iter().zip(places) {
        area.draw(&Text::new((*word).to_owned(), (x, y), text(SIZE)))?;
    }
    Ok(())
}

fn bar(
    frame: &Frame,
    sides: [f64; 2],
    floor: f64,
    y: f64,
    style: ShapeStyle,
) -> Rectangle<(f64, f64)> {
    let [left, right] = sides.map(|x| frame.clamp_x(x));
    Rectangle::new([(left, floor), (right, frame.clamp_y(y))], style)
}

/// The piece of a series that stands in the legend.
fn key<'a>(
    kind: Kind,
    index: usize,
    colour: RGBColor,
    x: i32,
    y: i32,
) -> DynElement<'static, SVGBackend<'a>, (i32, i32)> {
    let right = |by| x + fine(by);
    match kind {
        Kind::Line => {
            let ends = [(x, y), (right(18), y)];
            PathElement::new(ends, colour.stroke_width(2 * FINE)).into_dyn()
        }
        Kind::Points => match index % 3 {
            0 => Circle::new((right(9), y), 3 * FINE, colour.filled()).into_dyn(),
            1 => TriangleMarker::new((right(9), y), 5 * FINE, colour.filled()).into_dyn(),
            _ => Cross::new((right(9), y), 4 * FINE, colour.stroke_width(2 * FINE)).into_dyn(),
        },
        _ => {
            let corners = [(right(3), y - fine(5)), (right(15), y + fine(5))];
            Rectangle::new(corners, colour.filled()).into_dyn()
        }
    }
}

fn fine(pixels: i32) -> i32 {
    pixels * FINE as i32
}

fn text(size: u32) -> TextStyle<'static> {
    (FONT, size * FINE).into_font().color(&INK)
}

/// The runs of points between those that cannot be shown, thinned where there are too many.
fn pieces(plot: &Plot, series: &Series) -> Vec<Vec<(f64, f64)>> {
    let step = series.points.len().div_ceil(MOST_POINTS).max(1);
    let mut parts = vec![Vec::new()];
    let last = series.points.len().saturating_sub(1);
    for (i, &point) in series.points.iter().enumerate() {
        if !plot.can_show(point) {
            parts.push(Vec::new());
        } else if (i % step == 0 || i == last)
            && let Some(part) = parts.last_mut()
        {
            part.push(point);
        }
    }
    parts.retain(|p| !p.is_empty());
    parts
}

/// The place at the plot's edge where a legend of this plot's size hides least.
fn legend_place(plot: &Plot, frame: &Frame) -> SeriesLabelPosition {
    // The corners first: they are preferred where others are as free.
    let places = [
        (SeriesLabelPosition::UpperRight, 1.0, 1.0),
        (SeriesLabelPosition::LowerRight, 1.0, 0.0),
        (SeriesLabelPosition::UpperLeft, 0.0, 1.0),
        (SeriesLabelPosition::LowerLeft, 0.0, 0.0),
        (SeriesLabelPosition::UpperMiddle, 0.5, 1.0),
        (SeriesLabelPosition::LowerMiddle, 0.5, 0.0),
        (SeriesLabelPosition::MiddleRight, 1.0, 0.5),
        (SeriesLabelPosition::MiddleLeft, 0.0, 0.5),
    ];
    // Its size as a part of the frame's, by the letters' usual width.
    let named: Vec<_> = plot.series.iter().filter(|s| !s.name.is_empty()).collect();
    let letters = named.iter().map(|s| s.name.chars().count()).max();
    let wide = 8.0 * letters.unwrap_or(0) as f64 + 60.0;
    let high = 21.0 * named.len() as f64 + 24.0;
    let wide = wide / (f64::from(plot.size.0) - 90.0).max(1.0);
    let high = high / (f64::from(plot.size.1) - 100.0).max(1.0);
    let drawn = ink(plot, frame);
    let hidden = |right: f64, top: f64| {
        let (left, bottom) = (right * (1.0 - wide), top * (1.0 - high));
        let (x, y) = (left..=left + wide, bottom..=bottom + high);
        let under = drawn
            .iter()
            .filter(|p| x.contains(&p.0) && y.contains(&p.1));
        under.count()
    };
    let best = places
        .into_iter()
        .min_by_key(|(_, right, top)| hidden(*right, *top));
    best.map_or(SeriesLabelPosition::UpperRight, |(place, ..)| place)
}

/// Places in the frame that are drawn on: points, and the way between those of a line.
fn ink(plot: &Plot, frame: &Frame) -> Vec<(f64, f64)> {
    /// Places that a line or a bar is taken apart into.
    const STEPS: usize = 24;
    let along = |a: (f64, f64), b: (f64, f64)| {
        let t = |i: usize| i as f64 / STEPS as f64;
        (0..=STEPS).map(move |i| (a.0 + t(i) * (b.0 - a.0), a.1 + t(i) * (b.1 - a.1)))
    };
    let mut all = Vec::new();
    for series in &plot.series {
        let points = series.points.iter().filter(|p| plot.can_show(**p));
        let points: Vec<_> = points.map(|&p| frame.place(p)).collect();
        match series.kind {
            Kind::Line => {
                all.extend(points.iter().take(1));
                all.extend(points.windows(2).flat_map(|pair| along(pair[0], pair[1])));
            }
            Kind::Points | Kind::Band => all.extend(points),
            _ => all.extend(points.iter().flat_map(|&(x, y)| along((x, 0.0), (x, y)))),
        }
    }
    all
}

/// A number beside an axis: `20`, `0.05`, `1e-6`.
fn tick(v: f64) -> String {
    // A step along a logarithmic axis ends a little beside a power of ten.
    let v: f64 = format!("{v:.9e}").parse().unwrap_or(v);
    let size = v.abs();
    if size != 0.0 && !(9.99e-4..1e5).contains(&size) {
        let text = format!("{v:.2e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return format!("{digits}e{exponent}");
    }
    plain_number((v * 1e9).round() / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        for (v, text) in [
            (20.0, "20"),
            (0.05, "0.05"),
            (0.30000000000000004, "0.3"),
            (1e-6, "1e-6"),
            (1e-4, "1e-4"),
            (0.001, "0.001"),
            (2.5e7, "2.5e7"),
            (100_000.0, "1e5"),
            (999_999.999_999_9, "1e6"),
            (20_000.0, "20000"),
            (0.0, "0"),
        ] {
            assert_eq!(tick(v), text);
        }
    }

    #[test]
    fn a_long_line_is_thinned_but_keeps_its_end() {
        let plot = Plot::new("").line("a", 0..100_000, 0..100_000);
        let parts = pieces(&plot, &plot.series[0]);
        assert!(parts[0].len() <= MOST_POINTS + 1);
        assert_eq!(parts[0].last(), Some(&(99_999.0, 99_999.0)));
    }

    #[test]
    fn the_legend_keeps_off_the_lines() {
        // Two points each, and corners that are all crossed between them.
        let falling = Plot::new("").line("a", [0.0, 1.0], [1.0, 0.0]);
        let place = |plot: &Plot| format!("{:?}", legend_place(plot, &Frame::of(plot)));
        assert_eq!(place(&falling), "UpperRight");
        let both = falling.line("b", [0.0, 1.0], [0.0, 1.0]);
        assert_eq!(place(&both), "UpperMiddle");
        let top = both.line("c", [0.0, 1.0], [0.98, 0.98]);
        assert_eq!(place(&top), "LowerMiddle");
    }

    #[test]
    fn zero_on_an_axis_is_no_rounding_error() {
        let plot = Plot::new("").line("a", 0..5, [-0.3, -0.1, 0.0, 0.1, 0.3]);
        let svg = svg(&plot).unwrap();
        assert!(!svg.contains("e-1"), "{svg}");
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let plot = Plot::new("").line("a", 0..4, [1.0, f64::NAN, 2.0, 3.0]);
        assert_eq!(pieces(&plot, &plot.series[0]).len(), 2);
    }
}
