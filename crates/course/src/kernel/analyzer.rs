//! What evcxr's rust-analyzer is told when it asks cargo about a cell's crate.
//!
//! evcxr infers the types of variables with rust-analyzer, which asks cargo a dozen questions
//! whenever the dependencies change, and then reads every crate it is told of, procedural macros
//! and TLS libraries included: several seconds in front of the student. The answers never change
//! between kernels, and of the crates only those matter whose types a notebook can meet. So this
//! program stands in for `cargo` in the kernel's own `CARGO_HOME/bin`, where rust-analyzer looks
//! first. It answers from what set-up recorded, and hands every other call to the real cargo.
//! evcxr itself calls the real cargo, always.

use crate::kernel::environment::link;
use crate::paths::{Paths, exe};
use crate::setup::checks::Toolchain;
use crate::setup::stamp::write_whole;
use crate::setup::template;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Crates besides the project's own whose types and traits a notebook meets.
const VISIBLE: [&str; 10] = [
    "ndarray",
    "num-complex",
    "num-integer",
    "num-traits",
    "plotters",
    "plotters-backend",
    "rand",
    "rand_chacha",
    "rand_core",
    "rawpointer",
];

/// The parts of the standard library that programs name, and what those stand on. The rest, such
/// as the processor's intrinsics and the library's own tests, is twice as much to read.
const LIBRARY: [&str; 9] = [
    "alloc",
    "cfg-if",
    "core",
    "hashbrown",
    "proc_macro",
    "rustc-std-workspace-alloc",
    "rustc-std-workspace-core",
    "rustc-std-workspace-std",
    "std",
];

/// What is recorded and how: a template recorded otherwise is out of date.
pub fn recipe() -> String {
    format!("3 {VISIBLE:?} {LIBRARY:?}")
}

/// Says to the stand-in that the kernel loads the facade by itself, right after its start.
pub const PRELOADED: &str = "CONVSCOPE_PRELOADED";

#[derive(Serialize, Deserialize)]
struct Answers {
    sysroot: PathBuf,
    /// The folder that the metadata speaks of; a copy has another.
    folder: PathBuf,
    /// The manifest that the metadata belongs to.
    manifest: String,
    metadata: Value,
    /// The standard library's.
    library: Value,
    /// Where its source is.
    source: PathBuf,
    version: String,
    cfg: String,
    target: String,
}

fn answers_file(paths: &Paths) -> PathBuf {
    paths.kernel().join("analyzer.json")
}

/// A `CARGO_HOME` with the user's registry and with this program in the place of cargo. What is
/// compiled under one `CARGO_HOME` counts as new under another, so the template uses it too.
fn cargo_home(paths: &Paths) -> PathBuf {
    paths.kernel().join("cargo")
}

/// The environment in which rust-analyzer, at work in `folder`, finds the stand-in.
pub fn environment(paths: &Paths, folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let home = cargo_home(paths);
    if !home.join("bin").join(exe("cargo")).exists() {
        return Vec::new();
    }
    let mut variables = vec![("CARGO_HOME", home)];
    // rust-analyzer reads all of the folder that it is told is the standard library's.
    if answers_file(paths).exists() && hide_library(folder).is_ok() {
        variables.push(("RUST_SRC_PATH", library_folder(folder)));
    }
    variables
}

fn library_folder(folder: &Path) -> PathBuf {
    folder.join("library")
}

/// Makes an empty standard library.
fn hide_library(folder: &Path) -> Result<()> {
    let library = library_folder(folder);
    if library.exists() {
        std::fs::remove_dir_all(&library)?;
    }
    std::fs::create_dir_all(library.join("core"))?;
    std::fs::write(library.join("Cargo.toml"), "[workspace]\n")?;
    Ok(())
}

/// Puts the parts of the standard library that a notebook can meet in their place.
fn show_library(source: &Path, library: &Path) -> Result<()> {
    for part in LIBRARY.iter().filter(|part| source.join(part).is_dir()) {
        link(&source.join(part), &library.join(part))?;
    }
    Ok(())
}

/// Records the answers, from a template in which the facade is a dependency.
pub fn record(paths: &Paths, toolchain: &Toolchain, template: &Path) -> Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let host = toolchain.host();
    let cargo = |folder: &Path, args: &[&str]| ask(&cargo(&toolchain.sysroot), folder, args);
    let rustc = toolchain.sysroot.join("bin").join(exe("rustc"));
    let metadata = [
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ];
    let own = cargo(template, &[&metadata[..], &["--offline"]].concat())?;
    // Cargo may have to download the two or three crates under the standard library.
    let library = cargo(
        &toolchain.library(),
        &[&metadata[..], &["--locked"]].concat(),
    )?;
    let target = [
        "-Z",
        "unstable-options",
        "--target",
        host,
        "--print",
        "target-spec-json",
    ];
    let answers = Answers {
        sysroot: toolchain.sysroot.clone(),
        folder: template.to_owned(),
        manifest: std::fs::read_to_string(template.join("Cargo.toml"))?,
        metadata: reduced(serde_json::from_str(&own)?, |package| {
            let own = package["source"].is_null();
            own || package["name"]
                .as_str()
                .is_some_and(|name| VISIBLE.contains(&name))
        }),
        library: reduced(serde_json::from_str(&library)?, |package| {
            package["name"]
                .as_str()
                .is_some_and(|name| LIBRARY.contains(&name))
        }),
        source: toolchain.library(),
        version: cargo(template, &["--version"])?,
        cfg: ask(
            &rustc,
            template,
            &["-O", "--target", host, "--print", "cfg"],
        )?,
        target: ask(&rustc, template, &target)?,
    };
    write_whole(&answers_file(paths), &serde_json::to_vec(&answers)?)
}

fn ask(program: &Path, folder: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        // The library's manifests and the target's description are for nightly tools.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS", "nightly")
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} {} failed: {said}", program.display(), args.join(" "));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn cargo(sysroot: &Path) -> PathBuf {
    sysroot.join("bin").join(exe("cargo"))
}

/// Makes the kernel's `CARGO_HOME`. What was recorded before is forgotten.
pub fn prepare(paths: &Paths) -> Result<()> {
    let _ = std::fs::remove_file(answers_file(paths));
    if !cfg!(unix) {
        return Ok(());
    }
    let home = cargo_home(paths);
    std::fs::create_dir_all(home.join("bin"))?;
    let real = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .context("the home folder cannot be told; set CARGO_HOME")?;
    for name in ["registry", "git", "config.toml", "config"] {
        if real.join(name).exists() {
            link(&real.join(name), &home.join(name))?;
        }
    }
    link(&paths.launcher(), &home.join("bin").join(exe("cargo")))
}

/// Keeps some packages, and what they need of each other.
fn reduced(mut metadata: Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let kept: HashSet<String> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| wanted(package))
        .filter_map(|package| package["id"].as_str().map(str::to_owned))
        .collect();
    keep(&mut metadata, &kept);
    metadata
}

fn keep(metadata: &mut Value, kept: &HashSet<String>) {
    let is_kept = |id: &Value| id.as_str().is_some_and(|id| kept.contains(id));
    if let Some(packages) = metadata["packages"].as_array_mut() {
        packages.retain(|package| is_kept(&package["id"]));
        for package in packages {
            if let Some(targets) = package["targets"].as_array_mut() {
                // Tests, examples and build scripts are nothing to a notebook.
                targets.retain(|target| {
                    target["kind"].as_array().is_some_and(|kinds| {
                        kinds
                            .iter()
                            .filter_map(Value::as_str)
                            .any(|kind| matches!(kind, "lib" | "dylib" | "cdylib" | "rlib"))
                    })
                });
            }
        }
    }
    if let Some(nodes) = metadata["resolve"]["nodes"].as_array_mut() {
        nodes.retain(|node| is_kept(&node["id"]));
        for node in nodes {
            if let Some(list) = node["dependencies"].as_array_mut() {
                list.retain(is_kept);
            }
            if let Some(list) = node["deps"].as_array_mut() {
                list.retain(|dep| is_kept(&dep["pkg"]));
            }
        }
    }
}

/// Whether this program was started under the name of cargo.
pub fn stands_in_for_cargo() -> bool {
    std::env::args_os().next().is_some_and(|name| {
        Path::new(&name)
            .file_stem()
            .is_some_and(|stem| stem == "cargo")
            && Path::new(&name)
                .parent()
                .is_some_and(|bin| bin.ends_with("kernel/cargo/bin"))
    })
}

/// Plays cargo: answers what is recorded, and otherwise becomes the real one.
pub fn main() -> Result<ExitCode> {
    let paths = Paths::find()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let answers = std::fs::read_to_string(answers_file(&paths))
        .ok()
        .and_then(|text| serde_json::from_str::<Answers>(&text).ok());
    if let Some(answers) = answers
        && let Some(text) = answers.answer(&args)
    {
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let sysroot = template::sysroot(&paths).context("set-up is not done: cargo course setup")?;
    become_cargo(&cargo(&sysroot), &args)
}

fn become_cargo(cargo: &Path, args: &[String]) -> Result<ExitCode> {
    let mut command = Command::new(cargo);
    command.args(args);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let error = command.exec();
        Err(error).with_context(|| format!("cannot start {}", cargo.display()))
    }
    #[cfg(not(unix))]
    {
        let status = command.status()?;
        Ok(ExitCode::from(u8::from(!status.success())))
    }
}

impl Answers {
    fn answer(&self, args: &[String]) -> Option<String> {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let manifest = words
            .iter()
            .position(|word| *word == "--manifest-path")
            .and_then(|at| words.get(at + 1))
            .map(PathBuf::from);
        match words.first().copied() {
            Some("--version") => Some(self.version.clone()),
            Some("locate-project") => manifest.map(|root| json!({ "root": root }).to_string()),
            Some("rustc") if words.contains(&"cfg") => Some(self.cfg.clone()),
            Some("rustc") if words.contains(&"target-spec-json") => Some(self.target.clone()),
            Some("metadata") => match manifest {
                Some(manifest) if manifest.ends_with("library/Cargo.toml") => {
                    self.library_metadata(manifest.parent()?)
                }
                Some(manifest) => self.metadata_of(&manifest),
                None => None,
            },
            // `cargo config get` is unstable; without an answer the defaults hold.
            Some("-Z") if words.contains(&"config") => Some(String::new()),
            _ => None,
        }
    }

    /// evcxr starts with an empty cell. When the facade follows at once, that one needs no standard
    /// library, and reading it is put off until then.
    fn library_metadata(&self, library: &Path) -> Option<String> {
        let cell = std::fs::read_to_string(library.parent()?.join("Cargo.toml")).ok()?;
        if std::env::var_os(PRELOADED).is_some() && is_bare(&cell) {
            let mut nothing = self.library.clone();
            keep(&mut nothing, &HashSet::new());
            return Some(nothing.to_string() + "\n");
        }
        show_library(&self.source, library).ok()?;
        Some(moved(&self.library, &self.source, library))
    }

    /// The recorded metadata, for the folder that a manifest stands in.
    fn metadata_of(&self, manifest: &Path) -> Option<String> {
        let text = std::fs::read_to_string(manifest).ok()?;
        let mut metadata = self.metadata.clone();
        if is_bare(&text) {
            let own: HashSet<String> = metadata["workspace_members"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect();
            keep(&mut metadata, &own);
        } else if text != self.manifest {
            return None;
        }
        Some(moved(&metadata, &self.folder, manifest.parent()?))
    }
}

/// Metadata recorded in one folder, as it is in another.
fn moved(metadata: &Value, from: &Path, to: &Path) -> String {
    let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
    metadata.to_string().replace(&*from, &to) + "\n"
}

/// Whether a cell's manifest, as evcxr writes it, names no dependency.
fn is_bare(manifest: &str) -> bool {
    manifest.trim_end().ends_with("[dependencies]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Value {
        let package = |id: &str, name: &str, source: Value| {
            json!({"id": id, "name": name, "source": source,
                   "targets": [{"kind": ["lib"]}, {"kind": ["custom-build"]}, {"kind": ["test"]}]})
        };
        json!({
            "packages": [
                package("ctx", "ctx", Value::Null),
                package("facade", "convscope", Value::Null),
                package("nd", "ndarray", json!("registry")),
                package("tls", "rustls", json!("registry")),
            ],
            "resolve": {"nodes": [
                {"id": "ctx", "dependencies": ["facade"], "deps": [{"pkg": "facade"}]},
                {"id": "facade", "dependencies": ["nd", "tls"], "deps": [{"pkg": "nd"}, {"pkg": "tls"}]},
                {"id": "nd", "dependencies": [], "deps": []},
                {"id": "tls", "dependencies": [], "deps": []},
            ]},
            "workspace_members": ["ctx"],
            "target_directory": "/template/target",
        })
    }

    fn answers() -> Answers {
        Answers {
            sysroot: "/rust".into(),
            folder: "/template".into(),
            manifest: "[dependencies]\nconvscope = { path = \"/c\" }\n".to_owned(),
            metadata: reduced(metadata(), |p| p["name"] != "rustls"),
            library: reduced(metadata(), |p| p["name"] == "ndarray"),
            source: "/rust/library".into(),
            version: "cargo 1.95.0\n".to_owned(),
            cfg: "unix\n".to_owned(),
            target: "{}\n".to_owned(),
        }
    }

    fn ids(list: &Value) -> Vec<&str> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|p| p["id"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn what_is_not_wanted_goes_with_every_mention_of_it() {
        let kept = reduced(metadata(), |package| package["name"] != "rustls");
        assert_eq!(ids(&kept["packages"]), ["ctx", "facade", "nd"]);
        assert_eq!(ids(&kept["resolve"]["nodes"]), ["ctx", "facade", "nd"]);
        assert_eq!(kept["resolve"]["nodes"][1]["deps"], json!([{"pkg": "nd"}]));
        assert_eq!(kept["packages"][2]["targets"], json!([{"kind": ["lib"]}]));
    }

    #[test]
    fn metadata_speaks_of_the_folder_asked_about_and_of_its_dependencies() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        let ask = || answers().metadata_of(&manifest);
        assert_eq!(ask(), None);

        std::fs::write(&manifest, &answers().manifest).unwrap();
        let full: Value = serde_json::from_str(&ask().unwrap()).unwrap();
        assert_eq!(ids(&full["packages"]), ["ctx", "facade", "nd"]);
        let target = folder.path().join("target");
        assert_eq!(full["target_directory"].as_str(), target.to_str());

        std::fs::write(&manifest, "[dependencies]\n\n").unwrap();
        let bare: Value = serde_json::from_str(&ask().unwrap()).unwrap();
        assert_eq!(ids(&bare["packages"]), ["ctx"]);
        assert_eq!(bare["resolve"]["nodes"][0]["deps"], json!([]));
    }

    #[test]
    fn dependencies_of_the_students_own_are_left_to_cargo() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        std::fs::write(&manifest, "[dependencies]\nserde = \"1\"\n").unwrap();
        assert_eq!(answers().metadata_of(&manifest), None);
        let build = ["build".to_owned(), "--release".to_owned()];
        assert_eq!(answers().answer(&build), None);
    }

    #[test]
    fn small_questions_are_answered_as_cargo_does() {
        let ask = |words: &str| {
            let args: Vec<_> = words.split(' ').map(str::to_owned).collect();
            answers().answer(&args)
        };
        assert_eq!(ask("--version").as_deref(), Some("cargo 1.95.0\n"));
        assert_eq!(
            ask("locate-project --workspace --manifest-path /x/Cargo.toml").as_deref(),
            Some(r#"{"root":"/x/Cargo.toml"}"#)
        );
        assert_eq!(
            ask("rustc -Z unstable-options --print cfg -- -O").as_deref(),
            Some("unix\n")
        );
    }
}
