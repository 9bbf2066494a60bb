//! `scope filters`: the weights of a layer as small pictures.

use crate::aim::node;
use crate::model::{Choice, check_name};
use crate::output::print;
use crate::saving::Saving;
use anyhow::{Context, Result};
use convscope_data::Channels;
use convscope_vis::render::{Colormap, Look, Scale, Tiles, below, captioned, number};
use convscope_vis::{FilterScale, filters};
use ndarray::Axis;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(
    after_help = "Filters that read a colour image are shown in colour; deeper ones as a row each, a \
    tile for each\nchannel they read. Grey is zero, white the largest weight and black minus \
    that.\n\n\
    Examples:\n  \
    scope filters squeezenet1_0\n  \
    scope filters resnet18 --layer layer1.0.conv1 --rows 16 --columns 24 --scale each\n  \
    scope filters my_net.onnx --layer conv1 -o filters.png --raw filters.npy"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// The convolution [default: the first]
    #[arg(long, value_name = "NODE")]
    layer: Option<String>,
    /// Whether all filters share a scale, or each has its own
    #[arg(long, value_enum, default_value_t = Sharing::Shared)]
    scale: Sharing,
    /// The most filters of a deep layer that are shown
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// The most channels of each
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
    columns: u32,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    choice: Choice,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// faint filters look faint
    Shared,
    /// every filter shows its pattern
    Each,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    args.saving.check(&["png"])?;
    let model = args.choice.model(&args.model)?;
    let layer = match &args.layer {
        Some(layer) => layer.clone(),
        None => {
            let mut views = model.network.views();
            let first = views.find(|v| v.layer.kind() == "Conv2d");
            let first = first.map(|v| v.name.to_owned());
            first.context("this network has no convolution: name a layer with --layer")?
        }
    };
    node(&model.network, &layer)?;
    let found = filters(&model.network, &layer)?;
    let scale = match args.scale {
        Sharing::Shared => FilterScale::Shared,
        Sharing::Each => FilterScale::PerFilter,
    };
    let tiles = found.tiles(scale);
    let bgr = model.preprocessing.channels == Channels::Bgr;
    let (rows, columns) = (args.rows as usize, args.columns as usize);
    let keep =
        |i: usize| tiles.columns == 0 || (i / tiles.columns < rows && i % tiles.columns < columns);
    let pictures = tiles.pictures.axis_iter(Axis(0)).enumerate();
    let pictures: Vec<_> = pictures
        .filter(|(i, _)| keep(*i))
        .map(|(_, tile)| {
            let mut tile = tile.to_owned();
            if bgr && tile.dim().0 == 3 {
                tile.invert_axis(Axis(0));
            }
            tile
        })
        .collect();
    let unit = Scale::Given {
        low: 0.0,
        high: 1.0,
    };
    let side = pictures.first().map_or(1, |p| p.dim().1.max(p.dim().2));
    let magnify = match tiles.columns {
        0 => (56 / side).max(1),
        _ => (36 / side).max(1),
    };
    let mut grid = Tiles::new()
        .look(Look::new(Colormap::Grey, unit))
        .magnify(magnify as u32);
    if tiles.columns > 0 {
        grid = grid.columns(tiles.columns.min(columns));
    }
    let (count, channels, h, w) = found.weights.dim();
    let what = format!("{count} filters of {h}x{w} over {channels} channels");
    let shown = match tiles.columns {
        0 => String::new(),
        all => format!(
            "; shown are {} of them, {} channels each",
            rows.min(count),
            columns.min(all)
        ),
    };
    let white = match args.scale {
        Sharing::Shared => format!(
            "One scale: black {}, grey 0, white {}.",
            number(-tiles.white[0]),
            number(tiles.white[0])
        ),
        Sharing::Each => "Each filter has its own scale: grey is 0.".to_owned(),
    };
    let words = format!("{} {layer}: {what}{shown}. {white}", model.name);
    let painted = grid.arrays(&pictures)?;
    let picture = captioned(&below(&[painted.image], 0), &words);
    let provenance = found
        .provenance
        .model(model.name.clone())
        .setting("scale", white);
    let default = || format!("{}.{layer}.filters", model.name);
    args.saving.picture(&picture, &provenance, default)?;
    let raw = found.weights.into_dyn();
    args.saving.numbers(&raw, &provenance)?;
    print(&format!("{layer}: {what}\n"))?;
    Ok(ExitCode::SUCCESS)
}
