//! The test in a real browser: what it needs, and its start.
//!
//! The test itself is `tests/browser/test_notebooks.py`. It drives the machine's own Chromium
//! through Playwright's Python package, which gets a virtual environment of its own.

use crate::paths::Paths;
use crate::process::{Log, find_program};
use crate::setup::checks::{Machine, Need};
use crate::setup::{Context as SetupContext, install};
use crate::test_venv;
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

const REQUIREMENTS: &str = include_str!("../py/browser-requirements.txt");

const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// Chrome where macOS keeps it, which is on no path.
const MAC_CHROME: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// Runs the test. Where no browser can be had, says why, unless this is CI: there it must run.
pub fn test(paths: &Paths) -> Result<Option<String>> {
    let mut context = SetupContext {
        paths,
        machine: Machine::this(),
        log: Log::create(&paths.log(), "browser")?,
    };
    let chromium = match chromium(&mut context) {
        Ok(chromium) => chromium,
        Err(error) if is_ci() => return Err(error),
        Err(error) => {
            println!("\n*** THE BROWSER TEST DID NOT RUN: {error:#} ***\n");
            return Ok(Some("there is no Chromium, see above".into()));
        }
    };
    let task = "Installing the browser's driver";
    let python = test_venv::python(&mut context, "browser", REQUIREMENTS, task)?;
    let mut command = Command::new(python);
    command
        .args(["-m", "unittest", "discover", "-v", "-s"])
        .arg(paths.root.join("tests/browser"))
        .env("CONVSCOPE_COURSE", crate::process::own_program()?)
        .env("CONVSCOPE_CHROMIUM", &chromium)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // As a student has it.
        .env_remove("RUST_BACKTRACE")
        .env_remove("PYTHONPATH")
        .current_dir(&paths.root);
    let status = command
        .status()
        .context("the browser test cannot be started")?;
    ensure!(status.success(), "the browser test failed");
    println!("What the browser saw is in target/browser.");
    Ok(None)
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn chromium(context: &mut SetupContext<'_>) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CONVSCOPE_CHROMIUM") {
        let named = PathBuf::from(named);
        ensure!(
            named.is_file(),
            "CONVSCOPE_CHROMIUM is {}, and there is no such program",
            named.display()
        );
        return Ok(named);
    }
    if let Some(found) = find_chromium(&context.machine.path) {
        return Ok(found);
    }
    let problem = anyhow::anyhow!("no Chromium or Chrome is installed, which the test opens");
    install::install(Need::Browser, &problem, &context.machine, &mut context.log)?;
    find_chromium(&context.machine.path).context("Chromium was installed and is not on the PATH")
}

fn find_chromium(path: &OsStr) -> Option<PathBuf> {
    let on_path = NAMES.iter().find_map(|name| find_program(name, path));
    on_path.or_else(|| Some(PathBuf::from(MAC_CHROME)).filter(|p| p.is_file()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_browser_is_found_by_any_of_its_names() {
        for name in NAMES {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join(name);
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
            assert_eq!(find_chromium(folder.path().as_os_str()), Some(file));
        }
    }

    #[test]
    fn the_drivers_packages_are_pinned_and_hashed_and_no_index_is_named() {
        let packages = test_venv::testing::packages(REQUIREMENTS);
        assert!(packages.iter().any(|(name, _)| name == "playwright"));
    }
}
