//! The challenge: what is asked for, what a submission reached, the leaderboard.

use super::{Show, Shown, escape, img, paragraph};
use crate::luck::Ladder;
use crate::picture::{Gallery, gallery_of, svg_address};
use convscope_challenge::{Board, Entry, Task};
use std::fmt::Write;

/// Images of each class that stand beside the rules.
const EACH: usize = 3;
/// The first images, among which there are so many of each class.
const SAMPLED: usize = 120;

/// The rules, with the classes as pictures.
impl Show for Task {
    fn shown(&self) -> Shown {
        let rules = self.to_string();
        let html: String = rules.lines().map(paragraph).collect();
        match sample(self).map(|pictures| pictures.shown()) {
            Some(pictures) => Shown::html(
                html + &pictures.to_html(),
                format!("{rules}\n{}", pictures.text),
            ),
            None => Shown::html(html, rules),
        }
    }
}

/// A few of the public images; image i is the same however many there are.
fn sample(task: &Task) -> Option<Gallery> {
    let few = Task {
        train: task.train.min(SAMPLED),
        valid: 0,
        ..*task
    };
    let (images, _) = few.public().ok()?;
    let classes = task.classes().len();
    let of = |class: usize, turn: usize| images.indices_of(class).get(turn).copied();
    let picked: Vec<usize> = (0..EACH)
        .flat_map(|turn| (0..classes).map(move |class| (class, turn)))
        .filter_map(|(class, turn)| of(class, turn))
        .collect();
    if picked.is_empty() {
        return None;
    }
    let pictures = gallery_of(&images, &picked).columns(classes);
    Some(pictures.range(0.0, 1.0))
}

impl Show for Entry {
    fn shown(&self) -> Shown {
        let [low, high] = self.interval();
        let lines = [
            format!(
                "\"{}\" by {}: {} of {} hidden images right, {:.3} ({low:.3} to {high:.3} with 95 % confidence).",
                self.name,
                self.author,
                self.right,
                self.shown,
                self.accuracy()
            ),
            format!("{}; {}.", self.design, self.cost),
            format!("{} ({:.0} s)", self.training, self.seconds),
        ];
        Shown::html(
            lines.iter().map(|line| paragraph(line)).collect::<String>(),
            lines.join("\n"),
        )
    }
}

/// Each author's best with its interval, as a table; on one scale, so that overlaps are seen.
impl Show for Board {
    fn shown(&self) -> Shown {
        let text = self.to_string();
        let ranking = self.ranking();
        if ranking.is_empty() {
            return Shown::html(paragraph(&text), text);
        }
        let ends = ranking.iter().map(|(entry, _)| entry.interval());
        let from = ends.map(|[low, _]| low).fold(1.0, f64::min);
        let from = ((from - 0.02) * 20.0).floor().max(0.0) / 20.0;
        let mut html = String::from("<table class=\"convscope-board\"><thead><tr>");
        let whiskers = format!("{from:.2} to 1");
        let heads = [
            ("rank", true),
            ("who, what", false),
            ("accuracy", true),
            ("95 % interval", true),
            (whiskers.as_str(), false),
            ("parameters", true),
            ("million multiply-adds", true),
            ("tries", true),
        ];
        let align = |right: bool| if right { "right" } else { "left" };
        for (head, right) in heads {
            let (side, head) = (align(right), escape(head));
            let _ = write!(html, "<th style=\"text-align: {side}\">{head}</th>");
        }
        html.push_str("</tr></thead><tbody>");
        for (i, (entry, tries)) in ranking.into_iter().enumerate() {
            let [low, high] = entry.interval();
            let cells = [
                (i + 1).to_string(),
                format!(
                    "{}<br><small>{}</small>",
                    escape(&format!("{}, {}", entry.author, entry.name)),
                    escape(&entry.design)
                ),
                format!("{:.3}", entry.accuracy()),
                format!("<span style=\"white-space: nowrap\">{low:.3} to {high:.3}</span>"),
                // (A narrow table would make the picture small.)
                format!(
                    "<div style=\"width: {WIDE}px\">{}</div>",
                    whisker(entry, from)
                ),
                entry.cost.parameters.to_string(),
                format!("{:.2}", entry.cost.multiply_adds as f64 / 1e6),
                tries.to_string(),
            ];
            html.push_str("<tr>");
            for (cell, (_, right)) in cells.iter().zip(heads) {
                let side = align(right);
                let _ = write!(html, "<td style=\"text-align: {side}\">{cell}</td>");
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table>");
        Shown::html(html, text)
    }
}

/// How wide an interval's scale is, in pixels.
const WIDE: f64 = 160.0;

/// The interval as a bar between `from` and 1, with the accuracy as a dot.
fn whisker(entry: &Entry, from: f64) -> String {
    let at = |v: f64| 4.0 + (WIDE - 8.0) * (v - from) / (1.0 - from).max(1e-9);
    let [low, high] = entry.interval();
    let (left, right, middle) = (at(low), at(high), at(entry.accuracy()));
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDE}\" height=\"14\">\
         <rect width=\"{WIDE}\" height=\"14\" fill=\"white\"/>\
         <line x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"7\" y2=\"7\" stroke=\"#0072b2\" stroke-width=\"4\"/>\
         <circle cx=\"{middle:.1}\" cy=\"7\" r=\"3.5\" fill=\"#d55e00\"/></svg>"
    );
    let alt = format!("{low:.3} to {high:.3}");
    img(&svg_address(&svg), &alt, WIDE as usize)
}

/// The sizes of a ladder's picture in pixels: a rung's height, where the scale begins and how wide it
/// is, and what is above and below the rungs.
const RUNG: f64 = 26.0;
const NAMES: f64 = 210.0;
const SCALE: f64 = 430.0;
const ABOVE: f64 = 34.0;
const BELOW: f64 = 46.0;

/// A row for each step: its name, its interval on a scale that all share, its accuracy.
impl Show for Ladder {
    fn shown(&self) -> Shown {
        let mut text = self.title.clone();
        for rung in &self.rungs {
            let [low, high] = rung.interval;
            let _ = write!(
                text,
                "\n{}: {:.3} ({low:.3} to {high:.3})",
                rung.name, rung.accuracy
            );
        }
        let wide = NAMES + SCALE + 70.0;
        let picture = img(&svg_address(&rungs(self, wide)), &text, wide as usize);
        let mut html = picture;
        if !self.caption.is_empty() {
            html += &paragraph(&self.caption);
            let _ = write!(text, "\n{}", self.caption);
        }
        Shown::html(html, text)
    }
}

fn rungs(ladder: &Ladder, wide: f64) -> String {
    let ends = ladder.rungs.iter().flat_map(|r| r.interval);
    let finite: Vec<f64> = ends.filter(|v| v.is_finite()).collect();
    let lowest = finite.iter().copied().fold(1.0, f64::min).max(0.0);
    let highest = finite.iter().copied().fold(0.0, f64::max).min(1.0);
    // In tenths, at least one of them.
    let from = (lowest * 10.0).floor().min(9.0);
    let to = (highest * 10.0).ceil().max(from + 1.0);
    let at = |v: f64| NAMES + SCALE * (10.0 * v - from) / (to - from);
    let bottom = ABOVE + RUNG * ladder.rungs.len() as f64;
    let high = bottom + BELOW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#222222\">\
         <rect width=\"{wide}\" height=\"{high}\" fill=\"white\"/>\
         <text x=\"{}\" y=\"18\" font-size=\"15\" text-anchor=\"middle\">{}</text>",
        NAMES + SCALE / 2.0,
        escape(&ladder.title)
    );
    for tenth in from as usize..=to as usize {
        let x = at(tenth as f64 / 10.0);
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{ABOVE}\" y2=\"{bottom}\" stroke=\"#dddddd\"/>\
             <text x=\"{x:.1}\" y=\"{}\" font-size=\"12\" text-anchor=\"middle\">{:.1}</text>",
            bottom + 16.0,
            tenth as f64 / 10.0
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">accuracy, and where it may lie</text>",
        NAMES + SCALE / 2.0,
        bottom + 36.0
    );
    for (i, rung) in ladder.rungs.iter().enumerate() {
        let y = ABOVE + RUNG * (i as f64 + 0.5);
        let [low, high] = rung.interval.map(at);
        let middle = at(rung.accuracy);
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            NAMES - 12.0,
            y + 4.5,
            escape(&rung.name)
        );
        if low.is_finite() && high.is_finite() {
            let _ = write!(
                svg,
                "<line x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#0072b2\" \
                 stroke-width=\"5\"/>"
            );
        }
        let _ = write!(
            svg,
            "<circle cx=\"{middle:.1}\" cy=\"{y}\" r=\"4.5\" fill=\"#d55e00\"/>\
             <text x=\"{}\" y=\"{}\">{:.3}</text>",
            NAMES + SCALE + 14.0,
            y + 4.5,
            rung.accuracy
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_has_a_rung_for_each_step_and_takes_whatever_interval_it_is_given() {
        let steps = [("one & all".to_owned(), 300), ("two".to_owned(), 890)];
        let fair = crate::ladder("Steps", &steps, 1000, |right, shown| {
            let p = right as f64 / shown as f64;
            [p - 0.02, p + 0.02]
        });
        let shown = fair.clone().caption("Both of them.").shown();
        assert!(shown.text.contains("one & all: 0.300 (0.280 to 0.320)"));
        let svg = rungs(&fair, 710.0);
        assert!(svg.contains("one &amp; all") && svg.matches("<circle").count() == 2);
        assert!(svg.contains(">0.2<") && svg.contains(">1.0<") && !svg.contains(">0.1<"));
        assert!(shown.html.unwrap().contains("Both of them."));
        // A student's first tries.
        for wrong in [[f64::NAN; 2], [5.0, -5.0], [f64::INFINITY; 2]] {
            let svg = rungs(&crate::ladder("Steps", &steps, 0, |_, _| wrong), 710.0);
            assert!(svg.ends_with("</svg>") && svg.len() < 9000, "{wrong:?}");
        }
        assert!(
            crate::ladder("Steps", &[], 10, |_, _| [0.0, 1.0])
                .shown()
                .html
                .is_some()
        );
    }

    fn entry(author: &str, right: usize) -> Entry {
        serde_json::from_value(serde_json::json!({
            "name": "little", "author": author, "design": "3x32x32 - global avg - 8 classes",
            "cost": {"parameters": 392, "multiply_adds": 2_500_000},
            "training": "Adam <b>.003</b>", "seconds": 12.4, "right": right, "shown": 2000,
            "sha256": "00", "images": "11"
        }))
        .unwrap()
    }

    #[test]
    fn the_rules_show_pictures_of_all_eight_classes() {
        let shown = Task::default().shown();
        let html = shown.html.unwrap();
        for class in Task::default().classes() {
            assert!(html.matches(class).count() > EACH, "{class}");
        }
        assert!(html.contains("100000 parameters"));
        assert!(shown.text.starts_with("Tell 8 classes apart") && shown.text.contains("24 tiles"));
        let none = Task {
            train: 0,
            ..Task::default()
        };
        assert!(none.shown().html.unwrap().contains("Budget"));
    }

    #[test]
    fn an_entry_says_how_sure_its_score_is() {
        let shown = entry("ada", 1000).shown();
        assert!(
            shown
                .text
                .contains("1000 of 2000 hidden images right, 0.500 (0.478 to 0.522"),
            "{}",
            shown.text
        );
        assert!(
            shown
                .text
                .contains("392 parameters, 2.50 million multiply-adds")
        );
        assert!(shown.html.unwrap().contains("&lt;b&gt;"));
    }

    #[test]
    fn a_board_is_a_table_of_each_authors_best() {
        let entries = vec![
            entry("ada", 1700),
            entry("<i>ben</i>", 1800),
            entry("ada", 1750),
        ];
        let shown = Board { entries }.shown();
        let html = shown.html.unwrap();
        assert_eq!(html.matches("<tr>").count(), 3, "a head and two authors");
        assert_eq!(html.matches("data:image/svg+xml;base64,").count(), 2);
        let place = |words: &str| html.find(words).unwrap();
        assert!(
            place("&lt;i&gt;ben") < place("ada, little"),
            "the best first"
        );
        assert!(html.contains("0.875") && !html.contains("0.850") && !html.contains("<i>"));
        assert!(html.contains("2.50") && shown.text.contains("0.875"));
        let empty = Board::default().shown();
        assert!(empty.text.contains("nobody") && empty.html.is_some());
    }
}
