//! The points of a notebook so far, and hints on demand.

use super::{About, progress};
use crate::checks::NOTEBOOKS;
use crate::show::{Align, Show, Shown, Table, note, paragraph};

/// The points of one notebook; shown as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct MyScore {
    notebook: String,
    rows: Vec<Row>,
    problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    about: About,
    best: f64,
    attempts: u32,
}

fn exercises(notebook: &str) -> Option<&'static [&'static About]> {
    NOTEBOOKS.iter().find(|n| n.0 == notebook).map(|n| n.1)
}

/// The points of a notebook so far, `my_score("01")`: the best attempt at each of its exercises.
pub fn my_score(notebook: &str) -> MyScore {
    let mut score = MyScore {
        notebook: notebook.to_owned(),
        rows: Vec::new(),
        problem: None,
    };
    let Some(known) = exercises(notebook) else {
        let names: Vec<_> = NOTEBOOKS.iter().map(|n| format!("\"{}\"", n.0)).collect();
        score.problem = Some(format!(
            "There is no notebook \"{notebook}\"; there are {}.",
            names.join(", ")
        ));
        return score;
    };
    let record = progress::read(notebook).unwrap_or_else(|problem| {
        score.problem = Some(format!("Your points could not be read: {problem}"));
        progress::Record::default()
    });
    for about in known {
        let entry = record.exercises.get(about.id);
        let best = entry.map_or(0.0, |e| e.best);
        score.rows.push(Row {
            about: (*about).clone(),
            best: if best.is_finite() {
                best.clamp(0.0, about.points)
            } else {
                0.0
            },
            attempts: entry.map_or(0, |e| e.attempts),
        });
    }
    score
}

impl MyScore {
    /// The points of all exercises together.
    pub fn points(&self) -> f64 {
        rounded(self.rows.iter().map(|r| r.best).sum())
    }

    /// The points there are.
    pub fn max(&self) -> f64 {
        rounded(self.rows.iter().map(|r| r.about.points).sum())
    }
}

fn rounded(points: f64) -> f64 {
    (points * 100.0).round() / 100.0 + 0.0
}

impl Show for MyScore {
    fn shown(&self) -> Shown {
        use Align::{Left, Right};
        let mut table = Table::new(&[
            ("exercise", Left),
            ("points", Right),
            ("of", Right),
            ("attempts", Right),
        ]);
        for row in &self.rows {
            table.row([
                row.about.title.to_owned(),
                row.best.to_string(),
                row.about.points.to_string(),
                row.attempts.to_string(),
            ]);
        }
        let (points, max) = (self.points(), self.max());
        table.total([
            format!("Notebook {}", self.notebook),
            points.to_string(),
            max.to_string(),
            String::new(),
        ]);
        let attributes =
            format!("class=\"convscope-my-score\" data-points=\"{points}\" data-max=\"{max}\"");
        let mut html = table.html(&attributes);
        let mut text = table.text();
        let open = self.rows.iter().find(|r| r.best < r.about.points);
        let words = match (open, &self.problem) {
            (_, Some(problem)) => {
                html.push_str(&note(problem));
                text.push_str(&format!("\nNote. {problem}"));
                return Shown::html(html, text);
            }
            (Some(row), _) if points > 0.0 => format!("Next: {}.", row.about.title),
            (Some(row), _) => format!("Begin with: {}.", row.about.title),
            (None, _) => "All points: well done.".to_owned(),
        };
        html.push_str(&paragraph(&words));
        Shown::html(html, format!("{text}\n{words}"))
    }
}

/// A hint; shown as a paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    text: String,
}

/// The hint of an exercise, `hint("01-output-size")`; the further one too once it was tried twice.
pub fn hint(exercise: &str) -> Hint {
    let notebook = exercise.split('-').next().unwrap_or_default();
    let known = exercises(notebook).unwrap_or_default();
    let Some(about) = known.iter().find(|a| a.id == exercise) else {
        let names: Vec<&str> = known.iter().map(|a| a.id).collect();
        let text = format!(
            "There is no exercise \"{exercise}\"; there are: {}.",
            names.join(", ")
        );
        return Hint { text };
    };
    let attempts = progress::read(notebook)
        .ok()
        .and_then(|r| r.exercises.get(exercise).map(|e| e.attempts));
    let shown = if attempts.unwrap_or(0) >= 2 { 2 } else { 1 };
    Hint {
        text: about.hints[..shown].join("\n"),
    }
}

impl Show for Hint {
    fn shown(&self) -> Shown {
        let html: String = self.text.lines().map(paragraph).collect();
        Shown::html(html, self.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    #[test]
    fn exercises_not_tried_count_as_zero_of_their_points() {
        progress::in_test_folder(|| {
            let before = my_score("01");
            assert_eq!(before.points(), 0.0);
            assert!(before.max() > 0.0);
            checks::n01::output_size(|n, f, s, p| (n + 2 * p - f) / s + 1);
            let after = my_score("01");
            assert_eq!((after.points(), after.max()), (2.0, before.max()));
            let shown = after.shown();
            assert!(shown.html.unwrap().contains("data-points=\"2\""));
            assert!(shown.text.contains("Notebook 01"));
        });
    }

    #[test]
    fn unknown_names_are_answered_with_the_known_ones() {
        assert!(my_score("77").shown().text.contains("\"01\""));
        assert!(hint("01-nonsense").shown().text.contains("01-output-size"));
        assert!(hint("").shown().text.contains("no exercise"));
    }

    #[test]
    fn the_further_hint_waits_for_two_attempts() {
        progress::in_test_folder(|| {
            let lines = || hint("01-output-size").shown().text.lines().count();
            assert_eq!(lines(), 1);
            checks::n01::output_size(|_, _, _, _| 0);
            assert_eq!(lines(), 1);
            checks::n01::output_size(|_, _, _, _| 0);
            assert_eq!(lines(), 2);
        });
    }
}
