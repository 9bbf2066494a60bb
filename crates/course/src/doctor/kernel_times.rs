//! How long a student waits for the kernel: a notebook's worth of cells, timed from outside.

use crate::lab::jupyter_environment;
use crate::paths::Paths;
use crate::setup::template::DRIVER;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};
use std::process::Command;

/// Goals, in seconds. Beyond `FIRST_PLOT_BAR` something is wrong.
pub const FIRST_PLOT_GOAL: f64 = 5.0;
pub const FIRST_PLOT_BAR: f64 = 8.0;
pub const CELL_GOAL: f64 = 0.5;

#[derive(Debug, Serialize)]
pub struct KernelTimes {
    pub ready: f64,
    pub first_plot: f64,
    pub later_cells: usize,
    pub median: f64,
    pub p95: f64,
    /// Of evcxr, its child and whatever else the kernel runs.
    pub memory_bytes: u64,
    pub cells: Vec<CellTime>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CellTime {
    pub code: String,
    pub seconds: f64,
}

/// The first cells of a notebook, up to the first plot.
const OPENING: [&str; 2] = [
    ":dep convscope = { path = \"../crates/convscope\" }\nuse convscope::prelude::*;",
    "Plot::new(\"Squares\").line(\"x * x\", 0..5, [0.0, 1.0, 4.0, 9.0, 16.0])",
];

/// What notebooks do after that, in about their proportions: definitions, values, functions,
/// printing, pictures, plots, a network.
const LATER: [&str; 24] = [
    "let image: Tensor = Tensor::from_elem(vec![1, 1, 28, 28], 0.5);",
    "image.shape().to_vec()",
    "picture(&image)",
    "fn output_size(n: usize, f: usize, p: usize, s: usize) -> usize { (n + 2 * p - f) / s + 1 }",
    "output_size(7, 3, 0, 2)",
    "let sizes: Vec<usize> = (1..4).map(|s| output_size(7, 3, 1, s)).collect();",
    "sizes",
    "println!(\"{sizes:?}\");",
    "let total: usize = sizes.iter().sum();",
    "Plot::new(\"Sizes\").x_label(\"stride\").points(\"size\", 1..4, sizes.clone())",
    "let mean = image.mean().unwrap_or(0.0);",
    "mean",
    "#[derive(Clone, Debug)] pub struct Filter { pub size: usize, pub stride: usize }",
    "let filter = Filter { size: 3, stride: 1 };",
    "filter.size",
    "let scaled = image.mapv(|v| v * 2.0 + 1.0);",
    "scaled.sum()",
    "let net = Network::input([1, 28, 28]).add(\"conv1\", Conv2d::new(8, 3)).add(\"relu1\", Relu)\
     .add(\"flat\", Flatten).add(\"out\", Linear::new(10)).build(1).unwrap();",
    "net.summary()",
    "let trace = net.trace(&image).unwrap();",
    "picture(trace.activation(\"conv1\").unwrap())",
    "for i in 0..3 { println!(\"row {i}\"); }",
    "softmax(trace.output()).unwrap()",
    "Plot::new(\"Again\").line(\"y\", 0..3, [2.0, 0.5, 1.5]).caption(\"It falls and rises.\")",
];

/// What the relay between Jupyter and evcxr costs.
#[derive(Debug, Serialize)]
pub struct RelayTimes {
    /// How many pairs of cells were run, with the relay and without.
    pub cells: u64,
    /// Milliseconds that it adds to a cell: the median of the pairs' differences.
    pub added_ms: f64,
    /// What 95 % of the differences are below.
    pub added_ms_p95: f64,
    /// Of the relay's own process.
    pub memory_bytes: u64,
}

/// What a standby kernel spares, from a session's start in JupyterLab to its first plot.
#[derive(Debug, Serialize)]
pub struct StandbyTimes {
    pub runs: usize,
    /// Seconds, the median of the runs.
    pub first_plot: f64,
    pub first_plot_without: f64,
    /// Of the kernel that waits and all its processes.
    pub memory_bytes: u64,
}

/// Cells that evcxr answers without compiling: beside a compiler's scatter a millisecond is lost.
const QUICK: [&str; 3] = ["// nothing", ":vars", ":vars // is it so?"];
const ROUNDS: usize = 70;
const RUNS: usize = 5;

/// Runs the same cells with the relay and without, in turn.
pub fn measure_relay(paths: &Paths) -> Result<RelayTimes> {
    let launcher = paths.launcher();
    let events = drive(
        paths,
        include_str!("../../py/relay_times.py"),
        &json!({
            "bare": [launcher, "kernel", "{connection_file}", "--bare"],
            "relay": [launcher, "kernel", "{connection_file}"],
            "cwd": paths.notebooks(),
            "env": { "CONVSCOPE_HOME": paths.root },
            "cells": QUICK,
            "rounds": ROUNDS,
            "timeout": 300,
        }),
    )?;
    let of = |kind: &'static str| events.iter().filter(move |event| event["event"] == kind);
    let relay = |kind: &'static str| of(kind).find(|event| event["kernel"] == "relay");
    let found = || {
        let all = of("all").next()?;
        Some(RelayTimes {
            cells: all["cells"].as_u64()?,
            added_ms: all["added"]["median"].as_f64()?,
            added_ms_p95: all["added"]["p95"].as_f64()?,
            memory_bytes: relay("memory")?["bytes"].as_u64()?,
        })
    };
    found().with_context(|| format!("the relay's times are not whole: {events:?}"))
}

/// Opens JupyterLab with a standby kernel and without, and several notebooks in each.
pub fn measure_standby(paths: &Paths) -> Result<StandbyTimes> {
    let own = crate::process::own_program()?;
    let measure = |more: &[&str], wait: u64| {
        let mut lab = vec![own.to_string_lossy().into_owned()];
        lab.extend(
            ["lab", "--no-browser"]
                .iter()
                .chain(more)
                .map(|word| word.to_string()),
        );
        let events = drive(
            paths,
            include_str!("../../py/standby_times.py"),
            &json!({
                "lab": lab,
                "runtime": paths.jupyter().join("runtime"),
                "cells": OPENING,
                "runs": RUNS,
                "wait": wait,
            }),
        )?;
        events.last().cloned().context("nothing was timed")
    };
    let (with, without) = (measure(&[], 22)?, measure(&["--no-standby"], 2)?);
    let found = || {
        Some(StandbyTimes {
            runs: RUNS,
            first_plot: with["first_plot"].as_f64()?,
            first_plot_without: without["first_plot"].as_f64()?,
            memory_bytes: with["memory"].as_f64()? as u64,
        })
    };
    found().with_context(|| format!("the standby's times are not whole: {with} {without}"))
}

/// Runs a program of Python's with a task; the lines of JSON that it prints.
fn drive(paths: &Paths, program: &str, task: &Value) -> Result<Vec<Value>> {
    let mut driver = Command::new(paths.python());
    driver.args(["-I", "-c", program]).arg(task.to_string());
    jupyter_environment(&mut driver, paths);
    let output = driver.output().context("cannot start Python")?;
    let events: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let error = events.iter().find_map(|event| event["error"].as_str());
    if let (None, false) = (error, output.status.success()) {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("the program that times kernels failed:\n{}", said.trim());
    }
    Ok(events)
}

/// Times a kernel started as Jupyter starts it.
pub fn measure(paths: &Paths) -> Result<KernelTimes> {
    let cells: Vec<_> = OPENING.iter().chain(&LATER).collect();
    let task = json!({
        "argv": [paths.launcher(), "kernel", "{connection_file}"],
        "cwd": paths.notebooks(),
        "env": { "CONVSCOPE_HOME": paths.root },
        "cells": cells,
        "timeout": 300,
    });
    let events = drive(paths, DRIVER, &task)?;
    if let Some(event) = events.iter().find(|event| event.get("error").is_some()) {
        let cell = event["index"].as_u64().map_or("", |i| cells[i as usize]);
        bail!(
            "{} {cell}",
            event["error"].as_str().unwrap_or("an unknown error")
        );
    }
    summary(&events).with_context(|| format!("the kernel's times are not whole: {events:?}"))
}

fn summary(events: &[Value]) -> Option<KernelTimes> {
    let of = |kind: &'static str| events.iter().filter(move |event| event["event"] == kind);
    let cells: Vec<&Value> = of("cell").collect();
    let shown = |cell: &Value| {
        cell["kinds"]
            .as_array()
            .is_some_and(|kinds| !kinds.is_empty())
    };
    let first_plot = cells.get(OPENING.len() - 1).filter(|cell| shown(cell))?;
    let later: Vec<CellTime> = cells
        .get(OPENING.len()..)?
        .iter()
        .zip(LATER)
        .map(|(cell, code)| {
            Some(CellTime {
                code: code.to_owned(),
                seconds: cell["seconds"].as_f64()?,
            })
        })
        .collect::<Option<_>>()?;
    let mut times: Vec<f64> = later.iter().map(|cell| cell.seconds).collect();
    times.sort_by(f64::total_cmp);
    Some(KernelTimes {
        ready: of("ready").next()?["seconds"].as_f64()?,
        first_plot: first_plot["since_start"].as_f64()?,
        later_cells: times.len(),
        median: quantile(&times, 0.5)?,
        p95: quantile(&times, 0.95)?,
        memory_bytes: of("memory").next()?["bytes"].as_u64()?,
        cells: later,
    })
}

/// Of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    Some(sorted[below] + (sorted[above] - sorted[below]) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0], 0.5), Some(1.5));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_summary_needs_the_first_plot_to_have_been_shown() {
        let cell = |seconds: f64, since: f64, kinds: &[&str]| json!({"event": "cell", "seconds": seconds, "since_start": since, "kinds": kinds});
        let mut events = vec![json!({"event": "ready", "seconds": 2.0})];
        events.push(cell(1.0, 3.0, &[]));
        events.push(cell(1.0, 4.0, &["text/html"]));
        events.extend((0..LATER.len() as u32).map(|i| cell(f64::from(i), 9.0, &[])));
        events.push(json!({"event": "memory", "bytes": 1000}));
        let times = summary(&events).unwrap();
        assert_eq!((times.ready, times.first_plot), (2.0, 4.0));
        assert_eq!((times.later_cells, times.median), (LATER.len(), 11.5));
        events[2]["kinds"] = json!([]);
        assert!(summary(&events).is_none());
    }
}
