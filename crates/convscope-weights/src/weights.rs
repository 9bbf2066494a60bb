//! Arrays by name, in the file's order.

use crate::element::Loaded;
use crate::format::detect;
use crate::{Format, Mismatch, Result, WeightsError};
use crate::{caffe, keras, npy, safetensors, torch};
use ndarray::ArrayD;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Parameters by their paths, in the order in which the file names them.
///
/// # Numbers
/// Parameters are `f32`. Half precision (`f16`, `bf16`) is widened without loss; `f64` is rounded to
/// the nearest `f32`, and what is beyond its range becomes infinite. Integers and booleans are no
/// parameters (the usual one is batch normalisation's `num_batches_tracked`): they stand apart, as
/// `i64`, in [`integers`](Self::integers), and neither [`len`](Self::len), [`iter`](Self::iter) nor
/// [`fits`](Self::fits) counts them.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    arrays: Ordered<f32>,
    integers: Ordered<i64>,
    source: Option<PathBuf>,
    format: Option<Format>,
}

#[derive(Clone, Debug)]
struct Ordered<T> {
    entries: Vec<(String, ArrayD<T>)>,
    places: HashMap<String, usize>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T> Ordered<T> {
    fn get(&self, name: &str) -> Option<&ArrayD<T>> {
        self.places.get(name).map(|&at| &self.entries[at].1)
    }

    fn push(&mut self, name: String, array: ArrayD<T>) {
        self.places.insert(name.clone(), self.entries.len());
        self.entries.push((name, array));
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &ArrayD<T>)> {
        self.entries.iter().map(|(n, a)| (n.as_str(), a))
    }
}

impl Weights {
    /// No arrays yet, and no file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file whose format is told by its content; its name does not matter.
    ///
    /// # Errors
    /// If the file cannot be read, is of no known format, or is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| WeightsError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::from_bytes(&bytes, path)
    }

    /// Reads a file's content; `source` is the name that errors and [`source`](Self::source) give it.
    ///
    /// A file may unpack to 16 times its length, or to 64 MiB if that is more: bytes that are
    /// inflated and arrays that are made both count.
    ///
    /// # Errors
    /// If the content is of no known format, or is damaged.
    pub fn from_bytes(bytes: &[u8], source: impl AsRef<Path>) -> Result<Self> {
        let source = source.as_ref();
        let format = detect(bytes).map_err(|found| WeightsError::Unknown {
            path: source.to_owned(),
            found,
        })?;
        let unusable = |problem| WeightsError::Unusable {
            path: source.to_owned(),
            format,
            problem,
        };
        let loaded = match format {
            Format::Safetensors => safetensors::read(bytes),
            Format::TorchZip => torch::read_zip(bytes),
            Format::TorchLegacy => torch::read_legacy(bytes),
            Format::Npy => npy::read_npy(bytes, source),
            Format::Npz => npy::read_npz(bytes),
            Format::Caffe => caffe::read(bytes),
            Format::KerasH5 => keras::read_h5(bytes),
            Format::KerasZip => keras::read_zip(bytes),
        };
        let mut weights = Self {
            source: Some(source.to_owned()),
            format: Some(format),
            ..Self::default()
        };
        for (name, array) in loaded.map_err(unusable)? {
            let placed = match array {
                Loaded::Float(array) => weights.insert(name, array),
                Loaded::Integer(array) => weights.insert_integers(name, array),
            };
            placed.map_err(|e| unusable(e.to_string()))?;
        }
        Ok(weights)
    }

    /// Writes the parameters, then the integers, as safetensors: the file is replaced whole or left
    /// as it was.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_safetensors(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = safetensors::encode(self, false).map_err(|problem| WeightsError::Unusable {
            path: path.to_owned(),
            format: Format::Safetensors,
            problem,
        })?;
        convscope_data::write_atomic(path, &bytes).map_err(|source| WeightsError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// Writes the parameters, then the integers, as NumPy's `.npz`: the file is replaced whole or left
    /// as it was.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = npy::encode_npz(self).map_err(|problem| WeightsError::Unusable {
            path: path.to_owned(),
            format: Format::Npz,
            problem,
        })?;
        convscope_data::write_atomic(path, &bytes).map_err(|source| WeightsError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// The bytes of a safetensors file of about half the length: matrices and filters are rounded to
    /// half precision (11 bits, about 3 digits), which trained networks hardly notice. Vectors, which
    /// are biases and batch normalisation's statistics, stay as they are, and so do integers.
    ///
    /// # Errors
    /// If a number lies beyond the range of half precision, 65504.
    pub fn to_half_safetensors(&self) -> Result<Vec<u8>> {
        safetensors::encode(self, true).map_err(|problem| WeightsError::Unusable {
            path: self.source.clone().unwrap_or_else(|| "the weights".into()),
            format: Format::Safetensors,
            problem,
        })
    }

    /// Adds a parameter at the end.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn insert(&mut self, name: impl Into<String>, array: ArrayD<f32>) -> Result<()> {
        let name = self.fresh(name.into())?;
        self.arrays.push(name, array);
        Ok(())
    }

    /// Adds an array of integers at the end of those.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn insert_integers(&mut self, name: impl Into<String>, array: ArrayD<i64>) -> Result<()> {
        let name = self.fresh(name.into())?;
        self.integers.push(name, array);
        Ok(())
    }

    fn fresh(&self, name: String) -> Result<String> {
        match self.get(&name).is_some() || self.integers.get(&name).is_some() {
            true => Err(WeightsError::Repeated { name }),
            false => Ok(name),
        }
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&ArrayD<f32>> {
        self.arrays.get(name)
    }

    /// The parameters with their names, in the file's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &ArrayD<f32>)> {
        self.arrays.iter()
    }

    /// The arrays of integers and booleans (as 0 and 1), in the file's order.
    pub fn integers(&self) -> impl ExactSizeIterator<Item = (&str, &ArrayD<i64>)> {
        self.integers.iter()
    }

    /// How many parameters there are, each an array.
    pub fn len(&self) -> usize {
        self.arrays.entries.len()
    }

    /// Whether there is no parameter.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file that these came from.
    pub fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// The format of that file.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// The same arrays under the names that `rename` gives them, e.g. without a prefix `module.`.
    ///
    /// # Errors
    /// If two come to one name.
    pub fn renamed(self, rename: impl Fn(&str) -> String) -> Result<Self> {
        let mut renamed = Self {
            source: self.source,
            format: self.format,
            ..Self::default()
        };
        for (name, array) in self.arrays.entries {
            renamed.insert(rename(&name), array)?;
        }
        for (name, array) in self.integers.entries {
            renamed.insert_integers(rename(&name), array)?;
        }
        Ok(renamed)
    }

    /// What stands between these parameters and a network that asks for `expected`, each a name
    /// and a shape; empty if they fit.
    pub fn fits(&self, expected: &[(String, Vec<usize>)]) -> Mismatch {
        let found = self.iter().map(|(name, array)| (name, array.shape()));
        let source = self.source().map(|path| path.display().to_string());
        Mismatch::between(source, found, expected)
    }
}
