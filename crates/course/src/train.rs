//! `cargo course train`: the weights that the repository ships, each by its recipe. The work is done
//! by the program of crate `convscope-train`, which has the BLAS that this one goes without; it reads
//! the same arguments.

use crate::built::{built, forward};
use crate::paths::Paths;
use anyhow::Result;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// Whose weights: `--list` shows all
    name: Option<String>,
    /// Show the recipes: their data, about how long they take, and what is shipped
    #[arg(long)]
    list: bool,
    /// Do not train: test the weights that are there, and compare with their card
    #[arg(long)]
    check: bool,
    /// Where the weights are written, or read with --check [default: data/weights]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Another number of epochs, to try something; needs --out
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// The long recipe, for people with time; needs --out
    #[arg(long)]
    full: bool,
    /// Begin anew, even if a checkpoint is there
    #[arg(long)]
    fresh: bool,
    /// What the card says about the machine beside its kind, e.g. that it did other work too
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// The program that trains, if it is built already
    #[arg(long, hide = true)]
    program: Option<PathBuf>,
}

impl Args {
    /// For the program.
    fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        for (set, flag) in [
            (self.list, "--list"),
            (self.check, "--check"),
            (self.full, "--full"),
            (self.fresh, "--fresh"),
        ] {
            words.extend(set.then(|| flag.into()));
        }
        for (flag, value) in [
            ("--out=", self.out.clone().map(OsString::from)),
            ("--epochs=", self.epochs.map(|n| n.to_string().into())),
            ("--note=", self.note.clone().map(OsString::from)),
        ] {
            words.extend(value.map(|value| {
                let mut word = OsString::from(flag);
                word.push(value);
                word
            }));
        }
        words.extend(self.name.clone().map(OsString::from));
        words
    }
}

pub fn main(args: Args) -> Result<ExitCode> {
    let paths = Paths::find()?;
    let words = args.words();
    let program = match args.program {
        Some(program) => program,
        None => built(&paths, "convscope-train")?,
    };
    forward(&paths, &program, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_program_gets_what_was_said() {
        for (said, passed) in [
            ("cnn2", "cnn2"),
            ("--list", "--list"),
            ("cnn2 --check --out a/b", "--check --out=a/b cnn2"),
            (
                "plain20 --epochs 1 --full --fresh --note shared --out=x",
                "--full --fresh --out=x --epochs=1 --note=shared plain20",
            ),
        ] {
            let said = std::iter::once("train").chain(said.split(' '));
            let words = Cli::try_parse_from(said).unwrap().args.words();
            let words: Vec<_> = words.iter().map(|w| w.to_string_lossy()).collect();
            assert_eq!(words.join(" "), passed);
        }
    }
}
