//! Each kernel works in a private copy of the warm template: evcxr compiles its cells there.
//!
//! A copy `<id>` belongs to whoever holds the lock on `<id>.lock` beside it; when that process is
//! gone, however it ended, the lock is free and the copy is anybody's to remove.

use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A copy in use. It is removed when this goes out of scope.
pub struct KernelCopy {
    folder: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl KernelCopy {
    pub fn make(template: &Path, runs: &Path) -> Result<KernelCopy> {
        std::fs::create_dir_all(runs)
            .with_context(|| format!("cannot make the folder {}", runs.display()))?;
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.subsec_nanos());
        let id = format!("{}-{nanos:09}", std::process::id());
        let folder = runs.join(&id);
        let lock = runs.join(format!("{id}.lock"));
        let held = {
            let _door = door(runs)?;
            let held =
                File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
            held.lock().context("cannot lock the kernel's folder")?;
            held
        };
        let copy = KernelCopy {
            folder,
            lock,
            _held: held,
        };
        copy_tree(template, &copy.folder).with_context(|| {
            format!(
                "cannot copy the kernel's template to {} (is the disk full?)",
                copy.folder.display()
            )
        })?;
        Ok(copy)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for KernelCopy {
    fn drop(&mut self) {
        kill_leftovers(&self.folder);
        remove(&self.folder, &self.lock);
    }
}

/// Removes the copies of kernels that are no more. Returns how many there were.
pub fn sweep(runs: &Path) -> Result<usize> {
    if !runs.is_dir() {
        return Ok(0);
    }
    let _door = door(runs)?;
    let mut swept = 0;
    for entry in std::fs::read_dir(runs)?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "lock") {
            let Some(held) = free_lock(&path) else {
                continue;
            };
            let folder = path.with_extension("");
            kill_leftovers(&folder);
            remove(&folder, &path);
            drop(held);
            swept += 1;
        } else if path.is_dir() && !path.with_extension("lock").exists() {
            kill_leftovers(&path);
            let _ = std::fs::remove_dir_all(&path);
            swept += 1;
        }
    }
    Ok(swept)
}

/// How many kernels run from copies just now.
pub fn running(runs: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(runs) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "lock") && !is_door(path))
        .filter(|path| free_lock(path).is_none())
        .count()
}

const DOOR: &str = "door.lock";

fn is_door(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == DOOR)
}

/// Between the making of a lock file and its locking nobody may look at it.
fn door(runs: &Path) -> Result<File> {
    let door = OpenOptions::new()
        .create(true)
        .append(true)
        .open(runs.join(DOOR))
        .with_context(|| format!("cannot write in {}", runs.display()))?;
    door.lock().context("cannot lock the kernels' folder")?;
    Ok(door)
}

/// The lock, if nobody holds it.
fn free_lock(path: &Path) -> Option<File> {
    if is_door(path) {
        return None;
    }
    let file = File::open(path).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

fn remove(folder: &Path, lock: &Path) {
    // A process that is just ending may still write into it: look twice.
    for _ in 0..3 {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => break,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    }
    if !folder.exists() {
        let _ = std::fs::remove_file(lock);
    }
}

/// Ends processes that still work in the folder: a cell's endless loop outlives its kernel.
pub fn kill_leftovers(folder: &Path) {
    #[cfg(target_os = "linux")]
    for pid in processes_of(folder) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = folder;
}

#[cfg(target_os = "linux")]
fn processes_of(folder: &Path) -> Vec<rustix::process::Pid> {
    use std::os::unix::ffi::OsStrExt;
    let mark = [b"EVCXR_TMPDIR=", folder.as_os_str().as_bytes()].concat();
    let own = std::process::id();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| *pid as u32 != own)
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|text| text.split(|b| *b == 0).any(|variable| variable == mark))
        })
        .filter_map(rustix::process::Pid::from_raw)
        .collect()
}

/// Copies a folder with its times, which tell cargo that nothing has changed.
///
/// Compiled libraries are linked, not copied: rustc puts a new one beside and renames it over
/// the old, so that a copy cannot spoil another's. Everything else is written in place by cargo.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else if is_compiled_library(&source) && std::fs::hard_link(&source, &target).is_ok() {
        } else {
            std::fs::copy(&source, &target)?;
            let meta = entry.metadata()?;
            let times = std::fs::FileTimes::new()
                .set_accessed(meta.accessed()?)
                .set_modified(meta.modified()?);
            // A file without the right to write may still get its times, through a reading handle.
            File::open(&target)?.set_times(times)?;
        }
    }
    Ok(())
}

fn is_compiled_library(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e == "rlib" || e == "rmeta")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn template() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let deps = folder.path().join("target/deps");
        std::fs::create_dir_all(&deps).unwrap();
        for name in ["liba.rlib", "a.d"] {
            std::fs::write(deps.join(name), name).unwrap();
            let old = SystemTime::now() - Duration::from_secs(3600);
            File::options()
                .write(true)
                .open(deps.join(name))
                .unwrap()
                .set_modified(old)
                .unwrap();
        }
        folder
    }

    #[test]
    fn a_copy_keeps_contents_and_times() {
        let (from, to) = (template(), tempfile::tempdir().unwrap());
        let to = to.path().join("copy");
        copy_tree(from.path(), &to).unwrap();
        for name in ["target/deps/liba.rlib", "target/deps/a.d"] {
            let (a, b) = (from.path().join(name), to.join(name));
            assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
            let modified = |p: &Path| p.metadata().unwrap().modified().unwrap();
            assert_eq!(modified(&a), modified(&b), "{name}");
        }
    }

    #[test]
    fn what_cargo_writes_in_place_is_not_shared_with_the_template() {
        let (from, to) = (template(), tempfile::tempdir().unwrap());
        let to = to.path().join("copy");
        copy_tree(from.path(), &to).unwrap();
        std::fs::write(to.join("target/deps/a.d"), "changed").unwrap();
        assert_eq!(
            std::fs::read_to_string(from.path().join("target/deps/a.d")).unwrap(),
            "a.d"
        );
    }

    #[test]
    fn copies_live_as_long_as_their_kernel_and_strangers_are_swept() {
        let (template, runs) = (template(), tempfile::tempdir().unwrap());
        let runs = runs.path();
        let first = KernelCopy::make(template.path(), runs).unwrap();
        let second = KernelCopy::make(template.path(), runs).unwrap();
        assert_ne!(first.folder(), second.folder());
        assert_eq!(running(runs), 2);

        // What a killed kernel leaves: a folder and a lock file that nobody holds.
        std::fs::create_dir_all(runs.join("999-1/target")).unwrap();
        std::fs::write(runs.join("999-1.lock"), "").unwrap();
        // And one from a start that was cut short.
        std::fs::create_dir_all(runs.join("998-1")).unwrap();
        assert_eq!(sweep(runs).unwrap(), 2);
        assert!(!runs.join("999-1").exists() && !runs.join("999-1.lock").exists());
        assert!(!runs.join("998-1").exists());
        assert!(first.folder().is_dir() && second.folder().is_dir());

        let folder = first.folder().to_owned();
        drop(first);
        assert!(!folder.exists());
        assert_eq!(running(runs), 1);
        drop(second);
        assert_eq!(running(runs), 0);
    }
}
