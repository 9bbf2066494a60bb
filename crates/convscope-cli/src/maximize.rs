//! `scope maximize`: images that excite a channel, a unit or a class.

use crate::aim::{Index, class, class_in_words, node, unit};
use crate::methods::{Spend, note};
use crate::model::{Choice, check_name, parse_size};
use crate::output::{print, table};
use crate::patches::{Numbers, numbers};
use crate::saving::{Saving, check, frames};
use crate::subject::all_for_the_eye;
use anyhow::{Context, Result, bail};
use convscope_nn::Tensor;
use convscope_vis::render::{Cell, Frames, Sheet, Tiles, captioned, number};
use convscope_vis::{
    Maximize, Maximized, Objective, PixelRange, PresetSettings, maximize_all_watched, presets,
};
use convscope_zoo::Model;
use image::RgbImage;
use ndarray::Axis;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:\n  \
    scope maximize squeezenet1_0 --class flamingo,goldfish\n  \
    scope maximize squeezenet1_0 --layer features.5 --channel 0-7 -o fire.png\n  \
    scope maximize resnet20_cifar10 --class cat --preset small --frames cat.gif\n  \
    scope maximize vgg16 --layer features.28 --channel 33 --preset lucid --frames lucid.html";

#[derive(clap::Args)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// Classes: numbers, names, or parts that only one class has
    #[arg(long, value_name = "K,..", value_delimiter = ',', conflicts_with_all = ["layer", "channel", "unit"])]
    class: Vec<String>,
    /// The node of --channel or --unit
    #[arg(long, value_name = "NODE")]
    layer: Option<String>,
    /// Channels of --layer: numbers and ranges like 3,7,10-15; the mean of each is maximised
    #[arg(long, value_name = "LIST", requires = "layer", conflicts_with = "unit", value_parser = numbers)]
    channel: Option<Numbers>,
    /// One unit of --layer
    #[arg(long, value_name = "C,Y,X", requires = "layer", value_parser = crate::aim::parse_unit)]
    unit: Option<Index>,
    /// Published settings, or this project's own: see the table below [default: by the size of the
    /// images]
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Steps, where not the preset's
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Size of the images, where not the preset's or the network's
    #[arg(long = "image-size", value_name = "N|HxW", value_parser = parse_size)]
    image_size: Option<[usize; 2]>,
    /// How they came about: an animation (.gif) or a page with a slider (.html)
    #[arg(long, value_name = "FILE")]
    frames: Option<PathBuf>,
    /// Steps from one frame to the next [default: so that there are about 30]
    #[arg(long, value_name = "N", requires = "frames", value_parser = clap::value_parser!(u32).range(1..))]
    frame_every: Option<u32>,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    spend: Spend,
    #[command(flatten)]
    choice: Choice,
}

/// The presets of a kind as a table.
pub fn preset_table(of: fn(&PresetSettings) -> bool) -> String {
    let all = presets();
    let rows: Vec<Vec<String>> = all
        .iter()
        .filter(|p| of(&p.settings))
        .map(|p| {
            let words = format!("{} (tuned on {})", p.source, p.tuned_on);
            vec![format!("  {}", p.name), words]
        })
        .collect();
    table(&rows, &[])
}

pub fn after_help() -> String {
    let of = |settings: &PresetSettings| matches!(settings, PresetSettings::Maximize(_));
    format!(
        "Presets:\n{}\nPublished settings hold for networks and sizes like those they were published \
         for, and give noise\nelsewhere; the others are this project's. --raw writes the images in the \
         network's units.\n\n{EXAMPLES}",
        preset_table(of)
    )
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    args.saving.check(&["png"])?;
    if let Some(path) = &args.frames {
        check(path, &["gif", "html"])?;
    }
    let preset = args.preset.as_deref().map(Maximize::preset).transpose()?;
    let model = args.choice.model(&args.model)?;
    let goals = args.goals(&model)?;
    let settings = args.settings(&model, preset)?;
    let objectives: Vec<Objective> = goals.iter().map(|(_, o)| o.clone()).collect();
    let watch = &mut args.spend.watch("climbing");
    let made = maximize_all_watched(&model.network, &objectives, &settings, watch);
    let made = match args.image_size {
        Some([h, w]) => made.with_context(|| format!("images of {h}x{w}"))?,
        None => made?,
    };
    let mut all: Vec<_> = made.flags.iter().flatten().cloned().collect();
    all.dedup();
    note(&all);
    let names: Vec<&str> = goals.iter().map(|(name, _)| name.as_str()).collect();
    let provenance = made
        .provenance
        .clone()
        .model(model.name.clone())
        .target(names.join("; "));
    let picture = sheet(&model, &made, &names, &settings)?;
    let default = || format!("{}.{}", model.name, names[0]);
    args.saving.picture(&picture, &provenance, default)?;
    args.saving.numbers(&made.best, &provenance)?;
    if let Some(path) = &args.frames {
        let shown = animation(&model, &made, &names)?;
        frames(&shown, path, &provenance)?;
    }
    for (name, value) in names.iter().zip(&made.best_values) {
        print(&format!("{name}: {}\n", number(*value as f32)))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// What is maximised, each with its name.
    fn goals(&self, model: &Model) -> Result<Vec<(String, Objective)>> {
        let network = &model.network;
        if let (Some(layer), Some(index)) = (&self.layer, &self.unit) {
            unit(network, layer, index)?;
            let name = format!("{layer} {:?}", index.0);
            return Ok(vec![(name, Objective::unit(layer, &index.0))]);
        }
        if let Some(layer) = &self.layer {
            node(network, layer)?;
            let Some(channels) = &self.channel else {
                bail!("--layer needs --channel LIST or --unit C,Y,X");
            };
            let goal = |&c: &usize| {
                unit(network, layer, &Index(vec![c]))?;
                Ok((format!("{layer} {c}"), Objective::channel(layer, c)))
            };
            return channels.0.iter().map(goal).collect();
        }
        if self.class.is_empty() {
            bail!("what is to be maximised? --class K, or --layer NODE with --channel C");
        }
        let goal = |words: &String| {
            let found = class(model, words)?;
            let k = found.context("`top` is what a network says of an image, and there is none")?;
            Ok((class_in_words(model, k), Objective::class(k)))
        };
        self.class.iter().map(goal).collect()
    }

    fn settings(&self, model: &Model, preset: Option<Maximize>) -> Result<Maximize> {
        let mut settings = match preset {
            Some(settings) => settings,
            None => Maximize::preset(usual(model))?,
        };
        settings = settings
            .range(PixelRange::of(&model.preprocessing)?)
            .seed(self.choice.seed);
        if let Some(steps) = self.steps {
            settings = settings.steps(steps);
        }
        if let Some([height, width]) = self.image_size {
            settings = settings.size(height, width);
        }
        if self.frames.is_some() {
            let every = settings.steps.div_ceil(30).max(1);
            settings = settings.frame_every(self.frame_every.map_or(every, |n| n as usize));
        }
        Ok(settings)
    }
}

/// The preset for networks over images of this size.
fn usual(model: &Model) -> &'static str {
    let sides = model.network.input_shape().iter().skip(1);
    match sides.max() {
        Some(0..=28) => "digits",
        Some(29..=96) => "small",
        _ => "squeezenet",
    }
}

fn sheet(model: &Model, made: &Maximized, names: &[&str], settings: &Maximize) -> Result<RgbImage> {
    let pictures = all_for_the_eye(model, &made.best)?;
    let words = format!(
        "{}: {} after {} steps, preset {}, seed {}",
        model.name,
        names.join("; "),
        settings.steps,
        settings.preset.as_deref().unwrap_or("none"),
        settings.seed
    );
    if pictures.len() > 12 {
        let grid = Tiles::new().titles(names.iter().copied());
        return Ok(captioned(&grid.pictures(&pictures, 128), &words));
    }
    let columns = match pictures.len() {
        few @ 1..=4 => few,
        5 | 6 => 3,
        _ => 4,
    };
    let longest = pictures.iter().map(|p| p.width().max(p.height())).max();
    let side = match longest.unwrap_or(0) {
        large @ 112.. => large,
        _ => 224,
    };
    let mut picture = Vec::new();
    for (titles, row) in names.chunks(columns).zip(pictures.chunks(columns)) {
        let cells = row.iter().cloned().map(Cell::picture);
        let sheet = Sheet::new(titles.iter().copied()).side(side);
        picture.push(sheet.row("", cells).draw());
    }
    Ok(captioned(
        &convscope_vis::render::below(&picture, 6),
        &words,
    ))
}

/// All images of a step side by side.
fn animation(model: &Model, made: &Maximized, names: &[&str]) -> Result<Frames> {
    let mut shown = Frames::new().title(names.join("; "));
    for frame in &made.frames {
        let pictures = all_for_the_eye(model, &frame.images)?;
        let row = match pictures.as_slice() {
            [one] => one.clone(),
            several => Tiles::new().gap(4).pictures(several, 128),
        };
        shown.push(format!("step {}", frame.step), row);
    }
    if shown.is_empty() {
        shown.push("no step was taken", blank(model, &made.images)?);
    }
    Ok(shown)
}

fn blank(model: &Model, images: &Tensor) -> Result<RgbImage> {
    let first = images
        .index_axis(Axis(0), 0)
        .insert_axis(Axis(0))
        .to_owned();
    Ok(all_for_the_eye(model, &first)?.remove(0))
}
