//! `cargo course doctor`: looks over the machine and the installation, and says what to do.

mod blas;
mod kernel_times;
pub mod system;

use crate::paths::Paths;
use crate::report::Step;
use crate::setup::{checks, evcxr, install, jupyter, stamp, template};
use anyhow::{Context, Result};
use checks::{Machine, Need};
use convscope_data::{Cache, Kind, Presence, Registry};
use convscope_progress::size;
use kernel_times::{CELL_GOAL, FIRST_PLOT_BAR, FIRST_PLOT_GOAL, KernelTimes};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Leave out the notebook kernel's timing, which takes half a minute
    #[arg(long)]
    no_kernel: bool,
    /// Time the relay and the standby kernel as well, 4 minutes, and write all of it into this file
    /// as JSON
    #[arg(long, value_name = "FILE", conflicts_with = "no_kernel")]
    kernel_report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Good,
    /// Works, but could be better.
    Note,
    /// The notebooks need this.
    Missing,
}

#[derive(Debug, Serialize)]
struct Finding {
    topic: &'static str,
    level: Level,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, topic: &'static str, level: Level, text: impl Into<String>) {
        self.0.push(Finding {
            topic,
            level,
            text: text.into(),
            todo: None,
        });
    }

    fn todo(
        &mut self,
        topic: &'static str,
        level: Level,
        text: impl Into<String>,
        todo: impl Into<String>,
    ) {
        self.add(topic, level, text);
        if let Some(last) = self.0.last_mut() {
            last.todo = Some(todo.into());
        }
    }
}

const SETUP: &str = "cargo course setup";

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let mut findings = Findings::default();
    let machine = Machine::this();
    machine_findings(&mut findings, &machine, &paths);
    let whole = installation_findings(&mut findings, &machine, &paths);
    let blas = blas_findings(&mut findings, &machine, &paths);
    data_findings(&mut findings);
    let mut times = None;
    if args.no_kernel {
    } else if whole {
        let step = Step::start("Timing the kernel", "half a minute");
        times = kernel_findings(&mut findings, &paths);
        drop(step);
    } else {
        findings.todo(
            "kernel",
            Level::Missing,
            "cannot be timed before set-up is done",
            SETUP,
        );
    }
    let missing = findings.0.iter().any(|f| f.level == Level::Missing);
    let report = json!({
        "ok": !missing,
        "machine": system::summary(),
        "findings": findings.0,
        "blas": blas,
        "kernel": times,
    });
    if let Some(file) = &args.kernel_report {
        let times = times
            .as_ref()
            .context("the kernel could not be timed; see above")?;
        let kernel = json!({
            "machine": system::summary(),
            "goals": {
                "first_plot": FIRST_PLOT_GOAL,
                "first_plot_at_most": FIRST_PLOT_BAR,
                "later_cells_median": CELL_GOAL,
                "relay_added_ms": 5.0,
                "first_plot_with_standby": 2.0,
            },
            "evcxr": evcxr::VERSION,
            "kernel": times,
            "relay": timed("Timing the relay", "half a minute", || {
                kernel_times::measure_relay(&paths)
            })?,
            "standby": timed("Timing the standby kernel", "3 minutes", || {
                kernel_times::measure_standby(&paths)
            })?,
        });
        stamp::write_whole(file, format!("{kernel:#}\n").as_bytes())?;
    }
    if args.json {
        println!("{report:#}");
    } else {
        print(&findings.0);
    }
    Ok(ExitCode::from(u8::from(missing)))
}

fn timed<T>(what: &str, how_long: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let step = Step::start(what, how_long);
    let found = work()?;
    step.done();
    Ok(found)
}

fn print(findings: &[Finding]) {
    let width = findings.iter().map(|f| f.topic.len()).max().unwrap_or(0);
    for finding in findings {
        let mark = match finding.level {
            Level::Good => "ok     ",
            Level::Note => "note   ",
            Level::Missing => "MISSING",
        };
        println!("{mark}  {:width$}  {}", finding.topic, finding.text);
        for line in finding.todo.iter().flat_map(|todo| todo.lines()) {
            println!("{:9}{:width$}  -> {}", "", "", line.trim());
        }
    }
}

fn machine_findings(findings: &mut Findings, machine: &Machine, paths: &Paths) {
    findings.add("machine", Level::Good, system::description());
    match checks::toolchain(machine) {
        Ok(rust) if rust.has_source() => {
            findings.add(
                "rust",
                Level::Good,
                format!("{} with its library's source", rust.release()),
            );
        }
        Ok(rust) => findings.todo(
            "rust",
            Level::Missing,
            format!("{}, but its library's source is missing", rust.release()),
            install::advice(Need::RustSource, machine),
        ),
        Err(error) => findings.add("rust", Level::Missing, format!("{error:#}")),
    }
    let probes: [(&'static str, Need, Result<String>); 3] = [
        (
            "linker",
            Need::Linker,
            checks::links(machine).map(|()| "links programs".to_owned()),
        ),
        (
            "openblas",
            Need::OpenBlas,
            checks::openblas(machine).map(|()| "can be linked".to_owned()),
        ),
        (
            "python",
            Need::Python,
            checks::python(machine).map(|python| python.display().to_string()),
        ),
    ];
    for (topic, need, probe) in probes {
        match probe {
            Ok(text) => findings.add(topic, Level::Good, text),
            Err(error) => findings.todo(
                topic,
                Level::Missing,
                format!("{error:#}"),
                format!("{SETUP}, or:\n{}", install::advice(need, machine)),
            ),
        }
    }
    if let Some(free) = checks::free_space(&paths.root) {
        let made = crate::setup::size_of(&paths.made());
        let text = format!("{} free; set-up has taken {}", size(free), size(made));
        if made < 1_000_000 && free < checks::SPACE_NEEDED {
            let needed = size(checks::SPACE_NEEDED);
            findings.todo(
                "disk",
                Level::Missing,
                text,
                format!("make room: set-up needs {needed}"),
            );
        } else if free < 1_000_000_000 {
            findings.todo(
                "disk",
                Level::Note,
                text,
                "make room: data and builds need some",
            );
        } else {
            findings.add("disk", Level::Good, text);
        }
    }
    if let Some((total, available)) = system::memory() {
        let text = format!("{} of {} free", size(available), size(total));
        if available < 2_000_000_000 {
            let todo = "close programs: a kernel takes over 1 GB, training some more";
            findings.todo("memory", Level::Note, text, todo);
        } else {
            findings.add("memory", Level::Good, text);
        }
    }
}

/// Whether everything that set-up makes is there.
fn installation_findings(findings: &mut Findings, machine: &Machine, paths: &Paths) -> bool {
    let before = findings.0.len();
    if jupyter::venv_works(paths) {
        let text = format!(
            "JupyterLab {}",
            jupyter::pinned("jupyterlab").unwrap_or_default()
        );
        findings.add("jupyter", Level::Good, text);
    } else {
        findings.todo("jupyter", Level::Missing, "not installed", SETUP);
    }
    if evcxr::is_installed(paths) {
        findings.add("evcxr", Level::Good, evcxr::VERSION);
    } else {
        findings.todo("evcxr", Level::Missing, "not built", SETUP);
    }
    let current = checks::toolchain(machine)
        .and_then(|rust| template::inputs(paths, &rust))
        .is_ok_and(|inputs| stamp::is_done(paths, "template", &inputs));
    match (paths.template().exists(), current) {
        (false, _) => findings.todo("template", Level::Missing, "not made", SETUP),
        (true, true) => findings.add("template", Level::Good, "fits the course's crates"),
        (true, false) => findings.todo(
            "template",
            Level::Note,
            "older than the course's crates: a notebook's first cell compiles them",
            SETUP,
        ),
    }
    if jupyter::kernelspec_is_written(paths) && paths.launcher().exists() {
        findings.add("kernelspec", Level::Good, "Rust (Convscope)");
    } else {
        findings.todo(
            "kernelspec",
            Level::Missing,
            "not written for this folder",
            SETUP,
        );
    }
    findings.0[before..]
        .iter()
        .all(|f| f.level != Level::Missing)
}

fn blas_findings(findings: &mut Findings, machine: &Machine, paths: &Paths) -> Option<blas::Blas> {
    let python = if paths.python().exists() {
        paths.python()
    } else {
        checks::python(machine).ok()?
    };
    match blas::measure(paths, &python) {
        Ok(blas) => {
            let text = format!(
                "core {}, {:.0} GFLOP/s on one thread, {:.0} % of what is reachable \
                 (by itself OpenBLAS takes {}, {:.0} GFLOP/s)",
                blas.used.core,
                blas.used.gflops,
                100.0 * blas.share(),
                blas.unasked.core,
                blas.unasked.gflops,
            );
            if blas.share() < 0.85 {
                let todo = format!(
                    "try OPENBLAS_CORETYPE={} in the environment: {:.0} GFLOP/s",
                    blas.best.core.to_uppercase(),
                    blas.best.gflops
                );
                findings.todo("blas", Level::Note, text, todo);
            } else {
                findings.add("blas", Level::Good, text);
            }
            Some(blas)
        }
        Err(error) => {
            findings.add("blas", Level::Note, format!("{error:#}"));
            None
        }
    }
}

fn data_findings(findings: &mut Findings) {
    let (registry, cache) = match (Registry::builtin(), Cache::locate()) {
        (Ok(registry), Ok(cache)) => (registry, cache),
        (Err(error), _) | (_, Err(error)) => {
            findings.add("data", Level::Note, error.to_string());
            return;
        }
    };
    for entry in &registry.entries {
        match cache.presence(entry) {
            Presence::Complete => {
                findings.add("data", Level::Good, format!("{} is there", entry.name))
            }
            // Two dozen files, of which a reader wants a few, and none is asked for before that.
            _ if entry.kind == Kind::Weights => {}
            _ => findings.todo(
                "data",
                Level::Note,
                format!(
                    "{} is not there; notebooks fetch it when they need it",
                    entry.name
                ),
                format!("cargo course fetch {}", entry.name),
            ),
        }
    }
}

fn kernel_findings(findings: &mut Findings, paths: &Paths) -> Option<KernelTimes> {
    let times = match kernel_times::measure(paths) {
        Ok(times) => times,
        Err(error) => {
            findings.todo(
                "kernel",
                Level::Missing,
                format!("does not work: {error:#}"),
                SETUP,
            );
            return None;
        }
    };
    let text = format!(
        "ready after {:.1} s, first plot after {:.1} s (goal {FIRST_PLOT_GOAL} s)",
        times.ready, times.first_plot
    );
    let todo = "other programs keep the processor busy, or the disk is slow";
    if times.first_plot > FIRST_PLOT_GOAL {
        findings.todo("kernel", Level::Note, text, todo);
    } else {
        findings.add("kernel", Level::Good, text);
    }
    let text = format!(
        "{} later cells: median {:.2} s (goal {CELL_GOAL} s), 95 % within {:.2} s; memory {}",
        times.later_cells,
        times.median,
        times.p95,
        size(times.memory_bytes)
    );
    if times.median > CELL_GOAL {
        findings.todo("cells", Level::Note, text, todo);
    } else {
        findings.add("cells", Level::Good, text);
    }
    Some(times)
}
