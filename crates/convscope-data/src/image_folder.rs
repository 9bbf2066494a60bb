//! Photographs with classes: a folder for each class, or a list that names the class of every file.

mod labels;

use crate::dataset::{Dataset, images_from};
use crate::error::{DataError, Result};
use crate::photo::Photo;
use crate::photo_set::PhotoSet;
use crate::preprocessing::Preprocessing;
use labels::{disagree, read_labels};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A [`PhotoSet`] whose photographs have classes. They are opened one by one, and when asked for.
///
/// ```no_run
/// use convscope_data::{ImageFolder, Preprocessing};
/// // people/ada/1.jpg, people/ada/2.jpg, people/emmy/1.jpg, ...
/// let people = ImageFolder::open("people")?;
/// let loaded = people.dataset(&Preprocessing::torchvision(224))?;
/// println!("{loaded}");
/// let parts = loaded.dataset.sized_parts([2000, 400, 400], 1)?;
/// # Ok::<(), convscope_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImageFolder {
    photos: PhotoSet,
    labels: Vec<usize>,
    classes: Vec<String>,
    root: PathBuf,
    strict: bool,
    skipped: Vec<Skipped>,
}

/// A file that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path in the folder, without the ending.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// The photographs of a folder, of one size, and what could not be read.
#[derive(Clone, Debug)]
pub struct LoadedFolder {
    /// The images as the preprocessing makes them.
    pub dataset: Dataset,
    /// The name of each image.
    pub names: Vec<String>,
    /// Files that are not among them.
    pub skipped: Vec<Skipped>,
}

impl fmt::Display for LoadedFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dataset)?;
        if !self.skipped.is_empty() {
            write!(f, "\nskipped {}:", self.skipped.len())?;
        }
        self.skipped.iter().try_for_each(|s| write!(f, "\n  {s}"))
    }
}

impl ImageFolder {
    /// A folder with a folder for each class, or such a one in a tar archive (not compressed).
    /// Classes are numbered in the order of their names; pictures in folders below belong to them
    /// too. Folders whose name begins with a dot are no classes, and pictures that stand in none are
    /// skipped.
    ///
    /// # Errors
    /// If the folder cannot be read, has no class or only one, or a class has no picture.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.is_file() {
            return Self::sorted(PhotoSet::tar(path)?, "", path, BTreeSet::new());
        }
        let mut folders = BTreeSet::new();
        for entry in fs::read_dir(path).map_err(DataError::io("read", path))? {
            let entry = entry.map_err(DataError::io("read", path))?;
            if entry.path().is_dir() {
                folders.insert(entry.file_name().to_string_lossy().into_owned());
            }
        }
        folders.retain(|name| !is_hidden(name));
        if folders.is_empty() {
            return Err(wrong(
                path,
                "there is no class in it; expected a folder for each class",
            ));
        }
        Self::sorted(PhotoSet::folder(path)?, "", path, folders)
    }

    /// Those photographs whose name begins with these words; the folder after them is the class:
    /// `ImageFolder::of(&ants_bees()?, "train/")` has the classes ants and bees.
    ///
    /// # Errors
    /// If there is no class or only one.
    pub fn of(photos: &PhotoSet, beginning: &str) -> Result<Self> {
        let root = PathBuf::from(format!("photographs under \"{beginning}\""));
        Self::sorted(photos.under(beginning), beginning, &root, BTreeSet::new())
    }

    /// The pictures of a folder (those of its folders included) with a file that says their classes:
    /// a line `file,class` for each, the file by its path in the folder, with or without the ending.
    /// Empty lines and those that begin with `#` do not count.
    ///
    /// # Errors
    /// If the two disagree: a picture without a line, a line without a picture, two lines for one, or
    /// two pictures for one; if a line is none of that kind; or as [`open`](Self::open).
    pub fn labelled(path: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (path, file) = (path.as_ref(), labels.as_ref());
        let photos = PhotoSet::folder(path)?;
        let bytes = fs::read(file).map_err(DataError::io("read", file))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong(file, "it is no text in UTF-8"))?;
        let named = read_labels(&text, file)?;
        let mut known = BTreeSet::new();
        for name in photos.names() {
            if !known.insert(name.as_str()) {
                let problem = format!("there are two pictures called {name}, with other endings");
                return Err(wrong(path, &problem));
            }
        }
        let unknown = named.keys().filter(|n| !known.contains(n.as_str()));
        disagree(file, "labels files that are not in the folder", unknown)?;
        let bare = photos.names().iter().filter(|n| !named.contains_key(*n));
        disagree(file, "has no label for pictures of the folder", bare)?;
        let of = |name: &String| named[name].clone();
        let classes: Vec<String> = photos.names().iter().map(of).collect();
        Self::assemble(photos, classes, path)
    }

    /// Refuses what it would skip.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    fn sorted(
        photos: PhotoSet,
        beginning: &str,
        root: &Path,
        folders: BTreeSet<String>,
    ) -> Result<Self> {
        let class = |name: &str| {
            let (class, _) = name.strip_prefix(beginning)?.split_once(['/', '\\'])?;
            (!is_hidden(class)).then(|| class.to_owned())
        };
        let (mut kept, mut classes, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        for (i, name) in photos.names().iter().enumerate() {
            match class(name) {
                Some(class) => {
                    kept.push(i);
                    classes.push(class);
                }
                None if name.split(['/', '\\']).any(is_hidden) => {}
                None => skipped.push(Skipped {
                    name: name.clone(),
                    reason: "it stands in no class's folder".into(),
                }),
            }
        }
        if let Some(empty) = folders.iter().find(|f| !classes.contains(f)) {
            let problem = format!("class \"{empty}\" has no picture in it");
            return Err(wrong(root, &problem));
        }
        let mut folder = Self::assemble(photos.select(&kept), classes, root)?;
        folder.skipped = skipped;
        Ok(folder)
    }

    fn assemble(photos: PhotoSet, of_each: Vec<String>, root: &Path) -> Result<Self> {
        let classes: BTreeSet<&String> = of_each.iter().collect();
        let classes: Vec<String> = classes.into_iter().cloned().collect();
        let problem = match &classes[..] {
            [] => "there is no class in it; expected a folder for each class".to_owned(),
            [one] => format!(
                "there is one class in it, \"{one}\"; expected at least two to tell apart. Is it the \
                 folder above that you mean?"
            ),
            _ => {
                let place = |class| classes.binary_search(class).expect("one of them");
                return Ok(Self {
                    labels: of_each.iter().map(place).collect(),
                    photos,
                    classes,
                    root: root.to_owned(),
                    strict: false,
                    skipped: Vec::new(),
                });
            }
        };
        Err(wrong(root, &problem))
    }

    /// How many photographs there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none; never so for one that was opened.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Their names: paths in the folder without the ending.
    pub fn names(&self) -> &[String] {
        self.photos.names()
    }

    /// One class index for each.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The classes' names, by index.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The photographs without their classes.
    pub fn photos(&self) -> &PhotoSet {
        &self.photos
    }

    /// How many photographs each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.labels.iter().for_each(|&l| counts[l] += 1);
        counts
    }

    /// What was left out so far.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// One of them, decoded now.
    ///
    /// # Errors
    /// When there is none of that number, or the file is no picture.
    pub fn photo(&self, index: usize) -> Result<Photo> {
        self.photos.open(index)
    }

    /// Those of these numbers, in this order; the classes stay.
    ///
    /// # Errors
    /// If there are not that many.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        if let Some(&wanted) = indices.iter().find(|i| **i >= self.len()) {
            return Err(DataError::OutOfRange {
                what: "photograph",
                wanted,
                len: self.len(),
                dataset: self.root.display().to_string(),
            });
        }
        Ok(Self {
            photos: self.photos.select(indices),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            ..self.clone()
        })
    }

    /// Opens every file and keeps those that can be read, for work that cannot stop in the middle;
    /// [`skipped`](Self::skipped) then lists the others.
    ///
    /// # Errors
    /// If [`strict`](Self::strict) and one cannot be read or was skipped before, or if a class has
    /// none that can.
    pub fn readable(&self) -> Result<Self> {
        let mut kept = Vec::new();
        let skipped = self.each(|i, _| {
            kept.push(i);
            Ok(())
        })?;
        let kept = self.select(&kept)?;
        Ok(Self { skipped, ..kept })
    }

    /// All photographs as a preprocessing makes them, decoded one after the other. Files that cannot
    /// be read are skipped and listed.
    ///
    /// # Errors
    /// If [`strict`](Self::strict) and one cannot be read or was skipped before, if a class has none
    /// that can, if the preprocessing makes no sense or its results differ in size.
    pub fn dataset(&self, preprocessing: &Preprocessing) -> Result<LoadedFolder> {
        preprocessing.check()?;
        let (mut pixels, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let mut shape: Option<(usize, usize, usize)> = None;
        let skipped = self.each(|i, photo| {
            let image = preprocessing.apply(photo)?;
            let expected = *shape.get_or_insert(image.dim());
            if image.dim() != expected {
                return Err(DataError::Shape {
                    what: format!("photograph {} of {}", photo.name, self.root.display()),
                    expected: format!("{expected:?}, as the first (give a crop or an exact size)"),
                    got: image.shape().to_vec(),
                });
            }
            pixels.extend(image.iter());
            labels.push(self.labels[i]);
            names.push(photo.name.clone());
            Ok(())
        })?;
        let (c, h, w) = shape.unwrap_or_default();
        let name = self.root.file_stem().unwrap_or(self.root.as_os_str());
        let images = images_from(pixels, [labels.len(), c, h, w]);
        let name = name.to_string_lossy();
        Ok(LoadedFolder {
            dataset: Dataset::new(name, images, labels, self.classes.clone())?,
            names,
            skipped,
        })
    }

    /// Calls a function with every photograph that can be read; the list of the others, and of those
    /// that were skipped before.
    fn each(&self, mut call: impl FnMut(usize, &Photo) -> Result<()>) -> Result<Vec<Skipped>> {
        if let Some(first) = self.skipped.first().filter(|_| self.strict) {
            return Err(wrong(
                &self.root,
                &format!("refused, as asked for: {first}"),
            ));
        }
        let mut skipped = self.skipped.clone();
        let mut counts = vec![0; self.classes.len()];
        for i in 0..self.len() {
            match self.photo(i) {
                Ok(photo) => {
                    call(i, &photo)?;
                    counts[self.labels[i]] += 1;
                }
                Err(error) if self.strict => return Err(error),
                Err(error) => skipped.push(Skipped {
                    name: self.names()[i].clone(),
                    reason: error.to_string(),
                }),
            }
        }
        // A selection may have left a class out on purpose.
        let before = self.class_counts();
        match (0..counts.len()).find(|&k| counts[k] == 0 && before[k] > 0) {
            None => Ok(skipped),
            Some(class) => Err(wrong(
                &self.root,
                &format!(
                    "none of the {} pictures of class \"{}\" can be read; the last: {}",
                    before[class],
                    self.classes[class],
                    skipped.last().map(Skipped::to_string).unwrap_or_default()
                ),
            )),
        }
    }
}

impl fmt::Display for ImageFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} photographs", self.root.display(), self.len())?;
        for (class, count) in self.classes.iter().zip(self.class_counts()) {
            write!(f, ", {count} of {class}")?;
        }
        match self.skipped.len() {
            0 => Ok(()),
            n => write!(f, "; {n} skipped"),
        }
    }
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX"
}

fn wrong(path: &Path, problem: &str) -> DataError {
    DataError::Photo {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}
