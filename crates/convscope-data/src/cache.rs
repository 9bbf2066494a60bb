//! Where fetched files lie on this machine, and whether they are whole.

use crate::error::{DataError, Result};
use crate::registry::{Entry, FileEntry};
use crate::write::{beside, write_atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The folder of fetched files: `<cache>/<name>/<file>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

/// Whether an entry's files are in the cache, by their sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// All of them.
    Complete,
    /// Some are missing or have the wrong size.
    Partial,
    /// None.
    Missing,
}

impl Cache {
    /// The cache in `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// `CONVSCOPE_DATA` where it is set, else `data/cache` in the repository.
    ///
    /// # Errors
    /// If it is not set and no repository is found.
    pub fn locate() -> Result<Self> {
        if let Some(folder) = env_path("CONVSCOPE_DATA") {
            return Ok(Self::new(folder));
        }
        match repository() {
            Some(root) => Ok(Self::new(root.join("data/cache"))),
            None => Err(DataError::Argument {
                what: "data cache",
                problem:
                    "cannot tell where the repository is: set CONVSCOPE_HOME to its folder, or \
                          CONVSCOPE_DATA to a folder for data"
                        .into(),
            }),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an entry's files lie.
    pub fn folder(&self, entry: &Entry) -> PathBuf {
        self.root.join(&entry.name)
    }

    /// Where a file lies, or would.
    pub fn path(&self, entry: &Entry, file: &FileEntry) -> PathBuf {
        self.folder(entry).join(file.relative())
    }

    /// Whether an entry's files are there, judged by their sizes (reading them would take long).
    pub fn presence(&self, entry: &Entry) -> Presence {
        let whole = |f: &&FileEntry| {
            let path = self.path(entry, f);
            let sizes = match Known::read(&path, f) {
                Some(known) => known.bytes..=known.bytes,
                None => f.sizes(),
            };
            fs::metadata(path).is_ok_and(|m| m.is_file() && sizes.contains(&m.len()))
        };
        match entry.files.iter().filter(whole).count() {
            0 => Presence::Missing,
            n if n == entry.files.len() => Presence::Complete,
            _ => Presence::Partial,
        }
    }

    /// Whether a file is there with the registered size and checksum; reads it whole.
    ///
    /// # Errors
    /// If it is there but cannot be read.
    pub fn is_whole(&self, entry: &Entry, file: &FileEntry) -> Result<bool> {
        let path = self.path(entry, file);
        match fs::metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(DataError::io("read", &path)(e)),
            Ok(m) if !m.is_file() || !file.sizes().contains(&m.len()) => return Ok(false),
            Ok(_) => {}
        }
        let known = Known::read(&path, file);
        let mut hash = Sha256::new();
        let mut reader = File::open(&path).map_err(DataError::io("read", &path))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(is_expected(file, known.as_ref(), &hex(&hash.finalize()))),
                Ok(n) => hash.update(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(DataError::io("read", &path)(e)),
            }
        }
    }

    /// A file's bytes, after comparing them with the registry.
    ///
    /// # Errors
    /// [`DataError::NotFetched`] if it is missing or not the registered file.
    pub fn read(&self, entry: &Entry, file: &FileEntry) -> Result<Vec<u8>> {
        let path = self.path(entry, file);
        let absent = || DataError::NotFetched {
            dataset: entry.name.clone(),
            path: path.clone(),
        };
        match fs::metadata(&path) {
            Ok(m) if file.sizes().contains(&m.len()) => {}
            _ => return Err(absent()),
        }
        let bytes = fs::read(&path).map_err(DataError::io("read", &path))?;
        let known = Known::read(&path, file);
        match is_expected(file, known.as_ref(), &hex(&Sha256::digest(&bytes))) {
            true => Ok(bytes),
            false => Err(absent()),
        }
    }
}

/// What a file turned out to be when it came, noted beside it if the registry knows only how its sum
/// begins: from then on every byte is checked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Known {
    fn note(path: &Path) -> PathBuf {
        beside(path, ".known.toml")
    }

    /// Nothing, if there is no note or it does not fit the registry.
    fn read(path: &Path, file: &FileEntry) -> Option<Self> {
        if file.is_exact() {
            return None;
        }
        let text = fs::read_to_string(Self::note(path)).ok()?;
        let known: Self = toml::from_str(&text).ok()?;
        let fits = file.sizes().contains(&known.bytes) && file.has_sum(&known.sha256);
        fits.then_some(known)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let note = Self::note(path);
        let text = toml::to_string(self).expect("a number and a string");
        write_atomic(&note, text.as_bytes()).map_err(DataError::io("write", &note))
    }
}

fn is_expected(file: &FileEntry, known: Option<&Known>, sum: &str) -> bool {
    match known {
        Some(known) => sum == known.sha256,
        None => file.has_sum(sum),
    }
}

/// The repository's folder: `CONVSCOPE_HOME`, else the nearest folder upwards from the current one
/// that has a registry, else the place this crate was built from.
pub fn repository() -> Option<PathBuf> {
    let has_registry = |folder: &Path| folder.join("data/registry.toml").is_file();
    if let Some(home) = env_path("CONVSCOPE_HOME") {
        return Some(home);
    }
    let here = env::current_dir().ok()?;
    if let Some(root) = here.ancestors().find(|f| has_registry(f)) {
        return Some(root.to_owned());
    }
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    has_registry(built_from).then(|| built_from.to_owned())
}

/// The settings file, `data/config.toml` in the repository; git ignores it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// A folder (relative to the repository) or an address that is tried before the source addresses.
    pub(crate) mirror: Option<String>,
}

impl Config {
    pub(crate) fn read(repository: &Path) -> Result<Self> {
        let path = repository.join("data/config.toml");
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(DataError::io("read", &path))?,
        };
        toml::from_str(&text).map_err(|e| DataError::Config {
            path,
            problem: e.to_string(),
        })
    }
}

pub(crate) fn env_path(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
