//! The work itself: batches of images through the network, a batch for each thread.

use super::identity::Identity;
use super::source::Source;
use super::table::{Features, Skipped, provenance};
use super::tap::Tapped;
use crate::error::{Result, TransferError};
use convscope_data::Preprocessing;
use convscope_nn::Tensor;
use convscope_progress::{ProgressBar, stop_requested};
use ndarray::{Array2, Axis, Ix2, s};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Threads that share nothing out, as many as there are cores, and no more than there is work for.
pub(super) fn workers(batches: usize) -> Result<Vec<ThreadPool>> {
    let one = || ThreadPoolBuilder::new().num_threads(1).build();
    let all = (0..rayon::current_num_threads().min(batches)).map(|_| one());
    let all: Result<Vec<_>, _> = all.collect();
    all.map_err(|e| TransferError::invalid(format!("features: no threads are to be had: {e}")))
}

pub(super) fn no_image(name: &str) -> TransferError {
    TransferError::invalid(format!("{name}: there is no image to make features of"))
}

/// An extraction whose settings were checked against its images.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) tapped: Tapped,
    pub(super) keys: Vec<String>,
    pub(super) identity: Identity,
    pub(super) preprocessing: Option<Preprocessing>,
    /// What is white in the images.
    pub(super) white: f32,
    pub(super) skip_unreadable: bool,
    pub(super) workers: Arc<Vec<ThreadPool>>,
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

    pub(super) fn into_features(self, ready: &Ready, source: &dyn Source) -> Result<Vec<Features>> {
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
