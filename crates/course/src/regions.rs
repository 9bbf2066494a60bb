//! Solution marks: which lines of a cell are the answer, and what stands there for a student.
//!
//! In code the marks are `// BEGIN SOLUTION: what to write` and `// END SOLUTION`, in prose
//! `<!-- BEGIN SOLUTION -->` and `<!-- END SOLUTION -->`, each alone on its line. nbgrader knows
//! the same words.

use crate::rust_code;

/// The lines of one answer, counted from 0, marks included.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    pub begin: usize,
    pub end: usize,
    /// What the student is asked to write.
    pub task: String,
}

/// A mark that is wrong: its line, counted from 1, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct BadMark {
    pub line: usize,
    pub what: String,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Language {
    Rust,
    Markdown,
}

const DEFAULT_TASK: &str = "write your answer here";

enum Mark<'a> {
    Begin(&'a str),
    End,
}

impl Language {
    fn mark<'a>(self, line: &'a str) -> Option<Result<Mark<'a>, String>> {
        let upper = line.to_uppercase();
        if !upper.contains("BEGIN SOLUTION") && !upper.contains("END SOLUTION") {
            return None;
        }
        let inside = match self {
            Language::Rust => line.trim().strip_prefix("// "),
            Language::Markdown => line
                .trim()
                .strip_prefix("<!-- ")
                .and_then(|l| l.strip_suffix(" -->")),
        };
        let mark = inside.and_then(|text| {
            if text == "END SOLUTION" {
                return Some(Mark::End);
            }
            let task = text.strip_prefix("BEGIN SOLUTION")?;
            if task.is_empty() {
                return Some(Mark::Begin(DEFAULT_TASK));
            }
            let task = task.strip_prefix(':')?.trim();
            (!task.is_empty()).then_some(Mark::Begin(task))
        });
        let forms = match self {
            Language::Rust => "`// BEGIN SOLUTION: what to write` or `// END SOLUTION`",
            Language::Markdown => "`<!-- BEGIN SOLUTION -->` or `<!-- END SOLUTION -->`",
        };
        Some(mark.ok_or(format!(
            "this is not a solution mark as it should be: write {forms}, alone on its line"
        )))
    }

    fn stub(self, task: &str, indent: &str, rest: &str) -> String {
        match self {
            Language::Markdown => format!("*{}*", capitalised(task)),
            Language::Rust => {
                // The text of `todo!` is a format string.
                let text = task
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('{', "{{")
                    .replace('}', "}}");
                let end = if rust_code::continues(rest) { "" } else { ";" };
                format!("{indent}todo!(\"{text}\"){end}")
            }
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>());
    format!(
        "{}{}.",
        first.unwrap_or_default(),
        chars.as_str().trim_end_matches('.')
    )
}

/// The answers in a cell's source.
pub fn find(source: &str, language: Language) -> Result<Vec<Region>, Vec<BadMark>> {
    let mut regions = Vec::new();
    let mut bad = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    for (number, line) in source.lines().enumerate() {
        let mut error = |what: String| {
            bad.push(BadMark {
                line: number + 1,
                what,
            });
        };
        match (language.mark(line), open) {
            (None, _) => {}
            (Some(Err(what)), _) => error(what),
            (Some(Ok(Mark::Begin(_))), Some((begin, _))) => error(format!(
                "a solution begins inside the one that began in line {}: end that one first",
                begin + 1
            )),
            (Some(Ok(Mark::Begin(task))), None) => open = Some((number, task)),
            (Some(Ok(Mark::End)), Some((begin, task))) => {
                if begin + 1 == number {
                    error("there is nothing between the solution marks".into());
                }
                regions.push(Region {
                    begin,
                    end: number,
                    task: task.to_string(),
                });
                open = None;
            }
            (Some(Ok(Mark::End)), None) => {
                error("a solution ends here that never began".into());
            }
        }
    }
    if let Some((begin, _)) = open {
        bad.push(BadMark {
            line: begin + 1,
            what: "the solution that begins here never ends".into(),
        });
    }
    if bad.is_empty() {
        Ok(regions)
    } else {
        Err(bad)
    }
}

/// The source with a stub in place of each answer.
pub fn without_answers(source: &str, regions: &[Region], language: Language) -> String {
    let lines: Vec<&str> = source.lines().collect();
    let mut kept: Vec<String> = Vec::new();
    let mut next = 0;
    for region in regions {
        kept.extend(lines[next..region.begin].iter().map(|l| l.to_string()));
        let mark = lines[region.begin];
        let indent = &mark[..mark.len() - mark.trim_start().len()];
        let rest = lines[region.end + 1..].join("\n");
        kept.push(language.stub(&region.task, indent, &rest));
        next = region.end + 1;
    }
    kept.extend(lines[next..].iter().map(|l| l.to_string()));
    kept.join("\n")
}

/// Whether the answer is the body of a function or part of one, so that its stub panics only when
/// something calls it.
pub fn is_inside_function(source: &str, region: &Region) -> bool {
    let before: Vec<&str> = source.lines().take(region.begin).collect();
    rust_code::ends_inside_function(&before.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(source: &str) -> String {
        let regions = find(source, Language::Rust).unwrap();
        without_answers(source, &regions, Language::Rust)
    }

    #[test]
    fn an_answer_becomes_a_stub_at_its_indent() {
        let source = "fn f(n: usize) -> usize {\n    // BEGIN SOLUTION: write the size\n    let m = n;\n    m + 1\n    // END SOLUTION\n}";
        assert_eq!(
            stripped(source),
            "fn f(n: usize) -> usize {\n    todo!(\"write the size\")\n}"
        );
    }

    #[test]
    fn a_stub_ends_as_the_code_after_it_asks() {
        for (after, stub) in [
            ("}", "todo!(\"write your answer here\")"),
            ("  // the end\n}", "todo!(\"write your answer here\")"),
            (";", "todo!(\"write your answer here\")"),
            (", 3)", "todo!(\"write your answer here\")"),
            ("let y = 2;\n}", "todo!(\"write your answer here\");"),
            ("/* and */ y\n}", "todo!(\"write your answer here\");"),
        ] {
            let source = format!("// BEGIN SOLUTION\nlet x = 1;\n// END SOLUTION\n{after}");
            assert_eq!(stripped(&source), format!("{stub}\n{after}"));
        }
    }

    #[test]
    fn the_task_is_safe_inside_a_format_string() {
        let source = "// BEGIN SOLUTION: say \"{n}\" \\ done\n1\n// END SOLUTION";
        assert_eq!(stripped(source), r#"todo!("say \"{{n}}\" \\ done")"#);
    }

    #[test]
    fn several_answers_in_one_cell_are_each_replaced() {
        let source = "fn a() {\n  // BEGIN SOLUTION\n  1\n  // END SOLUTION\n}\nfn b() {\n  // BEGIN SOLUTION: two\n  2\n  // END SOLUTION\n}";
        assert_eq!(
            stripped(source),
            "fn a() {\n  todo!(\"write your answer here\")\n}\nfn b() {\n  todo!(\"two\")\n}"
        );
    }

    #[test]
    fn an_answer_in_prose_becomes_a_sentence() {
        let source = "Why?\n\n<!-- BEGIN SOLUTION: say why -->\nBecause.\n<!-- END SOLUTION -->";
        let regions = find(source, Language::Markdown).unwrap();
        assert_eq!(
            without_answers(source, &regions, Language::Markdown),
            "Why?\n\n*Say why.*"
        );
    }

    #[test]
    fn a_wrong_mark_is_named_with_its_line() {
        let begin = "// BEGIN SOLUTION";
        let end = "// END SOLUTION";
        for (source, line, what) in [
            (format!("a\n{begin}\nb"), 2, "never ends"),
            (format!("a\nb\n{end}"), 3, "never began"),
            (
                format!("{begin}\na\n{begin}\nb\n{end}"),
                3,
                "began in line 1",
            ),
            (format!("{begin}\n{end}"), 2, "nothing between"),
            (
                format!("//BEGIN SOLUTION\na\n{end}"),
                1,
                "alone on its line",
            ),
            (
                format!("let x = {{ {begin}\na\n{end}"),
                1,
                "alone on its line",
            ),
            (
                format!("// begin solution\na\n{end}"),
                1,
                "alone on its line",
            ),
            (
                format!("// BEGIN SOLUTION:\na\n{end}"),
                1,
                "alone on its line",
            ),
            (format!("{begin}S\na\n{end}"), 1, "alone on its line"),
        ] {
            let bad = find(&source, Language::Rust).unwrap_err();
            assert_eq!(bad[0].line, line, "{source}");
            assert!(bad[0].what.contains(what), "{source}: {}", bad[0].what);
        }
    }
}
