//! One cell, and what its metadata says about grading.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Code,
    Markdown,
    Raw,
}

/// A cell, as the JSON object it is. Its kind and its source are known to be well-formed.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell(pub Map<String, Value>);

/// What `metadata.nbgrader` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Grader {
    pub id: String,
    /// The cell holds an answer.
    pub solution: bool,
    /// The cell gives points.
    pub grade: bool,
    pub locked: bool,
    pub points: Option<f64>,
}

impl Cell {
    pub fn from_json(value: Value) -> Result<Cell> {
        let Value::Object(map) = value else {
            bail!("it is not an object");
        };
        let kind = map.get("cell_type").and_then(Value::as_str);
        ensure!(
            matches!(kind, Some("code" | "markdown" | "raw")),
            "its cell_type is {kind:?}, which is none of code, markdown and raw"
        );
        join(map.get("source").context("it has no source")?).context("its source is no text")?;
        Ok(Cell(map))
    }

    pub fn kind(&self) -> Kind {
        match self.0["cell_type"].as_str() {
            Some("code") => Kind::Code,
            Some("markdown") => Kind::Markdown,
            _ => Kind::Raw,
        }
    }

    pub fn is_code(&self) -> bool {
        self.kind() == Kind::Code
    }

    /// Code with something in it, which Jupyter therefore sends to the kernel.
    pub fn is_executable(&self) -> bool {
        self.is_code() && !self.source().trim().is_empty() && !self.has_tag("skip-execution")
    }

    pub fn source(&self) -> String {
        join(&self.0["source"]).unwrap_or_default()
    }

    pub fn set_source(&mut self, source: String) {
        self.0.insert("source".into(), Value::String(source));
    }

    pub fn id(&self) -> Option<&str> {
        self.0.get("id")?.as_str()
    }

    pub fn metadata(&self, key: &str) -> Option<&Value> {
        self.0.get("metadata")?.get(key)
    }

    pub fn has_tag(&self, tag: &str) -> bool {
        self.metadata("tags")
            .and_then(Value::as_array)
            .is_some_and(|tags| tags.iter().any(|t| t == tag))
    }

    /// Its author says that it fails, and means it to.
    pub fn is_meant_to_fail(&self) -> bool {
        self.has_tag("raises-exception")
    }

    pub fn grader(&self) -> Option<Grader> {
        let nb = self.metadata("nbgrader")?;
        let flag = |key| nb.get(key).and_then(Value::as_bool).unwrap_or(false);
        Some(Grader {
            id: nb
                .get("grade_id")
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_string(),
            solution: flag("solution"),
            grade: flag("grade"),
            locked: flag("locked"),
            points: nb.get("points").and_then(Value::as_f64),
        })
    }

    /// Holds an answer between solution marks.
    pub fn is_exercise(&self) -> bool {
        self.grader().is_some_and(|g| g.solution)
    }

    /// Checks an answer and gives points.
    pub fn is_check(&self) -> bool {
        self.grader().is_some_and(|g| g.grade)
    }

    /// The exercises without whose answers this cell cannot work (`metadata.convscope.needs`).
    pub fn needs(&self) -> Vec<String> {
        let list = self.metadata("convscope").and_then(|c| c.get("needs"));
        list.and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(str::to_string))
            .collect()
    }

    pub fn outputs(&self) -> &[Value] {
        match self.0.get("outputs") {
            Some(Value::Array(outputs)) => outputs,
            _ => &[],
        }
    }

    pub fn execution_count(&self) -> Option<u64> {
        self.0.get("execution_count")?.as_u64()
    }

    /// As it is before anybody runs it.
    pub fn clear(&mut self) {
        if self.is_code() {
            self.0.insert("outputs".into(), json!([]));
            self.0.insert("execution_count".into(), Value::Null);
        }
        if let Some(Value::Object(metadata)) = self.0.get_mut("metadata") {
            for transient in ["execution", "collapsed", "scrolled", "trusted"] {
                metadata.remove(transient);
            }
        }
    }
}

/// A text that the format keeps as one string or as a list of lines.
pub fn join(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Array(lines) => lines.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Everything that a reader could find in these outputs: streams, errors, and data of text types.
pub fn outputs_text(outputs: &[Value]) -> String {
    let mut all = String::new();
    for output in outputs {
        let data = output.get("data").and_then(Value::as_object);
        let texts = data
            .into_iter()
            .flatten()
            .filter(|(mime, _)| mime.starts_with("text/"))
            .map(|(_, v)| v)
            .chain(output.get("text"))
            .chain(output.get("evalue"));
        for text in texts.filter_map(join) {
            all.push_str(&text);
            all.push('\n');
        }
    }
    all
}
