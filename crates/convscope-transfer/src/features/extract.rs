//! Images through a network, a batch at a time.

use super::identity::Identity;
use super::resume::{self, Written};
use super::source::Source;
use super::table::{Features, Skipped, provenance};
use super::tap::{Pooling, Tap, Tapped};
use crate::error::{Result, TransferError};
use convscope_data::{Photo, Preprocessing, Resize};
use convscope_nn::Tensor;
use convscope_progress::{ProgressBar, stop_requested};
use convscope_zoo::Model;
use ndarray::{Array2, Array3, Array4, Axis, Ix2, s};
use rayon::prelude::*;
use std::path::Path;

/// Numbers of a batch of images: 16 MB. Together with the largest activations of a batch, which the
/// network makes in parts, that is all the memory it takes beside the features.
const BATCH_NUMBERS: usize = 4 << 20;

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

    /// So many images at a time; if not set, as many as 16 MB hold, 8 at least and 128 at most.
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
    pub fn run(&self, source: &(impl Source + ?Sized)) -> Result<Vec<Features>> {
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
    pub fn to_file(
        &self,
        source: &(impl Source + ?Sized),
        path: impl AsRef<Path>,
    ) -> Result<Written> {
        resume::to_file(self, source, path.as_ref())
    }

    pub(super) fn bar(&self, source: &(impl Source + ?Sized)) -> ProgressBar {
        match self.bar {
            true => {
                let what = format!("features of {}", source.name());
                ProgressBar::new(what, source.len() as u64).unit("images")
            }
            false => ProgressBar::hidden(),
        }
    }

    pub(super) fn ready(&self, source: &(impl Source + ?Sized)) -> Result<Ready> {
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
        let numbers: usize = tapped.net.input_shape().iter().product();
        let batch = self
            .batch
            .unwrap_or((BATCH_NUMBERS / numbers.max(1)).clamp(8, 128));
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
            tapped,
            shard: self.shard.div_ceil(batch) * batch,
            batch,
        })
    }
}

fn no_image(name: &str) -> TransferError {
    TransferError::invalid(format!("{name}: there is no image to make features of"))
}

/// An extraction whose settings were checked against its images.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) tapped: Tapped,
    pub(super) keys: Vec<String>,
    pub(super) identity: Identity,
    preprocessing: Option<Preprocessing>,
    white: f32,
    skip_unreadable: bool,
    pub(super) batch: usize,
    pub(super) shard: usize,
}

/// Rows as they come out of the network, those of all layers beside each other.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Which images.
    pub(super) index: Vec<usize>,
    /// `[n, sum of the widths]`, a batch each.
    pub(super) values: Vec<Array2<f32>>,
    pub(super) skipped: Vec<Skipped>,
}

impl Ready {
    pub(super) fn skip_unreadable(&self) -> bool {
        self.skip_unreadable
    }

    /// The rows of a range of images.
    pub(super) fn rows(
        &self,
        source: &(impl Source + ?Sized),
        range: std::ops::Range<usize>,
        bar: &ProgressBar,
        rows: &mut Rows,
    ) -> Result<()> {
        let last = range.end;
        for from in range.step_by(self.batch) {
            if stop_requested() {
                return Err(TransferError::Stopped {
                    done: format!("{from} of {} images were done", source.len()),
                });
            }
            let to = (from + self.batch).min(last);
            // Pictures are read and resized by all threads.
            let read: Vec<_> = (from..to)
                .into_par_iter()
                .map(|i| self.image(source, i))
                .collect();
            let mut images = Vec::new();
            for (i, image) in (from..to).zip(read) {
                match image {
                    Ok(image) => {
                        rows.index.push(i);
                        images.push(image);
                    }
                    Err(e) if self.skip_unreadable => rows.skipped.push(Skipped {
                        name: source.image_name(i),
                        problem: e.to_string(),
                    }),
                    Err(e) => return Err(e),
                }
            }
            if !images.is_empty() {
                rows.values.push(self.forward(&images)?);
            }
            bar.step((to - from) as u64);
        }
        Ok(())
    }

    fn image(&self, source: &(impl Source + ?Sized), index: usize) -> Result<Array3<f32>> {
        let mut photo = source.open(index)?;
        let image = match &self.preprocessing {
            None => photo.pixels,
            Some(preprocessing) => {
                if self.white != 1.0 {
                    photo.pixels.mapv_inplace(|v| v / self.white);
                }
                preprocessing.apply(&photo)?
            }
        };
        let expected = self.tapped.net.input_shape();
        match image.shape() == expected {
            true => Ok(image),
            false => Err(TransferError::shape(
                format!("\"{}\" as the network takes it", source.image_name(index)),
                format!("{expected:?}"),
                image.shape(),
            )),
        }
    }

    fn forward(&self, images: &[Array3<f32>]) -> Result<Array2<f32>> {
        let (c, h, w) = images[0].dim();
        let mut batch = Array4::zeros((images.len(), c, h, w));
        for (mut place, image) in batch.outer_iter_mut().zip(images) {
            place.assign(image);
        }
        let batch: Tensor = batch.into_dyn();
        let output = self.tapped.net.forward(&batch)?;
        let output = output.into_dimensionality::<Ix2>();
        Ok(output.expect("the taps end in vectors"))
    }
}

impl Rows {
    /// The numbers of one layer, `[n, D]`.
    pub(super) fn layer(&self, widths: &[usize], which: usize) -> Array2<f32> {
        let from: usize = widths[..which].iter().sum();
        let to = from + widths[which];
        let mut values = Array2::zeros((self.index.len(), widths[which]));
        let mut row = 0;
        for part in &self.values {
            let next = row + part.nrows();
            values
                .slice_mut(s![row..next, ..])
                .assign(&part.slice(s![.., from..to]));
            row = next;
        }
        values
    }

    fn into_features(
        self,
        ready: &Ready,
        source: &(impl Source + ?Sized),
    ) -> Result<Vec<Features>> {
        if self.index.is_empty() {
            return Err(no_image(&format!(
                "{} (none of {} could be read)",
                source.name(),
                source.len()
            )));
        }
        let all = ready.keys.iter().enumerate().map(|(k, key)| Features {
            node: key.clone(),
            values: self.layer(&ready.tapped.widths, k),
            labels: self.index.iter().map(|&i| source.label(i)).collect(),
            classes: source.classes(),
            names: self.index.iter().map(|&i| source.image_name(i)).collect(),
            skipped: self.skipped.clone(),
            provenance: provenance(&ready.identity, key),
        });
        Ok(all.collect())
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
