//! A recipe from the first step to the file beside its card.

use crate::data::Sets;
use crate::machine;
use crate::recipe::Recipe;
use anyhow::{Context, Result, bail};
use convscope_data::write_atomic;
use convscope_nn::{Checkpoints, History, Network, Progress, StopHandle, evaluate};
use convscope_weights::Weights;
use convscope_zoo::shipped::{self, Card, Data, Epoch, Figures};
use convscope_zoo::{Options, get, load};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// What to train and where to put it.
#[derive(Clone, Debug)]
pub struct Job {
    /// How.
    pub recipe: Recipe,
    /// Where the weights and their card go.
    pub folder: PathBuf,
    /// What the card says that trains it again.
    pub command: String,
    /// What the card says about the machine beside its kind.
    pub note: Option<String>,
    /// What is shown.
    pub progress: Progress,
    /// Asks it to stop.
    pub stop: StopHandle,
}

/// How a training ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ended {
    /// With weights and a card.
    Done(Box<Card>),
    /// On request; the same job goes on from there.
    Stopped {
        /// Where it stands.
        at: String,
        /// The checkpoint.
        checkpoint: PathBuf,
    },
}

/// Batches between two checkpoints: half a minute's work of the slowest recipe, or less.
const EVERY: usize = 50;

impl Job {
    /// Where the checkpoint lies while it trains.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join(format!("{}.training", self.recipe.name))
    }
}

/// Trains by a recipe, or goes on where an earlier process stopped or was killed, and writes
/// `NAME.safetensors` and `NAME.json` into the folder: files that were there are replaced at the very
/// end, by whole ones.
///
/// # Errors
/// When a checkpoint is of another recipe, another process trains the same, or a file cannot be
/// written.
pub fn train(job: &Job, sets: &Sets) -> Result<Ended> {
    let recipe = &job.recipe;
    let entry = get(recipe.name)?;
    let [_, channels, height, width] = *sets.train.images.shape() else {
        bail!(
            "expected images [N, C, H, W], got {:?}",
            sets.train.images.shape()
        );
    };
    let options = Options::new()
        .channels(channels)
        .sizes(height, width)
        .classes(sets.train.classes.len())
        .seed(recipe.seed);
    let mut net = entry.build(options)?;

    let folder = job.checkpoints();
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let lock = alone(&folder, recipe.name)?;
    let checkpoints = Checkpoints::in_folder(&folder).every_batches(EVERY);
    let last = checkpoints.last();
    let mut training = recipe
        .training()
        .progress(job.progress)
        .stop_handle(&job.stop)
        .checkpoints(checkpoints);
    if last.exists() {
        training = training.resume_from(&last);
    }
    let history = training
        .fit(&mut net, &sets.train, &sets.validation)
        .with_context(|| {
            format!(
                "training {} failed; {} begins anew with --fresh",
                recipe.name, job.command
            )
        })?;
    if let Some(at) = history.stopped {
        return Ok(Ended::Stopped {
            at,
            checkpoint: last,
        });
    }
    let (bytes, card) = finish(job, sets, &net, &history)?;
    let place = |end: &str| job.folder.join(format!("{}.{end}", recipe.name));
    for (path, bytes) in [
        (place("safetensors"), bytes),
        (place("json"), card.to_json().into_bytes()),
    ] {
        write_atomic(&path, &bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    drop(lock);
    // Of no use any more, and of no harm if it stays.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(Ended::Done(Box::new(card)))
}

/// Nobody else trains the same in the same folder, as long as the file is held.
fn alone(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another process is training {name}: its checkpoint is in {}",
            folder.display()
        ),
        // A file system without locks.
        Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// The file's bytes and the card, with figures of the weights as they are in the file.
fn finish(job: &Job, sets: &Sets, net: &Network, history: &History) -> Result<(Vec<u8>, Card)> {
    let recipe = &job.recipe;
    let mut weights = Weights::new();
    for (path, tensor) in net.parameters().into_iter().chain(net.buffers()) {
        weights.insert(path, tensor.clone())?;
    }
    let bytes = weights.to_half_safetensors()?;
    let mut rounded = net.clone();
    load(&mut rounded, &Weights::from_bytes(&bytes, recipe.name)?)?;

    let train = evaluate(&rounded, &sets.train)?;
    let test = evaluate(&rounded, &sets.test)?;
    let figures = Figures {
        train_loss: digits(train.loss),
        train_accuracy: digits(train.accuracy),
        validation_accuracy: evaluate(&rounded, &sets.validation)?.accuracy,
        test_loss: digits(test.loss),
        test_accuracy: test.accuracy,
        test_accuracy_unrounded: evaluate(net, &sets.test)?.accuracy,
    };
    let &[channels, height, width] = net.input_shape() else {
        bail!(
            "expected an input of [C, H, W], got {:?}",
            net.input_shape()
        );
    };
    let machine = match &job.note {
        Some(note) => format!("{}; {note}", machine::kind()),
        None => machine::kind(),
    };
    let card = Card {
        name: recipe.name.into(),
        architecture: recipe.name.into(),
        input: [channels, height, width],
        parameters: net.parameter_count(),
        labels: sets.train.classes.clone(),
        preprocessing: (recipe.preprocessing)(),
        data: Data {
            set: sets.train.name.clone(),
            train: sets.train.len(),
            validation: sets.validation.len(),
            test: sets.test.len(),
            notice: sets.notice.clone(),
        },
        settings: recipe.settings(),
        command: job.command.clone(),
        seconds: history.seconds().round(),
        machine,
        figures,
        sha256: shipped::checksum(&bytes),
        history: history.epochs.iter().map(Epoch::from).collect(),
    };
    Ok((bytes, card))
}

/// Six digits: more says nothing.
fn digits(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
