//! `scope`: what a convolutional network is, and what it says about a photo, from a shell. One module
//! a command; each has its `Args` and a `main`.
//!
//! Results go to standard output, everything else to standard error. The exit code is 0 when all
//! went well, 1 when something could not be done, 2 when the command makes no sense.

mod aim;
mod classify;
mod compare;
mod convert;
mod draw;
mod explain;
mod field;
mod list;
mod methods;
mod model;
mod output;
mod saving;
mod subject;
mod summary;
mod view;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// Look at a convolutional network: one of the zoo's, or your own as ONNX.
#[derive(Parser)]
#[command(
    name = "scope",
    version,
    after_help = "MODEL is the name of a network (`scope list` shows them all) or an .onnx file.\n\
                  Each command explains itself: `scope help classify`.\n\n\
                  Examples:\n  \
                  scope list\n  \
                  scope summary resnet18\n  \
                  scope draw googlenet -o googlenet.svg\n  \
                  scope classify squeezenet1_0 parrot.jpg holiday/\n  \
                  scope classify my_net.onnx --labels classes.txt photo.png\n  \
                  scope receptive-field vgg16 features.28\n  \
                  scope convert squeezenet1_0 squeezenet.onnx"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the networks of the zoo: sizes, costs, accuracies, and whether weights are here
    List(list::Args),
    /// Show what a network consists of, layer by layer
    Summary(summary::Args),
    /// Draw a network's graph as SVG
    Draw(draw::Args),
    /// Name what is on photos
    Classify(classify::Args),
    /// Show which pixels mattered to what a network says
    #[command(after_help = explain::after_help())]
    Explain(explain::Args),
    /// Lay several methods and several images side by side
    #[command(after_help = compare::after_help())]
    Compare(compare::Args),
    /// Turn weights or a network into another format
    Convert(convert::Args),
    /// Say which pixels the units of a layer see
    ReceptiveField(field::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::List(args) => list::main(&args),
        Command::Summary(args) => summary::main(&args),
        Command::Draw(args) => draw::main(&args),
        Command::Classify(args) => classify::main(&args),
        Command::Explain(args) => explain::main(&args),
        Command::Compare(args) => compare::main(&args),
        Command::Convert(args) => convert::main(&args),
        Command::ReceptiveField(args) => field::main(&args),
    };
    ended(done)
}

fn ended(done: Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        // Whoever read the output has seen enough: `scope list | head -3`.
        Err(error) if closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn closed(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}
