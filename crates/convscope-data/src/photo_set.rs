//! Sets of photographs that are opened one by one: memory does not grow with their number.

use crate::error::{DataError, Result};
use crate::fetch::fetched;
use crate::photo::Photo;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How the files of photographs end.
const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// Photographs in a folder or in a tar archive, by name and in the order of their names.
///
/// ```no_run
/// # fn main() -> Result<(), convscope_data::DataError> {
/// let set = convscope_data::photos()?;
/// let flamingo = set.photo("flamingo")?;
/// for i in 0..set.len() {
///     println!("{}: {:?}", set.names()[i], set.open(i)?.pixels.dim());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PhotoSet {
    names: Vec<String>,
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    /// A part of an archive.
    Part {
        archive: PathBuf,
        begin: u64,
        bytes: u64,
    },
}

/// The course's photographs, from the cache or a mirror: names without the ending
/// (`"flamingo"`).
///
/// # Errors
/// When they cannot be had.
pub fn photos() -> Result<PhotoSet> {
    PhotoSet::of_files(fetched("photos")?.paths)
}

/// Ants and bees: photographs named `train/ants/..`, `train/bees/..`, `val/ants/..`, `val/bees/..`.
///
/// # Errors
/// When they cannot be had.
pub fn ants_bees() -> Result<PhotoSet> {
    PhotoSet::tar(&fetched("ants_bees")?.paths[0])
}

impl PhotoSet {
    /// The pictures in a folder, those of its folders included, under their paths in it without the
    /// ending.
    ///
    /// # Errors
    /// When the folder cannot be read or has no picture in it.
    pub fn folder(path: impl AsRef<Path>) -> Result<PhotoSet> {
        let root = path.as_ref();
        let mut found = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).map_err(DataError::io("read", &folder))?;
            for entry in entries {
                let path = entry.map_err(DataError::io("read", &folder))?.path();
                let kind = fs::symlink_metadata(&path).map_err(DataError::io("read", &path))?;
                match kind.is_dir() {
                    true => folders.push(path),
                    false if is_picture(&path) => found.push(path),
                    false => {}
                }
            }
        }
        let named = found.into_iter().map(|path| {
            let inside = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            (inside.to_string_lossy().into_owned(), Place::File(path))
        });
        PhotoSet::sorted(named.collect(), root)
    }

    /// The pictures in a tar archive that is not compressed, under their paths in it without the
    /// ending. They are read where they stand: nothing is unpacked.
    ///
    /// # Errors
    /// When the archive cannot be read or has no picture in it.
    pub fn tar(path: impl AsRef<Path>) -> Result<PhotoSet> {
        let path = path.as_ref();
        let failed = || DataError::io("read", path);
        let file = File::open(path).map_err(failed())?;
        let mut named = Vec::new();
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries_with_seek().map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let inside = entry.path().map_err(failed())?.into_owned();
            if !entry.header().entry_type().is_file() || !is_picture(&inside) {
                continue;
            }
            let name = inside.with_extension("");
            let place = Place::Part {
                archive: path.to_owned(),
                begin: entry.raw_file_position(),
                bytes: entry.size(),
            };
            let name = name.to_string_lossy();
            named.push((name.trim_start_matches("./").to_owned(), place));
        }
        PhotoSet::sorted(named, path)
    }

    fn of_files(paths: Vec<PathBuf>) -> Result<PhotoSet> {
        let folder = paths.first().and_then(|p| p.parent()).map(Path::to_owned);
        let named = paths.into_iter().map(|path| {
            let stem = path.file_stem().unwrap_or_default();
            (stem.to_string_lossy().into_owned(), Place::File(path))
        });
        PhotoSet::sorted(named.collect(), &folder.unwrap_or_default())
    }

    fn sorted(mut named: Vec<(String, Place)>, whence: &Path) -> Result<PhotoSet> {
        if named.is_empty() {
            return Err(DataError::Photo {
                path: whence.to_owned(),
                problem: format!(
                    "there is no photograph in it; expected files that end in {}",
                    PICTURES.map(|p| format!(".{p}")).join(", ")
                ),
            });
        }
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let (names, places) = named.into_iter().unzip();
        Ok(PhotoSet { names, places })
    }

    /// Those whose name begins with these words, `"train/"`.
    #[must_use]
    pub fn under(&self, beginning: &str) -> PhotoSet {
        let all = self.names.iter().zip(&self.places);
        let kept = all.filter(|(name, _)| name.starts_with(beginning));
        let (names, places) = kept.map(|(n, p)| (n.clone(), p.clone())).unzip();
        PhotoSet { names, places }
    }

    /// Those of these numbers, which are all there.
    pub(crate) fn select(&self, indices: &[usize]) -> PhotoSet {
        let (names, places) = indices
            .iter()
            .map(|&i| (self.names[i].clone(), self.places[i].clone()))
            .unzip();
        PhotoSet { names, places }
    }

    /// Their names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// One of them by its place in the order.
    ///
    /// # Errors
    /// When there is none at that place, or the file is no picture.
    pub fn open(&self, index: usize) -> Result<Photo> {
        let Some(place) = self.places.get(index) else {
            return Err(DataError::Photo {
                path: format!("photograph {index}").into(),
                problem: format!("there are {} (0 to {})", self.len(), self.len().max(1) - 1),
            });
        };
        let mut photo = match place {
            Place::File(path) => Photo::open(path)?,
            Place::Part {
                archive,
                begin,
                bytes,
            } => {
                let failed = || DataError::io("read", archive);
                let mut file = File::open(archive).map_err(failed())?;
                file.seek(SeekFrom::Start(*begin)).map_err(failed())?;
                let mut content = Vec::new();
                file.take(*bytes)
                    .read_to_end(&mut content)
                    .map_err(failed())?;
                Photo::from_bytes(&self.names[index], &content)?
            }
        };
        photo.name.clone_from(&self.names[index]);
        Ok(photo)
    }

    /// One of them by its name.
    ///
    /// # Errors
    /// When there is none of that name (the error lists those there are), or the file is no
    /// picture.
    pub fn photo(&self, name: &str) -> Result<Photo> {
        match self.names.iter().position(|n| n == name) {
            Some(index) => self.open(index),
            None => Err(DataError::Photo {
                path: name.into(),
                problem: {
                    let some: Vec<&str> = self.names.iter().take(30).map(String::as_str).collect();
                    format!(
                        "there is no photograph of that name; there are {}",
                        some.join(", ")
                    )
                },
            }),
        }
    }
}

pub(crate) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    extension.to_str().is_some_and(|e| PICTURES.contains(&e))
}
