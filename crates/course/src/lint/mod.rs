//! `cargo course lint`: mistakes that an author makes, found before a reader finds them.
//!
//! Each rule looks at one solution notebook and says what is wrong, where, and what to do. The
//! rules are about form; whether the notebook works is `cargo course run`'s question.

mod code;
mod grading;
mod prose;
mod saved;

use crate::notebook::{self, Cell, Entry, Finding, Notebook};
use crate::paths::Paths;
use crate::student;
use anyhow::Result;
use std::collections::HashMap;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// Notebooks to look at, by number or name [default: all]
    names: Vec<String>,
}

/// One notebook under the rules.
struct Subject<'a> {
    /// `01_convolution`
    stem: &'a str,
    /// `01`
    number: &'a str,
    notebook: &'a Notebook,
}

impl Subject<'_> {
    fn cells(&self) -> impl Iterator<Item = (usize, &Cell)> {
        self.notebook.cells.iter().enumerate()
    }

    fn at(&self, index: usize, what: impl Into<String>) -> Finding {
        Finding::of_cell(self.stem, index, &self.notebook.cells[index], what)
    }

    fn whole(&self, what: impl Into<String>) -> Finding {
        Finding::of_notebook(self.stem, what)
    }
}

type Rule = fn(&Subject<'_>) -> Vec<Finding>;

const RULES: [Rule; 16] = [
    prose::first_cell_says_what_the_reader_will_learn,
    prose::headings_go_down_one_step_at_a_time,
    prose::no_cell_needs_a_scroll,
    prose::figures_have_text_beside_them,
    code::kernel_is_ours,
    code::cell_ids_are_unique,
    code::one_dependency_line_comes_first,
    code::no_path_leads_out_of_the_repository,
    grading::ids_are_unique_and_named_after_the_notebook,
    grading::each_exercise_has_a_check,
    grading::checks_give_points_for_one_call,
    grading::answers_stand_in_functions,
    grading::score_comes_last,
    saved::solutions_ran_without_failure,
    saved::checks_passed_and_teach,
    saved::outputs_survive_an_untrusted_reader,
];

/// A notebook larger than this is slow to open and to clone.
const MOST_BYTES: usize = 3 << 20;

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let all_well = if args.names.is_empty() {
        lint_all(&paths)?
    } else {
        let entries = notebook::select(&paths, &args.names)?;
        report(&entries, &findings(&entries)?)
    };
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Looks at every notebook, and says whether there was no mistake.
pub fn lint_all(paths: &Paths) -> Result<bool> {
    let entries = notebook::select(paths, &[])?;
    let mut found = findings(&entries)?;
    found.extend(student::orphans(paths, &entries)?);
    Ok(report(&entries, &found))
}

fn report(entries: &[Entry], found: &[Finding]) -> bool {
    for finding in found {
        println!("{finding}");
    }
    let mistakes = match found.len() {
        0 => "no mistake".to_string(),
        1 => "1 mistake".to_string(),
        n => format!("{n} mistakes"),
    };
    println!("{} notebooks looked at, {mistakes} found", entries.len());
    found.is_empty()
}

/// Every mistake in these notebooks and between them.
fn findings(entries: &[Entry]) -> Result<Vec<Finding>> {
    let mut all = Vec::new();
    let mut ids: HashMap<String, String> = HashMap::new();
    for entry in entries {
        let notebook = Notebook::read(&entry.solution)?;
        all.extend(lint(&entry.stem, &entry.number, &notebook));
        for (i, cell) in notebook.cells.iter().enumerate() {
            let Some(grader) = cell.grader() else {
                continue;
            };
            if let Some(other) = ids.insert(grader.id.clone(), entry.stem.clone())
                && other != entry.stem
            {
                let what = format!("{other} has the grade_id `{}` too: rename one", grader.id);
                all.push(Finding::of_cell(&entry.stem, i, cell, what));
            }
        }
        all.extend(student::check(entry)?);
    }
    all.dedup();
    Ok(all)
}

fn lint(stem: &str, number: &str, notebook: &Notebook) -> Vec<Finding> {
    let subject = Subject {
        stem,
        number,
        notebook,
    };
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&subject)).collect();
    let bytes = notebook.to_text().len();
    if bytes > MOST_BYTES {
        findings.push(subject.whole(format!(
            "its file has {:.1} MB, and at most {} MB are good: show smaller pictures, or fewer",
            bytes as f64 / 1e6,
            MOST_BYTES >> 20
        )));
    }
    findings.sort_by_key(|f| f.cell);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::testing::{self, check, code, exercise, markdown};
    use serde_json::{Value, json};

    fn of(notebook: &Notebook) -> Vec<String> {
        lint("01_convolution", "01", notebook)
            .iter()
            .map(Finding::to_string)
            .collect()
    }

    #[test]
    fn a_good_notebook_breaks_no_rule() {
        assert_eq!(of(&testing::good()), Vec::<String>::new());
    }

    /// The good notebook with one cell replaced, and what lint says of it.
    fn with_cell(index: usize, cell: Value) -> Vec<String> {
        let mut notebook = testing::good();
        let id = notebook.cells[index].id().unwrap().to_string();
        notebook.cells[index] = Cell::from_json(cell).unwrap();
        notebook.cells[index].0.insert("id".into(), json!(id));
        of(&notebook)
    }

    fn edited(mut cell: Value, edit: impl FnOnce(&mut Value)) -> Value {
        edit(&mut cell);
        cell
    }

    fn result(mut cell: Value, data: Value) -> Value {
        cell["outputs"] = json!([{"output_type": "execute_result", "metadata": {},
            "execution_count": 1, "data": data}]);
        cell
    }

    const ANSWER: &str = "fn f() -> f64 {\n    // BEGIN SOLUTION\n    1.0\n    // END SOLUTION\n}";

    #[test]
    fn each_mistake_is_found_and_placed() {
        let first = testing::FIRST_CODE;
        let panic = json!([{"output_type": "stream", "name": "stderr",
            "text": "thread 'x' panicked at src/lib.rs:1:1:\noh\n"}]);
        let inline = json!({"text/html": "<svg></svg>", "text/plain": "plot"});
        let long = "let x = 1;\n".repeat(46);
        let cases: Vec<(usize, Value, &str)> = vec![
            // Prose.
            (
                0,
                markdown("## Convolution, able to"),
                "begins with the title",
            ),
            (
                0,
                markdown("# 01 · Convolution\n\nHello."),
                "what you will be able to do",
            ),
            (0, code("1"), "begins with the title"),
            (2, markdown("### Size"), "from level 1 to level 3"),
            (2, markdown("# Size"), "one title"),
            (
                2,
                markdown("```\n# no heading\n```\n\n#### Size"),
                "from level 1 to level 4",
            ),
            (2, markdown(&"word\n".repeat(41)), "41 lines"),
            (2, markdown(&"w".repeat(1801)), "1801 characters"),
            (2, code(&long), "46 lines"),
            // Code.
            (1, code("use convscope::prelude::*;"), ":dep convscope"),
            (1, code(&first.replace("../../", "../")), ":dep convscope"),
            (
                1,
                code(&first.replace("use convscope::prelude::*;", "1")),
                "use convscope::prelude",
            ),
            (1, code(&format!("// first\n{first}")), ":dep convscope"),
            (2, code(":dep ndarray = \"0.16\""), "only dependency"),
            (2, code("load(\"/home/ada/x.png\")"), "`/home/ada/x.png`"),
            (2, code("load(\"../../data/x.png\")"), "`../../`"),
            (
                2,
                result(code("x"), json!({"text/plain": "/home/ada/x"})),
                "`/home/ada/x`",
            ),
            // Grading.
            (3, exercise("size", ANSWER), "`01-`"),
            (
                3,
                exercise("01-other", ANSWER),
                "no check cell `01-other-check`",
            ),
            (4, check("01-other", 2.0), "no exercise"),
            (
                4,
                edited(check("01-size", 2.0), |c| {
                    c["metadata"]["nbgrader"]["points"] = json!(0)
                }),
                "points",
            ),
            (
                4,
                edited(check("01-size", 2.0), |c| {
                    c["metadata"]["nbgrader"]["points"] = json!(3)
                }),
                "gives 2 points at most",
            ),
            (
                4,
                edited(check("01-size", 2.0), |c| {
                    c["metadata"]["nbgrader"]["locked"] = json!(false)
                }),
                "locked",
            ),
            (
                4,
                edited(check("01-size", 2.0), |c| {
                    c["metadata"]["nbgrader"]["schema_version"] = json!(2)
                }),
                "schema_version",
            ),
            (
                4,
                edited(check("01-size", 2.0), |c| {
                    c["source"] = json!("let x = 1;\ncheck(x)")
                }),
                "one call",
            ),
            (
                3,
                exercise(
                    "01-size",
                    "let a: f64 = {\n    // BEGIN SOLUTION\n    1.0\n    // END SOLUTION\n};",
                ),
                "fn answer()",
            ),
            (
                3,
                exercise("01-size", "fn f() {}"),
                "without solution marks",
            ),
            (6, code("1"), "my_score(\"01\")"),
            (6, code("my_score(\"02\")"), "my_score(\"01\")"),
            (
                2,
                edited(code("1"), |c| {
                    c["metadata"]["convscope"] = json!({"needs": ["01-none"]})
                }),
                "`01-none`",
            ),
            // Saved outputs.
            (
                2,
                edited(code("x"), |c| c["outputs"] = panic.clone()),
                "panicked: oh",
            ),
            (
                2,
                edited(code("x"), |c| c["execution_count"] = Value::Null),
                "never ran",
            ),
            (
                2,
                edited(code("x"), |c| {
                    c["metadata"]["tags"] = json!(["raises-exception"])
                }),
                "did not fail",
            ),
            (
                2,
                edited(code("x"), |c| {
                    c["metadata"]["convscope"] = json!({"expect": {"text": ["loss"]}})
                }),
                "\"loss\"",
            ),
            (
                2,
                edited(code("x"), |c| {
                    c["metadata"]["convscope"] = json!({"expect": {"texts": []}})
                }),
                "expect.texts",
            ),
            (4, check("01-size", 1.0), "1 of 2 points"),
            (
                4,
                edited(check("01-size", 2.0), |c| c["outputs"] = json!([])),
                "one result",
            ),
            (
                2,
                result(code("x"), json!({"text/plain": convscope_data::STAND_IN})),
                "InkDigits in MNIST's place",
            ),
            (2, result(code("x"), inline), "inline <svg>"),
            (
                2,
                result(code("x"), json!({"image/svg+xml": "<svg/>"})),
                "image/svg+xml",
            ),
            (
                2,
                result(
                    code("x"),
                    json!({"text/html": "<script>1</script>", "text/plain": "x"}),
                ),
                "<script>",
            ),
            (
                2,
                result(code("x"), json!({"text/html": "<b>1</b>"})),
                "plain-text",
            ),
        ];
        for (index, cell, expected) in cases {
            let found = with_cell(index, cell);
            let place = format!("01_convolution, cell {}", index + 1);
            let hit = found.iter().any(|f| {
                f.contains(expected) && (f.starts_with(&place) || f.starts_with("01_convolution:"))
            });
            assert!(hit, "expected `{expected}` in {place}, got {found:#?}");
        }
    }

    #[test]
    fn a_figure_between_two_cells_of_code_lacks_its_text() {
        let figure =
            json!({"text/html": "<img src=\"data:image/png;base64,AA\">", "text/plain": "x"});
        let figure = edited(result(code("plot()"), figure), |c| {
            c["id"] = json!("figure")
        });
        let mut notebook = testing::good();
        notebook
            .cells
            .insert(4, Cell::from_json(figure.clone()).unwrap());
        let found = of(&notebook);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("01_convolution, cell 5: a figure has text before or after"));

        let mut notebook = testing::good();
        notebook.cells.insert(3, Cell::from_json(figure).unwrap());
        assert_eq!(of(&notebook), Vec::<String>::new());
    }

    #[test]
    fn a_notebook_that_never_ran_is_told_so_once() {
        let notebook = student::generate("01_convolution", &testing::good()).unwrap();
        let found = of(&notebook);
        let unrun = found.iter().filter(|f| f.contains("never ran"));
        assert_eq!(unrun.count(), 1, "{found:#?}");
    }

    #[test]
    fn too_few_checks_or_hints_are_a_mistake() {
        for (old, new, expected) in [
            ("data-checks=\\\"3\\\"", "data-checks=\\\"1\\\"", "1 check,"),
            ("data-hints=\\\"2\\\"", "data-hints=\\\"1\\\"", "1 hint,"),
            (
                "data-exercise=\\\"01-size",
                "data-exercise=\\\"01-x",
                "`01-x`",
            ),
        ] {
            let text = testing::good().to_text();
            let changed = text.replace(old, new);
            assert_ne!(changed, text);
            let found = of(&Notebook::parse(&changed).unwrap());
            assert!(found.iter().any(|f| f.contains(expected)), "{found:#?}");
        }
    }

    #[test]
    fn a_foreign_kernel_a_repeated_id_and_a_large_file_are_mistakes() {
        let text = testing::good().to_text();
        let padding = format!("x{}", "y".repeat(MOST_BYTES));
        for (old, new, expected) in [
            ("\"name\": \"rust\"", "\"name\": \"python3\"", "kernel"),
            ("\"id\": \"cell-2\"", "\"id\": \"cell-1\"", "`cell-1`"),
            ("\"id\": \"cell-2\"", "\"id\": \"a b\"", "`a b`"),
            ("\"id\": \"cell-2\",\n", "", "no id"),
            ("How large", &padding, "MB"),
        ] {
            let changed = text.replace(old, new);
            assert_ne!(changed, text);
            let found = of(&Notebook::parse(&changed).unwrap());
            assert!(
                found.iter().any(|f| f.contains(expected)),
                "{expected}: {found:?}"
            );
        }
    }

    #[test]
    fn a_grade_id_belongs_to_one_notebook() {
        let folder = testing::folder();
        let mut entries = Vec::new();
        for stem in ["01_a", "02_b"] {
            let entry = Entry {
                number: stem[..2].into(),
                stem: stem.into(),
                solution: folder.path().join(format!("solutions/{stem}.ipynb")),
                student: folder.path().join(format!("{stem}.ipynb")),
            };
            testing::good().save(&entry.solution).unwrap();
            student::make(&entry).unwrap();
            entries.push(entry);
        }
        let found = findings(&entries).unwrap();
        let text: Vec<String> = found.iter().map(Finding::to_string).collect();
        assert!(
            text.iter()
                .any(|f| f.starts_with("02_b, cell 4: 01_a has the grade_id `01-size` too")),
            "{text:#?}"
        );
    }
}
