//! Knows when all that a cell wrote on standard error has arrived.
//!
//! evcxr hands standard error on beside everything else: that a cell has ended says nothing about
//! it. But one thread reads one pipe there, and one hands lines on, those of standard output that
//! wait before those of standard error. So a line of the relay's own, written into that pipe after
//! the cell's end, arrives after everything that the cell wrote.

use crate::connection::random_hex;
use crate::error::Result;
use crate::marker::MARK;
use std::path::PathBuf;

/// The way into the pipe of one process that runs cells.
pub struct Fence {
    secret: String,
    process: Option<Standing>,
    /// A pipe through which nothing arrives.
    blocked: Option<PathBuf>,
    /// Whether that is because nobody reads it any more.
    deaf: bool,
    written: u64,
}

/// The file and what it led to when it was found: the process may give its standard error away, or
/// be gone and another have its number.
struct Standing {
    file: PathBuf,
    pipe: PathBuf,
}

impl Fence {
    /// A fence that stands nowhere yet.
    pub fn new() -> Result<Fence> {
        Ok(Fence {
            secret: random_hex(8)?,
            process: None,
            blocked: None,
            deaf: false,
            written: 0,
        })
    }

    /// Looks for the process among those that the kernel started, unless it is known.
    pub fn find(&mut self, kernel: u32) {
        let stands = |at: &Standing| std::fs::read_link(&at.file).is_ok_and(|to| to == at.pipe);
        if !self.process.as_ref().is_some_and(stands) {
            self.process = find(kernel);
            let pipe = self.process.as_ref().map(|at| &at.pipe);
            if pipe.is_some() && pipe == self.blocked.as_ref() {
                self.process = None;
            } else {
                (self.blocked, self.deaf) = (None, false);
            }
        }
    }

    /// Puts up the next fence. Returns its number; none where that cannot be done, or not yet.
    pub fn put(&mut self) -> Option<u64> {
        let number = self.written + 1;
        let line = format!("{MARK}fence {} {number}\n", self.secret);
        self.write(line.as_bytes())?;
        self.written = number;
        Some(number)
    }

    /// Whether nobody reads the standard error of what runs cells. evcxr's reader ends at the first
    /// line that is not UTF-8; no panic and no failed `?` is seen after that.
    pub fn is_deaf(&self) -> bool {
        self.deaf
    }

    fn write(&mut self, line: &[u8]) -> Option<()> {
        let at = self.process.as_ref()?;
        (std::fs::read_link(&at.file).ok()? == at.pipe).then_some(())?;
        // Open only for the writing: evcxr takes a crash for over when nobody can write any more.
        let written = write(&at.file, line);
        if matches!(&written, Err(error) if is_nobody(error)) {
            self.give_up();
            self.deaf = true;
        }
        written.ok()
    }

    /// One that was put up did not arrive: none will be put up for this process.
    pub fn give_up(&mut self) {
        if let Some(at) = self.process.take() {
            self.blocked = Some(at.pipe);
        }
    }

    /// Takes the fences out of a text. Returns the rest, and the last one's number.
    pub fn cut(&self, text: &str) -> (String, Option<u64>) {
        let mark = format!("{MARK}fence {} ", self.secret);
        let (mut kept, mut last) = (String::new(), None);
        for line in text.split_inclusive('\n') {
            match line.split_once(&mark) {
                Some((before, number)) => {
                    kept.push_str(before);
                    if !before.is_empty() {
                        kept.push('\n');
                    }
                    last = number.trim_end().parse().ok().or(last);
                }
                None => kept.push_str(line),
            }
        }
        (kept, last)
    }
}

/// The process that runs cells: evcxr says so in its environment, and reads its standard error.
#[cfg(target_os = "linux")]
fn find(kernel: u32) -> Option<Standing> {
    crate::process::family(kernel)
        .into_iter()
        .find_map(|(id, _)| {
            let environment = std::fs::read(format!("/proc/{id}/environ")).ok()?;
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry.starts_with(b"EVCXR_IS_RUNTIME="))
                .then_some(())?;
            let file = PathBuf::from(format!("/proc/{id}/fd/2"));
            let pipe = std::fs::read_link(&file).ok()?;
            let is_pipe = pipe.to_str().is_some_and(|name| name.starts_with("pipe:"));
            is_pipe.then_some(Standing { file, pipe })
        })
}

#[cfg(not(target_os = "linux"))]
fn find(_: u32) -> Option<Standing> {
    None
}

#[cfg(target_os = "linux")]
fn write(file: &std::path::Path, line: &[u8]) -> std::io::Result<()> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let pipe = open(file, flags, Mode::empty())?;
    // So short a line goes in whole or, when the pipe is full, not at all.
    std::io::Write::write_all(&mut std::fs::File::from(pipe), line)
}

#[cfg(target_os = "linux")]
fn is_nobody(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}

#[cfg(not(target_os = "linux"))]
fn write(_: &std::path::Path, _: &[u8]) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn is_nobody(_: &std::io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_cut_out_and_a_strangers_stays_text() {
        let fence = Fence::new().unwrap();
        let own = |number: u64| format!("{MARK}fence {} {number}\n", fence.secret);
        let strange = format!("{MARK}fence 0123 7\n");
        let text = format!("one\n{}begun{}{strange}two", own(3), own(4));
        let wanted = format!("one\nbegun\n{strange}two");
        assert_eq!(fence.cut(&text), (wanted, Some(4)));
        assert_eq!(fence.cut("plain\n"), ("plain\n".to_owned(), None));
    }

    /// A process that runs as cells do, with one fence put up.
    #[cfg(target_os = "linux")]
    fn fenced() -> (Fence, std::process::Child) {
        use std::process::{Command, Stdio};
        let mut fence = Fence::new().unwrap();
        let process = Command::new("cat")
            .env("EVCXR_IS_RUNTIME", "1")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        fence.find(process.id());
        assert_eq!(fence.put(), Some(1));
        (fence, process)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_that_was_given_up_gets_no_more_fences() {
        let (mut fence, mut process) = fenced();
        fence.give_up();
        fence.give_up();
        fence.find(process.id());
        assert_eq!(fence.put(), None);
        assert!(!fence.is_deaf());
        drop(process.stdin.take());
        process.wait().unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_that_nobody_reads_is_known_to_be_deaf() {
        let (mut fence, mut process) = fenced();
        assert!(!fence.is_deaf());
        drop(process.stderr.take());
        assert_eq!(fence.put(), None);
        assert!(fence.is_deaf());
        // It stays so for this process, and not for another.
        fence.find(process.id());
        assert!(fence.is_deaf());
        drop(process.stdin.take());
        process.wait().unwrap();
        fence.find(process.id());
        assert!(!fence.is_deaf());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_fence_comes_after_what_the_process_wrote_and_none_when_it_is_gone() {
        use std::io::Read;
        use std::process::{Command, Stdio};
        let mut fence = Fence::new().unwrap();
        assert_eq!(fence.put(), None);
        let mut process = Command::new("sh")
            .args(["-c", "echo before >&2; read line"])
            .env("EVCXR_IS_RUNTIME", "1")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = process.stderr.take().unwrap();
        let mut first = [0; 7];
        errors.read_exact(&mut first).unwrap();
        fence.find(process.id());
        assert_eq!((fence.put(), fence.put()), (Some(1), Some(2)));
        drop(process.stdin.take());
        process.wait().unwrap();
        assert_eq!(fence.put(), None);
        // To the end: nothing of the fence keeps the pipe open.
        let mut rest = String::new();
        errors.read_to_string(&mut rest).unwrap();
        assert_eq!(fence.cut(&rest), (String::new(), Some(2)));
    }
}
