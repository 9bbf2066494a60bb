//! The weights that come with this repository: trained by this project with `cargo course train
//! NAME`, a file `NAME.safetensors` in `data/weights` and beside it its card, `NAME.json`, that says
//! how it came about.
//!
//! ```no_run
//! use convscope_zoo::shipped;
//!
//! let resnet = shipped::get("resnet56")?;
//! println!("{}", resnet.card);
//! let curve: Vec<(f64, f64)> = resnet.card.curve(|epoch| 1.0 - epoch.train_accuracy);
//! # Ok::<(), convscope_zoo::ZooError>(())
//! ```

mod card;

pub use card::{Card, Data, Epoch, Figures, Settings};

use crate::catalogue;
use crate::error::{Result, ZooError};
use crate::load::load;
use crate::model::Model;
use crate::options::Options;
use convscope_data::repository;
use convscope_nn::Network;
use convscope_weights::{Weights, WeightsError};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// A trained network and where it comes from.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// The network with its weights.
    pub network: Network,
    /// How it was trained, what it was shown and how good it got.
    pub card: Card,
}

/// The folder of the shipped weights: `data/weights` in the repository.
///
/// # Errors
/// When no repository is found: neither `CONVSCOPE_HOME` names one, nor is there one around the
/// current folder or where this crate was built.
pub fn folder() -> Result<PathBuf> {
    repository()
        .map(|root| root.join("data/weights"))
        .ok_or(ZooError::NoRepository)
}

/// The names of the shipped weights, in the order of the alphabet.
///
/// # Errors
/// As [`folder`], or when it cannot be read.
pub fn names() -> Result<Vec<String>> {
    names_in(&folder()?)
}

/// Whether weights of this name are shipped.
pub fn is_there(name: &str) -> bool {
    names().is_ok_and(|names| names.iter().any(|known| known == name))
}

/// The cards of all shipped weights, in the order of [`names`]. Weights are not read.
///
/// # Errors
/// As [`names`], or when a card is damaged.
pub fn cards() -> Result<Vec<Card>> {
    let folder = folder()?;
    names_in(&folder)?
        .iter()
        .map(|name| Card::read(folder.join(format!("{name}.json"))))
        .collect()
}

/// The network of this name with its weights, and its card.
///
/// # Errors
/// When no weights of this name are shipped (the message lists those that are), the repository is not
/// found, or a file is damaged: the card has a checksum of the weights.
pub fn get(name: &str) -> Result<Shipped> {
    get_from(folder()?, name)
}

/// [`get`] from another folder, for weights that `cargo course train NAME --out FOLDER` wrote.
///
/// # Errors
/// As [`get`].
pub fn get_from(folder: impl AsRef<Path>, name: &str) -> Result<Shipped> {
    let folder = folder.as_ref();
    let path = folder.join(format!("{name}.json"));
    // A name with a slash in it would lead elsewhere.
    if !names_in(folder)?.iter().any(|known| known == name) {
        return Err(ZooError::NotShipped {
            name: name.to_owned(),
            folder: folder.to_owned(),
            shipped: names_in(folder)?,
        });
    }
    let card = Card::read(&path)?;
    let file = folder.join(format!("{name}.safetensors"));
    let bytes = fs::read(&file).map_err(|source| WeightsError::Io {
        action: "read",
        path: file.clone(),
        source,
    })?;
    let sum = checksum(&bytes);
    if sum != card.sha256 {
        return Err(ZooError::Card {
            problem: format!(
                "it belongs to other weights: expected a file {} with the checksum {}, got {sum}",
                file.display(),
                card.sha256
            ),
            path,
        });
    }
    let options = card.options().blank();
    let mut network = catalogue::get(&card.architecture)?.build(options)?;
    load(&mut network, &Weights::from_bytes(&bytes, &file)?)?;
    Ok(Shipped { network, card })
}

/// The checksum that a card has of its weights: SHA-256 of the file, as hexadecimal digits.
pub fn checksum(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Cards in a folder; one without weights counts, so that the error is about them.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| WeightsError::Io {
            action: "read",
            path: folder.to_owned(),
            source,
        })?,
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            Some(file.strip_suffix(".json")?.to_owned())
        })
        .collect();
    names.sort();
    Ok(names)
}

impl Shipped {
    /// With preprocessing and class names, ready to be shown a photo.
    pub fn into_model(self) -> Model {
        Model {
            source: format!("shipped; {}", self.card.command),
            name: self.card.name,
            network: self.network,
            preprocessing: self.card.preprocessing,
            labels: self.card.labels,
            notice: None,
        }
    }
}

impl Card {
    /// What the architecture was built with.
    fn options(&self) -> Options {
        let [channels, height, width] = self.input;
        Options::new()
            .channels(channels)
            .sizes(height, width)
            .classes(self.labels.len())
    }
}
