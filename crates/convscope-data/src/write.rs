//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How old a half-written file must be to be taken for a dead process's.
const STALE: Duration = Duration::from_secs(3600);

/// Replaces the file at `path` by these bytes, or leaves it as it was: they go into a file beside it,
/// reach the disk, and only then take its name. Whatever happens on the way (a full disk, a killed
/// process, a power cut), a reader finds the old file or the new one, whole.
///
/// # Errors
/// If the file cannot be written; what was half written is removed.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    replace(path.as_ref(), |file| file.write_all(bytes))
}

fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    remove_stale(path);
    // The number keeps two processes that write to one path out of each other's way.
    let fresh = beside(path, &format!(".{}.part", std::process::id()));
    let written = File::create(&fresh).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&fresh, path));
    match placed {
        Ok(()) => sync_folder(path),
        Err(_) => {
            let _ = fs::remove_file(&fresh);
        }
    }
    placed
}

/// What processes killed while writing have left behind.
fn remove_stale(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return;
    };
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let stem = format!("{}.", name.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let number = file.to_string_lossy();
        let number = number
            .strip_prefix(&stem)
            .and_then(|rest| rest.strip_suffix(".part"));
        let ours = number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let age = entry.metadata().and_then(|m| m.modified());
        if ours && age.is_ok_and(|t| t.elapsed().is_ok_and(|age| age > STALE)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `path` with something appended to its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A rename survives a power cut once its folder is flushed; where folders cannot be, nothing is lost
/// but that.
pub(crate) fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent().and_then(|p| File::open(p).ok()) {
        let _ = folder.sync_all();
    }
}

/// Whether there was no room, be it of the disk, a quota or a limit on a file's size.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_halfway_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last");
        write_atomic(&path, b"old").unwrap();
        let error = replace(&path, |file| {
            file.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(is_full(&error.unwrap_err()));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn only_old_leftovers_of_the_same_file_are_swept_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last");
        for name in [
            "last.12.part",
            "last.13.part",
            "last.x.part",
            "best.12.part",
        ] {
            let file = File::create(folder.path().join(name)).unwrap();
            if name != "last.13.part" {
                let long_ago = std::time::SystemTime::now() - 2 * STALE;
                file.set_modified(long_ago).unwrap();
            }
        }
        write_atomic(&path, b"new").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            ["best.12.part", "last", "last.13.part", "last.x.part"]
        );
    }
}
