//! `convscope-kernel [--sources FOLDER] [--patience SECONDS] CONNECTION_FILE COMMAND...`

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
  --patience SECONDS   end a cell that does not follow a request to stop for so long";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.first().and_then(|first| first.to_str()) {
        Some("--help" | "-h") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        // The way in for a kernel that is to end with its relay, however that ends.
        Some("--become") => return become_kernel(&arguments[1..]),
        _ => {}
    }
    let outcome = options(arguments).and_then(|options| run(options).map_err(|e| e.to_string()));
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
    let guard = std::env::current_exe()
        .ok()
        .filter(|_| cfg!(target_os = "linux"));
    if let Some(own) = guard {
        options.command = vec![own.into(), "--become".into()];
    }
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
