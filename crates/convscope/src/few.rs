//! CIFAR-10 in small, where its features are kept, and a plug to be pulled.

use crate::datasets::say;
use convscope_data::{Cache, DataError, Dataset, Photo, Shapes, ShapesConfig, cifar10, fetched};
use convscope_transfer::{Result as TransferResult, Source, TransferError, network_sha256};
use convscope_zoo::Model;
use std::fs;
use std::path::PathBuf;

/// How many images there are in small.
const IMAGES: usize = 4000;
/// How many of each class stand in for them, where the order of the images is another.
const EACH: usize = 400;

/// The first 4000 training images of CIFAR-10, `[4000, 3, 32, 32]`, pixels 0 to 1: 366 to 422 of each
/// of ten classes.
///
/// They come from a mirror that has them alone, else out of the whole archive. Where only the images
/// as JPEG are to be had, 400 of each class stand in for them, and where there are none, Shapes of the
/// same size; a notice in the output says so.
///
/// # Errors
/// When a file that is there is damaged, or the user asks for an end.
pub fn cifar10_small() -> Result<Dataset, DataError> {
    match fetched("cifar10-first4000") {
        Ok(found) => {
            let mut set = Dataset::read_cifar10(&found.paths[0])?;
            set.name = "cifar10, the first 4000".into();
            return Ok(set);
        }
        Err(DataError::Fetch { .. }) => {}
        Err(other) => return Err(other),
    }
    match cifar10() {
        Ok(whole) => {
            // Its first line says what they are; the rest why, with the addresses that were tried.
            say(whole.notice.as_deref().and_then(|n| n.lines().next()));
            let mut set = match whole.notice {
                None => whole.train.take(IMAGES)?,
                Some(_) => whole.train.balanced(EACH, 1)?,
            };
            set.name = "cifar10, 4000 images".into();
            Ok(set)
        }
        Err(DataError::Fetch { .. }) => {
            say(Some(
                "CIFAR-10 cannot be had here, so these are Shapes, which the course draws itself: \
                 eight classes in place of ten, and easier ones.",
            ));
            shapes_in_place()
        }
        Err(other) => Err(other),
    }
}

fn shapes_in_place() -> Result<Dataset, DataError> {
    // Classes are drawn: a few more, so that there are as many of each.
    let drawn = Shapes::generate(IMAGES + IMAGES / 4, &ShapesConfig::default(), 1)?.dataset;
    let mut set = drawn.balanced(IMAGES / Shapes::CLASSES.len(), 1)?;
    set.images.mapv_inplace(|v| v / 255.0);
    Ok(set)
}

/// A file for features of these images by this network, in the folder of fetched data: the same one
/// every time, so that what was made once is read the next time, and another one for other images or
/// weights.
///
/// # Errors
/// When there is no such folder and none can be made.
pub fn feature_file(name: &str, model: &Model, images: &Dataset) -> TransferResult<PathBuf> {
    let folder = Cache::locate()?.root().join("features");
    fs::create_dir_all(&folder).map_err(|e| TransferError::File {
        path: folder.clone(),
        problem: e.to_string(),
    })?;
    Ok(folder.join(file_name(name, model, images)))
}

fn file_name(name: &str, model: &Model, images: &Dataset) -> String {
    let network = network_sha256(&model.network);
    let data = Source::fingerprint(images);
    format!("{name}-{network:.8}-{data:.8}.npz")
}

/// Images that can be read up to one of them; there the plug is pulled. What is made of them breaks
/// off in the middle, as it does when a computer loses its power.
#[derive(Clone, Debug)]
pub struct Unplugged {
    set: Dataset,
    at: usize,
}

impl Unplugged {
    /// These images, of which image number `at` and those after it cannot be had.
    pub fn at(set: &Dataset, at: usize) -> Unplugged {
        Unplugged {
            set: set.clone(),
            at,
        }
    }
}

/// In everything but the pulled plug they are the images themselves.
impl Source for Unplugged {
    fn name(&self) -> String {
        Source::name(&self.set)
    }

    fn len(&self) -> usize {
        Source::len(&self.set)
    }

    fn image_name(&self, index: usize) -> String {
        self.set.image_name(index)
    }

    fn label(&self, index: usize) -> usize {
        self.set.label(index)
    }

    fn classes(&self) -> Vec<String> {
        Source::classes(&self.set)
    }

    fn open(&self, index: usize) -> TransferResult<Photo> {
        match index < self.at {
            true => self.set.open(index),
            false => Err(TransferError::Invalid(format!(
                "the plug was pulled at image {}",
                self.at
            ))),
        }
    }

    fn white(&self) -> TransferResult<f32> {
        self.set.white()
    }

    fn fingerprint(&self) -> String {
        self.set.fingerprint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convscope_data::InkDigits;
    use convscope_nn::{Conv2d, Flatten, Linear, Network};
    use convscope_transfer::{Extraction, Features};

    fn model(seed: u64) -> Model {
        let net = Network::input([1, 28, 28])
            .add("conv", Conv2d::new(2, 5))
            .add("flatten", Flatten)
            .add("fc", Linear::new(3))
            .build(seed)
            .unwrap();
        Model::guessed("small", net, "random weights".into()).unwrap()
    }

    #[test]
    fn what_the_pulled_plug_left_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("features.npz");
        let set = InkDigits::generate(40, 1);
        let model = model(1);
        let extraction = Extraction::of(&model).layer("conv").as_they_are().batch(4);
        let extraction = extraction.shard(8).quiet();
        let broken = Unplugged::at(&set, 21);
        let error = extraction.to_file(&broken, &path).unwrap_err().to_string();
        assert!(error.contains("pulled at image 21"), "{error}");
        assert!(!path.exists());
        let written = extraction.to_file(&set, &path).unwrap();
        assert_eq!((written.resumed, written.images), (16, 40));
        let kept = Features::read(&path).unwrap();
        let fresh = extraction.run(&set).unwrap();
        assert_eq!(kept[0].values, fresh[0].values);
        assert_eq!(kept[0].labels, set.labels);
    }

    #[test]
    fn a_feature_file_belongs_to_a_network_and_images() {
        let (set, other) = (InkDigits::generate(4, 1), InkDigits::generate(4, 2));
        let name = |seed, set: &Dataset| file_name("n", &model(seed), set);
        assert_eq!(name(1, &set), name(1, &set));
        assert_ne!(name(1, &set), name(2, &set));
        assert_ne!(name(1, &set), name(1, &other));
        assert_eq!(name(1, &set).len(), "n-12345678-12345678.npz".len());
    }

    #[test]
    fn what_stands_in_has_images_of_the_same_shape() {
        let set = shapes_in_place().unwrap();
        assert_eq!(set.images.shape(), [IMAGES, 3, 32, 32]);
        assert!(set.images.iter().all(|v| (0.0..=1.0).contains(v)));
        assert_eq!(set.class_counts(), [500; 8]);
    }
}
