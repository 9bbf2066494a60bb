//! Writing `.npz` a piece at a time, so that an array may be larger than the memory; `np.load` reads
//! it. <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use crate::error::{Result, TransferError};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, ZipArchive};

/// Text about the arrays, in JSON. NumPy gives it as bytes.
const ABOUT: &str = "about.json";

/// A `.npz` in the making. One that is given up, because the disk is full, is not brought to an end:
/// that would fail as well, and `zip` would say so on standard error.
pub(super) struct NpzWriter<W: Write + Seek> {
    zip: ManuallyDrop<ZipWriter<W>>,
}

impl<W: Write + Seek> NpzWriter<W> {
    pub(super) fn new(to: W) -> NpzWriter<W> {
        NpzWriter {
            zip: ManuallyDrop::new(ZipWriter::new(to)),
        }
    }

    /// Begins an array of numbers of this kind (`"<f4"`, `"<i8"`); its bytes follow by
    /// [`write`](NpzWriter::write).
    pub(super) fn begin(&mut self, name: &str, kind: &str, shape: &[usize]) -> io::Result<()> {
        self.entry(&format!("{name}.npy"))?;
        self.zip.write_all(&header(kind, shape))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.zip.write_all(bytes)
    }

    pub(super) fn about(&mut self, text: &str) -> io::Result<()> {
        self.entry(ABOUT)?;
        self.zip.write_all(text.as_bytes())
    }

    pub(super) fn finish(self) -> io::Result<W> {
        Ok(ManuallyDrop::into_inner(self.zip).finish()?)
    }

    /// Not compressed, as `np.savez` leaves it, and with a fixed date: the same arrays make the same
    /// bytes. How long it gets is not known yet, so there is room for more than 4 GB.
    fn entry(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        Ok(self.zip.start_file(name, options)?)
    }
}

/// Version 1 of the format; the numbers begin at a multiple of 64 bytes.
fn header(kind: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}

/// The text about the arrays of a file.
pub(super) fn read_about(path: &Path) -> Result<String> {
    let file = File::open(path).map_err(|e| TransferError::file(path, e))?;
    let damaged = |e: &dyn std::fmt::Display| {
        TransferError::file(path, format!("it is no feature file, or damaged ({e})"))
    };
    let mut zip = ZipArchive::new(file).map_err(|e| damaged(&e))?;
    let entry = zip.by_name(ABOUT).map_err(|e| damaged(&e))?;
    let mut text = String::new();
    // Names of a hundred million images; whoever claims more means no good.
    let bytes = entry.take(1 << 32).read_to_string(&mut text);
    bytes.map_err(|e| damaged(&e))?;
    Ok(text)
}

/// Replaces a file by what `write` writes, or leaves it as it was: it goes into a file beside it,
/// reaches the disk, and only then takes its name.
pub(super) fn atomically(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let fresh = beside(path, &format!(".{}.part", std::process::id()));
    atomically_by(&fresh, path, write)
}

/// The same by a file of one's own, on the same disk.
pub(super) fn atomically_by(
    fresh: &Path,
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<()>,
) -> Result<()> {
    let failed = |e: io::Error| TransferError::file(path, format!("it cannot be written: {e}"));
    let written = File::create(fresh)
        .map_err(failed)
        .and_then(|mut file| {
            write(&mut file)?;
            file.sync_all().map_err(failed)
        })
        .and_then(|()| fs::rename(fresh, path).map_err(failed));
    match written {
        // The rename survives a power cut once the folder is flushed, where folders can be.
        Ok(()) => {
            if let Some(folder) = path.parent().and_then(|p| File::open(p).ok()) {
                let _ = folder.sync_all();
            }
        }
        Err(_) => {
            let _ = fs::remove_file(fresh);
        }
    }
    written
}

/// A path with something appended to its file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Numbers as bytes.
pub(super) fn bytes_of<'a>(values: impl Iterator<Item = &'a f32>) -> Vec<u8> {
    values.flat_map(|v| v.to_le_bytes()).collect()
}

/// Labels or places as bytes.
pub(super) fn bytes_of_integers(values: impl Iterator<Item = usize>) -> Vec<u8> {
    values.flat_map(|v| (v as i64).to_le_bytes()).collect()
}
