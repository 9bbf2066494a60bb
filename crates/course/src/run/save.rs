//! Keeping a run's outputs in the solution notebook, without what belongs to this machine or to
//! this hour.

use crate::machine_paths;
use crate::notebook::{Cell, Entry, Finding, Notebook, outputs_text};
use crate::outputs;
use crate::paths::Paths;
use crate::student;
use anyhow::Result;
use serde_json::Value;
use std::path::Path;

/// Writes the executed notebook over the solution, or says why it may not be kept.
pub fn save(paths: &Paths, entry: &Entry, executed: &Notebook) -> Result<Vec<Finding>> {
    let (kept, findings) = normalised(&entry.stem, executed, &paths.root);
    if findings.is_empty() {
        kept.save(&entry.solution)?;
        println!("notebooks/solutions/{}.ipynb: outputs saved", entry.stem);
        return student::make(entry);
    }
    Ok(findings)
}

/// Counts from 1 in order, paths relative to the repository, no traces of the run in metadata.
fn normalised(stem: &str, executed: &Notebook, root: &Path) -> (Notebook, Vec<Finding>) {
    let mut kept = executed.clone();
    let mut findings = Vec::new();
    let mut count = 0;
    for (i, cell) in kept.cells.iter_mut().enumerate() {
        if let Some(Value::Object(metadata)) = cell.0.get_mut("metadata") {
            metadata.remove("execution");
        }
        if !cell.is_code() {
            continue;
        }
        let ran = cell.execution_count().is_some();
        count += u64::from(ran);
        let count = if ran { Value::from(count) } else { Value::Null };
        renumber(cell, &count);
        if let Some(Value::Array(outputs)) = cell.0.get_mut("outputs") {
            outputs.iter_mut().for_each(|o| clean(o, root));
        }
        if outputs::stands_in(cell) {
            let what = "MNIST was not to be had and InkDigits took its place, so nothing was \
                        saved: run `cargo course fetch mnist` first";
            findings.push(Finding::of_cell(stem, i, cell, what));
        }
        if let Some(path) = machine_paths::find(&outputs_text(cell.outputs())) {
            let what = format!(
                "its output shows `{path}`, a path of this machine, so nothing was saved: \
                 print a name instead"
            );
            findings.push(Finding::of_cell(stem, i, cell, what));
        }
    }
    (kept, findings)
}

fn renumber(cell: &mut Cell, count: &Value) {
    cell.0.insert("execution_count".into(), count.clone());
    if let Some(Value::Array(outputs)) = cell.0.get_mut("outputs") {
        for output in outputs.iter_mut().filter_map(Value::as_object_mut) {
            if output.contains_key("execution_count") {
                output.insert("execution_count".into(), count.clone());
            }
        }
    }
}

/// Takes out of the texts what is this machine's or this run's.
fn clean(value: &mut Value, root: &Path) {
    match value {
        Value::String(text) => {
            *text = without_thread_number(&machine_paths::make_relative(text, root));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| clean(v, root)),
        Value::Object(map) => map.values_mut().for_each(|v| clean(v, root)),
        _ => {}
    }
}

/// `thread '<unnamed>' (11814) panicked at`: the number is another in every run.
fn without_thread_number(line: &str) -> String {
    let cut = line.strip_prefix("thread '").and_then(|rest| {
        let (name, rest) = rest.split_once("' (")?;
        let (number, rest) = rest.split_once(')')?;
        let is_number = number.chars().all(|c| c.is_ascii_digit());
        is_number.then(|| format!("thread '{name}'{rest}"))
    });
    cut.unwrap_or_else(|| line.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::testing::{self, code, markdown};
    use serde_json::json;

    fn executed(text: &str) -> Notebook {
        let mut first = code("1");
        first["execution_count"] = json!(2);
        let mut second = code("2");
        second["execution_count"] = json!(7);
        second["metadata"] = json!({"execution": {"iopub.status.busy": "2026"}, "tags": ["kept"]});
        second["outputs"] = json!([{"output_type": "execute_result", "execution_count": 7,
            "metadata": {}, "data": {"text/plain": text}}]);
        testing::notebook(vec![markdown("# X"), first, code(""), second])
    }

    #[test]
    fn a_saved_run_has_counts_in_order_and_no_times_or_paths() {
        let notebook = executed("read /srv/convscope/data/x.png");
        let (kept, findings) = normalised("01_x", &notebook, Path::new("/srv/convscope"));
        assert_eq!(findings, []);
        let cell = &kept.cells[3];
        assert_eq!(kept.cells[1].execution_count(), Some(1));
        assert_eq!(cell.execution_count(), Some(3));
        assert_eq!(cell.outputs()[0]["execution_count"], 3);
        assert_eq!(cell.outputs()[0]["data"]["text/plain"], "read data/x.png");
        assert_eq!(cell.0["metadata"], json!({"tags": ["kept"]}));
    }

    #[test]
    fn a_path_of_this_machine_is_not_saved() {
        let notebook = executed("read /home/ada/x.png");
        let (_, findings) = normalised("01_x", &notebook, Path::new("/srv/convscope"));
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0]
                .to_string()
                .contains("cell 4: its output shows `/home/ada/x.png`")
        );
    }

    #[test]
    fn a_panics_thread_goes_unnumbered() {
        for (line, cleaned) in [
            (
                "thread '<unnamed>' (118) panicked at src",
                "thread '<unnamed>' panicked at src",
            ),
            (
                "thread 'main' panicked at x (3)",
                "thread 'main' panicked at x (3)",
            ),
            ("see thread 'a' (2)", "see thread 'a' (2)"),
        ] {
            assert_eq!(without_thread_number(line), cleaned);
        }
    }

    #[test]
    fn outputs_made_with_other_data_are_not_saved() {
        let notebook = executed(&format!("{}, digits", convscope_data::STAND_IN));
        let (_, findings) = normalised("01_x", &notebook, Path::new("/srv/convscope"));
        assert!(
            findings[0]
                .to_string()
                .contains("cell 4: MNIST was not to be had")
        );
    }

    #[test]
    fn saving_twice_changes_nothing() {
        let root = Path::new("/srv/convscope");
        let (once, _) = normalised("01_x", &executed("3"), root);
        let (twice, _) = normalised("01_x", &once, root);
        assert_eq!(once.to_text(), twice.to_text());
    }
}
