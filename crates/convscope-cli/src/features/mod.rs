//! `scope features`: what images are to a network at some of its layers, as a `.npz` file.

mod images;
mod layers;

use crate::model::{Choice, check_name};
use crate::output::{print, say, table};
use crate::saving::check;
use anyhow::{Result, bail};
use convscope_data::{Preprocessing, Resize};
use convscope_transfer::{Extraction, Pooling, Skipped, Source, Written};
use convscope_zoo::Model;
use images::Place;
use layers::{pooling, tap};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Files named one by one; the rest is counted.
const LISTED: usize = 20;

#[derive(clap::Args)]
#[command(
    after_help = "DATA is a folder with a folder for each class, a folder of photos (no classes), \
    photos, a list of\nthem (.txt, a path a line), a tar archive of such folders, a file in CIFAR-10's \
    binary format (.bin),\na .npy array [N, C, H, W] with --no-preprocess, or the name of a data set: \
    cifar10,\ncifar10-first4000, mnist, ants_bees, photos.\n\n\
    The file has an array [images, numbers] for each layer under its name, labels, and about.json: \
    names,\nclasses, and what they belong to. numpy.load reads it. Before or after a ReLU is said by \
    the node:\n`conv1` or `relu1`. All layers come out of one pass, as far as the last needs it.\n\n\
    Run again after an interruption, the same command goes on where it was. A file of another \
    network,\nother layers or other images is never written over.\n\n\
    Examples:\n  \
    scope features squeezenet1_0 ants_bees/train --layer features.12 -o train.npz\n  \
    scope features squeezenet1_0 cifar10 --part test --size 128 --layer features.9 --layer \
    features.12:max -o f.npz\n  \
    scope features vgg16 photos/ --layer features.28 --layer features.29 --pool 2x2 -o relu.npz\n  \
    scope features my_net.onnx x.npy --no-preprocess --layer relu2 --pool flat -o f.npz"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// The images: a folder, files, or the name of a data set
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// A layer, several times for several; NODE:max, NODE:3x3, .. pools this one otherwise
    #[arg(long, value_name = "NODE[:POOLING]", required = true)]
    layer: Vec<String>,
    /// How maps become vectors: avg (the mean of each channel), max, flat (all numbers), or a grid of
    /// means like 2x2
    #[arg(long, value_name = "POOLING", default_value = "avg", value_parser = pooling)]
    pool: Pooling,
    /// Where the features go
    #[arg(short, long, value_name = "FILE.npz")]
    output: PathBuf,
    /// Refuse images that cannot be read, and pictures that lie in no class's folder, and do not
    /// leave them out
    #[arg(long)]
    strict: bool,
    /// Folders are no classes: all pictures below, without labels
    #[arg(long, conflicts_with = "labelled_by")]
    unlabelled: bool,
    /// A file that says the classes of the folder's pictures: a line `file,class` for each
    #[arg(long, value_name = "FILE")]
    labelled_by: Option<PathBuf>,
    /// Which part of a data set: train, test or val [default: train]
    #[arg(long, value_name = "PART")]
    part: Option<String>,
    /// Images at a time on each thread [default: as many as leave the largest activation in 8 MB]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Print JSON and nothing else
    #[arg(long)]
    json: bool,
    /// Feed a .npy array [N, C, H, W] to the network as it is, without preprocessing
    #[arg(long, conflicts_with_all = ["unlabelled", "labelled_by", "preprocessing", "size"])]
    no_preprocess: bool,
    #[command(flatten)]
    choice: Choice,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    check(&args.output, &["npz"])?;
    let place = Place::find(args)?;
    let (model, extraction) = extraction(args)?;
    let found = place.open(args)?;
    let source: &dyn Source = &*found.source;
    if !found.left_out.is_empty() {
        if args.strict {
            bail!("refused, as asked for: {}", found.left_out[0]);
        }
        list(&found.left_out);
    }
    lonely(source);
    let written = extraction.to_file(source, &args.output)?;
    let skipped: Vec<String> = written.skipped.iter().map(in_words).collect();
    if args.strict
        && let Some(first) = skipped.first()
    {
        bail!(
            "refused, as asked for: {} is there already, without {} images: {first}",
            args.output.display(),
            skipped.len()
        );
    }
    list(&skipped);
    lost(source, &written.skipped);
    report(args, &model, source, &written)?;
    Ok(ExitCode::SUCCESS)
}

/// The network, its layers, and what is done to the images first.
fn extraction(args: &Args) -> Result<(Model, Extraction)> {
    // Layers before the first dense one take images of any size, so the network is not built again
    // for another. Only an ONNX file that leaves the size open needs to be told.
    let size = args.choice.shape.size;
    let mut choice = args.choice.clone();
    choice.shape.size = None;
    let onnx = args.model.to_lowercase().ends_with(".onnx");
    let model = match choice.model(&args.model) {
        Err(_) if onnx && size.is_some() => args.choice.model(&args.model)?,
        model => model?,
    };
    let mut extraction = Extraction::of(&model);
    for layer in &args.layer {
        extraction = extraction.tap(tap(&model.network, layer, args.pool)?);
    }
    if let Some([height, width]) = size {
        extraction = match height == width {
            true => extraction.size(height),
            false => extraction.preprocessing(Preprocessing {
                resize: Resize::Exact([height, width]),
                crop: None,
                ..model.preprocessing.clone()
            }),
        };
    }
    if args.no_preprocess {
        extraction = extraction.as_they_are();
    }
    if let Some(batch) = args.batch {
        extraction = extraction.batch(batch as usize);
    }
    if !args.strict {
        extraction = extraction.skip_unreadable();
    }
    Ok((model, extraction))
}

fn in_words(skipped: &Skipped) -> String {
    match skipped.problem.contains(&skipped.name) {
        true => skipped.problem.clone(),
        false => format!("{}: {}", skipped.name, skipped.problem),
    }
}

fn list(left_out: &[String]) {
    for one in left_out.iter().take(LISTED) {
        say(&format!("warning: left out {one}"));
    }
    if left_out.len() > LISTED {
        say(&format!(
            "warning: left out {} more",
            left_out.len() - LISTED
        ));
    }
}

/// Images of each class.
fn counts(source: &dyn Source) -> Vec<usize> {
    let mut counts = vec![0; source.classes().len()];
    (0..source.len()).for_each(|i| counts[source.label(i)] += 1);
    counts
}

/// Notes classes of one image.
fn lonely(source: &dyn Source) {
    let (classes, counts) = (source.classes(), counts(source));
    for (class, _) in classes.iter().zip(&counts).filter(|(_, n)| **n == 1) {
        if classes.len() > 1 {
            say(&format!(
                "note: class \"{class}\" has one image: what is learned of it cannot be tested"
            ));
        }
    }
}

/// Warns of classes of which nothing could be read.
fn lost(source: &dyn Source, skipped: &[Skipped]) {
    if skipped.is_empty() {
        return;
    }
    let names: std::collections::HashSet<&str> = skipped.iter().map(|s| s.name.as_str()).collect();
    let mut left = vec![0; source.classes().len()];
    for i in (0..source.len()).filter(|&i| !names.contains(&*source.image_name(i))) {
        left[source.label(i)] += 1;
    }
    let classes = source.classes();
    for (k, before) in counts(source).into_iter().enumerate() {
        if before > 0 && left[k] == 0 {
            say(&format!(
                "warning: none of the {before} images of class \"{}\" can be read",
                classes[k]
            ));
        }
    }
}

fn report(args: &Args, model: &Model, source: &dyn Source, written: &Written) -> Result<()> {
    let fresh = written.images.saturating_sub(written.resumed);
    let rate = fresh as f64 / written.seconds.max(1e-9);
    if args.json {
        let layers = written.layers.iter();
        let layers = layers.map(|(key, width)| json!({"array": key, "width": width}));
        let skipped = written.skipped.iter();
        let skipped = skipped.map(|s| json!({"name": s.name, "problem": s.problem}));
        return print(&format!(
            "{:#}\n",
            json!({
                "file": args.output.display().to_string(),
                "model": model.name,
                "data": source.name(),
                "images": written.images,
                "classes": source.classes(),
                "layers": layers.collect::<Vec<_>>(),
                "skipped": skipped.collect::<Vec<_>>(),
                "resumed": written.resumed,
                "seconds": written.seconds,
            })
        ));
    }
    let mut rows = vec![
        ["array", "images", "numbers each"]
            .map(String::from)
            .to_vec(),
    ];
    for (key, width) in &written.layers {
        rows.push(vec![
            key.clone(),
            written.images.to_string(),
            width.to_string(),
        ]);
    }
    print(&table(&rows, &[1, 2]))?;
    say(&match (fresh, written.resumed) {
        (0, _) => format!("{} was there already, whole", args.output.display()),
        (_, 0) => format!(
            "wrote {}: {:.1} s, {rate:.0} images a second",
            args.output.display(),
            written.seconds
        ),
        (_, resumed) => format!(
            "wrote {}: {resumed} images were there already, the others took {:.1} s, {rate:.0} \
             images a second",
            args.output.display(),
            written.seconds
        ),
    });
    Ok(())
}
