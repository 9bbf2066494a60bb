//! One process at a time fetches a dataset; the others wait, and find it done.

use super::Progress;
use crate::error::{DataError, Result};
use crate::registry::Entry;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Holds the lock until it is dropped. The file stays: removing it would let two processes lock two
/// different files of one name. The system frees the lock of a process that dies.
pub(super) struct Lock {
    _file: File,
}

pub(super) fn acquire(
    entry: &Entry,
    folder: &Path,
    patience: Duration,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Lock> {
    let path = folder.join(".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(DataError::io("create", &path))?;
    let start = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            // Some network file systems know no locks: better to go on than to refuse.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {
                return Ok(Lock { _file: file });
            }
            Err(TryLockError::Error(e)) => return Err(DataError::io("lock", &path)(e)),
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                return Err(DataError::Busy {
                    dataset: entry.name.clone(),
                    seconds: patience.as_secs(),
                    path,
                });
            }
            Err(TryLockError::WouldBlock) => {
                if !told {
                    progress(Progress::Waiting);
                    told = true;
                }
                sleep(Duration::from_millis(50));
            }
        }
    }
}
