//! The child's process, and everything that it started.

use crate::error::{KernelError, Result};
#[cfg(unix)]
use crate::standby::Loan;
use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends, with all that it started, when this is dropped.
pub struct Process {
    origin: Origin,
    name: String,
}

enum Origin {
    Own(Child),
    /// A keeper started it, watches it, and ends it when asked.
    #[cfg(unix)]
    Lent(Loan),
}

impl Process {
    /// Starts a command, after `prepare` has set up what is not the same for all.
    pub fn start(command: &[OsString], prepare: impl FnOnce(&mut Command)) -> Result<Process> {
        let name = command
            .first()
            .map(|program| program.to_string_lossy().into_owned())
            .unwrap_or_default();
        let wrong = |problem: String| KernelError::Child {
            command: name.clone(),
            problem,
        };
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| wrong("expected a command, got none".to_owned()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        prepare(&mut command);
        let child = command
            .spawn()
            .map_err(|error| wrong(format!("cannot be started: {error}")))?;
        Ok(Process {
            origin: Origin::Own(child),
            name,
        })
    }

    /// A process that was started ahead of time.
    #[cfg(unix)]
    pub fn lent(loan: Loan) -> Process {
        Process {
            origin: Origin::Lent(loan),
            name: "the standby kernel".to_owned(),
        }
    }

    /// Whether it was started ahead of time.
    pub fn is_lent(&self) -> bool {
        !matches!(self.origin, Origin::Own(_))
    }

    /// The command's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        match &self.origin {
            Origin::Own(child) => child.id(),
            #[cfg(unix)]
            Origin::Lent(loan) => loan.process(),
        }
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<String> {
        match &mut self.origin {
            Origin::Own(child) => Some(child.try_wait().ok()??.to_string()),
            #[cfg(unix)]
            Origin::Lent(loan) => loan.ended(),
        }
    }

    /// Waits for the end, then asks for it, then brings it about.
    pub fn end(&mut self, patience: Duration) {
        let family = family(self.id());
        if !self.wait(patience) {
            self.ask_to_end();
        }
        // A cell in an endless loop does not see that its kernel is gone.
        for (id, start) in family {
            if started(id) == Some(start) {
                signal(id, Signal::Kill);
            }
        }
    }

    fn ask_to_end(&mut self) {
        // A launcher has its own kernel to end, and files to remove.
        let patience = Duration::from_secs(3);
        match &mut self.origin {
            Origin::Own(child) => {
                signal(child.id(), Signal::Ask);
                if !self.wait(patience)
                    && let Origin::Own(child) = &mut self.origin
                {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
            #[cfg(unix)]
            Origin::Lent(loan) => {
                loan.give_back();
                // The keeper does the same, and has as much patience.
                self.wait(patience + Duration::from_secs(1));
            }
        }
    }

    fn wait(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        loop {
            if self.ended().is_some() {
                return true;
            }
            if start.elapsed() >= patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.end(Duration::ZERO);
        }
    }
}

enum Signal {
    Ask,
    Kill,
}

#[cfg(unix)]
fn signal(id: u32, signal: Signal) {
    let pid = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let signal = match signal {
            Signal::Ask => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        let _ = rustix::process::kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn signal(_: u32, _: Signal) {}

/// A process and all that it started, directly or not, with the times of their starts.
#[cfg(target_os = "linux")]
pub fn family(id: u32) -> Vec<(u32, u64)> {
    let all: Vec<(u32, Stat)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, stat(id)?)))
        .collect();
    let mut found: Vec<(u32, u64)> = all
        .iter()
        .filter(|(other, _)| *other == id)
        .map(|(id, stat)| (*id, stat.start))
        .collect();
    let mut at = 0;
    while at < found.len() {
        let parent = found[at].0;
        let children = all.iter().filter(|(_, stat)| stat.parent == parent);
        found.extend(children.map(|(id, stat)| (*id, stat.start)));
        at += 1;
    }
    found
}

/// Nothing is known elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn family(_: u32) -> Vec<(u32, u64)> {
    Vec::new()
}

struct Stat {
    parent: u32,
    start: u64,
}

/// Fields 4 and 22 of `/proc/ID/stat`; the name before them may hold anything.
fn stat(id: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(1);
    Some(Stat {
        parent: fields.next()?.parse().ok()?,
        start: fields.nth(17)?.parse().ok()?,
    })
}

fn started(id: u32) -> Option<u64> {
    stat(id).map(|stat| stat.start)
}

/// Who started this process.
pub fn parent() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    0
}
