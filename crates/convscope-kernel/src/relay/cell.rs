//! One cell on its way: what it printed, and whether it has ended.

mod failure;

pub use failure::Failure;
use failure::is_debugging;

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
/// After so long it is tried whether anybody still reads.
const LATE: Duration = Duration::from_secs(1);
/// A fence that takes longer will not come: something else has the kernel's standard error.
const FENCE_PATIENCE: Duration = Duration::from_secs(20);
/// What a cell with a `?` writes on standard error may be the error that ends it, which is told in
/// another form: so long it is kept back.
const HELD: Duration = Duration::from_millis(100);
/// How long a cell may go on after an interrupt where nobody could send a second one: a client that
/// goes on at its own timeout, as nbclient does, listens for four seconds more.
const UNATTENDED: Duration = Duration::from_secs(2);
/// What stops within this time of an interrupt needs no words on how to end it.
const PROMPT: Duration = Duration::from_secs(1);
/// How many lines of standard error are kept to find out why a cell ended.
const KEPT: usize = 50;

/// The `ename` of a cell that a `?` ended.
const ENDED_EARLY: &str = "Error";

const RED: &str = "\u{1b}[31m";
const HINT: &str = "\u{1b}[36mhint:\u{1b}[0m";
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

    /// What became of the expressions that were to be computed beside the cell: evcxr has no such
    /// thing.
    pub fn user_expressions(&self) -> Value {
        let content = self.message.content();
        let names = content["user_expressions"].as_object();
        let value = "expected no user_expressions: evcxr does not compute them";
        let failure = json!({"status": "error", "ename": "NotSupported", "evalue": value,
                             "traceback": []});
        let all = names.into_iter().flatten();
        Value::Object(
            all.map(|(name, _)| (name.clone(), failure.clone()))
                .collect(),
        )
    }
}

/// A fence that was put up behind a cell.
pub struct Awaited {
    /// Its number.
    pub number: u64,
    /// Whether it has arrived, and with it everything that the cell wrote.
    pub reached: bool,
    since: Instant,
    tried: Instant,
}

impl Awaited {
    /// A fence just put up.
    pub fn new(number: u64) -> Awaited {
        Awaited {
            number,
            reached: false,
            since: Instant::now(),
            tried: Instant::now(),
        }
    }

    /// Whether it takes so long that another had better be tried; true now and then.
    pub fn is_late(&mut self) -> bool {
        let late = !self.reached && self.tried.elapsed() > LATE;
        if late {
            self.tried = Instant::now();
        }
        late
    }

    /// Whether it will not come any more.
    pub fn is_lost(&self) -> bool {
        !self.reached && self.since.elapsed() > FENCE_PATIENCE
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
    told_how: bool,
    /// The child's reply.
    pub reply: Option<Message>,
    /// When the child said that it is idle.
    pub idle: Option<Instant>,
    /// Who was asked a question that is not answered yet.
    pub asked: Option<PeerId>,
    /// What tells that all its standard error is there.
    pub fence: Option<Awaited>,
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
    held: String,
    held_since: Option<Instant>,
    displays: bool,
    complaints: Vec<String>,
    blank: bool,
}

impl Cell {
    /// A cell that begins.
    pub fn new(request: Request, count: u32) -> Cell {
        Cell {
            may_end_early: code::may_end_early(&request.code),
            held: String::new(),
            held_since: None,
            displays: ["evcxr_display", "EVCXR_BEGIN_CONTENT"]
                .iter()
                .any(|word| request.code.contains(word)),
            request,
            count,
            interrupts: 0,
            asked_to_stop: None,
            told_how: false,
            reply: None,
            idle: None,
            asked: None,
            fence: None,
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

    /// Whether it is time to say how it can be ended: the request to stop had no effect so far.
    /// True once.
    pub fn takes_its_time(&mut self) -> bool {
        let asked = self
            .asked_to_stop
            .is_some_and(|asked| asked.elapsed() > PROMPT);
        let runs_on = self.reply.is_none() && self.interrupts == 1;
        asked && runs_on && !std::mem::replace(&mut self.told_how, true)
    }

    /// Keeps standard error back that may be the error of a failed `?`. Returns what is no such thing.
    pub fn hold(&mut self, seen: String) -> String {
        if !self.may_end_early || seen.is_empty() {
            return seen;
        }
        self.held.push_str(&seen);
        self.held_since = Some(Instant::now());
        String::new()
    }

    /// What was kept back and is shown after all: the cell runs on.
    pub fn release(&mut self) -> Option<String> {
        let runs_on = self.reply.is_none() && self.idle.is_none();
        (runs_on && self.held_since?.elapsed() > HELD).then(|| {
            self.held_since = None;
            std::mem::take(&mut self.held)
        })
    }

    /// What was kept back, at the end, without what an error tells.
    pub fn rest(&mut self, failures: &[Failure]) -> String {
        let mut held = std::mem::take(&mut self.held);
        if failures.iter().any(|failure| failure.name == ENDED_EARLY) {
            held = held
                .split_inclusive('\n')
                .filter(|line| is_debugging(line))
                .collect();
        }
        held
    }

    /// Whether it has ended, and what it wrote on standard error matters.
    pub fn wants_fence(&self) -> bool {
        let ended = self.reply.is_some() || self.idle.is_some();
        ended && !self.is_told() && self.fence.is_none()
    }

    /// Whether how it ended is known without its standard error.
    fn is_told(&self) -> bool {
        (self.has_value() || !self.errors.is_empty()) && !self.scanner.is_inside()
    }

    /// Whether it came to its end with a value. What a cell displays itself comes the same way, and
    /// also from one that ended early.
    fn has_value(&self) -> bool {
        self.has_result && !self.displays
    }

    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        let (Some(_), Some(idle)) = (&self.reply, self.idle) else {
            return false;
        };
        let passed = idle.elapsed();
        match &self.fence {
            Some(fence) if fence.reached => true,
            _ if self.is_told() => true,
            Some(_) => false,
            None if self.scanner.is_inside() => passed > PANIC_PATIENCE,
            None if self.may_end_early => passed > QUESTION,
            None => passed > QUIET,
        }
    }
}
