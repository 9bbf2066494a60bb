//! The challenge: what is asked for, what a submission reached, the leaderboard.

use super::{Show, Shown, escape, img, paragraph};
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
            ("network", false),
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
                escape(&format!("{}, {}", entry.author, entry.name)),
                format!("{:.3}", entry.accuracy()),
                format!("{low:.3} to {high:.3}"),
                whisker(entry, from),
                entry.cost.parameters.to_string(),
                format!("{:.2}", entry.cost.multiply_adds as f64 / 1e6),
                tries.to_string(),
                escape(&entry.design),
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

/// The interval as a bar between `from` and 1, with the accuracy as a dot.
fn whisker(entry: &Entry, from: f64) -> String {
    const WIDE: f64 = 160.0;
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(html.matches(class).count() >= 1 + EACH, "{class}");
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
