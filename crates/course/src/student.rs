//! The students' notebooks, made from the solutions: answers become stubs that compile and fail
//! their checks, outputs go, and the one path that differs is rewritten.

use crate::notebook::{self, Entry, Finding, Kind, Notebook};
use crate::paths::Paths;
use crate::regions::{self, Language};
use anyhow::{Context, Result};
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// Notebooks to make, by number or name [default: all]
    names: Vec<String>,
    /// Write nothing; fail if a student notebook is not what would be written
    #[arg(long)]
    check: bool,
}

/// How the facade is reached from `notebooks/solutions/` and from `notebooks/`.
pub const PATH_IN_SOLUTION: &str = "../../crates/convscope";
pub const PATH_IN_STUDENT: &str = "../crates/convscope";

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let entries = notebook::select(&paths, &args.names)?;
    let mut findings = Vec::new();
    for entry in &entries {
        if args.check {
            findings.extend(check(entry)?);
        } else {
            findings.extend(make(entry)?);
        }
    }
    if args.names.is_empty() {
        findings.extend(orphans(&paths, &entries)?);
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        if args.check {
            println!("{} student notebooks are up to date", entries.len());
        }
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Writes the student notebook, and says so.
pub fn make(entry: &Entry) -> Result<Vec<Finding>> {
    let solution = Notebook::read(&entry.solution)?;
    let student = match generate(&entry.stem, &solution) {
        Ok(student) => student,
        Err(findings) => return Ok(findings),
    };
    let text = student.to_text();
    let exercises = student.cells.iter().filter(|c| c.is_exercise()).count();
    let unchanged = std::fs::read_to_string(&entry.student).is_ok_and(|old| old == text);
    if !unchanged {
        notebook::write_atomically(&entry.student, &text)?;
    }
    println!(
        "notebooks/{}.ipynb: {exercises} exercises, {}",
        entry.stem,
        if unchanged { "unchanged" } else { "written" }
    );
    Ok(Vec::new())
}

/// What is wrong with the student notebook that is there.
pub fn check(entry: &Entry) -> Result<Vec<Finding>> {
    let solution = Notebook::read(&entry.solution)?;
    let expected = match generate(&entry.stem, &solution) {
        Ok(student) => student,
        Err(findings) => return Ok(findings),
    };
    let remake = format!("run `cargo course student {}`", entry.number);
    let of_notebook = |what: String| Finding::of_notebook(&entry.stem, what);
    if !entry.student.is_file() {
        return Ok(vec![of_notebook(format!(
            "it has no student version: {remake}"
        ))]);
    }
    let text = std::fs::read_to_string(&entry.student)
        .with_context(|| format!("{} cannot be read", entry.student.display()))?;
    if text == expected.to_text() {
        return Ok(Vec::new());
    }
    let found = Notebook::parse(&text)
        .with_context(|| format!("{} is not a notebook", entry.student.display()))?;
    let differs = expected
        .cells
        .iter()
        .zip(&found.cells)
        .position(|(a, b)| a != b && a.source() != b.source());
    let leftover = found.cells.iter().position(|c| !c.outputs().is_empty());
    Ok(vec![match (differs, leftover) {
        (Some(i), _) => Finding::of_cell(
            &entry.stem,
            i,
            &expected.cells[i],
            format!("the student version differs from the solution here: {remake}"),
        ),
        (None, Some(i)) => Finding::of_cell(
            &entry.stem,
            i,
            &found.cells[i],
            format!("the student version has outputs: {remake}"),
        ),
        (None, None) => of_notebook(format!(
            "the student version is not what the solution makes: {remake}"
        )),
    }])
}

/// Student notebooks without a solution: nobody could remake them.
pub fn orphans(paths: &Paths, entries: &[Entry]) -> Result<Vec<Finding>> {
    let mut orphans = Vec::new();
    for file in std::fs::read_dir(paths.notebooks())? {
        let name = file?.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".ipynb") else {
            continue;
        };
        if !entries.iter().any(|e| e.stem == stem) {
            orphans.push(Finding::of_notebook(
                stem,
                format!(
                    "notebooks/{name} has no solution in notebooks/solutions: write one, or remove it"
                ),
            ));
        }
    }
    orphans.sort_by(|a, b| a.notebook.cmp(&b.notebook));
    Ok(orphans)
}

/// The student's version of a solution notebook.
pub fn generate(stem: &str, solution: &Notebook) -> Result<Notebook, Vec<Finding>> {
    let mut student = solution.clone();
    let mut findings = Vec::new();
    for (i, cell) in student.cells.iter_mut().enumerate() {
        cell.clear();
        let language = match cell.kind() {
            Kind::Code => Language::Rust,
            Kind::Markdown => Language::Markdown,
            Kind::Raw => continue,
        };
        let source = cell.source();
        let regions = match regions::find(&source, language) {
            Ok(regions) => regions,
            Err(bad) => {
                findings.extend(
                    bad.into_iter()
                        .map(|b| Finding::of_cell(stem, i, cell, b.what).at_line(b.line)),
                );
                continue;
            }
        };
        if let Err(what) = marks_fit_metadata(cell, regions.len()) {
            findings.push(Finding::of_cell(stem, i, cell, what));
            continue;
        }
        let text = regions::without_answers(&source, &regions, language);
        cell.set_source(match language {
            Language::Rust => text.replace(
                &format!("\"{PATH_IN_SOLUTION}\""),
                &format!("\"{PATH_IN_STUDENT}\""),
            ),
            // Links and pictures: the student's notebook stands one folder higher.
            Language::Markdown => text
                .replace("](../../", "](../")
                .replace("=\"../../", "=\"../"),
        });
    }
    if findings.is_empty() {
        Ok(student)
    } else {
        Err(findings)
    }
}

/// An answer that nobody marked would be given away; a mark that nobody grades would be lost.
fn marks_fit_metadata(cell: &notebook::Cell, regions: usize) -> Result<(), &'static str> {
    match (cell.is_exercise(), regions) {
        (true, 0) => Err(
            "this is an exercise (metadata.nbgrader.solution is true) without solution marks: \
             put `// BEGIN SOLUTION: what to write` and `// END SOLUTION` around the answer",
        ),
        (false, 1..) => Err("there are solution marks in a cell that is no exercise: \
             set metadata.nbgrader with solution true and a grade_id"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::testing::{self, code, exercise, markdown};

    #[test]
    fn the_students_version_has_stubs_its_own_path_and_no_outputs() {
        let solution = testing::good();
        let student = generate("01_convolution", &solution).unwrap();
        assert_eq!(student.cells.len(), solution.cells.len());
        assert_eq!(
            student.cells[1].source(),
            ":dep convscope = { path = \"../crates/convscope\" }\nuse convscope::prelude::*;"
        );
        assert_eq!(
            student.cells[3].source(),
            "fn f(n: usize) -> usize {\n    todo!(\"write the size\")\n}"
        );
        for (a, b) in student.cells.iter().zip(&solution.cells) {
            assert_eq!(a.id(), b.id());
            assert!(a.outputs().is_empty() && a.execution_count().is_none());
            assert_eq!(a.metadata("nbgrader"), b.metadata("nbgrader"));
        }
        assert!(!student.to_text().contains("n + 1"));
        assert!(!student.to_text().contains("SOLUTION"));
    }

    #[test]
    fn links_lead_to_the_same_file_from_one_folder_higher() {
        let solution = testing::notebook(vec![markdown(
            "[a](../../docs/a.md) <img src=\"../../docs/b.png\"> [c](../02.ipynb)",
        )]);
        let student = generate("x", &solution).unwrap();
        assert_eq!(
            student.cells[0].source(),
            "[a](../docs/a.md) <img src=\"../docs/b.png\"> [c](../02.ipynb)"
        );
    }

    #[test]
    fn a_mistake_names_notebook_cell_and_line() {
        let open = "fn f() {\n    // BEGIN SOLUTION\n    1\n}";
        for (cell, expected) in [
            (
                exercise("01-a", open),
                "01_x, cell 2, line 2: the solution that begins here never ends",
            ),
            (
                exercise("01-a", "fn f() {}"),
                "01_x, cell 2: this is an exercise",
            ),
            (
                code("// BEGIN SOLUTION\n1\n// END SOLUTION"),
                "01_x, cell 2: there are solution marks",
            ),
        ] {
            let findings =
                generate("01_x", &testing::notebook(vec![markdown("# X"), cell])).unwrap_err();
            let text = findings[0].to_string();
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn a_stale_student_version_is_found_and_remade() {
        let folder = testing::folder();
        let entry = Entry {
            number: "01".into(),
            stem: "01_convolution".into(),
            solution: folder.path().join("solutions/01_convolution.ipynb"),
            student: folder.path().join("01_convolution.ipynb"),
        };
        let only = |entry: &Entry| check(entry).unwrap().first().map(Finding::to_string);
        let mut solution = testing::good();
        solution.save(&entry.solution).unwrap();
        assert!(only(&entry).unwrap().contains("has no student version"));

        assert!(make(&entry).unwrap().is_empty());
        assert_eq!(only(&entry), None);

        solution.cells[2].set_source("## Size\n\nHow wide is the output?".into());
        solution.save(&entry.solution).unwrap();
        assert!(
            only(&entry)
                .unwrap()
                .starts_with("01_convolution, cell 3: ")
        );

        solution = testing::good();
        solution.save(&entry.solution).unwrap();
        let mut with_output = generate("01_convolution", &solution).unwrap();
        with_output.cells[4] = solution.cells[4].clone();
        with_output.save(&entry.student).unwrap();
        assert!(
            only(&entry)
                .unwrap()
                .contains("the student version has outputs")
        );
    }
}
