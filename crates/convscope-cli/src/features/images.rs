//! What DATA means: folders, files, or a set of the registry.

use super::Args;
use crate::model::fetch_set;
use crate::output::{either, nearest, say};
use crate::subject::PICTURES;
use anyhow::{Context, Result, bail};
use convscope_data::{
    Dataset, FetchOptions, ImageFolder, Photo, PhotoSet, ants_bees, cifar10_with, mnist_with,
    photos,
};
use convscope_transfer::{ArrayFile, LabelledPhotos, RecordFile, Result as TransferResult, Source};
use std::fs;
use std::path::{Path, PathBuf};

/// The sets of the registry that have images in them.
const SETS: [&str; 5] = [
    "cifar10",
    "cifar10-first4000",
    "mnist",
    "ants_bees",
    "photos",
];

/// Where the images are, as far as names tell.
pub enum Place {
    Folder(PathBuf),
    Archive(PathBuf),
    Records(PathBuf),
    Array(PathBuf),
    Photos(Vec<PathBuf>),
    Set(&'static str),
}

/// Images, and what was left out from the beginning, in words.
pub struct Found {
    pub source: Box<dyn Source>,
    pub left_out: Vec<String>,
}

impl Found {
    fn of(source: impl Source + 'static) -> Result<Found> {
        Ok(Found {
            source: Box::new(source),
            left_out: Vec::new(),
        })
    }
}

impl Place {
    /// Says what is wrong with names before weights are fetched for them.
    pub fn find(args: &Args) -> Result<Place> {
        let place = match &args.data[..] {
            [one] => Place::of(one)?,
            several => {
                for path in several {
                    if !path.is_file() {
                        bail!(
                            "{}: of several DATA, each is a photo, and this is {}",
                            path.display(),
                            match path.is_dir() {
                                true => "a folder",
                                false => "not there",
                            }
                        );
                    }
                }
                Place::Photos(several.to_vec())
            }
        };
        let shown = args.data[0].display();
        match (&place, args.no_preprocess) {
            (Place::Array(_), false) => {
                bail!("{shown} is an array: --no-preprocess feeds it to the network as it is")
            }
            (Place::Array(_), true) | (_, false) => {}
            (_, true) => bail!("--no-preprocess is for arrays in .npy files, and {shown} is none"),
        }
        if args.part.is_some() && !matches!(place, Place::Set(_)) {
            bail!("--part is for data sets by name, and {shown} is none");
        }
        if args.unlabelled && !matches!(place, Place::Folder(_) | Place::Archive(_)) {
            bail!("--unlabelled is for folders, and {shown} is none");
        }
        if args.labelled_by.is_some() && !matches!(place, Place::Folder(_)) {
            bail!("--labelled-by is for folders, and {shown} is none");
        }
        Ok(place)
    }

    fn of(path: &Path) -> Result<Place> {
        if path.is_dir() {
            return Ok(Place::Folder(path.to_owned()));
        }
        if !path.exists() {
            let name = path.to_string_lossy();
            return match SETS.iter().find(|set| **set == name) {
                Some(set) => Ok(Place::Set(set)),
                None => {
                    let near = nearest(&name, SETS.into_iter(), 2);
                    bail!(
                        "{name}: there is no such folder or file, and no data set of that name \
                         (such as {})",
                        either(&near)
                    )
                }
            };
        }
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        Ok(match ending.to_str().unwrap_or_default() {
            "npy" => Place::Array(path.to_owned()),
            "bin" => Place::Records(path.to_owned()),
            "tar" => Place::Archive(path.to_owned()),
            "txt" => Place::Photos(listed(path)?),
            other if PICTURES.contains(&other) => Place::Photos(vec![path.to_owned()]),
            _ => bail!(
                "{}: expected a folder, photos, a list of them (.txt), a .tar archive, CIFAR-10's \
                 .bin, or a .npy array",
                path.display()
            ),
        })
    }

    /// The images, opened as far as their names and labels.
    pub fn open(&self, args: &Args) -> Result<Found> {
        match self {
            Place::Folder(path) if args.unlabelled => unlabelled(path, PhotoSet::folder(path)?),
            Place::Folder(path) => match &args.labelled_by {
                Some(labels) => labelled(path, ImageFolder::labelled(path, labels)?),
                None if has_folders(path)? => by_class(path),
                None => unlabelled(path, PhotoSet::folder(path)?),
            },
            Place::Archive(path) if args.unlabelled => unlabelled(path, PhotoSet::tar(path)?),
            Place::Archive(path) => by_class(path),
            Place::Records(path) => Found::of(RecordFile::open(path)?),
            Place::Array(path) => Found::of(ArrayFile::open(path)?),
            Place::Photos(paths) => Found::of(Files(paths.clone())),
            Place::Set(name) => set(name, args.part.as_deref(), args.choice.offline),
        }
    }
}

/// The paths in a list; they are relative to its folder.
fn listed(list: &Path) -> Result<Vec<PathBuf>> {
    let text = fs::read_to_string(list);
    let text = text.with_context(|| format!("cannot read the list {}", list.display()))?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(str::trim);
    let paths = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let paths: Vec<PathBuf> = paths.map(|line| folder.join(line)).collect();
    match paths.is_empty() {
        true => bail!("the list {} names no photo", list.display()),
        false => Ok(paths),
    }
}

fn has_folders(path: &Path) -> Result<bool> {
    let read = || format!("cannot read the folder {}", path.display());
    for entry in fs::read_dir(path).with_context(read)? {
        let entry = entry.with_context(read)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_dir() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What images are called: the last part of their place, from wherever it is said.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let last = whole.file_name().unwrap_or(whole.as_os_str());
    last.to_string_lossy().into_owned()
}

fn by_class(path: &Path) -> Result<Found> {
    let folder = ImageFolder::open(path);
    labelled(
        path,
        folder.context("--unlabelled takes pictures wherever they lie")?,
    )
}

fn labelled(path: &Path, folder: ImageFolder) -> Result<Found> {
    Ok(Found {
        left_out: folder.skipped().iter().map(ToString::to_string).collect(),
        source: Box::new(LabelledPhotos::new(
            name_of(path),
            folder.photos().clone(),
            folder.labels().to_vec(),
            folder.classes().to_vec(),
        )?),
    })
}

fn unlabelled(path: &Path, photos: PhotoSet) -> Result<Found> {
    let labels = vec![0; photos.len()];
    let classes = vec!["unlabelled".to_owned()];
    Found::of(LabelledPhotos::new(name_of(path), photos, labels, classes)?)
}

/// A set of the registry, fetched first if need be.
fn set(name: &str, part: Option<&str>, offline: bool) -> Result<Found> {
    let part_of = |there: &[&'static str]| -> Result<&'static str> {
        let wanted = part.unwrap_or("train");
        match (there.iter().find(|p| **p == wanted), there, part) {
            (Some(part), ..) => Ok(part),
            (None, [], None) => Ok(""),
            (None, [], Some(_)) => bail!("{name} has no parts: leave out --part"),
            (None, ..) => bail!(
                "there is no part \"{wanted}\" in {name}; it has {}",
                either(there)
            ),
        }
    };
    match name {
        "cifar10" => {
            let part = part_of(&["train", "test"])?;
            let fetched = fetch_set(name, offline)?;
            let mut options = FetchOptions::from_environment()?;
            // It is in the cache now, itself or its stand-in.
            (options.offline, options.mirror) = (true, None);
            let whole = cifar10_with(&options)?;
            let called = match &fetched.notice {
                None => "cifar10",
                Some(_) => {
                    say("note: these are CIFAR-10's images as JPEG, lossy");
                    "cifar10 as JPEG"
                }
            };
            Found::of(match part {
                "test" => Dataset {
                    name: format!("{called}, test"),
                    ..whole.test
                },
                _ => Dataset {
                    name: format!("{called}, train"),
                    ..whole.train
                },
            })
        }
        "mnist" => {
            let part = part_of(&["train", "test"])?;
            fetch_set(name, offline)?;
            let whole = mnist_with(FetchOptions::from_environment())?;
            if let Some(notice) = &whole.notice {
                bail!("{notice}");
            }
            let name = format!("mnist, {part}");
            Found::of(match part {
                "test" => Dataset { name, ..whole.test },
                _ => Dataset {
                    name,
                    ..whole.train
                },
            })
        }
        "cifar10-first4000" => {
            part_of(&[])?;
            let fetched = fetch_set(name, offline)?;
            Found::of(RecordFile::open(&fetched.paths[0])?)
        }
        "ants_bees" => {
            let part = part_of(&["train", "val"])?;
            fetch_set(name, offline)?;
            let photos = ants_bees()?.under(&format!("{part}/"));
            let name = format!("ants and bees, {part}");
            Found::of(LabelledPhotos::by_folder(name, photos)?)
        }
        _ => {
            part_of(&[])?;
            fetch_set(name, offline)?;
            unlabelled(Path::new(name), photos()?)
        }
    }
}

/// Photos named one by one.
struct Files(Vec<PathBuf>);

impl Source for Files {
    fn name(&self) -> String {
        format!("{} photos", self.0.len())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn image_name(&self, index: usize) -> String {
        self.0[index].display().to_string()
    }

    fn label(&self, _index: usize) -> usize {
        0
    }

    fn classes(&self) -> Vec<String> {
        vec!["unlabelled".into()]
    }

    fn open(&self, index: usize) -> TransferResult<Photo> {
        Ok(Photo::open(&self.0[index])?)
    }
}
