//! What is handed in: a file of weights, and a recipe beside it.

use crate::error::{ChallengeError, Result};
use crate::task::Task;
use convscope_data::write_atomic;
use convscope_nn::{Network, Tensor};
use convscope_search::Design;
use convscope_weights::{Format, Weights};
use ndarray::Axis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most letters of a name, and of what is said about the training.
const NAME: usize = 60;
const WORDS: usize = 4000;
/// The largest recipe in bytes.
const RECIPE: u64 = 64 * 1024;

/// How a network came about: what stands in the file `NAME.json` beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the network is called.
    pub name: String,
    /// Who made it.
    pub author: String,
    /// The network.
    pub design: Design,
    /// What is taken off every channel of an image with pixels between 0 and 1.
    pub mean: Vec<f32>,
    /// What it is then divided by.
    pub std: Vec<f32>,
    /// How it was trained, so that another could do it again: optimizer, rates, epochs, seed,
    /// augmentation.
    pub training: String,
    /// How long that took.
    pub seconds: f64,
}

/// The folder for submissions that a notebook writes, `data/challenge/mine` in the course's folder,
/// or in the folder that one is in where that is not the course's. It is made where there is none,
/// and is kept out of version control.
///
/// # Errors
/// When it cannot be made.
pub fn own_folder() -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(|e| ChallengeError::file(Path::new("."), e))?;
    let folder = course_above(&here)
        .unwrap_or(&here)
        .join("data")
        .join("challenge")
        .join("mine");
    std::fs::create_dir_all(&folder).map_err(|e| ChallengeError::file(&folder, e))?;
    Ok(folder)
}

fn course_above(start: &Path) -> Option<&Path> {
    start
        .ancestors()
        .find(|above| above.join("crates").join("convscope").is_dir())
}

/// A network that was handed in, read and found to be within the rules.
#[derive(Clone, Debug)]
pub struct Submission {
    /// How it came about.
    pub recipe: Recipe,
    /// The network with its weights.
    pub network: Network,
    /// The checksum of both files together: equal submissions are told by it.
    pub sha256: String,
}

impl Recipe {
    fn check(&self, task: &Task) -> Result<()> {
        let refuse = |words: String| Err(ChallengeError::Refused(words));
        for (what, text, most) in [
            ("the name", &self.name, NAME),
            ("the author", &self.author, NAME),
            ("the training", &self.training, WORDS),
        ] {
            let letters = text.chars().count();
            if text.trim().is_empty() || letters > most {
                return refuse(format!(
                    "{what} must have 1 to {most} letters, got {letters}"
                ));
            }
        }
        let plain = |text: &str| text.chars().all(|c| !c.is_control());
        if !plain(&self.name) || !plain(&self.author) {
            return refuse("name and author must be plain letters in one line".to_owned());
        }
        let [channels, ..] = task.input();
        if self.design.input != task.input() || self.design.classes != task.classes().len() {
            return refuse(format!(
                "the network must tell {} classes apart on images {:?}, this one {} on {:?}",
                task.classes().len(),
                task.input(),
                self.design.classes,
                self.design.input
            ));
        }
        if self.mean.len() != channels || self.std.len() != channels {
            return refuse(format!(
                "mean and std must have {channels} numbers each, one a channel, got {} and {}",
                self.mean.len(),
                self.std.len()
            ));
        }
        let numbers = self.mean.iter().chain(&self.std);
        if !numbers.copied().all(f32::is_finite) || self.std.iter().any(|&s| s <= 0.0) {
            return refuse(format!(
                "mean must be finite and std more than 0, got {:?} and {:?}",
                self.mean, self.std
            ));
        }
        if !self.seconds.is_finite() || self.seconds < 0.0 {
            return refuse(format!(
                "the seconds of training must be at least 0, got {}",
                self.seconds
            ));
        }
        task.budget.check(&self.design)?;
        let most = task.budget.training_seconds;
        if self.seconds > most as f64 {
            return Err(ChallengeError::Budget {
                what: "seconds of training",
                most,
                got: self.seconds.ceil() as u64,
            });
        }
        Ok(())
    }

    /// An image as the network wants it: pixels between 0 and 1, less the mean, divided by the
    /// deviation, channel by channel. For a batch `[N, C, H, W]`.
    pub fn prepared(&self, images: &Tensor) -> Tensor {
        let mut images = images.clone();
        for (c, mut channel) in images.axis_iter_mut(Axis(1)).enumerate() {
            let (mean, std) = (self.mean[c], self.std[c]);
            channel.mapv_inplace(|v| (v - mean) / std);
        }
        images
    }
}

impl Submission {
    /// Writes a network to be handed in: `path` gets the weights as safetensors, and the file of the
    /// same name that ends in `.json` the recipe. Breaking a rule is told here, not only when it is
    /// handed in.
    ///
    /// # Errors
    /// When the recipe breaks a rule, the network is not of the recipe's design, or a file cannot be
    /// written.
    pub fn write(
        path: impl AsRef<Path>,
        task: &Task,
        recipe: &Recipe,
        network: &Network,
    ) -> Result<()> {
        let path = weights_path(path.as_ref())?;
        recipe.check(task)?;
        let mut weights = Weights::new();
        for (name, tensor) in network.parameters().into_iter().chain(network.buffers()) {
            weights
                .insert(name, tensor.clone())
                .map_err(|e| ChallengeError::file(path, e))?;
        }
        loaded(&recipe.design, &weights, path)?;
        weights
            .write_safetensors(path)
            .map_err(|e| ChallengeError::file(path, e))?;
        let json = serde_json::to_string_pretty(recipe).expect("names and numbers");
        let beside = path.with_extension("json");
        write_atomic(&beside, json.as_bytes()).map_err(|e| ChallengeError::file(&beside, e))
    }

    /// Reads what was handed in, and checks it against the rules before anything of it is run:
    /// nothing but numbers and a description is taken, of limited size, whatever the files hold.
    ///
    /// # Errors
    /// When a file is missing, too large or not what it should be, the recipe breaks a rule, or the
    /// weights are not those of its design.
    pub fn read(path: impl AsRef<Path>, task: &Task) -> Result<Submission> {
        let path = weights_path(path.as_ref())?;
        let beside = path.with_extension("json");
        let text = bounded(&beside, RECIPE)?;
        let recipe: Recipe = serde_json::from_slice(&text)
            .map_err(|e| ChallengeError::file(&beside, format!("is no recipe: {e}")))?;
        recipe.check(task)?;
        // Four bytes a number, as many again for batch norm's buffers at the most, and the names.
        let most = 8 * task.budget.parameters + RECIPE;
        let bytes = bounded(path, most)?;
        let weights =
            Weights::from_bytes(&bytes, path).map_err(|e| ChallengeError::file(path, e))?;
        let network = loaded(&recipe.design, &weights, path)?;
        let mut hash = Sha256::new();
        hash.update(&bytes);
        hash.update(&text);
        let sha256 = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Ok(Submission {
            recipe,
            network,
            sha256,
        })
    }
}

fn weights_path(path: &Path) -> Result<&Path> {
    match path.extension().is_some_and(|e| e == "safetensors") {
        true => Ok(path),
        false => Err(ChallengeError::file(
            path,
            "a submission is a file of weights that ends in .safetensors, with its recipe beside it in a file of the same name that ends in .json",
        )),
    }
}

/// What a plain file holds, if that is not too much.
fn bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| ChallengeError::file(path, format!("cannot be read: {e}"));
    // (Opening a pipe would wait for a writer.)
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(ChallengeError::file(path, "is not a plain file"));
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(most + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > most {
        true => Err(ChallengeError::file(
            path,
            format!(
                "may have at most {most} bytes, and has {}",
                found.len().max(most + 1)
            ),
        )),
        false => Ok(bytes),
    }
}

/// A network of this design with these weights, all of them, and no others.
fn loaded(design: &Design, weights: &Weights, path: &Path) -> Result<Network> {
    let failed = |problem: String| Err(ChallengeError::file(path, problem));
    if weights.format().is_some_and(|f| f != Format::Safetensors) {
        return failed("is no file of safetensors, whatever its name says".to_owned());
    }
    let mut network = design.build(0)?;
    let owned = |list: Vec<(String, &Tensor)>| -> Vec<(String, Vec<usize>)> {
        list.into_iter()
            .map(|(n, t)| (n, t.shape().to_vec()))
            .collect()
    };
    let parameters = owned(network.parameters());
    let buffers = owned(network.buffers());
    let all: Vec<_> = parameters.iter().chain(&buffers).cloned().collect();
    if weights.integers().len() > 0 {
        return failed("holds integers, and the design has none".to_owned());
    }
    if let Err(mismatch) = weights.fits(&all).into_result() {
        return failed(format!(
            "its weights are not those of the design: {mismatch}"
        ));
    }
    for (name, tensor) in weights.iter() {
        if let Some(value) = tensor.iter().find(|v| !v.is_finite()) {
            return failed(format!("\"{name}\" holds {value}: expected finite numbers"));
        }
    }
    for (name, _) in &parameters {
        let value = weights.get(name).cloned().expect("it fits");
        network.set_parameter(name, value)?;
    }
    for (name, _) in &buffers {
        let value = weights.get(name).cloned().expect("it fits");
        network.set_buffer(name, value)?;
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notebooks_submissions_go_into_the_courses_folder() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("notebooks").join("solutions");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(course_above(&deep), None);
        std::fs::create_dir_all(folder.path().join("crates/convscope")).unwrap();
        assert_eq!(course_above(&deep), Some(folder.path()));
        // This crate's tests run in the course's folder.
        let own = own_folder().unwrap();
        assert!(own.ends_with("data/challenge/mine") && own.is_dir());
    }
}
