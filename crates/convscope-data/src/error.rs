//! The one error type of this crate. Each message says what was expected, what came, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What `convscope-data` returns.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// Why data could not be read, made or fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// The disk has no room left.
    #[error(
        "the disk is full: {} needs {needed} bytes more. Free some space, or set CONVSCOPE_DATA to \
         a folder on another disk; what was half written has been removed",
        path.display()
    )]
    DiskFull {
        /// The file being written.
        path: PathBuf,
        /// How many bytes the whole file takes.
        needed: u64,
    },

    /// The user asked for an end while a file was coming.
    #[error("stopped on request after {done} bytes of {file}; the next attempt goes on from there")]
    Stopped {
        /// Which file.
        file: String,
        /// Bytes that are here.
        done: u64,
    },

    /// A file is not in the IDX format, or not whole.
    #[error("{name} is not a usable IDX file: {problem}")]
    Idx {
        /// The file's path, or what the caller called the bytes.
        name: String,
        /// What is wrong with it.
        problem: IdxProblem,
    },

    /// A file is not in CIFAR-10's format, or not whole.
    #[error("{name} is not usable as CIFAR-10: {problem}")]
    Cifar {
        /// The file's path, or what the caller called the bytes.
        name: String,
        /// What was expected and what there is.
        problem: String,
    },

    /// Images and labels do not belong together.
    #[error("{images} images but {labels} labels: each image needs exactly one label")]
    CountMismatch {
        /// How many images.
        images: usize,
        /// How many labels.
        labels: usize,
    },

    /// A label points past the last class.
    #[error("label {label} at position {position} is out of range: there are {classes} classes, numbered 0 to {}", classes.saturating_sub(1))]
    LabelOutOfRange {
        /// Where the label stands.
        position: usize,
        /// The label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },

    /// An image number or a range lies outside the dataset.
    #[error("{what} {wanted} is outside {dataset}, which holds {len} images")]
    OutOfRange {
        /// What was asked for, e.g. `"image"` or `"the end of the slice at"`.
        what: &'static str,
        /// The number asked for.
        wanted: usize,
        /// How many images there are.
        len: usize,
        /// The dataset's name.
        dataset: String,
    },

    /// An array has the wrong shape.
    #[error("{what}: expected shape {expected}, got {got:?}")]
    Shape {
        /// Which array.
        what: String,
        /// The shape wanted, in words.
        expected: String,
        /// The shape it has.
        got: Vec<usize>,
    },

    /// A pixel is NaN or infinite.
    #[error(
        "{name}: pixel {pixel} (row-major) of image {image} is {value}; every pixel must be a finite number"
    )]
    NotFinite {
        /// The dataset's name.
        name: String,
        /// Which image.
        image: usize,
        /// Which value within the image, counted over channel, row, column.
        pixel: usize,
        /// The value itself.
        value: f32,
    },

    /// Something that needs images was given none.
    #[error("{name} is empty: {what} needs at least one image")]
    Empty {
        /// The dataset's name.
        name: String,
        /// What needs an image.
        what: &'static str,
    },

    /// A number given by the caller makes no sense.
    #[error("{what}: {problem}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },

    /// The registry has no entry of this name.
    #[error("nothing to fetch is called '{name}'{} names: {}", did_you_mean(nearest), known.join(", "))]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// Names that look like it, best first.
        nearest: Vec<String>,
        /// Every name there is.
        known: Vec<String>,
    },

    /// The registry or the configuration file does not parse or contradicts itself.
    #[error("{}: {problem}", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A file is missing from the cache, and fetching was not asked for.
    #[error("{} is not in the cache; type: cargo course fetch {dataset}", path.display())]
    NotFetched {
        /// The dataset's name.
        dataset: String,
        /// Where the file would be.
        path: PathBuf,
    },

    /// No source had the file, or none had it whole.
    #[error("{}", failed_fetch(dataset, file, attempts))]
    Fetch {
        /// The dataset's name.
        dataset: String,
        /// The file's name within it.
        file: String,
        /// Each source that was tried, in order, with its reason.
        attempts: Vec<Attempt>,
    },

    /// Another process holds the lock on a dataset and does not let go.
    #[error(
        "another process has been fetching {dataset} for more than {seconds} s; wait for it, or end \
         it and delete {}", path.display()
    )]
    Busy {
        /// The dataset's name.
        dataset: String,
        /// How long this one waited.
        seconds: u64,
        /// The lock file.
        path: PathBuf,
    },

    /// A picture file cannot be used.
    #[error("{}: {problem}", path.display())]
    Photo {
        /// The picture file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl DataError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// What is wrong with an IDX file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdxProblem {
    /// Fewer bytes than the fixed part of the header.
    #[error("its {got} bytes are fewer than the {expected} of its header")]
    ShortHeader {
        /// Bytes the header takes.
        expected: usize,
        /// Bytes there are.
        got: usize,
    },
    /// The first two bytes are not zero.
    #[error(
        "it begins with bytes {:#04x} {:#04x} {:#04x} {:#04x}; an IDX file begins with 0x00 0x00, \
         a type code and the number of dimensions{}",
        found[0], found[1], found[2], found[3],
        if found[..2] == [0x1f, 0x8b] { " (this one is still gzip-compressed: unpack it first)" } else { "" }
    )]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// The third byte is no type code.
    #[error(
        "type code {code:#04x} is unknown; expected 0x08 (u8), 0x09 (i8), 0x0b (i16), 0x0c (i32), 0x0d (f32) or 0x0e (f64)"
    )]
    Type {
        /// The code.
        code: u8,
    },
    /// The number of dimensions is not the one wanted.
    #[error("it has {got} dimensions; expected {expected}")]
    Dimensions {
        /// Dimensions wanted, in words.
        expected: &'static str,
        /// Dimensions it declares.
        got: usize,
    },
    /// The sizes multiplied do not fit in memory's address range.
    #[error("its header declares the sizes {sizes:?}, more than any file can hold")]
    Absurd {
        /// Sizes declared.
        sizes: Vec<u32>,
    },
    /// The element type is not the one wanted.
    #[error("its elements are {got}; expected {expected}")]
    Element {
        /// Type wanted.
        expected: &'static str,
        /// Type found.
        got: &'static str,
    },
    /// There are fewer bytes than the header promises.
    #[error(
        "its header {sizes:?} asks for {expected} bytes in all, but there are {got}: it is truncated; fetch it again"
    )]
    Truncated {
        /// Sizes declared.
        sizes: Vec<u32>,
        /// Bytes the whole file should have.
        expected: u64,
        /// Bytes it has.
        got: u64,
    },
    /// There are more bytes than the header promises.
    #[error(
        "its header {sizes:?} asks for {expected} bytes in all, but there are {got}: something is appended, or the header is wrong"
    )]
    Trailing {
        /// Sizes declared.
        sizes: Vec<u32>,
        /// Bytes the whole file should have.
        expected: u64,
        /// Bytes it has.
        got: u64,
    },
}

/// One source of a file that was tried, and why it did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address or path.
    pub source: String,
    /// Why it failed.
    pub reason: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest.first() {
        Some(name) => format!(", did you mean '{name}'? Known"),
        None => "; known".into(),
    }
}

fn failed_fetch(dataset: &str, file: &str, attempts: &[Attempt]) -> String {
    let mut text = format!("could not fetch {file} of {dataset}. Tried:");
    if attempts.is_empty() {
        text.push_str(
            " no source, because there is no mirror and source addresses are switched off.",
        );
    }
    for attempt in attempts {
        text.push_str(&format!("\n  - {attempt}"));
    }
    text.push_str(&format!(
        "\nCheck the network and type: cargo course fetch {dataset}\n\
         Without a network, put the files of {dataset} into a folder and type: \
         cargo course fetch {dataset} --mirror FOLDER (docs/data.md says which files, and where they come from)"
    ));
    text
}
