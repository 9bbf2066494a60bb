//! Programs of this workspace that compute: built when they are asked for, because this one links no
//! BLAS.

use crate::kernel::environment::{compute_environment, forget_cargo_run};
use crate::paths::Paths;
use crate::process::catch_interrupts;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Compiles a program with the settings that notebooks have, and says where it is.
pub fn built(paths: &Paths, program: &str) -> Result<PathBuf> {
    let mut command = Command::new("cargo");
    // All of the workspace is named so that features, and with them compiled crates, are those of
    // the tests.
    command
        .args(["build", "--workspace", "--bin", program])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(&paths.root);
    forget_cargo_run(&mut command, &paths.root);
    let output = command
        .envs(compute_environment())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    ensure!(output.status.success(), "{program} cannot be compiled");
    let said = String::from_utf8_lossy(&output.stdout);
    executable(&said, program).with_context(|| format!("cargo did not say where it put {program}"))
}

/// Runs a compiled program with these arguments, and says how it ended.
pub fn forward(paths: &Paths, program: &Path, words: Vec<OsString>) -> Result<ExitCode> {
    // Ctrl-C is for the program, which keeps what it has; this one waits for it.
    catch_interrupts();
    let mut command = Command::new(program);
    forget_cargo_run(&mut command, &paths.root);
    let status = command
        .envs(compute_environment())
        .env("CONVSCOPE_HOME", &paths.root)
        .args(words)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// The program among cargo's messages.
fn executable(messages: &str, program: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == program)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"convscope-nn"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"convscope-bench"},"executable":"/t/debug/convscope-bench"}
            {"reason":"build-finished","success":true}"#;
        let expected = PathBuf::from("/t/debug/convscope-bench");
        assert_eq!(executable(messages, "convscope-bench"), Some(expected));
        for (messages, program) in [
            (messages, "convscope-train"),
            ("noise\n{}", "convscope-bench"),
        ] {
            assert_eq!(executable(messages, program), None);
        }
    }
}
