//! Small notebooks for tests.

use super::{Cell, Notebook};
use serde_json::{Value, json};

pub fn markdown(source: &str) -> Value {
    json!({"cell_type": "markdown", "metadata": {}, "source": source})
}

pub fn code(source: &str) -> Value {
    json!({"cell_type": "code", "metadata": {}, "source": source,
           "outputs": [], "execution_count": 1})
}

pub fn exercise(id: &str, source: &str) -> Value {
    let mut cell = code(source);
    cell["metadata"]["nbgrader"] = json!({"schema_version": 3, "grade_id": id,
        "solution": true, "grade": false, "locked": false, "task": false});
    cell
}

/// The check of exercise `id`, with the outputs of a run that got `got` of two points.
pub fn check(id: &str, got: f64) -> Value {
    let mut cell = code("check01::f(f)");
    cell["metadata"]["nbgrader"] = json!({"schema_version": 3, "grade_id": format!("{id}-check"),
        "solution": false, "grade": true, "locked": true, "task": false, "points": 2});
    let html = format!(
        "<table class=\"convscope-score\" data-exercise=\"{id}\" data-points=\"{got}\" \
         data-max=\"2\" data-checks=\"3\" data-hints=\"2\"></table>"
    );
    cell["outputs"] = json!([{"output_type": "execute_result", "execution_count": 1,
        "metadata": {}, "data": {"text/html": html, "text/plain": got.to_string()}}]);
    cell
}

pub fn notebook(cells: Vec<Value>) -> Notebook {
    let cells = cells.into_iter().enumerate().map(|(i, mut cell)| {
        cell["id"] = json!(format!("cell-{i}"));
        Cell::from_json(cell).unwrap()
    });
    let top = json!({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec":
        {"name": "rust", "display_name": "Rust (Convscope)", "language": "rust"}}});
    let Value::Object(top) = top else {
        unreachable!()
    };
    Notebook {
        top,
        cells: cells.collect(),
    }
}

pub const FIRST_CODE: &str =
    ":dep convscope = { path = \"../../crates/convscope\" }\nuse convscope::prelude::*;";

/// A notebook that breaks no rule.
pub fn good() -> Notebook {
    notebook(vec![
        markdown("# 01 · Convolution\n\nAfter this notebook you will be able to convolve."),
        code(FIRST_CODE),
        markdown("## Size\n\nHow large is the output?"),
        exercise(
            "01-size",
            "fn f(n: usize) -> usize {\n    // BEGIN SOLUTION: write the size\n    n + 1\n    // END SOLUTION\n}",
        ),
        check("01-size", 2.0),
        markdown("## Score"),
        code("my_score(\"01\")"),
    ])
}

/// A folder of a test's own that goes when the test ends.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}
