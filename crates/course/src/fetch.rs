//! `cargo course fetch`: datasets and weights by name, with progress, into the project's cache.

use anyhow::{Context, Result};
use convscope_data::{
    Cache, Entry, FetchDisplay, FetchOptions, Kind, Mirror, Presence, Registry, fetch_or_stand_in,
};
use convscope_progress::size;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// What to fetch, e.g. `mnist` or `squeezenet1_0`; `--list` shows all there is
    names: Vec<String>,
    /// List what can be fetched, how large it is, its licence, and whether it is here
    #[arg(long)]
    list: bool,
    /// With --list: as JSON
    #[arg(long, requires = "list")]
    json: bool,
    /// A folder or an http address to try first (else CONVSCOPE_MIRROR, else `mirror` in data/config.toml)
    #[arg(long, value_name = "DIR|URL")]
    mirror: Option<String>,
    /// Ask no source address: only the mirror
    #[arg(long)]
    offline: bool,
    /// Fetch again what is already here
    #[arg(long)]
    force: bool,
}

pub fn main(args: Args) -> Result<ExitCode> {
    let registry = Registry::builtin()?;
    // All names are checked before anything is fetched.
    let wanted = args
        .names
        .iter()
        .map(|name| registry.get(name))
        .collect::<Result<Vec<_>, _>>()?;
    let mut options = FetchOptions::from_environment()?;
    if let Some(mirror) = &args.mirror {
        options.mirror = Some(Mirror::parse(mirror));
    }
    options.offline = args.offline;
    options.force = args.force;

    if args.list {
        let entries: Vec<&Entry> = if wanted.is_empty() {
            registry.entries.iter().collect()
        } else {
            wanted
        };
        if args.json {
            println!(
                "{}",
                serde_json::to_string_pretty(&as_json(&entries, &options.cache))?
            );
        } else {
            print_table(&entries, &options.cache);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if wanted.is_empty() {
        println!("Name what to fetch, e.g.: cargo course fetch mnist\n");
        print_table(&registry.entries.iter().collect::<Vec<_>>(), &options.cache);
        return Ok(ExitCode::FAILURE);
    }
    for entry in wanted {
        println!("{}: {}", entry.name, entry.title);
        let mut display = FetchDisplay::detailed();
        let fetched = fetch_or_stand_in(&registry, entry, &options, &mut |p| display.show(p));
        drop(display);
        let fetched = fetched.with_context(|| format!("{} was not fetched", entry.name))?;
        if let Some(notice) = &fetched.notice {
            println!("{notice}");
        } else {
            println!("Licence: {}", entry.licence);
        }
        println!(
            "{} is in {}",
            fetched.entry.name,
            options.cache.folder(&fetched.entry).display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn presence(entry: &Entry, cache: &Cache) -> &'static str {
    match cache.presence(entry) {
        Presence::Complete => "yes",
        Presence::Partial => "in part",
        Presence::Missing => "no",
    }
}

fn print_table(entries: &[&Entry], cache: &Cache) {
    let width = entries
        .iter()
        .map(|e| e.name.len())
        .max()
        .unwrap_or(0)
        .max("name".len());
    for (kind, title) in [(Kind::Dataset, "Datasets"), (Kind::Weights, "Weights")] {
        let of_kind: Vec<_> = entries.iter().filter(|e| e.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        println!("{title}\n");
        println!(
            "{:width$}  {:8}  {:>10}  {:>10}  title",
            "name", "here", "download", "on disk"
        );
        for entry in &of_kind {
            println!(
                "{:width$}  {:8}  {:>10}  {:>10}  {}",
                entry.name,
                presence(entry, cache),
                size(entry.download_bytes()),
                size(entry.bytes()),
                entry.title
            );
            println!("{:width$}  {}", "", entry.about);
            // Of all at once, it would be the same line twenty times.
            if entries.len() <= 3
                && let Some(facts) = &entry.weights
            {
                println!("{:width$}  expects: {}", "", facts.preprocessing);
            }
            if let Some(other) = &entry.stand_in {
                println!("{:width$}  where it cannot be had: {other}", "");
            }
        }
        println!();
        print_licences(&of_kind);
    }
    println!("cache: {}", cache.root().display());
}

/// Each licence once, with all that is under it: torchvision's would else fill the screen.
fn print_licences(entries: &[&&Entry]) {
    let mut seen: Vec<(&str, Vec<&str>)> = Vec::new();
    for entry in entries {
        match seen
            .iter_mut()
            .find(|(licence, _)| *licence == entry.licence)
        {
            Some((_, names)) => names.push(&entry.name),
            None => seen.push((&entry.licence, vec![&entry.name])),
        }
    }
    for (licence, names) in seen {
        println!("licence: {licence}\n  {}\n", names.join(", "));
    }
}

fn as_json(entries: &[&Entry], cache: &Cache) -> serde_json::Value {
    let list: Vec<_> = entries
        .iter()
        .map(|entry| {
            serde_json::json!({
                "name": entry.name,
                "title": entry.title,
                "kind": entry.kind,
                "about": entry.about,
                "licence": entry.licence,
                "citation": entry.citation,
                "stand_in": entry.stand_in,
                "weights": entry.weights,
                "download_bytes": entry.download_bytes(),
                "bytes": entry.bytes(),
                "here": presence(entry, cache),
                "folder": cache.folder(entry),
                "files": entry.files,
            })
        })
        .collect();
    serde_json::Value::Array(list)
}
