//! Networks on paper, spaces of them, and what a search found.

use super::{Align, Show, Shown, Table, escape, img, paragraph};
use crate::picture::svg_address;
use convscope_progress::{duration, grouped};
use convscope_search::{Cost, Design, Part, SearchLog, Space, Table as Trained, Trial};
use std::fmt::Write;

/// Rows of a table of trials.
const ROWS: usize = 10;

impl Show for Cost {
    fn shown(&self) -> Shown {
        Shown::text(format!(
            "{} parameters, {} multiply-adds",
            grouped(self.parameters),
            grouped(self.multiply_adds)
        ))
    }
}

fn shape(output: &[usize]) -> String {
    let sizes: Vec<String> = output.iter().map(usize::to_string).collect();
    sizes.join(" x ")
}

impl Show for Design {
    fn shown(&self) -> Shown {
        let parts = match self.parts() {
            Ok(parts) => parts,
            Err(problem) => return Shown::text(format!("{self}\nThis is no network: {problem}")),
        };
        let mut table = Table::new(&[
            ("piece", Align::Left),
            ("output", Align::Right),
            ("parameters", Align::Right),
            ("multiply-adds", Align::Right),
        ]);
        let none = String::new;
        table.row(["image".to_owned(), shape(&self.input), none(), none()]);
        let mut sum = Cost::default();
        for part in &parts {
            sum.parameters += part.cost.parameters;
            sum.multiply_adds += part.cost.multiply_adds;
            table.row([
                part.name.clone(),
                shape(&part.output),
                grouped(part.cost.parameters),
                grouped(part.cost.multiply_adds),
            ]);
        }
        table.total([
            "total".to_owned(),
            none(),
            grouped(sum.parameters),
            grouped(sum.multiply_adds),
        ]);
        let (svg, width) = drawn(self, &parts);
        let html = format!(
            "{}<br>{}",
            img(&svg_address(&svg), &self.to_string(), width),
            table.html("class=\"convscope-network\"")
        );
        Shown::html(html, format!("{self}\n{}", table.text()))
    }
}

/// What a piece is, by colour: makes new channels, makes the image smaller, has no image any more.
fn colour(name: &str) -> &'static str {
    match name.split(' ').next().unwrap_or_default() {
        "conv" => "#0072b2",
        "residual" => "#009e73",
        "separable" => "#e69f00",
        "fire" => "#d55e00",
        "max" | "avg" | "global" => "#bbbbbb",
        "dropout" => "#e4e4e4",
        _ => "#7a5195",
    }
}

/// The pieces in a row: a box as high as its image, and the wider the more channels it has.
fn drawn(design: &Design, parts: &[Part]) -> (String, usize) {
    const COLUMN: usize = 84;
    const TALLEST: f64 = 84.0;
    let tallest = design.input[1].max(1) as f64;
    let most = parts.iter().map(|p| p.output[0]).max().unwrap_or(1);
    let most = most.max(design.input[0]).max(1) as f64;
    let width = COLUMN * (parts.len() + 1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"150\" viewBox=\"0 0 \
         {width} 150\" font-family=\"sans-serif\" font-size=\"12\" text-anchor=\"middle\">\
         <rect width=\"{width}\" height=\"150\" fill=\"white\"/>"
    );
    let image = ("image".to_owned(), design.input.to_vec());
    let all = parts.iter().map(|p| (p.name.clone(), p.output.clone()));
    for (i, (name, output)) in std::iter::once(image).chain(all).enumerate() {
        let middle = COLUMN * i + COLUMN / 2;
        let side = *output.get(1).unwrap_or(&1) as f64;
        let high = (TALLEST * side / tallest).max(6.0);
        let wide = 6.0 + 50.0 * (output[0] as f64 / most).sqrt();
        let ground = if i == 0 { "#444444" } else { colour(&name) };
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" rx=\"2\" \
             fill=\"{ground}\"/>",
            middle as f64 - wide / 2.0,
            50.0 - high / 2.0,
        );
        let words: Vec<&str> = name.splitn(2, ' ').collect();
        for (line, word) in words.iter().enumerate() {
            let _ = write!(
                svg,
                "<text x=\"{middle}\" y=\"{}\" fill=\"#222222\">{}</text>",
                110 + 14 * line,
                escape(word)
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{middle}\" y=\"142\" font-size=\"11\" fill=\"#666666\">{}</text>",
            shape(&output)
        );
    }
    svg.push_str("</svg>");
    (svg, width)
}

impl Show for Space {
    fn shown(&self) -> Shown {
        let mut table = Table::new(&[
            ("gene", Align::Right),
            ("choice", Align::Left),
            ("options", Align::Left),
            ("how many", Align::Right),
        ]);
        for (i, choice) in self.choices().into_iter().enumerate() {
            table.row([
                i.to_string(),
                choice.name,
                choice.options.join(", "),
                choice.options.len().to_string(),
            ]);
        }
        Shown::html(table.html(""), table.text())
    }
}

/// Trials as a table, in their order.
fn of_trials(trials: &[&Trial]) -> Table {
    let mut table = Table::new(&[
        ("accuracy", Align::Right),
        ("parameters", Align::Right),
        ("multiply-adds", Align::Right),
        ("trial", Align::Right),
        ("design", Align::Left),
    ]);
    for trial in trials {
        let pieces: Vec<String> = trial.design.pieces.iter().map(|p| p.to_string()).collect();
        table.row([
            format!("{:.3}", trial.accuracy),
            grouped(trial.cost.parameters),
            grouped(trial.cost.multiply_adds),
            trial.number.to_string(),
            pieces.join(" - "),
        ]);
    }
    table
}

/// The first rows of some trials, and how many are left out.
fn listed(trials: &[&Trial], words: &str) -> Shown {
    let table = of_trials(&trials[..trials.len().min(ROWS)]);
    let mut words = words.to_owned();
    if trials.len() > ROWS {
        let _ = write!(words, " {} more are not shown.", trials.len() - ROWS);
    }
    let html = format!("{}{}", table.html(""), paragraph(words.trim()));
    let text = format!("{}\n{}", table.text(), words.trim());
    Shown::html(html, text.trim_end())
}

impl Show for Trial {
    fn shown(&self) -> Shown {
        listed(&[self], "")
    }
}

impl Show for SearchLog {
    fn shown(&self) -> Shown {
        let mut order: Vec<&Trial> = self.trials.iter().collect();
        order.sort_by(|a, b| b.reward.total_cmp(&a.reward));
        let seconds = self.trials.iter().map(|t| t.seconds).sum::<f64>();
        let words = format!(
            "{}, seed {}: {} designs in {}, the best first.",
            self.method,
            self.seed,
            self.trials.len(),
            duration(seconds)
        );
        listed(&order, &words)
    }
}

impl Show for Trained {
    fn shown(&self) -> Shown {
        let seconds = self.trials.iter().map(|t| t.seconds).sum::<f64>();
        let runs = self.runs.first().map_or(0, Vec::len);
        let ends =
            |f: fn(f64, f64) -> f64, start| self.trials.iter().map(|t| t.accuracy).fold(start, f);
        let words = format!(
            "{} networks, {} each: {} of training in all. Accuracies from {:.3} to {:.3}.",
            grouped(self.trials.len() as u64),
            match runs {
                1 => "one training".to_owned(),
                more => format!("{more} trainings"),
            },
            duration(seconds),
            ends(f64::min, 1.0),
            ends(f64::max, 0.0)
        );
        Shown::html(paragraph(&words), words)
    }
}

impl Show for Trials {
    fn shown(&self) -> Shown {
        listed(&self.0.iter().collect::<Vec<_>>(), "")
    }
}

/// Trials, to be shown as a table in their order; see [`trials_table`].
#[derive(Clone, Debug)]
pub struct Trials(Vec<Trial>);

/// Shows trials as a table.
pub fn trials_table(trials: &[Trial]) -> Trials {
    Trials(trials.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_search::{Method, Piece, Score, Search};

    fn design() -> Design {
        Design::new([1, 12, 12], 10)
            .then(Piece::Separable {
                filters: 8,
                kernel: 3,
            })
            .then(Piece::MaxPool { window: 2 })
            .then(Piece::GlobalAvgPool)
    }

    #[test]
    fn a_design_is_a_picture_and_its_bill() {
        let shown = design().shown();
        let html = shown.html.unwrap();
        assert!(html.contains("data:image/svg+xml;base64,") && html.contains("<table"));
        for words in [
            "separable 8 3x3",
            "8 x 6 x 6",
            "10 classes",
            "multiply-adds",
        ] {
            assert!(shown.text.contains(words), "{}", shown.text);
        }
        let cost = design().cost().unwrap();
        assert!(shown.text.contains(&grouped(cost.multiply_adds)));
        assert!(cost.shown().text.ends_with("multiply-adds"));
    }

    #[test]
    fn what_is_no_network_says_why() {
        let text = design().then(Piece::Fire { filters: 8 }).shown().text;
        assert!(
            text.contains("no network") && text.contains("piece 4"),
            "{text}"
        );
    }

    #[test]
    fn a_space_is_a_table_of_choices_and_a_log_one_of_its_best_trials() {
        let space = Space::small([1, 12, 12], 10);
        let text = space.shown().text;
        assert!(
            text.contains("stage 1: kind") && text.contains("conv, residual"),
            "{text}"
        );
        let log = Search::new(space, Method::Random)
            .trials(14)
            .quiet()
            .run(|design, _| {
                Ok(Score {
                    accuracy: design.cost()?.parameters as f64 / 1e6,
                })
            })
            .unwrap();
        let text = log.shown().text;
        assert!(text.contains("random search, seed 0: 14 designs"), "{text}");
        assert!(text.ends_with("4 more are not shown."), "{text}");
        assert_eq!(
            trials_table(&log.trials[..2]).shown().text.lines().count(),
            3
        );
        assert!(log.trials[0].shown().html.is_some());
    }
}
