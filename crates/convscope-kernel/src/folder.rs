//! A relay's or keeper's own folder: a kernel's connection file, and the request to stop.
//!
//! It belongs to whoever holds the lock on the file `lock` in it. Who was killed holds it no more,
//! and the next relay removes what was left.

use crate::error::{Result, io};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

const PREFIX: &str = "convscope-relay-";
const LOCK: &str = "lock";
/// A folder without a lock is being made, or its maker was killed just then.
const MAKING: Duration = Duration::from_secs(3600);

/// A folder in use, which only its owner may look into; removed when this is dropped.
pub struct Folder {
    folder: tempfile::TempDir,
    _lock: File,
}

impl Folder {
    /// Makes one among the system's temporary files.
    pub fn make() -> Result<Folder> {
        Folder::make_in(&std::env::temp_dir())
    }

    fn make_in(place: &Path) -> Result<Folder> {
        let what = "making a folder for the kernel's connection";
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = builder.tempdir_in(place).map_err(io(what))?;
            let path = folder.path().join(LOCK);
            let locked = File::create(&path).and_then(|file| file.lock().map(|()| file));
            // Somebody who swept may have been faster.
            match locked {
                Ok(lock) if path.exists() => {
                    return Ok(Folder {
                        folder,
                        _lock: lock,
                    });
                }
                Ok(_) => {}
                Err(_) if !folder.path().exists() => {}
                Err(error) => return Err(io(what)(error)),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders whose makers were killed.
pub fn sweep() {
    sweep_in(&std::env::temp_dir());
}

fn sweep_in(place: &Path) {
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if ours && is_folder && is_own(&entry) {
            remove_abandoned(&entry.path());
        }
    }
}

fn remove_abandoned(folder: &Path) {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => {
            if lock.try_lock().is_ok() {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
        Err(_) => {
            let age = folder
                .metadata()
                .and_then(|meta| meta.modified())
                .ok()
                .and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > MAKING) {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
    }
}

/// Others' folders may lie there too.
#[cfg(unix)]
fn is_own(entry: &std::fs::DirEntry) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    entry.metadata().is_ok_and(|meta| meta.uid() == own)
}

#[cfg(not(unix))]
fn is_own(_: &std::fs::DirEntry) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn what_a_killed_relay_left_goes_and_what_is_in_use_stays() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let used = Folder::make_in(place.path()).unwrap();
        for name in ["convscope-relay-left", "another-folder"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join(LOCK), "").unwrap();
            std::fs::write(at(name).join("kernel-0.json"), "{}").unwrap();
        }
        for name in ["convscope-relay-new", "convscope-relay-old"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        let long_ago = SystemTime::now() - 2 * MAKING;
        let old = File::open(at("convscope-relay-old")).unwrap();
        old.set_modified(long_ago).unwrap();
        sweep_in(place.path());
        assert!(used.path().join(LOCK).exists());
        for (name, stays) in [
            ("convscope-relay-left", false),
            ("convscope-relay-old", false),
            ("convscope-relay-new", true),
            ("another-folder", true),
        ] {
            assert_eq!(at(name).exists(), stays, "{name}");
        }
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }

    #[test]
    fn relays_that_start_and_sweep_at_once_keep_their_folders() {
        let place = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let folder = Folder::make_in(place.path()).unwrap();
                        sweep_in(place.path());
                        assert!(folder.path().join(LOCK).exists());
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
