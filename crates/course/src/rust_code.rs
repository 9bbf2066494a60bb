//! Just enough of Rust's grammar to know where in a cell a line stands: comments, strings and
//! braces.

/// Code alone, piece by piece: comments and the insides of strings are left out.
struct Code<'a> {
    rest: &'a str,
    previous: char,
}

impl<'a> Code<'a> {
    fn new(text: &'a str) -> Code<'a> {
        Code {
            rest: text,
            previous: ' ',
        }
    }

    fn skip_to(&mut self, from: usize, end: &str) {
        let after = self.rest[from..].find(end).map(|i| from + i + end.len());
        self.rest = &self.rest[after.unwrap_or(self.rest.len())..];
    }

    fn skip_block_comment(&mut self) {
        let (mut depth, mut at) = (1, 2);
        while depth > 0 && at < self.rest.len() {
            let here = &self.rest.as_bytes()[at..];
            match here {
                [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
                [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
                _ => at += 1,
            }
        }
        self.rest = &self.rest[at..];
    }

    fn skip_string(&mut self) {
        let mut escaped = false;
        let end = self.rest[1..].find(|c| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        self.rest = &self.rest[end.map_or(self.rest.len(), |i| i + 2)..];
    }

    /// `r"..."`, `r#"..."#` and so on; says whether there was one.
    fn skip_raw_string(&mut self) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if is_word(self.previous) && self.previous != 'b' {
            return false;
        }
        let hashes = self.rest[1..].chars().take_while(|&c| c == '#').count();
        if !self.rest[1 + hashes..].starts_with('"') {
            return false;
        }
        self.skip_to(2 + hashes, &format!("\"{}", "#".repeat(hashes)));
        true
    }

    /// A character such as `'{'`; a lifetime is no such thing. Says whether there was one.
    fn skip_char(&mut self) -> bool {
        let mut chars = self.rest[1..].char_indices();
        match (chars.next(), chars.next()) {
            (Some((_, '\\')), Some((i, escaped))) => {
                self.skip_to(1 + i + escaped.len_utf8(), "'");
                true
            }
            (Some(_), Some((i, '\''))) => {
                self.rest = &self.rest[i + 2..];
                true
            }
            _ => false,
        }
    }
}

impl Iterator for Code<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        let skipped = match c {
            _ if self.rest.starts_with("//") => {
                self.skip_to(0, "\n");
                true
            }
            _ if self.rest.starts_with("/*") => {
                self.skip_block_comment();
                true
            }
            '"' => {
                self.skip_string();
                self.previous = '"';
                return Some('"');
            }
            'r' => self.skip_raw_string(),
            '\'' => self.skip_char(),
            _ => false,
        };
        if skipped {
            self.previous = ' ';
            return Some(' ');
        }
        self.rest = &self.rest[c.len_utf8()..];
        self.previous = c;
        Some(c)
    }
}

/// Whether the next thing in this code belongs to the expression before it, so that no `;` may
/// stand between.
pub fn continues(code: &str) -> bool {
    Code::new(code)
        .find(|c| !c.is_whitespace())
        .is_none_or(|c| "})],;.?".contains(c))
}

/// Whether a line added to the end of this code would stand inside a function's body.
pub fn ends_inside_function(code: &str) -> bool {
    // Of each open brace: whether it is a function's, and how deep in brackets it stands.
    let mut open: Vec<(bool, usize)> = Vec::new();
    let mut brackets = 0_usize;
    let mut header = String::new();
    for c in Code::new(code) {
        match c {
            '{' => {
                let is_function = header
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .any(|word| word == "fn");
                open.push((is_function, brackets));
                brackets = 0;
                header.clear();
            }
            '}' => {
                brackets = open.pop().map_or(0, |(_, outside)| outside);
                header.clear();
            }
            // Not the one in `[usize; 3]`.
            ';' if brackets == 0 => header.clear(),
            c => {
                match c {
                    '(' | '[' => brackets += 1,
                    ')' | ']' => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                header.push(c);
            }
        }
    }
    open.iter().any(|&(is_function, _)| is_function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        for (text, code) in [
            ("a // {\nb", "a  b"),
            ("a /* { /* } */ */ b", "a   b"),
            (r#"a "{ \" }" b"#, "a \" b"),
            (r##"a r#"{ " }"# b"##, "a   b"),
            ("a '{' b '\\'' c", "a   b   c"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("for_r\"{\"", "for_r\""),
            ("'", "'"),
            ("\"open {", "\""),
        ] {
            assert_eq!(Code::new(text).collect::<String>(), code, "{text}");
        }
    }

    #[test]
    fn the_inside_of_a_function_is_recognised() {
        for (code, inside) in [
            ("fn f() {", true),
            ("fn f() -> Vec<f32> {\n let x = {", true),
            ("impl A {\n fn f(&self) {", true),
            ("fn f() -> [usize; 3] {", true),
            ("fn f(a: [u8; 2]) {}\nlet x = {", false),
            ("call(|| { 1; }); let x = {", false),
            ("fn g(); let x = {", false),
            ("impl A {", false),
            ("let answer: f64 = {", false),
            ("fn f() { }", false),
            ("fn f() { let c = '{'; }", false),
            ("let s = \"fn {\"; {", false),
            ("fn f() -> String { \"}\".into();", true),
            ("mod fn_like {", false),
        ] {
            assert_eq!(ends_inside_function(code), inside, "{code}");
        }
    }
}
