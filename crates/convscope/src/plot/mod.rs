//! Plots with little to write: lines, points, bars and histograms with axes, legend and caption.
//! [`figure()`] is the way to plotters itself.

mod draw;
mod figure;
mod frame;
mod labels;
mod number;
mod schedule;

pub use figure::{Figure, figure};
pub use number::Number;

use crate::picture::svg_address;
use crate::show::{
    Show, Shown, debug_says_how_to_show, escape, img, note, paragraph, plain_number,
};

/// A plot, ready to be shown as the last expression of a cell.
///
/// ```ignore
/// Plot::new("Loss").x_label("epoch").y_label("cross-entropy")
///     .line("training", 1..=3, [2.3, 1.1, 0.7])
///     .caption("It falls fast, then slowly.")
/// ```
#[derive(Clone)]
pub struct Plot {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    caption: String,
    pub(crate) size: (u32, u32),
    pub(crate) series: Vec<Series>,
    pub(crate) x_log: bool,
    pub(crate) y_log: bool,
    pub(crate) x_range: Option<[f64; 2]>,
    pub(crate) y_range: Option<[f64; 2]>,
    /// The names under the bars.
    pub(crate) categories: Vec<String>,
    pub(crate) marks: Vec<(f64, f64, String)>,
    /// Words beside points.
    pub(crate) labels: Vec<(f64, f64, String)>,
    pub(crate) rules: Vec<(Axis, f64, String)>,
    notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    X,
    Y,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Line,
    Points,
    /// The area within a closed line.
    Band,
    /// Bars one unit wide at 0, 1, 2, ...
    Bars,
    /// Bars of this width.
    Histogram(f64),
}

#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Plot {
    /// A plot without anything in it yet.
    pub fn new(title: impl Into<String>) -> Plot {
        Plot {
            title: title.into(),
            x_label: String::new(),
            y_label: String::new(),
            caption: String::new(),
            size: (640, 400),
            series: Vec::new(),
            x_log: false,
            y_log: false,
            x_range: None,
            y_range: None,
            categories: Vec::new(),
            marks: Vec::new(),
            labels: Vec::new(),
            rules: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What the horizontal axis is, with its unit.
    pub fn x_label(mut self, label: impl Into<String>) -> Plot {
        self.x_label = label.into();
        self
    }

    /// What the vertical axis is, with its unit.
    pub fn y_label(mut self, label: impl Into<String>) -> Plot {
        self.y_label = label.into();
        self
    }

    /// A sentence below the plot: what to notice.
    pub fn caption(mut self, caption: impl Into<String>) -> Plot {
        self.caption = caption.into();
        self
    }

    /// Width and height in pixels.
    pub fn size(mut self, width: u32, height: u32) -> Plot {
        self.size = (width.clamp(160, 2000), height.clamp(120, 2000));
        self
    }

    /// A line through points. Points that are not finite are left out and break the line.
    pub fn line<X: Number, Y: Number>(
        self,
        name: &str,
        xs: impl IntoIterator<Item = X>,
        ys: impl IntoIterator<Item = Y>,
    ) -> Plot {
        self.add(name, Kind::Line, number::numbers(xs), number::numbers(ys))
    }

    /// A shaded band between two heights, such as an interval around a curve, in the colour of the
    /// line or points that are added next.
    pub fn band<X: Number, L: Number, H: Number>(
        self,
        xs: impl IntoIterator<Item = X>,
        lows: impl IntoIterator<Item = L>,
        highs: impl IntoIterator<Item = H>,
    ) -> Plot {
        let (xs, lows, highs) = (
            number::numbers(xs),
            number::numbers(lows),
            number::numbers(highs),
        );
        let n = xs.len().min(lows.len()).min(highs.len());
        let there = (0..n).map(|i| (xs[i], lows[i]));
        let back = (0..n).rev().map(|i| (xs[i], highs[i]));
        let (x, y): (Vec<f64>, Vec<f64>) = there.chain(back).unzip();
        self.add("", Kind::Band, x, y)
    }

    /// Points.
    pub fn points<X: Number, Y: Number>(
        self,
        name: &str,
        xs: impl IntoIterator<Item = X>,
        ys: impl IntoIterator<Item = Y>,
    ) -> Plot {
        self.add(name, Kind::Points, number::numbers(xs), number::numbers(ys))
    }

    /// Bars, each with its name under it. Several sets of bars stand side by side.
    pub fn bars<Y: Number>(
        mut self,
        name: &str,
        categories: impl IntoIterator<Item = impl ToString>,
        heights: impl IntoIterator<Item = Y>,
    ) -> Plot {
        let categories: Vec<String> = categories.into_iter().map(|c| c.to_string()).collect();
        let xs = (0..categories.len()).map(|i| i as f64).collect();
        if categories.len() > self.categories.len() {
            self.categories = categories;
        }
        self.add(name, Kind::Bars, xs, number::numbers(heights))
    }

    /// How many values fall into each of `bins` equal parts of their range.
    pub fn histogram<X: Number>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = X>,
        bins: usize,
    ) -> Plot {
        let all = number::numbers(values);
        let finite: Vec<f64> = all.iter().copied().filter(|v| v.is_finite()).collect();
        if finite.len() < all.len() {
            let left = all.len() - finite.len();
            self.notes.push(format!(
                "\"{name}\": {left} values that are not finite are left out."
            ));
        }
        let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
        let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let bins = bins.clamp(1, 1000);
        let width = if high > low {
            (high - low) / bins as f64
        } else {
            1.0
        };
        let mut counts = vec![0usize; if finite.is_empty() { 0 } else { bins }];
        for v in &finite {
            counts[(((v - low) / width) as usize).min(bins - 1)] += 1;
        }
        let xs = (0..counts.len())
            .map(|i| low + (i as f64 + 0.5) * width)
            .collect();
        let ys = counts.into_iter().map(|c| c as f64).collect();
        self.add(name, Kind::Histogram(width), xs, ys)
    }

    /// A logarithmic horizontal axis.
    pub fn log_x(mut self) -> Plot {
        self.x_log = true;
        self
    }

    /// A logarithmic vertical axis.
    pub fn log_y(mut self) -> Plot {
        self.y_log = true;
        self
    }

    /// The ends of the horizontal axis.
    pub fn x_range(mut self, from: f64, to: f64) -> Plot {
        self.x_range = Some([from, to]);
        self
    }

    /// The ends of the vertical axis.
    pub fn y_range(mut self, from: f64, to: f64) -> Plot {
        self.y_range = Some([from, to]);
        self
    }

    /// A circle around a point, with a word beside it.
    pub fn mark(mut self, x: f64, y: f64, label: impl Into<String>) -> Plot {
        self.marks.push((x, y, label.into()));
        self
    }

    /// A word beside each of some points, placed so that words hide neither each other nor a point
    /// where there is room.
    pub fn labels<X: Number, Y: Number>(
        mut self,
        words: impl IntoIterator<Item = impl ToString>,
        xs: impl IntoIterator<Item = X>,
        ys: impl IntoIterator<Item = Y>,
    ) -> Plot {
        let places = number::numbers(xs).into_iter().zip(number::numbers(ys));
        let labels = words.into_iter().zip(places);
        self.labels
            .extend(labels.map(|(word, (x, y))| (x, y, word.to_string())));
        self
    }

    /// A dashed horizontal line, e.g. a bar to reach.
    pub fn horizontal(mut self, y: f64, label: impl Into<String>) -> Plot {
        self.rules.push((Axis::Y, y, label.into()));
        self
    }

    /// A dashed vertical line.
    pub fn vertical(mut self, x: f64, label: impl Into<String>) -> Plot {
        self.rules.push((Axis::X, x, label.into()));
        self
    }

    fn add(mut self, name: &str, kind: Kind, xs: Vec<f64>, ys: Vec<f64>) -> Plot {
        if xs.len() != ys.len() {
            self.notes.push(format!(
                "\"{name}\" has {} values for x and {} for y; the first {} are shown.",
                xs.len(),
                ys.len(),
                xs.len().min(ys.len())
            ));
        }
        self.series.push(Series {
            name: name.to_owned(),
            kind,
            points: xs.into_iter().zip(ys).collect(),
        });
        self
    }

    /// Whether a point has a place on the axes.
    pub(crate) fn can_show(&self, (x, y): (f64, f64)) -> bool {
        let fits = |v: f64, log: bool| v.is_finite() && (!log || v > 0.0);
        fits(x, self.x_log) && fits(y, self.y_log)
    }

    /// What the reader must be told: what was left out, and labels that are missing.
    fn all_notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        for s in &self.series {
            let left = s.points.iter().filter(|p| !self.can_show(**p)).count();
            if left > 0 {
                let why = match self.x_log || self.y_log {
                    true => "not finite, or not above 0 on a logarithmic axis",
                    false => "not finite",
                };
                notes.push(format!(
                    "\"{}\": {left} points are left out: {why}.",
                    s.name
                ));
            }
        }
        if !self
            .series
            .iter()
            .any(|s| s.points.iter().any(|p| self.can_show(*p)))
        {
            notes.push("There is nothing to show.".into());
        }
        if self.x_label.is_empty() || self.y_label.is_empty() {
            notes.push("An axis has no label: add .x_label(\"...\") and .y_label(\"...\").".into());
        }
        notes
    }

    /// The plot's `<img>` alone.
    pub(crate) fn image(&self) -> String {
        match draw::svg(self) {
            Ok(svg) => img(&svg_address(&svg), &self.alt(), self.size.0 as usize),
            Err(problem) => note(&format!("The plot could not be drawn: {problem}")),
        }
    }

    fn alt(&self) -> String {
        let named = self.series.iter().filter(|s| s.kind != Kind::Band);
        let names: Vec<&str> = named.map(|s| s.name.as_str()).collect();
        format!(
            "Plot \"{}\": {} against {}; {}",
            self.title,
            self.y_label,
            self.x_label,
            names.join(", ")
        )
    }
}

debug_says_how_to_show!(Plot, Plots);

impl Show for Plot {
    fn shown(&self) -> Shown {
        let mut html = self.image();
        let mut text = self.alt();
        for s in self.series.iter().filter(|s| s.kind != Kind::Band) {
            text.push_str(&format!("\n{}: {}", s.name, in_words(s, &self.categories)));
        }
        if !self.caption.is_empty() {
            html.push_str(&paragraph(&self.caption));
            text.push_str(&format!("\n{}", self.caption));
        }
        for n in self.all_notes() {
            html.push_str(&note(&n));
            text.push_str(&format!("\nNote. {n}"));
        }
        Shown::html(format!("<div>{html}</div>"), text)
    }
}

/// The first and last points of a series.
fn in_words(series: &Series, categories: &[String]) -> String {
    let point = |&(x, y): &(f64, f64)| match (series.kind, categories.get(x as usize)) {
        (Kind::Bars, Some(name)) => format!("{name} {}", plain_number(y)),
        _ => format!("({}, {})", plain_number(x), plain_number(y)),
    };
    let points = &series.points;
    match points.len() {
        0..=12 => points.iter().map(point).collect::<Vec<_>>().join(" "),
        n => {
            let words = |part: &[(f64, f64)]| part.iter().map(point).collect::<Vec<_>>().join(" ");
            format!(
                "{} ... {} ({n} points)",
                words(&points[..4]),
                words(&points[n - 4..])
            )
        }
    }
}

/// Plots of one size side by side as one SVG; one that cannot be drawn leaves its place empty.
pub(crate) fn svg_of_row(plots: &[Plot]) -> String {
    let (width, height) = plots.first().map_or((0, 0), |plot| plot.size);
    let all = width * plots.len() as u32;
    let fine = |n: u32| n * draw::FINE;
    let mut row = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\">",
        fine(all),
        fine(height)
    );
    for (i, plot) in plots.iter().enumerate() {
        let svg = draw::svg(plot).unwrap_or_default();
        if let Some(start) = svg.find("<svg") {
            let place = format!("<svg x=\"{}\"", fine(i as u32 * width));
            row += &svg[start..].replacen("<svg", &place, 1);
        }
    }
    row + "</svg>"
}

/// Several plots side by side.
#[derive(Clone)]
pub struct Plots {
    plots: Vec<Plot>,
    caption: String,
}

impl Plots {
    /// These plots, in a row; narrow ones (`.size(320, 260)`) fit beside each other.
    pub fn new(plots: impl IntoIterator<Item = Plot>) -> Plots {
        Plots {
            plots: plots.into_iter().collect(),
            caption: String::new(),
        }
    }

    /// A sentence below them all: what to notice.
    pub fn caption(mut self, caption: impl Into<String>) -> Plots {
        self.caption = caption.into();
        self
    }
}

impl Show for Plots {
    fn shown(&self) -> Shown {
        let mut row = crate::Row::new();
        for plot in &self.plots {
            row = row.with("", plot);
        }
        let mut shown = row.shown();
        if !self.caption.is_empty() {
            if let Some(html) = &mut shown.html {
                html.push_str(&format!("<div>{}</div>", escape(&self.caption)));
            }
            shown.text.push_str(&format!("\n{}", self.caption));
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(plot: Plot) -> Plot {
        plot.x_label("x").y_label("y")
    }

    #[test]
    fn a_plot_is_a_white_svg_in_an_img_with_a_text_twin() {
        let plot = labelled(Plot::new("Loss & more"))
            .line("training", 1..=3, [2.3, 1.1, 0.7])
            .points("again", vec![1, 2], ndarray::arr1(&[0.5f32, 1.0]))
            .caption("It falls.");
        let svg = draw::svg(&plot).unwrap();
        assert!(svg.contains("#FFFFFF") && svg.contains("sans-serif"));
        assert!(svg.contains("Loss &amp; more") && svg.contains("training"));
        assert!(svg.len() < 30_000, "{}", svg.len());
        let shown = plot.shown();
        assert!(shown.html.unwrap().contains("data:image/svg+xml;base64,"));
        assert!(shown.text.contains("training: (1, 2.3) (2, 1.1) (3, 0.7)"));
        assert!(shown.text.ends_with("It falls."));
    }

    #[test]
    fn nothing_and_nonsense_do_not_panic_and_are_said() {
        let none: [f64; 0] = [];
        let nan = f64::NAN;
        let cases = vec![
            (labelled(Plot::new("empty")), "nothing to show"),
            (
                labelled(Plot::new("no points")).line("a", none, none),
                "nothing to show",
            ),
            (
                labelled(Plot::new("nan")).line("a", [1.0, 2.0], [nan, nan]),
                "2 points are left out",
            ),
            (
                labelled(Plot::new("inf")).points("a", [1.0, 2.0], [f64::INFINITY, 1.0]),
                "1 points",
            ),
            (
                labelled(Plot::new("log"))
                    .line("a", [1, 2], [0.0, 1.0])
                    .log_y(),
                "logarithmic",
            ),
            (
                labelled(Plot::new("lengths")).line("a", 0..5, 0..3),
                "5 values for x and 3 for y",
            ),
            (Plot::new("no labels").line("a", 0..3, 0..3), "no label"),
            (
                labelled(Plot::new("hist")).histogram("a", [nan, 1.0], 5),
                "1 values",
            ),
            (
                labelled(Plot::new("hist")).histogram("a", none, 5),
                "nothing to show",
            ),
            (
                labelled(Plot::new("range"))
                    .line("a", 0..3, 0..3)
                    .y_range(nan, 2.0),
                "",
            ),
            (
                labelled(Plot::new("range"))
                    .line("a", 0..3, 0..3)
                    .y_range(2.0, 2.0),
                "",
            ),
            (
                labelled(Plot::new("range"))
                    .line("a", 0..3, 1..4)
                    .y_range(-1.0, 2.0)
                    .log_y(),
                "",
            ),
            (
                labelled(Plot::new("mark"))
                    .line("a", 0..3, 0..3)
                    .mark(nan, 1.0, "?"),
                "",
            ),
            (
                labelled(Plot::new("huge")).line("a", [0.0, 1e308], [-1e308, 1e308]),
                "",
            ),
            (
                labelled(Plot::new("tiny")).line("a", [1.0, 1.0 + 1e-15], [1e-300, 1e-300]),
                "",
            ),
            (
                labelled(Plot::new("bars")).bars("a", ["x", "y"], [nan, 2.0]),
                "1 points",
            ),
        ];
        for (plot, said) in cases {
            let shown = plot.shown();
            assert!(shown.text.contains(said), "{}", shown.text);
            assert!(shown.html.unwrap().contains("<img"), "{}", plot.title);
        }
    }

    #[test]
    fn bars_carry_their_names_and_a_histogram_counts_all() {
        let bars = labelled(Plot::new("b"))
            .bars("fast", ["naive", "BLAS"], [1.0, 50.0])
            .bars("slow", ["naive", "BLAS"], [2.0, 60.0]);
        assert!(draw::svg(&bars).unwrap().contains("BLAS"));
        assert!(bars.shown().text.contains("fast: naive 1 BLAS 50"));
        let h = labelled(Plot::new("h")).histogram("v", (0..100).map(f64::from), 7);
        let total: f64 = h.series[0].points.iter().map(|p| p.1).sum();
        assert_eq!(total, 100.0);
    }

    #[test]
    fn a_band_has_the_colour_of_its_line() {
        let plot = labelled(Plot::new("two"))
            .band(0..3, [0.0, 0.5, 1.0], [1.0, 1.5, 2.0])
            .line("first", 0..3, [0.5, 1.0, 1.5])
            .band(0..3, [2.0, 2.5, 3.0], [3.0, 3.5, 4.0])
            .line("second", 0..3, [2.5, 3.0, 3.5]);
        let svg = draw::svg(&plot).unwrap();
        assert_eq!(svg.matches("<polygon").count(), 2);
        for colour in ["#0072B2", "#D55E00"] {
            let of = svg.lines().filter(|l| l.contains(colour));
            assert!(of.clone().any(|l| l.contains("<polygon")), "{colour}");
            assert!(of.clone().any(|l| l.contains("<polyline")), "{colour}");
        }
        let text = plot.shown().text;
        assert!(
            text.contains("first: (0, 0.5)") && !text.contains("\n: "),
            "{text}"
        );
    }

    #[test]
    fn plots_stand_side_by_side() {
        let one = labelled(Plot::new("one"))
            .line("a", 0..3, 0..3)
            .size(300, 200);
        let shown = Plots::new([one.clone(), one]).caption("Two.").shown();
        assert_eq!(shown.html.unwrap().matches("<img").count(), 2);
        assert!(shown.text.ends_with("Two."));
    }
}
