//! What a check gives: a table of passed and failed for the reader, the points for the grader.

use super::About;
use super::progress::{self, Entry};
use super::run::Outcome;
use crate::show::{EvcxrDisplay, Show, Shown, escape, note, paragraph};
use std::collections::HashSet;
use std::fmt;

/// The result of a check. Its plain text is the points alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    about: About,
    points: f64,
    rows: Vec<(String, Outcome)>,
    hints: Vec<&'static str>,
    notes: Vec<String>,
}

/// The points for what passed, recorded.
pub(super) fn settle(about: &About, mut rows: Vec<(String, Outcome)>) -> Score {
    say_each_mistake_once(&mut rows);
    let passed = rows.iter().filter(|r| r.1 == Outcome::Passed).count();
    let unwritten = rows.iter().any(|r| matches!(r.1, Outcome::NotWritten(_)));
    let points = match unwritten {
        true => 0.0,
        false => share(about.points, passed, rows.len()),
    };
    let mut score = Score {
        about: about.clone(),
        points,
        rows,
        hints: Vec::new(),
        notes: Vec::new(),
    };
    if unwritten {
        // No attempt yet, so nothing to record and no hint to spend.
        return score;
    }
    let attempt = match progress::record(about, &score) {
        Ok((Entry { attempts, .. }, notes)) => {
            score.notes.extend(notes);
            attempts
        }
        Err(problem) => {
            score
                .notes
                .push(format!("Your points could not be recorded: {problem}"));
            1
        }
    };
    if score.passed() < score.checks() {
        let hints = about.hints.into_iter().filter(|h| !h.is_empty());
        score.hints = hints.take(attempt.min(2) as usize).collect();
    }
    score
}

fn say_each_mistake_once(rows: &mut [(String, Outcome)]) {
    let mut said = HashSet::new();
    for (_, outcome) in rows {
        if let Outcome::Failed(_, mistake) = outcome
            && mistake.as_ref().is_some_and(|m| !said.insert(m.clone()))
        {
            *mistake = None;
        }
    }
}

/// Points for `passed` of `all`, to two decimals; all of them only if all passed.
fn share(max: f64, passed: usize, all: usize) -> f64 {
    if all == 0 || !(max.is_finite() && max > 0.0) {
        return 0.0;
    }
    if passed >= all {
        return max;
    }
    let part = (max * passed as f64 / all as f64 * 100.0).round() / 100.0;
    let below = ((max - 0.01) * 100.0).round() / 100.0;
    part.min(below).max(0.0)
}

impl Score {
    /// The exercise's grade id.
    pub fn exercise(&self) -> &str {
        self.about.id
    }

    /// The points reached: a number from 0 to [`Score::max`].
    pub fn points(&self) -> f64 {
        self.points
    }

    /// The points there are.
    pub fn max(&self) -> f64 {
        self.about.points
    }

    /// How many checks passed.
    pub fn passed(&self) -> usize {
        self.rows.iter().filter(|r| r.1 == Outcome::Passed).count()
    }

    /// How many checks there are.
    pub fn checks(&self) -> usize {
        self.rows.len()
    }

    /// Puts the score under the cell.
    pub fn evcxr_display(&self) {
        EvcxrDisplay::evcxr_display(self);
    }

    fn headline(&self) -> String {
        let (points, max) = (self.points, self.max());
        let of = format!("{points} of {max} {}", plural(max, "point"));
        let unwritten = self.rows.iter().find_map(|r| match &r.1 {
            Outcome::NotWritten(what) => Some(what),
            _ => None,
        });
        match unwritten {
            Some(what) if what.is_empty() => format!("{of}: not written yet"),
            Some(what) => format!("{of}: not written yet: {what}"),
            None if self.passed() == self.checks() && self.checks() > 0 => {
                format!("{of}. All {} checks passed.", self.checks())
            }
            None => format!("{of}: {} of {} checks passed", self.passed(), self.checks()),
        }
    }
}

fn plural(n: f64, word: &str) -> String {
    match n == 1.0 {
        true => word.to_owned(),
        false => format!("{word}s"),
    }
}

/// The mark of a row, its colours (ground and ink), and what there is to say.
fn row(outcome: &Outcome) -> (&'static str, [&'static str; 2], String) {
    const GOOD: [&str; 2] = ["#d5f0e3", "#003d2b"];
    const BAD: [&str; 2] = ["#fbe0d2", "#5c2800"];
    const OPEN: [&str; 2] = ["#eeeeee", "#333333"];
    match outcome {
        Outcome::Passed => ("✓ passed", GOOD, String::new()),
        Outcome::Failed(difference, None) => ("✗ failed", BAD, difference.clone()),
        Outcome::Failed(difference, Some(mistake)) => {
            ("✗ failed", BAD, format!("{difference}. {mistake}"))
        }
        Outcome::Panicked(message) => ("✗ panicked", BAD, format!("your code panicked: {message}")),
        Outcome::NotWritten(_) => (
            "○ open",
            OPEN,
            "put your code in the place of todo!(...)".to_owned(),
        ),
        Outcome::TimedOut(limit) => (
            "✗ too long",
            BAD,
            format!(
                "not done after {} s; is there a loop that does not end? It still runs in the \
                 background and slows everything down. Restart the kernel to stop it",
                limit.as_secs_f64()
            ),
        ),
        Outcome::NotTried => (
            "○ not tried",
            OPEN,
            "not tried, since the checks before it took too long".to_owned(),
        ),
    }
}

impl Show for Score {
    fn shown(&self) -> Shown {
        let about = &self.about;
        let hints = about.hints.iter().filter(|h| !h.is_empty()).count();
        let mut html = format!(
            "<p style=\"margin: 4px 0\"><b>{}</b>: {}</p><table class=\"convscope-score\" data-exercise=\"{}\" data-points=\"{}\" \
             data-max=\"{}\" data-checks=\"{}\" data-passed=\"{}\" data-hints=\"{hints}\">\
             <tbody>",
            escape(about.title),
            escape(&self.headline()),
            escape(about.id),
            self.points,
            about.points,
            self.checks(),
            self.passed(),
        );
        for (name, outcome) in &self.rows {
            let (mark, [ground, ink], words) = row(outcome);
            let mark = mark.replace(' ', "&nbsp;");
            html.push_str(&format!(
                "<tr style=\"background-color: {ground}; color: {ink}\">\
                 <td style=\"text-align: left\">{mark}</td>\
                 <td style=\"text-align: left\">{}</td><td style=\"text-align: left\">{}</td></tr>",
                escape(name),
                escape(&words)
            ));
        }
        html.push_str("</tbody></table>");
        for (i, hint) in self.hints.iter().enumerate() {
            let which = ["Hint", "A further hint"][i.min(1)];
            html.push_str(&paragraph(&format!("{which}: {hint}")));
        }
        for n in &self.notes {
            html.push_str(&note(n));
        }
        // `-0.0` and NaN cannot occur: see `share`.
        Shown::html(html, self.points.to_string())
    }
}

impl fmt::Display for Score {
    /// The score in words, for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about.title, self.headline())?;
        for (name, outcome) in &self.rows {
            let (mark, _, words) = row(outcome);
            write!(f, "\n  {mark}  {name}  {words}")?;
        }
        for hint in &self.hints {
            write!(f, "\nHint: {hint}")?;
        }
        for n in &self.notes {
            write!(f, "\nNote. {n}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_and_bounded() {
        for (max, passed, all, points) in [
            (2.0, 2, 3, 1.33),
            (2.0, 3, 3, 2.0),
            (1.0, 999, 1000, 0.99),
            (2.0, 0, 3, 0.0),
            (2.0, 0, 0, 0.0),
            (f64::NAN, 1, 1, 0.0),
            (-1.0, 1, 1, 0.0),
            (0.005, 1, 2, 0.0),
        ] {
            let got = share(max, passed, all);
            assert_eq!(got.to_string(), points.to_string(), "{max} {passed}/{all}");
        }
    }
}
