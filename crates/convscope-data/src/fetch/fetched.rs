//! What was asked for by name, or what serves in its place.

use super::{FetchDisplay, FetchOptions, Progress, fetch};
use crate::error::{DataError, Result};
use crate::registry::{Entry, Registry};
use std::path::PathBuf;

/// The files of an entry in the cache, whole.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Whose files these are: the entry asked for, or its stand-in.
    pub entry: Entry,
    /// Where they lie, in the entry's order.
    pub paths: Vec<PathBuf>,
    /// Set when this is the stand-in: what it is and why.
    pub notice: Option<String>,
}

/// The files of an entry of the built-in registry by name, e.g. `"squeezenet1_0"`: from the cache, else
/// fetched first, with progress on standard output. Where the entry cannot be had, its stand-in
/// serves, with a notice.
///
/// # Errors
/// If there is no such entry (the error has the nearest names), or neither can be had.
pub fn fetched(name: &str) -> Result<Fetched> {
    let mut display = FetchDisplay::new();
    let options = FetchOptions::from_environment()?;
    fetched_with(name, &options, &mut |progress| display.show(progress))
}

/// [`fetched`] with options and a display of one's own.
///
/// # Errors
/// As [`fetched`].
pub fn fetched_with(
    name: &str,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched> {
    let registry = Registry::builtin()?;
    let entry = registry.get(name)?;
    // What lies here serves before anything is asked for again: a machine without a network would wait
    // for one every time. Nothing is written, so a cache that may only be read serves too.
    if !options.force {
        if let Some(paths) = here(entry, options, progress)? {
            return Ok(Fetched {
                entry: entry.clone(),
                paths,
                notice: None,
            });
        }
        if let Some(other) = stand_in(&registry, entry)
            && let Some(paths) = here(other, options, progress)?
        {
            let why = format!("it is not in the cache; cargo course fetch {name} tries to get it");
            return Ok(Fetched {
                entry: other.clone(),
                paths,
                notice: Some(notice(entry, other, &why)),
            });
        }
    }
    fetch_or_stand_in(&registry, entry, options, progress)
}

/// Fetches an entry, and its stand-in where that fails.
///
/// # Errors
/// If neither can be had; the error lists all sources of both.
pub fn fetch_or_stand_in(
    registry: &Registry,
    entry: &Entry,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched> {
    let found = |entry: &Entry, paths, notice| Fetched {
        entry: entry.clone(),
        paths,
        notice,
    };
    let failed = match fetch(entry, options, progress) {
        Ok(paths) => return Ok(found(entry, paths, None)),
        Err(failed) => failed,
    };
    let Some(other) = stand_in(registry, entry) else {
        return Err(failed);
    };
    // A full disk, or a request to stop, would meet the stand-in too.
    let DataError::Fetch {
        dataset,
        file,
        mut attempts,
    } = failed
    else {
        return Err(failed);
    };
    match fetch(other, options, progress) {
        Ok(paths) => {
            let why: Vec<_> = attempts.iter().map(ToString::to_string).collect();
            let why = match why.is_empty() {
                true => "source addresses are switched off, and there is no mirror".to_owned(),
                false => why.join("; "),
            };
            let notice = notice(entry, other, &why);
            Ok(found(other, paths, Some(notice)))
        }
        Err(DataError::Fetch { attempts: more, .. }) => {
            attempts.extend(more);
            Err(DataError::Fetch {
                dataset,
                file,
                attempts,
            })
        }
        Err(other) => Err(other),
    }
}

fn stand_in<'a>(registry: &'a Registry, entry: &Entry) -> Option<&'a Entry> {
    let name = entry.stand_in.as_ref()?;
    registry.entries.iter().find(|other| other.name == *name)
}

/// Where an entry's files lie, if all are there and whole.
fn here(
    entry: &Entry,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Option<Vec<PathBuf>>> {
    for file in &entry.files {
        if !options.cache.is_whole(entry, file)? {
            return Ok(None);
        }
    }
    let path = |file| {
        progress(Progress::Present { file });
        options.cache.path(entry, file)
    };
    Ok(Some(entry.files.iter().map(path).collect()))
}

fn notice(entry: &Entry, other: &Entry, why: &str) -> String {
    format!(
        "{} ({}) could not be had; in its place: {} ({}).\nLicence: {}\nWhy: {why}",
        entry.name, entry.title, other.name, other.title, other.licence
    )
}
