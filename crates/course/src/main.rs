//! `cargo course`: everything that a student, an instructor or CI does with this repository.
//!
//! One module a command; each has its `Args` and a `main`. The crate links no BLAS, so that it
//! builds in seconds on a bare machine and can mend one that has no OpenBLAS.

mod bench;
mod browser;
mod built;
mod challenge;
mod doctor;
mod fetch;
mod kernel;
mod kernel_tests;
mod lab;
mod lint;
mod machine_paths;
mod notebook;
mod outputs;
mod paths;
mod process;
mod progress;
mod regions;
mod report;
mod run;
mod rust_code;
mod setup;
mod student;
mod table;
mod test;
mod test_venv;
mod train;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A course on convolutional networks in Rust notebooks.
#[derive(Parser)]
#[command(name = "cargo course", bin_name = "cargo course", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the notebooks need inside this folder (`--clean` undoes it)
    Setup(setup::Args),
    /// Open JupyterLab on the notebooks, after `setup` where it is needed
    Lab(lab::Args),
    /// Execute the solution notebooks headless and say whether all is well
    Run(run::Args),
    /// Run every test, as CI does
    Test(test::Args),
    /// Measure the engine (`--peers`: against PyTorch, candle and burn)
    Bench(bench::Args),
    /// Train the weights that the repository ships, or test them
    Train(train::Args),
    /// Hand in a network for the challenge of notebook 20, and see the leaderboard
    Challenge(challenge::Args),
    /// Look over this machine and the installation, and say what to do about it
    Doctor(doctor::Args),
    /// Fetch datasets and weights by name
    Fetch(fetch::Args),
    /// Show the points earned so far
    Progress(progress::Args),
    /// Make the student notebooks from the solutions
    Student(student::Args),
    /// Check the notebooks for mistakes that an author makes
    Lint(lint::Args),
    /// Start a notebook kernel (Jupyter calls this)
    #[command(hide = true)]
    Kernel(kernel::Args),
}

fn main() -> ExitCode {
    if kernel::analyzer::stands_in_for_cargo() {
        return ended(kernel::analyzer::main());
    }
    ended(match Cli::parse().command {
        Command::Setup(args) => setup::main(args),
        Command::Lab(args) => lab::main(args),
        Command::Run(args) => run::main(args),
        Command::Test(args) => test::main(args),
        Command::Bench(args) => bench::main(args),
        Command::Train(args) => train::main(args),
        Command::Challenge(args) => challenge::main(args),
        Command::Doctor(args) => doctor::main(args),
        Command::Fetch(args) => fetch::main(args),
        Command::Progress(args) => progress::main(args),
        Command::Student(args) => student::main(args),
        Command::Lint(args) => lint::main(args),
        Command::Kernel(args) => kernel::main(args),
    })
}

fn ended(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
