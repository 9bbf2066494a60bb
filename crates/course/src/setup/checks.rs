//! What the course needs of the machine, each looked for in the way it will be used.

use crate::kernel::compute_environment;
use crate::process::{find_program, said};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something that the machine must have, in the words and package names of each system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Linker,
    Python,
    OpenBlas,
    RustSource,
    /// For the test in a browser alone.
    Browser,
}

/// Where programs are looked for. A test gives a `PATH` that lacks them.
#[derive(Clone)]
pub struct Machine {
    pub path: OsString,
    pub variables: Vec<(String, String)>,
}

impl Machine {
    pub fn this() -> Machine {
        Machine {
            path: std::env::var_os("PATH").unwrap_or_default(),
            variables: compute_environment(),
        }
    }

    pub fn find(&self, program: &str) -> Option<PathBuf> {
        find_program(program, &self.path)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("PATH", &self.path)
            .envs(self.variables.iter().map(|(n, v)| (n, v)))
            .stdin(Stdio::null());
        command
    }

    fn output(&self, program: &Path, args: &[&str]) -> Result<String> {
        let mut command = self.command(program);
        command.args(args);
        let output = command
            .output()
            .with_context(|| format!("cannot start {}", said(&command)))?;
        let stdout = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("{} failed: {}", said(&command), last_line(&stderr));
        }
        Ok(stdout)
    }
}

fn last_line(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .rfind(|l| !l.is_empty())
        .unwrap_or("(no word of why)")
}

/// The Rust toolchain as it is installed.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// All that `rustc -vV` says: what is compiled with one is of no use to another.
    pub version: String,
    pub sysroot: PathBuf,
}

impl Toolchain {
    pub fn release(&self) -> &str {
        field(&self.version, "release: ")
    }

    pub fn host(&self) -> &str {
        field(&self.version, "host: ")
    }

    /// The standard library's source, from which the kernel infers types.
    pub fn has_source(&self) -> bool {
        self.library().join("core").is_dir()
    }

    pub fn library(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust/library")
    }
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines()
        .find_map(|l| l.strip_prefix(name))
        .unwrap_or("")
}

/// The version that the workspace asks for.
pub const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

pub fn toolchain(machine: &Machine) -> Result<Toolchain> {
    let how = "Install Rust from https://rustup.rs, then open a new terminal";
    let rustc = machine
        .find("rustc")
        .with_context(|| format!("rustc is not on the PATH. {how}"))?;
    machine
        .find("cargo")
        .with_context(|| format!("cargo is not on the PATH. {how}"))?;
    let toolchain = Toolchain {
        version: machine.output(&rustc, &["-vV"])?,
        sysroot: PathBuf::from(machine.output(&rustc, &["--print", "sysroot"])?),
    };
    let found = toolchain.release();
    if !at_least(found, RUST_VERSION) {
        bail!(
            "Rust {found} is too old: the course needs {RUST_VERSION} or newer.\n  \
             Type: rustup update stable   (or update the package that brought rustc)"
        );
    }
    Ok(toolchain)
}

/// Whether a version such as `1.95.0` or `3.11.7` reaches the one wanted.
pub fn at_least(found: &str, wanted: &str) -> bool {
    let numbers = |text: &str| {
        text.split('.')
            .map(|part| {
                let digits = part
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(part.len());
                part[..digits].parse::<u32>().unwrap_or(0)
            })
            .collect::<Vec<_>>()
    };
    let mut found = numbers(found);
    let wanted = numbers(wanted);
    found.resize(wanted.len().max(found.len()), 0);
    found >= wanted
}

/// The program that cargo links with: what it is configured for, or `cc`.
fn linker(machine: &Machine) -> Result<PathBuf> {
    let start = format!("CARGO_TARGET_{}_", std::env::consts::ARCH.to_uppercase());
    let name = std::env::vars()
        .find(|(name, _)| name.starts_with(&start) && name.ends_with("_LINKER"))
        .map_or_else(|| "cc".to_owned(), |(_, program)| program);
    let path = Path::new(&name);
    if path.is_absolute() && path.exists() {
        return Ok(path.to_owned());
    }
    machine
        .find(&name)
        .with_context(|| format!("there is no C linker ({name}) on the PATH"))
}

/// Links a tiny program.
pub fn links(machine: &Machine) -> Result<()> {
    link(machine, "int main(void) { return 0; }", &[])
}

/// Links and runs a tiny program with OpenBLAS. Its C headers are not needed.
pub fn openblas(machine: &Machine) -> Result<()> {
    let source = "extern char *openblas_get_config(void);\n\
                  int main(void) { return openblas_get_config() == 0; }";
    let mut flags = vec!["-lopenblas".to_owned()];
    if let Some(pkg_config) = machine.find("pkg-config")
        && let Ok(found) = machine.output(&pkg_config, &["--libs", "openblas"])
    {
        flags = found.split_whitespace().map(str::to_owned).collect();
    }
    link(machine, source, &flags).context("OpenBLAS cannot be linked")
}

fn link(machine: &Machine, source: &str, flags: &[String]) -> Result<()> {
    let linker = linker(machine)?;
    let folder = tempfile::tempdir().context("there is no place for temporary files")?;
    let (code, program) = (folder.path().join("probe.c"), folder.path().join("probe"));
    std::fs::write(&code, source).context("cannot write a temporary file (is the disk full?)")?;
    let mut command = machine.command(&linker);
    command.arg(&code).arg("-o").arg(&program).args(flags);
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", linker.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} cannot link a small program: {}",
            linker.display(),
            said.lines()
                .find(|l| l.contains("cannot find") || l.contains("error"))
                .unwrap_or(last_line(&said))
        );
    }
    let status = machine.command(&program).status()?;
    anyhow::ensure!(
        status.success(),
        "a small program was linked but fails ({status})"
    );
    Ok(())
}

/// The oldest Python that Jupyter's pinned packages run on.
pub const PYTHON_VERSION: &str = "3.10";

/// An interpreter that is new enough and can make virtual environments.
pub fn python(machine: &Machine) -> Result<PathBuf> {
    let mut told = Vec::new();
    for name in [
        "python3",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
        "python",
    ] {
        let Some(python) = machine.find(name) else {
            continue;
        };
        match try_python(machine, &python) {
            Ok(()) => return Ok(python),
            Err(error) => told.push(format!("{}: {error:#}", python.display())),
        }
    }
    if told.is_empty() {
        bail!("there is no Python on the PATH; {PYTHON_VERSION} or newer is needed");
    }
    bail!(
        "no Python on the PATH will do:\n    {}",
        told.join("\n    ")
    )
}

fn try_python(machine: &Machine, python: &Path) -> Result<()> {
    let code = "import sys; print('.'.join(map(str, sys.version_info[:3])))";
    let version = machine.output(python, &["-I", "-c", code])?;
    anyhow::ensure!(
        at_least(&version, PYTHON_VERSION),
        "version {version} is too old, {PYTHON_VERSION} or newer is needed"
    );
    machine
        .output(python, &["-I", "-c", "import venv, ensurepip"])
        .context("it cannot make virtual environments (modules venv and ensurepip)")?;
    Ok(())
}

/// The space that the set-up needs, and what is left where the project stands.
pub const SPACE_NEEDED: u64 = 5_000_000_000;

pub fn free_space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::statvfs(folder).ok()?;
        Some(stat.f_bavail * stat.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn bare() -> Machine {
        Machine {
            path: OsString::new(),
            variables: Vec::new(),
        }
    }

    /// A folder with programs that do what the script says.
    fn with(programs: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in programs {
            let file = folder.path().join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let mut machine = bare();
        machine.path = folder.path().into();
        (folder, machine)
    }

    fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    #[test]
    fn versions_are_compared_number_by_number() {
        for (found, wanted, enough) in [
            ("1.95.0", "1.90", true),
            ("1.90", "1.90.0", true),
            ("1.9.0", "1.90", false),
            ("1.96.0-nightly", "1.90", true),
            ("3.9.19", "3.10", false),
            ("3.14", "3.10", true),
        ] {
            assert_eq!(at_least(found, wanted), enough, "{found} against {wanted}");
        }
    }

    #[test]
    fn a_machine_without_anything_is_told_what_is_missing() {
        assert!(said(toolchain(&bare())).contains("rustup.rs"));
        assert!(said(python(&bare())).contains("no Python"));
        assert!(said(links(&bare())).contains("no C linker"));
    }

    #[test]
    fn an_old_rust_and_an_old_python_are_named_with_their_versions() {
        let (_folder, machine) = with(&[
            ("rustc", "echo 'rustc 1.60.0'; echo 'release: 1.60.0'"),
            ("cargo", "true"),
            ("python3", "echo 3.8.2"),
        ]);
        let rust = said(toolchain(&machine));
        assert!(
            rust.contains("1.60.0") && rust.contains(RUST_VERSION),
            "{rust}"
        );
        let python = said(python(&machine));
        assert!(
            python.contains("3.8.2") && python.contains("3.10"),
            "{python}"
        );
    }

    #[test]
    fn a_python_without_venv_says_so() {
        let (_folder, machine) = with(&[(
            "python3",
            r#"case "$3" in *venv*) echo "No module named 'ensurepip'" >&2; exit 1;; esac; echo 3.12.1"#,
        )]);
        let error = said(python(&machine));
        assert!(error.contains("ensurepip"), "{error}");
    }

    #[test]
    fn a_linker_that_lacks_openblas_says_what_it_cannot_find() {
        let (_folder, machine) = with(&[(
            "cc",
            "echo '/usr/bin/ld: cannot find -lopenblas' >&2; exit 1",
        )]);
        let error = said(openblas(&machine));
        assert!(error.contains("cannot find -lopenblas"), "{error}");
    }

    #[test]
    fn this_machine_links_since_these_tests_are_linked() {
        links(&Machine::this()).unwrap();
        toolchain(&Machine::this()).unwrap();
    }
}
