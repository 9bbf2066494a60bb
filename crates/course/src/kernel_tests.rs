//! The tests of the installed kernel from Jupyter's side: what they need, and their start.
//!
//! The tests themselves are in Python, in `tests/kernel`: Jupyter's suite for kernels, plain
//! nbclient and nbconvert, what Visual Studio Code relies on, and a kernel with many cells.

use crate::kernel::environment::forget_cargo_run;
use crate::paths::Paths;
use crate::process::Log;
use crate::setup::checks::Machine;
use crate::setup::{self, Context as SetupContext, template::jupyter_folders};
use crate::test_venv;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::path::Path;
use std::process::Command;

const REQUIREMENTS: &str = include_str!("../py/kernel-requirements.txt");

pub fn test(paths: &Paths) -> Result<()> {
    setup::ensure(paths)?;
    let mut context = SetupContext {
        paths,
        machine: Machine::this(),
        log: Log::create(&paths.log(), "kernel-tests")?,
    };
    let task = "Installing Jupyter's suite for kernels";
    let python = test_venv::python(&mut context, "kernel", REQUIREMENTS, task)?;
    // Kernels chatter on stderr.
    let log = paths.log().join("kernel-tests.stderr.log");
    let stderr = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(&python);
    forget_cargo_run(&mut command, &paths.root);
    jupyter_folders(&mut command, paths);
    let share = paths.venv().join("share/jupyter");
    let status = command
        .arg(paths.root.join("tests/kernel"))
        // The one place where kernels are looked for first: an installed one, as a student has it.
        .env("JUPYTER_PATH", share)
        .env("PATH", path_with(python.parent())?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("RUST_BACKTRACE")
        .env_remove("PYTHONPATH")
        .current_dir(&paths.root)
        .stderr(stderr)
        .status()
        .context("the kernel's tests cannot be started")?;
    ensure!(
        status.success(),
        "the kernel's tests failed (what the kernels wrote to stderr is in {})",
        log.display()
    );
    Ok(())
}

fn path_with(first: Option<&Path>) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = first.map(Path::to_owned).into_iter();
    Ok(std::env::join_paths(
        folders.chain(std::env::split_paths(&path)),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::jupyter;

    #[test]
    fn the_tests_packages_have_the_versions_that_a_student_has() {
        let students = test_venv::testing::packages(jupyter::REQUIREMENTS);
        let packages = test_venv::testing::packages(REQUIREMENTS);
        let (shared, own): (Vec<_>, Vec<_>) = packages
            .iter()
            .partition(|(name, _)| students.iter().any(|student| student.0 == *name));
        for package in &shared {
            assert!(students.contains(package), "{package:?}");
        }
        assert!(shared.len() > 20);
        let own: Vec<_> = own.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(own, ["jupyter-kernel-test"]);
    }
}
