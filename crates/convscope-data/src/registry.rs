//! What can be fetched: names, files, sizes, checksums, licences and source addresses. The registry
//! is the repository's `data/registry.toml`, built into the crate.

use crate::error::{DataError, Result};
use serde::{Deserialize, Serialize};
use std::path::{Component, Path, PathBuf};

/// Everything that can be fetched by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// In the order of the file.
    #[serde(rename = "entry", default)]
    pub entries: Vec<Entry>,
}

/// One dataset, or one set of weights.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
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

/// One file of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path within the entry's folder in the cache.
    pub path: String,
    /// Its size when unpacked.
    pub bytes: u64,
    /// SHA-256 of the unpacked bytes, 64 hexadecimal digits.
    pub sha256: String,
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
        for (i, file) in self.files.iter().enumerate() {
            for path in [&file.path, &file.mirror] {
                if !is_plain(path) {
                    return Err(format!(
                        "the path '{path}' must be relative and stay below its folder"
                    ));
                }
            }
            if file.sha256.len() != 64
                || !file
                    .sha256
                    .bytes()
                    .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            {
                return Err(format!(
                    "the sha256 of {} must be 64 digits 0-9 a-f",
                    file.path
                ));
            }
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
        let cases: [(&str, &str, &str); 7] = [
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
