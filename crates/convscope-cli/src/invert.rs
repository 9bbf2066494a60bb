//! `scope invert`: images that a layer takes for a photo.

use crate::aim::node;
use crate::maximize::preset_table;
use crate::methods::{Spend, note};
use crate::model::{Choice, check_name};
use crate::output::print;
use crate::saving::Saving;
use crate::subject::{Reading, all_for_the_eye};
use anyhow::{Result, bail};
use convscope_vis::render::{Cell, Sheet};
use convscope_vis::{Invert, PixelRange, PresetSettings, Provenance, invert_watched};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const EXAMPLES: &str = "Examples:\n  \
    scope invert squeezenet1_0 owl.jpg --layer features.0,features.5,features.9,features.12\n  \
    scope invert squeezenet1_0 owl.jpg --layer features.9 --starts 4 --raw owls.npy\n  \
    scope invert my_net.onnx digit.png --layer pool2 --steps 500";

#[derive(clap::Args)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A photo, or with --no-preprocess an array in a .npy file
    image: PathBuf,
    /// The layers, a column each
    #[arg(long, value_name = "NODE,..", value_delimiter = ',', required = true)]
    layer: Vec<String>,
    /// Inversions from different noise, a row each: many images share a code
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    starts: u32,
    /// Published settings: see the table below
    #[arg(long, value_name = "PRESET", default_value = "mahendran")]
    preset: String,
    /// Steps, where not the preset's
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// The weight of the total variation [default: by the depth of the layer]
    #[arg(long, value_name = "WEIGHT")]
    variation: Option<f64>,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    spend: Spend,
    #[command(flatten)]
    choice: Choice,
}

pub fn after_help() -> String {
    let of = |settings: &PresetSettings| matches!(settings, PresetSettings::Invert(_));
    format!(
        "Presets:\n{}\nThe number under an image is how far its activation is from the photo's: the \
         squared distance over\nthe squared norm, 0 where the layer cannot tell them apart. --raw \
         writes the images of the only\nlayer in the network's units.\n\n{EXAMPLES}",
        preset_table(of)
    )
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let begun = Instant::now();
    check_name(&args.model)?;
    args.reading.check(std::slice::from_ref(&args.image))?;
    args.saving.check(&["png"])?;
    if args.saving.raw.is_some() && args.layer.len() > 1 {
        bail!(
            "--raw writes the images of one layer, and {} are named",
            args.layer.len()
        );
    }
    let mut settings = Invert::preset(&args.preset)?;
    let model = args.choice.model(&args.model)?;
    for layer in &args.layer {
        node(&model.network, layer)?;
    }
    let subject = args.reading.read(&model, &args.image)?;
    settings = settings
        .range(PixelRange::of(&model.preprocessing)?)
        .starts(args.starts as usize)
        .seed(args.choice.seed);
    if let Some(steps) = args.steps {
        settings = settings.steps(steps);
    }
    if let Some(weight) = args.variation {
        settings = settings.variation(weight);
    }
    let mut columns = Vec::new();
    let mut about = Vec::new();
    for layer in &args.layer {
        let watch = &mut args.spend.watch(&format!("inverting {layer}"));
        let found = invert_watched(&model.network, layer, &subject.tensor, &settings, watch)?;
        let mut flags: Vec<_> = found.flags.iter().flatten().cloned().collect();
        flags.dedup();
        note(&flags);
        let pictures = all_for_the_eye(&model, &found.images)?;
        let cells = pictures.into_iter().zip(&found.losses);
        let cells: Vec<Cell> = cells
            .map(|(picture, loss)| Cell::picture(picture).note(format!("{loss:.4}")))
            .collect();
        columns.push(cells);
        let provenance = found.provenance.model(model.name.clone());
        args.saving.numbers(&found.images, &provenance)?;
        for loss in &found.losses {
            print(&format!("{layer}: {loss:.4}\n"))?;
        }
        about.push(json!(provenance));
    }
    let titles = std::iter::once("image").chain(args.layer.iter().map(String::as_str));
    let mut sheet = Sheet::new(titles);
    for start in 0..args.starts as usize {
        let first = match start {
            0 => Cell::picture(subject.shown.clone()),
            _ => Cell::empty(),
        };
        let others = columns.iter().map(|cells| match cells.get(start) {
            Some(cell) => cell.clone(),
            None => Cell::empty(),
        });
        sheet = sheet.row("", std::iter::once(first).chain(others));
    }
    let sheet = sheet.caption(format!(
        "{}: images with nearly the same activation. The number is the squared distance over the \
         squared norm.",
        model.name
    ));
    let provenance = Provenance::new("inversion", "Mahendran and Vedaldi 2015")
        .model(model.name.clone())
        .layer(args.layer.join(", "))
        .seed(args.choice.seed)
        .setting("image", args.image.display().to_string())
        .setting("inversions", about)
        .took(begun);
    let default = || format!("{}.inversion", subject.name);
    args.saving.picture(&sheet.draw(), &provenance, default)?;
    Ok(ExitCode::SUCCESS)
}
