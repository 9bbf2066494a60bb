//! Optimizers race down landscapes of two variables: one animated figure with everything inside.
//!
//! The figure is an SVG in an `<img>` that moves by SMIL, without a script: so it plays in a notebook
//! that is not trusted, and in an exported page. It opens on the end of the race, which is also what
//! remains on paper and wherever animations do not play.

mod contour;
mod landscape;
mod svg;

pub use landscape::Landscape;

use crate::picture::svg_address;
use crate::show::{Align, Show, Shown, Table, debug_says_how_to_show, img, note, paragraph};
use convscope_nn::{Optimizer, State, Tensor};
use std::sync::Arc;

/// Optimizers on landscapes, all from the same start and for as many steps.
///
/// ```ignore
/// Race::new(150)
///     .on(Landscape::beale())
///     .runner("SGD", Sgd::new(0.02))
///     .runner("Adam", Adam::new(0.1))
///     .caption("Who turns the corner?")
/// ```
#[derive(Clone)]
pub struct Race {
    title: String,
    caption: String,
    steps: usize,
    seconds: f64,
    still: bool,
    landscapes: Vec<Landscape>,
    runners: Vec<(String, Arc<dyn Optimizer>)>,
}

/// The way of one optimizer down one landscape.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// The landscape's name.
    pub landscape: String,
    /// The runner's name.
    pub runner: String,
    /// Where it was: the start and the place after every step.
    pub points: Vec<[f64; 2]>,
    /// How high it stood there.
    pub heights: Vec<f64>,
    /// The step after which its place was no number any more, or beyond all measure.
    pub lost: Option<usize>,
    /// The first step after which it was near a minimum.
    pub arrived: Option<usize>,
}

/// Farther than this from the middle a runner is given up.
const LOST: f64 = 1e6;
/// A minimum is reached within this share of the picture's width.
const NEAR: f64 = 0.02;
/// What stands in the table.
const COLUMNS: &str =
    "The step after which each came near a minimum (cross), or its height at the end:";
/// No race is longer.
const MOST_STEPS: usize = 5000;

impl Race {
    /// A race of so many steps, without landscapes and runners yet.
    pub fn new(steps: usize) -> Race {
        Race {
            title: String::new(),
            caption: String::new(),
            steps: steps.clamp(1, MOST_STEPS),
            seconds: 8.0,
            still: false,
            landscapes: Vec::new(),
            runners: Vec::new(),
        }
    }

    /// One more landscape, in a picture of its own.
    pub fn on(mut self, landscape: Landscape) -> Race {
        self.landscapes.push(landscape);
        self
    }

    /// One more optimizer, on every landscape.
    pub fn runner(mut self, name: &str, rule: impl Into<Box<dyn Optimizer>>) -> Race {
        self.runners.push((name.to_owned(), Arc::from(rule.into())));
        self
    }

    /// A heading over the pictures.
    pub fn title(mut self, title: impl Into<String>) -> Race {
        self.title = title.into();
        self
    }

    /// A sentence below: what to notice.
    pub fn caption(mut self, caption: impl Into<String>) -> Race {
        self.caption = caption.into();
        self
    }

    /// How long the animation takes from start to end; 8 seconds unless set.
    pub fn seconds(mut self, seconds: f64) -> Race {
        if seconds.is_finite() {
            self.seconds = seconds.clamp(1.0, 120.0);
        }
        self
    }

    /// Without animation: the end of the race, with all paths.
    pub fn still(mut self) -> Race {
        self.still = true;
        self
    }

    /// Every runner's way down every landscape: all runners on the first one, then on the next.
    pub fn tracks(&self) -> Vec<Track> {
        let fields = self.landscapes.iter();
        fields
            .flat_map(|field| self.runners.iter().map(|r| self.track(field, r)))
            .collect()
    }

    fn track(&self, field: &Landscape, (name, rule): &(String, Arc<dyn Optimizer>)) -> Track {
        let begin = field.begin();
        let mut track = Track {
            landscape: field.name().to_owned(),
            runner: name.clone(),
            points: vec![begin],
            heights: vec![field.height(begin[0], begin[1])],
            lost: None,
            arrived: None,
        };
        let tensor = |v: [f64; 2]| ndarray::arr1(&v.map(|x| x as f32)).into_dyn();
        let mut at: Tensor = tensor(begin);
        let mut state: State = rule.start(&at);
        for step in 1..=self.steps {
            let slope = field.slope(f64::from(at[0]), f64::from(at[1]));
            rule.step(rule.learning_rate(), &mut at, &tensor(slope), &mut state);
            let place = [f64::from(at[0]), f64::from(at[1])];
            if !place.iter().all(|v| v.is_finite() && v.abs() < LOST) {
                track.lost = Some(step);
                break;
            }
            if track.arrived.is_none() && field.is_near_minimum(place, NEAR) {
                track.arrived = Some(step);
            }
            track.points.push(place);
            track.heights.push(field.height(place[0], place[1]));
        }
        track
    }

    /// The picture's SVG source, e.g. to write to a file.
    pub fn svg(&self) -> String {
        svg::draw(self, &self.tracks())
    }

    fn name(&self) -> String {
        let fields: Vec<&str> = self.landscapes.iter().map(Landscape::name).collect();
        match self.title.as_str() {
            "" => format!("A race on {}", fields.join(", ")),
            title => format!("{title}: {}", fields.join(", ")),
        }
    }

    fn notes(&self) -> Vec<&'static str> {
        let mut notes = Vec::new();
        if self.landscapes.is_empty() {
            notes.push("There is no landscape: add .on(Landscape::beale()).");
        }
        if self.runners.is_empty() {
            notes.push("Nobody runs: add .runner(\"SGD\", Sgd::new(0.02)).");
        }
        notes
    }

    fn table(&self, tracks: &[Track]) -> Table {
        let mut columns = vec![("optimizer", Align::Left), ("settings", Align::Left)];
        columns.extend(self.landscapes.iter().map(|f| (f.name(), Align::Right)));
        let mut table = Table::new(&columns);
        for (i, (name, rule)) in self.runners.iter().enumerate() {
            let own = tracks.iter().skip(i).step_by(self.runners.len());
            let results = own.map(Track::result);
            table.row([name.clone(), rule.describe()].into_iter().chain(results));
        }
        table
    }
}

impl Track {
    fn result(&self) -> String {
        match (self.arrived, self.lost, self.heights.last()) {
            (_, Some(step), _) => format!("diverged at {step}"),
            (Some(step), _, _) => step.to_string(),
            (None, None, Some(height)) if height.abs() < 1e4 => format!("height {height:.2}"),
            (None, None, Some(height)) => format!("height {height:.1e}"),
            (None, None, None) => "-".into(),
        }
    }
}

debug_says_how_to_show!(Race);

impl Show for Race {
    fn shown(&self) -> Shown {
        let tracks = self.tracks();
        let (picture, [width, _]) = (svg::draw(self, &tracks), svg::size(self));
        let table = self.table(&tracks);
        let mut html = img(&svg_address(&picture), &self.name(), width as usize);
        html.push_str(&paragraph(COLUMNS));
        html.push_str(&table.html("class=\"convscope-race\""));
        let mut text = format!(
            "{}, {} steps\n{COLUMNS}\n{}",
            self.name(),
            self.steps,
            table.text()
        );
        if !self.caption.is_empty() {
            html.push_str(&paragraph(&self.caption));
            text.push_str(&format!("\n{}", self.caption));
        }
        for words in self.notes() {
            html.push_str(&note(words));
            text.push_str(&format!("\nNote. {words}"));
        }
        Shown::html(format!("<div>{html}</div>"), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_nn::{Adam, Momentum, Sgd};

    fn race() -> Race {
        Race::new(60)
            .on(Landscape::valley())
            .on(Landscape::saddle())
            .runner("SGD", Sgd::new(0.02))
            .runner("Adam & co", Adam::new(0.2))
    }

    #[test]
    fn a_track_is_the_rule_on_the_slope() {
        let track = &race().tracks()[0];
        let field = Landscape::valley();
        assert_eq!(track.points.len(), 61);
        let [x, y] = field.begin();
        let [dx, dy] = field.slope(x, y);
        let [x1, y1] = track.points[1];
        assert!((x1 - (x - 0.02 * dx)).abs() < 1e-6 && (y1 - (y - 0.02 * dy)).abs() < 1e-6);
        assert!(track.heights.is_sorted_by(|a, b| a >= b), "it only falls");
    }

    #[test]
    fn who_arrives_and_who_diverges_is_in_the_table() {
        let shown = Race::new(150)
            .on(Landscape::valley())
            .runner("steady", Momentum::new(0.01))
            .runner("wild", Sgd::new(0.2))
            .runner("slow", Sgd::new(1e-5))
            .shown();
        let line = |name: &str| {
            let mut lines = shown.text.lines();
            lines.find(|l| l.starts_with(name)).unwrap().to_owned()
        };
        let last = |name: &str| line(name).split_whitespace().last().unwrap().to_owned();
        assert!(last("steady").parse::<usize>().is_ok(), "{}", shown.text);
        assert!(line("wild").contains("diverged at"), "{}", shown.text);
        assert!(line("slow").contains("height 2"), "{}", shown.text);
    }

    #[test]
    fn the_figure_moves_without_a_script_and_ends_where_it_opens() {
        let svg = race().svg();
        assert!(svg.contains("<animateTransform") && svg.contains("stroke-dashoffset"));
        let outside = svg.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("<script") && !outside.contains("http"));
        assert!(svg.contains("Adam &amp; co"));
        // Two markers on each landscape, a path for each, and the bar of the steps.
        assert_eq!(svg.matches("<animateTransform").count(), 4 + 1);
        for values in svg.split("values=\"").skip(1) {
            let values = values.split('"').next().unwrap();
            let (first, last) = (values.split(';').next(), values.split(';').next_back());
            assert_eq!(first, last, "a loop without a jump at its seam");
        }
        let html = race().shown().html.unwrap();
        assert!(html.contains("<img src=\"data:image/svg+xml;base64,") && !html.contains("<svg"));
        assert!(svg.len() < 250_000, "{}", svg.len());
    }

    #[test]
    fn a_still_race_has_the_paths_and_nothing_moves() {
        let svg = race().still().svg();
        assert!(!svg.contains("<animate") && svg.contains("<polyline"));
    }

    #[test]
    fn an_empty_race_and_a_wild_one_are_no_panic() {
        assert!(Race::new(0).shown().text.contains("no landscape"));
        let nobody = Race::new(5).on(Landscape::beale()).shown();
        assert!(nobody.text.contains("Nobody runs"));
        let odd = Landscape::new("flat", |_, _| f64::NAN, |_, _| [f64::NAN, 0.0])
            .window([1.0, 1.0], [0.0, f64::INFINITY]);
        let svg = Race::new(5).on(odd).runner("a", Sgd::new(1.0)).svg();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
