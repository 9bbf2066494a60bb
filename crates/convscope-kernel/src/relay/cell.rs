//! One cell on its way: what it printed, how it ended, and how that is said.

use crate::code;
use crate::hints;
use crate::history::History;
use crate::message::Message;
use crate::panic::{Panic, Scanner, is_cell_file};
use crate::source;
use crate::zmtp::PeerId;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// Standard error runs beside everything else: after the end, so long nothing more must come.
const QUIET: Duration = Duration::from_millis(3);
/// The same where a `?` may have failed: its message is the only sign, and often the last to come.
const QUESTION: Duration = Duration::from_millis(20);
/// A panic that has begun is waited for, but not for ever.
const PANIC_PATIENCE: Duration = Duration::from_millis(500);
/// How long a cell may go on after an interrupt where nobody could send a second one: a client that
/// goes on at its own timeout, as nbclient does, listens for four seconds more.
const UNATTENDED: Duration = Duration::from_secs(2);
/// How many lines of standard error are kept to find out why a cell ended.
const KEPT: usize = 50;

const RED: &str = "\u{1b}[31m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// An execution that Jupyter asked for.
pub struct Request {
    /// The request as it came.
    pub message: Message,
    /// Who asked.
    pub peer: PeerId,
    /// The cell's code.
    pub code: String,
    /// Whether it is neither counted nor remembered.
    pub silent: bool,
    /// Whether it belongs into the history.
    pub remembered: bool,
    /// Whether an error ends what waits behind it.
    pub stop_on_error: bool,
    /// Whether someone sits there who could answer a question, or interrupt again.
    pub attended: bool,
}

impl Request {
    /// Reads a request.
    pub fn new(peer: PeerId, message: Message) -> Request {
        let content = message.content();
        let silent = content["silent"].as_bool().unwrap_or(false);
        Request {
            peer,
            code: content["code"].as_str().unwrap_or_default().to_owned(),
            silent,
            remembered: !silent && content["store_history"].as_bool().unwrap_or(true),
            stop_on_error: content["stop_on_error"].as_bool().unwrap_or(true),
            attended: content["allow_stdin"].as_bool().unwrap_or(true),
            message,
        }
    }
}

/// How a cell failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Jupyter's `ename`.
    pub name: String,
    /// Jupyter's `evalue`.
    pub value: String,
    /// Jupyter's `traceback`.
    pub traceback: Vec<String>,
}

impl Failure {
    /// A failure told in a few lines, the first in red.
    pub fn new(name: &str, value: &str, more: &[String]) -> Failure {
        let mut traceback = vec![format!("{RED}{name}:{PLAIN} {value}")];
        traceback.extend_from_slice(more);
        Failure {
            name: name.to_owned(),
            value: value.to_owned(),
            traceback,
        }
    }

    /// The content of an `error` output.
    pub fn content(&self) -> Value {
        json!({"ename": self.name, "evalue": self.value, "traceback": self.traceback})
    }
}

/// The cell that runs.
pub struct Cell {
    /// What was asked.
    pub request: Request,
    /// Its number.
    pub count: u32,
    /// How often the user asked it to stop.
    pub interrupts: u32,
    /// When the first time was.
    pub asked_to_stop: Option<Instant>,
    /// The child's reply.
    pub reply: Option<Message>,
    /// When the child said that it is idle.
    pub idle: Option<Instant>,
    /// Whether it gave a value.
    pub has_result: bool,
    /// What it showed in places.
    pub shown: HashSet<String>,
    /// Panics on standard error.
    pub scanner: Scanner,
    /// Panics that a hook reported.
    pub reported: Vec<Panic>,
    /// The child's own errors.
    pub errors: Vec<Value>,
    may_end_early: bool,
    complaints: Vec<String>,
    blank: bool,
}

impl Cell {
    /// A cell that begins.
    pub fn new(request: Request, count: u32) -> Cell {
        Cell {
            may_end_early: code::may_end_early(&request.code),
            request,
            count,
            interrupts: 0,
            asked_to_stop: None,
            reply: None,
            idle: None,
            has_result: false,
            shown: HashSet::new(),
            scanner: Scanner::default(),
            reported: Vec::new(),
            errors: Vec::new(),
            complaints: Vec::new(),
            blank: false,
        }
    }

    /// Whether it was asked to stop, and did not for too long.
    pub fn is_overdue(&self, patience: Option<Duration>) -> bool {
        let patience = patience.or((!self.request.attended).then_some(UNATTENDED));
        let asked = self.asked_to_stop.filter(|_| self.interrupts == 1);
        asked
            .zip(patience)
            .is_some_and(|(asked, patience)| asked.elapsed() > patience)
    }

    /// What of a text on standard error the student sees at once.
    pub fn complain(&mut self, text: &str) -> String {
        let mut seen = String::new();
        for line in text.split_inclusive('\n') {
            // A panic begins with an empty line.
            if line == "\n" && !self.blank && !self.scanner.is_inside() {
                self.blank = true;
                continue;
            }
            let blank = std::mem::take(&mut self.blank);
            if self.scanner.line(line) {
                if blank {
                    seen.push('\n');
                }
                seen.push_str(line);
                if self.complaints.len() < KEPT && line.len() < 10_000 {
                    self.complaints.push(line.trim_end().to_owned());
                }
            }
        }
        seen
    }

    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        let (Some(_), Some(idle)) = (&self.reply, self.idle) else {
            return false;
        };
        let passed = idle.elapsed();
        if self.scanner.is_inside() {
            passed > PANIC_PATIENCE
        } else {
            let quiet = if self.may_end_early { QUESTION } else { QUIET };
            self.has_result || !self.errors.is_empty() || passed > quiet
        }
    }

    /// How it failed, if it did. A panic and a failed `?` are no errors to evcxr.
    pub fn failures(
        &self,
        source: Option<&Path>,
        lost: &[String],
        history: &History,
    ) -> Vec<Failure> {
        if !self.errors.is_empty() {
            return self.errors.iter().map(|e| self.told(e, lost)).collect();
        }
        if let Some(reply) = &self.reply {
            let content = reply.content();
            if content["status"] == "error" {
                return vec![self.told(&content, lost)];
            }
        }
        if let Some(panic) = self.panic() {
            return vec![self.panicked(panic, source, history)];
        }
        self.ended_early().into_iter().collect()
    }

    /// All panics, those that a hook reported first.
    pub fn panics(&self) -> impl Iterator<Item = &Panic> {
        self.reported.iter().chain(self.scanner.found())
    }

    /// The panic that ended the cell. One that came to a value caught it. A thread pool hands a
    /// panic on without a word, so that of another thread counts too.
    fn panic(&self) -> Option<&Panic> {
        let own = self.panics().filter(|panic| panic.own).last();
        own.or_else(|| self.panics().next())
            .filter(|_| !self.has_result)
    }

    fn panicked(&self, panic: &Panic, source: Option<&Path>, history: &History) -> Failure {
        let text = source.and_then(|path| std::fs::read_to_string(path).ok());
        let made: Vec<usize> = is_cell_file(&panic.file)
            .then_some(panic.line)
            .into_iter()
            .chain(panic.cell_lines.iter().copied())
            .collect();
        let find = |code: &str| {
            let source = text.as_deref()?;
            made.iter()
                .find_map(|line| source::cell_line(source, *line, code))
        };
        let mut more = Vec::new();
        if let Some(line) = find(&self.request.code) {
            more.push(self.at_line(line));
        } else if let Some((count, line, text)) = history.latest().find_map(|(count, code)| {
            let line = find(code)?;
            Some((count, line, code.lines().nth(line - 1).unwrap_or_default()))
        }) {
            more.push(format!("  line {line} of cell [{count}]: {}", text.trim()));
        } else if !is_cell_file(&panic.file) && !panic.file.is_empty() {
            let path = Path::new(&panic.file);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            more.push(format!("  in {name}, line {}", panic.line));
        }
        Failure::new("panic", panic.message.trim_end(), &more)
    }

    fn at_line(&self, line: usize) -> String {
        let text = self.request.code.lines().nth(line - 1).unwrap_or_default();
        format!("  line {line} of this cell: {}", text.trim())
    }

    /// evcxr prints the error of a failed `?` and says nothing else.
    fn ended_early(&self) -> Option<Failure> {
        let code = &self.request.code;
        if self.has_result || !self.may_end_early {
            return None;
        }
        // What the cell prints itself is no sign of an error.
        if code.contains("eprint") {
            return None;
        }
        let own = |line: &&String| !line.starts_with("[src/lib.rs:") && !line.is_empty();
        let value = self.complaints.iter().rfind(own)?;
        let with: Vec<usize> = code
            .lines()
            .enumerate()
            .filter(|(_, line)| code::may_end_early(line))
            .map(|(at, _)| at + 1)
            .collect();
        let mut more = Vec::new();
        if let [line] = with[..] {
            more.push(self.at_line(line));
        }
        more.push("  A `?` ended the cell here; what it would have made is not there.".to_owned());
        Some(Failure::new("Error", value, &more))
    }

    /// An error of the child's, in Jupyter's form.
    fn told(&self, error: &Value, lost: &[String]) -> Failure {
        let value = error["evalue"]
            .as_str()
            .unwrap_or("the kernel gave no reason");
        if value.contains("Subprocess terminated") || value.contains("Subprocess didn't start") {
            return self.terminated(value, lost);
        }
        let lines: Vec<String> = error["traceback"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|line| self.renamed(line))
            .collect();
        let text = without_colours(&(value.to_owned() + "\n" + &lines.join("\n")));
        let code = hints::code(&text);
        let name = code.map_or_else(|| "error".to_owned(), |code| format!("error[{code}]"));
        let mut traceback = lines;
        if traceback.is_empty() {
            traceback.push(format!("{RED}{name}:{PLAIN} {value}"));
        }
        if let Some(hint) = hints::hint(code, &text) {
            traceback.push(format!("{CYAN}hint:{PLAIN} {hint}"));
        }
        Failure {
            name,
            value: value.to_owned(),
            traceback,
        }
    }

    /// evcxr names a cell after its own count.
    fn renamed(&self, line: &str) -> String {
        let Some((before, after)) = line.split_once("command_") else {
            return line.to_owned();
        };
        let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{before}cell {}{rest}", self.count)
    }

    fn terminated(&self, value: &str, lost: &[String]) -> Failure {
        let how = value
            .rsplit_once("terminated with status: ")
            .map_or(value, |(_, how)| how.trim());
        let more = [lost_text(lost)];
        if self.interrupts > 0 {
            Failure::new("Interrupted", "the cell was ended at once", &more)
        } else {
            let value = format!("the process that runs the cells ended ({how})");
            Failure::new("Crash", &value, &more)
        }
    }
}

/// What is gone with the process.
pub fn lost_text(lost: &[String]) -> String {
    match lost {
        [] => "  No variables were lost; functions, types and `use` lines stay.".to_owned(),
        names => {
            let shown = names
                .iter()
                .take(12)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            let dots = if names.len() > 12 { ", ..." } else { "" };
            format!(
                "  Lost: the variables {shown}{dots}. Functions, types and `use` lines stay. \
                 Run the cells that make the variables again."
            )
        }
    }
}

/// A text without a terminal's colours.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest
            .strip_prefix(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(rest);
    }
    plain + rest
}
