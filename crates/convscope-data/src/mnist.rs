//! MNIST, whole or in the course's small protocol. Where it cannot be had, InkDigits takes its place
//! and says so.

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::fetch::{FetchDisplay, FetchOptions, fetch};
use crate::registry::{Entry, Registry};
use crate::synthetic::InkDigits;

pub(crate) const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const TRAIN: usize = 60_000;
const TEST: usize = 10_000;
/// The seeds of the stand-in; different ones, so that no test image is also trained on.
const INK_SEEDS: (u64, u64) = (1998, 2021);

/// MNIST's own split.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// 60,000 images `[60000, 1, 28, 28]`, pixels 0 to 255.
    pub train: Dataset,
    /// 10,000 images of other writers.
    pub test: Dataset,
    /// Set when this is not MNIST but its stand-in: what it is, why, and what to do.
    pub notice: Option<String>,
}

/// The course's small protocol on MNIST: few enough images to train on in seconds.
#[derive(Clone, Debug)]
pub struct MnistSmall {
    /// The first 2400 training images.
    pub train: Dataset,
    /// The next 600 training images.
    pub validation: Dataset,
    /// The first 1000 test images.
    pub test: Dataset,
    /// Set when this is not MNIST but its stand-in: what it is, why, and what to do.
    pub notice: Option<String>,
}

/// MNIST from the cache, fetched first if need be; InkDigits with a notice if that fails.
///
/// # Errors
/// If neither is to be had, which only a fault in this crate can bring about.
pub fn mnist() -> Result<Mnist> {
    mnist_with(FetchOptions::from_environment())
}

/// [`mnist`] with options of one's own, for a cache elsewhere or other time-outs.
///
/// # Errors
/// As [`mnist`].
pub fn mnist_with(options: Result<FetchOptions>) -> Result<Mnist> {
    let (train, test, notice) = load(options, TRAIN, TEST)?;
    Ok(Mnist {
        train,
        test,
        notice,
    })
}

/// The course's 2400 training, 600 validation and 1000 test images of MNIST, fetched first if need
/// be; of InkDigits with a notice if that fails.
///
/// # Errors
/// As [`mnist`].
pub fn mnist_small() -> Result<MnistSmall> {
    mnist_small_with(FetchOptions::from_environment())
}

/// [`mnist_small`] with options of one's own.
///
/// # Errors
/// As [`mnist`].
pub fn mnist_small_with(options: Result<FetchOptions>) -> Result<MnistSmall> {
    let (both, test, notice) = load(options, 3000, 1000)?;
    let (train, validation) = both.split(2400)?;
    Ok(MnistSmall {
        train,
        validation,
        test,
        notice,
    })
}

/// How the notice begins that InkDigits has taken MNIST's place.
pub const STAND_IN: &str = "This is not MNIST but InkDigits";

/// The first images of both parts, and a notice if they are not MNIST's.
fn load(
    options: Result<FetchOptions>,
    train: usize,
    test: usize,
) -> Result<(Dataset, Dataset, Option<String>)> {
    let registry = Registry::builtin()?;
    let entry = registry.get("mnist")?;
    let had = options.and_then(|options| {
        let ready = |file| options.cache.is_whole(entry, file);
        let mut whole = true;
        for file in &entry.files {
            whole = whole && ready(file)?;
        }
        if !whole {
            let mut display = FetchDisplay::new();
            fetch(entry, &options, &mut |progress| display.show(progress))?;
        }
        Ok((
            part(entry, &options, "train", train)?,
            part(entry, &options, "t10k", test)?,
        ))
    });
    match had {
        Ok((train, test)) => Ok((train, test, None)),
        // Who asked for an end did not ask for other digits.
        Err(stopped @ DataError::Stopped { .. }) => Err(stopped),
        Err(why) => Ok((
            InkDigits::generate(train, INK_SEEDS.0),
            InkDigits::generate(test, INK_SEEDS.1),
            Some(format!(
                "{STAND_IN}, digits drawn by Convscope's own generator in the same \
                 format: expect other accuracies than the text says.\nWhy: {why}"
            )),
        )),
    }
}

fn part(entry: &Entry, options: &FetchOptions, prefix: &str, limit: usize) -> Result<Dataset> {
    let path = |what: &str| {
        options
            .cache
            .folder(entry)
            .join(format!("{prefix}-{what}-ubyte"))
    };
    Dataset::read_idx(
        "mnist",
        path("images-idx3"),
        path("labels-idx1"),
        &DIGITS,
        Some(limit),
    )
}
