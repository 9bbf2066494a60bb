//! A network that is ready to be shown a photo: with weights, preprocessing and class names.

use crate::catalogue::{Entry, get};
use crate::error::{Result, ZooError};
use crate::load::{Naming, load};
use crate::look;
use crate::options::Options;
use crate::shipped;
use convscope_data::{
    FetchDisplay, FetchOptions, Photo, Preprocessing, Progress, Registry, fetched_with, labels,
};
use convscope_nn::{Network, Tensor, softmax, top_k};
use convscope_weights::Weights;
use std::fmt;
use std::path::Path;

/// Photos that go through a network at a time.
const BATCH: usize = 8;

/// A network with all that it takes to name what is on a photo.
///
/// ```no_run
/// use convscope_data::Photo;
/// use convscope_zoo::Model;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Model::pretrained("squeezenet1_0")?;
/// let photo = Photo::open("parrot.jpg")?;
/// for answer in &model.classify(&[photo])?[0] {
///     println!("{answer}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    /// What it is called: a name of the catalogue, or a file's.
    pub name: String,
    /// The network. What it puts out are logits, or probabilities where its last layer is a softmax.
    pub network: Network,
    /// What is done to a photo before the network sees it.
    pub preprocessing: Preprocessing,
    /// The classes, in the order of the outputs.
    pub labels: Vec<String>,
    /// Where its weights come from, in words.
    pub source: String,
    /// Set when the weights are others than those asked for: what they are and why.
    pub notice: Option<String>,
}

/// One answer of a network about a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The number of the class.
    pub index: usize,
    /// Its name.
    pub label: String,
    /// How sure the network is, from 0 to 1; over all classes it sums to 1.
    pub probability: f32,
}

impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6.2} %  {}", 100.0 * self.probability, self.label)
    }
}

impl Model {
    /// An architecture with published weights, which are fetched first where they are not in the
    /// cache; progress goes to standard output. `name` is one of the catalogue (`"resnet18"`) or of
    /// the registry of weights (`"resnet20_cifar10"`). Those that the repository ships come first
    /// (`"vgg_cifar10"`; see [`shipped`]): nothing is fetched for them.
    ///
    /// # Errors
    /// When there is neither, no weights are published for it, or they cannot be had.
    pub fn pretrained(name: &str) -> Result<Model> {
        let mut display = FetchDisplay::new();
        let options = FetchOptions::from_environment()?;
        Model::pretrained_with(name, &options, &mut |progress| display.show(progress))
    }

    /// [`Model::pretrained`] with options and a display of one's own.
    ///
    /// # Errors
    /// As [`Model::pretrained`].
    pub fn pretrained_with(
        name: &str,
        options: &FetchOptions,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Model> {
        if shipped::is_there(name) {
            return Ok(shipped::get(name)?.into_model());
        }
        let registered = registered(name)?;
        let fetched = fetched_with(&registered, options, progress)?;
        let (Some(facts), Some(path)) = (&fetched.entry.weights, fetched.paths.first()) else {
            return Err(ZooError::NoWeights {
                name: name.to_owned(),
            });
        };
        let entry = get(&facts.network)?;
        let mut network = entry.build(Options::new().blank())?;
        load(&mut network, &Weights::read(path)?)?;
        Ok(Model {
            name: entry.name.to_owned(),
            network,
            preprocessing: facts.preprocessing.clone(),
            labels: labels(&facts.labels)?,
            source: fetched.entry.title.clone(),
            notice: fetched.notice.clone(),
        })
    }

    /// An architecture of the catalogue with weights from a file of any format that
    /// [`convscope_weights`] reads.
    ///
    /// Preprocessing and class names are those usual for the architecture; where the names in the
    /// file are Caffe's or Keras's, and the network is one on ImageNet, photos go in as those
    /// libraries' networks expect them: blue, green, red from 0 to 255 less the mean. Both are
    /// fields, to be changed where that is not so.
    ///
    /// # Errors
    /// When there is no such architecture, the file cannot be read, or its parameters are not the
    /// network's.
    pub fn with_weights(name: &str, path: impl AsRef<Path>) -> Result<Model> {
        Model::with_weights_for(name, path, Options::new())
    }

    /// [`Model::with_weights`] for a network of other classes, size or channels.
    ///
    /// # Errors
    /// As [`Model::with_weights`], or when the architecture does not allow the options.
    pub fn with_weights_for(name: &str, path: impl AsRef<Path>, options: Options) -> Result<Model> {
        let path = path.as_ref();
        let entry = get(name)?;
        let mut network = entry.build(options.blank())?;
        let loaded = load(&mut network, &Weights::read(path)?)?;
        let mut model = Model::of(entry, network, path.display().to_string())?;
        let bgr = matches!(loaded.naming, Naming::Caffe | Naming::Keras);
        if bgr && entry.input[0] == 3 && entry.input[1] >= 224 {
            model.preprocessing = Preprocessing {
                resize: model.preprocessing.resize,
                crop: model.preprocessing.crop,
                ..Preprocessing::caffe_vgg()
            };
        }
        Ok(model)
    }

    /// An architecture of the catalogue with random weights, for tests and for looking at shapes:
    /// what it says about a photo means nothing.
    ///
    /// # Errors
    /// When there is no such architecture, or it does not allow the options.
    pub fn random(name: &str, options: Options) -> Result<Model> {
        let entry = get(name)?;
        Model::of(entry, entry.build(options)?, "random weights".into())
    }

    fn of(entry: &Entry, network: Network, source: String) -> Result<Model> {
        let input = image_shape(&network)?;
        let classes = network.output_shape().iter().product();
        Ok(Model {
            name: entry.name.to_owned(),
            preprocessing: entry.preprocessing_for(input),
            labels: entry.labels_for(classes),
            network,
            source,
            notice: None,
        })
    }

    /// A network of unknown origin, with the preprocessing and the class names that networks of its
    /// shapes usually have. Both are fields, to be changed where they are not so.
    ///
    /// # Errors
    /// When it does not read images `[channels, height, width]` of 1 or 3 channels.
    pub fn guessed(name: impl Into<String>, network: Network, source: String) -> Result<Model> {
        let input = image_shape(&network)?;
        let classes = network.output_shape().iter().product();
        Ok(Model {
            name: name.into(),
            preprocessing: look::likely(input),
            labels: look::class_names(input, classes),
            network,
            source,
            notice: None,
        })
    }

    /// The five likeliest classes of each photo, the likeliest first.
    ///
    /// # Errors
    /// As [`Model::rank`].
    pub fn classify(&self, photos: &[Photo]) -> Result<Vec<Vec<Ranked>>> {
        self.rank(photos, 5)
    }

    /// The `top` likeliest classes of each photo, the likeliest first; all where there are fewer.
    ///
    /// # Errors
    /// When the preprocessing makes images of another shape than the network reads, or the network
    /// puts out something else than a number for each label.
    pub fn rank(&self, photos: &[Photo], top: usize) -> Result<Vec<Vec<Ranked>>> {
        let mut answers = Vec::with_capacity(photos.len());
        for batch in photos.chunks(BATCH) {
            let images = self.input(batch)?;
            let probabilities = self.probabilities(&images)?;
            for row in top_k(&probabilities, top.min(self.labels.len()).max(1))?
                .into_iter()
                .zip(probabilities.outer_iter())
            {
                let (best, row) = row;
                let named = best.into_iter().map(|index| Ranked {
                    index,
                    label: self.labels[index].clone(),
                    probability: row[index],
                });
                answers.push(named.collect());
            }
        }
        Ok(answers)
    }

    /// Photos as the network reads them, `[N, C, H, W]`.
    ///
    /// # Errors
    /// When a photo cannot be brought into that shape.
    pub fn input(&self, photos: &[Photo]) -> Result<Tensor<f32>> {
        Ok(self.preprocessing.batch(photos)?.into_dyn())
    }

    /// Probabilities `[N, classes]` of images `[N, C, H, W]` that are preprocessed already.
    ///
    /// # Errors
    /// As [`Model::rank`].
    pub fn probabilities(&self, images: &Tensor<f32>) -> Result<Tensor<f32>> {
        let output = self.network.forward(images)?;
        let shape = [output.shape()[0], self.labels.len()];
        let found = output.shape().to_vec();
        // Some networks end in maps of one pixel.
        let Ok(output) = output.into_shape_with_order(shape.to_vec()) else {
            return Err(ZooError::Classes {
                labels: self.labels.len(),
                output: found[1..].to_vec(),
            });
        };
        let summary = self.network.summary();
        let last = summary.rows.last().map(|row| row.kind);
        Ok(match last {
            Some("Softmax") => output,
            _ => softmax(&output)?,
        })
    }
}

/// The registry's entry of weights for a name of the registry or of the catalogue.
fn registered(name: &str) -> Result<String> {
    let registry = Registry::builtin()?;
    let is_weights = |entry: &&convscope_data::Entry| entry.weights.is_some();
    let mut entries = registry.entries.iter().filter(is_weights);
    if entries.clone().any(|entry| entry.name == name) {
        return Ok(name.to_owned());
    }
    let network = get(name)?.name;
    let of_it = |entry: &&convscope_data::Entry| {
        let weights = entry.weights.as_ref();
        weights.is_some_and(|facts| facts.network == network)
    };
    match entries.find(of_it) {
        Some(entry) => Ok(entry.name.clone()),
        None => Err(ZooError::NoWeights {
            name: name.to_owned(),
        }),
    }
}

fn image_shape(network: &Network) -> Result<[usize; 3]> {
    match *network.input_shape() {
        [channels @ (1 | 3), height, width] => Ok([channels, height, width]),
        ref other => Err(ZooError::NoImages {
            input: other.to_vec(),
        }),
    }
}
