//! `cargo course challenge`: what is asked for, handing in, and the leaderboard.

use clap::{Parser, Subcommand};
use convscope_challenge::{Host, Result, Task};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "cargo course challenge",
    bin_name = "cargo course challenge",
    version
)]
struct Cli {
    /// Where the secret of the hidden images and the leaderboard are kept
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        default_value = "data/challenge"
    )]
    folder: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what is asked for, and what it may cost
    Rules,
    /// Score a submission on the hidden images, and enter it into the leaderboard
    Submit {
        /// The weights, NAME.safetensors, with the recipe NAME.json beside them
        file: PathBuf,
    },
    /// Show the leaderboard, and write its page
    Board,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let task = Task::default();
    match &cli.command {
        Command::Rules => println!("{task}"),
        Command::Submit { file } => {
            let host = Host::new(&cli.folder, task)?;
            let entry = host.submit(file)?;
            let [low, high] = entry.interval();
            println!(
                "\"{}\" by {}: {} of {} hidden images, {:.3} ({low:.3} to {high:.3} with 95 % confidence)",
                entry.name,
                entry.author,
                entry.right,
                entry.shown,
                entry.accuracy()
            );
            println!("{}, {}", entry.design, entry.cost);
            println!("the leaderboard is {}", host.page().display());
        }
        Command::Board => {
            let host = Host::new(&cli.folder, task)?;
            println!("{}", host.board()?);
            println!("its page is {}", host.write_page()?.display());
        }
    }
    Ok(())
}
