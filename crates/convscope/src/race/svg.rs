//! Drawing a race: the ground, the paths that grow, and a marker on each.

use super::contour::Grid;
use super::{Landscape, Race, Track};
use crate::show::{escape, plain_number};
use std::fmt::Write;

/// Okabe and Ito's colours without yellow and black, which are hard to see on the ground.
const PALETTE: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07a00", "#56b4e9", "#5b3a8c",
];
/// A marker tells runners apart for those who see no colours. Drawn around (0, 0).
const MARKERS: [&str; 6] = [
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0-5 0z",
    "M-4.5-4.5h9v9h-9z",
    "M0-6L5.6 4.4H-5.6z",
    "M0-6.5L5.5 0L0 6.5L-5.5 0z",
    "M0 6L5.6-4.4H-5.6z",
    "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
];
const INK: &str = "#282828";
/// The ground from its lowest band to its highest.
const LOW: [f64; 3] = [158.0, 180.0, 200.0];
const HIGH: [f64; 3] = [250.0, 250.0, 248.0];
/// Room around a picture: left, right, above, below.
const ROOM: [f64; 4] = [54.0, 12.0, 30.0, 46.0];
const MOST_IN_A_ROW: usize = 3;
/// More moments than this cannot be told apart.
const MOST_FRAMES: usize = 240;
/// The end is held for this share of the race before the next round begins.
const HELD: f64 = 0.2;
const LEGEND_LINE: f64 = 24.0;
const BAR: f64 = 52.0;

/// A picture's width and height without its room.
fn panel(race: &Race) -> [f64; 2] {
    match race.landscapes.len() {
        0 | 1 => [560.0, 360.0],
        2 => [384.0, 300.0],
        _ => [262.0, 250.0],
    }
}

fn columns(race: &Race) -> usize {
    race.landscapes.len().clamp(1, MOST_IN_A_ROW)
}

/// Width and height of the whole.
pub(super) fn size(race: &Race) -> [f64; 2] {
    let [width, height] = panel(race);
    let rows = race.landscapes.len().div_ceil(columns(race)).max(1);
    let across = columns(race) as f64 * (width + ROOM[0] + ROOM[1]);
    let down = rows as f64 * (height + ROOM[2] + ROOM[3]);
    let legend = legend(race, across)
        .last()
        .map_or(0.0, |p| p[1] + LEGEND_LINE);
    [across, heading(race) + down + legend + BAR]
}

fn heading(race: &Race) -> f64 {
    if race.title.is_empty() { 0.0 } else { 26.0 }
}

/// Where each runner stands in the legend.
fn legend(race: &Race, width: f64) -> Vec<[f64; 2]> {
    let (mut x, mut y) = (ROOM[0], 0.0);
    let mut places = Vec::new();
    for (name, _) in &race.runners {
        let needs = 60.0 + 7.8 * name.chars().count() as f64;
        if x + needs > width && x > ROOM[0] {
            (x, y) = (ROOM[0], y + LEGEND_LINE);
        }
        places.push([x, y]);
        x += needs;
    }
    places
}

pub(super) fn draw(race: &Race, tracks: &[Track]) -> String {
    let [width, height] = size(race);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\" \
         fill=\"{INK}\"><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    );
    if !race.title.is_empty() {
        text(
            &mut out,
            [width / 2.0, 18.0],
            "middle\" font-size=\"16",
            &race.title,
        );
    }
    let clock = Clock::new(race);
    let [w, h] = panel(race);
    let mut below = heading(race);
    for (i, field) in race.landscapes.iter().enumerate() {
        let column = (i % MOST_IN_A_ROW) as f64;
        let row = (i / MOST_IN_A_ROW) as f64;
        let frame = Frame {
            left: ROOM[0] + column * (w + ROOM[0] + ROOM[1]),
            top: heading(race) + ROOM[2] + row * (h + ROOM[2] + ROOM[3]),
            size: [w, h],
            ends: field.ends(),
        };
        let runners = race.runners.len();
        frame.draw(
            &mut out,
            i,
            field,
            &tracks[i * runners..(i + 1) * runners],
            &clock,
        );
        below = frame.top + h + ROOM[3];
    }
    if race.landscapes.is_empty() {
        below += h + ROOM[2] + ROOM[3];
    }
    for (i, ([x, y], (name, _))) in legend(race, width)
        .into_iter()
        .zip(&race.runners)
        .enumerate()
    {
        let (x, y) = (x, below + y + 12.0);
        let _ = write!(
            out,
            "<path d=\"M{} {}h28\" stroke=\"{}\" stroke-width=\"2\"/><g transform=\"translate({} {})\">",
            short(x),
            short(y),
            colour(i),
            short(x + 14.0),
            short(y)
        );
        marker(&mut out, i);
        out.push_str("</g>");
        text(&mut out, [x + 36.0, y + 4.5], "start", name);
    }
    bar(&mut out, race, &clock, [width, height]);
    out.push_str("</svg>");
    out
}

/// Which steps are shown when.
struct Clock {
    /// The steps, in the order of the moments; the end comes first and is held.
    steps: Vec<usize>,
    seconds: f64,
    still: bool,
}

impl Clock {
    fn new(race: &Race) -> Clock {
        let frames = race.steps.min(MOST_FRAMES);
        let held = ((frames as f64 * HELD) as usize).max(2);
        let mut steps = vec![race.steps; held];
        steps.extend((0..=frames).map(|i| i * race.steps / frames));
        Clock {
            seconds: race.seconds * steps.len() as f64 / frames as f64,
            steps,
            still: race.still,
        }
    }

    /// The moments of one round without the held end.
    fn round(&self) -> &[usize] {
        let held = self.steps.iter().position(|s| *s == 0).unwrap_or(0);
        &self.steps[held..]
    }

    fn values(&self, value: impl Fn(usize) -> String) -> String {
        let values: Vec<String> = self.steps.iter().map(|s| value(*s)).collect();
        values.join(";")
    }

    fn moves(&self, out: &mut String, place: impl Fn(usize) -> [f64; 2]) {
        if self.still {
            return;
        }
        let values = self.values(|s| {
            let [x, y] = place(s);
            format!("{},{}", short(x), short(y))
        });
        let _ = write!(
            out,
            "<animateTransform attributeName=\"transform\" type=\"translate\" dur=\"{:.2}s\" \
             repeatCount=\"indefinite\" values=\"{values}\"/>",
            self.seconds
        );
    }
}

/// One picture's place and scale.
struct Frame {
    left: f64,
    top: f64,
    size: [f64; 2],
    ends: [[f64; 2]; 2],
}

impl Frame {
    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [[x0, x1], [y0, y1]] = self.ends;
        let [w, h] = self.size;
        // Far outside nobody sees it, and huge numbers break some readers.
        let right = ((x - x0) / (x1 - x0)).clamp(-2.0, 3.0);
        let up = ((y - y0) / (y1 - y0)).clamp(-2.0, 3.0);
        [self.left + right * w, self.top + (1.0 - up) * h]
    }

    fn draw(
        &self,
        out: &mut String,
        index: usize,
        field: &Landscape,
        tracks: &[Track],
        clock: &Clock,
    ) {
        let ([w, h], [left, top]) = (self.size, [self.left, self.top].map(short));
        let _ = write!(
            out,
            "<clipPath id=\"c{index}\"><rect x=\"{left}\" y=\"{top}\" width=\"{w}\" height=\"{h}\"/></clipPath>\
             <g clip-path=\"url(#c{index})\">"
        );
        self.ground(out, field);
        for [x, y] in field.minima().iter().map(|m| self.place(*m)) {
            let _ = write!(
                out,
                "<path d=\"M{} {}l10 10m0-10l-10 10\" stroke=\"{INK}\" stroke-width=\"2\"/>",
                short(x - 5.0),
                short(y - 5.0)
            );
        }
        let [x, y] = self.place(field.begin()).map(short);
        let _ = write!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"8\" fill=\"none\" stroke=\"{INK}\" stroke-width=\"1.5\"/>"
        );
        for (i, track) in tracks.iter().enumerate() {
            self.path(out, i, track, clock);
        }
        for (i, track) in tracks.iter().enumerate() {
            let at = |step: usize| self.place(track.points[step.min(track.points.len() - 1)]);
            let [x, y] = at(usize::MAX).map(short);
            let _ = write!(out, "<g transform=\"translate({x} {y})\">");
            clock.moves(out, at);
            marker(out, i);
            out.push_str("</g>");
        }
        let _ = write!(
            out,
            "</g><rect x=\"{left}\" y=\"{top}\" width=\"{w}\" height=\"{h}\" fill=\"none\" stroke=\"{INK}\"/>"
        );
        self.axes(out, field.name());
    }

    fn ground(&self, out: &mut String, field: &Landscape) {
        const CELL: f64 = 2.0;
        let cells = self.size.map(|s| (s / CELL) as usize);
        let fine = Grid::new(cells, self.ends, |x, y| field.height(x, y));
        let levels = fine.levels();
        let _ = write!(
            out,
            "<g transform=\"translate({} {})\" fill=\"none\">",
            short(self.left),
            short(self.top)
        );
        for (i, runs) in fine.bands(&levels).iter().enumerate() {
            let share = i as f64 / levels.len().max(1) as f64;
            let mix = |c: usize| (LOW[c] + share * (HIGH[c] - LOW[c])).round();
            let _ = write!(
                out,
                "<path stroke=\"rgb({},{},{})\" stroke-width=\"2.4\" d=\"",
                mix(0),
                mix(1),
                mix(2)
            );
            for [row, column, count] in runs {
                let _ = write!(out, "M{} {}h{}", 2 * column, 2 * row + 1, 2 * count);
            }
            out.push_str("\"/>");
        }
        const COARSE: f64 = 4.0;
        let cells = self.size.map(|s| (s / COARSE) as usize);
        let scale = [0, 1].map(|i| self.size[i] / cells[i] as f64);
        let coarse = Grid::new(cells, self.ends, |x, y| field.height(x, y));
        out.push_str("<path stroke=\"#8094a6\" stroke-width=\"0.7\" d=\"");
        for level in &levels {
            for [x0, y0, x1, y1] in coarse.line(*level) {
                let (x, y) = (x0 * scale[0], y0 * scale[1]);
                let (dx, dy) = ((x1 - x0) * scale[0], (y1 - y0) * scale[1]);
                let _ = write!(
                    out,
                    "M{} {}l{} {}",
                    short(x),
                    short(y),
                    short(dx),
                    short(dy)
                );
            }
        }
        out.push_str("\"/></g>");
    }

    fn path(&self, out: &mut String, i: usize, track: &Track, clock: &Clock) {
        let last = track.points.len() - 1;
        // How far it has come by each moment.
        let mut far = vec![0.0; clock.round().len()];
        let mut points = String::new();
        let mut before: Option<[f64; 2]> = None;
        for (k, step) in clock.round().iter().enumerate() {
            // What is drawn is rounded, so measure that.
            let at = self
                .place(track.points[(*step).min(last)])
                .map(|v| (v * 10.0).round() / 10.0);
            let piece = before.map_or(0.0, |b| (at[0] - b[0]).hypot(at[1] - b[1]));
            far[k] = far[k.saturating_sub(1)] + piece;
            if before != Some(at) {
                let _ = write!(points, "{},{} ", short(at[0]), short(at[1]));
            }
            before = Some(at);
        }
        let whole = far[far.len() - 1];
        if whole < 0.1 {
            return;
        }
        let whole = whole.ceil() + 1.0;
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" \
             stroke-linejoin=\"round\" stroke-dasharray=\"{whole}\">",
            points.trim_end(),
            colour(i)
        );
        if !clock.still {
            let round = clock.round();
            let values = clock.values(|step| {
                let k = round.partition_point(|s| *s < step).min(far.len() - 1);
                let end = if k + 1 == far.len() { whole } else { far[k] };
                short(whole - end)
            });
            let _ = write!(
                out,
                "<animate attributeName=\"stroke-dashoffset\" dur=\"{:.2}s\" \
                 repeatCount=\"indefinite\" values=\"{values}\"/>",
                clock.seconds
            );
        }
        out.push_str("</polyline>");
    }

    fn axes(&self, out: &mut String, title: &str) {
        let [w, h] = self.size;
        let bottom = self.top + h;
        text(
            out,
            [self.left + w / 2.0, self.top - 9.0],
            "middle\" font-size=\"14",
            title,
        );
        for x in ticks(self.ends[0]) {
            let [at, _] = self.place([x, self.ends[1][0]]);
            let _ = write!(
                out,
                "<path d=\"M{} {}v5\" stroke=\"{INK}\"/>",
                short(at),
                short(bottom)
            );
            text(out, [at, bottom + 18.0], "middle", &plain_number(x));
        }
        for y in ticks(self.ends[1]) {
            let [_, at] = self.place([self.ends[0][0], y]);
            let _ = write!(
                out,
                "<path d=\"M{} {}h-5\" stroke=\"{INK}\"/>",
                short(self.left),
                short(at)
            );
            text(out, [self.left - 8.0, at + 4.5], "end", &plain_number(y));
        }
        text(
            out,
            [self.left + w / 2.0, bottom + 36.0],
            "middle",
            "first weight",
        );
        let (x, y) = (self.left - 38.0, self.top + h / 2.0);
        let _ = write!(
            out,
            "<text transform=\"translate({} {})rotate(-90)\" text-anchor=\"middle\">second weight</text>",
            short(x),
            short(y)
        );
    }
}

/// The steps as a line along the bottom, with a knob that runs.
fn bar(out: &mut String, race: &Race, clock: &Clock, [width, height]: [f64; 2]) {
    let (left, right) = (ROOM[0], width - ROOM[1] - 30.0);
    let y = height - 30.0;
    let at = |step: usize| [left + (right - left) * step as f64 / race.steps as f64, y];
    let _ = write!(
        out,
        "<path d=\"M{} {y}H{}\" stroke=\"#b0b0b0\" stroke-width=\"3\"/>",
        short(left),
        short(right)
    );
    for tick in ticks([0.0, race.steps as f64]) {
        let step = tick as usize;
        let [x, _] = at(step);
        let _ = write!(
            out,
            "<path d=\"M{} {}v8\" stroke=\"{INK}\"/>",
            short(x),
            short(y - 4.0)
        );
        text(out, [x, y + 20.0], "middle", &step.to_string());
    }
    text(out, [left - 12.0, y + 4.5], "end", "step");
    let [x, _] = at(race.steps).map(short);
    let _ = write!(out, "<g transform=\"translate({x} {y})\">");
    clock.moves(out, at);
    let _ = write!(out, "<circle r=\"6\" fill=\"{INK}\"/></g>");
}

fn colour(i: usize) -> &'static str {
    PALETTE[i % PALETTE.len()]
}

fn marker(out: &mut String, i: usize) {
    let shape = MARKERS[i % MARKERS.len()];
    let _ = write!(
        out,
        "<path d=\"{shape}\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"1.2\"/>",
        colour(i)
    );
}

fn text(out: &mut String, [x, y]: [f64; 2], anchor: &str, words: &str) {
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
        short(x),
        short(y),
        escape(words)
    );
}

/// A number with at most one decimal.
fn short(v: f64) -> String {
    let rounded = (v * 10.0).round() / 10.0 + 0.0;
    format!("{rounded}")
}

/// Round numbers between two ends, at most six.
fn ticks([from, to]: [f64; 2]) -> Vec<f64> {
    let rough = (to - from) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|s| s * power);
    let step = steps
        .into_iter()
        .find(|s| *s >= rough * 0.999)
        .unwrap_or(rough);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    (first..=last)
        .map(|i| (i as f64 * step * 1e9).round() / 1e9)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks([-0.5, 5.0]), [0.0, 2.0, 4.0]);
        assert_eq!(ticks([-2.0, 2.0]), [-2.0, -1.0, 0.0, 1.0, 2.0]);
        assert_eq!(ticks([0.0, 0.01]), [0.0, 0.002, 0.004, 0.006, 0.008, 0.01]);
    }

    #[test]
    fn a_long_race_is_shown_in_few_moments_and_ends_at_its_end() {
        let clock = Clock::new(&Race::new(5000));
        assert!(clock.round().len() <= MOST_FRAMES + 1);
        assert_eq!((clock.round()[0], clock.steps[0]), (0, 5000));
        assert_eq!(clock.round().last(), Some(&5000));
    }
}
