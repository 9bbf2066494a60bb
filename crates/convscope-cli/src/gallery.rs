//! `scope neighbours` and `scope embed`: a folder of photos as a network sees them.

use crate::aim::node;
use crate::model::{Choice, check_name};
use crate::output::{either, nearest, print, say};
use crate::saving::Saving;
use crate::subject::{batch, collection, load_all};
use anyhow::{Context, Result, bail};
use convscope_vis::render::{Cell, INK, Sheet, captioned, number, write};
use convscope_vis::{
    Metric, NeighbourSettings, Pooling, Provenance, Tsne, features, neighbours, pca, tsne,
};
use convscope_zoo::Model;
use image::{Rgb, RgbImage, imageops};
use ndarray::Array2;
use std::path::PathBuf;
use std::process::ExitCode;

/// The photos that are looked at, and where.
#[derive(clap::Args, Clone, Debug)]
pub struct Photos {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A folder of photos; folders in it are taken too, as classes
    folder: PathBuf,
    /// The layer whose activations are the features [default: what the last layer reads]
    #[arg(long, value_name = "NODE")]
    layer: Option<String>,
    /// Compare whole activations, places and all, and not the means of channels
    #[arg(long)]
    places: bool,
    /// Take only so many of the photos, evenly
    #[arg(long, value_name = "N", default_value_t = 400)]
    limit: usize,
}

/// What was read.
struct Seen {
    model: Model,
    layer: String,
    pooling: Pooling,
    subjects: Vec<crate::subject::Subject>,
    classes: Vec<String>,
    files: Vec<String>,
}

impl Photos {
    fn look(&self, choice: &Choice) -> Result<Seen> {
        let files = collection(&self.folder, Some(self.limit))?;
        let model = choice.model(&self.model)?;
        let layer = match &self.layer {
            Some(layer) => layer.clone(),
            None => usual(&model)?,
        };
        node(&model.network, &layer)?;
        let mut all = Vec::new();
        let mut classes = Vec::new();
        let mut paths = Vec::new();
        for (file, class) in &files {
            match load_all(&model, &[(file.clone(), class.clone())]) {
                Ok(found) => {
                    all.extend(found);
                    classes.push(class.clone());
                    paths.push(file.display().to_string());
                }
                Err(_) => continue,
            }
        }
        if all.is_empty() {
            bail!("none of the photos can be read");
        }
        Ok(Seen {
            model,
            layer,
            pooling: match self.places {
                true => Pooling::Flatten,
                false => Pooling::ChannelMean,
            },
            subjects: all,
            classes,
            files: paths,
        })
    }
}

/// The last node before the one that makes classes: of a fully connected or convolutional head, what
/// it reads.
fn usual(model: &Model) -> Result<String> {
    let views: Vec<_> = model.network.views().collect();
    let last = views
        .iter()
        .rev()
        .find(|v| !v.layer.parameters().is_empty());
    let last = last.context("this network has no weights: name a layer with --layer")?;
    Ok(last.inputs[0].to_owned())
}

#[derive(clap::Args)]
#[command(
    after_help = "For each query the photos nearest by pixels, and those nearest by the features of a \
    layer.\n\n\
    Examples:\n  \
    scope neighbours squeezenet1_0 photos/ --query owl,flamingo\n  \
    scope neighbours resnet18 ants_bees/ --layer layer4 --top 8 --cosine --limit 200"
)]
pub struct NeighboursArgs {
    #[command(flatten)]
    photos: Photos,
    /// Photos of the folder by their names without ending [default: five, evenly]
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    query: Vec<String>,
    /// Neighbours of each
    #[arg(long, value_name = "K", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=20))]
    top: u32,
    /// By the angle between vectors and not by their distance
    #[arg(long)]
    cosine: bool,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    choice: Choice,
}

pub fn neighbours_main(args: &NeighboursArgs) -> Result<ExitCode> {
    check_name(&args.photos.model)?;
    args.saving.check(&["png"])?;
    if args.saving.raw.is_some() {
        bail!("neighbours are a list, not an array: it is printed, and stands in the provenance");
    }
    let seen = args.photos.look(&args.choice)?;
    let names: Vec<&str> = seen.subjects.iter().map(|s| s.name.as_str()).collect();
    let queries: Vec<usize> = match args.query.is_empty() {
        true => (0..5.min(names.len()))
            .map(|i| i * names.len() / 5.min(names.len()))
            .collect(),
        false => {
            let find = |wanted: &String| {
                names
                    .iter()
                    .position(|name| name == wanted)
                    .with_context(|| {
                        let near = nearest(wanted, names.iter().copied(), 3);
                        format!(
                            "there is no photo \"{wanted}\"; did you mean {}?",
                            either(&near)
                        )
                    })
            };
            args.query.iter().map(find).collect::<Result<_>>()?
        }
    };
    let mut settings = NeighbourSettings::new().pooling(seen.pooling);
    if args.cosine {
        settings = settings.metric(Metric::Cosine);
    }
    let k = args.top as usize;
    let images = batch(&seen.subjects)?;
    let found = neighbours(
        &seen.model.network,
        &images,
        &seen.layer,
        &queries,
        k,
        settings,
    )?;
    let titles = std::iter::once("photo".to_owned()).chain((1..=k).map(|i| i.to_string()));
    let mut sheet = Sheet::new(titles).side(112);
    let mut listed = Vec::new();
    for (q, &query) in queries.iter().enumerate() {
        for (space, nearest) in [("pixels", &found.pixels), ("features", &found.features)] {
            let first = Cell::picture(seen.subjects[query].shown.clone()).note(names[query]);
            let mut row = vec![first];
            let near = nearest.indices[q].iter().zip(&nearest.distances[q]);
            for (&i, &distance) in near {
                let picture = seen.subjects[i].shown.clone();
                row.push(Cell::picture(picture).note(format!("{} away", number(distance as f32))));
            }
            let list: Vec<&str> = nearest.indices[q].iter().map(|&i| names[i]).collect();
            print(&format!(
                "{} by {space}: {}\n",
                names[query],
                list.join(", ")
            ))?;
            listed.push(serde_json::json!({"query": names[query], "by": space, "nearest": list}));
            sheet = sheet.row(format!("by {space}"), row);
        }
    }
    let sheet = sheet.caption(format!(
        "{}: features are those of {}; {} photos",
        seen.model.name,
        seen.layer,
        names.len()
    ));
    let provenance = found
        .provenance
        .model(seen.model.name.clone())
        .setting("folder", args.photos.folder.display().to_string())
        .figure("neighbours", listed);
    let default = || format!("{}.{}.neighbours", seen.model.name, seen.layer);
    args.saving.picture(&sheet.draw(), &provenance, default)?;
    Ok(ExitCode::SUCCESS)
}

#[derive(clap::Args)]
#[command(
    after_help = "Each photo lies where its features put it; folders within the folder are classes, \
    told apart by\nthe colour of the frame. Trustworthiness says how far neighbours on the map are \
    neighbours indeed\n(1: all of them). --raw writes the places [photos, 2].\n\n\
    Examples:\n  \
    scope embed squeezenet1_0 ants_bees/ --how tsne --limit 200\n  \
    scope embed resnet18 photos/ --how pca --layer layer3 -o map.png --raw map.npy"
)]
pub struct EmbedArgs {
    #[command(flatten)]
    photos: Photos,
    /// How the map is made
    #[arg(long, value_enum, default_value_t = How::Tsne)]
    how: How,
    /// tsne: about how many neighbours each photo has [default: 30, a third of few photos]
    #[arg(long, value_name = "N")]
    perplexity: Option<f64>,
    /// tsne: steps [default: 1000]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// The side of the map in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(200..=4096))]
    side: u32,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    choice: Choice,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// principal components
    Pca,
    /// t-distributed stochastic neighbour embedding
    Tsne,
}

pub fn embed_main(args: &EmbedArgs) -> Result<ExitCode> {
    check_name(&args.photos.model)?;
    args.saving.check(&["png"])?;
    if args.how == How::Pca && (args.perplexity.is_some() || args.steps.is_some()) {
        bail!("--perplexity and --steps are options of tsne, not of pca");
    }
    let seen = args.photos.look(&args.choice)?;
    let network = &seen.model.network;
    let images = batch(&seen.subjects)?;
    let rows = features(network, &images, &seen.layer, seen.pooling)?;
    let (points, trust, provenance) = match args.how {
        How::Pca => {
            let found = pca(&rows, 2)?;
            crate::methods::note(&found.flags);
            (found.points, found.trustworthiness, found.provenance)
        }
        How::Tsne => {
            let mut settings = Tsne::new().seed(args.choice.seed);
            if let Some(perplexity) = args.perplexity {
                settings = settings.perplexity(perplexity);
            }
            if let Some(steps) = args.steps {
                settings = settings.iterations(steps);
            }
            let found = tsne(&rows, &settings)?;
            crate::methods::note(&found.flags);
            (found.points, found.trustworthiness, found.provenance)
        }
    };
    let provenance: Provenance = provenance
        .model(seen.model.name.clone())
        .layer(seen.layer.clone())
        .setting("photos", seen.files.clone())
        .figure("trustworthiness", trust);
    let (map, colours) = scattered(&seen, &points, args.side);
    let words = format!(
        "{} {}: {} photos by {:?}, trustworthiness {trust:.3}{colours}",
        seen.model.name,
        seen.layer,
        seen.subjects.len(),
        args.how
    );
    let default = || format!("{}.{}.{:?}", seen.model.name, seen.layer, args.how).to_lowercase();
    args.saving
        .picture(&captioned(&map, &words), &provenance, default)?;
    let raw = points.mapv(|v| v as f32).into_dyn();
    args.saving.numbers(&raw, &provenance)?;
    print(&format!("trustworthiness {trust:.4}\n"))?;
    if seen.subjects.len() < 12 {
        say("note: few photos make no map that can be believed");
    }
    Ok(ExitCode::SUCCESS)
}

/// Okabe and Ito's colours.
const FRAMES: [[u8; 3]; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [0, 0, 0],
];

/// Small pictures at their places, and what their frames mean.
fn scattered(seen: &Seen, points: &Array2<f64>, side: u32) -> (RgbImage, String) {
    let mut names: Vec<&String> = seen.classes.iter().collect();
    names.sort();
    names.dedup();
    let thumb = (f64::from(side) / (seen.subjects.len() as f64).sqrt() * 0.5).clamp(20.0, 96.0);
    let thumb = thumb as u32;
    let mut map = RgbImage::from_pixel(side, side, Rgb([255; 3]));
    let ends = |axis: usize| {
        let column = points.column(axis);
        let low = column.iter().copied().fold(f64::INFINITY, f64::min);
        let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (low, (high - low).max(1e-12))
    };
    let (xs, ys) = (ends(0), ends(1));
    let room = f64::from(side - thumb - 4);
    for (i, subject) in seen.subjects.iter().enumerate() {
        let at = |v: f64, (low, length): (f64, f64)| ((v - low) / length * room) as i64;
        let (x, y) = (at(points[[i, 0]], xs), at(points[[i, 1]], ys));
        let small = imageops::resize(&subject.shown, thumb, thumb, imageops::FilterType::Triangle);
        let which = names
            .iter()
            .position(|n| **n == seen.classes[i])
            .unwrap_or(0);
        let colour = match names.len() {
            1 => [255; 3],
            _ => FRAMES[which % FRAMES.len()],
        };
        let framed = RgbImage::from_pixel(thumb + 4, thumb + 4, Rgb(colour));
        imageops::replace(&mut map, &framed, x, y);
        imageops::replace(&mut map, &small, x + 2, y + 2);
    }
    if names.len() < 2 {
        return (map, String::new());
    }
    let mut legend = RgbImage::from_pixel(side, 16 * names.len() as u32, Rgb([255; 3]));
    for (i, name) in names.iter().enumerate() {
        let y = 16 * i as i64 + 4;
        let key = RgbImage::from_pixel(12, 8, Rgb(FRAMES[i % FRAMES.len()]));
        imageops::replace(&mut legend, &key, 4, y);
        write(&mut legend, 22, y, name, 1, INK);
    }
    let all = convscope_vis::render::below(&[map, legend], 4);
    (all, "; frames by folder".into())
}
