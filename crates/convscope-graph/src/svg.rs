//! The scene as SVG.

use super::text::{self, pixels};
use super::unit::{Kind, Unit};
use crate::layout::{
    Frame, HEADER, LABEL, LINE, Lines, PAD, Placed, Point, SHEET, SMALL, Scene, THEN, Wire,
};
use convscope_progress::escape;
use std::fmt::Write;

const INK: &str = "#222222";
const FAINT: &str = "#555555";
const LINES: &str = "#4f5b66";
/// How sharply a line turns.
const ROUND: f64 = 6.0;

pub(crate) struct Words<'a> {
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    /// The name of a node by its number: 0 is the image, else the row and one.
    pub(crate) node: &'a dyn Fn(usize) -> String,
    /// For each box what is written in it, and what a browser shows when it is pointed at.
    pub(crate) boxes: Vec<(Lines, String)>,
}

pub(crate) const TITLE: f64 = 15.0;

pub(crate) fn draw(scene: &Scene, units: &[Unit], words: &Words<'_>) -> (String, Point) {
    let across = [
        text::width(words.title, TITLE, true) + 28.0,
        text::width(words.subtitle, LABEL, false) + 28.0,
    ];
    let width = across.into_iter().fold(scene.size[0], f64::max).ceil();
    let legend = legend(scene, units, width - 28.0);
    let height = (scene.size[1] + 26.0 + legend.1).ceil();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" \
         font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\" fill=\"{INK}\">\
         <title>{}</title><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\
         <defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"9\" \
         markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0.8L8 4L0 7.2z\" fill=\"{LINES}\"/>\
         </marker></defs>",
        escape(words.title)
    );
    write_text(
        &mut out,
        [14.0, 22.0],
        TITLE,
        "font-weight=\"bold\"",
        words.title,
    );
    write_text(
        &mut out,
        [14.0, 39.0],
        LABEL,
        &format!("fill=\"{FAINT}\""),
        words.subtitle,
    );
    for frame in &scene.frames {
        body(&mut out, frame);
    }
    let _ = write!(
        out,
        "<g fill=\"none\" stroke=\"{LINES}\" stroke-width=\"1\">"
    );
    for wire in &scene.wires {
        arrow(&mut out, wire);
    }
    out.push_str("</g>");
    for frame in &scene.frames {
        bar(&mut out, frame);
    }
    for ([x, y, w, h], words) in &scene.ends {
        let _ = write!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"#ffffff\" \
             stroke=\"{INK}\" stroke-width=\"1.2\"/>",
            pixels(*x),
            pixels(*y),
            pixels(*w),
            pixels(*h),
            pixels(h / 2.0)
        );
        let at = [x + w / 2.0, y + h / 2.0 + 4.0];
        write_text(
            &mut out,
            at,
            LABEL,
            "text-anchor=\"middle\" font-weight=\"bold\"",
            words,
        );
    }
    for (placed, (lines, about)) in scene.boxes.iter().zip(&words.boxes) {
        layer(&mut out, placed, &units[placed.unit], lines, about);
    }
    for tag in &scene.tags {
        // A white edge keeps the words readable where a line passes.
        let look = format!(
            "data-node=\"{}\" fill=\"{FAINT}\" stroke=\"#ffffff\" stroke-width=\"2.5\" \
             stroke-opacity=\"0.8\" paint-order=\"stroke\"",
            escape(&(words.node)(tag.of))
        );
        write_text(
            &mut out,
            [tag.at[0], tag.at[1] + 2.0],
            SMALL,
            &look,
            &tag.words,
        );
    }
    let _ = write!(
        out,
        "<g transform=\"translate(14 {})\">{}</g></svg>",
        pixels(height - 16.0 - legend.1),
        legend.0
    );
    (out, [width, height])
}

fn write_text(out: &mut String, [x, y]: Point, size: f64, look: &str, words: &str) {
    if words.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" {look}>{}</text>",
        pixels(x),
        pixels(y),
        escape(words)
    );
}

fn rect(out: &mut String, [x, y, w, h]: [f64; 4], look: &str) {
    let _ = write!(
        out,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {look}/>",
        pixels(x),
        pixels(y),
        pixels(w),
        pixels(h)
    );
}

fn body(out: &mut String, frame: &Frame) {
    let [x, y, w, h] = frame.place;
    let look = "rx=\"6\" fill=\"#f5f6f8\" stroke=\"#98a2ad\"";
    if frame.times > 1 {
        for sheet in [2.0, 1.0] {
            rect(out, [x + sheet * SHEET, y + sheet * SHEET, w, h], look);
        }
    }
    rect(out, frame.place, look);
}

fn bar(out: &mut String, frame: &Frame) {
    let [x, y, w, _] = frame.place;
    let height = HEADER + if frame.note.is_some() { LINE } else { 0.0 };
    let (left, top, inner) = (pixels(x), pixels(y + height), pixels(w - 12.0));
    let _ = write!(
        out,
        "<path d=\"M{left} {top}v-{}q0 -6 6 -6h{inner}q6 0 6 6v{}z\" fill=\"#dde2e8\" \
         stroke=\"#98a2ad\"/>",
        pixels(height - 6.0),
        pixels(height - 6.0),
    );
    write_text(
        out,
        [x + 8.0, y + 13.5],
        LABEL,
        "font-weight=\"bold\"",
        &frame.title,
    );
    let cost = format!("text-anchor=\"end\" fill=\"{FAINT}\"");
    write_text(out, [x + w - 8.0, y + 13.0], SMALL, &cost, &frame.cost);
    if let Some(note) = &frame.note {
        let look = format!("fill=\"{FAINT}\" font-style=\"italic\"");
        write_text(out, [x + 8.0, y + 13.5 + LINE], SMALL, &look, note);
    }
}

fn layer(out: &mut String, placed: &Placed, unit: &Unit, lines: &Lines, about: &str) {
    let [x, y, w, h] = placed.place;
    let [fill, edge] = unit.kind.colours();
    let _ = write!(out, "<g><title>{}</title>", escape(about));
    let look = format!("rx=\"4\" fill=\"{fill}\" stroke=\"{edge}\"");
    if placed.times > 1 {
        for sheet in [2.0, 1.0] {
            rect(out, [x + sheet * SHEET, y + sheet * SHEET, w, h], &look);
        }
    }
    rect(out, placed.place, &look);
    let mut base = y + PAD + LINE - 3.0;
    let middle = x + w / 2.0;
    let bold = "text-anchor=\"middle\" font-weight=\"bold\"";
    write_text(out, [middle, base], LABEL, bold, &lines.label);
    for line in &lines.then {
        base += LINE;
        write_text(out, [middle, base], THEN, "text-anchor=\"middle\"", line);
    }
    base += LINE;
    let cost = &lines.cost;
    let faint = format!("fill=\"{FAINT}\"");
    match (lines.name.is_empty(), cost.is_empty()) {
        (false, true) => {
            let look = format!("{faint} text-anchor=\"middle\"");
            write_text(out, [middle, base], SMALL, &look, &lines.name);
        }
        (true, _) => {
            let look = format!("{faint} text-anchor=\"middle\"");
            write_text(out, [middle, base], SMALL, &look, cost);
        }
        _ => {
            write_text(out, [x + 7.0, base], SMALL, &faint, &lines.name);
            let look = format!("{faint} text-anchor=\"end\"");
            write_text(out, [x + w - 7.0, base], SMALL, &look, cost);
        }
    }
    out.push_str("</g>");
}

/// A line through points, with round turns and a head.
fn arrow(out: &mut String, wire: &Wire) {
    // On the middle of a pixel, where lines that run together stay one line.
    let snapped = wire.points.iter().map(|p| p.map(|v| v.floor() + 0.5));
    let points = corners(&snapped.collect::<Vec<_>>());
    let Some((first, rest)) = points.split_first() else {
        return;
    };
    let _ = write!(out, "<path d=\"M{} {}", pixels(first[0]), pixels(first[1]));
    for (i, &[x, y]) in rest.iter().enumerate() {
        let before = points[i];
        match rest.get(i + 1) {
            None => {
                let _ = write!(out, "L{} {}", pixels(x), pixels(y));
            }
            Some(&after) => {
                let near = toward([x, y], before);
                let past = toward([x, y], after);
                let _ = write!(
                    out,
                    "L{} {}Q{} {} {} {}",
                    pixels(near[0]),
                    pixels(near[1]),
                    pixels(x),
                    pixels(y),
                    pixels(past[0]),
                    pixels(past[1])
                );
            }
        }
    }
    out.push_str("\" marker-end=\"url(#a)\"/>");
}

/// From a corner towards a point, at most half the way.
fn toward([x, y]: Point, [u, v]: Point) -> Point {
    let far = (u - x).hypot(v - y);
    let share = if far > 0.0 {
        ROUND.min(far / 2.0) / far
    } else {
        0.0
    };
    [x + (u - x) * share, y + (v - y) * share]
}

/// The points where a line begins, turns and ends.
pub(crate) fn corners(points: &[Point]) -> Vec<Point> {
    let mut found: Vec<Point> = Vec::new();
    for &point in points {
        if found.last() == Some(&point) {
            continue;
        }
        if let [.., a, b] = found[..] {
            let straight = (a[0] == b[0] && b[0] == point[0]) || (a[1] == b[1] && b[1] == point[1]);
            if straight {
                found.pop();
            }
        }
        found.push(point);
    }
    found
}

/// The colours that are there and what the numbers mean, in lines of at most this width; and how
/// high that is.
fn legend(scene: &Scene, units: &[Unit], widest: f64) -> (String, f64) {
    let mut out = String::new();
    let (mut x, mut y) = (0.0, 0.0);
    let mut next = |needed: f64| {
        if x > 0.0 && x + needed > widest {
            (x, y) = (0.0, y + 18.0);
        }
        let at = [x, y];
        x += needed;
        at
    };
    let there = |kind: &Kind| scene.boxes.iter().any(|b| units[b.unit].kind == *kind);
    for kind in Kind::ALL.iter().filter(|k| there(k)) {
        let [fill, edge] = kind.colours();
        let [x, y] = next(33.0 + text::width(kind.words(), THEN, false));
        rect(
            &mut out,
            [x, y - 9.0, 14.0, 11.0],
            &format!("rx=\"2\" fill=\"{fill}\" stroke=\"{edge}\""),
        );
        write_text(&mut out, [x + 19.0, y], THEN, "", kind.words());
    }
    for words in [
        "on arrows: channels x height x width",
        "in boxes: name, parameters",
    ] {
        let at = next(14.0 + text::width(words, THEN, false));
        write_text(&mut out, at, THEN, &format!("fill=\"{FAINT}\""), words);
    }
    (out, y)
}
