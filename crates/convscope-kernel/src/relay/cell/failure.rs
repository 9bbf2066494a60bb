//! How a cell failed, and how that is said.

use super::*;

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

    /// Where it is known why a name is not found, that is the better hint: `missing` holds names
    /// and the cell that failed to make each; none where it was made, and lost with its process.
    pub fn tell_of_loss(&mut self, missing: &[(String, Option<u32>)]) {
        let name = self.value.split('`').nth(1).unwrap_or_default();
        if self.name != "error[E0425]" {
            return;
        }
        let Some((_, cell)) = missing.iter().rfind(|(lost, _)| lost == name) else {
            return;
        };
        let hint = match cell {
            Some(count) => format!(
                "Cell [{count}] was to make `{name}`, but it failed, and nothing of it is there. \
                 Mend that cell and run it again."
            ),
            None => format!(
                "`{name}` was lost when the process that ran the cells ended. Run the cell that \
                 makes it again (menu Run, Run All Above Selected Cell)."
            ),
        };
        self.traceback.retain(|line| !line.starts_with(HINT));
        self.traceback.push(format!("{HINT} {hint}"));
    }

    /// The content of an `error` output.
    pub fn content(&self) -> Value {
        json!({"ename": self.name, "evalue": self.value, "traceback": self.traceback})
    }
}

impl Cell {
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
        let same = |a: &Panic, b: &Panic| a.line == b.line && a.message.trim() == b.message.trim();
        let printed = self.scanner.found().iter();
        let new = printed.filter(move |panic| !self.reported.iter().any(|own| same(own, panic)));
        self.reported.iter().chain(new)
    }

    /// The panic that ended the cell. One that came to a value caught it. A thread pool hands a
    /// panic on without a word, so that of another thread counts too.
    fn panic(&self) -> Option<&Panic> {
        let own = self.panics().filter(|panic| panic.own).last();
        own.or_else(|| self.panics().next())
            .filter(|_| !self.has_value())
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
        if self.has_value() || !self.may_end_early {
            return None;
        }
        // What the cell prints itself is no sign of an error.
        if code.contains("eprint") {
            return None;
        }
        let own = |line: &&str| !is_debugging(line) && !line.is_empty();
        let held: Vec<&str> = self.held.lines().map(str::trim_end).filter(own).collect();
        let value = match &held[..] {
            [] => {
                let mut lines = self.complaints.iter().map(String::as_str);
                lines.rfind(own)?.to_owned()
            }
            lines => lines.join("\n"),
        };
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
        Some(Failure::new(ENDED_EARLY, &value, &more))
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
            traceback.push(format!("{HINT} {hint}"));
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
        let digits = |text: &str| {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() < text.len()).then(|| rest.to_owned())
        };
        let rest = digits(after).unwrap_or_else(|| after.to_owned());
        // Whatever the place, evcxr writes line 1, column 1; the lines below have their numbers.
        let past = |text: &str| digits(text.strip_prefix(':')?);
        let rest = past(&rest).and_then(|rest| past(&rest)).unwrap_or(rest);
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

/// Whether a line is `dbg!`'s.
pub fn is_debugging(line: &str) -> bool {
    line.starts_with("[src/lib.rs:")
}

/// What is gone with the process.
fn lost_text(lost: &[String]) -> String {
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
