//! Panics, read from what they print on standard error.

/// What a panic said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panic {
    /// The thread's name; evcxr runs cells on a thread without one.
    pub thread: String,
    /// Whether it was on the thread that runs the cells.
    pub own: bool,
    /// The message.
    pub message: String,
    /// Where it happened, as the compiler names the file.
    pub file: String,
    /// The line there; 0 when it is not known.
    pub line: usize,
    /// The lines of the cell's source on the way there, the nearest first.
    pub cell_lines: Vec<usize>,
}

/// A cell's own source file, as the compiler names it.
pub const CELL_FILE: &str = "src/lib.rs";

/// A frame that is under every cell, and under no other thread.
const CELLS_RUN_IN: &str = "evcxr::runtime::Runtime::run_loop";

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum State {
    #[default]
    Text,
    Message,
    Backtrace,
}

/// Reads standard error line by line and keeps the panics back.
#[derive(Default)]
pub struct Scanner {
    state: State,
    found: Vec<Panic>,
    /// Whether a line of the message has come.
    begun: bool,
}

impl Scanner {
    /// Takes a line. Returns whether it is ordinary text.
    pub fn line(&mut self, line: &str) -> bool {
        let line = line.trim_end_matches('\n');
        if let Some(panic) = opening(line) {
            self.found.push(panic);
            self.state = State::Message;
            self.begun = false;
            return false;
        }
        match self.state {
            State::Text => return true,
            State::Message => {
                if line == "stack backtrace:" {
                    self.state = State::Backtrace;
                } else if line.starts_with("note: run with `RUST_BACKTRACE") {
                    self.state = State::Text;
                } else if let Some(panic) = self.found.last_mut() {
                    if !panic.message.is_empty() || self.begun {
                        panic.message.push('\n');
                    }
                    self.begun = true;
                    panic.message.push_str(line);
                }
            }
            State::Backtrace => {
                let trimmed = line.trim_start();
                if line.starts_with("note: ") {
                    self.state = State::Text;
                } else if let Some(place) = trimmed.strip_prefix("at ") {
                    if let Some(line) = cell_line(place)
                        && let Some(panic) = self.found.last_mut()
                    {
                        panic.cell_lines.push(line);
                    }
                } else if !is_frame(trimmed) {
                    self.state = State::Text;
                    return true;
                } else if trimmed.contains(CELLS_RUN_IN)
                    && let Some(panic) = self.found.last_mut()
                {
                    panic.own = true;
                }
            }
        }
        false
    }

    /// Whether more of a panic is to come.
    pub fn is_inside(&self) -> bool {
        self.state != State::Text
    }

    /// What was found.
    pub fn found(&self) -> &[Panic] {
        &self.found
    }
}

/// `thread 'main' (1234) panicked at src/lib.rs:3:5:`; the number came with Rust 1.91.
fn opening(line: &str) -> Option<Panic> {
    let rest = line.strip_prefix("thread '")?;
    let (before, place) = rest.split_once(" panicked at ")?;
    let (thread, after) = before.rsplit_once('\'')?;
    let number = after.trim();
    let numbered = number.starts_with('(') && number.ends_with(')');
    if !(number.is_empty() || numbered) {
        return None;
    }
    let (file, line) = place_of(place.trim_end_matches(':'));
    Some(Panic {
        thread: thread.to_owned(),
        own: thread == "main",
        file: file.to_owned(),
        line,
        ..Panic::default()
    })
}

/// File and line of `file:line:column`.
fn place_of(place: &str) -> (&str, usize) {
    let mut parts = place.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    match (file, line.and_then(|line| line.parse().ok()), column) {
        (Some(file), Some(line), Some(_)) => (file, line),
        _ => (place, 0),
    }
}

fn cell_line(place: &str) -> Option<usize> {
    let (file, line) = place_of(place);
    is_cell_file(file).then_some(line)
}

/// Whether a file is the source that evcxr makes of a cell.
pub fn is_cell_file(file: &str) -> bool {
    let own = file.strip_suffix(CELL_FILE);
    own.is_some_and(|folder| matches!(folder, "" | "./"))
}

fn is_frame(line: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // As evcxr 0.22 passes it on, shortened.
    const TEXT: &str = "before\n\
        \n\
        thread '<unnamed>' (4711) panicked at src/lib.rs:133:9:\n\
        index out of bounds: the len is 3 but the index is 10\n\
        stack backtrace:\n   0: __rustc::rust_begin_unwind\n   1: core::panicking::panic_fmt\n\
        \x20  2: run_user_code_3::{{closure}}\n             at ./src/lib.rs:133:9\n\
        \x20  3: evcxr::runtime::Runtime::run_loop\n             at /rustc/abc/library/std/src/panic.rs:9:9\n\
        note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.\n\
        after\n";

    #[test]
    fn a_panic_is_kept_back_and_the_rest_is_text() {
        let mut scanner = Scanner::default();
        let text: Vec<_> = TEXT.lines().filter(|line| scanner.line(line)).collect();
        assert_eq!(text, ["before", "", "after"]);
        let found = scanner.found();
        assert_eq!(found.len(), 1);
        assert!(found[0].own && found[0].thread == "<unnamed>");
        assert_eq!(
            found[0].message,
            "index out of bounds: the len is 3 but the index is 10"
        );
        assert_eq!((found[0].file.as_str(), found[0].line), ("src/lib.rs", 133));
        assert_eq!(found[0].cell_lines, [133]);
        assert!(!scanner.is_inside());
    }

    #[test]
    fn a_message_of_several_lines_and_one_without_backtrace_are_whole() {
        let mut scanner = Scanner::default();
        for line in [
            "thread '<unnamed>' panicked at /x/a:b.rs:1:2:",
            "assertion `left == right` failed",
            "  left: 1",
            " right: 2",
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
        ] {
            assert!(!scanner.line(line), "{line}");
        }
        let found = scanner.found();
        assert!(!found[0].own);
        assert_eq!(found[0].message.lines().count(), 3);
        assert_eq!((found[0].file.as_str(), found[0].line), ("/x/a:b.rs", 1));
        assert!(scanner.line("thread 'a' is fine"));
    }
}
