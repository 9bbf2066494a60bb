//! `cargo course lab [NAME]`: JupyterLab on the notebooks, on this machine only.

use crate::kernel::environment::forget_cargo_run;
#[cfg(unix)]
use crate::kernel::standby;
use crate::paths::Paths;
use crate::setup::{self, stamp::write_whole, template::jupyter_folders};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[derive(clap::Args)]
pub struct Args {
    /// The notebook to open, such as 01 or 01_convolution; the list of all without it
    name: Option<String>,
    /// The port to listen on; the next free one is taken when it is in use
    #[arg(long, default_value_t = 8888)]
    port: u16,
    /// Do not open the browser, only print the address
    #[arg(long)]
    no_browser: bool,
    /// Keep no kernel ready for the next notebook: it takes memory, and the notebook then waits
    #[arg(long)]
    no_standby: bool,
}

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    // A wrong name is said before the long set-up, not after it.
    let notebook = args
        .name
        .as_deref()
        .map(|name| resolve(&paths.notebooks(), name))
        .transpose()?;
    let port = free_port(args.port)?;
    setup::ensure(&paths)?;
    write_settings(&paths)?;
    if port != args.port {
        eprintln!("Port {} is in use; taking {port}.", args.port);
    }
    let mut jupyter = command(&paths, port, args.no_browser, notebook.as_deref());
    eprintln!("JupyterLab starts. Ctrl-C here ends it and every kernel.");
    let status = {
        #[cfg(unix)]
        let _standby = standby::beside(&paths, &mut jupyter, !args.no_standby);
        run_until_stopped(&mut jupyter)?
    };
    let _ = crate::kernel::copies::sweep(&paths.kernel_runs());
    Ok(status)
}

/// The notebook that a name means: its number, its name, or its file, with or without a folder.
pub fn resolve(notebooks: &Path, name: &str) -> Result<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(notebooks)
        .with_context(|| format!("cannot read {}", notebooks.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "ipynb"))
        .collect();
    files.sort();
    let stem = |path: &Path| {
        path.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let asked = Path::new(name);
    let wanted = asked.file_name().unwrap_or_default().to_string_lossy();
    let wanted = wanted.strip_suffix(".ipynb").unwrap_or(&wanted);
    let number = wanted
        .parse::<u32>()
        .map_or_else(|_| wanted.to_owned(), |n| format!("{n:02}"));
    let found: Vec<_> = files
        .iter()
        .filter(|path| {
            let stem = stem(path);
            stem == wanted || stem.split('_').next() == Some(&number)
        })
        .collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!(
            "there is no notebook {name:?}. There are:{}",
            list(files.iter().map(|f| stem(f)))
        ),
        several => bail!(
            "{name:?} may be any of these; say more of its name:{}",
            list(several.iter().map(|f| stem(f)))
        ),
    }
}

fn list(names: impl Iterator<Item = String>) -> String {
    let lines: String = names.map(|name| format!("\n    {name}")).collect();
    if lines.is_empty() {
        "\n    (none: the folder holds no notebook)".to_owned()
    } else {
        lines
    }
}

/// The port asked for or the next free one after it.
fn free_port(first: u16) -> Result<u16> {
    (first..=first.saturating_add(49))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .with_context(|| {
            format!(
                "no port from {first} to {} is free; name another with --port",
                first.saturating_add(49)
            )
        })
}

fn command(paths: &Paths, port: u16, no_browser: bool, notebook: Option<&Path>) -> Command {
    let mut jupyter = Command::new(paths.python());
    jupyter
        .args(["-I", "-m", "jupyterlab"])
        .arg("--ServerApp.ip=127.0.0.1")
        .arg(format!("--ServerApp.port={port}"))
        // The port was found free just now; moving on to another unasked would mislead.
        .arg("--ServerApp.port_retries=0")
        .arg("--ServerApp.allow_root=True")
        .arg(format!(
            "--ServerApp.root_dir={}",
            paths.notebooks().display()
        ))
        .arg("--KernelSpecManager.ensure_native_kernel=False")
        .arg("--KernelSpecManager.allowed_kernelspecs=rust")
        .arg("--LabApp.news_url=None")
        .arg("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
        .arg(format!(
            "--LabApp.app_settings_dir={}",
            paths.jupyter().join("lab/app").display()
        ))
        .current_dir(paths.notebooks());
    if no_browser {
        jupyter.arg("--no-browser");
    }
    let opened = match notebook.and_then(Path::file_name) {
        Some(name) => format!("--LabApp.default_url=/lab/tree/{}", name.to_string_lossy()),
        None => "--LabApp.default_url=/lab".to_owned(),
    };
    jupyter.arg(opened);
    jupyter_environment(&mut jupyter, paths);
    jupyter
}

/// What every Jupyter program of the project is started with.
pub fn jupyter_environment(command: &mut Command, paths: &Paths) {
    forget_cargo_run(command, &paths.root);
    jupyter_folders(command, paths);
    command.env("CONVSCOPE_HOME", &paths.root);
    let bin = paths.venv().join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin).chain(std::env::split_paths(&path));
    if let Ok(joined) = std::env::join_paths(folders) {
        command.env("PATH", joined);
    }
}

/// JupyterLab's own settings: no question about news at the first start.
fn write_settings(paths: &Paths) -> Result<()> {
    let folder = paths.jupyter().join("lab/app");
    let overrides = json!({
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": false,
        },
    });
    write_whole(
        &folder.join("overrides.json"),
        &serde_json::to_vec_pretty(&overrides)?,
    )
}

/// Waits for Jupyter; Ctrl-C reaches it as a request to end, which asks nothing.
fn run_until_stopped(jupyter: &mut Command) -> Result<ExitCode> {
    crate::process::catch_interrupts();
    #[cfg(unix)]
    {
        // In a group of its own, Jupyter does not get the terminal's Ctrl-C itself: it would ask
        // whether to shut down, and that question would meet a program that is ending.
        use std::os::unix::process::CommandExt;
        jupyter.process_group(0);
    }
    let mut child = jupyter
        .stdin(std::process::Stdio::null())
        .spawn()
        .context("cannot start JupyterLab")?;
    loop {
        if let Some(status) = child.try_wait()? {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
        if crate::process::interrupted() {
            eprintln!("Ending JupyterLab and its kernels ...");
            crate::process::stop_within(&mut child, std::time::Duration::from_secs(20));
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notebooks() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "00_welcome.ipynb",
            "01_convolution.ipynb",
            "02_first_cnn.ipynb",
            "notes.txt",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn a_notebook_is_found_by_number_name_or_file() {
        let folder = notebooks();
        let wanted = folder.path().join("01_convolution.ipynb");
        for name in [
            "1",
            "01",
            "01_convolution",
            "01_convolution.ipynb",
            "notebooks/01_convolution.ipynb",
        ] {
            assert_eq!(resolve(folder.path(), name).unwrap(), wanted, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_lists_those_that_are() {
        let folder = notebooks();
        let error = resolve(folder.path(), "07").unwrap_err().to_string();
        for part in ["\"07\"", "00_welcome", "01_convolution", "02_first_cnn"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("notes"));
    }

    #[test]
    fn a_port_in_use_gives_way_to_a_later_one() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        if port < 65_000 {
            assert!(free_port(port).unwrap() > port);
        }
    }
}
