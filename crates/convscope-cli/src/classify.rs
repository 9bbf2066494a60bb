//! `scope classify`: what a network takes photos for.

use crate::model::{Choice, check_name};
use crate::output::{bar, print, say};
use crate::subject::photos_of;
use anyhow::Result;
use convscope_data::Photo;
use convscope_progress::ProgressBar;
use convscope_zoo::{Model, Ranked};
use serde_json::json;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Photos in memory at a time.
const BATCH: usize = 8;
/// Characters of a whole bar.
const BAR: usize = 24;

#[derive(clap::Args)]
#[command(
    after_help = "A photo is a PNG, JPEG, WebP, GIF or BMP file; of a folder, all of them are taken. \
    One that\ncannot be read is reported, the others are classified, and the exit code is 1.\n\n\
    Weights are those shipped with the repository, else those published for the network, which are \
    fetched\nfirst where they are not here (see `scope list`). Where others take their place, a \
    note says so.\n\n\
    Examples:\n  \
    scope classify squeezenet1_0 parrot.jpg\n  \
    scope classify resnet18 --top 3 --json holiday/ > answers.json\n  \
    scope classify vgg16 --weights vgg16_weights_tf_dim_ordering_tf_kernels.h5 cat.jpg\n  \
    scope classify resnet18 --weights mine.pth --classes 2 --labels ants_bees.txt ant.jpg\n  \
    scope classify my_net.onnx --labels classes.txt --preprocessing mine.toml photo.png"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// Photos, or folders of photos
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// How many answers for each photo
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// Print a JSON array of {"file", "top": [{"index", "label", "probability"}]}, and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    choice: Choice,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    let mut failed = 0;
    let mut problem = |error: anyhow::Error| {
        failed += 1;
        say(&format!("error: {error:#}"));
    };
    let mut files = Vec::new();
    for path in &args.images {
        match photos_of(path) {
            Ok(found) => files.extend(found),
            Err(error) => problem(error),
        }
    }
    if files.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    let model = args.choice.model(&args.model)?;
    let top = args.top as usize;
    let progress = match files.len() > BATCH && (args.json || !stdout().is_terminal()) {
        true => ProgressBar::new(
            format!("classifying with {}", model.name),
            files.len() as u64,
        ),
        false => ProgressBar::hidden(),
    };
    let mut answers = Vec::new();
    for batch in files.chunks(BATCH) {
        let mut names = Vec::new();
        let mut photos = Vec::new();
        for file in batch {
            match Photo::open(file) {
                Ok(photo) => {
                    names.push(file);
                    photos.push(photo);
                }
                Err(error) => problem(error.into()),
            }
        }
        for (file, ranked) in names.iter().zip(rank(&model, &photos, top)) {
            match ranked {
                Ok(ranked) if args.json => answers.push(as_json(file, &ranked)),
                Ok(ranked) => print(&in_words(file, &ranked))?,
                Err(error) => problem(error.context(file.display().to_string())),
            }
        }
        progress.step(batch.len() as u64);
    }
    progress.finish();
    if args.json {
        print(&format!("{:#}\n", serde_json::Value::Array(answers)))?;
    }
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// All at once; one by one where that fails, to find out whose fault it is.
fn rank(model: &Model, photos: &[Photo], top: usize) -> Vec<Result<Vec<Ranked>>> {
    if let Ok(ranked) = model.rank(photos, top) {
        return ranked.into_iter().map(Ok).collect();
    }
    let one = |photo: &Photo| {
        let mut ranked = model.rank(std::slice::from_ref(photo), top)?;
        Ok(ranked.remove(0))
    };
    photos.iter().map(one).collect()
}

fn in_words(file: &Path, ranked: &[Ranked]) -> String {
    let mut text = format!("{}\n", file.display());
    for answer in ranked {
        let bar = bar(answer.probability, BAR);
        text += &format!(
            "{:7.2} %  {bar:BAR$}  {:>4} {}\n",
            100.0 * answer.probability,
            answer.index,
            answer.label
        );
    }
    text
}

fn as_json(file: &Path, ranked: &[Ranked]) -> serde_json::Value {
    let top: Vec<_> = ranked
        .iter()
        .map(|answer| {
            json!({
                "index": answer.index,
                "label": answer.label,
                "probability": answer.probability,
            })
        })
        .collect();
    json!({"file": file.display().to_string(), "top": top})
}
