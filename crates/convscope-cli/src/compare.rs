//! `scope compare`: methods beside images, on one sheet.

use crate::aim::{Aim, class_in_words, in_words};
use crate::explain::{as_given, bordered, run};
use crate::methods::{
    Asked, METHODS, Method, Settings, Shows, check_options, flag_in_words, method,
};
use crate::model::{Choice, check_name};
use crate::output::say;
use crate::saving::{Saving, check, file_name, npy};
use crate::subject::{Reading, Subject};
use anyhow::{Result, bail};
use convscope_vis::Provenance;
use convscope_vis::render::{Cell, Opacity, Overlay, Shared, Sheet, number};
use convscope_zoo::Model;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const EXAMPLES: &str = "Examples:\n  \
    scope compare squeezenet1_0 parrot.jpg owl.jpg -o sheet.png\n  \
    scope compare resnet18 pets.jpg --methods saliency,grad-cam,occlusion --target tabby\n  \
    scope compare vgg16 owl.jpg --methods grad-cam --layers features.8,features.15,features.29\n  \
    scope compare my_net.onnx a.npy b.npy --no-preprocess --raw-into arrays";

#[derive(clap::Args)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// Photos, or with --no-preprocess arrays in .npy files: a row each
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// The columns, in this order [default: all methods]
    #[arg(long, value_name = "METHOD,..", value_delimiter = ',')]
    methods: Vec<String>,
    /// A column for each of these layers, of the methods that look at one
    #[arg(
        long,
        value_name = "NODE,..",
        value_delimiter = ',',
        conflicts_with = "layer"
    )]
    layers: Vec<String>,
    /// What shares a scale. Methods have different units, so each map is shown relative to the
    /// 99.5th percentile of its own absolute values unless another is chosen
    #[arg(long, value_enum, default_value_t = Sharing::Relative)]
    scale: Sharing,
    /// The side of each picture in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 224, value_parser = clap::value_parser!(u32).range(32..=2048))]
    side: u32,
    /// Write every raw array into this folder, as IMAGE.METHOD.npy
    #[arg(long, value_name = "FOLDER")]
    raw_into: Option<PathBuf>,
    /// The picture; its provenance is written beside it as FILE.json
    #[arg(short, long, value_name = "FILE.png", default_value = "compare.png")]
    output: PathBuf,
    #[command(flatten)]
    aim: Aim,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    choice: Choice,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// each map has its own, from nothing to its 99.5th percentile
    Relative,
    /// the maps of a row
    Row,
    /// all maps
    Sheet,
}

/// One column of the sheet.
struct Column {
    method: &'static Method,
    layer: Option<String>,
}

impl Column {
    fn title(&self) -> String {
        match &self.layer {
            Some(layer) => format!("{} at {layer}", self.method.name),
            None => self.method.name.to_owned(),
        }
    }
}

pub fn after_help() -> String {
    format!("Methods:\n{}\n{EXAMPLES}", crate::methods::table())
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let begun = Instant::now();
    check_name(&args.model)?;
    let columns = args.columns()?;
    args.reading.check(&args.images)?;
    check(&args.output, &["png"])?;
    if let Some(folder) = args.raw_into.as_ref().filter(|f| !f.is_dir()) {
        bail!("{}: expected a folder that is there", folder.display());
    }
    let model = args.choice.model(&args.model)?;
    let target = args.aim.target(&model)?;
    let shared = match args.scale {
        Sharing::Relative => Shared::Relative { percentile: 99.5 },
        Sharing::Row => Shared::Row,
        Sharing::Sheet => Shared::Sheet,
    };
    let titles = std::iter::once("image".to_owned()).chain(columns.iter().map(Column::title));
    let mut sheet = Sheet::new(titles)
        .shared(shared)
        .side(args.side)
        .overlay(Overlay::new().opacity(Opacity::ByStrength(0.85)));
    let mut cells = Vec::new();
    for path in &args.images {
        let subject = args.reading.read(&model, path)?;
        let mut row = vec![Cell::picture(subject.shown.clone()).note(seen(&model, &subject)?)];
        for column in &columns {
            let (cell, about) = args.cell(&model, &target, &subject, column)?;
            row.push(cell);
            cells.push(json!({"image": path.display().to_string(), "map": about}));
        }
        sheet = sheet.row(&subject.name, row);
    }
    let caption = format!("{}: {}", model.name, target.in_words());
    let sheet = sheet.caption(caption);
    let provenance = Provenance::new("comparison of methods", "each map's own, under settings")
        .model(model.name.clone())
        .target(target.in_words())
        .seed(args.choice.seed)
        .setting("scale", sheet.scale_in_words())
        .setting("maps", cells)
        .took(begun);
    let saving = Saving {
        output: Some(args.output.clone()),
        raw: None,
    };
    saving.picture(&sheet.draw(), &provenance, String::new)?;
    Ok(ExitCode::SUCCESS)
}

/// What the network takes the image for.
fn seen(model: &Model, subject: &Subject) -> Result<String> {
    let output = model.network.forward(&subject.tensor)?;
    let best = output.iter().enumerate();
    let best = best.fold((0, f32::NEG_INFINITY), |best, (k, &v)| {
        if v > best.1 { (k, v) } else { best }
    });
    Ok(class_in_words(model, best.0))
}

impl Args {
    fn columns(&self) -> Result<Vec<Column>> {
        let methods: Vec<&Method> = match self.methods.is_empty() {
            true => METHODS.iter().collect(),
            false => {
                let named = self.methods.iter().map(|name| method(name));
                named.collect::<Result<_>>()?
            }
        };
        let layer = self.aim.layer.is_some() && self.aim.unit.is_none();
        let layer = layer || !self.layers.is_empty();
        check_options(&methods, &self.settings, layer)?;
        let mut columns = Vec::new();
        for method in methods {
            if !method.takes.contains(&"layer") || !layer {
                columns.push(Column {
                    method,
                    layer: None,
                });
                continue;
            }
            let layers = match self.layers.is_empty() {
                true => self.aim.layer.as_slice(),
                false => &self.layers,
            };
            columns.extend(layers.iter().map(|layer| Column {
                method,
                layer: Some(layer.clone()),
            }));
        }
        Ok(columns)
    }

    fn cell(
        &self,
        model: &Model,
        target: &convscope_vis::Target,
        subject: &Subject,
        column: &Column,
    ) -> Result<(Cell, serde_json::Value)> {
        if let Some(layer) = &column.layer {
            crate::aim::node(&model.network, layer)?;
        }
        let asked = Asked {
            network: &model.network,
            image: &subject.tensor,
            target: target.clone(),
            layer: column.layer.as_deref(),
            settings: &self.settings,
            seed: self.choice.seed,
        };
        let method = column.method;
        let mut found = run(method, &asked, model)?;
        let what = in_words(model, target, found.class);
        found.provenance = found.provenance.target(what).model(model.name.clone());
        for flag in &found.flags {
            let words = flag_in_words(flag);
            say(&format!(
                "note: {}, {}: {words}",
                subject.name,
                column.title()
            ));
        }
        if let Some(folder) = &self.raw_into {
            let name = format!("{}.{}.npy", subject.name, file_name(&column.title()));
            let raw = as_given(&found.values, &subject.shape);
            npy(&raw, &folder.join(name), &found.provenance)?;
        }
        let map = method.map(&found, &self.settings);
        let (low, high) = map.iter().fold((0.0_f32, 0.0_f32), |(low, high), &v| {
            (low.min(v), high.max(v))
        });
        let about = serde_json::to_value(&found.provenance)?;
        let cell = match method.shows {
            Shows::Coarse => Cell::over(bordered(&subject.shown, &found), map),
            _ => Cell::map(map),
        };
        let note = match low < 0.0 {
            true => format!("{} .. {}", number(low), number(high)),
            false => format!("up to {}", number(high)),
        };
        Ok((cell.note(note), about))
    }
}
