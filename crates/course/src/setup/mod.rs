//! `cargo course setup`: everything that the notebooks need, inside this folder.
//!
//! The machine itself is looked over at every run, which takes a moment; what is made carries a
//! stamp of what it was made from, and is made again only when that has changed.

pub mod checks;
mod clean;
#[cfg(test)]
mod conda;
pub mod evcxr;
pub mod install;
pub mod jupyter;
pub mod stamp;
pub mod template;

pub use clean::size_of;

use crate::paths::Paths;
use crate::process::{Log, catch_interrupts};
use anyhow::{Result, bail};
use checks::{Machine, Need, Toolchain};
use convscope_progress::size;
use std::process::ExitCode;

#[derive(clap::Args, Default)]
pub struct Args {
    /// Remove everything that set-up made (the folder .convscope)
    #[arg(long)]
    clean: bool,
}

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    if args.clean {
        return clean::main(&paths);
    }
    if ensure(&paths)? {
        eprintln!("Ready. Type: cargo course lab");
    } else {
        eprintln!("Everything is set up already. Type: cargo course lab");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the steps share.
pub struct Context<'a> {
    pub paths: &'a Paths,
    pub machine: Machine,
    pub log: Log,
}

/// Sets up what is missing or out of date. Returns whether anything was.
pub fn ensure(paths: &Paths) -> Result<bool> {
    catch_interrupts();
    if paths.root.to_string_lossy().contains(' ') {
        bail!(
            "the folder {} has a space in its path, which the Rust kernel cannot stand; \
             move the course to a folder without one",
            paths.root.display()
        );
    }
    let _lock = stamp::lock(paths)?;
    let mut context = Context {
        paths,
        machine: Machine::this(),
        log: Log::create(&paths.log(), "setup")?,
    };
    let toolchain = check_machine(&mut context)?;
    let mut worked = false;

    let inputs = jupyter::venv_inputs(paths);
    if !(stamp::is_done(paths, "jupyter", &inputs) && jupyter::venv_works(paths)) {
        worked |= true;
        check_space(paths)?;
        jupyter::make_venv(&mut context)?;
        stamp::set_done(paths, "jupyter", &inputs)?;
    }
    let inputs = evcxr::inputs();
    if !(stamp::is_done(paths, "evcxr", &inputs) && paths.evcxr().exists()) {
        worked |= true;
        check_space(paths)?;
        evcxr::install(&mut context)?;
        stamp::set_done(paths, "evcxr", &inputs)?;
    }
    jupyter::copy_launcher(paths)?;
    let inputs = template::inputs(paths, &toolchain)?;
    if !(stamp::is_done(paths, "template", &inputs) && paths.template().exists()) {
        worked |= true;
        check_space(paths)?;
        template::make(&mut context, &toolchain)?;
        stamp::set_done(paths, "template", &inputs)?;
    }
    if !jupyter::kernelspec_is_written(paths) {
        worked |= true;
        jupyter::write_kernelspec(paths)?;
    }
    Ok(worked)
}

type Probe = fn(&Machine) -> Result<()>;

fn check_machine(context: &mut Context<'_>) -> Result<Toolchain> {
    let mut toolchain = checks::toolchain(&context.machine)?;
    if !toolchain.has_source() {
        let problem = anyhow::anyhow!(
            "the Rust library's source is missing, from which the kernel infers types"
        );
        install::install(
            Need::RustSource,
            &problem,
            &context.machine,
            &mut context.log,
        )?;
        toolchain = checks::toolchain(&context.machine)?;
        anyhow::ensure!(
            toolchain.has_source(),
            "the Rust library's source is still not in {}; it must come from where rustc came from",
            toolchain.sysroot.join("lib/rustlib/src/rust").display()
        );
    }
    // A program linked with OpenBLAS proves the linker too, in half the time.
    let probes: [(Need, Probe); 3] = [
        (Need::Linker, |machine| {
            checks::openblas(machine).or_else(|_| checks::links(machine))
        }),
        (Need::OpenBlas, checks::openblas),
        (Need::Python, |machine| checks::python(machine).map(drop)),
    ];
    for (need, probe) in probes {
        if let Err(problem) = probe(&context.machine) {
            install::install(need, &problem, &context.machine, &mut context.log)?;
            context.machine = Machine::this();
            probe(&context.machine).map_err(|error| {
                let advice = install::advice(need, &context.machine);
                anyhow::anyhow!("it was installed, but still: {error:#}\n{advice}")
            })?;
        }
    }
    Ok(toolchain)
}

fn check_space(paths: &Paths) -> Result<()> {
    if let Some(free) = checks::free_space(&paths.root)
        && free < checks::SPACE_NEEDED
    {
        bail!(
            "set-up needs {} of disk space while it works, and {} has {}; make room and go on",
            size(checks::SPACE_NEEDED),
            paths.root.display(),
            size(free)
        );
    }
    Ok(())
}
