//! What is to be made of which images, and how: the settings of an extraction, and its calls.

use super::identity::Identity;
use super::resume::{self, Written};
use super::source::Source;
use super::table::Features;
use super::tap::{Pooling, Tap, Tapped};
use super::work::{Ready, Rows, no_image, workers};
use crate::error::{Result, TransferError};
use convscope_data::{Photo, Preprocessing, Resize};
use convscope_progress::ProgressBar;
use convscope_zoo::Model;
use ndarray::Axis;
use std::path::Path;
use std::sync::Arc;

/// Numbers of the largest activation of a batch: 8 MB, so that it is in the cache when the next layer
/// reads it. Each thread has a batch, and that is all the memory it takes beside the features.
const BATCH_NUMBERS: usize = 2 << 20;

/// Images between two moments at which a file is safe, about.
const SHARD: usize = 512;

/// Which features of which images: a network, one or several of its layers, and what is done to a
/// picture first.
///
/// ```no_run
/// use convscope_transfer::{Extraction, LabelledPhotos, Pooling};
/// use convscope_zoo::Model;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Model::pretrained("squeezenet1_0")?;
/// let photos = LabelledPhotos::by_folder("ants and bees", convscope_data::ants_bees()?)?;
/// let features = Extraction::of(&model)
///     .layer("features.9")
///     .pooled("features.12", Pooling::GlobalMax)
///     .run(&photos)?;
/// println!("{}", features[0]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Extraction {
    model: Model,
    taps: Vec<Tap>,
    preprocessing: Option<Preprocessing>,
    skip_unreadable: bool,
    batch: Option<usize>,
    pub(super) shard: usize,
    bar: bool,
}

impl Extraction {
    /// Of a model's network and with its preprocessing; layers are to be named.
    pub fn of(model: &Model) -> Extraction {
        Extraction {
            model: model.clone(),
            taps: Vec::new(),
            preprocessing: Some(model.preprocessing.clone()),
            skip_unreadable: false,
            batch: None,
            shard: SHARD,
            bar: true,
        }
    }

    /// At a node, the mean of each channel.
    pub fn layer(self, node: &str) -> Extraction {
        self.pooled(node, Pooling::default())
    }

    /// At a node, with a pooling.
    pub fn pooled(self, node: &str, pooling: Pooling) -> Extraction {
        self.tap(Tap::new(node).pooling(pooling))
    }

    /// At a tap.
    pub fn tap(mut self, tap: Tap) -> Extraction {
        self.taps.push(tap);
        self
    }

    /// With a preprocessing of one's own.
    pub fn preprocessing(mut self, preprocessing: Preprocessing) -> Extraction {
        self.preprocessing = Some(preprocessing);
        self
    }

    /// Pictures brought to `side` x `side`, the short side first and then the centre; otherwise as the
    /// model wants them. Layers before the first fully connected one do not mind another size than the
    /// network's.
    pub fn size(mut self, side: usize) -> Extraction {
        self.preprocessing = Some(Preprocessing {
            resize: Resize::ShortSide(side),
            crop: Some([side; 2]),
            ..self.model.preprocessing.clone()
        });
        self
    }

    /// Of images that are preprocessed already.
    pub fn as_they_are(mut self) -> Extraction {
        self.preprocessing = None;
        self
    }

    /// Leaves images out that cannot be read, and lists them in [`Features::skipped`]; otherwise the
    /// first of them is an error.
    pub fn skip_unreadable(mut self) -> Extraction {
        self.skip_unreadable = true;
        self
    }

    /// So many images at a time, on each thread; if not set, as many as leave the largest activation
    /// in 8 MB, 128 at most.
    pub fn batch(mut self, images: usize) -> Extraction {
        self.batch = Some(images);
        self
    }

    /// So many images between two moments at which a file is safe, rounded up to whole batches; 512
    /// if not set.
    pub fn shard(mut self, images: usize) -> Extraction {
        self.shard = images;
        self
    }

    /// Shows no progress bar.
    pub fn quiet(mut self) -> Extraction {
        self.bar = false;
        self
    }

    /// The features of all images in memory, one for each layer, in the layers' order. The network is
    /// run once, and only as far as the last layer needs it.
    ///
    /// # Errors
    /// When there is no such layer or no image, an image cannot be read or does not fit, or the user
    /// asked for an end.
    pub fn run(&self, source: &dyn Source) -> Result<Vec<Features>> {
        let ready = self.ready(source)?;
        let mut rows = Rows::default();
        let bar = self.bar(source);
        for from in (0..source.len()).step_by(ready.shard) {
            let to = (from + ready.shard).min(source.len());
            ready.rows(source, from..to, &bar, &mut rows)?;
        }
        bar.finish();
        rows.into_features(&ready, source)
    }

    /// The features of pictures that somebody has in hand: an iterator of them, taken a batch at a
    /// time. They have no labels: all are of one class, `"unlabelled"`.
    ///
    /// # Errors
    /// As [`Extraction::run`].
    pub fn run_photos(&self, photos: impl IntoIterator<Item = Photo>) -> Result<Vec<Features>> {
        let mut photos = photos.into_iter().peekable();
        let mut all: Vec<Features> = Vec::new();
        while photos.peek().is_some() {
            let held = Held(photos.by_ref().take(self.shard.max(1)).collect());
            let part = self.clone().quiet().run(&held)?;
            match all.is_empty() {
                true => all = part,
                false => {
                    for (all, part) in all.iter_mut().zip(part) {
                        let both = [all.values.view(), part.values.view()];
                        all.values = ndarray::concatenate(Axis(0), &both).expect("rows alike");
                        all.labels.extend(part.labels);
                        all.names.extend(part.names);
                        all.skipped.extend(part.skipped);
                    }
                }
            }
        }
        match all.is_empty() {
            true => Err(no_image("the pictures in hand")),
            false => Ok(all),
        }
    }

    /// The features of any number of images in a `.npz` file, in memory that does not grow with their
    /// number: a float32 array `[N, D]` for each layer under [`Tap::key`], `labels` as int64, and
    /// `about.json` with names, classes and what they belong to.
    ///
    /// On the way, finished parts lie in `FILE.parts` beside it. A run that is killed at any moment
    /// loses the part under way at most: the same call goes on behind the finished ones, and ends in
    /// the same bytes. A file that is there already is left as it is, if it belongs to this network,
    /// these layers, this preprocessing and these images.
    ///
    /// # Errors
    /// As [`Extraction::run`]; when a file or its parts belong to something else, which the message
    /// names; when another process writes the same file; when it cannot be written.
    pub fn to_file(&self, source: &dyn Source, path: impl AsRef<Path>) -> Result<Written> {
        resume::to_file(self, source, path.as_ref())
    }

    pub(super) fn bar(&self, source: &dyn Source) -> ProgressBar {
        match self.bar {
            true => {
                let what = format!("features of {}", source.name());
                ProgressBar::new(what, source.len() as u64).unit("images")
            }
            false => ProgressBar::hidden(),
        }
    }

    pub(super) fn ready(&self, source: &dyn Source) -> Result<Ready> {
        if source.is_empty() {
            return Err(no_image(&source.name()));
        }
        if self.batch == Some(0) || self.shard == 0 {
            return Err(TransferError::invalid(
                "features: expected batches and parts of at least one image",
            ));
        }
        let input = match &self.preprocessing {
            Some(preprocessing) => preprocessing.output_shape(),
            None => (0..source.len())
                .find_map(|i| source.open(i).ok())
                .map(|photo| photo.pixels.dim().into()),
        };
        let tapped = Tapped::new(&self.model.network, &self.taps, input)?;
        let batch = self.batch.unwrap_or_else(|| {
            let views = tapped.net.views().map(|v| v.shape.iter().product());
            let largest = views.chain([tapped.net.input_shape().iter().product()]);
            (BATCH_NUMBERS / largest.max().unwrap_or(1).max(1)).clamp(1, 128)
        });
        Ok(Ready {
            keys: self.taps.iter().map(Tap::key).collect(),
            identity: Identity::new(
                &self.model.name,
                &tapped.net,
                &self.taps,
                self.preprocessing.as_ref(),
                source,
            ),
            white: match &self.preprocessing {
                Some(_) => source.white()?,
                None => 1.0,
            },
            preprocessing: self.preprocessing.clone(),
            skip_unreadable: self.skip_unreadable,
            workers: Arc::new(workers(source.len().div_ceil(batch))?),
            tapped,
            shard: self.shard.div_ceil(batch) * batch,
            batch,
        })
    }
}

/// Pictures in memory.
struct Held(Vec<Photo>);

impl Source for Held {
    fn name(&self) -> String {
        "pictures in hand".into()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn image_name(&self, index: usize) -> String {
        self.0[index].name.clone()
    }

    fn label(&self, _index: usize) -> usize {
        0
    }

    fn classes(&self) -> Vec<String> {
        vec!["unlabelled".into()]
    }

    fn open(&self, index: usize) -> Result<Photo> {
        Ok(self.0[index].clone())
    }
}
