//! Feature files: arrays by layer, labels, and what they belong to.

use super::identity::Identity;
use super::npz::{NpzWriter, atomically, bytes_of, bytes_of_integers, read_about};
use super::table::{Features, Skipped, provenance};
use crate::error::{Result, TransferError};
use convscope_vis::Provenance;
use convscope_weights::Weights;
use ndarray::Ix2;
use serde::{Deserialize, Serialize};
use std::path::Path;

pub(super) const VERSION: u32 = 1;
pub(super) const LABELS: &str = "labels";

/// What stands in a feature file beside its arrays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) version: u32,
    /// None of features that are no network's.
    pub(super) identity: Option<Identity>,
    /// The arrays, in their order.
    pub(super) layers: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) classes: Vec<String>,
    pub(super) skipped: Vec<Skipped>,
}

impl About {
    pub(super) fn read(path: &Path) -> Result<About> {
        let text = read_about(path)?;
        let about: About = serde_json::from_str(&text).map_err(|e| {
            TransferError::file(
                path,
                format!("what it says about itself makes no sense ({e})"),
            )
        })?;
        match about.version {
            VERSION => Ok(about),
            other => Err(TransferError::file(
                path,
                format!("it is of version {other}; expected {VERSION}: make it anew"),
            )),
        }
    }
}

impl Features {
    /// The features of every layer in a file that
    /// [`Extraction::to_file`](crate::Extraction::to_file) or [`Features::save`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read, is no feature file or is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Features>> {
        let path = path.as_ref();
        let about = About::read(path)?;
        let arrays = Weights::read(path)?;
        let damaged =
            |problem: String| TransferError::file(path, format!("it is damaged: {problem}"));
        let labels = arrays.integers().find(|(name, _)| *name == LABELS);
        let labels = labels.ok_or_else(|| damaged("it has no labels".into()))?.1;
        let labels = labels.iter().map(|&l| usize::try_from(l));
        let labels = labels.collect::<Result<Vec<usize>, _>>();
        let labels = labels.map_err(|_| damaged("a label is negative".into()))?;
        let of_layer = |layer: &String| {
            let array = arrays.get(layer);
            let array = array.and_then(|a| a.clone().into_dimensionality::<Ix2>().ok());
            let values = array.ok_or_else(|| damaged(format!("it has no matrix \"{layer}\"")))?;
            let features = Features {
                node: layer.clone(),
                values,
                labels: labels.clone(),
                classes: about.classes.clone(),
                names: about.names.clone(),
                skipped: about.skipped.clone(),
                provenance: match &about.identity {
                    Some(identity) => provenance(identity, layer),
                    None => Provenance::new("features", "made elsewhere").layer(&**layer),
                },
            };
            features.check()?;
            Ok(features)
        };
        about.layers.iter().map(of_layer).collect()
    }

    /// The features of one layer in a file, by [`Tap::key`](crate::Tap::key).
    ///
    /// # Errors
    /// As [`Features::read`], or when the file has no such layer.
    pub fn read_layer(path: impl AsRef<Path>, layer: &str) -> Result<Features> {
        let path = path.as_ref();
        let about = About::read(path)?;
        let all = Features::read(path)?;
        let found = all.into_iter().find(|features| features.node == layer);
        found.ok_or_else(|| {
            TransferError::file(
                path,
                format!(
                    "there is no layer \"{layer}\" in it; there are: {}",
                    about.layers.join(", ")
                ),
            )
        })
    }

    /// What a feature file belongs to; none of features that are no network's.
    ///
    /// # Errors
    /// When the file is no feature file.
    pub fn identity_of(path: impl AsRef<Path>) -> Result<Option<Identity>> {
        Ok(About::read(path.as_ref())?.identity)
    }

    /// Writes features as a `.npz` file, whole or not at all: a float32 array under the layer's name
    /// and `labels` as int64. For a network's features of many images there is
    /// [`Extraction::to_file`](crate::Extraction::to_file).
    ///
    /// # Errors
    /// When they do not belong together, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.check()?;
        let about = About {
            version: VERSION,
            identity: None,
            layers: vec![self.node.clone()],
            names: self.names.clone(),
            classes: self.classes.clone(),
            skipped: self.skipped.clone(),
        };
        atomically(path, |file| {
            let write = || {
                let mut npz = NpzWriter::new(file);
                npz.begin(&self.node, "<f4", self.values.shape())?;
                npz.write(&bytes_of(self.values.iter()))?;
                npz.begin(LABELS, "<i8", &[self.len()])?;
                npz.write(&bytes_of_integers(self.labels.iter().copied()))?;
                npz.about(&serde_json::to_string(&about)?)?;
                npz.finish()?;
                Ok::<(), std::io::Error>(())
            };
            write().map_err(|e| TransferError::file(path, e))
        })
    }
}
