//! evcxr_jupyter, built once at a pinned version.

use super::Context;
use super::stamp::Inputs;
use crate::kernel::environment::forget_cargo_run;
use crate::paths::Paths;
use crate::process::run_logged;
use crate::report::Step;
use anyhow::{Context as _, Result};
use std::process::Command;

pub const VERSION: &str = "0.22.0";

/// How many crates cargo compiles for it, give or take a few by platform.
const CRATES: u64 = 273;

pub fn inputs() -> String {
    Inputs::new().text(VERSION).digest()
}

/// Whether the program there is the one wanted. It has no option that tells, but it holds the
/// words with which it greets Jupyter.
pub fn is_installed(paths: &Paths) -> bool {
    let Ok(program) = std::fs::read(paths.evcxr()) else {
        return false;
    };
    let greeting = format!("EvCxR {VERSION} - ");
    program
        .windows(greeting.len())
        .any(|window| window == greeting.as_bytes())
}

pub fn install(context: &mut Context<'_>) -> Result<()> {
    if is_installed(context.paths) {
        return Ok(());
    }
    let mut step = Step::start("Building the Rust kernel", "5 to 15 minutes, once");
    let tools = context.paths.tools();
    // It stays after an interruption, so that cargo goes on where it was.
    let target = tools.join("target");
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "install",
            "evcxr_jupyter",
            "--locked",
            "--force",
            "--version",
            VERSION,
        ])
        .arg("--root")
        .arg(&tools)
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_TERM_PROGRESS_WHEN", "never");
    forget_cargo_run(&mut cargo, &context.paths.root);
    let mut compiled = 0;
    run_logged(&mut cargo, &mut context.log, |line| {
        let line = line.trim_start();
        if let Some(krate) = line.strip_prefix("Compiling ") {
            compiled += 1;
            step.position(compiled, CRATES);
            step.note(krate);
        } else if line.starts_with("Download") {
            step.note("downloading");
        }
    })?;
    anyhow::ensure!(
        is_installed(context.paths),
        "evcxr_jupyter was built, but {} is not version {VERSION}",
        context.paths.evcxr().display()
    );
    std::fs::remove_dir_all(&target)
        .with_context(|| format!("cannot remove {}", target.display()))?;
    step.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_version_counts_as_installed() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            root: folder.path().to_owned(),
        };
        assert!(!is_installed(&paths));
        std::fs::create_dir_all(paths.evcxr().parent().unwrap()).unwrap();
        for (words, installed) in [
            (format!("\0\x01EvCxR {VERSION} - Evaluation"), true),
            ("\0EvCxR 0.17.0 - Evaluation".to_owned(), false),
        ] {
            std::fs::write(paths.evcxr(), words).unwrap();
            assert_eq!(is_installed(&paths), installed);
        }
    }
}
