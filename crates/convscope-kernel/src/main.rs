//! `convscope-kernel [--sources FOLDER] [--patience SECONDS] CONNECTION_FILE COMMAND...`, and
//! `convscope-kernel --keep [--warm-up CELL]... COMMAND...` for one that is ready before.

#![forbid(unsafe_code)]

use convscope_kernel::{Options, run};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str =
    "convscope-kernel [--sources FOLDER] [--patience SECONDS] CONNECTION_FILE COMMAND...

Relays between Jupyter and a kernel. COMMAND starts the kernel; {connection_file} in it, or
CONNECTION_FILE again, becomes the file that tells the kernel where to listen.

  --sources FOLDER     the kernel's EVCXR_TMPDIR, where it keeps the cells' sources
  --patience SECONDS   end a cell that does not follow a request to stop for so long

convscope-kernel --keep [--warm-up CELL]... COMMAND...

Keeps one kernel of COMMAND ready in this folder and with this environment, and prints the socket
where a relay finds it: the relay's environment names it in CONVSCOPE_STANDBY.

  --warm-up CELL       run the cell before the kernel is asked for";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.first().and_then(|first| first.to_str()) {
        Some("--help" | "-h") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        // The way in for a kernel that is to end with its relay, however that ends.
        Some("--become") => return become_kernel(&arguments[1..]),
        #[cfg(unix)]
        Some("--keep") => return said(keep(arguments[1..].to_vec())),
        _ => {}
    }
    said(options(arguments).and_then(|options| run(options).map_err(|e| e.to_string())))
}

fn said(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("convscope-kernel: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: Vec<OsString>) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.into_iter();
    loop {
        let next = rest
            .next()
            .ok_or_else(|| format!("expected a connection file, got nothing\n\n{USAGE}"))?;
        let mut value = || {
            rest.next()
                .ok_or_else(|| format!("expected a value after {}, got none", next.display()))
        };
        match next.to_str() {
            Some("--sources") => options.sources = Some(value()?.into()),
            Some("--patience") => {
                let value = value()?;
                let seconds = value.to_str().and_then(|text| text.parse::<f64>().ok());
                let patience = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
                options.patience = Some(patience.ok_or_else(|| {
                    format!("expected seconds after --patience, got {}", value.display())
                })?);
            }
            _ => {
                options.connection = next.into();
                break;
            }
        }
    }
    #[cfg(unix)]
    {
        options.standby = convscope_kernel::standby::named();
    }
    options.command = guard();
    let kernel: Vec<OsString> = rest.collect();
    if kernel.is_empty() {
        return Err(format!(
            "expected the kernel's command, got nothing\n\n{USAGE}"
        ));
    }
    // Jupyter fills in every {connection_file} of a kernelspec, also the one meant for the relay.
    options.command.extend(kernel.into_iter().map(|word| {
        if word == options.connection.as_os_str() {
            "{connection_file}".into()
        } else {
            word
        }
    }));
    Ok(options)
}

/// What stands before a kernel's command, so that the kernel ends with this program.
fn guard() -> Vec<OsString> {
    std::env::current_exe()
        .ok()
        .filter(|_| cfg!(target_os = "linux"))
        .map(|own| vec![own.into(), "--become".into()])
        .unwrap_or_default()
}

/// Keeps a kernel ready until a signal ends this program.
#[cfg(unix)]
fn keep(arguments: Vec<OsString>) -> Result<(), String> {
    use convscope_kernel::standby::{Keeper, Plan};
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut rest = arguments.into_iter().peekable();
    let mut warm_up = Vec::new();
    while rest.next_if(|word| word == "--warm-up").is_some() {
        let cell = rest.next().and_then(|cell| cell.into_string().ok());
        warm_up.push(cell.ok_or("expected a cell after --warm-up, got none")?);
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
        .map_err(|error| format!("watching for signals: {error}"))?;
    let keeper = Keeper::start(Plan {
        command: guard().into_iter().chain(rest).collect(),
        folder: std::env::current_dir().map_err(|error| format!("this folder: {error}"))?,
        environment: std::env::vars_os().collect(),
        warm_up,
        pause: Duration::ZERO,
        spare: 0,
        stamp: Box::new(String::new),
        is_fit: Box::new(|| true),
        tell: Box::new(|news| println!("{news:?}")),
    })
    .map_err(|error| error.to_string())?;
    println!("{}", keeper.socket().display());
    signals.forever().next();
    Ok(())
}

#[cfg(target_os = "linux")]
fn become_kernel(command: &[OsString]) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let Some((program, arguments)) = command.split_first() else {
        eprintln!("convscope-kernel: expected the kernel's command, got nothing");
        return ExitCode::FAILURE;
    };
    // SIGTERM lets a launcher clean up.
    let signal = rustix::process::Signal::TERM;
    let _ = rustix::process::set_parent_process_death_signal(Some(signal));
    let error = std::process::Command::new(program).args(arguments).exec();
    eprintln!(
        "convscope-kernel: cannot start {}: {error}",
        program.display()
    );
    ExitCode::FAILURE
}

#[cfg(not(target_os = "linux"))]
fn become_kernel(_: &[OsString]) -> ExitCode {
    eprintln!("convscope-kernel: --become is for Linux");
    ExitCode::FAILURE
}
