//! Batches: who is in them, and a thread that makes them while the network works on the last one.

use crate::error::{NnError, Result};
use crate::real::Tensor;
use convscope_data::{Augmentation, Dataset};
use ndarray::{ArrayView3, IxDyn};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Batches that wait for the network, beside the one being made.
const AHEAD: usize = 2;

/// Images with their labels, ready for a step.
#[derive(Debug)]
pub(super) struct Batch {
    /// `[N, C, H, W]`.
    pub(super) x: Tensor,
    /// With mix-up, those of the larger shares.
    pub(super) labels: Vec<usize>,
    /// With mix-up, each class's share of each image, `[N, classes]`.
    pub(super) shares: Option<Tensor>,
}

/// The shape of one image as the network sees it.
///
/// # Errors
/// When the images cannot be augmented so.
pub(super) fn seen_shape(set: &Dataset, augmentation: &Augmentation) -> Result<Vec<usize>> {
    let shape = set.images.shape().get(1..).unwrap_or_default();
    match *shape {
        _ if augmentation.is_empty() => Ok(shape.to_vec()),
        [c, h, w] => Ok(augmentation.output_shape([c, h, w])?.to_vec()),
        _ => Err(NnError::shape(
            "augmentation",
            "images [channels, height, width]",
            shape,
        )),
    }
}

/// Which images come when, and what is done to them.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    images: Cow<'a, [f32]>,
    labels: &'a [usize],
    classes: usize,
    /// Of one image, before it is augmented.
    from: &'a [usize],
    /// Of one image as the network sees it.
    shape: Vec<usize>,
    batch_size: usize,
    seed: u64,
    augmentation: &'a Augmentation,
}

impl<'a> Plan<'a> {
    /// # Errors
    /// When the images cannot be augmented so.
    pub(super) fn new(
        set: &'a Dataset,
        batch_size: usize,
        seed: u64,
        augmentation: &'a Augmentation,
    ) -> Result<Plan<'a>> {
        let images = match set.images.as_slice() {
            Some(pixels) => Cow::Borrowed(pixels),
            None => Cow::Owned(set.images.iter().copied().collect()),
        };
        Ok(Plan {
            images,
            labels: &set.labels,
            classes: set.classes.len(),
            from: &set.images.shape()[1..],
            shape: seen_shape(set, augmentation)?,
            batch_size,
            seed,
            augmentation,
        })
    }

    /// How many batches an epoch has; the last may be smaller.
    pub(super) fn batches(&self) -> usize {
        self.labels.len().div_ceil(self.batch_size)
    }

    /// The order of the images in an epoch.
    fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch as u64);
        order.shuffle(&mut rng);
        order
    }

    /// A batch of these images, in memory that an earlier one had.
    fn make(&self, epoch: usize, chosen: &[usize], mut pixels: Vec<f32>) -> Result<Batch> {
        pixels.clear();
        let mut labels: Vec<usize> = chosen.iter().map(|&i| self.labels[i]).collect();
        let (mut shares, mut other) = (Vec::new(), Vec::new());
        for (&i, label) in chosen.iter().zip(&mut labels) {
            let at = pixels.len();
            self.add(epoch, i, &mut pixels)?;
            let key = (self.seed, epoch as u64, i as u64);
            if let Some(pair) = self.augmentation.pair(self.labels.len(), key) {
                other.clear();
                self.add(epoch, pair.partner, &mut other)?;
                pair.mix(&mut pixels[at..], &other);
                let row = shares.len();
                shares.resize(row + self.classes, 0.0);
                let partners = self.labels[pair.partner];
                pair.label(&mut shares[row..], *label, partners);
                if pair.share < 0.5 {
                    *label = partners;
                }
            }
        }
        let mut shape = vec![chosen.len()];
        shape.extend(&self.shape);
        let of = "as many as the shape holds";
        Ok(Batch {
            x: Tensor::from_shape_vec(IxDyn(&shape), pixels).expect(of),
            shares: (!shares.is_empty()).then(|| {
                let shape = IxDyn(&[chosen.len(), self.classes]);
                Tensor::from_shape_vec(shape, shares).expect(of)
            }),
            labels,
        })
    }

    /// Adds an image to others, augmented.
    fn add(&self, epoch: usize, i: usize, pixels: &mut Vec<f32>) -> Result<()> {
        let size: usize = self.from.iter().product();
        let image = &self.images[i * size..][..size];
        let [c, h, w] = *self.from else {
            pixels.extend_from_slice(image);
            return Ok(());
        };
        let key = (self.seed, epoch as u64, i as u64);
        let added = if *self.shape == *self.from {
            let at = pixels.len();
            pixels.extend_from_slice(image);
            self.augmentation.apply(&mut pixels[at..], [c, h, w], key)
        } else {
            let view = ArrayView3::from_shape([c, h, w], image).expect("an image of this shape");
            let augmented = self.augmentation.augment(view, key);
            augmented.map(|image| pixels.extend(image.iter()))
        };
        added.map_err(|e| NnError::Invalid(format!("augmenting image {i}: {e}")))
    }

    /// Runs `body` beside a thread that makes the batches from number `batch` (from 0) of `epoch`
    /// (from 1) up to the end of the last epoch. The thread ends with `body`, whatever is left.
    pub(super) fn prefetch<R>(
        &self,
        (epoch, batch): (usize, usize),
        last_epoch: usize,
        body: impl FnOnce(&Batches) -> Result<R>,
    ) -> Result<R> {
        let (ready, batches) = sync_channel(AHEAD);
        let (back, used) = channel();
        thread::scope(|scope| {
            thread::Builder::new()
                .name("convscope-batches".into())
                .spawn_scoped(scope, move || {
                    for e in epoch..=last_epoch {
                        let skip = if e == epoch { batch } else { 0 };
                        if self.load(e, skip, &ready, &used).is_none() {
                            return;
                        }
                    }
                })
                .map_err(|e| NnError::Invalid(format!("no thread to make batches on: {e}")))?;
            let batches = Batches {
                ready: batches,
                back,
            };
            // Dropped on the way out, which ends the thread.
            body(&batches)
        })
    }

    /// Makes an epoch's batches; `None` when there is no use for more.
    fn load(
        &self,
        epoch: usize,
        skip: usize,
        ready: &SyncSender<Result<Batch>>,
        used: &Receiver<Vec<f32>>,
    ) -> Option<()> {
        let order = self.order(epoch);
        for (i, chosen) in order.chunks(self.batch_size).enumerate().skip(skip) {
            let memory = used.try_recv().unwrap_or_default();
            let made = catch_unwind(AssertUnwindSafe(|| self.make(epoch, chosen, memory)));
            let made = made.unwrap_or_else(|panic| {
                Err(NnError::Invalid(format!(
                    "making batch {} of epoch {epoch} panicked: {}",
                    i + 1,
                    message(&*panic)
                )))
            });
            let failed = made.is_err();
            ready.send(made).ok()?;
            if failed {
                return None;
            }
        }
        Some(())
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

/// The end of the queue that training takes from.
#[derive(Debug)]
pub(super) struct Batches {
    ready: Receiver<Result<Batch>>,
    back: Sender<Vec<f32>>,
}

impl Batches {
    /// The next batch, when it is ready.
    ///
    /// # Errors
    /// What went wrong while it was made.
    pub(super) fn next(&self) -> Result<Batch> {
        loop {
            match self.ready.try_recv() {
                Ok(batch) => return batch,
                Err(TryRecvError::Disconnected) => {
                    return Err(NnError::Invalid("there are no more batches".into()));
                }
                Err(TryRecvError::Empty) => {}
            }
            // This is a thread of the pool. An augmentation may be waiting for the pool in its turn:
            // lend a hand instead of blocking.
            if rayon::yield_now() == Some(rayon::Yield::Executed) {
                continue;
            }
            if let Ok(batch) = self.ready.recv_timeout(Duration::from_millis(1)) {
                return batch;
            }
        }
    }

    /// Gives a batch's memory back, to be filled again: fresh memory is slow.
    pub(super) fn give_back(&self, batch: Batch) {
        let _ = self.back.send(batch.x.into_raw_vec_and_offset().0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Image `i` is all `i`, and has label `i`.
    fn set(n: usize) -> Dataset {
        Dataset {
            name: "numbers".into(),
            images: Tensor::from_shape_fn(vec![n, 1, 2, 2], |i| i[0] as f32),
            labels: (0..n).collect(),
            classes: (0..n).map(|i| i.to_string()).collect(),
        }
    }

    fn epochs(plan: &Plan<'_>, from: (usize, usize), last: usize) -> Vec<Vec<usize>> {
        let count = (last + 1 - from.0) * plan.batches() - from.1;
        plan.prefetch(from, last, |batches| {
            (0..count)
                .map(|_| {
                    let batch = batches.next()?;
                    let pixels = batch.x.iter().step_by(4).map(|&v| v as usize);
                    assert_eq!(pixels.collect::<Vec<_>>(), batch.labels);
                    let labels = batch.labels.clone();
                    batches.give_back(batch);
                    Ok(labels)
                })
                .collect()
        })
        .unwrap()
    }

    #[test]
    fn every_epoch_has_every_image_once_in_an_order_of_its_own() {
        let (set, none) = (set(10), Augmentation::new());
        let plan = Plan::new(&set, 4, 7, &none).unwrap();
        let all = epochs(&plan, (1, 0), 2);
        let sizes: Vec<usize> = all.iter().map(Vec::len).collect();
        assert_eq!(sizes, [4, 4, 2, 4, 4, 2]);
        for epoch in [&all[..3], &all[3..]] {
            let mut images = epoch.concat();
            images.sort();
            assert_eq!(images, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(all[..3], all[3..]);
        let other = Plan::new(&set, 4, 8, &none).unwrap();
        assert_ne!(epochs(&other, (1, 0), 2), all);
        // Begun anywhere, it goes on as it would have.
        for (from, skipped) in [((1, 1), 1), ((1, 3), 3), ((2, 2), 5)] {
            assert_eq!(epochs(&plan, from, 2), all[skipped..], "{from:?}");
        }
    }

    #[test]
    fn mix_up_makes_pairs_whose_labels_are_shares() {
        let (set, augmentation) = (set(10), Augmentation::new().mix_up(0.7));
        let plan = Plan::new(&set, 4, 7, &augmentation).unwrap();
        let batch = plan.make(2, &[3, 8, 0], Vec::new()).unwrap();
        let shares = batch.shares.unwrap();
        assert_eq!(shares.shape(), [3, 10]);
        for (row, (image, i)) in shares.outer_iter().zip(batch.x.outer_iter().zip([3, 8, 0])) {
            let pair = augmentation.pair(10, (7, 2, i)).unwrap();
            assert!((row.sum() - 1.0).abs() < 1e-6);
            // Image `i` is all `i`, so the mixed one is the mean of the labels.
            let mean: f32 = row.iter().enumerate().map(|(k, s)| k as f32 * s).sum();
            assert!(image.iter().all(|v| (v - mean).abs() < 1e-5));
            assert!(row[i as usize] >= pair.share && row[pair.partner] >= 1.0 - pair.share);
        }
        let largest = |row: ndarray::ArrayViewD<'_, f32>| {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.unwrap().0
        };
        let expected: Vec<usize> = shares.outer_iter().map(largest).collect();
        assert_eq!(batch.labels, expected);
    }

    #[test]
    fn images_may_get_another_size() {
        let (set, crop) = (set(6), Augmentation::new().scaled_crop((3, 3), 3));
        let plan = Plan::new(&set, 4, 7, &crop).unwrap();
        let batch = plan.make(1, &[5, 2], Vec::new()).unwrap();
        assert_eq!(batch.x.shape(), [2, 1, 3, 3]);
        assert!(
            batch
                .x
                .iter()
                .zip([5.0; 9].iter().chain(&[2.0; 9]))
                .all(|(a, b)| (a - b).abs() < 1e-5)
        );
        assert_eq!((batch.labels, batch.shares), (vec![5, 2], None));
    }

    #[test]
    fn an_error_or_a_panic_in_the_background_comes_out_as_an_error() {
        let set = set(10);
        let panicking = Augmentation::new().custom("p", |image, _| match image[[0, 0, 0]] {
            3.0 => panic!("three"),
            _ => Ok(()),
        });
        let failing = Augmentation::new().custom("f", |image, _| match image[[0, 0, 0]] {
            3.0 => Err(convscope_data::DataError::Argument {
                what: "f",
                problem: "three".into(),
            }),
            _ => Ok(()),
        });
        for (augmentation, word) in [
            (panicking, "panicked: three"),
            (failing, "image 3: f: three"),
        ] {
            let plan = Plan::new(&set, 2, 1, &augmentation).unwrap();
            let error = plan.prefetch((1, 0), 1, |batches| {
                (0..5).try_for_each(|_| batches.next().map(|b| batches.give_back(b)))
            });
            let error = error.unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn no_more_is_made_ahead_than_the_queue_holds_and_the_thread_ends_with_the_body() {
        let (set, made) = (set(100), Arc::new(AtomicUsize::new(0)));
        let counter = made.clone();
        let counting = Augmentation::new().custom("c", move |_, _| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        let plan = Plan::new(&set, 1, 1, &counting).unwrap();
        plan.prefetch((1, 0), 1_000_000, |batches| {
            let batch = batches.next()?;
            // Time enough to run ahead, if it would.
            thread::sleep(Duration::from_millis(50));
            batches.give_back(batch);
            Ok(())
        })
        .unwrap();
        // One taken, those that wait, one made while the queue was full, one more at the end.
        assert!(made.load(Ordering::SeqCst) <= AHEAD + 3, "{made:?}");
    }

    #[test]
    fn an_augmentation_may_use_the_pool_even_if_training_holds_its_only_thread() {
        let set = set(6);
        let pool = Arc::new(
            rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .build()
                .unwrap(),
        );
        let inner = pool.clone();
        let pooled = Augmentation::new().custom("pool", move |mut image, _| {
            inner.install(|| image += 1.0);
            Ok(())
        });
        let plan = Plan::new(&set, 2, 1, &pooled).unwrap();
        let sum = pool.install(|| {
            plan.prefetch((1, 0), 1, |batches| {
                (0..3)
                    .map(|_| Ok(batches.next()?.x.sum()))
                    .sum::<Result<f32>>()
            })
        });
        assert_eq!(sum.unwrap(), 4.0 * (15.0 + 6.0));
    }
}
