//! `cargo course kernel CONNECTION_FILE`: what Jupyter starts, the relay of `convscope-kernel`. The
//! relay starts the same command with `--bare`, which gives evcxr a private copy of the warm
//! template and the right environment, and cleans up after it, however it ends.

pub mod analyzer;
pub mod copies;
pub mod environment;
#[cfg(unix)]
pub mod standby;

pub use environment::compute_environment;

use crate::paths::Paths;
use crate::setup::template;
use anyhow::{Context, Result, bail};
use copies::KernelCopy;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

#[derive(clap::Args)]
pub struct Args {
    /// The file in which Jupyter says where it listens
    connection_file: PathBuf,
    /// The kernel itself, without the relay between it and Jupyter
    #[arg(long, hide = true)]
    bare: bool,
    /// Become evcxr in the prepared folder (the launcher starts itself so)
    #[arg(long, hide = true, value_name = "FOLDER")]
    inside: Option<PathBuf>,
    /// Load the facade before the first cell
    #[arg(long, hide = true)]
    preload: bool,
}

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    if let Some(folder) = args.inside {
        return become_evcxr(&paths, &folder, &args.connection_file, args.preload);
    }
    for (file, what) in [
        (paths.evcxr(), "the Rust kernel is not installed"),
        (paths.template(), "the Rust kernel is not ready"),
    ] {
        if !file.exists() {
            bail!(
                "{what} ({} is missing).\nType this in a terminal, then restart the kernel:\n    \
                 cd {} && cargo course setup",
                file.display(),
                paths.root.display()
            );
        }
    }
    if !args.bare {
        return relay(args.connection_file);
    }
    crate::process::catch_interrupts();
    let copy = KernelCopy::make(&paths.template(), &paths.kernel_runs())?;
    let mut launch = Command::new(crate::process::own_program()?);
    launch
        .arg("kernel")
        .arg(&args.connection_file)
        .arg("--inside")
        .arg(copy.folder());
    if args.preload || template::is_current(&paths) {
        launch.arg("--preload");
    }
    let mut child = launch.spawn().context("cannot start the kernel")?;
    let runs = paths.kernel_runs();
    std::thread::spawn(move || copies::sweep(&runs));
    let status = watch(&mut child)?;
    drop(copy);
    Ok(status)
}

fn relay(connection: PathBuf) -> Result<ExitCode> {
    let own = crate::process::own_program()?;
    let words = ["kernel", "{connection_file}", "--bare"].map(OsString::from);
    convscope_kernel::run(convscope_kernel::Options {
        connection,
        command: std::iter::once(own.into()).chain(words).collect(),
        #[cfg(unix)]
        standby: convscope_kernel::standby::named(),
        ..Default::default()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Waits for the kernel's end, and brings it about when told to end or when Jupyter is gone.
fn watch(child: &mut Child) -> Result<ExitCode> {
    let parent = parent_id();
    loop {
        if let Some(status) = child.try_wait()? {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
        if crate::process::interrupted() || parent_id() != parent {
            crate::process::stop(child);
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn parent_id() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    0
}

#[cfg(unix)]
fn become_evcxr(
    paths: &Paths,
    folder: &Path,
    connection: &Path,
    preload: bool,
) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // evcxr ends with its launcher even when that is killed.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let error = evcxr(paths, folder, connection, preload).exec();
    Err(error).context("cannot start evcxr_jupyter")
}

#[cfg(not(unix))]
fn become_evcxr(
    paths: &Paths,
    folder: &Path,
    connection: &Path,
    preload: bool,
) -> Result<ExitCode> {
    let status = evcxr(paths, folder, connection, preload).status()?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

/// evcxr working in `folder` (the template itself while that is made, else a copy).
fn evcxr(paths: &Paths, folder: &Path, connection: &Path, preload: bool) -> Command {
    let mut command = Command::new(paths.evcxr());
    command.arg("--control_file").arg(connection);
    environment::forget_cargo_run(&mut command, &paths.root);
    command
        .envs(compute_environment())
        .env("EVCXR_TMPDIR", folder)
        // At its start evcxr writes its own kernelspec over one named "rust" in the user's folder:
        // without the relay too, it shall find none.
        .env("JUPYTER_PATH", folder)
        .env("EVCXR_CONFIG_DIR", template::config_folder(paths, preload))
        .env("CARGO_NET_OFFLINE", "true")
        .env("CONVSCOPE_HOME", &paths.root);
    for (name, value) in template::toolchain_environment(paths) {
        command.env(name, value);
    }
    command.envs(analyzer::environment(paths, folder));
    if preload {
        command.env(analyzer::PRELOADED, "1");
    }
    command
}
