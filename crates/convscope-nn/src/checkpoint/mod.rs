//! Checkpoints: everything a run needs to go on, in one file, written whole or not at all.
//!
//! The file holds the network's parameters and buffers, the optimizer's state for each parameter,
//! how far the run has come, its seed and settings, the history, and a fingerprint of the network.

mod fingerprint;
mod format;

use crate::error::{NnError, Result};
use crate::network::Network;
use crate::optim::State;
use crate::real::Tensor;
use crate::train::{EpochRecord, History, Measure, Run, Training};
use convscope_data::{Dataset, write_atomic};
use fingerprint::Fingerprint;
use format::{Loaded, Numbers};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What is in the file and is not a tensor.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    network: Fingerprint,
    optimizer: String,
    optimizer_name: String,
    /// By name, as [`Training::settings`] gives them.
    settings: Vec<(String, String)>,
    set: String,
    epoch: usize,
    batch: usize,
    step: u64,
    /// Of the epoch under way.
    right: u64,
    images: u64,
    /// Steps that the optimizer has taken, by parameter.
    steps: Vec<u64>,
    measure: Measure,
    stopped: Option<String>,
    has_best: bool,
}

/// A column of the history.
type Column = (&'static str, fn(&mut EpochRecord) -> &mut f64);

const COLUMNS: [Column; 7] = [
    ("train_loss", |e| &mut e.train_loss),
    ("train_accuracy", |e| &mut e.train_accuracy),
    ("valid_loss", |e| &mut e.valid_loss),
    ("valid_accuracy", |e| &mut e.valid_accuracy),
    ("seconds", |e| &mut e.seconds),
    ("learning_rate", |e| &mut e.learning_rate),
    ("images_per_second", |e| &mut e.images_per_second),
];

/// A checkpoint that was read: whole, of this format, and unchanged since it was written.
///
/// [`Training::resume_from`] goes on from one; this is for looking into it, and for taking the
/// network out of it.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    content: Content,
    tensors: BTreeMap<String, Loaded>,
    history: History,
}

impl Checkpoint {
    /// Reads a file and checks that it is whole.
    ///
    /// # Errors
    /// When it cannot be read, is no checkpoint, was written by a newer Convscope, is truncated, or
    /// its checksum does not match. Every message names the file and what was expected.
    pub fn read(path: impl AsRef<Path>) -> Result<Checkpoint> {
        let path = path.as_ref();
        let failed = |problem: String| NnError::Checkpoint {
            path: path.to_owned(),
            problem,
        };
        let bytes =
            std::fs::read(path).map_err(|e| failed(format!("expected a file to read: {e}")))?;
        let (content, tensors) = format::decode(&bytes).map_err(failed)?;
        let content: Content = serde_json::from_value(content)
            .map_err(|e| failed(format!("its content is not what it should be: {e}")))?;
        let mut checkpoint = Checkpoint {
            path: path.to_owned(),
            history: History {
                optimizer: content.optimizer.clone(),
                measure: content.measure,
                stopped: content.stopped.clone(),
                epochs: Vec::new(),
            },
            content,
            tensors,
        };
        checkpoint.history.epochs = checkpoint.epochs()?;
        Ok(checkpoint)
    }

    /// The epochs that had ended.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The epoch under way, from 1.
    pub fn epoch(&self) -> usize {
        self.content.epoch
    }

    /// How many of its batches were done.
    pub fn batch(&self) -> usize {
        self.content.batch
    }

    /// How many steps were taken since training began.
    pub fn step(&self) -> u64 {
        self.content.step
    }

    /// Gives `net` the parameters and buffers of the checkpoint.
    ///
    /// # Errors
    /// When it belongs to another network: the message names the first node that differs. `net` is
    /// then as it was.
    pub fn restore(&self, net: &mut Network) -> Result<()> {
        *net = self.network("net", net)?;
        Ok(())
    }

    fn failed(&self, problem: impl Into<String>) -> NnError {
        NnError::Checkpoint {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }

    /// A network like `net` with the tensors under this prefix.
    fn network(&self, prefix: &str, net: &Network) -> Result<Network> {
        if let Some(difference) = self.content.network.difference(&Fingerprint::of(net)) {
            return Err(self.failed(difference));
        }
        let mut restored = net.clone();
        for (path, old) in net.parameters() {
            let value = self.tensor(&format!("{prefix}/{path}"), old.shape())?;
            restored.set_parameter(&path, value.clone())?;
        }
        for (path, old) in net.buffers() {
            let value = self.tensor(&format!("{prefix}/{path}"), old.shape())?;
            restored.set_buffer(&path, value.clone())?;
        }
        Ok(restored)
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<&Tensor> {
        match self.tensors.get(name) {
            Some(Loaded::F32(tensor)) if tensor.shape() == shape => Ok(tensor),
            other => Err(self.failed(format!(
                "expected a tensor \"{name}\" {shape:?} of f32 in it, got {}",
                match other {
                    None => "none".to_owned(),
                    Some(Loaded::F32(tensor)) => format!("{:?}", tensor.shape()),
                    Some(Loaded::F64(values)) => format!("{} numbers of f64", values.len()),
                }
            ))),
        }
    }

    fn numbers(&self, name: &str, count: Option<usize>) -> Result<&[f64]> {
        match self.tensors.get(name) {
            Some(Loaded::F64(values)) if count.is_none_or(|n| n == values.len()) => Ok(values),
            _ => Err(self.failed(format!(
                "expected {} numbers \"{name}\" of f64 in it",
                count.map_or("some".to_owned(), |n| n.to_string())
            ))),
        }
    }

    fn epochs(&self) -> Result<Vec<EpochRecord>> {
        let count = self.numbers("history/train_loss", None)?.len();
        let mut epochs = vec![EpochRecord::default(); count];
        for (name, column) in COLUMNS {
            let values = self.numbers(&format!("history/{name}"), Some(count))?;
            for (record, &value) in epochs.iter_mut().zip(values) {
                *column(record) = value;
            }
        }
        for (i, record) in epochs.iter_mut().enumerate() {
            record.epoch = i + 1;
        }
        Ok(epochs)
    }

    /// The optimizer's state of every parameter, like those it would begin with.
    fn states(&self, net: &Network, fresh: &[State]) -> Result<Vec<State>> {
        let parameters = net.parameters();
        if self.content.steps.len() != parameters.len() {
            return Err(self.failed(format!(
                "expected the optimizer's state of {} parameters in it, got {}",
                parameters.len(),
                self.content.steps.len()
            )));
        }
        let mut states = Vec::with_capacity(fresh.len());
        for ((path, _), (fresh, &steps)) in
            parameters.iter().zip(fresh.iter().zip(&self.content.steps))
        {
            let name = |what: &str| format!("optimizer/{path}/{what}");
            let tensors = fresh.tensors.iter().enumerate();
            let state = State {
                steps,
                tensors: tensors
                    .map(|(k, like)| Ok(self.tensor(&name(&k.to_string()), like.shape())?.clone()))
                    .collect::<Result<_>>()?,
                scalars: match fresh.scalars.len() {
                    0 => Vec::new(),
                    n => self.numbers(&name("scalars"), Some(n))?.to_vec(),
                },
            };
            states.push(state);
        }
        Ok(states)
    }

    /// Whether a run under these settings on this set can go on from here.
    fn check_run(&self, training: &Training, set: &str) -> Result<()> {
        let name = training.optimizer.name();
        if self.content.optimizer_name != name {
            return Err(self.failed(format!(
                "it belongs to another optimizer: expected {name}, it has the state of {}",
                self.content.optimizer_name
            )));
        }
        let ours = training.settings();
        let ours = ours
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([("training set", set)]);
        let find = |name: &str| {
            let mut theirs = self.content.settings.iter();
            theirs.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
        };
        for (name, ours) in ours {
            let theirs = match name {
                "training set" => &self.content.set,
                _ => find(name).unwrap_or("unknown"),
            };
            if theirs != ours {
                return Err(self.failed(format!(
                    "a run goes on only as it began: expected {name} {ours}, it was written with \
                     {theirs}"
                )));
            }
        }
        Ok(())
    }
}

/// Goes on from a file: `net` and `run`, which is about to begin, become what they were when it was
/// written. On an error neither changes.
pub(crate) fn resume(
    path: &Path,
    training: &Training,
    net: &mut Network,
    run: &mut Run,
) -> Result<()> {
    let checkpoint = Checkpoint::read(path)?;
    let restored = checkpoint.network("net", net)?;
    checkpoint.check_run(training, &run.set)?;
    let states = checkpoint.states(net, &run.states)?;
    let best = match (training.restore_best, checkpoint.content.has_best) {
        (false, _) => None,
        (true, true) => Some(checkpoint.network("best", net)?),
        (true, false) if checkpoint.history.epochs.is_empty() => None,
        (true, false) => {
            return Err(checkpoint.failed(
                "restore_best needs the best network so far in it, and there is none: expected one \
                 that was written with restore_best",
            ));
        }
    };
    let sums = checkpoint.numbers("run/sums", Some(2))?;
    let numbers = run.schedule.numbers.len();
    let schedule = checkpoint.numbers("run/schedule", Some(numbers))?;
    let content = &checkpoint.content;
    run.sums.loss = sums[0];
    run.sums.seconds = sums[1];
    run.sums.right = content.right;
    run.sums.images = content.images;
    run.step = content.step;
    run.epoch = content.epoch;
    run.batch = content.batch;
    run.states = states;
    run.schedule.numbers = schedule.to_vec();
    run.best = best;
    run.history = History {
        stopped: None,
        ..checkpoint.history
    };
    *net = restored;
    Ok(())
}

/// Writes a checkpoint, replacing the file at `path` only by a whole one.
pub(crate) fn save(path: &Path, training: &Training, net: &Network, run: &Run) -> Result<()> {
    let failed = |problem: String| NnError::Checkpoint {
        path: path.to_owned(),
        problem,
    };
    let content = Content {
        network: Fingerprint::of(net),
        optimizer: run.history.optimizer.clone(),
        optimizer_name: training.optimizer.name().to_owned(),
        settings: training.settings(),
        set: run.set.clone(),
        epoch: run.epoch,
        batch: run.batch,
        step: run.step,
        right: run.sums.right,
        images: run.sums.images,
        steps: run.states.iter().map(|s| s.steps).collect(),
        measure: run.history.measure,
        stopped: run.history.stopped.clone(),
        has_best: run.best.is_some(),
    };
    let content = serde_json::to_value(content).map_err(|e| failed(e.to_string()))?;
    let bytes = format::encode(&content, tensors(net, run)).map_err(failed)?;
    write_atomic(path, &bytes).map_err(|e| {
        let older = match path.exists() {
            true => "; the older file is as it was",
            false => "",
        };
        let full = matches!(
            e.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        );
        failed(match full {
            true => format!(
                "the disk is full or the file too large for it: expected room for {} bytes ({e}){older}",
                bytes.len()
            ),
            false => format!("it could not be written: {e}{older}"),
        })
    })
}

fn tensors<'a>(net: &'a Network, run: &'a Run) -> Vec<(String, Numbers<'a>)> {
    let mut all = Vec::new();
    for (prefix, net) in [("net", Some(net)), ("best", run.best.as_ref())] {
        let Some(net) = net else { continue };
        let named = net.parameters().into_iter().chain(net.buffers());
        all.extend(named.map(|(path, t)| (format!("{prefix}/{path}"), Numbers::F32(t))));
    }
    for ((path, _), state) in net.parameters().iter().zip(&run.states) {
        for (k, tensor) in state.tensors.iter().enumerate() {
            all.push((format!("optimizer/{path}/{k}"), Numbers::F32(tensor)));
        }
        if !state.scalars.is_empty() {
            let scalars = Numbers::of(state.scalars.clone());
            all.push((format!("optimizer/{path}/scalars"), scalars));
        }
    }
    for (name, column) in COLUMNS {
        let values = run.history.epochs.iter().map(|e| *column(&mut e.clone()));
        all.push((format!("history/{name}"), Numbers::of(values.collect())));
    }
    let schedule = run.schedule.numbers.clone();
    all.push(("run/schedule".to_owned(), Numbers::of(schedule)));
    let sums = vec![run.sums.loss, run.sums.seconds];
    all.push(("run/sums".to_owned(), Numbers::of(sums)));
    all
}

/// A training set in a line: its name, size, and a sum over its labels and some thousand pixels,
/// enough to notice another split or another standardisation.
pub(crate) fn describe_set(set: &Dataset) -> String {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a, by words
    let mut add = |word: u64| sum = (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    set.labels.iter().for_each(|&label| add(label as u64));
    let stride = (set.images.len() / 5000).max(1) | 1;
    let pixels = set.images.iter().step_by(stride);
    pixels.for_each(|v| add(v.to_bits().into()));
    format!("\"{}\" {:?}, sum {sum:016x}", set.name, set.images.shape())
}
