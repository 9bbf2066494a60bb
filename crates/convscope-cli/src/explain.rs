//! `scope explain`: which pixels mattered to what a network says.

use crate::aim::{Aim, in_words};
use crate::methods::{Asked, Found, Method, Settings, Shows, check_options, method, note};
use crate::model::{Choice, about_node, check_name};
use crate::output::print;
use crate::saving::Saving;
use crate::subject::{Reading, Subject};
use anyhow::Result;
use convscope_data::Channels;
use convscope_nn::Tensor;
use convscope_vis::VisError;
use convscope_vis::render::{
    Cell, Colormap, Look, Opacity, Overlay, Scale, Shared, Sheet, Tiles, borders, heat_map, number,
    overlay,
};
use convscope_zoo::Model;
use image::RgbImage;
use ndarray::{Array2, Axis, Ix4};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:\n  \
    scope explain squeezenet1_0 parrot.jpg --method saliency -o saliency.png\n  \
    scope explain resnet18 pets.jpg --method grad-cam --target \"tabby\"\n  \
    scope explain vgg16 pets.jpg --method grad-cam --layer features.22 --target 281\n  \
    scope explain squeezenet1_0 owl.jpg --method guided-backprop --layer features.5 --unit 12,20,20\n  \
    scope explain my_net.onnx photo.png --method occlusion --window 32 --stride 8\n  \
    scope explain my_net.onnx batch.npy --no-preprocess --method saliency --raw saliency.npy";

#[derive(clap::Args)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A photo, or with --no-preprocess an array in a .npy file
    image: PathBuf,
    /// How to explain: see the table below
    #[arg(short, long, value_name = "METHOD")]
    method: String,
    #[command(flatten)]
    aim: Aim,
    #[command(flatten)]
    saving: Saving,
    /// What the picture shows: photo, map and both together, or the map alone, or it over the photo
    #[arg(long, value_enum, default_value_t = Style::Sheet)]
    style: Style,
    /// How much the map over the photo hides of it, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.6)]
    opacity: f32,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    choice: Choice,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// photo, map, and both together
    Sheet,
    /// the map, a pixel for each number
    Map,
    /// the map over the photo
    Overlay,
}

/// The table of methods and examples, under the help.
pub fn after_help() -> String {
    let table = crate::methods::table();
    format!(
        "Methods:\n{table}\n\
         A target's logit is explained; --probability explains its softmax probability, whose \
         gradient\nvanishes where the network is sure. The raw numbers of --raw have the input's shape \
         (one channel\nwhere the method has one number for a place), those of grad-cam the \
         layer's.\n\n{EXAMPLES}"
    )
}

pub fn main(args: &Args) -> Result<ExitCode> {
    check_name(&args.model)?;
    let method = method(&args.method)?;
    let layer = args.aim.layer.is_some() && args.aim.unit.is_none();
    check_options(&[method], &args.settings, layer)?;
    args.reading.check(std::slice::from_ref(&args.image))?;
    args.saving.check(&["png"])?;
    let model = args.choice.model(&args.model)?;
    let target = args.aim.target(&model)?;
    let subject = args.reading.read(&model, &args.image)?;
    let asked = Asked {
        network: &model.network,
        image: &subject.tensor,
        target: target.clone(),
        layer: args.aim.layer.as_deref().filter(|_| layer),
        settings: &args.settings,
        seed: args.choice.seed,
    };
    let mut found = run(method, &asked, &model)?;
    let what = in_words(&model, &target, found.class);
    found.provenance = found
        .provenance
        .target(what.clone())
        .model(model.name.clone())
        .setting("image", args.image.display().to_string())
        .figure("target_value", found.target_value);
    note(&found.flags);
    let map = method.map(&found, &args.settings);
    let title = [method.name, &what];
    let bgr = model.preprocessing.channels == Channels::Bgr;
    let (picture, provenance) = args.picture(method, &subject, &found, &map, title, bgr);
    let default = || format!("{}.{}", subject.name, method.name);
    args.saving.picture(&picture, &provenance, default)?;
    let raw = as_given(&found.values, &subject.shape);
    args.saving.numbers(&raw, &found.provenance)?;
    print(&format!(
        "{}: {what} = {} in {}\n",
        method.name,
        number(found.target_value),
        args.image.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a method; errors about layers offer the nearest names.
pub fn run(method: &Method, asked: &Asked<'_>, model: &Model) -> Result<Found> {
    (method.run)(asked).map_err(|error| match error {
        VisError::Network(error) => match asked.layer {
            Some(layer) => about_node(&model.network, layer, error),
            None => error.into(),
        },
        other => other.into(),
    })
}

/// Raw numbers in the shape in which the input came: where that had no batch, without one.
pub fn as_given(values: &Tensor, shape: &[usize]) -> Tensor {
    let all: usize = shape.iter().product();
    if values.len() == all
        && let Ok(same) = values.to_shape(shape)
    {
        return same.into_owned();
    }
    match shape.len() {
        4 => values.clone(),
        _ => values.index_axis(Axis(0), 0).to_owned(),
    }
}

/// The look of a method's map.
pub fn look(map: &Array2<f32>) -> Look {
    // A few pixels with large gradients would leave the others dark.
    Look::fitting(map).clipped(99.5)
}

/// The photo with the superpixels' borders, where there are any.
pub fn bordered(photo: &RgbImage, found: &Found) -> RgbImage {
    let mut photo = photo.clone();
    if let Some(labels) = &found.segments {
        borders(&mut photo, labels, [255, 230, 0]);
    }
    photo
}

impl Args {
    fn picture(
        &self,
        method: &Method,
        subject: &Subject,
        found: &Found,
        map: &Array2<f32>,
        [name, what]: [&str; 2],
        bgr: bool,
    ) -> (RgbImage, convscope_vis::Provenance) {
        let how = Overlay::new().opacity(match method.shows {
            Shows::Coarse => Opacity::Even(self.opacity),
            // Fine maps are empty in most places.
            _ => Opacity::ByStrength(self.opacity.max(0.0).sqrt()),
        });
        let look = match method.shows {
            Shows::Coarse => Look::fitting(map),
            _ => look(map),
        };
        let photo = bordered(&subject.shown, found);
        let provenance = || found.provenance.clone();
        match self.style {
            Style::Map => {
                let painted = heat_map(map, look);
                (painted.image.clone(), painted.noted(provenance()))
            }
            Style::Overlay => {
                let painted = overlay(&photo, map, look, how);
                (painted.with_bar(), painted.noted(provenance()))
            }
            Style::Sheet => {
                let painted = heat_map(map, look);
                let third = match method.shows {
                    Shows::Lines => lines(&found.values, bgr),
                    _ => None,
                };
                let (words, third) = match third {
                    Some(picture) => ("lines", Cell::picture(picture)),
                    None => ("both", Cell::over(photo.clone(), map.clone())),
                };
                let columns = ["image", name, words];
                let cells = [Cell::picture(photo.clone()), Cell::map(map.clone()), third];
                let sheet = Sheet::new(columns)
                    .row("", cells)
                    .look(look)
                    .shared(Shared::Sheet)
                    .overlay(how)
                    .caption(format!("{name} of {what}"));
                (sheet.draw(), painted.noted(provenance()))
            }
        }
    }
}

/// Signed numbers of a colour image as such, grey where they are zero.
pub fn lines(values: &Tensor, bgr: bool) -> Option<RgbImage> {
    let four = values.view().into_dimensionality::<Ix4>().ok()?;
    let mut one = four.index_axis(Axis(0), 0).to_owned();
    if bgr {
        one.invert_axis(Axis(0));
    }
    let grey = Look::new(Colormap::Grey, Scale::SymmetricClipped { percentile: 99.8 });
    let tiles = Tiles::new().gap(0).magnify(1).look(grey);
    Some(tiles.arrays(&[one]).ok()?.image)
}
