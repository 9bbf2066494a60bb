//! Weights in files of their own, beside the model.

use super::Step;
use super::node::shortened;
use crate::limits::Budget;
use crate::proto::{self, Entry};
use bytes::Bytes;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// Reads `expected` bytes from where a tensor says they are.
pub(super) fn read(
    entries: &[Bytes],
    folder: Option<&Path>,
    expected: usize,
    budget: &mut Budget,
) -> Step<Bytes> {
    let (mut location, mut offset, mut length) = (None, 0, None);
    for bytes in entries {
        let entry: Entry = proto::decode(bytes.clone(), "the place of its numbers", budget)?;
        let number = || {
            let parsed = entry.value.parse::<u64>();
            parsed.map_err(|_| format!("its {} is \"{}\"", entry.key, shortened(&entry.value)))
        };
        match entry.key.as_str() {
            "location" => location = Some(entry.value),
            "offset" => offset = number()?,
            "length" => length = Some(number()?),
            _ => {}
        }
    }
    let location = location.ok_or("it does not say in which file its numbers stand")?;
    let folder = folder.ok_or_else(|| {
        format!(
            "its numbers stand in the file \"{}\", and no folder was given to look for it",
            shortened(&location)
        )
    })?;
    if length.is_some_and(|length| length != expected as u64) {
        return Err(format!(
            "its shape takes {expected} bytes, and the file says {}",
            length.unwrap_or_default()
        ));
    }
    let path = inside(folder, &location)?;
    let problem = |e: std::io::Error| format!("cannot read \"{}\": {e}", path.display());
    let mut file = File::open(&path).map_err(problem)?;
    let info = file.metadata().map_err(problem)?;
    let end = offset.checked_add(expected as u64);
    if !info.is_file() || end.is_none_or(|end| end > info.len()) {
        return Err(format!(
            "its numbers should stand from byte {offset} on for {expected} bytes in \"{}\", which \
             has {}: it is truncated, or no file",
            path.display(),
            info.len()
        ));
    }
    budget.grow(expected as u64);
    let mut bytes = vec![0; expected];
    file.seek(SeekFrom::Start(offset)).map_err(problem)?;
    file.read_exact(&mut bytes).map_err(problem)?;
    Ok(bytes.into())
}

/// The path of a file below the folder, through links that stay below it.
fn inside(folder: &Path, location: &str) -> Step<PathBuf> {
    let refused = || {
        format!(
            "its numbers should stand in \"{}\", which is not in the model's folder",
            shortened(location)
        )
    };
    let relative = Path::new(location);
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || location.contains('\0') || !relative.components().all(plain) {
        return Err(refused());
    }
    let real = |path: &Path| {
        let found = path.canonicalize();
        found.map_err(|e| {
            format!(
                "cannot read \"{}\": {e}",
                shortened(&path.display().to_string())
            )
        })
    };
    let path = real(&folder.join(relative))?;
    match path.starts_with(real(folder)?) {
        true => Ok(path),
        false => Err(refused()),
    }
}
