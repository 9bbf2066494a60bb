//! The program behind `cargo course train`.

use anyhow::{Context, Result, bail};
use clap::Parser;
use convscope_nn::{Progress, StopHandle};
use convscope_train::{Ended, Job, Sets, check, find, is_here, recipes, train};
use convscope_zoo::shipped;
use std::path::PathBuf;
use std::process::ExitCode;

/// Trains the weights that this repository ships, each by its recipe
#[derive(Parser)]
#[command(name = "cargo course train", bin_name = "cargo course train")]
struct Args {
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
}

fn main() -> ExitCode {
    run(Args::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(args: Args) -> Result<ExitCode> {
    // A wrong name is told first.
    let recipe = args.name.as_deref().map(find).transpose()?;
    if args.list {
        return list();
    }
    let folder = match &args.out {
        Some(folder) => folder.clone(),
        None => shipped::folder()?,
    };
    if args.check {
        let names = match recipe {
            Some(recipe) => vec![recipe.name.to_owned()],
            None => shipped::names()?,
        };
        let mut good = true;
        for name in names {
            let checked = check(&folder, &name)?;
            println!("{checked}");
            good &= checked.holds();
        }
        return Ok(ExitCode::from(u8::from(!good)));
    }
    let Some(mut recipe) = recipe else {
        println!("Name what to train, e.g.: cargo course train cnn2\n");
        list()?;
        return Ok(ExitCode::FAILURE);
    };
    let mut command = format!("cargo course train {}", recipe.name);
    if args.full {
        recipe = recipe.for_long()?;
        command += " --full";
    }
    if let Some(epochs) = args.epochs {
        recipe.epochs = epochs;
        command += &format!(" --epochs {epochs}");
    }
    if (args.full || args.epochs.is_some()) && args.out.is_none() {
        bail!(
            "this makes other weights than the shipped ones: say where to write them, e.g. {command} \
             --out target/train"
        );
    }
    let job = Job {
        recipe,
        folder,
        command,
        note: args.note,
        progress: Progress::Auto,
        stop: stop_on_interrupt(),
    };
    follow(&job, args.fresh)
}

fn follow(job: &Job, fresh: bool) -> Result<ExitCode> {
    let checkpoints = job.checkpoints();
    if fresh && checkpoints.exists() {
        std::fs::remove_dir_all(&checkpoints)
            .with_context(|| format!("cannot remove {}", checkpoints.display()))?;
    }
    let recipe = &job.recipe;
    let sets = Sets::of(recipe)?;
    println!(
        "{}: {} images of {}, {} epochs; about {} min on two cores",
        recipe.name,
        recipe.images,
        recipe.set.name(),
        recipe.epochs,
        recipe.minutes
    );
    if let Some(notice) = &sets.notice {
        println!("Of {}: {notice}", recipe.set.name());
    }
    match train(job, &sets)? {
        Ended::Done(card) => {
            println!("\n{card}");
            println!(
                "written: {}/{}.safetensors",
                job.folder.display(),
                recipe.name
            );
            Ok(ExitCode::SUCCESS)
        }
        Ended::Stopped { at, checkpoint } => {
            let checkpoint = checkpoint.display();
            println!("{at}; the same command goes on from {checkpoint}");
            Ok(ExitCode::from(130))
        }
        _ => bail!("this ended in a way that is not known here"),
    }
}

fn list() -> Result<ExitCode> {
    let cards = shipped::cards().unwrap_or_default();
    println!(
        "{:12} {:8} {:>6} {:>7}  shipped",
        "name", "data", "here", "time"
    );
    for recipe in recipes() {
        let card = cards.iter().find(|card| card.name == recipe.name);
        println!(
            "{:12} {:8} {:>6} {:>7}  {}",
            recipe.name,
            recipe.set.name(),
            if is_here(recipe.set) { "yes" } else { "no" },
            format!("{} min", recipe.minutes),
            card.map_or("no".to_owned(), |card| format!(
                "test accuracy {:.4}",
                card.figures.test_accuracy
            )),
        );
        println!("{:12} {}", "", recipe.about);
    }
    println!("\nTimes are of two cores with AVX-512 that do nothing else.");
    Ok(ExitCode::SUCCESS)
}

/// The first Ctrl-C, or request to end, stops after the batch under way; the second ends at once.
fn stop_on_interrupt() -> StopHandle {
    let stop = StopHandle::new();
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let _ = signal_hook::flag::register_conditional_default(signal, stop.flag());
        let _ = signal_hook::flag::register(signal, stop.flag());
    }
    stop
}
