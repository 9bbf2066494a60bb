//! Features: a row of numbers for each image.

use super::identity::Identity;
use crate::error::{Result, TransferError};
use convscope_data::{Dataset, Draw};
use convscope_vis::Provenance;
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An image that could not be read, and was left out because that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// What it is called.
    pub name: String,
    /// Why it could not be read.
    pub problem: String,
}

/// What images are at a node of a network (or as pixels, or by a descriptor): a row of numbers each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Features {
    /// The node, with its pooling if that is not the global average (`"features.12"`,
    /// `"features.12:3x3"`); `"pixels"` or `"hog"` where no network was asked.
    pub node: String,
    /// `[N, D]`.
    pub values: Array2<f32>,
    /// One class for each row.
    pub labels: Vec<usize>,
    /// The classes' names, by index.
    pub classes: Vec<String>,
    /// What the images are called, one for each row.
    pub names: Vec<String>,
    /// Images that could not be read and have no row.
    pub skipped: Vec<Skipped>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

impl Features {
    /// Features that were made elsewhere, after checking that they belong together.
    ///
    /// # Errors
    /// When there are more or fewer labels than rows, a label has no class, or a number is NaN or
    /// infinite.
    pub fn new(
        node: impl Into<String>,
        values: Array2<f32>,
        labels: Vec<usize>,
        classes: Vec<String>,
    ) -> Result<Features> {
        let node = node.into();
        let features = Features {
            names: (0..labels.len()).map(|i| i.to_string()).collect(),
            provenance: Provenance::new("features", "made elsewhere").layer(&*node),
            skipped: Vec::new(),
            node,
            values,
            labels,
            classes,
        };
        features.check()?;
        Ok(features)
    }

    /// The images themselves, `[N, C H W]`: what features are compared with.
    ///
    /// # Errors
    /// When the dataset's parts do not belong together.
    pub fn pixels(set: &Dataset) -> Result<Features> {
        set.check()?;
        let mut features = Features::new(
            "pixels",
            set.flattened(),
            set.labels.clone(),
            set.classes.clone(),
        )?;
        features.provenance =
            Provenance::new("pixels", "the images themselves").setting("data", set.name.clone());
        Ok(features)
    }

    /// Checks what [`Features::new`] checks; for features whose fields were changed by hand.
    ///
    /// # Errors
    /// As [`Features::new`].
    pub fn check(&self) -> Result<()> {
        let rows = self.values.nrows();
        if self.labels.len() != rows || self.names.len() != rows {
            return Err(TransferError::invalid(format!(
                "features of \"{}\": expected a label and a name for each of {rows} rows, got {} and {}",
                self.node,
                self.labels.len(),
                self.names.len()
            )));
        }
        if let Some(label) = self.labels.iter().find(|l| **l >= self.classes.len()) {
            return Err(TransferError::invalid(format!(
                "features of \"{}\": label {label} is out of range: there are {} classes",
                self.node,
                self.classes.len()
            )));
        }
        match self.values.indexed_iter().find(|(_, v)| !v.is_finite()) {
            None => Ok(()),
            Some(((row, column), v)) => Err(TransferError::invalid(format!(
                "features of \"{}\": row {row} holds {v} in column {column}; look at what they were \
                 made of",
                self.node
            ))),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.values.ncols()
    }

    /// The rows of these numbers, in this order.
    ///
    /// # Errors
    /// When there are not that many rows.
    pub fn select(&self, rows: &[usize]) -> Result<Features> {
        if let Some(row) = rows.iter().find(|r| **r >= self.len()) {
            return Err(TransferError::invalid(format!(
                "features of \"{}\": there is no row {row}: there are {}",
                self.node,
                self.len()
            )));
        }
        Ok(Features {
            node: self.node.clone(),
            values: self.values.select(Axis(0), rows),
            labels: rows.iter().map(|&i| self.labels[i]).collect(),
            classes: self.classes.clone(),
            names: rows.iter().map(|&i| self.names[i].clone()).collect(),
            skipped: self.skipped.clone(),
            provenance: self.provenance.clone(),
        })
    }

    /// The rows of these classes only, renumbered in the order given: `classes[0]` becomes 0.
    ///
    /// # Errors
    /// When there is no such class.
    pub fn filter_classes(&self, classes: &[usize]) -> Result<Features> {
        if let Some(class) = classes.iter().find(|c| **c >= self.classes.len()) {
            return Err(TransferError::invalid(format!(
                "features of \"{}\": there is no class {class}: there are {}",
                self.node,
                self.classes.len()
            )));
        }
        let place = |label: usize| classes.iter().position(|&c| c == label);
        let rows: Vec<usize> = (0..self.len())
            .filter(|&i| place(self.labels[i]).is_some())
            .collect();
        let mut chosen = self.select(&rows)?;
        chosen.labels = chosen.labels.iter().filter_map(|&l| place(l)).collect();
        chosen.classes = classes.iter().map(|&c| self.classes[c].clone()).collect();
        Ok(chosen)
    }

    /// The columns of `other` beside these: two layers as one set of features.
    ///
    /// # Errors
    /// When the rows are not of the same images.
    pub fn beside(&self, other: &Features) -> Result<Features> {
        if self.names != other.names || self.labels != other.labels {
            return Err(TransferError::invalid(format!(
                "\"{}\" and \"{}\" are features of different images",
                self.node, other.node
            )));
        }
        let values = ndarray::concatenate(Axis(1), &[self.values.view(), other.values.view()]);
        Ok(Features {
            node: format!("{} + {}", self.node, other.node),
            values: values.expect("as many rows"),
            ..self.clone()
        })
    }

    /// How many rows each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.labels.iter().for_each(|&l| counts[l] += 1);
        counts
    }

    /// Row numbers of disjoint parts of these sizes, drawn by `seed`: `split(&[100, 100, 800], 1)`
    /// for training, validation and test. The same labels and seed give the same rows, so that
    /// features of several layers can be split alike.
    ///
    /// Each part has the classes as evenly as its size allows, when `balanced`.
    ///
    /// # Errors
    /// When there are too few rows, in all or of a class.
    pub fn split(&self, sizes: &[usize], balanced: bool, seed: u64) -> Result<Vec<Vec<usize>>> {
        let total: usize = sizes.iter().sum();
        if sizes.contains(&0) || total > self.len() {
            return Err(TransferError::invalid(format!(
                "a split into {sizes:?}: expected parts of at least 1 and {} in all",
                self.len()
            )));
        }
        let mut draw = Draw::new(seed, 0);
        let order = draw.permutation(self.len());
        if !balanced {
            let mut rest = order.as_slice();
            let take = |&size: &usize| {
                let (part, left) = rest.split_at(size);
                rest = left;
                part.to_vec()
            };
            return Ok(sizes.iter().map(take).collect());
        }
        let classes = self.classes.len();
        let mut of_class: Vec<std::collections::VecDeque<usize>> =
            vec![Default::default(); classes];
        order
            .iter()
            .for_each(|&i| of_class[self.labels[i]].push_back(i));
        let mut parts = Vec::new();
        for &size in sizes {
            // The classes that get one more where the size does not divide are drawn.
            let turn = draw.permutation(classes);
            let mut part = Vec::with_capacity(size);
            for k in 0..size {
                let class = turn[k % classes];
                part.push(of_class[class].pop_front().ok_or_else(|| {
                    TransferError::invalid(format!(
                        "a balanced split into {sizes:?}: class \"{}\" has only {} rows",
                        self.classes[class],
                        self.class_counts()[class]
                    ))
                })?);
            }
            parts.push(part);
        }
        Ok(parts)
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} images x {} numbers, {} classes",
            self.node,
            self.len(),
            self.width(),
            self.classes.len()
        )?;
        match self.skipped.len() {
            0 => Ok(()),
            n => write!(f, " ({n} could not be read)"),
        }
    }
}

/// Where features of a network come from, in the words of a [`Provenance`].
pub(super) fn provenance(identity: &Identity, key: &str) -> Provenance {
    Provenance::new("features", "the network's own activations")
        .model(&*identity.network)
        .layer(key)
        .setting("network_sha256", identity.network_sha256.clone())
        .setting("preprocessing", identity.preprocessing.clone())
        .setting("data", identity.data.clone())
        .setting("data_sha256", identity.data_sha256.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Features {
        let values = Array2::from_shape_fn((12, 2), |(i, j)| (10 * i + j) as f32);
        let labels = (0..12).map(|i| i % 3).collect();
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        Features::new("conv1", values, labels, classes).unwrap()
    }

    #[test]
    fn a_balanced_split_has_every_class_alike_and_no_row_twice() {
        let features = features();
        for seed in 0..5 {
            let parts = features.split(&[3, 6, 2], true, seed).unwrap();
            assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [3, 6, 2]);
            let counts = |part: &[usize]| features.select(part).unwrap().class_counts();
            assert_eq!(counts(&parts[0]), [1, 1, 1]);
            assert_eq!(counts(&parts[1]), [2, 2, 2]);
            let mut all = parts.concat();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), 11);
            assert_eq!(parts, features.split(&[3, 6, 2], true, seed).unwrap());
        }
        let plain = features.split(&[10, 2], false, 1).unwrap();
        assert_ne!(plain, features.split(&[10, 2], false, 2).unwrap());
        for (sizes, balanced, words) in [
            (&[13][..], false, "12 in all"),
            (&[0, 2], false, "at least 1"),
        ] {
            let error = features.split(sizes, balanced, 1).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let mut few = features.clone();
        few.labels = vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2];
        let error = few.split(&[6], true, 1).unwrap_err().to_string();
        assert!(error.contains("\"c\" has only 1"), "{error}");
    }

    #[test]
    fn rows_become_images_of_one_pixel() {
        let set = features().to_dataset();
        assert_eq!(set.images.shape(), [12, 2, 1, 1]);
        assert_eq!(set.images[[3, 1, 0, 0]], 31.0);
        assert_eq!((set.labels[4], set.classes.len()), (1, 3));
    }

    #[test]
    fn rows_and_columns_keep_their_images() {
        let features = features();
        let chosen = features.select(&[4, 0]).unwrap();
        assert_eq!(chosen.values, ndarray::arr2(&[[40.0, 41.0], [0.0, 1.0]]));
        assert_eq!(
            (chosen.labels, chosen.names),
            (vec![1, 0], vec!["4".into(), "0".into()])
        );
        let two = features.filter_classes(&[2, 0]).unwrap();
        assert_eq!(two.class_counts(), [4, 4]);
        assert_eq!(two.classes, ["c", "a"]);
        assert_eq!(two.names[0], "0");
        assert_eq!(two.labels[0], 1);
        let wide = features.beside(&features).unwrap();
        assert_eq!((wide.width(), wide.len()), (4, 12));
        let error = features.beside(&two).unwrap_err().to_string();
        assert!(error.contains("different images"), "{error}");
        assert!(
            features
                .select(&[12])
                .unwrap_err()
                .to_string()
                .contains("no row 12")
        );
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let mut nan = features();
        nan.values[[3, 1]] = f32::NAN;
        let error = nan.check().unwrap_err().to_string();
        assert!(error.contains("row 3 holds NaN in column 1"), "{error}");
        let mut label = features();
        label.labels[0] = 3;
        assert!(label.check().unwrap_err().to_string().contains("label 3"));
        let short = Features::new("x", Array2::zeros((2, 1)), vec![0], vec!["a".into()]);
        assert!(short.unwrap_err().to_string().contains("each of 2 rows"));
    }
}
