//! Images that are looked at one by one, wherever they are.

use super::identity::{floats, hex};
use crate::error::{Result, TransferError};
use convscope_data::{Dataset, Photo, PhotoSet};
use sha2::{Digest, Sha256};

/// Photographs whose pixels go into a fingerprint: reading all would cost as much as the work.
const LOOKED_AT: usize = 16;

/// Images with names and labels that are opened when they are needed, so that memory does not grow
/// with their number.
pub trait Source: Sync {
    /// What they are called.
    fn name(&self) -> String;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What one of them is called.
    fn image_name(&self, index: usize) -> String;

    /// Its class.
    fn label(&self, index: usize) -> usize;

    /// The classes' names, by index.
    fn classes(&self) -> Vec<String>;

    /// Opens one of them.
    ///
    /// # Errors
    /// When it cannot be read.
    fn open(&self, index: usize) -> Result<Photo>;

    /// What white is in the pixels that [`open`](Source::open) gives; 1 for photographs.
    ///
    /// # Errors
    /// When they are no pixels any more.
    fn white(&self) -> Result<f32> {
        Ok(1.0)
    }

    /// SHA-256, in hexadecimal, that tells these images from others: over the names, the labels and
    /// the pixels of 16 of them, evenly spaced (a [`Dataset`]: over all pixels).
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for index in 0..self.len() {
            hash.update(format!("|{} {}", self.image_name(index), self.label(index)));
        }
        let looked_at = self.len().min(LOOKED_AT);
        for k in 0..looked_at {
            match self.open(k * self.len() / looked_at) {
                Ok(photo) => {
                    hash.update(format!("|{:?}", photo.pixels.dim()));
                    floats(&mut hash, photo.pixels.iter());
                }
                Err(_) => hash.update("|unreadable"),
            }
        }
        hex(hash)
    }
}

impl Source for Dataset {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn len(&self) -> usize {
        Dataset::len(self)
    }

    fn image_name(&self, index: usize) -> String {
        index.to_string()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    fn classes(&self) -> Vec<String> {
        self.classes.clone()
    }

    fn open(&self, index: usize) -> Result<Photo> {
        Ok(Photo {
            name: format!("image {index} of {}", self.name),
            pixels: self.image(index)?,
        })
    }

    fn white(&self) -> Result<f32> {
        let bounds = (f32::INFINITY, f32::NEG_INFINITY);
        let (low, high) = self
            .images
            .iter()
            .fold(bounds, |(low, high), &v| (v.min(low), v.max(high)));
        match (low, high) {
            (low, _) if low < 0.0 => Err(TransferError::invalid(format!(
                "dataset \"{}\" holds {low}: expected pixels from 0 to 1 or 0 to 255, for the \
                 network's preprocessing; of images that are preprocessed already, ask for features \
                 as_they_are()",
                self.name
            ))),
            (_, high) if high > 1.0 => Ok(255.0),
            _ => Ok(1.0),
        }
    }

    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{:?}{:?}", self.images.shape(), self.labels));
        floats(&mut hash, self.images.iter());
        hex(hash)
    }
}

/// Photographs with a class each.
#[derive(Clone, Debug)]
pub struct LabelledPhotos {
    name: String,
    photos: PhotoSet,
    labels: Vec<usize>,
    classes: Vec<String>,
}

impl LabelledPhotos {
    /// Photographs whose class is the folder they lie in: `train/ants/0013` is one of `ants`. The
    /// classes are in the order of their names.
    ///
    /// # Errors
    /// When there is no photograph, or one lies in no folder.
    pub fn by_folder(name: impl Into<String>, photos: PhotoSet) -> Result<LabelledPhotos> {
        let mut folders = Vec::new();
        for photo in photos.names() {
            let mut parts = photo.rsplit(['/', '\\']);
            match (parts.next(), parts.next()) {
                (Some(_), Some(folder)) if !folder.is_empty() => folders.push(folder.to_owned()),
                _ => {
                    return Err(TransferError::invalid(format!(
                        "\"{photo}\" lies in no folder: expected class/name, the class's folder first"
                    )));
                }
            }
        }
        let mut classes = folders.clone();
        classes.sort();
        classes.dedup();
        let place = |folder: &String| classes.iter().position(|c| c == folder);
        let labels = folders.iter().filter_map(place).collect();
        LabelledPhotos::new(name, photos, labels, classes)
    }

    /// Photographs with these labels, each below the number of classes.
    ///
    /// # Errors
    /// When there is no photograph, there are more or fewer labels, or one is out of range.
    pub fn new(
        name: impl Into<String>,
        photos: PhotoSet,
        labels: Vec<usize>,
        classes: Vec<String>,
    ) -> Result<LabelledPhotos> {
        let name = name.into();
        if photos.is_empty() || labels.len() != photos.len() {
            return Err(TransferError::invalid(format!(
                "{name}: expected photographs and a label for each, got {} and {} labels",
                photos.len(),
                labels.len()
            )));
        }
        if let Some(label) = labels.iter().find(|l| **l >= classes.len()) {
            return Err(TransferError::invalid(format!(
                "{name}: label {label} is out of range: there are {} classes",
                classes.len()
            )));
        }
        Ok(LabelledPhotos {
            name,
            photos,
            labels,
            classes,
        })
    }
}

impl Source for LabelledPhotos {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn len(&self) -> usize {
        self.photos.len()
    }

    fn image_name(&self, index: usize) -> String {
        self.photos.names()[index].clone()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    fn classes(&self) -> Vec<String> {
        self.classes.clone()
    }

    fn open(&self, index: usize) -> Result<Photo> {
        Ok(self.photos.open(index)?)
    }
}
