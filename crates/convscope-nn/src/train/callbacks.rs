//! What is called while a network trains.

use super::fit::Run;
use super::history::History;
use super::settings::Training;
use crate::checkpoint;
use crate::error::Result;
use crate::network::Network;
use std::fmt;
use std::path::Path;
use std::sync::Mutex;

/// Something to do at certain moments of a run. Every method has a default that does nothing.
///
/// A callback that decides when to stop does so from the history alone
/// ([`ends_after`](Callback::ends_after)), and keeps no count of its own: so a run that was killed
/// and resumed stops where it would have stopped anyway.
pub trait Callback: fmt::Debug + Send + Sync {
    /// Before anything is changed: whether it will be able to do its work.
    ///
    /// # Errors
    /// When not; training then does not begin.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// After every step.
    ///
    /// # Errors
    /// An error ends training; the network keeps what it has learned.
    fn after_batch(&self, _at: &Moment<'_>) -> Result<()> {
        Ok(())
    }

    /// After every epoch and its validation.
    ///
    /// # Errors
    /// As [`after_batch`](Callback::after_batch).
    fn after_epoch(&self, _at: &Moment<'_>) -> Result<()> {
        Ok(())
    }

    /// Asked after every epoch, and when a run is resumed: why training should end here, if it
    /// should.
    fn ends_after(&self, _history: &History) -> Option<String> {
        None
    }

    /// When training ends without an error, be it early.
    ///
    /// # Errors
    /// As [`after_batch`](Callback::after_batch).
    fn at_end(&self, _at: &Moment<'_>) -> Result<()> {
        Ok(())
    }
}

/// What a callback gets to see.
#[derive(Debug)]
pub struct Moment<'a> {
    pub(super) training: &'a Training,
    pub(super) net: &'a Network,
    pub(super) run: &'a Run,
    pub(super) batches: usize,
}

impl Moment<'_> {
    /// The network as it is now.
    pub fn network(&self) -> &Network {
        self.net
    }

    /// The epochs that have ended.
    pub fn history(&self) -> &History {
        &self.run.history
    }

    /// The epoch under way, from 1; after an epoch, the next one.
    pub fn epoch(&self) -> usize {
        self.run.epoch
    }

    /// How many batches of the epoch under way are done.
    pub fn batch(&self) -> usize {
        self.run.batch
    }

    /// How many batches an epoch has.
    pub fn batches(&self) -> usize {
        self.batches
    }

    /// How many steps were taken since training began.
    pub fn step(&self) -> u64 {
        self.run.step
    }

    /// Writes a checkpoint of this moment, whole or not at all: an older file at `path` is replaced
    /// only by a good one.
    ///
    /// # Errors
    /// When the file cannot be written; the older one is then as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        checkpoint::save(path.as_ref(), self.training, self.net, self.run)
    }
}

/// A function of the history, called after every epoch.
pub(super) struct OnEpoch(Mutex<Box<Call>>);

type Call = dyn FnMut(&History) + Send;

impl OnEpoch {
    pub(super) fn new(call: impl FnMut(&History) + Send + 'static) -> OnEpoch {
        OnEpoch(Mutex::new(Box::new(call)))
    }
}

impl fmt::Debug for OnEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnEpoch")
    }
}

impl Callback for OnEpoch {
    fn after_epoch(&self, at: &Moment<'_>) -> Result<()> {
        let mut call = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        call(at.history());
        Ok(())
    }
}
