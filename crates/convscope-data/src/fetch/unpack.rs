//! From a packed file to its place in the cache, or not at all.

use super::{Failure, write_error};
use crate::cache::{Known, hex};
use crate::error::DataError;
use crate::registry::{FileEntry, Packing};
use crate::write::{beside, sync_folder};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// Unpacks `source` beside `path`, compares size and checksum with the registry, and renames. At
/// most one byte more than the registered size is ever unpacked, whatever the source promises.
pub(super) fn into_place(source: impl Read, file: &FileEntry, path: &Path) -> Result<(), Failure> {
    let fresh = beside(path, ".new");
    let result = unpack(source, file, &fresh).and_then(|known| {
        fs::rename(&fresh, path)
            .map_err(|e| Failure::Local(DataError::io("rename into place", path)(e)))?;
        sync_folder(path);
        match file.is_exact() {
            true => Ok(()),
            false => known.write(path).map_err(Failure::Local),
        }
    });
    if result.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    result
}

fn unpack(source: impl Read, file: &FileEntry, fresh: &Path) -> Result<Known, Failure> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let start = source
        .fill_buf()
        .map_err(|e| Failure::Source(e.to_string()))?;
    // The checksum is of the unpacked bytes, so a source that has them unpacked serves too.
    let gzip = file.packing == Packing::Gzip && start.starts_with(&[0x1f, 0x8b]);
    let looks = match start.trim_ascii_start().starts_with(b"<") {
        true => " (it looks like a web page)",
        false if !gzip && file.packing == Packing::Gzip => " (and it is not gzip)",
        false => "",
    };
    let mut reader: Box<dyn Read + '_> = match gzip {
        true => Box::new(MultiGzDecoder::new(source)),
        false => Box::new(source),
    };
    let write_error = write_error(fresh, file.bytes);
    let local = |e| Failure::Local(write_error(e));
    let mut out = File::create(fresh).map_err(local)?;
    let sizes = file.sizes();
    let most = *sizes.end();
    let about = if file.is_exact() { "" } else { "about " };
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let room = (most - length).saturating_add(1).min(buffer.len() as u64) as usize;
        let n = match reader.read(&mut buffer[..room]) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            // Bytes that follow a whole file are no concern of ours: the checksum decides.
            Err(_) if file.is_exact() && length == file.bytes => 0,
            Err(e) => {
                return Err(Failure::Source(format!(
                    "its gzip data is damaged after {length} bytes ({e})"
                )));
            }
        };
        if n == 0 {
            break;
        }
        if length + n as u64 > most {
            return Err(Failure::Source(format!(
                "it unpacks to more than the {about}{} bytes it should have{looks}; stopped there",
                file.bytes
            )));
        }
        out.write_all(&buffer[..n]).map_err(local)?;
        hash.update(&buffer[..n]);
        length += n as u64;
    }
    if !sizes.contains(&length) {
        return Err(Failure::Source(format!(
            "it has {length} bytes unpacked{looks}; expected {about}{}",
            file.bytes
        )));
    }
    let sum = hex(&hash.finalize());
    if !file.has_sum(&sum) {
        return Err(Failure::Source(format!(
            "its checksum does not match: sha256 {sum}; expected {}. The file there is damaged or another one",
            file.expected_sum()
        )));
    }
    out.sync_all().map_err(local)?;
    Ok(Known {
        bytes: length,
        sha256: sum,
    })
}
