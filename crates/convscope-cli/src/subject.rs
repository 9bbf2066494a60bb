//! What is shown to a network: a photo, or an array that goes in as it is.

use crate::output::{either, say};
use anyhow::{Context, Result, bail};
use convscope_data::Photo;
use convscope_nn::Tensor;
use convscope_vis::render::{numbers_as_picture, photo};
use convscope_weights::Weights;
use convscope_zoo::Model;
use image::RgbImage;
use ndarray::{ArrayView3, Axis, Ix4};
use std::fs;
use std::path::{Path, PathBuf};

/// How files of pictures end.
pub const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// How an input is read.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Reading {
    /// Feed .npy arrays [C, H, W] to the network as they are, without preprocessing
    #[arg(long)]
    pub no_preprocess: bool,
}

/// One input of a network.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The file's name without its ending.
    pub name: String,
    /// As the network takes it, `[1, C, H, W]`.
    pub tensor: Tensor,
    /// The same for the eye.
    pub shown: RgbImage,
    /// The shape that the user gave, in which raw results are written.
    pub shape: Vec<usize>,
}

impl Reading {
    /// Says what is wrong with paths before weights are fetched for them.
    pub fn check(self, paths: &[PathBuf]) -> Result<()> {
        for path in paths {
            if !path.exists() {
                bail!("{}: there is no such file", path.display());
            }
            let array = ending(path) == "npy";
            if array && !self.no_preprocess {
                bail!(
                    "{} is an array: --no-preprocess feeds it to the network as it is",
                    path.display()
                );
            }
            if self.no_preprocess && !array {
                bail!(
                    "--no-preprocess is for arrays in .npy files, and {} is none (`--preprocessing \
                     none` only brings a photo to size)",
                    path.display()
                );
            }
        }
        Ok(())
    }

    /// The input in a file.
    pub fn read(self, model: &Model, path: &Path) -> Result<Subject> {
        let name = path.file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let (tensor, shape) = match self.no_preprocess {
            true => array(path)?,
            false => {
                let read = Photo::open(path)?;
                let image = model.preprocessing.apply(&read);
                let image = image.with_context(|| path.display().to_string())?;
                let tensor = image.into_dyn().insert_axis(Axis(0));
                let shape = tensor.shape().to_vec();
                (tensor, shape)
            }
        };
        let expected = model.network.input_shape();
        if tensor.shape()[1..] != *expected {
            bail!(
                "{}: the network {} takes {expected:?}, got {:?}",
                path.display(),
                model.name,
                &tensor.shape()[1..]
            );
        }
        let shown = picture(model, &tensor, self.no_preprocess)?;
        Ok(Subject {
            name,
            tensor,
            shown,
            shape,
        })
    }
}

/// The network's input for the eye.
fn picture(model: &Model, tensor: &Tensor, raw: bool) -> Result<RgbImage> {
    let four = tensor.view().into_dimensionality::<Ix4>();
    let four = four.context("images have four dimensions")?;
    let one = four.index_axis(Axis(0), 0);
    // Who prepared an array for the network prepared it, most likely, as the network's photos are.
    if model.preprocessing.channels.count() == one.dim().0
        && let Ok(pixels) = model.preprocessing.pixels(one)
        && (!raw || pixels.iter().all(|v| (-0.02..=1.02).contains(v)))
    {
        return Ok(photo(&model.preprocessing, one)?);
    }
    Ok(numbers_as_picture(one)?)
}

/// An image `[C, H, W]` in the network's units for the eye.
pub fn for_the_eye(model: &Model, image: ArrayView3<'_, f32>) -> Result<RgbImage> {
    match model.preprocessing.channels.count() == image.dim().0 {
        true => Ok(photo(&model.preprocessing, image)?),
        false => Ok(numbers_as_picture(image)?),
    }
}

/// The first images of a batch `[N, C, H, W]` for the eye.
pub fn all_for_the_eye(model: &Model, images: &Tensor) -> Result<Vec<RgbImage>> {
    let four = images.view().into_dimensionality::<Ix4>();
    let four = four.context("images have four dimensions")?;
    four.outer_iter()
        .map(|one| for_the_eye(model, one))
        .collect()
}

/// Several inputs as one batch `[N, C, H, W]`.
pub fn batch(subjects: &[Subject]) -> Result<Tensor> {
    let views: Vec<_> = subjects.iter().map(|s| s.tensor.view()).collect();
    Ok(ndarray::concatenate(Axis(0), &views)?)
}

/// An array `[H, W]`, `[C, H, W]` or `[1, C, H, W]`, as a batch, and its own shape.
fn array(path: &Path) -> Result<(Tensor, Vec<usize>)> {
    let weights = Weights::read(path)?;
    let Some((_, found)) = weights.iter().next() else {
        bail!(
            "{} holds whole numbers; the network takes 32-bit floats",
            path.display()
        );
    };
    let shape = found.shape().to_vec();
    let tensor = match *shape.as_slice() {
        [_, _] => found.clone().insert_axis(Axis(0)).insert_axis(Axis(0)),
        [_, _, _] => found.clone().insert_axis(Axis(0)),
        [1, _, _, _] => found.clone(),
        _ => bail!(
            "{}: expected one image, [C, H, W] or [1, C, H, W], got {shape:?}",
            path.display()
        ),
    };
    Ok((tensor, shape))
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ending.to_string_lossy().into_owned()
}

/// The photo itself, or those in a folder and in its folders, in the order of their names.
pub fn photos_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.exists() {
        bail!("{}: there is no such file or folder", path.display());
    }
    if !path.is_dir() {
        // Whether it is a photo is found out when it is opened.
        return Ok(vec![path.to_owned()]);
    }
    let mut found = in_folder(path)?;
    if found.is_empty() {
        bail!(
            "the folder {} has no photo in it; expected files that end in {}",
            path.display(),
            either(&PICTURES)
        );
    }
    found.sort();
    Ok(found)
}

fn in_folder(path: &Path) -> Result<Vec<PathBuf>> {
    let read = || format!("cannot read the folder {}", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(read)? {
        let file = entry.with_context(read)?.path();
        if PICTURES.contains(&ending(&file).as_str()) && file.is_file() {
            found.push(file);
        }
    }
    Ok(found)
}

/// The photos of a folder, or of the folders in it (a class each), and what each is called. `most`
/// limits how many are taken, evenly over all.
pub fn collection(path: &Path, most: Option<usize>) -> Result<Vec<(PathBuf, String)>> {
    if !path.is_dir() {
        bail!("{}: expected a folder of photos", path.display());
    }
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), String::new())];
    while let Some((folder, name)) = folders.pop() {
        found.extend(in_folder(&folder)?.into_iter().map(|f| (f, name.clone())));
        let inside = fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in inside.map(|e| e.path()).filter(|p| p.is_dir()) {
            let own = entry.file_name().unwrap_or_default().to_string_lossy();
            folders.push((entry.clone(), own.into_owned()));
        }
    }
    if found.is_empty() {
        bail!(
            "the folder {} has no photo in it; expected files that end in {}",
            path.display(),
            either(&PICTURES)
        );
    }
    found.sort();
    let count = found.len();
    match most {
        Some(0) => bail!("--limit is 0: expected at least one photo"),
        Some(most) if most < count => {
            say(&format!("taking {most} of {count} photos"));
            Ok((0..most).map(|i| found[i * count / most].clone()).collect())
        }
        _ => Ok(found),
    }
}

/// The photos of a collection that can be read, as the network takes them; the others are named.
pub fn load_all(model: &Model, files: &[(PathBuf, String)]) -> Result<Vec<Subject>> {
    let reading = Reading {
        no_preprocess: false,
    };
    let mut subjects = Vec::new();
    for (file, _) in files {
        match reading.read(model, file) {
            Ok(subject) => subjects.push(subject),
            Err(error) => say(&format!("warning: left out {}: {error:#}", file.display())),
        }
    }
    match subjects.is_empty() {
        true => bail!("none of the photos can be read"),
        false => Ok(subjects),
    }
}
