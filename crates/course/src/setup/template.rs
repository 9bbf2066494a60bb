//! The kernel's warm template: a working folder of evcxr in which a real notebook has run, so
//! that everything is compiled. A kernel gets a copy and compiles nothing but its cells.

use super::Context;
use super::checks::{self, Toolchain};
use super::stamp::{self, Inputs, write_whole};
use crate::kernel::analyzer;
use crate::kernel::copies::{self, copy_tree, sweep};
use crate::kernel::environment::forget_cargo_run;
use crate::paths::Paths;
use crate::process::{find_program, output, run_logged};
use crate::report::Step;
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Drives a kernel from Jupyter's side, reporting in lines of JSON.
pub const DRIVER: &str = include_str!("../../py/kernel_times.py");

/// Settings of cargo for the template and its copies, in a folder above both: the packages that
/// the workspace optimises are optimised here too, without the checks that a test wants. Cells,
/// and what is compiled for the compiler's sake, keep evcxr's own profile.
fn cargo_config(paths: &Paths) -> Result<String> {
    let file = paths.root.join("Cargo.toml");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not well formed", file.display()))?;
    let packages = manifest
        .get("profile")
        .and_then(|profile| profile.get("dev")?.get("package")?.as_table())
        .with_context(|| format!("{} has no [profile.dev.package]", file.display()))?;
    let mut config = String::from(
        "# Written by `cargo course setup`.\n\
         [net]\noffline = true\n\n\
         [profile.dev.package.\"*\"]\ndebug = false\n",
    );
    for (name, settings) in packages.iter().filter(|(name, _)| *name != "*") {
        let level = settings
            .get("opt-level")
            .and_then(toml::Value::as_integer)
            .unwrap_or(3);
        config += &format!(
            "\n[profile.dev.package.{name}]\nopt-level = {level}\ndebug = false\n\
             debug-assertions = false\noverflow-checks = false\n"
        );
        let units = settings.get("codegen-units");
        if let Some(units) = units.and_then(toml::Value::as_integer) {
            config += &format!("codegen-units = {units}\n");
        }
    }
    Ok(config)
}

/// What a kernel starts with. A mistake here would end every kernel at its start.
const EVCXR_CONFIG: &str = r#"# Written by `cargo course setup`.
[evcxr]
offline_mode = true
opt_level = "1"
"#;

/// As above, and the facade is loaded before the first cell, while the student still reads. The
/// words are those that evcxr makes of a notebook's own `:dep`, which then changes nothing.
fn preloading_config(paths: &Paths) -> String {
    let facade = paths.facade();
    let dep = format!(":dep convscope = {{ path = \"{}\" }}", facade.display());
    format!("{EVCXR_CONFIG}prelude = '''{dep}'''\n")
}

/// The cells of the notebook that warms the template up.
const WARM_UP: [&str; 5] = [
    ":dep convscope = { path = \"../crates/convscope\" }\nuse convscope::prelude::*;",
    // Types are inferred, through the facade and through the standard library.
    "let warm: Tensor = Tensor::from_elem(vec![1, 1, 8, 8], 0.5);\n\
     let parts = warm.iter().map(|v| v.to_string()).collect::<Vec<_>>();\n\
     let mean = warm.mean();",
    "picture(&warm)",
    "Plot::new(\"warm\").line(\"a line\", [0.0, 1.0], [1.0, 2.0])",
    // evcxr words the first mistake after a build of another kind, which takes a minute.
    "let lost = Default::default();",
];

/// Of those, the ones that must not compile.
const WARM_UP_MISTAKES: [usize; 1] = [4];

/// evcxr's settings: with the facade loaded at the start, or without.
pub fn config_folder(paths: &Paths, preload: bool) -> PathBuf {
    let name = if preload { "config-preload" } else { "config" };
    paths.kernel().join(name)
}

/// How a template is made, in a word that changes with it: older ones are made anew.
const RECIPE: &str = "without incremental";

/// Whether the template was made from the crates as they are. A kernel that would have to compile
/// them does that in the student's first cell, where it is seen, and a mistake in them too.
pub fn is_current(paths: &Paths) -> bool {
    checks::toolchain(&checks::Machine::this())
        .and_then(|toolchain| inputs(paths, &toolchain))
        .is_ok_and(|inputs| stamp::is_done(paths, "template", &inputs))
}

pub fn inputs(paths: &Paths, toolchain: &Toolchain) -> Result<String> {
    let mut inputs = Inputs::new()
        .text(&toolchain.version)
        .text(super::evcxr::VERSION)
        .text(paths.root.to_string_lossy().as_bytes())
        .text(cargo_config(paths)?)
        .text(preloading_config(paths))
        .text(WARM_UP.concat())
        .text(RECIPE)
        .text(analyzer::recipe())
        .files(&paths.root.join("Cargo.toml"))?
        .files(&paths.root.join("Cargo.lock"))?;
    for krate in facade_crates(paths)? {
        inputs = inputs.files(&krate)?;
    }
    Ok(inputs.digest())
}

/// The facade and the crates of the workspace under it.
pub fn facade_crates(paths: &Paths) -> Result<Vec<PathBuf>> {
    let mut found = vec![paths.facade()];
    let mut at = 0;
    while at < found.len() {
        let file = found[at].join("Cargo.toml");
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let manifest: toml::Table = text
            .parse()
            .with_context(|| format!("{} is not well formed", file.display()))?;
        let names = manifest
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flat_map(toml::Table::keys);
        for name in names {
            let folder = paths.root.join("crates").join(name);
            if folder.is_dir() && !found.contains(&folder) {
                found.push(folder);
            }
        }
        at += 1;
    }
    found.sort();
    Ok(found)
}

/// The toolchain that the template was made with; its copies must be used with the same.
#[derive(Serialize, Deserialize)]
struct Made {
    sysroot: PathBuf,
}

fn made_file(paths: &Paths) -> PathBuf {
    paths.kernel().join("toolchain.json")
}

pub fn sysroot(paths: &Paths) -> Option<PathBuf> {
    let text = std::fs::read(made_file(paths)).ok()?;
    Some(serde_json::from_slice::<Made>(&text).ok()?.sysroot)
}

/// The environment in which a kernel meets that toolchain, past rustup's detours.
pub fn toolchain_environment(paths: &Paths) -> Vec<(String, String)> {
    let Some(sysroot) = sysroot(paths) else {
        return Vec::new();
    };
    let bin = sysroot.join("bin");
    if !bin.join(crate::paths::exe("cargo")).exists() {
        return Vec::new();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut variables = Vec::new();
    if find_program("rustup", &path).is_some() {
        let sysroot = sysroot.to_string_lossy().into_owned();
        variables.push(("RUSTUP_TOOLCHAIN".to_owned(), sysroot));
    }
    let folders = std::iter::once(bin).chain(std::env::split_paths(&path));
    if let Ok(joined) = std::env::join_paths(folders) {
        variables.push(("PATH".to_owned(), joined.to_string_lossy().into_owned()));
    }
    variables
}

pub fn make(context: &mut Context<'_>, toolchain: &Toolchain) -> Result<()> {
    let paths = context.paths;
    let mut step = Step::start(
        "Compiling the course's crates for the kernel",
        "2 to 6 minutes the first time",
    );
    write_whole(
        &paths.kernel().join(".cargo/config.toml"),
        cargo_config(paths)?.as_bytes(),
    )?;
    for (preload, text) in [
        (false, EVCXR_CONFIG.to_owned()),
        (true, preloading_config(paths)),
    ] {
        let file = config_folder(paths, preload).join("evcxr.toml");
        write_whole(&file, text.as_bytes())?;
    }
    fetch_crates(context, toolchain, &mut step)?;
    let made = serde_json::to_vec(&Made {
        sysroot: toolchain.sysroot.clone(),
    })?;
    let same_toolchain = std::fs::read(made_file(paths)).is_ok_and(|old| old == made);
    write_whole(&made_file(paths), &made)?;
    analyzer::prepare(paths)?;

    // Kernels copy from the template at any time: a new one grows beside it. It starts from the
    // old one, or from what an interrupted set-up left, so that only what changed is compiled.
    let next = paths.kernel().join("template.next");
    if !same_toolchain {
        remove(&next)?;
    } else if !next.exists() && paths.template().exists() {
        let partial = paths.kernel().join("template.copy");
        remove(&partial)?;
        copy_tree(&paths.template(), &partial).context("cannot copy the old template")?;
        std::fs::rename(&partial, &next)?;
    }
    std::fs::create_dir_all(&next)?;
    std::fs::copy(paths.root.join("Cargo.lock"), next.join("Cargo.lock"))?;

    // A set-up that was killed may have left a cargo at work there.
    copies::kill_leftovers(&next);
    let total = crates_to_compile(paths, toolchain);
    let launcher = paths.launcher();
    let argv = json!([launcher, "kernel", "{connection_file}", "--inside", next]);
    let ran = run_cells(context, argv, total, &mut step);
    copies::kill_leftovers(&next);
    ran?;
    forget_cells(&next, toolchain.host())?;
    step.note("recording what the type inference asks");
    analyzer::record(paths, toolchain, &next)?;
    let old = paths.kernel().join("template.old");
    remove(&old)?;
    if paths.template().exists() {
        std::fs::rename(paths.template(), &old)?;
    }
    std::fs::rename(&next, paths.template())?;
    remove(&old)?;

    step.note("starting a kernel from it");
    let argv = json!([
        launcher,
        "kernel",
        "{connection_file}",
        "--bare",
        "--preload"
    ]);
    let compiled = run_cells(context, argv, 0, &mut step)?;
    if let Some(krate) = compiled.first() {
        bail!(
            "a kernel started from the warm template compiles {} crates again ({krate} first); \
             the log is {}",
            compiled.len(),
            context.log.path().display()
        );
    }
    let _ = sweep(&paths.kernel_runs());
    step.done();
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The kernel works offline: all that cargo asks for is fetched before. It lists the crates of
/// every platform when evcxr asks it what there is, so those of other platforms count too.
/// The standard library stands on a few crates as well, which rust-analyzer wants to see.
fn fetch_crates(context: &mut Context<'_>, toolchain: &Toolchain, step: &mut Step) -> Result<()> {
    step.note("downloading crates");
    for folder in [context.paths.root.clone(), toolchain.library()] {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["fetch", "--locked"])
            .current_dir(&folder)
            // The library's manifests are for nightly tools.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS", "nightly");
        forget_cargo_run(&mut cargo, &context.paths.root);
        run_logged(&mut cargo, &mut context.log, |line| step.note(line.trim())).with_context(
            || {
                format!(
                    "cargo could not download the crates that {} uses",
                    folder.display()
                )
            },
        )?;
    }
    Ok(())
}

fn crates_to_compile(paths: &Paths, toolchain: &Toolchain) -> u64 {
    let manifest = paths.root.join("Cargo.toml");
    let manifest = manifest.to_string_lossy();
    let args = [
        "tree",
        "--offline",
        "--manifest-path",
        &manifest,
        "--package",
        "convscope",
        "--target",
        toolchain.host(),
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree = output("cargo", &args).unwrap_or_default();
    let mut crates: Vec<_> = tree.lines().map(|l| l.trim_end_matches(" (*)")).collect();
    crates.sort_unstable();
    crates.dedup();
    crates.len() as u64
}

/// Runs the warm-up cells in a kernel. Returns the crates that were compiled for it, without the
/// cells themselves.
fn run_cells(
    context: &mut Context<'_>,
    argv: serde_json::Value,
    total: u64,
    step: &mut Step,
) -> Result<Vec<String>> {
    let paths = context.paths;
    let task = json!({
        "argv": argv,
        "cwd": paths.notebooks(),
        "env": { "CONVSCOPE_HOME": paths.root },
        "cells": WARM_UP,
        "must_fail": WARM_UP_MISTAKES,
        "timeout": 3600,
    });
    let mut driver = Command::new(paths.python());
    driver.args(["-I", "-c", DRIVER]).arg(task.to_string());
    forget_cargo_run(&mut driver, &paths.root);
    jupyter_folders(&mut driver, paths);
    let mut compiled = Vec::new();
    let mut problem = None;
    let result = run_logged(&mut driver, &mut context.log, |line| {
        if let Some(krate) = line.trim_start().strip_prefix("Compiling ") {
            if !krate.starts_with("ctx ") && !krate.starts_with("evcxr_dummy") {
                compiled.push(krate.to_owned());
                step.position(compiled.len() as u64, total);
            }
            step.note(krate);
        } else if let Ok(event) = serde_json::from_str::<serde_json::Value>(line)
            && let Some(error) = event["error"].as_str()
        {
            problem = Some(error.to_owned());
        }
    });
    if let Some(problem) = problem {
        bail!(
            "the first notebook fails in the kernel: {problem}\n  The whole of it is in {}",
            context.log.path().display()
        );
    }
    result?;
    Ok(compiled)
}

/// Everything that Jupyter would write into the user's home goes into the project instead.
pub fn jupyter_folders(command: &mut Command, paths: &Paths) {
    let jupyter = paths.jupyter();
    for (name, folder) in [
        ("JUPYTER_CONFIG_DIR", "config"),
        ("JUPYTER_DATA_DIR", "data"),
        ("JUPYTER_RUNTIME_DIR", "runtime"),
        ("JUPYTERLAB_SETTINGS_DIR", "lab/settings"),
        ("JUPYTERLAB_WORKSPACES_DIR", "lab/workspaces"),
        ("IPYTHONDIR", "ipython"),
    ] {
        command.env(name, jupyter.join(folder));
    }
    command
        .env_remove("JUPYTER_PATH")
        .env_remove("JUPYTER_CONFIG_PATH")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .env("PYTHONNOUSERSITE", "1")
        .env("JUPYTER_PLATFORM_DIRS", "0");
}

/// Takes the warm-up's own cells out of a template, and leaves the crates. What the compiler
/// remembers for the next time goes as well: half a gigabyte that every kernel would copy.
fn forget_cells(template: &Path, host: &str) -> Result<()> {
    let debug = template.join("target").join(host).join("debug");
    remove(&debug.join("incremental"))?;
    for folder in ["", "deps", ".fingerprint"] {
        let folder = debug.join(folder);
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let plain = name.trim_start_matches("lib");
            let is_cell = ["ctx-", "ctx.", "code_"]
                .iter()
                .any(|p| plain.starts_with(p));
            if !is_cell {
                continue;
            }
            let path = entry.path();
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_ups_cells_are_forgotten_and_the_crates_stay() {
        let folder = tempfile::tempdir().unwrap();
        let deps = folder.path().join("target/host/debug/deps");
        std::fs::create_dir_all(&deps).unwrap();
        std::fs::create_dir_all(deps.join("../incremental/ctx-2x")).unwrap();
        for name in [
            "libctx-1f.so",
            "ctx-1f.d",
            "libcode_3.so",
            "libctxt-2.rlib",
            "libndarray.rlib",
        ] {
            std::fs::write(deps.join(name), "").unwrap();
        }
        forget_cells(folder.path(), "host").unwrap();
        let mut left: Vec<_> = std::fs::read_dir(&deps)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["libctxt-2.rlib", "libndarray.rlib"]);
        assert!(!deps.join("../incremental").exists());
    }

    #[test]
    fn the_facades_crates_are_those_it_stands_on_and_no_others() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let found = facade_crates(&Paths { root }).unwrap();
        let names: Vec<_> = found
            .iter()
            .filter_map(|f| f.file_name()?.to_str())
            .collect();
        for under in [
            "convscope",
            "convscope-data",
            "convscope-nn",
            "convscope-progress",
        ] {
            assert!(names.contains(&under), "{under} in {names:?}");
        }
        for other in ["convscope-kernel", "convscope-bench", "course"] {
            assert!(!names.contains(&other), "{other} in {names:?}");
        }
    }

    #[test]
    fn the_settings_written_for_the_kernel_are_well_formed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let config: toml::Table = cargo_config(&Paths { root }).unwrap().parse().unwrap();
        let ndarray = &config["profile"]["dev"]["package"]["ndarray"];
        assert_eq!(ndarray["opt-level"].as_integer(), Some(3));
        assert_eq!(ndarray["overflow-checks"].as_bool(), Some(false));
        let root = PathBuf::from("/somewhere");
        let evcxr: toml::Table = preloading_config(&Paths { root }).parse().unwrap();
        assert_eq!(
            evcxr["evcxr"]["prelude"].as_str(),
            Some(":dep convscope = { path = \"/somewhere/crates/convscope\" }")
        );
    }
}
