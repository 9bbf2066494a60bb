//! `scope list`: the networks there are.

use crate::output::{print, table};
use anyhow::Result;
use convscope_data::{Cache, Presence, Registry};
use convscope_progress::{grouped, size};
use convscope_zoo::{Entry, entries, shipped};
use serde_json::json;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(
    after_help = "Multiply-adds are those for one image of the size that the network is for. \
    Accuracies are as\npublished, in per cent, first answer and first five; `scope summary NAME` says \
    by whom.\n\
    Weights: those that are \"shipped\" with the repository or \"here\" in the cache can be used at \
    once; a size\nis fetched at the first `scope classify`, or by `cargo course fetch NAME`."
)]
pub struct Args {
    /// Only names that contain this
    name: Option<String>,
    /// Print it as a JSON array
    #[arg(long)]
    json: bool,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let registry = Registry::builtin()?;
    let cache = Cache::locate().ok();
    let wanted = args.name.as_deref().unwrap_or_default().to_lowercase();
    let shown: Vec<&Entry> = entries()
        .filter(|entry| {
            entry.name.contains(&wanted) || entry.title.to_lowercase().contains(&wanted)
        })
        .collect();
    if shown.is_empty() {
        anyhow::bail!("no name has \"{wanted}\" in it; `scope list` shows all");
    }
    let weights = |entry: &Entry| Weights::of(entry, &registry, cache.as_ref());
    if args.json {
        let list: Vec<_> = shown.iter().map(|e| as_json(e, &weights(e))).collect();
        print(&format!("{:#}\n", serde_json::Value::Array(list)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let head = [
        "name",
        "year",
        "input",
        "classes",
        "parameters",
        "multiply-adds",
        "top-1",
        "top-5",
        "weights",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(shown.iter().map(|entry| row(entry, &weights(entry))));
    print(&table(&rows, &[1, 2, 3, 4, 5, 6, 7]))?;
    Ok(ExitCode::SUCCESS)
}

/// What there is to be had for an architecture.
#[derive(Debug, PartialEq)]
enum Weights {
    None,
    /// In the repository.
    Shipped(String),
    /// In the cache.
    Here(String),
    Fetchable(String, u64),
}

impl Weights {
    fn of(entry: &Entry, registry: &Registry, cache: Option<&Cache>) -> Weights {
        if shipped::is_there(entry.name) {
            return Weights::Shipped(entry.name.to_owned());
        }
        let of_it = registry.entries.iter().filter(|known| {
            let facts = known.weights.as_ref();
            facts.is_some_and(|facts| facts.network == entry.name)
        });
        let mut found = Weights::None;
        for known in of_it {
            if cache.is_some_and(|c| c.presence(known) == Presence::Complete) {
                return Weights::Here(known.name.clone());
            }
            let has_address = known.files.iter().any(|file| !file.urls.is_empty());
            if has_address && found == Weights::None {
                found = Weights::Fetchable(known.name.clone(), known.download_bytes());
            }
        }
        found
    }
}

fn row(entry: &Entry, weights: &Weights) -> Vec<String> {
    let [channels, height, width] = entry.input;
    let share = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.2}"));
    vec![
        entry.name.to_owned(),
        match entry.year {
            0 => String::new(),
            year => year.to_string(),
        },
        format!("{channels}x{height}x{width}"),
        entry.classes.to_string(),
        grouped(entry.parameters as u64),
        grouped(entry.multiply_adds),
        share(entry.accuracy.and_then(|a| a.top1)),
        share(entry.accuracy.and_then(|a| a.top5)),
        match weights {
            Weights::None => String::new(),
            Weights::Shipped(_) => "shipped".to_owned(),
            Weights::Here(_) => "here".to_owned(),
            Weights::Fetchable(_, bytes) => size(*bytes),
        },
    ]
}

fn as_json(entry: &Entry, weights: &Weights) -> serde_json::Value {
    let (state, name, bytes) = match weights {
        Weights::None => ("none", None, None),
        Weights::Shipped(name) => ("shipped", Some(name), None),
        Weights::Here(name) => ("here", Some(name), None),
        Weights::Fetchable(name, bytes) => ("fetchable", Some(name), Some(bytes)),
    };
    json!({
        "name": entry.name,
        "title": entry.title,
        "source": entry.source,
        "year": (entry.year > 0).then_some(entry.year),
        "input": entry.input,
        "classes": entry.classes,
        "parameters": entry.parameters,
        "multiply_adds": entry.multiply_adds,
        "top1": entry.accuracy.and_then(|a| a.top1),
        "top5": entry.accuracy.and_then(|a| a.top5),
        "weights": {"state": state, "name": name, "download_bytes": bytes},
    })
}
