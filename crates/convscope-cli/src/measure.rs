//! `scope measure`: how good an explanation is.

use crate::aim::{Aim, in_words};
use crate::explain::run;
use crate::methods::Scores;
use crate::methods::{Asked, Method, Settings, check_options, method, note};
use crate::model::{Choice, check_name};
use crate::output::{print, table};
use crate::saving::{check, png, text};
use crate::subject::{Reading, Subject};
use anyhow::{Result, bail};
use convscope_nn::{Network, Tensor};
use convscope_vis::render::{Cell, Curves as Plot, Shared, Sheet, resized};
use convscope_vis::{
    Curves, Probabilities, Provenance, Randomisation, Sensitivity, Target, VisError, average_drop,
    centre_blob, deletion_insertion_watched, random_map, randomisation_check_watched,
    sensitivity_max_watched,
};
use convscope_zoo::Model;
use ndarray::{Array2, Array3, Axis, stack};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[derive(clap::Args)]
#[command(
    after_help = "deletion     the class's probability while the map's best pixels go: small areas are \
    good\n\
    insertion    the same while they come: large areas are good\n\
    sensitivity  the largest change of the map among neighbours of the image (Yeh et al. 2019)\n\
    randomisation  whether the map notices that weights are drawn anew, from the top down (Adebayo et\n             \
    al. 2018); a map that stays alike does not explain the network\n\
    drop         the share of the class's probability that is lost when the image is seen through the\n             \
    map alone: small is good (Chattopadhay et al. 2018)\n\n\
    A random map and a blob in the middle stand beside deletion, insertion and drop.\n\n\
    Examples:\n  \
    scope measure squeezenet1_0 owl.jpg --what deletion --methods saliency,grad-cam,occlusion\n  \
    scope measure squeezenet1_0 owl.jpg --what insertion --methods lime -o insertion.svg\n  \
    scope measure squeezenet1_0 owl.jpg --what sensitivity --methods saliency,smoothgrad\n  \
    scope measure resnet20_cifar10 frog.png --what randomisation --methods guided-backprop -o check.png\n  \
    scope measure squeezenet1_0 owl.jpg --what drop --methods grad-cam,lime -o through.png"
)]
pub struct Args {
    /// A network of the zoo, or an .onnx file
    model: String,
    /// A photo, or with --no-preprocess an array in a .npy file
    image: PathBuf,
    /// What is measured
    #[arg(long, value_enum)]
    what: What,
    /// The methods whose maps are measured
    #[arg(
        long,
        value_name = "METHOD,..",
        value_delimiter = ',',
        default_value = "saliency"
    )]
    methods: Vec<String>,
    /// Curves as .svg (deletion, insertion, sensitivity over radii), maps as .png (randomisation), images seen through their
    /// maps as .png (drop)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON and nothing else
    #[arg(long)]
    json: bool,
    /// deletion, insertion: steps from all to nothing
    #[arg(long, value_name = "N", default_value_t = 50)]
    points: usize,
    /// sensitivity: how far each number of the image moves, in the network's units
    #[arg(long, value_name = "R", default_value_t = 0.02)]
    radius: f32,
    /// sensitivity: neighbours
    #[arg(long, value_name = "N", default_value_t = 10)]
    neighbours: usize,
    #[command(flatten)]
    aim: Aim,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    choice: Choice,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Deletion,
    Insertion,
    Sensitivity,
    Randomisation,
    Drop,
}

/// Layers on a sheet of the randomisation check.
const SHOWN: usize = 9;

/// A picture, dark where its map is low.
fn through(picture: &image::RgbImage, map: &Array3<f32>) -> image::RgbImage {
    let (low, high) = map
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |ends, &v| {
            (ends.0.min(v), ends.1.max(v))
        });
    let mut seen = picture.clone();
    let (wide, high_side) = picture.dimensions();
    let map = resized(
        &map.index_axis(Axis(0), 0).to_owned(),
        high_side as usize,
        wide as usize,
    );
    for (x, y, pixel) in seen.enumerate_pixels_mut() {
        let share = (map[[y as usize, x as usize]] - low) / (high - low).max(f32::MIN_POSITIVE);
        for level in &mut pixel.0 {
            *level = (f32::from(*level) * share.clamp(0.0, 1.0)) as u8;
        }
    }
    seen
}

/// Radii on the curve of sensitivity, as shares of the one that is asked for.
const RADII: [f32; 5] = [0.0625, 0.25, 0.5, 1.0, 2.0];

/// What all measures need.
struct Case<'a> {
    args: &'a Args,
    model: &'a Model,
    subject: &'a Subject,
    target: Target,
    methods: Vec<&'static Method>,
    begun: Instant,
}

pub fn main(args: &Args) -> Result<ExitCode> {
    let begun = Instant::now();
    check_name(&args.model)?;
    let methods = args.methods.iter().map(|name| method(name));
    let methods = methods.collect::<Result<Vec<_>>>()?;
    let layer = args.aim.layer.is_some() && args.aim.unit.is_none();
    check_options(&methods, &args.settings, layer)?;
    args.reading.check(std::slice::from_ref(&args.image))?;
    match (&args.output, args.what) {
        (None, _) => {}
        (Some(path), What::Deletion | What::Insertion | What::Sensitivity) => {
            check(path, &["svg"])?
        }
        (Some(path), What::Randomisation | What::Drop) => check(path, &["png"])?,
    }
    let model = args.choice.model(&args.model)?;
    let target = args.aim.target(&model)?;
    let subject = args.reading.read(&model, &args.image)?;
    let case = Case {
        args,
        model: &model,
        subject: &subject,
        target,
        methods,
        begun,
    };
    match args.what {
        What::Deletion | What::Insertion => case.curves()?,
        What::Sensitivity => case.sensitivity()?,
        What::Randomisation => case.randomisation()?,
        What::Drop => case.drop()?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Case<'_> {
    fn asked<'b>(&'b self, network: &'b Network, image: &'b Tensor) -> Asked<'b> {
        let layer = self.args.aim.layer.as_deref();
        Asked {
            network,
            image,
            target: self.target.clone(),
            layer: layer.filter(|_| self.args.aim.unit.is_none()),
            settings: &self.args.settings,
            seed: self.args.choice.seed,
        }
    }

    /// A method's map of a network over one image, in the image's size. The class is the one that
    /// the network as it is sees, whatever has become of the weights.
    fn map(&self, method: &Method, network: &Network, image: &Tensor) -> Result<Array2<f32>> {
        let found = run(method, &self.asked(network, image), self.model)?;
        let (h, w) = (image.shape()[2], image.shape()[3]);
        Ok(resized(&method.map(&found, &self.args.settings), h, w))
    }

    /// The class in question: `top` is settled once.
    fn pinned(&mut self) -> Result<Option<usize>> {
        let scores = Scores::of(&self.model.network, &self.target)?;
        let output = convscope_vis::Scorer::scores(&scores, &self.subject.tensor)?;
        let top = convscope_nn::top_k(&output, 1)?[0][0];
        let (target, class) = match self.target.clone() {
            Target::Top => (Target::Class(top), Some(top)),
            Target::TopProbability => (Target::Probability(top), Some(top)),
            Target::Class(k) => (Target::Class(k), Some(k)),
            Target::Probability(k) => (Target::Probability(k), Some(k)),
            unit => (unit, None),
        };
        self.target = target;
        Ok(class)
    }

    fn curves(mut self) -> Result<()> {
        let Some(class) = self.pinned()? else {
            bail!(
                "deletion and insertion follow a class's probability: expected --target, not --unit"
            );
        };
        let image = &self.subject.tensor;
        let (h, w) = (image.shape()[2], image.shape()[3]);
        let mut maps: Vec<(String, Array2<f32>)> = Vec::new();
        for method in &self.methods {
            // Signed maps speak for the class where they are positive.
            let map = self.map(method, &self.model.network, image)?;
            maps.push((method.name.to_owned(), map));
        }
        maps.push(("random map".into(), random_map(h, w, self.args.choice.seed)));
        maps.push(("blob in the middle".into(), centre_blob(h, w)));
        let scores = Scores::of(&self.model.network, &self.target)?;
        let scorer = Probabilities(&scores);
        let deletes = self.args.what == What::Deletion;
        let options = Curves::new().steps(self.args.points);
        // Probabilities(..) are taken above, so the class's own number is what is asked for.
        let target = Target::Class(class);
        let name = format!("{:?}", self.args.what);
        let axes = match deletes {
            true => "share of pixels deleted",
            false => "share of pixels inserted",
        };
        let label = crate::aim::class_in_words(self.model, class);
        let mut plot = Plot::new(format!("{name}: {}, {label}", self.subject.name))
            .axes(axes, "probability")
            .y_range(0.0, 1.0);
        let mut rows = Vec::new();
        let mut listed = Vec::new();
        for (name, map) in &maps {
            let watch = &mut self.args.settings.spend.watch(name);
            let found = deletion_insertion_watched(&scorer, image, map, &target, &options, watch)?;
            note(&found.flags);
            let (area, curve) = match deletes {
                true => (found.deletion_area, &found.deletion),
                false => (found.insertion_area, &found.insertion),
            };
            let points = found.fractions.iter().zip(curve);
            let points = points.map(|(&x, &y)| (f64::from(x), f64::from(y)));
            plot = plot.curve(format!("{name} ({area:.3})"), points);
            rows.push(vec![name.clone(), format!("{area:.4}")]);
            listed.push(json!({"map": name, "area": area}));
        }
        let head = format!("{} area", name.to_lowercase());
        self.report(&head, rows, &listed)?;
        if let Some(path) = &self.args.output {
            let provenance = self.provenance("Petsiuk, Das and Saenko 2018", &label, &listed);
            text(&plot.svg()?, path, &provenance)?;
        }
        Ok(())
    }

    fn sensitivity(mut self) -> Result<()> {
        let class = self.pinned()?;
        let options = Sensitivity::new()
            .samples(self.args.neighbours)
            .seed(self.args.choice.seed);
        // The curve needs other radii beside the one that was asked for.
        let radii: Vec<f32> = match self.args.output {
            Some(_) => RADII.iter().map(|&r| r * self.args.radius).collect(),
            None => vec![self.args.radius],
        };
        let mut plot = Plot::new(format!("Sensitivity-max: {}", self.subject.name)).axes(
            "radius, in the network's units",
            "largest change of the map",
        );
        let mut largest = f64::MIN_POSITIVE;
        let mut rows = Vec::new();
        let mut listed = Vec::new();
        for method in &self.methods {
            let explain = |images: &Tensor| -> convscope_vis::Result<Tensor> {
                let maps = images.axis_iter(Axis(0)).map(|one| {
                    let one = one.to_owned().insert_axis(Axis(0));
                    let asked = self.asked(&self.model.network, &one);
                    Ok((method.run)(&asked)?.values.index_axis_move(Axis(0), 0))
                });
                let maps = maps.collect::<convscope_vis::Result<Vec<_>>>()?;
                let views: Vec<_> = maps.iter().map(|m| m.view()).collect();
                stack(Axis(0), &views).map_err(|e| VisError::Invalid(e.to_string()))
            };
            let watch = &mut self.args.settings.spend.watch(method.name);
            let image = &self.subject.tensor;
            let mut points = Vec::new();
            let mut value = f64::NAN;
            for &radius in &radii {
                let options = options.radius(radius);
                let found = sensitivity_max_watched(explain, image, &options, watch)?;
                note(&found.flags[0]);
                points.push((f64::from(radius), found.values[0]));
                largest = found.values[0].max(largest);
                if radius == self.args.radius {
                    value = found.values[0];
                }
            }
            plot = plot.curve(method.name, points);
            rows.push(vec![method.name.to_owned(), format!("{value:.4}")]);
            listed.push(json!({"map": method.name, "sensitivity_max": value}));
        }
        self.report("sensitivity-max", rows, &listed)?;
        if let Some(path) = &self.args.output {
            let label = in_words(self.model, &self.target, class);
            // Room for the legend above the curves.
            let plot = plot.y_range(0.0, 1.4 * largest);
            let provenance = self.provenance("Yeh et al. 2019", &label, &listed);
            text(&plot.svg()?, path, &provenance)?;
        }
        Ok(())
    }

    fn randomisation(mut self) -> Result<()> {
        let class = self.pinned()?;
        let mut rows = Vec::new();
        let mut listed = Vec::new();
        let mut sheet: Option<Sheet> = None;
        for method in &self.methods {
            let explain = |net: &Network, images: &Tensor| -> convscope_vis::Result<Array3<f32>> {
                let map = self.map(method, net, images);
                let map = map.map_err(|e| VisError::Invalid(format!("{e:#}")))?;
                Ok(map.insert_axis(Axis(0)))
            };
            let options = Randomisation::new().seed(self.args.choice.seed);
            let watch = &mut self.args.settings.spend.watch(method.name);
            let (net, image) = (&self.model.network, &self.subject.tensor);
            let found = randomisation_check_watched(net, image, explain, &options, watch)?;
            note(&found.flags);
            let titles = ["image", "as it is"].map(str::to_owned).into_iter();
            // All layers are measured; some stand on the sheet, the first and the last among them.
            let count = found.layers.len();
            let shown: Vec<usize> = match count <= SHOWN {
                true => (0..count).collect(),
                false => (0..SHOWN).map(|i| i * (count - 1) / (SHOWN - 1)).collect(),
            };
            let layers = shown.iter().map(|&i| found.layers[i].layer.clone());
            let layers: Vec<String> = layers.collect();
            let start = || Sheet::new(titles.chain(layers)).side(128);
            let one = |maps: &Array3<f32>| Cell::map(maps.index_axis(Axis(0), 0).to_owned());
            let mut cells = vec![
                Cell::picture(self.subject.shown.clone()),
                one(&found.original),
            ];
            for (i, layer) in found.layers.iter().enumerate() {
                if shown.contains(&i) {
                    let words = format!("rank corr. {:.2}", layer.spearman_absolute);
                    cells.push(one(&layer.maps).note(words));
                }
                rows.push(vec![
                    format!("{} {}", method.name, layer.layer),
                    format!("{:.3}", layer.spearman),
                    format!("{:.3}", layer.spearman_absolute),
                    format!("{:.3}", layer.similarity),
                ]);
                listed.push(json!({
                    "map": method.name,
                    "from": layer.layer,
                    "spearman": layer.spearman,
                    "spearman_absolute": layer.spearman_absolute,
                    "similarity": layer.similarity,
                }));
            }
            let before = sheet.unwrap_or_else(start);
            sheet = Some(before.row(method.name, cells));
        }
        let what = in_words(self.model, &self.target, class);
        self.report("rank corr.\tof absolute values\tSSIM", rows, &listed)?;
        if let (Some(path), Some(sheet)) = (&self.args.output, sheet) {
            let sheet = sheet
                .shared(Shared::Relative { percentile: 99.5 })
                .caption("Weights are drawn anew from the top layer down to the one named.");
            let provenance = self.provenance("Adebayo et al. 2018", &what, &listed);
            png(&sheet.draw(), path, &provenance)?;
        }
        Ok(())
    }

    fn drop(mut self) -> Result<()> {
        let Some(class) = self.pinned()? else {
            bail!("drop is of a class's probability: expected --target, not --unit");
        };
        let image = &self.subject.tensor;
        let (h, w) = (image.shape()[2], image.shape()[3]);
        let mut maps: Vec<(String, Array2<f32>)> = Vec::new();
        for method in &self.methods {
            let map = self.map(method, &self.model.network, image)?;
            maps.push((method.name.to_owned(), map));
        }
        maps.push(("random map".into(), random_map(h, w, self.args.choice.seed)));
        maps.push(("blob in the middle".into(), centre_blob(h, w)));
        let scores = Scores::of(&self.model.network, &self.target)?;
        let scorer = Probabilities(&scores);
        let (mut rows, mut listed, mut cells) = (Vec::new(), Vec::new(), Vec::new());
        for (name, map) in &maps {
            let map = map.clone().insert_axis(Axis(0));
            let found = average_drop(&scorer, image, &map, &Target::Class(class))?;
            note(&found.flags[0]);
            let (before, after) = (found.before[0], found.after[0]);
            rows.push(vec![
                name.clone(),
                format!("{:.4}", found.drop),
                format!("{before:.4}"),
                format!("{after:.4}"),
            ]);
            listed.push(json!({"map": name, "drop": found.drop, "before": before, "after": after}));
            let words = format!("drop {:.0} %", 100.0 * found.drop);
            cells.push(Cell::picture(through(&self.subject.shown, &map)).note(words));
        }
        let label = crate::aim::class_in_words(self.model, class);
        self.report("drop\tbefore\tafter", rows, &listed)?;
        if let Some(path) = &self.args.output {
            let titles = maps.iter().map(|(name, _)| name.as_str());
            let sheet = Sheet::new(titles).side(192).row("", cells);
            let sheet = sheet.caption(format!("What is left of {label} through each map."));
            let provenance = self.provenance("Chattopadhay et al. 2018", &label, &listed);
            png(&sheet.draw(), path, &provenance)?;
        }
        Ok(())
    }

    fn report(
        &self,
        head: &str,
        mut rows: Vec<Vec<String>>,
        listed: &[serde_json::Value],
    ) -> Result<()> {
        if self.args.json {
            return print(&format!("{:#}\n", json!(listed)));
        }
        let names = std::iter::once("map").chain(head.split('\t'));
        rows.insert(0, names.map(str::to_owned).collect());
        print(&table(&rows, &[1, 2, 3]))
    }

    fn provenance(&self, source: &str, what: &str, listed: &[serde_json::Value]) -> Provenance {
        Provenance::new(&format!("{:?}", self.args.what).to_lowercase(), source)
            .model(self.model.name.clone())
            .target(what)
            .seed(self.args.choice.seed)
            .setting("image", self.args.image.display().to_string())
            .figure("results", json!(listed))
            .took(self.begun)
    }
}
