//! What can be fetched: names, files, sizes, checksums, licences and source addresses. The registry
//! is the repository's `data/registry.toml`, built into the crate.

use crate::error::{DataError, Result};
use crate::preprocessing::Preprocessing;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

/// Everything that can be fetched by name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// In the order of the file.
    #[serde(rename = "entry", default)]
    pub entries: Vec<Entry>,
}

/// One dataset, or one set of weights.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is fetched by, and its folder in the cache.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Dataset or weights.
    pub kind: Kind,
    /// One sentence: what is in it.
    pub about: String,
    /// Under which licence, and whose it is.
    pub licence: String,
    /// What to cite.
    pub citation: String,
    /// The entry that serves where this one cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
    /// Of weights: what they belong to, and what they expect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsFacts>,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<FileEntry>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Labelled images.
    Dataset,
    /// A network's parameters.
    Weights,
}

/// What a file of weights belongs to, what it expects of a picture, and what it was measured to reach.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFacts {
    /// The architecture, by its name in the zoo's catalogue.
    pub network: String,
    /// The list of class names, for [`crate::labels`].
    pub labels: String,
    /// Learned numbers in the network.
    pub parameters: u64,
    /// Percent of test images whose class is ranked first, as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top1: Option<f64>,
    /// Percent of test images whose class is among the first five, as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
    /// On which images, and who says so.
    pub measured: String,
    /// From a picture to the network's input.
    pub preprocessing: Preprocessing,
}

/// One file of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path within the entry's folder in the cache.
    pub path: String,
    /// Its size when unpacked; about, if `sha256` is not known.
    pub bytes: u64,
    /// SHA-256 of the unpacked bytes, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The first digits of it, at least 8, where no more is published. Eight find out a damaged or an
    /// old file; a forger could meet them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256_prefix: Option<String>,
    /// How the sources pack it.
    pub packing: Packing,
    /// About how much there is to download.
    pub download_bytes: u64,
    /// Its path below a mirror.
    pub mirror: String,
    /// Where it can be had, tried in this order.
    pub urls: Vec<String>,
}

/// How a file travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// As it is. An archive that stays packed in the cache is such a file too.
    None,
    /// Compressed by gzip. A source that has it unpacked serves as well.
    Gzip,
}

impl Registry {
    /// The registry of this build.
    ///
    /// # Errors
    /// If the built-in file is wrong, which a test rules out.
    pub fn builtin() -> Result<Self> {
        Self::parse(
            include_str!("../../../data/registry.toml"),
            Path::new("data/registry.toml"),
        )
    }

    /// Reads a registry; `path` is what errors call it.
    ///
    /// # Errors
    /// If it does not parse, a name or a path comes twice or leads outside the cache, or a checksum
    /// is not one.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let wrong = |problem| DataError::Config {
            path: path.to_owned(),
            problem,
        };
        let registry: Self = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        for (i, entry) in registry.entries.iter().enumerate() {
            entry
                .check()
                .map_err(|problem| wrong(format!("entry '{}': {problem}", entry.name)))?;
            if registry.entries[..i]
                .iter()
                .any(|other| other.name == entry.name)
            {
                return Err(wrong(format!("'{}' stands there twice", entry.name)));
            }
            if let Some(other) = &entry.stand_in
                && (*other == entry.name || registry.entries.iter().all(|e| e.name != *other))
            {
                return Err(wrong(format!(
                    "entry '{}': its stand-in '{other}' is no other entry",
                    entry.name
                )));
            }
        }
        Ok(registry)
    }

    /// The entry of this name.
    ///
    /// # Errors
    /// If there is none; the error lists the names that look like it.
    pub fn get(&self, name: &str) -> Result<&Entry> {
        self.entries.iter().find(|e| e.name == name).ok_or_else(|| {
            let wanted = name.to_lowercase();
            let mut near: Vec<(usize, String)> = self
                .entries
                .iter()
                .map(|e| {
                    (
                        strsim::damerau_levenshtein(&wanted, &e.name),
                        e.name.clone(),
                    )
                })
                .filter(|(distance, known)| {
                    *distance <= 2.max(known.len() / 3) || known.contains(&wanted)
                })
                .collect();
            near.sort();
            DataError::UnknownDataset {
                name: name.to_owned(),
                nearest: near.into_iter().map(|(_, name)| name).collect(),
                known: self.entries.iter().map(|e| e.name.clone()).collect(),
            }
        })
    }
}

impl Entry {
    /// The size of all its files in the cache.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }

    /// About how much there is to download.
    pub fn download_bytes(&self) -> u64 {
        self.files.iter().map(|f| f.download_bytes).sum()
    }

    fn check(&self) -> Result<(), String> {
        if !is_plain(&self.name) || Path::new(&self.name).components().count() != 1 {
            return Err("its name must be a plain folder name".into());
        }
        if self.files.is_empty() {
            return Err("it has no file".into());
        }
        if (self.kind == Kind::Weights) != self.weights.is_some() {
            return Err("it must have a table 'weights' if, and only if, it is weights".into());
        }
        if let Some(facts) = &self.weights {
            let checked = facts.preprocessing.check();
            checked.map_err(|e| e.to_string())?;
        }
        for (i, file) in self.files.iter().enumerate() {
            for path in [&file.path, &file.mirror] {
                if !is_plain(path) {
                    return Err(format!(
                        "the path '{path}' must be relative and stay below its folder"
                    ));
                }
            }
            file.check_sum()?;
            if let Some(url) = file
                .urls
                .iter()
                .find(|u| !(u.starts_with("https://") || u.starts_with("http://")))
            {
                return Err(format!("'{url}' of {} is not an http address", file.path));
            }
            if self.files[..i].iter().any(|other| other.path == file.path) {
                return Err(format!("the file {} stands there twice", file.path));
            }
        }
        Ok(())
    }
}

impl FileEntry {
    /// Where it lies below the entry's folder.
    pub(crate) fn relative(&self) -> PathBuf {
        PathBuf::from(&self.path)
    }

    /// Whether every byte is known, not only about how many and how their sum begins.
    pub fn is_exact(&self) -> bool {
        self.sha256.is_some()
    }

    /// The sizes it may have unpacked. Where only about is known, a thousandth more or less, and a
    /// kilobyte.
    pub fn sizes(&self) -> RangeInclusive<u64> {
        let slack = match self.is_exact() {
            true => 0,
            false => self.bytes / 1000 + 1024,
        };
        self.bytes.saturating_sub(slack)..=self.bytes.saturating_add(slack)
    }

    /// Whether a SHA-256, as 64 digits, is the registered one.
    pub(crate) fn has_sum(&self, sum: &str) -> bool {
        match (&self.sha256, &self.sha256_prefix) {
            (Some(whole), _) => sum == whole,
            (None, Some(prefix)) => sum.starts_with(prefix.as_str()),
            (None, None) => false,
        }
    }

    /// The registered sum, or how it begins, for people.
    pub(crate) fn expected_sum(&self) -> String {
        match (&self.sha256, &self.sha256_prefix) {
            (Some(whole), _) => whole.clone(),
            (None, prefix) => format!("one that begins with {}", prefix.as_deref().unwrap_or("")),
        }
    }

    fn check_sum(&self) -> Result<(), String> {
        let digits = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let right = match (&self.sha256, &self.sha256_prefix) {
            (Some(whole), None) => whole.len() == 64 && digits(whole),
            (None, Some(prefix)) => (8..64).contains(&prefix.len()) && digits(prefix),
            _ => false,
        };
        match right {
            true => Ok(()),
            false => Err(format!(
                "{} must have a sha256 of 64 digits 0-9 a-f, or else a sha256_prefix of at least 8",
                self.path
            )),
        }
    }
}

fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path)
            .components()
            .all(|c| matches!(c, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(change: impl Fn(&str) -> String) -> Result<Registry> {
        Registry::parse(
            &change(include_str!("../../../data/registry.toml")),
            Path::new("r.toml"),
        )
    }

    #[test]
    fn the_builtin_registry_is_sound_and_has_mnist_from_several_sources() {
        let registry = Registry::builtin().unwrap();
        let mnist = registry.get("mnist").unwrap();
        assert_eq!(mnist.files.len(), 4);
        assert_eq!(
            mnist.bytes(),
            16 + 60_000 * 784 + 8 + 60_000 + 16 + 10_000 * 784 + 8 + 10_000
        );
        assert!(mnist.files.iter().all(|f| f.urls.len() >= 2));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        for typo in ["minst", "mnis", "MNIST", "mnist2"] {
            let error = Registry::builtin().unwrap().get(typo).unwrap_err();
            let DataError::UnknownDataset { nearest, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!(nearest, &["mnist"], "{typo}");
            assert!(
                error.to_string().contains("did you mean 'mnist'?"),
                "{error}"
            );
        }
        let error = Registry::builtin().unwrap().get("imagenet").unwrap_err();
        assert!(!error.to_string().contains("did you mean"), "{error}");
        assert!(error.to_string().contains("known names: mnist"), "{error}");
    }

    #[test]
    fn a_registry_that_contradicts_itself_is_refused() {
        let cases: [(&str, &str, &str); 10] = [
            (
                "name = \"mnist\"",
                "name = \"../mnist\"",
                "plain folder name",
            ),
            (
                "path = \"train-images-idx3-ubyte\"",
                "path = \"/etc/passwd\"",
                "must be relative",
            ),
            (
                "mirror = \"mnist/train-images",
                "mirror = \"../mnist/train-images",
                "must be relative",
            ),
            ("sha256 = \"b", "sha256 = \"B", "64 digits"),
            ("sha256 = \"ba8910", "sha256_prefix = \"ba8910", "64 digits"),
            (
                "licence = \"CC",
                "stand_in = \"nothing\"\nlicence = \"CC",
                "no other entry",
            ),
            (
                "kind = \"dataset\"",
                "kind = \"weights\"",
                "a table 'weights'",
            ),
            ("https://ossci", "ftp://ossci", "not an http address"),
            ("bytes = 10008", "bytes = -1", "bytes"),
            (
                "path = \"train-labels-idx1-ubyte\"",
                "path = \"train-images-idx3-ubyte\"",
                "twice",
            ),
        ];
        for (from, to, message) in cases {
            let error = text(|t| {
                assert!(t.contains(from), "{from}");
                t.replacen(from, to, 1)
            });
            let error = error.unwrap_err().to_string();
            assert!(
                error.starts_with("r.toml: ") && error.contains(message),
                "{error}"
            );
        }
        let twice = text(|t| format!("{t}\n{}", &t[t.find("[[entry]]").unwrap()..]));
        assert!(
            twice
                .unwrap_err()
                .to_string()
                .contains("'mnist' stands there twice")
        );
    }
}
