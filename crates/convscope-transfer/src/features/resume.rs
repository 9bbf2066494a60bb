//! Features of any number of images in a file, a part at a time, so that an interruption at any
//! moment costs one part at most.

use super::extract::Extraction;
use super::file::{About, LABELS, VERSION};
use super::identity::Identity;
use super::npz::{
    NpzWriter, atomically, atomically_by, beside, bytes_of, bytes_of_integers, read_about,
};
use super::source::Source;
use super::table::Skipped;
use super::work::{Ready, Rows};
use crate::error::{Result, TransferError};
use convscope_weights::Weights;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A feature file that is there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// The layers, each with its width.
    pub layers: Vec<(String, usize)>,
    /// Rows.
    pub images: usize,
    /// Images that could not be read and have no row.
    pub skipped: Vec<Skipped>,
    /// Rows that an earlier run had left.
    pub resumed: usize,
    /// Seconds of this run.
    pub seconds: f64,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} images,", self.path.display(), self.images)?;
        for (layer, width) in &self.layers {
            write!(f, " {layer} x {width}")?;
        }
        if self.resumed > 0 {
            write!(f, " ({} were there already)", self.resumed)?;
        }
        if !self.skipped.is_empty() {
            write!(f, " ({} could not be read)", self.skipped.len())?;
        }
        Ok(())
    }
}

/// What lies in the folder of parts beside them.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    identity: Identity,
    skip_unreadable: bool,
    /// Images of a batch and of a part: the bits depend on the first, the parts' places on the second.
    batch: usize,
    shard: usize,
}

/// What a part says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    index: Vec<usize>,
    skipped: Vec<Skipped>,
}

pub(super) fn to_file(
    extraction: &Extraction,
    source: &dyn Source,
    path: &Path,
) -> Result<Written> {
    let begun = Instant::now();
    let ready = extraction.ready(source)?;
    let folder = beside(path, ".parts");
    if path.exists() {
        let about = About::read(path)?;
        belongs(path, &ready.identity, about.identity.as_ref())?;
        // Left by a run that was killed at the very end.
        let _ = fs::remove_dir_all(&folder);
        return Ok(Written {
            path: path.to_owned(),
            layers: layers(&ready),
            images: about.names.len(),
            resumed: about.names.len(),
            skipped: about.skipped,
            seconds: begun.elapsed().as_secs_f64(),
        });
    }
    fs::create_dir_all(&folder).map_err(|e| TransferError::file(&folder, e))?;
    let lock = alone(&folder, path)?;
    let ready = agree(ready, &folder)?;
    let bar = extraction.bar(source);
    let mut resumed = 0;
    let mut parts = Vec::new();
    for (k, from) in (0..source.len()).step_by(ready.shard).enumerate() {
        let to = (from + ready.shard).min(source.len());
        let place = folder.join(format!("{k:06}.npz"));
        if let Some(part) = whole(&place, &ready, from..to) {
            resumed += part.index.len();
            bar.resume(to as u64);
            parts.push((place, part));
            continue;
        }
        let mut rows = Rows::default();
        ready
            .rows(source, from..to, &bar, &mut rows)
            .map_err(|e| match e {
                TransferError::Stopped { done } => TransferError::Stopped {
                    done: format!("{done}; the same call goes on from there"),
                },
                e => e,
            })?;
        parts.push((place.clone(), write_part(&place, &ready, rows)?));
    }
    bar.finish();
    let written = assemble(path, &ready, source, &parts)?;
    drop(lock);
    // Of no use any more, and of no harm if it stays.
    let _ = fs::remove_dir_all(&folder);
    Ok(Written {
        resumed,
        seconds: begun.elapsed().as_secs_f64(),
        ..written
    })
}

fn layers(ready: &Ready) -> Vec<(String, usize)> {
    let widths = ready.tapped.widths.iter().copied();
    ready.keys.iter().cloned().zip(widths).collect()
}

fn belongs(path: &Path, ours: &Identity, found: Option<&Identity>) -> Result<()> {
    let difference = match found {
        None => Some("its features are no network's".to_owned()),
        Some(found) => ours.difference(found),
    };
    match difference {
        None => Ok(()),
        Some(difference) => Err(TransferError::Foreign {
            path: path.to_owned(),
            difference,
        }),
    }
}

/// Nobody else writes the same file, as long as this one is held.
fn alone(folder: &Path, path: &Path) -> Result<File> {
    let place = folder.join("lock");
    let file = File::create(&place).map_err(|e| TransferError::file(&place, e))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(TransferError::file(
            path,
            "another process is making the same file",
        )),
        // Held, or a file system without locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// With the batches of the run that began the parts, whose bits they must continue.
fn agree(mut ready: Ready, folder: &Path) -> Result<Ready> {
    let place = folder.join("manifest.json");
    let text = match fs::read_to_string(&place) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let manifest = Manifest {
                version: VERSION,
                identity: ready.identity.clone(),
                skip_unreadable: ready.skip_unreadable,
                batch: ready.batch,
                shard: ready.shard,
            };
            let text = serde_json::to_string_pretty(&manifest).expect("words and numbers");
            convscope_data::write_atomic(&place, text.as_bytes())
                .map_err(|e| TransferError::file(&place, e))?;
            return Ok(ready);
        }
        Err(e) => return Err(TransferError::file(&place, e)),
    };
    let manifest: Manifest = serde_json::from_str(&text)
        .ok()
        .filter(|m: &Manifest| m.version == VERSION && m.batch > 0 && m.shard > 0)
        .ok_or_else(|| {
            TransferError::file(
                &place,
                "it is damaged: remove the folder it lies in to begin anew",
            )
        })?;
    belongs(folder, &ready.identity, Some(&manifest.identity))?;
    if manifest.skip_unreadable != ready.skip_unreadable {
        return Err(TransferError::Foreign {
            path: folder.to_owned(),
            difference: format!(
                "expected unreadable images to be {}, it was begun the other way",
                match ready.skip_unreadable {
                    true => "left out",
                    false => "an error",
                }
            ),
        });
    }
    ready.batch = manifest.batch;
    ready.shard = manifest.shard;
    Ok(ready)
}

/// A part of an earlier run, if it is whole: everything is read and checked, and what is damaged is
/// made again.
fn whole(place: &Path, ready: &Ready, range: std::ops::Range<usize>) -> Option<Part> {
    if !place.exists() {
        return None;
    }
    let part: Part = serde_json::from_str(&read_about(place).ok()?).ok()?;
    let arrays = Weights::read(place).ok()?;
    let fits = |(key, &width): (&String, &usize)| {
        let array = arrays.get(key);
        array.is_some_and(|a| *a.shape() == [part.index.len(), width])
    };
    let count = part.index.len() + part.skipped.len() == range.len();
    let inside = part.index.iter().all(|i| range.contains(i));
    let all = ready.keys.iter().zip(&ready.tapped.widths).all(fits);
    (count && inside && all).then_some(part)
}

fn write_part(place: &Path, ready: &Ready, rows: Rows) -> Result<Part> {
    atomically(place, |file| {
        let write = || -> io::Result<()> {
            let mut npz = NpzWriter::new(file);
            for (k, key) in ready.keys.iter().enumerate() {
                let values = rows.layer(&ready.tapped.widths, k);
                npz.begin(key, "<f4", values.shape())?;
                npz.write(&bytes_of(values.iter()))?;
            }
            let part = Part {
                index: rows.index.clone(),
                skipped: rows.skipped.clone(),
            };
            npz.about(&serde_json::to_string(&part)?)?;
            npz.finish()?;
            Ok(())
        };
        write().map_err(|e| TransferError::file(place, e))
    })?;
    Ok(Part {
        index: rows.index,
        skipped: rows.skipped,
    })
}

/// The whole file out of its parts, one of which is in memory at a time.
fn assemble(
    path: &Path,
    ready: &Ready,
    source: &dyn Source,
    parts: &[(PathBuf, Part)],
) -> Result<Written> {
    let index: Vec<usize> = parts.iter().flat_map(|(_, p)| p.index.clone()).collect();
    let skipped: Vec<Skipped> = parts.iter().flat_map(|(_, p)| p.skipped.clone()).collect();
    if index.is_empty() {
        return Err(TransferError::invalid(format!(
            "{}: none of {} images could be read",
            source.name(),
            source.len()
        )));
    }
    let about = About {
        version: VERSION,
        identity: Some(ready.identity.clone()),
        layers: ready.keys.clone(),
        names: index.iter().map(|&i| source.image_name(i)).collect(),
        classes: source.classes(),
        skipped: skipped.clone(),
    };
    // In the folder of parts, with which it goes if it stays behind half written.
    let fresh = beside(path, ".parts").join("whole.part");
    atomically_by(&fresh, path, |file| {
        let failed = |e: io::Error| TransferError::file(path, e);
        let mut npz = NpzWriter::new(io::BufWriter::new(file));
        for (key, width) in layers(ready) {
            npz.begin(&key, "<f4", &[index.len(), width])
                .map_err(failed)?;
            for (place, _) in parts {
                let arrays = Weights::read(place)?;
                let array = arrays.get(&key).ok_or_else(|| {
                    TransferError::file(place, format!("it has lost its array \"{key}\""))
                })?;
                npz.write(&bytes_of(array.iter())).map_err(failed)?;
            }
        }
        npz.begin(LABELS, "<i8", &[index.len()]).map_err(failed)?;
        let labels = index.iter().map(|&i| source.label(i));
        npz.write(&bytes_of_integers(labels)).map_err(failed)?;
        let text = serde_json::to_string(&about).expect("words and numbers");
        npz.about(&text).map_err(failed)?;
        let mut buffer = npz.finish().map_err(failed)?;
        io::Write::flush(&mut buffer).map_err(failed)
    })?;
    Ok(Written {
        path: path.to_owned(),
        layers: layers(ready),
        images: index.len(),
        skipped,
        resumed: 0,
        seconds: 0.0,
    })
}
