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
use ndarray::{Array2, Axis, Ix2, s};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Threads that share nothing out, as many as there are cores, and no more than there is work for.
fn workers(batches: usize) -> Result<Vec<ThreadPool>> {
    let one = || ThreadPoolBuilder::new().num_threads(1).build();
    let all = (0..rayon::current_num_threads().min(batches)).map(|_| one());
    let all: Result<Vec<_>, _> = all.collect();
    all.map_err(|e| TransferError::invalid(format!("features: no threads are to be had: {e}")))
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
    workers: Arc<Vec<ThreadPool>>,
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

    /// The rows of a range of images. Every thread has a batch of its own, from opening the pictures
    /// to the last layer, so that none waits for another at every layer.
    pub(super) fn rows(
        &self,
        source: &dyn Source,
        range: Range<usize>,
        bar: &ProgressBar,
        rows: &mut Rows,
    ) -> Result<()> {
        let from = range.clone().step_by(self.batch);
        let batches: Vec<_> = from
            .map(|from| from..(from + self.batch).min(range.end))
            .collect();
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let done = Mutex::new(Vec::with_capacity(batches.len()));
        let work = || {
            let mut images = self.blank(0);
            while !failed.load(Ordering::Relaxed) {
                let k = next.fetch_add(1, Ordering::Relaxed);
                let Some(batch) = batches.get(k) else {
                    break;
                };
                let found = self.batch(source, batch.clone(), &mut images);
                match &found {
                    Ok(_) => bar.step(batch.len() as u64),
                    Err(_) => failed.store(true, Ordering::Relaxed),
                }
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push((k, found));
            }
        };
        match self.workers.len() > 1 && batches.len() >= self.workers.len() {
            true => std::thread::scope(|scope| {
                for worker in self.workers.iter() {
                    scope.spawn(move || worker.install(work));
                }
            }),
            // Too few for all: they are taken one by one, each by all threads.
            false => work(),
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Batches are handed out in order, so the first error is the same however threads run.
        done.sort_by_key(|(k, _)| *k);
        for (_, found) in done {
            let mut found = found?;
            rows.index.append(&mut found.index);
            rows.values.append(&mut found.values);
            rows.skipped.append(&mut found.skipped);
        }
        Ok(())
    }

    /// The rows of one batch; `images` is memory to be used again.
    fn batch(&self, source: &dyn Source, batch: Range<usize>, images: &mut Tensor) -> Result<Rows> {
        if stop_requested() {
            return Err(TransferError::Stopped {
                done: format!("{} of {} images were done", batch.start, source.len()),
            });
        }
        if images.shape()[0] != batch.len() {
            *images = self.blank(batch.len());
        }
        let numbers = images.as_slice_mut().expect("as it was made");
        let read: Vec<Result<()>> = numbers
            .par_chunks_exact_mut(self.numbers())
            .zip(batch.clone())
            .map(|(place, i)| self.image(source, i, place))
            .collect();
        let mut rows = Rows::default();
        for (i, read) in batch.clone().zip(read) {
            match read {
                Ok(()) => rows.index.push(i),
                Err(e) if self.skip_unreadable => rows.skipped.push(Skipped {
                    name: source.image_name(i),
                    problem: e.to_string(),
                }),
                Err(e) => return Err(e),
            }
        }
        let values = match rows.index.len() {
            0 => return Ok(rows),
            n if n == batch.len() => self.forward(images)?,
            _ => {
                let places: Vec<usize> = rows.index.iter().map(|i| i - batch.start).collect();
                self.forward(&images.select(Axis(0), &places))?
            }
        };
        self.check(source, &rows.index, &values)?;
        rows.values.push(values);
        Ok(rows)
    }

    /// Room for so many images.
    fn blank(&self, images: usize) -> Tensor {
        let mut shape = vec![images];
        shape.extend(self.tapped.net.input_shape());
        Tensor::zeros(shape)
    }

    /// The numbers of an image.
    fn numbers(&self) -> usize {
        self.tapped.net.input_shape().iter().product()
    }

    /// One image as the network takes it.
    fn image(&self, source: &dyn Source, index: usize, place: &mut [f32]) -> Result<()> {
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
        if image.shape() != expected {
            return Err(TransferError::shape(
                format!("\"{}\" as the network takes it", source.image_name(index)),
                format!("{expected:?}"),
                image.shape(),
            ));
        }
        // Bytes are numbers, whatever becomes of them; of others nobody knows.
        if self.preprocessing.is_none()
            && let Some((at, v)) = image.indexed_iter().find(|(_, v)| !v.is_finite())
        {
            let what = format!("{} holds {v} at {at:?}", photo.name);
            return Err(TransferError::invalid(what));
        }
        match image.as_slice() {
            Some(numbers) => place.copy_from_slice(numbers),
            None => place.iter_mut().zip(&image).for_each(|(p, v)| *p = *v),
        }
        Ok(())
    }

    fn forward(&self, images: &Tensor) -> Result<Array2<f32>> {
        let output = self.tapped.net.forward(images)?;
        let output = output.into_dimensionality::<Ix2>();
        Ok(output.expect("the taps end in vectors"))
    }

    /// A file with NaN in it could not be read back: it is found out at the image that makes it.
    fn check(&self, source: &dyn Source, there: &[usize], values: &Array2<f32>) -> Result<()> {
        let finite = |row: &ndarray::ArrayView1<'_, f32>| row.iter().all(|v| v.is_finite());
        match values.outer_iter().position(|row| !finite(&row)) {
            None => Ok(()),
            Some(row) => Err(TransferError::invalid(format!(
                "the features of \"{}\" in {} are not finite numbers: look at that image, and at \
                 the weights",
                source.image_name(there[row]),
                source.name()
            ))),
        }
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

    fn into_features(self, ready: &Ready, source: &dyn Source) -> Result<Vec<Features>> {
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
