//! Rules about exercises and their checks.

use super::Subject;
use crate::notebook::{Finding, Grader};
use crate::regions::{self, Language};
use std::collections::HashSet;

const CHECK: &str = "-check";

fn graded<'a>(s: &'a Subject<'_>) -> impl Iterator<Item = (usize, Grader)> + 'a {
    s.cells().filter_map(|(i, c)| Some((i, c.grader()?)))
}

pub fn ids_are_unique_and_named_after_the_notebook(s: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let prefix = format!("{}-", s.number);
    for (i, grader) in graded(s) {
        let id = &grader.id;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.starts_with(&prefix) || !id.chars().all(allowed) {
            found.push(s.at(
                i,
                format!(
                    "the grade_id `{id}` begins with `{prefix}` and goes on in small letters, \
                     digits and hyphens"
                ),
            ));
        }
        if !seen.insert(id.clone()) {
            found.push(s.at(
                i,
                format!("an earlier cell has the grade_id `{id}` too: rename one"),
            ));
        }
        if s.notebook.cells[i]
            .metadata("nbgrader")
            .map(|m| &m["schema_version"])
            != Some(&3.into())
        {
            found.push(s.at(i, "metadata.nbgrader has schema_version 3"));
        }
    }
    found
}

pub fn each_exercise_has_a_check(s: &Subject<'_>) -> Vec<Finding> {
    let all: Vec<(usize, Grader)> = graded(s).collect();
    let mut found = Vec::new();
    for (i, grader) in &all {
        if grader.solution && s.notebook.cells[*i].is_code() {
            let check = format!("{}{CHECK}", grader.id);
            let after = all.iter().any(|(j, g)| j > i && g.grade && g.id == check);
            if !after {
                found.push(s.at(
                    *i,
                    format!("there is no check cell `{check}` after this exercise: add one"),
                ));
            }
        }
        if grader.grade && !grader.solution {
            let exercise = grader.id.strip_suffix(CHECK);
            let before = all
                .iter()
                .any(|(j, g)| j < i && g.solution && Some(g.id.as_str()) == exercise);
            if !before {
                found.push(s.at(
                    *i,
                    format!(
                        "there is no exercise before the check cell `{}`: a check is named after \
                         its exercise, with `{CHECK}` added",
                        grader.id
                    ),
                ));
            }
        }
    }
    let exercises: HashSet<&str> = all
        .iter()
        .filter(|(_, g)| g.solution)
        .map(|(_, g)| g.id.as_str())
        .collect();
    for (i, cell) in s.cells() {
        for id in cell.needs() {
            if !exercises.contains(id.as_str()) {
                found.push(s.at(
                    i,
                    format!("metadata.convscope.needs names `{id}`, and there is no such exercise"),
                ));
            }
        }
    }
    found
}

pub fn checks_give_points_for_one_call(s: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, grader) in graded(s).filter(|(_, g)| g.grade && !g.solution) {
        if !grader.points.is_some_and(|p| p > 0.0) {
            found.push(s.at(
                i,
                "a check gives points: set metadata.nbgrader.points above 0",
            ));
        }
        if !grader.locked {
            found.push(s.at(i, "a check is locked: set metadata.nbgrader.locked to true"));
        }
        let source = s.notebook.cells[i].source();
        let statements = source
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        if statements.contains(';') || statements.trim().is_empty() {
            found.push(s.at(
                i,
                "a check is one call whose value is the score, without a `;`: \
                 put what it needs into the exercise or into convscope",
            ));
        }
    }
    found
}

pub fn answers_stand_in_functions(s: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, cell) in s.cells().filter(|(_, c)| c.is_code()) {
        let source = cell.source();
        match regions::find(&source, Language::Rust) {
            Err(bad) => found.extend(bad.into_iter().map(|b| s.at(i, b.what).at_line(b.line))),
            Ok(regions) => {
                if cell.is_exercise() && regions.is_empty() {
                    found.push(s.at(i, "this is an exercise without solution marks"));
                }
                for region in regions {
                    if !regions::is_inside_function(&source, &region) {
                        let what = "the answer stands in no function, so the student's stub \
                                    would panic when the cell runs: ask for a function, as in \
                                    `fn answer() -> f64 { ... }`";
                        found.push(s.at(i, what).at_line(region.begin + 1));
                    }
                }
            }
        }
    }
    found
}

pub fn score_comes_last(s: &Subject<'_>) -> Vec<Finding> {
    let call = format!("my_score(\"{}\")", s.number);
    let last = s.notebook.cells.len().saturating_sub(1);
    match s.notebook.cells.last() {
        Some(cell) if cell.is_code() && cell.source().trim() == call => Vec::new(),
        Some(_) => vec![s.at(last, format!("the last cell is `{call}`"))],
        None => Vec::new(),
    }
}
