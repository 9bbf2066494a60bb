//! Rules about the outputs that a solution notebook was saved with: they are what a reader without
//! a kernel sees.

use super::Subject;
use crate::notebook::{Finding, join};
use crate::outputs::{self, Expect};

const FEWEST_CHECKS: usize = 2;
/// One after the first failure, a further one after the second.
const FEWEST_HINTS: usize = 2;

pub fn solutions_ran_without_failure(s: &Subject<'_>) -> Vec<Finding> {
    let refresh = format!("run `cargo course run {} --save`", s.number);
    let mut found = Vec::new();
    if !s.cells().any(|(_, c)| c.execution_count().is_some()) {
        return vec![s.whole(format!("it never ran: {refresh}"))];
    }
    for (i, cell) in s.cells().filter(|(_, c)| c.is_executable()) {
        if cell.execution_count().is_none() {
            found.push(s.at(i, format!("the cell never ran: {refresh}")));
            continue;
        }
        let failures = outputs::failures(cell);
        if cell.is_meant_to_fail() && failures.is_empty() {
            let what = "the cell has the tag `raises-exception` and did not fail";
            found.push(s.at(i, what));
        }
        if !cell.is_meant_to_fail() {
            let told = failures
                .iter()
                .map(|f| format!("{f}: mend it and {refresh}"));
            found.extend(told.map(|what| s.at(i, what)));
        }
        if outputs::stands_in(cell) {
            let what = format!(
                "the output was made with InkDigits in MNIST's place: \
                 run `cargo course fetch mnist`, then {refresh}"
            );
            found.push(s.at(i, what));
        }
        found.extend(outputs::missing(cell).into_iter().map(|m| s.at(i, m)));
        for key in Expect::of(cell).strange {
            found.push(s.at(
                i,
                format!("metadata.convscope.{key} is not understood: there are `mime` and `text`, lists of texts"),
            ));
        }
    }
    found
}

pub fn checks_passed_and_teach(s: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, cell) in s.cells() {
        let Some(grader) = cell.grader().filter(|g| g.grade && !g.solution) else {
            continue;
        };
        if cell.execution_count().is_none() {
            continue;
        }
        let score = match outputs::score(cell) {
            Ok(score) => score,
            Err(what) => {
                found.push(s.at(i, what));
                continue;
            }
        };
        let max = grader.points.unwrap_or(0.0);
        let mut say = |what: String| found.push(s.at(i, what));
        if score.points < score.max {
            say(format!(
                "the solution got {} of {} points",
                score.points, score.max
            ));
        }
        if score.max != max {
            say(format!(
                "the check gives {} points at most, and the notebook promises {max}: \
                 make metadata.nbgrader.points agree with convscope",
                score.max
            ));
        }
        if format!("{}-check", score.exercise) != grader.id {
            say(format!(
                "the check is of `{}`, and the cell's grade_id is `{}`",
                score.exercise, grader.id
            ));
        }
        if score.checks < FEWEST_CHECKS {
            say(format!(
                "the exercise has {} check, and {FEWEST_CHECKS} are the fewest",
                score.checks
            ));
        }
        if score.hints < FEWEST_HINTS {
            say(format!(
                "the exercise has {} hint, and {FEWEST_HINTS} are the fewest",
                score.hints
            ));
        }
    }
    found
}

/// JupyterLab shows a notebook that came from elsewhere without what could run code, and without
/// inline SVG.
pub fn outputs_survive_an_untrusted_reader(s: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, cell) in s.cells() {
        for output in cell.outputs() {
            let Some(data) = output["data"].as_object() else {
                continue;
            };
            let html = data.get("text/html").and_then(join);
            let lower = html.as_deref().unwrap_or("").to_lowercase();
            for (tag, instead) in [
                ("<svg", "an <img> with the SVG in base64"),
                ("<script", "a picture that needs no script"),
                ("<iframe", "a picture or a link"),
                ("<style", "styles on the elements themselves"),
            ] {
                if lower.contains(tag) {
                    let kind = if tag == "<svg" { "inline " } else { "" };
                    found.push(s.at(
                        i,
                        format!("an output has {kind}{tag}>, which JupyterLab hides from a new reader: show {instead}"),
                    ));
                }
            }
            let has = |mime: &str| data.contains_key(mime);
            let safe = has("text/html") || has("image/png") || has("image/jpeg");
            if has("image/svg+xml") && !safe {
                found.push(s.at(
                    i,
                    "an output is image/svg+xml alone, which JupyterLab hides from a new reader: \
                     show an <img> with the SVG in base64",
                ));
            }
            if has("text/html") && !has("text/plain") {
                found.push(s.at(
                    i,
                    "an output has no plain-text twin, for terminals and screen readers: \
                     give it a text/plain",
                ));
            }
        }
    }
    found
}
