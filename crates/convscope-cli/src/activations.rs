//! `scope activations`: what the units of a layer do for an image.

use crate::aim::node;
use crate::explain::as_given;
use crate::model::{Choice, check_name};
use crate::output::{print, table};
use crate::saving::Saving;
use crate::subject::Reading;
use anyhow::{Result, bail};
use convscope_nn::Tensor;
use convscope_vis::render::{Look, Painted, Tiles, captioned};
use convscope_vis::{LayerStatistics, activation_statistics, activations};
use ndarray::{Array3, Axis, Ix4};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
#[command(
    after_help = "Without --layer there is no picture, and the statistics of all layers are \
    printed: the share of\nunits that are off (of a ReLU: dead for this image), mean, spread and \
    range.\n\n\
    Examples:\n  \
    scope activations squeezenet1_0 owl.jpg\n  \
    scope activations squeezenet1_0 owl.jpg --layer features.5 -o fire.png\n  \
    scope activations my_net.onnx photo.npy --no-preprocess --layer relu2 --raw relu2.npy"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A photo, or with --no-preprocess an array in a .npy file
    image: PathBuf,
    /// The layer that is shown, a tile for each channel
    #[arg(long, value_name = "NODE")]
    layer: Option<String>,
    /// Give each channel a scale of its own
    #[arg(long)]
    each: bool,
    /// The most channels that are shown
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    most: u32,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    choice: Choice,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    args.reading.check(std::slice::from_ref(&args.image))?;
    args.saving.check(&["png"])?;
    if args.layer.is_none() && (args.saving.output.is_some() || args.saving.raw.is_some()) {
        bail!("--output and --raw are of one layer: say which by --layer NODE");
    }
    let model = args.choice.model(&args.model)?;
    if let Some(layer) = &args.layer {
        node(&model.network, layer)?;
    }
    let subject = args.reading.read(&model, &args.image)?;
    let names = model.network.nodes();
    let layers: Vec<&str> = match &args.layer {
        Some(layer) => vec![layer],
        None => names.iter().map(String::as_str).collect(),
    };
    let statistics = activation_statistics(&model.network, &layers, [subject.tensor.clone()])?;
    print(&in_words(&statistics))?;
    let Some(layer) = &args.layer else {
        return Ok(ExitCode::SUCCESS);
    };
    let found = activations(&model.network, &subject.tensor, layer)?;
    let painted = args.painted(&found.values)?;
    let shape = &found.values.shape()[1..];
    let shared = match args.each {
        true => "each channel on a scale of its own".to_owned(),
        false => format!("one scale for all, {}", painted.scale.in_words()),
    };
    let words = format!(
        "{} {layer} {shape:?} for {}; {shared}",
        model.name, subject.name
    );
    let picture = match args.each {
        true => painted.image.clone(),
        false => painted.with_bar(),
    };
    let provenance = found
        .provenance
        .model(model.name.clone())
        .setting("image", args.image.display().to_string());
    let provenance = painted.noted(provenance);
    let default = || format!("{}.{layer}.activations", subject.name);
    args.saving
        .picture(&captioned(&picture, &words), &provenance, default)?;
    let raw = as_given(&found.values, &subject.shape);
    args.saving.numbers(&raw, &provenance)?;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// A tile for each channel; of a vector one tile with a square for each number.
    fn painted(&self, values: &Tensor) -> Result<Painted> {
        let tiles: Vec<Array3<f32>> = match values.view().into_dimensionality::<Ix4>() {
            Ok(four) => {
                let one = four.index_axis(Axis(0), 0);
                let channels = one.outer_iter().take(self.most as usize);
                channels
                    .map(|c| c.to_owned().insert_axis(Axis(0)))
                    .collect()
            }
            Err(_) => vec![squares(values)],
        };
        let side = tiles.first().map_or(1, |t| t.dim().1.max(t.dim().2)) as u32;
        let most = if tiles.len() == 1 { 320 } else { 72 };
        let mut grid = Tiles::new().magnify((most / side).max(1));
        if self.each {
            grid = grid.per_tile();
        } else {
            // One unit that is very much on would leave the others dark.
            let look = Look::fitting(tiles.iter().flatten().filter(|v| !v.is_nan()));
            grid = grid.look(look.clipped(99.5));
        }
        Ok(grid.arrays(&tiles)?)
    }
}

/// Numbers row by row in about a square; what is left over is NaN, which is no colour of the scale.
fn squares(values: &Tensor) -> Array3<f32> {
    let count = values.len();
    let columns = (count as f64).sqrt().ceil().max(1.0) as usize;
    let rows = count.div_ceil(columns).max(1);
    let mut numbers = values.iter().copied();
    Array3::from_shape_fn((1, rows, columns), |_| numbers.next().unwrap_or(f32::NAN))
}

fn in_words(statistics: &[LayerStatistics]) -> String {
    let head = [
        "layer",
        "units",
        "off",
        "channels off",
        "mean",
        "spread",
        "range",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    for one in statistics {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        rows.push(vec![
            one.layer.clone(),
            one.units.to_string(),
            percent(one.dead_units),
            percent(one.dead_channels),
            format!("{:.4}", one.mean),
            format!("{:.4}", one.std),
            format!("{:.3} .. {:.3}", one.range[0], one.range[1]),
        ]);
    }
    table(&rows, &[1, 2, 3, 4, 5, 6])
}
