//! `cargo course test`: everything that CI runs, in order, with the time of each.
//!
//! A stage that fails does not keep the later ones from running, so that one look shows all there
//! is to mend.

use crate::kernel::environment::{compute_environment, forget_cargo_run};
use crate::paths::Paths;
use crate::process::{interrupted, said};
use crate::{browser, kernel_tests, lint, notebook, run, setup, table};
use anyhow::{Context, Result, bail, ensure};
use convscope_progress::duration;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Args {
    /// The stages to run [default: all]
    #[arg(value_parser = STAGES.map(|stage| stage.name))]
    stages: Vec<String>,
    /// Leave out what takes minutes: set-up, the kernel, running the notebooks, the browser
    #[arg(long)]
    quick: bool,
    /// Leave out the test in a browser
    #[arg(long)]
    no_browser: bool,
}

/// How a stage ended, where it did not fail.
enum End {
    Passed,
    Skipped(String),
}

struct Stage {
    name: &'static str,
    /// Whether `--quick` keeps it.
    quick: bool,
    run: fn(&Paths) -> Result<End>,
}

const STAGES: [Stage; 10] = [
    stage("setup", false, |paths| {
        setup::ensure(paths)?;
        Ok(End::Passed)
    }),
    stage("format", true, |paths| {
        cargo(paths, &["fmt", "--all", "--check"], &[])
    }),
    stage("clippy", true, |paths| {
        let arguments = ["clippy", "--workspace", "--all-targets"];
        cargo(
            paths,
            &[&arguments[..], &["--", "-D", "warnings"]].concat(),
            &[],
        )
    }),
    stage("docs", true, |paths| {
        let deny = [("RUSTDOCFLAGS", "-D warnings")];
        cargo(paths, &["doc", "--workspace", "--no-deps"], &deny)
    }),
    stage("tests", true, |paths| {
        cargo(paths, &["test", "--workspace"], &[])
    }),
    stage("lint", true, |paths| {
        passed(
            lint::lint_all(paths)?,
            "there are mistakes in the notebooks",
        )
    }),
    stage("kernel", false, |paths| {
        kernel_tests::test(paths)?;
        Ok(End::Passed)
    }),
    stage("run", false, |paths| {
        let entries = notebook::all(paths)?;
        passed(
            run::all(paths, &entries, false)?,
            "a solution notebook failed",
        )
    }),
    stage("student", false, |paths| {
        let entries = notebook::all(paths)?;
        passed(
            run::all(paths, &entries, true)?,
            "an unsolved notebook failed",
        )
    }),
    stage(BROWSER, false, |paths| {
        Ok(match browser::test(paths)? {
            None => End::Passed,
            Some(reason) => End::Skipped(reason),
        })
    }),
];

const BROWSER: &str = "browser";

const fn stage(name: &'static str, quick: bool, run: fn(&Paths) -> Result<End>) -> Stage {
    Stage { name, quick, run }
}

fn passed(all_well: bool, otherwise: &str) -> Result<End> {
    ensure!(all_well, "{otherwise}");
    Ok(End::Passed)
}

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let is_wanted = |stage: &&Stage| {
        (args.stages.is_empty() || args.stages.iter().any(|name| name == stage.name))
            && (stage.quick || !args.quick)
            && !(args.no_browser && stage.name == BROWSER)
    };
    let mut results = Vec::new();
    for stage in STAGES.iter().filter(is_wanted) {
        println!("\n=== {}", stage.name);
        let start = Instant::now();
        let result = (stage.run)(&paths);
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        results.push((stage.name, result, start.elapsed()));
        if interrupted() {
            break;
        }
    }
    Ok(if summary(&results) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints how it went, and says whether all went well.
fn summary(results: &[(&str, Result<End>, Duration)]) -> bool {
    println!();
    for line in table::lines(&rows(results), &[1]) {
        println!("{line}");
    }
    let failed = results.iter().filter(|(_, r, _)| r.is_err()).count();
    let passed = results
        .iter()
        .filter(|(_, r, _)| matches!(r, Ok(End::Passed)))
        .count();
    // Alone on its line, for whoever counts.
    println!("\n{passed} passed, {failed} failed");
    failed == 0 && passed > 0 && !interrupted()
}

fn rows(results: &[(&str, Result<End>, Duration)]) -> Vec<Vec<String>> {
    let mut rows = vec![vec!["stage".into(), "time".into(), String::new()]];
    for (name, result, time) in results {
        let end = match result {
            Ok(End::Passed) => "passed".to_string(),
            Ok(End::Skipped(reason)) => format!("SKIPPED: {reason}"),
            Err(error) => format!("FAILED: {}", first_line(&error.to_string())),
        };
        rows.push(vec![name.to_string(), duration(time.as_secs_f64()), end]);
    }
    rows
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

fn cargo(paths: &Paths, arguments: &[&str], variables: &[(&str, &str)]) -> Result<End> {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(&paths.root);
    forget_cargo_run(&mut command, &paths.root);
    command.envs(compute_environment());
    command.envs(variables.iter().copied());
    let said = said(&command);
    println!("{said}");
    let status = command
        .status()
        .with_context(|| format!("{said} cannot be started"))?;
    if !status.success() {
        bail!("{said} failed");
    }
    Ok(End::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_each_stage_and_fails_when_one_did() {
        let time = Duration::from_secs(3);
        let failed = || Err(anyhow::anyhow!("cargo test failed\nand more"));
        let all = [
            ("format", Ok(End::Passed), time),
            ("tests", failed(), time),
            ("browser", Ok(End::Skipped("no chromium".into())), time),
        ];
        let lines = table::lines(&rows(&all), &[1]);
        assert_eq!(lines[1], "format   3.0 s  passed");
        assert_eq!(lines[2], "tests    3.0 s  FAILED: cargo test failed");
        assert_eq!(lines[3], "browser  3.0 s  SKIPPED: no chromium");
        assert!(!summary(&all));
        assert!(summary(&all[..1]));
        assert!(!summary(&[]), "nothing ran, and that proves nothing");
    }
}
