//! Rules about the file and its code.

use super::Subject;
use crate::machine_paths;
use crate::notebook::{Finding, outputs_text};
use crate::student::PATH_IN_SOLUTION;
use std::collections::HashSet;

pub fn kernel_is_ours(s: &Subject<'_>) -> Vec<Finding> {
    match s.notebook.kernel_name() {
        Some("rust") => Vec::new(),
        other => vec![s.whole(format!(
            "its kernel is `{}`: choose \"Rust (Convscope)\", whose kernelspec is named `rust`",
            other.unwrap_or("none")
        ))],
    }
}

pub fn cell_ids_are_unique(s: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (i, cell) in s.cells() {
        let Some(id) = cell.id() else {
            found.push(s.at(
                i,
                "the cell has no id, as notebooks of format 4.5 do: give it one",
            ));
            continue;
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if id.is_empty() || id.len() > 64 || !id.chars().all(allowed) {
            found.push(s.at(
                i,
                format!("the cell's id `{id}` is not 1 to 64 of letters, digits, - and _"),
            ));
        }
        if !seen.insert(id) {
            found.push(s.at(
                i,
                format!("an earlier cell has the id `{id}` too: change one"),
            ));
        }
    }
    found
}

pub fn one_dependency_line_comes_first(s: &Subject<'_>) -> Vec<Finding> {
    let dependency = format!(":dep convscope = {{ path = \"{PATH_IN_SOLUTION}\" }}");
    let import = "use convscope::prelude::*;";
    let mut found = Vec::new();
    let mut code = s.cells().filter(|(_, c)| c.is_code());
    let Some((first, cell)) = code.next() else {
        return vec![s.whole("it has no code")];
    };
    let source = cell.source();
    if source.lines().next() != Some(&dependency) {
        found.push(s.at(
            first,
            format!("the first cell of code begins with the line `{dependency}`"),
        ));
    }
    if !source.lines().any(|l| l.trim() == import) {
        found.push(s.at(
            first,
            format!("the first cell of code has the line `{import}`"),
        ));
    }
    let more = |source: String, skip: usize| -> Vec<usize> {
        let lines = source.lines().enumerate().skip(skip);
        lines
            .filter(|(_, l)| l.trim_start().starts_with(":dep"))
            .map(|(n, _)| n + 1)
            .collect()
    };
    for (i, cell) in std::iter::once((first, cell)).chain(code) {
        for line in more(cell.source(), usize::from(i == first)) {
            let what = "convscope is the only dependency, since several unpin each other: \
                        have it offer what is needed here";
            found.push(s.at(i, what).at_line(line));
        }
    }
    found
}

pub fn no_path_leads_out_of_the_repository(s: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, cell) in s.cells() {
        let source = cell.source();
        for (number, line) in source.lines().enumerate() {
            if let Some(path) = machine_paths::find(line) {
                let what = format!("`{path}` is a path of one machine: use one that all have");
                found.push(s.at(i, what).at_line(number + 1));
            }
            if cell.is_code() && line.contains("../../") && !line.starts_with(":dep") {
                let what = "`../../` leads elsewhere from the student's notebook, which stands \
                            one folder higher: ask convscope for the folder";
                found.push(s.at(i, what).at_line(number + 1));
            }
        }
        if let Some(path) = machine_paths::find(&outputs_text(cell.outputs())) {
            let what = format!("its output shows `{path}`, a path of one machine: print none");
            found.push(s.at(i, what));
        }
    }
    found
}
