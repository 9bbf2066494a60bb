//! Whether a run went well. That the kernel reported no error proves nothing, so each cell's
//! outputs are read.

use super::execute::Executed;
use crate::notebook::{Cell, Entry, Finding, Notebook};
use crate::outputs;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Version {
    /// Everything works and every check gives its full points.
    Solution,
    /// Every check gives none, and nothing else fails but cells that need an answer.
    Student,
}

pub fn judge(entry: &Entry, executed: &Executed, version: Version) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(
        executed
            .problem
            .iter()
            .map(|problem| Finding::of_notebook(&entry.stem, problem)),
    );
    for (i, cell) in executed.notebook.cells.iter().enumerate() {
        let faults = if !cell.is_executable() {
            continue;
        } else if cell.execution_count().is_none() {
            // After a cell that ended the run, those below it are no news.
            match executed.problem {
                Some(_) => continue,
                None => vec!["it was not executed".to_string()],
            }
        } else {
            cell_faults(cell, executed, version)
        };
        let placed = faults
            .into_iter()
            .map(|fault| Finding::of_cell(&entry.stem, i, cell, fault));
        found.extend(placed);
    }
    found
}

fn cell_faults(cell: &Cell, executed: &Executed, version: Version) -> Vec<String> {
    let may_fail = version == Version::Student && !cell.needs().is_empty();
    let mut faults = Vec::new();
    let failures = outputs::failures(cell);
    if cell.is_meant_to_fail() {
        if failures.is_empty() {
            faults.push("it has the tag `raises-exception` and did not fail".into());
        }
    } else if !may_fail {
        faults.extend(failures);
    }
    if !may_fail {
        faults.extend(outputs::missing(cell));
    }
    if let Some(grader) = cell.grader().filter(|g| g.grade && !g.solution) {
        let max = grader.points.unwrap_or(0.0);
        let exercise = grader.id.strip_suffix("-check").unwrap_or(&grader.id);
        faults.extend(match outputs::score(cell) {
            Ok(score) => score_fault(score.points, max, version)
                .or_else(|| record_fault(executed, exercise, score.points, version)),
            Err(what) => Some(what),
        });
    }
    faults
}

fn score_fault(points: f64, max: f64, version: Version) -> Option<String> {
    match version {
        Version::Solution => {
            (points != max).then(|| format!("the solution got {points} of {max} points"))
        }
        Version::Student => (points != 0.0).then(|| {
            format!("the unsolved exercise got {points} of {max} points, and must get none")
        }),
    }
}

/// A score of which `progress` would not know, or would know something else.
fn record_fault(
    executed: &Executed,
    exercise: &str,
    points: f64,
    version: Version,
) -> Option<String> {
    let recorded = executed.recorded[exercise]["points"].as_f64();
    // What is not written yet is no attempt, and leaves no record.
    let is_unsolved = version == Version::Student && recorded.is_none();
    (recorded != Some(points) && !is_unsolved).then(|| {
        let recorded = recorded.map_or("nothing".to_string(), |p| p.to_string());
        format!("the check gave {points} points, and recorded {recorded} for `progress`")
    })
}

/// The sum of what the checks gave.
pub fn points(notebook: &Notebook) -> f64 {
    let checks = notebook.cells.iter().filter(|c| c.is_check());
    checks
        .filter_map(|c| outputs::score(c).ok())
        .fold(0.0, |sum, score| sum + score.points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::testing::{self, check, code};
    use serde_json::{Value, json};

    fn verdict(version: Version, got: f64, edit: impl FnOnce(&mut Executed)) -> Vec<String> {
        let mut executed = Executed {
            problem: None,
            recorded: json!({"01-size": {"points": got}}),
            ..Executed::nothing(testing::good())
        };
        let id = executed.notebook.cells[4].0["id"].clone();
        let mut cell = check("01-size", got);
        cell["id"] = id;
        executed.notebook.cells[4] = Cell::from_json(cell).unwrap();
        edit(&mut executed);
        let entry = Entry {
            number: "01".into(),
            stem: "01_x".into(),
            solution: "".into(),
            student: "".into(),
        };
        judge(&entry, &executed, version)
            .iter()
            .map(Finding::to_string)
            .collect()
    }

    fn failing(extra: Value) -> Cell {
        let mut cell = code("y");
        cell["metadata"] = extra;
        cell["outputs"] = json!([{"output_type": "stream", "name": "stderr",
            "text": "thread 'x' (1) panicked at src/lib.rs:1:1:\nnot yet implemented: write it\n"}]);
        Cell::from_json(cell).unwrap()
    }

    #[test]
    fn a_solution_passes_with_full_points_and_a_student_version_with_none() {
        for (version, got, expected) in [
            (Version::Solution, 2.0, None),
            (Version::Solution, 1.5, Some("the solution got 1.5 of 2")),
            (Version::Student, 0.0, None),
            (Version::Student, 0.5, Some("the unsolved exercise got 0.5")),
        ] {
            let found = verdict(version, got, |_| {});
            match expected {
                None => assert_eq!(found, Vec::<String>::new()),
                Some(text) => assert!(found.len() == 1 && found[0].contains(text), "{found:?}"),
            }
        }
    }

    #[test]
    fn what_goes_wrong_in_a_run_is_said() {
        type Edit = fn(&mut Executed);
        let cases: [(Edit, &str); 6] = [
            (
                |e| e.notebook.cells[6] = failing(json!({})),
                "cell 7: it panicked: not yet",
            ),
            (
                |e| e.notebook.cells[6] = failing(json!({"convscope": {"needs": ["01-size"]}})),
                "cell 7: it panicked: not yet",
            ),
            (
                |e| {
                    e.notebook.cells[1] = Cell::from_json(json!({"cell_type": "code", "source": "1",
                    "metadata": {"tags": ["raises-exception"]}, "outputs": [], "execution_count": 1})).unwrap()
                },
                "cell 2: it has the tag `raises-exception` and did not fail",
            ),
            (
                |e| {
                    drop(
                        e.notebook.cells[6]
                            .0
                            .insert("execution_count".into(), Value::Null),
                    )
                },
                "cell 7: it was not executed",
            ),
            (
                |e| e.problem = Some("the kernel died in cell 7".into()),
                "01_x: the kernel died",
            ),
            (
                |e| e.recorded = Value::Null,
                "cell 5: the check gave 2 points, and recorded nothing",
            ),
        ];
        for (edit, expected) in cases {
            let found = verdict(Version::Solution, 2.0, edit);
            assert_eq!(found.len(), 1, "{expected}: {found:?}");
            assert!(found[0].contains(expected), "{found:?}");
        }
    }

    #[test]
    fn an_unsolved_exercise_leaves_no_record() {
        let found = verdict(Version::Student, 0.0, |e| e.recorded = Value::Null);
        assert_eq!(found, Vec::<String>::new());
        let found = verdict(Version::Student, 0.0, |e| {
            e.recorded = json!({"01-size": {"points": 2.0}});
        });
        assert!(found[0].contains("recorded 2 for `progress`"), "{found:?}");
    }

    #[test]
    fn what_was_meant_to_fail_or_needs_an_answer_may() {
        let tagged = json!({"tags": ["raises-exception"]});
        let needing = json!({"convscope": {"needs": ["01-size"], "expect": {"text": ["loss"]}}});
        let edit = |cell: Cell| move |e: &mut Executed| e.notebook.cells[6] = cell;
        let none = Vec::<String>::new();
        assert_eq!(verdict(Version::Solution, 2.0, edit(failing(tagged))), none);
        assert_eq!(verdict(Version::Student, 0.0, edit(failing(needing))), none);
    }

    #[test]
    fn a_check_of_an_unsolved_exercise_may_not_break() {
        let found = verdict(Version::Student, 0.0, |e| {
            let metadata = e.notebook.cells[4].0["metadata"].clone();
            e.notebook.cells[4] = failing(metadata);
        });
        assert!(found[0].contains("it panicked"), "{found:?}");
        assert!(found[1].contains("one result, its score"), "{found:?}");
    }
}
