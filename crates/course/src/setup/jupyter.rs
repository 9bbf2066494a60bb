//! The virtual environment with Jupyter, and the kernelspec in it.

use super::stamp::{Inputs, write_whole};
use super::{Context, checks};
use crate::paths::{Paths, venv_python};
use crate::process::{own_program, run_logged};
use crate::report::Step;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Every package with its hashes. `requirements.in` beside it names the ones we ask for.
pub const REQUIREMENTS: &str = include_str!("../../py/requirements.txt");

/// The version that the requirements pin a package at.
pub fn pinned(package: &str) -> Option<&'static str> {
    let start = format!("{package}==");
    let line = REQUIREMENTS
        .lines()
        .find_map(|line| line.strip_prefix(&start))?;
    line.split([' ', ';']).next()
}

pub fn venv_inputs(paths: &Paths) -> String {
    // A virtual environment holds its own path.
    Inputs::new()
        .text(REQUIREMENTS)
        .text(paths.venv().to_string_lossy().as_bytes())
        .digest()
}

pub fn venv_works(paths: &Paths) -> bool {
    paths.python().exists() && paths.venv().join("bin/jupyter-lab").exists()
}

pub fn make_venv(context: &mut Context<'_>) -> Result<()> {
    let python = checks::python(&context.machine)?;
    let mut step = Step::start("Installing Jupyter", "about a minute");
    let venv = context.paths.venv();
    install_requirements(context, &python, &venv, REQUIREMENTS, &mut step)?;
    step.done();
    Ok(())
}

/// A fresh virtual environment with exactly the packages that the requirements name.
pub fn install_requirements(
    context: &mut Context<'_>,
    python: &Path,
    venv: &Path,
    requirements: &str,
    step: &mut Step,
) -> Result<()> {
    // What an interrupted set-up left cannot be told from a good one: pip's cache saves the time.
    if venv.exists() {
        std::fs::remove_dir_all(venv)
            .with_context(|| format!("cannot remove {}", venv.display()))?;
    }
    step.note("making a virtual environment");
    let mut make = Command::new(python);
    make.args(["-I", "-m", "venv"]).arg(venv);
    run_logged(&mut make, &mut context.log, |_| {})?;
    let list = venv.join("requirements.txt");
    write_whole(&list, requirements.as_bytes())?;
    let total = requirements.lines().filter(|l| l.contains("==")).count() as u64;
    let mut seen = 0;
    let mut pip = Command::new(venv_python(venv));
    pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input"])
        .args([
            "install",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
        ])
        .arg(&list)
        .env_remove("PYTHONPATH");
    run_logged(&mut pip, &mut context.log, |line| {
        let line = line.trim_start();
        if let Some(package) = line.strip_prefix("Collecting ") {
            seen += 1;
            step.position(seen.min(total), total);
            step.note(package.split_whitespace().next().unwrap_or(package));
        } else if line.starts_with("Installing collected") {
            step.note("unpacking");
        }
    })
    .context("pip could not install what is needed (is the network there?)")
}

pub fn kernelspec(paths: &Paths) -> serde_json::Value {
    json!({
        "argv": [paths.launcher(), "kernel", "{connection_file}"],
        "display_name": "Rust (Convscope)",
        "language": "rust",
        "interrupt_mode": "message",
        "env": { "CONVSCOPE_HOME": paths.root },
    })
}

pub fn kernelspec_is_written(paths: &Paths) -> bool {
    std::fs::read(paths.kernelspec().join("kernel.json"))
        .ok()
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
        .is_some_and(|written| written == kernelspec(paths))
}

pub fn write_kernelspec(paths: &Paths) -> Result<()> {
    write_whole(
        &paths.kernelspec().join("kernel.json"),
        &serde_json::to_vec_pretty(&kernelspec(paths))?,
    )
}

/// Copies this program to where Jupyter starts it from, if it is not there already.
pub fn copy_launcher(paths: &Paths) -> Result<()> {
    let own = own_program()?;
    let launcher = paths.launcher();
    let same = |a: &Path, b: &Path| -> Option<bool> {
        let (a, b) = (a.metadata().ok()?, b.metadata().ok()?);
        Some(a.len() == b.len() && a.modified().ok()? <= b.modified().ok()?)
    };
    if own == launcher || same(&own, &launcher) == Some(true) {
        return Ok(());
    }
    // A running kernel keeps the old file: the new one comes under the same name beside it.
    let partial = launcher.with_extension("part");
    std::fs::create_dir_all(launcher.parent().context("it stands in a folder")?)
        .and_then(|()| std::fs::copy(&own, &partial).map(drop))
        .and_then(|()| std::fs::rename(&partial, &launcher))
        .with_context(|| format!("cannot write {}", launcher.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_and_hashed_and_no_index_is_named() {
        let packages = crate::test_venv::testing::packages(REQUIREMENTS);
        assert!(packages.len() > 50, "{}", packages.len());
    }

    #[test]
    fn the_kernelspec_starts_the_launcher_and_is_rewritten_when_the_folder_moves() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            root: folder.path().to_owned(),
        };
        write_kernelspec(&paths).unwrap();
        assert!(kernelspec_is_written(&paths));
        let text = std::fs::read_to_string(paths.kernelspec().join("kernel.json")).unwrap();
        assert!(text.contains("bin/course") && text.contains(r#""interrupt_mode": "message""#));
        let moved = tempfile::tempdir().unwrap();
        let elsewhere = Paths {
            root: moved.path().join("moved"),
        };
        std::fs::create_dir(&elsewhere.root).unwrap();
        std::fs::rename(paths.made(), elsewhere.made()).unwrap();
        assert!(!kernelspec_is_written(&elsewhere));
    }
}
