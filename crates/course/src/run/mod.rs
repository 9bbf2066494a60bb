//! `cargo course run`: executes the notebooks as a reader would, each in a kernel of its own, and
//! says whether all is well in their outputs.

mod execute;
mod judge;
mod save;

use crate::notebook::{self, Entry, Finding, Kind, Notebook};
use crate::paths::Paths;
use crate::{setup, student, table};
use anyhow::{Result, ensure};
use execute::{Executed, Job};
use judge::Version;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread;

/// No cell of the course should come near it, even on a slow machine.
const TIMEOUT: u64 = 300;

#[derive(clap::Args)]
pub struct Args {
    /// Notebooks to run, by number or name [default: all]
    names: Vec<String>,
    /// Keep the outputs in notebooks/solutions, where all went well
    #[arg(long, conflicts_with = "student")]
    save: bool,
    /// Set `FULL` to `true` where a notebook has a longer version
    #[arg(long, conflicts_with_all = ["save", "student"])]
    full: bool,
    /// Run the students' versions, whose checks must all fail and nothing else
    #[arg(long)]
    student: bool,
    /// Use evcxr as it comes, without the course's warm kernel
    #[arg(long)]
    stock: bool,
    /// The longest that a cell may take, in seconds
    #[arg(long, default_value_t = TIMEOUT, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// How many run at a time: their seconds are then not to be relied on
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "save",
        value_parser = clap::value_parser!(u8).range(1..=8))]
    at_once: u8,
}

/// What came of one notebook.
struct Outcome {
    entry: Entry,
    executed: Executed,
    points: f64,
    max: f64,
    findings: Vec<Finding>,
}

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let entries = notebook::select(&paths, &args.names)?;
    let all_well = run_entries(&paths, &args, &entries)?;
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs these notebooks, or the students' versions of them, and says whether all went well.
pub fn all(paths: &Paths, entries: &[Entry], student: bool) -> Result<bool> {
    let args = Args {
        names: Vec::new(),
        save: false,
        full: false,
        student,
        stock: false,
        timeout: TIMEOUT,
        // Much of a notebook's time one core compiles its cells.
        at_once: 2,
    };
    run_entries(paths, &args, entries)
}

fn run_entries(paths: &Paths, args: &Args, entries: &[Entry]) -> Result<bool> {
    ensure!(!entries.is_empty(), "there is no notebook to run");
    setup::ensure(paths)?;
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    // Who measures time is alone.
    let turn = RwLock::new(());
    let one_after_the_other = || -> Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = entries.get(index) else {
                return Ok(());
            };
            let alone = args.at_once > 1 && !args.student && measures_time(entry)?;
            let outcome = match alone {
                true => {
                    let _turn = turn.write().unwrap_or_else(PoisonError::into_inner);
                    run(paths, args, entry.clone())?
                }
                false => {
                    let _turn = turn.read().unwrap_or_else(PoisonError::into_inner);
                    run(paths, args, entry.clone())?
                }
            };
            // One line each as they end, for who waits without a terminal's moving bar.
            println!(
                "{}: {} in {:.1} s",
                entry.stem,
                verdict(&outcome),
                outcome.executed.total_seconds()
            );
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.insert(index, outcome);
        }
    };
    thread::scope(|scope| {
        let all: Vec<_> = (0..args.at_once)
            .map(|_| scope.spawn(one_after_the_other))
            .collect();
        let ends = all
            .into_iter()
            .map(|one| one.join().expect("runs do not panic"));
        ends.collect::<Result<()>>()
    })?;
    let outcomes = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let outcomes: Vec<Outcome> = outcomes.into_values().collect();
    report(args, &outcomes);
    Ok(outcomes.iter().all(|o| o.findings.is_empty()))
}

/// Whether a notebook sets things against the clock.
fn measures_time(entry: &Entry) -> Result<bool> {
    let notebook = Notebook::read(&entry.solution)?;
    let clocks = ["time_it(", "Instant::now("];
    let cells = notebook.cells.iter();
    Ok(cells
        .filter(|cell| cell.kind() == Kind::Code)
        .any(|cell| clocks.iter().any(|clock| cell.source().contains(clock))))
}

fn run(paths: &Paths, args: &Args, entry: Entry) -> Result<Outcome> {
    let mut solution = Notebook::read(&entry.solution)?;
    if args.full {
        set_full(&mut solution);
    }
    let out = paths.root.join("target/notebooks");
    let (version, source, folder, out) = if args.student {
        let source = match student::generate(&entry.stem, &solution) {
            Ok(source) => source,
            Err(findings) => {
                return Ok(Outcome {
                    points: 0.0,
                    max: solution.max_points(),
                    executed: Executed::nothing(solution),
                    entry,
                    findings,
                });
            }
        };
        (
            Version::Student,
            source,
            paths.notebooks(),
            out.join("student"),
        )
    } else {
        (Version::Solution, solution, paths.solutions(), out)
    };
    let executed = execute::execute(
        paths,
        &Job {
            stem: &entry.stem,
            source,
            folder: &folder,
            out: &out,
            timeout: args.timeout,
            stock: args.stock,
        },
    )?;
    let mut findings = judge::judge(&entry, &executed, version);
    if args.save && findings.is_empty() {
        findings.extend(save::save(paths, &entry, &executed.notebook)?);
    }
    Ok(Outcome {
        points: judge::points(&executed.notebook),
        max: executed.notebook.max_points(),
        entry,
        executed,
        findings,
    })
}

/// The longer version: `FULL` is `true` in the cell that says what it is.
fn set_full(notebook: &mut Notebook) {
    for cell in notebook.cells.iter_mut().filter(|cell| cell.is_code()) {
        let source = cell.source();
        if source.trim() == "const FULL: bool = false;" {
            cell.set_source(source.replace("false", "true"));
        }
    }
}

fn verdict(outcome: &Outcome) -> String {
    match outcome.findings.len() {
        0 => "passed".to_string(),
        1 => "FAILED, 1 fault".to_string(),
        n => format!("FAILED, {n} faults"),
    }
}

fn report(args: &Args, outcomes: &[Outcome]) {
    let head = ["notebook", "cells", "seconds", "slowest cell", "score", ""];
    let mut rows = vec![head.map(String::from).to_vec()];
    for o in outcomes {
        let slowest = o.executed.slowest();
        rows.push(vec![
            o.entry.stem.clone(),
            o.executed.seconds.len().to_string(),
            format!("{:.1}", o.executed.total_seconds()),
            slowest.map_or(String::new(), |(i, s)| format!("cell {}, {s:.1} s", i + 1)),
            format!("{} of {}", o.points, o.max),
            verdict(o),
        ]);
    }
    println!();
    for line in table::lines(&rows, &[1, 2]) {
        println!("{line}");
    }
    let faults: Vec<&Finding> = outcomes.iter().flat_map(|o| &o.findings).collect();
    if !faults.is_empty() {
        println!();
    }
    for fault in faults {
        println!("{fault}");
    }
    let folder = if args.student {
        "target/notebooks/student"
    } else {
        "target/notebooks"
    };
    println!("\nThe executed notebooks and their HTML are in {folder}.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_version_changes_its_constant_alone() {
        let cell = |kind: &str, id: &str, source: &str| {
            let mut cell = serde_json::json!({
                "cell_type": kind, "id": id, "metadata": {}, "source": source,
            });
            if kind == "code" {
                cell["outputs"] = serde_json::json!([]);
                cell["execution_count"] = serde_json::Value::Null;
            }
            cell
        };
        let text = serde_json::json!({
            "nbformat": 4, "nbformat_minor": 5, "metadata": {},
            "cells": [
                cell("markdown", "a", "const FULL: bool = false;"),
                cell("code", "b", "const FULL: bool = false;\n"),
                cell("code", "c", "let quick: bool = false;"),
            ],
        });
        let mut notebook = Notebook::parse(&text.to_string()).unwrap();
        set_full(&mut notebook);
        let sources: Vec<_> = notebook.cells.iter().map(|c| c.source()).collect();
        assert_eq!(
            sources,
            [
                "const FULL: bool = false;",
                "const FULL: bool = true;\n",
                "let quick: bool = false;"
            ]
        );
    }
}
