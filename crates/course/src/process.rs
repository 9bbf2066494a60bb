//! Running other programs: every line of theirs goes to a log, the last ones into the error.

use anyhow::{Context, Result, bail};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A file that keeps what the programs said.
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Starts a new log, keeping the last one beside it as `<name>.old`.
    pub fn create(folder: &Path, name: &str) -> Result<Log> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let path = folder.join(format!("{name}.log"));
        let _ = std::fs::rename(&path, folder.join(format!("{name}.log.old")));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Log { path, file })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn line(&mut self, text: &str) {
        // A full disk is reported by the work itself, not by its log.
        let _ = writeln!(self.file, "{text}");
    }
}

/// This program's file.
///
/// A build while it runs puts a new file in the place of the old one, whose name Linux then gives
/// as `... (deleted)`: the new one is meant.
pub fn own_program() -> Result<PathBuf> {
    let path = std::env::current_exe().context("cannot find this program's own file")?;
    existing(&path).with_context(|| {
        format!(
            "{} is gone: this program was removed while it ran; run it again",
            path.display()
        )
    })
}

fn existing(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_path_buf());
    }
    let rebuilt = PathBuf::from(path.to_str()?.strip_suffix(" (deleted)")?);
    rebuilt.is_file().then_some(rebuilt)
}

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Turns Ctrl-C and a request to end into an orderly stop of `run_logged`.
pub fn catch_interrupts() {
    INTERRUPTED.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // The second Ctrl-C ends the program at once.
            let _ = signal_hook::flag::register_conditional_default(signal, flag.clone());
            let _ = signal_hook::flag::register(signal, flag.clone());
        }
        flag
    });
}

pub fn interrupted() -> bool {
    INTERRUPTED
        .get()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// Runs a program to its end, both its streams into the log and line by line to `on_line`.
pub fn run_logged(
    command: &mut Command,
    log: &mut Log,
    mut on_line: impl FnMut(&str),
) -> Result<()> {
    let name = said(command);
    log.line(&format!("$ {name}"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let (sender, lines) = channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|s| Box::new(s) as _),
        child.stderr.take().map(|s| Box::new(s) as _),
    ];
    for stream in streams.into_iter().flatten() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if sender.send(text).is_err() {
                    break;
                }
                line.clear();
            }
        });
    }
    drop(sender);
    let mut tail = VecDeque::new();
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                log.line(&line);
                on_line(&line);
                if tail.len() == 12 {
                    tail.pop_front();
                }
                tail.push_back(line);
            }
            Err(RecvTimeoutError::Timeout) if interrupted() => {
                stop(&mut child);
                break;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait()?;
    if interrupted() {
        bail!("stopped; nothing is lost, the same command goes on from here");
    }
    if !status.success() {
        let tail = tail
            .iter()
            .filter(|line| !line.trim().is_empty())
            .map(|line| format!("\n    {line}"))
            .collect::<String>();
        bail!(
            "{name} failed ({status}). Its last words:{tail}\n  The whole of it is in {}",
            log.path().display()
        );
    }
    Ok(())
}

/// Asks a child to end, and makes it end when it does not within two seconds.
pub fn stop(child: &mut std::process::Child) {
    stop_within(child, Duration::from_secs(2));
}

/// As `stop`, for programs that have more to clean up.
pub fn stop_within(child: &mut std::process::Child, patience: Duration) {
    #[cfg(unix)]
    if let Ok(pid) = i32::try_from(child.id())
        && let Some(pid) = rustix::process::Pid::from_raw(pid)
    {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let start = std::time::Instant::now();
        while start.elapsed() < patience {
            if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// What a program prints, or nothing when it is not there or fails.
pub fn output(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where a program is found, looking along `path` (a value of `PATH`).
pub fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    let name = crate::paths::exe(name);
    std::env::split_paths(path)
        .map(|folder| folder.join(&name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    let Ok(meta) = file.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let allowed = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let allowed = true;
    meta.is_file() && allowed
}

/// The command as one would type it.
pub fn said(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .map(|word| {
            if word.contains(char::is_whitespace) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_rebuilt_while_it_runs_is_found_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("course");
        let gone = folder.path().join("course (deleted)");
        assert_eq!(existing(&gone), None);
        std::fs::write(&program, "").unwrap();
        assert_eq!(existing(&gone), Some(program.clone()));
        assert_eq!(existing(&program), Some(program));
    }

    #[test]
    fn a_failure_tells_the_last_lines_and_where_the_log_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), "probe").unwrap();
        let mut seen = Vec::new();
        let error = run_logged(
            Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]),
            &mut log,
            |line| seen.push(line.to_owned()),
        )
        .unwrap_err()
        .to_string();
        seen.sort();
        assert_eq!(seen, ["one", "two"]);
        assert!(
            error.contains("two") && error.contains("probe.log"),
            "{error}"
        );
        let kept = std::fs::read_to_string(log.path()).unwrap();
        assert!(kept.contains("one") && kept.contains("two"));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), "probe").unwrap();
        let error = run_logged(&mut Command::new("no-such-program"), &mut log, |_| {});
        assert!(format!("{:#}", error.unwrap_err()).contains("no-such-program"));
    }

    #[test]
    fn programs_are_looked_for_along_the_given_path_only() {
        assert!(find_program("sh", OsStr::new("/bin:/usr/bin")).is_some());
        assert!(find_program("sh", OsStr::new("")).is_none());
    }
}
