//! Running cases where they can do no harm.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The names of check threads begin like this.
const THREAD: &str = "convscope check: ";
/// All cases together may take this many times the limit of one.
const PATIENCE: u32 = 4;
const STACK: usize = 16 << 20;

/// A case that says by itself what is wrong.
pub(super) struct Prepared {
    name: String,
    run: Box<dyn FnOnce() -> Verdict + Send>,
}

/// The difference, and the mistake it comes from where that is known.
pub(super) type Verdict = Result<(), (String, Option<String>)>;

impl Prepared {
    pub(super) fn new(name: String, run: impl FnOnce() -> Verdict + Send + 'static) -> Prepared {
        Prepared {
            name,
            run: Box::new(run),
        }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.name).finish()
    }
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Passed,
    Failed(String, Option<String>),
    Panicked(String),
    /// A `todo!()` with its text.
    NotWritten(String),
    TimedOut(Duration),
    NotTried,
}

/// Runs the cases in turn. After one that hangs the rest is not tried: it would most likely hang
/// too, and every thread that is left behind takes a processor.
pub(super) fn all(cases: Vec<Prepared>, limit: Duration) -> Vec<(String, Outcome)> {
    keep_check_threads_quiet();
    let begin = Instant::now();
    let mut stuck = false;
    cases
        .into_iter()
        .map(|case| {
            let name = case.name.clone();
            let outcome = match stuck || begin.elapsed() > limit * PATIENCE {
                true => Outcome::NotTried,
                false => one(case, limit),
            };
            stuck |= matches!(outcome, Outcome::TimedOut(_));
            (name, outcome)
        })
        .collect()
}

fn one(case: Prepared, limit: Duration) -> Outcome {
    let (sender, receiver) = channel();
    let run = case.run;
    let started = thread::Builder::new()
        .name(format!("{THREAD}{}", case.name.replace('\0', " ")))
        .stack_size(STACK)
        .spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(run));
            // Nobody listens any more when it took too long.
            let _ = sender.send(result.map_err(|payload| words(&*payload)));
        });
    if let Err(e) = started {
        return Outcome::Failed(format!("the check could not be started: {e}"), None);
    }
    match receiver.recv_timeout(limit) {
        Ok(Ok(Ok(()))) => Outcome::Passed,
        Ok(Ok(Err((difference, mistake)))) => Outcome::Failed(difference, mistake),
        Ok(Err(panic)) => match panic.strip_prefix("not yet implemented") {
            Some(what) => Outcome::NotWritten(what.trim_start_matches(": ").to_owned()),
            None => Outcome::Panicked(panic),
        },
        Err(RecvTimeoutError::Timeout) => Outcome::TimedOut(limit),
        Err(RecvTimeoutError::Disconnected) => {
            Outcome::Failed("the check ended without a result".into(), None)
        }
    }
}

/// What the student's code gives, outside of any check; nothing if it panics or hangs.
pub(crate) fn attempt<T: Send + 'static>(
    student: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    keep_check_threads_quiet();
    let (sender, receiver) = channel();
    let run = move || {
        if let Ok(value) = catch_unwind(AssertUnwindSafe(student)) {
            let _ = sender.send(value);
        }
    };
    let thread = thread::Builder::new().name(format!("{THREAD}attempt"));
    thread.stack_size(STACK).spawn(run).ok()?;
    receiver.recv_timeout(Duration::from_secs(2)).ok()
}

fn words(payload: &(dyn Any + Send)) -> String {
    match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}

/// A panic in a check is part of its result; nothing of it belongs on the screen. Other threads'
/// panics go where they went before.
fn keep_check_threads_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_check = thread::current()
                .name()
                .is_some_and(|n| n.starts_with(THREAD));
            if !is_check {
                before(info);
            }
        }));
    });
}
