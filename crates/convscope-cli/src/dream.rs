//! `scope dream`: what a layer sees in a photo, made stronger.

use crate::aim::{class, class_in_words, node};
use crate::maximize::preset_table;
use crate::methods::{Spend, note};
use crate::model::{Choice, check_name};
use crate::output::{print, say};
use crate::saving::{Saving, check, frames};
use crate::subject::for_the_eye;
use anyhow::{Context, Result, bail};
use convscope_data::Photo;
use convscope_nn::Tensor;
use convscope_vis::render::{Frames, number};
use convscope_vis::{
    Dream, Dreamed, Objective, PixelRange, PresetSettings, activations, dream_from_noise,
    dream_watched, dream_zoom,
};
use convscope_zoo::Model;
use ndarray::{Axis, Ix4};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:\n  \
    scope dream squeezenet1_0 swan.jpg --layer features.9 -o dream.png\n  \
    scope dream vgg16 bridge.jpg --layer features.22 --preset keras_deepdream --side 600\n  \
    scope dream squeezenet1_0 bridge.jpg --layer features.7 --guide flamingo.jpg\n  \
    scope dream squeezenet1_0 --class flamingo --side 320 -o flamingos.png\n  \
    scope dream squeezenet1_0 swan.jpg --layer features.9 --zoom 40 --frames zoom.gif";

#[derive(clap::Args)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// The photo; without one the dream begins with noise
    image: Option<PathBuf>,
    /// The layer whose activations are made stronger; several as NODE=WEIGHT,..
    #[arg(
        long,
        value_name = "NODE[=WEIGHT],..",
        value_delimiter = ',',
        required_unless_present = "class"
    )]
    layer: Vec<String>,
    /// Dream of a class instead
    #[arg(long, value_name = "K", conflicts_with_all = ["layer", "guide"])]
    class: Option<String>,
    /// Dream towards what this photo excites in the layer
    #[arg(long, value_name = "PHOTO")]
    guide: Option<PathBuf>,
    /// Published settings: see the table below
    #[arg(long, value_name = "PRESET", default_value = "google_deepdream")]
    preset: String,
    /// Sizes that are gone through, where not the preset's
    #[arg(long, value_name = "N")]
    octaves: Option<usize>,
    /// Steps at each size, where not the preset's
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Stop once the objective is above this, where not the preset's
    #[arg(long, value_name = "VALUE")]
    limit: Option<f64>,
    /// The longer side of the picture in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 448, value_parser = clap::value_parser!(u32).range(16..=4096))]
    side: u32,
    /// So many dreams, each on the last one a little enlarged
    #[arg(long, value_name = "N", requires = "frames", requires = "image", value_parser = clap::value_parser!(u32).range(1..))]
    zoom: Option<u32>,
    /// How it came about: an animation (.gif) or a page with a slider (.html)
    #[arg(long, value_name = "FILE")]
    frames: Option<PathBuf>,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    spend: Spend,
    #[command(flatten)]
    choice: Choice,
}

pub fn after_help() -> String {
    let of = |settings: &PresetSettings| matches!(settings, PresetSettings::Dream(_));
    format!(
        "Presets:\n{}\nThe network runs over the whole picture, of any size, as far as the layer. \
         --raw writes the picture\nin the network's units.\n\n{EXAMPLES}",
        preset_table(of)
    )
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    args.saving.check(&["png"])?;
    if let Some(path) = &args.frames {
        check(path, &["gif", "html"])?;
    }
    for photo in [&args.image, &args.guide].into_iter().flatten() {
        if !photo.exists() {
            bail!("{}: there is no such file", photo.display());
        }
    }
    let mut settings = Dream::preset(&args.preset)?;
    let model = args.choice.model(&args.model)?;
    let (what, objective) = args.objective(&model)?;
    settings = settings
        .range(PixelRange::of(&model.preprocessing)?)
        .seed(args.choice.seed);
    if let Some(octaves) = args.octaves {
        settings.octaves = octaves;
    }
    if let Some(steps) = args.steps {
        settings = settings.iterations(steps);
    }
    if let Some(limit) = args.limit {
        settings.ascent = settings.ascent.limit(limit);
    }
    if args.frames.is_some() && args.zoom.is_none() {
        settings.ascent = settings.ascent.frame_every(2);
    }
    let made = args.dreams(&model, &objective, &settings)?;
    let Some(last) = made.last() else {
        bail!("the budget was used up before the first dream");
    };
    note(&last.flags);
    let first = last.curves.iter().flatten().next().copied();
    if let (Some(limit), Some(first)) = (settings.ascent.limit, first)
        && first > limit
    {
        say(&format!(
            "note: the objective is {} from the start, above the limit of {limit}, so the photo stays \
             as it is; --limit sets another",
            number(first as f32)
        ));
    }
    let provenance = last
        .provenance
        .clone()
        .model(model.name.clone())
        .target(what.clone());
    let provenance = match &args.image {
        Some(photo) => provenance.setting("image", photo.display().to_string()),
        None => provenance,
    };
    let stem = args.image.as_deref().and_then(Path::file_stem);
    let stem = stem.map_or("noise".into(), |s| s.to_string_lossy().into_owned());
    let picture = shown(&model, &last.image)?;
    args.saving
        .picture(&picture, &provenance, || format!("{stem}.dream"))?;
    args.saving.numbers(&last.image, &provenance)?;
    if let Some(path) = &args.frames {
        frames(&moving(&model, &made, &what)?, path, &provenance)?;
    }
    let value = last.curves.iter().flatten().next_back().copied();
    print(&format!(
        "{what}: {}\n",
        number(value.unwrap_or(0.0) as f32)
    ))?;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn objective(&self, model: &Model) -> Result<(String, Objective)> {
        if let Some(words) = &self.class {
            let k = class(model, words)?.context("expected a class, and `top` is none here")?;
            return Ok((class_in_words(model, k), Objective::class(k)));
        }
        let mut all: Option<Objective> = None;
        for part in &self.layer {
            let (layer, weight) = match part.split_once('=') {
                Some((layer, weight)) => {
                    let weight: f64 = weight.parse().map_err(|_| {
                        anyhow::anyhow!("--layer {part}: expected NODE=WEIGHT, a number")
                    })?;
                    (layer, weight)
                }
                None => (part.as_str(), 1.0),
            };
            node(&model.network, layer)?;
            let one = match &self.guide {
                Some(guide) => Objective::guide(layer, activation(model, guide, layer)?),
                // Keras leaves the rim out, where padding makes edges.
                None if self.preset.starts_with("keras") => Objective::mean_square(layer, 2),
                None => Objective::norm(layer),
            } * weight;
            all = Some(match all {
                Some(others) => others + one,
                None => one,
            });
        }
        let objective = all.context("expected a layer")?;
        Ok((objective.to_string(), objective))
    }

    fn dreams(
        &self,
        model: &Model,
        objective: &Objective,
        settings: &Dream,
    ) -> Result<Vec<Dreamed>> {
        let network = &model.network;
        let Some(photo) = &self.image else {
            let side = self.side as usize;
            return Ok(vec![dream_from_noise(
                network, objective, [side; 2], settings,
            )?]);
        };
        let image = scaled(model, &Photo::open(photo)?, self.side as usize)?;
        let watch = &mut self.spend.watch("dreaming");
        Ok(match self.zoom {
            None => vec![dream_watched(network, objective, &image, settings, watch)?],
            Some(count) => {
                let factor = 1.0 / 0.95;
                dream_zoom(
                    network,
                    objective,
                    &image,
                    settings,
                    count as usize,
                    factor,
                    watch,
                )?
            }
        })
    }
}

/// The whole photo, its longer side so long, as the network takes it.
fn scaled(model: &Model, photo: &Photo, side: usize) -> Result<Tensor> {
    let (h, w) = (photo.height(), photo.width());
    let to = |n: usize| ((n * side) as f64 / h.max(w) as f64).round().max(1.0) as usize;
    let photo = photo.resize(to(h), to(w))?;
    let pixels = model.preprocessing.normalise(photo.pixels.view())?;
    Ok(pixels.insert_axis(Axis(0)).into_dyn())
}

/// What a photo excites in a layer, `[C, h, w]`.
fn activation(model: &Model, photo: &Path, layer: &str) -> Result<Tensor> {
    let photo = Photo::open(photo)?;
    let image = model.preprocessing.apply(&photo)?;
    let image = image.insert_axis(Axis(0)).into_dyn();
    let found = activations(&model.network, &image, layer)?;
    Ok(found.values.index_axis(Axis(0), 0).to_owned())
}

fn shown(model: &Model, image: &Tensor) -> Result<image::RgbImage> {
    let four = image.view().into_dimensionality::<Ix4>();
    let four = four.context("images have four dimensions")?;
    for_the_eye(model, four.index_axis(Axis(0), 0))
}

fn moving(model: &Model, made: &[Dreamed], what: &str) -> Result<Frames> {
    let mut all = Frames::new().title(what);
    if let [one] = made {
        for frame in &one.frames {
            all.push(format!("step {}", frame.step), shown(model, &frame.images)?);
        }
    }
    if all.is_empty() {
        for (i, dreamed) in made.iter().enumerate() {
            all.push(format!("dream {}", i + 1), shown(model, &dreamed.image)?);
        }
    }
    Ok(all)
}
