//! Which steps of the set-up are done: a stamp per step with a digest of what went into it.

use crate::paths::Paths;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A digest of everything that a step depends on.
pub struct Inputs(Sha256);

impl Inputs {
    pub fn new() -> Inputs {
        Inputs(Sha256::new())
    }

    pub fn text(mut self, text: impl AsRef<[u8]>) -> Inputs {
        let text = text.as_ref();
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
        self
    }

    /// A file's contents, or every file's below a folder, with their names.
    pub fn files(mut self, path: &Path) -> Result<Inputs> {
        if path.is_dir() {
            let mut entries = std::fs::read_dir(path)
                .and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>())
                .with_context(|| format!("cannot read {}", path.display()))?;
            entries.sort_by_key(|entry| entry.file_name());
            for entry in entries {
                if entry.file_name() != "target" {
                    self = self.files(&entry.path())?;
                }
            }
            Ok(self)
        } else {
            let contents =
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(self.text(path.to_string_lossy().as_bytes()).text(contents))
        }
    }

    pub fn digest(self) -> String {
        let bytes = self.0.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[derive(Serialize, Deserialize)]
struct Stamp {
    inputs: String,
}

fn file(paths: &Paths, step: &str) -> PathBuf {
    paths.stamps().join(format!("{step}.json"))
}

pub fn is_done(paths: &Paths, step: &str, inputs: &str) -> bool {
    std::fs::read(file(paths, step))
        .ok()
        .and_then(|text| serde_json::from_slice::<Stamp>(&text).ok())
        .is_some_and(|stamp| stamp.inputs == inputs)
}

pub fn set_done(paths: &Paths, step: &str, inputs: &str) -> Result<()> {
    let stamp = Stamp {
        inputs: inputs.to_owned(),
    };
    write_whole(&file(paths, step), &serde_json::to_vec_pretty(&stamp)?)
}

/// Writes a file that is either there whole or not at all.
pub fn write_whole(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file stands in a folder")?;
    let partial = path.with_extension("part");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&partial, contents))
        .and_then(|()| std::fs::rename(&partial, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Keeps a second set-up out while one runs. Freed when it ends, however it ends.
pub fn lock(paths: &Paths) -> Result<File> {
    std::fs::create_dir_all(paths.stamps())
        .with_context(|| format!("cannot make the folder {}", paths.stamps().display()))?;
    let path = paths.stamps().join("lock");
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        eprintln!("Another set-up of this folder is running; waiting for it to end ...");
        while file.try_lock().is_err() {
            anyhow::ensure!(!crate::process::interrupted(), "stopped");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, Paths) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        (folder, Paths { root })
    }

    #[test]
    fn a_step_is_done_only_for_the_inputs_it_was_done_with() {
        let (_folder, paths) = scratch();
        assert!(!is_done(&paths, "venv", "a"));
        set_done(&paths, "venv", "a").unwrap();
        assert!(is_done(&paths, "venv", "a"));
        assert!(!is_done(&paths, "venv", "b"));
    }

    #[test]
    fn a_stamp_cut_short_counts_as_not_done() {
        let (_folder, paths) = scratch();
        set_done(&paths, "venv", "a").unwrap();
        let stamp = file(&paths, "venv");
        let text = std::fs::read(&stamp).unwrap();
        std::fs::write(&stamp, &text[..text.len() / 2]).unwrap();
        assert!(!is_done(&paths, "venv", "a"));
    }

    #[test]
    fn inputs_change_with_a_files_contents_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let digest = || {
            Inputs::new()
                .text("x")
                .files(folder.path())
                .unwrap()
                .digest()
        };
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/a.rs"), "1").unwrap();
        let first = digest();
        assert_eq!(first, digest());
        std::fs::write(folder.path().join("src/a.rs"), "2").unwrap();
        let second = digest();
        assert_ne!(first, second);
        std::fs::rename(
            folder.path().join("src/a.rs"),
            folder.path().join("src/b.rs"),
        )
        .unwrap();
        assert_ne!(second, digest());
    }
}
