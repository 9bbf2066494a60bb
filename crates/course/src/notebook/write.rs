//! The file format, to the byte: what Python's nbformat writes.

use super::Notebook;
use serde::Serialize;
use serde_json::{Map, Value};

pub fn to_text(notebook: &Notebook) -> String {
    let mut top = notebook.top.clone();
    if let Some(Value::Object(metadata)) = top.get_mut("metadata") {
        for transient in ["orig_nbformat", "orig_nbformat_minor", "signature"] {
            metadata.remove(transient);
        }
    }
    let cells = notebook.cells.iter().map(|c| split_cell(&c.0)).collect();
    top.insert("cells".into(), Value::Array(cells));
    let mut value = Value::Object(top);
    value.sort_all_objects();

    // An indent of one space, sorted keys and a newline at the end are nbformat's choices.
    let mut bytes = Vec::new();
    let style = serde_json::ser::PrettyFormatter::with_indent(b" ");
    value
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut bytes, style,
        ))
        .expect("JSON in memory can be written");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

fn split_cell(cell: &Map<String, Value>) -> Value {
    let mut cell = cell.clone();
    if let Some(Value::Object(metadata)) = cell.get_mut("metadata") {
        metadata.remove("trusted");
    }
    split(cell.get_mut("source"));
    if let Some(Value::Object(attachments)) = cell.get_mut("attachments") {
        attachments.values_mut().for_each(split_bundle);
    }
    if let Some(Value::Array(outputs)) = cell.get_mut("outputs") {
        for output in outputs {
            match output["output_type"].as_str() {
                Some("stream") => split(output.get_mut("text")),
                Some("execute_result" | "display_data") => {
                    output.get_mut("data").into_iter().for_each(split_bundle);
                }
                _ => {}
            }
        }
    }
    Value::Object(cell)
}

fn split_bundle(bundle: &mut Value) {
    let Value::Object(bundle) = bundle else {
        return;
    };
    for (mime, value) in bundle {
        if mime.starts_with("text/") || mime == "application/javascript" || mime == "image/svg+xml"
        {
            split(Some(value));
        }
    }
}

fn split(text: Option<&mut Value>) {
    if let Some(value @ Value::String(_)) = text {
        let lines = split_lines(value.as_str().unwrap_or_default());
        *value = lines.into_iter().map(Value::from).collect();
    }
}

/// Lines with their ends, by the rules of Python's `str.splitlines`, which knows more ends of a
/// line than Rust's `lines`.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let ends = match c {
            '\r' => {
                chars.next_if(|&(_, next)| next == '\n');
                true
            }
            '\n' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}' => true,
            _ => false,
        };
        if ends {
            let end = chars.peek().map_or(text.len(), |&(next, _)| next);
            debug_assert!(end > i);
            lines.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::Notebook;

    #[test]
    fn lines_end_where_python_says() {
        for (text, lines) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a\n", vec!["a\n"]),
            ("a\n\nb", vec!["a\n", "\n", "b"]),
            ("a\r\nb\rc", vec!["a\r\n", "b\r", "c"]),
            ("a\u{2028}b\x0cc", vec!["a\u{2028}", "b\x0c", "c"]),
        ] {
            assert_eq!(split_lines(text), lines, "{text:?}");
        }
    }

    /// Written by nbformat 5.11 from a notebook with one code cell (`nbformat.write`).
    const BY_NBFORMAT: &str = include_str!("../../tests/by_nbformat.ipynb");

    #[test]
    fn a_file_that_nbformat_wrote_is_written_back_to_the_byte() {
        let notebook = Notebook::parse(BY_NBFORMAT).unwrap();
        assert_eq!(notebook.to_text(), BY_NBFORMAT);
    }

    #[test]
    fn joined_texts_are_written_as_nbformat_splits_them() {
        let mut notebook = Notebook::parse(BY_NBFORMAT).unwrap();
        for cell in &mut notebook.cells {
            let source = cell.source();
            cell.set_source(source);
        }
        assert_eq!(notebook.to_text(), BY_NBFORMAT);
    }

    #[test]
    fn unknown_fields_are_kept() {
        let text = r#"{"cells": [{"cell_type": "raw", "source": "x", "metadata": {"mine": [1]}, "more": 2}],
            "nbformat": 4, "nbformat_minor": 5, "metadata": {"signature": "s", "other": {}}, "extra": null}"#;
        let out = Notebook::parse(text).unwrap().to_text();
        for kept in [
            "\"mine\"",
            "\"more\": 2",
            "\"other\": {}",
            "\"extra\": null",
        ] {
            assert!(out.contains(kept), "{kept} is missing in {out}");
        }
        assert!(!out.contains("signature"));
    }
}
