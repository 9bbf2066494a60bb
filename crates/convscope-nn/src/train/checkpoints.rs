//! Checkpoints of the last and the best moment of a run.

use super::callbacks::{Callback, Moment};
use crate::error::{NnError, Result};
use std::path::{Path, PathBuf};

/// Keeps two checkpoints in a folder: `last.safetensors`, written after every epoch (and within it,
/// if asked), and `best.safetensors`, written after an epoch better than all before. Each is
/// replaced only by a whole new one, so whenever the process is killed there is a good file, from
/// which [`Training::resume_from`](super::Training::resume_from) continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    folder: PathBuf,
    every: Option<usize>,
}

impl Checkpoints {
    /// In this folder, made when it is not there.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Checkpoints {
        Checkpoints {
            folder: folder.into(),
            every: None,
        }
    }

    /// `last` is also written after every so many batches of an epoch. Worth it when an epoch
    /// takes longer than one likes to lose.
    pub fn every_batches(mut self, batches: usize) -> Checkpoints {
        self.every = Some(batches);
        self
    }

    /// The file of the last moment.
    pub fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// The file of the best epoch.
    pub fn best(&self) -> PathBuf {
        self.folder.join("best.safetensors")
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Callback for Checkpoints {
    fn check(&self) -> Result<()> {
        if self.every == Some(0) {
            return Err(NnError::Invalid(
                "checkpoints every 0 batches: expected at least 1".into(),
            ));
        }
        std::fs::create_dir_all(&self.folder).map_err(|e| NnError::Checkpoint {
            path: self.last(),
            problem: format!("expected a folder that can be made or written to: {e}"),
        })
    }

    fn after_batch(&self, at: &Moment<'_>) -> Result<()> {
        match self.every {
            Some(every) if at.batch().is_multiple_of(every) => at.save(self.last()),
            _ => Ok(()),
        }
    }

    fn after_epoch(&self, at: &Moment<'_>) -> Result<()> {
        at.save(self.last())?;
        let history = at.history();
        match history.best().map(|e| e.epoch) == history.last().map(|e| e.epoch) {
            true => at.save(self.best()),
            false => Ok(()),
        }
    }

    fn at_end(&self, at: &Moment<'_>) -> Result<()> {
        // After a whole epoch there is nothing that the last file lacks but the reason.
        match at.history().stopped {
            Some(_) => at.save(self.last()),
            None => Ok(()),
        }
    }
}
