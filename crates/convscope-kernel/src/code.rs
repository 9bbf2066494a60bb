//! As much of Rust's grammar as is needed to say whether a cell is finished, which variables it
//! makes and whether it can end early with `?`.

/// Whether a cell could be run as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It could.
    Complete,
    /// Something is still open; the next line is indented so.
    Incomplete(String),
    /// Something is closed that was not opened.
    Invalid,
}

/// Longer cells are not looked into: they hold data.
const LONGEST: usize = 1 << 20;

/// A character of code proper, and how deep in braces of any kind it stands.
struct Scan {
    /// The code with strings, characters and comments made blank.
    bare: Vec<(char, usize)>,
    open: Vec<char>,
    /// A string or a comment does not end.
    unended: bool,
    mismatched: bool,
}

fn scan(code: &str) -> Scan {
    let code = if code.len() > LONGEST { "" } else { code };
    let chars: Vec<char> = code.chars().collect();
    let mut scan = Scan {
        bare: Vec::with_capacity(chars.len()),
        open: Vec::new(),
        unended: false,
        mismatched: false,
    };
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if let Some((end, ended)) = end {
            scan.unended |= !ended;
            for c in &chars[at..end] {
                let blank = if *c == '\n' { '\n' } else { ' ' };
                scan.bare.push((blank, scan.open.len()));
            }
            at = end;
            continue;
        }
        let c = chars[at];
        match c {
            '(' | '[' | '{' => scan.open.push(c),
            ')' | ']' | '}' => {
                let wanted = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                scan.mismatched |= scan.open.pop() != Some(wanted);
            }
            _ => {}
        }
        scan.bare.push((c, scan.open.len()));
        at += 1;
    }
    scan
}

/// Where the string, character or comment that begins here ends, and whether it does.
fn skipped(chars: &[char], at: usize) -> Option<(usize, bool)> {
    let is = |offset: usize, c: char| chars.get(at + offset) == Some(&c);
    let word_before = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if is(1, '/') => {
            let length = chars[at..].iter().position(|c| *c == '\n');
            Some((length.map_or(chars.len(), |n| at + n), true))
        }
        '/' if is(1, '*') => {
            let (mut depth, mut i) = (0, at);
            while i < chars.len() {
                if chars[i..].starts_with(&['/', '*']) {
                    depth += 1;
                    i += 2;
                } else if chars[i..].starts_with(&['*', '/']) {
                    depth -= 1;
                    i += 2;
                    if depth == 0 {
                        return Some((i, true));
                    }
                } else {
                    i += 1;
                }
            }
            Some((chars.len(), false))
        }
        'r' if !word_before && (is(1, '"') || is(1, '#')) => raw(chars, at + 1),
        'b' | 'c' if !word_before && is(1, 'r') => raw(chars, at + 2),
        '"' => {
            let mut i = at + 1;
            while i < chars.len() {
                match chars[i] {
                    '\\' => i += 1,
                    '"' => return Some((i + 1, true)),
                    _ => {}
                }
                i += 1;
            }
            Some((chars.len(), false))
        }
        // A character, or a lifetime.
        '\'' if is(1, '\\') => {
            let length = chars[at + 3..].iter().position(|c| *c == '\'')?;
            Some((at + 3 + length + 1, true))
        }
        '\'' if is(2, '\'') => Some((at + 3, true)),
        _ => None,
    }
}

fn raw(chars: &[char], after: usize) -> Option<(usize, bool)> {
    let hashes = chars
        .get(after..)?
        .iter()
        .take_while(|c| **c == '#')
        .count();
    if chars.get(after + hashes) != Some(&'"') {
        return None;
    }
    let mut i = after + hashes + 1;
    while i < chars.len() {
        if chars[i] == '"'
            && chars[i + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes
        {
            return Some((i + 1 + hashes, true));
        }
        i += 1;
    }
    Some((chars.len(), false))
}

/// Whether a cell is finished.
pub fn completeness(code: &str) -> Completeness {
    let scan = scan(code);
    if scan.mismatched {
        Completeness::Invalid
    } else if scan.unended {
        Completeness::Incomplete(String::new())
    } else if !scan.open.is_empty() {
        Completeness::Incomplete("    ".repeat(scan.open.len()))
    } else {
        Completeness::Complete
    }
}

/// Whether a `?` outside of functions may end the cell early.
pub fn may_end_early(code: &str) -> bool {
    let bare: String = without_functions(code);
    let operator = |c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '}' | '_' | '?' | '>');
    let mut before = ' ';
    for c in bare.chars() {
        if c == '?' && operator(before) {
            return true;
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    false
}

/// Code proper without the bodies of named functions and types.
fn without_functions(code: &str) -> String {
    let scan = scan(code);
    let mut kept = String::new();
    let mut item: Option<usize> = None;
    let mut word = String::new();
    let mut pending = false;
    for (c, depth) in scan.bare {
        if let Some(outside) = item {
            if c == '}' && depth == outside {
                item = None;
            }
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else {
            pending |= matches!(word.as_str(), "fn" | "impl" | "trait" | "mod");
            word.clear();
            if c == '{' && pending {
                pending = false;
                item = Some(depth - 1);
            } else if c == ';' {
                pending = false;
            }
        }
        kept.push(c);
    }
    kept
}

/// The variables that a cell makes at its top level, in order.
pub fn variables(code: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut statements = Vec::new();
    for (c, depth) in scan(code).bare {
        if (c == ';' || c == '}') && depth == 0 {
            statements.push(std::mem::take(&mut line));
        } else {
            line.push(c);
        }
    }
    statements.push(line);
    for statement in statements {
        let Some(rest) = statement.trim_start().strip_prefix("let ") else {
            continue;
        };
        let pattern = rest.split(['=', ':']).next().unwrap_or_default();
        for name in pattern.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
            let lower = name.starts_with(|c: char| c.is_lowercase() || c == '_');
            if lower && !matches!(name, "mut" | "ref" | "_") && !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use Completeness::{Complete, Incomplete, Invalid};

    #[test]
    fn a_cell_is_finished_when_everything_opened_is_closed() {
        let open = |n: usize| Incomplete("    ".repeat(n));
        for (code, wanted) in [
            ("let a = 1;", Complete),
            ("fn f() {", open(1)),
            ("f(vec![1,", open(2)),
            ("let s = \"{\";", Complete),
            ("let s = \"open", open(0)),
            ("let c = '{'; let l: &'static str = r#\"\"{\"#;", Complete),
            ("let c = '\\'';", Complete),
            ("/* { */ // }", Complete),
            ("/* /* */", open(0)),
            ("}", Invalid),
            ("(]", Invalid),
            ("", Complete),
        ] {
            assert_eq!(completeness(code), wanted, "{code}");
        }
    }

    #[test]
    fn a_question_mark_counts_where_it_can_end_the_cell() {
        for (code, wanted) in [
            ("let a = f()?;", true),
            ("for x in y { g(x)?; }", true),
            ("fn f() -> R { g()? }", false),
            ("impl A { fn f(&self) -> R { g()? } }\nlet a = 1;", false),
            ("println!(\"why?\"); // what?", false),
            ("fn f<T: ?Sized>() {}", false),
            ("fn f();\nlet x = { f()? };", true),
        ] {
            assert_eq!(may_end_early(code), wanted, "{code}");
        }
    }

    #[test]
    fn variables_are_those_of_the_top_level() {
        let code = "let a = 1; let mut b: Vec<u8> = vec![];\nlet (c, mut d) = (1, 2);\n\
                    fn f() { let e = 1; }\nlet _ = 3; a;";
        assert_eq!(variables(code), ["a", "b", "c", "d"]);
    }
}
