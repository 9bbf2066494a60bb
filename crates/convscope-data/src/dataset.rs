//! Labelled images in memory, and the ways to pick some of them.

use crate::draw::Draw;
use crate::error::{DataError, Result};
use ndarray::{Array3, Array4, ArrayD, ArrayView3, ArrayView4, Axis, Ix3, Ix4, Slice, concatenate};
use std::fmt;
use std::ops::{Bound, RangeBounds};

/// Labelled images, all of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What it is called, e.g. `"mnist"`.
    pub name: String,
    /// Pixels, shape `[N, C, H, W]`: 0 to 255 for digits, 0 to 1 for photographs, around 0 once
    /// standardised.
    pub images: ArrayD<f32>,
    /// One class index per image, each below `classes.len()`.
    pub labels: Vec<usize>,
    /// The classes' names, by index.
    pub classes: Vec<String>,
}

impl Dataset {
    /// Puts images and labels together, after checking that they belong together.
    ///
    /// # Errors
    /// If `images` is not `[N, C, H, W]`, if there are more or fewer labels than images, if a label
    /// is not below `classes.len()`, or if a pixel is NaN or infinite.
    pub fn new(
        name: impl Into<String>,
        images: ArrayD<f32>,
        labels: Vec<usize>,
        classes: Vec<String>,
    ) -> Result<Self> {
        let set = Self {
            name: name.into(),
            images,
            labels,
            classes,
        };
        set.check()?;
        Ok(set)
    }

    /// Checks what [`Dataset::new`] checks; for a dataset whose fields were changed by hand.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn check(&self) -> Result<()> {
        if self.images.ndim() != 4 {
            return Err(DataError::Shape {
                what: format!("images of {}", self.name),
                expected: "[N, C, H, W]".into(),
                got: self.images.shape().to_vec(),
            });
        }
        let images = self.images.shape()[0];
        if images != self.labels.len() {
            return Err(DataError::CountMismatch {
                images,
                labels: self.labels.len(),
            });
        }
        let classes = self.classes.len();
        if let Some((position, &label)) =
            self.labels.iter().enumerate().find(|(_, l)| **l >= classes)
        {
            return Err(DataError::LabelOutOfRange {
                position,
                label,
                classes,
            });
        }
        self.check_finite()
    }

    fn check_finite(&self) -> Result<()> {
        // A sum over |x| * 0 stays 0 only if every value is finite, and vectorises; look for the
        // culprit only when there is one.
        let poison: f32 = match self.images.as_slice() {
            Some(pixels) => pixels.iter().map(|x| x * 0.0).sum(),
            None => f32::NAN,
        };
        if poison == 0.0 {
            return Ok(());
        }
        let per_image = self.pixels().max(1);
        match self.images.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            Some((at, &value)) => Err(DataError::NotFinite {
                name: self.name.clone(),
                image: at / per_image,
                pixel: at % per_image,
                value,
            }),
            None => Ok(()),
        }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Channels, height and width of an image.
    pub fn image_shape(&self) -> [usize; 3] {
        match self.images.shape() {
            [_, c, h, w] => [*c, *h, *w],
            _ => [0; 3],
        }
    }

    /// How many numbers an image is made of: channels x height x width.
    pub fn pixels(&self) -> usize {
        self.image_shape().iter().product()
    }

    /// Image number `index`, shape `[C, H, W]`.
    ///
    /// # Errors
    /// If there are not that many images.
    pub fn image(&self, index: usize) -> Result<Array3<f32>> {
        self.view(index).map(|view| view.to_owned())
    }

    /// Image number `index` without copying it, shape `[C, H, W]`.
    ///
    /// # Errors
    /// If there are not that many images.
    pub fn view(&self, index: usize) -> Result<ArrayView3<'_, f32>> {
        if index >= self.len() {
            return Err(self.out_of_range("image", index));
        }
        self.images
            .index_axis(Axis(0), index)
            .into_dimensionality::<Ix3>()
            .map_err(|_| DataError::Shape {
                what: format!("images of {}", self.name),
                expected: "[N, C, H, W]".into(),
                got: self.images.shape().to_vec(),
            })
    }

    /// The images as a four-dimensional view.
    ///
    /// # Errors
    /// If `images` is not `[N, C, H, W]`.
    pub fn images4(&self) -> Result<ArrayView4<'_, f32>> {
        self.images
            .view()
            .into_dimensionality::<Ix4>()
            .map_err(|_| DataError::Shape {
                what: format!("images of {}", self.name),
                expected: "[N, C, H, W]".into(),
                got: self.images.shape().to_vec(),
            })
    }

    /// The class name of image number `index`.
    ///
    /// # Errors
    /// If there are not that many images.
    pub fn class_of(&self, index: usize) -> Result<&str> {
        let label = *self
            .labels
            .get(index)
            .ok_or_else(|| self.out_of_range("image", index))?;
        let classes = self.classes.len();
        self.classes
            .get(label)
            .map(String::as_str)
            .ok_or(DataError::LabelOutOfRange {
                position: index,
                label,
                classes,
            })
    }

    /// The images of these numbers, in this order; a number may come more than once.
    ///
    /// # Errors
    /// If there are not that many images.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        if let Some(&index) = indices.iter().find(|i| **i >= self.len()) {
            return Err(self.out_of_range("image", index));
        }
        Ok(Self {
            name: self.name.clone(),
            images: self.images.select(Axis(0), indices),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            classes: self.classes.clone(),
        })
    }

    /// The images numbered `range`, e.g. `set.slice(2400..3000)?`.
    ///
    /// # Errors
    /// If the range ends past the last image, or before it starts.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Result<Self> {
        let start = match range.start_bound() {
            Bound::Included(&s) => s,
            Bound::Excluded(&s) => s.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&e) => e.saturating_add(1),
            Bound::Excluded(&e) => e,
            Bound::Unbounded => self.len(),
        };
        if end > self.len() {
            return Err(self.out_of_range("the end of the slice at", end));
        }
        if start > end {
            return Err(DataError::Argument {
                what: "slice",
                problem: format!("it starts at {start}, after its end at {end}"),
            });
        }
        let images = self.images.slice_axis(Axis(0), Slice::from(start..end));
        Ok(Self {
            name: self.name.clone(),
            images: images.to_owned(),
            labels: self.labels[start..end].to_vec(),
            classes: self.classes.clone(),
        })
    }

    /// The first `n` images.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn take(&self, n: usize) -> Result<Self> {
        self.slice(..n)
    }

    /// The first `at` images, and the rest.
    ///
    /// # Errors
    /// If there are fewer than `at`.
    pub fn split(&self, at: usize) -> Result<(Self, Self)> {
        Ok((self.slice(..at)?, self.slice(at..)?))
    }

    /// The same images in an order drawn from `seed`.
    pub fn shuffled(&self, seed: u64) -> Self {
        let order = Draw::new(seed, 0).permutation(self.len());
        self.select(&order).expect("a permutation stays in range")
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(label) {
                *count += 1;
            }
        }
        counts
    }

    /// Where the images of `class` stand.
    pub fn indices_of(&self, class: usize) -> Vec<usize> {
        (0..self.len())
            .filter(|&i| self.labels[i] == class)
            .collect()
    }

    /// The images of one class; labels and class names stay as they are.
    ///
    /// # Errors
    /// If there is no such class.
    pub fn of_class(&self, class: usize) -> Result<Self> {
        self.check_class(class)?;
        self.select(&self.indices_of(class))
    }

    /// The images of these classes only, renumbered in the order given: `classes[0]` becomes 0.
    ///
    /// # Errors
    /// If a class does not exist or is named twice.
    pub fn filter_classes(&self, classes: &[usize]) -> Result<Self> {
        let mut renumbered = vec![None; self.classes.len()];
        for (new, &class) in classes.iter().enumerate() {
            self.check_class(class)?;
            if renumbered[class].replace(new).is_some() {
                return Err(DataError::Argument {
                    what: "filter_classes",
                    problem: format!("class {class} is named twice in {classes:?}"),
                });
            }
        }
        let kept: Vec<usize> = (0..self.len())
            .filter(|&i| renumbered[self.labels[i]].is_some())
            .collect();
        let mut set = self.select(&kept)?;
        for label in &mut set.labels {
            *label = renumbered[*label].expect("kept labels have a new number");
        }
        set.classes = classes.iter().map(|&c| self.classes[c].clone()).collect();
        Ok(set)
    }

    /// `per_class` images of each class, drawn by `seed`, in shuffled order.
    ///
    /// # Errors
    /// If a class has fewer.
    pub fn balanced(&self, per_class: usize, seed: u64) -> Result<Self> {
        let mut chosen = Vec::with_capacity(per_class * self.classes.len());
        for (class, name) in self.classes.iter().enumerate() {
            let of_class = self.indices_of(class);
            if of_class.len() < per_class {
                return Err(DataError::Argument {
                    what: "balanced",
                    problem: format!(
                        "class {class} ({name}) of {} has {} images, fewer than the {per_class} asked for",
                        self.name,
                        of_class.len()
                    ),
                });
            }
            let order = Draw::new(seed, class as u64 + 1).permutation(of_class.len());
            chosen.extend(order[..per_class].iter().map(|&i| of_class[i]));
        }
        let order = Draw::new(seed, 0).permutation(chosen.len());
        self.select(&order.iter().map(|&i| chosen[i]).collect::<Vec<_>>())
    }

    /// These images followed by `other`'s.
    ///
    /// # Errors
    /// If the images differ in shape, or the classes in name or order.
    pub fn concat(&self, other: &Self) -> Result<Self> {
        if self.image_shape() != other.image_shape() {
            return Err(DataError::Shape {
                what: format!("images of {} to follow those of {}", other.name, self.name),
                expected: format!("{:?} each", self.image_shape()),
                got: other.image_shape().to_vec(),
            });
        }
        if self.classes != other.classes {
            return Err(DataError::Argument {
                what: "concat",
                problem: format!(
                    "the classes differ: {:?} in {}, {:?} in {}",
                    self.classes, self.name, other.classes, other.name
                ),
            });
        }
        let images = concatenate(Axis(0), &[self.images.view(), other.images.view()])
            .expect("shapes were compared above");
        Ok(Self {
            name: self.name.clone(),
            images,
            labels: [&self.labels[..], &other.labels[..]].concat(),
            classes: self.classes.clone(),
        })
    }

    /// Images as rows of a matrix `[N, C*H*W]`, for models that know no geometry.
    pub fn flattened(&self) -> ndarray::Array2<f32> {
        let shape = (self.len(), self.pixels());
        self.images
            .to_shape(shape)
            .expect("N x CHW numbers, whatever the order in memory")
            .to_owned()
            .into_owned()
    }

    /// The mean image, shape `[C, H, W]`.
    ///
    /// # Errors
    /// If there is no image.
    pub fn mean_image(&self) -> Result<Array3<f32>> {
        self.check_not_empty("a mean image")?;
        let images = self.images4()?;
        let mut sum = Array3::<f64>::zeros(self.image_shape());
        for image in images.outer_iter() {
            sum.zip_mut_with(&image, |s, &x| *s += f64::from(x));
        }
        Ok(sum.mapv(|s| (s / self.len() as f64) as f32))
    }

    pub(crate) fn check_not_empty(&self, what: &'static str) -> Result<()> {
        match self.is_empty() {
            true => Err(DataError::Empty {
                name: self.name.clone(),
                what,
            }),
            false => Ok(()),
        }
    }

    fn check_class(&self, class: usize) -> Result<()> {
        match class < self.classes.len() {
            true => Ok(()),
            false => Err(DataError::Argument {
                what: "class",
                problem: format!(
                    "{} has no class {class}: its {} classes are {:?}",
                    self.name,
                    self.classes.len(),
                    self.classes
                ),
            }),
        }
    }

    fn out_of_range(&self, what: &'static str, wanted: usize) -> DataError {
        DataError::OutOfRange {
            what,
            wanted,
            len: self.len(),
            dataset: self.name.clone(),
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [c, h, w] = self.image_shape();
        write!(
            f,
            "{}: {} images of {c}x{h}x{w}, {} classes",
            self.name,
            self.len(),
            self.classes.len()
        )
    }
}

/// An `[N, C, H, W]` array as the `ArrayD` a [`Dataset`] holds.
pub(crate) fn images_from(pixels: Vec<f32>, shape: [usize; 4]) -> ArrayD<f32> {
    Array4::from_shape_vec(shape, pixels)
        .expect("callers count their pixels")
        .into_dyn()
}
