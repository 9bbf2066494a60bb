//! What MODEL means: a name of the zoo or an ONNX file, as a bare structure or with its weights.

use crate::output::{either, nearest, say};
use crate::view;
use anyhow::{Context, Result, bail};
use convscope_data::{
    DataError, FetchOptions, Fetched, Preprocessing, Progress, Registry, fetched_with,
};
use convscope_nn::{Network, NnError};
use convscope_onnx::ReadOptions;
use convscope_progress::{ProgressBar, size};
use convscope_weights::Weights;
use convscope_zoo::{Entry, Model, Options, ZooError};
use std::path::{Path, PathBuf};

/// What an architecture leaves open.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Shape {
    /// Classes to tell apart, where they are not those it was published for
    #[arg(long, value_name = "N")]
    pub classes: Option<usize>,
    /// Height and width of the images, e.g. 96 or 64x96
    #[arg(long, value_name = "N|HxW", value_parser = parse_size)]
    pub size: Option<[usize; 2]>,
    /// Channels of the images: 1 for grey, 3 for colour
    #[arg(long, value_name = "N")]
    pub channels: Option<usize>,
}

/// `224` or `64x96`.
pub fn parse_size(text: &str) -> Result<[usize; 2], String> {
    let number = |text: &str| match text.parse::<usize>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("expected a size like 224, or height x width like 64x96".to_owned()),
    };
    match text.split_once('x') {
        Some((height, width)) => Ok([number(height)?, number(width)?]),
        None => number(text).map(|n| [n, n]),
    }
}

impl Shape {
    /// Whether anything is said.
    pub fn is_said(&self) -> bool {
        self.classes.is_some() || self.size.is_some() || self.channels.is_some()
    }

    /// An architecture of this shape; `weights` says how they begin.
    pub fn build(&self, entry: &Entry, weights: impl Fn(Options) -> Options) -> Result<Network> {
        self.check(entry)?;
        let built = entry.build(weights(self.options()));
        built.with_context(|| entry.name)
    }

    /// The size at once, since the layer that it is too small for says less.
    fn check(&self, entry: &Entry) -> Result<()> {
        match self.size {
            Some([height, width]) if height.min(width) < entry.smallest => bail!(
                "{} needs images of at least {least}x{least} pixels, got {height}x{width}",
                entry.name,
                least = entry.smallest
            ),
            _ => Ok(()),
        }
    }

    fn options(&self) -> Options {
        let mut options = Options::new();
        if let Some(classes) = self.classes {
            options = options.classes(classes);
        }
        if let Some([height, width]) = self.size {
            options = options.sizes(height, width);
        }
        if let Some(channels) = self.channels {
            options = options.channels(channels);
        }
        options
    }
}

/// A network as it is built, whatever its weights.
pub struct Structure {
    /// What to call it, and files about it.
    pub name: String,
    pub network: Network,
    /// What was published about it, if it is one of the zoo's.
    pub entry: Option<&'static Entry>,
}

/// The network that `model` names.
pub fn structure(model: &str, shape: &Shape) -> Result<Structure> {
    if is_onnx(model) {
        return Ok(Structure {
            name: stem(model),
            network: read_onnx(model, shape)?,
            entry: None,
        });
    }
    let entry = entry(model)?;
    Ok(Structure {
        name: entry.name.to_owned(),
        network: shape.build(entry, Options::blank)?,
        entry: Some(entry),
    })
}

fn is_onnx(model: &str) -> bool {
    let extension = Path::new(model).extension();
    extension.is_some_and(|e| e.eq_ignore_ascii_case("onnx"))
}

fn stem(path: &str) -> String {
    let stem = Path::new(path).file_stem();
    stem.map_or_else(|| path.to_owned(), |s| s.to_string_lossy().into_owned())
}

/// A network that reads no photos, since it takes another number of channels: its input comes as
/// arrays.
fn for_arrays(name: String, network: Network, source: &str) -> Model {
    let classes: usize = network.output_shape().iter().product();
    let channels = network.input_shape().first().copied().unwrap_or(1);
    Model {
        name,
        preprocessing: Preprocessing::none().normalised(vec![0.0; channels], vec![1.0; channels]),
        labels: (0..classes).map(|k| format!("class {k}")).collect(),
        network,
        source: source.to_owned(),
        notice: None,
    }
}

/// Whether `model` names a network at all: asked before anything else is looked for.
pub fn check_name(model: &str) -> Result<()> {
    match is_onnx(model) {
        true if !Path::new(model).exists() => bail!("{model}: there is no such file"),
        true => Ok(()),
        false => entry(model).map(|_| ()),
    }
}

/// The architecture of a name of the catalogue, or of weights in the registry.
pub fn entry(name: &str) -> Result<&'static Entry> {
    let unknown = match convscope_zoo::get(name) {
        Ok(entry) => return Ok(entry),
        Err(ZooError::UnknownArchitecture { nearest, .. }) => nearest,
        Err(other) => return Err(other.into()),
    };
    let registry = Registry::builtin()?;
    let known = registry.entries.iter().find(|entry| entry.name == name);
    if let Some(facts) = known.and_then(|entry| entry.weights.as_ref()) {
        return Ok(convscope_zoo::get(&facts.network)?);
    }
    if Path::new(name).is_file() {
        bail!(
            "{name} is a file, and only .onnx files are models; weights go with the name of their \
             architecture: scope classify NAME --weights {name} IMAGE"
        );
    }
    bail!(
        "there is no model \"{name}\"; did you mean {}? (`scope list` shows all; a file's name \
         ends in .onnx)",
        either(&unknown)
    )
}

fn read_onnx(path: &str, shape: &Shape) -> Result<Network> {
    if shape.classes.is_some() {
        bail!("--classes is for networks of the zoo; those of an .onnx file stand in it");
    }
    let mut options = ReadOptions::new();
    if let Some([height, width]) = shape.size {
        options = options.input([shape.channels.unwrap_or(3), height, width]);
    } else if shape.channels.is_some() {
        bail!("--channels of an .onnx file needs --size too");
    }
    Ok(convscope_onnx::read_with(path, &options)?)
}

/// Where the weights come from, and what the network is shown.
#[derive(clap::Args, Clone, Debug)]
pub struct Choice {
    /// A file of weights: .safetensors, .pth, .npz, .h5, .keras or .caffemodel
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub shape: Shape,
    /// Random weights, to try a network out: what it says means nothing
    #[arg(long, conflicts_with = "weights")]
    pub random_weights: bool,
    /// Seeds what is drawn at random: weights, noise, samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Names of the classes: a text file, a name a line, or one of imagenet, cifar10, mnist
    #[arg(long, value_name = "FILE|LIST")]
    pub labels: Option<String>,
    /// What is done to a photo first: torchvision, torchvision-inception, caffe, cifar10, mnist,
    /// none, or a .json or .toml file
    #[arg(long, value_name = "PRESET|FILE")]
    pub preprocessing: Option<String>,
    /// Fetch nothing: take what is here, or in the mirror
    #[arg(long)]
    pub offline: bool,
}

impl Choice {
    /// The model, ready for photos.
    pub fn model(&self, name: &str) -> Result<Model> {
        let mut model = self.with_weights(name)?;
        if let Some(notice) = &model.notice {
            say(&format!("note: {notice}"));
        }
        if let Some(labels) = &self.labels {
            model.labels = view::labels(labels)?;
            let outputs = model.network.output_shape();
            if model.labels.len() != outputs.iter().product::<usize>() {
                bail!(
                    "{labels} has {} class names, and the network puts out {outputs:?}",
                    model.labels.len()
                );
            }
        }
        if let Some(preprocessing) = &self.preprocessing {
            model.preprocessing = view::preprocessing(preprocessing, model.network.input_shape())?;
        }
        Ok(model)
    }

    fn with_weights(&self, name: &str) -> Result<Model> {
        if is_onnx(name) {
            if self.weights.is_some() || self.random_weights {
                bail!("{name} has its weights in it: leave out --weights and --random-weights");
            }
            let network = read_onnx(name, &self.shape)?;
            return match Model::guessed(stem(name), network.clone(), name.to_owned()) {
                Ok(model) => Ok(model),
                Err(ZooError::NoImages { .. }) => Ok(for_arrays(stem(name), network, name)),
                Err(other) => Err(other.into()),
            };
        }
        if let Some(file) = &self.weights {
            let entry = entry(name)?;
            self.shape.check(entry)?;
            let model = Model::with_weights_for(entry.name, file, self.shape.options());
            return model.with_context(|| format!("{name} with {}", file.display()));
        }
        if self.random_weights {
            say(&format!(
                "warning: random weights (seed {}); what {name} says means nothing",
                self.seed
            ));
            let entry = entry(name)?;
            self.shape.check(entry)?;
            let options = self.shape.options().seed(self.seed);
            return Ok(Model::random(entry.name, options)?);
        }
        if self.shape.is_said() {
            bail!(
                "published weights are for the network as it was published: --classes, --size and \
                 --channels need --weights FILE (or --random-weights)"
            );
        }
        self.published(name)
    }

    fn published(&self, name: &str) -> Result<Model> {
        entry(name)?;
        let mut options = FetchOptions::from_environment()?;
        options.offline = self.offline;
        let mut display = Display::default();
        let model = Model::pretrained_with(name, &options, &mut |p| display.show(p));
        drop(display);
        match model {
            Ok(model) => Ok(model),
            Err(error @ ZooError::NoWeights { .. }) => {
                bail!("{error} (--weights FILE names it, --random-weights does without)")
            }
            Err(ZooError::Data(error)) => bail!(
                "the weights of {name} are not here, and cannot be had: {} (`cargo course fetch \
                 {name}` tries again, --weights FILE names another file)",
                reasons(&error)
            ),
            Err(other) => Err(other.into()),
        }
    }
}

/// A data set of the registry, fetched first if need be.
pub fn fetch_set(name: &str, offline: bool) -> Result<Fetched> {
    let mut options = FetchOptions::from_environment()?;
    options.offline = offline;
    let mut display = Display::default();
    let found = fetched_with(name, &options, &mut |p| display.show(p));
    drop(display);
    found.map_err(|error| {
        anyhow::anyhow!(
            "the data set {name} is not here, and cannot be had: {} (`cargo course fetch {name}` \
             tries again)",
            reasons(&error)
        )
    })
}

/// Why nothing could be fetched, on one line.
fn reasons(error: &DataError) -> String {
    match error {
        DataError::Fetch { attempts, .. } if attempts.is_empty() => {
            "there is no mirror, and nobody else is asked".to_owned()
        }
        DataError::Fetch { attempts, .. } => {
            let tried: Vec<String> = attempts.iter().map(ToString::to_string).collect();
            tried.join("; ")
        }
        other => other.to_string(),
    }
}

/// What happens while weights are fetched, on standard error.
#[derive(Default)]
struct Display {
    bar: Option<ProgressBar>,
}

impl Display {
    fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Waiting => say("another process is fetching the same; waiting for it"),
            Progress::Source { file, source } => {
                let size = size(file.download_bytes);
                say(&format!("fetching {} ({size}) from {source}", file.path));
            }
            Progress::Received { file, done, total } => {
                let bar = self.bar.get_or_insert_with(|| {
                    let bar = ProgressBar::new(format!("fetching {}", file.path), total).bytes();
                    bar.resume(done);
                    bar
                });
                bar.set_total(total);
                bar.set(done);
            }
            Progress::Failed { attempt, .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.stop_with("broke off");
                }
                say(&format!("  that failed: {}", attempt.reason));
            }
            Progress::Done { .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish();
                }
            }
            _ => {}
        }
    }
}

/// All numbers of a network by path: what files of weights hold.
pub fn weights(network: &Network) -> Result<Weights> {
    let mut weights = Weights::new();
    for (path, tensor) in network.parameters().into_iter().chain(network.buffers()) {
        weights.insert(path, tensor.clone())?;
    }
    Ok(weights)
}

/// An error about a node's name with the nearest ones, where the network's own lists hundreds.
pub fn about_node(network: &Network, wanted: &str, error: NnError) -> anyhow::Error {
    match error {
        NnError::Unknown { what: "node", .. } => {
            let nodes = network.nodes();
            // A block's name stands for its last node.
            let mut names: Vec<&str> = nodes.iter().map(String::as_str).collect();
            for node in &nodes {
                names.extend(node.match_indices('.').map(|(at, _)| &node[..at]));
            }
            names.sort_unstable();
            names.dedup();
            let near = nearest(wanted, names.into_iter(), 3);
            anyhow::anyhow!(
                "there is no node \"{wanted}\"; did you mean {}? (`scope summary MODEL` lists all {})",
                either(&near),
                nodes.len()
            )
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_one_number_or_two() {
        assert_eq!(parse_size("224"), Ok([224, 224]));
        assert_eq!(parse_size("64x96"), Ok([64, 96]));
        for wrong in ["", "0", "x", "64x", "-3", "1x2x3", "a"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_onnx_file_is_told_by_its_ending() {
        assert!(is_onnx("nets/My.ONNX"));
        assert!(!is_onnx("resnet18") && !is_onnx("weights.pth"));
        assert_eq!(stem("nets/My.ONNX"), "My");
    }
}
