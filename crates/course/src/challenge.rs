//! `cargo course challenge`: handing in a network, and the leaderboard. The work is done by the
//! program of crate `convscope-challenge`, which has the BLAS that this one goes without.

use crate::built::{built, forward};
use crate::paths::Paths;
use anyhow::Result;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// Where the secret of the hidden images and the leaderboard are kept [default: data/challenge]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
    /// The program that scores, if it is built already
    #[arg(long, hide = true, global = true)]
    program: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
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

impl Args {
    /// For the program.
    fn words(&self, paths: &Paths) -> Vec<OsString> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => paths.root.join("data").join("challenge"),
        };
        let mut words: Vec<OsString> = vec!["--folder".into(), folder.into()];
        match &self.command {
            Command::Rules => words.push("rules".into()),
            Command::Board => words.push("board".into()),
            // (A file may be called as an option is.)
            Command::Submit { file } => {
                words.extend(["submit".into(), "--".into(), file.clone().into()]);
            }
        }
        words
    }
}

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let words = args.words(&paths);
    let program = match args.program {
        Some(program) => program,
        None => built(&paths, "convscope-challenge")?,
    };
    forward(&paths, &program, words)
}
