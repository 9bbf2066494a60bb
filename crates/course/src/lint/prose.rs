//! Rules about what a reader reads.

use super::Subject;
use crate::notebook::{Finding, Kind};
use crate::outputs;

/// What fits on a laptop's screen without scrolling.
const PROSE_LINES: usize = 40;
const PROSE_CHARACTERS: usize = 1800;
const CODE_LINES: usize = 45;

pub fn first_cell_says_what_the_reader_will_learn(s: &Subject<'_>) -> Vec<Finding> {
    let Some(first) = s.notebook.cells.first() else {
        return vec![s.whole("it has no cells")];
    };
    let text = first.source();
    if first.kind() != Kind::Markdown || !text.starts_with("# ") {
        return vec![s.at(
            0,
            "a notebook begins with the title: a first cell of prose that starts with `# `",
        )];
    }
    if !text.to_lowercase().contains("able to") {
        return vec![s.at(
            0,
            "the first cell says what you will be able to do after the notebook, in those words",
        )];
    }
    Vec::new()
}

/// The level and the line of each heading, code blocks left out.
fn headings(markdown: &str) -> Vec<(usize, usize)> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (number, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let level = line.chars().take_while(|&c| c == '#').count();
        if !in_code && (1..=6).contains(&level) && line[level..].starts_with(' ') {
            found.push((level, number + 1));
        }
    }
    found
}

pub fn headings_go_down_one_step_at_a_time(s: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut above = 0;
    for (i, cell) in s.cells().filter(|(_, c)| c.kind() == Kind::Markdown) {
        for (level, line) in headings(&cell.source()) {
            let what = if level == 1 && above > 0 {
                "a notebook has one title: make this heading `##` or deeper".to_string()
            } else if level > above + 1 && above > 0 {
                format!("a heading goes from level {above} to level {level}: skip no level")
            } else {
                above = level;
                continue;
            };
            above = level.max(1);
            found.push(s.at(i, what).at_line(line));
        }
    }
    found
}

pub fn no_cell_needs_a_scroll(s: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, cell) in s.cells() {
        let text = cell.source();
        let (lines, characters) = (text.lines().count(), text.chars().count());
        match cell.kind() {
            Kind::Code if lines > CODE_LINES => found.push(s.at(
                i,
                format!("{lines} lines of code, and {CODE_LINES} fit a screen: split the cell"),
            )),
            Kind::Markdown if lines > PROSE_LINES => found.push(s.at(
                i,
                format!("{lines} lines of prose, and {PROSE_LINES} fit a screen: split the cell"),
            )),
            Kind::Markdown if characters > PROSE_CHARACTERS => found.push(s.at(
                i,
                format!(
                    "{characters} characters of prose, and {PROSE_CHARACTERS} fit a screen: \
                     split the cell"
                ),
            )),
            _ => {}
        }
    }
    found
}

pub fn figures_have_text_beside_them(s: &Subject<'_>) -> Vec<Finding> {
    let is_prose = |i: Option<usize>| {
        i.and_then(|i| s.notebook.cells.get(i))
            .is_some_and(|c| c.kind() == Kind::Markdown)
    };
    s.cells()
        .filter(|(_, cell)| outputs::has_figure(cell))
        .filter(|&(i, _)| !is_prose(i.checked_sub(1)) && !is_prose(Some(i + 1)))
        .map(|(i, _)| {
            s.at(
                i,
                "a figure has text before or after it: say what it shows and what to notice",
            )
        })
        .collect()
}
