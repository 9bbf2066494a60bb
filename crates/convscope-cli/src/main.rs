//! `scope`: what a convolutional network is, what it says about a photo and why, from a shell. One module
//! a command; each has its `Args` and a `main`.
//!
//! Results go to standard output, everything else to standard error. The exit code is 0 when all
//! went well, 1 when something could not be done, 2 when the command makes no sense.

mod activations;
mod aim;
mod classify;
mod compare;
mod convert;
mod draw;
mod dream;
mod explain;
mod features;
mod field;
mod filters;
mod fool;
mod gallery;
mod invert;
mod list;
mod maximize;
mod measure;
mod methods;
mod model;
mod output;
mod patches;
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
                  scope explain squeezenet1_0 parrot.jpg --method grad-cam\n  \
                  scope compare squeezenet1_0 parrot.jpg owl.jpg -o sheet.png\n  \
                  scope maximize squeezenet1_0 --class flamingo\n  \
                  scope dream squeezenet1_0 swan.jpg --layer features.9\n  \
                  scope features squeezenet1_0 ants_bees/ --layer features.12 -o features.npz\n  \
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
    /// Show the weights of a layer
    Filters(filters::Args),
    /// Show what the units of a layer do for an image
    Activations(activations::Args),
    /// Find the parts of photos that excite channels most
    Patches(patches::Args),
    /// Make images that excite a channel, a unit or a class
    #[command(after_help = maximize::after_help())]
    Maximize(maximize::Args),
    /// Make stronger what a layer sees in a photo
    #[command(after_help = dream::after_help())]
    Dream(dream::Args),
    /// Make images that a layer takes for a photo
    #[command(after_help = invert::after_help())]
    Invert(invert::Args),
    /// Make images that a network takes for something else
    Fool(fool::Args),
    /// Find photos that are alike to a network
    Neighbours(gallery::NeighboursArgs),
    /// Lay photos out as a network sees them
    Embed(gallery::EmbedArgs),
    /// Measure how good explanations are
    Measure(measure::Args),
    /// Write what images are to a network at some of its layers into a file
    Features(features::Args),
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
        Command::Filters(args) => filters::main(&args),
        Command::Activations(args) => activations::main(&args),
        Command::Patches(args) => patches::main(&args),
        Command::Maximize(args) => maximize::main(&args),
        Command::Dream(args) => dream::main(&args),
        Command::Invert(args) => invert::main(&args),
        Command::Fool(args) => fool::main(&args),
        Command::Neighbours(args) => gallery::neighbours_main(&args),
        Command::Embed(args) => gallery::embed_main(&args),
        Command::Measure(args) => measure::main(&args),
        Command::Features(args) => features::main(&args),
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
            output::say(&format!("error: {}", in_one_line(&error)));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, without those that it quotes already.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

fn closed(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_commands_do_not_contradict_themselves() {
        Cli::command().debug_assert();
    }
}
