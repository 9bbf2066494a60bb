//! One notebook, executed by Jupyter's own client in a process of its own.

use crate::kernel::compute_environment;
use crate::lab::jupyter_environment;
use crate::notebook::Notebook;
use crate::paths::Paths;
use crate::process::interrupted;
use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const SCRIPT: &str = include_str!("../../py/run_notebook.py");

pub struct Job<'a> {
    pub stem: &'a str,
    pub source: Notebook,
    /// Where the kernel runs.
    pub folder: &'a Path,
    /// Where the executed notebook and its HTML go.
    pub out: &'a Path,
    /// Seconds a cell may take.
    pub timeout: u64,
    pub stock: bool,
}

/// A notebook after its run.
pub struct Executed {
    pub notebook: Notebook,
    /// Seconds of each cell that ran to its end, by its index.
    pub seconds: Vec<(usize, f64)>,
    /// Seconds until the kernel was ready.
    pub ready: f64,
    /// What ended the run early.
    pub problem: Option<String>,
    /// What the checks recorded for `progress`, by exercise.
    pub recorded: Value,
}

impl Executed {
    /// Of a notebook that could not be run at all.
    pub fn nothing(notebook: Notebook) -> Executed {
        Executed {
            notebook,
            seconds: Vec::new(),
            ready: 0.0,
            problem: None,
            recorded: Value::Null,
        }
    }

    pub fn total_seconds(&self) -> f64 {
        self.ready + self.seconds.iter().map(|(_, s)| s).sum::<f64>()
    }

    pub fn slowest(&self) -> Option<(usize, f64)> {
        let by_time = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
        self.seconds.iter().max_by(by_time).copied()
    }
}

pub fn execute(paths: &Paths, job: &Job<'_>) -> Result<Executed> {
    std::fs::create_dir_all(job.out)
        .with_context(|| format!("{} cannot be made", job.out.display()))?;
    let scratch = Scratch::new(job.out, job.stem)?;
    let source = scratch.0.join("source.ipynb");
    job.source.save(&source)?;
    let written = job.out.join(format!("{}.ipynb", job.stem));
    let instructions = json!({
        "source": source,
        "folder": job.folder,
        "notebook": written,
        "html": job.out.join(format!("{}.html", job.stem)),
        "timeout": job.timeout,
        "stock": job.stock,
    });
    // An old result must not pass for this run's.
    let _ = std::fs::remove_file(&written);

    let progress = scratch.0.join("progress");
    let mut command = Command::new(paths.python());
    command.arg("-c").arg(SCRIPT).arg(instructions.to_string());
    jupyter_environment(&mut command, paths);
    command
        .env("CONVSCOPE_PROGRESS", &progress)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // Outputs that are kept show a student's view, without backtraces.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if job.stock {
        command.envs(compute_environment());
        command.env("JUPYTER_PATH", stock_kernelspec(paths, &scratch.0)?);
    }
    // The kernel and what it compiles chatter on stderr.
    let log = job.out.join(format!("{}.log", job.stem));
    let log_file =
        File::create(&log).with_context(|| format!("{} cannot be made", log.display()))?;
    let mut child = command
        .stderr(log_file)
        .spawn()
        .with_context(|| format!("{} cannot be started", paths.python().display()))?;
    let events = BufReader::new(child.stdout.take().context("the pipe was asked for")?);
    let mut followed = Followed::new(job);
    for line in events.lines() {
        if let Ok(event) = serde_json::from_str(&line?) {
            followed.event(&event);
        }
    }
    let status = child.wait()?;
    followed.bar.finish_and_clear();
    ensure!(!interrupted(), "stopped");
    if !followed.ended || !written.is_file() {
        bail!(
            "{}: the program that runs notebooks ended with {status}:\n{}\n(all of it is in {})",
            job.stem,
            tail(&log, 12),
            log.display()
        );
    }
    let number = job.stem.split('_').next().unwrap_or(job.stem);
    let recorded = std::fs::read_to_string(progress.join(format!("{number}.json")))
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .map_or(Value::Null, |mut value| value["exercises"].take());
    Ok(Executed {
        notebook: Notebook::read(&written)?,
        seconds: followed.seconds,
        ready: followed.ready,
        problem: followed.problem,
        recorded,
    })
}

fn tail(file: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A kernelspec that starts evcxr itself, found before the course's own.
fn stock_kernelspec(paths: &Paths, scratch: &Path) -> Result<PathBuf> {
    let folder = scratch.join("jupyter/kernels/rust");
    std::fs::create_dir_all(&folder)?;
    let spec = json!({
        "argv": [paths.evcxr(), "--control_file", "{connection_file}"],
        "display_name": "Rust", "language": "rust", "interrupt_mode": "message",
        // At its start evcxr writes its own kernelspec over one that it finds.
        "env": { "JUPYTER_PATH": scratch.join("none") },
    });
    std::fs::write(folder.join("kernel.json"), spec.to_string())?;
    Ok(scratch.join("jupyter"))
}

/// The run as it goes, on the terminal and in numbers.
struct Followed {
    bar: ProgressBar,
    seconds: Vec<(usize, f64)>,
    ready: f64,
    problem: Option<String>,
    ended: bool,
}

impl Followed {
    fn new(job: &Job<'_>) -> Followed {
        let cells = job.source.cells.iter().filter(|c| c.is_executable());
        let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {msg} {elapsed}");
        let bar = ProgressBar::new(cells.count() as u64)
            .with_style(style.expect("the template is well-formed"))
            .with_prefix(job.stem.to_string())
            .with_message("starting the kernel");
        bar.enable_steady_tick(Duration::from_millis(500));
        Followed {
            bar,
            seconds: Vec::new(),
            ready: 0.0,
            problem: None,
            ended: false,
        }
    }

    fn event(&mut self, event: &Value) {
        let index = event["index"].as_u64().unwrap_or(0) as usize;
        let seconds = event["seconds"].as_f64().unwrap_or(0.0);
        match event["event"].as_str() {
            Some("ready") => self.ready = seconds,
            Some("cell") => self.bar.set_message(format!("cell {}", index + 1)),
            Some("done") => {
                self.seconds.push((index, seconds));
                self.bar.inc(1);
            }
            Some("end") => {
                self.problem = event["problem"].as_str().map(str::to_string);
                self.ended = true;
            }
            _ => {}
        }
    }
}

/// A folder for this run alone, removed after it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(out: &Path, stem: &str) -> Result<Scratch> {
        let folder = out.join(format!(".{stem}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
