//! What a cell's outputs say: whether it failed, what score it gave, whether its picture will show.
//!
//! Stock evcxr needs reading between the lines. A panic, and an `Err` that leaves a cell through `?`,
//! are no errors to it: the reply says ok, and text goes to stderr. So anything on stderr counts as
//! a failure here, unless the cell's author expects it.

use crate::notebook::{Cell, finding::shorten, join};
use serde_json::Value;

/// What went wrong in a cell, a sentence each; empty where nothing did.
pub fn failures(cell: &Cell) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for output in cell.outputs() {
        match output["output_type"].as_str() {
            Some("error") => {
                let text = join(&output["evalue"]).unwrap_or_default();
                let text = match text.trim() {
                    "" => "the kernel reported an error without a message".into(),
                    text => first_line(text),
                };
                found.push(format!("it ended with an error: {text}"));
            }
            Some("stream") => {
                let text = join(&output["text"]).unwrap_or_default();
                found.extend(stream_failure(&text, output["name"] == "stderr"));
            }
            _ => {}
        }
    }
    found
}

fn stream_failure(text: &str, is_stderr: bool) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_panic = |l: &&str| l.starts_with("thread '") && l.contains("panicked at");
    if let Some(at) = lines.iter().position(is_panic) {
        let message = lines.get(at + 1).copied().unwrap_or(lines[at]);
        return Some(format!("it panicked: {}", first_line(message)));
    }
    let first = lines.iter().find(|l| !l.trim().is_empty())?;
    is_stderr.then(|| {
        format!(
            "it wrote to stderr, as a failing `?` does: {}",
            first_line(first)
        )
    })
}

fn first_line(text: &str) -> String {
    let plain = without_colours(text);
    let line = plain.lines().map(str::trim).find(|l| !l.is_empty());
    shorten(line.unwrap_or(""), 160)
}

/// A terminal's colour codes, which evcxr puts into its messages.
fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        plain.push_str(&rest[..at]);
        let code = &rest[at + 1..];
        rest = code
            .find(|c: char| c.is_ascii_alphabetic())
            .map_or("", |end| &code[end + 1..]);
    }
    plain + rest
}

/// What a check cell's `Score` shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// From the plain text, where nbgrader reads it too.
    pub points: f64,
    /// From the table's attributes.
    pub max: f64,
    pub exercise: String,
    pub checks: usize,
    pub hints: usize,
}

/// The score in a check cell's outputs, or what is wrong with them.
pub fn score(cell: &Cell) -> Result<Score, String> {
    let results: Vec<&Value> = cell
        .outputs()
        .iter()
        .filter(|o| o["output_type"] == "execute_result")
        .collect();
    let [result] = results[..] else {
        return Err(format!(
            "a check gives one result, its score, and here are {}",
            results.len()
        ));
    };
    let text = |mime: &str| join(&result["data"][mime]).unwrap_or_default();
    let plain = text("text/plain");
    let points: f64 = plain
        .trim()
        .parse()
        .ok()
        .filter(|p: &f64| p.is_finite() && *p >= 0.0)
        .ok_or_else(|| {
            format!(
                "a score's plain text is its points, and here it is `{}`",
                first_line(&plain)
            )
        })?;
    let html = text("text/html");
    let tag = opening_tag(&html, "class=\"convscope-score\"")
        .ok_or("the result is no score: it has no table of class `convscope-score`")?;
    let attribute = |name: &str| {
        attribute(tag, name).ok_or_else(|| format!("the score's table has no `{name}`"))
    };
    let number = |name: &str| {
        let value = attribute(name)?;
        value
            .parse::<f64>()
            .map_err(|_| format!("the score's `{name}` is `{value}`, which is no number"))
    };
    let score = Score {
        points,
        max: number("data-max")?,
        exercise: attribute("data-exercise")?.to_string(),
        checks: number("data-checks")? as usize,
        hints: number("data-hints")? as usize,
    };
    let shown = number("data-points")?;
    if (shown - points).abs() > 1e-3 {
        return Err(format!(
            "the score says {points} as plain text and {shown} in its table"
        ));
    }
    Ok(score)
}

/// The tag that has this attribute, without its angle brackets.
fn opening_tag<'a>(html: &'a str, with: &str) -> Option<&'a str> {
    let at = html.find(with)?;
    let start = html[..at].rfind('<')?;
    let end = at + html[at..].find('>')?;
    Some(&html[start + 1..end])
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let end = tag[start..].find('"')?;
    Some(&tag[start..start + end])
}

/// Whether an output of this MIME type is there, also as a picture inside HTML. `image/*` is any
/// picture.
pub fn has_mime(cell: &Cell, mime: &str) -> bool {
    let (wanted, any) = match mime.strip_suffix('*') {
        Some(start) => (start, true),
        None => (mime, false),
    };
    let is_wanted = |found: &str| found == wanted || (any && found.starts_with(wanted));
    cell.outputs().iter().any(|output| {
        let direct = output["data"]
            .as_object()
            .is_some_and(|data| data.keys().any(|found| is_wanted(found)));
        let html = join(&output["data"]["text/html"]).unwrap_or_default();
        let mut inside = html.split("data:").skip(1);
        direct
            || inside.any(|text| {
                let kind = text.split_once(";base64,").map(|(kind, _)| kind);
                kind.is_some_and(is_wanted)
            })
    })
}

pub fn has_figure(cell: &Cell) -> bool {
    has_mime(cell, "image/*")
}

/// Whether another dataset stood in for the one that the text speaks of.
pub fn stands_in(cell: &Cell) -> bool {
    crate::notebook::outputs_text(cell.outputs()).contains(convscope_data::STAND_IN)
}

/// What `metadata.convscope.expect` asks for and the outputs do not have.
pub fn missing(cell: &Cell) -> Vec<String> {
    let expect = Expect::of(cell);
    let text = crate::notebook::outputs_text(cell.outputs());
    let mimes = expect
        .mime
        .iter()
        .filter(|m| !has_mime(cell, m))
        .map(|m| format!("an output of type {m} is expected and missing"));
    let texts = expect
        .text
        .iter()
        .filter(|t| !text.contains(t.as_str()))
        .map(|t| format!("an output with the text \"{t}\" is expected and missing"));
    mimes.chain(texts).collect()
}

/// `metadata.convscope.expect`: `{"mime": ["text/html"], "text": ["accuracy"]}`.
#[derive(Default, Debug, PartialEq)]
pub struct Expect {
    pub mime: Vec<String>,
    pub text: Vec<String>,
    /// Keys that mean nothing, or whose values are no lists of texts.
    pub strange: Vec<String>,
}

impl Expect {
    pub fn of(cell: &Cell) -> Expect {
        let mut expect = Expect::default();
        let Some(value) = cell.metadata("convscope").and_then(|c| c.get("expect")) else {
            return expect;
        };
        let Some(object) = value.as_object() else {
            expect.strange.push("expect".into());
            return expect;
        };
        for (key, value) in object {
            let list: Option<Vec<String>> = value.as_array().and_then(|list| {
                list.iter()
                    .map(|v| v.as_str().map(str::to_string))
                    .collect()
            });
            match (key.as_str(), list) {
                ("mime", Some(list)) => expect.mime = list,
                ("text", Some(list)) => expect.text = list,
                _ => expect.strange.push(format!("expect.{key}")),
            }
        }
        expect
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::testing;
    use serde_json::json;

    fn cell(outputs: Value) -> Cell {
        let mut cell = testing::code("x");
        cell["outputs"] = outputs;
        Cell::from_json(cell).unwrap()
    }

    #[test]
    fn what_evcxr_sends_for_a_failure_is_recognised() {
        let panic = "thread '<unnamed>' (123) panicked at src/lib.rs:105:1:\nindex out of bounds: the len is 2\nnote: run with `RUST_BACKTRACE=1`\n";
        let stream =
            |name: &str, text: &str| json!({"output_type": "stream", "name": name, "text": [text]});
        for (output, expected) in [
            (
                json!({"output_type": "error", "ename": "Error", "evalue": "mismatched types", "traceback": []}),
                "it ended with an error: mismatched types",
            ),
            (
                json!({"output_type": "error", "ename": "", "evalue": "", "traceback": []}),
                "it ended with an error: the kernel reported an error without a message",
            ),
            (
                json!({"output_type": "error"}),
                "it ended with an error: the kernel",
            ),
            (
                json!({"output_type": "error", "evalue": "\u{1b}[31mSubprocess terminated\u{1b}[0m\nx"}),
                "it ended with an error: Subprocess terminated",
            ),
            (
                stream("stderr", panic),
                "it panicked: index out of bounds: the len is 2",
            ),
            (stream("stdout", panic), "it panicked: index out of bounds"),
            (
                stream("stderr", "No such file or directory (os error 2)\n"),
                "it wrote to stderr, as a failing `?` does: No such file",
            ),
        ] {
            let found = failures(&cell(json!([output.clone()])));
            assert_eq!(found.len(), 1, "{output}");
            assert!(found[0].starts_with(expected), "{}", found[0]);
        }
    }

    #[test]
    fn ordinary_outputs_are_no_failure() {
        let outputs = json!([
            {"output_type": "stream", "name": "stdout", "text": "what it means that a thread panicked at noon\n"},
            {"output_type": "stream", "name": "stderr", "text": "\n"},
            {"output_type": "execute_result", "data": {"text/plain": "error"}, "metadata": {}}
        ]);
        assert_eq!(failures(&cell(outputs)), Vec::<String>::new());
    }

    #[test]
    fn a_score_is_read_from_text_and_table() {
        let check = Cell::from_json(testing::check("01-size", 0.5)).unwrap();
        let expected = Score {
            points: 0.5,
            max: 2.0,
            exercise: "01-size".into(),
            checks: 3,
            hints: 2,
        };
        assert_eq!(score(&check), Ok(expected));
    }

    #[test]
    fn what_is_no_score_gives_no_points() {
        let result = |plain: &str, html: &str| {
            json!([{"output_type": "execute_result", "metadata": {},
                "data": {"text/plain": plain, "text/html": html}}])
        };
        let table = "<table class=\"convscope-score\" data-exercise=\"a\" data-points=\"2\" data-max=\"2\" data-checks=\"2\" data-hints=\"2\">";
        for (outputs, expected) in [
            (json!([]), "one result"),
            (result("NaN", table), "`NaN`"),
            (result("-1", table), "`-1`"),
            (result("()", table), "`()`"),
            (result("", table), "``"),
            (result("1", table), "says 1 as plain text and 2"),
            (result("2", "<table>"), "no table of class"),
            (result("2", &table.replace("data-max", "max")), "`data-max`"),
            (
                result("2", &table.replace("data-hints=\"2\"", "data-hints=\"x\"")),
                "no number",
            ),
        ] {
            let error = score(&cell(outputs.clone())).unwrap_err();
            assert!(error.contains(expected), "{outputs}: {error}");
        }
    }

    #[test]
    fn an_expected_output_that_is_missing_is_named() {
        let with = |expect: Value| {
            let mut json = testing::code("x");
            json["metadata"]["convscope"] = json!({"expect": expect});
            json["outputs"] = json!([
                {"output_type": "stream", "name": "stdout", "text": ["accuracy 0.9\n"]},
                {"output_type": "execute_result", "metadata": {}, "data":
                    {"text/html": "<img src=\"data:image/svg+xml;base64,AA\">", "text/plain": "plot"}}
            ]);
            Cell::from_json(json).unwrap()
        };
        let all_there = json!({"mime": ["text/html", "image/svg+xml", "image/*"], "text": ["accuracy", "plot"]});
        assert_eq!(missing(&with(all_there)), Vec::<String>::new());
        let absent = missing(&with(json!({"mime": ["image/png"], "text": ["loss"]})));
        assert_eq!(absent.len(), 2);
        assert!(absent[0].contains("image/png") && absent[1].contains("\"loss\""));
        let strange = Expect::of(&with(json!({"mimes": ["a"], "text": "b"}))).strange;
        assert_eq!(strange, ["expect.mimes", "expect.text"]);
    }
}
