//! Virtual environments for the tests in Python: what they need is nothing that a student needs, so
//! it stays out of the environment that set-up makes.

use crate::paths::venv_python;
use crate::report::Step;
use crate::setup::{Context, checks, jupyter, stamp};
use anyhow::Result;
use std::path::PathBuf;

/// The interpreter of the environment `.convscope/venv-NAME` with these requirements, made if need
/// be; `task` says so while it is made.
pub fn python(
    context: &mut Context<'_>,
    name: &str,
    requirements: &str,
    task: &str,
) -> Result<PathBuf> {
    let paths = context.paths;
    let venv = paths.made().join(format!("venv-{name}"));
    let inputs = stamp::Inputs::new()
        .text(requirements)
        .text(venv.to_string_lossy().as_bytes())
        .digest();
    if !(stamp::is_done(paths, name, &inputs) && venv_python(&venv).exists()) {
        let python = checks::python(&context.machine)?;
        let mut step = Step::start(task, "half a minute");
        jupyter::install_requirements(context, &python, &venv, requirements, &mut step)?;
        step.done();
        stamp::set_done(paths, name, &inputs)?;
    }
    Ok(venv_python(&venv))
}

#[cfg(test)]
pub mod testing {
    /// The packages that requirements name, each of which must be pinned and have its hashes, with
    /// no index named.
    pub fn packages(requirements: &str) -> Vec<(String, String)> {
        let joined = requirements.replace("\\\n", " ");
        assert!(!joined.contains("://") && !joined.contains("index-url"));
        let lines = joined
            .lines()
            .filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
        lines
            .map(|line| {
                assert!(line.contains("--hash=sha256:"), "{line}");
                let package = line.split([' ', ';']).next().unwrap_or_default();
                let (name, version) = package.split_once("==").expect(line);
                (name.to_owned(), version.to_owned())
            })
            .collect()
    }
}
