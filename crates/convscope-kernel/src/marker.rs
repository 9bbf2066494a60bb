//! Lines of standard output that mean more than their text.
//!
//! A marked line is the control character U+001E (the record separator, as in RFC 7464's sequences
//! of JSON texts), one JSON object, and the line's end. It may say
//!
//! - `{"display_id": "...", "data": {"text/html": "..."}, "metadata": {}}`: show this, or, when the
//!   same cell showed the id before, show it in the old one's place;
//! - `{"panic": {"thread": "main", "own": true, "message": "...", "file": "src/lib.rs", "line": 7,
//!   "cell_lines": [7, 12]}}`: what a panic hook saw. `own` says whether it was on the thread that
//!   runs the cells, `cell_lines` are the lines of `src/lib.rs` on the way there, the nearest first.
//!   All but the message may be left out.
//!
//! Standard output is the only way out of the kernel's process that arrives whole and in order.

use crate::panic::Panic;
use serde_json::Value;

pub use convscope_progress::relay::MARK;

/// A piece of standard output.
#[derive(Debug, PartialEq)]
pub enum Piece {
    /// Ordinary text.
    Text(String),
    /// Something to show in place.
    Display {
        /// Which place.
        id: String,
        /// By MIME type.
        data: Value,
        /// Jupyter's metadata.
        metadata: Value,
    },
    /// A panic's own words.
    Panic(Panic),
}

/// Takes the marked lines out of a text. What is marked and means nothing stays text.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut plain = String::new();
    for line in text.split_inclusive('\n') {
        let marked = line
            .split_once(MARK)
            .and_then(|(before, rest)| Some((before, read(rest)?)));
        match marked {
            Some((before, piece)) => {
                plain.push_str(before);
                if !plain.is_empty() {
                    found.push(Piece::Text(std::mem::take(&mut plain)));
                }
                found.push(piece);
            }
            None => plain.push_str(line),
        }
    }
    if !plain.is_empty() {
        found.push(Piece::Text(plain));
    }
    found
}

fn read(json: &str) -> Option<Piece> {
    let value: Value = serde_json::from_str(json.trim_end()).ok()?;
    if let Some(panic) = value.get("panic") {
        return Some(Piece::Panic(Panic {
            thread: panic["thread"].as_str().unwrap_or_default().to_owned(),
            own: panic["own"].as_bool().unwrap_or(true),
            message: panic["message"].as_str()?.to_owned(),
            file: panic["file"].as_str().unwrap_or_default().to_owned(),
            line: usize::try_from(panic["line"].as_u64().unwrap_or(0)).ok()?,
            cell_lines: lines(&panic["cell_lines"]),
        }));
    }
    let data = value.get("data").filter(|data| data.is_object())?.clone();
    let metadata = value.get("metadata").filter(|data| data.is_object());
    Some(Piece::Display {
        id: value["display_id"].as_str()?.to_owned(),
        data,
        metadata: metadata.cloned().unwrap_or_else(|| serde_json::json!({})),
    })
}

/// Line numbers, as many as a sensible backtrace has.
fn lines(value: &Value) -> Vec<usize> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|line| usize::try_from(line.as_u64()?).ok())
        .take(100)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marked_lines_come_out_and_the_rest_stays_in_order() {
        let text = "one\nbegun \u{1e}{\"display_id\":\"a\",\"data\":{\"text/plain\":\"x\"}}\ntwo\n";
        assert_eq!(
            pieces(text),
            [
                Piece::Text("one\nbegun ".into()),
                Piece::Display {
                    id: "a".into(),
                    data: json!({"text/plain": "x"}),
                    metadata: json!({}),
                },
                Piece::Text("two\n".into()),
            ]
        );
    }

    #[test]
    fn a_panic_may_say_all_or_nothing_but_its_message() {
        let read = |panic: Value| match &pieces(&format!("\u{1e}{}\n", json!({"panic": panic})))[..]
        {
            [Piece::Panic(panic)] => panic.clone(),
            other => panic!("{other:?}"),
        };
        let all = json!({"thread": "main", "own": false, "message": "a\nb", "file": "src/lib.rs",
                         "line": 7, "cell_lines": [7, 12, -1, "x"]});
        let panic = read(all);
        assert_eq!((panic.thread.as_str(), panic.own), ("main", false));
        assert_eq!((panic.message.as_str(), panic.line), ("a\nb", 7));
        assert_eq!(
            (panic.file.as_str(), panic.cell_lines),
            ("src/lib.rs", vec![7, 12])
        );
        let panic = read(json!({"message": "short", "cell_lines": "none"}));
        assert_eq!((panic.own, panic.line, panic.cell_lines), (true, 0, vec![]));
    }

    #[test]
    fn what_is_marked_and_means_nothing_stays_text() {
        for text in [
            "\u{1e}\n",
            "\u{1e}{\"display_id\": 1, \"data\": {}}\n",
            "\u{1e}{\"display_id\": \"a\", \"data\": []}\n",
            "\u{1e}{\"display_id\": \"a\"",
            "plain",
            "\u{1e}{\"panic\": {\"line\": 7}}\n",
        ] {
            assert_eq!(pieces(text), [Piece::Text(text.into())], "{text:?}");
        }
        assert!(pieces("").is_empty());
    }
}
