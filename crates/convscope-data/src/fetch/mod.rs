//! Fetching by name: from a mirror first, then from each source address in turn, into the cache.
//!
//! A file enters the cache only whole: it is unpacked beside its place, its size and checksum are
//! compared with the registry, it is flushed to the disk and then renamed. What is interrupted
//! before that is never mistaken for data: a download that stops leaves a `.part`, which the next
//! attempt continues if the server still has the same file.

mod display;
mod fetched;
mod http;
mod lock;
mod unpack;

pub use display::FetchDisplay;
pub use fetched::{Fetched, fetch_or_stand_in, fetched, fetched_with};

use crate::cache::{Cache, Config, repository};
use crate::error::{Attempt, DataError, Result};
use crate::registry::{Entry, FileEntry};
use crate::write::is_full;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder or an address that holds the registry's files under their mirror paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// A folder on this machine.
    Folder(PathBuf),
    /// An address that the mirror path is appended to.
    Address(String),
}

impl Mirror {
    /// An address if it begins with `http://` or `https://`, else a folder.
    pub fn parse(text: &str) -> Self {
        match text.starts_with("http://") || text.starts_with("https://") {
            true => Self::Address(text.trim_end_matches('/').to_owned()),
            false => Self::Folder(PathBuf::from(text.strip_prefix("file://").unwrap_or(text))),
        }
    }
}

/// How to fetch.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Where to.
    pub cache: Cache,
    /// Tried before the source addresses.
    pub mirror: Option<Mirror>,
    /// Ask no source address: the cache and the mirror must do.
    pub offline: bool,
    /// Fetch again what is already there.
    pub force: bool,
    /// How long a server may take to accept a connection, and to begin its answer.
    pub connect_timeout: Duration,
    /// How long a server may stay silent, or send next to nothing, in the middle of a file.
    pub stall_timeout: Duration,
    /// How often one address is tried again after a transfer that broke off, continuing where it stopped.
    pub retries: usize,
    /// How long to wait for another process that fetches the same dataset.
    pub lock_timeout: Duration,
}

impl FetchOptions {
    /// Into `cache`, without a mirror.
    pub fn new(cache: Cache) -> Self {
        Self {
            cache,
            mirror: None,
            offline: false,
            force: false,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(20),
            retries: 3,
            lock_timeout: Duration::from_secs(600),
        }
    }

    /// Into the usual cache; the mirror is the one named by the environment variable
    /// `CONVSCOPE_MIRROR`, else the one in the repository's `data/config.toml`, else none.
    ///
    /// # Errors
    /// If there is no place for the cache, or the settings file does not parse.
    pub fn from_environment() -> Result<Self> {
        let mut options = Self::new(Cache::locate()?);
        if let Ok(mirror) = std::env::var("CONVSCOPE_MIRROR")
            && !mirror.is_empty()
        {
            options.mirror = Some(Mirror::parse(&mirror));
        } else if let Some(root) = repository() {
            options.mirror = Config::read(&root)?
                .mirror
                .map(|text| match Mirror::parse(&text) {
                    Mirror::Folder(folder) => Mirror::Folder(root.join(folder)),
                    address => address,
                });
        }
        Ok(options)
    }
}

/// What happens while fetching, for a progress display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process is fetching the same dataset; this one waits for it.
    Waiting,
    /// The file is in the cache already, whole.
    Present {
        /// Which file.
        file: &'a FileEntry,
    },
    /// A source is being tried.
    Source {
        /// Which file.
        file: &'a FileEntry,
        /// The address or path.
        source: &'a str,
    },
    /// A part of the file has arrived.
    Received {
        /// Which file.
        file: &'a FileEntry,
        /// Bytes so far, those of an earlier attempt included.
        done: u64,
        /// Bytes in all, as the server says, else about as many as the registry says.
        total: u64,
    },
    /// A source did not serve; the next one is tried.
    Failed {
        /// Which file.
        file: &'a FileEntry,
        /// Source and reason.
        attempt: &'a Attempt,
    },
    /// The file is in the cache.
    Done {
        /// Which file.
        file: &'a FileEntry,
    },
}

/// Why a source did not serve.
enum Failure {
    /// The source has no such file, or another one: go on to the next.
    Source(String),
    /// The transfer broke off: it may be continued.
    Interrupted(String),
    /// This machine is at fault: no other source will help.
    Local(DataError),
}

/// Fetches all files of an entry into the cache, and returns where they are. Files that are there
/// and whole are left alone unless `options.force` is set.
///
/// # Errors
/// If no source has a file whole (the error lists every source with its reason), the cache cannot be
/// written, the disk is full, another process holds the lock too long, or the user asked for an end
/// ([`convscope_progress::stop_requested`]); what had come over the network by then is kept.
pub fn fetch(
    entry: &Entry,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<PathBuf>> {
    let cache = &options.cache;
    let folder = cache.folder(entry);
    fs::create_dir_all(&folder).map_err(DataError::io("create", &folder))?;
    let _lock = lock::acquire(entry, &folder, options.lock_timeout, progress)?;
    let client = http::Client::new(options);
    let mut paths = Vec::with_capacity(entry.files.len());
    for file in &entry.files {
        let path = cache.path(entry, file);
        if !options.force && cache.is_whole(entry, file)? {
            progress(Progress::Present { file });
        } else {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
            }
            fetch_file(entry, file, &path, options, &client, progress)?;
            progress(Progress::Done { file });
        }
        paths.push(path);
    }
    Ok(paths)
}

fn fetch_file(
    entry: &Entry,
    file: &FileEntry,
    path: &Path,
    options: &FetchOptions,
    client: &http::Client,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<()> {
    let mut attempts = Vec::new();
    let mut failed = |source: String, failure, progress: &mut dyn FnMut(Progress<'_>)| match failure
    {
        Failure::Local(error) => Err(error),
        Failure::Source(reason) | Failure::Interrupted(reason) => {
            attempts.push(Attempt { source, reason });
            progress(Progress::Failed {
                file,
                attempt: attempts.last().expect("just pushed"),
            });
            Ok(())
        }
    };
    let mut addresses = if options.offline {
        Vec::new()
    } else {
        file.urls.clone()
    };
    match &options.mirror {
        Some(Mirror::Address(base)) => addresses.insert(0, format!("{base}/{}", file.mirror)),
        Some(Mirror::Folder(folder)) => {
            let source = folder.join(&file.mirror).display().to_string();
            progress(Progress::Source {
                file,
                source: &source,
            });
            match from_folder(folder, entry, file, path) {
                Ok(()) => return Ok(()),
                Err(failure) => failed(source, failure, progress)?,
            }
        }
        None => {}
    }
    for url in addresses {
        progress(Progress::Source { file, source: &url });
        match from_address(&url, file, path, client, progress) {
            Ok(()) => return Ok(()),
            Err(failure) => failed(url, failure, progress)?,
        }
    }
    Err(DataError::Fetch {
        dataset: entry.name.clone(),
        file: file.path.clone(),
        attempts,
    })
}

fn from_folder(folder: &Path, entry: &Entry, file: &FileEntry, path: &Path) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::Source("the mirror folder does not exist".into()));
    }
    // A mirror may have the file packed, under its mirror path, or as it lies in a cache.
    let packed = folder.join(&file.mirror);
    let plain = packed.with_file_name(file.relative().file_name().unwrap_or_default());
    let cached = folder.join(&entry.name).join(file.relative());
    let opened = File::open(&packed)
        .or_else(|_| File::open(&plain))
        .or_else(|_| File::open(&cached));
    let opened = opened.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Failure::Source("the mirror has no such file".into()),
        _ => Failure::Source(e.to_string()),
    })?;
    unpack::into_place(opened, file, path)
}

fn from_address(
    url: &str,
    file: &FileEntry,
    path: &Path,
    client: &http::Client,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Failure> {
    let part = http::Part::beside(path);
    // Gzip makes nothing much longer than it is, so more than this is not the file.
    let most = *file.sizes().end();
    let limit = most.saturating_add(most / 1000 + 65_536);
    let mut report = |done, total: Option<u64>| {
        let total = total.unwrap_or(file.download_bytes);
        progress(Progress::Received { file, done, total });
    };
    loop {
        let continued = client.download(url, &part, limit, &mut report)?;
        let opened = File::open(&part.body)
            .map_err(|e| Failure::Local(DataError::io("read", &part.body)(e)))?;
        let unpacked = unpack::into_place(opened, file, path);
        // Whole or wrong, it is of no further use.
        part.remove();
        match unpacked {
            // What an earlier run left may have been the fault, not the source.
            Err(Failure::Source(_)) if continued => {}
            done => return done,
        }
    }
}

/// What to say of a failed write: a full disk is told apart from all else.
pub(crate) fn write_error(path: &Path, needed: u64) -> impl Fn(io::Error) -> DataError {
    move |source| match is_full(&source) {
        true => DataError::DiskFull {
            path: path.to_owned(),
            needed,
        },
        false => DataError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        },
    }
}
